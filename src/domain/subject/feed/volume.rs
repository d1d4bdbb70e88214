//! How much a source demands in a period, against what it usually does.
//!
//! Only what is sold or ordered counts: other events come in lumps by their nature. Periods are those in which the
//! SKU-locations see that demand; of a source with several lengths, the longest. A period is over when something comes
//! in a later one: until then nobody can tell a small period from an unfinished one.

use std::collections::VecDeque;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::domain::quantity::Quantity;
use crate::domain::time::{Day, Timestamp};

/// Periods remembered (of each weekday, where a period is a day).
const PERIODS_KEPT: usize = 26;
/// Periods from which a weekday's usual volume is believed.
const PERIODS_OF_A_WEEKDAY_MIN: usize = 3;
/// Periods without anything after which it begins anew.
const EMPTY_PERIODS_MAX: i32 = 60;
/// Robust standard deviations by which a volume must differ, beside its ratio: small sources double by chance.
const DEVIATIONS_MIN: f64 = 3.0;
/// Median absolute deviation to standard deviation, for normal noise.
const MAD_TO_SD: f64 = 1.4826;
/// 1970-01-04 was a Sunday: periods of seven days begin on Sundays.
const FIRST_SUNDAY: i32 = 3;

/// The demand of one source in periods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    period_days: u16,
    period: i32,
    current: Quantity,
    /// The running period had begun before its source was followed.
    is_partial: bool,
    /// By weekday where a period is a day, else one: the last volumes.
    closed: Vec<VecDeque<Quantity>>,
    /// Periods closed.
    periods: u32,
    last: Option<ClosedPeriod>,
}

/// The last period that is over, against what was usual before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClosedPeriod {
    pub from: Timestamp,
    pub until: Timestamp,
    pub volume: Quantity,
    /// Median; `None` if too little is known of such periods.
    pub usual: Option<Quantity>,
    /// Robust standard deviation of the volumes before it.
    pub deviation: f64,
    /// Periods known before it.
    pub periods: u32,
}

impl ClosedPeriod {
    /// Share of the usual volume, if that is known from at least `minimum` periods.
    pub fn ratio(&self, minimum: f64) -> Option<f64> {
        let usual = self.usual.filter(|usual| usual.is_positive())?;
        (f64::from(self.periods) >= minimum).then(|| self.volume.as_f64() / usual.as_f64())
    }

    /// More or less than usual.
    pub fn difference(&self) -> Quantity {
        let usual = self.usual.unwrap_or_default();
        Quantity::from_milli((self.volume - usual).milli().saturating_abs())
    }

    /// Whether it differs by more than such volumes do by chance.
    pub fn stands_out(&self) -> bool {
        self.difference().as_f64() >= DEVIATIONS_MIN * self.deviation
    }
}

impl Volume {
    /// Begins with the period of `at`.
    pub fn begin(at: Timestamp, period_days: u16, zone: &TimeZone) -> Volume {
        let period_days = period_days.max(1);
        Volume {
            period_days,
            period: period_of(at.day(zone), period_days),
            current: Quantity::ZERO,
            is_partial: true,
            closed: vec![VecDeque::new(); if period_days == 1 { 7 } else { 1 }],
            periods: 0,
            last: None,
        }
    }

    /// Adds what was demanded in events that were taken at `at`.
    pub fn add(&mut self, demand: Quantity, at: Timestamp, period_days: u16, zone: &TimeZone) {
        if period_days > self.period_days {
            *self = Volume::begin(at, period_days, zone);
        }
        let period = period_of(at.day(zone), self.period_days);
        if period.saturating_sub(self.period) > EMPTY_PERIODS_MAX {
            *self = Volume::begin(at, self.period_days, zone);
        }
        while self.period < period {
            self.close(zone);
        }
        self.current += demand;
    }

    /// The last period that is over; the first, of which only a part was seen, is none.
    pub fn last(&self) -> Option<&ClosedPeriod> {
        self.last.as_ref()
    }

    fn close(&mut self, zone: &TimeZone) {
        let from = first_day(self.period, self.period_days).start(zone);
        let until = first_day(self.period.saturating_add(1), self.period_days).start(zone);
        let volume = std::mem::take(&mut self.current);
        let of_weekday = self.period.rem_euclid(self.closed.len().max(1) as i32) as usize;
        self.period = self.period.saturating_add(1);
        if std::mem::take(&mut self.is_partial) {
            return;
        }
        let Some(known) = self.closed.get_mut(of_weekday) else { return };
        let usual = (known.len() >= PERIODS_OF_A_WEEKDAY_MIN).then(|| median(known.iter().copied()));
        let deviation = usual.map_or(0.0, |usual| {
            let away =
                known.iter().map(|known| Quantity::from_milli((*known - usual).milli().saturating_abs()));
            MAD_TO_SD * median(away).as_f64()
        });
        self.last = Some(ClosedPeriod { from, until, volume, usual, deviation, periods: self.periods });
        if known.len() >= PERIODS_KEPT {
            known.pop_front();
        }
        known.push_back(volume);
        self.periods = self.periods.saturating_add(1);
    }
}

