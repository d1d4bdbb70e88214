//! Reading the fields of an event's `data`: all that is wrong is noted, with its place.
//!
//! A required field that is missing or wrong leaves a note and a placeholder. No placeholder gets out:
//! [`super::parse`] answers with the notes if there are any.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::Hash;
use std::ops::RangeInclusive;

use compact_str::CompactString;
use jiff::tz::TimeZone;

use super::json::{Kind, Value, push_pointer_step};
use crate::domain::decimal::{DecimalError, parse_scaled};
use crate::domain::event::{Selection, StatedPlace};
use crate::domain::ids::{Name, is_valid_name};
use crate::domain::money::{Currency, UnitPrice};
use crate::domain::quantity::Quantity;
use crate::domain::time::{Day, Timestamp};

/// One thing that is wrong with an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Where: a JSON pointer (RFC 6901) into the event, such as `/data/lines/0/quantity`.
    pub pointer: String,
    /// A stable code, such as `required`.
    pub code: &'static str,
    /// A sentence for people.
    pub detail: String,
}

/// Most errors told about one event; an event can have thousands.
pub const FIELD_ERRORS_MAX: usize = 64;
/// Most Unicode scalars of a free text.
pub const TEXT_SCALARS_MAX: usize = 1_024;

/// What is wrong with one value.
#[derive(Debug)]
pub(super) struct Fault {
    code: &'static str,
    detail: Cow<'static, str>,
}

impl Fault {
    pub(super) fn new(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Fault {
        Fault { code, detail: detail.into() }
    }
}

type Read<T> = Result<T, Fault>;

/// The notes about one event's `data`.
pub(super) struct Notes<'t, 'a> {
    data: Value<'t, 'a>,
    errors: RefCell<Vec<FieldError>>,
}

impl<'t, 'a> Notes<'t, 'a> {
    pub(super) fn new(data: Value<'t, 'a>) -> Notes<'t, 'a> {
        Notes { data, errors: RefCell::default() }
    }

    /// The fields of `data` itself.
    pub(super) fn fields(&self) -> Fields<'_, 't, 'a> {
        Fields { object: self.data, notes: self }
    }

    pub(super) fn note(&self, at: Value<'_, '_>, step: Option<&str>, fault: Fault) {
        let mut errors = self.errors.borrow_mut();
        if errors.len() < FIELD_ERRORS_MAX {
            let mut pointer = format!("/data{}", self.data.pointer_to(at));
            if let Some(step) = step {
                push_pointer_step(&mut pointer, step);
            }
            errors.push(FieldError { pointer, code: fault.code, detail: fault.detail.into_owned() });
        }
    }

    pub(super) fn into_errors(self) -> Vec<FieldError> {
        self.errors.into_inner()
    }
}

/// One object of `data` that is being read.
#[derive(Clone, Copy)]
pub(super) struct Fields<'n, 't, 'a> {
    object: Value<'t, 'a>,
    notes: &'n Notes<'t, 'a>,
}

impl<'n, 't, 'a> Fields<'n, 't, 'a> {
    /// The value of that field; `null` is absent.
    fn present(&self, name: &str) -> Option<Value<'t, 'a>> {
        #[cfg(test)]
        super::asked::note(&self.notes.data.pointer_to(self.object), name);
        self.object.get(name).filter(|value| value.kind() != Kind::Null)
    }

    /// Whether that field is there.
    pub(super) fn names(&self, name: &str) -> bool {
        self.present(name).is_some()
    }

    /// Whether anything is wrong so far.
    pub(super) fn has_errors(&self) -> bool {
        !self.notes.errors.borrow().is_empty()
    }

    fn read<T>(&self, value: Value<'t, 'a>, read: impl FnOnce(Value<'_, '_>) -> Read<T>) -> Option<T> {
        read(value).map_err(|fault| self.notes.note(value, None, fault)).ok()
    }

    /// A fault that belongs to a field of this object, there or not.
    pub(super) fn fault(&self, name: &str, fault: Fault) {
        self.notes.note(self.object, Some(name), fault);
    }

    pub(super) fn missing(&self, name: &str) {
        self.fault(name, Fault::new("required", "is required"));
    }

