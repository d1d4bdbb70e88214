//! Replay onto entities that rest.
//!
//! After a start from a snapshot nobody has an actor, and most of those that the replay comes to have one record there. To
//! make an actor for that takes longer than the record, and more memory than the state. So the first time the state is
//! read, changed and written again. Whoever is come to once more gets an actor.

use super::batch::Segment;
use super::presence::Presences;
use super::slot::{Presence, Slot};
use crate::domain::approval_case::ApprovalCase;
use crate::domain::ids::EntityKey;
use crate::domain::record::{Body, Delivery};
use crate::domain::sku_location::SkuLocation;
use crate::domain::subject::Subject;
use crate::domain::supplier::Supplier;
use crate::runtime::panics::contain;
use crate::runtime::shell::Hosted;
use crate::runtime::snapshots::{Kind, pack};

impl Presences {
    /// Applies an entity's records of a segment to the state that it rests in. `false`, with nothing changed, if it needs an
    /// actor for them: because it has one, because it was come to before, because there is more to do about a record than to
    /// apply it, or because that fails.
    pub fn apply_at_rest(&mut self, slot: &mut Slot, segment: &Segment, head: u32) -> bool {
        let Some(key) = slot.key.clone().filter(|_| !slot.used) else { return false };
        let kind = Kind::of(&key);
        let read;
        let state = match (&slot.presence, slot.location) {
            (Presence::Packed(state), _) => state,
            (Presence::Stored, Some(at)) => match self.read(kind, at) {
                Ok(state) => {
                    read = state;
                    &read
                }
                Err(_) => return false,
            },
            _ => return false,
        };
        let changed = match kind {
            Kind::SkuLocation => changed::<SkuLocation>(&key, state, segment, head),
            Kind::Supplier => changed::<Supplier>(&key, state, segment, head),
            Kind::Subject => changed::<Subject>(&key, state, segment, head),
            Kind::ApprovalCase => changed::<ApprovalCase>(&key, state, segment, head),
        };
        let Some(state) = changed else { return false };
        self.change(slot, Presence::Packed(state));
        let last = segment.chain(head).last().map(|delivery| delivery.lsn);
        slot.restored_at = slot.restored_at.max(last.unwrap_or_default());
        slot.used = true;
        true
    }
}

/// The state after the records, as it is written.
fn changed<E: Hosted>(key: &EntityKey, state: &[u8], segment: &Segment, head: u32) -> Option<Box<[u8]>> {
    let is_plain = |body: &Body| match body {
        Body::System(_) => false,
        // What it decided itself concerns the summaries and whoever asked for it, too.
        Body::Transition(body) => body.entity != *key,
        _ => true,
    };
    if !segment.chain(head).all(|delivery| is_plain(&delivery.record.body)) {
        return None;
    }
    let mut entity: E = rmp_serde::from_slice(state).ok()?;
    for delivery in segment.chain(head) {
        let delivery =
            Delivery { record: &delivery.record, lsn: delivery.lsn, business_time: delivery.business_time };
        // Its actor comes to the same, and says so.
        contain(|| entity.apply(&delivery, &segment.reference)).ok()?;
    }
    let state = pack(&entity).ok()?;
    #[cfg(test)]
    for delivery in segment.chain(head) {
        crate::runtime::simulation::observe::applying(key, &delivery.routed());
    }
    Some(state)
}
