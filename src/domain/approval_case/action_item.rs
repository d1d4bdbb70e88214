//! What an approved option makes: actions, the attempts to deliver them, the documents that come back.

use serde::{Deserialize, Serialize};

use super::option_item::{ActionKind, OptionStep};
use crate::domain::ids::{Lsn, Name};
use crate::domain::quantity::Quantity;
use crate::domain::time::Timestamp;

/// An action on its way to a system of record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseAction {
    /// Derived from case, decision and step: the `Idempotency-Key` of every attempt, and what the document names.
    pub id: Name,
    pub kind: ActionKind,
    pub state: ActionState,
    /// The name of the system of record.
    pub target: Name,
    pub step: OptionStep,
    /// Attempts to deliver it; the last ones are kept.
    pub attempts: Vec<DeliveryAttempt>,
    /// Attempts in all.
    pub attempt_count: u32,
    /// Not before this.
    pub next_attempt_at: Option<Timestamp>,
    pub approved_at: Timestamp,
    pub delivered_at: Option<Timestamp>,
    /// Planned supply that nothing confirms stops counting then.
    pub expires_at: Timestamp,
    /// The system of record answered after it had expired: it was done all the same, and has an expiry anew.
    #[serde(default)]
    pub late: bool,
    /// What the system of record calls it.
    pub external_ref: Option<String>,
    /// The document that came back: its id, quantity and promise.
    pub document: Option<ActionDocument>,
    pub error: Option<String>,
}

/// How far an action is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionState {
    /// To be delivered.
    Pending,
    /// An attempt was journaled, and its result was not yet.
    Sending,
    /// The system of record took it.
    Delivered,
    /// It confirmed it with an event.
    Confirmed,
    /// Its document is here.
    Documented,
    /// It refused it.
    Refused,
    /// Every attempt failed: somebody has to look at it.
    Dead,
    /// Withdrawn by a person before it was delivered.
    Withdrawn,
    /// Neither confirmation nor document came before it expired.
    Expired,
}

impl ActionState {
    /// Every state.
    pub const ALL: [ActionState; 9] = {
        use ActionState::*;
        [Pending, Sending, Delivered, Confirmed, Documented, Refused, Dead, Withdrawn, Expired]
    };

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ActionState::Pending => "pending",
            ActionState::Sending => "sending",
            ActionState::Delivered => "delivered",
            ActionState::Confirmed => "confirmed",
            ActionState::Documented => "documented",
            ActionState::Refused => "refused",
            ActionState::Dead => "dead",
            ActionState::Withdrawn => "withdrawn",
            ActionState::Expired => "expired",
        }
    }

    /// Whether what it brings counts as planned supply (or stock held).
    pub fn counts_as_planned(self) -> bool {
        use ActionState::*;
        matches!(self, Pending | Sending | Delivered | Confirmed | Dead)
    }
}

/// One attempt to deliver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    pub attempt: u32,
    pub started_at: Timestamp,
    /// `None` while it is not known what became of it.
    pub finished_at: Option<Timestamp>,
    pub outcome: AttemptOutcome,
    pub status: Option<u16>,
    pub detail: Option<String>,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// Not known: it may have arrived.
    Unknown,
    Delivered,
    /// To be tried again.
    Failed,
    /// The target said no.
    Refused,
}

impl AttemptOutcome {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            AttemptOutcome::Unknown => "unknown",
            AttemptOutcome::Delivered => "delivered",
            AttemptOutcome::Failed => "failed",
            AttemptOutcome::Refused => "refused",
        }
    }
}

/// The document of a system of record that carries an action's id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionDocument {
    /// `purchase_order` or `transfer`.
    pub kind: Name,
    pub id: Name,
    pub quantity: Option<Quantity>,
    pub promised_at: Option<Timestamp>,
    pub lsn: Lsn,
    pub received: Quantity,
    /// Further documents that carry the same action's id: there should be none.
    #[serde(default)]
    pub also: Vec<Name>,
}
