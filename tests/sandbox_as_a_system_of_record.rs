//! The sandbox does what a system of record does: it carries an action out once, says so again when it is asked again,
//! and tells the tower until the tower knows.

mod common;

use common::sandbox::{Sandbox, free_address};
use common::{Response, Tower, eventually};
use serde_json::{Value, json};

fn order(id: &str, quantity: u32) -> Value {
    json!({
        "action_id": id, "kind": "order", "case_id": "case_1", "tenant": "default", "sku": "A", "location": "L1",
        "from": null, "supplier": "S", "po_id": null, "line_id": null, "quantity": quantity, "arrives_at": null,
        "unit_cost": "1.50", "note": null, "approved_at": "2026-01-05T10:00:00Z",
    })
}

#[track_caller]
fn post(sandbox: &Sandbox, key: &str, body: &Value) -> Response {
    let body = body.to_string();
    sandbox.http().send("POST", "/actions", &[("Idempotency-Key", key)], body.as_bytes())
}

fn references(sandbox: &Sandbox) -> Vec<Value> {
    sandbox.documents().into_iter().map(|document| document["id"].clone()).collect()
}

#[test]
fn an_action_is_carried_out_once_also_over_a_kill() {
    let mut sandbox = Sandbox::start(free_address(), None, &[]);
    let first = post(&sandbox, "act_1", &order("act_1", 5)).expect(201);
    assert_eq!(first, json!({"action_id": "act_1", "external_ref": "SBX-PO-000001", "status": "accepted"}));
    sandbox.kill();
    sandbox.start_again();
    let again = post(&sandbox, "act_1", &order("act_1", 5));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(201), first);
    post(&sandbox, "act_1", &order("act_1", 6)).expect_problem(422, "idempotency_key_reused");
    assert_eq!(references(&sandbox), ["SBX-PO-000001"]);
    post(&sandbox, "act_2", &order("act_2", 5)).expect(201);
    sandbox.stop();
    sandbox.start_again();
    assert_eq!(references(&sandbox), ["SBX-PO-000001", "SBX-PO-000002"]);
}

#[test]
fn it_is_wrong_in_the_ways_it_is_told_to_be() {
    let sandbox = Sandbox::start(free_address(), None, &["--down", "--seed", "3"]);
    post(&sandbox, "act_1", &order("act_1", 5)).expect_problem(503, "down");
    sandbox.faults(&json!({"down": false, "fail_rate": 1}));
    post(&sandbox, "act_1", &order("act_1", 5)).expect_problem(500, "failed");
    assert!(sandbox.actions().is_empty(), "neither was recorded");

    sandbox.faults(&json!({"fail_rate": 0, "lose_answers": 1}));
    post(&sandbox, "act_1", &order("act_1", 5)).expect_problem(504, "answer_lost");
    assert_eq!(references(&sandbox), ["SBX-PO-000001"], "carried out, though nobody was told");

    sandbox.faults(&json!({"lose_answers": 0, "wrong": "refuse"}));
    post(&sandbox, "act_2", &order("act_2", 5)).expect_problem(422, "refused");
    sandbox.faults(&json!({"wrong": null}));
    post(&sandbox, "act_2", &order("act_2", 5)).expect_problem(422, "refused");

    sandbox.faults(&json!({"wrong": "quantity"}));
    post(&sandbox, "act_3", &order("act_3", 5)).expect(201);
    assert_eq!(sandbox.documents()[1]["quantity"], json!(2.5));

    let told = sandbox.told();
    assert_eq!((&told["total"], &told["requests"]), (&json!(3), &json!(6)), "{told}");
    let bad = sandbox.http().send("PUT", "/faults", &[], br#"{"fail_rate": 2}"#);
    bad.expect_problem(400, "bad_request");
}

#[test]
fn what_is_no_action_is_refused() {
    let sandbox = Sandbox::start(free_address(), None, &[]);
    let body = order("act_1", 5).to_string();
    sandbox.http().send("POST", "/actions", &[], body.as_bytes()).expect_problem(400, "no_key");
    post(&sandbox, "act_1", &json!({"kind": "order"})).expect_problem(400, "bad_request");
    post(&sandbox, "act_1", &order("act_1", 0)).expect_problem(400, "bad_request");
    let mut expedite = order("act_1", 5);
    expedite["kind"] = json!("expedite");
    post(&sandbox, "act_1", &expedite).expect_problem(400, "bad_request");
}

#[test]
fn the_tower_hears_of_a_document_once_whoever_is_killed_meanwhile() {
    let (tower_at, sandbox_at) = (free_address(), free_address());
    let mut tower = Tower::launch().dev().listen(tower_at).start();
    let mut sandbox = Sandbox::start(sandbox_at, Some(tower_at), &[]);
    sandbox.faults(&json!({"hold_events": true}));
    post(&sandbox, "act_1", &order("act_1", 5)).expect(201);
    tower.kill();
    sandbox.faults(&json!({"hold_events": false}));
    // Tries in vain; and is killed before it can say that it did.
    sandbox.kill();
    sandbox.start_again();
    tower.start_again();
    let all_sent = |sandbox: &Sandbox| {
        let documents = sandbox.documents();
        let events = documents[0]["events"].as_array().unwrap().clone();
        events.iter().all(|event| event["sent"] == json!(true)).then_some(())
    };
    eventually("the tower has the events", || all_sent(&sandbox));
    let seen = tower.http().get("/api/v1/sku-locations/A/L1").expect(200);
    assert_eq!(seen["on_order"], json!(5), "{seen}");
    sandbox.stop();
    tower.stop();
}
