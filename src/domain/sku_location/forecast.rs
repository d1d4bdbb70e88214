//! The forecast in use: a published one while it covers the present and is not measured worse, else the own model.

use serde::{Deserialize, Serialize};

use super::raw::{self, MaybeTime};
use super::version::Version;
use crate::domain::demand::errors::{ForecastErrors, Residual};
use crate::domain::demand::forecast::{DemandMoments, ForecastBucket, demand_between};
use crate::domain::event::ForecastPublished;
use crate::domain::inventory::normal::Z_90;
use crate::domain::quantity::Quantity;
use crate::domain::record::Record;
use crate::domain::time::{DAY, Timestamp};

/// Finished periods measured before a published forecast can be called worse.
const MEASURED_PERIODS_MIN: u32 = 4;

/// A forecast from outside, and how well it and the own model did since it is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Published {
    buckets: Box<[Bucket]>,
    version: Version,
    /// Absolute errors per period, in units, exponentially weighted.
    published_error: f64,
    own_error: f64,
    measured_periods: u32,
    errors: ForecastErrors,
    /// The end of the period measured last, and what was published about it: units, and their standard deviation.
    measured_until: MaybeTime,
    last_forecast: f64,
    last_standard_deviation: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Bucket {
    #[serde(with = "raw::timestamp")]
    from: Timestamp,
    #[serde(with = "raw::timestamp")]
    until: Timestamp,
    #[serde(with = "raw::quantity")]
    mean: Quantity,
    /// p90 − p10; below zero if not published.
    #[serde(with = "raw::quantity")]
    spread: Quantity,
}

const SPREAD_UNKNOWN: Quantity = Quantity::from_milli(-1);

impl Published {
    /// Replaces the buckets as a whole if this is the latest publication.
    pub fn publish(&mut self, published: &ForecastPublished, record: &Record) {
        if !self.version.is_before(record) {
            return;
        }
        self.version = Version::of(record);
        let buckets = published.buckets.iter().map(|bucket| Bucket {
            from: bucket.from,
            until: bucket.until,
            mean: bucket.quantity,
            spread: match (bucket.p10, bucket.p90) {
                (Some(p10), Some(p90)) => (p90 - p10).or_zero(),
                _ => SPREAD_UNKNOWN,
            },
        });
        self.buckets = buckets.collect();
    }

    /// Compares a finished period with what both forecasts said about it.
    pub fn measure(&mut self, actual: f64, own: f64, from: Timestamp, until: Timestamp, weight: f64) {
        let covers = |moment: Timestamp| self.bucket_at(moment).is_some();
        if !covers(from) || !covers(until.plus(-1)) {
            return;
        }
        let moments = self.moments(from, until, None);
        let published = moments.mean;
        self.measured_periods = self.measured_periods.saturating_add(1);
        let smoothing = weight;
        let weight = weight.max(1.0 / f64::from(self.measured_periods));
        self.published_error += weight * ((actual - published).abs() - self.published_error);
        self.own_error += weight * ((actual - own).abs() - self.own_error);
        self.errors.update(actual - published, actual, smoothing);
        self.measured_until = until.into();
        self.last_forecast = published;
        self.last_standard_deviation = moments.variance.sqrt();
    }

    /// Demand of the period that ended at `until` came to be known late, or was cancelled.
    pub fn correct_last(&mut self, difference: f64, until: Timestamp, weight: f64) {
        if self.measured_until == until.into() {
            self.errors.correct_last(difference, weight);
        }
    }

    /// Starts measuring anew: the periods have changed.
    pub fn forget_measured(&mut self) {
        self.measured_periods = 0;
        self.errors = ForecastErrors::default();
        self.measured_until = MaybeTime::NONE;
    }

    fn is_measured_worse(&self) -> bool {
        self.measured_periods >= MEASURED_PERIODS_MIN && self.published_error > self.own_error
    }

    fn bucket_at(&self, moment: Timestamp) -> Option<&Bucket> {
        let at = self.buckets.partition_point(|bucket| bucket.until <= moment);
        self.buckets.get(at).filter(|bucket| bucket.from <= moment)
    }

    fn moments(&self, from: Timestamp, until: Timestamp, own: Option<OwnForecast>) -> DemandMoments {
        let first = self.buckets.partition_point(|bucket| bucket.until <= from);
        let mut sum = DemandMoments::default();
        for bucket in self.buckets[first..].iter().take_while(|bucket| bucket.from < until) {
            let part = demand_between(&[bucket.to_forecast(own)], from.micros(), until.micros());
            sum.mean += part.mean;
            sum.variance += part.variance;
        }
        sum
    }
}

impl Bucket {
    fn days(&self) -> f64 {
        self.until.days_since(self.from)
    }

