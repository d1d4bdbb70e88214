//! What is to be expected here: the forecast, what is on its way with its dates, and the risk that follows (F4, F5).

use smallvec::SmallVec;

use super::SkuLocation;
use super::demand::{Calendar, Demand};
use super::forecast::Forecast;
use super::parameters::Planning;
use super::position::Position;
use super::supply_lines::SupplyLine;
use crate::domain::demand::forecast::DemandMoments;
use crate::domain::event::ServiceMeasure;
use crate::domain::explain::Input;
use crate::domain::inventory::order_quantity::economic_order_quantity;
use crate::domain::inventory::safety_stock::LeadTimeDemand;
use crate::domain::inventory::stockout;
use crate::domain::line_shipments::Expected;
use crate::domain::quantity::Quantity;
use crate::domain::reference::PlanningParameters;
use crate::domain::time::Timestamp;

/// An order is not taken to last longer than that, however cheap it is to hold.
const ORDER_DAYS_MAX: f64 = 90.0;
const DAYS_PER_YEAR: f64 = 365.0;

/// Something dated: a receipt, or an order that is due later.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dated {
    pub at: Timestamp,
    /// Units.
    pub units: f64,
}

/// Most places have no more than this on its way; more goes to the heap.
pub type DatedList = SmallVec<[Dated; 6]>;

/// The outlook of one place from one moment on.
pub struct Outlook<'a> {
    pub planning: &'a Planning<'a>,
    pub position: Position,
    pub forecast: Forecast<'a>,
    /// Mean units per day now.
    pub rate_per_day: f64,
    /// Whether anything was demanded in the running period or is ordered for a later one.
    pub has_unfinished_demand: bool,
    /// Demand over lead time and review period.
    pub lead_time_demand: LeadTimeDemand,
    /// The safety factor: how many standard deviations of that demand the safety stock is.
    pub z: f64,
    /// By time.
    pub receipts: DatedList,
    /// By time, all later than now.
    pub orders: DatedList,
    lead_time_variance: f64,
    period_start: Timestamp,
    period: i64,
}

/// A moment at which the risk is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checkpoint {
    pub at: Timestamp,
    /// What is there and has come until then.
    pub supply: f64,
    pub demand: DemandMoments,
    pub orders_beyond_forecast: f64,
    pub lead_time_variance: f64,
}

impl Checkpoint {
    /// As inputs of formulas over all checkpoints.
    pub fn inputs(&self) -> impl Iterator<Item = Input> {
        let at = Some(self.at);
        let inputs = [
            ("supply", self.supply, "event"),
            ("demand", self.demand.mean, "model"),
            ("demand_variance", self.demand.variance, "model"),
            ("orders_beyond_forecast", self.orders_beyond_forecast, "event"),
            ("lead_time_variance", self.lead_time_variance, "model"),
        ];
        inputs.into_iter().map(move |(name, value, from)| Input::said(name, value, from).at(at))
    }

    fn balance(&self) -> f64 {
        self.supply - self.demand.mean - self.orders_beyond_forecast
    }

    fn deviation(&self) -> f64 {
        (self.demand.variance + self.lead_time_variance).sqrt()
    }
}

/// z of the cycle service level (F7), or with which that share of the demand is filled (F6); where a fill rate says nothing,
/// because nothing is demanded or known to be uncertain, as if it were the other.
fn safety_factor(
    place: &SkuLocation,
    planning: &Planning<'_>,
    demand: LeadTimeDemand,
    rate_per_day: f64,
) -> f64 {
    let PlanningParameters { service_level, measure, z, .. } = planning.parameters;
    match measure {
        ServiceMeasure::Cycle => z,
        ServiceMeasure::Fill => {
            let quantity = order_quantity(place, planning, demand, rate_per_day);
            stockout::z_for_fill_rate(service_level, quantity, demand.standard_deviation).unwrap_or(z)
        }
    }
}

