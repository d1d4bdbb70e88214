//! Suppliers: open purchase order lines and measured lead times.
//!
//! Not here: what a receipt does to stock (`sku_location`), reported delays, capacity and descriptions (`reference`).

mod documents_view;
mod order_book;
mod statistics;
#[cfg(test)]
mod tests;
mod view;

use serde::{Deserialize, Serialize};

pub use self::documents_view::SuppliedLineView;
use self::order_book::OrderBook;
pub use self::statistics::PublishedStatistics;
use self::statistics::ReceiptStatistics;
pub use self::view::{LeadTimeSource, SupplierView};
use super::command::{Actor, Command, Refusal};
use super::entity::{Entity, Reconciled};
use super::event::EventData;
use super::exception::command::{Where, decide};
use super::exception::slots::ExceptionSlots;
use super::ids::{EntityKey, Lsn, Name};
use super::record::{Body, Delivery, Transition};
use super::reference::{Reference, VersionKey};
use super::settings::Segment;
use super::time::Timestamp;

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
}

impl Supplier {
    fn apply_event(&mut self, delivery: &Delivery<'_>, data: &EventData, reference: &Reference) {
        let record = delivery.record;
        let lines_max = reference.settings().supplier.lines_max;
        match data {
            // What names another supplier is that one's.
            EventData::PurchaseOrder(said)
                if said.supplier.as_ref().is_none_or(|of| *of == self.supplier) =>
            {
                self.orders.say(&VersionKey::of(record), said, lines_max, &mut self.receipts);
            }
            EventData::PurchaseOrderReceived(received) => self.orders.receive(
                &received.document,
                &received.line_id,
                received.quantity,
                record.event_time,
                lines_max,
                &mut self.receipts,
            ),
            EventData::PurchaseOrderEnded(ended) => {
                self.orders.end(&ended.document, ended.line_id.as_ref(), lines_max);
            }
            _ => {}
        }
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
        }
    }

    fn apply(&mut self, delivery: &Delivery<'_>, reference: &Reference) {
        self.applied_lsn = self.applied_lsn.max(delivery.lsn);
        match &delivery.record.body {
            Body::Event { data, .. } => self.apply_event(delivery, data, reference),
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

    /// Publishes the measured lead time: first when it is based on enough receipts, then whenever it moved enough.
    fn reconcile(&self, _key: &EntityKey, _now: Timestamp, reference: &Reference) -> Reconciled {
        let settings = reference.settings();
        let mut reconciled = Reconciled::default();
        let Some(statistics) = self.receipts.to_publish(&self.supplier) else { return reconciled };
        let news = statistics.receipts >= settings.defaults.measured_receipts_min
            && self.published.as_ref().is_none_or(|published| {
                published.moved_to(&statistics, settings.supplier.statistics_publish_change)
            });
        if news {
            reconciled.proposals.push(Transition::SupplierStatistics(statistics));
        }
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
            segment: Segment { supplier: Some(&self.supplier), ..Segment::default() },
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
