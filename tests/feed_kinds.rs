//! Every kind of event and every state of the contract about exceptions and cases, on one subscription.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod commands;
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use commands::{Desk, HOUR, START, command, id_of};
use common::feed::Feed;
use common::sandbox::{Sandbox, free_address};
use common::{Tower, at, eventually};
use serde_json::{Value, json};

const KINDS: [&str; 17] = [
    "exception.opened",
    "exception.updated",
    "exception.acknowledged",
    "exception.assigned",
    "exception.snoozed",
    "exception.resolved",
    "exception.cleared",
    "case.opened",
    "case.options",
    "case.chosen",
    "case.voted",
    "case.approved",
    "case.rejected",
    "case.executing",
    "case.executed",
    "case.reconciled",
    "case.closed",
];
const STATES: [&str; 6] = ["open", "acknowledged", "in_case", "snoozed", "resolved", "cleared"];

/// What can be ordered within two days, and is short at `S1`.
fn run_short(desk: &mut Desk, sku: &str) -> String {
    let item = json!({"sku": sku, "unit_cost": "2.00", "unit_price": "5.00", "currency": "EUR"});
    desk.tell("item.described", START, item);
    let source = json!({"kind": "supplier", "id": "V"});
    let sourcing = json!({"sku": sku, "location": "S1", "source": source, "lead_time_days": 2});
    desk.tell("sourcing.set", START, sourcing);
    let order = json!({"order_id": sku, "line_id": "1", "sku": sku, "location": "S1", "quantity": 50});
    let lsn = desk.tell("order.placed", START, order);
    let path = format!("/api/v1/exceptions?type=shortage_now&sku={sku}");
    id_of(&desk.tower.http().settled(&path, lsn).expect(200)["items"][0])
}

/// A case by hand about it, once its options are there.
fn open_case(desk: &Desk, exception: &str) -> Value {
    let opened =
        command(&desk.acting("ann;planner"), "/cases", &json!({"exceptions": [exception]})).expect(201);
    eventually("options", || {
        let case = desk.read(&format!("/api/v1/cases/{}", id_of(&opened)));
        case["options"].as_array()?.iter().any(|option| option["kind"] == "order").then_some(case)
    })
}

fn decide(desk: &Desk, who: &str, case: &Value, what: &str, mut body: Value) -> Value {
    let id = id_of(case);
    body["version"] = desk.read(&format!("/api/v1/cases/{id}"))["version"].clone();
    let answer = command(&desk.acting(who), &format!("/cases/{id}/{what}"), &body);
    assert!(answer.status < 300, "{what}: {}", answer.text());
    answer.json()
}

