//! The latest value per key, in the order in which the keys came to wait.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

use foldhash::fast::FixedState;

/// Places that an empty one keeps for what comes next.
const IDLE_PLACES_MAX: usize = 32;

/// Values that wait, one per key: a newer one takes an older one's place in line. Bounded by the number of keys.
pub struct Conflated<K, V> {
    order: VecDeque<K>,
    latest: HashMap<K, V, FixedState>,
}

impl<K: Clone + Eq + Hash, V> Default for Conflated<K, V> {
    fn default() -> Self {
        Conflated { order: VecDeque::new(), latest: HashMap::default() }
    }
}

impl<K: Clone + Eq + Hash, V> Conflated<K, V> {
    /// Puts a value in.
    pub fn put(&mut self, key: K, value: V) {
        match self.latest.entry(key) {
            Entry::Occupied(mut waiting) => {
                waiting.insert(value);
            }
            Entry::Vacant(place) => {
                self.order.push_back(place.key().clone());
                place.insert(value);
            }
        }
    }

    /// Takes the value whose key has waited longest. The place that many took is given back with the last of them.
    pub fn pop(&mut self) -> Option<V> {
        let value = self.latest.remove(&self.order.pop_front()?);
        if self.order.is_empty() && self.order.capacity() > IDLE_PLACES_MAX {
            *self = Conflated::default();
        }
        value
    }

    /// Whether a value of this key waits.
    pub fn has(&self, key: &K) -> bool {
        self.latest.contains_key(key)
    }

    /// Keys waiting.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_value_takes_the_older_ones_place() {
        let mut waiting = Conflated::default();
        for (key, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4), ("b", 5)] {
            waiting.put(key, value);
        }
        assert_eq!(waiting.len(), 3);
        let taken: Vec<i32> = std::iter::from_fn(|| waiting.pop()).collect();
        assert_eq!(taken, [3, 5, 4]);
        waiting.put("a", 6);
        assert_eq!(waiting.pop(), Some(6));
        assert!(waiting.is_empty());
    }
}
