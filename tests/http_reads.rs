//! The reads over real HTTP: shapes with every key present, positions, lists that stay valid while things change.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::time::{Duration, Instant};

use common::events::now;
use common::http::encode;
use common::{Batch, Client, Tower, at, event, eventually};
use serde_json::{Value, json};

#[test]
fn reads_answer_as_the_contract_says() {
    let tower = Tower::dev();
    checks!(
        tower,
        health_readiness_and_metrics,
        the_api_describes_itself,
        a_sku_location_has_every_key,
        numbers_go_out_exactly,
        names_are_percent_decoded_once,
        unknown_entities_are_not_found,
        reads_wait_for_what_was_written,
        reads_do_not_wait_for_ever,
        the_projection_accounts_for_every_day,
        details_of_items_locations_and_suppliers,
        statistics_count_what_came,
    );
}

#[track_caller]
fn has_keys(value: &Value, keys: &[&str]) {
    let missing: Vec<&&str> = keys.iter().filter(|key| value.get(**key).is_none()).collect();
    assert!(missing.is_empty(), "missing {missing:?}: {value}");
}

#[track_caller]
fn has_position(value: &Value) {
    let position = value["position"].as_str().unwrap_or_else(|| panic!("no position: {value}"));
    assert!(!position.is_empty() && position.len() <= 80 && position.is_ascii(), "{position}");
    assert!(value["lsn"].as_u64().is_some_and(|lsn| lsn < 1 << 53), "no lsn: {value}");
}

fn instant(value: &Value) -> Option<i64> {
    let text = value.as_str()?;
    assert!(text.ends_with('Z'), "times go out in UTC with Z: {text}");
    Some(text.parse::<jiff::Timestamp>().unwrap().as_second())
}

/// Sends events and answers with the receipt's LSN.
#[track_caller]
fn told(client: &Client, batch: &mut Batch) -> u64 {
    client.accept(&batch.take())["lsn"].as_u64().unwrap()
}

fn sale(sku: &str, location: &str, quantity: Value) -> Value {
    json!({"sku": sku, "location": location, "quantity": quantity})
}

fn health_readiness_and_metrics(tower: &Tower) {
    let client = tower.http();
    assert_eq!(client.get("/healthz").status, 200);
    assert_eq!(client.get("/readyz").status, 200);
    let metrics = client.get("/metrics");
    assert_eq!(metrics.status, 200);
    let kind = metrics.header("content-type").unwrap_or("").to_owned();
    assert!(kind.starts_with("text/plain") || kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = metrics.text();
    let mut samples = 0;
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(comment) = line.strip_prefix('#') {
            assert!(
                ["HELP", "TYPE", "UNIT", "EOF"].iter().any(|word| comment.trim().starts_with(word)),
                "{line}"
            );
            continue;
        }
        let (name, rest) =
            line.split_at(line.find(['{', ' ']).unwrap_or_else(|| panic!("no sample: {line}")));
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':'), "{line}");
        let value =
            if rest.starts_with('{') { &rest[rest.rfind('}').expect("labels end") + 1..] } else { rest };
        let value = value.split_whitespace().next().unwrap_or_else(|| panic!("no value: {line}"));
        assert!(value.parse::<f64>().is_ok() || ["+Inf", "-Inf", "NaN"].contains(&value), "{line}");
        samples += 1;
    }
    assert!(samples > 5, "{text}");
}

fn the_api_describes_itself(tower: &Tower) {
    let document = tower.http().get("/openapi.json").expect(200);
    assert!(
        document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")),
        "{}",
        document["openapi"]
    );
    has_keys(&document["info"], &["title", "version"]);
    let routes = [
        ("/api/v1/events", "post"),
        ("/api/v1/sku-locations", "get"),
        ("/api/v1/sku-locations/{sku}/{location}", "get"),
        ("/api/v1/sku-locations/{sku}/{location}/projection", "get"),
        ("/api/v1/suppliers", "get"),
        ("/api/v1/suppliers/{", "get"),
        ("/api/v1/exceptions", "get"),
        ("/api/v1/exceptions/{", "get"),
        ("/api/v1/items", "get"),
        ("/api/v1/items/{", "get"),
        ("/api/v1/locations", "get"),
        ("/api/v1/locations/{", "get"),
        ("/api/v1/stats", "get"),
        ("/api/v1/quarantine", "get"),
        ("/api/v1/quarantine/{id}/retry", "post"),
        ("/api/v1/quarantine/{id}", "delete"),
        ("/api/v1/feed", "get"),
        ("/healthz", "get"),
        ("/readyz", "get"),
        ("/metrics", "get"),
    ];
    let paths = document["paths"].as_object().expect("paths");
    let listed = |route: &str, method: &str| {
        paths.iter().any(|(path, methods)| {
            let same = if route.ends_with('{') { path.starts_with(route) } else { path == route };
            same && methods.get(method).is_some()
        })
    };
    let missing: Vec<_> = routes.iter().filter(|(route, method)| !listed(route, method)).collect();
    assert!(missing.is_empty(), "not listed: {missing:?}; there: {:?}", paths.keys().collect::<Vec<_>>());
    // Every reference leads somewhere.
    let text = document.to_string();
    for part in text.split("\"$ref\":\"").skip(1) {
        let reference = part.split('"').next().unwrap();
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("outside reference {reference}"));
        assert!(document.pointer(pointer).is_some(), "dangling {reference}");
    }
}

