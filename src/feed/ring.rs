//! The last events in memory, for clients that were away for a moment.

use std::collections::VecDeque;

use crate::domain::ids::Lsn;

/// Events in LSN order, at most `events_max` of them.
///
/// It holds every event after `floor` and up to `head`.
pub struct Ring<T> {
    events: VecDeque<(Lsn, T)>,
    events_max: usize,
    floor: Lsn,
    head: Lsn,
}

/// Where the events after a place are to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// There are none yet.
    Live,
    Ring,
    /// From one record up to another, both included.
    Journal {
        from: Lsn,
        upto: Lsn,
    },
}

impl<T> Ring<T> {
    /// An empty ring whose first event will be after `head`.
    pub fn new(events_max: usize, head: Lsn) -> Ring<T> {
        Ring { events: VecDeque::new(), events_max, floor: head, head }
    }

    /// The record up to which the journal was seen.
    pub fn head(&self) -> Lsn {
        self.head
    }

    /// Events held.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Adds the next event; the oldest leaves when there is no room.
    pub fn push(&mut self, lsn: Lsn, event: T) {
        self.events.push_back((lsn, event));
        if self.events.len() > self.events_max
            && let Some((oldest, _)) = self.events.pop_front()
        {
            self.floor = oldest;
        }
        self.head = self.head.max(lsn);
    }

    /// The journal was seen up to here.
    pub fn advance(&mut self, head: Lsn) {
        self.head = self.head.max(head);
    }

    /// Where to get the events after `place`.
    pub fn source(&self, place: Lsn) -> Source {
        if place >= self.head {
            Source::Live
        } else if place >= self.floor {
            Source::Ring
        } else {
            Source::Journal { from: place.next(), upto: self.head }
        }
    }

    /// The events after `place` that are held.
    pub fn after(&self, place: Lsn) -> impl Iterator<Item = &(Lsn, T)> {
        let start = self.events.partition_point(|(lsn, _)| *lsn <= place);
        self.events.range(start..)
    }
}

#[cfg(test)]
pub mod testing {
    use crate::domain::approval_case::{CaseChange, CaseTransition};
    use crate::domain::exception::{
        ExceptionChange, ExceptionSubject, ExceptionTransition, ExceptionType, Severity, testing,
    };
    use crate::domain::ids::{EntityKey, Lsn, Name, TenantNumber};
    use crate::domain::record::{Body, Record, Transition, TransitionBody};
    use crate::domain::time::Timestamp;

    /// A SKU-location's record that opens a shortage.
    pub fn exception_record(lsn: u64, sku: &str, revision: u64) -> Record {
        let now = Timestamp::from_micros(1_767_225_600_000_000);
        let mut item = testing::item(&format!("exc_{sku}"), ExceptionType::ShortageNow);
        item.severity = Severity::High;
        item.urgency = 70;
        item.subject = ExceptionSubject::sku_location(&Name::from(sku), &Name::from("L1"));
        item.opened_at = now;
        item.updated_at = now;
        item.confidence = Some(0.5);
        item.revision = revision;
        let transition =
            Transition::Exception(Box::new(ExceptionTransition::alone(ExceptionChange::Opened, item)));
        let tenant = TenantNumber(0);
        let entity = EntityKey::SkuLocation { tenant, sku: Name::from(sku), location: Name::from("L1") };
        Record {
            lsn: Lsn(lsn),
            tenant,
            event_time: now,
            ingest_time: now,
            business_time: now,
            causing_lsn: Lsn::ZERO,
            entity_revision: revision,
            source: Name::from("tidewatch"),
            id: Name::default(),
            sequence: Name::default(),
            principal: Name::from("tidewatch"),
            body: Body::Transition(Box::new(TransitionBody { entity, transition })),
        }
    }

    /// A case's record that opens it.
    pub fn case_record(lsn: u64, id: &str, revision: u64) -> Record {
        let item = crate::domain::approval_case::testing::case(id);
        let transition =
            Transition::Case(Box::new(CaseTransition { kind: CaseChange::Opened, item, claims: Vec::new() }));
        let mut record = exception_record(lsn, id, revision);
        if let Body::Transition(body) = &mut record.body {
            body.transition = transition;
        }
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_left_the_ring_is_in_the_journal_alone() {
        let mut ring = Ring::new(2, Lsn(10));
        assert_eq!(ring.source(Lsn(10)), Source::Live);
        assert_eq!(ring.source(Lsn(9)), Source::Journal { from: Lsn(10), upto: Lsn(10) });
        for lsn in [12, 15, 17] {
            ring.push(Lsn(lsn), ());
        }
        ring.advance(Lsn(20));
        assert_eq!(ring.source(Lsn(11)), Source::Journal { from: Lsn(12), upto: Lsn(20) });
        assert_eq!(ring.source(Lsn(12)), Source::Ring);
        assert_eq!(ring.source(Lsn(18)), Source::Ring);
        assert_eq!(ring.source(Lsn(20)), Source::Live);
        let after: Vec<u64> = ring.after(Lsn(13)).map(|(lsn, ())| lsn.0).collect();
        assert_eq!(after, [15, 17]);
    }
}
