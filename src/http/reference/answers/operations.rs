//! Quarantine, readiness, statistics.

use serde_json::{Value, json};

use super::*;

pub fn quarantine_entry() -> Vec<Member> {
    let wrong = object([
        about("pointer", any_text(), "JSON pointer."),
        about("code", any_text(), "Stable."),
        required("detail", any_text()),
    ]);
    vec![
        about("id", id("q17"), "Its identifier."),
        about(
            "reason",
            words(["rejected", "refused", "unresolved", "entity_failed"]),
            "`rejected`: never accepted. `refused`: accepted, and the entity could not use it. `unresolved`: accepted, and \
             its document never came. `entity_failed`: an entity failed on it and stands still.",
        ),
        about(
            "code",
            json!({"type": "string", "examples": ["invalid_data"]}),
            "Stable; `/docs/errors/CODE` has its page.",
        ),
        about("detail", any_text(), "For people."),
        about("errors", array(wrong), "Each wrong field of a rejected event."),
        maybe("entity", any_text(), "The entity that failed."),
        json_event(),
        about("at", time(), "Ingest time."),
        about("event_lsn", lsn(), "The record that holds the event."),
        about(
            "event_trimmed",
            boolean(),
            "Whether that record was trimmed from the journal: then the event is no longer known.",
        ),
        about("lsn", lsn(), "The record that put it here."),
    ]
}

/// Whatever was sent.
fn json_event() -> Member {
    about(
        "event",
        json!({
            "type": ["object", "array", "string", "number", "boolean", "null"],
            "examples": [{"specversion": "1.0", "id": "1", "source": "/pos", "type": "pos.sale", "data": {}}],
        }),
        "The event as it was sent, as JSON if it is; else its text.",
    )
}

pub fn retried() -> Vec<Member> {
    let counts =
        counts().into_iter().filter(|member| !member.is_named("lsn") && !member.is_named("position"));
    let errors = about("errors", array(component("Problem")), "Empty.");
    [required("id", id("q17"))].into_iter().chain(counts).chain(position()).chain([errors]).collect()
}

pub fn snapshot() -> Value {
    object([
        about("number", count(), "Its directory below `generations`, with leading zeros."),
        about("lsn", lsn(), "A start replays what comes after this record."),
        about("entities", count(), "Live entities in it."),
        about("bytes", count(), "On the disk."),
        about("seconds", any_number(), "How long it took."),
        about("taken_at", time(), "When it was begun."),
    ])
}

pub fn ready() -> Value {
    object([
        required("status", constant("ready")),
        maybe("generation", count(), "The snapshot that the start began from."),
        about("entities_loaded", count(), "Entities that came from it."),
        about("replayed", count(), "Records replayed at the start."),
        maybe("recovery_seconds", any_number(), "How long that took."),
        about(
            "outbox_held",
            json!({"type": "boolean", "examples": [false]}),
            "Approved actions wait: a backup was restored, and nobody has released the outbox yet.",
        ),
        disk_full(),
        required("lsn", lsn()),
    ])
}

/// Whether the tower only reads.
pub fn disk_full() -> Member {
    about(
        "disk_full",
        json!({"type": "boolean", "examples": [false]}),
        "The journal's disk is full: everything can be read, nothing new is taken until there is room.",
    )
}

/// Whether the outbox waits for a person, and since when.
pub fn outbox_hold() -> Value {
    object([
        about(
            "held",
            json!({"type": "boolean", "examples": [false]}),
            "Approved actions wait for `POST /api/v1/outbox/release`.",
        ),
        maybe("held_since", time(), "When the backup was restored, by the wall clock."),
        maybe("held_since_lsn", lsn(), "The record that says so."),
        maybe("backup_taken_at", time(), "When the backup was made, by the wall clock."),
    ])
}

/// The answer to its release.
pub fn outbox_released() -> Value {
    object([
        about(
            "held",
            json!({"type": "boolean", "const": false, "examples": [false]}),
            "It is not held any more.",
        ),
        about(
            "released",
            json!({"type": "boolean", "examples": [true]}),
            "Whether this request released it; `false` if it was not held.",
        ),
        required("lsn", lsn()),
        required("position", any_text()),
    ])
}

fn case_statistics() -> Value {
    let by_state =
        |example: Value| json!({"type": "object", "additionalProperties": count(), "examples": [example]});
    let hours =
        || object([maybe("p50", any_number(), "Half of them."), maybe("p90", any_number(), "Nine in ten.")]);
    object([
        about("by_state", by_state(json!({"proposed": 3})), "How many, by state."),
        about("past_decide_by", count(), "Undecided, and no remedy would be in time any more."),
        about("approved", count(), "How many of them were approved."),
        about("hours_to_approval", hours(), "From opened to approved took at most so many hours."),
        about("hours_to_close", hours(), "From opened to the end, of those that were approved."),
        about("actions_by_state", by_state(json!({"documented": 2})), "Their actions, by state."),
    ])
}

