//! One way to decide a case, as the outside sees it.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{Lsn, Name};
use crate::domain::money::{Money, UnitPrice};
use crate::domain::quantity::Quantity;
use crate::domain::time::Timestamp;

/// What kind of thing an option does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionKind {
    DoNothing,
    Transfer,
    Expedite,
    Order,
    AlternateSource,
    Reallocate,
    Substitute,
    PromotionChange,
    CustomerNotice,
    Custom,
}

impl OptionKind {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            OptionKind::DoNothing => "do_nothing",
            OptionKind::Transfer => "transfer",
            OptionKind::Expedite => "expedite",
            OptionKind::Order => "order",
            OptionKind::AlternateSource => "alternate_source",
            OptionKind::Reallocate => "reallocate",
            OptionKind::Substitute => "substitute",
            OptionKind::PromotionChange => "promotion_change",
            OptionKind::CustomerNotice => "customer_notice",
            OptionKind::Custom => "custom",
        }
    }
}

/// One way to decide.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseOption {
    pub id: Name,
    pub kind: OptionKind,
    pub title: String,
    /// In base currency, as are benefit and net; `None` where a price, cost or rate is unknown.
    pub cost: Option<Money>,
    /// Loss avoided against doing nothing.
    pub benefit: Option<Money>,
    pub net: Option<Money>,
    /// 0–1.
    #[serde(serialize_with = "crate::domain::plain::optional")]
    pub confidence: Option<f64>,
    #[serde(serialize_with = "crate::domain::plain::optional")]
    pub lead_time_days: Option<f64>,
    pub effects: Vec<OptionEffect>,
    /// How many places that it touches the reader's scope left out; 0 as it is journaled.
    #[serde(default)]
    pub hidden: u32,
    /// What it touches, for people: suppliers, documents, lanes.
    pub touches: Vec<Name>,
    pub basis: OptionBasis,
    pub recommended: bool,
    /// Conditions that it must meet to be carried out; one that fails makes it not eligible.
    pub gates: Vec<Gate>,
    /// What is carried out if it is approved.
    pub steps: Vec<OptionStep>,
    /// Who made or edited it; `None` for one that the tower computed.
    pub edited_by: Option<Name>,
    /// Everyone who made or edited it, or what it was made from: none of them may approve it.
    #[serde(default)]
    pub editors: Vec<Name>,
    /// How each number came about, for people and for checks.
    pub explanation: Vec<Explained>,
}

impl CaseOption {
    /// Whether every gate is passed.
    pub fn is_eligible(&self) -> bool {
        self.gates.iter().all(|gate| gate.passed)
    }
}

/// A number of an option with what it was computed from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    pub name: Name,
    #[serde(serialize_with = "crate::domain::plain::optional")]
    pub value: Option<f64>,
    pub unit: Name,
    /// In the names of `inputs`.
    pub formula: String,
    pub inputs: Vec<ExplainedInput>,
}

/// One input of a formula.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExplainedInput {
    pub name: Name,
    #[serde(serialize_with = "crate::domain::plain::optional")]
    pub value: Option<f64>,
}

/// What an option does to one SKU-location.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptionEffect {
    pub sku: Name,
    pub location: Name,
    pub before: RiskView,
    pub after: RiskView,
}

/// The risk at one SKU-location.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RiskView {
    pub available: Quantity,
    pub inventory_position: Quantity,
    #[serde(serialize_with = "crate::domain::plain::number")]
    pub stockout_probability: f64,
    #[serde(serialize_with = "crate::domain::plain::number")]
    pub units_short: f64,
    pub projected_stockout_at: Option<Timestamp>,
    pub value_at_risk: Option<Money>,
    #[serde(serialize_with = "crate::domain::plain::optional")]
    pub days_of_cover: Option<f64>,
    /// Days from the computation on that probability, units and value look at.
    #[serde(default, serialize_with = "crate::domain::plain::number")]
    pub horizon_days: f64,
}

/// The state of things that an option was computed from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptionBasis {
    pub computed_at: Timestamp,
    /// The version of the case's facts.
    pub facts: u64,
    /// Each entity looked at, with the highest record it showed.
    pub inputs: Vec<BasisInput>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BasisInput {
    pub sku: Name,
    pub location: Name,
    pub lsn: Lsn,
}

/// A condition of carrying an option out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// `pack`, `minimum_order`, `lane`, `calendar`, `shelf_life`, `arrival`, `donor`, `value`.
    pub gate: Name,
    pub passed: bool,
    pub detail: String,
}

/// What the outbox does for an approved option.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptionStep {
    pub kind: ActionKind,
    pub sku: Name,
    /// Where it arrives.
    pub location: Name,
    /// Where it leaves, for a transfer.
    pub from: Option<Name>,
    pub supplier: Option<Name>,
    /// What is expedited: a purchase order, or with `from` a transfer.
    pub po_id: Option<Name>,
    pub line_id: Option<Name>,
    /// Of an expedited line, what is moved: what is still open of it and not on its way.
    pub quantity: Quantity,
    /// The total of an expedited line, as the document that follows states it.
    #[serde(default)]
    pub line_quantity: Option<Quantity>,
    pub arrives_at: Option<Timestamp>,
    /// In base currency.
    pub unit_cost: Option<UnitPrice>,
    /// What a custom action says, for people.
    pub note: Option<String>,
}

/// What a system of record is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// A new purchase order.
    Order,
    /// An earlier date for an open purchase order line.
    Expedite,
    /// A new transfer.
    Transfer,
    /// Anything else, in words.
    Custom,
}

impl ActionKind {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ActionKind::Order => "order",
            ActionKind::Expedite => "expedite",
            ActionKind::Transfer => "transfer",
            ActionKind::Custom => "custom",
        }
    }
}
