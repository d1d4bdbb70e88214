//! A case as the outside sees it, whole after every change.

use serde::{Deserialize, Serialize};

use crate::domain::command::ActorKind;
use crate::domain::exception::{ExceptionState, ExceptionSubject, ExceptionType};
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::money::{Money, UnitPrice};
use crate::domain::quantity::Quantity;
use crate::domain::time::Timestamp;

/// How far a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseState {
    /// Its options are being computed.
    Draft,
    /// There are options, none is chosen.
    Proposed,
    AwaitingApproval,
    /// Approved; its actions count, and none was delivered yet.
    Approved,
    /// Some of its actions are on their way to the systems of record.
    Executing,
    /// Every action was delivered.
    Executed,
    /// The documents that the systems of record sent match what was approved.
    Reconciled,
    Closed,
    Rejected,
    Cancelled,
    /// Nobody decided in time.
    Expired,
    /// An action was refused or could not be delivered.
    Failed,
    /// Merged into another case.
    Superseded,
}

impl CaseState {
    /// Every state.
    pub const ALL: [CaseState; 13] = {
        use CaseState::*;
        [
            Draft,
            Proposed,
            AwaitingApproval,
            Approved,
            Executing,
            Executed,
            Reconciled,
            Closed,
            Rejected,
            Cancelled,
            Expired,
            Failed,
            Superseded,
        ]
    };

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            CaseState::Draft => "draft",
            CaseState::Proposed => "proposed",
            CaseState::AwaitingApproval => "awaiting_approval",
            CaseState::Approved => "approved",
            CaseState::Executing => "executing",
            CaseState::Executed => "executed",
            CaseState::Reconciled => "reconciled",
            CaseState::Closed => "closed",
            CaseState::Rejected => "rejected",
            CaseState::Cancelled => "cancelled",
            CaseState::Expired => "expired",
            CaseState::Failed => "failed",
            CaseState::Superseded => "superseded",
        }
    }

    /// Whether nothing more is to be done. A final case can be reopened, if nothing of it was executed.
    pub fn is_final(self) -> bool {
        use CaseState::*;
        matches!(self, Closed | Rejected | Cancelled | Expired | Failed | Superseded)
    }

    /// Whether it can still be decided.
    pub fn is_undecided(self) -> bool {
        matches!(self, CaseState::Draft | CaseState::Proposed | CaseState::AwaitingApproval)
    }
}

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

/// A case, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseItem {
    pub id: Name,
    /// `shortage`, `supply`, `excess`, `demand`, `data` or `manual`.
    pub kind: Name,
    pub state: CaseState,
    /// Of the facts that decisions are tied to: rises when options, choice or facts change, not with votes or comments.
    pub version: u64,
    pub title: String,
    pub subjects: Vec<ExceptionSubject>,
    /// Ids.
    pub exceptions: Vec<Name>,
    pub value_at_risk: Option<Money>,
    pub decide_by: Option<Timestamp>,
    pub options: Vec<CaseOption>,
    pub chosen_option: Option<Name>,
    /// Who chose the option.
    pub proposed_by: Option<ProposedBy>,
    pub rule: Option<RuleRef>,
    pub required: Vec<RequiredStep>,
    pub votes: Vec<Vote>,
    pub tasks: Vec<CaseTask>,
    pub actions: Vec<CaseAction>,
    pub timeline: Vec<TimelineEntry>,
    pub comments: Vec<CaseComment>,
    pub outcome: Option<CaseOutcome>,
    pub team: Option<Name>,
    pub owner: Option<Name>,
    pub opened_at: Timestamp,
    pub updated_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    /// What changed since the version that votes were given for; empty if nothing did.
    pub changed_since: Vec<FactChange>,
    /// The case that this one was merged into.
    pub merged_into: Option<Name>,
    /// The version of the facts alone: options are computed for one.
    #[serde(default)]
    pub facts: u64,
    /// The version of the facts that the options were computed for; 0 before the first.
    #[serde(default)]
    pub options_facts: u64,
    /// What was at risk as of `facts`: what later values are compared with.
    #[serde(default)]
    pub facts_value: Option<Money>,
    /// The same in units, for what has no known value.
    #[serde(default)]
    pub facts_units: Option<Quantity>,
    /// Its exceptions, as far as the decision goes by them.
    #[serde(default)]
    pub members: Vec<CaseMember>,
    #[serde(default)]
    pub delegations: Vec<Delegation>,
    /// What made the last versions: told to whoever decided on an older one.
    #[serde(default)]
    pub version_changes: Vec<VersionChanges>,
    #[serde(default)]
    pub approved_at: Option<Timestamp>,
    /// A person gave the title: it stays as it is.
    #[serde(default)]
    pub titled_by_hand: bool,
}

impl CaseItem {
    /// The version of the facts that options are to be computed for, if there are none for it yet.
    pub fn wants_options(&self) -> Option<u64> {
        (self.state.is_undecided() && self.options_facts != self.facts).then_some(self.facts)
    }

