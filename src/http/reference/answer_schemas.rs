//! What the tower answers and sends, as schemas: members are always there and `null` when unknown. A test holds real
//! answers and frames against them.

use serde_json::{Map, Value, json};

use super::event_schemas::data_schema;
use super::schema::*;
use crate::domain::event::{EventType, RESERVED_TYPES};
use crate::http::exceptions::{SEVERITIES, STATES, TYPES};

/// Every schema that the documents share, by name.
pub fn components() -> Map<String, Value> {
    let mut all = Map::new();
    let mut add = |name: &str, schema: Value| {
        all.insert(name.to_owned(), schema);
    };
    add("Problem", problem());
    add("Receipt", receipt());
    add("Refusal", refusal());
    add("Money", money());
    add("SkuLocation", with_state(sku_location()));
    add("SkuLocationState", object(sku_location()));
    add("SkuLocationItem", object(sku_location().into_iter().chain([required("lsn", lsn())])));
    add("SkuLocationList", list(listed(sku_location())));
    add("Projection", projection());
    add("Supplier", with_state(supplier()));
    add("SupplierState", object(supplier()));
    add("SupplierItem", object(supplier().into_iter().chain([required("lsn", lsn())])));
    add("SupplierList", list(listed(supplier())));
    add("Exception", object(exception()));
    add("ExceptionDetail", object(exception().into_iter().chain([required("position", any_text())])));
    add("ExceptionList", list(component("Exception")));
    // Nothing makes cases yet; this is what is sure of them.
    add("Case", object([required("id", id("case_5d0c1f7a")), required("lsn", lsn())]));
    add("Item", object(item().into_iter().chain(position())));
    add("ItemList", list(object(item())));
    add("Location", object(location().into_iter().chain(position())));
    add("LocationList", list(object(location())));
    add("QuarantineEntry", quarantine_entry());
    add("QuarantineList", list(component("QuarantineEntry")));
    add(
        "QuarantineClosed",
        object([required("id", id("q17")), required("lsn", lsn()), required("position", any_text())]),
    );
    add("QuarantineRetried", object(retried()));
    // A failed entity has no counts.
    add(
        "QuarantineRetryAnswer",
        json!({"anyOf": [component("QuarantineRetried"), component("QuarantineClosed")]}),
    );
    add("Statistics", statistics());
    add("FeedStatistics", feed_statistics());
    add("Alive", object([required("status", constant("alive"))]));
    add("Ready", ready());
    add(
        "FeedTicket",
        object([
            about("ticket", any_text(), "Opens one socket, once."),
            about("expires_at", time(), "After this it opens none."),
        ]),
    );
    add("CloudEvent", cloud_event());
    for event_type in EventType::ALL {
        let mut schema = data_schema(*event_type);
        schema["title"] = event_type.as_str().into();
        add(&data_component(event_type.as_str()), schema);
    }
    all
}

/// The component that describes the `data` of a type.
pub fn data_component(event_type: &str) -> String {
    format!("data.{event_type}")
}

/// A member with a description of its own.
fn about(name: &'static str, mut schema: Value, about: &str) -> Member {
    schema["description"] = about.into();
    required(name, schema)
}

fn maybe(name: &'static str, mut schema: Value, about: &str) -> Member {
    if schema.get("$ref").is_none() {
        schema["description"] = about.into();
    }
    known(name, schema)
}

