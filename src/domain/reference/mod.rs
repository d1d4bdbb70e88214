//! Reference data: items, locations, lanes, calendars, sourcing, policies, promotions, signals, published supplier
//! statistics and the configuration, as one persistent value with structural sharing.
//!
//! The dispatcher folds it in LSN order; each batch carries the version it must be read with. Cloning is two
//! reference counts; a change copies the path to what it changes if, and only if, a clone still shares it.
//!
//! Per key the latest statement wins, by event time, then `sequence`, source and id: in whatever order descriptions
//! arrive, the same one holds in the end (as long as no bound named in `fold.rs` was reached).

mod capacity;
mod exchange;
mod feeds;
mod fold;
mod keep;
mod places;
mod planning;
mod policy;
mod tenant;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use self::feeds::VolumeShift;
use self::feeds::is_feed_disturbance;
use self::fold::{is_reference_data, time_zone_named};
pub use self::keep::VersionKey;
pub(super) use self::keep::{Versioned, put_latest};
pub use self::places::{ItemSegment, Remedy};
use self::planning::PlanningBasis;
pub use self::planning::{ParameterOrigins, PlanningParameters};
pub use self::tenant::TenantReference;
use super::exception::own::{CompiledKinds, OwnKind};
use super::ids::{Lsn, Name, TenantNumber};
use super::record::{Body, Record, SystemBody, Transition};
use super::settings::{CustomSubject, Settings};
use super::time::Timestamp;

/// All tenants' reference data as of one LSN.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    version: Lsn,
    settings: Arc<Settings>,
    /// By tenant number.
    tenants: Arc<Vec<Arc<TenantReference>>>,
    /// What follows from the settings, and is not written down.
    #[serde(skip)]
    own_kinds: Arc<CompiledKinds>,
    /// There are as many entities as the settings allow.
    #[serde(default)]
    is_full: bool,
    #[serde(default)]
    outbox_hold: Option<OutboxHold>,
}

/// Why approved actions wait for a person to let them go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxHold {
    /// The record that says that the journal was restored.
    pub since: Lsn,
    /// When it was restored, by the wall clock.
    pub since_time: Timestamp,
    /// When the backup was made that it was restored from, by the wall clock.
    pub backup_taken_at: Timestamp,
}

/// Whom a change of the Reference can concern; the runtime marks these dirty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Affected {
    Sku {
        tenant: TenantNumber,
        sku: Name,
    },
    Location {
        tenant: TenantNumber,
        location: Name,
    },
    SkuLocation {
        tenant: TenantNumber,
        sku: Name,
        location: Name,
    },
    /// The supplier and all that it supplies.
    Supplier {
        tenant: TenantNumber,
        supplier: Name,
    },
    /// The supplier without what it supplies.
    SupplierAlone {
        tenant: TenantNumber,
        supplier: Name,
    },
    Tenant {
        tenant: TenantNumber,
    },
    Everything,
}

impl Reference {
    /// The record that last changed anything that can be read here.
    pub fn version(&self) -> Lsn {
        self.version
    }

    /// The configuration in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether there is no room for another entity: then no cases are opened.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Set from the restoring of a backup until a person releases the outbox.
    pub fn outbox_hold(&self) -> Option<OutboxHold> {
        self.outbox_hold
    }

    /// Notes as of a record whether there is room for another entity. Whether that is new.
    pub fn note_full(&mut self, is_full: bool, at: Lsn) -> bool {
        let is_new = self.is_full != is_full;
        if is_new {
            self.is_full = is_full;
            self.version = at;
        }
        is_new
    }

    /// The operator's own kinds about such subjects, compiled.
    pub fn own_kinds(&self, about: CustomSubject) -> &[OwnKind] {
        if self.settings.exceptions.custom.is_empty() {
            return &[];
        }
        self.own_kinds.get(&self.settings.exceptions, about)
    }

    /// All tenants in the order of their numbers.
    pub fn tenants(&self) -> impl Iterator<Item = (TenantNumber, &TenantReference)> {
        self.tenants.iter().map(|tenant| (tenant.number, &**tenant))
    }

    /// The tenant of that number, if it was declared.
    pub fn tenant(&self, tenant: TenantNumber) -> Option<&TenantReference> {
        self.tenants.get(usize::from(tenant.0)).map(|tenant| &**tenant)
    }

    /// The number of the tenant of that name. Looks at every tenant: for the start and for administration.
    pub fn tenant_by_name(&self, name: &str) -> Option<TenantNumber> {
        self.tenants.iter().find(|tenant| tenant.name == name).map(|tenant| tenant.number)
    }

    /// What planning a SKU-location goes by at `now`.
    pub fn planning_parameters(
        &self,
        tenant: TenantNumber,
        sku: &str,
        location: &str,
        now: Timestamp,
    ) -> PlanningParameters {
        match self.tenant(tenant) {
            Some(tenant) => tenant.planning_parameters(sku, location, now),
            None => PlanningBasis::of(&self.settings).parameters(),
        }
    }

