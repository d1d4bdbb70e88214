//! The fold by itself: who hears of what, in which order, under which LSN.

mod actions;
mod documents;
mod room;

use std::sync::Arc;

use parking_lot::RwLock;
use serde_json::{Value, json};

use super::directory::{Address, Directory};
use super::fold::{Dirty, Fold, Routed, Sink};
use super::quarantine::{Quarantine, QuarantineReason};
use crate::domain::event::{self, EventType};
use crate::domain::ids::{EntityKey, Lsn, Name, SubjectKind, TenantNumber};
use crate::domain::money::Currency;
use crate::domain::record::{Body, ClockKind, Record, SystemBody};
use crate::domain::reference::Reference;
use crate::domain::settings::{FoldSettings, Settings};
use crate::domain::time::Timestamp;

const SHARDS: u16 = 3;
const TENANT: TenantNumber = TenantNumber(0);
const DUE: &str = "2026-01-09T00:00:00Z";

/// Entries that quarantine has room for.
const QUARANTINED_MAX: usize = 1_000;

const ROOMY: FoldSettings =
    FoldSettings { entities_max: 1_000, document_index_lines_max: 1_000, holding_events_max: 1_000 };

/// Something that the fold told its sink.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Created(Address, EntityKey),
    /// To whom, which record, where it takes effect, where it came from, the Reference it is read with.
    Delivered {
        to: Address,
        record: Lsn,
        at: Lsn,
        business_time: Timestamp,
        origin: Lsn,
        reference: Lsn,
    },
    ReferenceChanged,
    Dirty(Dirty, Lsn),
    ClockAdvanced(TenantNumber, Timestamp, Lsn),
}

#[derive(Default)]
struct Recorder(Vec<Told>);

impl Sink for Recorder {
    fn create(&mut self, address: Address, key: &Arc<EntityKey>) {
        self.0.push(Told::Created(address, (**key).clone()));
    }
    fn deliver(&mut self, to: Address, at: Routed<'_>, reference: &Reference) {
        // What sources hear of has its own tests.
        if matches!(at.record.body, Body::Event { data: event::EventData::FeedTraffic(_), .. }) {
            return;
        }
        self.0.push(Told::Delivered {
            to,
            record: at.record.lsn,
            at: at.lsn,
            business_time: at.business_time,
            origin: at.origin,
            reference: reference.version(),
        });
    }
    fn reference_changed(&mut self) {
        self.0.push(Told::ReferenceChanged);
    }
    fn dirty(&mut self, whom: Dirty, origin: Lsn) {
        self.0.push(Told::Dirty(whom, origin));
    }
    fn clock_advanced(&mut self, tenant: TenantNumber, to: Timestamp, origin: Lsn) {
        self.0.push(Told::ClockAdvanced(tenant, to, origin));
    }
}

/// A fold that is told events in few words. Record 1 declares the tenant; events count on from there.
struct House {
    fold: Fold,
    directory: Arc<Directory>,
    quarantine: Arc<RwLock<Quarantine>>,
    lsn: u64,
    told: Recorder,
}

fn record(lsn: u64, body: Body) -> Arc<Record> {
    let time = Timestamp::from_micros(lsn as i64 * 1_000_000);
    Arc::new(Record {
        lsn: Lsn(lsn),
        tenant: TENANT,
        event_time: time,
        ingest_time: time,
        business_time: time,
        causing_lsn: Lsn::ZERO,
        entity_revision: 0,
        source: Name::from("/test"),
        id: Name::from(lsn.to_string()),
        sequence: Name::default(),
        principal: Name::from("dev"),
        body,
    })
}

fn event(lsn: u64, kind: &str, data: &Value) -> Arc<Record> {
    let data =
        event::parse(kind, &data.to_string()).unwrap_or_else(|error| panic!("{kind} {data}: {error:?}"));
    record(lsn, Body::Event { event_type: EventType::parse(kind), data })
}

fn declaration() -> Arc<Record> {
    let body = SystemBody::TenantDeclared {
        name: Name::from("default"),
        clock: ClockKind::Wall,
        base_currency: Currency::parse("EUR").unwrap(),
        timezone: Name::from("UTC"),
    };
    record(1, Body::System(Box::new(body)))
}

