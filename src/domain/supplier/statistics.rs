//! What a supplier's receipts say about its lead time.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::domain::ids::Name;
use crate::domain::quantity::Quantity;
use crate::domain::settings::{OtifDate, SupplierSettings};
use crate::domain::time::{DAY, Timestamp};

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
/// Lead times below an hour are compared as if they were an hour.
pub(super) const LEAD_TIME_DAYS_MIN: f64 = 1.0 / 24.0;

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

/// The last measures of one kind, up to a bound; quantiles over them are exact.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Recent(VecDeque<f64>);

impl Recent {
    pub fn add(&mut self, value: f64, kept_max: usize) {
        while self.0.len() >= kept_max.max(1) {
            self.0.pop_front();
        }
        self.0.push_back(value);
    }

    /// The quantile, interpolated between neighbours (R. J. Hyndman and Y. Fan, *Sample quantiles in statistical
    /// packages*, The American Statistician 50, 1996: type 7); `None` of nothing.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let mut sorted: Vec<f64> = self.0.iter().copied().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let place = share.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
        let (below, part) = (place.floor() as usize, place.fract());
        let low = *sorted.get(below)?;
        let high = sorted.get(below + 1).copied().unwrap_or(low);
        Some(low + part * (high - low))
    }

    /// Oldest first.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        self.0.iter().copied()
    }

    /// `None` of nothing.
    pub fn mean(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.iter().sum::<f64>() / self.0.len() as f64)
    }
}

/// How the last lead times differ from those before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeadTimeDrift {
    pub recent_mean_days: f64,
    pub earlier_mean_days: f64,
    /// The change as a share of the earlier mean; negative where it became shorter.
    pub change: f64,
    /// The change in standard errors of the recent mean.
    pub standard_errors: f64,
}

/// A line that is decided, against its date and quantity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Completed {
    /// From when on it counts as what it is: when it was in full or closed, but not later than the end of its window.
    at: Timestamp,
    on_time: bool,
    in_full: bool,
}

/// A line of which it is known whether it was on time and in full (F18).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct OtifLine<L> {
    pub on_time: bool,
    pub in_full: bool,
    /// The end of its window and which it is, if it is overdue: nobody closed it, and what is missing may still come.
    pub overdue: Option<(Timestamp, L)>,
}

/// The last lines of which it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Otif {
    pub lines: usize,
    pub on_time_in_full: usize,
    /// Whenever they came.
    pub in_full: usize,
}

impl Otif {
    pub fn of<L>(lines: impl Iterator<Item = OtifLine<L>>) -> Otif {
        lines.fold(Otif::default(), |sum, line| Otif {
            lines: sum.lines + 1,
            on_time_in_full: sum.on_time_in_full + usize::from(line.on_time && line.in_full),
            in_full: sum.in_full + usize::from(line.in_full),
        })
    }

    /// Share of them on time and in full; `None` of nothing.
    pub fn share(&self) -> Option<f64> {
        self.share_of(self.on_time_in_full)
    }

    /// Share of them in full, whenever they came; `None` of nothing.
    pub fn in_full_share(&self) -> Option<f64> {
        self.share_of(self.in_full)
    }

    fn share_of(&self, lines: usize) -> Option<f64> {
        (self.lines > 0).then(|| lines as f64 / self.lines as f64)
    }
}

/// Everything measured from orders, acknowledgements and receipts, each measure once a line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ReceiptStatistics {
    lead_time_days: Spread,
    recent_lead_times: Recent,
    lateness_days: Spread,
    on_time: u32,
    /// Received before it was ordered, by the times in the events: dirty data, kept out of the measures.
    before_order: u32,
    acknowledgement_hours: Recent,
    /// By their moments.
    completed: VecDeque<Completed>,
    /// Received by week since 1970, oldest first.
    weeks: VecDeque<(i32, Quantity)>,
}

/// Weeks of receipts that the usual throughput looks at.
const WEEKS_KEPT: usize = 26;

/// Where measures go, and by which policy they are taken.
pub(super) struct Measures<'a> {
    pub statistics: &'a mut ReceiptStatistics,
    pub settings: &'a SupplierSettings,
}

