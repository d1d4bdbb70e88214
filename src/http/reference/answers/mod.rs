//! What the tower answers and sends, as schemas: members are always there and `null` when unknown. A test holds real
//! answers and frames against them.

use serde_json::{Map, Value, json};

use super::event_schemas::data_schema;
pub(super) use super::schema::*;
use crate::domain::event::{EventType, RESERVED_TYPES};

mod case_parts;
mod commands;
mod decisions;
mod documents;
mod entities;
mod events;
mod operations;
mod why;

use commands::{bulk_result, commands};
pub use decisions::{SEVERITIES, exception_types};
use decisions::{action, affected, case, delivery, evidence, exception};
use documents::{order, promotion, purchase_order, touched, transfer};
use entities::*;
use events::cloud_event;
use operations::*;

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
    add("Evidence", evidence());
    add("Affected", affected());
    add("Exception", object(exception()));
    add("ExceptionDetail", object(exception().into_iter().chain([required("position", any_text())])));
    add("ExceptionList", list(component("Exception")));
    case_parts::add_to(&mut add);
    add("Case", object(case()));
    add("CaseDetail", object(case().into_iter().chain([required("position", any_text())])));
    add("CaseList", list(component("Case")));
    add("Action", object(action()));
    add("ActionDetail", object(action().into_iter().chain([required("position", any_text())])));
    add("ActionList", list(component("Action")));
    let mut deliveries = list(delivery());
    deliveries["properties"]["outbox"] = outbox_hold();
    add("DeliveryList", deliveries);
    add("OutboxReleased", outbox_released());
    add("BulkResult", bulk_result());
    for (name, schema) in commands() {
        add(&name, schema);
    }
    add("Order", object(order().into_iter().chain(position())));
    add("OrderList", list(object(order())));
    add("PurchaseOrder", object(purchase_order().into_iter().chain(position())));
    add("PurchaseOrderList", list(object(purchase_order())));
    add("Transfer", object(transfer().into_iter().chain(position())));
    add("TransferList", list(object(transfer())));
    add("Promotion", object(promotion().into_iter().chain([touched()]).chain(position())));
    add("PromotionList", list(object(promotion())));
    add("Customer", object(customer().into_iter().chain(position())));
    add("CustomerList", list(object(customer())));
    add("Item", object(item().into_iter().chain(position())));
    add("ItemList", list(object(item())));
    add("Location", object(location().into_iter().chain(position())));
    add("LocationList", list(object(location())));
    add("QuarantineEntry", object(quarantine_entry()));
    add(
        "QuarantineEntryDetail",
        object(quarantine_entry().into_iter().chain([required("position", any_text())])),
    );
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
    add("Snapshot", snapshot());
    add("SnapshotList", object([about("items", array(component("Snapshot")), "Newest first.")]));
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
    why::add_to(&mut add);
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
    json!({
        "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$", "description": "Made by the tower.",
        "examples": [example],
    })
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
