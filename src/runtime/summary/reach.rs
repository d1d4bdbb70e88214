//! What a reader can see at most, in terms of the columns: whoever sees little must not be asked about all there is.

use foldhash::fast::FixedState;
use hashbrown::HashSet;

use super::chunk::{Chunk, name_code};

/// Things of which a reader sees some: those that pass every clause. Whether a reader sees one of them is asked of the
/// thing itself; what fails a clause need not be asked about.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    clauses: Vec<AnyOf>,
}

/// Passed by whatever has one of these names, or pairs of names. It can also be passed by what has none of them, if two
/// names have the same code.
#[derive(Clone, Debug, Default)]
pub struct AnyOf {
    /// Which of [`super::Listed::NAMES`], and the codes of the names.
    names: Vec<(usize, HashSet<u32, FixedState>)>,
    pairs: Vec<([usize; 2], HashSet<u64, FixedState>)>,
}

/// How to find out what a reader can see at most.
pub struct Within<F> {
    /// Things that the reader does not see, asked about one by one, before that is found out: whoever sees much, or asks
    /// for few, never needs it.
    pub patience: usize,
    /// Gets the number of things, at most, that may still have to be asked about.
    pub reach: F,
}

/// As many as are asked about in two or three milliseconds.
const PATIENCE: usize = 16_384;

impl<F: FnOnce(usize) -> Reach> Within<F> {
    /// With the usual patience.
    pub fn new(reach: F) -> Within<F> {
        Within { patience: PATIENCE, reach }
    }
}

impl Reach {
    /// One more clause to pass.
    pub fn narrow(&mut self, clause: AnyOf) {
        self.clauses.push(clause);
    }

    /// Whether all is within reach.
    pub fn is_unbounded(&self) -> bool {
        self.clauses.is_empty()
    }

    pub(super) fn admits<T>(&self, chunk: &Chunk<T>, row: usize) -> bool {
        self.clauses.iter().all(|clause| clause.admits(chunk, row))
    }
}

impl AnyOf {
    /// Also what has one of `names` in a column.
    pub fn names<'n>(&mut self, column: usize, names: impl Iterator<Item = &'n str>) {
        self.names.push((column, names.map(|name| name_code(Some(name))).collect()));
    }

    /// Also what has one of these pairs of names in two columns.
    pub fn pairs<'n>(&mut self, columns: [usize; 2], pairs: impl Iterator<Item = [&'n str; 2]>) {
        let code = |[a, b]: [&str; 2]| pair_code(name_code(Some(a)), name_code(Some(b)));
        self.pairs.push((columns, pairs.map(code).collect()));
    }

    fn admits<T>(&self, chunk: &Chunk<T>, row: usize) -> bool {
        self.names.iter().any(|(column, codes)| codes.contains(&chunk.names[*column][row]))
            || self
                .pairs
                .iter()
                .any(|([a, b], codes)| codes.contains(&pair_code(chunk.names[*a][row], chunk.names[*b][row])))
    }
}

fn pair_code(a: u32, b: u32) -> u64 {
    u64::from(a) << 32 | u64::from(b)
}
