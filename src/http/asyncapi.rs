//! `/asyncapi.json`: the AsyncAPI 3.0 document of the feed. Every frame is a message with a schema and an example.

use serde_json::{Map, Value, json};

use super::reference::{Member, component, components, constant, example, optional, required};
use super::reference::{any_text, boolean, lsn, words};
use crate::domain::approval_case::CaseChange;
use crate::domain::exception::ExceptionChange;
use crate::feed::Topic;

/// Frames that a client says.
const FROM_CLIENT: &[&str] = &["subscribe", "unsubscribe", "pong"];
/// Frames that the tower sends.
const FROM_TOWER: &[&str] = &["hello", "subscribed", "snapshot", "event", "state", "ping", "error"];

/// What can happen to an exception.
const EXCEPTION_CHANGES: [ExceptionChange; 7] = {
    use ExceptionChange::*;
    [Opened, Updated, Acknowledged, Assigned, Snoozed, Resolved, Cleared]
};
/// What can happen to a case.
const CASE_CHANGES: [CaseChange; 20] = {
    use CaseChange::*;
    [
        Opened, Updated, Options, Chosen, Voted, Approved, Rejected, Executing, Executed, Reconciled, Closed,
        Cancelled, Expired, Failed, Superseded, Reopened, Delegated, Commented, Task, Action,
    ]
};

/// The document.
pub fn document() -> Value {
    let shared = components();
    let mut schemas: Map<String, Value> = Map::new();
    for (name, frame) in frames() {
        schemas.insert(format!("frame.{name}"), frame);
    }
    let together = FROM_TOWER.iter().map(|name| component(&format!("frame.{name}"))).collect::<Vec<_>>();
    schemas.insert(
        "frame.together".into(),
        json!({
            "type": "array", "minItems": 1, "items": {"anyOf": together},
            "description": "Frames that became due together, in order.",
        }),
    );
    add_needed(&mut schemas, &shared);
    let names = || FROM_CLIENT.iter().chain(FROM_TOWER).copied().chain(["together"]);
    let messages: Map<String, Value> =
        names().map(|name| (name.to_owned(), message(name, &schemas))).collect();
    let of_channel: Map<String, Value> = names()
        .map(|name| (name.to_owned(), json!({"$ref": format!("#/components/messages/{name}")})))
        .collect();
    let on_channel = |names: &[&str]| {
        let refs = names.iter().map(|name| json!({"$ref": format!("#/channels/feed/messages/{name}")}));
        Value::from(refs.collect::<Vec<_>>())
    };
    let sent: Vec<&str> = FROM_TOWER.iter().copied().chain(["together"]).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tidewatch feed",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What happens in the tower, live: exceptions and cases as gapless events, SKU-locations, \
                suppliers and statistics as latest values. `/docs/feed` tells how to write a client.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"tower": {
            "host": "127.0.0.1:8080",
            "protocol": "ws",
            "description": "The tower's own address; behind a proxy with TLS the protocol is `wss`.",
            "security": [
                {"$ref": "#/components/securitySchemes/key"},
                {"$ref": "#/components/securitySchemes/ticket"},
            ],
        }},
        "channels": {"feed": {
            "address": "/api/v1/feed",
            "title": "The feed",
            "description": "A WebSocket with sub-protocol `tidewatch.v1`. A message is JSON text: one frame, or an array \
                of frames that became due together. 45 s of silence close it; so does a client that can't keep up with \
                gapless frames (4008, the reason is the position to come back with) and a stop (1012, likewise).",
            "messages": of_channel,
            "bindings": {"ws": {
                "method": "GET",
                "query": {"type": "object", "properties": {"ticket": {
                    "type": "string", "description": "From `POST /api/v1/feed/tickets`; opens one socket within 30 s.",
                }}},
                "headers": {"type": "object", "properties": {
                    "Sec-WebSocket-Protocol": {"type": "string", "const": "tidewatch.v1"},
                }},
                "bindingVersion": "0.1.0",
            }},
        }},
        "operations": {
            "listen": {
                "action": "receive",
                "channel": {"$ref": "#/channels/feed"},
                "title": "What a client says",
                "description": "At any time.",
                "messages": on_channel(FROM_CLIENT),
            },
            "tell": {
                "action": "send",
                "channel": {"$ref": "#/channels/feed"},
                "title": "What the tower sends",
                "description": "First `hello`; then what was subscribed to.",
                "messages": on_channel(&sent),
            },
        },
        "components": {
            "messages": messages,
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key."},
                "ticket": {
                    "type": "httpApiKey", "name": "ticket", "in": "query",
                    "description": "For browsers, which can't send a header with a WebSocket.",
                },
            },
        },
    })
}

