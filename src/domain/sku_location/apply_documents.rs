//! What the events of documents do: customer orders, purchase orders, transfers and their shipments.

use super::apply::Applying;
use super::line::{Line, LineKind, TooManyLines};
use super::observed::UnannouncedReceipt;
use super::planned_supply::PlannedSupply;
use super::{SkuLocation, Transfers};
use crate::domain::event::{
    DocumentKind, DocumentNamed, LineFulfilled, LineNamed, OrderLine, PurchaseOrder, Shipment, StockStatus,
    Transfer,
};
use crate::domain::line_shipments::TooManyShipments;

/// What a movement of goods changes at this place.
#[derive(Clone, Copy)]
struct Effect {
    on_line: bool,
    on_stock: bool,
}

impl SkuLocation {
    pub(super) fn state_order_line(&mut self, stated: &OrderLine, applying: Applying<'_>) {
        let is_here = stated.sku == self.sku && stated.location == self.location;
        if is_here {
            self.see_price(stated.unit_price, stated.currency);
        }
        let ordered = is_here.then_some(stated.quantity);
        let keeping = self.keeping(applying);
        let change = |line: &mut super::OrderLine| {
            let before = line.demand();
            line.state(stated, is_here, applying.record);
            (before, line.demand())
        };
        match self.order_lines.state(&stated.order_id, &stated.line_id, ordered, keeping, change) {
            Ok((before, after)) => self.correct_demand(before, after, applying),
            Err(TooManyLines) => self.refuse_line(applying),
        }
    }

    pub(super) fn cancel_order_line(&mut self, named: &LineNamed, applying: Applying<'_>) {
        let keeping = self.keeping(applying);
        let (before, after) = self.order_lines.change(&named.document, &named.line_id, keeping, |line| {
            let before = line.demand();
            line.line_mut().end();
            (before, line.demand())
        });
        self.correct_demand(before, after, applying);
    }

    pub(super) fn ship_order_line(&mut self, shipped: &LineFulfilled, applying: Applying<'_>) {
        let known = self.order_lines.get(&shipped.document, &shipped.line_id).map(LineKind::line);
        let effect = self.effect_of(shipped, known, true);
        if effect.on_line {
            let keeping = self.keeping(applying);
            let (before, after) =
                self.order_lines.change(&shipped.document, &shipped.line_id, keeping, |line| {
                    let before = line.demand();
                    line.line_mut().fulfil(shipped.quantity, applying.record);
                    (before, line.demand())
                });
            self.correct_demand(before, after, applying);
        }
        if effect.on_stock {
            self.move_stock(StockStatus::Available, -shipped.quantity, applying);
        }
    }

    pub(super) fn state_purchase_order(&mut self, order: &PurchaseOrder, applying: Applying<'_>) {
        let keeping = self.keeping(applying);
        let mut refused = false;
        for stated in &order.lines {
            let lines = self.supply.as_deref().map(|supply| &supply.purchase_lines);
            let known = lines.and_then(|lines| lines.get(&order.po_id, &stated.line_id));
            let is_here = match stated.place.whole() {
                Some((sku, location)) => *sku == self.sku && *location == self.location,
                // A change that names only the line means wherever that is.
                None => known.is_some_and(|line| !line.line().is_elsewhere()),
            };
            if !is_here && known.is_none() {
                continue;
            }
            if let Some(observed) = &mut self.observed {
                observed.announce(&order.po_id, &stated.line_id);
                self.forget_observed();
            }
            let ordered = is_here.then_some(stated.quantity);
            let lines = &mut self.supply_mut().purchase_lines;
            let stated = lines.state(&order.po_id, &stated.line_id, ordered, keeping, |line| {
                line.state_purchase(stated, order.step, order.supplier.as_ref(), is_here, applying.record);
            });
            refused |= stated.is_err();
        }
        if let Some(action_id) = &order.action_id {
            self.planned_mut().answer(action_id);
        }
        if refused {
            self.refuse_line(applying);
        }
    }

