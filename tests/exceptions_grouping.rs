//! One cause is one line of the list: what it leads to stands below it, and its value is counted once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod catalogue;
mod common;

use catalogue::{DAY, Stage, id};
use common::{Tower, at};
use serde_json::{Value, json};

fn stage() -> (Tower, Stage) {
    // Without a rule nothing is put into a case.
    let tower = Tower::launch().dev().event_clock().configuration("routing = []\n").start();
    let stage = Stage::open(tower.http(), "grouping");
    (tower, stage)
}

/// An item, and stores that are described.
fn describe(stage: &mut Stage, sku: &str, stores: &[&str]) {
    let item = json!({"sku": sku, "unit_cost": "2.00", "unit_price": "5.00", "currency": "EUR"});
    stage.tell("item.described", item);
    for store in stores {
        stage.tell("location.described", json!({"location": store, "kind": "store"}));
    }
}

fn count(stage: &mut Stage, sku: &str, location: &str, on_hand: i64) {
    stage.tell("inventory.counted", json!({"sku": sku, "location": location, "on_hand": on_hand}));
}

/// Ten a day on average.
fn forecast(stage: &mut Stage, sku: &str, location: &str) {
    let (from, until) = (at(stage.now), at(stage.now + 100 * DAY));
    let bucket = json!({"from": from, "until": until, "quantity": 1000, "p10": 936, "p90": 1064});
    stage.tell("forecast.published", json!({"sku": sku, "location": location, "buckets": [bucket]}));
}

fn amount(item: &Value) -> f64 {
    item["value_at_risk"]["amount"].as_str().unwrap_or_else(|| panic!("no value: {item:#}")).parse().unwrap()
}

/// The list has one line; below it are exactly the places given, all of one kind, and it is worth what they are.
#[track_caller]
fn expect_one_with(stage: &Stage, kind: &str, below: &str, stores: &[&str]) -> Value {
    stage.settle();
    let top = stage.client.list("/api/v1/exceptions");
    let said: Vec<String> = top.iter().map(|one| format!("{} {}", one["type"], one["subject"])).collect();
    assert_eq!(top.len(), 1, "{said:#?}");
    let cause = &top[0];
    assert_eq!((&cause["type"], &cause["group"]), (&json!(kind), &Value::Null), "{cause:#}");
    assert_eq!(cause["affected"]["count"], json!(stores.len()), "{cause:#}");
    let affected = stage.client.list(&format!("/api/v1/exceptions/{}/affected", id(cause)));
    let mut places: Vec<&str> =
        affected.iter().map(|one| one["subject"]["location"].as_str().unwrap()).collect();
    places.sort_unstable();
    assert_eq!(places, stores);
    for one in &affected {
        assert_eq!((&one["type"], &one["group"]), (&json!(below), &cause["affected"]["key"]), "{one:#}");
        assert!(one["confidence"].is_number() || below.starts_with("promotion"), "{one:#}");
    }
    let sum: f64 = affected.iter().map(amount).sum();
    assert!(sum > 0.0 && (amount(cause) - sum).abs() < 0.005, "{} is not {sum}", amount(cause));
    assert!(!cause["evidence"].as_array().unwrap().is_empty(), "{cause:#}");
    // As soon as the first of them has to be decided; times of one form are in the order of their texts.
    let first = affected.iter().filter_map(|one| one["decide_by"].as_str()).min();
    let own = cause["decide_by"].as_str();
    assert!(first.is_none_or(|first| own.is_some_and(|own| own <= first)), "{first:?} {cause:#}");
    cause.clone()
}

