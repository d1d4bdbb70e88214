//! Filters: what matches comes, what no longer does comes once more, and a wrong one is answered with its place.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::feed::Feed;
use common::{Batch, Client, Random, Tower, count_from_environment, eventually};
use serde_json::{Value, json};

#[test]
fn a_session_with_filters() {
    let tower = Tower::launch().dev().configuration("[feed]\nfilters_max = 40\n").start();
    checks!(
        tower,
        an_exception_that_no_longer_matches_comes_once,
        a_snapshot_shows_what_matches,
        a_state_that_no_longer_matches_comes_once,
        a_wrong_filter_is_answered_with_its_place,
        every_field_of_an_item_can_be_asked,
        too_many_filters_are_refused,
        a_subscription_can_end_while_it_catches_up,
    );
}

fn order(client: &Client, sku: &str, location: &str) -> u64 {
    let mut batch = Batch::new(&format!("order-{sku}-{location}"));
    let order = format!("{sku}-{location}");
    batch.add(
        "order.placed",
        json!({"order_id": order, "line_id": "1", "sku": sku, "location": location, "quantity": 5}),
    );
    client.accept(&batch.take())["lsn"].as_u64().unwrap()
}

fn count(client: &Client, id: &str, sku: &str, location: &str, on_hand: u64) -> u64 {
    let mut batch = Batch::new(&format!("count-{sku}-{location}-{id}"));
    batch.add("inventory.counted", json!({"sku": sku, "location": location, "on_hand": on_hand}));
    client.accept(&batch.take())["lsn"].as_u64().unwrap()
}

#[track_caller]
fn subscribe(feed: &mut Feed, id: &str, topics: &[&str], filter: &str, more: Value) -> Value {
    let mut frame = json!({"type": "subscribe", "id": id, "topics": topics, "where": filter});
    for (key, value) in more.as_object().unwrap() {
        frame[key] = value.clone();
    }
    feed.say(&frame);
    feed.until("an answer", |frame| {
        (frame["type"] == "subscribed" || frame["type"] == "error") && frame["id"] == id
    })
}

fn is_of(frame: &Value, sku: &str) -> bool {
    frame["item"]["subject"]["sku"] == sku && frame["item"]["type"] == "shortage_now"
}

fn an_exception_that_no_longer_matches_comes_once(tower: &Tower) {
    let client = tower.http();
    let (mut feed, _) = Feed::hello(&client);
    let filter = "state == 'open' && type == 'shortage_now' && subject.location == 'L1'";
    assert_eq!(subscribe(&mut feed, "q", &["exceptions"], filter, json!({}))["type"], "subscribed");
    for location in ["L2", "L1"] {
        order(&client, "once", location);
        let lsn = count(&client, "plenty", "once", location, 1_000);
        assert_eq!(client.settled("/api/v1/exceptions?limit=1", lsn).status, 200);
    }
    order(&client, "once-sentinel", "L1");
    let mut seen = Vec::new();
    feed.until("the sentinel", |frame| {
        if frame["type"] == "event" && !is_of(frame, "once-sentinel") {
            let location = frame["item"]["subject"]["location"].as_str().unwrap().to_owned();
            seen.push((location, frame["kind"].as_str().unwrap().to_owned(), frame["matches"].clone()));
        }
        is_of(frame, "once-sentinel")
    });
    let told = |kind: &str, matches: Value| ("L1".to_owned(), kind.to_owned(), matches);
    seen.retain(|(_, kind, _)| kind != "exception.updated");
    assert_eq!(seen, [told("exception.opened", Value::Null), told("exception.cleared", Value::Bool(false)),]);
}

