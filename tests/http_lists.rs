//! Lists over real HTTP: pages, cursors, sorting, filters, and the exceptions that they show.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::BTreeSet;

use common::http::encode;
use common::{Batch, Client, Tower};
use serde_json::{Value, json};

#[test]
fn lists_answer_as_the_contract_says() {
    let tower = Tower::dev();
    checks!(
        tower,
        an_empty_tower_answers,
        malformed_parameters_are_refused,
        exceptions_have_every_key,
        missing_master_data_is_told_once_per_thing,
        exceptions_are_filtered_and_final_ones_hidden,
        lists_are_paged_sorted_and_filtered,
        a_cursor_stays_valid_while_things_change,
        a_cursor_passes_places_that_are_short_once,
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

fn an_empty_tower_answers(tower: &Tower) {
    for list in ["sku-locations", "suppliers", "exceptions", "items", "locations", "quarantine"] {
        let page = tower.http().get(&format!("/api/v1/{list}")).expect(200);
        assert_eq!(page["items"], json!([]), "{list}");
        has_keys(&page, &["items", "next_cursor", "lsn", "position"]);
        assert!(page["next_cursor"].is_null(), "{list}");
        has_position(&page);
    }
}

fn malformed_parameters_are_refused(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("malformed");
    batch.add("pos.sale", sale("keys", "L1", json!(1)));
    told(&client, &mut batch);
    for list in ["sku-locations", "exceptions", "items", "locations", "suppliers", "quarantine"] {
        for parameter in [
            "limit=0",
            "limit=1001",
            "limit=-1",
            "limit=many",
            "cursor=nonsense",
            "sort=nonsense",
            "at_least=x",
        ] {
            let answer = client.get(&format!("/api/v1/{list}?{parameter}"));
            assert_eq!(answer.status, 400, "{list}?{parameter}: {}", answer.text());
            answer.expect_problem(400, "bad_parameter");
        }
        assert_eq!(client.get(&format!("/api/v1/{list}?limit=1")).status, 200);
        assert_eq!(client.get(&format!("/api/v1/{list}?limit=1000")).status, 200);
    }
    for parameter in ["at_least=x", "at_least=-1", "at_least=1.5", "settled=maybe", "at_least="] {
        client
            .get(&format!("/api/v1/sku-locations/keys/L1?{parameter}"))
            .expect_problem(400, "bad_parameter");
    }
    client.get("/api/v1/exceptions?state=nonsense").expect_problem(400, "bad_parameter");
    client.get("/api/v1/exceptions?type=nonsense").expect_problem(400, "bad_parameter");
}

fn exceptions_have_every_key(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("shaped");
    batch.add("item.described", json!({"sku": "shaped", "unit_price": "3.00", "currency": "EUR"}));
    batch.add(
        "order.placed",
        json!({"order_id": "O-shaped", "line_id": "1", "sku": "shaped", "location": "L1", "quantity": 5}),
    );
    let lsn = told(&client, &mut batch);
    let page = client.settled("/api/v1/exceptions?sku=shaped&type=shortage_now", lsn).expect(200);
    has_position(&page);
    let found = &page["items"][0];
    let keys = [
        "id",
        "type",
        "state",
        "severity",
        "urgency",
        "value_at_risk",
        "decide_by",
        "subject",
        "opened_at",
        "updated_at",
        "cleared_at",
        "window",
        "cause",
        "confidence",
        "evidence",
        "case_id",
        "owner",
        "team",
        "sla_due_at",
        "revision",
        "lsn",
    ];
    has_keys(found, &keys);
    has_keys(&found["subject"], &["kind", "sku", "location", "supplier"]);
    assert_eq!((&found["subject"]["sku"], &found["subject"]["location"]), (&json!("shaped"), &json!("L1")));
    assert_eq!(
        (&found["type"], &found["state"], &found["cleared_at"]),
        (&json!("shortage_now"), &json!("open"), &Value::Null)
    );
    assert!(["low", "medium", "high", "critical"].contains(&found["severity"].as_str().unwrap()), "{found}");
    assert!(found["urgency"].as_f64().is_some_and(|urgency| (0.0..=100.0).contains(&urgency)), "{found}");
    let id = found["id"].as_str().unwrap();
    assert!(id.len() <= 64 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'), "{id}");
    let value = &found["value_at_risk"];
    assert!(value.is_null() || (value["amount"].is_string() && value["currency"] == "EUR"), "{found}");
    let evidence = found["evidence"].as_array().expect("evidence");
    assert!(!evidence.is_empty(), "{found}");
    has_keys(&evidence[0], &["source", "id", "type", "time", "lsn"]);
    assert!(
        instant(&found["opened_at"]).is_some() && found["revision"].is_u64() && found["lsn"].is_u64(),
        "{found}"
    );
    let detail = client.get(&format!("/api/v1/exceptions/{id}")).expect(200);
    has_keys(&detail, &keys);
    assert_eq!(detail["id"], id);
}

fn missing_master_data_is_told_once_per_thing(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("undescribed");
    for i in 0..6 {
        batch.add("pos.sale", sale("undescribed", &format!("somewhere-{}", i % 2), json!(1)));
    }
    let line = json!({"line_id": "1", "sku": "undescribed", "location": "somewhere-0", "quantity": 1});
    for i in 0..2 {
        batch.add(
            "purchase_order.placed",
            json!({"po_id": format!("PO-un-{i}"), "supplier": "unheard-of", "lines": [line]}),
        );
    }
    let lsn = told(&client, &mut batch);
    let missing = |lsn: u64| -> Vec<Value> {
        assert_eq!(client.settled("/api/v1/exceptions?limit=1", lsn).status, 200);
        client.list("/api/v1/exceptions?type=missing_master_data")
    };
    let about = |list: &[Value], kind: &str, name: &str| {
        list.iter()
            .filter(|found| found["subject"]["kind"] == kind && found["subject"].to_string().contains(name))
            .count()
    };
    let found = missing(lsn);
    for (kind, name) in [
        ("item", "undescribed"),
        ("location", "somewhere-0"),
        ("location", "somewhere-1"),
        ("supplier", "unheard-of"),
    ] {
        assert_eq!(about(&found, kind, name), 1, "{kind} {name}: {found:?}");
    }
    // Described, it is no longer missing.
    batch.add("item.described", json!({"sku": "undescribed"}));
    let lsn = told(&client, &mut batch);
    let found = missing(lsn);
    assert_eq!(about(&found, "item", "undescribed"), 0, "{found:?}");
    assert_eq!(about(&found, "location", "somewhere-0"), 1, "{found:?}");
}

fn exceptions_are_filtered_and_final_ones_hidden(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("hidden");
    for i in 0..3 {
        let sku = format!("hidden-{i}");
        batch.add("item.described", json!({"sku": sku}));
        batch.add(
            "order.placed",
            json!({"order_id": sku, "line_id": "1", "sku": sku, "location": "L1", "quantity": 5}),
        );
    }
    let lsn = told(&client, &mut batch);
    let list = |query: &str, lsn: u64| {
        client.settled(&format!("/api/v1/exceptions?{query}"), lsn).expect(200)["items"].clone()
    };
    let skus = |items: &Value| -> BTreeSet<String> {
        items
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["subject"]["sku"].as_str().unwrap_or("").to_owned())
            .collect()
    };
    let two = list("type=shortage_now&sku=hidden-0&sku=hidden-1", lsn);
    assert_eq!(
        skus(&two),
        BTreeSet::from(["hidden-0".to_owned(), "hidden-1".to_owned()]),
        "repeated parameters mean or"
    );
    batch.add("order.cancelled", json!({"order_id": "hidden-0", "line_id": "1"}));
    batch.add("inventory.counted", json!({"sku": "hidden-0", "location": "L1", "on_hand": 500}));
    let lsn = told(&client, &mut batch);
    let open = list("type=shortage_now&sku=hidden-0&sku=hidden-1", lsn);
    assert_eq!(skus(&open), BTreeSet::from(["hidden-1".to_owned()]), "{open}");
    let cleared = list("type=shortage_now&sku=hidden-0&state=cleared", lsn);
    assert_eq!(cleared[0]["state"], "cleared", "{cleared}");
    assert!(instant(&cleared[0]["cleared_at"]).is_some(), "{cleared}");
    let id = cleared[0]["id"].as_str().unwrap();
    assert_eq!(client.get(&format!("/api/v1/exceptions/{id}")).expect(200)["state"], "cleared");
    let either = list("type=shortage_now&sku=hidden-0&sku=hidden-1&state=cleared&state=open", lsn);
    assert_eq!(skus(&either).len(), 2, "{either}");
}

fn lists_are_paged_sorted_and_filtered(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("paged");
    for i in 0..25 {
        batch.add(
            "inventory.counted",
            json!({"sku": format!("paged-{i:02}"), "location": "paging", "on_hand": (i * 7) % 25}),
        );
    }
    let lsn = told(&client, &mut batch);
    let mut skus = Vec::new();
    let mut cursor = String::new();
    let mut pages = 0;
    loop {
        let page = client
            .settled(&format!("/api/v1/sku-locations?location=paging&limit=10{cursor}"), lsn)
            .expect(200);
        let items = page["items"].as_array().unwrap();
        skus.extend(items.iter().map(|item| item["sku"].as_str().unwrap().to_owned()));
        pages += 1;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", encode(next)),
            None => break,
        }
        assert_eq!(items.len(), 10);
    }
    assert_eq!(pages, 3);
    let distinct: BTreeSet<&String> = skus.iter().collect();
    assert_eq!((skus.len(), distinct.len()), (25, 25), "{skus:?}");
    let sorted = |sort: &str| -> Vec<Value> {
        let page =
            client.get(&format!("/api/v1/sku-locations?location=paging&sort={sort}&limit=100")).expect(200);
        page["items"].as_array().unwrap().clone()
    };
    let stock: Vec<f64> = sorted("on_hand").iter().map(|item| item["on_hand"].as_f64().unwrap()).collect();
    assert!(stock.len() == 25 && stock.is_sorted(), "{stock:?}");
    let stock: Vec<f64> = sorted("-on_hand").iter().map(|item| -item["on_hand"].as_f64().unwrap()).collect();
    assert!(stock.len() == 25 && stock.is_sorted(), "{stock:?}");
    let names: Vec<String> =
        sorted("-sku").iter().map(|item| item["sku"].as_str().unwrap().to_owned()).collect();
    assert!(names.len() == 25 && names.iter().rev().is_sorted(), "{names:?}");
    let chosen = client.get("/api/v1/sku-locations?sku=paged-03&sku=paged-04").expect(200);
    assert_eq!(chosen["items"].as_array().unwrap().len(), 2, "{chosen}");
    // The default is a hundred.
    let mut batch = Batch::new("hundred");
    for i in 0..130 {
        batch.add("item.described", json!({"sku": format!("hundred-{i:03}")}));
    }
    let lsn = told(&client, &mut batch);
    let page = client.settled("/api/v1/items", lsn).expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 100);
    assert!(page["next_cursor"].is_string());
}

