//! What each event does to one SKU-location.

use super::demand::Calendar;
use super::line::{Keeping, Line, LineKind, TooManyLines};
use super::order_lines::LineDemand;
use super::parameters::zone_of;
use super::planned_supply::Planned;
use super::stock::CountTooOld;
use super::supply_lines::TooManyShipments;
use super::{PriceSeen, Refused, SkuLocation, Supply};
use crate::domain::event::{
    DocumentKind, DocumentNamed, EventData, InventoryCounted, LineFulfilled, LineNamed, OrderLine,
    PurchaseOrder, Shipment, StockStatus, Transfer,
};
use crate::domain::ids::{Name, TenantNumber};
use crate::domain::money::{Currency, UnitPrice};
use crate::domain::quantity::Quantity;
use crate::domain::record::{Body, Delivery, Record, RefusedEvent, Transition, TransitionBody};
use crate::domain::reference::Reference;
use crate::domain::settings::Settings;
use crate::domain::time::Timestamp;

/// Most refusals that wait to be journaled. Each reconcile proposes them, so that there are hardly ever more than
/// one batch brings; beyond this the journal still has the event, but quarantine does not list it.
const REFUSED_MAX: usize = 65_536;

/// What applying one delivery goes by.
#[derive(Clone, Copy)]
struct Applying<'a> {
    record: &'a Record,
    business_time: Timestamp,
    settings: &'a Settings,
    reference: &'a Reference,
}

/// What a movement of goods changes at this place.
#[derive(Clone, Copy)]
struct Effect {
    on_line: bool,
    on_stock: bool,
}

impl<'a> Applying<'a> {
    fn calendar(&self, tenant: TenantNumber, sku: &str, location: &str) -> Calendar<'a> {
        let parameters = self.reference.planning_parameters(tenant, sku, location, self.business_time);
        Calendar {
            zone: zone_of(self.reference.tenant(tenant), location),
            period_days: parameters.period_days,
            settings: self.settings,
        }
    }
}

impl SkuLocation {
    pub(super) fn apply_delivery(&mut self, delivery: &Delivery<'_>, reference: &Reference) {
        self.applied_lsn = self.applied_lsn.max(delivery.lsn);
        match &delivery.record.body {
            Body::Event { event_type, data } => {
                let applying = Applying {
                    record: delivery.record,
                    business_time: delivery.business_time,
                    settings: reference.settings(),
                    reference,
                };
                if let Some(event_type) = event_type {
                    self.evidence.note(delivery, *event_type);
                }
                self.apply_event(data, applying);
            }
            Body::Transition(body) => self.apply_transition(delivery, body),
            Body::System(_) => {}
        }
    }

    fn apply_event(&mut self, data: &EventData, applying: Applying<'_>) {
        let at = applying.record.event_time;
        match data {
            EventData::PosSale(sale) => {
                self.move_stock(StockStatus::Available, -sale.quantity, applying);
                self.see_price(sale.unit_price, sale.currency);
                self.demand(sale.quantity, at, applying);
            }
            EventData::PosReturn(returned) => {
                self.move_stock(returned.disposition, returned.quantity, applying);
            }
            EventData::InventoryAdjusted(adjusted) => {
                self.move_stock(adjusted.status, adjusted.delta, applying);
            }
            EventData::InventoryCounted(counted) => self.count_stock(counted, applying),
            EventData::OrderLine(stated) => self.state_order_line(stated, applying),
            EventData::OrderCancelled(named) => self.cancel_order_line(named, applying),
            EventData::OrderShipped(shipped) => self.ship_order_line(shipped, applying),
            EventData::PurchaseOrder(order) => self.state_purchase_order(order, applying),
            EventData::PurchaseOrderReceived(received) => self.receive_purchase(received, applying),
            EventData::PurchaseOrderEnded(ended) => self.end_purchase(ended, applying),
            EventData::Transfer(transfer) => self.state_transfer(transfer, applying),
            EventData::TransferDispatched(dispatched) => self.dispatch_transfer(dispatched, applying),
            EventData::TransferReceived(received) => self.receive_transfer(received, applying),
            EventData::TransferCancelled(cancelled) => self.cancel_transfer(cancelled, applying),
            EventData::Shipment(shipment) => self.apply_shipment(shipment, applying),
            EventData::ForecastPublished(published) => {
                let buckets_max = applying.settings.sku_location.forecast_buckets_max;
                if published.buckets.len() > buckets_max {
                    self.refuse(
                        "too_many_buckets",
                        format!("a forecast may have at most {buckets_max} buckets"),
                        applying,
                    );
                } else {
                    self.demand.publish(published, applying.record);
                }
            }
            // A confirmed action goes on counting until its document arrives.
            EventData::ActionConfirmed(_) => {}
            EventData::ActionRefused(refused) => {
                if let Some(supply) = &mut self.supply {
                    supply.planned.answer(&refused.action_id);
                }
            }
            // Reference data, suppliers' own matters and the clock: nothing of it is kept here.
            EventData::SupplierDelayReported(_)
            | EventData::SupplierCapacityChanged(_)
            | EventData::Promotion(_)
            | EventData::PromotionCancelled(_)
            | EventData::SignalObserved(_)
            | EventData::ItemDescribed(_)
            | EventData::LocationDescribed(_)
            | EventData::SupplierDescribed(_)
            | EventData::CustomerDescribed(_)
            | EventData::LaneDescribed(_)
            | EventData::SourcingSet(_)
            | EventData::PolicySet(_)
            | EventData::AssortmentSet(_)
            | EventData::CalendarDescribed(_)
            | EventData::FxPublished(_)
            | EventData::ClockAdvanced(_)
            | EventData::Reserved => {}
        }
    }

