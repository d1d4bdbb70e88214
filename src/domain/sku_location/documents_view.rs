//! What one place knows of the lines of one document.
//!
//! A closed line is forgotten after a while (`lateness_hours`), and then nothing is known of it here.

use super::SkuLocation;
use super::line::{Line, LineKind};
use super::parameters::Planning;
use super::supply_lines::SupplyLine;
use crate::domain::ids::{EntityKey, Name};
use crate::domain::line_shipments::{Expected, ShipmentView};
use crate::domain::quantity::Quantity;
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;

/// How far a line is: all that kinds of lines have in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub line_id: Name,
    /// `None` while only movements against the line are known.
    pub ordered: Option<Quantity>,
    /// Shipped, received or dispatched.
    pub fulfilled: Quantity,
    pub open: Quantity,
    /// Cancelled or closed.
    pub is_ended: bool,
    /// The statement in force names another place: nothing is ordered here any more.
    pub is_elsewhere: bool,
    /// Time of the earliest statement.
    pub placed_at: Option<Timestamp>,
}

/// A customer order line.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderLineView {
    pub progress: Progress,
    /// Open, and promised for no later than now.
    pub due: Quantity,
    pub promised_at: Option<Timestamp>,
    pub requested_at: Option<Timestamp>,
    pub customer: Option<Name>,
    pub channel: Option<Name>,
    pub priority: Option<i64>,
}

/// A purchase order line.
#[derive(Clone, Debug, PartialEq)]
pub struct PurchaseLineView {
    pub progress: Progress,
    pub supplier: Option<Name>,
    /// As placed.
    pub promised_at: Option<Timestamp>,
    /// As acknowledged or changed since.
    pub confirmed_at: Option<Timestamp>,
    pub in_transit: Quantity,
    pub arrival: Option<Arrival>,
    pub shipments: Vec<ShipmentView>,
}

/// When what is open of a line is expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    pub first_at: Timestamp,
    pub last_at: Timestamp,
}

/// Which end of a transfer a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferEnd {
    From,
    To,
}

/// A transfer line as one of its ends knows it: at `From` fulfilled is dispatched, at `To` received.
#[derive(Clone, Debug, PartialEq)]
pub struct TransferLineView {
    pub end: TransferEnd,
    pub progress: Progress,
    /// At `To` alone.
    pub promised_at: Option<Timestamp>,
    /// At `To` alone.
    pub arrival: Option<Arrival>,
    /// At `To` alone.
    pub shipments: Vec<ShipmentView>,
}

impl Progress {
    fn of(line: &Line) -> Progress {
        Progress {
            line_id: line.line_id().into(),
            ordered: line.version().is_stated().then(|| line.ordered()),
            fulfilled: line.fulfilled(),
            open: line.open(),
            is_ended: line.is_ended(),
            is_elsewhere: line.is_elsewhere(),
            placed_at: line.announced_at(),
        }
    }
}

impl SkuLocation {
    /// The lines of a customer order that are for here.
    pub fn order_lines_of(&self, order_id: &str, now: Timestamp) -> Vec<OrderLineView> {
        let view = |line: &super::OrderLine| OrderLineView {
            progress: Progress::of(line.line()),
            due: line.due(now),
            promised_at: line.promised_at(),
            requested_at: line.requested_at(),
            customer: line.customer().cloned(),
            channel: line.channel().cloned(),
            priority: line.priority(),
        };
        self.order_lines.of_document(order_id).map(view).collect()
    }

    /// The lines of a purchase order that come here.
    pub fn purchase_lines_of(
        &self,
        po_id: &str,
        now: Timestamp,
        reference: &Reference,
        key: &EntityKey,
    ) -> Vec<PurchaseLineView> {
        let Some(supply) = &self.supply else { return Vec::new() };
        let planning = Planning::of(self, key.tenant(), now, reference);
        let view = |line: &SupplyLine| PurchaseLineView {
            progress: Progress::of(line.line()),
            supplier: line.supplier().map(Name::from),
            promised_at: line.promised_at(),
            confirmed_at: line.confirmed_at(),
            in_transit: line.in_transit(),
            arrival: arrival(line, &planning),
            shipments: line.shipments().collect(),
        };
        supply.purchase_lines.of_document(po_id).map(view).collect()
    }

    /// The lines of a transfer that leave from here or come here.
    pub fn transfer_lines_of(
        &self,
        transfer_id: &str,
        now: Timestamp,
        reference: &Reference,
        key: &EntityKey,
    ) -> Vec<TransferLineView> {
        let Some(transfers) = self.supply.as_deref().and_then(|supply| supply.transfers.as_deref()) else {
            return Vec::new();
        };
        let planning = Planning::of(self, key.tenant(), now, reference);
        let outbound = transfers.outbound_lines.of_document(transfer_id).map(|line| TransferLineView {
            end: TransferEnd::From,
            progress: Progress::of(line.line()),
            promised_at: None,
            arrival: None,
            shipments: Vec::new(),
        });
        let inbound = transfers.inbound_lines.of_document(transfer_id).map(|line| TransferLineView {
            end: TransferEnd::To,
            progress: Progress::of(line.line()),
            promised_at: line.confirmed_at(),
            arrival: arrival(line, &planning),
            shipments: line.shipments().collect(),
        });
        outbound.chain(inbound).collect()
    }
}

/// The dates that planning goes by; `None` if nothing is open.
fn arrival(line: &SupplyLine, planning: &Planning<'_>) -> Option<Arrival> {
    let mut arrival: Option<Arrival> = None;
    line.for_each_part(|expected, _| {
        let at = planning.not_past(match expected {
            Expected::Shipment { eta, .. } => eta,
            Expected::Arrived => planning.now,
            Expected::Promise => planning.promised_arrival(line),
        });
        arrival = Some(match arrival {
            None => Arrival { first_at: at, last_at: at },
            Some(known) => Arrival { first_at: known.first_at.min(at), last_at: known.last_at.max(at) },
        });
    });
    arrival
}
