//! What another configuration would do: the journal's state in plain values, on which the entities look again under other
//! settings. Nothing is journaled, nothing is sent, no actor runs.
//!
//! The fold and the entities are those of the tower. Instead of going through a writer, a proposal becomes the next record
//! at once; so everything that follows from it is seen too: groups under a cause, cases that would be opened, what is told
//! other entities. What the tower computes beside its entities, the options of cases, is not.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;
use parking_lot::RwLock;

use super::directory::{Address, Directory};
use super::fold::{Dirty, Fold, Routed, Sink};
use super::panics::contain;
use super::quarantine::Quarantine;
use crate::domain::approval_case::ApprovalCase;
use crate::domain::entity::{Entity, Reconciled};
use crate::domain::exception::ExceptionItem;
use crate::domain::ids::{EntityKey, Lsn, Name, TenantNumber};
use crate::domain::record::{Body, ClockKind, Delivery, Record, SystemBody, Transition, TransitionBody};
use crate::domain::reference::Reference;
use crate::domain::settings::Settings;
use crate::domain::sku_location::SkuLocation;
use crate::domain::subject::Subject;
use crate::domain::supplier::Supplier;
use crate::domain::time::Timestamp;

/// Records that may follow for each entity there is, before it counts as never coming to rest.
const CONSEQUENCES_PER_ENTITY_MAX: usize = 64;
/// The same beside that, for small towers.
const CONSEQUENCES_MAX: usize = 10_000;

/// An exception by the tenant that it belongs to and its id.
pub type ExceptionKey = (TenantNumber, Name);

/// The state of a journal, and what would follow from it.
pub struct WhatIf {
    fold: Fold,
    places: Places,
    last: Lsn,
    /// By tenant number.
    business_times: Vec<Timestamp>,
    wall: Timestamp,
}

/// How coming to rest went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Records that followed.
    pub consequences: usize,
    /// Nothing is left that would follow.
    pub is_at_rest: bool,
}

enum Hosted {
    SkuLocation(Box<SkuLocation>),
    Supplier(Box<Supplier>),
    Subject(Box<Subject>),
    ApprovalCase(Box<ApprovalCase>),
}

struct Place {
    key: Arc<EntityKey>,
    entity: Hosted,
    /// Its code failed, now or when the tower ran: it is left out.
    stands_still: bool,
}

#[derive(Default)]
struct Places {
    by_address: HashMap<Address, Place, FixedState>,
    dirty: BTreeSet<Address>,
    /// Those that are not over.
    exceptions: BTreeMap<ExceptionKey, Arc<ExceptionItem>>,
    open_cases: BTreeSet<(TenantNumber, Name)>,
}

/// Calls the same of whichever entity it is.
macro_rules! each {
    ($hosted:expr, $entity:ident => $code:expr) => {
        match $hosted {
            Hosted::SkuLocation($entity) => $code,
            Hosted::Supplier($entity) => $code,
            Hosted::Subject($entity) => $code,
            Hosted::ApprovalCase($entity) => $code,
        }
    };
}

impl Hosted {
    fn new(key: &EntityKey) -> Hosted {
        match key {
            EntityKey::SkuLocation { .. } => Hosted::SkuLocation(Box::new(SkuLocation::new(key))),
            EntityKey::Supplier { .. } => Hosted::Supplier(Box::new(Supplier::new(key))),
            EntityKey::Subject { .. } => Hosted::Subject(Box::new(Subject::new(key))),
            EntityKey::ApprovalCase { .. } => Hosted::ApprovalCase(Box::new(ApprovalCase::new(key))),
        }
    }

    fn apply(&mut self, delivery: &Delivery<'_>, reference: &Reference) {
        each!(self, entity => entity.apply(delivery, reference));
    }

    fn reconcile(&self, key: &EntityKey, now: Timestamp, reference: &Reference) -> Reconciled {
        each!(self, entity => entity.reconcile(key, now, reference))
    }

    fn revision(&self) -> u64 {
        each!(self, entity => entity.revision())
    }

    fn applied_lsn(&self) -> Lsn {
        each!(self, entity => entity.applied_lsn())
    }
}

impl WhatIf {
    /// The state before the first record. `wall` is what wall clocks show.
    pub fn new(wall: Timestamp) -> WhatIf {
        let directory = Arc::new(Directory::new(1));
        let quarantine = Arc::new(RwLock::new(Quarantine::new(1)));
        WhatIf {
            fold: Fold::new(1, directory, quarantine),
            places: Places::default(),
            last: Lsn::ZERO,
            business_times: Vec::new(),
            wall,
        }
    }

    /// Folds the next journaled record in.
    pub fn take(&mut self, record: Record) {
        if let Body::System(body) = &record.body
            && let SystemBody::TenantDeclared { .. } = &**body
        {
            self.business_times.push(record.business_time);
        }
        if let Some(time) = self.business_times.get_mut(usize::from(record.tenant.0)) {
            *time = record.business_time.max(*time);
        }
        self.last = record.lsn;
        let record = Arc::new(record);
        self.fold.take(&record, record.lsn, &mut self.places);
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        self.fold.reference.settings()
    }

    /// A tenant's name.
    pub fn tenant_name(&self, tenant: TenantNumber) -> Name {
        self.fold.reference.tenant(tenant).map(|tenant| tenant.name.clone()).unwrap_or_default()
    }

