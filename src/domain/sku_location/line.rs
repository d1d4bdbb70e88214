//! What all document lines have in common: latest statement, sum fulfilled, end; and the tombstones of those closed.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::raw::{self, MaybeTime};
use super::version::Version;
use crate::domain::ids::{Lsn, Name};
use crate::domain::quantity::Quantity;
use crate::domain::record::Record;
use crate::domain::settings::SkuLocationSettings;
use crate::domain::time::{HOUR, Timestamp};

/// Document and line id in one text. Neither has control characters, so NUL separates them; together they mostly
/// fit into the bytes that a [`Name`] holds inline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineKey(Name);

impl LineKey {
    fn new(document: &str, line_id: &str) -> LineKey {
        let mut key = Name::with_capacity(document.len() + 1 + line_id.len());
        key.push_str(document);
        key.push('\0');
        key.push_str(line_id);
        LineKey(key)
    }

    /// Compares with document and line id, the document first. NUL sorts before all that names are made of, so that
    /// the bytes one after the other are in the same order; this is where most of a lookup's time goes.
    fn compare(&self, document: &str, line_id: &str) -> Ordering {
        let (key, document) = (self.0.as_bytes(), document.as_bytes());
        let common = key.len().min(document.len());
        match key[..common].cmp(&document[..common]) {
            Ordering::Equal => match key.get(common) {
                Some(0) => key[common + 1..].cmp(line_id.as_bytes()),
                Some(_) => Ordering::Greater,
                None => Ordering::Less,
            },
            unequal => unequal,
        }
    }

    fn parts(&self) -> (&str, &str) {
        self.0.split_once('\0').unwrap_or((&self.0, ""))
    }
}

/// One document line, as far as all kinds are alike.
///
/// `ordered` is that of the latest statement, `fulfilled` the sum of all that moved, and the end is a mark that
/// stays: so the same facts make the same line in whatever order they arrive. A line may be fulfilled or ended
/// before it is announced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    key: LineKey,
    #[serde(with = "raw::quantity")]
    ordered: Quantity,
    #[serde(with = "raw::quantity")]
    fulfilled: Quantity,
    /// The statement in force; not stated while only fulfilments are known.
    version: Version,
    /// The record of the statement in force, and the one of the last fulfilment.
    stated_lsn: Lsn,
    fulfilled_lsn: Lsn,
    /// Event time of the earliest statement.
    announced_at: MaybeTime,
    /// Business time since when nothing is open; none while something is.
    closed_at: MaybeTime,
    ended: bool,
    /// The statement in force names another place: nothing is ordered here any more.
    elsewhere: bool,
}

impl Line {
    fn new(document: &str, line_id: &str) -> Line {
        Line {
            key: LineKey::new(document, line_id),
            ordered: Quantity::ZERO,
            fulfilled: Quantity::ZERO,
            version: Version::default(),
            stated_lsn: Lsn::ZERO,
            fulfilled_lsn: Lsn::ZERO,
            announced_at: MaybeTime::NONE,
            closed_at: MaybeTime::NONE,
            ended: false,
            elsewhere: false,
        }
    }

    /// The document's id.
    pub fn document(&self) -> &str {
        self.key.parts().0
    }

    /// Its id within the document.
    pub fn line_id(&self) -> &str {
        self.key.parts().1
    }

    /// max(0, ordered − fulfilled); nothing once cancelled or closed.
    pub fn open(&self) -> Quantity {
        if self.ended { Quantity::ZERO } else { (self.ordered - self.fulfilled).or_zero() }
    }

    pub fn ordered(&self) -> Quantity {
        self.ordered
    }

    pub fn fulfilled(&self) -> Quantity {
        self.fulfilled
    }

    pub fn is_ended(&self) -> bool {
        self.ended
    }

    pub fn is_elsewhere(&self) -> bool {
        self.elsewhere
    }

    /// Event time of the earliest statement about it.
    pub fn announced_at(&self) -> Option<Timestamp> {
        self.announced_at.get()
    }

