//! Computes the formulas of `…/why` from their inputs alone, as docs/why.md defines them. Written from that page and
//! from nothing of the product.

use std::collections::HashMap;

use serde_json::Value;

/// A list of numbers; a single number is a list of one.
type Numbers = Vec<f64>;

/// What `formula` gives over the inputs of an explanation: `Err` with a moment where the formula gives one.
pub fn evaluate(explanation: &Value) -> Result<f64, Option<i64>> {
    let formula = explanation["formula"].as_str().unwrap();
    let inputs = explanation["inputs"].as_array().unwrap();
    if formula.starts_with("first_shortage(") {
        return Err(first_shortage(inputs));
    }
    if formula == "working_time_after(placed, hours)" {
        return Err(hours_after(inputs));
    }
    if formula == "last_moment_to_order(needed, remedy_days)" {
        return Err(days_before(inputs));
    }
    if formula == "earliest(deadline)" {
        return Err(inputs.iter().map(micros).min());
    }
    let mut names: HashMap<String, Numbers> = HashMap::new();
    for input in inputs {
        let name = input["name"].as_str().unwrap().to_owned();
        names.entry(name).or_default().push(input["value"].as_f64().unwrap());
    }
    let mut parser = Parser { rest: formula, names: &names };
    let value = parser.sum();
    assert!(parser.rest.trim().is_empty(), "`{}` is left of `{formula}`", parser.rest);
    assert_eq!(value.len(), 1, "`{formula}` gives {value:?}");
    Ok(value[0])
}

fn first_shortage(inputs: &[Value]) -> Option<i64> {
    let named = |name: &str| -> Vec<&Value> { inputs.iter().filter(|input| input["name"] == name).collect() };
    let micros = |input: &Value| micros(input) as f64;
    let mut balance = named("start")[0]["value"].as_f64().unwrap();
    let (receipts, demand) = (named("receipts"), named("demand"));
    assert_eq!(receipts.len(), demand.len());
    for (receipt, demand) in receipts.iter().zip(&demand) {
        let (from, until) = (micros(receipt), micros(demand));
        let before = balance + receipt["value"].as_f64().unwrap();
        let demand = demand["value"].as_f64().unwrap();
        balance = before - demand;
        if balance < 0.0 {
            let share = if before <= 0.0 || demand <= 0.0 { 0.0 } else { before / demand };
            return Some((from + (until - from) * share) as i64);
        }
    }
    None
}

/// Without a calendar every hour counts.
fn hours_after(inputs: &[Value]) -> Option<i64> {
    let named = |name: &str| inputs.iter().find(|input| input["name"] == name);
    let placed_at: jiff::Timestamp = named("placed")?["time"].as_str().unwrap().parse().unwrap();
    let hours = named("hours").unwrap()["value"].as_f64().unwrap();
    Some(placed_at.as_microsecond() + (hours * 3.6e9) as i64)
}

/// Without a calendar orders are taken at any time.
fn days_before(inputs: &[Value]) -> Option<i64> {
    let named = |name: &str| inputs.iter().find(|input| input["name"] == name);
    let needed_at = micros(named("needed")?);
    let days = named("remedy_days").unwrap()["value"].as_f64().unwrap();
    Some(needed_at - (days * 86_400e6) as i64)
}

