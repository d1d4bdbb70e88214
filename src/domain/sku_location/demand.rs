//! Demand in periods: what falls into which, and when a period is over and the model learns it.
//!
//! Periods are whole local days, `period_days` long, counted without a gap so that those of seven days begin on
//! Sundays. They roll when a delivery's business time has passed their end; a look at a later moment rolls a copy.
//! The border of the running period and its length are fixed when it begins: a change of the time zone or of the
//! period's length counts from the next one. A new length starts the model's history anew, because levels of
//! periods of different length can't be compared; what is ordered ahead is kept.
//!
//! A period that a promotion touches is left out of the model, which knows the demand without promotions: it counts in
//! the promotion's progress instead.
//!
//! The class of demand is not corrected by late demand, except for the first demand ever.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::forecast::{Forecast, OwnForecast, Published, next_start};
use super::raw;
use crate::domain::demand::classification::{DemandClass, DemandPattern};
use crate::domain::demand::errors::{ForecastErrors, Residual};
use crate::domain::demand::smoothing::{ExponentialSmoothing, SmoothingWeights};
use crate::domain::event::{ForecastPublished, Promotion};
use crate::domain::ids::Name;
use crate::domain::quantity::Quantity;
use crate::domain::record::Record;
use crate::domain::reference::TenantReference;
use crate::domain::settings::{DemandSettings, Settings};
use crate::domain::time::{DAY, Day, Timestamp};

/// 1970-01-04 was a Sunday.
const FIRST_SUNDAY: i32 = 3;

/// A promotion longer than that is no exception from the usual demand, it is the usual demand.
const PROMOTION_DAYS_MAX: i64 = 92;
/// Promotions followed at once; more are not.
const PROMOTIONS_FOLLOWED_MAX: usize = 8;
/// Periods looked at one by one for promotions, where none of them had demand; more pass as usual.
const PERIODS_WALKED_MAX: i32 = 400;

/// What the length and the borders of periods depend on, and what is special about some.
#[derive(Clone, Copy, Debug)]
pub struct Calendar<'a> {
    pub zone: &'a TimeZone,
    pub period_days: u16,
    pub settings: &'a Settings,
    pub tenant: Option<&'a TenantReference>,
    pub sku: &'a str,
    pub location: &'a str,
}

impl<'a> Calendar<'a> {
    /// The promotions here between two moments that make demand unusual.
    fn promotions(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = &'a Promotion> {
        let promotions = self
            .tenant
            .into_iter()
            .flat_map(move |tenant| tenant.promotions_at(self.sku, self.location, from, until));
        promotions.filter(is_followed)
    }
}

/// Whether a promotion is short enough to be told apart from the usual demand.
pub fn is_followed(promotion: &&Promotion) -> bool {
    promotion.until.micros().saturating_sub(promotion.from.micros()) <= PROMOTION_DAYS_MAX * DAY
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
    /// Those that have touched a finished period and are not over.
    promotions: Vec<PromotionProgress>,
}

/// What a promotion has brought here in the finished periods that it touched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromotionProgress {
    pub promotion_id: Name,
    /// Demanded, the usual demand included.
    #[serde(with = "raw::quantity")]
    pub actual: Quantity,
    /// Units: the usual demand times 1 + the expected uplift.
    pub planned: f64,
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

