//! The duplicate window in a snapshot: the last of its events, in the order of the journal, from which it is made anew.
//!
//! Every event takes as many places as it says itself, so that the count of places taken before an event tells where the
//! window's tables took turns ([`crate::runtime::duplicates::Duplicates`]). An entry begins with that count. The events of the two tables are kept.
//!
//! Nothing of this is in memory between snapshots, and what is needed of an older one is copied as it is.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{ImageError, Section};
use crate::domain::ids::Lsn;
use crate::domain::time::Timestamp;
use crate::runtime::codec::{EventIdentity, RetryIdentity};
use crate::runtime::duplicates::{Refill, content_word, places_of};

/// An entry is closed when it has so many bytes.
const ENTRY_BYTES: usize = 48 << 10;

/// Where the events of a snapshot end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DuplicateTail {
    /// Places taken by all events of the journal up to there.
    places: u64,
}

/// Entries that end at or before this place are in neither table of a window that so many places were taken in.
fn needed_from(window: usize, places: u64) -> u64 {
    let half = (window / 2).max(1) as u64;
    let newer = places.saturating_sub(1) / half;
    newer.saturating_sub(1) * half
}

/// Looks through the events since the last snapshot for where the window begins, so that what fell out of it meanwhile is
/// never written. Holds one mark for every few thousand events of the window.
pub struct DuplicateSurvey {
    window: usize,
    /// Where to begin from, ascending: the places taken before an event, and its LSN.
    marks: VecDeque<(u64, Lsn)>,
    places: u64,
}

/// Places between two marks of a survey.
const MARK_PLACES: u64 = 4_096;

impl DuplicateSurvey {
    /// Goes on behind an older snapshot, or begins with the journal.
    pub fn resume(window: usize, tail: &DuplicateTail) -> DuplicateSurvey {
        DuplicateSurvey { window, marks: VecDeque::new(), places: tail.places }
    }

    /// Takes the next event of the journal.
    pub fn take(&mut self, identity: &EventIdentity, lsn: Lsn) {
        if self.marks.back().is_none_or(|(places, _)| self.places >= places + MARK_PLACES) {
            self.marks.push_back((self.places, lsn));
            let needed_from = needed_from(self.window, self.places);
            while self.marks.get(1).is_some_and(|(places, _)| *places <= needed_from) {
                self.marks.pop_front();
            }
        }
        self.places += places_of(identity);
    }

    /// What to make the entries with, and the event to begin with, which is the first one if the window still has some of
    /// the older snapshot; none if there was no event.
    pub fn finish(self) -> (DuplicateRuns, Option<Lsn>) {
        let needed_from = needed_from(self.window, self.places);
        let begin = self.marks.iter().rev().find(|(places, _)| *places <= needed_from);
        let begin = begin.or(self.marks.front()).copied();
        let places = begin.map_or(self.places, |(places, _)| places);
        (DuplicateRuns { needed_from, ..DuplicateRuns::behind(places) }, begin.map(|(_, lsn)| lsn))
    }
}

/// Takes the events since the last snapshot and makes entries of them.
pub struct DuplicateRuns {
    /// Entries that end before this place are not needed.
    needed_from: u64,
    places: u64,
    entry: Vec<u8>,
    last_lsn: u64,
    last_taken: i64,
}

/// Whether an event was tried again.
const PLAIN: u8 = 0;
const RETRY: u8 = 1;

impl DuplicateRuns {
    /// Goes on behind an older snapshot, or begins with the journal.
    pub fn resume(window: usize, tail: DuplicateTail) -> DuplicateRuns {
        let needed_from = needed_from(window, tail.places);
        DuplicateRuns { needed_from, ..DuplicateRuns::behind(tail.places) }
    }

    fn behind(places: u64) -> DuplicateRuns {
        DuplicateRuns { needed_from: 0, places, entry: Vec::new(), last_lsn: 0, last_taken: 0 }
    }

    /// Whether an entry of the older snapshot belongs to the next one, too. Those that do come before all new ones.
    pub fn needs(&self, entry: &[u8]) -> bool {
        // What can't be read is copied, so that whoever restores it learns of that.
        Decoding::begin(entry).is_none_or(|decoding| decoding.upto > self.needed_from)
    }