    pub(super) fn required<T: Default>(&self, name: &str, read: impl FnOnce(Value<'_, '_>) -> Read<T>) -> T {
        match self.present(name) {
            Some(value) => self.read(value, read).unwrap_or_default(),
            None => {
                self.missing(name);
                T::default()
            }
        }
    }

    pub(super) fn optional<T>(&self, name: &str, read: impl FnOnce(Value<'_, '_>) -> Read<T>) -> Option<T> {
        self.read(self.present(name)?, read)
    }

    /// An object inside; a fault if it is something else.
    pub(super) fn object(&self, name: &str) -> Option<Fields<'n, 't, 'a>> {
        let Some(value) = self.present(name) else {
            self.missing(name);
            return None;
        };
        self.read(value, |v| of_kind(v, Kind::Object))?;
        Some(Fields { object: value, notes: self.notes })
    }

    /// Each member of this object, its value read by `read` and its key by `key`.
    pub(super) fn entries<K, T>(
        &self,
        key: impl Fn(Value<'_, '_>) -> Read<K>,
        read: impl Fn(Value<'_, '_>) -> Read<T>,
    ) -> Vec<(K, T)> {
        self.object
            .members()
            .filter_map(|(name, value)| {
                let (name, value) = (self.read(name, &key), self.read(value, &read));
                Some((name?, value?))
            })
            .collect()
    }

    /// The items of an array of at most `max`; `None` when it is absent or no such array.
    fn array(&self, name: &str, max: usize) -> Option<impl Iterator<Item = Value<'t, 'a>> + use<'t, 'a>> {
        let value = self.present(name)?;
        self.read(value, |v| {
            of_kind(v, Kind::Array)?;
            match v.items().nth(max) {
                None => Ok(()),
                Some(_) => Err(Fault::new("too_many", format!("has more than {max} items"))),
            }
        })?;
        Some(value.items())
    }

    /// An array of scalars, empty when absent.
    pub(super) fn list<T>(
        &self,
        name: &str,
        max: usize,
        read: impl Fn(Value<'_, '_>) -> Read<T>,
    ) -> Option<Vec<T>> {
        let items = self.array(name, max)?;
        Some(items.filter_map(|item| self.read(item, &read)).collect())
    }

    /// An array of objects, empty when absent.
    pub(super) fn objects<T, C: Default + Extend<T>>(
        &self,
        name: &str,
        max: usize,
        read: impl Fn(Fields<'n, 't, 'a>) -> T,
    ) -> C {
        let mut all = C::default();
        for item in self.array(name, max).into_iter().flatten() {
            if self.read(item, |v| of_kind(v, Kind::Object)).is_some() {
                all.extend([read(Fields { object: item, notes: self.notes })]);
            }
        }
        all
    }

    /// A fault for an array that must be there and hold something.
    pub(super) fn not_empty(&self, name: &str) {
        match self.present(name) {
            None => self.missing(name),
            Some(v) if v.kind() == Kind::Array && v.items().next().is_none() => {
                self.fault(name, Fault::new("empty", "must not be empty"));
            }
            Some(_) => {}
        }
    }

    /// A fault for each line whose key another line before it has.
    pub(super) fn unique<K: Hash + Eq>(&self, name: &str, keys: impl ExactSizeIterator<Item = K>) {
        // Lines that are wrong in themselves are told already; their placeholders would be equal.
        if keys.len() < 2 || self.has_errors() {
            return;
        }
        let Some(array) = self.present(name) else { return };
        let mut seen = HashSet::with_capacity(keys.len());
        for (item, key) in array.items().zip(keys) {
            if !seen.insert(key) {
                let fault = Fault::new("duplicate_line", "names a line that was named before");
                self.notes.note(item, Some("line_id"), fault);
            }
        }
    }

    /// Item and location, as far as they are said.
    pub(super) fn place(&self) -> StatedPlace {
        StatedPlace { sku: self.optional("sku", name), location: self.optional("location", name) }
    }

    /// `"all"`, or an array of names that holds at least one.
    pub(super) fn selection(&self, field: &str) -> Selection {
        match self.present(field) {
            Some(v) if v.kind() == Kind::String => {
                if !v.says("all") {
                    self.fault(field, Fault::new("unknown_value", "is neither \"all\" nor an array"));
                }
                Selection::All
            }
            _ => {
                self.not_empty(field);
                Selection::Named(self.list(field, usize::MAX, name).unwrap_or_default())
            }
        }
    }

    /// A fault if a period ends before it has begun.
    pub(super) fn period(&self, from: Option<Timestamp>, until_name: &str, until: Option<Timestamp>) {
        if let (Some(from), Some(until)) = (from, until)
            && until <= from
        {
            self.fault(until_name, Fault::new("invalid_period", "must be after the beginning of the period"));
        }
    }

    /// As [`Fields::period`], for a required beginning; a placeholder is not judged.
    pub(super) fn period_from(&self, from_name: &str, until_name: &str) -> (Timestamp, Option<Timestamp>) {
        let from = self.optional(from_name, time);
        if self.present(from_name).is_none() {
            self.missing(from_name);
        }
        let until = self.optional(until_name, time);
        self.period(from, until_name, until);
        (from.unwrap_or_default(), until)
    }

    /// What was sent in that field, as JSON text.
    pub(super) fn json(&self, name: &str) -> Option<Box<str>> {
        self.optional(name, |v| match v.kind() {
            Kind::String => Ok(format!("\"{}\"", v.raw()).into()),
            _ => Ok(v.raw().into()),
        })
    }

    /// A field that is checked and not used.
    pub(super) fn checked<T>(&self, name: &str, read: impl FnOnce(Value<'_, '_>) -> Read<T>) {
        let _ = self.optional(name, read);
    }
}

