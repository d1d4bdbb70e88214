//! Evaluation of a compiled condition.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::compile::{Binary, Function, Node, Quantifier};
use super::value::{Value, Variables};
use super::{EvaluationError, STEPS_MAX};
use crate::domain::time::{HOUR, SECOND, Timestamp};

/// Bytes of text that a pattern is tried on.
const MATCHED_BYTES_MAX: usize = 4_096;

pub(super) fn holds(root: &Node, variables: &dyn Variables) -> Result<bool, EvaluationError> {
    let mut evaluation = Evaluation { variables, locals: Vec::new(), steps_left: STEPS_MAX };
    evaluation.truth(root)
}

struct Evaluation<'a> {
    variables: &'a dyn Variables,
    locals: Vec<Value<'a>>,
    steps_left: u32,
}

fn failed(detail: impl Into<String>) -> EvaluationError {
    EvaluationError(detail.into())
}

impl<'a> Evaluation<'a> {
    fn spend(&mut self, steps: usize) -> Result<(), EvaluationError> {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        self.steps_left = self
            .steps_left
            .checked_sub(steps)
            .ok_or_else(|| failed(format!("more than {STEPS_MAX} steps of work")))?;
        Ok(())
    }

    fn truth(&mut self, node: &'a Node) -> Result<bool, EvaluationError> {
        match self.value(node)? {
            Value::Bool(value) => Ok(value),
            Value::Null => Ok(false),
            other => Err(failed(format!("{} is neither true nor false", other.kind()))),
        }
    }

    fn value(&mut self, node: &'a Node) -> Result<Value<'a>, EvaluationError> {
        self.spend(1)?;
        Ok(match node {
            Node::Constant(value) => borrowed(value),
            Node::Variable { index, name } => self.variables.value(*index, name),
            Node::Local(local) => self.locals.get(*local).cloned().unwrap_or(Value::Null),
            Node::Select { operand, field, test } => {
                let operand = self.value(operand)?;
                let found = match &operand {
                    Value::Object(fields) => fields.get(field.as_ref()),
                    Value::Null => None,
                    other => return Err(failed(format!("{} has no field {field}", other.kind()))),
                };
                if *test {
                    Value::Bool(found.is_some_and(|value| !value.is_null()))
                } else {
                    found.map_or(Value::Null, Value::of_json)
                }
            }
            Node::Not(operand) => Value::Bool(!self.truth(operand)?),
            Node::Negate(operand) => match self.value(operand)? {
                Value::Null => Value::Null,
                Value::Integer(value) => Value::Integer(value.checked_neg().ok_or_else(overflow)?),
                Value::Double(value) => Value::Double(-value),
                Value::Duration(value) => Value::Duration(value.checked_neg().ok_or_else(overflow)?),
                other => return Err(failed(format!("- does not apply to {}", other.kind()))),
            },
            // As CEL has it: an operand that fails does not matter where the other one decides.
            Node::And(left, right) => Value::Bool(match self.truth(left) {
                Ok(false) => false,
                Ok(true) => self.truth(right)?,
                Err(error) => match self.truth(right) {
                    Ok(false) => false,
                    _ => return Err(error),
                },
            }),
            Node::Or(left, right) => Value::Bool(match self.truth(left) {
                Ok(true) => true,
                Ok(false) => self.truth(right)?,
                Err(error) => match self.truth(right) {
                    Ok(true) => true,
                    _ => return Err(error),
                },
            }),
            Node::Conditional(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                if self.truth(condition)? { self.value(then)? } else { self.value(otherwise)? }
            }
            Node::Binary(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.binary(*operator, left, right)?
            }
            Node::List(items) => {
                let items: Result<Vec<_>, _> = items.iter().map(|item| self.value(item)).collect();
                Value::List(items?.into())
            }
            Node::Quantified { quantifier, list, predicate } => {
                let list = self.value(list)?;
                Value::Bool(self.quantified(*quantifier, &list, predicate)?)
            }
            Node::Matches { text, pattern } => match self.value(text)? {
                Value::Null => Value::Bool(false),
                Value::Text(text) if text.len() > MATCHED_BYTES_MAX => {
                    return Err(failed(format!("text of {} bytes is too long for matches()", text.len())));
                }
                Value::Text(text) => {
                    self.spend(text.len())?;
                    Value::Bool(pattern.is_match(&text))
                }
                other => return Err(failed(format!("matches() does not apply to {}", other.kind()))),
            },
            Node::Call(function, arguments) => self.call(*function, arguments)?,
        })
    }

    /// A list that is null has no items. As with `&&` and `||`, an item that fails does not matter where another decides.
    fn quantified(
        &mut self,
        quantifier: Quantifier,
        list: &Value<'a>,
        predicate: &'a Node,
    ) -> Result<bool, EvaluationError> {
        self.spend(list.size().unwrap_or(0))?;
        let items = match list {
            Value::Null => Vec::new(),
            other => other.items().ok_or_else(|| failed(format!("{} is no list", list.kind())))?,
        };
        let (mut found, mut failure) = (0, None);
        for item in items {
            self.locals.push(item);
            let truth = self.truth(predicate);
            self.locals.pop();
            match (quantifier, truth) {
                (Quantifier::All, Ok(false)) => return Ok(false),
                (Quantifier::Exists, Ok(true)) => return Ok(true),
                (Quantifier::ExistsOne, Ok(true)) => found += 1,
                (_, Ok(_)) => {}
                (_, Err(error)) => failure = Some(error),
            }
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(match quantifier {
                Quantifier::All => true,
                Quantifier::Exists => false,
                Quantifier::ExistsOne => found == 1,
            }),
        }
    }

    fn binary(
        &mut self,
        operator: Binary,
        left: Value<'a>,
        right: Value<'a>,
    ) -> Result<Value<'a>, EvaluationError> {
        let kinds = (left.kind(), right.kind());
        let no_such = |sign: &str| failed(format!("{sign} does not apply to {} and {}", kinds.0, kinds.1));
        let ordering = |sign: &str, holds: fn(Ordering) -> bool| {
            let order = left.order(&right).ok_or_else(|| no_such(sign))?;
            Ok(Value::Bool(order.is_some_and(holds)))
        };
        match operator {
            Binary::Equal => Ok(Value::Bool(left.equals(&right))),
            Binary::NotEqual => Ok(Value::Bool(!left.equals(&right))),
            Binary::Less => ordering("<", Ordering::is_lt),
            Binary::LessOrEqual => ordering("<=", Ordering::is_le),
            Binary::Greater => ordering(">", Ordering::is_gt),
            Binary::GreaterOrEqual => ordering(">=", Ordering::is_ge),
            Binary::In => self.contained(&left, &right).ok_or_else(|| no_such("in"))?,
            Binary::Index => index(&right, &left).ok_or_else(|| no_such("[]")),
            _ => arithmetic(operator, &left, &right, no_such),
        }
    }