    pub(super) fn receive_purchase(&mut self, received: &LineFulfilled, applying: Applying<'_>) {
        let lines = self.supply.as_deref().map(|supply| &supply.purchase_lines);
        let known = lines.and_then(|lines| lines.get(&received.document, &received.line_id));
        let effect = self.effect_of(received, known.map(LineKind::line), true);
        let is_announced = known.is_some_and(|line| line.line().version().is_stated());
        if effect.on_stock && !is_announced {
            self.observed_mut().receive_unannounced(UnannouncedReceipt {
                po_id: received.document.clone(),
                line_id: received.line_id.clone(),
                quantity: received.quantity,
                received_at: applying.business_time,
            });
        }
        if effect.on_line {
            let keeping = self.keeping(applying);
            let lines = &mut self.supply_mut().purchase_lines;
            lines.change(&received.document, &received.line_id, keeping, |line| {
                if line.supplier().is_none() {
                    line.learn_supplier(received.supplier.as_ref());
                }
                line.receive(received.quantity, applying.record);
            });
        }
        if effect.on_stock {
            self.move_stock(StockStatus::Available, received.quantity, applying);
        }
    }

    pub(super) fn end_purchase(&mut self, ended: &DocumentNamed, applying: Applying<'_>) {
        let keeping = self.keeping(applying);
        let lines = &mut self.supply_mut().purchase_lines;
        match &ended.line_id {
            Some(line_id) => lines.change(&ended.document, line_id, keeping, |line| line.line_mut().end()),
            None => lines.end_document(&ended.document, applying.record.event_time, keeping),
        }
    }

    pub(super) fn state_transfer(&mut self, transfer: &Transfer, applying: Applying<'_>) {
        let keeping = self.keeping(applying);
        let mut refused = false;
        for stated in &transfer.lines {
            let (document, line_id) = (&transfer.transfer_id, &stated.line_id);
            let leaves_here = stated.sku == self.sku && stated.from == self.location;
            let comes_here = stated.sku == self.sku && stated.to == self.location;
            let transfers = self.transfers();
            let left_here =
                transfers.is_some_and(|known| known.outbound_lines.get(document, line_id).is_some());
            let came_here =
                transfers.is_some_and(|known| known.inbound_lines.get(document, line_id).is_some());
            if leaves_here || left_here {
                let ordered = leaves_here.then_some(stated.quantity);
                let lines = &mut self.transfers_mut().outbound_lines;
                let stated = lines.state(document, line_id, ordered, keeping, |line| {
                    line.state(stated, leaves_here, applying.record);
                });
                refused |= stated.is_err();
            }
            if comes_here || came_here {
                let ordered = comes_here.then_some(stated.quantity);
                let lines = &mut self.transfers_mut().inbound_lines;
                let stated = lines.state(document, line_id, ordered, keeping, |line| {
                    line.state_transfer(stated, comes_here, applying.record);
                });
                refused |= stated.is_err();
            }
        }
        if let Some(action_id) = &transfer.action_id {
            self.planned_mut().answer(action_id);
        }
        if refused {
            self.refuse_line(applying);
        }
    }

    pub(super) fn dispatch_transfer(&mut self, dispatched: &LineFulfilled, applying: Applying<'_>) {
        let lines = self.transfers().map(|transfers| &transfers.outbound_lines);
        let known = lines.and_then(|lines| lines.get(&dispatched.document, &dispatched.line_id));
        let effect = self.effect_of(dispatched, known.map(LineKind::line), false);
        if effect.on_line {
            let keeping = self.keeping(applying);
            let lines = &mut self.transfers_mut().outbound_lines;
            lines.change(&dispatched.document, &dispatched.line_id, keeping, |line| {
                line.line_mut().fulfil(dispatched.quantity, applying.record);
            });
        }
        if effect.on_stock {
            self.move_stock(StockStatus::Available, -dispatched.quantity, applying);
        }
    }

    pub(super) fn receive_transfer(&mut self, received: &LineFulfilled, applying: Applying<'_>) {
        let lines = self.transfers().map(|transfers| &transfers.inbound_lines);
        let known = lines.and_then(|lines| lines.get(&received.document, &received.line_id));
        let effect = self.effect_of(received, known.map(LineKind::line), false);
        if effect.on_line {
            let keeping = self.keeping(applying);
            let lines = &mut self.transfers_mut().inbound_lines;
            lines.change(&received.document, &received.line_id, keeping, |line| {
                line.receive(received.quantity, applying.record);
            });
        }
        if effect.on_stock {
            self.move_stock(StockStatus::Available, received.quantity, applying);
        }
    }

