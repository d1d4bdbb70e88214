//! What one SKU-location costs per event: apply, and reconcile after it.

#![allow(clippy::expect_used, reason = "a benchmark may stop")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tidewatch::domain::entity::Entity;
use tidewatch::domain::event::{
    EventData, EventType, InventoryCounted, LineFulfilled, OrderLine, PosSale, PurchaseOrder,
    PurchaseOrderLine, PurchaseOrderStep, StockStatus,
};
use tidewatch::domain::ids::{EntityKey, Lsn, Name, TenantNumber};
use tidewatch::domain::money::Currency;
use tidewatch::domain::quantity::Quantity;
use tidewatch::domain::record::{Body, ClockKind, Delivery, Record, SystemBody, Transition, TransitionBody};
use tidewatch::domain::reference::Reference;
use tidewatch::domain::sku_location::SkuLocation;
use tidewatch::domain::time::{DAY, HOUR, SECOND, Timestamp};

struct Bench {
    state: SkuLocation,
    reference: Reference,
    key: EntityKey,
    lsn: u64,
    now: Timestamp,
}

fn name(text: &str) -> Name {
    Name::from(text)
}

fn record(lsn: u64, now: Timestamp, body: Body) -> Record {
    Record {
        lsn: Lsn(lsn),
        tenant: TenantNumber(0),
        event_time: now,
        ingest_time: now,
        business_time: now,
        causing_lsn: Lsn::ZERO,
        entity_revision: 0,
        source: name("/stores/4711/pos"),
        id: compact_str::format_compact!("{lsn:020}"),
        sequence: Name::default(),
        principal: name("dev"),
        body,
    }
}

impl Bench {
    /// A place with three days of sales and stock for `cover_days`.
    fn new(cover_days: i64) -> Bench {
        let key = EntityKey::SkuLocation {
            tenant: TenantNumber(0),
            sku: name("sku-000123"),
            location: name("store-4711"),
        };
        let mut bench = Bench {
            state: SkuLocation::new(&key),
            reference: Reference::default(),
            key,
            lsn: 0,
            now: Timestamp::from_micros(1_772_409_600 * SECOND),
        };
        let declared = SystemBody::TenantDeclared {
            name: name("default"),
            clock: ClockKind::Event,
            base_currency: Currency::parse("EUR").expect("a currency"),
            timezone: name("America/Chicago"),
        };
        bench.reference.apply(&record(0, bench.now, Body::System(Box::new(declared))));
        for day in 0..5 {
            for _ in 0..10 {
                bench.event(EventType::PosSale, sale());
            }
            bench.event(EventType::PosSale, sale());
            bench.now = bench.now.plus(DAY + day * HOUR / 8);
        }
        bench.event(EventType::InventoryCounted, count(11 * cover_days));
        bench
    }

    fn with_lines(mut self) -> Bench {
        for line in 0..2 {
            let promised_at = self.now.plus((line + 1) * DAY);
            self.event(EventType::OrderPlaced, order(&format!("order-{line}"), Some(promised_at)));
            self.event(EventType::PurchaseOrderPlaced, purchase(&format!("po-{line}"), promised_at));
        }
        self
    }

    fn with_open_exception(mut self) -> Bench {
        for transition in self.state.reconcile(&self.key, self.now, &self.reference).proposals {
            self.transition(transition);
        }
        assert!(self.state.open_exceptions().count() == 1);
        self
    }

    fn next(&mut self, event_type: EventType, data: EventData) -> Record {
        self.lsn += 1;
        record(self.lsn, self.now, Body::Event { event_type: Some(event_type), data })
    }

    fn event(&mut self, event_type: EventType, data: EventData) {
        let record = self.next(event_type, data);
        self.apply(&record);
    }

    fn transition(&mut self, transition: Transition) {
        self.lsn += 1;
        let body = TransitionBody { entity: self.key.clone(), transition };
        let mut record = record(self.lsn, self.now, Body::Transition(Box::new(body)));
        record.entity_revision = self.state.revision() + 1;
        self.apply(&record);
    }