/// The expected uplift of a promotion times the share of the time between two moments in which it runs.
fn uplift_within(promotion: &Promotion, from: Timestamp, until: Timestamp) -> f64 {
    let uplift = promotion.expected_uplift.unwrap_or(0.0);
    let length = until.micros().saturating_sub(from.micros());
    let inside = promotion.until.min(until).micros() - promotion.from.max(from).micros();
    if length <= 0 { 0.0 } else { uplift * inside.max(0) as f64 / length as f64 }
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
            self.add_past(quantity, period, &calendar);
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

    /// F20: `X`, `Y` or `Z`; `None` while too little is known.
    pub fn variability(&self) -> Option<&'static str> {
        self.pattern.variability()
    }

    /// How well the forecast in use at `now` did, and in how many periods that was measured.
    pub fn errors(&self, forecast: &Forecast<'_>, settings: &Settings) -> (ForecastErrors, u32) {
        match forecast.published_errors() {
            Some(measured) => measured,
            None => {
                (self.smoothing.errors(weights(&settings.demand)), self.smoothing.periods().saturating_sub(1))
            }
        }
    }

    /// The period that ended last against what the forecast in use said about it.
    pub fn last_residual(&self, forecast: &Forecast<'_>, settings: &Settings) -> Option<Residual> {
        forecast
            .published_residual(self.from)
            .or_else(|| self.smoothing.last_residual(weights(&settings.demand)))
    }

    /// The bounds of the period that ended last; `None` before any did.
    pub fn last_period(&self) -> Option<(Timestamp, Timestamp)> {
        self.has_baseline().then(|| (self.from.plus(-self.period()), self.from))
    }

    /// The usual demand without promotions, in units a day, by the own model; `None` without a history.
    pub fn usual_per_day(&self, settings: &Settings) -> Option<f64> {
        self.has_baseline().then(|| {
            self.smoothing.forecast(weights(&settings.demand)).mean / f64::from(self.period_days.max(1))
        })
    }

    /// What a promotion has brought so far.
    pub fn promotion_progress(&self, promotion_id: &str) -> Option<&PromotionProgress> {
        let outside = self.outside.as_ref()?;
        outside.promotions.iter().find(|known| known.promotion_id == promotion_id)
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
        self.finish(self.current, self.from, self.until, calendar);
        let mut next = self.period.saturating_add(1);
        self.current = Quantity::ZERO;
        if let Some(outside) = self.outside.as_mut() {
            let reached = outside.ahead.partition_point(|ahead| ahead.period <= now);
            let reached: Vec<Ahead> = outside.ahead.drain(..reached).collect();
            for ahead in reached {
                if ahead.period == now {
                    self.current = ahead.quantity;
                } else {
                    self.finish_empty(next, ahead.period, calendar);
                    let (from, until) = self.bounds(ahead.period, calendar);
                    self.finish(ahead.quantity, from, until, calendar);
                    next = ahead.period.saturating_add(1);
                }
            }
        }
        self.finish_empty(next, now, calendar);
        self.period = now;
        self.forget_promotions(calendar);
    }

    fn bounds(&self, period: i32, calendar: &Calendar<'_>) -> (Timestamp, Timestamp) {
        let start = |period: i32| first_day(period, self.period_days).start(calendar.zone);
        (start(period), start(period.saturating_add(1)))
    }

    /// Takes in one finished period.
    fn finish(&mut self, demand: Quantity, from: Timestamp, until: Timestamp, calendar: &Calendar<'_>) {
        if !self.follow_promotions(demand, from, until, calendar) {
            self.feed(demand.as_f64(), weights(&calendar.settings.demand));
        }
    }

    /// Takes in the periods from `first` until before `end`, in which nothing was demanded.
    fn finish_empty(&mut self, first: i32, end: i32, calendar: &Calendar<'_>) {
        let mut next = first;
        if next < end && self.has_baseline() {
            let (from, until) = (self.bounds(first, calendar).0, self.bounds(end, calendar).0);
            if calendar.promotions(from, until).next().is_some() {
                let walked_until = first.saturating_add(PERIODS_WALKED_MAX).min(end);
                while next < walked_until {
                    let (from, until) = self.bounds(next, calendar);
                    self.finish(Quantity::ZERO, from, until, calendar);
                    next += 1;
                }
            }
        }
        self.feed_zeros(end - next);
    }

    /// Whether there is a usual demand that promotions differ from.
    fn has_baseline(&self) -> bool {
        self.smoothing.periods() > 0
    }

    /// Notes a period's demand for the promotions that touch it; says whether there are any.
    fn follow_promotions(
        &mut self,
        demand: Quantity,
        from: Timestamp,
        until: Timestamp,
        calendar: &Calendar<'_>,
    ) -> bool {
        if !self.has_baseline() {
            return false;
        }
        let mut promotions = calendar.promotions(from, until).peekable();
        if promotions.peek().is_none() {
            return false;
        }
        let promotions: Vec<&Promotion> = promotions.take(PROMOTIONS_FOLLOWED_MAX).collect();
        let uplift: f64 = promotions.iter().map(|promotion| uplift_within(promotion, from, until)).sum();
        let usual = self.smoothing.forecast(weights(&calendar.settings.demand)).mean;
        let followed = &mut self.outside.get_or_insert_default().promotions;
        for promotion in promotions {
            let at = followed.iter().position(|known| known.promotion_id == promotion.promotion_id);
            let at = match at {
                Some(at) => at,
                None if followed.len() >= PROMOTIONS_FOLLOWED_MAX => continue,
                None => {
                    followed.push(PromotionProgress {
                        promotion_id: promotion.promotion_id.clone(),
                        actual: Quantity::ZERO,
                        planned: 0.0,
                    });
                    followed.len() - 1
                }
            };
            followed[at].actual += demand;
            followed[at].planned += usual * (1.0 + uplift);
        }
        true
    }

    /// Lets go of promotions that are over or were cancelled.
    fn forget_promotions(&mut self, calendar: &Calendar<'_>) {
        let Some(outside) = self.outside.as_mut().filter(|outside| !outside.promotions.is_empty()) else {
            return;
        };
        let from = first_day(self.period, self.period_days).start(calendar.zone);
        outside.promotions.retain(|known| {
            calendar
                .promotions(from, Timestamp::MAX)
                .any(|promotion| promotion.promotion_id == known.promotion_id)
        });
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

    fn add_past(&mut self, quantity: Quantity, period: i32, calendar: &Calendar<'_>) {
        let mut periods_ago = u32::try_from(self.period - 1 - period).unwrap_or(0);
        let is_first = !self.has_baseline();
        let weights = weights(&calendar.settings.demand);
        if !is_first && periods_ago < PERIODS_WALKED_MAX.unsigned_abs() {
            let (from, until) = self.bounds(period, calendar);
            if calendar.promotions(from, self.from).next().is_some() {
                if calendar.promotions(from, until).next().is_some() {
                    self.correct_promotions(quantity, from, until, calendar);
                    return;
                }
                // The model has not seen the periods with promotions since.
                let left_out = (period + 1..self.period).filter(|later| {
                    let (from, until) = self.bounds(*later, calendar);
                    calendar.promotions(from, until).next().is_some()
                });
                periods_ago -= u32::try_from(left_out.count()).unwrap_or(0);
            }
        }
        self.smoothing.correct_past(quantity.as_f64(), periods_ago, weights);
        if period + 1 == self.period
            && let Some(published) = self.outside.as_mut().and_then(|outside| outside.published.as_mut())
        {
            published.correct_last(quantity.as_f64(), self.from, calendar.settings.demand.error_alpha);
        }
        if is_first && self.smoothing.periods() > 0 {
            self.pattern.update(quantity.as_f64());
            self.pattern.update_zeros(u64::from(periods_ago));
        }
    }

    fn correct_promotions(
        &mut self,
        difference: Quantity,
        from: Timestamp,
        until: Timestamp,
        calendar: &Calendar<'_>,
    ) {
        let Some(outside) = &mut self.outside else { return };
        for promotion in calendar.promotions(from, until) {
            let known =
                outside.promotions.iter_mut().find(|known| known.promotion_id == promotion.promotion_id);
            if let Some(known) = known {
                known.actual += difference;
            }
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
