//! The events door over real HTTP: every content type, every outcome, every code that the contract names.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use common::events::now;
use common::receipt::{codes, counts, receipt, rejected_with};
use common::{Batch, Client, Tower, at, event};
use serde_json::{Value, json};

#[test]
fn the_events_door_answers_as_the_contract_says() {
    let tower = Tower::dev();
    bystander_arrives(&tower);
    checks!(
        tower,
        structured_mode_takes_one_event,
        batch_mode_takes_an_array,
        lines_are_taken_and_blank_ones_do_not_count,
        binary_mode_takes_the_body_as_data,
        plain_json_is_told_apart_by_its_first_character,
        other_content_types_are_refused,
        an_empty_array_is_taken,
        a_repeat_is_a_duplicate_in_any_spelling,
        other_content_under_a_known_id_is_rejected,
        an_absent_time_is_content,
        a_repeat_within_one_batch_counts_once,
        many_clients_with_one_event_store_it_once,
        a_lone_event_that_is_none_is_a_bad_request,
        a_lone_event_that_does_not_validate_is_unprocessable,
        good_events_of_a_batch_are_taken_and_bad_ones_reported,
        a_batch_of_bad_events_alone_is_unprocessable,
        a_rejected_id_may_come_again,
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

fn structured_mode_takes_one_event(tower: &Tower) {
    let client = tower.http();
    let first =
        counts(&client.post_event(&event("pos.sale", "s1", sale("structured", json!(1)))), 202, 1, 0, 0);
    assert_eq!(first["errors"], json!([]));
    let second = event("pos.sale", "s2", sale("structured", json!("2.5")));
    let second =
        counts(&client.post("Application/CloudEvents+JSON; charset=utf-8", second.to_string()), 202, 1, 0, 0);
    assert!(lsn(&second) > lsn(&first));
    assert_eq!(on_hand(&client, "structured", lsn(&second)), -3.5);
}

fn batch_mode_takes_an_array(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("b");
    for _ in 0..20 {
        batch.add("pos.sale", sale("batch", json!(1)));
    }
    let taken = counts(&client.post_batch(&batch.take()), 202, 20, 0, 0);
    assert_eq!(on_hand(&client, "batch", lsn(&taken)), -20.0);
}

fn lines_are_taken_and_blank_ones_do_not_count(tower: &Tower) {
    let client = tower.http();
    let line = |id: &str| event("pos.sale", id, sale("lines", json!(1))).to_string();
    // The third event is the one that is wrong: blank lines have no index.
    let body = format!("\n{}\r\n\n  \n{}\n{{\"no\": \"event\"}}\n\n{}", line("n1"), line("n2"), line("n3"));
    let taken = counts(&client.post("application/x-ndjson", body), 202, 3, 0, 1);
    assert_eq!(taken["errors"][0]["index"], 2, "{taken}");
    assert_eq!(on_hand(&client, "lines", lsn(&taken)), -3.0);
    let body = format!("{}\n\u{0}not json\n", line("n4"));
    let taken = counts(&client.post("application/x-ndjson", body), 202, 1, 0, 1);
    assert_eq!(taken["errors"][0]["index"], 1, "{taken}");
    counts(&client.post("application/x-ndjson", "\n\n"), 202, 0, 0, 0);
}

fn binary_mode_takes_the_body_as_data(tower: &Tower) {
    let client = tower.http();
    let post = |id: &str, content_type: Option<&str>, body: &str| {
        let mut headers = vec![
            ("ce-specversion", "1.0"),
            ("ce-id", id),
            ("CE-Source", "/tests"),
            ("ce-type", "pos.sale"),
            ("ce-time", "2025-01-01T00:00:00Z"),
        ];
        headers.extend(content_type.map(|kind| ("Content-Type", kind)));
        client.send("POST", "/api/v1/events", &headers, body.as_bytes())
    };
    counts(&post("h1", Some("application/json"), &sale("binary", json!(2)).to_string()), 202, 1, 0, 0);
    let taken = counts(
        &post("h2", Some("application/vnd.shop+json"), &sale("binary", json!(3)).to_string()),
        202,
        1,
        0,
        0,
    );
    assert_eq!(on_hand(&client, "binary", lsn(&taken)), -5.0);
    // The same event in structured mode is the same event.
    let mut structured = event("pos.sale", "h1", sale("binary", json!(2)));
    structured["time"] = json!("2025-01-01T00:00:00Z");
    counts(&client.post_event(&structured), 202, 0, 1, 0);
    // Binary data that is no JSON.
    post("h3", Some("application/json"), "{\"sku\":").expect_any_problem(400);
    let headless = client.send(
        "POST",
        "/api/v1/events",
        &[
            ("ce-specversion", "1.0"),
            ("ce-id", "h4"),
            ("ce-source", "/tests"),
            ("Content-Type", "application/json"),
        ],
        sale("binary", json!(1)).to_string().as_bytes(),
    );
    headless.expect_any_problem(400);
}

fn plain_json_is_told_apart_by_its_first_character(tower: &Tower) {
    let client = tower.http();
    let one = event("pos.sale", "p1", sale("plain", json!(1)));
    let many = json!([
        event("pos.sale", "p2", sale("plain", json!(1))),
        event("pos.sale", "p3", sale("plain", json!(1)))
    ]);
    counts(&client.post("application/json", format!(" \n{one}")), 202, 1, 0, 0);
    let taken = counts(&client.post("application/json; charset=utf-8", format!("\t{many}")), 202, 2, 0, 0);
    assert_eq!(on_hand(&client, "plain", lsn(&taken)), -3.0);
    for body in ["5", "\"text\"", "null", "", "   "] {
        client.post("application/json", body).expect_any_problem(400);
    }
}

fn other_content_types_are_refused(tower: &Tower) {
    let client = tower.http();
    let body = event("pos.sale", "t1", sale("typed", json!(1))).to_string();
    for kind in
        ["text/plain", "application/xml", "application/octet-stream", "multipart/form-data", "nonsense", ";"]
    {
        client.post(kind, &body).expect_any_problem(415);
    }
    client.send("POST", "/api/v1/events", &[], body.as_bytes()).expect_any_problem(415);
    assert_eq!(client.get("/api/v1/sku-locations/typed/L1").status, 404);
}

fn an_empty_array_is_taken(tower: &Tower) {
    let client = tower.http();
    for kind in ["application/cloudevents-batch+json", "application/json"] {
        let taken = counts(&client.post(kind, "[]"), 202, 0, 0, 0);
        assert_eq!(taken["errors"], json!([]));
    }
}

fn a_repeat_is_a_duplicate_in_any_spelling(tower: &Tower) {
    let client = tower.http();
    let kind = "application/cloudevents+json";
    let first = r#"{"specversion":"1.0","id":"d1","source":"/spelling","type":"pos.sale","time":"2025-01-01T00:00:00Z",
        "data":{"sku":"spelled","location":"L1","quantity":10,"note":"é"}}"#;
    let first = counts(&client.post(kind, first), 202, 1, 0, 0);
    let spellings = [
        // Another order, other white space, another spelling of number and text, other attributes.
        r#"{"data":{"note":"\u00e9","quantity":10.0,"location":"L\u0031","sku":"spelled"},"type":"pos.sale",
            "source":"/spelling","id":"d1","time":"2025-01-01T00:00:00Z","specversion":"1.0"}"#,
        r#"{"specversion":"1.0","id":"d1","source":"/spelling","type":"pos.sale","time":"2025-01-01T00:00:00Z",
            "traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","datacontenttype":"application/json",
            "data":{"sku":"spelled","location":"L1","quantity":1e1,"note":"é"}}"#,
    ];
    for spelling in spellings {
        let again = counts(&client.post(kind, spelling), 202, 0, 1, 0);
        assert_eq!(again["lsn"], first["lsn"], "for a repeat, the first one's lsn");
    }
    assert_eq!(on_hand(&client, "spelled", lsn(&first)), -10.0);
}

