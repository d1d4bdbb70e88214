//! A case as the outside sees it, whole after every change.

use serde::{Deserialize, Serialize};

pub use super::action_item::*;
pub use super::option_item::*;
use crate::domain::command::ActorKind;
use crate::domain::exception::{ExceptionState, ExceptionSubject, ExceptionType};
use crate::domain::ids::{EntityKey, Name};
use crate::domain::money::Money;
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
    /// Until when an option must be chosen; `None` while there is none to choose. What is past was escalated as far as
    /// it goes.
    #[serde(default)]
    pub decide_due_at: Option<Timestamp>,
    /// How often nobody chose one in time.
    #[serde(default)]
    pub escalation_level: u8,
    /// A person gave the title: it stays as it is.
    #[serde(default)]
    pub titled_by_hand: bool,
}

impl CaseItem {
    /// The version of the facts that options are to be computed for, if there are none for it yet.
    pub fn wants_options(&self) -> Option<u64> {
        (self.state.is_undecided() && self.options_facts != self.facts).then_some(self.facts)
    }

    /// Whether somebody has to choose.
    pub fn wants_choice(&self) -> bool {
        matches!(self.state, CaseState::Draft | CaseState::Proposed)
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
    /// `avoided`, `not_avoided`, `late`, `not_executed`, `nothing_done`.
    pub result: Name,
    pub detail: String,
    pub at: Timestamp,
    /// What the decision was expected to cost and to avoid, in base currency.
    pub expected_cost: Option<Money>,
    pub expected_benefit: Option<Money>,
}
