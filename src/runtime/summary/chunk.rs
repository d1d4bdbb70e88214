//! Some thousand rows in columns.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::{Entry, Listed};
use crate::domain::ids::Lsn;

/// Rows of a chunk: few enough that a pass over one takes microseconds.
pub(super) const CHUNK_ROWS: usize = 8_192;

/// The key of an unknown number: after all others, whichever way a list is sorted.
pub(super) const UNKNOWN: u64 = u64::MAX;

/// What stands in a row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Empty,
    Open,
    Over,
}

/// Columns of equal length, at most [`CHUNK_ROWS`].
pub(super) struct Chunk<T> {
    pub marks: Vec<Mark>,
    /// [`id_prefix`]es.
    pub ids: Vec<u128>,
    /// Those of [`Listed::NUMBERS`], in the order of their values.
    pub numbers: Vec<Vec<u64>>,
    pub lsns: Vec<Lsn>,
    /// Codes of facet values, as the table gives them.
    pub facets: Vec<Vec<u32>>,
    /// [`name_code`]s.
    pub names: Vec<Vec<u32>>,
    entries: Vec<Option<Arc<Entry<T>>>>,
}

impl<T: Listed> Default for Chunk<T> {
    fn default() -> Chunk<T> {
        Chunk {
            marks: Vec::new(),
            ids: Vec::new(),
            numbers: vec![Vec::new(); T::NUMBERS.len()],
            lsns: Vec::new(),
            facets: vec![Vec::new(); T::FACETS.len()],
            names: vec![Vec::new(); T::NAMES.len()],
            entries: Vec::new(),
        }
    }
}

impl<T: Listed> Chunk<T> {
    /// Writes a row, which may be the first one after the last.
    pub fn put(&mut self, at: usize, mark: Mark, facets: &[u32], entry: Arc<Entry<T>>) {
        if at >= self.marks.len() {
            self.marks.resize(at + 1, Mark::Empty);
            self.ids.resize(at + 1, 0);
            self.lsns.resize(at + 1, Lsn::ZERO);
            self.numbers.iter_mut().for_each(|column| column.resize(at + 1, UNKNOWN));
            self.facets.iter_mut().for_each(|column| column.resize(at + 1, 0));
            self.names.iter_mut().for_each(|column| column.resize(at + 1, 0));
            self.entries.resize(at + 1, None);
        }
        let item = &entry.item;
        self.marks[at] = mark;
        self.ids[at] = id_prefix(item.id());
        self.lsns[at] = entry.lsn;
        self.numbers.iter_mut().enumerate().for_each(|(n, column)| column[at] = number_key(item.number(n)));
        self.facets.iter_mut().zip(facets).for_each(|(column, code)| column[at] = *code);
        self.names.iter_mut().enumerate().for_each(|(n, column)| column[at] = name_code(item.name(n)));
        self.entries[at] = Some(entry);
    }

    /// Empties a row.
    pub fn clear(&mut self, at: usize) {
        if at < self.marks.len() {
            self.marks[at] = Mark::Empty;
            self.entries[at] = None;
        }
    }

    pub fn entry(&self, at: usize) -> Option<&Arc<Entry<T>>> {
        self.entries.get(at)?.as_ref()
    }

    /// All that are not over, or all.
    pub fn entries(&self, with_over: bool) -> impl Iterator<Item = &Arc<Entry<T>>> {
        let wanted = move |(mark, _): &(&Mark, _)| **mark == Mark::Open || with_over;
        self.marks.iter().zip(&self.entries).filter(wanted).filter_map(|(_, entry)| entry.as_ref())
    }
}

/// A number as an integer in the same order, below [`UNKNOWN`] and above 0.
pub(super) fn number_key(number: Option<f64>) -> u64 {
    const SIGN: u64 = 1 << 63;
    // Adding zero makes one of the two zeros.
    let Some(bits) = number.filter(|number| number.is_finite()).map(|number| (number + 0.0).to_bits()) else {
        return UNKNOWN;
    };
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// The first bytes of an id as a number in the same order: nearly always enough to tell two of them apart.
pub(super) fn id_prefix(id: &str) -> u128 {
    let mut prefix = [0; 16];
    let length = id.len().min(prefix.len());
    prefix[..length].copy_from_slice(&id.as_bytes()[..length]);
    u128::from_be_bytes(prefix)
}

/// A short code of a name; 0 for none. Different names rarely have the same one, so whoever goes by it looks again.
pub(super) fn name_code(name: Option<&str>) -> u32 {
    name.map_or(0, |name| (FixedState::default().hash_one(name) as u32).max(1))
}