impl Measures<'_> {
    /// A line's first receipt.
    pub fn receipt(&mut self, placed_at: Timestamp, promised_at: Option<Timestamp>, received_at: Timestamp) {
        let statistics = &mut *self.statistics;
        if received_at < placed_at {
            statistics.before_order = statistics.before_order.saturating_add(1);
            return;
        }
        let days = received_at.days_since(placed_at);
        statistics.lead_time_days.add(days);
        statistics.recent_lead_times.add(days, self.settings.receipts_kept_max);
        if let Some(promised_at) = promised_at {
            statistics.lateness_days.add(received_at.days_since(promised_at));
            statistics.on_time = statistics.on_time.saturating_add(u32::from(received_at <= promised_at));
        }
    }

    /// A line's first acknowledgement; one before the order is none of it.
    pub fn acknowledgement(&mut self, placed_at: Timestamp, acknowledged_at: Timestamp) {
        if acknowledged_at >= placed_at {
            let hours = acknowledged_at.days_since(placed_at) * 24.0;
            self.statistics.acknowledgement_hours.add(hours, self.settings.receipts_kept_max);
        }
    }

    /// The date against which a line is on time.
    pub fn otif_date(
        &self,
        requested_at: Option<Timestamp>,
        promised_then: Option<Timestamp>,
        promised_at: Option<Timestamp>,
    ) -> Option<Timestamp> {
        match self.settings.otif_against {
            OtifDate::Requested => requested_at.or(promised_then).or(promised_at),
            OtifDate::Promised => promised_then.or(promised_at),
            OtifDate::Confirmed => promised_at,
        }
    }

    /// Whether what was received is the line in full.
    pub fn is_full(&self, ordered: Quantity, received: Quantity) -> bool {
        received.as_f64() >= ordered.as_f64() * (1.0 - self.settings.otif_quantity_tolerance)
    }

    /// The end of the window around the date that is on time.
    pub fn on_time_until(&self, due: Timestamp) -> Timestamp {
        due.plus_days(self.settings.otif_late_days)
    }

    /// F18: a line that was received in full at `at`, or of which nothing more is expected from then on. It counts from
    /// the end of its window at the latest, as it did while it was overdue: that it is decided later makes it no newer.
    pub fn complete(&mut self, due: Timestamp, at: Timestamp, in_full: bool) {
        let until = self.on_time_until(due);
        let on_time = in_full && at >= due.plus_days(-self.settings.otif_early_days) && at <= until;
        let line = Completed { at: at.min(until), on_time, in_full };
        let completed = &mut self.statistics.completed;
        let place = completed.partition_point(|known| known.at <= line.at);
        completed.insert(place, line);
        while completed.len() > self.settings.receipts_kept_max.max(1) {
            completed.pop_front();
        }
    }

    /// Any receipt, for how much the supplier usually delivers.
    pub fn throughput(&mut self, quantity: Quantity, at: Timestamp) {
        let week = at.micros().div_euclid(7 * DAY) as i32;
        let weeks = &mut self.statistics.weeks;
        match weeks.binary_search_by_key(&week, |(week, _)| *week) {
            Ok(place) => weeks[place].1 += quantity,
            Err(place) => weeks.insert(place, (week, quantity)),
        }
        if weeks.len() > WEEKS_KEPT {
            weeks.pop_front();
        }
    }
}

impl ReceiptStatistics {
    /// Lines measured.
    pub fn receipts(&self) -> u32 {
        self.lead_time_days.count()
    }

    pub fn receipts_before_order(&self) -> u32 {
        self.before_order
    }

    /// The last lead times in days, oldest first.
    pub fn lead_times(&self) -> impl Iterator<Item = f64> {
        self.recent_lead_times.values()
    }

    /// The last hours from order to acknowledgement, oldest first.
    pub fn acknowledgements(&self) -> impl Iterator<Item = f64> {
        self.acknowledgement_hours.values()
    }

    /// The last lines of which it is known whether they were on time and in full, the newest first: those that are
    /// decided, and those that are `overdue`, which come with the ends of their windows, the newest first, too.
    pub fn otif_lines<L>(
        &self,
        overdue: impl Iterator<Item = (Timestamp, L)>,
        kept_max: usize,
    ) -> impl Iterator<Item = OtifLine<L>> {
        let (mut completed, mut overdue) = (self.completed.iter().rev().peekable(), overdue.peekable());
        let next = move || {
            let is_newer = |line: &&Completed| overdue.peek().is_none_or(|(until, _)| line.at >= *until);
            match completed.next_if(is_newer) {
                Some(line) => Some(OtifLine { on_time: line.on_time, in_full: line.in_full, overdue: None }),
                None => {
                    let overdue = Some(overdue.next()?);
                    Some(OtifLine { on_time: false, in_full: false, overdue })
                }
            }
        };
        std::iter::from_fn(next).take(kept_max.max(1))
    }

