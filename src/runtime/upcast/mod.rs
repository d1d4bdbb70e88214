//! From the bodies that earlier versions journaled to the shapes of today.
//!
//! The journal is never rewritten: a body stays as the version that wrote it left it, with that version's
//! [`SCHEMA_VERSION`] in its envelope. Reading it back goes through the upcasters between that version and this one,
//! each a pure function from JSON to JSON, and only then into its type.
//!
//! # How to add one
//! A field that is merely added needs none: give it a serde default that says what its absence meant. When a field is
//! renamed, moved, split or means something else:
//! 1. raise [`SCHEMA_VERSION`] by one, once a release;
//! 2. write `pub fn upcast(body: Value) -> Result<Value, String>` in a file here that is named after the record type.
//!    Spell out in it whatever it fills in, defaults too: those of the program change, what a record meant does not;
//! 3. add it to [`UPCASTERS`] with the version that it upcasts *from*; one that is there is never changed or removed;
//! 4. give it a test with the body as it stood in a journal, and have the new version add to the golden corpus
//!    (`docs/versions.md`).

mod configuration_activated;

use std::borrow::Cow;

use serde_json::Value;

use super::codec::SCHEMA_VERSION;

/// What kinds of records there are, by the tag that stands in the envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordKind {
    /// An outside event; its body is the event's `data` as it was sent.
    Event = 1,
    /// A decision that an entity took.
    Transition = 2,
    /// The tower about itself.
    System = 3,
}

impl RecordKind {
    /// The kind with that tag, if this version knows it.
    pub fn of_tag(tag: u8) -> Option<RecordKind> {
        [RecordKind::Event, RecordKind::Transition, RecordKind::System]
            .into_iter()
            .find(|kind| *kind as u8 == tag)
    }
}

/// Takes the bodies of one record type from one schema version to the next.
#[derive(Clone, Copy)]
pub struct Upcaster {
    pub kind: RecordKind,
    pub record_type: &'static str,
    /// The newest version with the old shape.
    pub from: u16,
    /// Says in words what is wrong with a body that it can't take.
    pub apply: fn(Value) -> Result<Value, String>,
}

/// All of them. The order among those of one record type does not matter: they are applied by version.
pub const UPCASTERS: &[Upcaster] = &[Upcaster {
    kind: RecordKind::System,
    record_type: "configuration.activated",
    from: 1,
    apply: configuration_activated::upcast,
}];

/// A body in the shape of today. One that has it already, nearly always, is handed through.
///
/// # Errors
/// In words, if the body does not hold what its version's does.
pub fn upcast<'b>(
    kind: RecordKind,
    record_type: &str,
    schema_version: u16,
    body: &'b [u8],
) -> Result<Cow<'b, [u8]>, String> {
    if schema_version >= SCHEMA_VERSION {
        return Ok(Cow::Borrowed(body));
    }
    upcast_by(UPCASTERS, kind, record_type, schema_version, body)
}

fn upcast_by<'b>(
    upcasters: &[Upcaster],
    kind: RecordKind,
    record_type: &str,
    schema_version: u16,
    body: &'b [u8],
) -> Result<Cow<'b, [u8]>, String> {
    let applies = |upcaster: &&Upcaster| {
        upcaster.kind == kind && upcaster.record_type == record_type && upcaster.from >= schema_version
    };
    let mut due: Vec<&Upcaster> = upcasters.iter().filter(applies).collect();
    if due.is_empty() {
        return Ok(Cow::Borrowed(body));
    }
    due.sort_by_key(|upcaster| upcaster.from);
    let mut value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    for upcaster in due {
        value = (upcaster.apply)(value)
            .map_err(|error| format!("it is no body of schema version {}: {error}", upcaster.from))?;
    }
    serde_json::to_vec(&value).map(Cow::Owned).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn note(step: &'static str, mut body: Value) -> Result<Value, String> {
        body["steps"].as_array_mut().ok_or("no steps")?.push(json!(step));
        Ok(body)
    }

    /// Out of order on purpose.
    const STEPS: &[Upcaster] = &[
        Upcaster { kind: RecordKind::System, record_type: "a", from: 3, apply: |body| note("3 to 4", body) },
        Upcaster { kind: RecordKind::System, record_type: "a", from: 1, apply: |body| note("1 to 2", body) },
        Upcaster { kind: RecordKind::System, record_type: "b", from: 2, apply: |body| note("b", body) },
        Upcaster { kind: RecordKind::Event, record_type: "a", from: 2, apply: |body| note("event", body) },
    ];

    fn check(kind: RecordKind, record_type: &str, schema_version: u16, expected: &str) {
        let body = br#"{"steps":[]}"#;
        let upcast = upcast_by(STEPS, kind, record_type, schema_version, body).unwrap();
        assert_eq!(String::from_utf8_lossy(&upcast), expected, "{record_type} of version {schema_version}");
    }

    #[test]
    fn a_body_goes_through_every_step_since_its_version_in_order_and_through_no_other() {
        check(RecordKind::System, "a", 1, r#"{"steps":["1 to 2","3 to 4"]}"#);
        check(RecordKind::System, "a", 2, r#"{"steps":["3 to 4"]}"#);
        check(RecordKind::System, "a", 3, r#"{"steps":["3 to 4"]}"#);
        check(RecordKind::System, "a", 4, r#"{"steps":[]}"#);
        check(RecordKind::System, "b", 1, r#"{"steps":["b"]}"#);
        check(RecordKind::Event, "a", 1, r#"{"steps":["event"]}"#);
        check(RecordKind::Transition, "a", 1, r#"{"steps":[]}"#);
    }

    #[test]
    fn a_body_that_is_not_of_its_version_says_so() {
        let error = upcast_by(STEPS, RecordKind::System, "a", 1, b"{}").unwrap_err();
        assert_eq!(error, "it is no body of schema version 1: no steps");
        assert!(upcast_by(STEPS, RecordKind::System, "a", 1, b"{").is_err());
    }

    #[test]
    fn every_upcaster_leads_to_a_version_that_this_program_has() {
        for upcaster in UPCASTERS {
            assert!(upcaster.from < SCHEMA_VERSION, "{} from {}", upcaster.record_type, upcaster.from);
            let same = |other: &&Upcaster| {
                (other.kind, other.record_type, other.from)
                    == (upcaster.kind, upcaster.record_type, upcaster.from)
            };
            assert_eq!(UPCASTERS.iter().filter(same).count(), 1, "{} twice", upcaster.record_type);
        }
    }
}
