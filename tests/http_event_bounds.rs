//! What events may say: the bounds of numbers, identifiers and times, every core type once, and what is none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use common::events::now;
use common::receipt::{counts, rejected_with};
use common::{Batch, Client, Tower, at, event};
use serde_json::{Value, json};

#[test]
fn events_keep_to_the_contracts_bounds() {
    let tower = Tower::dev();
    bystander_arrives(&tower);
    checks!(
        tower,
        numbers_keep_their_bounds,
        identifiers_keep_their_bounds,
        times_keep_their_bounds,
        every_core_type_is_taken,
        unknown_fields_are_kept_and_unknown_types_are_not_taken,
        bystander_is_unchanged,
    );
}

fn sale(sku: &str, quantity: Value) -> Value {
    json!({"sku": sku, "location": "L1", "quantity": quantity})
}

#[track_caller]
fn on_hand(client: &Client, sku: &str, lsn: u64) -> f64 {
    let path = format!("/api/v1/sku-locations/{}/L1", common::http::encode(sku));
    client.settled(&path, lsn).expect(200)["on_hand"].as_f64().expect("a number")
}

#[track_caller]
fn lsn(receipt: &Value) -> u64 {
    receipt["lsn"].as_u64().expect("an lsn")
}

fn bystander_arrives(tower: &Tower) {
    let client = tower.http();
    let counted = event(
        "inventory.counted",
        "bystander",
        json!({"sku": "bystander", "location": "L1", "on_hand": "1234.567"}),
    );
    counts(&client.post_event(&counted), 202, 1, 0, 0);
}

fn bystander_is_unchanged(tower: &Tower) {
    let client = tower.http();
    assert_eq!(client.get("/readyz").status, 200);
    let text = client.get("/api/v1/sku-locations/bystander/L1").text();
    assert!(text.contains("\"on_hand\":1234.567"), "{text}");
}

fn numbers_keep_their_bounds(tower: &Tower) {
    let client = tower.http();
    let post = |id: &str, quantity: &str| {
        let body = format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"/numbers","type":"pos.sale",
                "data":{{"sku":"bounds-{id}","location":"L1","quantity":{quantity}}}}}"#
        );
        client.post("application/cloudevents+json", body)
    };
    let good = [
        ("g0", "0.001", -0.001),
        ("g1", "\"0.001\"", -0.001),
        ("g2", "1e-3", -0.001),
        ("g3", "1000000000", -1e9),
        ("g4", "\"999999999.999\"", -999_999_999.999),
        ("g5", "1E2", -100.0),
        ("g6", "12.5", -12.5),
    ];
    for (id, quantity, expected) in good {
        let taken = counts(&post(id, quantity), 202, 1, 0, 0);
        assert_eq!(on_hand(&client, &format!("bounds-{id}"), lsn(&taken)), expected, "{quantity}");
    }
    for (id, quantity) in [("p0", "0.0001"), ("p1", "\"1.2345\""), ("p2", "1e-4"), ("p3", "123456.7891")] {
        rejected_with(&post(id, quantity), "too_precise");
    }
    let bad = [
        "0",
        "-1",
        "-0.001",
        "1000000000.001",
        "1e10",
        "1e400",
        "\"NaN\"",
        "\"Infinity\"",
        "\"inf\"",
        "\"\"",
        "\" 1\"",
        "\"1,5\"",
        "\"0x10\"",
        "\"1_000\"",
    ];
    for (i, quantity) in bad.iter().enumerate() {
        counts(&post(&format!("x{i}"), quantity), 422, 0, 0, 1);
    }
    // Sales are above zero, deltas and counts need not be.
    let mut batch = Batch::new("signs");
    batch.add("inventory.adjusted", json!({"sku": "signs", "location": "L1", "delta": "-2.5"}));
    batch.add("inventory.adjusted", json!({"sku": "signs", "location": "L1", "delta": -1000000000}));
    batch.add("inventory.adjusted", json!({"sku": "signs", "location": "L1", "delta": 1000000000}));
    let taken = client.accept(&batch.take());
    let text = client.settled("/api/v1/sku-locations/signs/L1", lsn(&taken)).text();
    assert!(text.contains("\"on_hand\":-2.5,") || text.contains("\"on_hand\":-2.5}"), "{text}");
}

