//! Ends of the process under load, clean and not, with a ledger of what clients were told is safe: afterwards it is
//! all there, and once.
//!
//! `TIDEWATCH_KILL_ROUNDS` says how often (3).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::{Client, Random, Tower, count_from_environment, event};
use serde_json::{Value, json};

const WRITERS: u64 = 4;
const SKUS: u64 = 20;

/// One request: its events, and the answer if one came.
struct Sent {
    events: Vec<Value>,
    lsn: Option<u64>,
}

fn sale(random: &mut Random, id: &str) -> Value {
    let quantity = random.between(1, 9);
    event(
        "pos.sale",
        id,
        json!({"sku": format!("K{}", random.below(SKUS)), "location": "L1", "quantity": quantity}),
    )
}

/// Sends until told to stop or until nobody answers any more.
fn write(client: &Client, writer: u64, round: u64, done: &AtomicBool) -> Vec<Sent> {
    let mut random = Random::new(round * 100 + writer);
    let mut ledger = Vec::new();
    for request in 0..100_000 {
        if done.load(Ordering::SeqCst) {
            break;
        }
        let size = *random.pick(&[1, 1, 7, 50]);
        let events: Vec<Value> =
            (0..size).map(|i| sale(&mut random, &format!("{round}-{writer}-{request}-{i}"))).collect();
        let body = Value::Array(events.clone()).to_string();
        let kind = [("Content-Type", "application/cloudevents-batch+json")];
        let Ok(answer) = client.try_send("POST", "/api/v1/events", &kind, body.as_bytes()) else {
            ledger.push(Sent { events, lsn: None });
            break;
        };
        let lsn = match answer.status {
            202 => {
                let receipt = answer.json();
                assert_eq!(receipt["accepted"], size, "{receipt}");
                Some(receipt["lsn"].as_u64().expect("an lsn"))
            }
            // Draining or short of credits: part of it may be in, as the counts say.
            429 | 503 => None,
            status => panic!("{status}: {}", answer.text()),
        };
        ledger.push(Sent { events, lsn });
    }
    ledger
}

fn units(events: &[Value], per_sku: &mut BTreeMap<String, i64>) {
    for event in events {
        *per_sku.entry(event["data"]["sku"].as_str().unwrap().to_owned()).or_default() +=
            event["data"]["quantity"].as_i64().unwrap();
    }
}

/// Sends everything again: what was acknowledged is known, at the same LSN; the rest is in once now.
fn send_again(client: &Client, ledger: &[Sent], sold: &mut BTreeMap<String, i64>) -> (usize, usize, u64) {
    let (mut acknowledged, mut taken_now, mut last) = (0, 0, 0);
    for sent in ledger {
        let receipt = client.post_batch(&sent.events).expect(202);
        if let Some(lsn) = sent.lsn {
            assert_eq!(receipt["accepted"], 0, "acknowledged at {lsn} and gone: {receipt}");
            assert_eq!(receipt["duplicates"], sent.events.len(), "{receipt}");
            assert_eq!(receipt["lsn"], lsn, "a repeat has the first one's lsn");
            acknowledged += sent.events.len();
        } else {
            assert_eq!(receipt["rejected"], 0, "{receipt}");
            taken_now += usize::try_from(receipt["accepted"].as_u64().unwrap()).unwrap();
        }
        last = last.max(receipt["lsn"].as_u64().expect("an lsn"));
        units(&sent.events, sold);
    }
    (acknowledged, taken_now, last)
}

fn check_stock(client: &Client, sold: &BTreeMap<String, i64>, lsn: u64) {
    for (sku, units) in sold {
        let seen = client.settled(&format!("/api/v1/sku-locations/{sku}/L1"), lsn).expect(200);
        assert_eq!(seen["on_hand"], json!(-units), "{sku}");
    }
}

fn under_load(tower: &mut Tower, round: u64, end: impl FnOnce(&mut Tower)) -> Vec<Sent> {
    let client = tower.http();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (client, done) = (client.clone(), &done);
                scope.spawn(move || write(&client, writer, round, done))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(300 + 400 * (round % 3)));
        end(tower);
        done.store(true, Ordering::SeqCst);
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    })
}

