//! One session on the feed: hello, snapshot, gapless events, latest values, pings, and what a client may do wrong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use common::feed::Feed;
use common::{Batch, Client, Tower, eventually};
use serde_json::{Value, json};

#[test]
fn a_session_on_the_feed() {
    let tower =
        Tower::launch().dev().configuration("[feed]\nping_interval_s = 1\nsilence_close_s = 600\n").start();
    checks!(
        tower,
        hello_comes_first,
        a_snapshot_comes_in_pages_and_events_follow,
        state_frames_show_the_latest_value,
        pings_come_by_themselves,
        bad_frames_do_not_close_the_socket,
        unsubscribing_ends_it,
        who_says_goodbye_is_answered_and_let_go,
        a_socket_that_the_tower_ends_is_let_go,
        two_clients_see_the_same_in_order,
        two_subscriptions_on_one_socket,
        a_position_that_is_none_is_answered_with_everything,
        open_exceptions_can_be_rebuilt_from_the_feed,
        a_client_that_does_not_read_disturbs_nobody,
    );
}

#[test]
fn silence_closes_the_socket() {
    let tower =
        Tower::launch().dev().configuration("[feed]\nping_interval_s = 1\nsilence_close_s = 3\n").start();
    let (mut mute, _) = Feed::hello(&tower.http());
    let (mut alive, _) = Feed::hello(&tower.http());
    let started = Instant::now();
    while mute.closed.is_none() {
        assert!(started.elapsed() < Duration::from_secs(20), "still open after 20 s of silence");
        // Reading answers the protocol's own pings, if the tower sends any; the mute client does not even read.
        alive.say(&json!({"type": "pong"}));
        while alive.next(Duration::from_millis(100)).is_some() {}
        assert_eq!(alive.closed, None, "who answers stays");
        if started.elapsed() > Duration::from_secs(8) {
            while mute.next(Duration::from_millis(200)).is_some() {}
        }
    }
}

#[test]
fn a_scope_narrows_the_feed() {
    let tower = Tower::launch().start();
    let key = |role: &str, more: &[&str]| tower.http().with_key(&tower.create_key(role, role, more).1);
    let integration = key("integration", &[]);
    let north = key("viewer", &["--scope", "location=north"]);
    let all = key("viewer", &[]);
    std::thread::sleep(Duration::from_secs(1));
    let place = |name: &str| {
        let mut batch = Batch::new(name);
        for location in ["south", "north"] {
            let order = json!({"order_id": format!("{name}-{location}"), "line_id": "1", "sku": name, "location": location, "quantity": 5});
            batch.add("order.placed", order);
        }
        assert_eq!(integration.post_batch(&batch.take()).expect(202)["accepted"], 2);
    };
    place("before");
    let mut seen = Vec::new();
    let (mut narrow, _) = Feed::hello(&north);
    let (mut wide, _) = Feed::hello(&all);
    narrow.subscribe("q", &["exceptions", "sku_locations"], None, true);
    wide.subscribe("q", &["exceptions", "sku_locations"], None, true);
    place("during");
    place("last");
    for (feed, location) in [(&mut narrow, "north"), (&mut wide, "south")] {
        let (mut event, mut state) = (false, false);
        feed.until("the last shortage", |frame| {
            seen.push((location, frame.clone()));
            event |= is_event(frame, "exception.opened", "last")
                && frame["item"]["subject"]["location"] == location;
            state |= frame["type"] == "state"
                && frame["item"]["sku"] == "last"
                && frame["item"]["location"] == location;
            event && state
        });
    }
    let leaked: Vec<&Value> = seen
        .iter()
        .filter(|(whose, frame)| *whose == "north" && frame.to_string().contains("south"))
        .map(|(_, frame)| frame)
        .collect();
    assert!(leaked.is_empty(), "outside the scope: {leaked:?}");
}

fn is_event(frame: &Value, kind: &str, sku: &str) -> bool {
    frame["type"] == "event" && frame["kind"] == kind && frame["item"]["subject"]["sku"] == sku
}

fn is_shortage(item: &Value, sku: &str) -> bool {
    item["type"] == "shortage_now" && item["subject"]["sku"] == sku
}

/// An order for five that nothing is there for, or a count that ends the shortage. Answers with the LSN.
fn shortage(client: &Client, sku: &str) -> u64 {
    let mut batch = Batch::new(&format!("short-{sku}"));
    batch.add(
        "order.placed",
        json!({"order_id": sku, "line_id": "1", "sku": sku, "location": "L1", "quantity": 5}),
    );
    client.accept(&batch.take())["lsn"].as_u64().unwrap()
}

fn plenty(client: &Client, sku: &str) -> u64 {
    let mut batch = Batch::new(&format!("plenty-{sku}"));
    batch.add("inventory.counted", json!({"sku": sku, "location": "L1", "on_hand": 1000}));
    client.accept(&batch.take())["lsn"].as_u64().unwrap()
}