const SKU_LOCATION_KEYS: [&str; 25] = [
    "sku",
    "location",
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
    "demand_rate_per_day",
    "demand_class",
    "days_of_cover",
    "safety_stock",
    "reorder_point",
    "lead_time_days",
    "stockout_probability",
    "stockout_horizon_days",
    "projected_stockout_at",
    "open_exceptions",
    "lsn",
    "position",
    "as_of",
];

fn a_sku_location_has_every_key(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("keys");
    batch.add("inventory.counted", json!({"sku": "keys", "location": "L1", "on_hand": 40}));
    batch.add("item.described", json!({"sku": "keys", "name": "Keys"}));
    batch.add("location.described", json!({"location": "L1", "name": "One"}));
    let lsn = told(&client, &mut batch);
    let seen = client.settled("/api/v1/sku-locations/keys/L1", lsn).expect(200);
    has_keys(&seen, &SKU_LOCATION_KEYS);
    has_position(&seen);
    assert_eq!(
        (&seen["sku"], &seen["location"], &seen["on_hand"]),
        (&json!("keys"), &json!("L1"), &json!(40))
    );
    assert!(seen["days_of_cover"].is_null(), "without demand there is no cover: {seen}");
    assert_eq!(seen["open_exceptions"], 0, "{seen}");
    assert!((instant(&seen["as_of"]).expect("as_of") - now()).abs() < 60, "{seen}");
    // The same in the list.
    let listed = client.list("/api/v1/sku-locations");
    let listed = listed.iter().find(|item| item["sku"] == "keys").expect("in the list");
    has_keys(listed, &["sku", "location", "on_hand", "available", "open_exceptions"]);
    assert_eq!(listed["on_hand"], 40);
}

fn numbers_go_out_exactly(tower: &Tower) {
    let client = tower.http();
    for (i, (said, shown)) in [
        ("12.500", "12.5"),
        ("7.000", "7"),
        ("0.001", "0.001"),
        ("999999999.999", "999999999.999"),
        ("-3.25", "-3.25"),
        ("0", "0"),
    ]
    .iter()
    .enumerate()
    {
        let sku = format!("exact-{i}");
        let mut batch = Batch::new(&sku);
        batch.add("inventory.counted", json!({"sku": sku, "location": "L1", "on_hand": said}));
        let lsn = told(&client, &mut batch);
        let text = client.settled(&format!("/api/v1/sku-locations/{sku}/L1"), lsn).text();
        let written = format!("\"on_hand\":{shown},");
        assert!(text.replace(": ", ":").contains(&written), "{said} should go out as {shown}: {text}");
    }
}

fn names_are_percent_decoded_once(tower: &Tower) {
    let client = tower.http();
    for (i, name) in ["a/b", "a%2Fb", "a b", "a+b", "ключ", "?#&=", "100%", "..."].iter().enumerate() {
        let mut batch = Batch::new(&format!("named-{i}"));
        batch.add(
            "inventory.counted",
            json!({"sku": name, "location": format!("at {name}"), "on_hand": i + 1}),
        );
        batch.add("item.described", json!({"sku": name, "name": "Named"}));
        let lsn = told(&client, &mut batch);
        let path = format!("/api/v1/sku-locations/{}/{}", encode(name), encode(&format!("at {name}")));
        let seen = client.settled(&path, lsn).expect(200);
        assert_eq!((&seen["sku"], &seen["on_hand"]), (&json!(name), &json!(i + 1)), "{path}");
        assert_eq!(client.get(&format!("{path}/projection")).status, 200, "{path}/projection");
        assert_eq!(client.get(&format!("/api/v1/items/{}", encode(name))).expect(200)["sku"], *name);
    }
    for path in
        ["/api/v1/sku-locations/%ff%fe/L1", "/api/v1/sku-locations/%zz/L1", "/api/v1/sku-locations/%2e%2e/L1"]
    {
        let status = client.get(path).status;
        assert!(status == 400 || status == 404, "{path}: {status}");
    }
}