fn place(sku: &str, location: &str) -> EntityKey {
    EntityKey::SkuLocation { tenant: TENANT, sku: Name::from(sku), location: Name::from(location) }
}

fn supplier(id: &str) -> EntityKey {
    EntityKey::Supplier { tenant: TENANT, supplier: Name::from(id) }
}

fn case_key() -> EntityKey {
    EntityKey::ApprovalCase { tenant: TENANT, case: "case_1".into() }
}

fn subject(subject: SubjectKind, id: &str) -> EntityKey {
    EntityKey::Subject { tenant: TENANT, subject, id: Name::from(id) }
}

impl House {
    fn new(limits: FoldSettings) -> House {
        let directory = Arc::new(Directory::new(SHARDS));
        let quarantine = Arc::new(RwLock::new(Quarantine::new(QUARANTINED_MAX)));
        let fold = Fold::new(SHARDS, directory.clone(), quarantine.clone());
        let mut house = House { fold, directory, quarantine, lsn: 0, told: Recorder::default() };
        let settings = Box::new(Settings { fold: limits, ..Settings::default() });
        let configuration = SystemBody::ConfigurationActivated { hash: String::new(), settings };
        house.take(&record(1, Body::System(Box::new(configuration))));
        house.take(&declaration());
        house
    }

    fn take(&mut self, record: &Arc<Record>) -> Vec<Told> {
        self.lsn = record.lsn.0;
        self.told.0.clear();
        self.fold.take(record, record.lsn, &mut self.told);
        self.told.0.clone()
    }

    /// Takes the next event; says to whom which record went, by key and LSN, in that order.
    fn hears(&mut self, kind: &str, data: Value) -> Vec<(EntityKey, u64)> {
        let next = self.lsn + 1;
        let told = self.take(&event(next, kind, &data));
        let deliveries = told.into_iter().filter_map(|told| match told {
            Told::Delivered { to, record, at, business_time, origin, .. } => {
                assert_eq!((at, origin), (Lsn(next), Lsn(next)), "everything takes effect here and now");
                assert_eq!(business_time, Timestamp::from_micros(next as i64 * 1_000_000));
                Some((self.key_at(to), record.0))
            }
            _ => None,
        });
        deliveries.collect()
    }

    fn key_at(&self, address: Address) -> EntityKey {
        let places = self.directory.sku_locations_after(TENANT, None, 1_000);
        let suppliers = self.directory.suppliers_after(TENANT, "", 1_000);
        let subjects = [SubjectKind::Item, SubjectKind::Location, SubjectKind::Supplier].into_iter();
        let names = ["A", "B", "C", "L1", "L2", "L3", "S", "T"];
        let subjects = subjects.flat_map(|kind| {
            names.iter().filter_map(move |name| {
                let key = subject(kind, name);
                self.directory.find(&key).map(|address| (key, address))
            })
        });
        let case = self.directory.find(&case_key()).map(|address| (case_key(), address));
        let mut all = places.into_iter().chain(suppliers).chain(subjects).chain(case);
        all.find(|(_, at)| *at == address)
            .map(|(key, _)| key)
            .unwrap_or_else(|| panic!("nobody at {address:?}"))
    }

    /// Describes everything that could be mentioned, so that no subject stands in for it.
    fn described(mut self) -> House {
        for sku in ["A", "B", "C"] {
            self.hears("item.described", json!({"sku": sku}));
        }
        for location in ["L1", "L2", "L3"] {
            self.hears("location.described", json!({"location": location}));
        }
        for supplier in ["S", "T"] {
            self.hears("supplier.described", json!({"supplier": supplier}));
        }
        self
    }

    fn dirty(&mut self, kind: &str, data: Value) -> Vec<EntityKey> {
        let next = self.lsn + 1;
        let told = self.take(&event(next, kind, &data));
        let mut keys: Vec<EntityKey> = told
            .into_iter()
            .flat_map(|told| match told {
                Told::Dirty(Dirty::These(addresses), origin) => {
                    assert_eq!(origin, Lsn(next));
                    addresses.into_iter().map(|address| self.key_at(address)).collect()
                }
                Told::Dirty(other, _) => panic!("{other:?}"),
                _ => Vec::new(),
            })
            .collect();
        keys.sort();
        keys
    }

