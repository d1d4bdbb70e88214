//! The risk at one place as it is, and as it would be: the formulas of the inventory module over what the place said.

use crate::domain::demand::forecast::{DemandMoments, ForecastBucket, demand_between};
use crate::domain::inventory::projection::{PeriodFlow, project};
use crate::domain::inventory::stockout;
use crate::domain::quantity::Quantity;
use crate::domain::sku_location::options_basis::{PlaceBasis, ReceiptBasis};
use crate::domain::time::Timestamp;

/// One place with what an option changes about it.
#[derive(Clone, Debug)]
pub struct Scenario<'a> {
    pub basis: &'a PlaceBasis,
    /// By time.
    receipts: Vec<ReceiptBasis>,
    /// What goes away from here at once.
    taken: Quantity,
    /// What comes that was not on order.
    added: Quantity,
    demand: Vec<ForecastBucket>,
}

/// The expected balance at a moment, in units, with its standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Checkpoint {
    pub at: Timestamp,
    pub balance: f64,
    pub standard_deviation: f64,
}

/// The first days in a row that are expected to end short.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shortage {
    pub from: Timestamp,
    /// `None` if it does not end within the days known.
    pub until: Option<Timestamp>,
}

/// What is due and not here at the start, and how long it goes on waiting: what comes serves it first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waiting {
    /// Units.
    pub units: f64,
    /// The mean over those units of the share of the time looked at that each waits; 0 if there are none.
    pub share: f64,
}

/// The risk until some moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Risk {
    /// F4, and where it is greatest.
    pub stockout_probability: f64,
    pub most_probable: Checkpoint,
    /// F5, in units, where it is greatest; what waits already counts for as long as it waits.
    pub units_short: f64,
    pub deepest: Checkpoint,
    pub waiting: Waiting,
    pub shortage: Option<Shortage>,
}

