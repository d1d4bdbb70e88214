//! A table that forgets what was not touched for longest, in constant time.
//!
//! Two tables take turns: when the newer one holds half of what is allowed, the older one is forgotten as a whole and the
//! newer takes its place. Whatever is changed moves to the newer. Deterministic: what is forgotten depends on the order
//! of changes alone.

use std::hash::Hash;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// A table that remembers at least half of its bound.
pub struct Generations<K, V> {
    half: usize,
    weigh: fn(&V) -> usize,
    newer: HashMap<K, V, FixedState>,
    newer_weight: usize,
    older: HashMap<K, V, FixedState>,
    older_weight: usize,
    forgotten: u64,
    /// How often the older table was forgotten.
    turns: u64,
}

impl<K: Hash + Eq + Clone, V: Default> Generations<K, V> {
    /// At most about `max`, as `weigh` counts it.
    pub fn new(max: usize, weigh: fn(&V) -> usize) -> Generations<K, V> {
        Generations {
            half: (max / 2).max(1),
            weigh,
            newer: HashMap::default(),
            newer_weight: 0,
            older: HashMap::default(),
            older_weight: 0,
            forgotten: 0,
            turns: 0,
        }
    }

    /// Another bound, from here on.
    pub fn set_max(&mut self, max: usize) {
        self.half = (max / 2).max(1);
    }

    /// What is remembered under a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.newer.get(key).or_else(|| self.older.get(key))
    }

    /// Whether a key was changed since the tables last took turns.
    pub fn is_in_newer(&self, key: &K) -> bool {
        self.newer.contains_key(key)
    }

    /// How often the tables have taken turns.
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// Changes what is remembered under a key; starts from the default if that is nothing.
    pub fn change<T>(&mut self, key: K, change: impl FnOnce(&mut V) -> T) -> T {
        if !self.newer.contains_key(&key) {
            let value = self.older.remove(&key);
            self.older_weight -= value.as_ref().map_or(0, self.weigh);
            if self.newer_weight >= self.half {
                self.forgotten += self.older.len() as u64;
                self.turns += 1;
                self.older = std::mem::take(&mut self.newer);
                self.older_weight = std::mem::take(&mut self.newer_weight);
            }
            let value = value.unwrap_or_default();
            self.newer_weight += (self.weigh)(&value);
            self.newer.insert(key.clone(), value);
        }
        let value = self.newer.entry(key).or_default();
        let before = (self.weigh)(value);
        let result = change(value);
        self.newer_weight = self.newer_weight - before + (self.weigh)(value);
        result
    }

    /// Weight remembered, and entries forgotten so far.
    pub fn usage(&self) -> (usize, u64) {
        (self.newer_weight + self.older_weight, self.forgotten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_touched_stays_and_the_weight_is_bounded() {
        let mut table: Generations<u32, u32> = Generations::new(100, |_| 1);
        for n in 0..10_000 {
            table.change(n, |value| *value = n);
            table.change(7_777_777, |value| *value += 1);
            assert!(table.usage().0 <= 101);
            for back in 0..40.min(n) {
                assert_eq!(table.get(&(n - back)), Some(&(n - back)), "the last ones are there");
            }
        }
        assert_eq!(table.get(&7_777_777), Some(&10_000), "never forgotten, because it was always touched");
        assert_eq!(table.get(&0), None);
    }

    #[test]
    fn weights_follow_the_values() {
        let mut table: Generations<u8, Vec<u8>> = Generations::new(1_000, Vec::len);
        table.change(1, |value| value.extend([1, 2, 3]));
        table.change(2, |value| value.push(1));
        table.change(1, |value| value.truncate(1));
        assert_eq!(table.usage(), (2, 0));
    }
}
