//! Exceptions: what is wrong, how much it matters, until when it can be helped.

use serde::{Deserialize, Serialize};

use super::ids::{Lsn, Name, TenantNumber};
use super::money::Money;
use super::quantity::Quantity;
use super::time::Timestamp;

/// The kinds of exceptions raised so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionType {
    ShortageNow,
    ProjectedStockout,
    MissingMasterData,
}

impl ExceptionType {
    /// Every kind.
    pub const ALL: &'static [ExceptionType] =
        &[ExceptionType::ShortageNow, ExceptionType::ProjectedStockout, ExceptionType::MissingMasterData];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ExceptionType::ShortageNow => "shortage_now",
            ExceptionType::ProjectedStockout => "projected_stockout",
            ExceptionType::MissingMasterData => "missing_master_data",
        }
    }
}

/// How far an exception is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionState {
    Open,
    /// Went away by itself.
    Cleared,
}

impl ExceptionState {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ExceptionState::Open => "open",
            ExceptionState::Cleared => "cleared",
        }
    }

    /// Whether nothing more can happen to it.
    pub fn is_final(self) -> bool {
        matches!(self, ExceptionState::Cleared)
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionSubject {
    /// `sku_location`, `supplier`, `item` or `location`.
    pub kind: Name,
    pub sku: Option<Name>,
    pub location: Option<Name>,
    pub supplier: Option<Name>,
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
    pub sla_due_at: Option<Timestamp>,
    pub revision: u64,
}

/// What happened to an exception, with the item as it is after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExceptionTransition {
    pub kind: ExceptionChange,
    pub item: ExceptionItem,
}

/// The changes of an exception so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionChange {
    Opened,
    Updated,
    Cleared,
}

impl ExceptionChange {
    /// The kind of the feed's event frame and of the record.
    pub fn as_str(self) -> &'static str {
        match self {
            ExceptionChange::Opened => "exception.opened",
            ExceptionChange::Updated => "exception.updated",
            ExceptionChange::Cleared => "exception.cleared",
        }
    }
}

/// The id of an exception: the same wherever and whenever it is computed, different for each generation.
///
/// `subject` is the entity's key as text. Matches `[A-Za-z0-9_-]{1,64}`.
pub fn exception_id(tenant: TenantNumber, kind: ExceptionType, subject: &str, generation: u32) -> Name {
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