    /// Whether `left` is in the list, or a field's name of the object.
    fn contained(
        &mut self,
        left: &Value<'a>,
        right: &Value<'a>,
    ) -> Option<Result<Value<'a>, EvaluationError>> {
        if let Err(error) = self.spend(right.size().unwrap_or(0)) {
            return Some(Err(error));
        }
        let found = match (right, left) {
            (Value::Null, _) => false,
            (Value::Object(fields), Value::Text(name)) => fields.contains_key(name.as_ref()),
            (Value::Json(serde_json::Value::Array(items)), _) => {
                items.iter().any(|item| left.equals(&Value::of_json(item)))
            }
            (Value::List(items), _) => items.iter().any(|item| left.equals(item)),
            _ => return None,
        };
        Some(Ok(Value::Bool(found)))
    }

    fn call(&mut self, function: Function, arguments: &'a [Node]) -> Result<Value<'a>, EvaluationError> {
        let [first, rest @ ..] = arguments else { return Ok(Value::Null) };
        let first = self.value(first)?;
        let second = match rest {
            [second] => self.value(second)?,
            _ => Value::Null,
        };
        let inapplicable = |name: &str| failed(format!("{name}() does not apply to {}", first.kind()));
        Ok(match function {
            Function::Size => {
                let size = first.size().ok_or_else(|| inapplicable("size"))?;
                if let Value::Text(text) = &first {
                    self.spend(text.len() / 16)?;
                }
                Value::Integer(i64::try_from(size).unwrap_or(i64::MAX))
            }
            Function::Contains | Function::StartsWith | Function::EndsWith => match (&first, &second) {
                (Value::Null, _) | (_, Value::Null) => Value::Bool(false),
                (Value::Text(text), Value::Text(part)) => {
                    self.spend(text.len() / 16)?;
                    Value::Bool(match function {
                        Function::Contains => text.contains(part.as_ref()),
                        Function::StartsWith => text.starts_with(part.as_ref()),
                        _ => text.ends_with(part.as_ref()),
                    })
                }
                _ => return Err(failed("contains(), startsWith() and endsWith() compare two texts")),
            },
            Function::Double => match &first {
                Value::Null => Value::Null,
                Value::Text(text) => {
                    Value::Double(text.parse().map_err(|_| failed("this text is no number"))?)
                }
                other => Value::Double(other.as_double().ok_or_else(|| inapplicable("double"))?),
            },
            Function::Int => match &first {
                Value::Null => Value::Null,
                Value::Integer(value) => Value::Integer(*value),
                Value::Double(value) if value.abs() < i64::MAX as f64 => Value::Integer(*value as i64),
                Value::Double(_) => return Err(overflow()),
                Value::Text(text) => {
                    Value::Integer(text.parse().map_err(|_| failed("this text is no integer"))?)
                }
                _ => return Err(inapplicable("int")),
            },
            Function::Timestamp => match &first {
                Value::Null => Value::Null,
                Value::Time(time) => Value::Time(*time),
                Value::Text(text) => timestamp(text)?,
                _ => return Err(inapplicable("timestamp")),
            },
            Function::Duration => match &first {
                Value::Null => Value::Null,
                Value::Duration(micros) => Value::Duration(*micros),
                Value::Text(text) => duration(text)?,
                _ => return Err(inapplicable("duration")),
            },
        })
    }
}

