//! A place under test, told what happens in few words.

use std::cell::RefCell;
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{SkuLocation, SkuLocationView};
use crate::domain::entity::{Entity, Reconciled};
use crate::domain::event::*;
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::{ExceptionChange, ExceptionItem, ExceptionType};
use crate::domain::ids::{EntityKey, Lsn, Name, TenantNumber};
use crate::domain::money::{Currency, UnitPrice};
use crate::domain::quantity::Quantity;
use crate::domain::record::*;
use crate::domain::reference::Reference;
use crate::domain::settings::Settings;
use crate::domain::time::{DAY, Day, HOUR, Timestamp};

/// Ids of events on which `apply` fails, as a mistake in it would.
static POISONS: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());

/// As long as this lives, `apply` fails on the event of that id, after it has changed the state.
pub struct Poison(&'static str);

/// Makes `apply` fail on the event of that id, which no other test may use.
pub fn poison(id: &'static str) -> Poison {
    POISONS.lock().unwrap().push(id.to_owned());
    Poison(id)
}

impl Drop for Poison {
    fn drop(&mut self) {
        POISONS.lock().unwrap().retain(|id| id != self.0);
    }
}

pub(super) fn fail_if_poison(record: &Record) {
    let is_poison = POISONS.lock().unwrap().iter().any(|id| *id == *record.id);
    assert!(!is_poison, "told to fail on {}", record.id);
}

thread_local! {
    static LOOKS: RefCell<Option<BTreeSet<EntityKey>>> = const { RefCell::new(None) };
}

/// As long as this lives, it is noted who reconciles on this thread.
pub struct Looks(());

/// Begins to note who reconciles on this thread.
pub fn looks() -> Looks {
    LOOKS.set(Some(BTreeSet::new()));
    Looks(())
}

impl Looks {
    /// Who did.
    pub fn taken(self) -> BTreeSet<EntityKey> {
        LOOKS.take().unwrap_or_default()
    }
}

pub(super) fn note_look(key: &EntityKey) {
    LOOKS.with_borrow_mut(|looks| {
        if let Some(looks) = looks {
            looks.insert(key.clone());
        }
    });
}

/// 2026-03-02T00:00:00Z, a Monday: where the tests' hours begin.
pub const START: i64 = 1_772_409_600_000_000;

/// Hours after [`START`].
pub fn hour(hours: i64) -> Timestamp {
    Timestamp::from_micros(START.saturating_add(hours.saturating_mul(HOUR)))
}

/// Days after [`START`].
pub fn day(days: i64) -> Timestamp {
    Timestamp::from_micros(START.saturating_add(days.saturating_mul(DAY)))
}

pub fn units(units: i64) -> Quantity {
    Quantity::from_units(units)
}

/// A record about nothing, with all its times at `seconds`.
pub fn record(seconds: i64) -> Record {
    let time = Timestamp::from_micros(seconds * 1_000_000);
    Record {
        lsn: Lsn(1),
        tenant: TenantNumber(0),
        event_time: time,
        ingest_time: time,
        business_time: time,
        causing_lsn: Lsn::ZERO,
        entity_revision: 0,
        source: Name::from("/test"),
        id: Name::from("1"),
        sequence: Name::default(),
        principal: Name::from("dev"),
        body: Body::Event { event_type: Some(EventType::PosSale), data: EventData::Reserved },
    }
}

/// SKU `A` at location `L` in a tenant that counts in euros.
#[derive(Clone)]
pub struct Place {
    pub state: SkuLocation,
    pub reference: Reference,
    pub key: EntityKey,
    pub business_time: Timestamp,
    pub sequence: &'static str,
    lsn: u64,
}

impl Place {
    pub fn new() -> Place {
        let key = EntityKey::SkuLocation { tenant: TenantNumber(0), sku: "A".into(), location: "L".into() };
        let mut place = Place {
            state: SkuLocation::new(&key),
            reference: Reference::default(),
            key,
            business_time: hour(0),
            sequence: "",
            lsn: 0,
        };
        place.system(SystemBody::TenantDeclared {
            name: "default".into(),
            clock: ClockKind::Event,
            base_currency: Currency::parse("EUR").unwrap(),
            timezone: "UTC".into(),
        });
        place
    }

    pub fn with_settings(change: impl FnOnce(&mut Settings)) -> Place {
        let mut place = Place::new();
        let mut settings = Settings::default();
        change(&mut settings);
        place
            .system(SystemBody::ConfigurationActivated { hash: String::new(), settings: Box::new(settings) });
        place
    }

    /// In which only these kinds are raised; whether suppliers tell of late orders is not for a place to say.
    pub fn watching(kinds: &[ExceptionType]) -> Place {
        Place::with_settings(|settings| {
            for kind in &ExceptionType::BUILT_IN {
                let is_of_supplier =
                    matches!(kind, ExceptionType::PurchaseLate | ExceptionType::PurchaseLatePredicted);
                let enabled = kinds.contains(kind) || is_of_supplier;
                settings.exceptions.kinds.set(kind, KindSettings { enabled, ..KindSettings::of(kind) });
            }
        })
    }

    pub fn next_record(&mut self, event_time: Timestamp, body: Body) -> Record {
        self.lsn += 1;
        Record {
            lsn: Lsn(self.lsn),
            event_time,
            business_time: self.business_time,
            id: compact_str::format_compact!("e{}", self.lsn),
            sequence: self.sequence.into(),
            body,
            ..record(0)
        }
    }

    fn system(&mut self, body: SystemBody) {
        let record = self.next_record(self.business_time, Body::System(Box::new(body)));
        self.reference.apply(&record);
    }

    pub fn tell(&mut self, record: &Record) {
        let delivery = Delivery { record, lsn: record.lsn, business_time: record.business_time };
        self.state.apply(&delivery, &self.reference);
    }

    /// An event of that time, arriving at the present business time.
    pub fn event(&mut self, event_time: Timestamp, data: EventData) -> &mut Place {
        let body = Body::Event { event_type: Some(EventType::PosSale), data };
        let record = self.next_record(event_time, body);
        self.reference.apply(&record);
        self.tell(&record);
        self
    }

    /// Something that a case decided.
    pub fn fact(&mut self, transition: Transition) {
        let entity = EntityKey::ApprovalCase { tenant: self.key.tenant(), case: "c".into() };
        let body = TransitionBody { entity, transition };
        let mut record = self.next_record(self.business_time, Body::Transition(Box::new(body)));
        record.entity_revision = 1;
        self.tell(&record);
    }

    pub fn transition(&mut self, revision: u64, transition: Transition) {
        let body = TransitionBody { entity: self.key.clone(), transition };
        let mut record = self.next_record(self.business_time, Body::Transition(Box::new(body)));
        record.entity_revision = revision;
        self.tell(&record);
    }

    pub fn at(&mut self, business_time: Timestamp) -> &mut Place {
        self.business_time = business_time;
        self
    }

    /// What another entity decided about itself.
    pub fn reference_learns(&mut self, entity: EntityKey, transition: Transition) {
        let body = TransitionBody { entity, transition };
        let mut record = self.next_record(self.business_time, Body::Transition(Box::new(body)));
        record.entity_revision = 1;
        self.reference.apply(&record);
    }

    pub fn view(&self) -> SkuLocationView {
        self.state.view(self.business_time, &self.reference, &self.key)
    }

    pub fn reconcile(&self) -> Reconciled {
        self.state.reconcile(&self.key, self.business_time, &self.reference)
    }

    /// Reconciles and applies what was proposed, as the journal would; says what happened to exceptions.
    pub fn settle(&mut self) -> Vec<(ExceptionChange, ExceptionItem)> {
        let mut changes = Vec::new();
        for transition in self.reconcile().proposals {
            if let Transition::Exception(change) = &transition {
                changes.push((change.kind, ExceptionItem::clone(&change.item)));
            }
            // Through its text, as in a replay.
            let text = serde_json::to_string(&transition).unwrap();
            let transition = serde_json::from_str(&text).unwrap();
            self.transition(self.state.revision() + 1, transition);
        }
        changes
    }

    /// Sells the demand of each of `days` at noon, from the day of the business time on.
    pub fn sell_daily(&mut self, demand: &[i64]) -> &mut Place {
        for quantity in demand {
            let noon = self.business_time.plus(12 * HOUR);
            self.at(noon).event(noon, sale(*quantity)).at(noon.plus(12 * HOUR));
        }
        self
    }
}

fn place_of_line() -> (Name, Name) {
    ("A".into(), "L".into())
}

pub fn sale(quantity: i64) -> EventData {
    EventData::PosSale(PosSale {
        sku: "A".into(),
        location: "L".into(),
        quantity: units(quantity),
        unit_price: None,
        currency: None,
        uom: None,
    })
}

pub fn priced_sale(quantity: i64, price: &str, currency: Option<&str>) -> EventData {
    let EventData::PosSale(mut sale) = sale(quantity) else { unreachable!() };
    sale.unit_price = Some(UnitPrice::parse(price).unwrap());
    sale.currency = currency.and_then(Currency::parse);
    EventData::PosSale(sale)
}

pub fn returned(quantity: i64, disposition: StockStatus) -> EventData {
    EventData::PosReturn(PosReturn {
        sku: "A".into(),
        location: "L".into(),
        quantity: units(quantity),
        disposition,
    })
}

pub fn counted_with_lots(lots: &[(Day, f64)]) -> EventData {
    let lots: Vec<Lot> = lots
        .iter()
        .map(|(expires_on, units)| Lot {
            lot: "x".into(),
            expires_on: Some(*expires_on),
            quantity: Quantity::from_milli((units * 1_000.0).round() as i64),
        })
        .collect();
    EventData::InventoryCounted(Box::new(InventoryCounted {
        sku: "A".into(),
        location: "L".into(),
        on_hand: lots.iter().map(|lot| lot.quantity).sum(),
        status: StockStatus::Available,
        lots,
    }))
}

pub fn promotion(id: &str, from: Timestamp, until: Timestamp, uplift: f64) -> EventData {
    EventData::Promotion(Box::new(Promotion {
        promotion_id: id.into(),
        from,
        until,
        skus: Selection::Named(vec!["A".into()]),
        locations: Selection::Named(vec!["K".into(), "L".into()]),
        expected_uplift: Some(uplift),
        mechanic: None,
        price: None,
    }))
}

pub fn sourced_from(location: &str, source: SourceOfSupply) -> EventData {
    EventData::SourcingSet(Box::new(SourcingSet {
        sku: "A".into(),
        location: location.into(),
        source,
        rank: None,
        share: None,
        lead_time_days: None,
        moq: None,
        pack: None,
        unit_cost: None,
        valid_from: None,
        valid_until: None,
    }))
}

pub fn counted(on_hand: i64) -> EventData {
    counted_as(on_hand, StockStatus::Available)
}

pub fn counted_as(on_hand: i64, status: StockStatus) -> EventData {
    EventData::InventoryCounted(Box::new(InventoryCounted {
        sku: "A".into(),
        location: "L".into(),
        on_hand: units(on_hand),
        status,
        lots: Vec::new(),
    }))
}

pub fn adjusted(delta: i64) -> EventData {
    EventData::InventoryAdjusted(InventoryAdjusted {
        sku: "A".into(),
        location: "L".into(),
        delta: units(delta),
        status: StockStatus::Available,
        reason: None,
    })
}

pub fn order_at(order: &str, quantity: i64, location: &str, promised_at: Option<Timestamp>) -> EventData {
    EventData::OrderLine(Box::new(OrderLine {
        order_id: order.into(),
        line_id: "1".into(),
        sku: "A".into(),
        location: location.into(),
        quantity: units(quantity),
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

pub fn order(order: &str, quantity: i64, promised_at: Option<Timestamp>) -> EventData {
    order_at(order, quantity, "L", promised_at)
}

pub fn order_cancelled(order: &str) -> EventData {
    EventData::OrderCancelled(LineNamed { document: order.into(), line_id: "1".into() })
}

fn fulfilled(document: &str, quantity: i64, place: Option<(Name, Name)>) -> LineFulfilled {
    LineFulfilled {
        document: document.into(),
        line_id: "1".into(),
        quantity: units(quantity),
        place: place.into(),
        supplier: None,
    }
}

pub fn shipped(order: &str, quantity: i64) -> EventData {
    EventData::OrderShipped(fulfilled(order, quantity, None))
}

pub fn shipped_from(order: &str, quantity: i64, location: &str) -> EventData {
    EventData::OrderShipped(fulfilled(order, quantity, Some(("A".into(), location.into()))))
}

pub fn purchase_step(
    step: PurchaseOrderStep,
    po: &str,
    quantity: i64,
    promised_at: Option<Timestamp>,
) -> PurchaseOrder {
    PurchaseOrder {
        step,
        po_id: po.into(),
        supplier: Some("S".into()),
        lines: smallvec::smallvec![PurchaseOrderLine {
            line_id: "1".into(),
            place: Some(place_of_line()).into(),
            quantity: units(quantity),
            promised_at,
            unit_cost: None,
        }],
        currency: None,
        requested_at: None,
        action_id: None,
    }
}

pub fn purchase(po: &str, quantity: i64, promised_at: Option<Timestamp>) -> EventData {
    EventData::PurchaseOrder(Box::new(purchase_step(PurchaseOrderStep::Placed, po, quantity, promised_at)))
}

pub fn acknowledged(po: &str, quantity: i64, promised_at: Option<Timestamp>) -> EventData {
    let step = PurchaseOrderStep::Acknowledged;
    EventData::PurchaseOrder(Box::new(purchase_step(step, po, quantity, promised_at)))
}

pub fn received(po: &str, quantity: i64) -> EventData {
    EventData::PurchaseOrderReceived(fulfilled(po, quantity, Some(place_of_line())))
}

pub fn purchase_ended(po: &str, line_id: Option<&str>) -> EventData {
    EventData::PurchaseOrderEnded(DocumentNamed { document: po.into(), line_id: line_id.map(Name::from) })
}

pub fn transfer(id: &str, from: &str, to: &str, quantity: i64, promised_at: Option<Timestamp>) -> EventData {
    EventData::Transfer(Box::new(Transfer {
        transfer_id: id.into(),
        lines: smallvec::smallvec![TransferLine {
            line_id: "1".into(),
            sku: "A".into(),
            from: from.into(),
            to: to.into(),
            quantity: units(quantity),
            promised_at,
        }],
        action_id: None,
    }))
}

pub fn dispatched(id: &str, quantity: i64) -> EventData {
    EventData::TransferDispatched(fulfilled(id, quantity, None))
}

pub fn transfer_received(id: &str, quantity: i64) -> EventData {
    EventData::TransferReceived(fulfilled(id, quantity, None))
}

pub fn transfer_cancelled(id: &str) -> EventData {
    EventData::TransferCancelled(DocumentNamed { document: id.into(), line_id: None })
}

pub fn shipment(
    step: ShipmentStep,
    id: &str,
    eta: Option<Timestamp>,
    lines: &[(&str, Option<i64>)],
) -> EventData {
    EventData::Shipment(Box::new(Shipment {
        step,
        shipment_id: id.into(),
        supplier: None,
        eta,
        lines: lines
            .iter()
            .map(|(po, quantity)| ShipmentLine {
                document_kind: DocumentKind::PurchaseOrder,
                document: (*po).into(),
                line_id: "1".into(),
                quantity: quantity.map(units),
            })
            .collect(),
    }))
}

/// One bucket over `days` from [`START`] on, with `mean` and standard deviation `sd` a day.
pub fn forecast(days: i64, mean: f64, sd: f64) -> EventData {
    let milli = |units: f64| Quantity::from_milli((units * 1_000.0).round() as i64);
    let mean = mean * days as f64;
    let spread = sd * (days as f64).sqrt() * 1.281_551_565_544_600_4;
    EventData::ForecastPublished(Box::new(ForecastPublished {
        sku: "A".into(),
        location: "L".into(),
        buckets: vec![PublishedBucket {
            from: day(0),
            until: day(days),
            quantity: milli(mean),
            p10: Some(milli(mean - spread)),
            p90: Some(milli(mean + spread)),
        }],
        model: None,
        confidence: None,
    }))
}

/// A policy for everything.
pub fn policy(change: impl FnOnce(&mut PolicySet)) -> EventData {
    let mut policy = PolicySet {
        scope: PolicyScope::default(),
        service_level: None,
        measure: None,
        review_days: None,
        max_cover_days: None,
        lead_time_days: None,
        period_days: None,
    };
    change(&mut policy);
    EventData::PolicySet(Box::new(policy))
}

/// What the permuted events of [`any_event`] take for granted: lines that the dispatcher waits for, because only they
/// say which end of a transfer is here and which place a shipment comes to.
pub fn announced() -> Vec<(i64, EventData)> {
    vec![
        (0, transfer("out", "L", "M", 5, None)),
        (0, transfer("in", "M", "L", 5, None)),
        (0, purchase("a", 5, None)),
        (0, purchase("b", 5, None)),
    ]
}

/// Any event about stock and lines of few documents, and its event time in hours.
pub fn any_event() -> impl Strategy<Value = (i64, EventData)> {
    use ShipmentStep::{Arrived, Delayed, Dispatched};
    let id = || prop_oneof![Just("a"), Just("b"), Just("c")];
    let quantity = || 0..20_i64;
    let some = || 1..9_i64;
    let promised = || proptest::option::of((0..40_i64).prop_map(hour));
    let transfers = prop_oneof![
        quantity().prop_map(|quantity| transfer("out", "L", "M", quantity, None)),
        quantity().prop_map(|quantity| transfer("out", "K", "M", quantity, None)),
        (quantity(), promised()).prop_map(|(quantity, at)| transfer("in", "M", "L", quantity, at)),
        some().prop_map(|quantity| transfer_received("in", quantity)),
        prop_oneof![Just("in"), Just("out")].prop_map(transfer_cancelled),
    ];
    let shipments = (
        prop_oneof![Just(Dispatched), Just(Delayed), Just(Arrived)],
        prop_oneof![Just("s"), Just("t")],
        promised(),
        prop_oneof![Just("a"), Just("b")],
        proptest::option::of(some()),
    );
    let data = prop_oneof![
        some().prop_map(sale),
        some().prop_map(|quantity| returned(quantity, StockStatus::Available)),
        some().prop_map(|quantity| returned(quantity, StockStatus::Damaged)),
        (-5..30_i64).prop_map(counted),
        (0..5_i64).prop_map(|quantity| counted_as(quantity, StockStatus::Blocked)),
        (-9..9_i64).prop_map(adjusted),
        (id(), quantity(), promised()).prop_map(|(id, quantity, at)| order(id, quantity, at)),
        (id(), quantity()).prop_map(|(id, quantity)| order_at(id, quantity, "elsewhere", None)),
        id().prop_map(order_cancelled),
        (id(), some()).prop_map(|(id, quantity)| shipped_from(id, quantity, "L")),
        (id(), quantity(), promised()).prop_map(|(id, quantity, at)| purchase(id, quantity, at)),
        (id(), quantity(), promised()).prop_map(|(id, quantity, at)| acknowledged(id, quantity, at)),
        (id(), some()).prop_map(|(id, quantity)| received(id, quantity)),
        id().prop_map(|id| purchase_ended(id, Some("1"))),
        id().prop_map(|id| purchase_ended(id, None)),
        transfers,
        shipments.prop_map(|(step, id, eta, po, quantity)| shipment(step, id, eta, &[(po, quantity)])),
    ];
    (0..40_i64, data)
}
