//! Numbers with their formulas: `+ - * /`, parentheses, numbers, names of inputs, and these functions:
//! `min(a, b)`, `max(a, b)`, `round_up(a, pack)`, `short_probability(balance, sd)` = P(N(balance, sd) < 0) (F4), and
//! `units_short(balance, sd)` = E(max(0, −N(balance, sd))) (F5).

use crate::domain::approval_case::item::{Explained, ExplainedInput};
use crate::domain::ids::Name;

/// A number and how it came about.
pub fn explained(
    name: impl Into<String>,
    value: Option<f64>,
    unit: &str,
    formula: impl Into<String>,
    inputs: &[(&str, Option<f64>)],
) -> Explained {
    let input = |(name, value): &(&str, Option<f64>)| ExplainedInput {
        name: Name::from(*name),
        value: finite(*value),
    };
    Explained {
        name: Name::from(name.into()),
        value: finite(value),
        unit: Name::from(unit),
        formula: formula.into(),
        inputs: inputs.iter().map(input).collect(),
    }
}

/// A number that a text can carry.
fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}
