//! The numbers that follow from stock, demand and supply, against golden values.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::sync::atomic::{AtomicI64, Ordering};

use common::http::encode;
use common::{Batch, Client, Tower, at};
use serde_json::{Value, json};

#[test]
fn the_numbers_come_out_right() {
    let tower = Tower::launch().dev().event_clock().start();
    advance(&tower.http(), START);
    checks!(
        tower,
        golden_numbers_of_reorder_point_and_stockout_probability,
        supply_in_the_horizon_lowers_the_risk_and_its_delay_raises_it,
        parameters_have_their_order_of_precedence,
        a_sale_that_came_late_is_still_demand,
    );
}

/// 2025-03-03T00:00:00Z, a Monday: midnight, so that the present is the start of a whole day.
const START: i64 = 1_740_960_000;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// The tower's business time: each check moves it on from where the one before left it.
static NOW: AtomicI64 = AtomicI64::new(START);

fn now() -> i64 {
    NOW.load(Ordering::SeqCst)
}

fn advance(client: &Client, to: i64) -> u64 {
    static TOLD: AtomicI64 = AtomicI64::new(0);
    let mut batch = Batch::new(&format!("clock-{}-{to}", TOLD.fetch_add(1, Ordering::SeqCst)));
    batch.add_at(to, "clock.advanced", json!({"to": at(to)}));
    NOW.fetch_max(to, Ordering::SeqCst);
    client.accept(&batch.take())["lsn"].as_u64().unwrap()
}

#[track_caller]
fn read(client: &Client, sku: &str, location: &str, lsn: u64) -> Value {
    client.settled(&format!("/api/v1/sku-locations/{}/{}", encode(sku), encode(location)), lsn).expect(200)
}

/// Sends events one request each, in this order, and reads a SKU-location at L1 after the last.
#[track_caller]
fn after(client: &Client, sku: &str, batch: &mut Batch) -> Value {
    let mut lsn = 0;
    for event in batch.take() {
        lsn = client.accept(&[event])["lsn"].as_u64().unwrap();
    }
    read(client, sku, "L1", lsn)
}

#[track_caller]
fn is(found: &Value, expected: Value) {
    for (field, value) in expected.as_object().unwrap() {
        let same = found[field].as_f64().zip(value.as_f64()).is_some_and(|(a, b)| (a - b).abs() < 1e-9);
        assert!(same || found[field] == *value, "{field} is {}, should be {value}: {found}", found[field]);
    }
}

fn count(sku: &str, on_hand: i64) -> Value {
    json!({"sku": sku, "location": "L1", "on_hand": on_hand})
}

fn quantity(sku: &str, quantity: i64) -> Value {
    json!({"sku": sku, "location": "L1", "quantity": quantity})
}

/// d = 75, sd = 20 a day for 60 days from the present; L = 7, sL = 1.5; 600 on hand.
fn planned(client: &Client, sku: &str) -> Batch {
    let midnight = now() + (DAY - now() % DAY) % DAY;
    advance(client, midnight);
    let supplier = format!("supplier-of-{sku}");
    let buckets: Vec<Value> = (0..60)
        .map(|day| {
            let from = midnight + day * DAY;
            json!({"from": at(from), "until": at(from + DAY), "quantity": 75, "p10": "49.369", "p90": "100.631"})
        })
        .collect();
    let source = json!({"kind": "supplier", "id": supplier});
    let mut batch = Batch::new(sku);
    batch.add(
        "supplier.described",
        json!({"supplier": supplier, "lead_time_days": 7, "lead_time_sd_days": 1.5}),
    );
    batch.add("sourcing.set", json!({"sku": sku, "location": "L1", "source": source}));
    batch.add("policy.set", json!({"scope": {"sku": sku, "location": "L1"}, "service_level": 0.95}));
    batch.add("forecast.published", json!({"sku": sku, "location": "L1", "buckets": buckets}));
    for event in &mut batch.events {
        event["time"] = json!(at(midnight));
    }
    batch.add_at(midnight, "inventory.counted", count(sku, 600));
    batch
}

#[track_caller]
fn near(found: &Value, field: &str, expected: f64) {
    let value = found[field].as_f64().unwrap_or_else(|| panic!("{field} is {}: {found}", found[field]));
    assert!((value - expected).abs() <= 1e-3 * expected.abs(), "{field} is {value}, should be {expected}");
}