/// A constant without copying it.
fn borrowed<'a>(constant: &'a Value<'static>) -> Value<'a> {
    match constant {
        Value::Text(text) => Value::Text(Cow::Borrowed(text)),
        other => other.clone(),
    }
}

fn overflow() -> EvaluationError {
    failed("the integer is too large")
}

/// The item of a list, or the field of an object; what is not there is null.
fn index<'a>(index: &Value<'a>, of: &Value<'a>) -> Option<Value<'a>> {
    let place = || match index {
        Value::Integer(place) => usize::try_from(*place).ok(),
        Value::Double(place) if place.fract() == 0.0 && *place >= 0.0 => Some(*place as usize),
        _ => None,
    };
    match (of, index) {
        (Value::Null, _) | (_, Value::Null) => Some(Value::Null),
        (Value::Object(fields), Value::Text(name)) => {
            Some(fields.get(name.as_ref()).map_or(Value::Null, Value::of_json))
        }
        (Value::Json(serde_json::Value::Array(items)), Value::Integer(_) | Value::Double(_)) => {
            Some(place().and_then(|place| items.get(place)).map_or(Value::Null, Value::of_json))
        }
        (Value::List(items), Value::Integer(_) | Value::Double(_)) => {
            Some(place().and_then(|place| items.get(place)).cloned().unwrap_or(Value::Null))
        }
        _ => None,
    }
}

fn arithmetic<'a>(
    operator: Binary,
    left: &Value<'a>,
    right: &Value<'a>,
    no_such: impl Fn(&str) -> EvaluationError,
) -> Result<Value<'a>, EvaluationError> {
    let sign = match operator {
        Binary::Add => "+",
        Binary::Subtract => "-",
        Binary::Multiply => "*",
        Binary::Divide => "/",
        _ => "%",
    };
    Ok(match (left, right) {
        (Value::Null, _) | (_, Value::Null) => Value::Null,
        (Value::Integer(a), Value::Integer(b)) => {
            let result = match operator {
                Binary::Add => a.checked_add(*b),
                Binary::Subtract => a.checked_sub(*b),
                Binary::Multiply => a.checked_mul(*b),
                _ if *b == 0 => return Err(failed("division by zero")),
                Binary::Divide => a.checked_div(*b),
                _ => a.checked_rem(*b),
            };
            Value::Integer(result.ok_or_else(overflow)?)
        }
        (Value::Text(a), Value::Text(b)) if operator == Binary::Add => {
            Value::Text(Cow::Owned(format!("{a}{b}")))
        }
        (Value::Time(a), Value::Time(b)) if operator == Binary::Subtract => {
            Value::Duration(a.micros().saturating_sub(b.micros()))
        }
        (Value::Time(time), Value::Duration(by)) if operator == Binary::Add => Value::Time(time.plus(*by)),
        (Value::Duration(by), Value::Time(time)) if operator == Binary::Add => Value::Time(time.plus(*by)),
        (Value::Time(time), Value::Duration(by)) if operator == Binary::Subtract => {
            Value::Time(time.plus(by.saturating_neg()))
        }
        (Value::Duration(a), Value::Duration(b)) if operator == Binary::Add => {
            Value::Duration(a.saturating_add(*b))
        }
        (Value::Duration(a), Value::Duration(b)) if operator == Binary::Subtract => {
            Value::Duration(a.saturating_sub(*b))
        }
        _ => match (left.as_double(), right.as_double()) {
            (Some(a), Some(b)) => Value::Double(match operator {
                Binary::Add => a + b,
                Binary::Subtract => a - b,
                Binary::Multiply => a * b,
                Binary::Divide => a / b,
                _ => a % b,
            }),
            _ => return Err(no_such(sign)),
        },
    })
}

/// RFC 3339.
pub(super) fn timestamp(text: &str) -> Result<Value<'static>, EvaluationError> {
    Timestamp::parse(text).map(Value::Time).map_err(failed)
}

/// Numbers with units, as in `1h30m` or `-1.5s`: `h`, `m`, `s`, `ms`, `us`.
pub(super) fn duration(text: &str) -> Result<Value<'static>, EvaluationError> {
    let wrong = || failed("a duration is written as in 36h, 1h30m or 1.5s");
    let (sign, mut rest) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut micros = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).ok_or_else(wrong)?;
        let amount: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let scale = match &rest[..unit] {
            "h" => HOUR,
            "m" => HOUR / 60,
            "s" => SECOND,
            "ms" => SECOND / 1_000,
            "us" => 1,
            _ => return Err(wrong()),
        };
        micros += amount * scale as f64;
        rest = &rest[unit..];
    }
    // Saturates: longer than any two times are apart.
    Ok(Value::Duration((sign * micros).round() as i64))
}