    /// The statement in force.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Takes a statement of the total ordered; `None` says that the line belongs to another place. Returns the
    /// version it replaced, if it is the latest.
    pub fn state(&mut self, ordered: Option<Quantity>, record: &Record) -> Option<Version> {
        let at = MaybeTime::from(record.event_time);
        if self.announced_at == MaybeTime::NONE || at < self.announced_at {
            self.announced_at = at;
        }
        if !self.version.is_before(record) {
            return None;
        }
        self.ordered = ordered.unwrap_or(Quantity::ZERO);
        self.elsewhere = ordered.is_none();
        self.stated_lsn = record.lsn;
        Some(std::mem::replace(&mut self.version, Version::of(record)))
    }

    pub fn fulfil(&mut self, quantity: Quantity, record: &Record) {
        self.fulfilled += quantity;
        self.fulfilled_lsn = record.lsn;
    }

    /// The record of the statement in force, and the one of the last fulfilment, as far as there are.
    pub fn told_by(&self) -> (Option<Lsn>, Option<Lsn>) {
        let known = |lsn: Lsn| (lsn > Lsn::ZERO).then_some(lsn);
        (known(self.stated_lsn), known(self.fulfilled_lsn))
    }

    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        self.version.heap_bytes() + if self.key.0.is_heap_allocated() { self.key.0.capacity() } else { 0 }
    }
}

/// An optional moment of a line: from the latest statement that names it, which need not be the latest statement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NamedTime {
    value: MaybeTime,
    /// Which statement named it, if not the line's own version: nearly always it is that.
    version: Option<Box<Version>>,
}

impl NamedTime {
    pub fn get(&self) -> Option<Timestamp> {
        self.value.get()
    }

    /// Takes what `record` says about this field. `replaced` is the answer of [`Line::state`] for the same record,
    /// `line_version` the line's version after it.
    pub fn state(
        &mut self,
        named: Option<Timestamp>,
        record: &Record,
        replaced: Option<&Version>,
        line_version: &Version,
    ) {
        match (named, replaced) {
            (Some(value), Some(_)) => *self = NamedTime { value: value.into(), version: None },
            (Some(value), None) => {
                // A late statement: it counts unless a later one has named the field.
                let own = self.version.as_deref().unwrap_or(line_version);
                if self.value == MaybeTime::NONE || own.is_before(record) {
                    *self = NamedTime { value: value.into(), version: Some(Box::new(Version::of(record))) };
                }
            }
            (None, Some(replaced)) if self.value != MaybeTime::NONE && self.version.is_none() => {
                self.version = Some(Box::new(replaced.clone()));
            }
            _ => {}
        }
    }
}

/// What one kind of line adds to [`Line`].
pub trait LineKind: Sized {
    fn new(line: Line) -> Self;
    fn line(&self) -> &Line;
    fn line_mut(&mut self) -> &mut Line;
    /// Until when a closed line is needed for more than late statements; `None` if for nothing.
    fn needed_until(&self, period: i64) -> Option<Timestamp>;
}

/// A document that ended as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct EndedDocument {
    document: Name,
    /// Event time: lines first stated later than this are not meant.
    #[serde(with = "raw::timestamp")]
    ended_at: Timestamp,
    /// Business time.
    #[serde(with = "raw::timestamp")]
    forget_at: Timestamp,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct EndedDocuments(Vec<EndedDocument>);

/// All lines of one kind at one place, by key; the closed ones are tombstones for late arrivals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lines<L> {
    lines: Vec<L>,
    /// Sum of all that is open.
    #[serde(with = "raw::quantity")]
    open: Quantity,
    open_lines: u32,
    /// Business time before which no tombstone expires.
    #[serde(with = "raw::timestamp")]
    next_expiry: Timestamp,
    ended_documents: Option<Box<EndedDocuments>>,
}

/// When closed lines may go.
#[derive(Clone, Copy, Debug)]
pub struct Keeping<'a> {
    pub business_time: Timestamp,
    pub settings: &'a SkuLocationSettings,
    /// Length of the demand period, in microseconds.
    pub period: i64,
}

impl Keeping<'_> {
    fn lateness(&self) -> i64 {
        i64::from(self.settings.lateness_hours) * HOUR
    }
}

/// There are as many open lines as may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyLines;

impl<L> Default for Lines<L> {
    fn default() -> Lines<L> {
        Lines {
            lines: Vec::new(),
            open: Quantity::ZERO,
            open_lines: 0,
            next_expiry: Timestamp::MAX,
            ended_documents: None,
        }
    }
}

