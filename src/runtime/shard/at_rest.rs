//! Replay onto entities that rest.
//!
//! After a start from a snapshot nobody has an actor, and most of those that the replay comes to have one batch with
//! records there. To make an actor for each takes longer than all the rest of the replay. So the records are kept beside the
//! state, which is *behind* by them, until somebody wants it: whoever looks or reads applies them. When too many wait, or what
//! it decided itself comes, the written state is changed there and then: lists show a decision only if the state has it, and
//! that is known only once all before it was applied, which may fail. Whoever is come to once more after that gets an actor.

use std::sync::Arc;

use actix::Message;
use smallvec::SmallVec;

use super::ShardShared;
use super::batch::{Segment, ShardDelivery};
use super::presence::Presences;
use super::slot::{Presence, Slot};
use crate::domain::approval_case::ApprovalCase;
use crate::domain::ids::EntityKey;
use crate::domain::record::{Body, Delivery, Record, Transition};
use crate::domain::reference::Reference;
use crate::domain::sku_location::SkuLocation;
use crate::domain::subject::Subject;
use crate::domain::supplier::Supplier;
use crate::runtime::panics::contain;
use crate::runtime::shell::Hosted;
use crate::runtime::snapshots::{Kind, pack};

/// Records that wait for one entity, unless more of them came together: whoever gets others is changed by all of them.
const BEHIND_EACH_MAX: usize = 8;
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
    /// Applies them to the state that they are beside; says of each whether it took effect. `None` if one fails: its actor
    /// comes to the same, and says so.
    pub fn apply<E: Hosted>(
        &self,
        entity: &mut E,
        mut applied: impl FnMut(&ShardDelivery, bool),
    ) -> Option<()> {
        self.deliveries.iter().try_for_each(|delivery| {
            let revision = entity.revision();
            let at = Delivery {
                record: &delivery.record,
                lsn: delivery.lsn,
                business_time: delivery.business_time,
            };
            contain(|| entity.apply(&at, &self.reference)).ok()?;
            applied(delivery, entity.revision() != revision);
            Some(())
        })
    }
}

/// A state as it is written with the records that it is behind by and more, and what became of those among the latter that
/// it decided itself.
fn applied_to(
    key: &EntityKey,
    state: &[u8],
    behind: Option<&Behind>,
    more: Option<&Behind>,
) -> Option<(Box<[u8]>, Vec<Landed>)> {
    match Kind::of(key) {
        Kind::SkuLocation => applied::<SkuLocation>(key, state, behind, more),
        Kind::Supplier => applied::<Supplier>(key, state, behind, more),
        Kind::Subject => applied::<Subject>(key, state, behind, more),
        Kind::ApprovalCase => applied::<ApprovalCase>(key, state, behind, more),
    }
}

fn applied<E: Hosted>(
    key: &EntityKey,
    state: &[u8],
    behind: Option<&Behind>,
    more: Option<&Behind>,
) -> Option<(Box<[u8]>, Vec<Landed>)> {
    let mut entity: E = rmp_serde::from_slice(state).ok()?;
    let mut landed = Vec::new();
    if let Some(behind) = behind {
        behind.apply(&mut entity, |_, _| {})?;
    }
    if let Some(more) = more {
        more.apply(&mut entity, |delivery, took_effect| {
            if delivery.record.is_decided_by(key) {
                landed.push(Landed { record: delivery.record.clone(), took_effect });
            }
        })?;
    }
    Some((pack(&entity).ok()?, landed))
}

/// A record of what an entity decided, back at its state.
pub struct Landed {
    pub record: Arc<Record>,
    pub took_effect: bool,
}

impl ShardShared {
    /// Whether an entity takes its records of a segment without an actor.
    pub(super) fn replays_at_rest(&self, slot: &mut Slot, segment: &Segment, head: u32) -> bool {
        // A record takes less memory than an actor would, and so do as many of them.
        let landed = self.presences.borrow_mut().replay_at_rest(slot, segment, head, self.limits.live_max);
        let Some(landed) = landed else { return false };
        if let Some(key) = &slot.key {
            landed.iter().for_each(|landed| self.show_decision(key, &landed.record, landed.took_effect));
        }
        true
    }

