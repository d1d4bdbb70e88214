//! Approval cases: what one decision solves, with its options, votes, actions and what came of them.
//!
//! A case changes by its own transitions alone, each of which holds the whole case after it. It hears of its
//! exceptions, of documents that carry its actions' ids, and of confirmations and refusals as facts.

mod command;
mod item;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::command::{CaseCommand, CaseDecision, ClaimedException};
pub use self::item::*;
use super::command::{Actor, Command, Refusal};
use super::entity::{Entity, Reconciled};
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
    applied_lsn: Lsn,
    revision: u64,
    /// `None` until it was opened.
    item: Option<Arc<CaseItem>>,
}

impl ApprovalCase {
    /// The case, once it was opened.
    pub fn item(&self) -> Option<&Arc<CaseItem>> {
        self.item.as_ref()
    }
}

impl Entity for ApprovalCase {
    fn new(_key: &EntityKey) -> ApprovalCase {
        ApprovalCase::default()
    }

    fn apply(&mut self, delivery: &Delivery<'_>, _reference: &Reference) {
        self.applied_lsn = self.applied_lsn.max(delivery.lsn);
        if let Body::Transition(body) = &delivery.record.body
            && let Transition::Case(transition) = &body.transition
            && delivery.record.entity_revision == self.revision + 1
        {
            self.revision += 1;
            self.item = Some(Arc::new(transition.item.clone()));
        }
    }

    fn reconcile(&self, _key: &EntityKey, _now: Timestamp, _reference: &Reference) -> Reconciled {
        Reconciled::default()
    }

    fn decide(
        &self,
        _key: &EntityKey,
        _command: &Command,
        _actor: &Actor,
        _now: Timestamp,
        _reference: &Reference,
    ) -> Result<Vec<Transition>, Refusal> {
        Err(Refusal::conflict("cases take no commands yet"))
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
        CaseItem {
            id: Name::from(id),
            kind: Name::from("shortage"),
            state: CaseState::Proposed,
            version: 1,
            title: String::new(),
            subjects: Vec::new(),
            exceptions: Vec::new(),
            value_at_risk: None,
            decide_by: None,
            options: Vec::new(),
            chosen_option: None,
            proposed_by: None,
            rule: None,
            required: Vec::new(),
            votes: Vec::new(),
            tasks: Vec::new(),
            actions: Vec::new(),
            timeline: Vec::new(),
            comments: Vec::new(),
            outcome: None,
            team: None,
            owner: None,
            opened_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            closed_at: None,
            changed_since: Vec::new(),
            merged_into: None,
        }
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
            external_ref: None,
            document: None,
            error: None,
        }
    }
}
