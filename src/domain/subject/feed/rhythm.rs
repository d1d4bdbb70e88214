//! When a source usually sends, and from when on its silence is too long.
//!
//! Learned simply and robustly: the median of the last gaps between events, and for each hour of the week whether
//! anything came in it lately. Hours in which nothing ever comes don't count as silence.

use std::collections::VecDeque;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::domain::exception::kind::KindSettings;
use crate::domain::time::{DAY, HOUR, SECOND, Timestamp};

/// Gaps remembered.
const GAPS_KEPT: usize = 64;
/// Gaps from which the usual one is believed.
const GAPS_MIN: usize = 3;
/// Events closer together than that are told together: shorter gaps can't be seen.
const GAP_MIN: i64 = 60 * SECOND;
/// Hours that are known only as hours: the last one before silence and the first one after it are worth nothing.
const SILENT_HOURS_MIN: i64 = 2 * HOUR;
const HOURS_OF_WEEK: i64 = 168;
/// Weeks that an hour is remembered, in the low bits of its byte.
const WEEKS_KEPT: u8 = 4;
const WEEKS_MASK: u8 = (1 << WEEKS_KEPT) - 1;
/// Hours looked ahead for the end of patience.
const HOURS_AHEAD_MAX: i64 = 9 * HOURS_OF_WEEK;

/// The cadence of one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rhythm {
    first_at: Timestamp,
    last_at: Timestamp,
    /// Microseconds, oldest first.
    gaps: VecDeque<i64>,
    /// By hour of the week: for each of the last weeks a bit whether anything came, and above them how many weeks.
    hours: Vec<u8>,
    /// The local hour of the last event, counted from the first one of 1970-01-01.
    hour: i64,
}

impl Rhythm {
    /// Begins with what came in so many minutes from a moment until `at`.
    pub fn begin(at: Timestamp, begun: Option<(Timestamp, u32)>, zone: &TimeZone) -> Rhythm {
        let (since, minutes) = begun.unwrap_or((at, 1));
        let mut rhythm = Rhythm {
            first_at: since,
            last_at: at,
            gaps: VecDeque::new(),
            hours: vec![0; HOURS_OF_WEEK as usize],
            hour: local_hour(at, zone),
        };
        rhythm.mark(rhythm.hour, true);
        let gaps = i64::from(minutes.max(1) - 1);
        if gaps > 0 {
            // Nothing is known of each: the mean stands for all.
            let gap = ((at.micros() - since.micros()) / gaps).max(GAP_MIN);
            rhythm.gaps.extend((0..gaps.min(GAPS_KEPT as i64 / 4)).map(|_| gap));
        }
        rhythm
    }

    /// Takes that something came.
    pub fn note(&mut self, at: Timestamp, zone: &TimeZone) {
        let gap = at.micros() - self.last_at.micros();
        if gap >= GAP_MIN {
            if self.gaps.len() >= GAPS_KEPT {
                self.gaps.pop_front();
            }
            self.gaps.push_back(gap);
        }
        let hour = local_hour(at, zone);
        if hour - self.hour > HOURS_OF_WEEK * i64::from(WEEKS_KEPT) {
            self.hours.fill(0);
            self.hour = hour - 1;
        }
        for silent in self.hour + 1..hour {
            self.mark(silent, false);
        }
        if hour > self.hour {
            self.mark(hour, true);
            self.hour = hour;
        }
        self.last_at = self.last_at.max(at);
    }

    pub fn last_at(&self) -> Timestamp {
        self.last_at
    }

    /// The median gap; `None` as long as too few are known.
    pub fn usual_gap(&self) -> Option<i64> {
        if self.gaps.len() < GAPS_MIN {
            return None;
        }
        let mut gaps: Vec<i64> = self.gaps.iter().copied().collect();
        gaps.sort_unstable();
        gaps.get(gaps.len() / 2).copied()
    }

    /// The moment from which on the silence is too long: `raise` usual gaps, without the hours in which nothing usually
    /// comes, and at least `days`; a whole day until one was seen.
    pub fn patience_until(&self, settings: &KindSettings) -> Option<Timestamp> {
        let usual = self.usual_gap()?;
        let mut left = ((usual as f64 * settings.raise) as i64).max(SILENT_HOURS_MIN);
        let expected = self.expected_hours(usual / HOUR);
        let mut at = self.last_at;
        for ahead in 0..HOURS_AHEAD_MAX {
            let slot = (self.hour + ahead).rem_euclid(HOURS_OF_WEEK) as usize;
            let rest_of_hour = HOUR - at.micros().rem_euclid(HOUR);
            if expected.get(slot).copied().unwrap_or(true) {
                if left <= rest_of_hour {
                    at = at.plus(left);
                    break;
                }
                left -= rest_of_hour;
            }
            at = at.plus(rest_of_hour);
        }
        let has_seen_a_day = self.last_at.micros() - self.first_at.micros() >= DAY;
        let days = if has_seen_a_day { settings.days } else { settings.days.max(1.0) };
        Some(at.max(self.last_at.plus_days(days)))
    }

    /// The hours of the week in which something may be expected: within `reach` hours of one in which something came.
    fn expected_hours(&self, reach: i64) -> Vec<bool> {
        let comes: Vec<bool> = (0..HOURS_OF_WEEK).map(|hour| self.comes_in(hour)).collect();
        (0..HOURS_OF_WEEK)
            .map(|hour| {
                reach >= 24
                    || (hour - reach..=hour + reach)
                        .any(|near| comes[near.rem_euclid(HOURS_OF_WEEK) as usize])
            })
            .collect()
    }

