//! Explanations: each number with the formula and the inputs that it was computed from, so that whoever doubts it can
//! compute it again.
//!
//! A formula is arithmetic over the names of its inputs. A name that several inputs have is a list; operators go
//! through lists element by element, a single number standing beside each.
//!
//! | function | means |
//! |---|---|
//! | `sum(l)`, `count(l)`, `max(l)`, `min(l)` | of a list; of nothing 0 |
//! | `max(a, b)`, `min(a, b)` | element by element |
//! | `sqrt(x)` | square root |
//! | `round(x, d)`, `round_even(x, d)` | to `d` decimals: the nearest, halves upwards; the nearest, halves to the even one |
//! | `short_probability(b, s)` | P(N(b, s) < 0); for s = 0 it is 1 where b < 0, else 0 |
//! | `units_short(b, s)` | E(max(0, −N(b, s))); for s = 0 it is max(0, −b) |
//! | `quantile(l, q)` | the quantile of the list at the share `q`, linear between neighbours (Hyndman and Fan's type 7) |
//! | `working_time_after(t, h)` | the moment `h` hours after the time of `t`, counted in the supplier's calendar and time zone |
//! | `last_moment_to_order(t, d)` | the moment `d` days before the time of `t`, or where orders go by a calendar the last one up to then at which they are taken |
//! | `earliest(l)` | the earliest of the times of a list |
//! | `first_shortage(start, receipts, demand)` | the moment at which start + receipts − demand, summed day by day, falls below 0: within the day from `day_from` to `day_until` in proportion to its demand, receipts first; null if it does not |

use std::collections::BTreeMap;

use serde::Serialize;

use super::exception::ExceptionType;
use super::exception::kind::KindSettings;
use super::ids::{Lsn, Name};
use super::plain;
use super::time::Timestamp;

/// One number, explained.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The number itself; `None` if there is none, and `because` says why.
    #[serde(serialize_with = "plain::optional")]
    pub value: Option<f64>,
    /// The moment, where the number is one.
    pub time: Option<Timestamp>,
    pub unit: &'static str,
    /// Over the names of `inputs`.
    pub formula: &'static str,
    pub inputs: Vec<Input>,
    pub rule: Rule,
    /// A sentence about what the formula does not say.
    pub because: Option<String>,
}

/// Numbers by name, explained one after the other.
#[derive(Debug)]
pub struct Numbers {
    /// The record that last changed what they go by.
    version: Lsn,
    by_name: BTreeMap<&'static str, Explanation>,
}

impl Numbers {
    /// None yet.
    pub fn new(version: Lsn) -> Numbers {
        Numbers { version, by_name: BTreeMap::new() }
    }

    /// Explains one, by the rule of its name.
    pub fn put(
        &mut self,
        name: &'static str,
        value: Option<f64>,
        unit: &'static str,
        formula: &'static str,
        inputs: Vec<Input>,
    ) -> &mut Explanation {
        let rule = Rule { id: name, version: self.version };
        let explanation = Explanation { value, time: None, unit, formula, inputs, rule, because: None };
        self.by_name.entry(name).insert_entry(explanation).into_mut()
    }

    /// The one of that name.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Explanation> {
        self.by_name.get_mut(name)
    }

    /// All of them.
    pub fn into_map(self) -> BTreeMap<&'static str, Explanation> {
        self.by_name
    }
}

/// One input of a formula.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Input {
    pub name: &'static str,
    #[serde(serialize_with = "plain::optional")]
    pub value: Option<f64>,
    /// When it happened, or what moment it is about.
    pub time: Option<Timestamp>,
    /// What said it: `event`, `item`, `policy`, `sourcing`, `configuration`, `measured`, `supplier`, `lane`, `default`, `model`, `published`,
    /// `case`, or the name of another number that is explained beside this one.
    pub from: String,
    /// The document, line or source it belongs to.
    pub about: Option<String>,
    /// The record that told of it.
    pub event: Option<SourceEvent>,
}

/// An event as it stands in the journal; what is not known of it yet is filled in from there.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SourceEvent {
    pub source: Option<Name>,
    pub id: Option<Name>,
    #[serde(rename = "type")]
    pub event_type: Option<Name>,
    pub time: Option<Timestamp>,
    pub lsn: Lsn,
    /// Its record is no longer in the journal.
    pub trimmed: bool,
}

/// The rule that a number follows, and its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    pub id: &'static str,
    /// The record that last changed what it goes by (reference data and configuration).
    pub version: Lsn,
}

/// Why something did not happen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Absence {
    /// `exception.TYPE` or `order`.
    pub what: String,
    pub because: String,
    pub inputs: Vec<Input>,
}

impl Input {
    /// One that another number, explained beside this one, gives.
    pub fn number(name: &'static str, value: f64) -> Input {
        Input { name, value: Some(value), time: None, from: name.to_owned(), about: None, event: None }
    }

    /// One that something other than an event said.
    pub fn said(name: &'static str, value: f64, from: &str) -> Input {
        Input { name, value: Some(value), time: None, from: from.to_owned(), about: None, event: None }
    }

    /// One that an event told of.
    pub fn told(name: &'static str, value: f64, lsn: Option<Lsn>) -> Input {
        let event = lsn.map(|lsn| SourceEvent { lsn, ..SourceEvent::default() });
        Input { name, value: Some(value), time: None, from: "event".to_owned(), about: None, event }
    }

    /// With the moment it is about.
    pub fn at(mut self, time: Option<Timestamp>) -> Input {
        self.time = time;
        self
    }

    /// With what it belongs to.
    pub fn about(mut self, about: String) -> Input {
        self.about = Some(about);
        self
    }
}

/// The thresholds of a kind of exception, as far as it has them.
pub fn threshold_inputs(kind: &ExceptionType, settings: &KindSettings) -> Vec<Input> {
    let definition = kind.definition();
    let named = [
        ("raise", definition.raise, settings.raise),
        ("clear", definition.clear, settings.clear),
        ("minimum", definition.minimum, settings.minimum),
        ("days", definition.days, settings.days),
    ];
    let known = named.into_iter().filter_map(|(name, threshold, value)| {
        let unit = threshold?.unit;
        Some(Input::said(name, value, "configuration").about(unit.to_owned()))
    });
    known.collect()
}
