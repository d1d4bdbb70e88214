//! What is asked of a case.

use super::item::{AttemptOutcome, CaseOption};
use crate::domain::exception::ExceptionItem;
use crate::domain::ids::{EntityKey, Name};
use crate::domain::time::Timestamp;

/// A command to one case.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseCommand {
    /// The version that whoever decided had before them; any if `None` (choosing and approving want one).
    pub version: Option<u64>,
    pub what: CaseDecision,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum CaseDecision {
    /// By hand: the case does not exist yet.
    Open {
        title: Option<String>,
        kind: Option<Name>,
        exceptions: Vec<ClaimedException>,
        comment: Option<String>,
    },
    /// Options computed for the facts of that version; older ones are refused.
    SetOptions {
        facts: u64,
        options: Vec<CaseOption>,
    },
    /// A person's own option, or an edited one, computed.
    AddOption {
        option: Box<CaseOption>,
    },
    Choose {
        option_id: Name,
    },
    Approve {
        comment: Option<String>,
    },
    Reject {
        reason: String,
    },
    /// Somebody else votes instead, until then.
    Delegate {
        to: Name,
        until: Option<Timestamp>,
        reason: Option<String>,
    },
    Comment {
        text: String,
    },
    Reopen {
        reason: String,
    },
    Cancel {
        reason: String,
    },
    /// Into another case, which gets the exceptions.
    Merge {
        into: Name,
    },
    /// Exceptions of a case that was merged into this one.
    Absorb {
        from: Name,
        exceptions: Vec<ClaimedException>,
    },
    AddTask {
        title: String,
        assignee: Option<Name>,
        due_at: Option<Timestamp>,
        blocking: bool,
    },
    CompleteTask {
        task_id: Name,
    },
    /// An attempt to deliver an action is about to be made.
    BeginAttempt {
        action_id: Name,
        attempt: u32,
    },
    /// What became of it; a failed one is tried again at `retry_at`, and is dead without.
    EndAttempt {
        action_id: Name,
        attempt: u32,
        outcome: AttemptOutcome,
        status: Option<u16>,
        detail: Option<String>,
        external_ref: Option<String>,
        retry_at: Option<Timestamp>,
    },
    /// A dead action is tried again from the start.
    RetryAction {
        action_id: Name,
    },
    /// A dead or pending action is given up.
    WithdrawAction {
        action_id: Name,
        reason: String,
    },
}

/// An exception that a case decides about, with the entity that has it.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedException {
    pub entity: EntityKey,
    pub item: ExceptionItem,
}