    /// Whether anything came in that hour of the week lately; of one that was not seen yet, in that hour of other days.
    fn comes_in(&self, hour: i64) -> bool {
        let known = |hour: i64| {
            let byte = self.hours[hour.rem_euclid(HOURS_OF_WEEK) as usize];
            (byte >> WEEKS_KEPT > 0).then_some(byte & WEEKS_MASK != 0)
        };
        known(hour).unwrap_or_else(|| {
            let mut others = (1..7).filter_map(|days| known(hour + 24 * days)).peekable();
            others.peek().is_none() || others.any(|comes| comes)
        })
    }

    fn mark(&mut self, hour: i64, came: bool) {
        let byte = &mut self.hours[hour.rem_euclid(HOURS_OF_WEEK) as usize];
        let weeks = ((*byte & WEEKS_MASK) << 1 | u8::from(came)) & WEEKS_MASK;
        let seen = (*byte >> WEEKS_KEPT).saturating_add(1).min(WEEKS_KEPT);
        *byte = seen << WEEKS_KEPT | weeks;
    }
}

/// The hour on the local clock, counted through; on a day of 25 hours the last two are one.
fn local_hour(at: Timestamp, zone: &TimeZone) -> i64 {
    let day = at.day(zone);
    let within = (at.micros() - day.start(zone).micros()) / HOUR;
    i64::from(day.0) * 24 + within.clamp(0, 23)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::exception::ExceptionType;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn patience(rhythm: &Rhythm) -> Option<String> {
        rhythm.patience_until(&KindSettings::of(&ExceptionType::FeedStale)).map(|at| at.to_string())
    }

    #[test]
    fn an_even_cadence_is_missed_after_four_gaps() {
        let utc = TimeZone::UTC;
        // Twenty events, one each two hours: from 00:00 to 14:00 of the next day.
        let mut rhythm =
            Rhythm::begin(at("2026-03-03T14:00:00Z"), Some((at("2026-03-02T00:00:00Z"), 20)), &utc);
        assert_eq!(rhythm.usual_gap(), Some(2 * HOUR));
        assert_eq!(patience(&rhythm).as_deref(), Some("2026-03-03T22:00:00Z"));
        rhythm.note(at("2026-03-03T16:00:00Z"), &utc);
        assert_eq!(patience(&rhythm).as_deref(), Some("2026-03-04T00:00:00Z"));
    }

    #[test]
    fn a_burst_says_nothing_of_a_cadence() {
        let start = at("2026-03-02T00:00:00Z");
        let mut rhythm = Rhythm::begin(start, Some((start, 1)), &TimeZone::UTC);
        assert_eq!(patience(&rhythm), None);
        for day in 1..=3 {
            rhythm.note(start.plus(day * DAY), &TimeZone::UTC);
        }
        // A day each: four days of silence.
        assert_eq!(patience(&rhythm).as_deref(), Some("2026-03-09T00:00:00Z"));
    }

    #[test]
    fn before_a_day_was_seen_a_day_of_silence_is_too_long() {
        let rhythm =
            Rhythm::begin(at("2026-03-02T10:19:00Z"), Some((at("2026-03-02T10:00:00Z"), 20)), &TimeZone::UTC);
        assert_eq!(patience(&rhythm).as_deref(), Some("2026-03-03T10:19:00Z"));
    }

    /// Every ten minutes from 7:00 to 21:50 New York time, Monday to Saturday.
    fn shop(weeks: i64) -> Rhythm {
        let zone = TimeZone::get("America/New_York").unwrap();
        let monday = at("2026-06-01T04:00:00Z");
        let mut rhythm = Rhythm::begin(monday.plus(7 * HOUR), None, &zone);
        for day in (0..weeks * 7).filter(|day| day % 7 != 6) {
            for tick in 42..132 {
                rhythm.note(monday.plus(day * DAY + tick * HOUR / 6), &zone);
            }
        }
        rhythm
    }

    #[test]
    fn nights_and_sundays_are_no_silence_and_mondays_are() {
        let rhythm = shop(2);
        assert_eq!(rhythm.usual_gap(), Some(HOUR / 6));
        // Last heard of on Saturday 21:50. Ten minutes are left of that hour, and Monday opens at 7:00 (11:00 UTC):
        // two hours are over at 8:50.
        assert_eq!(rhythm.last_at(), at("2026-06-14T01:50:00Z"));
        assert_eq!(patience(&rhythm).as_deref(), Some("2026-06-15T12:50:00Z"));
    }

    #[test]
    fn in_the_middle_of_the_day_six_hours_are_too_long() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let mut rhythm = shop(2);
        let monday = at("2026-06-15T04:00:00Z");
        for tick in 42..60 {
            rhythm.note(monday.plus(tick * HOUR / 6), &zone);
        }
        // Last at 9:50, so 15:50.
        assert_eq!(patience(&rhythm).as_deref(), Some("2026-06-15T19:50:00Z"));
    }

    #[test]
    fn what_was_silent_for_months_begins_anew() {
        let mut rhythm = shop(2);
        rhythm.note(at("2026-12-01T12:00:00Z"), &TimeZone::UTC);
        assert_eq!(rhythm.hours.iter().filter(|hour| **hour > 0).count(), 1);
    }
}