fn unknown_entities_are_not_found(tower: &Tower) {
    let client = tower.http();
    for path in [
        "/api/v1/sku-locations/nobody/nowhere",
        "/api/v1/sku-locations/nobody/nowhere/projection",
        "/api/v1/suppliers/nobody",
        "/api/v1/exceptions/nothing",
        "/api/v1/items/nothing",
        "/api/v1/locations/nowhere",
    ] {
        client.get(path).expect_problem(404, "not_found");
    }
}

fn reads_wait_for_what_was_written(tower: &Tower) {
    let client = tower.http();
    for i in 0..30 {
        let sold = event("pos.sale", &format!("wait-{i}"), sale("wait", "L1", json!(1)));
        let receipt = client.post_event(&sold).expect(202);
        // By LSN and by position alike.
        let token = match i % 2 {
            0 => receipt["lsn"].to_string(),
            _ => encode(receipt["position"].as_str().expect("a position")),
        };
        let seen = client.get(&format!("/api/v1/sku-locations/wait/L1?at_least={token}")).expect(200);
        assert_eq!(seen["on_hand"], json!(-(i + 1)), "after {receipt}");
        assert!(seen["lsn"].as_u64() >= receipt["lsn"].as_u64(), "{seen}");
    }
    // With its consequences: an order beyond stock is a shortage.
    for i in 0..10 {
        let sku = format!("consequence-{i}");
        let placed = json!({"order_id": sku, "line_id": "1", "sku": sku, "location": "L1", "quantity": 5});
        let receipt = client.post_event(&event("order.placed", &sku, placed)).expect(202);
        let lsn = &receipt["lsn"];
        let found = client
            .get(&format!("/api/v1/exceptions?type=shortage_now&sku={sku}&at_least={lsn}&settled=true"));
        assert_eq!(found.expect(200)["items"].as_array().unwrap().len(), 1, "{}", found.text());
        assert!(
            client.get(&format!("/api/v1/sku-locations/{sku}/L1")).json()["open_exceptions"].as_u64()
                >= Some(1)
        );
    }
}

fn reads_do_not_wait_for_ever(tower: &Tower) {
    let client = tower.http();
    let started = Instant::now();
    client.get("/api/v1/sku-locations/keys/L1?at_least=900000000000").expect_problem(504, "not_yet_applied");
    let waited = started.elapsed();
    assert!(waited < Duration::from_secs(8), "waited {waited:?}");
}

/// The value of the first key whose array's entries have this key.
fn array_with<'a>(answer: &'a Value, key: &str) -> Option<&'a Vec<Value>> {
    answer
        .as_object()?
        .values()
        .filter_map(Value::as_array)
        .find(|array| array.iter().any(|day| day.get(key).is_some()))
}

fn the_projection_accounts_for_every_day(tower: &Tower) {
    let client = tower.http();
    let today = now() - now() % 86_400;
    let buckets: Vec<Value> = (0..60)
        .map(|day| {
            let from = today + day * 86_400;
            json!({"from": at(from), "until": at(from + 86_400), "quantity": 10, "p10": 8, "p90": 12})
        })
        .collect();
    let mut batch = Batch::new("projected");
    batch.add("inventory.counted", json!({"sku": "projected", "location": "L1", "on_hand": 55}));
    batch.add("forecast.published", json!({"sku": "projected", "location": "L1", "buckets": buckets}));
    let line = json!({"line_id": "1", "sku": "projected", "location": "L1", "quantity": 200, "promised_at": at(now() + 9 * 86_400)});
    batch.add("purchase_order.placed", json!({"po_id": "PO-projected", "supplier": "S", "lines": [line]}));
    let lsn = told(&client, &mut batch);
    let answer = client.settled("/api/v1/sku-locations/projected/L1/projection", lsn).expect(200);
    has_position(&answer);
    let days = array_with(&answer, "balance").unwrap_or_else(|| panic!("no days: {answer}"));
    assert!(days.len() > 9, "{answer}");
    let mut balance: Option<f64> = None;
    for day in days {
        has_keys(day, &["receipts", "demand", "balance", "p10", "p90"]);
        let number = |key: &str| day[key].as_f64().unwrap_or_else(|| panic!("{key}: {day}"));
        if let Some(before) = balance {
            let expected = before + number("receipts") - number("demand");
            assert!((number("balance") - expected).abs() < 0.01, "{before} becomes {day}");
        }
        assert!(number("p10") <= number("p90") + 1e-9, "{day}");
        balance = Some(number("balance"));
    }
    let received: f64 = days.iter().filter_map(|day| day["receipts"].as_f64()).sum();
    assert!((received - 200.0).abs() < 1e-6, "the order arrives once: {answer}");
    // 55 last five and a half days, the order comes on the ninth or tenth: a window of shortage between.
    let windows = answer
        .as_object()
        .unwrap()
        .iter()
        .find(|(key, value)| key.contains("window") && value.is_array())
        .unwrap_or_else(|| panic!("no shortage windows: {answer}"));
    let windows = windows.1.as_array().unwrap();
    assert!(!windows.is_empty(), "{answer}");
    has_keys(&windows[0], &["from", "until"]);
}