impl<'a> Scenario<'a> {
    /// The place as it is.
    pub fn of(basis: &'a PlaceBasis) -> Scenario<'a> {
        let bucket = |span: &crate::domain::sku_location::options_basis::DemandSpan| ForecastBucket {
            from_us: span.from.micros(),
            until_us: span.until.micros(),
            mean: span.mean,
            standard_deviation: span.variance.max(0.0).sqrt(),
        };
        Scenario {
            basis,
            receipts: basis.receipts.clone(),
            taken: Quantity::ZERO,
            added: Quantity::ZERO,
            demand: basis.demand.iter().map(bucket).collect(),
        }
    }

    /// Something more comes.
    pub fn receive(&mut self, receipt: ReceiptBasis) {
        self.added += receipt.quantity;
        let at = self.receipts.partition_point(|known| known.at <= receipt.at);
        self.receipts.insert(at, receipt);
    }

    /// Something goes elsewhere.
    pub fn take(&mut self, quantity: Quantity) {
        self.taken += quantity;
    }

    /// A line comes at another time; says whether it is on order.
    pub fn reschedule(&mut self, document: &str, line_id: &str, at: Timestamp) -> bool {
        let mut found = false;
        for receipt in &mut self.receipts {
            if receipt.document == document && receipt.line_id == line_id {
                receipt.at = at;
                found = true;
            }
        }
        self.receipts.sort_by_key(|receipt| receipt.at);
        found
    }

    pub fn available(&self) -> Quantity {
        self.basis.available - self.taken
    }

    pub fn inventory_position(&self) -> Quantity {
        self.basis.inventory_position - self.taken + self.added
    }

    /// Stock for so many days at the present rate; `None` without demand.
    pub fn days_of_cover(&self) -> Option<f64> {
        let rate = self.basis.rate_per_day;
        (rate > 0.0).then(|| self.available().as_f64() / rate)
    }

    /// The moments at which the place is most likely to be short: just before each receipt until `until`, and then.
    pub fn checkpoints(&self, until: Timestamp) -> Vec<Checkpoint> {
        let mut supply = (self.basis.starting_balance - self.taken).as_f64();
        let mut checkpoints = Vec::new();
        let mut receipts = self.receipts.iter().take_while(|receipt| receipt.at < until).peekable();
        while let Some(receipt) = receipts.next() {
            checkpoints.push(self.at(receipt.at, supply));
            supply += receipt.quantity.as_f64();
            while let Some(together) = receipts.next_if(|next| next.at == receipt.at) {
                supply += together.quantity.as_f64();
            }
        }
        checkpoints.push(self.at(until, supply));
        checkpoints
    }

    pub fn risk(&self, until: Timestamp) -> Risk {
        let probability =
            |point: &Checkpoint| stockout::stockout_probability(point.balance, point.standard_deviation);
        let short =
            |point: &Checkpoint| stockout::expected_units_short(point.balance, point.standard_deviation);
        let points = self.checkpoints(until);
        let none = Checkpoint { at: until, balance: 0.0, standard_deviation: 0.0 };
        // Of equal ones the earliest.
        let worst = |of: &dyn Fn(&Checkpoint) -> f64| {
            let worst = points.iter().rev().max_by(|a, b| of(a).total_cmp(&of(b)));
            worst.copied().unwrap_or(none)
        };
        let (most_probable, deepest) = (worst(&probability), worst(&short));
        let waiting = self.waiting(until);
        let newly_short = (short(&deepest) - waiting.units).max(0.0);
        Risk {
            stockout_probability: probability(&most_probable),
            most_probable,
            units_short: newly_short + waiting.units * waiting.share,
            deepest,
            waiting,
            shortage: self.first_shortage(),
        }
    }

    /// What waits from the start, and for which share of the time until `until`.
    fn waiting(&self, until: Timestamp) -> Waiting {
        let from = self.basis.as_of;
        let units = (self.taken - self.basis.starting_balance).or_zero().as_f64();
        let span = (until.micros() - from.micros()) as f64;
        if units <= 0.0 || span <= 0.0 {
            return Waiting { units: 0.0, share: 0.0 };
        }
        let (mut left, mut waited) = (units, 0.0);
        for receipt in self.receipts.iter().take_while(|receipt| receipt.at < until) {
            let served = receipt.quantity.as_f64().clamp(0.0, left);
            waited += served * (receipt.at.micros() - from.micros()).max(0) as f64 / span;
            left -= served;
        }
        Waiting { units, share: (waited + left) / units }
    }

    /// F12: the first days that are expected to end short; receipts of a day come before its demand.
    pub fn first_shortage(&self) -> Option<Shortage> {
        let (mut receipts_seen, mut orders_seen) = (0, 0);
        let flows = self.basis.demand.iter().map(|span| {
            let receipts =
                sum_until(&self.receipts, &mut receipts_seen, |r| (r.at < span.until).then_some(r.quantity));
            let orders = sum_until(&self.basis.orders, &mut orders_seen, |o| {
                (o.at < span.until).then_some(o.quantity)
            });
            PeriodFlow { receipts, demand_mean: span.mean.max(orders), demand_variance: span.variance }
        });
        let start = (self.basis.starting_balance - self.taken).as_f64();
        let mut days = self.basis.demand.iter().zip(project(start, flows));
        let (span, first) = days.by_ref().find(|(_, day)| day.is_short())?;
        let at_start = first.balance + first.demand;
        let from = if at_start <= 0.0 || first.demand <= 0.0 {
            span.from
        } else {
            let length = (span.until.micros() - span.from.micros()) as f64;
            span.from.plus((length * (at_start / first.demand)) as i64)
        };
        let until = days.find(|(_, day)| !day.is_short()).map(|(span, _)| span.from);
        Some(Shortage { from, until })
    }

    /// Units that are missing until `until` to hold the service level: the greatest z σ − balance, 0 if none are.
    pub fn units_missing(&self, until: Timestamp) -> f64 {
        let missing = |point: &Checkpoint| self.basis.z * point.standard_deviation - point.balance;
        self.checkpoints(until).iter().map(missing).fold(0.0, f64::max)
    }

    fn at(&self, at: Timestamp, supply: f64) -> Checkpoint {
        let demand = self.demand(self.basis.as_of, at);
        Checkpoint {
            at,
            balance: supply - demand.mean - self.orders_beyond_forecast(at),
            standard_deviation: (demand.variance + self.basis.lead_time_variance).max(0.0).sqrt(),
        }
    }

    fn demand(&self, from: Timestamp, until: Timestamp) -> DemandMoments {
        demand_between(&self.demand, from.micros(), until.micros())
    }

    /// By how much orders due until `at` exceed the forecast of their periods, which they consume.
    fn orders_beyond_forecast(&self, at: Timestamp) -> f64 {
        let basis = self.basis;
        let period = basis.period.max(1);
        let period_of = |at: Timestamp| (at.micros() - basis.period_start.micros()).div_euclid(period);
        let mut excess = 0.0;
        let mut orders = basis.orders.iter().take_while(|order| order.at <= at).peekable();
        while let Some(first) = orders.next() {
            let number = period_of(first.at);
            let mut ordered = first.quantity.as_f64();
            while let Some(order) = orders.next_if(|next| period_of(next.at) == number) {
                ordered += order.quantity.as_f64();
            }
            let from = basis.period_start.plus(number.saturating_mul(period));
            let forecast = self.demand(from.max(basis.as_of), from.plus(period).min(at)).mean;
            excess += (ordered - forecast).max(0.0);
        }
        excess
    }
}

fn sum_until<T>(dated: &[T], seen: &mut usize, within: impl Fn(&T) -> Option<Quantity>) -> f64 {
    let mut sum = 0.0;
    while let Some(quantity) = dated.get(*seen).and_then(&within) {
        sum += quantity.as_f64();
        *seen += 1;
    }
    sum
}
