//! A list that only grows, and can be shared at a moment's notice: a clone shares all but the end of it.

use std::sync::Arc;

/// Items that are copied at most when the list grows after it was shared.
const CHUNK_ITEMS: usize = 1_024;

/// The list.
#[derive(Clone)]
pub struct Log<T> {
    chunks: Vec<Arc<Vec<T>>>,
}

impl<T> Default for Log<T> {
    fn default() -> Log<T> {
        Log { chunks: Vec::new() }
    }
}

impl<T: Clone> Log<T> {
    /// Adds an item at the end.
    pub fn push(&mut self, item: T) {
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK_ITEMS => Arc::make_mut(chunk).push(item),
            _ => self.chunks.push(Arc::new(vec![item])),
        }
    }
}

impl<T> Log<T> {
    /// All items in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// The item that so many were added before.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.chunks.get(index / CHUNK_ITEMS)?.get(index % CHUNK_ITEMS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_stands_still_while_the_list_grows() {
        let mut log = Log::default();
        let mut clones = Vec::new();
        for n in 0..5_000 {
            if n % 700 == 0 || n == CHUNK_ITEMS {
                clones.push((n, log.clone()));
            }
            log.push(n);
        }
        for (length, clone) in clones.into_iter().chain([(5_000, log)]) {
            assert!(clone.iter().copied().eq(0..length));
            assert!((0..length).all(|n| clone.get(n) == Some(&n)));
            assert_eq!(clone.get(length), None);
        }
    }
}
