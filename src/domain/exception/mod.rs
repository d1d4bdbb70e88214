//! Exceptions: what is wrong, how much it matters, until when it can be helped.

pub mod assessment;
pub mod command;
mod duty;
#[cfg(test)]
mod duty_tests;
pub mod group;
pub mod kind;
pub mod own;
pub mod routing;
pub mod slots;
pub mod watch;
pub mod worth;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use self::group::CauseRef;
pub use self::group::{AffectedException, AffectedSummary};
pub use self::kind::ExceptionType;
use super::ids::{EntityKey, Lsn, Name, TenantNumber};
use super::money::Money;
use super::quantity::Quantity;
use super::time::Timestamp;

/// How far an exception is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionState {
    Open,
    /// Somebody has seen it and will look after it.
    Acknowledged,
    /// An approval case decides about it.
    InCase,
    /// Put off until a moment.
    Snoozed,
    /// Dismissed by a person, with a reason.
    Resolved,
    /// Went away by itself.
    Cleared,
}

impl ExceptionState {
    /// Every state.
    pub const ALL: [ExceptionState; 6] = [
        ExceptionState::Open,
        ExceptionState::Acknowledged,
        ExceptionState::InCase,
        ExceptionState::Snoozed,
        ExceptionState::Resolved,
        ExceptionState::Cleared,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ExceptionState::Open => "open",
            ExceptionState::Acknowledged => "acknowledged",
            ExceptionState::InCase => "in_case",
            ExceptionState::Snoozed => "snoozed",
            ExceptionState::Resolved => "resolved",
            ExceptionState::Cleared => "cleared",
        }
    }

    /// Whether it is over; only the same trouble soon after can open it again.
    pub fn is_final(self) -> bool {
        matches!(self, ExceptionState::Resolved | ExceptionState::Cleared)
    }
}

/// How bad it is, apart from how soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

/// What an exception is about; fields that don't apply are `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExceptionSubject {
    /// `sku_location`, `supplier`, `item`, `location`, `purchase_order`, `order`, `transfer`, `promotion`, `source`,
    /// `action`.
    pub kind: Name,
    pub sku: Option<Name>,
    pub location: Option<Name>,
    pub supplier: Option<Name>,
    pub po_id: Option<Name>,
    pub order_id: Option<Name>,
    pub transfer_id: Option<Name>,
    pub promotion_id: Option<Name>,
    pub action_id: Option<Name>,
    /// Who sends events, as the `source` of CloudEvents.
    pub source: Option<Name>,
}

impl ExceptionSubject {
    /// One item at one location.
    pub fn sku_location(sku: &Name, location: &Name) -> ExceptionSubject {
        ExceptionSubject {
            kind: Name::const_new("sku_location"),
            sku: Some(sku.clone()),
            location: Some(location.clone()),
            ..ExceptionSubject::default()
        }
    }

    /// One supplier.
    pub fn supplier(supplier: &Name) -> ExceptionSubject {
        ExceptionSubject {
            kind: Name::const_new("supplier"),
            supplier: Some(supplier.clone()),
            ..ExceptionSubject::default()
        }
    }

    /// One purchase order of a supplier.
    pub fn purchase_order(supplier: &Name, po_id: &Name) -> ExceptionSubject {
        ExceptionSubject {
            kind: Name::const_new("purchase_order"),
            supplier: Some(supplier.clone()),
            po_id: Some(po_id.clone()),
            ..ExceptionSubject::default()
        }
    }
}

/// An input that led here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    pub source: Name,
    pub id: Name,
    #[serde(rename = "type")]
    pub event_type: Name,
    pub time: Timestamp,
    pub lsn: Lsn,
}

/// The span of time in which the exception bites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionWindow {
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