impl<L: LineKind> Lines<L> {
    /// Sum of all that is open.
    pub fn open(&self) -> Quantity {
        self.open
    }

    /// The lines with something open.
    pub fn open_lines(&self) -> impl Iterator<Item = &L> {
        // Most places have nothing open in most of their lines' lives: then no look at the tombstones.
        let lines = if self.open_lines == 0 { &[] } else { self.lines.as_slice() };
        lines.iter().filter(|line| line.line().open().is_positive())
    }

    pub fn get(&self, document: &str, line_id: &str) -> Option<&L> {
        self.find(document, line_id).ok().map(|at| &self.lines[at])
    }

    /// The lines of one document, open and not.
    pub fn of_document(&self, document: &str) -> impl Iterator<Item = &L> {
        let first = self.lines.partition_point(|line| line.line().document() < document);
        self.lines[first..].iter().take_while(move |line| line.line().document() == document)
    }

    fn find(&self, document: &str, line_id: &str) -> Result<usize, usize> {
        self.lines.binary_search_by(|line| line.line().key.compare(document, line_id))
    }

    /// Changes one line, which is made if it is new.
    pub fn change<R>(
        &mut self,
        document: &str,
        line_id: &str,
        keeping: Keeping<'_>,
        change: impl FnOnce(&mut L) -> R,
    ) -> R {
        let found = self.find(document, line_id);
        self.change_found(found, document, line_id, keeping, change)
    }

    /// [`Lines::change`] with what [`Lines::find`] said.
    fn change_found<R>(
        &mut self,
        found: Result<usize, usize>,
        document: &str,
        line_id: &str,
        keeping: Keeping<'_>,
        change: impl FnOnce(&mut L) -> R,
    ) -> R {
        let at = match found {
            Ok(at) => at,
            Err(at) => {
                if self.lines.capacity() == self.lines.len() {
                    // Doubling would waste most of a small place's memory.
                    self.lines.reserve_exact((self.lines.len() / 2).max(1));
                }
                self.lines.insert(at, L::new(Line::new(document, line_id)));
                at
            }
        };
        let changed = self.change_at(at, keeping, change);
        self.forget(keeping);
        changed
    }

    /// States a line: as [`Lines::change`], but bounded in the number of open lines, and with regard to documents
    /// that have ended.
    ///
    /// # Errors
    /// [`TooManyLines`] if the line would be one open line too many; then nothing has changed.
    pub fn state<R>(
        &mut self,
        document: &str,
        line_id: &str,
        ordered: Option<Quantity>,
        keeping: Keeping<'_>,
        change: impl FnOnce(&mut L) -> R,
    ) -> Result<R, TooManyLines> {
        let found = self.find(document, line_id);
        let is_open = found.is_ok_and(|at| self.lines[at].line().open().is_positive());
        if !is_open
            && ordered.is_some_and(Quantity::is_positive)
            && self.open_lines as usize >= keeping.settings.lines_max
        {
            return Err(TooManyLines);
        }
        let ended_at = self.ended_documents.as_ref().and_then(|ended| {
            ended.0.iter().filter(|ended| ended.document == document).map(|ended| ended.ended_at).max()
        });
        Ok(self.change_found(found, document, line_id, keeping, |line| {
            let changed = change(line);
            if ended_at.is_some_and(|ended_at| line.line().announced_at <= ended_at.into()) {
                line.line_mut().end();
            }
            changed
        }))
    }

    /// Ends all lines of a document that were stated up to `ended_at`, also those that arrive later.
    pub fn end_document(&mut self, document: &str, ended_at: Timestamp, keeping: Keeping<'_>) {
        let first = self.lines.partition_point(|line| line.line().document() < document);
        for at in first..self.lines.len() {
            if self.lines[at].line().document() != document {
                break;
            }
            let line = self.lines[at].line();
            if line.version.is_stated() && line.announced_at <= ended_at.into() {
                self.change_at(at, keeping, |line| line.line_mut().end());
            }
        }
        let forget_at = keeping.business_time.plus(keeping.lateness());
        let ended = &mut self.ended_documents.get_or_insert_default().0;
        ended.retain(|ended| ended.forget_at > keeping.business_time);
        if ended.len() >= keeping.settings.tombstones_max && !ended.is_empty() {
            ended.remove(0);
        }
        ended.push(EndedDocument { document: document.into(), ended_at, forget_at });
        self.forget(keeping);
    }

