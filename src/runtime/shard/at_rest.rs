//! Replay onto entities that rest.
//!
//! After a start from a snapshot nobody has an actor, and most of those that the replay comes to have one batch with
//! records there. To make an actor for each takes longer than all the rest of the replay. So the first time the records are
//! kept beside the state, which is *behind* by them, until somebody wants it: whoever looks or reads applies them. Whoever is
//! come to once more gets an actor.

use std::sync::Arc;

use actix::Message;
use smallvec::SmallVec;

use super::batch::{Segment, ShardDelivery};
use super::presence::Presences;
use super::slot::{Presence, Slot};
use crate::domain::approval_case::ApprovalCase;
use crate::domain::ids::EntityKey;
use crate::domain::record::{Body, Delivery};
use crate::domain::reference::Reference;
use crate::domain::sku_location::SkuLocation;
use crate::domain::subject::Subject;
use crate::domain::supplier::Supplier;
use crate::runtime::panics::contain;
use crate::runtime::shell::Hosted;
use crate::runtime::snapshots::{Kind, pack};

/// Versions of the Reference that records are kept with, in one replay.
const REFERENCES_MAX: usize = 1_000;

/// Records that the state of a resting entity does not have yet, with what they read. As a message: here they are.
#[derive(Clone, Message)]
#[rtype(result = "()")]
pub struct Behind {
    pub reference: Arc<Reference>,
    pub deliveries: SmallVec<[ShardDelivery; 1]>,
}

impl Behind {
    /// Applies them to the state that they are beside. `None` if that fails: its actor comes to the same, and says so.
    pub fn apply<E: Hosted>(&self, entity: &mut E) -> Option<()> {
        self.deliveries.iter().try_for_each(|delivery| {
            let delivery = Delivery {
                record: &delivery.record,
                lsn: delivery.lsn,
                business_time: delivery.business_time,
            };
            contain(|| entity.apply(&delivery, &self.reference)).ok()
        })
    }

    /// The state with them, as it is written.
    fn applied<E: Hosted>(&self, state: &[u8]) -> Option<Box<[u8]>> {
        let mut entity: E = rmp_serde::from_slice(state).ok()?;
        self.apply(&mut entity)?;
        pack(&entity).ok()
    }

    fn applied_to(&self, key: &EntityKey, state: &[u8]) -> Option<Box<[u8]>> {
        match Kind::of(key) {
            Kind::SkuLocation => self.applied::<SkuLocation>(state),
            Kind::Supplier => self.applied::<Supplier>(state),
            Kind::Subject => self.applied::<Subject>(state),
            Kind::ApprovalCase => self.applied::<ApprovalCase>(state),
        }
    }
}

impl Presences {
    /// Takes an entity's records of a segment for the state that it rests in; at most `behind_max` records are kept for
    /// later. `false`, with nothing changed, if it needs an actor for them: because it has one, because it was come to
    /// before, because there is more to do about a record than to apply it, or because that fails.
    pub fn replay_at_rest(
        &mut self,
        slot: &mut Slot,
        segment: &Segment,
        head: u32,
        behind_max: usize,
    ) -> bool {
        let Some(key) = slot.key.clone().filter(|_| !slot.used) else { return false };
        let is_plain = |body: &Body| match body {
            Body::System(_) => false,
            // What it decided itself concerns the summaries and whoever asked for it, too.
            Body::Transition(body) => body.entity != *key,
            _ => true,
        };
        if slot.actor().is_some() || !segment.chain(head).all(|delivery| is_plain(&delivery.record.body)) {
            return false;
        }
        let behind = Behind {
            reference: segment.reference.clone(),
            deliveries: segment.chain(head).cloned().collect(),
        };
        let rests_in_memory = matches!(slot.presence, Presence::Packed(_));
        if rests_in_memory && self.behind < behind_max && self.may_keep(&behind.reference) {
            self.behind += behind.deliveries.len();
            slot.behind = Some(Box::new(behind));
        } else if !self.apply_at_rest(slot, &key, &behind) {
            return false;
        }
        slot.used = true;
        #[cfg(test)]
        for delivery in segment.chain(head) {
            crate::runtime::simulation::observe::applying(&key, &delivery.routed());
        }
        true
    }

