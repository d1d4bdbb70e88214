//! One page of a summary: a pass over the columns that keeps the best.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Arc;

use foldhash::fast::FixedState;
use parking_lot::RwLock;

use super::chunk::{CHUNK_ROWS, Chunk, Mark, UNKNOWN, id_prefix, name_code, number_key};
use super::reach::{Reach, Within};
use super::{Entry, Listed};
use crate::domain::ids::Name;

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortBy {
    Id,
    Lsn,
    /// Which of [`Listed::NUMBERS`].
    Number(usize),
    /// Which of [`Listed::FACETS`].
    Facet(usize),
}

/// The value of a thing by which it is sorted.
#[derive(Clone, Debug, PartialEq)]
pub enum SortKey {
    Number(f64),
    Text(String),
    /// It is not known; the number that stands in for it ([`Listed::stand_in`]), if that is.
    Unknown(Option<f64>),
}

/// Which things a list shows: those for which all of this holds.
#[derive(Clone, Debug, Default)]
pub struct Selection<'q> {
    /// Also what is over.
    pub with_over: bool,
    /// Which of [`Listed::FACETS`], and the values of which it must have one.
    pub facets: Vec<(usize, &'q [String])>,
    /// Which of [`Listed::NAMES`], and the names of which it must have one.
    pub names: Vec<(usize, &'q [String])>,
    /// Leaves out what stands under a cause that is open, and of what is over all that stood under one.
    pub top_only: bool,
    /// Which of [`Listed::NAMES`] it must have, whatever they are.
    pub present: Vec<usize>,
}

/// Which part of a list.
#[derive(Clone, Debug)]
pub struct Paging<'q> {
    pub sort: SortBy,
    pub descending: bool,
    /// Ranks what has no such number by the one that stands in for it.
    pub is_ranked: bool,
    /// Only what comes after this value and id.
    pub after: Option<(SortKey, &'q str)>,
    pub limit: usize,
}

/// A page.
#[derive(Debug)]
pub struct Page<T> {
    pub entries: Vec<Arc<Entry<T>>>,
    /// Whether there is another one after it.
    pub has_more: bool,
}

impl<T> Default for Page<T> {
    fn default() -> Page<T> {
        Page { entries: Vec::new(), has_more: false }
    }
}

impl SortBy {
    /// The sorting by a field of that name.
    pub fn named<T: Listed>(field: &str) -> Option<SortBy> {
        let find = |fields: &[&str]| fields.iter().position(|known| *known == field);
        match field {
            "id" => Some(SortBy::Id),
            "lsn" => Some(SortBy::Lsn),
            _ => find(T::NUMBERS).map(SortBy::Number).or_else(|| find(T::FACETS).map(SortBy::Facet)),
        }
    }

    /// The value by which a thing is sorted.
    pub fn key_of<T: Listed>(self, entry: &Entry<T>) -> SortKey {
        match self {
            SortBy::Id => SortKey::Text(entry.item.id().to_string()),
            SortBy::Lsn => SortKey::Number(entry.lsn.0 as f64),
            SortBy::Number(at) => {
                let number = |at| entry.item.number(at).filter(|number| number.is_finite());
                let stand_in = || T::stand_in(at).and_then(number);
                number(at).map_or_else(|| SortKey::Unknown(stand_in()), SortKey::Number)
            }
            SortBy::Facet(at) => SortKey::Text(entry.item.facet(at).to_owned()),
        }
    }
}

/// What a name must be one of.
struct OneOf<'q> {
    at: usize,
    codes: hashbrown::HashSet<u32, FixedState>,
    names: &'q [String],
}

/// The rows of a summary.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a, T> {
    pub chunks: &'a [Arc<RwLock<Chunk<T>>>],
    /// Explains their facet codes.
    pub facets: &'a [Vec<Name>],
    /// Groups without a cause that is open.
    pub bereft: &'a HashSet<Name>,
}

/// What stands at the top: in no group, or in one that has no cause.
struct Top<'q> {
    member: usize,
    codes: hashbrown::HashSet<u32, FixedState>,
    bereft: &'q HashSet<Name>,
}

/// A selection in terms of the columns.
struct Filter<'q> {
    with_over: bool,
    /// Column, and for each code whether it is wanted.
    facets: Vec<(usize, Vec<bool>)>,
    names: Vec<OneOf<'q>>,
    top: Option<Top<'q>>,
    present: &'q [usize],
    /// What the reader can see at most, once that was asked.
    reach: Reach,
}