fn golden_numbers_of_reorder_point_and_stockout_probability(tower: &Tower) {
    let client = tower.http();
    let mut batch = planned(&client, "golden");
    let seen = after(&client, "golden", &mut batch);
    is(&seen, json!({"on_hand": 600, "inventory_position": 600}));
    near(&seen, "demand_rate_per_day", 75.0);
    near(&seen, "lead_time_days", 7.0);
    near(&seen, "safety_stock", 204.493413);
    near(&seen, "reorder_point", 729.493413);
    near(&seen, "stockout_horizon_days", 7.0);
    near(&seen, "stockout_probability", 0.273165713);
    near(&seen, "days_of_cover", 8.0);
    // 600 last for eight days of 75.
    let out = seen["projected_stockout_at"].as_str().expect("a projected stockout");
    let days = (out.parse::<jiff::Timestamp>().unwrap().as_second() - now()) as f64 / DAY as f64;
    assert!((7.0..=9.0).contains(&days), "projected stockout after {days} days: {seen}");
    // Other service levels, and a review period.
    for (level, review, safety_stock, reorder_point) in [
        (0.90, 0, 159.32655, 684.32655),
        (0.975, 0, 243.668931, 768.668931),
        (0.99, 0, 289.218937, 814.218937),
        (0.95, 7, 222.245535, 1272.245535),
    ] {
        let scope = json!({"sku": "golden", "location": "L1"});
        batch.add("policy.set", json!({"scope": scope, "service_level": level, "review_days": review}));
        let seen = after(&client, "golden", &mut batch);
        near(&seen, "safety_stock", safety_stock);
        near(&seen, "reorder_point", reorder_point);
        near(&seen, "stockout_horizon_days", 7.0 + f64::from(review));
    }
    // A fill rate: z with 124.323 G(z) = (1 - level) * 1,000, found by bisection.
    let source = json!({"kind": "supplier", "id": "supplier-of-golden"});
    batch.add("sourcing.set", json!({"sku": "golden", "location": "L1", "source": source, "moq": 1000}));
    batch.add("item.described", json!({"sku": "golden", "attributes": {"abc": "A", "xyz": "X"}}));
    for (scope, level, safety_stock, reorder_point) in [
        (json!({"sku": "golden", "location": "L1"}), 0.99, 126.611836, 651.611836),
        (json!({"sku": "golden", "location": "L1"}), 0.95, -0.802398, 524.197602),
    ] {
        let policy = json!({"scope": scope, "service_level": level, "measure": "fill", "review_days": 0});
        batch.add("policy.set", policy);
        let seen = after(&client, "golden", &mut batch);
        near(&seen, "safety_stock", safety_stock);
        near(&seen, "reorder_point", reorder_point);
    }
    // What the item's own policy leaves open is said by that of its segment.
    let scope = json!({"sku": "golden", "location": "L1"});
    batch.add("policy.set", json!({"scope": scope, "measure": "fill", "review_days": 0}));
    batch.add("policy.set", json!({"scope": {"segment": "AX"}, "service_level": 0.99}));
    near(&after(&client, "golden", &mut batch), "reorder_point", 651.611836);
    batch.add("item.described", json!({"sku": "golden", "attributes": {"abc": "B", "xyz": "X"}}));
    near(&after(&client, "golden", &mut batch), "reorder_point", 524.197602);
    // Supply comes within hours: at least a day's 75 are ordered at once, so 112.943 G(z) = (1 - level) * 75.
    batch.add("sourcing.set", json!({"sku": "golden", "location": "L1", "source": source}));
    let policy = json!({"scope": scope, "service_level": 0.9, "measure": "fill", "lead_time_days": 0.25});
    batch.add("policy.set", policy);
    let seen = after(&client, "golden", &mut batch);
    near(&seen, "safety_stock", 126.106329);
    near(&seen, "reorder_point", 144.856329);
}