fn details_of_items_locations_and_suppliers(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("described");
    batch.add("item.described", json!({"sku": "milk", "name": "Milk", "path": ["Food", "Dairy"], "unit_cost": "1.25", "currency": "EUR",
        "pack": 6, "attributes": {"fat": 3.5}}));
    batch.add("item.described", json!({"sku": "bare"}));
    batch.add("location.described", json!({"location": "berlin", "name": "Berlin", "kind": "store", "path": ["north"], "timezone": "Europe/Berlin"}));
    batch.add("supplier.described", json!({"supplier": "farm", "name": "Farm", "lead_time_days": 3}));
    let lsn = told(&client, &mut batch);
    let item_keys = [
        "sku",
        "name",
        "path",
        "attributes",
        "brand",
        "unit_cost",
        "unit_price",
        "currency",
        "uom",
        "uoms",
        "pack",
        "shelf_life_days",
        "substitutes",
        "lsn",
        "position",
    ];
    let milk = client.settled("/api/v1/items/milk", lsn).expect(200);
    has_keys(&milk, &item_keys);
    assert_eq!(
        (&milk["name"], &milk["path"], &milk["pack"]),
        (&json!("Milk"), &json!(["Food", "Dairy"]), &json!(6))
    );
    let bare = client.get("/api/v1/items/bare").expect(200);
    has_keys(&bare, &item_keys);
    assert!(bare["name"].is_null() && bare["brand"].is_null() && bare["unit_cost"].is_null(), "{bare}");
    let berlin = client.get("/api/v1/locations/berlin").expect(200);
    has_keys(
        &berlin,
        &["location", "name", "kind", "path", "lat", "lon", "timezone", "calendar", "lsn", "position"],
    );
    assert_eq!((&berlin["kind"], &berlin["lat"]), (&json!("store"), &Value::Null));
    let farm = client.get("/api/v1/suppliers/farm").expect(200);
    has_keys(&farm, &["supplier", "name", "lsn", "position"]);
    assert_eq!(farm["name"], "Farm");
    for (list, key, id) in
        [("items", "sku", "milk"), ("locations", "location", "berlin"), ("suppliers", "supplier", "farm")]
    {
        let listed = client.list(&format!("/api/v1/{list}"));
        assert!(listed.iter().any(|item| item[key] == id), "{list}: {listed:?}");
    }
}

fn statistics_count_what_came(tower: &Tower) {
    let client = tower.http();
    let before = client.get("/api/v1/stats").expect(200);
    has_position(&before);
    let total = |stats: &Value| -> f64 {
        fn sum(value: &Value, name: &str) -> f64 {
            match value {
                Value::Object(map) => map.iter().map(|(key, value)| sum(value, key)).sum(),
                Value::Number(number) if name.contains("accepted") => number.as_f64().unwrap(),
                _ => 0.0,
            }
        }
        sum(stats, "")
    };
    let mut batch = Batch::new("counted");
    for _ in 0..50 {
        batch.add("pos.sale", sale("counted", "L1", json!(1)));
    }
    let lsn = told(&client, &mut batch);
    eventually("the count of accepted events to rise", || {
        let after = client.settled("/api/v1/stats", lsn).expect(200);
        (total(&after) >= total(&before) + 50.0).then_some(())
    });
}