    fn quarantined(&self) -> Vec<(u64, String)> {
        let quarantine = self.quarantine.read();
        quarantine.list(TENANT, Lsn::ZERO).map(|entry| (entry.event.0, entry.code.to_string())).collect()
    }
}

fn sale(sku: &str, location: &str) -> Value {
    json!({"sku": sku, "location": location, "quantity": 1})
}

fn purchase(lines: Value) -> Value {
    json!({"po_id": "P", "supplier": "S", "lines": lines})
}

#[test]
fn a_first_mention_makes_the_entity_and_whatever_nobody_described_once() {
    let mut house = House::new(ROOMY);
    let created = |told: &[Told]| -> Vec<EntityKey> {
        let created = told.iter().filter_map(|told| match told {
            Told::Created(_, key) => Some(key.clone()),
            _ => None,
        });
        created.collect()
    };
    let told = house.take(&event(2, "pos.sale", &sale("A", "L1")));
    let item = subject(SubjectKind::Item, "A");
    let location = subject(SubjectKind::Location, "L1");
    assert_eq!(created(&told), [place("A", "L1"), item.clone(), location.clone()]);
    let at =
        |key: &EntityKey| told.iter().position(|told| matches!(told, Told::Created(_, made) if made == key));
    for key in [&place("A", "L1"), &item, &location] {
        let address = house.directory.find(key).unwrap();
        let heard = told.iter().position(|told| matches!(told, Told::Delivered { to, .. } if *to == address));
        assert!(at(key) < heard, "{key} exists before it hears of anything");
    }
    let told = house.take(&event(3, "pos.sale", &sale("A", "L2")));
    assert_eq!(created(&told), [place("A", "L2"), subject(SubjectKind::Location, "L2")]);
    assert_eq!(
        house.hears("pos.sale", sale("A", "L1")),
        [(place("A", "L1"), 4)],
        "later sales are no mention"
    );
    let described = house.hears("item.described", json!({"sku": "A"}));
    assert_eq!(described, [(item, 5)], "the subject hears that it was described");
    assert_eq!(house.hears("item.described", json!({"sku": "B"})), [], "nobody asked for this one");
    let told = house.take(&event(7, "pos.sale", &sale("B", "L1")));
    assert_eq!(created(&told), [place("B", "L1")]);
    let told = house.take(&event(8, "supplier.delay_reported", &json!({"supplier": "S", "delay_days": 1})));
    assert_eq!(created(&told), [supplier("S"), subject(SubjectKind::Supplier, "S")]);
}

#[test]
fn a_change_of_reference_data_dirties_those_that_read_it() {
    let mut house = House::new(ROOMY).described();
    for (sku, location) in [("A", "L1"), ("A", "L2"), ("B", "L1"), ("C", "L3")] {
        house.hears("pos.sale", sale(sku, location));
    }
    assert_eq!(
        house.dirty("item.described", json!({"sku": "A", "pack": 6})),
        [place("A", "L1"), place("A", "L2")]
    );
    assert_eq!(
        house.dirty("location.described", json!({"location": "L1", "timezone": "Europe/Berlin"})),
        [place("A", "L1"), place("B", "L1")]
    );
    // B at L1 is sourced from the supplier, C at L3 is on one of its orders.
    let sourced = json!({"sku": "B", "location": "L1", "source": {"kind": "supplier", "id": "S"}});
    assert!(house.dirty("sourcing.set", sourced).contains(&place("B", "L1")));
    let lines = json!([{"line_id": "1", "sku": "C", "location": "L3", "quantity": 1}]);
    assert_eq!(house.dirty("purchase_order.placed", purchase(lines)), []);
    assert_eq!(
        house.dirty("supplier.described", json!({"supplier": "S", "lead_time_days": 9})),
        [place("B", "L1"), place("C", "L3"), supplier("S")]
    );
    assert_eq!(house.dirty("item.described", json!({"sku": "nobody"})), []);
}