fn supply_in_the_horizon_lowers_the_risk_and_its_delay_raises_it(tower: &Tower) {
    let (client, sku) = (tower.http(), "supplied");
    let mut batch = planned(&client, sku);
    let probability = |seen: &Value| seen["stockout_probability"].as_f64().expect("a probability");
    let without = after(&client, sku, &mut batch);
    near(&without, "stockout_probability", 0.273165713);
    let t = now();
    let line = json!({"line_id": "1", "sku": sku, "location": "L1", "quantity": 300, "promised_at": at(t + 3 * DAY)});
    let placed = json!({"po_id": "PO-g", "supplier": format!("supplier-of-{sku}"), "lines": [line]});
    batch.add_at(t, "purchase_order.placed", placed);
    let with = after(&client, sku, &mut batch);
    is(&with, json!({"on_order": 300, "inventory_position": 900}));
    assert!(
        probability(&with) < 0.5 * probability(&without),
        "{} then {}",
        probability(&without),
        probability(&with)
    );
    let carried = json!([{"po_id": "PO-g", "line_id": "1", "quantity": 300}]);
    batch.add_at(
        t,
        "shipment.dispatched",
        json!({"shipment_id": "H-g", "eta": at(t + 3 * DAY), "lines": carried}),
    );
    let shipped = after(&client, sku, &mut batch);
    assert!((probability(&shipped) - probability(&with)).abs() < 0.02, "{shipped}");
    batch.add_at(t, "shipment.delayed", json!({"shipment_id": "H-g", "eta": at(t + 20 * DAY)}));
    let delayed = after(&client, sku, &mut batch);
    assert!(
        probability(&delayed) > probability(&shipped) + 0.05,
        "{} then {}",
        probability(&shipped),
        probability(&delayed)
    );
    // Too late to help within the horizon: as if nothing had been ordered. Ordering still counts it.
    near(&delayed, "stockout_probability", 0.273165713);
    is(&delayed, json!({"inventory_position": 900, "in_transit": 300}));
}

fn parameters_have_their_order_of_precedence(tower: &Tower) {
    let (client, sku) = (tower.http(), "precedence");
    let supplier = format!("supplier-of-{sku}");
    let t = now();
    let mut batch = Batch::new(sku);
    batch.add_at(t, "inventory.counted", count(sku, 10));
    near(&after(&client, sku, &mut batch), "lead_time_days", 7.0);
    let source = json!({"kind": "supplier", "id": supplier});
    batch.add_at(t, "supplier.described", json!({"supplier": supplier, "lead_time_days": 11}));
    batch.add_at(t, "sourcing.set", json!({"sku": sku, "location": "L1", "source": source}));
    near(&after(&client, sku, &mut batch), "lead_time_days", 11.0);
    batch.add_at(
        t + 1,
        "sourcing.set",
        json!({"sku": sku, "location": "L1", "source": source, "lead_time_days": 5}),
    );
    near(&after(&client, sku, &mut batch), "lead_time_days", 5.0);
    batch.add_at(t + 1, "policy.set", json!({"scope": {"sku": sku}, "lead_time_days": 3}));
    near(&after(&client, sku, &mut batch), "lead_time_days", 3.0);
    // Both names beat one.
    batch.add_at(t + 2, "policy.set", json!({"scope": {"sku": sku, "location": "L1"}, "lead_time_days": 4}));
    near(&after(&client, sku, &mut batch), "lead_time_days", 4.0);
}

fn a_sale_that_came_late_is_still_demand(tower: &Tower) {
    let client = tower.http();
    let t = now() + (DAY - now() % DAY) % DAY;
    advance(&client, t);
    for sku in ["demand-none", "demand-late"] {
        let mut batch = Batch::new(sku);
        batch.add_at(t + 10 * HOUR, "inventory.counted", count(sku, 100));
        if sku == "demand-late" {
            batch.add_at(t + 9 * HOUR, "pos.sale", quantity(sku, 24));
        }
        is(&after(&client, sku, &mut batch), json!({"on_hand": 100}));
    }
    let lsn = advance(&client, t + 26 * HOUR);
    let rate = |sku: &str| read(&client, sku, "L1", lsn)["demand_rate_per_day"].as_f64().unwrap_or(0.0);
    assert!(
        rate("demand-late") > 0.0 && rate("demand-none") == 0.0,
        "{} {}",
        rate("demand-late"),
        rate("demand-none")
    );
}
