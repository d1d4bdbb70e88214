//! Why an exception's own numbers are what they are: what it is worth, how much it is about, how urgent it is.
//!
//! Whoever asks has the exception assessed again, by the same code as when it was raised, with a [`Ledger`] in which that
//! code notes the amounts of money that it computes. Otherwise nothing is noted, and it costs nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::assessment::{Assessment, Description, URGENCY_WITHOUT_DEADLINE, urgency};
use super::{ExceptionItem, ExceptionType};
use crate::domain::explain::{Explanation, Input, Numbers};
use crate::domain::ids::{Lsn, Name};
use crate::domain::money::{Currency, Money};
use crate::domain::quantity::Quantity;
use crate::domain::reference::TenantReference;
use crate::domain::settings::Settings;
use crate::domain::time::{HOUR, Timestamp};

/// One amount of money with what it was computed from.
#[derive(Clone, Debug)]
pub struct Amount {
    pub name: &'static str,
    /// Over lists if several amounts of this name may be noted: they are explained together.
    pub formula: &'static str,
    pub value: Money,
    pub inputs: Vec<Input>,
}

/// Until when something could be decided, with what that was computed from.
#[derive(Clone, Debug)]
pub struct Deadline {
    pub decide_by: Timestamp,
    /// When it has to have arrived.
    pub needed_at: Timestamp,
    /// How long the fastest remedy takes, days.
    pub remedy_days: f64,
    /// What said so, as in [`Input::from`].
    pub from: &'static str,
    /// Where it comes from.
    pub about: String,
}

/// Where amounts and deadlines are noted.
#[derive(Debug, Default)]
pub struct Ledger {
    amounts: RefCell<Vec<Amount>>,
    deadlines: RefCell<Vec<Deadline>>,
}

impl Ledger {
    /// Notes one more amount.
    pub fn note(&self, amount: Amount) {
        self.amounts.borrow_mut().push(amount);
    }

    /// Notes one more deadline.
    pub fn note_deadline(&self, deadline: Deadline) {
        self.deadlines.borrow_mut().push(deadline);
    }

    /// Forgets all that was noted.
    pub fn clear(&self) {
        self.amounts.borrow_mut().clear();
        self.deadlines.borrow_mut().clear();
    }
}

/// The one exception that is asked about, among all that an entity judges.
pub struct Asked<'a> {
    pub kind: &'a ExceptionType,
    /// The part of the entity that it is about.
    pub of: &'a str,
    pub ledger: &'a Ledger,
    pub answer: Option<Box<Answer>>,
}

/// What is found of it now.
pub struct Answer {
    /// What it is worth by itself.
    pub own: Option<Money>,
    pub own_units: Option<Quantity>,
    /// What is grouped under it, if it is counted here.
    pub members: Option<Grouped>,
    /// What is grouped under the same is counted with that one.
    pub counted_with: Option<ExceptionType>,
    /// With what is grouped under it.
    pub assessment: Assessment,
    pub description: Description,
}

/// What the members of a cause have at risk together.
pub struct Grouped {
    pub count: usize,
    pub value: Option<Money>,
    pub units: Quantity,
    /// The one that has to be decided first, and until when.
    pub first_to_decide: Option<(Name, Timestamp)>,
    /// The earliest moment that the urgency of one of them is measured against.
    pub act_by: Option<Timestamp>,
}

/// The numbers of an exception as they are at a moment.
pub type Worth = BTreeMap<&'static str, Explanation>;

/// How the units came about, where that is a matter of a formula.
pub struct Units {
    pub formula: &'static str,
    pub inputs: Vec<Input>,
}

