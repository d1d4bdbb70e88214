//! Demand in periods: what falls into which, and when a period is over and the model learns it.
//!
//! Periods are whole local days, `period_days` long, counted without a gap so that those of seven days begin on
//! Sundays. They roll when a delivery's business time has passed their end; a look at a later moment rolls a copy.
//! The border of the running period and its length are fixed when it begins: a change of the time zone or of the
//! period's length counts from the next one. A new length starts the model's history anew, because levels of
//! periods of different length can't be compared; what is ordered ahead is kept.
//!
//! The class of demand is not corrected by late demand, except for the first demand ever.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::forecast::{Forecast, OwnForecast, Published, next_start};
use super::raw;
use crate::domain::demand::classification::{DemandClass, DemandPattern};
use crate::domain::demand::smoothing::{ExponentialSmoothing, SmoothingWeights};
use crate::domain::event::ForecastPublished;
use crate::domain::quantity::Quantity;
use crate::domain::record::Record;
use crate::domain::settings::{DemandSettings, Settings};
use crate::domain::time::{DAY, Day, Timestamp};

/// 1970-01-04 was a Sunday.
const FIRST_SUNDAY: i32 = 3;

/// What the length and the borders of periods depend on.
#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a> {
    pub zone: &'a TimeZone,
    pub period_days: u16,
    pub settings: &'a Settings,
}

/// The demand of one SKU-location.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Demand {
    smoothing: ExponentialSmoothing,
    pattern: DemandPattern,
    /// The running period. A length of 0 means that there was no demand yet.
    period: i32,
    period_days: u16,
    #[serde(with = "raw::timestamp")]
    from: Timestamp,
    #[serde(with = "raw::timestamp")]
    until: Timestamp,
    /// Demanded in the running period.
    #[serde(with = "raw::quantity")]
    current: Quantity,
    outside: Option<Box<Outside>>,
}

/// What most places do not have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Outside {
    /// Ordered for later periods, by period.
    ahead: Vec<Ahead>,
    published: Option<Box<Published>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Ahead {
    period: i32,
    #[serde(with = "raw::quantity")]
    quantity: Quantity,
}

/// The weights that the settings ask for, within what the model takes.
pub fn weights(settings: &DemandSettings) -> SmoothingWeights {
    SmoothingWeights::bounded(settings.alpha, settings.error_alpha)
}

fn period_of(day: Day, period_days: u16) -> i32 {
    day.0.saturating_sub(FIRST_SUNDAY).div_euclid(i32::from(period_days.max(1)))
}

fn first_day(period: i32, period_days: u16) -> Day {
    Day(period.saturating_mul(i32::from(period_days.max(1))).saturating_add(FIRST_SUNDAY))
}

