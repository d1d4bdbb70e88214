//! Stock of one status: the last count and the movements since.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::raw::{self, MaybeTime};
use super::version::Version;
use crate::domain::ids::Lsn;
use crate::domain::quantity::Quantity;
use crate::domain::record::Record;
use crate::domain::settings::SkuLocationSettings;
use crate::domain::time::{HOUR, Timestamp};

/// A change of stock at a moment, kept so that a late count can tell which changes it has already seen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Movement {
    #[serde(with = "raw::timestamp")]
    at: Timestamp,
    #[serde(with = "raw::quantity")]
    delta: Quantity,
    /// The record that told of it.
    lsn: Lsn,
}

/// Stock of one status. `on_hand` = last count + all movements after it, whatever order they arrived in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stock {
    #[serde(with = "raw::quantity")]
    on_hand: Quantity,
    /// The count in force; never stated before the first.
    counted: Version,
    counted_lsn: Lsn,
    /// By time. All are after the count in force and within the time and number that settings keep.
    movements: VecDeque<Movement>,
    /// The latest movement after the count that is in `on_hand` but no longer among `movements`.
    forgotten_until: MaybeTime,
}

/// What stock is made of.
pub struct StockParts<'a> {
    pub carried: Quantity,
    pub carried_at: Option<Timestamp>,
    /// The count, if what was carried over is one.
    pub counted_lsn: Option<Lsn>,
    movements: &'a VecDeque<Movement>,
}

impl StockParts<'_> {
    /// Each movement by time: when, how much, and the record that told of it.
    pub fn movements(&self) -> impl Iterator<Item = (Timestamp, Quantity, Lsn)> {
        self.movements.iter().map(|movement| (movement.at, movement.delta, movement.lsn))
    }
}

/// A count would need movements that are no longer known one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountTooOld {
    /// Everything up to here has been forgotten.
    pub forgotten_until: Timestamp,
}

impl Stock {
    pub fn on_hand(&self) -> Quantity {
        self.on_hand
    }

    /// What `on_hand` is made of: what was carried over (a count, or movements no longer known one by one), and each
    /// movement since.
    pub fn parts(&self) -> StockParts<'_> {
        let moved: Quantity = self.movements.iter().map(|kept| kept.delta).sum();
        let forgotten_until = self.forgotten_until.get();
        let counted = self.counted.is_stated() && forgotten_until.is_none();
        StockParts {
            carried: self.on_hand - moved,
            carried_at: forgotten_until.or(self.counted.time().get()),
            counted_lsn: counted.then_some(self.counted_lsn),
            movements: &self.movements,
        }
    }

    /// Stock came (positive) or went at the record's event time. Without effect if a count at or after that moment is in
    /// force; says whether it had one.
    pub fn move_by(
        &mut self,
        delta: Quantity,
        record: &Record,
        business_time: Timestamp,
        settings: &SkuLocationSettings,
    ) -> bool {
        let at = record.event_time;
        if self.counted.time() >= at.into() {
            return false;
        }
        self.on_hand += delta;
        let movement = Movement { at, delta, lsn: record.lsn };
        match self.movements.back() {
            Some(last) if last.at > at => {
                let place = self.movements.partition_point(|kept| kept.at <= at);
                self.movements.insert(place, movement);
            }
            _ => self.movements.push_back(movement),
        }
        self.forget(business_time, settings);
        true
    }

    /// Stock was `on_hand` as of the record's event time. Says what it was by the books at that moment, unless a later
    /// count is in force; the inner `None` is for the first count, before which there were no books.
    ///
    /// # Errors
    /// [`CountTooOld`] if the count is later than the one in force but earlier than a forgotten movement.
    pub fn count(
        &mut self,
        on_hand: Quantity,
        record: &Record,
        business_time: Timestamp,
        settings: &SkuLocationSettings,
    ) -> Result<Option<Option<Quantity>>, CountTooOld> {
        self.forget(business_time, settings);
        if !self.counted.is_before(record) {
            return Ok(None);
        }
        if let Some(forgotten_until) = self.forgotten_until.get()
            && record.event_time < forgotten_until
        {
            return Err(CountTooOld { forgotten_until });
        }
        let seen = self.movements.partition_point(|kept| kept.at <= record.event_time);
        self.movements.drain(..seen);
        let since: Quantity = self.movements.iter().map(|kept| kept.delta).sum();
        let book = self.counted.is_stated().then(|| self.on_hand - since);
        self.on_hand = on_hand + since;
        self.counted = Version::of(record);
        self.counted_lsn = record.lsn;
        self.forgotten_until = MaybeTime::NONE;
        Ok(Some(book))
    }

    /// Lets go of movements that are too old or too many: they stay in `on_hand`, but no count can come between.
    fn forget(&mut self, business_time: Timestamp, settings: &SkuLocationSettings) {
        let oldest_kept = business_time.plus(-i64::from(settings.count_lateness_hours) * HOUR);
        while let Some(first) = self.movements.front() {
            if first.at >= oldest_kept && self.movements.len() <= settings.movements_kept_max {
                break;
            }
            self.forgotten_until = self.forgotten_until.max(first.at.into());
            self.movements.pop_front();
        }
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        self.counted.heap_bytes() + self.movements.capacity() * size_of::<Movement>()
    }
}