fn a_cursor_stays_valid_while_things_change(tower: &Tower) {
    let client = tower.http();
    let counted = |sku: String, on_hand: i64| json!({"sku": sku, "location": "moving", "on_hand": on_hand});
    for sort in ["", "&sort=sku", "&sort=-sku"] {
        let mut batch = Batch::new(&format!("moving{sort}"));
        for i in 0..40 {
            batch.add("inventory.counted", counted(format!("moving-{i:02}-m"), i));
        }
        let mut lsn = told(&client, &mut batch);
        let mut seen: Vec<String> = Vec::new();
        let mut cursor = String::new();
        for step in 0..100 {
            let path = format!("/api/v1/sku-locations?location=moving&limit=7{sort}{cursor}");
            let page = client.settled(&path, lsn).expect(200);
            seen.extend(
                page["items"].as_array().unwrap().iter().map(|item| item["sku"].as_str().unwrap().to_owned()),
            );
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={}", encode(next));
            // New ones before, between and after; old ones change.
            batch.add("inventory.counted", counted(format!("moving-{step:02}-a{}", sort.len()), 1));
            batch.add("inventory.counted", counted(format!("a-moving-{step}{}", sort.len()), 1));
            batch.add("inventory.counted", counted(format!("moving-{step:02}-m"), 100 + step));
            lsn = told(&client, &mut batch);
        }
        let old: Vec<&String> = seen.iter().filter(|sku| sku.ends_with("-m")).collect();
        let distinct: BTreeSet<&&String> = old.iter().collect();
        assert_eq!(
            (old.len(), distinct.len()),
            (40, 40),
            "sort {sort:?}: each that was there, once: {seen:?}"
        );
    }
}

