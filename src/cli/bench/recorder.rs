//! What a load measures: answers, their latency from the moment they were meant to be sent, and stalls.

use std::ops::Range;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;

/// Longest latency that is told apart, in microseconds; longer ones count as this.
const LATENCY_MAX_US: u64 = 600_000_000;
/// Significant digits of a latency.
const LATENCY_DIGITS: u8 = 3;

/// When the requests of a fixed-rate load are meant to be sent. Fixed before the first one: a tower that answers
/// slowly does not slow it down, and so can't hide the time that requests had to wait (coordinated omission).
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    events_per_s: u64,
    batch: u64,
}

impl Schedule {
    /// `events_per_s` and `batch` are at least 1.
    pub fn new(events_per_s: u64, batch: u64) -> Schedule {
        Schedule { events_per_s: events_per_s.max(1), batch: batch.max(1) }
    }

    /// When the request with that number is due, from the start on. Computed anew for each, so that no rounding adds
    /// up.
    pub fn due(self, request: u64) -> Duration {
        let events = u128::from(request) * u128::from(self.batch);
        let nanoseconds = events * 1_000_000_000 / u128::from(self.events_per_s);
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }
}

/// Latencies with three significant digits.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Latencies {
        #[allow(clippy::expect_used, reason = "these bounds are valid whatever happens outside")]
        let histogram = Histogram::new_with_bounds(1, LATENCY_MAX_US, LATENCY_DIGITS).expect("valid bounds");
        Latencies(histogram)
    }
}

/// A summary of latencies, in milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct LatencySummary {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub max_ms: f64,
}

impl Latencies {
    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).max(1));
    }

    pub fn summary(&self) -> LatencySummary {
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1_000.0;
        LatencySummary {
            p50_ms: at(0.5),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: self.0.max() as f64 / 1_000.0,
        }
    }
}

/// Times without any answer although one was due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Stalls {
    pub count: u64,
    pub longest_s: f64,
    pub total_s: f64,
}

/// Everything counted during a load.
#[derive(Debug)]
pub struct Recorder {
    /// The part of the load that is measured; before it is the warm-up.
    window: Range<Instant>,
    stall_min: Duration,
    last_answer: Instant,
    pub start: Instant,
    pub latencies: Latencies,
    /// How much later than due a request was sent although a connection was free: the generator's own error, which
    /// is part of the latencies.
    pub lateness: Latencies,
    pub stalls: Stalls,
    /// Events answered within the window.
    pub events_in_window: u64,
    /// Requests answered within the window.
    pub requests_in_window: u64,
    /// Events accepted since the start, warm-up included.
    pub accepted: u64,
    /// Requests answered 429 or 503, then sent again.
    pub refused: u64,
    /// The highest LSN that an answer named.
    pub lsn: u64,
}

/// A request that was answered, and all its events taken.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    pub events: u64,
    pub refused: u64,
    pub lsn: u64,
}

impl Recorder {
    /// Gaps longer than `stall_min` count as stalls. `start` is when the load begins.
    pub fn new(start: Instant, window: Range<Instant>, stall_min: Duration) -> Recorder {
        Recorder {
            window,
            stall_min,
            last_answer: start,
            start,
            latencies: Latencies::default(),
            lateness: Latencies::default(),
            stalls: Stalls::default(),
            events_in_window: 0,
            requests_in_window: 0,
            accepted: 0,
            refused: 0,
            lsn: 0,
        }
    }

