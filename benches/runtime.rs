//! What the dispatcher's fold costs per event, from few entities to many, and what it costs to know a repeat.

#![allow(clippy::expect_used, reason = "a benchmark may stop")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use parking_lot::RwLock;
use tidewatch::domain::event::{EventData, EventType, OrderLine, PosSale};
use tidewatch::domain::ids::{EntityKey, Lsn, Name, TenantNumber};
use tidewatch::domain::quantity::Quantity;
use tidewatch::domain::record::{Body, Record};
use tidewatch::domain::reference::Reference;
use tidewatch::domain::time::{SECOND, Timestamp};
use tidewatch::runtime::directory::{Address, Directory};
use tidewatch::runtime::duplicates::{Duplicates, Seen};
use tidewatch::runtime::fold::{Dirty, Fold, Routed, Sink};
use tidewatch::runtime::quarantine::Quarantine;

const SHARDS: u16 = 2;
const TENANT: TenantNumber = TenantNumber(0);
/// Records folded between two looks at the clock.
const RECORDS: usize = 1_024;
/// One order line among that many records; the others are sales.
const ORDER_EVERY: usize = 5;

#[derive(Default)]
struct Counting {
    deliveries: u64,
    others: u64,
}

impl Sink for Counting {
    fn create(&mut self, _: Address, _: &Arc<EntityKey>) {
        self.others += 1;
    }
    fn deliver(&mut self, to: Address, at: Routed<'_>, _: &Reference) {
        black_box((to, at.record));
        self.deliveries += 1;
    }
    fn reference_changed(&mut self) {
        self.others += 1;
    }
    fn dirty(&mut self, _: Dirty, _: Lsn) {
        self.others += 1;
    }
    fn clock_advanced(&mut self, _: TenantNumber, _: Timestamp, _: Lsn) {
        self.others += 1;
    }
}

/// Names as real ones are: longer than what a hash takes in one step.
fn place(index: usize) -> (Name, Name) {
    (Name::from(format!("sku-{:06}", index / 50)), Name::from(format!("store-{:04}", index % 50)))
}

fn record(lsn: u64, event_type: EventType, data: EventData) -> Arc<Record> {
    let time = Timestamp::from_micros(1_700_000_000 * SECOND + lsn as i64);
    Arc::new(Record {
        lsn: Lsn(lsn),
        tenant: TENANT,
        event_time: time,
        ingest_time: time,
        business_time: time,
        causing_lsn: Lsn::ZERO,
        entity_revision: 0,
        source: Name::const_new("/bench"),
        id: Name::from(lsn.to_string()),
        sequence: Name::default(),
        principal: Name::const_new("dev"),
        body: Body::Event { event_type: Some(event_type), data },
    })
}

fn sale(lsn: u64, index: usize) -> Arc<Record> {
    let (sku, location) = place(index);
    let quantity = Quantity::from_units(1);
    let sale = PosSale { sku, location, quantity, unit_price: None, currency: None, uom: None };
    record(lsn, EventType::PosSale, EventData::PosSale(sale))
}

fn order(lsn: u64, index: usize) -> Arc<Record> {
    let (sku, location) = place(index);
    let line = OrderLine {
        order_id: Name::from(format!("order-{lsn:010}")),
        line_id: Name::const_new("1"),
        sku,
        location,
        quantity: Quantity::from_units(2),
        customer: None,
        channel: None,
        promised_at: None,
        requested_at: None,
        priority: None,
        unit_price: None,
        currency: None,
        ship_complete: false,
        substitution_allowed: false,
    };
    record(lsn, EventType::OrderPlaced, EventData::OrderLine(Box::new(line)))
}

/// A fold that knows every place.
fn fold(places: usize) -> Fold {
    let quarantine = Arc::new(RwLock::new(Quarantine::new(1_000)));
    let mut fold = Fold::new(SHARDS, Arc::new(Directory::new(SHARDS)), quarantine);
    let mut sink = Counting::default();
    for index in 0..places {
        fold.take(&sale(index as u64 + 1, index), Lsn(index as u64 + 1), &mut sink);
    }
    fold
}

fn dispatch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dispatch");
    group.throughput(Throughput::Elements(RECORDS as u64));
    for places in [1_000, 100_000] {
        let mut fold = fold(places);
        let mut lsn = places as u64;
        // A step that shares no factor with the number of places visits all of them, far apart from each other.
        let mut index = 0;
        let mut batch = || {
            let mut records = Vec::with_capacity(RECORDS);
            for n in 0..RECORDS {
                lsn += 1;
                index = (index + 7_919) % places;
                records.push(if n % ORDER_EVERY == 0 { order(lsn, index) } else { sale(lsn, index) });
            }
            records
        };
        group.bench_function(format!("{places} SKU-locations"), |bencher| {
            bencher.iter_batched_ref(
                &mut batch,
                |records| {
                    let mut sink = Counting::default();
                    for record in records {
                        fold.take(record, record.lsn, &mut sink);
                    }
                    assert!(sink.deliveries >= RECORDS as u64 && sink.others == 0);
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

/// Keys as the door makes them: parts of a cryptographic hash.
fn key(number: u64) -> (u128, [u8; 16]) {
    let hash = blake3::hash(&number.to_le_bytes());
    let (mut key, mut content) = ([0; 16], [0; 16]);
    key.copy_from_slice(&hash.as_bytes()[..16]);
    content.copy_from_slice(&hash.as_bytes()[16..]);
    (u128::from_le_bytes(key), content)
}

fn duplicates(criterion: &mut Criterion) {
    const WINDOW: u64 = 4_000_000;
    let mut window = Duplicates::new(WINDOW as usize);
    let mut number = 0;
    // Full, so that what is measured is the window as it is after an hour, not while it grows.
    for _ in 0..WINDOW {
        number += 1;
        let (key, content) = key(number);
        window.reserve(key, &content, Lsn(number), Timestamp::default());
    }
    let mut group = criterion.benchmark_group("duplicates");
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.bench_function("a new event: look up and reserve", |bencher| {
        let keys = || {
            (0..RECORDS)
                .map(|_| {
                    number += 1;
                    (key(number), Lsn(number))
                })
                .collect::<Vec<_>>()
        };
        bencher.iter_batched_ref(
            keys,
            |keys| {
                for ((key, content), lsn) in keys {
                    assert_eq!(window.look_up(*key, content), Seen::New);
                    window.reserve(*key, content, *lsn, Timestamp::default());
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("a repeat: look up", |bencher| {
        let last = number;
        let mut back = 0;
        let keys = || {
            (0..RECORDS)
                .map(|_| {
                    back = (back + 7_919) % (WINDOW / 2 - 1);
                    key(last - back)
                })
                .collect::<Vec<_>>()
        };
        bencher.iter_batched_ref(
            keys,
            |keys| {
                for (key, content) in keys {
                    assert!(matches!(window.look_up(*key, content), Seen::Repeat(_)));
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, dispatch, duplicates);
criterion_main!(benches);