    /// Has the state that an entity rests in catch up with its records. `false` if it needs an actor for them.
    pub fn catch_up(&mut self, slot: &mut Slot) -> bool {
        let (Some(behind), Some(key)) = (&slot.behind, &slot.key) else { return true };
        let (behind, key) = (behind.clone(), key.clone());
        let caught_up = self.apply_at_rest(slot, &key, &behind);
        if caught_up {
            self.take_behind(slot);
        }
        caught_up
    }

    /// The records that an entity's state is behind by, for whoever applies them.
    pub fn take_behind(&mut self, slot: &mut Slot) -> Option<Box<Behind>> {
        let behind = slot.behind.take()?;
        self.behind -= behind.deliveries.len();
        Some(behind)
    }

    /// Whether that version of the Reference may be kept for those that are behind: each takes memory of its own.
    fn may_keep(&mut self, reference: &Arc<Reference>) -> bool {
        let is_kept = self.kept_reference.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, reference));
        if !is_kept && self.kept_references < REFERENCES_MAX {
            self.kept_references += 1;
            self.kept_reference = Some(reference.clone());
            return true;
        }
        is_kept
    }

    fn apply_at_rest(&mut self, slot: &mut Slot, key: &EntityKey, behind: &Behind) -> bool {
        let read;
        let state = match (&slot.presence, slot.location) {
            (Presence::Packed(state), _) => state,
            (Presence::Stored, Some(at)) => match self.read(Kind::of(key), at) {
                Ok(state) => {
                    read = state;
                    &read
                }
                Err(_) => return false,
            },
            _ => return false,
        };
        let Some(state) = behind.applied_to(key, state) else { return false };
        self.change(slot, Presence::Packed(state));
        let last = behind.deliveries.last().map(|delivery| delivery.lsn);
        slot.restored_at = slot.restored_at.max(last.unwrap_or_default());
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Instant;

    use super::super::batch::{BatchInWork, NO_MORE};
    use super::*;
    use crate::domain::event::EventType;
    use crate::domain::ids::Lsn;
    use crate::domain::record::{Record, RefusedEvent, Transition, TransitionBody};
    use crate::domain::sku_location::testing::{Place, hour, poison, sale};

    /// A place that rests, and its state as it would be with everything applied.
    struct Rests {
        place: Place,
        slot: Slot,
        presences: Presences,
    }

    impl Rests {
        fn new() -> Rests {
            let mut place = Place::new();
            place.event(hour(1), sale(3));
            let mut slot = Slot::missing();
            slot.key = Some(Arc::new(place.key.clone()));
            slot.used = false;
            slot.restored_at = Lsn(2);
            let mut presences = Presences::default();
            slot.presence = Presence::Packed(pack(&place.state).unwrap());
            presences.count(&slot.presence);
            Rests { place, slot, presences }
        }

        /// The next events, in one segment with those of another place between.
        fn segment(&mut self, records: Vec<Record>) -> (Segment, u32) {
            let reference = Arc::new(self.place.reference.clone());
            let batch = Arc::new(BatchInWork {
                upto: Lsn(99),
                remaining: AtomicUsize::new(1),
                deadline: Instant::now(),
            });
            let (mut deliveries, mut next) = (Vec::new(), Vec::new());
            for record in records {
                let (lsn, business_time) = (record.lsn, record.business_time);
                let record = Arc::new(record);
                for slot in [7, 0] {
                    let record = record.clone();
                    deliveries.push(ShardDelivery { slot, record, lsn, business_time, origin: lsn });
                }
                let behind = deliveries.len() as u32 + 1;
                next.extend([NO_MORE, behind]);
            }
            if let Some(last) = next.last_mut() {
                *last = NO_MORE;
            }
            (Segment { reference, deliveries, next, batch }, 1)
        }

        fn sales(&mut self, count: i64) -> (Segment, u32) {
            let body = |n| Body::Event { event_type: Some(EventType::PosSale), data: sale(n) };
            let records: Vec<Record> =
                (1..=count).map(|n| self.place.next_record(hour(1 + n), body(n))).collect();
            for record in &records {
                self.place.tell(record);
            }
            self.segment(records)
        }

        fn packed(&self) -> &[u8] {
            match &self.slot.presence {
                Presence::Packed(state) => state,
                _ => panic!("it rests in memory"),
            }
        }

        fn caught_up(&self) -> Box<[u8]> {
            pack(&self.place.state).unwrap()
        }
    }

    #[test]
    fn records_wait_beside_the_state_until_it_catches_up() {
        let mut rests = Rests::new();
        let before: Box<[u8]> = rests.packed().into();
        let (segment, head) = rests.sales(3);
        assert!(rests.presences.replay_at_rest(&mut rests.slot, &segment, head, 1));
        assert_eq!((rests.packed(), rests.presences.behind), (&*before, 3));
        assert_eq!(rests.slot.restored_at, Lsn(2), "its state has no more");
        let behind = rests.slot.behind.as_ref().unwrap();
        assert_eq!(behind.deliveries.len(), 3, "only its own");
        let mut read: SkuLocation = rmp_serde::from_slice(&before).unwrap();
        behind.apply(&mut read).unwrap();
        assert_eq!(pack(&read).unwrap(), rests.caught_up(), "who reads sees them");

        assert!(rests.presences.catch_up(&mut rests.slot));
        assert_eq!(rests.packed(), &*rests.caught_up());
        assert_eq!((rests.presences.behind, rests.slot.restored_at), (0, Lsn(5)));
        assert!(rests.slot.behind.is_none());
        assert!(rests.presences.catch_up(&mut rests.slot), "nothing is left to do");

        let (segment, head) = rests.sales(1);
        assert!(!rests.presences.replay_at_rest(&mut rests.slot, &segment, head, 1), "a second time");
    }

    #[test]
    fn when_enough_wait_they_are_applied_at_once() {
        let mut rests = Rests::new();
        let (segment, head) = rests.sales(2);
        assert!(rests.presences.replay_at_rest(&mut rests.slot, &segment, head, 0));
        assert_eq!((rests.packed(), rests.presences.behind), (&*rests.caught_up(), 0));
        assert_eq!(rests.slot.restored_at, Lsn(4));
    }

    #[test]
    fn what_it_fails_on_is_left_to_its_actor() {
        let _poison = poison("at-rest-fails");
        for behind_max in [0, 1] {
            let mut rests = Rests::new();
            let before: Box<[u8]> = rests.packed().into();
            let mut record = rests
                .place
                .next_record(hour(2), Body::Event { event_type: Some(EventType::PosSale), data: sale(1) });
            record.id = "at-rest-fails".into();
            let (segment, head) = rests.segment(vec![record]);
            let taken = rests.presences.replay_at_rest(&mut rests.slot, &segment, head, behind_max);
            assert_eq!(taken, behind_max == 1);
            assert_eq!(rests.presences.catch_up(&mut rests.slot), !taken);
            assert_eq!((rests.packed(), rests.slot.restored_at), (&*before, Lsn(2)));
            assert_eq!(rests.slot.behind.is_some(), taken, "its actor gets it");
        }
    }

    #[test]
    fn what_it_decided_itself_needs_its_actor() {
        let mut rests = Rests::new();
        let transition =
            Transition::RefusedEvent(RefusedEvent { lsn: Lsn(1), code: "x".into(), detail: String::new() });
        let body = TransitionBody { entity: rests.place.key.clone(), transition };
        let record = rests.place.next_record(hour(2), Body::Transition(Box::new(body)));
        let (segment, head) = rests.segment(vec![record]);
        assert!(!rests.presences.replay_at_rest(&mut rests.slot, &segment, head, 1));
        assert!(!rests.slot.used && rests.slot.behind.is_none());
    }
}
