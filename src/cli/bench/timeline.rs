//! What an open-loop load measures, over time: answers by when their request was due, stalls, refusals and errors.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::recorder::{Latencies, LatencySummary};

/// Parts of the time that figures are told apart for.
const INTERVALS: u32 = 60;
/// Shortest part.
const INTERVAL_MIN: Duration = Duration::from_millis(100);
/// Stalls that are named one by one; more are only counted.
const STALLS_NAMED_MAX: usize = 50;

/// Times without any answer while requests were due.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StallList {
    /// Shorter times count as none.
    pub over_ms: u64,
    pub count: u64,
    pub longest_s: f64,
    pub total_s: f64,
    /// The first ones.
    pub named: Vec<Stall>,
}

/// One time without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stall {
    /// From the load's start on.
    pub from_s: f64,
    pub length_s: f64,
}

/// What went wrong on the way, by how often, with the first text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Errors {
    pub count: u64,
    pub first: Option<String>,
}

impl Errors {
    pub fn add(&mut self, text: impl FnOnce() -> String) {
        self.count += 1;
        self.first.get_or_insert_with(text);
    }
}

/// One part of the time.
#[derive(Clone, Debug, Default)]
struct Part {
    due: u64,
    answered_events: u64,
    refused: u64,
    errors: u64,
    latencies: Option<Box<Latencies>>,
    feed: Option<Box<Latencies>>,
    usage: Option<Sample>,
}

/// What the tower's process took during one part.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sample {
    pub cores: f64,
    pub resident_bytes: u64,
}

/// One part of the time, for people and programs. Latencies are of the requests that were due in it; answers are
/// counted when they came.
#[derive(Clone, Debug, Serialize)]
pub struct Interval {
    /// Its beginning, from the load's start on.
    pub at_s: f64,
    pub due_events_per_s: f64,
    pub answered_events_per_s: f64,
    pub latency: Option<LatencySummary>,
    pub feed: Option<LatencySummary>,
    pub refused: u64,
    pub errors: u64,
    pub server: Option<Sample>,
}

/// Records a load.
#[derive(Debug)]
pub struct Timeline {
    pub start: Instant,
    duration: Duration,
    interval: Duration,
    batch: u64,
    stall_min: Duration,
    /// When something begins that may disturb.
    disturbed_from: Option<Instant>,
    parts: Vec<Part>,
    last_heard: Instant,
    /// When the request was due that each connection has on its way.
    on_their_way: Vec<Option<Instant>>,
    pub latencies: Latencies,
    pub lateness: Latencies,
    /// Acknowledgements of requests due before and after the disturbance.
    pub before_and_after: [Latencies; 2],
    pub feed: Latencies,
    pub feed_before_and_after: [Latencies; 2],
    pub stalls: StallList,
    pub answered: u64,
    pub given_up: u64,
    pub refused: u64,
    pub refused_wait: Duration,
    pub errors: Errors,
    /// Answers that count an event not once.
    pub wrong: Errors,
    /// Events answered before the load's end.
    pub events_in_time: u64,
    /// Events sent for the first time and taken, once each.
    pub accepted: u64,
    /// Events sent again although they had been taken.
    pub repeated: u64,
    /// Events that answers called duplicates.
    pub known: u64,
    pub lsn: u64,
}

impl Timeline {
    /// For `connections` connections; gaps longer than `stall_min` count as stalls.
    pub fn new(
        start: Instant,
        duration: Duration,
        connections: usize,
        batch: usize,
        stall_min: Duration,
        disturbed_from: Option<f64>,
    ) -> Timeline {
        // Rounded up, so that no sliver is left after the last part.
        let interval = (duration / INTERVALS + Duration::from_nanos(1)).max(INTERVAL_MIN);
        let parts = duration.as_nanos().div_ceil(interval.as_nanos()).max(1) as usize;
        Timeline {
            start,
            duration,
            interval,
            batch: batch as u64,
            stall_min,
            disturbed_from: disturbed_from.map(|share| start + duration.mul_f64(share)),
            parts: vec![Part::default(); parts],
            last_heard: start,
            on_their_way: vec![None; connections],
            latencies: Latencies::default(),
            lateness: Latencies::default(),
            before_and_after: Default::default(),
            feed: Latencies::default(),
            feed_before_and_after: Default::default(),
            stalls: StallList { over_ms: stall_min.as_millis() as u64, ..StallList::default() },
            answered: 0,
            given_up: 0,
            refused: 0,
            refused_wait: Duration::ZERO,
            errors: Errors::default(),
            wrong: Errors::default(),
            events_in_time: 0,
            accepted: 0,
            repeated: 0,
            known: 0,
            lsn: 0,
        }
    }

    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// The part that a moment lies in; what is not later than the last request's due time is in one.
    fn part(&mut self, at: Instant) -> Option<&mut Part> {
        let passed = at.saturating_duration_since(self.start);
        let number = (passed.as_nanos() / self.interval.as_nanos()) as usize;
        let last = self.parts.len().checked_sub(1)?;
        self.parts.get_mut(number.min(last))
    }