    fn apply(&mut self, record: &Record) {
        let delivery = Delivery { record, lsn: record.lsn, business_time: record.business_time };
        self.state.apply(&delivery, &self.reference);
    }
}

fn sale() -> EventData {
    EventData::PosSale(PosSale {
        sku: name("sku-000123"),
        location: name("store-4711"),
        quantity: Quantity::from_units(1),
        unit_price: None,
        currency: None,
        uom: None,
    })
}

fn count(on_hand: i64) -> EventData {
    EventData::InventoryCounted(Box::new(InventoryCounted {
        sku: name("sku-000123"),
        location: name("store-4711"),
        on_hand: Quantity::from_units(on_hand),
        status: StockStatus::Available,
        lots: Vec::new(),
    }))
}

fn order(id: &str, promised_at: Option<Timestamp>) -> EventData {
    EventData::OrderLine(Box::new(OrderLine {
        order_id: name(id),
        line_id: name("1"),
        sku: name("sku-000123"),
        location: name("store-4711"),
        quantity: Quantity::from_units(2),
        customer: None,
        channel: None,
        promised_at,
        requested_at: None,
        priority: None,
        unit_price: None,
        currency: None,
        ship_complete: false,
        substitution_allowed: false,
    }))
}

fn purchase(id: &str, promised_at: Timestamp) -> EventData {
    EventData::PurchaseOrder(Box::new(PurchaseOrder {
        step: PurchaseOrderStep::Placed,
        po_id: name(id),
        supplier: Some(name("supplier-9")),
        lines: smallvec::smallvec![PurchaseOrderLine {
            line_id: name("1"),
            place: Some((name("sku-000123"), name("store-4711"))).into(),
            quantity: Quantity::from_units(1),
            promised_at: Some(promised_at),
            unit_cost: None,
        }],
        currency: None,
        requested_at: None,
        action_id: None,
    }))
}

fn shipped(id: &str) -> EventData {
    EventData::OrderShipped(LineFulfilled {
        document: name(id),
        line_id: name("1"),
        quantity: Quantity::from_units(2),
        place: None.into(),
        supplier: None,
    })
}

/// Events told per round, so that a round's own cost does not show.
const ROUND: u64 = 100;

fn apply(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sku_location/apply");
    group.throughput(criterion::Throughput::Elements(ROUND));
    let mut place = Bench::new(100);
    let sales: Vec<Record> = (0..ROUND)
        .map(|index| {
            place.now = place.now.plus(index as i64);
            place.next(EventType::PosSale, sale())
        })
        .collect();
    let told = |records: &[Record], state: &mut SkuLocation, reference: &Reference| {
        for record in records {
            let delivery = Delivery { record, lsn: record.lsn, business_time: record.business_time };
            state.apply(&delivery, reference);
        }
    };
    // The same sales again and again: the oldest movements go, as on a busy place.
    group.bench_function("sale", |bencher| {
        let mut state = place.state.clone();
        bencher.iter(|| told(black_box(&sales), &mut state, &place.reference));
    });
    let orders: Vec<Record> = (0..ROUND / 2)
        .flat_map(|index| {
            let id = format!("order-{index:05}");
            [
                place.next(EventType::OrderPlaced, order(&id, None)),
                place.next(EventType::OrderShipped, shipped(&id)),
            ]
        })
        .collect();
    group.bench_function("order placed and shipped", |bencher| {
        bencher.iter_batched_ref(
            || place.state.clone(),
            |state| told(black_box(&orders), state, &place.reference),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn reconcile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sku_location/reconcile");
    for (case, place) in [
        ("quiet", Bench::new(100)),
        ("with lines", Bench::new(100).with_lines()),
        ("with an open exception", Bench::new(2).with_open_exception()),
    ] {
        group.bench_function(case, |bencher| {
            bencher.iter(|| place.state.reconcile(black_box(&place.key), place.now, &place.reference));
        });
    }
    group.finish();
}

criterion_group!(benches, apply, reconcile);
criterion_main!(benches);