fn id(example: &str) -> Value {
    json!({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$", "description": "Made by the tower.", "examples": [example]})
}

fn position() -> [Member; 2] {
    [required("lsn", lsn()), required("position", any_text())]
}

fn money() -> Value {
    let mut money = object([
        about(
            "amount",
            json!({"type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?$", "examples": ["12.50"]}),
            "A decimal, rounded to the currency's minor unit.",
        ),
        required("currency", currency()),
    ]);
    money["description"] = "Money, in the tenant's base currency.".into();
    money["examples"] = json!([{"amount": "12.50", "currency": "EUR"}]);
    money
}

/// RFC 9457. Members beyond these depend on the code.
fn problem() -> Value {
    let wrong = object([
        about("pointer", any_text(), "JSON pointer (RFC 6901) to what is wrong, such as `/data/quantity`."),
        about("code", any_text(), "Stable; `/docs/errors/CODE` has its page."),
        about("detail", any_text(), "For people."),
    ]);
    object([
        about(
            "type",
            json!({"type": "string", "examples": ["/docs/errors/bad_parameter"]}),
            "The page of the code.",
        ),
        about(
            "title",
            json!({"type": "string", "examples": ["A parameter is malformed"]}),
            "The same for every occurrence of the code.",
        ),
        about("status", json!({"type": "integer", "examples": [400]}), "The HTTP status."),
        known("detail", any_text()),
        about(
            "code",
            json!({"type": "string", "examples": ["bad_parameter"]}),
            "Stable: what programs go by.",
        ),
        about(
            "errors",
            json!({"type": "array", "items": wrong, "examples": [[]]}),
            "Each wrong field; empty for other problems.",
        ),
    ])
}

fn counts() -> [Member; 5] {
    [
        about("accepted", count(), "Events that are durable now."),
        about("duplicates", count(), "Events that were taken before, with equal content."),
        about("rejected", count(), "Events that are not taken; they are in quarantine."),
        maybe(
            "lsn",
            lsn(),
            "The highest of this request; for a repeat that of the first time; `null` if nothing was taken.",
        ),
        maybe("position", any_text(), "The same as a position."),
    ]
}

/// Problems of single events, by place.
fn errors_at() -> Member {
    let at = object([
        about("index", count(), "Zero-based place in the batch or stream."),
        required("problem", component("Problem")),
    ]);
    about("errors", array(at), "At most 1,000 are told; all are counted.")
}

fn receipt() -> Value {
    let mut receipt = object(counts().into_iter().chain([errors_at()]));
    receipt["examples"] = json!([{
        "accepted": 1, "duplicates": 0, "rejected": 0, "lsn": 4711, "position": "hx3q-4711", "errors": [],
    }]);
    receipt
}

/// Nothing was taken: a problem and a receipt in one.
fn refusal() -> Value {
    object(
        [
            about("type", any_text(), "The page of the first event's code."),
            about("title", any_text(), "That no event was taken."),
            about("status", any_number(), "422"),
            about("detail", any_text(), "For people."),
            about("code", any_text(), "The code of the first event."),
        ]
        .into_iter()
        .chain(counts())
        .chain([errors_at()]),
    )
}

fn list(items: Value) -> Value {
    object([
        about("items", array(items), "At most `limit` of them."),
        known("next_cursor", any_text()),
        required("lsn", lsn()),
        required("position", any_text()),
    ])
}

/// A state with the position that it shows.
fn with_state(members: Vec<Member>) -> Value {
    let state = [
        known("failed_at", lsn()),
        required("lsn", lsn()),
        required("position", any_text()),
        required("as_of", time()),
    ];
    object(members.into_iter().chain(state))
}

/// A state in a list; while it is being rebuilt every number is `null`.
fn listed(members: Vec<Member>) -> Value {
    let mut all = object(members.into_iter().chain([known("failed_at", lsn())]));
    if let Some(Value::Object(properties)) = all.get_mut("properties") {
        for (name, schema) in properties.iter_mut() {
            let is_null =
                |kind: &Value| kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"));
            let may_be = schema.get("type").is_some_and(is_null) || schema.get("anyOf").is_some();
            if !["sku", "location", "supplier"].contains(&name.as_str()) && !may_be {
                *schema = nullable(std::mem::take(schema));
            }
        }
    }
    all
}

fn sku_location() -> Vec<Member> {
    vec![
        required("sku", name()),
        required("location", name()),
        about("on_hand", any_number(), "Units that are there and saleable; negative if events say so."),
        about("blocked", any_number(), "Units that are there and blocked or damaged."),
        about("reserved", any_number(), "Open customer orders and transfers that leave."),
        about("due", any_number(), "Open customer orders promised for now or earlier, or without promise."),
        about("available", any_number(), "`on_hand` − `reserved`."),
        about("backorders", any_number(), "What is due and not there."),
        about("on_order", any_number(), "Open purchase and transfer lines, planned supply included."),
        about(
            "planned",
            any_number(),
            "The part of `on_order` that is an approved action without document yet.",
        ),
        about("in_transit", any_number(), "The part of `on_order` that is on the way."),
        about("inventory_position", any_number(), "`on_hand` + `on_order` − `due` − outbound transfers."),
        about("demand_rate_per_day", any_number(), "Expected demand, units a day."),
        maybe(
            "demand_class",
            words(["smooth", "erratic", "intermittent", "lumpy"]),
            "`null` until there is enough history.",
        ),
        maybe("days_of_cover", any_number(), "`available` ÷ `demand_rate_per_day`; `null` without demand."),
        about("safety_stock", any_number(), "Units."),
        about("reorder_point", any_number(), "Units."),
        about("lead_time_days", any_number(), "Mean lead time that planning goes by."),
        about("stockout_probability", number(0.0, 1.0), "Within `stockout_horizon_days`."),
        about("stockout_horizon_days", any_number(), "Lead time and review period."),
        maybe(
            "projected_stockout_at",
            time(),
            "`null` if the balance stays above zero for all days projected.",
        ),
        about("open_exceptions", count(), "Exceptions of this place that are not over."),
    ]
}

fn projection() -> Value {
    let day = object([
        about("day", date(), "Local day."),
        required("from", time()),
        required("until", time()),
        about("receipts", any_number(), "Units expected in."),
        about("demand", any_number(), "Units: the greater of forecast and orders due."),
        about("balance", any_number(), "Units at the end of the day."),
        about("p10", any_number(), "The balance that is undercut with a probability of 10 %."),
        about("p90", any_number(), "The balance that is exceeded with a probability of 10 %."),
    ]);
    let window = object([required("from", time()), required("until", time())]);
    with_state(vec![
        required("sku", name()),
        required("location", name()),
        maybe("projected_stockout_at", time(), "`null` if the balance stays above zero for all days."),
        about("days", array(day), "The first is what is left of today."),
        about("shortage_windows", array(window), "Days in a row that end short."),
    ])
}

fn supplier() -> Vec<Member> {
    let delay = object([
        required("supplier", name()),
        required("delay_days", any_number()),
        known("po_id", name()),
        known("sku", name()),
        known("from", time()),
        known("until", time()),
        known("reason", any_text()),
    ]);
    vec![
        required("supplier", name()),
        known("name", any_text()),
        known("timezone", name()),
        known("calendar", name()),
        known("ack_within_hours", any_number()),
        about("open_lines", count(), "Purchase lines with something still to come."),
        about("open_quantity", any_number(), "Units still to come."),
        about("late_lines", count(), "Open lines whose latest promise has passed."),
        about("receipts", count(), "Lines whose lead time was measured."),
        about("receipts_before_order", count(), "Lines received before they were ordered; not measured."),
        about("lines_refused", count(), "Lines that found no room."),
        about(
            "lead_time_mean_days",
            any_number(),
            "What planning goes by unless policy or sourcing say otherwise.",
        ),
        about("lead_time_sd_days", any_number(), "Standard deviation of it."),
        about("lead_time_source", words(["measured", "described", "default"]), "Where the mean comes from."),
        maybe("on_time_share", number(0.0, 1.0), "Share of measured lines that came no later than promised."),
        maybe("lateness_mean_days", any_number(), "Receipt less promise."),
        maybe(
            "next_acknowledgement_due_at",
            time(),
            "The earliest moment by which a line must be acknowledged; may be past.",
        ),
        about("capacity_factor", any_number(), "Share of normal."),
        about("delays", array(delay), "What it reported and still holds."),
        about("open_exceptions", count(), "Its exceptions that are not over."),
    ]
}

fn exception() -> Vec<Member> {
    let subject = object([
        about("kind", any_text(), "What it is about: `sku_location`, `supplier`, `item`, `location`, …"),
        known("sku", name()),
        known("location", name()),
        known("supplier", name()),
    ]);
    let evidence = object([
        about("source", any_text(), "`source` of the event."),
        about("id", any_text(), "`id` of the event."),
        about("type", any_text(), "Its type."),
        required("time", time()),
        about("lsn", lsn(), "Its record."),
    ]);
    let window = object([known("from", time()), known("until", time())]);
    let own = json!({"type": "string", "pattern": "^custom\\.", "description": "One that the configuration defines."});
    let types = json!({"anyOf": [words(TYPES.iter().copied()), own]});
    vec![
        about("id", id("exc_5d0c1f7a9b3e4c218d60"), "The same for as long as the exception lives."),
        about("type", types, "What is wrong."),
        about("state", words(STATES.iter().copied()), "How far it is."),
        about("severity", words(SEVERITIES.iter().copied()), "How bad it is, apart from how soon."),
        about("urgency", integer(0, 100), "How soon something must be done."),
        maybe("value_at_risk", component("Money"), ""),
        maybe("units_at_risk", any_number(), "Ranks what has no price."),
        maybe(
            "decide_by",
            time(),
            "The last moment at which the fastest remedy still arrives in time; may be past; `null` without remedy.",
        ),
        about("subject", subject, "What it is about; what does not apply is `null`."),
        about("opened_at", time(), "Business time."),
        about("updated_at", time(), "Business time."),
        maybe("cleared_at", time(), "When it went away by itself."),
        maybe("window", window, "The time in which it bites."),
        maybe("cause", any_text(), "Why, in words."),
        known("confidence", number(0.0, 1.0)),
        about("evidence", array(evidence), "The events that led here."),
        maybe("case_id", any_text(), "The case that deals with it."),
        maybe("owner", any_text(), "Who takes care of it."),
        maybe("team", any_text(), "Whose queue it stands in."),
        maybe("sla_due_at", time(), "When somebody must have picked it up."),
        about("revision", count(), "Rises with each change."),
        about("lsn", lsn(), "The record that last changed it."),
    ]
}

fn item() -> Vec<Member> {
    let unit = object([required("uom", name()), required("factor", any_number())]);
    let substitute = object([required("sku", name()), required("ratio", any_number())]);
    vec![
        required("sku", name()),
        known("name", any_text()),
        required("path", array(name())),
        known("attributes", json!({"type": "object", "examples": [{"fat": "3.5 %"}]})),
        known("brand", any_text()),
        known("unit_cost", any_text()),
        known("unit_price", any_text()),
        known("currency", currency()),
        known("uom", name()),
        required("uoms", array(unit)),
        known("pack", any_number()),
        known("shelf_life_days", any_number()),
        required("substitutes", array(substitute)),
    ]
}

fn location() -> Vec<Member> {
    vec![
        required("location", name()),
        known("name", any_text()),
        known("kind", words(["store", "dc", "supplier", "web"])),
        required("path", array(name())),
        known("lat", any_number()),
        known("lon", any_number()),
        known("timezone", name()),
        known("calendar", name()),
    ]
}

fn quarantine_entry() -> Value {
    let wrong = object([
        about("pointer", any_text(), "JSON pointer."),
        about("code", any_text(), "Stable."),
        required("detail", any_text()),
    ]);
    object([
        about("id", id("q17"), "Its identifier."),
        about(
            "reason",
            words(["rejected", "refused", "unresolved", "entity_failed"]),
            "`rejected`: never accepted. `refused`: accepted, and the entity could not use it. `unresolved`: accepted, and its document never came. `entity_failed`: an entity failed on it and stands still.",
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
        about("lsn", lsn(), "The record that put it here."),
    ])
}

/// Whatever was sent.
fn json_event() -> Member {
    about(
        "event",
        json!({"type": ["object", "array", "string", "number", "boolean", "null"], "examples": [{"specversion": "1.0", "id": "1", "source": "/pos", "type": "pos.sale", "data": {}}]}),
        "The event as it was sent, as JSON if it is; else its text.",
    )
}

fn retried() -> Vec<Member> {
    let counts =
        counts().into_iter().filter(|member| !member.is_named("lsn") && !member.is_named("position"));
    let errors = about("errors", array(component("Problem")), "Empty.");
    [required("id", id("q17"))].into_iter().chain(counts).chain(position()).chain([errors]).collect()
}

fn ready() -> Value {
    object([
        required("status", constant("ready")),
        about("replayed", count(), "Records read at the start."),
        maybe("recovery_seconds", any_number(), "How long that took."),
        required("lsn", lsn()),
    ])
}

/// What somebody with a scope, or in one tenant of several, may not see is `null`.
fn statistics() -> Value {
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
        about("started_at", time(), "When the process started."),
        about("as_of", time(), "Wall clock."),
        required("lsn", lsn()),
        required("position", any_text()),
    ])
}

/// The item of the feed's topic `stats`.
fn feed_statistics() -> Value {
    let number = |name, words: &str| maybe(name, any_number(), words);
    object([
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
        about("as_of", time(), "Wall clock."),
        required("lsn", lsn()),
    ])
}

/// One structured event of any type.
fn cloud_event() -> Value {
    let core =
        EventType::ALL.iter().map(|kind| event_of(kind.as_str(), component(&data_component(kind.as_str()))));
    let reserved = json!({"type": "object", "description": "Kept; without effect yet."});
    let reserved = RESERVED_TYPES.iter().map(|kind| event_of(kind, reserved.clone()));
    json!({
        "description": "A CloudEvent 1.0 in its JSON format. Unknown members are kept.",
        "oneOf": core.chain(reserved).collect::<Vec<_>>(),
    })
}

fn event_of(kind: &str, data: Value) -> Value {
    let bounded = |bytes_max: u32| json!({"type": "string", "minLength": 1, "maxLength": bytes_max, "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"});
    let like = |mut schema: Value, words: &str, example: &str| {
        schema["description"] = words.into();
        schema["examples"] = json!([example]);
        schema
    };
    let mut event = object([
        required("specversion", constant("1.0")),
        required(
            "id",
            like(bounded(256), "With `source` it names the event; at most 256 bytes.", "sale-0001"),
        ),
        required("source", like(bounded(512), "Who tells; at most 512 bytes.", "/pos/store-12")),
        required("type", constant(kind)),
        optional("subject", like(bounded(1_024), "What it is about; not used.", "milk-1l")),
        optional("time", time()),
        optional(
            "sequence",
            json!({"type": ["string", "number"], "description": "Orders counts of the same time.", "examples": ["17"]}),
        ),
        optional(
            "datacontenttype",
            json!({"type": "string", "description": "A JSON type.", "examples": ["application/json"]}),
        ),
        required("data", data),
    ]);
    event["title"] = kind.into();
    event
}