    /// A record of what an entity decided is back at its state: lists show it, and its command is carried out.
    pub fn show_decision(&self, key: &Arc<EntityKey>, record: &Record, took_effect: bool) {
        let (Body::Transition(body), true) = (&record.body, took_effect) else {
            self.metrics.stale_transitions.inc();
            return;
        };
        let (tenant, lsn) = (record.tenant, record.lsn);
        match &body.transition {
            // In replay after a snapshot: the summaries were taken after the entities were.
            _ if !self.live.get() && self.is_in_summaries(lsn) => {}
            Transition::Exception(change) => {
                self.exceptions.upsert(tenant, key, change.item.clone(), lsn);
            }
            Transition::Case(change) => self.cases.upsert(tenant, key, change.item.clone(), lsn),
            _ => {}
        }
        self.idempotency_keys.settle(record);
    }
}

impl Presences {
    /// Takes an entity's records of a segment for the state that it rests in; at most `behind_max` records are kept for
    /// later. Gives back what it decided itself. `None`, with nothing changed, if it needs an actor for them: because it has
    /// one, because its state was changed for others already, because there is more to do about a record than to apply it, or because that fails.
    pub fn replay_at_rest(
        &mut self,
        slot: &mut Slot,
        segment: &Segment,
        head: u32,
        behind_max: usize,
    ) -> Option<Vec<Landed>> {
        let key = slot.key.clone()?;
        let was_changed = slot.used && slot.behind.is_none();
        let is_system = |delivery: &ShardDelivery| matches!(delivery.record.body, Body::System(_));
        if slot.actor().is_some() || was_changed || segment.chain(head).any(is_system) {
            return None;
        }
        let behind = Behind {
            reference: segment.reference.clone(),
            deliveries: segment.chain(head).cloned().collect(),
        };
        let landed = if self.may_wait(slot, &key, &behind, behind_max) {
            self.behind += behind.deliveries.len();
            match &mut slot.behind {
                Some(waiting) => waiting.deliveries.extend(behind.deliveries),
                none => *none = Some(Box::new(behind)),
            }
            Vec::new()
        } else {
            self.apply_at_rest(slot, &key, Some(&behind))?
        };
        slot.used = true;
        #[cfg(test)]
        for delivery in segment.chain(head) {
            crate::runtime::simulation::observe::applying(&key, &delivery.routed());
        }
        Some(landed)
    }

    /// Whether more records may wait beside an entity's state.
    fn may_wait(&mut self, slot: &Slot, key: &EntityKey, more: &Behind, behind_max: usize) -> bool {
        let waiting = slot.behind.as_deref();
        let count = waiting.map_or(0, |waiting| waiting.deliveries.len()) + more.deliveries.len();
        // What others decided reads no Reference, and many a decision makes another one.
        let is_event = |delivery: &ShardDelivery| matches!(delivery.record.body, Body::Event { .. });
        matches!(slot.presence, Presence::Packed(_))
            && self.behind < behind_max
            && (waiting.is_none() || count <= BEHIND_EACH_MAX)
            && !more.deliveries.iter().any(|delivery| delivery.record.is_decided_by(key))
            && match waiting {
                Some(waiting) => {
                    Arc::ptr_eq(&waiting.reference, &more.reference) || !more.deliveries.iter().any(is_event)
                }
                None => self.may_keep(&more.reference),
            }
    }

