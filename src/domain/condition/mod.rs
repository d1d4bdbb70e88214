//! Conditions that a configuration or a subscriber states: a bounded part of the Common Expression Language (CEL).
//!
//! [`Condition::compile`] parses with the `cel` crate's parser and translates to a tree of its own, in which names are
//! indices and patterns are compiled; [`Condition::holds`] walks that tree. What differs from CEL is meant:
//!
//! - numbers of an item are doubles, and integers mix with doubles (`on_hand < 2 * reorder_point`);
//! - `null` is an unknown: an ordering comparison with it is false, arithmetic with it is null, a field of it is null,
//!   and as a truth value it is false. `==` and `!=` treat it as a value, so `owner == null` asks whether it is unknown;
//! - a field that an object does not have is null, `has()` tells the difference;
//! - of the macros there are `has`, `all`, `exists` and `exists_one`; a pattern for `matches` is a literal.
//!
//! Whatever the source and the values are: no panic, and no more work than the bounds allow.

use std::fmt;

mod compile;
mod evaluate;
mod value;

pub use value::{JsonVariables, Value, Variables};

/// What a condition may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConditionBounds {
    /// Bytes of the source, at most [`LENGTH_LIMIT`].
    pub length_max: usize,
    /// Levels of nesting: brackets, operators, selections; at most [`DEPTH_LIMIT`].
    pub depth_max: usize,
}

/// The longest source that any bounds can allow: the parser's recursion on a chain of operators is bounded by it.
pub const LENGTH_LIMIT: usize = 4_096;
/// The deepest nesting that any bounds can allow.
pub const DEPTH_LIMIT: usize = 64;

/// Steps of one evaluation: nodes visited, items of lists, and text looked at.
pub const STEPS_MAX: u32 = 20_000;

/// Why a source is no condition, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub detail: String,
}

impl fmt::Display for ConditionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}: {}", self.line, self.column, self.detail)
    }
}

impl std::error::Error for ConditionError {}

/// Why a condition has no answer for some values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EvaluationError(pub String);

/// A compiled condition.
#[derive(Debug)]
pub struct Condition {
    root: compile::Node,
}

impl Condition {
    /// Compiles `source`, in which `variables` are names; [`Variables::value`] is asked by their index.
    ///
    /// # Errors
    /// [`ConditionError`] with the place of the first mistake: too long or too deep, not CEL, a name that is not among
    /// `variables`, a function that does not exist, a pattern that is no regular expression.
    pub fn compile(
        source: &str,
        bounds: &ConditionBounds,
        variables: &[&str],
    ) -> Result<Condition, ConditionError> {
        compile::compile(source, bounds, variables).map(|root| Condition { root })
    }

    /// Whether it holds. A null result is false.
    ///
    /// # Errors
    /// If the result is no boolean, an operator does not apply to the values, an integer overflows, or the work
    /// exceeds [`STEPS_MAX`].
    pub fn holds(&self, variables: &dyn Variables) -> Result<bool, EvaluationError> {
        evaluate::holds(&self.root, variables)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