    fn apply_transition(&mut self, delivery: &Delivery<'_>, body: &TransitionBody) {
        if delivery.record.entity_revision != self.revision + 1 {
            return;
        }
        self.revision += 1;
        match &body.transition {
            Transition::Exception(change) => {
                self.exceptions.apply(change);
            }
            Transition::RefusedEvent(refusal) => {
                if let Some(refused) = &mut self.refused {
                    refused.0.retain(|waiting| waiting.lsn != refusal.lsn);
                    if refused.0.is_empty() {
                        self.refused = None;
                    }
                }
            }
            Transition::SupplyPlanned(planned) => {
                let planned = Planned {
                    action_id: planned.action_id.clone(),
                    quantity: planned.quantity,
                    arrives_at: planned.arrives_at,
                    expires_at: planned.expires_at,
                    outbound: planned.outbound,
                };
                self.supply_mut().planned.plan(planned, delivery.business_time);
            }
            Transition::SupplierStatistics(_) => {}
        }
    }

    fn move_stock(&mut self, status: StockStatus, delta: Quantity, applying: Applying<'_>) {
        let (at, settings) = (applying.record.event_time, &applying.settings.sku_location);
        self.stock_mut(status).move_by(delta, at, applying.business_time, settings);
    }

    fn count_stock(&mut self, counted: &InventoryCounted, applying: Applying<'_>) {
        let settings = &applying.settings.sku_location;
        let stock = self.stock_mut(counted.status);
        if let Err(CountTooOld { forgotten_until }) =
            stock.count(counted.on_hand, applying.record, applying.business_time, settings)
        {
            let detail = format!(
                "the count is of {}, but movements up to {forgotten_until} are no longer known one by one",
                applying.record.event_time
            );
            self.refuse("count_too_old", detail, applying);
        }
    }