fn hello_comes_first(tower: &Tower) {
    let (feed, hello) = Feed::hello(&tower.http());
    assert_eq!(feed.sub_protocol.as_deref(), Some("tidewatch.v1"));
    for key in ["epoch", "position", "server_time"] {
        assert!(hello[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {hello}");
    }
    assert!(hello["position"].as_str().unwrap().len() <= 80);
    let (_again, second) = Feed::hello(&tower.http());
    assert_eq!(hello["epoch"], second["epoch"], "the journal's identity");
    // A plain read is no upgrade.
    let status = tower.http().get("/api/v1/feed").status;
    assert!((400..500).contains(&status), "{status}");
}

fn a_snapshot_comes_in_pages_and_events_follow(tower: &Tower) {
    let client = tower.http();
    let lsn = shortage(&client, "before");
    assert_eq!(client.settled("/api/v1/exceptions", lsn).status, 200);
    let (mut feed, _) = Feed::hello(&client);
    let subscribed = feed.subscribe("q1", &["exceptions"], None, true);
    assert!(subscribed["recovered"].is_boolean() && subscribed["position"].is_string(), "{subscribed}");
    let items = feed.snapshot("q1", "exceptions");
    assert!(items.iter().any(|item| is_shortage(item, "before")), "{items:?}");
    assert!(items.iter().all(|item| item["state"] != "cleared" && item["state"] != "resolved"), "{items:?}");
    shortage(&client, "after");
    let opened = feed.until("the shortage to open", |frame| {
        is_event(frame, "exception.opened", "after") && frame["item"]["type"] == "shortage_now"
    });
    assert_eq!((&opened["id"], &opened["topic"]), (&json!("q1"), &json!("exceptions")));
    assert!(opened["lsn"].is_u64() && opened["position"].is_string(), "{opened}");
    // The item is the whole item, as reads give it.
    let id = opened["item"]["id"].as_str().expect("an id");
    let read = client.get(&format!("/api/v1/exceptions/{id}")).expect(200);
    for (key, value) in opened["item"].as_object().unwrap() {
        assert_eq!(read[key], *value, "{key}");
    }
    assert_eq!(opened["item"]["lsn"], opened["lsn"]);
    plenty(&client, "after");
    let cleared = feed.until("the shortage to clear", |frame| is_event(frame, "exception.cleared", "after"));
    assert_eq!((&cleared["item"]["id"], &cleared["item"]["state"]), (&json!(id), &json!("cleared")));
    assert!(cleared["lsn"].as_u64() > opened["lsn"].as_u64());
    assert!(cleared["item"]["revision"].as_u64() > opened["item"]["revision"].as_u64());
}

fn state_frames_show_the_latest_value(tower: &Tower) {
    let client = tower.http();
    plenty(&client, "stated");
    let (mut feed, _) = Feed::hello(&client);
    feed.subscribe("s1", &["sku_locations"], None, true);
    let items = feed.snapshot("s1", "sku_locations");
    assert!(items.iter().any(|item| item["sku"] == "stated" && item["on_hand"] == 1000), "{items:?}");
    let mut batch = Batch::new("stated-sales");
    let mut last = 0;
    for _ in 0..20 {
        for _ in 0..30 {
            batch.add("pos.sale", json!({"sku": "stated", "location": "L1", "quantity": 1}));
        }
        last = client.accept(&batch.take())["lsn"].as_u64().unwrap();
    }
    let (mut frames, mut lsn) = (0, 0);
    let state = feed.until("the last value", |frame| {
        if frame["type"] != "state" || frame["item"]["sku"] != "stated" {
            return false;
        }
        frames += 1;
        let next = frame["lsn"].as_u64().expect("an lsn");
        assert!(next >= lsn, "state goes forward: {frame}");
        lsn = next;
        frame["item"]["on_hand"] == 400
    });
    assert_eq!((&state["id"], &state["topic"]), (&json!("s1"), &json!("sku_locations")));
    assert!(lsn >= last, "{lsn} shows {last}");
    assert!(frames < 300, "{frames} frames for 600 sales: none was replaced");
}

fn pings_come_by_themselves(tower: &Tower) {
    let (mut feed, _) = Feed::hello(&tower.http());
    for _ in 0..2 {
        let ping = feed.until("a ping", |frame| frame["type"] == "ping");
        assert!(ping["position"].is_string(), "{ping}");
        feed.say(&json!({"type": "pong"}));
    }
}

fn bad_frames_do_not_close_the_socket(tower: &Tower) {
    let (mut feed, _) = Feed::hello(&tower.http());
    let bad = [
        "not json",
        "",
        "5",
        "null",
        "[]",
        "{}",
        r#"{"type":"dance"}"#,
        r#"{"type":"subscribe"}"#,
        r#"{"type":"subscribe","id":"x"}"#,
        r#"{"type":"subscribe","id":"x","topics":["weather"]}"#,
        r#"{"type":"subscribe","id":"x","topics":"exceptions"}"#,
        r#"{"type":"subscribe","id":5,"topics":["exceptions"]}"#,
        r#"{"type":"unsubscribe","id":"never-subscribed"}"#,
    ];
    for text in bad {
        feed.say_text(text);
        // An empty array of frames may pass as nothing said.
        if text == "[]" {
            continue;
        }
        let error = feed.until(text, |frame| frame["type"] == "error");
        assert!(error["code"].as_str().is_some_and(|code| !code.is_empty()), "{text}: {error}");
        assert!(error["detail"].is_string(), "{text}: {error}");
    }
    feed.say_bytes(&[0, 159, 146, 150]);
    feed.say_text(&format!("{}1{}", "[".repeat(2000), "]".repeat(2000)));
    let subscribed = feed_subscribe_through_errors(&mut feed);
    assert_eq!(subscribed["id"], "good");
    shortage(&tower.http(), "after-bad");
    feed.until("an event", |frame| is_event(frame, "exception.opened", "after-bad"));
}

fn who_says_goodbye_is_answered_and_let_go(tower: &Tower) {
    let (mut idle, _) = Feed::hello(&tower.http());
    idle.say_goodbye();
    assert_eq!(idle.end_of_connection(Duration::from_secs(1)), Some(1000));
    let (mut busy, _) = Feed::hello(&tower.http());
    busy.subscribe("q", &["exceptions", "sku_locations"], None, true);
    busy.say_goodbye();
    assert_eq!(busy.end_of_connection(Duration::from_secs(1)), Some(1000));
}

fn a_socket_that_the_tower_ends_is_let_go(tower: &Tower) {
    let (mut feed, _) = Feed::hello(&tower.http());
    feed.say_text(&"x".repeat(100_000));
    // It gets a second for its own goodbye.
    assert_eq!(feed.end_of_connection(Duration::from_secs(3)), Some(1009));
}

fn feed_subscribe_through_errors(feed: &mut Feed) -> Value {
    feed.say(&json!({"type": "subscribe", "id": "good", "topics": ["exceptions"], "snapshot": false}));
    feed.until("subscribed", |frame| frame["type"] == "subscribed")
}

fn unsubscribing_ends_it(tower: &Tower) {
    let client = tower.http();
    let (mut feed, _) = Feed::hello(&client);
    feed.subscribe("ended", &["exceptions"], None, false);
    feed.subscribe("goes-on", &["exceptions"], None, false);
    feed.say(&json!({"type": "unsubscribe", "id": "ended"}));
    // Answered after the unsubscribe was read: whatever comes from now on knows of it.
    feed.subscribe("marker", &["suppliers"], None, false);
    shortage(&client, "unsubscribed");
    feed.until("the other subscription's event", |frame| {
        assert!(frame["id"] != "ended" || frame["type"] == "error", "after unsubscribe: {frame}");
        is_event(frame, "exception.opened", "unsubscribed") && frame["id"] == "goes-on"
    });
}

fn two_clients_see_the_same_in_order(tower: &Tower) {
    let client = tower.http();
    let mut feeds: Vec<Feed> = (0..2)
        .map(|_| {
            let (mut feed, _) = Feed::hello(&client);
            feed.subscribe("q", &["exceptions"], None, false);
            feed
        })
        .collect();
    for i in 0..30 {
        shortage(&client, &format!("both-{i}"));
        if i % 3 == 0 {
            plenty(&client, &format!("both-{i}"));
        }
    }
    shortage(&client, "both-last");
    let seen: Vec<Vec<(u64, String, String)>> = feeds
        .iter_mut()
        .map(|feed| {
            let mut seen = Vec::new();
            feed.until("the last one", |frame| {
                if frame["type"] == "event" {
                    seen.push(event_key(frame));
                }
                is_event(frame, "exception.opened", "both-last") && is_shortage(&frame["item"], "both-last")
            });
            seen
        })
        .collect();
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].is_sorted_by_key(|(lsn, _, _)| *lsn), "in LSN order: {seen:?}");
    assert!(seen[0].len() >= 31, "{seen:?}");
}