    /// A connection takes the request that is due at `due`.
    pub fn began(&mut self, connection: usize, due: Instant) {
        if let Some(place) = self.on_their_way.get_mut(connection) {
            *place = Some(due);
        }
        if let Some(part) = self.part(due) {
            part.due += 1;
        }
    }

    /// How late a request was sent although its connection had waited for it.
    pub fn was_late(&mut self, by: Duration) {
        self.lateness.record(by);
    }

    /// The tower has answered something: until now nothing had come since the last answer.
    fn heard(&mut self, now: Instant) {
        self.silence_until(now);
        self.last_heard = now;
    }

    /// Nobody waited before the first of what is on its way was due.
    fn silence_until(&mut self, now: Instant) {
        let Some(first_due) = self.on_their_way.iter().flatten().min().copied() else { return };
        let from = self.last_heard.max(first_due);
        let length = now.saturating_duration_since(from);
        if length <= self.stall_min {
            return;
        }
        let stall = Stall { from_s: (from - self.start).as_secs_f64(), length_s: length.as_secs_f64() };
        self.stalls.count += 1;
        self.stalls.total_s += stall.length_s;
        self.stalls.longest_s = self.stalls.longest_s.max(stall.length_s);
        if self.stalls.named.len() < STALLS_NAMED_MAX {
            self.stalls.named.push(stall);
        }
    }

    /// All of a request was taken.
    pub fn taken(&mut self, connection: usize, due: Instant, now: Instant, lsn: u64) {
        self.heard(now);
        self.done(connection);
        self.answered += 1;
        self.lsn = self.lsn.max(lsn);
        // What came after the end belongs to no part of the time, least of all to the last one.
        if now < self.start + self.duration {
            let batch = self.batch;
            self.events_in_time += batch;
            if let Some(part) = self.part(now) {
                part.answered_events += batch;
            }
        }
        self.waited(due, now);
    }

    /// A request was refused, and is to be sent again after `pause`.
    pub fn was_refused(&mut self, now: Instant, pause: Duration) {
        self.heard(now);
        self.refused += 1;
        self.refused_wait += pause;
        if let Some(part) = self.part(now) {
            part.refused += 1;
        }
    }

    /// A connection broke, or an answer can't be used.
    pub fn failed(&mut self, now: Instant, text: impl FnOnce() -> String) {
        self.errors.add(text);
        if let Some(part) = self.part(now) {
            part.errors += 1;
        }
    }

    /// A request is given up, as long as it has waited.
    pub fn given_up(&mut self, connection: usize, due: Instant, now: Instant) {
        self.silence_until(now);
        self.done(connection);
        self.given_up += 1;
        self.waited(due, now);
    }

    fn done(&mut self, connection: usize) {
        if let Some(place) = self.on_their_way.get_mut(connection) {
            *place = None;
        }
    }

    fn waited(&mut self, due: Instant, now: Instant) {
        let latency = now.saturating_duration_since(due);
        self.latencies.record(latency);
        if let Some(from) = self.disturbed_from {
            self.before_and_after[usize::from(due >= from)].record(latency);
        }
        if let Some(part) = self.part(due) {
            part.latencies.get_or_insert_default().record(latency);
        }
    }

    /// The first frame about an event has come that was due at `due`.
    pub fn seen_on_feed(&mut self, due: Instant, now: Instant) {
        let latency = now.saturating_duration_since(due);
        self.feed.record(latency);
        if let Some(from) = self.disturbed_from {
            self.feed_before_and_after[usize::from(due >= from)].record(latency);
        }
        if let Some(part) = self.part(due) {
            part.feed.get_or_insert_default().record(latency);
        }
    }

    /// What the tower took lately.
    pub fn sampled(&mut self, at: Instant, sample: Sample) {
        if let Some(part) = self.part(at) {
            part.usage = Some(sample);
        }
    }

