//! Working time: deadlines count the hours in which somebody works, on that place's calendar and in its time zone.

use jiff::tz::TimeZone;

use super::event::CalendarDescribed;
use super::time::{Day, HOUR, Timestamp};

/// Days looked ahead for working time; a calendar without any in that span counts every hour instead.
const DAYS_AHEAD_MAX: i32 = 3_660;

/// When somebody works.
#[derive(Clone, Copy, Debug)]
pub struct WorkingTime<'a> {
    pub zone: &'a TimeZone,
    /// Working days and holidays; every day without one.
    pub calendar: Option<&'a CalendarDescribed>,
    /// Local hours of the day, from inclusive, until exclusive: 0 and 24 for the whole day.
    pub from_hour: u8,
    pub until_hour: u8,
}

impl WorkingTime<'_> {
    /// The moment at which `hours` of working time after `start` have passed.
    pub fn after(&self, start: Timestamp, hours: f64) -> Timestamp {
        let mut left = (hours.max(0.0) * HOUR as f64) as i64;
        let first = start.day(self.zone);
        for ahead in 0..DAYS_AHEAD_MAX {
            let day = first.plus(ahead);
            if !self.works_on(day) {
                continue;
            }
            let (from, until) = self.hours_of(day);
            let from = from.max(start);
            let available = (until.micros() - from.micros()).max(0);
            if available > 0 && left <= available {
                return from.plus(left);
            }
            left -= available;
        }
        start.plus((hours.max(0.0) * HOUR as f64) as i64)
    }

    fn works_on(&self, day: Day) -> bool {
        is_working_day(self.calendar, day)
    }

    fn hours_of(&self, day: Day) -> (Timestamp, Timestamp) {
        let start = day.start(self.zone);
        let end = day.plus(1).start(self.zone);
        if self.from_hour == 0 && self.until_hour >= 24 {
            return (start, end);
        }
        // Local hours; on a day on which the clocks change this is off by that hour.
        let at = |hour: u8| start.plus(i64::from(hour) * HOUR).min(end);
        (at(self.from_hour), at(self.until_hour))
    }
}

/// Whether the calendar has that day as a working day; without a calendar every day is one.
pub fn is_working_day(calendar: Option<&CalendarDescribed>, day: Day) -> bool {
    let Some(calendar) = calendar else { return true };
    let works = calendar.working_days.as_ref().is_none_or(|days| days.contains(&iso_weekday(day)));
    works && calendar.closed.binary_search(&day).is_err()
}

/// Monday is 1, Sunday 7. 1970-01-01 was a Thursday.
pub fn iso_weekday(day: Day) -> u8 {
    ((i64::from(day.0) + 3).rem_euclid(7) + 1) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Name;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn office(closed: &[&str]) -> CalendarDescribed {
        CalendarDescribed {
            calendar: Name::from("office"),
            working_days: Some(vec![1, 2, 3, 4, 5]),
            closed: closed.iter().map(|day| at(&format!("{day}T00:00:00Z")).day(&TimeZone::UTC)).collect(),
            order_days: None,
            cutoff: None,
        }
    }

    #[test]
    fn weekdays_are_those_of_iso_8601() {
        let weekday = |text: &str| iso_weekday(at(text).day(&TimeZone::UTC));
        assert_eq!(weekday("1970-01-01T00:00:00Z"), 4);
        assert_eq!(weekday("2026-11-22T12:00:00Z"), 7);
        assert_eq!(weekday("1969-12-29T12:00:00Z"), 1);
    }

    #[test]
    fn hours_count_where_somebody_works() {
        let calendar = office(&["2026-11-24"]);
        let time =
            WorkingTime { zone: &TimeZone::UTC, calendar: Some(&calendar), from_hour: 8, until_hour: 18 };
        // Friday 16:00, four hours: two on Friday, two on Monday morning.
        assert_eq!(time.after(at("2026-11-20T16:00:00Z"), 4.0), at("2026-11-23T10:00:00Z"));
        // Tuesday is closed.
        assert_eq!(time.after(at("2026-11-23T17:00:00Z"), 2.0), at("2026-11-25T09:00:00Z"));
        assert_eq!(time.after(at("2026-11-21T03:00:00Z"), 0.5), at("2026-11-23T08:30:00Z"));
    }

    #[test]
    fn without_a_calendar_every_hour_counts() {
        let time = WorkingTime { zone: &TimeZone::UTC, calendar: None, from_hour: 0, until_hour: 24 };
        assert_eq!(time.after(at("2026-11-20T16:00:00Z"), 30.0), at("2026-11-21T22:00:00Z"));
    }

    #[test]
    fn a_calendar_without_working_days_counts_every_hour() {
        let never = CalendarDescribed { working_days: Some(Vec::new()), ..office(&[]) };
        let time = WorkingTime { zone: &TimeZone::UTC, calendar: Some(&never), from_hour: 0, until_hour: 24 };
        assert_eq!(time.after(at("2026-11-20T16:00:00Z"), 1.0), at("2026-11-20T17:00:00Z"));
    }

    #[test]
    fn days_are_those_of_the_zone() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let calendar = office(&[]);
        let time = WorkingTime { zone: &zone, calendar: Some(&calendar), from_hour: 9, until_hour: 17 };
        // Saturday in UTC, still Friday 20:00 in New York: the next hour worked is Monday 9:00 there.
        assert_eq!(time.after(at("2026-11-21T01:00:00Z"), 1.0), at("2026-11-23T15:00:00Z"));
    }
}