    /// Has the state that an entity rests in catch up with its records. `false` if it needs an actor for them.
    pub fn catch_up(&mut self, slot: &mut Slot) -> bool {
        let Some(key) = slot.key.clone().filter(|_| slot.behind.is_some()) else { return true };
        self.apply_at_rest(slot, &key, None).is_some()
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

    /// Changes the state that an entity rests in by what it is behind by, and by more.
    fn apply_at_rest(
        &mut self,
        slot: &mut Slot,
        key: &EntityKey,
        more: Option<&Behind>,
    ) -> Option<Vec<Landed>> {
        let read;
        let state = match (&slot.presence, slot.location) {
            (Presence::Packed(state), _) => state,
            (Presence::Stored, Some(at)) => {
                read = self.read(Kind::of(key), at).ok()?;
                &read
            }
            _ => return None,
        };
        let (state, landed) = applied_to(key, state, slot.behind.as_deref(), more)?;
        let last =
            more.or(slot.behind.as_deref()).and_then(|last| last.deliveries.last()).map(|last| last.lsn);
        slot.restored_at = slot.restored_at.max(last.unwrap_or_default());
        self.change(slot, Presence::Packed(state));
        self.take_behind(slot);
        Some(landed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Instant;

    use super::super::batch::{BatchInWork, NO_MORE};
    use super::*;
    use crate::domain::entity::Entity as _;
    use crate::domain::event::EventType;
    use crate::domain::ids::Lsn;
    use crate::domain::record::{RefusedEvent, SystemBody, TransitionBody};
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

    impl Rests {
        /// A decision of its own, with the revision that it was taken for, and told to the model.
        fn decision(&mut self, entity_revision: u64) -> (Segment, u32) {
            let transition = Transition::RefusedEvent(RefusedEvent {
                lsn: Lsn(1),
                code: "x".into(),
                detail: String::new(),
            });
            let body = TransitionBody { entity: self.place.key.clone(), transition };
            let mut record = self.place.next_record(hour(2), Body::Transition(Box::new(body)));
            record.entity_revision = entity_revision;
            self.place.tell(&record);
            self.segment(vec![record])
        }

        /// Replays at rest. Which of its own records it had, and whether they took effect; `None` if it needs its actor.
        fn replay(&mut self, (segment, head): (Segment, u32), behind_max: usize) -> Option<Vec<(Lsn, bool)>> {
            let landed = self.presences.replay_at_rest(&mut self.slot, &segment, head, behind_max)?;
            Some(landed.iter().map(|landed| (landed.record.lsn, landed.took_effect)).collect())
        }
    }

    #[test]
    fn records_wait_beside_the_state_until_it_catches_up() {
        let mut rests = Rests::new();
        let before: Box<[u8]> = rests.packed().into();
        let sales = rests.sales(3);
        assert_eq!(rests.replay(sales, 1), Some(vec![]));
        assert_eq!((rests.packed(), rests.presences.behind), (&*before, 3));
        assert_eq!(rests.slot.restored_at, Lsn(2), "its state has no more");
        let behind = rests.slot.behind.as_ref().unwrap();
        assert_eq!(behind.deliveries.len(), 3, "only its own");
        let mut read: SkuLocation = rmp_serde::from_slice(&before).unwrap();
        behind.apply(&mut read, |_, _| {}).unwrap();
        assert_eq!(pack(&read).unwrap(), rests.caught_up(), "who reads sees them");

        assert!(rests.presences.catch_up(&mut rests.slot));
        assert_eq!(rests.packed(), &*rests.caught_up());
        assert_eq!((rests.presences.behind, rests.slot.restored_at), (0, Lsn(5)));
        assert!(rests.slot.behind.is_none());
        assert!(rests.presences.catch_up(&mut rests.slot), "nothing is left to do");

        let sales = rests.sales(1);
        assert_eq!(rests.replay(sales, 1), None, "it was come to, and has caught up with that");
    }

    #[test]
    fn when_too_many_wait_its_state_is_changed_and_after_that_it_needs_its_actor() {
        let mut rests = Rests::new();
        let before: Box<[u8]> = rests.packed().into();
        for waiting in 1..=BEHIND_EACH_MAX {
            let sales = rests.sales(1);
            // As long as it is the same version of the Reference.
            let reference = rests.slot.behind.as_ref().map(|behind| behind.reference.clone());
            let (Segment { reference: other, .. }, _) = &sales;
            let reference = reference.unwrap_or_else(|| other.clone());
            let (segment, head) = sales;
            let sales = (Segment { reference, ..segment }, head);
            assert_eq!(rests.replay(sales, 99), Some(vec![]));
            assert_eq!((rests.packed(), rests.presences.behind), (&*before, waiting));
        }
        let sales = rests.sales(1);
        assert_eq!(rests.replay(sales, 99), Some(vec![]));
        assert_eq!((rests.packed(), rests.presences.behind), (&*rests.caught_up(), 0));
        let last = Lsn(2 + BEHIND_EACH_MAX as u64 + 1);
        assert_eq!((rests.slot.restored_at, rests.slot.behind.is_none()), (last, true));
        let (before, sales): (Box<[u8]>, _) = (rests.packed().into(), rests.sales(1));
        assert_eq!(rests.replay(sales, 99), None);
        assert_eq!((rests.packed(), rests.slot.restored_at), (&*before, last));
    }

    #[test]
    fn records_that_read_another_reference_do_not_wait_with_the_first_ones() {
        let mut rests = Rests::new();
        let sales = rests.sales(2);
        assert_eq!(rests.replay(sales, 9), Some(vec![]));
        let sales = rests.sales(1);
        assert_eq!(rests.replay(sales, 9), Some(vec![]));
        assert_eq!((rests.packed(), rests.presences.behind), (&*rests.caught_up(), 0));
        assert_eq!((rests.slot.restored_at, rests.slot.behind.is_none()), (Lsn(5), true));
    }

    #[test]
    fn when_enough_wait_they_are_applied_at_once() {
        let mut rests = Rests::new();
        let sales = rests.sales(2);
        assert_eq!(rests.replay(sales, 0), Some(vec![]));
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
            let segment = rests.segment(vec![record]);
            let taken = rests.replay(segment, behind_max).is_some();
            assert_eq!(taken, behind_max == 1);
            assert_eq!(rests.presences.catch_up(&mut rests.slot), !taken);
            if taken {
                let sales = rests.sales(1);
                assert_eq!(rests.replay(sales, 9), None, "it fails on what waits");
            }
            assert_eq!((rests.packed(), rests.slot.restored_at), (&*before, Lsn(2)));
            let behind = rests.slot.behind.as_ref().map(|behind| behind.deliveries.len());
            assert_eq!(behind, taken.then_some(1), "its actor gets it");
            assert_eq!(rests.presences.behind, usize::from(taken));
        }
    }

    #[test]
    fn what_it_decided_itself_is_told_with_its_effect() {
        let mut rests = Rests::new();
        let revision = rests.place.state.revision();
        let decision = rests.decision(revision + 1);
        assert_eq!(rests.replay(decision, 9), Some(vec![(Lsn(3), true)]), "for the lists, at once");
        assert_eq!((rests.packed(), rests.slot.restored_at), (&*rests.caught_up(), Lsn(3)));
        assert!(rests.slot.behind.is_none());

        // Behind what waits; and out of date.
        for (ahead, took_effect) in [(1, true), (2, false)] {
            let mut rests = Rests::new();
            let sales = rests.sales(1);
            assert_eq!(rests.replay(sales, 9), Some(vec![]));
            let decision = rests.decision(rests.place.state.revision() + ahead);
            assert_eq!(rests.replay(decision, 9), Some(vec![(Lsn(4), took_effect)]));
            assert_eq!((rests.packed(), rests.presences.behind), (&*rests.caught_up(), 0));
        }
    }

    #[test]
    fn what_the_tower_says_about_it_needs_its_actor() {
        let mut rests = Rests::new();
        let body =
            SystemBody::EntityReleased { entity: rests.place.key.clone(), poison: Lsn(1), skip: false };
        let record = rests.place.next_record(hour(2), Body::System(Box::new(body)));
        let segment = rests.segment(vec![record]);
        assert_eq!(rests.replay(segment, 1), None);
        assert!(!rests.slot.used && rests.slot.behind.is_none());
    }
}
