//! A supplier that is told things, and what it decides.

use super::*;
use crate::domain::exception::group::CauseRef;
use crate::domain::exception::{
    ExceptionChange, ExceptionItem, ExceptionState, ExceptionSubject, ExceptionTransition, ExceptionType,
    ExceptionWindow, testing,
};
use crate::domain::money::{Money, UnitPrice};

pub fn eur(amount: i64) -> Money {
    Money::from_ten_thousandths(amount * 10_000, Currency::parse("EUR").unwrap())
}

pub struct Watched {
    pub supplier: Supplier,
    pub reference: Reference,
    lsn: u64,
}

/// One line as it is said: id, units, the day that is promised.
pub type Said<'a> = (&'a str, i64, Option<i64>);

impl Watched {
    pub fn new() -> Watched {
        Watched::with(|_| ())
    }

    pub fn with(change: impl FnOnce(&mut Settings)) -> Watched {
        Watched { supplier: Supplier::new(&key()), reference: reference(change), lsn: 1_000 }
    }

    /// Takes a record, the Reference first, as the dispatcher does.
    fn take(&mut self, record: &Record) {
        self.reference.apply(record);
        apply(&mut self.supplier, &self.reference, record);
    }

    fn next(&mut self, time: Timestamp, body: Body) -> Record {
        self.lsn += 1;
        record(self.lsn, time, body)
    }

    pub fn event(&mut self, time: Timestamp, event_type: EventType, data: EventData) {
        let record = self.next(time, Body::Event { event_type: Some(event_type), data });
        self.take(&record);
    }