fn a_snapshot_shows_what_matches(tower: &Tower) {
    let client = tower.http();
    for sku in ["shown-1", "shown-2", "hidden-1"] {
        order(&client, sku, "L1");
    }
    let lsn = order(&client, "shown-3", "L1");
    assert_eq!(client.settled("/api/v1/exceptions?limit=1", lsn).status, 200);
    let (mut feed, _) = Feed::hello(&client);
    let filter = r#"type == "shortage_now" && subject.sku.startsWith("shown-")"#;
    subscribe(&mut feed, "q", &["exceptions"], filter, json!({"snapshot": true}));
    let skus: BTreeSet<String> = feed
        .snapshot("q", "exceptions")
        .iter()
        .map(|item| item["subject"]["sku"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(skus, ["shown-1", "shown-2", "shown-3"].map(str::to_owned).into());
    // Of the states as well.
    subscribe(&mut feed, "s", &["sku_locations"], "sku.matches('^shown-[12]$')", json!({"snapshot": true}));
    let states = feed.snapshot("s", "sku_locations");
    assert_eq!(states.len(), 2, "{states:?}");
}

fn a_state_that_no_longer_matches_comes_once(tower: &Tower) {
    let client = tower.http();
    let lsn = count(&client, "1", "stock", "L1", 5);
    assert_eq!(client.settled("/api/v1/sku-locations/stock/L1", lsn).status, 200);
    let (mut feed, _) = Feed::hello(&client);
    let filter = "sku == 'stock' && on_hand < 100";
    subscribe(&mut feed, "q", &["sku_locations"], filter, json!({"snapshot": true}));
    assert_eq!(feed.snapshot("q", "sku_locations").len(), 1);
    let mut told = |id: &str, on_hand: u64, expected: Option<bool>| {
        let lsn = count(&client, id, "stock", "L1", on_hand);
        assert_eq!(client.settled("/api/v1/sku-locations/stock/L1", lsn).status, 200);
        let mut matches = None;
        while let Some(frame) = feed.next(Duration::from_millis(700)) {
            if frame["type"] == "state" {
                // One of before may still have been on its way.
                if frame["item"]["on_hand"] != on_hand {
                    continue;
                }
                matches = Some(frame["matches"] != false);
            }
        }
        assert_eq!(matches, expected, "{id}: {on_hand}");
    };
    told("2", 1_000, Some(false));
    told("3", 2_000, None);
    told("4", 50, Some(true));
    told("5", 3_000, Some(false));
}

fn a_wrong_filter_is_answered_with_its_place(tower: &Tower) {
    let client = tower.http();
    let (mut feed, _) = Feed::hello(&client);
    let long = "x".repeat(3_000);
    let deep = format!("{}true{}", "(".repeat(500), ")".repeat(500));
    for (filter, topics, line, column) in [
        ("severity == ", &["exceptions"], 1, 13),
        ("severity == 'high' &&\n  urgncy > 5", &["exceptions"], 2, 3),
        ("on_hand > 5", &["exceptions"], 1, 1),
        ("severity == 'high'", &["sku_locations"], 1, 1),
        ("severity.matches('(')", &["exceptions"], 1, 10),
        (&long, &["exceptions"], 1, 2_049),
        (&deep, &["exceptions"], 1, 33),
        ("", &["exceptions"], 1, 1),
    ] {
        let error = subscribe(&mut feed, "bad", topics, filter, json!({}));
        assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("bad_filter")), "{error}");
        assert_eq!(error["where"]["line"], line, "{filter}: {error}");
        assert_eq!(error["where"]["column"], column, "{filter}: {error}");
        assert!(
            error["detail"].as_str().unwrap().contains(&format!("line {line}, column {column}")),
            "{error}"
        );
    }
    feed.say(&json!({"type": "subscribe", "id": "bad", "topics": ["exceptions"], "where": 5}));
    assert_eq!(feed.until("an error", |frame| frame["type"] == "error")["code"], "bad_filter");
    // The socket and the id are free for a good one.
    let answer = subscribe(&mut feed, "bad", &["exceptions"], "severity == 'high'", json!({}));
    assert_eq!(answer["type"], "subscribed", "{answer}");
}