#[test]
fn what_was_acknowledged_survives_every_end() {
    let mut tower = Tower::dev();
    let mut sold = BTreeMap::new();
    for round in 0..count_from_environment("TIDEWATCH_KILL_ROUNDS", 3) {
        let ledger = under_load(&mut tower, round, Tower::kill);
        let promised = ledger.iter().filter(|sent| sent.lsn.is_some()).count();
        assert!(promised > 0, "nothing was acknowledged before the kill");
        tower.start_again();
        let (acknowledged, taken_now, lsn) = send_again(&tower.http(), &ledger, &mut sold);
        eprintln!(
            "round {round}: {acknowledged} events acknowledged and there, {taken_now} unanswered ones taken now"
        );
        check_stock(&tower.http(), &sold, lsn);
        // Killed again right away, nothing is different.
        tower.kill();
        tower.start_again();
        check_stock(&tower.http(), &sold, lsn);
    }
    let round = 1000;
    let ledger = under_load(&mut tower, round, |tower| tower.stop());
    tower.start_again();
    let (acknowledged, _, lsn) = send_again(&tower.http(), &ledger, &mut sold);
    eprintln!("clean stop: {acknowledged} events acknowledged and there");
    check_stock(&tower.http(), &sold, lsn);
}

#[test]
fn exceptions_quarantine_and_reference_survive() {
    let mut tower = Tower::dev();
    let client = tower.http();
    let mut events = vec![
        event(
            "item.described",
            "i",
            json!({"sku": "A", "name": "Apple", "unit_price": "2.00", "currency": "EUR"}),
        ),
        event(
            "order.placed",
            "o",
            json!({"order_id": "O", "line_id": "1", "sku": "A", "location": "L1", "quantity": 5}),
        ),
        event(
            "order.placed",
            "p",
            json!({"order_id": "P", "line_id": "1", "sku": "B", "location": "L1", "quantity": 5}),
        ),
    ];
    // One that waits for its document.
    events.push(event("order.shipped", "s", json!({"order_id": "Q", "line_id": "1", "quantity": 3})));
    let lsn = client.accept(&events)["lsn"].as_u64().unwrap();
    assert_eq!(client.post_event(&event("no.such", "bad", json!({"keep": "me"}))).status, 422);
    let picture = |client: &Client| {
        assert_eq!(client.settled("/api/v1/exceptions", lsn).status, 200);
        let stable = |mut item: Value| {
            // The clock goes on.
            for key in ["urgency", "updated_at", "lsn", "position", "as_of"] {
                item.as_object_mut().unwrap().remove(key);
            }
            item
        };
        let mut all: Vec<String> = Vec::new();
        for list in ["exceptions", "items", "locations", "suppliers"] {
            all.extend(
                client.list(&format!("/api/v1/{list}")).into_iter().map(|item| stable(item).to_string()),
            );
        }
        all.sort();
        all
    };
    let quarantined = |client: &Client| client.list("/api/v1/quarantine");
    let before = (picture(&client), quarantined(&client));
    assert_eq!(before.1.len(), 1, "{:?}", before.1);
    for clean in [true, false] {
        if clean {
            tower.stop();
        } else {
            tower.kill();
        }
        tower.start_again();
        assert_eq!(picture(&tower.http()), before.0, "after a {} end", if clean { "clean" } else { "hard" });
        assert_eq!(quarantined(&tower.http()), before.1);
    }
    // Still held, and released by its document.
    let client = tower.http();
    let placed = event(
        "order.placed",
        "q",
        json!({"order_id": "Q", "line_id": "1", "sku": "C", "location": "L1", "quantity": 10}),
    );
    let lsn = client.accept(&[placed])["lsn"].as_u64().unwrap();
    let seen = client.settled("/api/v1/sku-locations/C/L1", lsn).expect(200);
    assert_eq!((&seen["on_hand"], &seen["reserved"]), (&json!(-3), &json!(7)), "{seen}");
}