fn micros(input: &Value) -> i64 {
    input["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

struct Parser<'a> {
    rest: &'a str,
    names: &'a HashMap<String, Numbers>,
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.rest = &self.rest[wanted.len_utf8()..];
        }
        there
    }

    fn sum(&mut self) -> Numbers {
        let mut value = self.product();
        loop {
            if self.take('+') {
                value = each(&value, &self.product(), |a, b| a + b);
            } else if self.take('-') {
                value = each(&value, &self.product(), |a, b| a - b);
            } else {
                return value;
            }
        }
    }

    fn product(&mut self) -> Numbers {
        let mut value = self.atom();
        loop {
            if self.take('*') {
                value = each(&value, &self.atom(), |a, b| a * b);
            } else if self.take('/') {
                value = each(&value, &self.atom(), |a, b| a / b);
            } else {
                return value;
            }
        }
    }

    fn atom(&mut self) -> Numbers {
        if self.take('(') {
            let value = self.sum();
            assert!(self.take(')'));
            return value;
        }
        if self.take('-') {
            return self.atom().into_iter().map(|value| -value).collect();
        }
        self.peek();
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        if let Ok(number) = word.parse() {
            return vec![number];
        }
        if !self.take('(') {
            return self.names.get(word).cloned().unwrap_or_default();
        }
        let mut arguments = vec![self.sum()];
        while self.take(',') {
            arguments.push(self.sum());
        }
        assert!(self.take(')'), "after the arguments of {word}: `{}`", self.rest);
        apply(word, &arguments)
    }
}

fn each(a: &Numbers, b: &Numbers, f: impl Fn(f64, f64) -> f64) -> Numbers {
    match (a.len(), b.len()) {
        (1, _) => b.iter().map(|b| f(a[0], *b)).collect(),
        (_, 1) => a.iter().map(|a| f(*a, b[0])).collect(),
        (left, right) => {
            assert_eq!(left, right, "lists of different length");
            a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect()
        }
    }
}

fn apply(function: &str, arguments: &[Numbers]) -> Numbers {
    match (function, arguments) {
        ("sum", [list]) => vec![list.iter().sum()],
        ("count", [list]) => vec![list.len() as f64],
        ("max", [list]) => vec![list.iter().copied().reduce(f64::max).unwrap_or(0.0)],
        ("min", [list]) => vec![list.iter().copied().reduce(f64::min).unwrap_or(0.0)],
        ("max", [a, b]) => each(a, b, f64::max),
        ("min", [a, b]) => each(a, b, f64::min),
        ("quantile", [list, share]) => {
            let mut sorted = list.clone();
            sorted.sort_by(f64::total_cmp);
            let Some(last) = sorted.len().checked_sub(1) else { return vec![f64::NAN] };
            let place = share[0] * last as f64;
            let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            vec![below * (1.0 - place.fract()) + above * place.fract()]
        }
        ("round", [list, decimals]) => each(list, decimals, |value, decimals| {
            (value * 10f64.powf(decimals) + 0.5 + 1e-6).floor() / 10f64.powf(decimals)
        }),
        ("round_even", [list, decimals]) => each(list, decimals, |value, decimals| {
            let steps = value * 10f64.powf(decimals);
            let is_half = (steps - steps.floor() - 0.5).abs() < 1e-6;
            let rounded = if is_half { 2.0 * (steps / 2.0).round() } else { steps.round() };
            rounded / 10f64.powf(decimals)
        }),
        ("sqrt", [list]) => list.iter().map(|value| value.sqrt()).collect(),
        ("short_probability", [balance, deviation]) => each(balance, deviation, |balance, deviation| {
            if deviation > 0.0 { below_zero(balance / deviation) } else { f64::from(balance < 0.0) }
        }),
        ("units_short", [balance, deviation]) => each(balance, deviation, |balance, deviation| {
            if deviation <= 0.0 {
                return (-balance).max(0.0);
            }
            let x = balance / deviation;
            deviation * (density(x) - x * below_zero(x))
        }),
        _ => panic!("no function {function} of {} arguments", arguments.len()),
    }
}

fn density(x: f64) -> f64 {
    (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

/// P(N(0, 1) > x), by Simpson's rule from 0 to |x|.
fn below_zero(x: f64) -> f64 {
    let end = x.abs().min(12.0);
    let steps = 4_000;
    let width = end / f64::from(steps);
    let weight = |step: i32| match step {
        step if step == 0 || step == steps => 1.0,
        step if step % 2 == 1 => 4.0,
        _ => 2.0,
    };
    let area: f64 =
        (0..=steps).map(|step| weight(step) * density(f64::from(step) * width)).sum::<f64>() * width / 3.0;
    if x > 0.0 { 0.5 - area } else { 0.5 + area }
}