fn every_field_of_an_item_can_be_asked(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("fields");
    batch.add("supplier.described", json!({"supplier": "fields-supplier", "name": "F"}));
    client.accept(&batch.take());
    let lsn = order(&client, "fields", "L1");
    assert_eq!(client.settled("/api/v1/exceptions?limit=1", lsn).status, 200);
    for topic in ["exceptions", "sku_locations", "suppliers", "stats"] {
        let (mut feed, _) = Feed::hello(&client);
        feed.subscribe("all", &[topic], None, true);
        let items = feed.snapshot("all", topic);
        let item = items.first().expect("an item").as_object().unwrap();
        let names: Vec<String> = item.keys().map(|key| format!("{key} == null")).collect();
        // A filter is one text: all names in a few of them.
        for (number, some) in names.chunks(12).enumerate() {
            let filter = some.join(" || ");
            let answer = subscribe(&mut feed, &format!("q{number}"), &[topic], &filter, json!({}));
            assert_eq!(answer["type"], "subscribed", "{topic}: {answer}");
        }
    }
    let (mut feed, _) = Feed::hello(&client);
    let filter = "value_at_risk_amount > 100.0 || value_at_risk_amount == null";
    let answer = subscribe(&mut feed, "q", &["exceptions", "cases"], filter, json!({}));
    assert_eq!(answer["type"], "subscribed", "{answer}");
}

fn too_many_filters_are_refused(tower: &Tower) {
    let client = tower.http();
    // The tower notices some time later that the clients before are gone.
    eventually("their filters are let go of", || {
        client.get("/metrics").text().contains("\ntidewatch_feed_filters 0\n").then_some(())
    });
    let (mut feed, _) = Feed::hello(&client);
    let (mut other, _) = Feed::hello(&client);
    let mut refused = 0;
    for (number, feed) in [&mut feed, &mut other].into_iter().enumerate() {
        for filter in 0..25 {
            let filter = format!("urgency > {}", number * 25 + filter);
            let answer = subscribe(feed, &filter, &["exceptions"], &filter, json!({}));
            refused += usize::from(answer["code"] == "too_many_filters");
        }
    }
    assert_eq!(refused, 10, "of 50, where 40 are allowed");
    // Equal ones count once.
    let answer = subscribe(&mut other, "same", &["exceptions"], "urgency > 0", json!({}));
    assert_eq!(answer["type"], "subscribed", "{answer}");
}

fn a_subscription_can_end_while_it_catches_up(tower: &Tower) {
    let client = tower.http();
    let (mut feed, hello) = Feed::hello(&client);
    let beginning = hello["position"].clone();
    let mut batch = Batch::new("catching-up");
    for i in 0..1_500 {
        let sku = format!("catching-up-{i}");
        batch.add(
            "order.placed",
            json!({"order_id": sku, "line_id": "1", "sku": sku, "location": "L1", "quantity": 5}),
        );
        if batch.events.len() == 500 {
            client.accept(&batch.take());
        }
    }
    for round in 0..20 {
        let id = format!("round-{round}");
        feed.say(&json!({"type": "subscribe", "id": id, "topics": ["exceptions", "sku_locations"], "since": beginning}));
        feed.say(&json!({"type": "unsubscribe", "id": id}));
    }
    feed.subscribe("marker", &["exceptions"], None, false);
    order(&client, "after-catching-up", "L1");
    feed.until("the marker's event", |frame| {
        assert!(frame["type"] != "error", "{frame}");
        frame["id"] == "marker" && is_of(frame, "after-catching-up")
    });
    // What ended says nothing any more.
    while let Some(frame) = feed.next(Duration::from_millis(500)) {
        assert!(!frame["id"].as_str().unwrap_or_default().starts_with("round-"), "{frame}");
    }
}

/// A client as the documents describe it: what it has of a filter's items.
struct Rebuilt {
    items: BTreeMap<String, Value>,
    position: Option<String>,
    complete: bool,
}