    /// Everything over time.
    pub fn intervals(&self) -> Vec<Interval> {
        let of_part = |(number, part): (usize, &Part)| {
            let from = self.interval * number as u32;
            // The last part may be shorter.
            let seconds = self.interval.min(self.duration.saturating_sub(from)).as_secs_f64().max(1e-3);
            Interval {
                at_s: from.as_secs_f64(),
                due_events_per_s: (part.due * self.batch) as f64 / seconds,
                answered_events_per_s: part.answered_events as f64 / seconds,
                latency: part.latencies.as_ref().map(|latencies| latencies.summary()),
                feed: part.feed.as_ref().map(|latencies| latencies.summary()),
                refused: part.refused,
                errors: part.errors,
                server: part.usage,
            }
        };
        self.parts.iter().enumerate().map(of_part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn timeline(start: Instant, connections: usize) -> Timeline {
        // Shortened by a hair so that parts are of a tenth of a second.
        Timeline::new(start, 6_000 * MS - Duration::from_nanos(60), connections, 2, 250 * MS, Some(0.5))
    }

    #[test]
    fn a_stall_runs_from_the_last_answer_to_the_next_one() {
        let start = Instant::now();
        let mut timeline = timeline(start, 2);
        timeline.began(0, start);
        timeline.taken(0, start, start + 5 * MS, 1);
        // Nothing is on its way for a second: no stall.
        timeline.began(0, start + 1_000 * MS);
        timeline.began(1, start + 1_100 * MS);
        // The later request is answered first; the stall began when the earlier one was due.
        timeline.taken(1, start + 1_100 * MS, start + 1_400 * MS, 2);
        timeline.taken(0, start + 1_000 * MS, start + 1_401 * MS, 3);
        assert_eq!((timeline.stalls.count, timeline.stalls.longest_s), (1, 0.4));
        assert_eq!(timeline.stalls.named, [Stall { from_s: 1.0, length_s: 0.4 }]);
    }

    #[test]
    fn there_are_as_many_parts_however_long_it_lasts() {
        let parts = |duration| Timeline::new(Instant::now(), duration, 1, 1, MS, None).intervals().len();
        assert_eq!([6_000 * MS, 20_000 * MS, 86_400_000 * MS].map(parts), [60; 3]);
        assert_eq!(parts(1_000 * MS), 10, "none shorter than a tenth of a second");
    }

    #[test]
    fn a_refusal_is_an_answer_and_giving_up_is_none() {
        let start = Instant::now();
        let mut timeline = timeline(start, 1);
        timeline.began(0, start);
        timeline.was_refused(start + 200 * MS, 1_000 * MS);
        timeline.was_refused(start + 400 * MS, 1_000 * MS);
        assert_eq!((timeline.stalls.count, timeline.refused), (0, 2));
        timeline.given_up(0, start, start + 1_000 * MS);
        assert_eq!((timeline.stalls.count, timeline.given_up), (1, 1));
        assert!(timeline.latencies.summary().max_ms >= 999.0, "what was given up has waited too");
    }

    #[test]
    fn latency_belongs_to_when_a_request_was_due_and_throughput_to_when_it_was_answered() {
        let start = Instant::now();
        let mut timeline = timeline(start, 1);
        timeline.began(0, start + 2_950 * MS);
        timeline.taken(0, start + 2_950 * MS, start + 3_050 * MS, 1);
        timeline.seen_on_feed(start + 3_000 * MS, start + 3_007 * MS);
        let intervals = timeline.intervals();
        assert_eq!(intervals.len(), 60);
        assert_eq!((intervals[29].due_events_per_s, intervals[29].answered_events_per_s), (20.0, 0.0));
        assert_eq!((intervals[30].due_events_per_s, intervals[30].answered_events_per_s), (0.0, 20.0));
        assert!(intervals[29].latency.is_some() && intervals[30].latency.is_none());
        timeline.began(0, start + 5_990 * MS);
        timeline.taken(0, start + 5_990 * MS, start + 6_500 * MS, 2);
        assert_eq!((timeline.answered, timeline.events_in_time), (2, 2), "answered, and too late");
        assert_eq!(timeline.intervals()[59].answered_events_per_s, 0.0);
        let counted = |latencies: &[Latencies; 2]| latencies.each_ref().map(|l| l.summary().max_ms.round());
        assert_eq!(counted(&timeline.before_and_after), [100.0, 510.0]);
        assert_eq!(counted(&timeline.feed_before_and_after), [0.0, 7.0]);
    }
}
