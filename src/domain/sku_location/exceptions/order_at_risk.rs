//! `order_at_risk`: customers' orders that are due within `days`, or overdue, and that there will be no stock for.
//!
//! What counts is the probability that nothing is left at the moment an order is promised for, with all demand until then
//! (F4); one that is due and backordered is certain. Raised at `raise` for the worst of them, cleared at `clear` for all.

use super::{Judged, Kind};
use crate::domain::exception::assessment::{Assessment, Condition, Description, rounded};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::{ExceptionSubject, ExceptionType, ExceptionWindow};
use crate::domain::ids::Name;
use crate::domain::quantity::Quantity;
use crate::domain::sku_location::line::LineKind;
use crate::domain::sku_location::worth::units_of;
use crate::domain::time::Timestamp;

/// Moments looked at, earliest first; what is promised for later ones shows when they come closer.
const MOMENTS_MAX: usize = 64;

pub struct OrderAtRisk;

/// The orders that are at risk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrdersAtRisk {
    /// Of the worst.
    pub probability: f64,
    /// When the first is promised for at which the threshold is passed; now for one that is due.
    pub first_at: Option<Timestamp>,
    /// The units missing then, of what is ordered until then.
    pub units: f64,
}

const COVERED: &str = "the orders due soon can be covered";

impl Judged<'_> {
    /// Clears, but not before what makes the place short has cleared: the next orders lack the same.
    fn unless_stock_is_short(&self, why: &'static str) -> Condition {
        if self.is_short || self.is_likely_short { Condition::Between } else { Condition::Clear(why.into()) }
    }

    /// Whether there are orders within `days` at all.
    fn has_orders_within(&self, days: f64) -> bool {
        let until = self.now().plus_days(days);
        self.outlook.position.due.is_positive()
            || self.outlook.orders.first().is_some_and(|order| order.at <= until)
    }

    /// When the next order comes to be due within `days`.
    fn next_order_within(&self, days: f64) -> Option<Timestamp> {
        // They lie in the order of time.
        let mut enters = self.outlook.orders.iter().map(|order| order.at.plus_days(-days));
        enters.find(|at| *at > self.now())
    }

    /// The orders due within `days` whose probability not to be covered is at least `threshold`.
    pub fn orders_at_risk(&self, days: f64, threshold: f64) -> OrdersAtRisk {
        let outlook = self.outlook;
        let backorders = outlook.position.backorders();
        if backorders.is_positive() {
            let first_at = Some(self.now());
            return OrdersAtRisk { probability: 1.0, first_at, units: backorders.as_f64() };
        }
        let until = self.now().plus_days(days);
        let mut found = OrdersAtRisk { probability: 0.0, first_at: None, units: 0.0 };
        let mut looked_at = 0;
        let mut last_at = None;
        let mut ordered = 0.0;
        for order in outlook.orders.iter().take_while(|order| order.at <= until) {
            ordered += order.units;
            if last_at == Some(order.at) && found.first_at != Some(order.at) {
                continue;
            }
            if last_at != Some(order.at) {
                looked_at += 1;
                last_at = Some(order.at);
            }
            if looked_at > MOMENTS_MAX {
                break;
            }
            let probability = outlook.stockout_probability_at(order.at);
            found.probability = found.probability.max(probability);
            if probability >= threshold && found.first_at.is_none_or(|first| first == order.at) {
                found.first_at = Some(order.at);
                found.units = (-outlook.balance_at(order.at)).clamp(0.0, ordered);
            }
        }
        found
    }

    /// Open order lines promised for `at` (or, if that is now, for no later): the first by name, and how many promised
    /// from then on until the end of `days`.
    fn orders_from(&self, at: Timestamp, days: f64) -> (Option<Name>, usize) {
        let until = self.now().plus_days(days);
        let is_due = at <= self.now();
        let (mut first, mut count) = (None, 0);
        for line in self.place.order_lines.open_lines() {
            let promised = line.promised_at().unwrap_or(self.now());
            if promised > until || (!is_due && promised < at) {
                continue;
            }
            count += 1;
            let key = (promised, line.line().document());
            if first.is_none_or(|known| key < known) {
                first = Some(key);
            }
        }
        (first.map(|(_, order_id)| Name::from(order_id)), count)
    }
}