#[test]
fn a_late_purchase_order_is_one_with_the_places_that_wait_for_it() {
    let (_tower, mut stage) = stage();
    let stores = ["S", "S2", "S3"];
    describe(&mut stage, "A", &stores);
    stage.tell("supplier.described", json!({"supplier": "V", "lead_time_days": 7}));
    // One of them can be helped otherwise, within two days.
    stage.tell("lane.described", json!({"from": "DC", "to": "S2", "transit_days": 2}));
    let lines: Vec<Value> = stores
        .iter()
        .map(|store| {
            json!({
                "line_id": store, "sku": "A", "location": store, "quantity": 200,
                "promised_at": at(stage.now + 2 * DAY), "unit_cost": "2.00",
            })
        })
        .collect();
    let order = json!({"po_id": "P", "supplier": "V", "currency": "EUR", "lines": lines});
    for store in stores {
        count(&mut stage, "A", store, 30);
    }
    stage.tell("purchase_order.placed", order.clone());
    stage.tell("purchase_order.acknowledged", order);
    for store in stores {
        forecast(&mut stage, "A", store);
    }
    stage.settle();
    assert_eq!(stage.client.list("/api/v1/exceptions"), Vec::<Value>::new(), "in time it is no trouble");

    stage.tell("supplier.delay_reported", json!({"supplier": "V", "po_id": "P", "delay_days": 10}));
    let predicted = expect_one_with(&stage, "purchase_late_predicted", "projected_stockout", &stores);
    assert_eq!(
        (&predicted["subject"]["po_id"], &predicted["subject"]["supplier"]),
        (&json!("P"), &json!("V"))
    );
    // Its promise passes: it is late, and takes the places along.
    stage.pass(2 * DAY + 1);
    let late = expect_one_with(&stage, "purchase_late", "projected_stockout", &stores);
    assert_eq!(late["subject"], predicted["subject"]);
    assert!(late["decide_by"].is_string() && late["urgency"] == 100, "{late:#}");
    let why = stage.client.get(&format!("/api/v1/exceptions/{}/why", id(&late))).expect(200);
    let decide_by = &why["worth"]["decide_by"];
    let deadline = &decide_by["inputs"][0];
    let helped = stage.client.list("/api/v1/exceptions?location=S2");
    assert_eq!(decide_by["formula"], json!("earliest(deadline)"));
    assert_eq!(
        (&deadline["time"], deadline["about"].as_str()),
        (&decide_by["time"], Some(&*format!("exception {}", id(&helped[0]))))
    );
    // One place gets its part: two are left.
    let part = json!({"po_id": "P", "line_id": "S2", "quantity": 200});
    stage.tell("purchase_order.received", part);
    stage.pass(3_600);
    expect_one_with(&stage, "purchase_late", "projected_stockout", &["S", "S3"]);
    for line in ["S", "S3"] {
        stage.tell("purchase_order.received", json!({"po_id": "P", "line_id": line, "quantity": 200}));
    }
    stage.settle();
    assert_eq!(stage.client.list("/api/v1/exceptions?grouped=false"), Vec::<Value>::new());
}