impl Demand {
    /// Adds (or, negative, takes back) demand wanted at `at`. `calendar` is asked only when a period begins or
    /// `at` is outside the running one.
    pub fn add<'a>(
        &mut self,
        quantity: Quantity,
        at: Timestamp,
        business_time: Timestamp,
        calendar: impl Fn() -> Calendar<'a>,
    ) {
        if !self.has_begun() {
            if !quantity.is_positive() {
                return;
            }
            self.begin(business_time, &calendar());
        } else {
            self.roll(business_time, &calendar);
        }
        if self.from <= at && at < self.until {
            self.current += quantity;
            return;
        }
        let calendar = calendar();
        let period = period_of(at.day(calendar.zone), self.period_days);
        if period == self.period {
            self.current += quantity;
        } else if period > self.period {
            self.add_ahead(quantity, period, calendar.settings);
        } else {
            self.add_past(quantity, period, calendar.settings);
        }
    }

    /// Takes a forecast from outside.
    pub fn publish(&mut self, published: &ForecastPublished, record: &Record) {
        let outside = self.outside.get_or_insert_default();
        outside.published.get_or_insert_default().publish(published, record);
    }

    /// Ends the periods that are over at `business_time`.
    pub fn roll<'a>(&mut self, business_time: Timestamp, calendar: impl Fn() -> Calendar<'a>) {
        if !self.is_over(business_time) {
            return;
        }
        let calendar = calendar();
        let period_days = calendar.period_days.max(1);
        if period_days != self.period_days {
            // The running period was the last of its length, however late this is noticed.
            self.change_period_days(period_days, &calendar);
            self.set_bounds(&calendar);
        }
        let now = period_of(business_time.day(calendar.zone), self.period_days);
        // Otherwise only where the zone was changed or the calendar ends.
        if now > self.period {
            self.finish_until(now, &calendar);
            self.set_bounds(&calendar);
        }
    }

    /// This as of `now`, if that differs: a period is over by then.
    pub fn rolled<'a>(&self, now: Timestamp, calendar: impl Fn() -> Calendar<'a>) -> Option<Demand> {
        self.is_over(now).then(|| {
            let mut rolled = self.clone();
            rolled.roll(now, calendar);
            rolled
        })
    }

    /// The forecast to use at `now`, at which no period may be over.
    pub fn forecast(&self, now: Timestamp, settings: &Settings) -> Forecast<'_> {
        let own = (self.smoothing.periods() > 0).then(|| {
            let next = self.smoothing.forecast(weights(&settings.demand));
            let days = f64::from(self.period_days.max(1));
            OwnForecast { mean_per_day: next.mean / days, variance_per_day: next.variance / days }
        });
        let published = self.outside.as_ref().and_then(|outside| outside.published.as_deref());
        Forecast::choose(own, published, now)
    }

    pub fn class(&self) -> Option<DemandClass> {
        self.pattern.class()
    }

    /// When the running period ends, if its end can change anything.
    pub fn next_period_at(&self) -> Option<Timestamp> {
        self.has_begun().then_some(self.until)
    }

    /// Whether a period's end will teach the model something that the rate does not show yet.
    pub fn has_unfinished(&self) -> bool {
        !self.current.is_zero() || self.outside.as_ref().is_some_and(|outside| !outside.ahead.is_empty())
    }

    /// When a published forecast begins that does not cover `now`.
    pub fn next_published_at(&self, now: Timestamp) -> Option<Timestamp> {
        next_start(self.outside.as_ref()?.published.as_deref()?, now)
    }

    /// Where the running period began; `now` before the first.
    pub fn period_start(&self, now: Timestamp) -> Timestamp {
        if self.has_begun() { self.from } else { now }
    }

    /// Length of a period, in microseconds.
    pub fn period(&self) -> i64 {
        i64::from(self.period_days.max(1)) * DAY
    }

    fn has_begun(&self) -> bool {
        self.period_days > 0
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.has_begun() && now >= self.until
    }

    fn begin(&mut self, business_time: Timestamp, calendar: &Calendar<'_>) {
        self.period_days = calendar.period_days.max(1);
        self.period = period_of(business_time.day(calendar.zone), self.period_days);
        self.set_bounds(calendar);
    }

    fn set_bounds(&mut self, calendar: &Calendar<'_>) {
        self.from = first_day(self.period, self.period_days).start(calendar.zone);
        self.until = first_day(self.period.saturating_add(1), self.period_days).start(calendar.zone);
    }

    /// Feeds all periods before `now` to the model: those with demand one by one, the rest as runs of zeros.
    fn finish_until(&mut self, now: i32, calendar: &Calendar<'_>) {
        let weights = weights(&calendar.settings.demand);
        let actual = self.current.as_f64();
        if let Some(published) = self.outside.as_mut().and_then(|outside| outside.published.as_mut()) {
            let own = self.smoothing.forecast(weights).mean;
            let weight = calendar.settings.demand.error_alpha;
            published.measure(actual, own, self.from, self.until, weight);
        }
        self.feed(actual, weights);
        let mut next = self.period.saturating_add(1);
        self.current = Quantity::ZERO;
        if let Some(mut outside) = self.outside.take() {
            let reached = outside.ahead.partition_point(|ahead| ahead.period <= now);
            for ahead in outside.ahead.drain(..reached) {
                if ahead.period == now {
                    self.current = ahead.quantity;
                } else {
                    self.feed_zeros(ahead.period - next);
                    self.feed(ahead.quantity.as_f64(), weights);
                    next = ahead.period.saturating_add(1);
                }
            }
            self.outside = Some(outside);
        }
        self.feed_zeros(now - next);
        self.period = now;
    }

    fn feed(&mut self, demand: f64, weights: SmoothingWeights) {
        self.smoothing.update(demand, weights);
        if self.smoothing.periods() > 0 {
            self.pattern.update(demand);
        }
    }

    fn feed_zeros(&mut self, count: i32) {
        let count = u64::try_from(count).unwrap_or(0);
        self.smoothing.update_zeros(count);
        if self.smoothing.periods() > 0 {
            self.pattern.update_zeros(count);
        }
    }

    fn add_ahead(&mut self, quantity: Quantity, period: i32, settings: &Settings) {
        let ahead_max = settings.sku_location.demand_periods_ahead_max.clamp(1, 100_000) as i32;
        let period = period.min(self.period.saturating_add(ahead_max));
        let ahead = &mut self.outside.get_or_insert_default().ahead;
        match ahead.binary_search_by_key(&period, |ahead| ahead.period) {
            Ok(at) => {
                ahead[at].quantity = (ahead[at].quantity + quantity).or_zero();
                if ahead[at].quantity.is_zero() {
                    ahead.remove(at);
                }
            }
            Err(at) if quantity.is_positive() => {
                if ahead.len() == ahead.capacity() {
                    ahead.reserve_exact((ahead.len() / 2).max(1));
                }
                ahead.insert(at, Ahead { period, quantity });
            }
            // It was put into the last period when that one was nearer, and is gone with it.
            Err(_) => {}
        }
    }

    fn add_past(&mut self, quantity: Quantity, period: i32, settings: &Settings) {
        let periods_ago = u32::try_from(self.period - 1 - period).unwrap_or(0);
        let is_first = self.smoothing.periods() == 0;
        self.smoothing.correct_past(quantity.as_f64(), periods_ago, weights(&settings.demand));
        if is_first && self.smoothing.periods() > 0 {
            self.pattern.update(quantity.as_f64());
            self.pattern.update_zeros(u64::from(periods_ago));
        }
    }

    /// Goes over to periods of another length at the end of the running one.
    fn change_period_days(&mut self, period_days: u16, calendar: &Calendar<'_>) {
        let old_days = self.period_days;
        self.smoothing = ExponentialSmoothing::default();
        self.pattern = DemandPattern::default();
        self.period_days = period_days;
        self.period = period_of(self.until.day(calendar.zone), period_days);
        self.current = Quantity::ZERO;
        let Some(outside) = self.outside.as_mut() else { return };
        if let Some(published) = outside.published.as_mut() {
            published.forget_measured();
        }
        for Ahead { period, quantity } in std::mem::take(&mut outside.ahead) {
            let period = period_of(first_day(period, old_days), period_days);
            if period <= self.period {
                self.current += quantity;
            } else {
                self.add_ahead(quantity, period, calendar.settings);
            }
        }
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        self.outside
            .as_ref()
            .map_or(0, |outside| size_of::<Outside>() + outside.ahead.capacity() * size_of::<Ahead>())
    }
}