impl<'q> Filter<'q> {
    fn new<T: Listed>(selection: &'q Selection<'q>, rows: Rows<'q, T>) -> Filter<'q> {
        let Rows { facets, bereft, .. } = rows;
        let wanted = |(at, wanted): &(usize, &[String])| {
            (*at, facets[*at].iter().map(|value| wanted.iter().any(|wanted| wanted == value)).collect())
        };
        let one_of = |(at, names): &(usize, &'q [String])| OneOf {
            at: *at,
            codes: names.iter().map(|name| name_code(Some(name))).collect(),
            names,
        };
        Filter {
            with_over: selection.with_over,
            facets: selection.facets.iter().map(wanted).collect(),
            names: selection.names.iter().map(one_of).collect(),
            top: T::GROUPING.filter(|_| selection.top_only).map(|grouping| Top {
                member: grouping.member,
                codes: bereft.iter().map(|group| name_code(Some(group))).collect(),
                bereft,
            }),
            present: &selection.present,
            reach: Reach::default(),
        }
    }

    /// Whether a row may pass; [`Filter::confirms`] makes sure.
    fn admits<T>(&self, chunk: &Chunk<T>, row: usize) -> bool {
        let has_facet = |(at, wanted): &(usize, Vec<bool>)| {
            wanted.get(chunk.facets[*at][row] as usize).copied().unwrap_or(false)
        };
        self.top
            .as_ref()
            .is_none_or(|top| top.admits(chunk.names[top.member][row], chunk.marks[row] == Mark::Over))
            && self.present.iter().all(|at| chunk.names[*at][row] != 0)
            && self.facets.iter().all(has_facet)
            && self.names.iter().all(|one_of| one_of.codes.contains(&chunk.names[one_of.at][row]))
            && self.reach.admits(chunk, row)
    }

    /// Whether it has the names themselves, not only their codes.
    fn confirms<T: Listed>(&self, item: &T) -> bool {
        self.top.as_ref().is_none_or(|top| top.confirms(item.name(top.member), item.is_over()))
            && self.names.iter().all(|one_of| {
                item.name(one_of.at).is_some_and(|name| one_of.names.iter().any(|wanted| wanted == name))
            })
    }
}

impl Top<'_> {
    fn admits(&self, group: u32, is_over: bool) -> bool {
        group == 0 || !is_over && self.codes.contains(&group)
    }

    fn confirms(&self, group: Option<&str>, is_over: bool) -> bool {
        group.is_none_or(|group| !is_over && self.bereft.contains(group))
    }
}

/// The order of a list in terms of the columns: a key a row, ascending, then the id.
struct Order {
    sort: SortBy,
    descending: bool,
    /// The column that ranks those whose number is unknown.
    stand_in: Option<usize>,
    /// By code of the facet sorted by: the place of its value among all. Even, so that others fit between.
    ranks: Vec<u64>,
}

impl Order {
    fn new<T: Listed>(paging: &Paging<'_>, facets: &[Vec<Name>]) -> Order {
        let Paging { sort, descending, is_ranked, .. } = *paging;
        let stand_in = match sort {
            SortBy::Number(at) if is_ranked => T::stand_in(at),
            _ => None,
        };
        let ranks = match sort {
            SortBy::Facet(at) => {
                let values = &facets[at];
                let rank = |value: &Name| 2 + 2 * values.iter().filter(|other| *other < value).count() as u64;
                values.iter().map(rank).collect()
            }
            _ => Vec::new(),
        };
        Order { sort, descending, stand_in, ranks }
    }

    fn directed(&self, key: u64) -> u64 {
        if self.descending && key != UNKNOWN { !key } else { key }
    }

    /// `None` for a row that came after the pass began.
    fn key<T>(&self, chunk: &Chunk<T>, row: usize) -> Option<Key> {
        let key = self.directed(match self.sort {
            SortBy::Id => 1,
            SortBy::Lsn => number_key(Some(chunk.lsns[row].0 as f64)),
            SortBy::Number(at) => chunk.numbers[at][row],
            SortBy::Facet(at) => *self.ranks.get(chunk.facets[at][row] as usize)?,
        });
        Some(self.with_stand_in(key, |at| chunk.numbers[at][row]))
    }

    /// Tells keys of unknown numbers apart by what stands in for them.
    fn with_stand_in(&self, key: u64, number: impl FnOnce(usize) -> u64) -> Key {
        match self.stand_in {
            Some(at) if key == UNKNOWN => (key, self.directed(number(at))),
            _ => (key, 0),
        }
    }

    /// The key of a value that a row may have had once.
    fn key_of(&self, value: &SortKey, facets: &[Vec<Name>]) -> Key {
        let key = self.directed(match (self.sort, value) {
            (SortBy::Id, _) => 1,
            (SortBy::Facet(at), SortKey::Text(text)) => {
                let before = facets[at].iter().filter(|value| value.as_str() < text.as_str()).count() as u64;
                2 * before + if facets[at].iter().any(|value| value == text) { 2 } else { 1 }
            }
            (SortBy::Lsn | SortBy::Number(_), SortKey::Number(number)) => number_key(Some(*number)),
            (SortBy::Facet(_) | SortBy::Lsn | SortBy::Number(_), _) => UNKNOWN,
        });
        let stand_in = if let SortKey::Unknown(number) = value { *number } else { None };
        self.with_stand_in(key, |_| number_key(stand_in))
    }

    /// Where a row stands, but for ids that begin alike.
    fn rank(&self, key: Key, prefix: u128) -> Rank {
        (key, if self.has_ids_descending() { !prefix } else { prefix })
    }

    fn has_ids_descending(&self) -> bool {
        self.sort == SortBy::Id && self.descending
    }