    /// Has all entities look, and takes what follows, until nothing does. `progress` hears how many have looked.
    pub fn settle(&mut self, mut progress: impl FnMut(u64)) -> Settled {
        self.places.dirty.extend(self.places.by_address.keys());
        let consequences_max = CONSEQUENCES_MAX + self.places.by_address.len() * CONSEQUENCES_PER_ENTITY_MAX;
        let (mut consequences, mut looked) = (0, 0);
        while let Some(address) = self.places.dirty.pop_first() {
            looked += 1;
            progress(looked);
            let Some(place) = self.places.by_address.get_mut(&address) else { continue };
            if place.stands_still {
                continue;
            }
            let now = now_of(&self.fold.reference, &self.business_times, place.key.tenant(), self.wall);
            let looked = contain(|| place.entity.reconcile(&place.key, now, &self.fold.reference));
            let Ok(Reconciled { proposals, .. }) = looked else {
                place.stands_still = true;
                continue;
            };
            let (key, causing_lsn) = (place.key.clone(), place.entity.applied_lsn());
            let revision = place.entity.revision();
            for (transition, entity_revision) in proposals.into_iter().zip(revision + 1..) {
                let body = TransitionBody { entity: (*key).clone(), transition };
                let body = Body::Transition(Box::new(body));
                let record = Record { entity_revision, causing_lsn, ..self.record(key.tenant(), now, body) };
                self.fold.take(&Arc::new(record), causing_lsn, &mut self.places);
                consequences += 1;
            }
            if consequences > consequences_max {
                return Settled { consequences, is_at_rest: false };
            }
        }
        Settled { consequences, is_at_rest: true }
    }

    /// Puts other settings in force.
    pub fn activate(&mut self, settings: Settings) {
        let body = SystemBody::ConfigurationActivated { hash: String::new(), settings: Box::new(settings) };
        let record = self.record(TenantNumber(0), self.wall, Body::System(Box::new(body)));
        let lsn = record.lsn;
        self.fold.take(&Arc::new(record), lsn, &mut self.places);
    }

    /// The exceptions that are not over.
    pub fn exceptions(&self) -> &BTreeMap<ExceptionKey, Arc<ExceptionItem>> {
        &self.places.exceptions
    }

    /// The cases that are not over.
    pub fn cases(&self) -> &BTreeSet<(TenantNumber, Name)> {
        &self.places.open_cases
    }

    /// Entities that are left out, because their code failed.
    pub fn left_out(&self) -> usize {
        self.places.by_address.values().filter(|place| place.stands_still).count()
    }

    /// Entities in all.
    pub fn entities(&self) -> usize {
        self.places.by_address.len()
    }

    fn record(&mut self, tenant: TenantNumber, now: Timestamp, body: Body) -> Record {
        self.last = self.last.next();
        Record {
            lsn: self.last,
            tenant,
            event_time: now,
            ingest_time: self.wall,
            business_time: now,
            causing_lsn: Lsn::ZERO,
            entity_revision: 0,
            source: Name::const_new("tidewatch"),
            id: Name::default(),
            sequence: Name::default(),
            principal: Name::const_new("tidewatch"),
            body,
        }
    }
}

fn now_of(
    reference: &Reference,
    business_times: &[Timestamp],
    tenant: TenantNumber,
    wall: Timestamp,
) -> Timestamp {
    let time = business_times.get(usize::from(tenant.0)).copied().unwrap_or(wall);
    match reference.tenant(tenant).map(|tenant| tenant.clock) {
        Some(ClockKind::Event) => time,
        _ => time.max(wall),
    }
}

impl Sink for Places {
    fn create(&mut self, address: Address, key: &Arc<EntityKey>) {
        let place = Place { key: key.clone(), entity: Hosted::new(key), stands_still: false };
        self.by_address.insert(address, place);
    }

    fn deliver(&mut self, to: Address, at: Routed<'_>, reference: &Reference) {
        let Some(place) = self.by_address.get_mut(&to) else { return };
        if let Body::System(body) = &at.record.body {
            if let SystemBody::EntityQuarantined { .. } = &**body {
                place.stands_still = true;
            }
            return;
        }
        if place.stands_still {
            return;
        }
        self.dirty.insert(to);
        let delivery = Delivery { record: at.record, lsn: at.lsn, business_time: at.business_time };
        let revision = place.entity.revision();
        if contain(|| place.entity.apply(&delivery, reference)).is_err() {
            place.stands_still = true;
            return;
        }
        let tenant = at.record.tenant;
        let Body::Transition(body) = &at.record.body else { return };
        if body.entity != *place.key || place.entity.revision() == revision {
            return;
        }
        match &body.transition {
            Transition::Exception(change) => {
                let key = (tenant, change.item.id.clone());
                if change.item.state.is_final() {
                    self.exceptions.remove(&key);
                } else {
                    self.exceptions.insert(key, change.item.clone());
                }
            }
            Transition::Case(change) => {
                let key = (tenant, change.item.id.clone());
                if change.item.state.is_final() {
                    self.open_cases.remove(&key);
                } else {
                    self.open_cases.insert(key);
                }
            }
            Transition::ConditionNoted(_)
            | Transition::SupplierStatistics(_)
            | Transition::RefusedEvent(_) => {}
        }
    }

    fn reference_changed(&mut self) {}

    fn dirty(&mut self, whom: Dirty, _: Lsn) {
        match whom {
            Dirty::These(addresses) => self.dirty.extend(addresses),
            Dirty::Tenant(tenant) => {
                let of_tenant = self.by_address.iter().filter(|(_, place)| place.key.tenant() == tenant);
                self.dirty.extend(of_tenant.map(|(address, _)| address));
            }
            Dirty::Everyone => self.dirty.extend(self.by_address.keys()),
        }
    }

    fn clock_advanced(&mut self, _: TenantNumber, _: Timestamp, _: Lsn) {}
}
