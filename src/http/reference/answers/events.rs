//! The schema of a whole event.

use serde_json::{Value, json};

use super::*;

/// One structured event of any type.
pub fn cloud_event() -> Value {
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
    let bounded = |bytes_max: u32| json!({"type": "string", "minLength": 1, "maxLength": bytes_max, "pattern": NO_CONTROLS});
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