    /// Takes the next event of the journal.
    ///
    /// # Errors
    /// What `emit` fails with.
    pub fn take<E>(
        &mut self,
        identity: &EventIdentity,
        lsn: Lsn,
        taken: Timestamp,
        emit: &mut impl FnMut(Section, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.entry.is_empty() {
            (self.last_lsn, self.last_taken) = (0, 0);
            self.entry.extend_from_slice(&self.places.to_le_bytes());
            // The count behind it comes when the entry is closed.
            self.entry.extend_from_slice(&[0; 8]);
        }
        match identity.retry {
            None => self.entry.push(PLAIN),
            Some(retry) => {
                self.entry.push(RETRY);
                self.entry.extend_from_slice(&retry.entry_key.to_le_bytes());
            }
        }
        self.entry.extend_from_slice(&identity.key.to_le_bytes());
        self.entry.extend_from_slice(&content_word(&identity.content_hash).to_le_bytes());
        put_number(&mut self.entry, lsn.0.wrapping_sub(self.last_lsn));
        put_number(&mut self.entry, zigzag(taken.micros().wrapping_sub(self.last_taken)));
        (self.last_lsn, self.last_taken) = (lsn.0, taken.micros());
        self.places += places_of(identity);
        if self.entry.len() >= ENTRY_BYTES { self.close(emit) } else { Ok(()) }
    }

    /// Gives out what is left, and says where it ends.
    ///
    /// # Errors
    /// What `emit` fails with.
    pub fn finish<E>(
        mut self,
        emit: &mut impl FnMut(Section, &[u8]) -> Result<(), E>,
    ) -> Result<DuplicateTail, E> {
        if !self.entry.is_empty() {
            self.close(emit)?;
        }
        Ok(DuplicateTail { places: self.places })
    }

    fn close<E>(&mut self, emit: &mut impl FnMut(Section, &[u8]) -> Result<(), E>) -> Result<(), E> {
        self.entry[8..16].copy_from_slice(&self.places.to_le_bytes());
        emit(Section::Duplicates, &self.entry)?;
        self.entry.clear();
        Ok(())
    }
}

impl Refill {
    /// The window as of a snapshot, from its entries in order, to go on with the events behind it.
    ///
    /// # Errors
    /// [`ImageError`]
    pub fn restore(
        window: usize,
        entries: impl Iterator<Item = Result<Vec<u8>, ImageError>>,
    ) -> Result<Refill, ImageError> {
        let wrong = |what: &str| ImageError::Inconsistent(format!("events of the duplicate window: {what}"));
        let mut restored: Option<(Refill, u64)> = None;
        for entry in entries {
            let entry = entry?;
            let mut decoding = Decoding::begin(&entry).ok_or_else(|| wrong("an entry is cut short"))?;
            let (refill, places) =
                restored.get_or_insert_with(|| (Refill::resume(window, decoding.from), decoding.from));
            if *places != decoding.from {
                return Err(wrong("an entry is missing"));
            }
            while !decoding.rest.is_empty() {
                let (identity, lsn, taken) = decoding.next().ok_or_else(|| wrong("an event is cut short"))?;
                refill.remember(&identity, lsn, taken);
                *places += places_of(&identity);
            }
            if *places != decoding.upto {
                return Err(wrong("an entry has not as many as it says"));
            }
        }
        Ok(restored.map_or_else(|| Refill::new(window), |(refill, _)| refill))
    }
}

/// An entry on its way back.
struct Decoding<'e> {
    /// Places taken before its first event, and up to its last.
    from: u64,
    upto: u64,
    rest: &'e [u8],
    last_lsn: u64,
    last_taken: i64,
}

impl Decoding<'_> {
    fn begin(entry: &[u8]) -> Option<Decoding<'_>> {
        let (from, rest) = entry.split_first_chunk()?;
        let (upto, rest) = rest.split_first_chunk()?;
        let (from, upto) = (u64::from_le_bytes(*from), u64::from_le_bytes(*upto));
        Some(Decoding { from, upto, rest, last_lsn: 0, last_taken: 0 })
    }

    fn next(&mut self) -> Option<(EventIdentity, Lsn, Timestamp)> {
        let [how] = self.bytes()?;
        let retry = match how {
            PLAIN => None,
            RETRY => Some(RetryIdentity { entry_key: u128::from_le_bytes(self.bytes()?), keeps_id: true }),
            _ => return None,
        };
        let key = u128::from_le_bytes(self.bytes()?);
        // Only the half that the window goes by was kept.
        let mut content_hash = [0; 16];
        content_hash[..8].copy_from_slice(&self.bytes::<8>()?);
        self.last_lsn = self.last_lsn.wrapping_add(self.number()?);
        self.last_taken = self.last_taken.wrapping_add(unzigzag(self.number()?));
        let identity = EventIdentity { key, content_hash, retry };
        Some((identity, Lsn(self.last_lsn), Timestamp::from_micros(self.last_taken)))
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*bytes)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let [byte] = self.bytes()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

/// Seven bits a byte, the lowest first (LEB128).
fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Small numbers of either sign as small numbers.
fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[cfg(test)]
mod tests;
