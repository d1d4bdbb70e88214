//! Moments, days and lengths of time. Nothing here reads a clock.

use std::fmt;

use jiff::tz::TimeZone;
use serde::de::{self, Deserializer};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

/// A moment: microseconds since 1970-01-01T00:00:00Z. From outside only the years 0–9999.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Microseconds in a second, an hour, a day of 24 hours.
pub const SECOND: i64 = 1_000_000;
/// See [`SECOND`].
pub const HOUR: i64 = 3_600 * SECOND;
/// See [`SECOND`].
pub const DAY: i64 = 24 * HOUR;

impl Timestamp {
    /// 0000-01-01T00:00:00Z, the first moment taken from outside (offsets may reach a day before it).
    pub const MIN: Timestamp = Timestamp(-62_167_219_200 * SECOND);
    /// 9999-12-31T23:59:59.999999Z, the last.
    pub const MAX: Timestamp = Timestamp(253_402_300_800 * SECOND - 1);

    /// From microseconds since the Unix epoch; clamped to what a calendar date can show.
    pub fn from_micros(micros: i64) -> Timestamp {
        Timestamp(micros.clamp(Timestamp::MIN.0, Timestamp::MAX.0))
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This moment moved by `micros`, clamped to the calendar.
    pub fn plus(self, micros: i64) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_add(micros))
    }

    /// This moment moved by a fraction of days; not-a-number counts as none.
    pub fn plus_days(self, days: f64) -> Timestamp {
        self.plus((days * DAY as f64) as i64)
    }

    /// From `earlier` to this, in days of 24 hours.
    pub fn days_since(self, earlier: Timestamp) -> f64 {
        (self.0 - earlier.0) as f64 / DAY as f64
    }

    /// Reads RFC 3339 with offset.
    ///
    /// # Errors
    /// A sentence for people, if the text is anything else.
    pub fn parse(text: &str) -> Result<Timestamp, &'static str> {
        parse_rfc_3339(text.as_bytes())
            .ok_or("is not an RFC 3339 time with offset, such as 2026-03-01T12:00:00Z")
    }

    /// The local day on which this moment falls.
    pub fn day(self, zone: &TimeZone) -> Day {
        let offset = zone.to_offset(self.to_jiff()).seconds();
        Day((self.0 + i64::from(offset) * SECOND).div_euclid(DAY) as i32)
    }

    fn to_jiff(self) -> jiff::Timestamp {
        // Its last moment is some hours before ours; there only the zone's offset is asked of it.
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::MAX)
    }
}

/// Reads RFC 3339 by hand: the calendar library takes more forms than the RFC and ends a day before year 9999
/// does, and every event passes here.
fn parse_rfc_3339(bytes: &[u8]) -> Option<Timestamp> {
    let digits = |range: std::ops::Range<usize>| -> Option<i64> {
        bytes
            .get(range)?
            .iter()
            .try_fold(0, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
    };
    let is = |at: usize, any: &[u8]| bytes.get(at).is_some_and(|b| any.contains(b));
    if !(is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":")) || bytes.len() > 40 {
        return None;
    }
    let date = jiff::civil::Date::new(
        i16::try_from(digits(0..4)?).ok()?,
        i8::try_from(digits(5..7)?).ok()?,
        i8::try_from(digits(8..10)?).ok()?,
    )
    .ok()?;
    let (hour, minute, second) = (digits(11..13)?, digits(14..16)?, digits(17..19)?);
    // A leap second counts as the second after it.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut at = 19;
    let mut micros = 0;
    if is(at, b".") {
        let first = at + 1;
        at = first;
        let mut unit = 100_000;
        while let Some(b) = bytes.get(at).filter(|b| b.is_ascii_digit()) {
            micros += i64::from(b - b'0') * unit;
            unit /= 10;
            at += 1;
        }
        if at == first {
            return None;
        }
    }
    let offset = match bytes.get(at..)? {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (digits(at + 1..at + 3)?, digits(at + 4..at + 6)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 3_600 + minutes * 60) * if *sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    let days = i64::from(date.since(EPOCH).ok()?.get_days());
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    Some(Timestamp::from_micros(seconds * SECOND + micros))
}

/// Day 0.
const EPOCH: jiff::civil::Date = jiff::civil::date(1970, 1, 1);

fn date_of_day(day: i64) -> jiff::civil::Date {
    EPOCH.saturating_add(jiff::Span::new().days(day.clamp(-800_000, 2_932_896)))
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (day, within) = (self.0.div_euclid(DAY), self.0.rem_euclid(DAY));
        let (second, micros) = (within / SECOND, within % SECOND);
        write!(f, "{}T{:02}:{:02}:{:02}", date_of_day(day), second / 3_600, second / 60 % 60, second % 60)?;
        if micros != 0 {
            let fraction = format!("{micros:06}");
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl Serialize for Timestamp {
    /// RFC 3339 in UTC with `Z`; microseconds in formats that are not for reading.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_i64(self.micros());
        }
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Timestamp::from_micros);
        }
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Timestamp::parse(&text).map_err(de::Error::custom)
    }
}