impl Rebuilt {
    fn take(&mut self, frame: &Value) {
        match frame["type"].as_str().unwrap() {
            "snapshot" => {
                for item in frame["items"].as_array().unwrap() {
                    self.put(item, true);
                }
                if frame["last"] == true {
                    self.complete = true;
                    self.position = frame["position"].as_str().map(str::to_owned);
                }
            }
            "event" => {
                self.put(&frame["item"], frame["matches"] != false);
                if self.complete {
                    self.position = frame["position"].as_str().map(str::to_owned);
                }
            }
            _ => {}
        }
    }

    fn put(&mut self, item: &Value, matches: bool) {
        let id = item["id"].as_str().unwrap().to_owned();
        let is_older = |known: &Value| known["lsn"].as_u64() >= item["lsn"].as_u64();
        if self.items.get(&id).is_some_and(is_older) {
            return;
        }
        // What no longer matches keeps its place, so that an older frame that follows is known as such.
        let mut item = item.clone();
        item["matches"] = json!(matches);
        self.items.insert(id, item);
    }

    fn open(&self) -> BTreeSet<String> {
        let open = |item: &&Value| {
            item["matches"] == true && item["state"] != "cleared" && item["state"] != "resolved"
        };
        self.items.values().filter(open).map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }
}

/// Stock goes up and down while the client loses its connection and the tower is stopped and killed: in the end the
/// client has exactly what matches among the open exceptions.
#[test]
fn a_filtered_client_that_comes_back_has_what_matches() {
    let mut tower = Tower::launch().dev().configuration("[feed]\nring_events_max = 1000\n").start();
    let mut random = Random::new(count_from_environment("TIDEWATCH_FIRST_SEED", 7));
    let filter = "urgency > 60 && subject.location == 'L1' || type == 'missing_master_data'";
    let matches = |item: &Value| {
        item["urgency"].as_f64().unwrap() > 60.0 && item["subject"]["location"] == "L1"
            || item["type"] == "missing_master_data"
    };
    let mut client = Rebuilt { items: BTreeMap::new(), position: None, complete: false };
    for round in 0..8 {
        let (mut feed, _) = Feed::hello(&tower.http());
        let more = match &client.position {
            Some(position) => json!({"since": position}),
            None => json!({"snapshot": true}),
        };
        let answer = subscribe(&mut feed, "q", &["exceptions"], filter, more);
        assert_eq!(answer["recovered"], true, "{answer}");
        let mut lsn = 0;
        for step in 0..25 {
            let sku = format!("sku-{}", random.below(8));
            let location = if random.chance(70) { "L1" } else { "L2" };
            lsn = if random.chance(30) {
                let mut batch = Batch::new(&format!("order-{round}-{step}"));
                let quantity = 1 + random.below(200);
                batch.add("order.placed", json!({"order_id": format!("o-{round}-{step}"), "line_id": "1", "sku": sku, "location": location, "quantity": quantity}));
                tower.http().accept(&batch.take())["lsn"].as_u64().unwrap()
            } else {
                count(&tower.http(), &format!("{round}-{step}"), &sku, location, random.below(400))
            };
        }
        assert_eq!(tower.http().settled("/api/v1/exceptions?limit=1", lsn).status, 200);
        // It may lose what it had not read: the last round is read to its end.
        let frames = if round == 7 { u64::MAX } else { random.below(30) };
        for _ in 0..frames {
            match feed.next(Duration::from_secs(2)) {
                Some(frame) => client.take(&frame),
                None => break,
            }
        }
        match round % 3 {
            0 => {}
            1 => {
                tower.stop();
                tower.start_again();
            }
            _ if round != 7 => {
                tower.kill();
                tower.start_again();
            }
            _ => {}
        }
    }
    let listed: Vec<Value> = tower.http().list("/api/v1/exceptions");
    let expected: BTreeSet<String> = listed
        .iter()
        .filter(|item| matches(item))
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect();
    assert!(expected.len() < listed.len(), "the filter keeps something out");
    assert_eq!(client.open(), expected);
}