fn message(name: &str, schemas: &Map<String, Value>) -> Value {
    let schema = format!("frame.{name}");
    let summary = schemas.get(&schema).and_then(|schema| schema["description"].as_str()).unwrap_or_default();
    let payload = component(&schema);
    let example = if name == "together" {
        json!([example(&component("frame.ping"), schemas, false)])
    } else {
        example(&payload, schemas, false)
    };
    json!({
        "name": name, "title": name, "summary": summary, "payload": payload,
        "examples": [{"name": name, "payload": example}],
    })
}

/// Adds the shared schemas that are referred to, and those that these refer to.
fn add_needed(schemas: &mut Map<String, Value>, shared: &Map<String, Value>) {
    fn refs(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(path)) = map.get("$ref") {
                    found.extend(path.rsplit('/').next().map(str::to_owned));
                }
                map.values().for_each(|value| refs(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| refs(value, found)),
            _ => {}
        }
    }
    let mut wanted = Vec::new();
    schemas.values().for_each(|schema| refs(schema, &mut wanted));
    while let Some(name) = wanted.pop() {
        if !schemas.contains_key(&name)
            && let Some(schema) = shared.get(&name)
        {
            refs(schema, &mut wanted);
            schemas.insert(name, schema.clone());
        }
    }
}

/// What the items of a topic are in a snapshot; the `lsn` of each stands in it.
fn item(topic: Topic) -> &'static str {
    match topic {
        Topic::Exceptions => "Exception",
        Topic::Cases => "Case",
        Topic::SkuLocations => "SkuLocationItem",
        Topic::Suppliers => "SupplierItem",
        Topic::Stats => "FeedStatistics",
    }
}

/// What the item of a topic is in a frame of its own; the `lsn` of a state stands beside it.
fn item_of_frame(topic: Topic) -> &'static str {
    match topic {
        Topic::SkuLocations => "SkuLocationState",
        Topic::Suppliers => "SupplierState",
        other => item(other),
    }
}

fn frame(kind: &str, about: &str, members: impl IntoIterator<Item = Member>) -> (String, Value) {
    let members = [required("type", constant(kind))].into_iter().chain(members);
    let mut schema = super::reference::object(members);
    schema["description"] = about.into();
    (kind.to_owned(), schema)
}

fn said(name: &'static str, mut schema: Value, about: &str, example: Value) -> Member {
    schema["description"] = about.into();
    schema["examples"] = json!([example]);
    required(name, schema)
}