    /// Counts a request that was due at `due` and answered at `now`.
    pub fn answered(&mut self, due: Instant, now: Instant, taken: Taken) {
        // Before it was due, nobody waited.
        let gap = now.saturating_duration_since(self.last_answer.max(due));
        self.last_answer = now;
        if gap > self.stall_min {
            let seconds = gap.as_secs_f64();
            self.stalls.count += 1;
            self.stalls.total_s += seconds;
            self.stalls.longest_s = self.stalls.longest_s.max(seconds);
        }
        if self.window.contains(&now) {
            self.events_in_window += taken.events;
            self.requests_in_window += 1;
        }
        // By when it was due: an answer after the end belongs to the request that waited for it.
        if self.window.contains(&due) {
            self.latencies.record(now.saturating_duration_since(due));
        }
        self.accepted += taken.events;
        self.refused += taken.refused;
        self.lsn = self.lsn.max(taken.lsn);
    }

    /// Counts how late a request was sent for which a connection had waited.
    pub fn sent(&mut self, due: Instant, now: Instant) {
        if self.window.contains(&due) {
            self.lateness.record(now.saturating_duration_since(due));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn taken() -> Taken {
        Taken { events: 10, refused: 0, lsn: 7 }
    }

    #[test]
    fn the_schedule_does_not_drift() {
        let schedule = Schedule::new(75_000, 256);
        assert_eq!(schedule.due(0), Duration::ZERO);
        assert_eq!(schedule.due(1), Duration::from_nanos(3_413_333));
        assert_eq!(schedule.due(75_000), Duration::from_secs(256));
        assert_eq!(schedule.due(75_000 * 3_600), Duration::from_secs(256 * 3_600));
        assert_eq!(Schedule::new(3, 1).due(10), Duration::from_nanos(3_333_333_333));
    }

    #[test]
    fn a_stall_shows_in_the_latency_of_every_request_that_was_due_in_it() {
        let start = Instant::now();
        let window = start..start + 10_000 * MS;
        let mut recorder = Recorder::new(start, window, 1_000 * MS);
        // One request each millisecond; all are answered at once until the tower stands still from 4 to 7 s.
        for number in 0..10_000u32 {
            let due = start + number * MS;
            let is_stalled = (4_000..7_000).contains(&number);
            let now = if is_stalled { start + 7_000 * MS } else { due + MS };
            recorder.answered(due, now, taken());
        }
        assert_eq!(recorder.stalls.count, 1);
        assert!((recorder.stalls.longest_s - 3.0).abs() < 0.01, "{:?}", recorder.stalls);
        let summary = recorder.latencies.summary();
        assert!(summary.p50_ms < 2.0, "{summary:?}");
        // 30 % of all requests waited, evenly between 0 and 3 s; the slowest 1 % of all more than 2.9 s.
        assert!((summary.p99_ms - 2_900.0).abs() < 10.0, "{summary:?}");
        assert!((summary.max_ms - 3_000.0).abs() < 5.0, "{summary:?}");
        assert_eq!((recorder.accepted, recorder.lsn), (100_000, 7));
    }

    #[test]
    fn a_slow_schedule_is_no_stall() {
        let start = Instant::now();
        let mut recorder = Recorder::new(start, start..start + 60_000 * MS, 1_000 * MS);
        for number in 1..10 {
            let due = start + number * 5_000 * MS;
            recorder.answered(due, due + 900 * MS, taken());
        }
        assert_eq!(recorder.stalls, Stalls::default());
    }

    #[test]
    fn the_warm_up_counts_for_completeness_only() {
        let start = Instant::now();
        let mut recorder = Recorder::new(start, start + 100 * MS..start + 200 * MS, 1_000 * MS);
        recorder.answered(start + 50 * MS, start + 99 * MS, taken());
        assert_eq!((recorder.events_in_window, recorder.latencies.0.len()), (0, 0));
        recorder.answered(start + 99 * MS, start + 100 * MS, taken());
        assert_eq!((recorder.events_in_window, recorder.latencies.0.len()), (10, 0));
        recorder.answered(start + 150 * MS, start + 250 * MS, taken());
        assert_eq!((recorder.events_in_window, recorder.latencies.0.len()), (10, 1));
        assert_eq!((recorder.accepted, recorder.requests_in_window), (30, 1));
    }
}