fn other_content_under_a_known_id_is_rejected(tower: &Tower) {
    let client = tower.http();
    let mut original = event("pos.sale", "reused", sale("reused", json!(1)));
    original["time"] = json!("2025-01-01T00:00:00Z");
    let taken = counts(&client.post_event(&original), 202, 1, 0, 0);
    let change = |key: &str, value: Value| {
        let mut changed = original.clone();
        changed[key] = value;
        changed
    };
    let changes = [
        change("data", sale("reused", json!(2))),
        change("data", sale("reused", json!("1"))),
        change("data", json!({"sku": "reused", "location": "L1", "quantity": 1, "more": null})),
        change("type", json!("pos.return")),
        change("time", json!("2025-01-01T00:00:01Z")),
        change("subject", json!("something")),
    ];
    for changed in &changes {
        rejected_with(&client.post_event(changed), "event_id_reused");
    }
    // Another source makes it another event.
    let other = counts(&client.post_event(&change("source", json!("/elsewhere"))), 202, 1, 0, 0);
    counts(&client.post_event(&original), 202, 0, 1, 0);
    assert!(lsn(&other) > lsn(&taken));
    assert_eq!(on_hand(&client, "reused", lsn(&other)), -2.0);
}

fn an_absent_time_is_content(tower: &Tower) {
    let client = tower.http();
    let absent = event("pos.sale", "timeless", sale("timeless", json!(1)));
    counts(&client.post_event(&absent), 202, 1, 0, 0);
    let mut present = absent.clone();
    present["time"] = json!(at(now()));
    rejected_with(&client.post_event(&present), "event_id_reused");
    // Time passes, yet an absent time stays absent.
    std::thread::sleep(std::time::Duration::from_millis(20));
    counts(&client.post_event(&absent), 202, 0, 1, 0);
}

