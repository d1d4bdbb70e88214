//! A record as the fold sees it: the envelope's fields that matter to state, and a typed body.

use serde::{Deserialize, Serialize};

use super::approval_case::CaseTransition;
use super::event::{EventData, EventType};
use super::exception::ExceptionTransition;
use super::exception::slots::ConditionNoted;
use super::ids::{EntityKey, Lsn, Name, TenantNumber};
use super::money::Currency;
use super::supplier::PublishedStatistics;
use super::time::Timestamp;

/// One journaled record.
#[derive(Clone, Debug)]
pub struct Record {
    pub lsn: Lsn,
    pub tenant: TenantNumber,
    /// When it happened, by whoever sent it; the ingest time if they did not say.
    pub event_time: Timestamp,
    /// When the tower took it.
    pub ingest_time: Timestamp,
    /// The tenant's clock when the writer numbered it; never goes back within a tenant.
    pub business_time: Timestamp,
    /// The record that this one follows from; [`Lsn::ZERO`] for what came from outside.
    pub causing_lsn: Lsn,
    /// The entity's revision after this record, for transitions; 0 otherwise.
    pub entity_revision: u64,
    /// CloudEvents `source`, `id` and `sequence`; empty when there is none.
    pub source: Name,
    pub id: Name,
    pub sequence: Name,
    /// Who brought it.
    pub principal: Name,
    pub body: Body,
}

impl Record {
    /// Whether it is a decision of that entity.
    pub fn is_decided_by(&self, entity: &EntityKey) -> bool {
        matches!(&self.body, Body::Transition(body) if body.entity == *entity)
    }
}

/// What a record says.
#[derive(Clone, Debug)]
pub enum Body {
    /// An outside event of a core type. `None` stands for a reserved type, which has no effect yet.
    Event { event_type: Option<EventType>, data: EventData },
    /// A decision that an entity took.
    Transition(Box<TransitionBody>),
    /// The tower about itself.
    System(Box<SystemBody>),
}

/// A transition changes exactly one entity and carries its revision in the envelope.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TransitionBody {
    pub entity: EntityKey,
    pub transition: Transition,
}

/// The decisions that entities take.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transition {
    /// An exception opened, changed or ended.
    Exception(Box<ExceptionTransition>),
    /// The condition of a kind of exception began or ceased to hold, without an exception being open.
    ConditionNoted(Box<ConditionNoted>),
    /// An approval case changed.
    Case(Box<CaseTransition>),
    /// A supplier's measured statistics, from now on part of the Reference.
    SupplierStatistics(PublishedStatistics),
    /// An event that the entity could not use after it was accepted.
    RefusedEvent(RefusedEvent),
}

/// An accepted event that an entity found to be unusable; it stays in the journal and goes to quarantine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefusedEvent {
    /// The record refused.
    pub lsn: Lsn,
    /// A stable code, such as `count_too_old`.
    pub code: Name,
    /// A sentence for people.
    pub detail: String,
}

/// What the tower journals about itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemBody {
    /// A tenant exists from here on; its number is the count of those declared before.
    TenantDeclared { name: Name, clock: ClockKind, base_currency: Currency, timezone: Name },
    /// A start of the process: which code folds from here on.
    Started { version: String, fold_version: u16 },
    /// The configuration in force from here on, with its hash.
    ConfigurationActivated { hash: String, settings: Box<super::settings::Settings> },
    /// Something that could not be taken as an event, kept as it was sent (in `raw`, UTF-8 where it can be).
    Rejected {
        code: Name,
        detail: String,
        source: Option<String>,
        id: Option<String>,
        event_type: Option<String>,
        errors: Vec<RejectedField>,
        raw: String,
    },
    /// A quarantine entry was dealt with. If it was tried again, the event that took its place names it as its cause.
    QuarantineClosed { entry: Lsn, retried: bool },
    /// An entity whose code failed on a record: it stands still as of the record before. With poison [`Lsn::ZERO`] no
    /// record is to blame, and it stands still as of the causing record.
    EntityQuarantined { entity: EntityKey, poison: Lsn, detail: String },
    /// A person let it go on; `skip` leaves the poison record out, otherwise it is tried again.
    EntityReleased { entity: EntityKey, poison: Lsn, skip: bool },
    /// The journal was restored from a backup and goes on from here, in an epoch of its own. What happened outside since
    /// the backup was made is not known here: the outbox is held until someone releases it.
    Restored {
        /// The last record of the backup.
        backup_lsn: Lsn,
        /// When the backup was made, by the wall clock.
        backup_taken_at: Timestamp,
        /// Of the program that restored it.
        version: String,
    },
    /// A person let the outbox go on that was held since that record.
    OutboxReleased { held_since: Lsn },
}

/// One field that was wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedField {
    pub pointer: String,
    pub code: String,
    pub detail: String,
}

/// Where a tenant's business time comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// The machine's clock.
    #[default]
    Wall,
    /// `clock.advanced` events alone.
    Event,
}

/// A record on its way into one entity.
///
/// A record that waited for its document is delivered with the LSN and business time of the record that
/// released it: that is where it takes effect.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    pub record: &'a Record,
    pub lsn: Lsn,
    pub business_time: Timestamp,
}
