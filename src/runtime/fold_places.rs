//! Places of document lines of which an event says one half: the item, or the location.
//!
//! What agrees with where the line is known to be says nothing new, and what says it of an unknown line waits for that line, as
//! if neither half were said. The item or the location alone moves a line, or says that goods came from elsewhere: then the
//! other half is the line's. Entities get that place whole, since each would otherwise have to guess whether it is meant: an
//! event may concern other places by other lines.

use std::sync::Arc;

use super::documents::DocumentKey;
use super::fold::Fold;
use crate::domain::event::{DocumentKind, EventData, LineFulfilled, PurchaseOrderLine, StatedPlace};
use crate::domain::ids::{EntityKey, Name};
use crate::domain::record::{Body, Record};

impl Fold {
    /// The record with whole places, if it says half of one that is not where the line is known to be.
    pub(super) fn with_whole_places(&self, record: &Arc<Record>) -> Option<Arc<Record>> {
        let Body::Event { event_type, data } = &record.body else { return None };
        let completed = |kind, document: &Name, line_id: &Name, place: &StatedPlace| {
            self.completed(
                DocumentKey { tenant: record.tenant, kind, document: document.clone() },
                line_id,
                place,
            )
        };
        let data = match data {
            EventData::OrderShipped(moved) => {
                let place = completed(DocumentKind::Order, &moved.document, &moved.line_id, &moved.place)?;
                EventData::OrderShipped(LineFulfilled { place, ..moved.clone() })
            }
            EventData::PurchaseOrderReceived(moved) => {
                let place =
                    completed(DocumentKind::PurchaseOrder, &moved.document, &moved.line_id, &moved.place)?;
                EventData::PurchaseOrderReceived(LineFulfilled { place, ..moved.clone() })
            }
            EventData::PurchaseOrder(order) => {
                let place = |line: &PurchaseOrderLine| {
                    completed(DocumentKind::PurchaseOrder, &order.po_id, &line.line_id, &line.place)
                };
                let first = order.lines.iter().position(|line| place(line).is_some())?;
                let mut order = order.clone();
                for line in &mut order.lines[first..] {
                    if let Some(place) = place(line) {
                        line.place = place;
                    }
                }
                EventData::PurchaseOrder(order)
            }
            // The lines of a transfer have two places, and the type of the event says which it is about.
            _ => return None,
        };
        let body = Body::Event { event_type: *event_type, data };
        Some(Arc::new(Record { body, ..Record::clone(record) }))
    }

    fn completed(&self, document: DocumentKey, line_id: &Name, place: &StatedPlace) -> Option<StatedPlace> {
        if !place.is_half() {
            return None;
        }
        let address = self.documents.get(&document)?.place_of(line_id)?;
        let Some(EntityKey::SkuLocation { sku, location, .. }) = self.entity_at(address) else { return None };
        let said = |half: &Option<Name>, known: &Name| half.clone().unwrap_or_else(|| known.clone());
        let (said_sku, said_location) = (said(&place.sku, sku), said(&place.location, location));
        let is_elsewhere = said_sku != *sku || said_location != *location;
        is_elsewhere.then_some(StatedPlace { sku: Some(said_sku), location: Some(said_location) })
    }
}
