//! The bodies of commands: one JSON object, read strictly. A field that a command does not have is refused, and so is
//! one that stands twice: a misspelt `version` must not approve blindly.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::problem::{Problem, code};
use crate::domain::event::FieldError;
use crate::domain::ids::{Name, is_valid_name};
use crate::domain::quantity::Quantity;
use crate::domain::time::Timestamp;

/// The longest comment, reason or title, in characters.
pub const TEXT_CHARACTERS_MAX: usize = 4_000;
/// Levels of nesting that a body may have.
const DEPTH_MAX: usize = 16;

/// JSON in which no object has a key twice, nested at most so many levels.
struct Strict(usize);

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.0.checked_sub(1).ok_or_else(|| A::Error::custom("nested too deep"))?;
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(Strict(inner))? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let inner = self.0.checked_sub(1).ok_or_else(|| A::Error::custom("nested too deep"))?;
        let mut all = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            let value = fields.next_value_seed(Strict(inner))?;
            if all.contains_key(&key) {
                return Err(A::Error::custom(format!("`{key}` stands twice")));
            }
            all.insert(key, value);
        }
        Ok(Value::Object(all))
    }
}

/// Reads a body; nothing at all is an object without fields.
///
/// # Errors
/// `malformed_json`.
pub fn parse(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    let malformed = |detail: String| Problem::new(&code::MALFORMED_JSON).detail(detail);
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = Strict(DEPTH_MAX).deserialize(&mut deserializer).map_err(|e| malformed(e.to_string()))?;
    deserializer.end().map_err(|error| malformed(error.to_string()))?;
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(malformed("a command is a JSON object".to_owned())),
    }
}

/// The fields of a command while they are read; every mistake is told at once.
pub struct Fields {
    fields: Map<String, Value>,
    errors: Vec<FieldError>,
    known: Vec<&'static str>,
}

impl Fields {
    /// Begins to read the fields of an object.
    pub fn of(fields: Map<String, Value>) -> Fields {
        Fields { fields, errors: Vec::new(), known: Vec::new() }
    }

    /// The value of a field; `null` is as good as leaving it out.
    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.fields.remove(key).filter(|value| !value.is_null())
    }

    /// Notes that a field is wrong.
    pub fn wrong(&mut self, key: &str, code: &'static str, detail: impl Into<String>) {
        self.wrong_at(format!("/{}", key.replace('~', "~0").replace('/', "~1")), code, detail);
    }

    /// Notes that something deeper in the body is wrong.
    pub fn wrong_at(&mut self, pointer: String, code: &'static str, detail: impl Into<String>) {
        self.errors.push(FieldError { pointer, code, detail: detail.into() });
    }

    fn read<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        parse: impl FnOnce(&Value) -> Result<T, &'static str>,
    ) -> Option<T> {
        let value = self.take(key)?;
        match parse(&value) {
            Ok(parsed) => Some(parsed),
            Err(code) => {
                self.wrong(key, code, format!("must be {expected}"));
                None
            }
        }
    }

    /// Notes that a field that the command can't do without is not there.
    pub fn required<T>(&mut self, key: &'static str, value: Option<T>) -> Option<T> {
        let is_wrong = self.errors.iter().any(|error| error.pointer == format!("/{key}"));
        if value.is_none() && !is_wrong {
            self.wrong(key, "required", "is required");
        }
        value
    }

    /// A text for people.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        let expected = format!("a text of 1 to {TEXT_CHARACTERS_MAX} characters");
        self.read(key, &expected, |value| {
            let text = value.as_str().ok_or("wrong_type")?;
            if text.trim().is_empty() {
                return Err("empty");
            }
            let fits = text.chars().count() <= TEXT_CHARACTERS_MAX;
            if fits { Ok(text.to_owned()) } else { Err("too_long") }
        })
    }

    /// An identifier.
    pub fn name(&mut self, key: &'static str) -> Option<Name> {
        self.read(key, "an identifier of 1 to 128 characters", name_of)
    }

    /// A list of at most `items_max` identifiers.
    pub fn names(&mut self, key: &'static str, items_max: usize) -> Option<Vec<Name>> {
        let expected = format!("a list of 1 to {items_max} identifiers");
        self.read(key, &expected, |value| list_of(value, items_max)?.iter().map(name_of).collect())
    }

    /// A version that was decided on.
    pub fn version(&mut self) -> Option<u64> {
        self.read("version", "a version that the item showed", |value| value.as_u64().ok_or("wrong_type"))
    }

    /// A moment.
    pub fn time(&mut self, key: &'static str) -> Option<Timestamp> {
        self.read(key, "an RFC 3339 time with offset", |value| {
            let text = value.as_str().ok_or("wrong_type")?;
            Timestamp::parse(text).map_err(|_| "invalid_time")
        })
    }

    /// `true` or `false`, by default the latter.
    pub fn flag(&mut self, key: &'static str) -> bool {
        self.read(key, "true or false", |value| value.as_bool().ok_or("wrong_type")).unwrap_or(false)
    }

    /// A quantity above 0.
    pub fn quantity(&mut self, key: &'static str) -> Option<Quantity> {
        self.read(key, "a quantity above 0 with at most 3 decimals", |value| {
            let text = match value {
                Value::Number(number) => number.to_string(),
                Value::String(text) => text.clone(),
                _ => return Err("wrong_type"),
            };
            let quantity = Quantity::parse(&text).map_err(|_| "out_of_range")?;
            if quantity.is_positive() { Ok(quantity) } else { Err("not_positive") }
        })
    }

    /// One of the named choices.
    pub fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        self.read(key, &format!("one of {}", names.join(", ")), |value| {
            let text = value.as_str().ok_or("wrong_type")?;
            let found = choices.iter().find(|(name, _)| *name == text);
            found.map(|(_, choice)| *choice).ok_or("unknown_value")
        })
    }

    /// An object, to be read by itself.
    pub fn object(&mut self, key: &'static str) -> Option<Map<String, Value>> {
        self.read(key, "an object", |value| value.as_object().cloned().ok_or("wrong_type"))
    }

    /// A list of 1 to `items_max` objects, to be read by themselves.
    pub fn objects(&mut self, key: &'static str, items_max: usize) -> Option<Vec<Map<String, Value>>> {
        let expected = format!("a list of 1 to {items_max} objects");
        let object = |item: &Value| item.as_object().cloned().ok_or("wrong_type");
        self.read(key, &expected, |value| list_of(value, items_max)?.iter().map(object).collect())
    }

    /// Takes over what is wrong with an object that stands at that pointer.
    pub fn take_errors(&mut self, mut inner: Fields, at: &str) {
        inner.note_unknown();
        for error in inner.errors {
            self.errors.push(FieldError { pointer: format!("{at}{}", error.pointer), ..error });
        }
    }

    fn note_unknown(&mut self) {
        let unknown: Vec<String> = self.fields.keys().cloned().collect();
        for key in unknown {
            let detail = format!("is no field of this command; it has: {}", self.known.join(", "));
            self.wrong(&key, "unknown_field", detail);
        }
    }

    /// Ends reading: fields that nobody asked for are mistakes too.
    ///
    /// # Errors
    /// `invalid_data` with every field that is wrong.
    pub fn finish(mut self) -> Result<(), Problem> {
        self.note_unknown();
        match self.errors.len() {
            0 => Ok(()),
            1 => Err(Problem::new(&code::INVALID_DATA).detail("1 field is wrong").errors(self.errors)),
            count => Err(Problem::new(&code::INVALID_DATA)
                .detail(format!("{count} fields are wrong"))
                .errors(self.errors)),
        }
    }
}