fn identifiers_keep_their_bounds(tower: &Tower) {
    let client = tower.http();
    let longest = "ü".repeat(128);
    let good = [longest.as_str(), "a b", "a/b", "...", "ключ-🦀", "a%2Fb", "\"quoted\"", "\u{2028}"];
    for (i, sku) in good.iter().enumerate() {
        let sold = event("pos.sale", &format!("id-{i}"), sale(sku, json!(1)));
        let taken = counts(&client.post_event(&sold), 202, 1, 0, 0);
        assert_eq!(on_hand(&client, sku, lsn(&taken)), -1.0, "{sku}");
    }
    let too_long = "x".repeat(129);
    for (i, sku) in [too_long.as_str(), "", ".", "..", "a\nb", "\u{0}", "\u{7f}", "\u{85}"].iter().enumerate()
    {
        let sold = event("pos.sale", &format!("idx-{i}"), sale(sku, json!(1)));
        let answer = client.post_event(&sold);
        assert_eq!(answer.status, 422, "{sku:?}: {}", answer.text());
    }
    // An event's own id and source are empty in no event.
    for key in ["id", "source", "type"] {
        let mut empty = event("pos.sale", "nonempty", sale("nonempty", json!(1)));
        empty[key] = json!("");
        let status = client.post_event(&empty).status;
        assert!(status == 400 || status == 422, "{key}: {status}");
    }
}

fn times_keep_their_bounds(tower: &Tower) {
    let client = tower.http();
    let post = |id: &str, time: &str| {
        let mut sold = event("pos.sale", id, sale(&format!("time-{id}"), json!(1)));
        sold["time"] = json!(time);
        client.post_event(&sold)
    };
    for (id, time) in [
        ("offset", "2025-06-01T02:00:00+02:00"),
        ("fraction", "2025-06-01T00:00:00.123456Z"),
        ("lower", "2025-06-01t00:00:00z"),
        ("ahead", &at(now() + 23 * 3600)),
    ] {
        counts(&post(id, time), 202, 1, 0, 0);
    }
    rejected_with(&post("tomorrow", &at(now() + 25 * 3600)), "time_in_future");
    rejected_with(&post("end", "9999-12-31T23:59:59Z"), "time_in_future");
    for (i, time) in
        ["yesterday", "2025-13-01T00:00:00Z", "2025-06-01", "2025-06-01T00:00:00", "2025-02-30T00:00:00Z", ""]
            .iter()
            .enumerate()
    {
        let status = post(&format!("wrong-{i}"), time).status;
        assert!(status == 400 || status == 422, "{time}: {status}");
    }
    // The year 0 and times as data: whatever is said of them, it is said in order.
    let status = post("year-0", "0000-01-01T00:00:00Z").status;
    assert!([202, 400, 422].contains(&status), "year 0: {status}");
    for (i, promised) in
        ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"].iter().enumerate()
    {
        let placed = json!({"order_id": format!("far-{i}"), "line_id": "1", "sku": "far", "location": "L1", "quantity": 1,
            "promised_at": promised, "requested_at": promised});
        let answer = client.post_event(&event("order.placed", &format!("far-{i}"), placed));
        assert!([202, 422].contains(&answer.status), "{promised}: {} {}", answer.status, answer.text());
    }
    let buckets = json!({"sku": "far", "location": "L1", "buckets": [
        {"from": "0000-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z", "quantity": 1, "p10": 0, "p90": 2}]});
    let status = client.post_event(&event("forecast.published", "far-f", buckets)).status;
    assert!([202, 422].contains(&status), "far forecast: {status}");
    assert_eq!(client.get("/api/v1/sku-locations?limit=1000").status, 200);
}

fn unknown_fields_are_kept_and_unknown_types_are_not_taken(tower: &Tower) {
    let client = tower.http();
    let data = json!({"sku": "extra", "location": "L1", "quantity": 1, "x_till": 7, "nested": {"a": [1, {"b": null}]}});
    counts(&client.post_event(&event("pos.sale", "extra", data)), 202, 1, 0, 0);
    for kind in ["pos.sold", "POS.SALE", "pos", "pos.sale ", "custom.thing"] {
        rejected_with(
            &client.post_event(&event(kind, &format!("unknown-{kind}"), json!({}))),
            "unknown_type",
        );
    }
}

