//! What was raised is not raised again, and what is due is done once, whenever the process is killed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod catalogue;
mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use catalogue::{DAY, HOUR, Stage, at_place, id};
use common::{Tower, at, eventually};
use serde_json::{Value, json};

/// All records that say something of exceptions.
fn records(tower: &Tower) -> Vec<Value> {
    let output = tower.command(&["inspect", "--json", "--body"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter(|line| {
            let kind = line["type"].as_str().unwrap_or_default();
            line["what"] == "record" && kind.starts_with("exception.")
        })
        .collect()
}

/// That a condition holds, though not for long enough yet.
fn is_note(record: &Value) -> bool {
    record["body"]["transition"].get("condition_noted").is_some()
}

/// Every change of an exception: its kind, and the item after it.
fn journaled(tower: &Tower) -> Vec<(String, Value)> {
    let changes = records(tower).into_iter().filter(|record| !is_note(record));
    changes
        .map(|record| {
            let item = item_in(&record["body"]).unwrap_or_else(|| panic!("no item: {record}"));
            (record["type"].as_str().unwrap().to_owned(), item.clone())
        })
        .collect()
}

fn item_in(body: &Value) -> Option<&Value> {
    let fields = body.as_object()?;
    fields.get("item").or_else(|| fields.values().find_map(item_in))
}

/// No exception was opened twice, and no two about one subject.
#[track_caller]
fn expect_opened_once(tower: &Tower) {
    let mut opened: BTreeMap<String, u32> = BTreeMap::new();
    let mut subjects: BTreeMap<String, u32> = BTreeMap::new();
    for (kind, item) in journaled(tower) {
        if kind == "exception.opened" {
            *opened.entry(id(&item).to_owned()).or_default() += 1;
            *subjects.entry(format!("{} {}", item["type"], item["subject"])).or_default() += 1;
        }
    }
    assert!(!opened.is_empty());
    assert!(opened.values().all(|times| *times == 1), "{opened:#?}");
    assert!(subjects.values().all(|times| *times == 1), "{subjects:#?}");
}

fn all(stage: &Stage) -> Vec<Value> {
    stage.settle();
    let mut all = stage
        .client
        .list("/api/v1/exceptions?grouped=false&state=open&state=acknowledged&state=snoozed&state=cleared");
    all.sort_by_key(|item| id(item).to_owned());
    all
}

fn kill_and_start(tower: &mut Tower, stage: &mut Stage) {
    tower.kill();
    tower.start_again();
    stage.client = tower.http();
}

/// Makes trouble of many kinds in one request, so that a kill comes between the events and what follows from them.
fn make_trouble(stage: &mut Stage) {
    let now = stage.now;
    let order = json!({"order_id": "O", "line_id": "1", "sku": "A", "location": "S", "quantity": 5});
    stage.keep(now, "order.placed", order);
    stage.keep(now, "pos.sale", json!({"sku": "B", "location": "S", "quantity": 3}));
    let line =
        json!({"line_id": "1", "sku": "C", "location": "S", "quantity": 9, "promised_at": at(now - HOUR)});
    let purchase = json!({"po_id": "P", "supplier": "V", "lines": [line]});
    stage.keep(now - DAY, "purchase_order.placed", purchase.clone());
    stage.keep(now - DAY, "purchase_order.acknowledged", purchase);
    let line = json!({
        "line_id": "1", "sku": "D", "from": "DC", "to": "S", "quantity": 9, "promised_at": at(now - HOUR),
    });
    stage.keep(now - DAY, "transfer.placed", json!({"transfer_id": "T", "lines": [line]}));
    let source = json!({"kind": "supplier", "id": "V"});
    stage.keep(now, "sourcing.set", json!({"sku": "E", "location": "S", "source": source}));
    stage.keep(now, "inventory.counted", json!({"sku": "F", "location": "S", "on_hand": 100}));
    stage.keep(now + 1, "inventory.counted", json!({"sku": "F", "location": "S", "on_hand": 50}));
}

#[test]
fn a_kill_between_the_events_and_what_follows_raises_nothing_twice() {
    for round in 0..3 {
        let mut tower = Tower::launch().dev().event_clock().configuration("routing = []\n").start();
        let mut stage = Stage::open(tower.http(), "once");
        make_trouble(&mut stage);
        stage.send();
        // At once, after some of it, after most of it.
        std::thread::sleep(Duration::from_millis(3 * round));
        kill_and_start(&mut tower, &mut stage);
        let raised = all(&stage);
        for kind in [
            "shortage_now",
            "negative_stock",
            "purchase_late",
            "transfer_late",
            "single_source",
            "stock_mismatch",
            "missing_master_data",
        ] {
            assert!(raised.iter().any(|item| item["type"] == kind), "no {kind}: {raised:#?}");
        }
        for _ in 0..2 {
            kill_and_start(&mut tower, &mut stage);
            assert_eq!(all(&stage), raised, "the same exceptions at the same revisions");
        }
        stage.pass(60);
        let ids = |all: &[Value]| all.iter().map(|item| id(item).to_owned()).collect::<Vec<_>>();
        assert_eq!(ids(&all(&stage)), ids(&raised));
        tower.stop();
        expect_opened_once(&tower);
    }
}

#[test]
fn periods_in_a_row_are_counted_on_over_a_kill() {
    let mut tower = Tower::launch().dev().event_clock().configuration("routing = []\n").start();
    let mut stage = Stage::open(tower.http(), "below_safety_stock");
    stage.forecast("A", 1.0, 5.0);
    stage.count("A", 10.0);
    stage.settle();
    // A condition that holds is noted; it has not held for long enough.
    stage.expect_none(&at_place("A"));
    kill_and_start(&mut tower, &mut stage);
    stage.pass(DAY - 1);
    stage.expect_none(&at_place("A"));
    kill_and_start(&mut tower, &mut stage);
    stage.expect_none(&at_place("A"));
    stage.pass(1);
    let raised = stage.expect_raised(&at_place("A"), "inventory.counted");
    kill_and_start(&mut tower, &mut stage);
    assert_eq!(stage.expect_open(&raised), raised);
    stage.count("A", 22.0);
    let cleared = stage.expect_cleared(&raised);
    kill_and_start(&mut tower, &mut stage);
    assert_eq!(stage.about(&at_place("A")), [cleared]);
    tower.stop();
    expect_opened_once(&tower);
    let about_it =
        |record: &Value| record["body"]["transition"]["condition_noted"]["type"] == "below_safety_stock";
    let notes = records(&tower).iter().filter(|record| is_note(record) && about_it(record)).count();
    assert_eq!(notes, 1, "it began to hold once");
}

/// What is worth more has a deadline, and the most a case.
const BY_VALUE: &str = "
[[routing]]
types = [\"shortage_now\"]
value_min = \"10000.00\"
team = \"planning\"
queue = \"large\"
open_case = true

[[routing]]
types = [\"shortage_now\"]
value_min = \"1000.00\"
team = \"purchasing\"
queue = \"shortages\"
acknowledge_within_hours = 4.0
escalate_to = [\"management\"]

[[routing]]
team = \"planning\"
queue = \"planning\"
";

#[test]
fn what_rises_is_routed_anew_and_gets_a_case_once_over_kills() {
    let mut tower = Tower::launch().dev().event_clock().configuration(BY_VALUE).start();
    let mut stage = Stage::open(tower.http(), "shortage_now");
    let item = json!({"sku": "A", "unit_cost": "2.00", "unit_price": "5.00", "currency": "EUR"});
    stage.tell("item.described", item);
    let want = |stage: &mut Stage, order_id: &str, quantity: i64| {
        let order = json!({
            "order_id": order_id, "line_id": "1", "sku": "A", "location": "S", "quantity": quantity,
        });
        stage.tell("order.placed", order);
    };
    let short = |stage: &Stage| {
        let found = stage.about(&at_place("A"));
        assert_eq!(found.len(), 1, "{found:#?}");
        found[0].clone()
    };
    let duty = |item: &Value| {
        ["team", "queue", "sla_due_at", "escalation_level", "state"].map(|member| item[member].clone())
    };
    let is = |team: &str, queue: &str, due: Option<i64>, level: u64, state: &str| {
        [json!(team), json!(queue), json!(due.map(at)), json!(level), json!(state)]
    };
    want(&mut stage, "small", 10);
    assert_eq!(duty(&short(&stage)), is("planning", "planning", None, 0, "open"));

    stage.pass(HOUR);
    want(&mut stage, "more", 600);
    kill_and_start(&mut tower, &mut stage);
    let due = stage.now + 4 * HOUR;
    let risen = short(&stage);
    assert_eq!(duty(&risen), is("purchasing", "shortages", Some(due), 0, "open"), "{risen:#}");
    kill_and_start(&mut tower, &mut stage);
    assert_eq!(short(&stage), risen, "the same at the same revision");
    stage.pass(4 * HOUR);
    kill_and_start(&mut tower, &mut stage);
    let due = stage.now + 4 * HOUR;
    assert_eq!(duty(&short(&stage)), is("management", "shortages", Some(due), 1, "open"));

    want(&mut stage, "most", 6_000);
    kill_and_start(&mut tower, &mut stage);
    let decided = short(&stage);
    assert_eq!(duty(&decided), is("planning", "large", None, 0, "in_case"), "{decided:#}");
    kill_and_start(&mut tower, &mut stage);
    let cases = stage.client.list("/api/v1/cases");
    assert_eq!(cases.len(), 1, "{cases:#?}");
    assert_eq!((&cases[0]["id"], &cases[0]["team"]), (&decided["case_id"], &json!("planning")));
    tower.stop();
    expect_opened_once(&tower);
    let duties: Vec<_> = journaled(&tower)
        .into_iter()
        .filter(|(_, item)| item["id"] == decided["id"])
        .map(|(_, item)| (item["queue"].clone(), item["escalation_level"].clone(), item["state"].clone()))
        .collect();
    assert_eq!(duties.windows(2).filter(|pair| pair[0] != pair[1]).count(), 3, "each once: {duties:?}");
}

/// Seven seconds to acknowledge, and one team to tell after that.
const IMPATIENT: &str = "
[[routing]]
types = [\"shortage_now\"]
team = \"planning\"
acknowledge_within_hours = 0.002
escalate_to = [\"management\"]
";

#[test]
fn what_falls_due_while_the_tower_is_down_is_done_once_after_it() {
    let mut tower = Tower::launch().dev().configuration(IMPATIENT).start();
    let client = tower.http();
    for sku in ["A", "B"] {
        let order = json!({"order_id": sku, "line_id": "1", "sku": sku, "location": "S", "quantity": 5});
        let lsn = client.accept(&[common::event("order.placed", sku, order)])["lsn"].as_u64().unwrap();
        client.settled("/api/v1/exceptions", lsn).expect(200);
    }
    let short = |sku: &str| {
        let found = client.list(&format!("/api/v1/exceptions?type=shortage_now&sku={sku}"));
        assert_eq!(found.len(), 1, "{found:#?}");
        found[0].clone()
    };
    let (escalated, snoozed) = (short("A"), short("B"));
    assert_eq!((&escalated["team"], &escalated["escalation_level"]), (&json!("planning"), &json!(0)));
    let due = escalated["sla_due_at"].as_str().expect("a deadline").parse::<jiff::Timestamp>().unwrap();
    let until = (jiff::Timestamp::now() + Duration::from_secs(5)).to_string();
    let body = json!({"until": until}).to_string();
    let path = format!("/api/v1/exceptions/{}/snooze", id(&snoozed));
    let put_off =
        client.send("POST", &path, &[("Content-Type", "application/json")], body.as_bytes()).expect(200);
    assert_eq!(put_off["state"], "snoozed");
    tower.kill();
    assert!(jiff::Timestamp::now() < due, "killed before anything was due");
    std::thread::sleep(Duration::from_secs(9));
    tower.start_again();
    let client = tower.http();
    let read = |item: &Value| client.get(&format!("/api/v1/exceptions/{}", id(item))).expect(200);
    eventually("escalated", || (read(&escalated)["escalation_level"] == 1).then_some(()));
    assert_eq!(read(&escalated)["team"], "management");
    let awake = eventually("awake", || Some(read(&snoozed)).filter(|item| item["state"] == "open"));
    assert_eq!(awake["snoozed_until"], Value::Null);
    tower.kill();
    tower.start_again();
    let client = tower.http();
    let again = client.get(&format!("/api/v1/exceptions/{}", id(&escalated))).expect(200);
    assert_eq!((&again["team"], &again["escalation_level"]), (&json!("management"), &json!(1)));
    tower.stop();
    expect_opened_once(&tower);
    let records = journaled(&tower);
    let levels: Vec<u64> = records
        .iter()
        .filter(|(_, item)| item["id"] == escalated["id"])
        .map(|(_, item)| item["escalation_level"].as_u64().unwrap())
        .collect();
    assert_eq!(levels.windows(2).filter(|pair| pair[0] != pair[1]).count(), 1, "once: {levels:?}");
    let states: Vec<&str> = records
        .iter()
        .filter(|(_, item)| item["id"] == snoozed["id"])
        .map(|(_, item)| item["state"].as_str().unwrap())
        .collect();
    let wakes = states.windows(2).filter(|pair| *pair == ["snoozed", "open"]).count();
    assert_eq!(wakes, 1, "{states:?}");
}
