//! Approval cases: what one decision solves, with its options, votes, actions and what came of them.
//!
//! A case changes by its own transitions alone, each of which holds the whole case after it. It hears of its
//! exceptions, of documents that carry its actions' ids, and of confirmations and refusals as facts.

mod action_item;
mod bounds;
mod change;
mod command;
mod deadlines;
mod decide;
mod exceptions;
mod execution;
mod facts;
mod follow;
mod item;
mod members;
mod option_item;
pub mod options;
#[cfg(test)]
mod tests;
mod votes;
mod words;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::command::{CaseCommand, CaseDecision, ClaimedException};
pub use self::decide::{check_absorb, open_by_hand};
pub use self::execution::UNKNOWN_RETRIED_AFTER;
use self::facts::CaseFacts;
pub use self::item::*;
use super::command::{Actor, Command, Refusal};
use super::entity::{Entity, Reconciled};
use super::exception;
use super::exception::command::Where;
use super::exception::slots::ExceptionSlots;
use super::ids::{EntityKey, Lsn, Name};
use super::record::{Body, Delivery, Transition};
use super::reference::Reference;
use super::time::Timestamp;

/// A change of a case, with the case as it is after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseTransition {
    pub kind: CaseChange,
    pub item: CaseItem,
    /// The entities whose exceptions the case claims, or lets go, with their ids: they hear of it as a fact.
    pub claims: Vec<Claim>,
}

/// Exceptions of one entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    pub entity: EntityKey,
    pub exceptions: Vec<Name>,
    /// Claimed, or let go.
    pub held: bool,
}

/// The changes of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseChange {
    Opened,
    /// Exceptions or facts changed.
    Updated,
    Options,
    Chosen,
    Voted,
    Approved,
    Rejected,
    Executing,
    Executed,
    Reconciled,
    Closed,
    Cancelled,
    Expired,
    Failed,
    Superseded,
    Reopened,
    Delegated,
    Commented,
    Task,
    /// An action moved on.
    Action,
}

impl CaseChange {
    /// The kind of the feed's event frame and of the record.
    pub fn as_str(self) -> &'static str {
        match self {
            CaseChange::Opened => "case.opened",
            CaseChange::Updated => "case.updated",
            CaseChange::Options => "case.options",
            CaseChange::Chosen => "case.chosen",
            CaseChange::Voted => "case.voted",
            CaseChange::Approved => "case.approved",
            CaseChange::Rejected => "case.rejected",
            CaseChange::Executing => "case.executing",
            CaseChange::Executed => "case.executed",
            CaseChange::Reconciled => "case.reconciled",
            CaseChange::Closed => "case.closed",
            CaseChange::Cancelled => "case.cancelled",
            CaseChange::Expired => "case.expired",
            CaseChange::Failed => "case.failed",
            CaseChange::Superseded => "case.superseded",
            CaseChange::Reopened => "case.reopened",
            CaseChange::Delegated => "case.delegated",
            CaseChange::Commented => "case.commented",
            CaseChange::Task => "case.task",
            CaseChange::Action => "case.action",
        }
    }
}

/// One case's live state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ApprovalCase {
    /// Its own key: it has to tell its own transitions from facts about others.
    key: Option<Box<EntityKey>>,
    applied_lsn: Lsn,
    revision: u64,
    /// `None` until it was opened.
    item: Option<Arc<CaseItem>>,
    facts: CaseFacts,
    /// What is wrong with its actions.
    exceptions: ExceptionSlots,
}

impl ApprovalCase {
    /// The case, once it was opened.
    pub fn item(&self) -> Option<&Arc<CaseItem>> {
        self.item.as_ref()
    }

    /// The exceptions that it has itself: about its actions.
    pub fn exceptions(&self) -> &ExceptionSlots {
        &self.exceptions
    }

    fn id(&self) -> Name {
        case_id_of(self.key.as_deref())
    }

    fn apply_own(&mut self, transition: &Transition) {
        match transition {
            Transition::Case(change) => {
                let id = self.id();
                self.facts.forget_strangers(&id, &change.item);
                self.item = Some(Arc::new(change.item.clone()));
            }
            Transition::Exception(change) => {
                self.exceptions.apply(change);
            }
            Transition::ConditionNoted(noted) => self.exceptions.note_condition(noted),
            Transition::RefusedEvent(_) | Transition::SupplierStatistics(_) => {}
        }
    }
}