/// One valid event of each core type, and of each reserved one.
fn every_core_type_is_taken(tower: &Tower) {
    let client = tower.http();
    let (from, until) = ("2025-06-01T00:00:00Z", "2030-07-01T00:00:00Z");
    let place = |extra: Value| {
        let mut data = json!({"sku": "every", "location": "L1"});
        data.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        data
    };
    let po_line = json!([{"line_id": "1", "sku": "every", "location": "L1", "quantity": 5, "promised_at": until, "unit_cost": "1.2345"}]);
    let transfer_line = json!([{"line_id": "1", "sku": "every", "from": "L2", "to": "L1", "quantity": 2, "promised_at": until}]);
    let types = [
        (
            "pos.sale",
            place(
                json!({"quantity": 1, "unit_price": "9.9900", "currency": "EUR", "channel": "web", "uom": "each"}),
            ),
        ),
        ("pos.return", place(json!({"quantity": 1, "disposition": "damaged"}))),
        (
            "order.placed",
            place(
                json!({"order_id": "O", "line_id": "1", "quantity": 3, "customer": "C", "channel": "web", "promised_at": until,
            "requested_at": from, "priority": 1, "unit_price": 2.5, "currency": "EUR", "ship_complete": true, "substitution_allowed": false}),
            ),
        ),
        ("order.changed", place(json!({"order_id": "O", "line_id": "1", "quantity": 4}))),
        ("order.shipped", json!({"order_id": "O", "line_id": "1", "quantity": 1})),
        ("order.cancelled", json!({"order_id": "O", "line_id": "1", "reason": "changed my mind"})),
        (
            "inventory.counted",
            place(
                json!({"on_hand": 10, "status": "available", "lots": [{"lot": "A", "expires_on": "2026-01-31", "quantity": 10}]}),
            ),
        ),
        ("inventory.adjusted", place(json!({"delta": -1, "reason": "breakage", "status": "blocked"}))),
        (
            "purchase_order.placed",
            json!({"po_id": "P", "supplier": "S", "lines": po_line, "currency": "EUR", "requested_at": from}),
        ),
        ("purchase_order.changed", json!({"po_id": "P", "lines": [{"line_id": "1", "quantity": 6}]})),
        (
            "purchase_order.acknowledged",
            json!({"po_id": "P", "lines": [{"line_id": "1", "quantity": 6, "promised_at": until}]}),
        ),
        ("purchase_order.received", json!({"po_id": "P", "line_id": "1", "quantity": 2})),
        ("purchase_order.cancelled", json!({"po_id": "P", "line_id": "1"})),
        ("purchase_order.closed", json!({"po_id": "P"})),
        ("transfer.placed", json!({"transfer_id": "T", "lines": transfer_line})),
        ("transfer.changed", json!({"transfer_id": "T", "lines": transfer_line, "action_id": "A"})),
        ("transfer.dispatched", json!({"transfer_id": "T", "line_id": "1", "quantity": 1})),
        ("transfer.received", json!({"transfer_id": "T", "line_id": "1", "quantity": 1})),
        ("transfer.cancelled", json!({"transfer_id": "T"})),
        (
            "shipment.dispatched",
            json!({"shipment_id": "H", "supplier": "S", "carrier": "sea", "mode": "sea", "eta": until, "lines": [{"po_id": "P", "line_id": "1", "quantity": 1}]}),
        ),
        ("shipment.delayed", json!({"shipment_id": "H", "eta": until, "reason": "storm"})),
        ("shipment.arrived", json!({"shipment_id": "H"})),
        (
            "supplier.delay_reported",
            json!({"supplier": "S", "delay_days": 3, "po_id": "P", "from": from, "until": until, "reason": "strike"}),
        ),
        ("supplier.capacity_changed", json!({"supplier": "S", "factor": 0.5, "from": from, "until": until})),
        (
            "promotion.scheduled",
            json!({"promotion_id": "M", "from": from, "until": until, "skus": ["every"], "locations": "all", "expected_uplift": 0.3}),
        ),
        (
            "promotion.changed",
            json!({"promotion_id": "M", "from": from, "until": until, "skus": "all", "locations": ["L1"], "price": "1.00"}),
        ),
        ("promotion.cancelled", json!({"promotion_id": "M"})),
        (
            "forecast.published",
            place(
                json!({"buckets": [{"from": from, "until": until, "quantity": 100, "p10": 80, "p90": 120}], "model": "m", "confidence": 0.8}),
            ),
        ),
        (
            "signal.observed",
            json!({"name": "weather.rain_mm", "value": 4.5, "region": "north", "from": from, "until": until}),
        ),
        (
            "item.described",
            json!({"sku": "every", "name": "Every", "path": ["Food", "Dairy"], "attributes": {"colour": "white"}, "brand": "B", "unit_cost": "1.0001",
            "unit_price": 2, "currency": "EUR", "uom": "each", "uoms": [{"uom": "case", "factor": 12}], "pack": 6, "shelf_life_days": 30, "substitutes": [{"sku": "other", "ratio": 1}]}),
        ),
        (
            "location.described",
            json!({"location": "L1", "name": "One", "kind": "store", "path": ["north"], "lat": 52.5, "lon": 13.4, "timezone": "Europe/Berlin", "calendar": "K"}),
        ),
        (
            "supplier.described",
            json!({"supplier": "S", "name": "Supplier", "lead_time_days": 7, "lead_time_sd_days": 1.5, "ack_within_hours": 24, "timezone": "UTC", "calendar": "K"}),
        ),
        (
            "customer.described",
            json!({"customer": "C", "tier": "gold", "contact_ref": "crm:1", "language": "de", "account_owner": "kim"}),
        ),
        (
            "lane.described",
            json!({"from": "L2", "to": "L1", "transit_days": 2, "cost_per_unit": "0.1500", "currency": "EUR", "min_quantity": 1, "calendar": "K"}),
        ),
        (
            "sourcing.set",
            place(
                json!({"source": {"kind": "supplier", "id": "S"}, "rank": 1, "share": 1, "lead_time_days": 5, "moq": 10, "pack": 5, "unit_cost": "1.1", "valid_from": from, "valid_until": until}),
            ),
        ),
        (
            "policy.set",
            json!({"scope": {"sku": "every", "location": "L1"}, "service_level": 0.98, "measure": "cycle", "review_days": 1, "max_cover_days": 30, "lead_time_days": 4, "period_days": 7}),
        ),
        (
            "assortment.set",
            json!({"sku": "every", "locations": ["L1"], "from": from, "until": until, "status": "active", "successor": "next"}),
        ),
        (
            "calendar.described",
            json!({"calendar": "K", "working_days": [1, 2, 3, 4, 5], "closed": ["2025-12-25"], "order_days": [1, 3], "cutoff": "14:00"}),
        ),
        ("fx.published", json!({"rates": {"USD": 0.92}})),
        ("action.confirmed", json!({"action_id": "A", "external_ref": "erp-1", "actual": {"quantity": 3}})),
        ("action.refused", json!({"action_id": "A2", "reason": "no"})),
        (
            "forecast.overridden",
            json!({"sku": "every", "location": "L1", "from": from, "until": until, "quantity": 5}),
        ),
        ("demand.expected", json!({"sku": "every", "location": "L1", "quantity": 5})),
        ("allocation.set", json!({"sku": "every", "location": "L1", "quantity": 5})),
        ("location.capacity_changed", json!({"location": "L1", "factor": 0.5})),
        ("price.changed", json!({"sku": "every", "unit_price": "2.00", "currency": "EUR"})),
        ("contract.described", json!({"contract": "K1"})),
        ("bill.described", json!({"sku": "every"})),
        ("return.to_vendor", json!({"sku": "every", "location": "L1", "quantity": 1})),
    ];
    let mut wrong = Vec::new();
    for (kind, data) in types {
        let answer = client.post_event(&event(kind, &format!("every-{kind}"), data));
        if answer.status != 202 {
            wrong.push(format!("{kind}: {} {}", answer.status, answer.text()));
        }
    }
    assert!(wrong.is_empty(), "not taken:\n{}", wrong.join("\n"));
    // Only a tenant on the event clock is told the time.
    let advanced = event("clock.advanced", "every-clock", json!({"to": "2025-06-01T00:00:00Z"}));
    counts(&client.post_event(&advanced), 422, 0, 0, 1);
}