fn period_of(day: Day, period_days: u16) -> i32 {
    day.0.saturating_sub(FIRST_SUNDAY).div_euclid(i32::from(period_days))
}

fn first_day(period: i32, period_days: u16) -> Day {
    Day(period.saturating_mul(i32::from(period_days)).saturating_add(FIRST_SUNDAY))
}

/// The upper one of two middle values; nothing of nothing.
fn median(values: impl Iterator<Item = Quantity>) -> Quantity {
    let mut values: Vec<Quantity> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::DAY;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_micros(day * DAY + DAY / 2)
    }

    fn add(volume: &mut Volume, at: i64, units: i64) {
        volume.add(Quantity::from_units(units), day(at), 1, &TimeZone::UTC);
    }

    #[test]
    fn weeks_begin_on_sundays_and_the_first_one_is_only_a_part() {
        let utc = TimeZone::UTC;
        // 1970-01-07 was a Wednesday; Sundays are days 3, 10, 17.
        let mut volume = Volume::begin(day(6), 7, &utc);
        volume.add(Quantity::from_units(5), day(6), 7, &utc);
        volume.add(Quantity::from_units(70), day(10), 7, &utc);
        assert_eq!(volume.last(), None);
        volume.add(Quantity::from_units(30), day(16), 7, &utc);
        volume.add(Quantity::from_units(1), day(17), 7, &utc);
        let closed = volume.last().unwrap();
        assert_eq!((closed.volume, closed.usual, closed.periods), (Quantity::from_units(100), None, 0));
        assert_eq!((closed.from.micros(), closed.until.micros()), (10 * DAY, 17 * DAY));
        // Days within a feed of weeks change nothing; weeks within a feed of days begin it anew.
        volume.add(Quantity::from_units(1), day(18), 1, &utc);
        assert_eq!(volume.period_days, 7);
        let mut daily = Volume::begin(day(6), 1, &utc);
        daily.add(Quantity::from_units(1), day(6), 7, &utc);
        assert_eq!((daily.period_days, daily.is_partial), (7, true));
    }

    #[test]
    fn each_weekday_has_its_own_usual_volume() {
        let mut volume = Volume::begin(day(0), 1, &TimeZone::UTC);
        // Day 3 and every seventh after it are Sundays, on which nothing comes.
        for at in (0..29).filter(|at| at % 7 != 3) {
            add(&mut volume, at, if at % 7 == 2 { 500 } else { 100 });
        }
        add(&mut volume, 30, 1);
        // The day before the last one is day 29, a Friday like day 1, 8, 15, 22.
        let friday = volume.last().unwrap();
        assert_eq!((friday.volume, friday.usual), (Quantity::ZERO, Some(Quantity::from_units(100))));
        assert_eq!(friday.ratio(8.0), Some(0.0));
        assert_eq!(friday.ratio(29.0), None, "the first day was only a part");
        add(&mut volume, 31, 1);
        let saturday = volume.last().unwrap();
        assert_eq!(saturday.usual, Some(Quantity::from_units(500)));
        add(&mut volume, 32, 1);
        let sunday = volume.last().unwrap();
        assert_eq!((sunday.usual, sunday.ratio(8.0)), (Some(Quantity::ZERO), None), "nothing is usual");
    }

    #[test]
    fn what_is_usual_is_the_median_and_noise_does_not_stand_out() {
        let mut volume = Volume::begin(day(3), 7, &TimeZone::UTC);
        let weeks = [1, 90, 110, 100, 300, 95, 105, 100, 210];
        for (week, units) in weeks.into_iter().enumerate() {
            volume.add(Quantity::from_units(units), day(3 + 7 * week as i64), 7, &TimeZone::UTC);
        }
        volume.add(Quantity::ZERO, day(3 + 7 * 9), 7, &TimeZone::UTC);
        let closed = volume.last().unwrap();
        // Of 90, 95, 100, 100, 105, 110, 300: the median is 100, its absolute deviations 0, 0, 5, 5, 10, 10, 200.
        assert_eq!((closed.usual, closed.periods), (Some(Quantity::from_units(100)), 7));
        assert!((closed.deviation - 7.413).abs() < 1e-9);
        assert_eq!(closed.ratio(7.0), Some(2.1));
        assert!(closed.stands_out());
        let noisy = ClosedPeriod { deviation: 40.0, ..closed.clone() };
        assert!(!noisy.stands_out());
    }

    #[test]
    fn after_a_long_silence_it_begins_anew() {
        let mut volume = Volume::begin(day(0), 1, &TimeZone::UTC);
        for at in 0..20 {
            add(&mut volume, at, 100);
        }
        add(&mut volume, 200, 100);
        assert_eq!((volume.last(), volume.periods), (None, 0));
    }
}
