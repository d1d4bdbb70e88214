//! How fast things went lately, from samples of what is counted anyway.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How far back a rate looks.
const WINDOW: Duration = Duration::from_secs(60);
/// Samples kept at most: one a second, and the one before the first of them.
const SAMPLES_MAX: usize = 61;

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// In the journal.
    pub records: u64,
    pub accepted: u64,
    pub duplicates: u64,
    pub rejected: u64,
}

/// What that came to a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// The time that they are the mean of.
    pub seconds: f64,
    pub records: f64,
    pub accepted: f64,
    pub duplicates: f64,
    pub rejected: f64,
}

/// The samples of the last minute.
#[derive(Debug, Default)]
pub struct RecentCounts(Mutex<VecDeque<(Instant, Counts)>>);

impl RecentCounts {
    /// Notes how far the counts are; once a second.
    pub fn sample(&self, counts: Counts, now: Instant) {
        let mut samples = self.0.lock();
        samples.push_back((now, counts));
        let is_old = |at: Instant| now.saturating_duration_since(at) > WINDOW;
        while samples.len() > SAMPLES_MAX || samples.front().is_some_and(|(at, _)| is_old(*at)) {
            samples.pop_front();
        }
    }

    /// Records a second between the last two samples; `None` before there are two.
    pub fn records_per_second(&self) -> Option<f64> {
        let samples = self.0.lock();
        let mut newest = samples.iter().rev();
        let ((until, last), (from, before)) = (newest.next()?, newest.next()?);
        let seconds = until.saturating_duration_since(*from).as_secs_f64();
        let rate = last.records.saturating_sub(before.records) as f64 / seconds;
        (seconds > 0.0).then(|| (rate * 10.0).round() / 10.0)
    }

    /// Means over the last minute, or since the start; `None` before there are two samples.
    pub fn rates(&self) -> Option<Rates> {
        let samples = self.0.lock();
        let ((from, first), (until, last)) = (samples.front()?, samples.back()?);
        let seconds = until.saturating_duration_since(*from).as_secs_f64();
        if seconds <= 0.0 {
            return None;
        }
        let rate =
            |last: u64, first: u64| (last.saturating_sub(first) as f64 / seconds * 100.0).round() / 100.0;
        Some(Rates {
            seconds: (seconds * 10.0).round() / 10.0,
            records: rate(last.records, first.records),
            accepted: rate(last.accepted, first.accepted),
            duplicates: rate(last.duplicates, first.duplicates),
            rejected: rate(last.rejected, first.rejected),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_means_over_the_last_minute() {
        let (recent, start) = (RecentCounts::default(), Instant::now());
        let sample = |second: u64, records: u64, rejected: u64| {
            let counts = Counts { records, accepted: 2 * records, duplicates: 0, rejected };
            recent.sample(counts, start + Duration::from_secs(second));
        };
        sample(0, 1_000, 0);
        assert_eq!(recent.rates(), None, "one sample has no rate");
        assert_eq!(recent.records_per_second(), None);
        sample(2, 1_050, 1);
        let rates = recent.rates().unwrap();
        assert_eq!((rates.seconds, rates.records, rates.accepted), (2.0, 25.0, 50.0));
        assert_eq!((rates.duplicates, rates.rejected), (0.0, 0.5));
        assert_eq!(recent.records_per_second(), Some(25.0));
        sample(3, 1_050, 1);
        assert_eq!(recent.records_per_second(), Some(0.0), "of the last second alone");
        // What was before the last minute does not count.
        sample(62, 1_050, 1);
        let rates = recent.rates().unwrap();
        assert_eq!((rates.seconds, rates.records, rates.rejected), (60.0, 0.0, 0.0));
        for second in 63..400 {
            sample(second, 1_050 + second - 62, 1);
        }
        assert_eq!(recent.rates().unwrap().records, 1.0);
        assert!(recent.0.lock().len() <= SAMPLES_MAX);
    }
}
