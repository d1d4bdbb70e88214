//! What the facts say about one kind of exception at one moment: whether its condition holds, how bad it is, and what is
//! told of it.

use std::borrow::Cow;

use super::group::CauseRef;
use super::{Evidence, ExceptionItem, ExceptionSubject, ExceptionWindow, Severity};
use crate::domain::money::Money;
use crate::domain::quantity::Quantity;
use crate::domain::settings::ExceptionSettings;
use crate::domain::time::{DAY, HOUR, Timestamp};

/// What the facts say about one kind of exception right now.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Past the threshold at which it is raised.
    Raised,
    /// Between the thresholds: one that is open stays, none is raised.
    Between,
    /// Past the threshold at which it clears, and why.
    Clear(Cow<'static, str>),
}

impl Condition {
    /// From a number that raises from `raise` upwards and clears at `clear` and below.
    pub fn above(value: f64, raise: f64, clear: f64, why: &'static str) -> Condition {
        if value >= raise {
            Condition::Raised
        } else if value <= clear {
            Condition::Clear(why.into())
        } else {
            Condition::Between
        }
    }

    /// Raised as long as it holds.
    pub fn holds(holds: bool, why_not: &'static str) -> Condition {
        if holds { Condition::Raised } else { Condition::Clear(why_not.into()) }
    }
}

/// How bad it is, as far as that is cheap to say: it is asked for whenever the exception is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    pub severity: Severity,
    /// In base currency; `None` if it is unknown.
    pub value_at_risk: Option<Money>,
    pub units_at_risk: Option<Quantity>,
    /// 0–1; rounded to four decimals, so that it stays the same through a text.
    pub confidence: Option<f64>,
    /// Another entity's exception that is behind it.
    pub cause: Option<CauseRef>,
}

/// What is told of it: asked for when it is told, and may be again.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    pub subject: ExceptionSubject,
    pub window: Option<ExceptionWindow>,
    /// The window ends so many days ahead, whenever that is said: its end alone is no news.
    pub ends_ahead: bool,
    /// The last moment at which the fastest feasible remedy still arrives in time.
    pub decide_by: Option<Timestamp>,
    /// What urgency is measured against; without one it is low.
    pub act_by: Option<Timestamp>,
    /// A sentence for people.
    pub cause: String,
    pub evidence: Vec<Evidence>,
}

/// Urgency where nothing runs out: low and fixed, below whatever has a deadline that is near.
pub const URGENCY_WITHOUT_DEADLINE: u8 = 10;

pub(super) const URGENCY_MAX: u8 = 100;
/// By how much urgency has to have moved to be told for that alone.
pub(super) const URGENCY_STEP: u8 = 5;

/// Whether it is worth telling at once: another severity, or a value that moved by more than `share`.
pub(super) fn differs_much(assessment: &Assessment, open: &ExceptionItem, share: f64) -> bool {
    let moved = |new: f64, old: f64| (new - old).abs() > share * old.abs();
    assessment.severity != open.severity
        || match (assessment.value_at_risk, open.value_at_risk) {
            (Some(new), Some(old)) => new.currency() != old.currency() || moved(new.as_f64(), old.as_f64()),
            (None, None) => {
                let units = |units: Option<Quantity>| units.unwrap_or_default().as_f64();
                moved(units(assessment.units_at_risk), units(open.units_at_risk))
            }
            _ => true,
        }
}

/// Severity by the value at risk alone; a value that nobody knows is not taken for a small one.
pub fn severity_by_value(settings: &ExceptionSettings, value: Option<Money>) -> Severity {
    let Some(value) = value else { return Severity::Medium };
    let value = value.as_f64();
    if value >= settings.severity_value_critical {
        Severity::Critical
    } else if value >= settings.severity_value_high {
        Severity::High
    } else if value >= settings.severity_value_medium {
        Severity::Medium
    } else {
        Severity::Low
    }
}

