//! What a supplier's receipts say about its lead time.

use serde::{Deserialize, Serialize};

use crate::domain::ids::Name;
use crate::domain::time::Timestamp;

/// What a supplier's own receipts say; published into the Reference when it moved enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedStatistics {
    pub supplier: Name,
    /// Receipts measured.
    pub receipts: u32,
    /// Order to receipt, in days.
    pub lead_time_mean_days: f64,
    pub lead_time_sd_days: f64,
    /// Receipt minus promise, in days; `None` when no line had a promise.
    pub lateness_mean_days: Option<f64>,
}

/// A change of days below this is never news, however small the number it is a share of: a minute.
const PUBLISHED_CHANGE_DAYS_MIN: f64 = 1.0 / 1_440.0;

impl PublishedStatistics {
    /// Whether `now` differs from this by more than `share`: of the mean or of the standard deviation, each against
    /// itself, or of the lateness, against the mean lead time (it may itself be about zero).
    pub(super) fn moved_to(&self, now: &PublishedStatistics, share: f64) -> bool {
        let moved = |old: f64, new: f64, scale: f64| {
            (new - old).abs() > (share * scale.abs()).max(PUBLISHED_CHANGE_DAYS_MIN)
        };
        let mean = self.lead_time_mean_days;
        moved(mean, now.lead_time_mean_days, mean)
            || moved(self.lead_time_sd_days, now.lead_time_sd_days, self.lead_time_sd_days)
            || match (self.lateness_mean_days, now.lateness_mean_days) {
                (Some(old), Some(new)) => moved(old, new, mean),
                (old, new) => old.is_some() != new.is_some(),
            }
    }
}

/// Running mean and variance (B. P. Welford, *Note on a method for calculating corrected sums of squares and
/// products*, Technometrics 4, 1962).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Spread {
    count: u32,
    mean: f64,
    /// Sum of squared deviations from the mean.
    squares: f64,
}

impl Spread {
    pub fn add(&mut self, value: f64) {
        self.count = self.count.saturating_add(1);
        let from_old_mean = value - self.mean;
        self.mean += from_old_mean / f64::from(self.count);
        self.squares += from_old_mean * (value - self.mean);
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    /// `None` of nothing.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// Of the sample (n − 1); 0 of fewer than two values.
    pub fn sd(&self) -> f64 {
        if self.count < 2 { 0.0 } else { (self.squares / f64::from(self.count - 1)).sqrt() }
    }
}

/// Everything measured from receipts, one measure a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ReceiptStatistics {
    lead_time_days: Spread,
    lateness_days: Spread,
    on_time: u32,
    /// Received before it was ordered, by the times in the events: dirty data, kept out of the measures.
    before_order: u32,
}

impl ReceiptStatistics {
    /// A line's first receipt.
    pub fn measure(&mut self, placed_at: Timestamp, promised_at: Option<Timestamp>, received_at: Timestamp) {
        if received_at < placed_at {
            self.before_order = self.before_order.saturating_add(1);
            return;
        }
        self.lead_time_days.add(received_at.days_since(placed_at));
        if let Some(promised_at) = promised_at {
            self.lateness_days.add(received_at.days_since(promised_at));
            self.on_time = self.on_time.saturating_add(u32::from(received_at <= promised_at));
        }
    }

    /// Lines measured.
    pub fn receipts(&self) -> u32 {
        self.lead_time_days.count()
    }

    pub fn receipts_before_order(&self) -> u32 {
        self.before_order
    }

    /// Of the lines measured that had a promise, the share received no later than promised.
    pub fn on_time_share(&self) -> Option<f64> {
        let promised = self.lateness_days.count();
        (promised > 0).then(|| f64::from(self.on_time) / f64::from(promised))
    }

    pub fn lateness_mean_days(&self) -> Option<f64> {
        self.lateness_days.mean()
    }

    /// In the form in which others see it; `None` of nothing.
    pub fn to_publish(self, supplier: &Name) -> Option<PublishedStatistics> {
        Some(PublishedStatistics {
            supplier: supplier.clone(),
            receipts: self.receipts(),
            lead_time_mean_days: self.lead_time_days.mean()?,
            lead_time_sd_days: self.lead_time_days.sd(),
            lateness_mean_days: self.lateness_mean_days(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::DAY;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn mean_and_sample_deviation_are_those_of_the_textbook() {
        let mut spread = Spread::default();
        assert_eq!((spread.mean(), spread.sd()), (None, 0.0));
        for value in [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0] {
            spread.add(value);
        }
        // Mean 5, squared deviations 32, so sqrt(32 / 7).
        assert_eq!((spread.count(), spread.mean()), (8, Some(5.0)));
        assert!(close(spread.sd(), 2.138_089_935_299_395), "{}", spread.sd());
    }

    #[test]
    fn large_values_close_together_keep_their_deviation() {
        let mut spread = Spread::default();
        for value in [4.0, 7.0, 13.0, 16.0] {
            spread.add(1e9 + value);
        }
        assert!((spread.sd() - 30f64.sqrt()).abs() < 1e-6, "{}", spread.sd());
    }

    #[test]
    fn receipts_are_measured_against_order_and_promise() {
        let day = |day: i64| Timestamp::from_micros(day * DAY);
        let mut statistics = ReceiptStatistics::default();
        statistics.measure(day(10), Some(day(15)), day(14));
        statistics.measure(day(10), Some(day(15)), day(15));
        statistics.measure(day(10), Some(day(15)), day(19));
        statistics.measure(day(10), None, day(11));
        statistics.measure(day(10), Some(day(15)), day(9));
        let published = statistics.to_publish(&Name::from("V")).unwrap();
        assert_eq!((published.receipts, statistics.receipts_before_order()), (4, 1));
        assert!(close(published.lead_time_mean_days, 4.75));
        // Deviations -0.75, 0.25, 4.25, -3.75: squares 32.75, over 3.
        assert!(close(published.lead_time_sd_days, (32.75f64 / 3.0).sqrt()));
        assert!(close(published.lateness_mean_days.unwrap(), 1.0));
        assert!(close(statistics.on_time_share().unwrap(), 2.0 / 3.0));
    }

    #[test]
    fn only_a_change_beyond_the_share_is_news() {
        let of = |mean: f64, sd: f64, lateness: Option<f64>| PublishedStatistics {
            supplier: Name::from("V"),
            receipts: 5,
            lead_time_mean_days: mean,
            lead_time_sd_days: sd,
            lateness_mean_days: lateness,
        };
        let check = |old: PublishedStatistics, new: PublishedStatistics, expected: bool| {
            assert_eq!(old.moved_to(&new, 0.05), expected, "{old:?} {new:?}");
        };
        check(of(10.0, 2.0, None), of(10.4, 2.0, None), false);
        check(of(10.0, 2.0, None), of(10.6, 2.0, None), true);
        check(of(10.0, 2.0, None), of(9.4, 2.0, None), true);
        check(of(10.0, 2.0, None), of(10.0, 2.2, None), true);
        check(of(10.0, 0.0, None), of(10.0, 1e-9, None), false);
        check(of(10.0, 0.0, None), of(10.0, 0.01, None), true);
        check(of(10.0, 2.0, None), of(10.0, 2.0, Some(0.0)), true);
        check(of(10.0, 2.0, Some(0.0)), of(10.0, 2.0, Some(0.4)), false);
        check(of(10.0, 2.0, Some(0.0)), of(10.0, 2.0, Some(0.6)), true);
    }
}