/// What somebody with a scope, or in one tenant of several, may not see is `null`.
pub fn statistics() -> Value {
    let number = |name, words: &str| maybe(name, any_number(), words);
    object([
        about("tenant", any_text(), "The tenant's name."),
        about("clock", words(["wall", "event"]), "What moves its business time."),
        about("business_time", time(), "Now, for the tenant."),
        about(
            "events",
            object([
                number("accepted", "Taken."),
                number("duplicates", "Repeats."),
                number("rejected", "In quarantine."),
                number("refused", "Not even kept."),
            ]),
            "Since the start; `null` where others are counted too.",
        ),
        about(
            "rates",
            object([
                number("seconds", "The time that they are the mean of, at most 60."),
                number("records_per_second", "Records in the journal."),
                number("accepted_per_second", "Events taken."),
                number("duplicates_per_second", "Repeats."),
                number("rejected_per_second", "Events in quarantine."),
            ]),
            "Of the last minute; `null` for the first seconds, and where others are counted too.",
        ),
        number("records", "Records in the journal."),
        number("entities", "Live entities."),
        about(
            "described",
            object([
                number("items", "Items."),
                number("locations", "Locations."),
                number("suppliers", "Suppliers."),
                number("customers", "Customers."),
            ]),
            "Master data.",
        ),
        about("exceptions_open", count(), "Exceptions that are not over."),
        about(
            "exceptions_open_by_type",
            json!({"type": "object", "additionalProperties": count(), "examples": [{"shortage_now": 2}]}),
            "The same by type.",
        ),
        about(
            "exceptions",
            object([
                about("unacknowledged", count(), "Nobody has seen them."),
                about("snoozed", count(), "Put off."),
                about("in_case", count(), "A case decides about them."),
                about("escalated", count(), "Not taken up in time."),
                about("past_decide_by", count(), "No remedy would be in time any more."),
            ]),
            "What of the open ones waits for whom.",
        ),
        about("cases", case_statistics(), "Those that are open, and the last ones that are not."),
        number("quarantine", "Entries in quarantine."),
        number("holding", "Events that wait for their document."),
        number("document_index_lines", "Document lines that events can refer to."),
        about(
            "lag",
            object([
                number("applied_records", "Durable and not applied."),
                number("unsettled", "Entities with work left."),
            ]),
            "How far behind.",
        ),
        about(
            "admission",
            object([
                number("records", "In use."),
                number("records_max", "Limit."),
                number("bytes", "In use."),
                number("bytes_max", "Limit."),
                number("refused", "Requests refused."),
            ]),
            "Work that is accepted and not applied.",
        ),
        about(
            "duplicate_window",
            object([
                number("events", "Ids remembered."),
                number("events_max", "Limit."),
                maybe("since_lsn", lsn(), "The oldest that is surely remembered."),
                maybe("since", time(), "Its time."),
                number("reach_minutes", "Its age."),
            ]),
            "How far back a repeat is known.",
        ),
        about(
            "recovery",
            object([number("records", "Records read."), number("seconds", "How long it took.")]),
            "The last start.",
        ),
        disk_full(),
        about("outbox", outbox_hold(), "Whether approved actions wait since a backup was restored."),
        about("started_at", time(), "When the process started."),
        about("as_of", time(), "Wall clock."),
        required("lsn", lsn()),
        required("position", any_text()),
    ])
}

/// The item of the feed's topic `stats`.
pub fn feed_statistics() -> Value {
    let number = |name, words: &str| maybe(name, any_number(), words);
    object([
        about("clock", words(["wall", "event"]), "What moves the tenant's business time."),
        about("business_time", time(), "Now, for the tenant."),
        number("records", "Records in the journal."),
        number("records_per_second", "Since the frame before."),
        number("durable_lsn", "The last record on the disk."),
        about("applied_lsn", lsn(), "Everything up to here is applied."),
        about(
            "lag",
            object([
                number("applied_records", "Durable and not applied."),
                number("unsettled", "Entities with work left."),
            ]),
            "How far behind.",
        ),
        about("exceptions_open", count(), "Exceptions that are not over."),
        number("entities", "Live entities."),
        number("feed_sockets", "Open sockets of the feed."),
        disk_full(),
        about("as_of", time(), "Wall clock."),
        required("lsn", lsn()),
    ])
}
