//! Backpressure at the edge: outside work takes credits for what is accepted and not yet applied.
//!
//! Nothing inside blocks or refuses; what bounds the inside is that no more than this can be on its way.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::domain::ids::Lsn;

/// The credits of one tower.
pub struct Admission {
    records_max: u64,
    bytes_max: u64,
    records: AtomicU64,
    bytes: AtomicU64,
    refused: AtomicU64,
    /// What comes back once an LSN is applied, in LSN order.
    outstanding: Mutex<VecDeque<(Lsn, Credits)>>,
}

/// Credits held; given back by hand because they outlive the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credits {
    pub records: u64,
    pub bytes: u64,
}

impl Admission {
    /// Room for that many records and bytes.
    pub fn new(records_max: u64, bytes_max: u64) -> Admission {
        Admission {
            records_max,
            bytes_max,
            records: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            outstanding: Mutex::default(),
        }
    }

    /// Takes credits, or nothing at all if there are not enough. A request larger than everything is let through when
    /// nothing else is on its way, so that it is not refused for ever.
    pub fn try_take(&self, wanted: Credits) -> bool {
        if take(&self.records, wanted.records, self.records_max) {
            if take(&self.bytes, wanted.bytes, self.bytes_max) {
                return true;
            }
            self.records.fetch_sub(wanted.records, Ordering::AcqRel);
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        false
    }

    /// Whether that much could be taken now. Cheap: asked before a request is read, so that one that would be refused
    /// costs next to nothing.
    pub fn has_room_for(&self, wanted: Credits) -> bool {
        let fits = |held: &AtomicU64, wanted: u64, max: u64| {
            let held = held.load(Ordering::Acquire);
            held == 0 || held.saturating_add(wanted) <= max
        };
        let has_room = fits(&self.records, wanted.records, self.records_max)
            && fits(&self.bytes, wanted.bytes, self.bytes_max);
        if !has_room {
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
        has_room
    }

    /// Gives back what was not used.
    pub fn give_back(&self, credits: Credits) {
        self.records.fetch_sub(credits.records, Ordering::AcqRel);
        self.bytes.fetch_sub(credits.bytes, Ordering::AcqRel);
    }

    /// These come back when `lsn` is applied. LSNs must not go down from call to call.
    pub(super) fn give_back_when_applied(&self, lsn: Lsn, credits: Credits) {
        self.outstanding.lock().push_back((lsn, credits));
    }

    /// Everything up to `lsn` is applied.
    pub(super) fn applied(&self, lsn: Lsn) {
        let mut freed = Credits::default();
        {
            let mut outstanding = self.outstanding.lock();
            while let Some((_, credits)) = outstanding.pop_front_if(|(at, _)| *at <= lsn) {
                freed.records += credits.records;
                freed.bytes += credits.bytes;
            }
        }
        self.give_back(freed);
    }

    /// Records and bytes on their way, and requests refused so far.
    pub fn usage(&self) -> (Credits, u64) {
        let held = Credits {
            records: self.records.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        };
        (held, self.refused.load(Ordering::Relaxed))
    }
}

fn take(held: &AtomicU64, wanted: u64, max: u64) -> bool {
    held.fetch_update(Ordering::AcqRel, Ordering::Acquire, |held| {
        (held == 0 || held.saturating_add(wanted) <= max).then_some(held.saturating_add(wanted))
    })
    .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credits(records: u64, bytes: u64) -> Credits {
        Credits { records, bytes }
    }

    #[test]
    fn credits_run_out_and_come_back_when_applied() {
        let admission = Admission::new(10, 1_000);
        assert!(admission.try_take(credits(6, 600)));
        assert!(!admission.try_take(credits(5, 10)), "too many records");
        assert!(!admission.try_take(credits(1, 500)), "too many bytes, and the record is given back");
        assert!(admission.try_take(credits(4, 400)));
        admission.give_back_when_applied(Lsn(6), credits(6, 600));
        admission.give_back_when_applied(Lsn(10), credits(4, 400));
        admission.applied(Lsn(9));
        assert_eq!(admission.usage(), (credits(4, 400), 2));
        admission.applied(Lsn(10));
        assert_eq!(admission.usage().0, Credits::default());
    }

    #[test]
    fn room_is_told_without_taking_it() {
        let admission = Admission::new(10, 1_000);
        assert!(admission.has_room_for(credits(10, 1_000)));
        assert!(admission.try_take(credits(6, 600)));
        assert!(admission.has_room_for(credits(4, 400)));
        assert!(!admission.has_room_for(credits(5, 1)));
        assert!(!admission.has_room_for(credits(1, 401)));
        assert_eq!(admission.usage(), (credits(6, 600), 2));
    }

    #[test]
    fn what_is_larger_than_everything_passes_alone() {
        let admission = Admission::new(10, 1_000);
        assert!(admission.try_take(credits(50, 10)));
        assert!(!admission.try_take(credits(1, 1)));
    }
}