/// What was let go of to make room is not enough for everything.
fn require_room(command: &CaseDecision, after: &CaseItem, bytes_max: usize) -> Result<(), Refusal> {
    let Some(pointer) = bounds::grows_by(command) else { return Ok(()) };
    let bytes = bounds::bytes_of(after);
    if bytes <= bytes_max {
        return Ok(());
    }
    let detail = format!("the case is full: with this it would have {bytes} bytes, and it takes {bytes_max}");
    Err(Refusal::invalid(pointer, detail))
}

fn case_id_of(key: Option<&EntityKey>) -> Name {
    match key {
        Some(EntityKey::ApprovalCase { case, .. }) => case.clone(),
        _ => Name::default(),
    }
}

impl Entity for ApprovalCase {
    fn new(key: &EntityKey) -> ApprovalCase {
        ApprovalCase { key: Some(Box::new(key.clone())), ..ApprovalCase::default() }
    }

    fn apply(&mut self, delivery: &Delivery<'_>, _reference: &Reference) {
        self.applied_lsn = self.applied_lsn.max(delivery.lsn);
        match &delivery.record.body {
            Body::Transition(body) if self.key.as_deref() == Some(&body.entity) => {
                if delivery.record.entity_revision == self.revision + 1 {
                    self.revision += 1;
                    self.apply_own(&body.transition);
                }
            }
            Body::Transition(body) => {
                let key = self.key.as_deref();
                self.exceptions.hear(&body.transition, |entity| key == Some(entity));
                let id = self.id();
                self.facts.hear(delivery, &id, self.item.as_deref());
            }
            Body::Event { .. } => {
                let id = self.id();
                self.facts.hear(delivery, &id, self.item.as_deref());
            }
            Body::System(_) => {}
        }
    }

    fn reconcile(&self, key: &EntityKey, now: Timestamp, reference: &Reference) -> Reconciled {
        let (change, review_at) = self.follow(key, now, reference);
        let (found, watch_at) = self.watch(key, now, reference);
        let proposals = change.map(|change| Transition::Case(Box::new(change))).into_iter().chain(found);
        Reconciled {
            proposals: proposals.collect(),
            next_review_at: review_at.into_iter().chain(watch_at).min(),
            settles: false,
        }
    }

    fn decide(
        &self,
        key: &EntityKey,
        command: &Command,
        actor: &Actor,
        now: Timestamp,
        reference: &Reference,
    ) -> Result<Vec<Transition>, Refusal> {
        match command {
            Command::Case(command) => {
                let change = self.decide_case(key, command, actor, now, reference)?;
                require_room(&command.what, &change.item, reference.settings().cases.bytes_max)?;
                Ok(vec![Transition::Case(Box::new(change))])
            }
            Command::Exception(command) => {
                let tenant = reference.tenant(key.tenant());
                let place = Where { settings: reference.settings(), tenant, segment: self.segment(tenant) };
                let change = exception::command::decide(&self.exceptions, command, actor, now, place)?;
                Ok(vec![Transition::Exception(Box::new(change))])
            }
        }
    }

    fn applied_lsn(&self) -> Lsn {
        self.applied_lsn
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::domain::quantity::Quantity;

    /// A case that says nothing more than its id.
    pub fn case(id: &str) -> CaseItem {
        let mut item = follow::new_item(Name::from(id), Timestamp::default());
        item.kind = Name::from("shortage");
        item.state = CaseState::Proposed;
        item
    }

    /// An action that was approved and brings `quantity` of `sku` to `location`, from another location if there is one.
    pub fn action(id: &str, sku: &str, location: &str, from: Option<&str>, quantity: Quantity) -> CaseAction {
        CaseAction {
            id: Name::from(id),
            kind: if from.is_some() { ActionKind::Transfer } else { ActionKind::Order },
            state: ActionState::Pending,
            target: Name::from("erp"),
            step: OptionStep {
                kind: if from.is_some() { ActionKind::Transfer } else { ActionKind::Order },
                sku: Name::from(sku),
                location: Name::from(location),
                from: from.map(Name::from),
                supplier: None,
                po_id: None,
                line_id: None,
                quantity,
                line_quantity: None,
                arrives_at: None,
                unit_cost: None,
                note: None,
            },
            attempts: Vec::new(),
            attempt_count: 0,
            next_attempt_at: None,
            approved_at: Timestamp::default(),
            delivered_at: None,
            expires_at: Timestamp::MAX,
            late: false,
            external_ref: None,
            document: None,
            error: None,
        }
    }
}