fn a_repeat_within_one_batch_counts_once(tower: &Tower) {
    let client = tower.http();
    let one = event("pos.sale", "w1", sale("within", json!(1)));
    let other = event("pos.sale", "w1", sale("within", json!(2)));
    let next = event("pos.sale", "w2", sale("within", json!(4)));
    let taken = counts(&client.post_batch(&[one.clone(), one.clone(), other, next, one]), 202, 2, 2, 1);
    assert_eq!(taken["errors"][0]["index"], 2, "{taken}");
    assert!(codes(&taken, 2).contains(&"event_id_reused".to_owned()), "{taken}");
    assert_eq!(on_hand(&client, "within", lsn(&taken)), -5.0);
}

fn many_clients_with_one_event_store_it_once(tower: &Tower) {
    let body = event("pos.sale", "race", sale("race", json!(7)));
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| tower.http().post_event(&body))).collect();
        threads.into_iter().map(|thread| receipt(&thread.join().unwrap(), 202)).collect()
    });
    assert_eq!(answers.iter().map(|answer| answer["accepted"].as_u64().unwrap()).sum::<u64>(), 1);
    assert_eq!(answers.iter().map(|answer| answer["duplicates"].as_u64().unwrap()).sum::<u64>(), 15);
    assert!(answers.iter().all(|answer| answer["lsn"] == answers[0]["lsn"]), "{answers:?}");
    assert_eq!(on_hand(&tower.http(), "race", lsn(&answers[0])), -7.0);
}

fn a_lone_event_that_is_none_is_a_bad_request(tower: &Tower) {
    let client = tower.http();
    for kind in ["application/cloudevents+json", "application/json"] {
        for key in ["specversion", "id", "source", "type"] {
            let mut incomplete = event("pos.sale", "incomplete", sale("incomplete", json!(1)));
            incomplete.as_object_mut().unwrap().remove(key);
            client.post(kind, incomplete.to_string()).expect_any_problem(400);
        }
        for body in ["{", "{\"specversion\":", "not json", "{} {}", "{\"a\":01}", "{\"a\":NaN}", ""] {
            client.post(kind, body).expect_any_problem(400);
        }
        let mut broken = event("pos.sale", "utf8", sale("utf8-X", json!(1))).to_string().into_bytes();
        let x = broken.iter().position(|byte| *byte == b'X').unwrap();
        broken[x] = 0xFF;
        client.post(kind, &broken).expect_any_problem(400);
    }
    for body in ["[", "[{]", "{", "[1,]"] {
        client.post("application/cloudevents-batch+json", body).expect_any_problem(400);
    }
    assert_eq!(client.get("/api/v1/sku-locations/incomplete/L1").status, 404);
}

