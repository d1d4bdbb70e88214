//! Suppliers: open purchase order lines, what was measured of past ones, and the exceptions that follow from both.
//!
//! Not here: what a receipt does to stock (`sku_location`), reported delays, capacity and descriptions (`reference`).

mod documents_view;
mod exceptions;
mod judged;
mod line;
mod order_book;
mod statistics;
#[cfg(test)]
mod tests;
mod view;
mod why;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use self::documents_view::SuppliedLineView;
pub use self::exceptions::CUSTOM_VARIABLES;
use self::judged::Judged;
use self::order_book::{End, OrderBook};
pub use self::statistics::PublishedStatistics;
use self::statistics::{Measures, ReceiptStatistics};
pub use self::view::{LeadTimeSource, OtifPolicy, SupplierView};
pub use self::why::SupplierWhy;
use super::command::{Actor, Command, Refusal};
use super::entity::{Entity, Reconciled};
use super::event::{EventData, EventType};
use super::exception::Evidence;
use super::exception::command::{Where, decide};
use super::exception::slots::ExceptionSlots;
use super::exception::watch::{EntityText, Watch};
use super::ids::{EntityKey, Lsn, Name};
use super::record::{Body, Delivery, Transition};
use super::reference::{Reference, VersionKey};
use super::settings::Segment;
use super::time::{DAY, Timestamp};

/// One supplier's live state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Supplier {
    supplier: Name,
    applied_lsn: Lsn,
    revision: u64,
    orders: OrderBook,
    receipts: ReceiptStatistics,
    /// What of the above the Reference has.
    published: Option<PublishedStatistics>,
    exceptions: ExceptionSlots,
    /// The last event that was about it.
    last_event: Option<Box<Evidence>>,
    /// The last event that said of a delay or of another capacity.
    #[serde(default)]
    last_disruption: Option<Box<Evidence>>,
    dirty: Option<Box<DirtyReceipt>>,
}

/// The last receipt that came before its order, by the times in the events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct DirtyReceipt {
    /// Business time.
    seen_at: Timestamp,
    evidence: Evidence,
}

impl Supplier {
    fn apply_event(
        &mut self,
        delivery: &Delivery<'_>,
        event_type: Option<EventType>,
        data: &EventData,
        reference: &Reference,
    ) {
        let record = delivery.record;
        let settings = &reference.settings().supplier;
        let dirty = self.receipts.receipts_before_order();
        let mut measures = Measures { statistics: &mut self.receipts, settings };
        let mut shipped = BTreeSet::new();
        let about = match data {
            EventData::PurchaseOrder(said) => {
                let version = VersionKey::of(record);
                self.orders.say(&version, said, &self.supplier, &mut measures);
                Some(&said.po_id)
            }
            EventData::PurchaseOrderReceived(received) => {
                self.orders.receive(
                    &received.document,
                    &received.line_id,
                    received.quantity,
                    record.event_time,
                    &mut measures,
                );
                Some(&received.document)
            }
            EventData::PurchaseOrderEnded(ended) => {
                let how = match event_type {
                    Some(EventType::PurchaseOrderClosed) => End::Closed,
                    _ => End::Cancelled,
                };
                let line_id = ended.line_id.as_ref();
                self.orders.end(&ended.document, line_id, how, record.event_time, &mut measures);
                Some(&ended.document)
            }
            EventData::Shipment(shipment) => {
                let shipments_max = reference.settings().sku_location.shipments_per_line_max;
                shipped = self.orders.ship(shipment, record, shipments_max, &mut measures);
                None
            }
            _ => None,
        };
        let evidence = Evidence {
            source: record.source.clone(),
            id: record.id.clone(),
            event_type: event_type.map_or_else(Name::default, |kind| Name::const_new(kind.as_str())),
            time: record.event_time,
            lsn: record.lsn,
        };
        if self.receipts.receipts_before_order() > dirty {
            let seen = DirtyReceipt { seen_at: delivery.business_time, evidence: evidence.clone() };
            self.dirty = Some(Box::new(seen));
        }
        for po_id in shipped.iter().chain(about) {
            self.orders.note(po_id, evidence.clone());
        }
        if let EventData::SupplierDelayReported(_) | EventData::SupplierCapacityChanged(_) = data {
            self.last_disruption = Some(Box::new(evidence.clone()));
        }
        self.last_event = Some(Box::new(evidence));
    }