/// Explains what was found. The exception itself shows what was told last, which may be older.
pub fn explain(
    open: &ExceptionItem,
    answer: Box<Answer>,
    ledger: &Ledger,
    units: Option<Units>,
    settings: &Settings,
    now: Timestamp,
    version: Lsn,
) -> Worth {
    let Answer { own, own_units, members, counted_with, assessment, description } = *answer;
    let mut worth = Numbers::new(version);
    let mut put = |name, value, unit, formula, inputs, because| {
        worth.put(name, value, unit, formula, inputs).because = because;
    };
    let mut amounts: BTreeMap<&'static str, Amount> = BTreeMap::new();
    for Amount { name, formula, value, inputs } in ledger.amounts.take() {
        let nothing = Money::from_ten_thousandths(0, value.currency());
        let amount =
            amounts.entry(name).or_insert(Amount { name, formula, value: nothing, inputs: Vec::new() });
        let sum = amount.value.ten_thousandths().saturating_add(value.ten_thousandths());
        amount.value = Money::from_ten_thousandths(sum, value.currency());
        amount.inputs.extend(inputs);
    }
    let mut inputs = Vec::new();
    if let Some(own) = own {
        let noted =
            amounts.values().map(|amount| Input { from: amount.name.to_owned(), ..own_input(amount.value) });
        inputs.extend(noted);
        if inputs.is_empty() {
            // It was said before, and stands.
            inputs.push(own_input(own));
        }
    }
    let grouped = |name, value: f64| {
        let count = members.as_ref().map_or(0, |members| members.count);
        let about = format!("{count} exceptions that are grouped under it, of one place the most");
        Input::said(name, value, "event").about(about)
    };
    let members_value = members.as_ref().and_then(|members| members.value);
    inputs.extend(members_value.map(|sum| grouped("members", sum.as_f64())));
    let formula = match (own, members_value) {
        (_, None) => "sum(own)",
        (None, Some(_)) => "members",
        (Some(_), Some(_)) => "max(sum(own), members)",
    };
    let value = assessment.value_at_risk;
    let because = match value {
        None if counted_with.is_some() => counted_with
            .map(|other| format!("what is grouped under it is counted with the exception {other} of the same")),
        None => Some(
            "it has no value of its own, another exception of the same counts it, or a price, a cost or an exchange rate that it takes is not known"
                .to_owned(),
        ),
        value if value == open.value_at_risk => None,
        _ => Some(format!(
            "{} was told at {}; it is told again when it has moved by more than {} % or after {} minutes",
            open.value_at_risk.map_or_else(|| "nothing".to_owned(), |told| told.as_f64().to_string()),
            open.updated_at,
            settings.exceptions.update_value_change * 100.0,
            settings.exceptions.update_interval_minutes,
        )),
    };
    put("value_at_risk", value.map(Money::as_f64), "base currency", formula, inputs, because);
    if own.is_some() {
        for (name, amount) in amounts {
            put(name, Some(amount.value.as_f64()), "base currency", amount.formula, amount.inputs, None);
        }
    }
    if let Some(at_risk) = assessment.units_at_risk {
        let name = if members.is_some() { "own_units" } else { "units_at_risk" };
        if let Some(own) = own_units {
            let Units { formula, inputs } = units.unwrap_or_else(|| Units {
                formula: "units",
                inputs: vec![Input::said("units", own.as_f64(), "event")],
            });
            let because = Some(description.cause.clone()).filter(|_| formula == "units");
            put(name, Some(own.as_f64()), "units", formula, inputs, because);
        }
        if let Some(members) = &members {
            let own = own_units.map(|own| Input::number("own_units", own.as_f64()));
            let inputs = own.into_iter().chain([grouped("members", members.units.as_f64())]).collect();
            let formula = if own_units.is_some() { "max(own_units, members)" } else { "members" };
            put("units_at_risk", Some(at_risk.as_f64()), "units", formula, inputs, None);
        }
    }
    explain_decide_by(&mut worth, &description, members.as_ref(), &ledger.deadlines.take());
    let mut put = |name, value, unit, formula, inputs| {
        worth.put(name, value, unit, formula, inputs);
    };
    let (formula, inputs, value) = match description.act_by {
        None => {
            let fixed = f64::from(URGENCY_WITHOUT_DEADLINE);
            ("without_deadline", vec![Input::said("without_deadline", fixed, "default")], fixed)
        }
        Some(act_by) => {
            let case_hours = settings.exceptions.urgency_case_hours;
            let left = (act_by.micros() - now.micros()) as f64 / HOUR as f64;
            let inputs = vec![
                Input::said("case_hours", case_hours, "configuration"),
                hours_left(left, act_by, members.as_ref()),
            ];
            let formula = "round(100 * case_hours / (case_hours + max(0, hours_left)), 0)";
            (formula, inputs, f64::from(urgency(act_by, now, case_hours)))
        }
    };
    put("urgency", Some(value), "0 to 100", formula, inputs);
    worth.into_map()
}