fn frames() -> Vec<(String, Value)> {
    let text = || json!({"type": "string"});
    let id = || {
        let id = json!({"type": "string", "minLength": 1, "maxLength": 64});
        said("id", id, "The subscription, as the client named it.", json!("q1"))
    };
    let position =
        || said("position", text(), "Opaque; what to come back with as `since`.", json!("hx3q-4711"));
    let topics = |of: fn(Topic) -> bool| -> Vec<Topic> {
        Topic::ALL.iter().copied().filter(|topic| of(*topic)).collect()
    };
    let names = |topics: &[Topic]| words(topics.iter().map(|topic| topic.as_str()));
    let items = |topics: &[Topic], item: fn(Topic) -> &'static str| {
        let items: Vec<Value> = topics.iter().map(|topic| component(item(*topic))).collect();
        json!({"anyOf": items})
    };
    let (all, gapless) = (topics(|_| true), topics(Topic::is_gapless));
    let latest = topics(|topic| !topic.is_gapless());
    let epoch = said(
        "epoch",
        text(),
        "The journal's identity; survives restarts. Another one after a backup was restored.",
        json!("0190c5d2a7"),
    );
    let time = json!({"type": "string", "format": "date-time"});
    let server_time = said("server_time", time, "Wall clock.", json!("2026-03-02T10:15:00Z"));
    let disk_full = || {
        let about =
            "The journal's disk is full: everything can be read, nothing new is taken until there is room.";
        said("disk_full", boolean(), about, json!(false))
    };
    let wanted = json!({"type": "array", "minItems": 1, "items": names(&all)});
    let since = json!({
        "type": "string", "minLength": 1, "maxLength": 80, "examples": ["hx3q-4711"],
        "description": "Go on after this position, without gap or repeat.",
    });
    let filter = json!({
        "type": "string", "examples": ["severity == 'critical'"],
        "description": "A CEL condition over the item's top-level fields.",
    });
    let snapshot = json!({
        "type": "boolean", "examples": [true],
        "description": "Begin with what there is now; `false` when absent.",
    });
    let recovered = "`false` when `since` can't be continued: a full snapshot follows.";
    let reason = "Why `since` can't be continued: `unknown_position` if it is not of this journal, `position_expired` if what \
        followed it is no longer kept. `null` if `recovered`.";
    let of_exceptions = EXCEPTION_CHANGES.iter().map(|change| change.as_str());
    let kind = words(of_exceptions.chain(CASE_CHANGES.iter().map(|change| change.as_str())));
    let matches = json!({
        "type": "boolean", "description": "`false`, once, for an item that no longer matches `where`.",
    });
    let code = || said("code", text(), "Stable; `/docs/errors/CODE` has its page.", json!("unknown_topic"));
    let mut of = json!({"type": ["string", "null"], "examples": ["q1"]});
    of["description"] = "The subscription that it is about, if that can be told.".into();
    let at = json!({
        "type": "object", "description": "The place in the filter that the error is about.",
        "properties": {
            "line": {"type": "integer", "minimum": 1},
            "column": {"type": "integer", "minimum": 1},
            "detail": {"type": "string"},
        },
        "required": ["line", "column", "detail"],
        "examples": [{"line": 1, "column": 12, "detail": "an expression ends too early"}],
    });
    vec![
        frame(
            "subscribe",
            "Asks for topics.",
            [
                id(),
                said("topics", wanted, "What to hear of.", json!(["exceptions", "sku_locations"])),
                optional("since", since),
                optional("where", filter),
                optional("snapshot", snapshot),
            ],
        ),
        frame("unsubscribe", "Ends a subscription.", [id()]),
        frame("pong", "A sign of life, in answer to a ping.", []),
        frame("hello", "The first frame.", [epoch, position(), server_time, disk_full()]),
        frame(
            "subscribed",
            "The subscription stands.",
            [
                id(),
                said("recovered", boolean(), recovered, json!(true)),
                said("reason", json!({"type": ["string", "null"]}), reason, json!(null)),
                position(),
            ],
        ),
        frame(
            "snapshot",
            "A page of what there is now.",
            [
                id(),
                required("topic", names(&all)),
                required("items", json!({"type": "array", "items": items(&all, item)})),
                said("last", boolean(), "Whether the topic's snapshot ends here.", json!(true)),
                position(),
            ],
        ),
        frame(
            "event",
            "Something happened: gapless, in order of `lsn`.",
            [
                id(),
                required("topic", names(&gapless)),
                said(
                    "kind",
                    kind,
                    "What happened: of the topic that its beginning names.",
                    json!("exception.opened"),
                ),
                said("lsn", lsn(), "The record that says so.", json!(4711)),
                position(),
                required("item", items(&gapless, item_of_frame)),
                optional("matches", matches),
            ],
        ),
        frame(
            "state",
            "The latest value of one thing; older unsent ones are replaced.",
            [
                id(),
                required("topic", names(&latest)),
                said("lsn", lsn(), "The highest record whose effect it shows.", json!(4711)),
                required("item", items(&latest, item_of_frame)),
            ],
        ),
        frame(
            "ping",
            "Every 15 s, and when `disk_full` changes; answer with a pong, or anything else.",
            [position(), disk_full()],
        ),
        frame(
            "error",
            "A frame that can't be followed; the socket stays open.",
            [required("id", of), code(), required("detail", any_text()), optional("where", at)],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails to compile when a change is added, so that it is added to the document too.
    fn place(change: CaseChange) -> usize {
        use CaseChange::*;
        match change {
            Opened => 0,
            Updated => 1,
            Options => 2,
            Chosen => 3,
            Voted => 4,
            Approved => 5,
            Rejected => 6,
            Executing => 7,
            Executed => 8,
            Reconciled => 9,
            Closed => 10,
            Cancelled => 11,
            Expired => 12,
            Failed => 13,
            Superseded => 14,
            Reopened => 15,
            Delegated => 16,
            Commented => 17,
            Task => 18,
            Action => 19,
        }
    }

    fn place_of_exception(change: ExceptionChange) -> usize {
        use ExceptionChange::*;
        match change {
            Opened => 0,
            Updated => 1,
            Acknowledged => 2,
            Assigned => 3,
            Snoozed => 4,
            Resolved => 5,
            Cleared => 6,
        }
    }

    #[test]
    fn every_change_of_an_exception_and_of_a_case_is_documented() {
        assert!(CASE_CHANGES.iter().enumerate().all(|(at, change)| place(*change) == at));
        assert!(EXCEPTION_CHANGES.iter().enumerate().all(|(at, change)| place_of_exception(*change) == at));
    }
}
