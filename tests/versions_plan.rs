//! `tidewatch config plan` says what a start with the new configuration then does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use common::{Batch, Client, Tower};
use serde_json::{Value, json};

/// 2026-03-02 00:00 UTC.
const START: i64 = 1_772_409_600;
const DAY: i64 = 86_400;

fn tidewatch(arguments: &[&str]) -> Output {
    Command::new(common::tower::program()).args(arguments).output().unwrap()
}

/// What is open, by id: type and severity.
fn open(client: &Client) -> BTreeMap<String, (String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let items = client.list("/api/v1/exceptions");
    items
        .into_iter()
        .map(|item| (text(&item["id"]), (text(&item["type"]), text(&item["severity"]))))
        .collect()
}

fn files(data: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(data.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

/// Places that are short, and places with more than they need.
fn world(client: &Client) {
    let mut batch = Batch::new("plan");
    batch.add_at(START, "clock.advanced", json!({"to": common::at(START)}));
    client.accept(&batch.take());
    for sku in 0..12 {
        let sku = format!("P{sku:02}");
        let item =
            json!({"sku": sku, "name": sku, "unit_cost": "2.00", "unit_price": "5.00", "currency": "EUR"});
        batch.add_at(START, "item.described", item);
        let stock = if sku.as_str() < "P06" { 4_000 } else { 300 };
        batch.add_at(START, "inventory.counted", json!({"sku": sku, "location": "L", "on_hand": stock}));
        for day in 0..14 {
            let sale = json!({"sku": sku, "location": "L", "quantity": 20});
            batch.add_at(START + day * DAY + 3_600, "pos.sale", sale);
        }
    }
    batch.add_at(START, "location.described", json!({"location": "L", "name": "Store", "kind": "store"}));
    client.accept(&batch.take());
    for day in 1..=16 {
        let to = common::at(START + day * DAY);
        batch.add_at(START + day * DAY, "clock.advanced", json!({"to": to}));
        client.accept(&batch.take());
    }
    let short = |order: &str, sku: &str| json!({"order_id": order, "line_id": "1", "sku": sku, "location": "L", "quantity": 900});
    batch.add_at(START + 16 * DAY, "order.placed", short("O1", "P07"));
    batch.add_at(START + 16 * DAY, "order.placed", short("O2", "P08"));
    let lsn = client.accept(&batch.take())["lsn"].as_u64().unwrap();
    assert_eq!(client.settled("/api/v1/exceptions", lsn).status, 200);
}

const NEW: &str = "
[exceptions.severity]
value_medium = 1
value_high = 2
value_critical = 3

[exceptions.shortage_now]
enabled = false

[exceptions.excess]
raise = 900.0
clear = 800.0

[exceptions.dead_stock]
enabled = false
";

#[test]
fn a_plan_says_what_a_start_with_the_new_configuration_then_does() {
    let mut tower = Tower::launch().dev().event_clock().configuration("routing = []\n").start();
    world(&tower.http());
    let before = open(&tower.http());
    assert!(before.values().any(|(kind, _)| kind == "shortage_now"), "{before:?}");
    let directory = tower.data().with_file_name("");
    let new = directory.join("new.toml");
    std::fs::write(&new, format!("routing = []\n{NEW}")).unwrap();
    let (new, data) = (new.to_str().unwrap().to_owned(), tower.data());
    let data_text = data.to_str().unwrap().to_owned();

    let sound = tidewatch(&["config", "check", "--config", &new]);
    assert!(sound.status.success() && String::from_utf8_lossy(&sound.stdout).contains("is sound"));
    // Beside the running tower, and without a trace.
    let journal = files(&data);
    let planned = tidewatch(&[
        "config",
        "plan",
        "--config",
        &new,
        "--data",
        &data_text,
        "--json",
        "--largest",
        "100000",
    ]);
    assert!(planned.status.success(), "{}", String::from_utf8_lossy(&planned.stderr));
    assert_eq!(files(&data), journal, "planning changed the journal");
    let plan: Value = serde_json::from_slice(&planned.stdout).unwrap();
    assert_eq!(plan["is_complete"], true, "{plan}");
    assert_eq!(plan["left_out"], 0);
    let keys: Vec<&str> =
        plan["settings"].as_array().unwrap().iter().map(|changed| changed["key"].as_str().unwrap()).collect();
    for key in ["exceptions.shortage_now.enabled", "exceptions.excess.raise", "exceptions.dead_stock.enabled"]
    {
        assert!(keys.contains(&key), "{keys:?}");
    }
    let text = tidewatch(&["config", "plan", "--config", &new, "--data", &data_text]);
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    for part in
        ["exceptions.excess.raise", "Open exceptions:", "shortage_now", "The largest by value", "cleared"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }

    // And now for real.
    tower.stop();
    tower.configure(&format!("routing = []\n{NEW}"));
    tower.start_again();
    let client = tower.http();
    let lsn = client.get("/api/v1/stats").expect(200)["records"].as_u64().unwrap();
    assert_eq!(client.settled("/api/v1/exceptions", lsn).status, 200);
    let after = open(&client);
    assert_eq!(plan["exceptions"]["open_before"], before.len());
    assert_eq!(plan["exceptions"]["open_after"], after.len(), "{plan:#}");
    let mut counts: BTreeMap<String, [u64; 4]> = BTreeMap::new();
    let rank =
        |severity: &str| ["low", "medium", "high", "critical"].iter().position(|name| *name == severity);
    for (id, (kind, severity)) in &after {
        let counts = counts.entry(kind.clone()).or_default();
        match before.get(id) {
            None => counts[0] += 1,
            Some((_, old)) if rank(severity) > rank(old) => counts[2] += 1,
            Some((_, old)) if rank(severity) < rank(old) => counts[3] += 1,
            Some(_) => {}
        }
    }
    for (kind, _) in before.iter().filter(|(id, _)| !after.contains_key(*id)).map(|(_, told)| told) {
        counts.entry(kind.clone()).or_default()[1] += 1;
    }
    counts.retain(|_, counts| *counts != [0; 4]);
    let told: BTreeMap<String, [u64; 4]> = plan["exceptions"]["by_type"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(kind, counts)| {
            let count = |name: &str| counts[name].as_u64().unwrap();
            (kind.clone(), [count("raised"), count("cleared"), count("more_severe"), count("less_severe")])
        })
        .collect();
    assert_eq!(told, counts, "what was planned, and what came");
    assert!(counts.values().any(|counts| counts[1] > 0), "nothing cleared: {counts:?}");
    assert!(counts.values().any(|counts| counts[2] > 0), "nothing more severe: {counts:?}");
    // With the same configuration nothing would change any more.
    let planned = tidewatch(&["config", "plan", "--config", &new, "--data", &data_text, "--json"]);
    let plan: Value = serde_json::from_slice(&planned.stdout).unwrap();
    assert_eq!(plan["settings"], json!([]));
    assert_eq!(plan["exceptions"]["by_type"], json!({}), "{plan:#}");
}

#[test]
fn a_mistake_is_told_with_its_line_and_has_the_exit_code_of_a_wrong_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("wrong.toml");
    std::fs::write(&file, "[exceptions.excess]\nraise = -4.0\n").unwrap();
    let file = file.to_str().unwrap();
    for command in ["check", "plan"] {
        let output = tidewatch(&["config", command, "--config", file]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("raise") && told.contains("wrong.toml:2"), "{told}");
    }
    let nowhere = directory.path().join("nothing");
    let output = tidewatch(&["config", "plan", "--data", nowhere.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
}