/// A calendar day of some location: days since 1970-01-01 on its local calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(pub i32);

impl Day {
    /// The day that many days later.
    pub fn plus(self, days: i32) -> Day {
        Day(self.0.saturating_add(days))
    }

    /// The moment at which this day begins in `zone`.
    pub fn start(self, zone: &TimeZone) -> Timestamp {
        self.at_hour(0, zone)
    }

    /// The moment at which clocks in `zone` show that full hour of this day.
    pub fn at_hour(self, hour: u8, zone: &TimeZone) -> Timestamp {
        let local = i64::from(self.0) * DAY + i64::from(hour) * HOUR;
        // Local time in UTC is that time less the offset in force then; two steps settle offset changes.
        let mut at = Timestamp::from_micros(local);
        for _ in 0..2 {
            let offset = zone.to_offset(at.to_jiff()).seconds();
            at = Timestamp::from_micros(local - i64::from(offset) * SECOND);
        }
        at
    }
}

impl fmt::Display for Day {
    /// `YYYY-MM-DD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        date_of_day(i64::from(self.0)).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rfc_3339_only() {
        assert_eq!(Timestamp::parse("1970-01-01T01:00:00.000001+01:00"), Ok(Timestamp(1)));
        assert_eq!(Timestamp::parse("0000-01-01T00:00:00Z"), Ok(Timestamp::MIN));
        assert_eq!(Timestamp::parse("9999-12-31T23:59:59.999999Z"), Ok(Timestamp::MAX));
        for bad in [
            "",
            "2026-03-01",
            "2026-03-01T12:00:00",
            "2026-03-01T12:00Z",
            "2026-03-01T12:00:00Z[UTC]",
            "2026-02-30T12:00:00Z",
            "20260301T120000Z",
            "2026-03-01T12:00:00,5Z",
            "2026-03-01T12:00:00+0100",
            "2026-03-01T25:00:00Z",
            "ÄÄÄÄÄÄÄÄÄÄÄÄ",
            "-000001-01-01T00:00:00Z",
        ] {
            assert!(Timestamp::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn days_are_local() {
        let chicago = TimeZone::get("America/Chicago").unwrap();
        let moment = Timestamp::parse("2015-11-01T05:30:00Z").unwrap();
        assert_eq!(moment.day(&TimeZone::UTC).to_string(), "2015-11-01");
        assert_eq!(moment.day(&chicago).to_string(), "2015-11-01");
        assert_eq!(Timestamp::parse("2015-11-01T04:30:00Z").unwrap().day(&chicago).to_string(), "2015-10-31");
        // The clocks go back on this day: it begins under one offset and ends under the other.
        assert_eq!(moment.day(&chicago).start(&chicago).to_string(), "2015-11-01T05:00:00Z");
        assert_eq!(moment.day(&chicago).plus(1).start(&chicago).to_string(), "2015-11-02T06:00:00Z");
    }

    #[test]
    fn arithmetic_stays_within_the_calendar() {
        assert_eq!(Timestamp::MAX.plus(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.plus_days(-1e300), Timestamp::MIN);
        assert_eq!(Timestamp::MIN.to_string(), "0000-01-01T00:00:00Z");
    }
}
