//! Which transitions took effect.
//!
//! A transition takes effect on its entity if its revision is the next one; otherwise it is a recorded no-op and must
//! not be shown. The fold goes by the same rule, from the first record on. The few no-ops are remembered by LSN, so that
//! the feed tells the same when it reads a part of the journal again.

use rpds::RedBlackTreeSetSync;

use super::directory::Address;
use super::pieces::Pieces;
use crate::domain::ids::Lsn;

/// No-ops remembered; each needs an entity that failed or was passed over, so this is far beyond what happens. A client
/// that comes back from before the oldest forgotten one gets a snapshot.
const NO_OPS_KEPT_MAX: usize = 100_000;

/// The last revision of each entity that ever took a transition, and the transitions that had no effect. Clones share
/// what neither changes.
#[derive(Clone, Default)]
pub(super) struct Revisions {
    pub last: Pieces<Address, u64>,
    pub no_ops: NoOps,
}

/// Transitions that had no effect. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct NoOps {
    lsns: RedBlackTreeSetSync<Lsn>,
    forgotten: Lsn,
}

impl Revisions {
    /// Folds in a transition of an entity.
    pub fn transition(&mut self, entity: Address, revision: u64, lsn: Lsn) {
        // Nothing is the revision of an entity without transitions, and of one whose last ones were left out.
        let last = self.last.get_or_default(&entity);
        if *last == 0 || revision == *last + 1 {
            *last = revision;
        } else {
            self.no_ops.add(lsn);
        }
    }

    /// An entity was released without a record, which may have been a transition: its state no longer has it.
    pub fn left_out(&mut self, entity: Address) {
        *self.last.get_or_default(&entity) = 0;
    }
}

impl NoOps {
    /// Whether a record that was folded in is a transition without effect.
    pub fn contains(&self, lsn: Lsn) -> bool {
        self.lsns.contains(&lsn)
    }

    /// Whether it is known of every record after `lsn` whether it took effect.
    pub fn are_known_after(&self, lsn: Lsn) -> bool {
        lsn >= self.forgotten
    }

    /// All that are known, and the last one that is not.
    pub(super) fn parts(&self) -> (impl Iterator<Item = Lsn>, Lsn) {
        (self.lsns.iter().copied(), self.forgotten)
    }

    /// From [`NoOps::parts`].
    pub(super) fn from_parts(lsns: impl IntoIterator<Item = Lsn>, forgotten: Lsn) -> NoOps {
        NoOps { lsns: lsns.into_iter().collect(), forgotten }
    }

    fn add(&mut self, lsn: Lsn) {
        self.lsns.insert_mut(lsn);
        if self.lsns.size() > NO_OPS_KEPT_MAX
            && let Some(oldest) = self.lsns.first().copied()
        {
            self.lsns.remove_mut(&oldest);
            self.forgotten = oldest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Address = Address { shard: 0, slot: 0 };
    const B: Address = Address { shard: 0, slot: 1 };

    fn no_ops(transitions: &[(u64, Address, u64)]) -> Vec<u64> {
        let mut revisions = Revisions::default();
        for (lsn, entity, revision) in transitions {
            revisions.transition(*entity, *revision, Lsn(*lsn));
        }
        (0..100).filter(|lsn| revisions.no_ops.contains(Lsn(*lsn))).collect()
    }

    #[test]
    fn a_transition_takes_effect_if_its_revision_is_the_next_one() {
        assert_eq!(no_ops(&[(1, A, 1), (2, B, 1), (3, A, 2), (4, A, 2), (5, A, 4), (6, A, 3)]), [4, 5]);
        assert_eq!(no_ops(&[(1, A, 3), (2, A, 4)]), [0; 0], "the first one seen is taken as it comes");
    }

    #[test]
    fn an_entity_released_without_a_record_may_give_its_revision_again() {
        let mut revisions = Revisions::default();
        revisions.transition(A, 1, Lsn(1));
        revisions.transition(A, 2, Lsn(2));
        revisions.left_out(A);
        revisions.transition(A, 2, Lsn(4));
        revisions.transition(A, 2, Lsn(5));
        assert!(!revisions.no_ops.contains(Lsn(4)) && revisions.no_ops.contains(Lsn(5)));
    }

    #[test]
    fn what_was_forgotten_is_known_to_be() {
        let mut no_ops = NoOps::default();
        for lsn in 1..=NO_OPS_KEPT_MAX as u64 + 2 {
            no_ops.add(Lsn(lsn));
        }
        assert!(no_ops.are_known_after(Lsn(2)) && !no_ops.are_known_after(Lsn(1)));
    }
}