/// F46: 100 once it is late, and half of that when as much time is left as such a case takes; 0–100.
pub fn urgency(act_by: Timestamp, now: Timestamp, case_hours: f64) -> u8 {
    let hours_left = (act_by.micros() - now.micros()) as f64 / HOUR as f64;
    if hours_left <= 0.0 {
        return URGENCY_MAX;
    }
    // Not-a-number ends as 0, like everything below it.
    (100.0 * case_hours / (case_hours + hours_left)).round().clamp(0.0, 100.0) as u8
}

/// Whether it is told anew how urgent it is, whatever else is as it was.
pub(super) fn is_a_step(told: u8, now: u8) -> bool {
    told.abs_diff(now) >= URGENCY_STEP || (now == URGENCY_MAX && told != now)
}

/// Whether its deadline or its window has moved by a day or more. What only goes along with the present has not moved: an
/// order that nobody knows anything of is expected now, every day anew, and what looks so many days ahead does so every day.
pub(super) fn lies_elsewhere(description: &Description, open: &ExceptionItem, now: Timestamp) -> bool {
    let moved = |new: Option<Timestamp>, told: Option<Timestamp>| match (new, told) {
        (Some(new), Some(told)) => {
            (new > now || told > now) && new.micros().saturating_sub(told.micros()).saturating_abs() >= DAY
        }
        (Some(new), None) => new > now,
        (None, told) => told.is_some_and(|told| told > now),
    };
    let window = |window: Option<ExceptionWindow>| window.map_or((None, None), |it| (it.from, it.until));
    let ((from, until), (told_from, told_until)) = (window(description.window), window(open.window));
    moved(description.decide_by, open.decide_by)
        || moved(from, told_from)
        || !description.ends_ahead && moved(until, told_until)
}

/// Rounded to four decimals: a number in a journaled item stays the same through a text.
pub fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::exception::ExceptionType;
    use crate::domain::exception::testing::item;

    #[test]
    fn a_deadline_or_a_window_is_elsewhere_after_a_day_unless_only_the_present_went_on() {
        let at = |day: i64| Timestamp::from_micros(day * DAY);
        let now = at(12);
        let elsewhere = |ends_ahead: bool, told: [Option<i64>; 3], new: [Option<i64>; 3]| {
            let mut open = item("e", ExceptionType::OrderAtRisk);
            let window = |from: Option<i64>, until: Option<i64>| {
                Some(ExceptionWindow { from: from.map(at), until: until.map(at) })
            };
            (open.decide_by, open.window) = (told[0].map(at), window(told[1], told[2]));
            let description = Description {
                subject: ExceptionSubject::default(),
                window: window(new[1], new[2]),
                ends_ahead,
                decide_by: new[0].map(at),
                act_by: None,
                cause: String::new(),
                evidence: Vec::new(),
            };
            lies_elsewhere(&description, &open, now)
        };
        let told = [Some(13), Some(14), Some(30)];
        assert!(!elsewhere(false, told, told));
        for (new, what) in [
            ([Some(14), Some(14), Some(30)], "the deadline"),
            ([Some(13), Some(15), Some(30)], "the beginning"),
            ([Some(13), Some(14), Some(31)], "the end"),
            ([Some(13), Some(14), Some(12)], "the end, which is now"),
            ([None, Some(14), Some(30)], "there is no deadline any more"),
            ([Some(13), Some(14), None], "no end is known any more"),
        ] {
            assert!(elsewhere(false, told, new), "{what}");
        }
        // Expected yesterday, and today: nobody knows anything new.
        assert!(!elsewhere(false, [None, Some(9), Some(11)], [None, Some(9), Some(12)]));
        assert!(!elsewhere(false, [Some(10), Some(9), None], [Some(8), Some(9), None]));
        // Seven days ahead, yesterday and today.
        assert!(!elsewhere(true, [None, Some(9), Some(18)], [None, Some(9), Some(19)]));
        assert!(elsewhere(true, [None, Some(13), Some(18)], [None, Some(14), Some(19)]));
    }
}