pub(super) fn of_kind(value: Value<'_, '_>, kind: Kind) -> Read<()> {
    if value.kind() == kind {
        return Ok(());
    }
    Err(wrong_type(match kind {
        Kind::Object => "must be an object",
        Kind::Array => "must be an array",
        Kind::String => "must be a string",
        Kind::Number => "must be a number",
        Kind::Null | Kind::False | Kind::True => "has the wrong type",
    }))
}

fn wrong_type(detail: &'static str) -> Fault {
    Fault::new("wrong_type", detail)
}

pub(super) fn name(value: Value<'_, '_>) -> Read<Name> {
    of_kind(value, Kind::String)?;
    let text = value.text();
    if is_valid_name(&text) {
        return Ok(Name::from(text));
    }
    Err(if text.is_empty() {
        Fault::new("empty", "must not be empty")
    } else if text.chars().count() > crate::domain::ids::NAME_SCALARS_MAX {
        Fault::new("too_long", "is longer than 128 characters")
    } else {
        Fault::new("invalid_name", "has control characters, or is . or ..")
    })
}

pub(super) fn text(value: Value<'_, '_>) -> Read<CompactString> {
    of_kind(value, Kind::String)?;
    let text = value.text();
    if text.len() > TEXT_SCALARS_MAX && text.chars().count() > TEXT_SCALARS_MAX {
        return Err(Fault::new("too_long", format!("is longer than {TEXT_SCALARS_MAX} characters")));
    }
    Ok(CompactString::from(text))
}

/// The text of a JSON number or of a decimal string.
fn decimal_text<'a>(value: Value<'_, 'a>) -> Read<Cow<'a, str>> {
    match value.kind() {
        Kind::Number => Ok(Cow::Borrowed(value.raw())),
        Kind::String => Ok(value.text()),
        _ => Err(wrong_type("must be a number or a decimal string")),
    }
}

fn decimal_fault(error: DecimalError) -> Fault {
    match error {
        DecimalError::TooPrecise => Fault::new("too_precise", error.to_string()),
        DecimalError::OutOfRange => Fault::new("out_of_range", error.to_string()),
        DecimalError::NotADecimal => Fault::new("not_a_decimal", error.to_string()),
    }
}

/// Any sign, at most 3 decimals, |q| ≤ 1e9.
pub(super) fn quantity(value: Value<'_, '_>) -> Read<Quantity> {
    Quantity::parse(&decimal_text(value)?).map_err(decimal_fault)
}

pub(super) fn quantity_above_zero(value: Value<'_, '_>) -> Read<Quantity> {
    let quantity = quantity(value)?;
    if quantity.is_positive() {
        return Ok(quantity);
    }
    Err(Fault::new("not_positive", "must be above zero"))
}

