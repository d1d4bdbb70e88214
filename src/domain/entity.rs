//! What every kind of live entity is to the runtime.

use smallvec::SmallVec;

use super::command::{Actor, Command, Refusal};
use super::ids::{EntityKey, Lsn};
use super::record::{Delivery, Transition};
use super::reference::Reference;
use super::time::Timestamp;

/// A pure state machine: one per SKU-location, supplier, subject or approval case.
///
/// `apply` is total and deterministic: the same deliveries with the same Reference versions give the same state,
/// live and in replay. `reconcile` looks and proposes, and changes nothing: a proposal takes effect when it comes
/// back as a record.
pub trait Entity: Sized + Send + Unpin + 'static {
    /// An entity that has seen nothing.
    fn new(key: &EntityKey) -> Self;

    /// Folds one delivery in. Raises `revision` for this entity's own transitions only; a transition whose revision
    /// is not the next one changes nothing. Transitions are taken as they are: only events read the Reference.
    fn apply(&mut self, delivery: &Delivery<'_>, reference: &Reference);

    /// Compares what is with what should be, as of `now`.
    fn reconcile(&self, key: &EntityKey, now: Timestamp, reference: &Reference) -> Reconciled;

    /// Whether what happened last is so grave that it is looked at before all others, however little time there is. It
    /// has to be cheap: every entity is asked after every batch that brought it something.
    fn is_urgent(&self, _now: Timestamp) -> bool {
        false
    }

    /// Decides a command on the state as it is: what it returns is journaled and takes effect when it comes back.
    ///
    /// # Errors
    /// [`Refusal`]; then nothing happens.
    fn decide(
        &self,
        key: &EntityKey,
        command: &Command,
        actor: &Actor,
        now: Timestamp,
        reference: &Reference,
    ) -> Result<Vec<Transition>, Refusal>;

    /// The record up to which this state stands.
    fn applied_lsn(&self) -> Lsn;

    /// Count of own transitions applied.
    fn revision(&self) -> u64;
}

/// What a reconcile found.
#[derive(Debug, Default)]
pub struct Reconciled {
    /// Transitions that should be journaled, in order; the runtime numbers their revisions from the entity's own.
    pub proposals: SmallVec<[Transition; 1]>,
    /// The earliest moment at which this answer could change by time alone.
    pub next_review_at: Option<Timestamp>,
    /// Once the proposals have taken effect, another look finds nothing before something else happens or it is time for
    /// the review.
    pub settles: bool,
}
