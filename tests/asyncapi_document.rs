//! `/asyncapi.json` tells of the feed as it is: every frame that a running tower sends has the schema that the document
//! gives it, and what the document has a client say is understood.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;
mod decision;

use std::collections::BTreeMap;
use std::time::Duration;

use common::feed::Feed;
use common::schema::Schemas;
use common::{Batch, Tower};
use serde_json::{Value, json};

const CONFIGURATION: &str = "[feed]\nping_interval_s = 1\n";

/// What the messages of an operation are, by name.
fn messages<'d>(document: &'d Value, operation: &str) -> BTreeMap<&'d str, &'d Value> {
    let listed = document["operations"][operation]["messages"].as_array().expect("messages");
    let name = |message: &'d Value| message["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
    listed.iter().map(|message| (name(message), &document["components"]["messages"][name(message)])).collect()
}

#[test]
fn every_reference_leads_somewhere_and_every_example_fits() {
    let tower = Tower::dev();
    let document = tower.http().get("/asyncapi.json").expect(200);
    assert_eq!(document["asyncapi"], "3.0.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    for part in document.to_string().split("\"$ref\":\"").skip(1) {
        let reference = part.split('"').next().unwrap();
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("outside reference {reference}"));
        assert!(document.pointer(pointer).is_some(), "dangling {reference}");
    }
    let schemas = Schemas::of(&document);
    let (said, sent) = (messages(&document, "listen"), messages(&document, "tell"));
    assert_eq!((said.len(), sent.len()), (3, 8));
    for (name, message) in said.iter().chain(&sent) {
        let example = &message["examples"][0]["payload"];
        let faults = schemas.faults(&message["payload"], example);
        assert!(faults.is_empty(), "{name}: {example}: {faults:?}");
        assert!(!message["summary"].as_str().unwrap_or_default().is_empty(), "{name}");
    }
}

#[test]
fn what_the_tower_sends_is_what_is_documented() {
    let tower = Tower::launch().dev().configuration(CONFIGURATION).start();
    let client = tower.http();
    let document = client.get("/asyncapi.json").expect(200);
    let schemas = Schemas::of(&document);
    let sent = messages(&document, "tell");
    let mut batch = Batch::new("shown");
    batch.add("item.described", json!({"sku": "A", "unit_price": "2.00", "currency": "EUR"}));
    batch.add("inventory.counted", json!({"sku": "A", "location": "L1", "on_hand": 1}));
    batch.add(
        "purchase_order.placed",
        json!({"po_id": "P", "supplier": "S",
        "lines": [{"line_id": "1", "sku": "A", "location": "L1", "quantity": 3}]}),
    );
    batch.add(
        "order.placed",
        json!({"order_id": "O", "line_id": "1", "sku": "A", "location": "L1", "quantity": 9}),
    );
    let lsn = client.accept(&batch.take())["lsn"].as_u64().unwrap();
    client.settled("/api/v1/exceptions", lsn).expect(200);

    let mut feed = Feed::open(&client).unwrap();
    feed.say_text("nonsense");
    feed.say(&json!({"type": "subscribe", "id": "wrong", "topics": ["exceptions"], "where": "urgency >"}));
    // What the document has a client say, a filter apart: that has tests of its own.
    let mut subscribe = messages(&document, "listen")["subscribe"]["examples"][0]["payload"].clone();
    subscribe["where"] = Value::Null;
    subscribe["since"] = Value::Null;
    subscribe["topics"] =
        document["components"]["schemas"]["frame.subscribe"]["properties"]["topics"]["items"]["enum"].clone();
    feed.say(&subscribe);
    batch.add("inventory.counted", json!({"sku": "A", "location": "L1", "on_hand": 50}));
    batch.add("purchase_order.received", json!({"po_id": "P", "line_id": "1", "quantity": 3}));
    batch.add(
        "order.placed",
        json!({"order_id": "O2", "line_id": "1", "sku": "B", "location": "L1", "quantity": 9}),
    );

    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut topics: BTreeMap<String, usize> = BTreeMap::new();
    let mut told = false;
    for _ in 0..400 {
        let Some(frame) = feed.next(Duration::from_secs(5)) else { break };
        let kind = frame["type"].as_str().expect("a type").to_owned();
        let message = sent.get(kind.as_str()).unwrap_or_else(|| panic!("undocumented: {frame}"));
        let faults = schemas.faults(&message["payload"], &frame);
        // A frame's item is one of several: what is wrong with it is told by its own schema.
        let item = schema_of_topic(&frame).map(|item| schemas.faults(&item, &frame["item"]));
        assert!(faults.is_empty(), "{frame}: {faults:?} {item:?}");
        if kind == "pong" || (kind == "ping" && counts.contains_key("subscribed") && !told) {
            client.accept(&batch.take());
            told = true;
        }
        *counts.entry(kind.clone()).or_default() += 1;
        if let Some(topic) = frame["topic"].as_str() {
            *topics.entry(format!("{kind} {topic}")).or_default() += 1;
        }
        let all = sent.keys().filter(|name| **name != "together").all(|name| counts.contains_key(*name));
        let states = ["state sku_locations", "state suppliers", "state stats", "event exceptions"];
        if all && states.iter().all(|topic| topics.contains_key(*topic)) {
            let pages = document["components"]["schemas"]["frame.snapshot"]["properties"]["topic"]["enum"]
                .as_array()
                .unwrap();
            for topic in pages {
                assert!(topics.contains_key(&format!("snapshot {}", topic.as_str().unwrap())), "{topics:?}");
            }
            return;
        }
        if kind == "ping" {
            feed.say(&messages(&document, "listen")["pong"]["examples"][0]["payload"]);
        }
    }
    panic!("not all came: {counts:?} {topics:?}; closed: {:?}", feed.closed);
}