#[test]
fn deliveries_after_a_change_read_the_new_reference() {
    let mut house = House::new(ROOMY);
    house.take(&event(2, "pos.sale", &sale("A", "L1")));
    let told = house.take(&event(3, "item.described", &json!({"sku": "A"})));
    assert_eq!(told[0], Told::ReferenceChanged, "before the deliveries of the same record");
    assert!(matches!(told[1], Told::Delivered { reference: Lsn(3), .. }), "{told:?}");
    let told = house.take(&event(4, "pos.sale", &sale("A", "L1")));
    assert!(matches!(told[..], [Told::Delivered { reference: Lsn(3), .. }]), "{told:?}");
}

#[test]
fn only_clock_events_advance_a_clock() {
    let mut house = House::new(ROOMY).described();
    let next = house.lsn + 1;
    let told = house.take(&event(next, "clock.advanced", &json!({"to": "2026-01-01T00:00:00Z"})));
    let time = Timestamp::from_micros(next as i64 * 1_000_000);
    assert_eq!(
        told,
        [Told::ClockAdvanced(TENANT, time, Lsn(next))],
        "to the business time that the writer stamped"
    );
}

/// A history that has something of everything, out of order in places.
fn history() -> Vec<Arc<Record>> {
    let mut records = vec![declaration()];
    let mut add = |kind: &str, data: Value| {
        let lsn = records.len() as u64 + 1;
        records.push(event(lsn, kind, &data));
    };
    for n in 0..60u64 {
        let (sku, location) = (["A", "B", "C"][n as usize % 3], ["L1", "L2", "L3"][n as usize / 3 % 3]);
        let order = format!("O{}", n / 2);
        match n % 10 {
            0 => add("order.shipped", json!({"order_id": order, "line_id": "1", "quantity": 1})),
            1 => add(
                "order.placed",
                json!({"order_id": order, "line_id": "1", "sku": sku, "location": location, "quantity": 2}),
            ),
            2 => add("item.described", json!({"sku": sku, "pack": n})),
            3 => add(
                "purchase_order.received",
                json!({"po_id": format!("P{n}"), "line_id": "1", "quantity": 1}),
            ),
            4 => add(
                "purchase_order.placed",
                json!({"po_id": format!("P{}", n - 1), "supplier": "S", "lines": [
                    {"line_id": "1", "sku": sku, "location": location, "quantity": 3},
                    {"line_id": "2", "sku": "A", "location": "L1", "quantity": 3},
                ]}),
            ),
            5 => add("purchase_order.closed", json!({"po_id": format!("P{}", n - 2)})),
            6 => add(
                "transfer.placed",
                json!({"transfer_id": format!("X{n}"), "lines": [
                    {"line_id": "1", "sku": sku, "from": "L1", "to": "L2", "quantity": 1, "promised_at": DUE}]}),
            ),
            7 => add("supplier.described", json!({"supplier": "S", "lead_time_days": n})),
            8 => add(
                "sourcing.set",
                json!({"sku": sku, "location": location, "source": {"kind": "supplier", "id": "T"}}),
            ),
            _ => add("pos.sale", sale(sku, location)),
        }
    }
    records
}

#[test]
fn the_same_records_tell_the_same_whatever_the_bounds_of_batches() {
    // Small bounds, so that holding, forgetting and refusing take part.
    let limits = FoldSettings { entities_max: 14, document_index_lines_max: 12, holding_events_max: 3 };
    let records = history();
    let told_in_batches_of = |size: usize| {
        let mut house = House::new(limits.clone());
        let mut told = std::mem::take(&mut house.told.0);
        for batch in records[1..].chunks(size) {
            let mut recorder = Recorder::default();
            for record in batch {
                house.fold.take(record, record.lsn, &mut recorder);
            }
            told.extend(recorder.0);
        }
        let usage = house.fold.usage();
        (told, house.quarantined(), usage.held, usage.document_lines, house.fold.reference.clone())
    };
    let whole = told_in_batches_of(records.len());
    assert!(whole.0.len() > 100 && !whole.1.is_empty(), "the history reaches its bounds");
    for size in [1, 7] {
        assert_eq!(told_in_batches_of(size), whole);
    }
}