impl Kind for OrderAtRisk {
    const TYPE: ExceptionType = ExceptionType::OrderAtRisk;

    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        if !judged.has_orders_within(settings.days) {
            // Orders come and go day by day, and what they lack stays the same.
            return judged.unless_stock_is_short("no order is due soon");
        }
        let probability = judged.orders_at_risk(settings.days, settings.raise).probability;
        match Condition::above(probability, settings.raise, settings.clear, COVERED) {
            Condition::Clear(_) => judged.unless_stock_is_short(COVERED),
            condition => condition,
        }
    }

    fn assess(judged: &Judged<'_>, settings: &KindSettings) -> Assessment {
        let at_risk = judged.orders_at_risk(settings.days, settings.raise);
        let units = units_of(at_risk.units);
        let value = judged.place.lost_margin(judged.outlook.planning, units);
        let assessment = judged.assessment(value, Some(units), Some(rounded(at_risk.probability)));
        judged.with_cause_of_shortage(assessment)
    }

    fn describe(judged: &Judged<'_>, settings: &KindSettings, _: &Assessment) -> Description {
        let at_risk = judged.orders_at_risk(settings.days, settings.clear);
        let Some(first_at) = at_risk.first_at else {
            // It is open only because the place is: nothing runs out for anybody.
            let cause = format!(
                "no order due within {} days lacks stock at present, but the next ones will{}",
                settings.days,
                judged.sentence_of_cause(),
            );
            return judged.description(None, None, None, cause);
        };
        let (first, count) = judged.orders_from(first_at, settings.days);
        let lines = if count == 1 { "line" } else { "lines" };
        let cause = format!(
            "no stock for {count} order {lines} due within {} days with a probability of {:.2}, {} short at first{}",
            settings.days,
            at_risk.probability,
            units_of(at_risk.units),
            judged.sentence_of_cause(),
        );
        let window =
            ExceptionWindow { from: Some(first_at), until: Some(judged.now().plus_days(settings.days)) };
        let decide_by = judged.decide_by(first_at);
        let mut description =
            judged.description(Some(window), decide_by, decide_by.or(Some(first_at)), cause);
        description.ends_ahead = true;
        description.subject = ExceptionSubject { order_id: first, ..description.subject };
        description
    }

    fn review_at(judged: &Judged<'_>, settings: &KindSettings) -> Option<Timestamp> {
        judged.next_order_within(settings.days)
    }
}

/// `allocation_shortage`: several open orders compete for less than they need.
///
/// Of at least `minimum` orders due within `days`, what is open together exceeds what is on hand or comes in that time by
/// `raise` units or more; cleared when it does not exceed it. The forecast does not count: these are promises.
pub struct AllocationShortage;

/// What orders compete for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Competition {
    pub orders: usize,
    pub wanted: Quantity,
    pub there: Quantity,
}

impl Competition {
    fn shortfall(&self) -> f64 {
        (self.wanted - self.there).as_f64()
    }
}

impl Judged<'_> {
    /// The open orders due within `days`, and what there will be for them.
    pub fn competition(&self, days: f64) -> Competition {
        let until = self.now().plus_days(days);
        let position = &self.outlook.position;
        let (mut orders, mut wanted, mut last) = (0, Quantity::ZERO, None);
        for line in self.place.order_lines.open_lines() {
            if line.promised_at().is_some_and(|promised| promised > until) {
                continue;
            }
            wanted += line.line().open();
            // Lines lie in the order of their documents.
            let order = line.line().document();
            if last != Some(order) {
                orders += 1;
                last = Some(order);
            }
        }
        let receipts = self.outlook.receipts.iter().take_while(|receipt| receipt.at <= until);
        let coming = units_of(receipts.map(|receipt| receipt.units).sum());
        let there = (position.on_hand.or_zero() - position.outbound + coming).or_zero();
        Competition { orders, wanted, there }
    }
}

impl Kind for AllocationShortage {
    const TYPE: ExceptionType = ExceptionType::AllocationShortage;

    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        const ENOUGH: &str = "there is enough for all open orders";
        let position = &judged.outlook.position;
        if position.ordered <= position.on_hand - position.outbound {
            return judged.unless_stock_is_short(ENOUGH);
        }
        let competition = judged.competition(settings.days);
        if (competition.orders as f64) < settings.minimum {
            return judged.unless_stock_is_short("no orders compete");
        }
        match Condition::above(competition.shortfall(), settings.raise, settings.clear, ENOUGH) {
            Condition::Clear(_) => judged.unless_stock_is_short(ENOUGH),
            condition => condition,
        }
    }

    fn assess(judged: &Judged<'_>, settings: &KindSettings) -> Assessment {
        let units = units_of(judged.competition(settings.days).shortfall()).or_zero();
        let value = judged.place.lost_margin(judged.outlook.planning, units);
        judged.assessment(value, Some(units), None)
    }

    fn describe(judged: &Judged<'_>, settings: &KindSettings, _: &Assessment) -> Description {
        let Competition { orders, wanted, there } = judged.competition(settings.days);
        let cause = format!(
            "{orders} orders due within {} days want {wanted}, and there will be {there}",
            settings.days
        );
        let until = judged.now().plus_days(settings.days);
        let window = ExceptionWindow { from: judged.opened_at(&Self::TYPE), until: Some(until) };
        let first_at = judged.outlook.orders.first().map(|order| order.at);
        let needed_at = match first_at {
            Some(at) if !judged.outlook.position.due.is_positive() => at,
            _ => judged.now(),
        };
        let decide_by = judged.decide_by(needed_at);
        let act_by = decide_by.or(Some(needed_at));
        Description { ends_ahead: true, ..judged.description(Some(window), decide_by, act_by, cause) }
    }

    fn review_at(judged: &Judged<'_>, settings: &KindSettings) -> Option<Timestamp> {
        judged.next_order_within(settings.days)
    }
}
