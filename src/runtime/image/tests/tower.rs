//! A tower on one thread: the fold, and the entities that it tells.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::RwLock;

use super::history::Throw;
use super::{ImageError, Kept, decode, encode};
use crate::domain::approval_case::ApprovalCase;
use crate::domain::entity::Entity;
use crate::domain::event::EventData;
use crate::domain::exception::{ExceptionType, Severity};
use crate::domain::ids::{EntityKey, Lsn, Name, TenantNumber};
use crate::domain::money::Currency;
use crate::domain::record::{Body, ClockKind, Delivery, Record, SystemBody, Transition, TransitionBody};
use crate::domain::reference::Reference;
use crate::domain::settings::{CustomException, CustomSubject, FoldSettings, Settings};
use crate::domain::sku_location::SkuLocation;
use crate::domain::subject::Subject;
use crate::domain::supplier::Supplier;
use crate::domain::time::Timestamp;
use crate::runtime::directory::{Address, Directory};
use crate::runtime::fold::{Dirty, Fold, Routed, Sink};
use crate::runtime::image::AddressMap;
use crate::runtime::quarantine::{Quarantine, QuarantineEntry};

pub const TENANT: TenantNumber = TenantNumber(0);
/// Proposals that one event may lead to.
const PROPOSALS_MAX: usize = 12;

/// Any entity.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    Place(Box<SkuLocation>),
    Supplier(Box<Supplier>),
    Subject(Box<Subject>),
    Case(Box<ApprovalCase>),
}

impl State {
    fn new(key: &EntityKey) -> State {
        match key {
            EntityKey::SkuLocation { .. } => State::Place(Box::new(SkuLocation::new(key))),
            EntityKey::Supplier { .. } => State::Supplier(Box::new(Supplier::new(key))),
            EntityKey::Subject { .. } => State::Subject(Box::new(Subject::new(key))),
            EntityKey::ApprovalCase { .. } => State::Case(Box::new(ApprovalCase::new(key))),
        }
    }

    pub fn kind(&self) -> &'static str {
        match self {
            State::Place(_) => "place",
            State::Supplier(_) => "supplier",
            State::Subject(_) => "subject",
            State::Case(_) => "case",
        }
    }

    pub fn encoded(&self) -> Vec<u8> {
        let encoded = match self {
            State::Place(state) => encode(state),
            State::Supplier(state) => encode(state),
            State::Subject(state) => encode(state),
            State::Case(state) => encode(state),
        };
        encoded.unwrap()
    }

    pub fn decoded(key: &EntityKey, bytes: &[u8]) -> State {
        match key {
            EntityKey::SkuLocation { .. } => State::Place(decode(bytes).unwrap()),
            EntityKey::Supplier { .. } => State::Supplier(decode(bytes).unwrap()),
            EntityKey::Subject { .. } => State::Subject(decode(bytes).unwrap()),
            EntityKey::ApprovalCase { .. } => State::Case(decode(bytes).unwrap()),
        }
    }

    pub fn revision(&self) -> u64 {
        match self {
            State::Place(state) => state.revision(),
            State::Supplier(state) => state.revision(),
            State::Subject(state) => state.revision(),
            State::Case(state) => state.revision(),
        }
    }

    fn apply(&mut self, delivery: &Delivery<'_>, reference: &Reference) {
        match self {
            State::Place(state) => state.apply(delivery, reference),
            State::Supplier(state) => state.apply(delivery, reference),
            State::Subject(state) => state.apply(delivery, reference),
            State::Case(state) => state.apply(delivery, reference),
        }
    }

    fn proposals(&self, key: &EntityKey, now: Timestamp, reference: &Reference) -> Vec<Transition> {
        let reconciled = match self {
            State::Place(state) => state.reconcile(key, now, reference),
            State::Supplier(state) => state.reconcile(key, now, reference),
            State::Subject(state) => state.reconcile(key, now, reference),
            State::Case(state) => state.reconcile(key, now, reference),
        };
        reconciled.proposals.into_vec()
    }
}

/// What the fold told its sink: everything, with the records in full.
#[derive(Default)]
pub struct Heard {
    pub told: Vec<String>,
    pub states: HashMap<Address, State>,
    pub keys: HashMap<Address, Arc<EntityKey>>,
    pub traffic: usize,
    touched: BTreeSet<Address>,
}

impl Sink for Heard {
    fn create(&mut self, address: Address, key: &Arc<EntityKey>) {
        self.told.push(format!("{key} is at {address:?}"));
        self.states.insert(address, State::new(key));
        self.keys.insert(address, key.clone());
    }

    fn deliver(&mut self, to: Address, at: Routed<'_>, reference: &Reference) {
        let version = reference.version();
        self.told.push(format!(
            "{to:?} {} {} {:?} {:?} {version}",
            at.lsn, at.origin, at.business_time, at.record
        ));
        if let Body::Event { data: EventData::FeedTraffic(_), .. } = at.record.body {
            self.traffic += 1;
        }
        let delivery = Delivery { record: at.record, lsn: at.lsn, business_time: at.business_time };
        self.states.get_mut(&to).expect("an entity that was made").apply(&delivery, reference);
        self.touched.insert(to);
    }