#[test]
fn what_stands_under_a_cause_that_somebody_dismissed_is_listed() {
    let (_tower, mut stage) = stage();
    let stores = ["S", "S2"];
    describe(&mut stage, "A", &stores);
    stage.tell("supplier.described", json!({"supplier": "V", "lead_time_days": 7}));
    let line = |store: &&str| {
        json!({"line_id": store, "sku": "A", "location": store, "quantity": 200,
            "promised_at": at(stage.now + 2 * DAY), "unit_cost": "2.00"})
    };
    let lines: Vec<Value> = stores.iter().map(line).collect();
    let order = json!({"po_id": "P", "supplier": "V", "currency": "EUR", "lines": lines});
    for store in stores {
        count(&mut stage, "A", store, 30);
        forecast(&mut stage, "A", store);
    }
    stage.tell("purchase_order.placed", order.clone());
    stage.tell("purchase_order.acknowledged", order);
    stage.tell("supplier.delay_reported", json!({"supplier": "V", "po_id": "P", "delay_days": 10}));
    let cause = expect_one_with(&stage, "purchase_late_predicted", "projected_stockout", &stores);
    let path = format!("/api/v1/exceptions/{}/dismiss", id(&cause));
    let headers = [("Content-Type", "application/json")];
    stage.client.send("POST", &path, &headers, br#"{"reason": "it was told wrong"}"#).expect(200);
    stage.settle();
    let mut listed: Vec<String> = stage
        .client
        .list("/api/v1/exceptions")
        .iter()
        .map(|one| format!("{} {}", one["type"].as_str().unwrap(), one["subject"]["location"]))
        .collect();
    listed.sort_unstable();
    assert_eq!(listed, [r#"projected_stockout "S""#, r#"projected_stockout "S2""#]);
}

/// Item A comes to the stores, which have little of it, from the centre DC.
fn supply_from_a_centre(stage: &mut Stage, stores: &[&str]) {
    stage.tell("location.described", json!({"location": "DC", "kind": "dc"}));
    for store in stores {
        let source = json!({"kind": "location", "id": "DC"});
        let sourcing = json!({"sku": "A", "location": store, "source": source, "lead_time_days": 7});
        stage.tell("sourcing.set", sourcing);
        count(stage, "A", store, 30);
    }
}

#[test]
fn a_centre_that_is_short_is_one_with_its_stores() {
    let (_tower, mut stage) = stage();
    let stores = ["S", "S2"];
    describe(&mut stage, "A", &stores);
    supply_from_a_centre(&mut stage, &stores);
    count(&mut stage, "A", "DC", 0);
    for location in ["DC", "S", "S2"] {
        forecast(&mut stage, "A", location);
    }
    stage.pass(3_600);
    stage.settle();
    let top = stage.client.list("/api/v1/exceptions");
    assert_eq!(top.len(), 1, "{top:#?}");
    assert_eq!((&top[0]["type"], &top[0]["subject"]["location"]), (&json!("shortage_now"), &json!("DC")));
    let affected = stage.client.list(&format!("/api/v1/exceptions/{}/affected", id(&top[0])));
    assert_eq!(affected.len(), 2, "{affected:#?}");
    assert!(affected.iter().all(|one| one["type"] == "projected_stockout"), "{affected:#?}");
    assert_eq!(top[0]["affected"]["key"], "sku_location:A@DC");
    // What is below it is no second sum: the greater one of its own and theirs.
    let below: f64 = affected.iter().map(amount).sum();
    assert!(below > 0.0 && amount(&top[0]) >= below - 0.005, "{} and {below}", amount(&top[0]));
    stage.pass(1);
    count(&mut stage, "A", "DC", 2_000);
    stage.settle();
    let top = stage.client.list("/api/v1/exceptions");
    let left: Vec<(&Value, &Value)> =
        top.iter().map(|one| (&one["type"], &one["subject"]["location"])).collect();
    let (kind, one, two) = (json!("projected_stockout"), json!("S"), json!("S2"));
    assert!(
        left.contains(&(&kind, &one))
            && left.contains(&(&kind, &two))
            && top.iter().all(|it| it["group"].is_null()),
        "without the centre's trouble each store stands for itself: {top:#?}"
    );
}

#[test]
fn nothing_is_hidden_under_a_centre_that_does_not_show_it_though_its_own_loss_is_greater() {
    let (_tower, mut stage) = stage();
    let stores = ["S", "S2", "S3"];
    describe(&mut stage, "A", &stores);
    supply_from_a_centre(&mut stage, &stores);
    for store in stores {
        forecast(&mut stage, "A", store);
    }
    count(&mut stage, "A", "DC", 0);
    stage.settle();
    // Ever since the centre is short of an order, it is behind what the stores had before.
    let order = json!({"order_id": "O", "line_id": "1", "sku": "A", "location": "DC", "quantity": 9_000});
    stage.tell("order.placed", order);
    stage.settle();
    let all = stage.client.list("/api/v1/exceptions?grouped=false");
    let hidden = all.iter().filter(|one| one["group"] == "sku_location:A@DC").count();
    assert_eq!(hidden, stores.len(), "{all:#?}");
    let head = all.iter().find(|one| one["type"] == "shortage_now").unwrap();
    assert_eq!((&head["subject"]["location"], &head["group"]), (&json!("DC"), &Value::Null));
    assert_eq!(head["affected"]["count"], json!(hidden), "{head:#}");
    let affected = stage.client.list(&format!("/api/v1/exceptions/{}/affected", id(head)));
    assert_eq!(affected.len(), hidden, "{affected:#?}");
}

#[test]
fn a_promotion_is_one_whether_it_lacks_stock_in_many_places_or_in_one() {
    for stores in [&["S", "S2", "S3"][..], &["S"][..]] {
        let (_tower, mut stage) = stage();
        describe(&mut stage, "A", stores);
        for store in stores {
            count(&mut stage, "A", store, 130);
            forecast(&mut stage, "A", store);
        }
        stage.settle();
        assert_eq!(stage.client.list("/api/v1/exceptions"), Vec::<Value>::new());
        // 100 until it begins, and 200 in five days.
        let promotion = json!({
            "promotion_id": "spring", "from": at(stage.now + 10 * DAY), "until": at(stage.now + 15 * DAY),
            "skus": ["A"], "locations": stores, "expected_uplift": 3,
        });
        stage.tell("promotion.scheduled", promotion);
        let one = expect_one_with(&stage, "promotion_uncovered", "promotion_uncovered", stores);
        assert_eq!(one["subject"]["promotion_id"], "spring");
        stage.pass(1);
        stage.tell("promotion.cancelled", json!({"promotion_id": "spring"}));
        stage.settle();
        assert_eq!(stage.client.list("/api/v1/exceptions?grouped=false"), Vec::<Value>::new());
    }
}