#[test]
fn every_kind_and_every_state_is_seen_in_order_and_without_a_gap() {
    let (tower_at, sandbox_at) = (free_address(), free_address());
    let _sandbox = Sandbox::start(sandbox_at, Some(tower_at), &[]);
    let configuration = format!("routing = []\n[targets.erp]\nurl = \"http://{sandbox_at}/actions\"\n");
    let mut desk = Desk::open(Tower::launch().listen(tower_at).configuration(&configuration));
    let (mut feed, hello) = Feed::hello(&desk.tower.http());
    let since = hello["position"].as_str().unwrap().to_owned();
    feed.subscribe("all", &["exceptions", "cases"], None, false);
    desk.tell("supplier.described", START, json!({"supplier": "V", "lead_time_days": 2}));

    // Carried out, answered by a document, arrived.
    let exception = run_short(&mut desk, "A");
    let case = open_case(&desk, &exception);
    let order = case["options"].as_array().unwrap().iter().find(|option| option["kind"] == "order").unwrap();
    decide(&desk, "ann;supply_planner", &case, "choose", json!({"option_id": order["id"]}));
    decide(&desk, "bob;supply_planner", &case, "approve", json!({"comment": "go"}));
    eventually("reconciled", || {
        let state = desk.read(&format!("/api/v1/cases/{}", id_of(&case)))["state"].clone();
        (state == "reconciled").then_some(())
    });

    // Two roles are wanted: one agrees, the other does not.
    let exception = run_short(&mut desk, "B");
    let case = open_case(&desk, &exception);
    let steps = json!([
        {"kind": "order", "sku": "B", "location": "S1", "supplier": "V", "quantity": 60},
        {"kind": "custom", "sku": "B", "location": "S1", "note": "Call the customer"},
    ]);
    let own = json!({"kind": "custom", "title": "Order and tell the customer", "steps": steps});
    let with_own = decide(&desk, "ann;planner", &case, "options", own);
    let options = with_own["options"].as_array().unwrap();
    let own = options.iter().find(|option| option["kind"] == "custom").expect("one's own option");
    let chosen = decide(&desk, "ann;planner", &case, "choose", json!({"option_id": own["id"]}));
    assert_eq!(chosen["required"].as_array().map(Vec::len), Some(2), "{chosen:#}");
    let voted = decide(&desk, "bob;supply_planner", &case, "approve", json!({}));
    assert_eq!(voted["state"], "awaiting_approval", "{voted:#}");
    let rejected = decide(&desk, "cat;category_manager", &case, "reject", json!({"reason": "no"}));
    assert_eq!(rejected["state"], "rejected");

    // Over before anybody decided.
    let exception = run_short(&mut desk, "C");
    let case = open_case(&desk, &exception);
    desk.restock("C", "S1", START + HOUR);
    assert_eq!(desk.read(&format!("/api/v1/cases/{}", id_of(&case)))["state"], "closed");

    // In a person's hands.
    let exception = run_short(&mut desk, "D");
    let ann = desk.acting("ann;planner");
    for (what, body) in [
        ("acknowledge", json!({})),
        ("assign", json!({"owner": "bob"})),
        ("snooze", json!({"until": at(START + 2 * HOUR)})),
        ("dismiss", json!({"reason": "no trouble"})),
    ] {
        command(&ann, &format!("/exceptions/{exception}/{what}"), &body).expect(200);
    }
    let end = run_short(&mut desk, "E");

    let mut seen: Vec<Value> = Vec::new();
    feed.until("the last exception", |frame| {
        if frame["type"] == "event" {
            seen.push(frame.clone());
        }
        frame["type"] == "event" && frame["item"]["id"] == json!(end)
    });
    let kinds: BTreeSet<&str> = seen.iter().map(|frame| frame["kind"].as_str().unwrap()).collect();
    let missing: Vec<&&str> = KINDS.iter().filter(|kind| !kinds.contains(**kind)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?} among {kinds:?}");
    let states: BTreeSet<&str> = seen
        .iter()
        .filter(|frame| frame["topic"] == "exceptions")
        .map(|frame| frame["item"]["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, STATES.into_iter().collect());

    let mut last = (0, BTreeMap::new());
    for frame in &seen {
        let (topic, kind) = (frame["topic"].as_str().unwrap(), frame["kind"].as_str().unwrap());
        assert_eq!(topic.trim_end_matches('s'), kind.split('.').next().unwrap(), "{frame}");
        assert!(frame["id"] == "all" && frame["position"].is_string(), "{frame}");
        let lsn = frame["lsn"].as_u64().unwrap();
        assert!(lsn > last.0, "in the order of their records: {frame}");
        assert_eq!(frame["item"]["lsn"].as_u64(), Some(lsn), "{frame}");
        last.0 = lsn;
        if topic == "exceptions" {
            // Each change of an item is told: no revision is left out.
            let revision = frame["item"]["revision"].as_u64().unwrap();
            let before = last.1.insert(id_of(&frame["item"]), revision).unwrap_or(0);
            assert_eq!(revision, before + 1, "{frame}");
        }
    }

    // Who asks for all of it from the beginning gets the same.
    let (mut later, _) = Feed::hello(&desk.tower.http());
    assert_eq!(later.subscribe("all", &["exceptions", "cases"], Some(&since), false)["recovered"], true);
    let mut again = Vec::new();
    while again.len() < seen.len() {
        let frame = later.next(Duration::from_secs(10)).expect("as many as before");
        if frame["type"] == "event" {
            again.push(frame);
        }
    }
    assert_eq!(again, seen);
}