pub(super) fn quantity_from_zero(value: Value<'_, '_>) -> Read<Quantity> {
    let quantity = quantity(value)?;
    if quantity >= Quantity::ZERO { Ok(quantity) } else { Err(negative()) }
}

fn negative() -> Fault {
    Fault::new("out_of_range", "must not be negative")
}

/// A price or cost of one unit: not negative, at most 4 decimals.
pub(super) fn price(value: Value<'_, '_>) -> Read<UnitPrice> {
    let price = UnitPrice::parse(&decimal_text(value)?).map_err(decimal_fault)?;
    if price.ten_thousandths() >= 0 { Ok(price) } else { Err(negative()) }
}

pub(super) fn currency(value: Value<'_, '_>) -> Read<Currency> {
    of_kind(value, Kind::String)?;
    Currency::parse(&value.text())
        .ok_or_else(|| Fault::new("invalid_currency", "is not an ISO 4217 code of three capitals"))
}

pub(super) fn time(value: Value<'_, '_>) -> Read<Timestamp> {
    of_kind(value, Kind::String)?;
    Timestamp::parse(&value.text()).map_err(|detail| Fault::new("invalid_time", detail))
}

pub(super) fn day(value: Value<'_, '_>) -> Read<Day> {
    of_kind(value, Kind::String)?;
    let text = value.text();
    match (text.len(), Timestamp::parse(&format!("{text}T00:00:00Z"))) {
        (10, Ok(midnight)) => Ok(midnight.day(&TimeZone::UTC)),
        _ => Err(Fault::new("invalid_date", "is not a date such as 2026-03-01")),
    }
}

/// A JSON number within bounds, for statistics and rates.
pub(super) fn number(value: Value<'_, '_>, range: RangeInclusive<f64>) -> Read<f64> {
    of_kind(value, Kind::Number)?;
    match value.raw().parse::<f64>() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(Fault::new(
            "out_of_range",
            format!("must be at least {} and at most {}", range.start(), range.end()),
        )),
    }
}

/// As [`number`], from zero but not zero.
pub(super) fn number_above_zero(value: Value<'_, '_>, max: f64) -> Read<f64> {
    match number(value, 0.0..=max)? {
        0.0 => Err(Fault::new("not_positive", "must be above zero")),
        number => Ok(number),
    }
}

/// A whole number within bounds; `2.0` is whole.
pub(super) fn integer(value: Value<'_, '_>, range: RangeInclusive<i64>) -> Read<i64> {
    of_kind(value, Kind::Number)?;
    match parse_scaled(value.raw(), 0, i64::MAX).map_err(decimal_fault)? {
        number if range.contains(&number) => Ok(number),
        _ => Err(Fault::new(
            "out_of_range",
            format!("must be at least {} and at most {}", range.start(), range.end()),
        )),
    }
}

pub(super) fn boolean(value: Value<'_, '_>) -> Read<bool> {
    match value.kind() {
        Kind::True => Ok(true),
        Kind::False => Ok(false),
        _ => Err(wrong_type("must be true or false")),
    }
}

/// One of the values named.
pub(super) fn one_of<T: Copy>(value: Value<'_, '_>, known: &[(&str, T)]) -> Read<T> {
    of_kind(value, Kind::String)?;
    known.iter().find(|(name, _)| value.says(name)).map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        Fault::new("unknown_value", format!("is none of {}", names.join(", ")))
    })
}

/// An IANA time zone of the database that comes with the program.
pub(super) fn timezone(value: Value<'_, '_>) -> Read<Name> {
    let zone = name(value)?;
    match TimeZone::get(&zone) {
        Ok(_) => Ok(zone),
        Err(_) => Err(Fault::new("invalid_timezone", "is no known IANA time zone")),
    }
}

/// `HH:MM`.
pub(super) fn time_of_day(value: Value<'_, '_>) -> Read<CompactString> {
    of_kind(value, Kind::String)?;
    let text = value.text();
    match text.as_bytes() {
        [_, _, b':', _, _] if Timestamp::parse(&format!("1970-01-01T{text}:00Z")).is_ok() => {
            Ok(CompactString::from(text))
        }
        _ => Err(Fault::new("invalid_time", "is not a local time of day such as 17:30")),
    }
}