/// What is ordered at once, in units: the economic order quantity (F14) where the cost is known, else the demand of lead time
/// and review period, or of a day where these are shorter; not more than is demanded in a quarter or in the shelf life, and
/// not less than the least order.
pub fn order_quantity(
    place: &SkuLocation,
    planning: &Planning<'_>,
    demand: LeadTimeDemand,
    rate_per_day: f64,
) -> f64 {
    let cases = &planning.settings.cases;
    let economic = place.unit_cost_in_base(planning).and_then(|cost| {
        let holding = cost * cases.carrying_cost_share;
        economic_order_quantity(cases.order_cost, rate_per_day * DAYS_PER_YEAR, holding)
    });
    let shelf_life =
        planning.tenant.and_then(|tenant| tenant.item(planning.sku)?.shelf_life_days).unwrap_or(f64::MAX);
    let most = rate_per_day * ORDER_DAYS_MAX.min(shelf_life);
    let wanted = economic.unwrap_or_else(|| demand.mean.max(rate_per_day)).min(most);
    let least = planning.tenant.and_then(|tenant| {
        let set = tenant.sourcing_at(planning.sku, planning.location, planning.now).next()?;
        set.moq.max(set.pack)
    });
    wanted.max(least.map_or(0.0, Quantity::as_f64))
}

