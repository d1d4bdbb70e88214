//! The schemas of event data against the parser that reads events: what one takes the other takes, field by field.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::answers::data_component;
use super::components;
use super::schema::example;
use crate::domain::event::{EventType, FIELD_ERRORS_MAX, ParseError, asked, parse};

fn schema_of(kind: &str) -> (Value, Map<String, Value>) {
    let components = components();
    (components[&data_component(kind)].clone(), components)
}

/// Paths of all members that a schema has, such as `/lines/*/sku`.
fn paths(schema: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}/{name}");
        paths(member, &path, found);
        paths(&member["items"], &format!("{path}/*"), found);
        found.insert(path);
    }
}

/// A shipment line names either document, never both.
fn full_example(schema: &Value, components: &Map<String, Value>) -> Value {
    example(schema, components, false)
}

#[test]
fn examples_are_taken_whole_and_with_the_required_members_alone() {
    for kind in EventType::ALL.iter().map(|kind| kind.as_str()) {
        let (schema, components) = schema_of(kind);
        for only_required in [false, true] {
            let data = example(&schema, &components, only_required);
            assert!(
                parse(kind, &data.to_string()).is_ok(),
                "{kind}: {data}: {:?}",
                parse(kind, &data.to_string())
            );
        }
    }
}

#[test]
fn the_parser_reads_exactly_the_members_that_the_schemas_have() {
    for kind in EventType::ALL.iter().map(|kind| kind.as_str()) {
        let (schema, components) = schema_of(kind);
        let mut told = BTreeSet::new();
        paths(&schema, "", &mut told);
        asked::take();
        let data = full_example(&schema, &components);
        parse(kind, &data.to_string()).unwrap_or_else(|error| panic!("{kind}: {error:?}"));
        assert_eq!(asked::take(), told, "{kind}");
    }
}

/// Values of every kind, at and beyond the bounds of something.
fn probes() -> Vec<Value> {
    let mut probes = vec![
        Value::Null,
        json!(true),
        json!(""),
        json!("x"),
        json!("."),
        json!(".."),
        json!("a\u{0}b"),
        json!("a\u{85}b"),
        json!("ä".repeat(128)),
        json!("ä".repeat(129)),
        json!("x".repeat(1_024)),
        json!("x".repeat(1_025)),
        json!("2026-03-01T12:00:00Z"),
        json!("2026-03-01T12:00:00"),
        json!("2026-03-01"),
        json!("2026-02-30"),
        json!("12:30"),
        json!("25:00"),
        json!("EUR"),
        json!("eur"),
        json!("all"),
        json!("1.234"),
        json!("1.2345"),
        json!("-1"),
        json!("-0.5"),
        json!("1,5"),
        json!([]),
        json!(["a"]),
        json!([1]),
        json!([1, 7]),
        json!([0]),
        json!(["2026-03-01"]),
        json!({}),
        json!({"USD": 1.5}),
        json!({"usd": 1.5}),
        json!({"USD": 0}),
        json!([{}]),
        json!([["x"]]),
        json!("available"),
        json!("cycle"),
        json!("store"),
        json!("supplier"),
        json!("active"),
    ];
    let numbers = [
        0.0,
        1.0,
        -1.0,
        0.5,
        1.5,
        7.0,
        100.0,
        101.0,
        366.0,
        367.0,
        1_000.0,
        1_000.5,
        3_650.0,
        3_651.0,
        36_500.0,
        36_501.0,
        87_600.0,
        87_601.0,
        1e6,
        1_000_001.0,
        1e9,
        1_000_000_001.0,
        -3_650.0,
        -3_651.0,
        -1e9,
        90.0,
        91.0,
        -91.0,
        180.0,
        181.0,
    ];
    probes.extend(numbers.map(|number| json!(number)));
    probes
}

/// Rules between members, or of a table that a schema can't hold.
const BEYOND_SCHEMAS: [&str; 6] =
    ["invalid_period", "invalid_timezone", "same_location", "overlapping", "duplicate_line", "too_precise"];

/// Pointers to every member of every object of a value.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, inner) in map {
                found.push(format!("{at}/{name}"));
                places(inner, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| places(item, &format!("{at}/{i}"), found));
        }
        _ => {}
    }
}

fn remove(value: &mut Value, pointer: &str) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    if let Some(Value::Object(map)) = value.pointer_mut(parent) {
        map.remove(name);
    }
}

#[test]
fn what_a_schema_takes_the_parser_takes_and_the_other_way_round() {
    let probes = probes();
    let mut compared = 0;
    for kind in EventType::ALL.iter().map(|kind| kind.as_str()) {
        let (schema, components) = schema_of(kind);
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let whole = full_example(&schema, &components);
        let mut variants = Vec::new();
        let mut pointers = Vec::new();
        places(&whole, "", &mut pointers);
        for pointer in &pointers {
            let mut without = whole.clone();
            remove(&mut without, pointer);
            variants.push(without);
            for probe in &probes {
                let mut with = whole.clone();
                *with.pointer_mut(pointer).unwrap() = probe.clone();
                variants.push(with);
            }
        }
        variants.extend(probes.iter().cloned());
        for variant in variants {
            let verdict = parse(kind, &variant.to_string());
            if let Err(ParseError::Invalid(errors)) = &verdict {
                let beyond = |code: &str| BEYOND_SCHEMAS.contains(&code);
                assert!(errors.len() < FIELD_ERRORS_MAX);
                // One quantile against another.
                let quantiles =
                    errors.iter().all(|e| e.pointer.ends_with("/p90") && e.detail.contains("below p10"));
                if errors.iter().all(|error| beyond(error.code)) || quantiles {
                    continue;
                }
            }
            assert_eq!(
                verdict.is_ok(),
                validator.is_valid(&variant),
                "{kind}: {variant}\nparser: {verdict:?}\nschema: {:?}",
                validator.validate(&variant).err().map(|error| error.to_string()),
            );
            compared += 1;
        }
    }
    assert!(compared > 10_000, "{compared}");
}
