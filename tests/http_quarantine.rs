//! Trying again what could not be used: it counts once however often and however late it is tried, and without an edit
//! it is what was kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use common::{Client, Response, Tower, event, eventually};
use serde_json::{Value, json};

/// Room for one event that waits for its document: the next one sends it to quarantine.
const ONE_HELD: &str = "[runtime]\nholding_events_max = 1\n";
const CLIENTS: usize = 8;

fn sale(id: &str, quantity: Value) -> Value {
    event("pos.sale", id, json!({"sku": id, "location": "L1", "quantity": quantity}))
}

fn shipped(id: &str, order: &str) -> Value {
    event("order.shipped", id, json!({"order_id": order, "line_id": "1", "quantity": 2}))
}

fn retry(client: &Client, name: &str, body: &str) -> Response {
    let path = format!("/api/v1/quarantine/{name}/retry");
    client.send("POST", &path, &[("Content-Type", "application/json")], body.as_bytes())
}

/// The entry that mentions this text, once it is there.
#[track_caller]
fn entry_of(client: &Client, text: &str) -> Value {
    eventually("the entry in quarantine", || {
        client.list("/api/v1/quarantine").into_iter().find(|entry| entry.to_string().contains(text))
    })
}

#[track_caller]
fn name_of(client: &Client, text: &str) -> String {
    entry_of(client, text)["id"].as_str().expect("an id").to_owned()
}

#[track_caller]
fn on_hand(client: &Client, sku: &str) -> Value {
    let lsn = client.get("/api/v1/stats").expect(200)["lsn"].as_u64().unwrap();
    client.settled(&format!("/api/v1/sku-locations/{sku}/L1"), lsn).expect(200)["on_hand"].clone()
}

/// Tries an entry again from many clients at once, each with its own body.
fn retry_at_once(tower: &Tower, name: &str, bodies: &[String]) -> Vec<Response> {
    std::thread::scope(|scope| {
        let sent: Vec<_> =
            bodies.iter().map(|body| scope.spawn(move || retry(&tower.http(), name, body))).collect();
        sent.into_iter().map(|answer| answer.join().unwrap()).collect()
    })
}

#[track_caller]
fn accepted_once(answers: &[Response]) {
    let taken = answers.iter().filter(|a| a.status == 202).map(Response::json).collect::<Vec<_>>();
    assert_eq!(taken.iter().filter(|a| a["accepted"] == 1).count(), 1, "{taken:?}");
    for answer in answers {
        assert!([202, 404].contains(&answer.status), "{}: {}", answer.status, answer.text());
    }
}

#[test]
fn what_is_tried_again_counts_once() {
    let mut tower = Tower::launch().dev().configuration(ONE_HELD).start();
    let client = tower.http();

    // Rejected, each retry edited to another event with another id.
    assert_eq!(client.post_event(&sale("many", json!("many"))).status, 422);
    let rejected = name_of(&client, "many");
    let edits = |n: usize| {
        let mut edited = sale("many", json!(3));
        edited["id"] = json!(format!("edit-{n}"));
        edited["data"]["note"] = json!(n);
        edited.to_string()
    };
    accepted_once(&retry_at_once(&tower, &rejected, &(0..CLIENTS).map(edits).collect::<Vec<_>>()));
    assert_eq!(on_hand(&client, "many"), -3);

    // Accepted without effect, and then edited under its own id.
    assert_eq!(client.post_event(&shipped("held", "O1")).expect(202)["accepted"], 1);
    assert_eq!(client.post_event(&shipped("next", "O2")).expect(202)["accepted"], 1);
    let held = name_of(&client, "held");
    let mut placed = shipped("held", "O1");
    placed["data"]["sku"] = json!("placed");
    placed["data"]["location"] = json!("L1");
    let bodies = vec![placed.to_string(); CLIENTS];
    accepted_once(&retry_at_once(&tower, &held, &bodies));
    assert_eq!(on_hand(&client, "placed"), -2);

    tower.kill();
    tower.start_again();
    let client = tower.http();
    for name in [&rejected, &held] {
        retry(&client, name, &placed.to_string()).expect_problem(404, "not_found");
    }
    assert_eq!((on_hand(&client, "many"), on_hand(&client, "placed")), (json!(-3), json!(-2)));
    // The event as it was first sent is still known.
    assert_eq!(client.post_event(&shipped("held", "O1")).expect(202)["duplicates"], 1);
}

#[test]
fn an_entry_outlives_a_restart_and_is_tried_again_then() {
    let mut tower = Tower::dev();
    assert_eq!(tower.http().post_event(&sale("late", json!("many"))).status, 422);
    let name = name_of(&tower.http(), "late");
    tower.kill();
    tower.start_again();
    let client = tower.http();
    let edited = sale("late", json!(4)).to_string();
    assert_eq!(retry(&client, &name, &edited).expect(202)["accepted"], 1);
    assert_eq!(on_hand(&client, "late"), -4);
    retry(&client, &name, &edited).expect_problem(404, "not_found");
}

#[test]
fn an_edit_under_an_id_that_is_taken_leaves_the_entry() {
    let tower = Tower::dev();
    let client = tower.http();
    assert_eq!(client.post_event(&sale("taken", json!(1))).expect(202)["accepted"], 1);
    assert_eq!(client.post_event(&sale("wrong", json!("many"))).status, 422);
    let name = name_of(&client, "wrong");
    let mut edited = sale("wrong", json!(1));
    edited["id"] = json!("taken");
    retry(&client, &name, &edited.to_string()).expect_problem(422, "event_id_reused");
    assert_eq!(name_of(&client, "wrong"), name);
    edited["id"] = json!("free");
    assert_eq!(retry(&client, &name, &edited.to_string()).expect(202)["accepted"], 1);
    assert_eq!(on_hand(&client, "wrong"), -1);
    assert_eq!(client.post_event(&edited).expect(202)["duplicates"], 1, "its new id is known");
}