impl<'a> Outlook<'a> {
    /// `demand` is the place's own as of now: no period may be over.
    pub fn of(place: &SkuLocation, demand: &'a Demand, planning: &'a Planning<'a>) -> Outlook<'a> {
        let now = planning.now;
        let forecast = demand.forecast(now, planning.settings);
        let rate_per_day = forecast.rate_per_day(now);
        let over_horizon = forecast.between(now, planning.horizon());
        let lead_time_variance = planning.lead_time_variance(over_horizon.mean, rate_per_day);
        let mut orders = DatedList::new();
        place.for_each_order_ahead(now, |at, open| orders.push(Dated { at, units: open.as_f64() }));
        orders.sort_unstable_by_key(|order| order.at);
        let lead_time_demand = planning.lead_time_demand(over_horizon, rate_per_day);
        Outlook {
            planning,
            position: Position::of(place, now),
            forecast,
            rate_per_day,
            has_unfinished_demand: demand.has_unfinished(),
            lead_time_demand,
            z: safety_factor(place, planning, lead_time_demand, rate_per_day),
            receipts: receipts(place, planning),
            orders,
            lead_time_variance,
            period_start: demand.period_start(now),
            period: demand.period(),
        }
    }

    /// F2, in units.
    pub fn safety_stock(&self) -> f64 {
        self.lead_time_demand.safety_stock(self.z)
    }

    /// F3, in units.
    pub fn reorder_point(&self) -> f64 {
        self.lead_time_demand.reorder_point(self.z)
    }

    /// F4: the greatest probability of being short just before a receipt within lead time and review period, or at
    /// their end. A late receipt raises it; without any it is 1 − Φ((IP − dL) / σ).
    pub fn stockout_probability(&self) -> f64 {
        self.stockout_probability_with(&self.receipts, self.planning.horizon())
    }

    /// F4 with other receipts, by time, until another horizon.
    pub fn stockout_probability_with(&self, receipts: &[Dated], horizon: Timestamp) -> f64 {
        let mut greatest = 0.0_f64;
        self.for_each_checkpoint(receipts, horizon, |balance, standard_deviation| {
            greatest = greatest.max(stockout::stockout_probability(balance, standard_deviation));
        });
        greatest
    }

    /// F5 at the worst of the same moments until a horizon, in units.
    pub fn expected_units_short(&self, horizon: Timestamp) -> f64 {
        let mut greatest = 0.0_f64;
        self.for_each_checkpoint(&self.receipts, horizon, |balance, standard_deviation| {
            greatest = greatest.max(stockout::expected_units_short(balance, standard_deviation));
        });
        greatest
    }

    /// Units expected to be left at `at`, with all that is to come until then; negative when short.
    pub fn balance_at(&self, at: Timestamp) -> f64 {
        self.checkpoint(at, self.supply_until(at)).balance()
    }

    /// The probability that less than nothing is left at `at`.
    pub fn stockout_probability_at(&self, at: Timestamp) -> f64 {
        let checkpoint = self.checkpoint(at, self.supply_until(at));
        stockout::stockout_probability(checkpoint.balance(), checkpoint.deviation())
    }

    fn supply_until(&self, at: Timestamp) -> f64 {
        let receipts = self.receipts.iter().take_while(|receipt| receipt.at <= at);
        self.position.starting_balance().as_f64() + receipts.map(|receipt| receipt.units).sum::<f64>()
    }

    /// Calls with expected balance and standard deviation just before each receipt before the horizon and at it.
    fn for_each_checkpoint(&self, receipts: &[Dated], horizon: Timestamp, mut check: impl FnMut(f64, f64)) {
        self.each_checkpoint(receipts, horizon, |checkpoint| {
            check(checkpoint.balance(), checkpoint.deviation());
        });
    }

    /// The same with what they are made of.
    pub fn for_each_checkpoint_in_full(&self, check: impl FnMut(Checkpoint)) {
        self.each_checkpoint(&self.receipts, self.planning.horizon(), check);
    }

    /// The same until another horizon.
    pub fn for_each_checkpoint_until(&self, horizon: Timestamp, check: impl FnMut(Checkpoint)) {
        self.each_checkpoint(&self.receipts, horizon, check);
    }

    fn each_checkpoint(&self, receipts: &[Dated], horizon: Timestamp, mut check: impl FnMut(Checkpoint)) {
        let mut supply = self.position.starting_balance().as_f64();
        let mut receipts = receipts.iter().take_while(|receipt| receipt.at < horizon).peekable();
        while let Some(receipt) = receipts.next() {
            check(self.checkpoint(receipt.at, supply));
            supply += receipt.units;
            while let Some(together) = receipts.next_if(|next| next.at == receipt.at) {
                supply += together.units;
            }
        }
        check(self.checkpoint(horizon, supply));
    }

    fn checkpoint(&self, at: Timestamp, supply: f64) -> Checkpoint {
        Checkpoint {
            at,
            supply,
            demand: self.forecast.between(self.planning.now, at),
            orders_beyond_forecast: self.orders_beyond_forecast(at),
            lead_time_variance: self.lead_time_variance,
        }
    }

    /// Mean units per day over the horizon: what the lead time's uncertainty is multiplied with.
    pub fn daily_over_horizon(&self) -> f64 {
        let days = self.planning.horizon_days();
        if days > 0.0 { self.lead_time_demand.mean / days } else { self.rate_per_day }
    }

    /// By how much orders due until `at` exceed the forecast of their periods: orders consume the forecast, they do
    /// not add to it. Periods are counted here from the running one in days of 24 hours; a change of the clocks
    /// shifts the border by its hour.
    fn orders_beyond_forecast(&self, at: Timestamp) -> f64 {
        let period_of =
            |order: &Dated| (order.at.micros() - self.period_start.micros()).div_euclid(self.period);
        let mut excess = 0.0;
        let mut orders = self.orders.iter().take_while(|order| order.at <= at).peekable();
        while let Some(first) = orders.next() {
            let period = period_of(first);
            let mut ordered = first.units;
            while let Some(order) = orders.next_if(|next| period_of(next) == period) {
                ordered += order.units;
            }
            let from = self.period_start.plus(period.saturating_mul(self.period));
            let until = from.plus(self.period);
            let forecast = self.forecast.between(from.max(self.planning.now), until.min(at)).mean;
            excess += (ordered - forecast).max(0.0);
        }
        excess
    }
}

/// The demand of `place` as of the planning's moment, if periods have ended since its last record.
pub fn rolled_demand(place: &SkuLocation, planning: &Planning<'_>) -> Option<Demand> {
    place.demand.rolled(planning.now, || Calendar {
        zone: planning.zone(),
        period_days: planning.parameters.period_days,
        settings: planning.settings,
        tenant: planning.tenant,
        sku: planning.sku,
        location: planning.location,
    })
}

/// All that is on its way here, by when it is expected.
fn receipts(place: &SkuLocation, planning: &Planning<'_>) -> DatedList {
    let mut receipts = DatedList::new();
    let Some(supply) = &place.supply else { return receipts };
    let mut expect = |at: Timestamp, quantity: Quantity| {
        receipts.push(Dated { at: planning.not_past(at), units: quantity.as_f64() });
    };
    let expect_line = |line: &SupplyLine| {
        line.for_each_part(|expected, quantity| match expected {
            Expected::Shipment { eta, .. } => expect(eta, quantity),
            Expected::Arrived => expect(planning.now, quantity),
            Expected::Promise => expect(planning.promised_arrival(line), quantity),
        });
    };
    supply.open_lines().for_each(expect_line);
    for planned in supply.planned(planning.now).filter(|planned| !planned.outbound) {
        expect(planned.arrives_at, planned.quantity);
    }
    receipts.sort_unstable_by_key(|receipt| receipt.at);
    receipts
}