fn name_of(value: &Value) -> Result<Name, &'static str> {
    let text = value.as_str().ok_or("wrong_type")?;
    if is_valid_name(text) { Ok(Name::from(text)) } else { Err("invalid_name") }
}

fn list_of(value: &Value, items_max: usize) -> Result<&[Value], &'static str> {
    match value.as_array().ok_or("wrong_type")?.as_slice() {
        [] => Err("empty"),
        items if items.len() > items_max => Err("too_many"),
        items => Ok(items),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(body: Value) -> Fields {
        Fields::of(body.as_object().unwrap().clone())
    }

    fn errors(problem: &Problem) -> Value {
        serde_json::to_value(problem).unwrap()["errors"].clone()
    }

    #[test]
    fn every_mistake_is_told_at_once_with_its_pointer() {
        let mut body = fields(json!({"comment": "", "verison": 3, "until": "tomorrow"}));
        let (text, time, version) = (body.text("comment"), body.time("until"), body.version());
        assert_eq!((text, time, version), (None, None, None));
        body.required("version", version);
        body.required("until", time);
        let problem = body.finish().unwrap_err();
        let told = errors(&problem);
        let pointers: Vec<(&str, &str)> = told
            .as_array()
            .unwrap()
            .iter()
            .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
            .collect();
        assert_eq!(
            pointers,
            [
                ("/comment", "empty"),
                ("/until", "invalid_time"),
                ("/version", "required"),
                ("/verison", "unknown_field")
            ]
        );
    }

    #[test]
    fn null_is_as_good_as_nothing_and_nothing_at_all_is_an_empty_object() {
        let mut body = fields(json!({"comment": null}));
        assert_eq!(body.text("comment"), None);
        assert!(body.finish().is_ok());
        assert_eq!(parse(b" \n").unwrap(), Map::new());
    }

    #[test]
    fn what_is_no_object_or_has_a_key_twice_is_refused() {
        for body in
            ["[]", "1", "{", "{\"version\": 1, \"version\": 2}", "{} {}", "{\"a\": {\"b\": 1, \"b\": 1}}"]
        {
            assert_eq!(parse(body.as_bytes()).unwrap_err().code().name, "malformed_json", "{body}");
        }
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(100), "]".repeat(100));
        assert!(parse(deep.as_bytes()).is_err());
        assert_eq!(parse(b"{\"a\": [1, -2, 0.5, true]}").unwrap()["a"], json!([1, -2, 0.5, true]));
    }

    #[test]
    fn quantities_are_exact() {
        let mut body = fields(json!({"quantity": 12.5}));
        assert_eq!(body.quantity("quantity"), Quantity::parse("12.5").ok());
        for bad in [json!(0), json!(-1), json!(0.0001), json!(true)] {
            let mut body = fields(json!({"quantity": bad}));
            assert_eq!(body.quantity("quantity"), None);
            assert!(body.finish().is_err());
        }
    }
}
