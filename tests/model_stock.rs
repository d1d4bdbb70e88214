//! Stock against a model that shares no code with the tower: random histories in random order of arrival, with
//! repeats, through the real door; then again after a clean and an unclean restart.
//!
//! `TIDEWATCH_SEEDS` says how many histories (8), `TIDEWATCH_FIRST_SEED` where they begin (1).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::BTreeMap;

use common::events::{at, event};
use common::history::History;
use common::http::encode;
use common::model::{Place, Stock, stock_after};
use common::{Client, Random, Tower, count_from_environment};
use serde_json::{Value, json};

/// 2025-03-03T00:00:00Z.
const FIRST_DAY: i64 = 1_740_960_000;
const DAY: i64 = 86_400;

struct Told {
    seed: u64,
    events: Vec<Value>,
}

#[test]
fn stock_is_what_the_model_says_in_any_order_of_arrival() {
    let mut tower = Tower::launch().dev().event_clock().start();
    let first = count_from_environment("TIDEWATCH_FIRST_SEED", 1);
    let mut told: Vec<Told> = Vec::new();
    let mut now = FIRST_DAY;
    let mut wrong = Vec::new();
    let mut lsn = 0;
    for seed in first..first + count_from_environment("TIDEWATCH_SEEDS", 8) {
        eprintln!("seed {seed}");
        let base = FIRST_DAY + i64::try_from(seed - first).unwrap() * 10 * DAY;
        let history = History::of_seed(seed, &format!("m{seed}"), base);
        lsn = tell(&tower.http(), seed, &history.events, base);
        now = base + DAY;
        told.push(Told { seed, events: history.events });
        compare(&tower.http(), told.last().unwrap(), now, lsn, "live", &mut wrong);
    }
    // The later histories' clock has made more of the earlier orders due.
    for told in &told {
        compare(&tower.http(), told, now, lsn, "after time passed", &mut wrong);
    }
    let picture = everything_shown(&tower.http(), lsn);
    tower.stop();
    tower.start_again();
    same(&picture, &everything_shown(&tower.http(), lsn), "a clean restart");
    for told in &told {
        compare(&tower.http(), told, now, lsn, "after a clean restart", &mut wrong);
    }
    tower.kill();
    tower.start_again();
    same(&picture, &everything_shown(&tower.http(), lsn), "kill -9");
    for told in &told {
        compare(&tower.http(), told, now, lsn, "after kill -9", &mut wrong);
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// Every figure and every exception: while the event clock stands still, a restart changes none of them.
fn everything_shown(client: &Client, lsn: u64) -> BTreeMap<String, Value> {
    assert_eq!(client.settled("/api/v1/exceptions", lsn).status, 200);
    let mut shown = BTreeMap::new();
    for item in client.list("/api/v1/sku-locations") {
        let (sku, location) = (item["sku"].as_str().unwrap(), item["location"].as_str().unwrap());
        let path = format!("/api/v1/sku-locations/{}/{}", encode(sku), encode(location));
        let mut detail = client.get(&path).expect(200);
        for key in ["lsn", "position"] {
            detail.as_object_mut().unwrap().remove(key);
        }
        shown.insert(path, detail);
    }
    for state in ["open", "acknowledged", "snoozed", "in_case", "resolved", "cleared"] {
        for found in client.list(&format!("/api/v1/exceptions?state={state}")) {
            shown.insert(format!("exception {}", found["id"]), found);
        }
    }
    shown
}

#[track_caller]
fn same(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>, what: &str) {
    assert!(before.keys().any(|key| key.starts_with("exception")), "no exceptions at all");
    let differs = |key: &&String| before.get(*key) != after.get(*key);
    let changed: Vec<&String> = before.keys().chain(after.keys()).filter(differs).collect();
    if let Some(key) = changed.first() {
        panic!(
            "{} things changed by {what}; {key} from {:?} to {:?}",
            changed.len(),
            before.get(*key),
            after.get(*key)
        );
    }
}

fn advance(client: &Client, to: i64) -> u64 {
    let mut advanced = event("clock.advanced", &format!("clock-{to}"), json!({"to": at(to)}));
    advanced["time"] = json!(at(to));
    client.accept(&[advanced])["lsn"].as_u64().unwrap()
}

/// Sends a history in a random order, in batches of random size with random repeats; answers with the last LSN.
fn tell(client: &Client, seed: u64, events: &[Value], base: i64) -> u64 {
    let mut random = Random::new(seed ^ 0xA771_7A1E);
    let mut order: Vec<&Value> = events.iter().collect();
    random.shuffle(&mut order);
    advance(client, base);
    let (mut sent, mut clock) = (0, 0);
    while sent < order.len() {
        let size = usize::try_from(random.between(1, 40)).unwrap().min(order.len() - sent);
        let mut batch: Vec<Value> = order[sent..sent + size].iter().map(|event| (*event).clone()).collect();
        let mut repeats = 0;
        for _ in 0..random.below(6) {
            let again = usize::try_from(random.below((sent + size) as u64)).unwrap();
            batch.push(order[again].clone());
            repeats += 1;
        }
        random.shuffle(&mut batch);
        let receipt = client.post_batch(&batch).expect(202);
        let counts = (&receipt["accepted"], &receipt["duplicates"], &receipt["rejected"]);
        assert_eq!(counts, (&json!(size), &json!(repeats), &json!(0)), "seed {seed}: {receipt}");
        sent += size;
        let thirds = i64::try_from(3 * sent / order.len()).unwrap();
        if thirds > clock && thirds < 3 {
            clock = thirds;
            advance(client, base + 8 * 3600 * thirds);
        }
    }
    advance(client, base + DAY)
}

fn compare(client: &Client, told: &Told, now: i64, lsn: u64, when: &str, wrong: &mut Vec<String>) {
    let expected: BTreeMap<Place, Stock> = stock_after(&told.events, now);
    assert!(expected.len() >= 7, "the history of seed {} is thin", told.seed);
    for ((sku, location), stock) in &expected {
        let path = format!("/api/v1/sku-locations/{}/{}", encode(sku), encode(location));
        let answer = client.settled(&path, lsn);
        if answer.status != 200 {
            wrong.push(format!(
                "seed {}, {sku} at {location}, {when}: {} {}",
                told.seed,
                answer.status,
                answer.text()
            ));
            continue;
        }
        let differences = stock.differences(&answer.json());
        if !differences.is_empty() {
            wrong.push(format!(
                "seed {}, {sku} at {location}, {when}: {}",
                told.seed,
                differences.join("; ")
            ));
            if wrong.len() <= 3 {
                explain(told, sku, location);
            }
        }
    }
}

/// Prints what was said about one SKU-location, in order of time.
fn explain(told: &Told, sku: &str, location: &str) {
    let document = |event: &Value| {
        let ids =
            ["order_id", "po_id", "transfer_id"].map(|key| event["data"][key].as_str().map(str::to_owned));
        ids.into_iter().flatten().next()
    };
    let names = |event: &Value| event.to_string().contains(sku) && event.to_string().contains(location);
    let documents: Vec<String> = told.events.iter().filter(|e| names(e)).filter_map(document).collect();
    let mut about: Vec<&Value> = told
        .events
        .iter()
        .filter(|event| {
            names(event)
                || document(event).is_some_and(|id| documents.contains(&id))
                || documents
                    .iter()
                    .any(|id| event["data"]["lines"].to_string().contains(&format!("\"{id}\"")))
        })
        .collect();
    about.sort_by_key(|event| {
        (event["time"].to_string(), event["sequence"].to_string(), event["source"].to_string())
    });
    eprintln!("--- seed {}: all about {sku} at {location}", told.seed);
    for event in about {
        eprintln!("{} {} {} {}", event["time"], event["sequence"], event["type"], event["data"]);
    }
}

#[test]
fn histories_hold_every_event_that_touches_stock() {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut figures = Stock::default();
    for seed in 1..=40 {
        let mut events = History::of_seed(seed, "h", FIRST_DAY).events;
        for event in &events {
            *kinds.entry(event["type"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        let expected = stock_after(&events, FIRST_DAY + DAY);
        Random::new(seed).shuffle(&mut events);
        assert_eq!(
            stock_after(&events, FIRST_DAY + DAY),
            expected,
            "the model itself knows no order of arrival"
        );
        for stock in expected.values() {
            figures.blocked += stock.blocked;
            figures.damaged += stock.damaged;
            figures.due += stock.due;
            figures.in_transit += stock.in_transit;
            figures.outbound += stock.outbound;
            figures.on_order += stock.on_order;
            figures.reserved += i64::from(stock.backorders() > 0);
        }
    }
    assert_eq!(kinds.len(), 22, "{kinds:?}");
    assert!(kinds.values().all(|count| *count >= 5), "{kinds:?}");
    let Stock { blocked, damaged, due, in_transit, outbound, on_order, reserved: short, .. } = figures;
    assert!(
        [blocked, damaged, due, in_transit, outbound, on_order, short].iter().all(|sum| *sum > 0),
        "{figures:?}"
    );
}
