//! JSON Schema (2020-12) in few words: what the OpenAPI and the AsyncAPI document describe data with.

use serde_json::{Map, Value, json};

use super::fields::FIELDS;

/// One member of an object.
pub struct Member {
    name: &'static str,
    schema: Value,
    is_required: bool,
}

/// A member that is always there.
pub fn required(name: &'static str, schema: Value) -> Member {
    Member { name, schema: told_of(name, schema), is_required: true }
}

/// A member that may be absent or `null`, which means the same.
pub fn optional(name: &'static str, schema: Value) -> Member {
    Member { name, schema: nullable(told_of(name, schema)), is_required: false }
}

/// A member that is always there and `null` when it is unknown.
pub fn known(name: &'static str, schema: Value) -> Member {
    Member { name, schema: nullable(told_of(name, schema)), is_required: true }
}

/// Description and example, unless the schema has its own or refers to one that has.
fn told_of(name: &str, mut schema: Value) -> Value {
    let field = FIELDS.iter().find(|(field, ..)| *field == name);
    if let (Some((_, about, example)), Some(map)) = (field, schema.as_object_mut())
        && !map.contains_key("$ref")
        && !map.contains_key("const")
    {
        map.entry("description").or_insert_with(|| (*about).into());
        let has_parts = |schema: &Value| schema.get("properties").is_some();
        let has_own = map.contains_key("enum")
            || map.contains_key("properties")
            || map.get("items").is_some_and(has_parts);
        if !has_own
            && let Ok(example) = serde_json::from_str::<Value>(example)
            && is_of_kind(&example, map.get("type"))
        {
            map.entry("examples").or_insert_with(|| json!([example]));
        }
    }
    schema
}

/// Whether a value is of a schema's `type`. The same name may stand for something else in another place.
fn is_of_kind(value: &Value, kind: Option<&Value>) -> bool {
    let one = |kind: &Value| match kind.as_str() {
        Some("integer") => value.is_i64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => value.is_null(),
    };
    match kind {
        None => true,
        Some(Value::Array(several)) => several.iter().any(one),
        Some(kind) => one(kind),
    }
}

/// An object with these members and any others.
pub fn object(members: impl IntoIterator<Item = Member>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for member in members {
        if member.is_required {
            required.push(member.name);
        }
        properties.insert(member.name.to_owned(), member.schema);
    }
    json!({"type": "object", "properties": properties, "required": required})
}

