//! What costing an option needs to know of one place: as it is, in one piece, so that after-states can be computed
//! elsewhere by the same formulas.

use serde::{Deserialize, Serialize};

use super::SkuLocation;
use super::line::LineKind;
use super::outlook::{Outlook, rolled_demand};
use super::parameters::Planning;
use super::supply_lines::SupplyLine;
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::line_shipments::Expected;
use crate::domain::money::{Currency, UnitPrice};
use crate::domain::quantity::Quantity;
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;

/// Days of demand told apart; later ones say nothing.
const DAYS_MAX: usize = 400;

/// One place as of a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaceBasis {
    pub sku: Name,
    pub location: Name,
    /// The highest record that it shows.
    pub lsn: Lsn,
    pub as_of: Timestamp,
    pub on_hand: Quantity,
    pub available: Quantity,
    pub inventory_position: Quantity,
    /// What the projection starts from: on hand less what is due and what goes elsewhere.
    pub starting_balance: Quantity,
    pub rate_per_day: f64,
    /// Local days, the first being what is left of today.
    pub demand: Vec<DemandSpan>,
    /// Orders due later, by time.
    pub orders: Vec<DatedQuantity>,
    /// Orders consume the forecast of their period: where the running one began, and the length in microseconds.
    pub period_start: Timestamp,
    pub period: i64,
    /// By time.
    pub receipts: Vec<ReceiptBasis>,
    pub lead_time_days: f64,
    pub review_days: f64,
    /// d² sL² over lead time and review period, in units squared.
    pub lead_time_variance: f64,
    /// The safety factor of the policy's service level.
    pub z: f64,
    pub safety_stock: f64,
    /// Also the order-up-to level.
    pub reorder_point: f64,
    pub max_cover_days: Option<f64>,
    pub unit_price: Option<UnitPrice>,
    pub price_currency: Option<Currency>,
    pub unit_cost: Option<UnitPrice>,
    pub cost_currency: Option<Currency>,
    pub open_exceptions: Vec<Name>,
}

/// Demand of a span of time, the same at every moment of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DemandSpan {
    pub from: Timestamp,
    pub until: Timestamp,
    /// Units.
    pub mean: f64,
    /// Units squared.
    pub variance: f64,
}

/// A quantity at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatedQuantity {
    pub at: Timestamp,
    pub quantity: Quantity,
}

/// A part of a line that is to arrive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceiptBasis {
    pub at: Timestamp,
    pub quantity: Quantity,
    pub kind: ReceiptKind,
    /// Purchase order or transfer, or the id of the planned action.
    pub document: Name,
    pub line_id: Name,
    /// The total of the line that it is a part of.
    pub line_quantity: Quantity,
    pub supplier: Option<Name>,
    /// It has left already: nobody can hasten it by asking for it.
    pub is_shipped: bool,
}

/// What brings it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptKind {
    PurchaseOrder,
    Transfer,
    Planned,
}

impl SkuLocation {
    /// The place as of `now` and of the record `lsn`; nothing changes by looking.
    pub fn options_basis(
        &self,
        now: Timestamp,
        reference: &Reference,
        key: &EntityKey,
        lsn: Lsn,
    ) -> PlaceBasis {
        let planning = Planning::of(self, key.tenant(), now, reference);
        let rolled = rolled_demand(self, &planning);
        let demand = rolled.as_ref().unwrap_or(&self.demand);
        let outlook = Outlook::of(self, demand, &planning);
        let rate = outlook.rate_per_day;
        let over_horizon = outlook.forecast.between(now, planning.horizon());
        let mut orders = Vec::new();
        self.for_each_order_ahead(now, |at, quantity| orders.push(DatedQuantity { at, quantity }));
        orders.sort_unstable_by_key(|order| order.at);
        let price = self.unit_price(&planning);
        let cost = self.unit_cost(&planning);
        PlaceBasis {
            sku: self.sku.clone(),
            location: self.location.clone(),
            lsn,
            as_of: now,
            on_hand: outlook.position.on_hand,
            available: outlook.position.available(),
            inventory_position: outlook.position.inventory_position(),
            starting_balance: outlook.position.starting_balance(),
            rate_per_day: rate,
            demand: spans(&outlook, &planning),
            orders,
            period_start: demand.period_start(now),
            period: demand.period(),
            receipts: self.receipts_basis(&planning),
            lead_time_days: planning.parameters.lead_time_days,
            review_days: planning.parameters.review_days,
            lead_time_variance: planning.lead_time_variance(over_horizon.mean, rate),
            z: outlook.z,
            safety_stock: outlook.safety_stock(),
            reorder_point: outlook.reorder_point(),
            max_cover_days: planning.parameters.max_cover_days,
            unit_price: price.map(|(price, _)| price),
            price_currency: price.map(|(_, currency)| currency),
            unit_cost: cost.map(|(cost, _)| cost),
            cost_currency: cost.map(|(_, currency)| currency),
            open_exceptions: self.open_exceptions().map(|item| item.id.clone()).collect(),
        }
    }

    fn receipts_basis(&self, planning: &Planning<'_>) -> Vec<ReceiptBasis> {
        let mut receipts = Vec::new();
        let Some(supply) = &self.supply else { return receipts };
        let mut expect = |line: &SupplyLine, kind| {
            line.for_each_part(|expected, quantity| {
                let at = match expected {
                    Expected::Shipment { eta, .. } => eta,
                    Expected::Arrived => planning.now,
                    Expected::Promise => planning.promised_arrival(line),
                };
                receipts.push(ReceiptBasis {
                    at: planning.not_past(at),
                    quantity,
                    kind,
                    document: line.line().document().into(),
                    line_id: line.line().line_id().into(),
                    line_quantity: line.line().ordered(),
                    supplier: line.supplier().map(Name::from),
                    is_shipped: expected != Expected::Promise,
                });
            });
        };
        supply.purchase_lines.open_lines().for_each(|line| expect(line, ReceiptKind::PurchaseOrder));
        if let Some(transfers) = &supply.transfers {
            transfers.inbound_lines.open_lines().for_each(|line| expect(line, ReceiptKind::Transfer));
        }
        for planned in supply.planned(planning.now).filter(|planned| !planned.outbound) {
            receipts.push(ReceiptBasis {
                at: planning.not_past(planned.arrives_at),
                quantity: planned.quantity,
                kind: ReceiptKind::Planned,
                document: planned.action_id.clone(),
                line_id: Name::default(),
                line_quantity: planned.quantity,
                supplier: None,
                is_shipped: false,
            });
        }
        receipts.sort_by_key(|receipt| receipt.at);
        receipts
    }
}

fn spans(outlook: &Outlook<'_>, planning: &Planning<'_>) -> Vec<DemandSpan> {
    let settings = planning.settings;
    let compared = planning.horizon_days() + settings.cases.compare_days_beyond.max(0.0);
    let days = (settings.sku_location.projection_days as usize).max(compared.ceil() as usize + 2);
    let zone = planning.zone();
    let today = planning.now.day(zone);
    let mut from = planning.now;
    let mut spans = Vec::with_capacity(days.min(DAYS_MAX));
    for ahead in 1..=days.min(DAYS_MAX) {
        let until = today.plus(ahead as i32).start(zone).max(from);
        let demand = outlook.forecast.between(from, until);
        spans.push(DemandSpan { from, until, mean: demand.mean, variance: demand.variance });
        from = until;
    }
    spans
}