/// The time left, and whether it is that of something grouped under the exception.
fn hours_left(left: f64, act_by: Timestamp, members: Option<&Grouped>) -> Input {
    let input = Input::said("hours_left", left, "model").at(Some(act_by));
    match members {
        Some(members) if members.act_by == Some(act_by) => {
            input.about(format!("the earliest of {} exceptions that are grouped under it", members.count))
        }
        _ => input,
    }
}

/// F45, from the deadline that was noted for what was told of the exception itself, and from what is grouped under it.
fn explain_decide_by(
    worth: &mut Numbers,
    description: &Description,
    members: Option<&Grouped>,
    noted: &[Deadline],
) {
    const OF_REMEDY: &str = "last_moment_to_order(needed, remedy_days)";
    let first_to_decide = members.and_then(|members| members.first_to_decide.as_ref());
    let mut put = |name, time: Option<Timestamp>, formula, inputs| {
        worth.put(name, None, "moment", formula, inputs).time = time;
    };
    let moment =
        |name, time, from: &str| Input { value: None, ..Input::said(name, 0.0, from) }.at(Some(time));
    // Without anything grouped under it, it is what was noted last; else it may be the others' and is one of several.
    let own = noted.last().filter(|own| description.decide_by.is_some_and(|by| by <= own.decide_by));
    let of_remedy = |own: &Deadline| {
        let days = Input::said("remedy_days", own.remedy_days, own.from).about(own.about.clone());
        vec![moment("needed", own.needed_at, "model"), days]
    };
    match (own, first_to_decide) {
        (None, None) => {
            let none = worth.put("decide_by", None, "moment", OF_REMEDY, Vec::new());
            none.because = Some("it has no deadline of its own, or nothing is known that would help in time: no lane, no source and no lead time by policy".to_owned());
        }
        (Some(own), None) => put("decide_by", Some(own.decide_by), OF_REMEDY, of_remedy(own)),
        (own, Some((first, by))) => {
            let mut inputs = vec![moment("deadline", *by, "event").about(format!("exception {first}"))];
            if let Some(own) = own {
                put("own_decide_by", Some(own.decide_by), OF_REMEDY, of_remedy(own));
                inputs.push(moment("deadline", own.decide_by, "own_decide_by"));
            }
            put("decide_by", description.decide_by, "earliest(deadline)", inputs);
        }
    }
}

fn own_input(value: Money) -> Input {
    Input::said("own", value.as_f64(), "event")
}

/// `rate` and `decimals`: one unit of that currency in the base currency, and the decimals of its minor unit.
pub fn exchange_inputs(
    tenant: Option<&TenantReference>,
    currency: Currency,
    base: Currency,
) -> impl Iterator<Item = Input> {
    let known = tenant.and_then(|tenant| tenant.rate(currency)).filter(|_| currency != base);
    let rate = Input::said("rate", known.unwrap_or(1.0), if known.is_some() { "event" } else { "default" });
    let decimals = Input::said("decimals", f64::from(base.minor_digits().min(4)), "default");
    [rate.about(format!("{} in {}", currency.as_str(), base.as_str())), decimals].into_iter()
}