    /// Of the lines measured: how many had a promise, how many of those came no later, and all their lateness in days.
    pub fn against_promise(&self) -> (u32, u32, f64) {
        let lines = self.lateness_days.count();
        (lines, self.on_time, self.lateness_days.mean().unwrap_or(0.0) * f64::from(lines))
    }

    /// Of the last lead times, in days.
    pub fn lead_time_quantile(&self, share: f64) -> Option<f64> {
        self.recent_lead_times.quantile(share)
    }

    /// Hours from order to acknowledgement: mean and the quantile of that share.
    pub fn acknowledgement_hours(&self, share: f64) -> (Option<f64>, Option<f64>) {
        (self.acknowledgement_hours.mean(), self.acknowledgement_hours.quantile(share))
    }

    /// The most that was received in a week lately, in units a day.
    pub fn throughput_per_day(&self) -> Option<f64> {
        self.weeks.iter().map(|(_, quantity)| quantity.as_f64() / 7.0).max_by(f64::total_cmp)
    }

    /// The last `count` lead times against those before, of which there must be as many.
    pub fn drift(&self, count: usize) -> Option<LeadTimeDrift> {
        let all = &self.recent_lead_times.0;
        let count = count.max(2);
        let split = all.len().checked_sub(count).filter(|earlier| *earlier >= count)?;
        let mut spreads = [Spread::default(), Spread::default()];
        for (at, days) in all.iter().enumerate() {
            spreads[usize::from(at >= split)].add(*days);
        }
        let [earlier, recent] = spreads;
        let (earlier_mean, recent_mean) = (earlier.mean()?, recent.mean()?);
        let moved = recent_mean - earlier_mean;
        let error = earlier.sd() / (count as f64).sqrt();
        Some(LeadTimeDrift {
            recent_mean_days: recent_mean,
            earlier_mean_days: earlier_mean,
            change: moved / earlier_mean.max(LEAD_TIME_DAYS_MIN),
            standard_errors: if error > 0.0 { moved / error } else { moved.signum() * f64::INFINITY },
        })
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
    pub fn to_publish(&self, supplier: &Name) -> Option<PublishedStatistics> {
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
        let (mut statistics, settings) = (ReceiptStatistics::default(), SupplierSettings::default());
        let mut measures = Measures { statistics: &mut statistics, settings: &settings };
        measures.receipt(day(10), Some(day(15)), day(14));
        measures.receipt(day(10), Some(day(15)), day(15));
        measures.receipt(day(10), Some(day(15)), day(19));
        measures.receipt(day(10), None, day(11));
        measures.receipt(day(10), Some(day(15)), day(9));
        let published = statistics.to_publish(&Name::from("V")).unwrap();
        assert_eq!((published.receipts, statistics.receipts_before_order()), (4, 1));
        assert!(close(published.lead_time_mean_days, 4.75));
        // Deviations -0.75, 0.25, 4.25, -3.75: squares 32.75, over 3.
        assert!(close(published.lead_time_sd_days, (32.75f64 / 3.0).sqrt()));
        assert!(close(published.lateness_mean_days.unwrap(), 1.0));
        assert!(close(statistics.on_time_share().unwrap(), 2.0 / 3.0));
    }

    #[test]
    fn quantiles_are_those_of_the_last_measures() {
        let mut recent = Recent::default();
        assert_eq!((recent.quantile(0.5), recent.mean()), (None, None));
        for value in [99.0, 7.0, 3.0, 1.0, 9.0, 5.0, 2.0, 8.0, 4.0, 10.0, 6.0] {
            recent.add(value, 10);
        }
        // Of 1 to 10, as R's quantile(1:10) gives them.
        assert_eq!((recent.quantile(0.5), recent.mean()), (Some(5.5), Some(5.5)));
        assert!(close(recent.quantile(0.9).unwrap(), 9.1));
        assert_eq!((recent.quantile(0.0), recent.quantile(1.0)), (Some(1.0), Some(10.0)));
    }

    #[test]
    fn on_time_in_full_is_by_the_declared_window_and_tolerance() {
        let day = |day: i64| Timestamp::from_micros(day * DAY);
        let settings = SupplierSettings {
            otif_quantity_tolerance: 0.1,
            otif_early_days: 2.0,
            otif_late_days: 1.0,
            receipts_kept_max: 5,
            ..SupplierSettings::default()
        };
        let mut statistics = ReceiptStatistics::default();
        let mut measures = Measures { statistics: &mut statistics, settings: &settings };
        let units = Quantity::from_units;
        assert!(
            measures.is_full(units(10), units(9))
                && !measures.is_full(units(10), Quantity::from_milli(8_999))
        );
        // Out of five kept: two days early, a day late, both on time; two late, one of them much, and closed with less.
        // Three days early is the oldest of them, and goes.
        for (at, in_full) in [(50, true), (8, true), (11, true), (7, true), (12, true), (11, false)] {
            measures.complete(day(10), day(at), in_full);
        }
        let otif = Otif::of(statistics.otif_lines(std::iter::empty::<(Timestamp, ())>(), 5));
        assert_eq!((otif.lines, otif.share(), otif.in_full_share()), (5, Some(0.4), Some(0.8)));
    }

    #[test]
    fn the_last_lines_are_those_that_were_decided_and_those_that_are_overdue_by_their_moments() {
        let day = |day: i64| Timestamp::from_micros(day * DAY);
        let settings = SupplierSettings { receipts_kept_max: 4, ..SupplierSettings::default() };
        let mut statistics = ReceiptStatistics::default();
        let mut measures = Measures { statistics: &mut statistics, settings: &settings };
        for due in [10, 20, 30] {
            measures.complete(day(due), day(due), true);
        }
        let told = |overdue: &[(i64, &'static str)]| -> Vec<Option<&'static str>> {
            let overdue = overdue.iter().map(|(until, of)| (day(*until), *of));
            statistics.otif_lines(overdue, 4).map(|line| line.overdue.map(|(_, of)| of)).collect()
        };
        assert_eq!(told(&[]), [None; 3]);
        assert_eq!(told(&[(25, "b"), (5, "a")]), [None, Some("b"), None, None]);
        assert_eq!(told(&[(40, "c"), (25, "b"), (5, "a")]), [Some("c"), None, Some("b"), None]);
        // What is decided long after counts where it counted before.
        let mut measures = Measures { statistics: &mut statistics, settings: &settings };
        measures.complete(day(24), day(50), true);
        measures.complete(day(4), day(51), true);
        let lines: Vec<bool> = statistics
            .otif_lines(std::iter::empty::<(Timestamp, ())>(), 4)
            .map(|line| line.on_time)
            .collect();
        assert_eq!(lines, [true, false, true, true]);
    }

    #[test]
    fn drift_is_the_last_ones_against_those_before() {
        let (mut statistics, settings) = (ReceiptStatistics::default(), SupplierSettings::default());
        let mut measures = Measures { statistics: &mut statistics, settings: &settings };
        for days in [9, 11, 9, 11, 14, 14, 14] {
            measures.receipt(Timestamp::default(), None, Timestamp::from_micros(days * DAY));
        }
        assert_eq!(statistics.drift(4), None, "too few before");
        let drift = statistics.drift(3).unwrap();
        assert_eq!((drift.recent_mean_days, drift.earlier_mean_days, drift.change), (14.0, 10.0, 0.4));
        // Standard deviation of 9, 11, 9, 11: sqrt(4 / 3); of the mean of three: 2 / 3.
        assert!(close(drift.standard_errors, 6.0));
    }

    #[test]
    fn throughput_is_that_of_the_best_week() {
        let (mut statistics, settings) = (ReceiptStatistics::default(), SupplierSettings::default());
        assert_eq!(statistics.throughput_per_day(), None);
        let mut measures = Measures { statistics: &mut statistics, settings: &settings };
        for (day, units) in [(0, 30), (6, 40), (7, 65), (700, 1)] {
            measures.throughput(Quantity::from_units(units), Timestamp::from_micros(day * DAY));
        }
        assert_eq!(statistics.throughput_per_day(), Some(10.0));
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