    fn reference_changed(&mut self) {
        self.told.push("reference".into());
    }

    fn dirty(&mut self, whom: Dirty, origin: Lsn) {
        self.told.push(format!("{whom:?} {origin}"));
        if let Dirty::These(these) = whom {
            self.touched.extend(these);
        }
    }

    fn clock_advanced(&mut self, tenant: TenantNumber, to: Timestamp, origin: Lsn) {
        self.told.push(format!("{tenant:?} {to:?} {origin}"));
    }
}

pub struct Tower {
    pub fold: Fold,
    pub directory: Arc<Directory>,
    pub quarantine: Arc<RwLock<Quarantine>>,
    pub heard: Heard,
    pub records: Vec<Arc<Record>>,
    pub now: Timestamp,
}

impl Tower {
    pub fn new(shards: u16) -> Tower {
        let directory = Arc::new(Directory::new(shards));
        let quarantine = Arc::new(RwLock::new(Quarantine::new(5)));
        let fold = Fold::new(shards, directory.clone(), quarantine.clone());
        // 2026-03-02T00:00:00Z
        let now = Timestamp::from_micros(1_772_409_600_000_000);
        Tower { fold, directory, quarantine, heard: Heard::default(), records: Vec::new(), now }
    }

    pub fn restored(shards: u16, kept: &Kept) -> (Tower, AddressMap) {
        let mut tower = Tower::new(shards);
        let map = tower.restore(kept).unwrap();
        (tower, map)
    }

    pub fn restore(&mut self, kept: &Kept) -> Result<AddressMap, ImageError> {
        let shards = self.fold.next_slot.len() as u16;
        let (fold, map) = Fold::restore(shards, self.directory.clone(), self.quarantine.clone(), kept)?;
        self.fold = fold;
        Ok(map)
    }

    /// Configuration, with small bounds, and a tenant; something to begin with.
    pub fn found(&mut self) {
        let fold = FoldSettings { entities_max: 18, document_index_lines_max: 16, holding_events_max: 4 };
        let mut settings = Settings { fold, ..Settings::default() };
        settings.exceptions.custom.push(CustomException {
            exception_type: ExceptionType::parse("custom.low").unwrap(),
            about: CustomSubject::SkuLocation,
            condition: "on_hand < 2.0".into(),
            clear: None,
            title: "Low".into(),
            severity: Severity::High,
            enabled: true,
            consecutive_periods: 1,
            quiet_hours: 0.0,
        });
        let activated = SystemBody::ConfigurationActivated { hash: "x".into(), settings: Box::new(settings) };
        self.system(activated);
        self.system(SystemBody::TenantDeclared {
            name: Name::from("default"),
            clock: ClockKind::Event,
            base_currency: Currency::parse("EUR").unwrap(),
            timezone: Name::from("Europe/Berlin"),
        });
        self.happen(&Throw::sale());
    }

    pub fn system(&mut self, body: SystemBody) {
        self.journal(Record { body: Body::System(Box::new(body)), ..self.blank() });
    }

    /// A record about nothing yet.
    pub fn blank(&self) -> Record {
        let lsn = Lsn(self.records.len() as u64 + 1);
        Record {
            lsn,
            tenant: TENANT,
            event_time: self.now,
            ingest_time: self.now,
            business_time: self.now,
            causing_lsn: Lsn::ZERO,
            entity_revision: 0,
            source: Name::from("/test"),
            id: Name::from(lsn.to_string()),
            sequence: Name::default(),
            principal: Name::from("dev"),
            body: Body::Event { event_type: None, data: EventData::Reserved },
        }
    }

    /// Journals a record and lets the entities that it concerns propose.
    pub fn journal(&mut self, record: Record) {
        let mut proposals_left = PROPOSALS_MAX;
        self.write(record);
        while let Some(address) = self.heard.touched.pop_first() {
            let (key, now) = (self.heard.keys[&address].clone(), self.now);
            let state = &self.heard.states[&address];
            let proposals = state.proposals(&key, now, &self.fold.reference);
            let mut revision = state.revision();
            for transition in proposals {
                if proposals_left == 0 {
                    self.heard.touched.clear();
                    return;
                }
                proposals_left -= 1;
                revision += 1;
                self.transition((*key).clone(), revision, transition);
            }
        }
    }

    pub fn transition(&mut self, entity: EntityKey, revision: u64, transition: Transition) {
        let body = Body::Transition(Box::new(TransitionBody { entity, transition }));
        self.write(Record { body, entity_revision: revision, causing_lsn: Lsn(1), ..self.blank() });
    }

    fn write(&mut self, record: Record) {
        let record = Arc::new(record);
        self.records.push(record.clone());
        self.take(&record);
    }

    pub fn take(&mut self, record: &Arc<Record>) {
        self.heard.told.clear();
        self.fold.take(record, record.lsn, &mut self.heard);
    }

    pub fn quarantined(&self) -> Vec<QuarantineEntry> {
        self.quarantine.read().iter().cloned().collect()
    }
}