fn event_key(frame: &Value) -> (u64, String, String) {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (frame["lsn"].as_u64().expect("an lsn"), text(&frame["kind"]), text(&frame["item"]["id"]))
}

fn two_subscriptions_on_one_socket(tower: &Tower) {
    let client = tower.http();
    let (mut feed, _) = Feed::hello(&client);
    feed.subscribe("a", &["exceptions"], None, false);
    feed.subscribe("b", &["exceptions", "sku_locations", "suppliers", "stats"], None, false);
    shortage(&client, "twice");
    let mut who = BTreeSet::new();
    feed.until("both", |frame| {
        if is_event(frame, "exception.opened", "twice") {
            who.insert(frame["id"].as_str().unwrap().to_owned());
        }
        who.len() == 2
    });
}

fn a_position_that_is_none_is_answered_with_everything(tower: &Tower) {
    let client = tower.http();
    let lsn = shortage(&client, "everything");
    assert_eq!(client.settled("/api/v1/exceptions", lsn).status, 200);
    let (mut feed, _) = Feed::hello(&client);
    feed.say(&json!({"type": "subscribe", "id": "q", "topics": ["exceptions"], "since": "nonsense"}));
    let answer = feed.until("an answer", |frame| frame["type"] == "subscribed" || frame["type"] == "error");
    if answer["type"] == "subscribed" {
        assert_eq!(answer["recovered"], false, "{answer}");
        let items = feed.snapshot("q", "exceptions");
        assert!(items.iter().any(|item| is_shortage(item, "everything")), "{items:?}");
    }
}

