//! A hash table in pieces, so that it can be shared at a moment's notice: a clone shares all pieces, and whoever changes one
//! that is shared copies that one first. Pieces are small: after a clone nearly every change meets one that is still shared,
//! and until most are copied each of these changes costs as much as the piece holds. They stand in rows that are shared in
//! the same way, so that a clone counts rows and not pieces.
//!
//! Grows one piece at a time (linear hashing, Litwin 1980), so that no change waits for a whole table to be moved.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Entries of a piece, on average, at which another piece is made. Few, so that copying one takes a microsecond.
const PIECE_ENTRIES: usize = 32;
/// Pieces in a row. With them a million entries are shared by some five hundred reference counts.
const ROW_PIECES: usize = 64;

/// One part of a table.
pub type Piece<K, V> = Arc<HashTable<(K, V)>>;

/// The table. What it holds does not depend on how it is cut.
#[derive(Clone)]
pub struct Pieces<K, V> {
    /// Each is full but the last.
    rows: Vec<Arc<Vec<Piece<K, V>>>>,
    pieces: usize,
    len: usize,
}

impl<K, V> Default for Pieces<K, V> {
    fn default() -> Pieces<K, V> {
        Pieces { rows: Vec::new(), pieces: 0, len: 0 }
    }
}

/// A key's hash, for looking it up more than once.
pub fn hash_of<K: Hash>(key: &K) -> u64 {
    FixedState::default().hash_one(key)
}

/// Which of so many pieces a hash belongs to. The bits are others than those that a piece goes by.
fn piece_of(hash: u64, pieces: usize) -> usize {
    let mask = pieces.next_power_of_two() - 1;
    let place = (hash >> 32) as usize & mask;
    if place < pieces { place } else { place & (mask >> 1) }
}

impl<K: Hash + Eq + Clone, V: Clone> Pieces<K, V> {
    /// What stands under a key with that hash.
    pub fn find(&self, hash: u64, key: &K) -> Option<&V> {
        let place = piece_of(hash, self.pieces.max(1));
        let piece = self.rows.get(place / ROW_PIECES)?.get(place % ROW_PIECES)?;
        piece.find(hash, |(known, _)| known == key).map(|(_, value)| value)
    }

    /// What stands under a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.find(hash_of(key), key)
    }

    /// The same, to be changed.
    pub fn find_mut(&mut self, hash: u64, key: &K) -> Option<&mut V> {
        let piece = self.piece_mut(piece_of(hash, self.pieces.max(1)))?;
        piece.find_mut(hash, |(known, _)| known == key).map(|(_, value)| value)
    }

    /// A piece to be changed, shared with nobody.
    fn piece_mut(&mut self, place: usize) -> Option<&mut HashTable<(K, V)>> {
        let row = Arc::make_mut(self.rows.get_mut(place / ROW_PIECES)?);
        row.get_mut(place % ROW_PIECES).map(Arc::make_mut)
    }

    /// Puts in what is not there.
    pub fn insert_new(&mut self, hash: u64, key: K, value: V) {
        if self.len >= self.pieces * PIECE_ENTRIES {
            self.split();
        }
        if let Some(piece) = self.piece_mut(piece_of(hash, self.pieces)) {
            piece.insert_unique(hash, (key, value), |(key, _)| hash_of(key));
            self.len += 1;
        }
    }

    /// What stands under a key, made if there is nothing.
    pub fn get_or_default(&mut self, key: &K) -> &mut V
    where
        V: Default,
    {
        let hash = hash_of(key);
        if self.find(hash, key).is_none() {
            self.insert_new(hash, key.clone(), V::default());
        }
        #[allow(clippy::expect_used, reason = "it is there since the line above")]
        self.find_mut(hash, key).expect("an entry that was just made")
    }

    /// Takes a key out.
    pub fn remove(&mut self, hash: u64, key: &K) -> Option<V> {
        // A piece without the key stays shared.
        self.find(hash, key)?;
        let piece = self.piece_mut(piece_of(hash, self.pieces.max(1)))?;
        let found = piece.find_entry(hash, |(known, _)| known == key).ok()?.remove().0.1;
        self.len -= 1;
        Some(found)
    }

    /// Makes one more piece out of what belongs to it now.
    fn split(&mut self) {
        let pieces = self.pieces + 1;
        let mut new = HashTable::new();
        let mask = pieces.next_power_of_two() - 1;
        if let Some(parent) = self.piece_mut((pieces - 1) & (mask >> 1)) {
            let moves = |(key, _): &mut (K, V)| piece_of(hash_of(key), pieces) == pieces - 1;
            for entry in parent.extract_if(moves) {
                new.insert_unique(hash_of(&entry.0), entry, |(key, _)| hash_of(key));
            }
        }
        if self.pieces.is_multiple_of(ROW_PIECES) {
            self.rows.push(Arc::new(Vec::with_capacity(ROW_PIECES)));
        }
        if let Some(row) = self.rows.last_mut() {
            Arc::make_mut(row).push(Arc::new(new));
            self.pieces = pieces;
        }
    }
}

impl<K, V> Pieces<K, V> {
    /// Entries in all.
    pub fn len(&self) -> usize {
        self.len
    }

    /// All entries, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.rows.iter().flat_map(|row| row.iter()).flat_map(|piece| piece.iter())
    }

    /// Its pieces, to be let go of one by one.
    pub fn into_pieces(self) -> impl Iterator<Item = Piece<K, V>> {
        self.rows.into_iter().flat_map(Arc::unwrap_or_clone)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_spread_evenly_at_every_size() {
        let mut table = Pieces::default();
        for key in 0..100_000_u32 {
            table.insert_new(hash_of(&key), key, ());
            if key % 9_973 == 0 {
                let fullest = table.rows.iter().flat_map(|row| row.iter()).map(|piece| piece.len()).max();
                let fullest = fullest.unwrap_or(0);
                assert!(fullest <= 4 * PIECE_ENTRIES, "{fullest} of {key}");
            }
        }
        assert_eq!(table.pieces, 100_000_usize.div_ceil(PIECE_ENTRIES));
        assert!(table.rows.iter().rev().skip(1).all(|row| row.len() == ROW_PIECES));
    }

    proptest! {
        /// A clone keeps what was there, whatever happens to the original.
        #[test]
        fn it_is_a_map_and_its_clones_stand_still(
            acts in proptest::collection::vec((0_u32..2_000, 0_u8..4), 0..6_000),
            cut in 0_usize..6_000,
        ) {
            let (mut table, mut model) = (Pieces::<u32, u32>::default(), HashMap::new());
            let mut kept = None;
            for (n, (key, act)) in acts.iter().enumerate() {
                if n == cut {
                    kept = Some((table.clone(), model.clone()));
                }
                if *act == 0 {
                    prop_assert_eq!(table.remove(hash_of(key), key), model.remove(key));
                } else {
                    *table.get_or_default(key) += n as u32;
                    *model.entry(*key).or_default() += n as u32;
                }
            }
            for (table, model) in kept.iter().chain([&(table, model)]) {
                prop_assert_eq!(table.len(), model.len());
                let all: HashMap<u32, u32> = table.iter().copied().collect();
                prop_assert_eq!(&all, model);
                for key in 0..2_000 {
                    prop_assert_eq!(table.get(&key), model.get(&key));
                }
            }
        }
    }
}