#[test]
fn without_an_edit_it_is_what_was_kept() {
    let tower = Tower::launch().dev().configuration(ONE_HELD).start();
    let client = tower.http();

    // A key that stands twice is not made one on the way.
    let twice =
        sale("twice", json!(1)).to_string().replace("\"quantity\":1", "\"quantity\":1,\"quantity\":2");
    assert_eq!(client.post("application/cloudevents+json", &twice).status, 422);
    let name = name_of(&client, "twice");
    assert_eq!(retry(&client, &name, "").status, 422);
    assert_eq!(name_of(&client, "twice"), name);

    // A shipment without a time happened when it came: before the count, which has seen it.
    assert_eq!(client.post_event(&shipped("early", "O1")).expect(202)["accepted"], 1);
    assert_eq!(client.post_event(&shipped("other", "O2")).expect(202)["accepted"], 1);
    let name = name_of(&client, "early");
    let order = json!({"order_id": "O1", "line_id": "1", "sku": "kept", "location": "L1", "quantity": 5});
    client.accept(&[event("order.placed", "placed", order)]);
    let counted = json!({"sku": "kept", "location": "L1", "on_hand": 50});
    client.accept(&[event("inventory.counted", "counted", counted)]);
    assert_eq!(retry(&client, &name, "").expect(202)["accepted"], 1);
    assert_eq!(on_hand(&client, "kept"), 50);
    let seen = client.get("/api/v1/sku-locations/kept/L1").expect(200);
    assert_eq!(seen["reserved"], 3, "two of five are shipped: {seen}");
}

#[test]
fn what_cannot_be_an_event_in_binary_mode_is_kept_too() {
    let tower = Tower::dev();
    let client = tower.http();
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "deep"),
        ("ce-source", "/tests"),
        ("ce-type", "pos.sale"),
        ("Content-Type", "application/json"),
    ];
    let deep = format!("{{\"deep\":{}{}}}", "[".repeat(60), "]".repeat(60));
    let answer = client.send("POST", "/api/v1/events", &headers, deep.as_bytes()).expect(422);
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(0), &json!(1)), "{answer}");
    assert_eq!(answer["errors"][0]["index"], 0, "{answer}");
    assert_eq!(answer["errors"][0]["problem"]["code"], "too_deep", "{answer}");
    let entry = entry_of(&client, "too_deep");
    assert_eq!(entry["event"], serde_json::from_str::<Value>(&deep).unwrap(), "{entry}");

    let name = entry["id"].as_str().unwrap();
    retry(&client, name, &"x".repeat(3 << 20)).expect_any_problem(413);
    retry(&client, name, &"x".repeat(9 << 20)).expect_any_problem(413);
}

#[test]
fn a_batch_of_too_many_items_is_refused_and_a_large_one_is_taken_in_pieces() {
    let tower = Tower::dev();
    let client = tower.http();
    let ones = ["1"; 4_000].join(",");
    let ones = vec![ones; 1_000].join(",");
    client
        .post("application/cloudevents-batch+json", format!("[{ones}]"))
        .expect_problem(413, "body_too_large");
    assert_eq!(client.get("/api/v1/stats").expect(200)["quarantine"], 0);
    let mut batch: Vec<Value> = (0..3_000)
        .map(|n| {
            let mut one = sale("pieces", json!(1));
            one["id"] = json!(n.to_string());
            one
        })
        .collect();
    batch[2_999]["data"]["quantity"] = json!("many");
    let answer = client.post_batch(&batch).expect(202);
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(2_999), &json!(1)), "{answer}");
    assert_eq!(answer["errors"][0]["index"], 2_999);
    assert_eq!(on_hand(&client, "pieces"), -2_999);
}

#[test]
fn a_sale_counts_in_the_units_of_its_item() {
    let mut tower = Tower::dev();
    let client = tower.http();
    let item = |uoms: Value| json!({"sku": "tea", "uom": "each", "uoms": uoms});
    let sold = |id: &str, quantity: Value, uom: &str| {
        event("pos.sale", id, json!({"sku": "tea", "location": "L1", "quantity": quantity, "uom": uom}))
    };
    let case = json!({"uom": "case", "factor": 12});
    client.accept(&[event("item.described", "tea-1", item(json!([case])))]);
    client.accept(&[sold("t1", json!(2), "case"), sold("t2", json!(1), "each")]);
    assert_eq!(on_hand(&client, "tea"), -25);

    // A unit that nobody has told of is kept, and counts once the item has it.
    client.accept(&[sold("t3", json!("0.5"), "pallet")]);
    let entry = entry_of(&client, "t3");
    assert_eq!(entry["code"], "unusable_unit", "{entry}");
    assert!(entry["detail"].as_str().unwrap().contains("`pallet`"), "{entry}");
    assert_eq!(on_hand(&client, "tea"), -25);
    let name = entry["id"].as_str().unwrap().to_owned();
    let one = client.get(&format!("/api/v1/quarantine/{name}")).expect(200);
    assert!(one["position"].is_string() && one["code"] == "unusable_unit", "{one}");
    let pallet = json!({"uom": "pallet", "factor": 480});
    client.accept(&[event("item.described", "tea-2", item(json!([case, pallet])))]);
    assert_eq!(retry(&client, &name, "").expect(202)["accepted"], 1);
    assert_eq!(on_hand(&client, "tea"), -265);

    tower.kill();
    tower.start_again();
    assert_eq!(on_hand(&tower.http(), "tea"), -265);
}