fn open_exceptions_can_be_rebuilt_from_the_feed(tower: &Tower) {
    let client = tower.http();
    for i in 0..10 {
        shortage(&client, &format!("rebuilt-{i}"));
    }
    let (mut feed, _) = Feed::hello(&client);
    feed.subscribe("r", &["exceptions"], None, true);
    let mut open: BTreeMap<String, Value> = BTreeMap::new();
    // More happens while the snapshot is on its way.
    for i in 0..10 {
        if i % 2 == 0 {
            plenty(&client, &format!("rebuilt-{i}"));
        } else {
            shortage(&client, &format!("rebuilt-more-{i}"));
        }
    }
    let last = shortage(&client, "rebuilt-last");
    feed.until("the last shortage", |frame| {
        let items: Vec<Value> = match frame["type"].as_str() {
            Some("snapshot") => frame["items"].as_array().unwrap().clone(),
            Some("event") => vec![frame["item"].clone()],
            _ => Vec::new(),
        };
        for item in items {
            let id = item["id"].as_str().unwrap().to_owned();
            if open.get(&id).is_some_and(|known| known["lsn"].as_u64() >= item["lsn"].as_u64()) {
                continue;
            }
            open.insert(id, item);
        }
        open.values().any(|item| is_shortage(item, "rebuilt-last"))
    });
    // Whatever the settled tower still had to say.
    assert_eq!(client.settled("/api/v1/exceptions", last).status, 200);
    while let Some(frame) = feed.next(Duration::from_millis(1500)) {
        if frame["type"] == "event" {
            open.insert(frame["item"]["id"].as_str().unwrap().to_owned(), frame["item"].clone());
        } else if frame["type"] == "ping" {
            break;
        }
    }
    open.retain(|_, item| item["state"] != "cleared" && item["state"] != "resolved");
    let listed: BTreeMap<String, Value> = client
        .list("/api/v1/exceptions")
        .into_iter()
        .map(|item| (item["id"].as_str().unwrap().to_owned(), item))
        .collect();
    assert_eq!(open.keys().collect::<Vec<_>>(), listed.keys().collect::<Vec<_>>());
    for (id, item) in &open {
        for key in ["type", "state", "severity", "revision", "lsn", "opened_at", "value_at_risk", "subject"] {
            assert_eq!(item[key], listed[id][key], "{key} of {id}");
        }
    }
}

fn a_client_that_does_not_read_disturbs_nobody(tower: &Tower) {
    let client = tower.http();
    let (mut stuck, _) = Feed::hello(&client);
    stuck.subscribe("stuck", &["exceptions", "sku_locations"], None, true);
    let (mut feed, _) = Feed::hello(&client);
    feed.subscribe("q", &["exceptions"], None, false);
    let mut batch = Batch::new("flood");
    for i in 0..2_000 {
        let sku = format!("flood-{i}");
        batch.add(
            "order.placed",
            json!({"order_id": sku, "line_id": "1", "sku": sku, "location": "L1", "quantity": 5}),
        );
        if batch.events.len() == 200 {
            client.accept(&batch.take());
        }
    }
    let mut opened = BTreeSet::new();
    feed.until("every shortage", |frame| {
        if frame["type"] == "event" && frame["item"]["type"] == "shortage_now" {
            opened.extend(
                frame["item"]["subject"]["sku"]
                    .as_str()
                    .filter(|sku| sku.starts_with("flood-"))
                    .map(str::to_owned),
            );
        }
        opened.len() == 2_000
    });
    eventually("the tower to answer", || (client.get("/readyz").status == 200).then_some(()));
}
