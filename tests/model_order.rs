//! Order of arrival does not matter, without a model: one history told in several orders ends in the same stock, even
//! where the contract leaves open which stock that is.
//!
//! `TIDEWATCH_SEEDS` says how many histories (6), `TIDEWATCH_FIRST_SEED` where they begin (1).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use common::history::History;
use common::{Client, Random, Tower, at, count_from_environment, event};
use serde_json::{Value, json};

/// 2025-03-03T00:00:00Z.
const START: i64 = 1_740_960_000;
const ORDERS: usize = 4;
const FIELDS: [&str; 10] = [
    "on_hand",
    "blocked",
    "reserved",
    "due",
    "available",
    "backorders",
    "on_order",
    "planned",
    "in_transit",
    "inventory_position",
];

fn advance(client: &Client, to: i64) -> u64 {
    let mut advanced = event("clock.advanced", &format!("clock-{to}"), json!({"to": at(to)}));
    advanced["time"] = json!(at(to));
    client.accept(&[advanced])["lsn"].as_u64().unwrap()
}

/// The stock figures of every SKU-location of one telling.
fn figures(client: &Client, prefix: &str, lsn: u64) -> Vec<Vec<Value>> {
    let mut all = Vec::new();
    for (sku, location) in (0..9).map(|i| (i / 3, i % 3)) {
        let path = format!("/api/v1/sku-locations/{prefix}-sku{sku}/{prefix}-at{location}");
        let seen = client.settled(&path, lsn);
        let seen = if seen.status == 404 { Value::Null } else { seen.expect(200) };
        all.push(FIELDS.iter().map(|field| seen[*field].clone()).collect());
    }
    all
}

#[test]
fn every_order_of_arrival_ends_in_the_same_stock() {
    let mut tower = Tower::launch().dev().event_clock().start();
    let first = count_from_environment("TIDEWATCH_FIRST_SEED", 1);
    let seeds: Vec<u64> = (first..first + count_from_environment("TIDEWATCH_SEEDS", 6)).collect();
    let client = tower.http();
    advance(&client, START);
    for seed in &seeds {
        for order in 0..ORDERS {
            let mut events = History::wild(*seed, &format!("w{seed}o{order}"), START).events;
            // The first telling is in order of time.
            events.sort_by_key(|event| event["time"].to_string());
            if order > 0 {
                Random::new(*seed * 10 + order as u64).shuffle(&mut events);
            }
            for batch in events.chunks(17) {
                client.accept(batch);
            }
        }
    }
    let lsn = advance(&client, START + 86_400);
    let mut wrong = Vec::new();
    let mut live = Vec::new();
    for seed in &seeds {
        let told: Vec<_> =
            (0..ORDERS).map(|order| figures(&client, &format!("w{seed}o{order}"), lsn)).collect();
        for order in 1..ORDERS {
            for (place, (now, then)) in told[order].iter().zip(&told[0]).enumerate() {
                for (field, (now, then)) in FIELDS.iter().zip(now.iter().zip(then)) {
                    if now != then {
                        let (sku, location) = (place / 3, place % 3);
                        wrong.push(format!("seed {seed}, order {order}, sku{sku} at{location}: {field} {now}, in order of time {then}"));
                    }
                }
            }
        }
        live.push(told);
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    tower.kill();
    tower.start_again();
    for (seed, told) in seeds.iter().zip(&live) {
        for (order, figures_live) in told.iter().enumerate() {
            assert_eq!(
                figures(&tower.http(), &format!("w{seed}o{order}"), lsn),
                *figures_live,
                "replayed, seed {seed}"
            );
        }
    }
}