    /// Folds one record in; says whom it can concern (nobody if the record changes nothing here). Records of a
    /// tenant that was never declared change nothing.
    pub fn apply(&mut self, record: &Record) -> Vec<Affected> {
        let mut affected = Vec::new();
        let changed = match &record.body {
            Body::Event { data, .. } => {
                is_reference_data(data)
                    && self
                        .tenant_mut(record.tenant)
                        .is_some_and(|tenant| tenant.fold(record, data, &mut affected))
            }
            Body::Transition(body) => match &body.transition {
                Transition::SupplierStatistics(statistics) => match self.tenant_mut(record.tenant) {
                    Some(tenant) => {
                        let supplier = statistics.supplier.clone();
                        tenant.statistics.insert_mut(supplier.clone(), statistics.clone());
                        affected.push(Affected::Supplier { tenant: record.tenant, supplier });
                        true
                    }
                    None => false,
                },
                Transition::Exception(change) if is_feed_disturbance(&body.entity, change) => {
                    let tenant = self.tenant_mut(record.tenant);
                    let changed = tenant.is_some_and(|tenant| tenant.fold_feed(&body.entity, change));
                    if changed {
                        affected.push(Affected::Tenant { tenant: record.tenant });
                    }
                    changed
                }
                Transition::Exception(change) => self.note_shortage(&body.entity, change, &mut affected),
                Transition::ConditionNoted(_) | Transition::Case(_) | Transition::RefusedEvent(_) => false,
            },
            Body::System(body) => self.apply_system(body, record, &mut affected),
        };
        if changed {
            self.version = record.lsn;
        }
        affected
    }

    fn apply_system(&mut self, body: &SystemBody, record: &Record, affected: &mut Vec<Affected>) -> bool {
        match body {
            // A name that is taken stays with its first number.
            SystemBody::TenantDeclared { name, .. } if self.tenant_by_name(name).is_some() => false,
            SystemBody::TenantDeclared { name, clock, base_currency, timezone } => {
                let Ok(number) = u16::try_from(self.tenants.len()) else { return false };
                let time_zone = time_zone_named(timezone).unwrap_or(TimeZone::UTC);
                let tenant = TenantReference {
                    number: TenantNumber(number),
                    name: name.clone(),
                    clock: *clock,
                    base_currency: *base_currency,
                    time_zone,
                    basis: PlanningBasis::of(&self.settings),
                    items: Default::default(),
                    locations: Default::default(),
                    suppliers: Default::default(),
                    customers: Default::default(),
                    calendars: Default::default(),
                    promotions: Default::default(),
                    promotion_ends: Default::default(),
                    promotions_by_sku: Default::default(),
                    promotions_of_all: Default::default(),
                    lanes: Default::default(),
                    sourcing: Default::default(),
                    sourced_from: Default::default(),
                    supplied: Default::default(),
                    short_sources: Default::default(),
                    policies: Default::default(),
                    delays: Default::default(),
                    capacities: Default::default(),
                    statistics: Default::default(),
                    assortments: Default::default(),
                    signals: Default::default(),
                    rates: Default::default(),
                    disturbed_feeds: Default::default(),
                    single_sourced: Default::default(),
                };
                Arc::make_mut(&mut self.tenants).push(Arc::new(tenant));
                true
            }
            SystemBody::ConfigurationActivated { settings, .. } if **settings == *self.settings => false,
            SystemBody::ConfigurationActivated { settings, .. } => {
                self.settings = Arc::new((**settings).clone());
                self.own_kinds = Arc::default();
                let basis = PlanningBasis::of(settings);
                for tenant in Arc::make_mut(&mut self.tenants) {
                    Arc::make_mut(tenant).basis = basis;
                }
                affected.push(Affected::Everything);
                true
            }
            SystemBody::Restored { backup_taken_at, .. } => {
                self.outbox_hold = Some(OutboxHold {
                    since: record.lsn,
                    since_time: record.ingest_time,
                    backup_taken_at: *backup_taken_at,
                });
                true
            }
            // Whoever released an earlier hold did not mean this one.
            SystemBody::OutboxReleased { held_since } => {
                let is_this = self.outbox_hold.is_some_and(|hold| hold.since == *held_since);
                if is_this {
                    self.outbox_hold = None;
                }
                is_this
            }
            SystemBody::Started { .. }
            | SystemBody::Rejected { .. }
            | SystemBody::QuarantineClosed { .. }
            | SystemBody::EntityQuarantined { .. }
            | SystemBody::EntityReleased { .. } => false,
        }
    }

    fn tenant_mut(&mut self, tenant: TenantNumber) -> Option<&mut TenantReference> {
        let tenants = Arc::make_mut(&mut self.tenants);
        tenants.get_mut(usize::from(tenant.0)).map(Arc::make_mut)
    }
}