/// `schema` or `null`.
pub fn nullable(schema: Value) -> Value {
    let mut schema = schema;
    match schema.get_mut("type") {
        Some(Value::String(one)) => {
            let one = std::mem::take(one);
            schema["type"] = json!([one, "null"]);
        }
        Some(Value::Array(several)) => several.push("null".into()),
        _ => return json!({"anyOf": [schema, {"type": "null"}]}),
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
    schema
}

/// A schema of the document's components.
pub fn component(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

pub fn array(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

pub fn array_of(items: Value, items_min: usize, items_max: usize) -> Value {
    json!({"type": "array", "items": items, "minItems": items_min, "maxItems": items_max})
}

/// One of these words.
pub fn words<'w>(words: impl IntoIterator<Item = &'w str>) -> Value {
    json!({"type": "string", "enum": words.into_iter().collect::<Vec<_>>()})
}

pub fn constant(value: impl Into<Value>) -> Value {
    json!({"const": value.into()})
}

/// An identifier.
pub fn name() -> Value {
    json!({
        "type": "string", "minLength": 1, "maxLength": 128, "pattern": NO_CONTROLS, "not": {"enum": [".", ".."]},
    })
}

/// No control characters.
pub const NO_CONTROLS: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$";

/// A free text.
pub fn text() -> Value {
    json!({"type": "string", "maxLength": crate::domain::event::TEXT_SCALARS_MAX})
}

/// Any text, in answers.
pub fn any_text() -> Value {
    json!({"type": "string"})
}

pub fn boolean() -> Value {
    json!({"type": "boolean"})
}

pub fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

pub fn date() -> Value {
    json!({"type": "string", "format": "date"})
}

pub fn integer(min: i64, max: i64) -> Value {
    json!({"type": "integer", "minimum": min, "maximum": max})
}

/// A count, in answers.
pub fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

/// A log sequence number.
pub fn lsn() -> Value {
    json!({"type": "integer", "minimum": 0, "exclusiveMaximum": 1_u64 << 53})
}

/// A number for statistics and rates; with `min` and `max` taken.
pub fn number(min: f64, max: f64) -> Value {
    json!({"type": "number", "minimum": min, "maximum": max})
}

pub fn number_above_zero(max: f64) -> Value {
    json!({"type": "number", "exclusiveMinimum": 0, "maximum": max})
}

/// Any number, in answers.
pub fn any_number() -> Value {
    json!({"type": "number"})
}

/// The largest quantity and price taken.
const DECIMAL_MAX: f64 = 1e9;

#[derive(Clone, Copy, PartialEq)]
enum Least {
    Any,
    Zero,
    AboveZero,
}

/// A JSON number or a decimal string with at most that many decimals.
fn decimal(decimals: u32, least: Least) -> Value {
    let sign = if least == Least::Any { "[+-]?" } else { "\\+?" };
    let pattern = format!("^{sign}[0-9]{{1,9}}(\\.[0-9]{{1,{decimals}}})?$");
    let mut text = json!({"type": "string", "pattern": pattern});
    let mut number = json!({"type": "number", "maximum": DECIMAL_MAX});
    match least {
        Least::Any => number["minimum"] = json!(-DECIMAL_MAX),
        Least::Zero => number["minimum"] = json!(0),
        Least::AboveZero => {
            number["exclusiveMinimum"] = json!(0);
            text["not"] = json!({"pattern": "^[+0.]*$"});
        }
    }
    json!({"anyOf": [number, text]})
}

pub fn quantity() -> Value {
    decimal(3, Least::Any)
}

pub fn quantity_from_zero() -> Value {
    decimal(3, Least::Zero)
}

pub fn quantity_above_zero() -> Value {
    decimal(3, Least::AboveZero)
}

/// A price or cost of one unit.
pub fn price() -> Value {
    decimal(4, Least::Zero)
}

pub fn currency() -> Value {
    json!({"type": "string", "pattern": "^[A-Z]{3}$"})
}

/// An example that fits: the schema's own, else made of its members'.
pub fn example(schema: &Value, components: &Map<String, Value>, only_required: bool) -> Value {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
        return components.get(name).map_or(Value::Null, |found| example(found, components, only_required));
    }
    if let Some(first) = schema.get("examples").and_then(|examples| examples.get(0)) {
        return first.clone();
    }
    if let Some(value) = schema.get("const").or_else(|| schema.get("enum").and_then(|values| values.get(0))) {
        return value.clone();
    }
    if let Some(first) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(|of| of.get(0)) {
        return example(first, components, only_required);
    }
    if let Some(Value::Object(properties)) = schema.get("properties") {
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
        let shown = properties.iter().filter(|(name, _)| !only_required || is_required(name));
        return shown
            .map(|(name, member)| (name.clone(), example(member, components, only_required)))
            .collect();
    }
    if let Some(items) = schema.get("items") {
        return json!([example(items, components, only_required)]);
    }
    let kind =
        schema.get("type").map(|kind| kind.as_str().or_else(|| kind.get(0)?.as_str()).unwrap_or_default());
    match kind {
        Some("object") => json!({}),
        Some("boolean") => json!(false),
        Some("integer" | "number") => json!(1),
        Some("string") => match schema.get("format").and_then(Value::as_str) {
            Some("date-time") => json!("2026-03-02T10:15:00Z"),
            Some("date") => json!("2026-03-02"),
            _ => json!("text"),
        },
        _ => Value::Null,
    }
}

impl Member {
    /// Whether this is the member of that name.
    pub fn is_named(&self, name: &str) -> bool {
        self.name == name
    }
}
