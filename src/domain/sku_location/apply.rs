//! What each event does to one SKU-location.

use super::demand::Calendar;
use super::line::Keeping;
use super::observed::{CountDifference, Observed};
use super::order_lines::LineDemand;
use super::parameters::zone_of;
use super::planned_supply::Planned;
use super::raw::MaybeTime;
use super::stock::CountTooOld;
use super::{PriceSeen, Refused, SkuLocation, Supply};
use crate::domain::approval_case::{ActionKind, ActionState, CaseItem};
use crate::domain::event::{EventData, InventoryCounted, PosSale, StockStatus};
use crate::domain::ids::{EntityKey, Name, TenantNumber};
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
pub(super) struct Applying<'a> {
    pub record: &'a Record,
    pub business_time: Timestamp,
    pub settings: &'a Settings,
    pub reference: &'a Reference,
}

impl<'a> Applying<'a> {
    fn calendar(&self, tenant: TenantNumber, sku: &'a str, location: &'a str) -> Calendar<'a> {
        let parameters = self.reference.planning_parameters(tenant, sku, location, self.business_time);
        Calendar {
            zone: zone_of(self.reference.tenant(tenant), location),
            period_days: parameters.period_days,
            settings: self.settings,
            tenant: self.reference.tenant(tenant),
            sku,
            location,
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
        match data {
            EventData::PosSale(sale) => self.sell(sale, applying),
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
            EventData::ActionRefused(refused) => self.planned_mut().answer(&refused.action_id),
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
            | EventData::FeedTraffic(_)
            | EventData::Reserved => {}
        }
    }

    fn apply_transition(&mut self, delivery: &Delivery<'_>, body: &TransitionBody) {
        if !self.is_own(&body.entity) {
            self.apply_fact(delivery, body);
            return;
        }
        if delivery.record.entity_revision != self.revision + 1 {
            return;
        }
        self.revision += 1;
        match &body.transition {
            Transition::Exception(change) => {
                self.exceptions.apply(change);
            }
            Transition::ConditionNoted(noted) => self.exceptions.note_condition(noted),
            Transition::RefusedEvent(refusal) => {
                if let Some(refused) = &mut self.refused {
                    refused.0.retain(|waiting| waiting.lsn != refusal.lsn);
                    if refused.0.is_empty() {
                        self.refused = None;
                    }
                }
            }
            Transition::Case(_) | Transition::SupplierStatistics(_) => {}
        }
    }

    /// What another entity decided, and this one has to know.
    fn apply_fact(&mut self, delivery: &Delivery<'_>, body: &TransitionBody) {
        let (sku, location) = (&self.sku, &self.location);
        self.exceptions.hear(&body.transition, |entity| is_place(entity, sku, location));
        if let Transition::Case(change) = &body.transition {
            self.plan_supply(&change.item, delivery.business_time);
        }
    }

    fn is_own(&self, entity: &EntityKey) -> bool {
        is_place(entity, &self.sku, &self.location)
    }

    /// What a case has approved counts from now on, until its document, a refusal or its expiry; what it has given up
    /// does not count any more.
    fn plan_supply(&mut self, case: &CaseItem, business_time: Timestamp) {
        for action in &case.actions {
            let step = &action.step;
            let arrives_here = step.location == self.location;
            let leaves_here = step.from.as_ref().is_some_and(|from| *from == self.location);
            if step.sku != self.sku || !(arrives_here || leaves_here) {
                continue;
            }
            // An expedited line is on order already; only what brings more is planned.
            let brings_more = matches!(action.kind, ActionKind::Order | ActionKind::Transfer);
            if action.state.counts_as_planned() && brings_more {
                let planned = Planned {
                    action_id: action.id.clone(),
                    quantity: step.quantity,
                    arrives_at: step.arrives_at.unwrap_or(action.expires_at),
                    expires_at: action.expires_at,
                    outbound: leaves_here,
                };
                self.planned_mut().plan(planned, business_time);
            } else if action.state == ActionState::Expired {
                self.planned_mut().suspend(&action.id);
            } else if !action.state.counts_as_planned() {
                self.planned_mut().answer(&action.id);
            }
        }
    }

    pub(super) fn move_stock(&mut self, status: StockStatus, delta: Quantity, applying: Applying<'_>) {
        let settings = &applying.settings.sku_location;
        let before = self.available.on_hand();
        let has_moved =
            self.stock_mut(status).move_by(delta, applying.record, applying.business_time, settings);
        if !has_moved || status != StockStatus::Available {
            return;
        }
        self.note_stock(before, applying.business_time);
        if let Some(observed) = &mut self.observed
            && !delta.is_positive()
        {
            observed.leave(-delta);
            self.forget_observed();
        }
    }

