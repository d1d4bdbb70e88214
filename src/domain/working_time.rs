//! Working time: deadlines count the hours in which somebody works, on that place's calendar and in its time zone.

use jiff::tz::TimeZone;

use super::event::CalendarDescribed;
use super::time::{Day, HOUR, SECOND, Timestamp};

/// Days looked ahead for working time; a calendar without any in that span counts every hour instead.
const DAYS_AHEAD_MAX: i32 = 3_660;
/// Days looked back for one on which orders are taken.
const ORDER_DAYS_BACK_MAX: i32 = 366;

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
        let at = |hour: u8| match hour {
            0 => day.start(self.zone),
            24.. => day.plus(1).start(self.zone),
            hour => day.at_hour(hour, self.zone),
        };
        (at(self.from_hour), at(self.until_hour))
    }
}

/// Whether the calendar has that day as a working day; without a calendar every day is one.
pub fn is_working_day(calendar: Option<&CalendarDescribed>, day: Day) -> bool {
    let Some(calendar) = calendar else { return true };
    let works = calendar.working_days.as_ref().is_none_or(|days| days.contains(&iso_weekday(day)));
    works && calendar.closed.binary_search(&day).is_err()
}

/// The last moment up to `latest` at which the calendar takes an order: on its order days (its working days if it names
/// none) before the cutoff. `latest` itself without a calendar, or if there is no such moment in the year before.
pub fn last_moment_to_order(
    calendar: Option<&CalendarDescribed>,
    zone: &TimeZone,
    latest: Timestamp,
) -> Timestamp {
    let Some(calendar) = calendar else { return latest };
    let cutoff = calendar.cutoff.as_deref().and_then(time_of_day);
    let last_day = latest.day(zone);
    for ago in 0..ORDER_DAYS_BACK_MAX {
        let day = last_day.plus(-ago);
        let takes_orders = match &calendar.order_days {
            Some(days) => days.contains(&iso_weekday(day)) && calendar.closed.binary_search(&day).is_err(),
            None => is_working_day(Some(calendar), day),
        };
        if !takes_orders {
            continue;
        }
        let moment = match cutoff {
            // On a day on which the clocks change this is off by that hour.
            Some(cutoff) => day.start(zone).plus(cutoff),
            None => day.plus(1).start(zone).min(latest),
        };
        if moment <= latest {
            return moment;
        }
    }
    latest
}

/// Microseconds since midnight of `HH:MM`.
fn time_of_day(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    ((0..=24).contains(&hours) && (0..60).contains(&minutes)).then(|| hours * HOUR + minutes * 60 * SECOND)
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
    fn an_order_goes_out_before_the_last_cutoff() {
        let last = |calendar: &CalendarDescribed, latest: &str| {
            last_moment_to_order(Some(calendar), &TimeZone::UTC, at(latest)).to_string()
        };
        let cutoff = CalendarDescribed { cutoff: Some("14:30".into()), ..office(&["2026-11-20"]) };
        // Monday morning: Friday is closed, so Thursday.
        assert_eq!(last(&cutoff, "2026-11-23T09:00:00Z"), at("2026-11-19T14:30:00Z").to_string());
        assert_eq!(last(&cutoff, "2026-11-23T14:30:00Z"), at("2026-11-23T14:30:00Z").to_string());
        let mondays = CalendarDescribed { order_days: Some(vec![1]), ..cutoff.clone() };
        assert_eq!(last(&mondays, "2026-11-20T09:00:00Z"), at("2026-11-16T14:30:00Z").to_string());
        // Without a cutoff the whole day will do.
        assert_eq!(last(&office(&[]), "2026-11-20T09:00:00Z"), at("2026-11-20T09:00:00Z").to_string());
        assert_eq!(last(&office(&[]), "2026-11-22T09:00:00Z"), at("2026-11-21T00:00:00Z").to_string());
        let never = CalendarDescribed { order_days: Some(Vec::new()), ..cutoff };
        assert_eq!(last(&never, "2026-11-20T09:00:00Z"), at("2026-11-20T09:00:00Z").to_string());
        assert_eq!(
            last_moment_to_order(None, &TimeZone::UTC, at("2026-11-22T09:00:00Z")),
            at("2026-11-22T09:00:00Z")
        );
    }

    #[test]
    fn local_hours_stay_what_they_are_when_the_clocks_change() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let time = WorkingTime { zone: &zone, calendar: None, from_hour: 8, until_hour: 16 };
        // In winter 8:00 is 7:00 UTC, in summer 6:00 UTC; on 2026-03-29 and 2026-10-25 the clocks change at night.
        for (day, begins) in [
            ("2026-03-28", "2026-03-28T07:00:00Z"),
            ("2026-03-29", "2026-03-29T06:00:00Z"),
            ("2026-10-24", "2026-10-24T06:00:00Z"),
            ("2026-10-25", "2026-10-25T07:00:00Z"),
        ] {
            let early = at(&format!("{day}T02:30:00Z"));
            assert_eq!(time.after(early, 0.0), at(begins), "{day}");
            assert_eq!(time.after(early, 8.0), at(begins).plus(8 * HOUR), "{day}");
        }
        // Round the clock, the day has 23 or 25 hours, and hours are hours all the same.
        let always = WorkingTime { zone: &zone, calendar: None, from_hour: 0, until_hour: 24 };
        assert_eq!(always.after(at("2026-03-28T12:00:00Z"), 48.0), at("2026-03-30T12:00:00Z"));
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