fn a_cursor_passes_places_that_are_short_once(tower: &Tower) {
    let client = tower.http();
    let day = |days: i64| (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days)).to_string();
    let mut batch = Batch::new("short");
    // Ten a day, for 0 to 19 units on hand: ten are short already, which is told as of now, whenever that is.
    for i in 0..20i64 {
        let place = json!({"sku": format!("short-{i:02}"), "location": "running-out"});
        let with = |more: Value| {
            let mut data = place.clone();
            data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            data
        };
        batch.add("inventory.counted", with(json!({"on_hand": if i < 10 { 0 } else { 3 * i }})));
        let bucket = json!({"from": day(-1), "until": day(20), "quantity": 210, "p10": 200, "p90": 220});
        batch.add("forecast.published", with(json!({"buckets": [bucket]})));
        let order = json!({"order_id": format!("O-short-{i}"), "line_id": "1", "quantity": 1});
        batch.add("order.placed", with(order));
    }
    let lsn = told(&client, &mut batch);
    for sort in ["projected_stockout_at", "-projected_stockout_at"] {
        let mut seen: Vec<(String, Option<i64>)> = Vec::new();
        let mut cursor = String::new();
        for _ in 0..20 {
            let path = format!("/api/v1/sku-locations?location=running-out&limit=3&sort={sort}{cursor}");
            let page = client.settled(&path, lsn).expect(200);
            for item in page["items"].as_array().unwrap() {
                let name = item["sku"].as_str().unwrap().to_owned();
                seen.push((name, instant(&item["projected_stockout_at"])));
            }
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={}", encode(next));
        }
        let distinct: BTreeSet<&String> = seen.iter().map(|(sku, _)| sku).collect();
        assert_eq!((seen.len(), distinct.len()), (20, 20), "{sort}: {seen:?}");
        let now = jiff::Timestamp::now().as_second();
        let later: Vec<i64> = seen.iter().filter_map(|(_, at)| *at).filter(|at| *at > now).collect();
        assert!(later.len() >= 5, "{seen:?}");
        let is_sorted =
            if sort.starts_with('-') { later.iter().rev().is_sorted() } else { later.is_sorted() };
        assert!(is_sorted, "{sort}: {seen:?}");
        let short: Vec<usize> =
            (0..seen.len()).filter(|at| seen[*at].1.is_some_and(|time| time <= now)).collect();
        assert!(short.len() >= 10, "{seen:?}");
        let together = if sort.starts_with('-') { seen.len() - short.len() } else { 0 };
        assert_eq!(short[0], together, "{sort}: those that are short stand together: {seen:?}");
        let of_short: BTreeSet<Option<i64>> = short.iter().map(|at| seen[*at].1).collect();
        assert_eq!(of_short.len(), 1, "{sort}: all pages are as of one moment: {seen:?}");
    }
}