/// The schema of the item of an event or state frame.
fn schema_of_topic(frame: &Value) -> Option<Value> {
    frame.get("item")?;
    let name = match frame["topic"].as_str()? {
        "exceptions" => "Exception",
        "cases" => "Case",
        "sku_locations" => "SkuLocationState",
        "suppliers" => "SupplierState",
        _ => "FeedStatistics",
    };
    Some(json!({"$ref": format!("#/components/schemas/{name}")}))
}

#[test]
fn what_a_client_is_told_to_say_is_understood() {
    let tower = Tower::dev();
    let document = tower.http().get("/asyncapi.json").expect(200);
    let (mut feed, _) = Feed::hello(&tower.http());
    let said = messages(&document, "listen");
    let example = |name: &str| said[name]["examples"][0]["payload"].clone();
    let mut subscribe = example("subscribe");
    let members: Vec<&String> = subscribe.as_object().unwrap().keys().collect();
    assert_eq!(members, ["id", "since", "snapshot", "topics", "type", "where"]);
    // A position and a filter depend on what there is.
    subscribe["since"] = Value::Null;
    subscribe["where"] = Value::Null;
    feed.say(&subscribe);
    feed.say(&example("pong"));
    feed.say(&example("unsubscribe"));
    feed.say(&json!({"type": "unsubscribe", "id": "sentinel"}));
    let frame = feed.until("the sentinel's error", |frame| frame["type"] == "error");
    assert_eq!((&frame["id"], &frame["code"]), (&json!("sentinel"), &json!("unknown_subscription")));
}

/// Every frame of a case on its way from options to document, and a page of cases.
#[test]
fn the_frames_of_a_decision_are_what_is_documented() {
    let mut scene = decision::Scene::start(&[]);
    let client = scene.client();
    let document = client.get("/asyncapi.json").expect(200);
    let schemas = Schemas::of(&document);
    let sent = messages(&document, "tell");
    scene.proposed();
    let (mut feed, _) = Feed::hello(&client);
    feed.say(&json!({"type": "subscribe", "id": "q", "topics": ["cases", "exceptions"], "snapshot": true}));
    let mut kinds: Vec<String> = Vec::new();
    let mut decided = false;
    while !kinds.iter().any(|kind| kind == "case.reconciled") {
        let frame = feed.next(Duration::from_secs(20)).unwrap_or_else(|| panic!("no more frames: {kinds:?}"));
        let kind = frame["type"].as_str().unwrap().to_owned();
        let faults = schemas.faults(&sent[kind.as_str()]["payload"], &frame);
        let item = schema_of_topic(&frame).map(|item| schemas.faults(&item, &frame["item"]));
        assert!(faults.is_empty(), "{frame}: {faults:?} {item:?}");
        kinds.push(frame["kind"].as_str().unwrap_or(&kind).to_owned());
        if kind == "snapshot" && frame["topic"] == "cases" && !decided {
            assert!(!frame["items"].as_array().unwrap().is_empty(), "{frame}");
            decided = true;
            scene.decide();
        }
    }
    for kind in ["case.chosen", "case.approved", "case.action"] {
        assert!(kinds.iter().any(|seen| seen == kind), "{kind} is not among {kinds:?}");
    }
}
