//! Values of conditions, and where variables come from.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::domain::time::Timestamp;

/// A value while a condition is evaluated.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Double(f64),
    Text(Cow<'a, str>),
    Time(Timestamp),
    /// Microseconds.
    Duration(i64),
    /// A list or an object of an item.
    Json(&'a Json),
    Object(&'a Map<String, Json>),
    /// A list that the condition spells out.
    List(Arc<[Value<'a>]>),
}

impl<'a> Value<'a> {
    /// Text that outlives the evaluation.
    pub fn text(text: &'a str) -> Value<'a> {
        Value::Text(Cow::Borrowed(text))
    }

    /// A value of JSON; every number is a double.
    pub fn of_json(json: &'a Json) -> Value<'a> {
        match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => number.as_f64().map_or(Value::Null, Value::Double),
            Json::String(text) => Value::text(text),
            Json::Array(_) => Value::Json(json),
            Json::Object(fields) => Value::Object(fields),
        }
    }

    /// What kind of value it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Integer(_) => "int",
            Value::Double(_) => "double",
            Value::Text(_) => "string",
            Value::Time(_) => "timestamp",
            Value::Duration(_) => "duration",
            Value::Object(_) => "map",
            Value::Json(_) | Value::List(_) => "list",
        }
    }

    pub(super) fn as_double(&self) -> Option<f64> {
        match self {
            Value::Integer(value) => Some(*value as f64),
            Value::Double(value) => Some(*value),
            _ => None,
        }
    }

    /// Items of a list; `None` if it is none.
    pub(super) fn items(&self) -> Option<Vec<Value<'a>>> {
        match self {
            Value::Json(Json::Array(items)) => Some(items.iter().map(Value::of_json).collect()),
            Value::List(items) => Some(items.to_vec()),
            _ => None,
        }
    }

    /// Number of items, fields or characters.
    pub(super) fn size(&self) -> Option<usize> {
        match self {
            Value::Null => Some(0),
            Value::Text(text) => Some(text.chars().count()),
            Value::Json(Json::Array(items)) => Some(items.len()),
            Value::Object(fields) => Some(fields.len()),
            Value::List(items) => Some(items.len()),
            _ => None,
        }
    }

    /// Equality as CEL has it at run time: numbers by their value, values of different kinds are not equal.
    pub(super) fn equals(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Integer(a), Value::Integer(b)) | (Value::Duration(a), Value::Duration(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::Time(a), Value::Time(b)) => a == b,
            (Value::Object(a), Value::Object(b)) => a == b,
            (Value::Json(a), Value::Json(b)) => a == b,
            (Value::Json(_) | Value::List(_), Value::Json(_) | Value::List(_)) => {
                match (self.items(), other.items()) {
                    (Some(a), Some(b)) => a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.equals(b)),
                    _ => false,
                }
            }
            _ => matches!((self.as_double(), other.as_double()), (Some(a), Some(b)) if a == b),
        }
    }

    /// Order between values of one kind; the inner `None` is a comparison with what has no order, such as null.
    pub(super) fn order(&self, other: &Value<'_>) -> Option<Option<Ordering>> {
        match (self, other) {
            (Value::Null, _) | (_, Value::Null) => Some(None),
            (Value::Bool(a), Value::Bool(b)) => Some(Some(a.cmp(b))),
            (Value::Integer(a), Value::Integer(b)) | (Value::Duration(a), Value::Duration(b)) => {
                Some(Some(a.cmp(b)))
            }
            (Value::Text(a), Value::Text(b)) => Some(Some(a.cmp(b))),
            (Value::Time(a), Value::Time(b)) => Some(Some(a.cmp(b))),
            _ => Some(self.as_double()?.partial_cmp(&other.as_double()?)),
        }
    }
}

/// Gives a condition's variables when they are needed.
pub trait Variables {
    /// The variable at `index` of the list that the condition was compiled with, where it has the name `name`.
    fn value<'a>(&'a self, index: usize, name: &str) -> Value<'a>;
}

/// The fields of an object as variables; a field that it does not have is null.
pub struct JsonVariables<'a>(pub &'a Map<String, Json>);

impl Variables for JsonVariables<'_> {
    fn value<'a>(&'a self, _: usize, name: &str) -> Value<'a> {
        self.0.get(name).map_or(Value::Null, Value::of_json)
    }
}