    fn state_order_line(&mut self, stated: &OrderLine, applying: Applying<'_>) {
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

    fn cancel_order_line(&mut self, named: &LineNamed, applying: Applying<'_>) {
        let keeping = self.keeping(applying);
        let (before, after) = self.order_lines.change(&named.document, &named.line_id, keeping, |line| {
            let before = line.demand();
            line.line_mut().end();
            (before, line.demand())
        });
        self.correct_demand(before, after, applying);
    }

    fn ship_order_line(&mut self, shipped: &LineFulfilled, applying: Applying<'_>) {
        let known = self.order_lines.get(&shipped.document, &shipped.line_id).map(LineKind::line);
        let effect = self.effect_of(shipped, known, true);
        if effect.on_line {
            let keeping = self.keeping(applying);
            let (before, after) =
                self.order_lines.change(&shipped.document, &shipped.line_id, keeping, |line| {
                    let before = line.demand();
                    line.line_mut().fulfil(shipped.quantity);
                    (before, line.demand())
                });
            self.correct_demand(before, after, applying);
        }
        if effect.on_stock {
            self.move_stock(StockStatus::Available, -shipped.quantity, applying);
        }
    }

    fn state_purchase_order(&mut self, order: &PurchaseOrder, applying: Applying<'_>) {
        let keeping = self.keeping(applying);
        let mut refused = false;
        for stated in &order.lines {
            let lines = self.supply.as_deref().map(|supply| &supply.purchase_lines);
            let known = lines.and_then(|lines| lines.get(&order.po_id, &stated.line_id));
            let is_here = match &stated.place {
                Some((sku, location)) => *sku == self.sku && *location == self.location,
                // A change that names only the line means wherever that is.
                None => known.is_some_and(|line| !line.line().is_elsewhere()),
            };
            if !is_here && known.is_none() {
                continue;
            }
            let ordered = is_here.then_some(stated.quantity);
            let lines = &mut self.supply_mut().purchase_lines;
            let stated = lines.state(&order.po_id, &stated.line_id, ordered, keeping, |line| {
                line.state_purchase(stated, order.step, order.supplier.as_ref(), is_here, applying.record);
            });
            refused |= stated.is_err();
        }
        if let Some(action_id) = &order.action_id {
            self.supply_mut().planned.answer(action_id);
        }
        if refused {
            self.refuse_line(applying);
        }
    }

    fn receive_purchase(&mut self, received: &LineFulfilled, applying: Applying<'_>) {
        let lines = self.supply.as_deref().map(|supply| &supply.purchase_lines);
        let known = lines.and_then(|lines| lines.get(&received.document, &received.line_id));
        let effect = self.effect_of(received, known.map(LineKind::line), true);
        if effect.on_line {
            let keeping = self.keeping(applying);
            let lines = &mut self.supply_mut().purchase_lines;
            lines.change(&received.document, &received.line_id, keeping, |line| {
                if line.supplier().is_none() {
                    line.learn_supplier(received.supplier.as_ref());
                }
                line.line_mut().fulfil(received.quantity);
            });
        }
        if effect.on_stock {
            self.move_stock(StockStatus::Available, received.quantity, applying);
        }
    }

    fn end_purchase(&mut self, ended: &DocumentNamed, applying: Applying<'_>) {
        let keeping = self.keeping(applying);
        let lines = &mut self.supply_mut().purchase_lines;
        match &ended.line_id {
            Some(line_id) => lines.change(&ended.document, line_id, keeping, |line| line.line_mut().end()),
            None => lines.end_document(&ended.document, applying.record.event_time, keeping),
        }
    }

    fn state_transfer(&mut self, transfer: &Transfer, applying: Applying<'_>) {
        let keeping = self.keeping(applying);
        let mut refused = false;
        for stated in &transfer.lines {
            let (document, line_id) = (&transfer.transfer_id, &stated.line_id);
            let leaves_here = stated.sku == self.sku && stated.from == self.location;
            let comes_here = stated.sku == self.sku && stated.to == self.location;
            let supply = self.supply.as_deref();
            let left_here =
                supply.is_some_and(|supply| supply.outbound_lines.get(document, line_id).is_some());
            let came_here =
                supply.is_some_and(|supply| supply.inbound_lines.get(document, line_id).is_some());
            if leaves_here || left_here {
                let ordered = leaves_here.then_some(stated.quantity);
                let lines = &mut self.supply_mut().outbound_lines;
                let stated = lines.state(document, line_id, ordered, keeping, |line| {
                    line.state(stated, leaves_here, applying.record);
                });
                refused |= stated.is_err();
            }
            if comes_here || came_here {
                let ordered = comes_here.then_some(stated.quantity);
                let lines = &mut self.supply_mut().inbound_lines;
                let stated = lines.state(document, line_id, ordered, keeping, |line| {
                    line.state_transfer(stated, comes_here, applying.record);
                });
                refused |= stated.is_err();
            }
        }
        if let Some(action_id) = &transfer.action_id {
            self.supply_mut().planned.answer(action_id);
        }
        if refused {
            self.refuse_line(applying);
        }
    }

    fn dispatch_transfer(&mut self, dispatched: &LineFulfilled, applying: Applying<'_>) {
        let lines = self.supply.as_deref().map(|supply| &supply.outbound_lines);
        let known = lines.and_then(|lines| lines.get(&dispatched.document, &dispatched.line_id));
        let effect = self.effect_of(dispatched, known.map(LineKind::line), false);
        if effect.on_line {
            let keeping = self.keeping(applying);
            let lines = &mut self.supply_mut().outbound_lines;
            lines.change(&dispatched.document, &dispatched.line_id, keeping, |line| {
                line.line_mut().fulfil(dispatched.quantity);
            });
        }
        if effect.on_stock {
            self.move_stock(StockStatus::Available, -dispatched.quantity, applying);
        }
    }

    fn receive_transfer(&mut self, received: &LineFulfilled, applying: Applying<'_>) {
        let lines = self.supply.as_deref().map(|supply| &supply.inbound_lines);
        let known = lines.and_then(|lines| lines.get(&received.document, &received.line_id));
        let effect = self.effect_of(received, known.map(LineKind::line), false);
        if effect.on_line {
            let keeping = self.keeping(applying);
            let lines = &mut self.supply_mut().inbound_lines;
            lines.change(&received.document, &received.line_id, keeping, |line| {
                line.line_mut().fulfil(received.quantity);
            });
        }
        if effect.on_stock {
            self.move_stock(StockStatus::Available, received.quantity, applying);
        }
    }

    fn cancel_transfer(&mut self, cancelled: &DocumentNamed, applying: Applying<'_>) {
        let keeping = self.keeping(applying);
        let ended_at = applying.record.event_time;
        let supply = self.supply_mut();
        match &cancelled.line_id {
            Some(line_id) => {
                // Only the lines say which end of the transfer this is.
                let document = &cancelled.document;
                if supply.inbound_lines.get(document, line_id).is_some() {
                    supply.inbound_lines.change(document, line_id, keeping, |line| line.line_mut().end());
                }
                if supply.outbound_lines.get(document, line_id).is_some() {
                    supply.outbound_lines.change(document, line_id, keeping, |line| line.line_mut().end());
                }
            }
            None => {
                supply.inbound_lines.end_document(&cancelled.document, ended_at, keeping);
                supply.outbound_lines.end_document(&cancelled.document, ended_at, keeping);
            }
        }
    }

    fn apply_shipment(&mut self, shipment: &Shipment, applying: Applying<'_>) {
        let keeping = self.keeping(applying);
        let (record, settings) = (applying.record, &applying.settings.sku_location);
        let Some(supply) = &mut self.supply else { return };
        if shipment.lines.is_empty() {
            supply.purchase_lines.annotate(|line| line.follow_shipment(shipment, record));
            supply.inbound_lines.annotate(|line| line.follow_shipment(shipment, record));
            return;
        }
        let mut refused = false;
        for shipped in &shipment.lines {
            let lines = match shipped.document_kind {
                DocumentKind::PurchaseOrder => &mut supply.purchase_lines,
                DocumentKind::Transfer => &mut supply.inbound_lines,
                DocumentKind::Order | DocumentKind::Shipment => continue,
            };
            // Lines of other places are none of ours; lines not known yet are held back until they are.
            if lines.get(&shipped.document, &shipped.line_id).is_some() {
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
        match &fulfilled.place {
            Some((sku, location)) => {
                let is_here = *sku == self.sku && *location == self.location;
                Effect { on_line: is_here || known.is_some(), on_stock: is_here }
            }
            None => {
                let is_here = known.map_or(takes_unknown, |line| !line.is_elsewhere());
                Effect { on_line: is_here, on_stock: is_here }
            }
        }
    }

    fn demand(&mut self, quantity: Quantity, at: Timestamp, applying: Applying<'_>) {
        let (sku, location) = (self.sku.as_str(), self.location.as_str());
        let calendar = || applying.calendar(applying.record.tenant, sku, location);
        self.demand.add(quantity, at, applying.business_time, calendar);
    }

    fn correct_demand(
        &mut self,
        before: Option<LineDemand>,
        after: Option<LineDemand>,
        applying: Applying<'_>,
    ) {
        match (before, after) {
            (Some(before), Some(after)) if before.at == after.at => {
                let difference = after.quantity - before.quantity;
                if !difference.is_zero() {
                    self.demand(difference, after.at, applying);
                }
            }
            (before, after) => {
                if let Some(before) = before {
                    self.demand(-before.quantity, before.at, applying);
                }
                if let Some(after) = after {
                    self.demand(after.quantity, after.at, applying);
                }
            }
        }
    }

    fn see_price(&mut self, unit_price: Option<UnitPrice>, currency: Option<Currency>) {
        if let Some(unit_price) = unit_price {
            self.price_seen = Some(PriceSeen { ten_thousandths: unit_price.ten_thousandths(), currency });
        }
    }

    fn keeping<'a>(&self, applying: Applying<'a>) -> Keeping<'a> {
        Keeping {
            business_time: applying.business_time,
            settings: &applying.settings.sku_location,
            period: self.demand.period(),
        }
    }

    fn stock_mut(&mut self, status: StockStatus) -> &mut super::Stock {
        match status {
            StockStatus::Available => &mut self.available,
            StockStatus::Blocked => &mut self.unavailable.get_or_insert_default().blocked,
            StockStatus::Damaged => &mut self.unavailable.get_or_insert_default().damaged,
        }
    }

    fn supply_mut(&mut self) -> &mut Supply {
        self.supply.get_or_insert_default()
    }

    fn refuse_line(&mut self, applying: Applying<'_>) {
        let lines_max = applying.settings.sku_location.lines_max;
        let detail = format!("there are {lines_max} open lines of this kind at this place already");
        self.refuse("too_many_lines", detail, applying);
    }

    fn refuse(&mut self, code: &'static str, detail: String, applying: Applying<'_>) {
        let refused: &mut Refused = self.refused.get_or_insert_default();
        if refused.0.len() < REFUSED_MAX {
            refused.0.push(RefusedEvent { lsn: applying.record.lsn, code: Name::const_new(code), detail });
        }
    }
}