    /// The exceptions it has open, and what is remembered of others.
    pub fn exceptions(&self) -> &ExceptionSlots {
        &self.exceptions
    }

    fn segment(&self) -> Segment<'_> {
        Segment { supplier: Some(&self.supplier), ..Segment::default() }
    }
}

impl Supplier {
    fn is_own(&self, entity: &EntityKey) -> bool {
        is_supplier(entity, &self.supplier)
    }
}

fn is_supplier(entity: &EntityKey, name: &str) -> bool {
    matches!(entity, EntityKey::Supplier { supplier, .. } if supplier == name)
}

impl Entity for Supplier {
    fn new(key: &EntityKey) -> Supplier {
        let supplier = match key {
            EntityKey::Supplier { supplier, .. } => supplier.clone(),
            // The runtime makes suppliers of suppliers' keys alone.
            _ => Name::default(),
        };
        Supplier {
            supplier,
            applied_lsn: Lsn::ZERO,
            revision: 0,
            orders: OrderBook::default(),
            receipts: ReceiptStatistics::default(),
            published: None,
            exceptions: ExceptionSlots::default(),
            last_event: None,
            last_disruption: None,
            dirty: None,
        }
    }

    fn apply(&mut self, delivery: &Delivery<'_>, reference: &Reference) {
        self.applied_lsn = self.applied_lsn.max(delivery.lsn);
        match &delivery.record.body {
            Body::Event { event_type, data } => self.apply_event(delivery, *event_type, data, reference),
            Body::Transition(body) if !self.is_own(&body.entity) => {
                let supplier = &self.supplier;
                self.exceptions.hear(&body.transition, |entity| is_supplier(entity, supplier));
            }
            Body::Transition(body) if delivery.record.entity_revision == self.revision + 1 => {
                self.revision += 1;
                match &body.transition {
                    Transition::SupplierStatistics(statistics) => self.published = Some(statistics.clone()),
                    Transition::Exception(transition) => {
                        self.exceptions.apply(transition);
                    }
                    Transition::ConditionNoted(noted) => self.exceptions.note_condition(noted),
                    Transition::Case(_) | Transition::RefusedEvent(_) => {}
                }
            }
            Body::Transition(_) | Body::System(_) => {}
        }
    }

    /// Publishes the measured lead time (first when it is based on enough receipts, then whenever it moved enough), and
    /// judges its exceptions.
    fn reconcile(&self, key: &EntityKey, now: Timestamp, reference: &Reference) -> Reconciled {
        let tenant = key.tenant();
        let settings = reference.settings();
        let mut reconciled = Reconciled::default();
        if let Some(statistics) = self.receipts.to_publish(&self.supplier) {
            let news = statistics.receipts >= settings.defaults.measured_receipts_min
                && self.published.as_ref().is_none_or(|published| {
                    published.moved_to(&statistics, settings.supplier.statistics_publish_change)
                });
            if news {
                reconciled.proposals.push(Transition::SupplierStatistics(statistics));
            }
        }
        let judged = Judged::of(self, tenant, now, reference);
        let mut watch =
            Watch::new(&self.exceptions, reference, tenant, self.segment(), now, DAY, EntityText::Other(key));
        exceptions::judge(&judged, reference, &mut watch);
        let (found, next_review_at) = watch.finish();
        reconciled.proposals.extend(found);
        reconciled.next_review_at = next_review_at;
        reconciled
    }

    fn decide(
        &self,
        key: &EntityKey,
        command: &Command,
        actor: &Actor,
        now: Timestamp,
        reference: &Reference,
    ) -> Result<Vec<Transition>, Refusal> {
        let Command::Exception(command) = command else {
            return Err(Refusal::conflict("a supplier takes commands about its exceptions alone"));
        };
        let place = Where {
            settings: reference.settings(),
            tenant: reference.tenant(key.tenant()),
            segment: self.segment(),
        };
        let transition = decide(&self.exceptions, command, actor, now, place)?;
        Ok(vec![Transition::Exception(Box::new(transition))])
    }

    fn applied_lsn(&self) -> Lsn {
        self.applied_lsn
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}
