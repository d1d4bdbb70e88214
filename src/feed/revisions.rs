//! Which transitions took effect.
//!
//! A transition takes effect on its entity if its revision is the next one; otherwise it is a recorded no-op and must
//! not be shown. The feed folds the same rule over the journal's transitions, from the first record on: through
//! recovery, then live. The few no-ops are remembered by LSN, so that events read again from the middle of the journal
//! come out as they did the first time.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::FixedState;

use crate::domain::ids::{EntityKey, Lsn};
use crate::domain::record::{Body, Record, SystemBody};

/// No-ops remembered; each needs an entity that failed or was passed over, so this is far beyond what happens. A client
/// that comes back from before the oldest forgotten one gets a snapshot.
const NO_OPS_KEPT_MAX: usize = 100_000;

/// The last revision of each entity that ever took a transition, and the transitions that had no effect.
#[derive(Default)]
pub struct Revisions {
    last: HashMap<EntityKey, u64, FixedState>,
    no_ops: BTreeSet<Lsn>,
    forgotten: Lsn,
}

impl Revisions {
    /// Folds a record in; whether it is a transition that took effect.
    pub fn take(&mut self, record: &Record) -> bool {
        match &record.body {
            Body::Transition(body) => self.transition(&body.entity, record.entity_revision, record.lsn),
            Body::System(body) => {
                if let SystemBody::EntityReleased { entity, skip: true, .. } = &**body {
                    // Its state no longer has the record that was left out, which may have been a transition.
                    self.last.remove(entity);
                }
                false
            }
            Body::Event { .. } => false,
        }
    }

    fn transition(&mut self, entity: &EntityKey, revision: u64, lsn: Lsn) -> bool {
        match self.last.get_mut(entity) {
            None => {
                self.last.insert(entity.clone(), revision);
            }
            Some(last) if revision == *last + 1 => *last = revision,
            Some(_) => {
                self.no_ops.insert(lsn);
                if self.no_ops.len() > NO_OPS_KEPT_MAX {
                    self.forgotten = self.no_ops.pop_first().unwrap_or(self.forgotten);
                }
                return false;
            }
        }
        true
    }

    /// Whether a record that was folded in before is a transition without effect.
    pub fn is_no_op(&self, lsn: Lsn) -> bool {
        self.no_ops.contains(&lsn)
    }

    /// Whether it is known of every record after `lsn` whether it took effect.
    pub fn knows_after(&self, lsn: Lsn) -> bool {
        lsn >= self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::ring::testing::exception_record;

    fn take(revisions: &mut Revisions, lsn: u64, sku: &str, revision: u64) -> bool {
        revisions.take(&exception_record(lsn, sku, revision))
    }

    #[test]
    fn a_transition_takes_effect_if_its_revision_is_the_next_one() {
        let mut revisions = Revisions::default();
        assert!(take(&mut revisions, 1, "a", 1));
        assert!(take(&mut revisions, 2, "b", 1));
        assert!(take(&mut revisions, 3, "a", 2));
        assert!(!take(&mut revisions, 4, "a", 2), "the same again");
        assert!(!take(&mut revisions, 5, "a", 4), "one is missing");
        assert!(take(&mut revisions, 6, "a", 3));
        let no_ops: Vec<u64> = (1..=6).filter(|lsn| revisions.is_no_op(Lsn(*lsn))).collect();
        assert_eq!(no_ops, [4, 5]);
        assert!(revisions.knows_after(Lsn::ZERO));
    }

    #[test]
    fn an_entity_released_without_a_record_may_give_its_revision_again() {
        let mut revisions = Revisions::default();
        let first = exception_record(1, "a", 1);
        assert!(revisions.take(&first));
        assert!(take(&mut revisions, 2, "a", 2));
        let Body::Transition(body) = &first.body else { unreachable!() };
        let released = SystemBody::EntityReleased { entity: body.entity.clone(), poison: Lsn(2), skip: true };
        let released =
            Record { lsn: Lsn(3), entity_revision: 0, body: Body::System(Box::new(released)), ..first };
        assert!(!revisions.take(&released));
        assert!(take(&mut revisions, 4, "a", 2));
        assert!(!take(&mut revisions, 5, "a", 2));
    }
}