/// An exception as the outside sees it, after its last change. `lsn` is that of the record that carries it and is
/// therefore put in when it is shown, not stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExceptionItem {
    pub id: Name,
    #[serde(rename = "type")]
    pub exception_type: ExceptionType,
    pub state: ExceptionState,
    pub severity: Severity,
    /// 0–100.
    pub urgency: u8,
    /// In the tenant's base currency; `None` when no price is known.
    pub value_at_risk: Option<Money>,
    /// Ranks exceptions whose value is unknown.
    pub units_at_risk: Option<Quantity>,
    /// The last moment at which the fastest feasible remedy still arrives in time; may be past.
    pub decide_by: Option<Timestamp>,
    pub subject: ExceptionSubject,
    pub opened_at: Timestamp,
    pub updated_at: Timestamp,
    pub cleared_at: Option<Timestamp>,
    pub window: Option<ExceptionWindow>,
    pub cause: Option<String>,
    #[serde(serialize_with = "super::plain::optional")]
    pub confidence: Option<f64>,
    pub evidence: Vec<Evidence>,
    pub case_id: Option<Name>,
    pub owner: Option<Name>,
    pub team: Option<Name>,
    /// Until when it must be acknowledged or, after that, decided; then it is escalated.
    pub sla_due_at: Option<Timestamp>,
    pub revision: u64,
    #[serde(default)]
    pub queue: Option<Name>,
    /// How often nobody picked it up in time.
    #[serde(default)]
    pub escalation_level: u8,
    #[serde(default)]
    pub snoozed_until: Option<Timestamp>,
    /// A person gave it to its team, which keeps it until nobody of it picks it up in time.
    #[serde(default)]
    pub team_by_hand: bool,
    /// Why it was dismissed.
    #[serde(default)]
    pub resolution: Option<String>,
    /// How often it came back within its quiet time.
    #[serde(default)]
    pub reopened: u32,
    /// The key of the cause that it is grouped under; `None` at the top.
    #[serde(default)]
    pub group: Option<Name>,
    /// What is grouped under this one.
    #[serde(default)]
    pub affected: Option<Box<AffectedSummary>>,
    /// The last ones; the journal has them all.
    #[serde(default)]
    pub comments: Vec<ExceptionComment>,
}

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionComment {
    pub at: Timestamp,
    pub by: Name,
    pub text: String,
}

/// What happened to an exception, with the item as it is after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExceptionTransition {
    pub kind: ExceptionChange,
    /// Shared by the record, the entity and the lists: it is only ever replaced.
    pub item: Arc<ExceptionItem>,
    /// What of the entity it is about: a document; empty for the entity as such.
    #[serde(default, skip_serializing_if = "Name::is_empty")]
    pub of: Name,
    /// The exception of another entity under which this one is grouped: that entity hears of it as a fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Box<CauseRef>>,
    /// Under which it was grouped until now, if that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_cause: Option<Box<CauseRef>>,
}

impl ExceptionTransition {
    /// One that is grouped under nothing.
    pub fn alone(kind: ExceptionChange, item: impl Into<Arc<ExceptionItem>>) -> ExceptionTransition {
        ExceptionTransition { kind, item: item.into(), of: Name::default(), cause: None, left_cause: None }
    }

    /// The entities that hear of it as a fact, beside its own.
    pub fn concerned(&self) -> impl Iterator<Item = &EntityKey> {
        self.cause.iter().chain(&self.left_cause).map(|cause| &cause.entity)
    }
}

/// The changes of an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionChange {
    /// Raised, or raised again within its quiet time (then `reopened` counts up).
    Opened,
    Updated,
    Acknowledged,
    Assigned,
    Snoozed,
    Resolved,
    Cleared,
}

impl ExceptionChange {
    /// The kind of the feed's event frame and of the record.
    pub fn as_str(self) -> &'static str {
        match self {
            ExceptionChange::Opened => "exception.opened",
            ExceptionChange::Updated => "exception.updated",
            ExceptionChange::Acknowledged => "exception.acknowledged",
            ExceptionChange::Assigned => "exception.assigned",
            ExceptionChange::Snoozed => "exception.snoozed",
            ExceptionChange::Resolved => "exception.resolved",
            ExceptionChange::Cleared => "exception.cleared",
        }
    }
}

/// The id of an exception: the same wherever and whenever it is computed, different for each generation.
///
/// `subject` is the entity's key as text, and what of it the exception is about. Matches `[A-Za-z0-9_-]{1,64}`.
pub fn exception_id(tenant: TenantNumber, kind: &ExceptionType, subject: &str, generation: u32) -> Name {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&tenant.0.to_le_bytes());
    for part in [kind.as_str(), subject] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.update(&generation.to_le_bytes());
    let hex = hasher.finalize().to_hex();
    Name::from(format!("exc_{}", &hex[..20]))
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// An open exception about item `A` that says nothing more.
    pub fn item(id: &str, exception_type: ExceptionType) -> ExceptionItem {
        ExceptionItem {
            id: Name::from(id),
            exception_type,
            state: ExceptionState::Open,
            severity: Severity::Low,
            urgency: 0,
            value_at_risk: None,
            units_at_risk: None,
            decide_by: None,
            subject: ExceptionSubject {
                kind: Name::from("item"),
                sku: Some(Name::from("A")),
                ..ExceptionSubject::default()
            },
            opened_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            cleared_at: None,
            window: None,
            cause: None,
            confidence: None,
            evidence: Vec::new(),
            case_id: None,
            owner: None,
            team: None,
            sla_due_at: None,
            revision: 1,
            queue: None,
            escalation_level: 0,
            snoozed_until: None,
            team_by_hand: false,
            resolution: None,
            reopened: 0,
            group: None,
            affected: None,
            comments: Vec::new(),
        }
    }
}
