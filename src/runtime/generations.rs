//! A table that forgets what was not touched for longest, in constant time.
//!
//! Two tables take turns: when the newer one holds half of what is allowed, the older one is forgotten as a whole and the
//! newer takes its place. Whatever is changed moves to the newer. Deterministic: what is forgotten depends on the order
//! of changes alone.

use std::hash::Hash;

use super::pieces::{Pieces, hash_of};

/// A table that remembers at least half of its bound. Clones share what neither changes.
#[derive(Clone)]
pub struct Generations<K, V> {
    half: usize,
    weigh: fn(&V) -> usize,
    newer: Pieces<K, V>,
    newer_weight: usize,
    older: Pieces<K, V>,
    older_weight: usize,
    forgotten: u64,
    /// How often the older table was forgotten.
    turns: u64,
}

impl<K: Hash + Eq + Clone, V: Default + Clone> Generations<K, V> {
    /// At most about `max`, as `weigh` counts it.
    pub fn new(max: usize, weigh: fn(&V) -> usize) -> Generations<K, V> {
        Generations {
            half: (max / 2).max(1),
            weigh,
            newer: Pieces::default(),
            newer_weight: 0,
            older: Pieces::default(),
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
        let hash = hash_of(key);
        self.newer.find(hash, key).or_else(|| self.older.find(hash, key))
    }

    /// Whether a key was changed since the tables last took turns.
    pub fn is_in_newer(&self, key: &K) -> bool {
        self.newer.get(key).is_some()
    }

    /// How often the tables have taken turns.
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// Changes what is remembered under a key; starts from the default if that is nothing.
    pub fn change<T>(&mut self, key: K, change: impl FnOnce(&mut V) -> T) -> T {
        let hash = hash_of(&key);
        let weigh = self.weigh;
        // What is there already is the usual case, and is found once.
        if let Some(value) = self.newer.find_mut(hash, &key) {
            let before = weigh(value);
            let result = change(value);
            self.newer_weight = self.newer_weight - before + weigh(value);
            return result;
        }
        let value = self.older.remove(hash, &key);
        self.older_weight -= value.as_ref().map_or(0, weigh);
        if self.newer_weight >= self.half {
            self.forgotten += self.older.len() as u64;
            self.turns += 1;
            self.older = std::mem::take(&mut self.newer);
            self.older_weight = std::mem::take(&mut self.newer_weight);
        }
        let mut value = value.unwrap_or_default();
        let result = change(&mut value);
        self.newer_weight += weigh(&value);
        self.newer.insert_new(hash, key, value);
        result
    }

    /// Weight remembered, and entries forgotten so far.
    pub fn usage(&self) -> (usize, u64) {
        (self.newer_weight + self.older_weight, self.forgotten)
    }

    /// Puts an entry back where it was, into an empty table or one that is being filled so.
    pub fn restore(&mut self, is_newer: bool, key: K, value: V) {
        let (table, weight) = if is_newer {
            (&mut self.newer, &mut self.newer_weight)
        } else {
            (&mut self.older, &mut self.older_weight)
        };
        *weight += (self.weigh)(&value);
        table.insert_new(hash_of(&key), key, value);
    }

    /// Sets how many entries were forgotten before.
    pub fn restore_forgotten(&mut self, forgotten: u64) {
        self.forgotten = forgotten;
    }

    /// The entries changed since the tables last took turns, and those that were not.
    pub fn into_halves(self) -> (Pieces<K, V>, Pieces<K, V>) {
        (self.newer, self.older)
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
