//! A client that can't keep up is closed with a position, and loses nothing by it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use common::feed::Feed;
use common::{Batch, Tower};
use serde_json::{Value, json};

const CONFIGURATION: &str = "[feed]\nsocket_queue_frames_max = 100\nsnapshot_page_items = 50\n";
const SHORTAGES: usize = 12_000;

fn note(frame: &Value, seen: &mut BTreeSet<(u64, String)>) {
    if frame["type"] == "event" {
        let item = frame["item"]["id"].as_str().unwrap().to_owned();
        assert!(seen.insert((frame["lsn"].as_u64().unwrap(), item)), "told twice: {frame}");
    }
}

#[test]
fn a_client_that_cannot_keep_up_comes_back_without_a_gap() {
    let tower = Tower::launch().dev().configuration(CONFIGURATION).start();
    let client = tower.http();
    let (mut slow, hello) = Feed::hello(&client);
    slow.subscribe("q", &["exceptions"], None, false);
    let mut batch = Batch::new("slow");
    let mut lsn = 0;
    for i in 0..SHORTAGES {
        let sku = format!("slow-{i}");
        batch.add(
            "order.placed",
            json!({"order_id": sku, "line_id": "1", "sku": sku, "location": "L1", "quantity": 5}),
        );
        if batch.events.len() == 500 {
            lsn = client.accept(&batch.take())["lsn"].as_u64().unwrap();
        }
    }
    assert_eq!(client.settled("/api/v1/exceptions?limit=1", lsn).status, 200);
    // It reads on long after it was cut: what had been sent before, and why it ended, is still there to read.
    std::thread::sleep(Duration::from_secs(5));
    // What it says meanwhile, as it is asked to, takes nothing of that away.
    let pong = json!({"type": "pong"});
    slow.say(&pong);
    std::thread::sleep(Duration::from_secs(1));
    slow.say(&pong);
    let mut seen = BTreeSet::new();
    while let Some(frame) = slow.next(Duration::from_secs(10)) {
        note(&frame, &mut seen);
        if seen.len() == 1 {
            slow.say(&pong);
        }
    }
    let (code, reason) = slow.closed.clone().expect("closed");
    assert_eq!(code, 4008, "{reason}");
    let epoch = hello["position"].as_str().unwrap().split('-').next().unwrap();
    assert!(reason.contains(epoch), "the position to come back with: {reason:?}");
    let position = reason.split_whitespace().find(|word| word.contains(epoch)).unwrap().to_owned();
    let sent = seen.len();
    // It comes back, as often as it takes.
    let mut position = position;
    for _ in 0..50 {
        let (mut feed, _) = Feed::hello(&client);
        assert_eq!(feed.subscribe("q", &["exceptions"], Some(&position), false)["recovered"], true);
        let mut idle = false;
        while seen.len() < 2 * SHORTAGES + 1 && !idle {
            match feed.next(Duration::from_secs(5)) {
                Some(frame) => {
                    note(&frame, &mut seen);
                    if frame["type"] == "event" {
                        position = frame["position"].as_str().unwrap().to_owned();
                    }
                }
                None => idle = true,
            }
        }
        if seen.len() > 2 * SHORTAGES || feed.closed.is_none() {
            break;
        }
    }
    // A shortage and an undescribed item each, and one undescribed location.
    assert_eq!(seen.len(), 2 * SHORTAGES + 1, "{sent} before it was closed");
}