    /// The SKU-locations that its open exceptions are about or lead to, at most [`PLACES_MAX`].
    pub fn places(&self) -> Vec<CasePlace> {
        let mut places: Vec<CasePlace> = Vec::new();
        for place in self.members.iter().filter(|member| member.is_open()).flat_map(|member| &member.places) {
            if places.len() < PLACES_MAX && !places.contains(place) {
                places.push(place.clone());
            }
        }
        places
    }

    /// The option that was chosen.
    pub fn chosen(&self) -> Option<&CaseOption> {
        self.option(self.chosen_option.as_ref()?)
    }

    /// The option of that id.
    pub fn option(&self, id: &str) -> Option<&CaseOption> {
        self.options.iter().find(|option| option.id == id)
    }

    /// Whether a task that was not done yet holds its execution.
    pub fn is_held(&self) -> bool {
        self.tasks.iter().any(|task| task.blocking && task.done_at.is_none())
    }

    /// Whether anything was, or may have been, asked of a system of record.
    pub fn is_executed(&self) -> bool {
        self.actions.iter().any(|action| action.attempt_count > 0 || action.delivered_at.is_some())
    }

    /// Whether every exception is over.
    pub fn is_solved(&self) -> bool {
        !self.members.iter().any(CaseMember::is_open)
    }
}

/// Most SKU-locations that options are computed for.
pub const PLACES_MAX: usize = 20;

/// One item at one location.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CasePlace {
    pub sku: Name,
    pub location: Name,
}

/// An exception of the case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseMember {
    pub id: Name,
    /// Who has it.
    pub entity: EntityKey,
    #[serde(rename = "type")]
    pub exception_type: ExceptionType,
    pub subject: ExceptionSubject,
    pub state: ExceptionState,
    pub value_at_risk: Option<Money>,
    pub units_at_risk: Option<Quantity>,
    /// From when on it bites.
    pub from: Option<Timestamp>,
    pub decide_by: Option<Timestamp>,
    /// The cause that it is grouped under, and the key of what is grouped under it: what one cause costs counts once.
    pub group: Option<Name>,
    pub affected_key: Option<Name>,
    /// How many exceptions are grouped under it.
    pub affected: u32,
    /// The SKU-locations that it is about or leads to.
    pub places: Vec<CasePlace>,
    pub claimed_at: Timestamp,
    /// Its entity has answered that this case decides about it.
    pub confirmed: bool,
    /// The case does not hold it any more since the exception's revision of that number.
    pub let_go: Option<u64>,
    /// Why it is over.
    pub ended: Option<String>,
}

impl CaseMember {
    /// Whether it is not over, as far as the case has heard.
    pub fn is_open(&self) -> bool {
        !self.state.is_final()
    }
}

/// Somebody votes instead of somebody else, for a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delegation {
    pub from: Name,
    pub to: Name,
    /// The roles that are lent: those of the case's steps that the delegating person holds.
    pub roles: Vec<Name>,
    pub at: Timestamp,
    pub until: Timestamp,
    pub reason: Option<String>,
}

/// What made a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionChanges {
    pub version: u64,
    pub changes: Vec<FactChange>,
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
    pub quantity: Quantity,
    pub arrives_at: Option<Timestamp>,
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

/// Who proposed, that is chose, an option.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProposedBy {
    pub kind: ActorKind,
    pub id: Name,
    pub version: Option<Name>,
    #[serde(serialize_with = "crate::domain::plain::optional")]
    pub confidence: Option<f64>,
}

/// The rule that says what is required.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleRef {
    pub id: Name,
    pub version: Name,
}

/// An approval that is required.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RequiredStep {
    pub step: u32,
    pub role: Name,
    pub quorum: u32,
    pub granted: u32,
    pub deadline: Option<Timestamp>,
}

/// A vote that was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vote {
    pub by: Name,
    pub role: Name,
    pub step: u32,
    pub approves: bool,
    pub comment: Option<String>,
    pub at: Timestamp,
    /// The version that it was given for.
    pub version: u64,
    /// Facts have moved since: it does not count any more.
    pub void: bool,
    /// On whose behalf, if it was delegated.
    pub on_behalf_of: Option<Name>,
}

/// Something to be done beside the decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseTask {
    pub id: Name,
    pub title: String,
    pub assignee: Option<Name>,
    pub due_at: Option<Timestamp>,
    /// Nothing is executed before it is done.
    pub blocking: bool,
    pub done_at: Option<Timestamp>,
    pub done_by: Option<Name>,
}

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

/// Something that happened to the case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimelineEntry {
    pub at: Timestamp,
    pub by: Name,
    /// The change's kind, such as `case.chosen`.
    pub kind: Name,
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseComment {
    pub at: Timestamp,
    pub by: Name,
    pub text: String,
}

/// A fact that moved since votes were given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FactChange {
    pub name: Name,
    pub before: String,
    pub after: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseOutcome {
    /// `avoided`, `not_avoided`, `not_executed`, `nothing_done`.
    pub result: Name,
    pub detail: String,
    pub at: Timestamp,
    /// What the decision was expected to cost and to avoid, in base currency.
    pub expected_cost: Option<Money>,
    pub expected_benefit: Option<Money>,
}