    fn order(&mut self, at: i64, step: PurchaseOrderStep, po_id: &str, supplier: &str, lines: &[Said<'_>]) {
        let lines = lines.iter().map(|(line_id, units, promised)| PurchaseOrderLine {
            line_id: Name::from(*line_id),
            place: Some((Name::from("A"), Name::from("S"))).into(),
            quantity: Quantity::from_units(*units),
            promised_at: promised.map(day),
            unit_cost: Some(UnitPrice::from_ten_thousandths(20_000)),
        });
        let said = PurchaseOrder {
            step,
            po_id: Name::from(po_id),
            supplier: Some(Name::from(supplier)),
            lines: lines.collect(),
            currency: None,
            requested_at: None,
            action_id: None,
        };
        let event_type = match step {
            PurchaseOrderStep::Placed => EventType::PurchaseOrderPlaced,
            PurchaseOrderStep::Changed => EventType::PurchaseOrderChanged,
            PurchaseOrderStep::Acknowledged => EventType::PurchaseOrderAcknowledged,
        };
        self.event(day(at), event_type, EventData::PurchaseOrder(Box::new(said)));
    }

    pub fn placed(&mut self, at: i64, po_id: &str, lines: &[Said<'_>]) {
        self.order(at, PurchaseOrderStep::Placed, po_id, "V", lines);
    }

    /// Placed and acknowledged as it is.
    pub fn agreed(&mut self, at: i64, po_id: &str, lines: &[Said<'_>]) {
        self.placed(at, po_id, lines);
        self.acknowledged(at, po_id, &[]);
    }

    pub fn changed(&mut self, at: i64, po_id: &str, lines: &[Said<'_>]) {
        self.order(at, PurchaseOrderStep::Changed, po_id, "V", lines);
    }

    pub fn given_to(&mut self, at: i64, po_id: &str, supplier: &str) {
        self.order(at, PurchaseOrderStep::Changed, po_id, supplier, &[]);
    }

    pub fn acknowledged(&mut self, at: i64, po_id: &str, lines: &[Said<'_>]) {
        self.order(at, PurchaseOrderStep::Acknowledged, po_id, "V", lines);
    }

    pub fn received(&mut self, at: i64, po_id: &str, line_id: &str, units: i64) {
        let data = EventData::PurchaseOrderReceived(LineFulfilled {
            document: Name::from(po_id),
            line_id: Name::from(line_id),
            quantity: Quantity::from_units(units),
            place: None.into(),
            supplier: None,
        });
        self.event(day(at), EventType::PurchaseOrderReceived, data);
    }

    /// A shipment with lines of orders: order, line, units (`None`: all that is open).
    pub fn shipment(
        &mut self,
        at: i64,
        step: ShipmentStep,
        shipment_id: &str,
        eta: Option<i64>,
        lines: &[(&str, &str, Option<i64>)],
    ) {
        let lines = lines.iter().map(|(po_id, line_id, units)| ShipmentLine {
            document_kind: DocumentKind::PurchaseOrder,
            document: Name::from(*po_id),
            line_id: Name::from(*line_id),
            quantity: units.map(Quantity::from_units),
        });
        let data = EventData::Shipment(Box::new(Shipment {
            step,
            shipment_id: Name::from(shipment_id),
            supplier: None,
            eta: eta.map(day),
            lines: lines.collect(),
        }));
        let event_type = match step {
            ShipmentStep::Dispatched => EventType::ShipmentDispatched,
            ShipmentStep::Delayed => EventType::ShipmentDelayed,
            ShipmentStep::Arrived => EventType::ShipmentArrived,
        };
        self.event(day(at), event_type, data);
    }

    pub fn ended(&mut self, at: i64, how: EventType, po_id: &str) {
        let data =
            EventData::PurchaseOrderEnded(DocumentNamed { document: Name::from(po_id), line_id: None });
        self.event(day(at), how, data);
    }

    pub fn delay(&mut self, at: i64, po_id: Option<&str>, days: f64) {
        let data = EventData::SupplierDelayReported(Box::new(SupplierDelay {
            supplier: Name::from("V"),
            delay_days: days,
            po_id: po_id.map(Name::from),
            sku: None,
            from: None,
            until: None,
            reason: None,
        }));
        self.event(day(at), EventType::SupplierDelayReported, data);
    }

    pub fn capacity(&mut self, at: i64, factor: f64, from: Option<i64>, until: Option<i64>) {
        let data = EventData::SupplierCapacityChanged(Box::new(SupplierCapacity {
            supplier: Name::from("V"),
            factor,
            from: from.map(day),
            until: until.map(day),
            reason: None,
        }));
        self.event(day(at), EventType::SupplierCapacityChanged, data);
    }

    pub fn sourced(&mut self, at: i64, sku: &str, source: SourceOfSupply) {
        let data = EventData::SourcingSet(Box::new(SourcingSet {
            sku: Name::from(sku),
            location: Name::from("S"),
            source,
            rank: None,
            share: None,
            lead_time_days: None,
            moq: None,
            pack: None,
            unit_cost: None,
            valid_from: None,
            valid_until: None,
        }));
        self.event(day(at), EventType::SourcingSet, data);
    }

    /// An exception of a SKU-location that names the order as its cause.
    pub fn member(&mut self, id: &str, po_id: &str, value: i64, state: ExceptionState) {
        self.member_at(id, id, po_id, value, state);
    }

    /// The same, of an item at location `S`.
    pub fn member_at(&mut self, sku: &str, id: &str, po_id: &str, value: i64, state: ExceptionState) {
        self.member_told(sku, id, po_id, |item| {
            item.state = state;
            item.value_at_risk = Some(eur(value));
        });
    }

    /// One that has to be decided by then, or that begins then.
    pub fn member_by(
        &mut self,
        id: &str,
        po_id: &str,
        decide_by: Option<Timestamp>,
        from: Option<Timestamp>,
    ) {
        self.member_told(id, id, po_id, |item| {
            item.value_at_risk = Some(eur(700));
            item.decide_by = decide_by;
            item.window = Some(ExceptionWindow { from, until: None });
            item.urgency = 50;
        });
    }

    fn member_told(&mut self, sku: &str, id: &str, po_id: &str, change: impl FnOnce(&mut ExceptionItem)) {
        let mut item = testing::item(id, ExceptionType::ProjectedStockout);
        item.subject = ExceptionSubject::sku_location(&Name::from(sku), &Name::from("S"));
        change(&mut item);
        let change = ExceptionTransition {
            cause: Some(Box::new(CauseRef { entity: key(), of: Name::from(po_id) })),
            ..ExceptionTransition::alone(ExceptionChange::Updated, item)
        };
        let entity =
            EntityKey::SkuLocation { tenant: TENANT, sku: Name::from(sku), location: Name::from("S") };
        let body = TransitionBody { entity, transition: Transition::Exception(Box::new(change)) };
        let record = self.next(day(0), Body::Transition(Box::new(body)));
        self.take(&record);
    }

    /// A person dismisses what is open about an order.
    pub fn dismiss(&mut self, kind: ExceptionType, po_id: &str, at: i64) {
        let mut item = self.item(kind, po_id).clone();
        item.state = ExceptionState::Resolved;
        item.revision += 1;
        let of = Name::from(po_id);
        let change =
            ExceptionTransition { of, ..ExceptionTransition::alone(ExceptionChange::Resolved, item) };
        let body = TransitionBody { entity: key(), transition: Transition::Exception(Box::new(change)) };
        let mut record = self.next(day(at), Body::Transition(Box::new(body)));
        record.entity_revision = self.supplier.revision() + 1;
        self.take(&record);
    }

    /// Journals what it proposes until it proposes nothing; the exceptions' changes, and when it wants to look again.
    pub fn settle(&mut self, now: Timestamp) -> (Vec<ExceptionTransition>, Option<Timestamp>) {
        let mut told = Vec::new();
        for _ in 0..10 {
            let reconciled = self.supplier.reconcile(&key(), now, &self.reference);
            if reconciled.proposals.is_empty() {
                return (told, reconciled.next_review_at);
            }
            for transition in reconciled.proposals {
                if let Transition::Exception(change) = &transition {
                    told.push((**change).clone());
                }
                let body = TransitionBody { entity: key(), transition };
                let mut record = self.next(now, Body::Transition(Box::new(body)));
                record.entity_revision = self.supplier.revision() + 1;
                self.take(&record);
            }
        }
        panic!("it never comes to rest: {told:?}");
    }

    /// What it tells on that day: change, kind, order.
    pub fn told(&mut self, at: f64) -> Vec<(ExceptionChange, ExceptionType, String)> {
        let (told, _) = self.settle(day(0).plus_days(at));
        told.into_iter()
            .map(|change| (change.kind, change.item.exception_type.clone(), change.of.to_string()))
            .collect()
    }

    pub fn item(&self, kind: ExceptionType, of: &str) -> &ExceptionItem {
        self.supplier.exceptions().open_of(&kind, of).unwrap()
    }
}