    fn to_forecast(self, own: Option<OwnForecast>) -> ForecastBucket {
        let mean = self.mean.as_f64();
        let standard_deviation = if self.spread >= Quantity::ZERO {
            self.spread.as_f64() / (2.0 * Z_90)
        } else if let Some(own) = own {
            (own.variance_per_day * self.days()).sqrt()
        } else {
            // Counts without a known spread: Poisson's.
            mean.max(0.0).sqrt()
        };
        ForecastBucket {
            from_us: self.from.micros(),
            until_us: self.until.micros(),
            mean,
            standard_deviation,
        }
    }
}

/// What the own model expects, the same every day.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OwnForecast {
    /// Units.
    pub mean_per_day: f64,
    /// Units squared.
    pub variance_per_day: f64,
}

/// The forecast in use at some moment.
///
/// A published forecast speaks for as long as its buckets reach (time between them expects nothing); after its last
/// one the own model does, or without a history of demand the last bucket goes on.
#[derive(Clone, Copy, Debug)]
pub struct Forecast<'a> {
    own: Option<OwnForecast>,
    published: Option<&'a Published>,
}

impl<'a> Forecast<'a> {
    /// The forecast to use at `now`; `own` is `None` without any history.
    pub fn choose(
        own: Option<OwnForecast>,
        published: Option<&'a Published>,
        now: Timestamp,
    ) -> Forecast<'a> {
        let usable = published
            .filter(|published| published.bucket_at(now).is_some() && !published.is_measured_worse());
        Forecast { own, published: usable }
    }

    /// Whether it is a published one.
    pub fn is_published(&self) -> bool {
        self.published.is_some()
    }

    /// The length of the published bucket that covers `now`, in days.
    pub fn bucket_days(&self, now: Timestamp) -> Option<f64> {
        self.published.and_then(|published| published.bucket_at(now)).map(Bucket::days)
    }

    /// Mean units per day at `now`.
    pub fn rate_per_day(&self, now: Timestamp) -> f64 {
        match self.published.and_then(|published| published.bucket_at(now)) {
            Some(bucket) => bucket.mean.as_f64() / bucket.days(),
            None => self.own.unwrap_or_default().mean_per_day,
        }
    }

    /// Demand expected from `from` (inclusive) to `until` (exclusive).
    pub fn between(&self, from: Timestamp, until: Timestamp) -> DemandMoments {
        let Some(published) = self.published else {
            return self.own.unwrap_or_default().between(from, until);
        };
        let inside = published.moments(from, until, self.own);
        let Some(last) = published.buckets.last() else { return inside };
        if until <= last.until {
            return inside;
        }
        let after = self.own.unwrap_or_else(|| {
            let last_bucket = last.to_forecast(None);
            OwnForecast {
                mean_per_day: last_bucket.mean / last.days(),
                variance_per_day: last_bucket.standard_deviation * last_bucket.standard_deviation
                    / last.days(),
            }
        });
        let beyond = after.between(from.max(last.until), until);
        DemandMoments { mean: inside.mean + beyond.mean, variance: inside.variance + beyond.variance }
    }

    /// How well the published forecast did, if that is the one in use, and in how many periods that was measured.
    pub fn published_errors(&self) -> Option<(ForecastErrors, u32)> {
        self.published.map(|published| (published.errors, published.measured_periods))
    }

    /// The period that ended at `until` against the published forecast, if that is the one in use.
    pub fn published_residual(&self, until: Timestamp) -> Option<Residual> {
        let published = self.published.filter(|published| published.measured_until == until.into())?;
        Some(Residual {
            actual: (published.last_forecast + published.errors.last_error()).max(0.0),
            forecast: published.last_forecast,
            standard_deviation: published.last_standard_deviation,
        })
    }

    /// The next moment after `at` at which the published forecast goes on to another bucket, begins again or ends.
    pub fn next_edge(&self, at: Timestamp) -> Option<Timestamp> {
        let published = self.published?;
        published.bucket_at(at).map(|bucket| bucket.until).or_else(|| next_start(published, at))
    }
}

/// When a published forecast that does not cover `now` begins to.
pub fn next_start(published: &Published, now: Timestamp) -> Option<Timestamp> {
    let at = published.buckets.partition_point(|bucket| bucket.from <= now);
    published.buckets.get(at).map(|bucket| bucket.from)
}

impl OwnForecast {
    fn between(&self, from: Timestamp, until: Timestamp) -> DemandMoments {
        let days = ((until.micros() - from.micros()).max(0)) as f64 / DAY as f64;
        DemandMoments { mean: self.mean_per_day * days, variance: self.variance_per_day * days }
    }
}