    /// The order of two ids whose ranks are equal.
    fn compare_ids(&self, a: &str, b: &str) -> Ordering {
        if self.has_ids_descending() { b.cmp(a) } else { a.cmp(b) }
    }
}

/// What a row is sorted by, and by what among those for which that is unknown.
type Key = (u64, u64);

/// Key and beginning of the id.
type Rank = (Key, u128);

/// One of the best so far.
struct Candidate<T> {
    rank: Rank,
    entry: Arc<Entry<T>>,
}

/// The place of a row among others, as far as it is known without looking at the thing itself.
struct Milestone<'a> {
    rank: Rank,
    id: &'a str,
}

impl Milestone<'_> {
    /// How a row stands to this place; `id` is only asked for if it has to be.
    fn compare<'b>(&self, order: &Order, rank: Rank, id: impl FnOnce() -> &'b str) -> Ordering {
        rank.cmp(&self.rank).then_with(|| order.compare_ids(id(), self.id))
    }
}

fn sorted<T: Listed>(order: &Order, a: &Candidate<T>, b: &Candidate<T>) -> Ordering {
    a.rank.cmp(&b.rank).then_with(|| order.compare_ids(a.entry.item.id(), b.entry.item.id()))
}

/// A page of the rows.
pub(super) fn page<T: Listed>(
    rows: Rows<'_, T>,
    selection: &Selection<'_>,
    paging: &Paging<'_>,
    within: Within<impl FnOnce(usize) -> Reach>,
    mut sees: impl FnMut(&T) -> bool,
) -> Page<T> {
    let Rows { chunks, facets, .. } = rows;
    let mut filter = Filter::new(selection, rows);
    let order = Order::new::<T>(paging, facets);
    let after = paging
        .after
        .as_ref()
        .map(|(value, id)| Milestone { rank: order.rank(order.key_of(value, facets), id_prefix(id)), id });
    // One more than the page says whether there is another one.
    let max = paging.limit + 1;
    let mut best: Vec<Candidate<T>> = Vec::new();
    let mut rows: Vec<(Rank, usize)> = Vec::new();
    let Within { patience, reach } = within;
    let (mut reach, mut unseen, mut chunks_left) = (Some(reach), 0_usize, chunks.len());
    let mut visit = |chunk: &RwLock<Chunk<T>>| {
        if unseen >= patience
            && let Some(reach) = reach.take()
        {
            filter.reach = reach(chunks_left * CHUNK_ROWS);
        }
        chunks_left -= 1;
        let chunk = chunk.read();
        // Once there are enough, only what comes before the last of them is of interest.
        let worst = (best.len() == max).then(|| best.last()).flatten();
        let worst = worst.map(|worst| Milestone { rank: worst.rank, id: worst.entry.item.id() });
        rows.clear();
        for (row, mark) in chunk.marks.iter().enumerate() {
            if *mark == Mark::Empty || *mark == Mark::Over && !filter.with_over {
                continue;
            }
            let Some(key) = order.key(&chunk, row) else { continue };
            let rank = order.rank(key, chunk.ids[row]);
            if worst.as_ref().is_some_and(|worst| rank > worst.rank)
                || after.as_ref().is_some_and(|after| rank < after.rank)
                || !filter.admits(&chunk, row)
            {
                continue;
            }
            let Some(entry) = chunk.entry(row) else { continue };
            let id = || entry.item.id().as_str();
            if worst.as_ref().is_some_and(|worst| worst.compare(&order, rank, id).is_ge())
                || after.as_ref().is_some_and(|after| after.compare(&order, rank, id).is_le())
            {
                continue;
            }
            if filter.confirms(&*entry.item) {
                if sees(&entry.item) {
                    rows.push((rank, row));
                } else {
                    unseen += 1;
                }
            }
        }
        if rows.len() > max {
            let id = |row: usize| chunk.entry(row).map_or("", |entry| entry.item.id());
            rows.select_nth_unstable_by(max - 1, |a, b| {
                a.0.cmp(&b.0).then_with(|| order.compare_ids(id(a.1), id(b.1)))
            });
            rows.truncate(max);
        }
        let candidates = rows.iter().filter_map(|(rank, row)| {
            chunk.entry(*row).map(|entry| Candidate { rank: *rank, entry: entry.clone() })
        });
        best.extend(candidates);
        drop(chunk);
        if best.len() >= max {
            // Leaves the last of those kept at the end.
            best.select_nth_unstable_by(max - 1, |a, b| sorted(&order, a, b));
            best.truncate(max);
        }
    };
    // What came later mostly has the greater times and LSNs: begun at the right end, a pass soon knows what is too far.
    if paging.descending {
        chunks.iter().rev().for_each(|chunk| visit(chunk));
    } else {
        chunks.iter().for_each(|chunk| visit(chunk));
    }
    best.sort_unstable_by(|a, b| sorted(&order, a, b));
    let has_more = best.len() > paging.limit;
    best.truncate(paging.limit);
    Page { entries: best.into_iter().map(|candidate| candidate.entry).collect(), has_more }
}