    fn sell(&mut self, sale: &PosSale, applying: Applying<'_>) {
        let tenant = applying.reference.tenant(applying.record.tenant);
        let sold = match sale.in_base_units(tenant.and_then(|tenant| tenant.item(&self.sku))) {
            Ok(sold) => sold,
            Err(error) => return self.refuse("unusable_unit", error.to_string(), applying),
        };
        self.move_stock(StockStatus::Available, -sold.quantity, applying);
        self.see_price(sold.unit_price, sale.currency);
        self.demand(sold.quantity, applying.record.event_time, applying);
    }

    fn count_stock(&mut self, counted: &InventoryCounted, applying: Applying<'_>) {
        let settings = &applying.settings.sku_location;
        let before = self.available.on_hand();
        let stock = self.stock_mut(counted.status);
        let book = match stock.count(counted.on_hand, applying.record, applying.business_time, settings) {
            Ok(book) => book,
            Err(CountTooOld { forgotten_until }) => {
                let detail = format!(
                    "the count is of {}, but movements up to {forgotten_until} are no longer known one by one",
                    applying.record.event_time
                );
                self.refuse("count_too_old", detail, applying);
                return;
            }
        };
        let Some(book) = book.filter(|_| counted.status == StockStatus::Available) else { return };
        self.note_stock(before, applying.business_time);
        let difference = book
            .map(|book| CountDifference {
                counted_at: applying.record.event_time,
                book,
                counted: counted.on_hand,
            })
            .filter(|difference| self.observed.is_some() || !difference.difference().is_zero());
        if let Some(difference) = difference {
            self.observed_mut().compare_count(difference);
        }
        if !counted.lots.is_empty() {
            self.observed_mut().count_lots(&counted.lots);
        }
        self.forget_observed();
    }

    /// Stock that comes where there was none begins to lie idle only then.
    fn note_stock(&mut self, before: Quantity, business_time: Timestamp) {
        let has_come = !before.is_positive() && self.available.on_hand().is_positive();
        if has_come || self.idle_since == MaybeTime::NONE {
            self.idle_since = self.idle_since.max(business_time.into());
        }
    }

    pub(super) fn observed_mut(&mut self) -> &mut Observed {
        self.observed.get_or_insert_default()
    }

    pub(super) fn forget_observed(&mut self) {
        if self.observed.as_ref().is_some_and(|observed| observed.is_empty()) {
            self.observed = None;
        }
    }

    fn demand(&mut self, quantity: Quantity, at: Timestamp, applying: Applying<'_>) {
        if quantity.is_positive() {
            self.idle_since = self.idle_since.max(at.min(applying.business_time).into());
        }
        let (sku, location) = (self.sku.as_str(), self.location.as_str());
        let calendar = || applying.calendar(applying.record.tenant, sku, location);
        self.demand.add(quantity, at, applying.business_time, calendar);
    }

    pub(super) fn correct_demand(
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

    pub(super) fn see_price(&mut self, unit_price: Option<UnitPrice>, currency: Option<Currency>) {
        if let Some(unit_price) = unit_price {
            self.price_seen = Some(PriceSeen { ten_thousandths: unit_price.ten_thousandths(), currency });
        }
    }

    pub(super) fn keeping<'a>(&self, applying: Applying<'a>) -> Keeping<'a> {
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

    pub(super) fn supply_mut(&mut self) -> &mut Supply {
        self.supply.get_or_insert_default()
    }

    pub(super) fn refuse_line(&mut self, applying: Applying<'_>) {
        let lines_max = applying.settings.sku_location.lines_max;
        let detail = format!("there are {lines_max} open lines of this kind at this place already");
        self.refuse("too_many_lines", detail, applying);
    }

    pub(super) fn refuse(&mut self, code: &'static str, detail: String, applying: Applying<'_>) {
        let refused: &mut Refused = self.refused.get_or_insert_default();
        if refused.0.len() < REFUSED_MAX {
            refused.0.push(RefusedEvent { lsn: applying.record.lsn, code: Name::const_new(code), detail });
        }
    }
}

fn is_place(entity: &EntityKey, sku: &str, location: &str) -> bool {
    matches!(entity, EntityKey::SkuLocation { sku: s, location: l, .. } if s == sku && l == location)
}