fn a_lone_event_that_does_not_validate_is_unprocessable(tower: &Tower) {
    let client = tower.http();
    let bad_data = [
        json!({"location": "L1", "quantity": 1}),
        json!({"sku": "bad", "quantity": 1}),
        json!({"sku": "bad", "location": "L1"}),
        json!({"sku": 5, "location": "L1", "quantity": 1}),
        json!({"sku": "bad", "location": ["L1"], "quantity": 1}),
        json!({"sku": "bad", "location": "L1", "quantity": null}),
        json!({"sku": "bad", "location": "L1", "quantity": true}),
        json!({"sku": "bad", "location": "L1", "quantity": {}}),
        json!([1, 2]),
        json!("text"),
        Value::Null,
    ];
    for (i, data) in bad_data.iter().enumerate() {
        let answer = client.post_event(&event("pos.sale", &format!("bad-{i}"), data.clone()));
        let receipt = counts(&answer, 422, 0, 0, 1);
        assert!(!codes(&receipt, 0).is_empty(), "{receipt}");
    }
    let answer = client.post_event(&event("pos.sale", "pointed", sale("bad", json!("x"))));
    let receipt = counts(&answer, 422, 0, 0, 1);
    let pointers = receipt["errors"][0]["problem"]["errors"].as_array().cloned().unwrap_or_default();
    let quantity =
        |error: &Value| error["pointer"].as_str().is_some_and(|pointer| pointer.ends_with("/quantity"));
    assert!(pointers.iter().any(quantity), "no pointer to the quantity: {receipt}");
    // Nothing of an event but its data.
    let mut dataless = event("pos.sale", "dataless", json!({}));
    dataless.as_object_mut().unwrap().remove("data");
    counts(&client.post_event(&dataless), 422, 0, 0, 1);
    assert_eq!(client.get("/api/v1/sku-locations/bad/L1").status, 404);
}

fn good_events_of_a_batch_are_taken_and_bad_ones_reported(tower: &Tower) {
    let client = tower.http();
    let good = |id: &str| event("pos.sale", id, sale("mixed", json!(1)));
    let mut nameless = good("m-x");
    nameless.as_object_mut().unwrap().remove("id");
    let batch = [
        good("m0"),
        json!(5),
        event("pos.sale", "m2", sale("mixed", json!(0.0001))),
        good("m3"),
        nameless,
        event("no.such.type", "m5", json!({})),
        json!(null),
        good("m7"),
    ];
    let taken = counts(&client.post_batch(&batch), 202, 3, 0, 5);
    let indexes: Vec<u64> =
        taken["errors"].as_array().unwrap().iter().map(|e| e["index"].as_u64().unwrap()).collect();
    assert_eq!(indexes, [1, 2, 4, 5, 6], "{taken}");
    assert!(codes(&taken, 2).contains(&"too_precise".to_owned()), "{taken}");
    assert!(codes(&taken, 5).contains(&"unknown_type".to_owned()), "{taken}");
    assert_eq!(on_hand(&client, "mixed", lsn(&taken)), -3.0);
    // The same again: the good ones are known now, and something known is reason enough for 202.
    let again = counts(&client.post_batch(&batch), 202, 0, 3, 5);
    assert_eq!(again["lsn"], taken["lsn"]);
}

fn a_batch_of_bad_events_alone_is_unprocessable(tower: &Tower) {
    let client = tower.http();
    let bad = [json!({}), json!([]), event("pos.sale", "ab", sale("all-bad", json!(-1)))];
    let refused = counts(&client.post_batch(&bad), 422, 0, 0, 3);
    assert_eq!(refused["errors"].as_array().unwrap().len(), 3, "{refused}");
    counts(&client.post("application/x-ndjson", "{}\n[]\n"), 422, 0, 0, 2);
}

fn a_rejected_id_may_come_again(tower: &Tower) {
    let client = tower.http();
    rejected_with(
        &client.post_event(&event("pos.sale", "again", sale("again", json!(0.12345)))),
        "too_precise",
    );
    let taken =
        counts(&client.post_event(&event("pos.sale", "again", sale("again", json!(0.123)))), 202, 1, 0, 0);
    assert_eq!(on_hand(&client, "again", lsn(&taken)), -0.123);
}