    /// Changes each line; `change` must leave what is open as it is.
    pub fn annotate(&mut self, mut change: impl FnMut(&mut L)) {
        self.lines.iter_mut().for_each(&mut change);
    }

    fn change_at<R>(&mut self, at: usize, keeping: Keeping<'_>, change: impl FnOnce(&mut L) -> R) -> R {
        let line = &mut self.lines[at];
        // A line just made is no tombstone yet, whatever it turns out to be.
        let was_open = line.line().open();
        let changed = change(line);
        let now_open = line.line().open();
        self.open += now_open - was_open;
        match (was_open.is_positive(), now_open.is_positive()) {
            (false, true) => {
                self.open_lines += 1;
                line.line_mut().closed_at = MaybeTime::NONE;
            }
            (true, false) => self.open_lines -= 1,
            _ => {}
        }
        if !now_open.is_positive() {
            if line.line().closed_at == MaybeTime::NONE {
                line.line_mut().closed_at = keeping.business_time.into();
            }
            self.next_expiry = self.next_expiry.min(expiry(line, keeping));
        }
        changed
    }

    /// Lets go of tombstones that have expired or are too many.
    fn forget(&mut self, keeping: Keeping<'_>) {
        let tombstones = self.lines.len() - self.open_lines as usize;
        let mut closed_after = MaybeTime::NONE;
        if tombstones > keeping.settings.tombstones_max {
            // An eighth at once, so that a busy place does not sort them for every line it closes.
            let surplus = tombstones - keeping.settings.tombstones_max + keeping.settings.tombstones_max / 8;
            let mut closed: Vec<MaybeTime> = self
                .lines
                .iter()
                .map(|line| line.line().closed_at)
                .filter(|at| *at != MaybeTime::NONE)
                .collect();
            closed.sort_unstable();
            closed_after = closed.get(surplus.saturating_sub(1)).copied().unwrap_or(MaybeTime::NONE);
        } else if keeping.business_time < self.next_expiry {
            return;
        }
        let mut next_expiry = Timestamp::MAX;
        let mut surplus = if closed_after == MaybeTime::NONE { 0 } else { tombstones };
        let surplus_kept = keeping.settings.tombstones_max - keeping.settings.tombstones_max / 8;
        self.lines.retain(|line| {
            let closed_at = line.line().closed_at;
            if closed_at == MaybeTime::NONE {
                return true;
            }
            if closed_at <= closed_after && surplus > surplus_kept {
                surplus -= 1;
                return false;
            }
            let expiry = expiry(line, keeping);
            if expiry <= keeping.business_time {
                return false;
            }
            next_expiry = next_expiry.min(expiry);
            true
        });
        self.next_expiry = next_expiry;
    }

    /// Bytes on the heap without those of the lines' own parts.
    #[cfg(test)]
    pub fn heap_bytes(&self, of_line: impl Fn(&L) -> usize) -> usize {
        self.lines.capacity() * size_of::<L>() + self.lines.iter().map(of_line).sum::<usize>()
    }
}

fn expiry<L: LineKind>(line: &L, keeping: Keeping<'_>) -> Timestamp {
    let closed_at = line.line().closed_at.get().unwrap_or(Timestamp::MAX);
    let expiry = closed_at.plus(keeping.lateness());
    line.needed_until(keeping.period).map_or(expiry, |needed| needed.max(expiry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_by_document_and_then_by_line() {
        let ascending =
            [("a", "1"), ("a", "10"), ("a", "2"), ("a b", "1"), ("ab", "0"), ("b", ""), ("ä", "1")];
        for (at, (document, line_id)) in ascending.iter().enumerate() {
            let key = LineKey::new(document, line_id);
            assert_eq!(key.parts(), (*document, *line_id));
            for (other, (document, line_id)) in ascending.iter().enumerate() {
                assert_eq!(key.compare(document, line_id), at.cmp(&other), "{at} {other}");
            }
        }
    }
}