    pub(super) fn cancel_transfer(&mut self, cancelled: &DocumentNamed, applying: Applying<'_>) {
        let keeping = self.keeping(applying);
        let ended_at = applying.record.event_time;
        let transfers = self.transfers_mut();
        match &cancelled.line_id {
            Some(line_id) => {
                // Only the lines say which end of the transfer this is.
                let document = &cancelled.document;
                if transfers.inbound_lines.get(document, line_id).is_some() {
                    transfers.inbound_lines.change(document, line_id, keeping, |line| line.line_mut().end());
                }
                if transfers.outbound_lines.get(document, line_id).is_some() {
                    transfers.outbound_lines.change(document, line_id, keeping, |line| line.line_mut().end());
                }
            }
            None => {
                transfers.inbound_lines.end_document(&cancelled.document, ended_at, keeping);
                transfers.outbound_lines.end_document(&cancelled.document, ended_at, keeping);
            }
        }
    }

    pub(super) fn apply_shipment(&mut self, shipment: &Shipment, applying: Applying<'_>) {
        let keeping = self.keeping(applying);
        let (record, settings) = (applying.record, &applying.settings.sku_location);
        // Lines of other places are none of ours; lines not known yet are held back until they are.
        let Some(supply) = &mut self.supply else { return };
        let mut inbound_lines = supply.transfers.as_mut().map(|transfers| &mut transfers.inbound_lines);
        if shipment.lines.is_empty() {
            supply.purchase_lines.annotate(|line| line.follow_shipment(shipment, record));
            if let Some(lines) = inbound_lines {
                lines.annotate(|line| line.follow_shipment(shipment, record));
            }
            return;
        }
        let mut refused = false;
        for shipped in &shipment.lines {
            let lines = match shipped.document_kind {
                DocumentKind::PurchaseOrder => Some(&mut supply.purchase_lines),
                DocumentKind::Transfer => inbound_lines.as_deref_mut(),
                DocumentKind::Order | DocumentKind::Shipment => None,
            };
            let known = lines.filter(|lines| lines.get(&shipped.document, &shipped.line_id).is_some());
            if let Some(lines) = known {
                let result = lines.change(&shipped.document, &shipped.line_id, keeping, |line| {
                    line.ship(shipment, shipped.quantity, record, settings)
                });
                refused |= result == Err(TooManyShipments);
            }
        }
        if refused {
            let shipments_max = settings.shipments_per_line_max;
            let detail = format!("a line may have at most {shipments_max} shipments on the way");
            self.refuse("too_many_shipments", detail, applying);
        }
    }

    /// Where goods moved against a line count here. `takes_unknown`: a line that nobody has stated is meant all the
    /// same; not so for transfers, of which both ends hear and only the lines say which end this is.
    ///
    /// If the event names another place, the goods moved there and only the line, if it is one of here, shrinks.
    fn effect_of(&self, fulfilled: &LineFulfilled, known: Option<&Line>, takes_unknown: bool) -> Effect {
        match fulfilled.place.whole() {
            Some((sku, location)) => {
                let is_here = *sku == self.sku && *location == self.location;
                Effect { on_line: is_here || known.is_some(), on_stock: is_here }
            }
            None => {
                let is_here = known.map_or(takes_unknown, |line| !line.is_elsewhere());
                // A line that has left may come back, and what it got meanwhile is then no longer to come.
                Effect { on_line: is_here || known.is_some(), on_stock: is_here }
            }
        }
    }

    fn transfers(&self) -> Option<&Transfers> {
        self.supply.as_deref()?.transfers.as_deref()
    }

    fn transfers_mut(&mut self) -> &mut Transfers {
        self.supply_mut().transfers.get_or_insert_default()
    }

    pub(super) fn planned_mut(&mut self) -> &mut PlannedSupply {
        self.supply_mut().planned.get_or_insert_default()
    }
}
