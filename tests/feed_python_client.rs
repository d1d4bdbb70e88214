//! A client in another language, written from docs/feed.md alone, ends with what the reads show: through a filter, a
//! stop and a kill of the tower.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Batch, Client, Random, Tower, eventually};
use serde_json::{Value, json};

const FILTER: &str = r#"type == "shortage_now" && subject.location in ["L1", "L2"] && state != "cleared""#;
const LAST: &str = "the-last-one";
const END_MAX: Duration = Duration::from_secs(60);

/// The interpreter of the environment that `make python-env` makes.
fn python() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
    let python = target.join("python-env/bin/python");
    assert!(python.exists(), "missing: {}. `make python-env` makes it", python.display());
    python
}

fn start_client(address: &Path) -> Child {
    Command::new(python())
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/feed_client.py"))
        .arg("--address")
        .arg(address)
        .args(["--where", FILTER, "--until", LAST])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python starts")
}

fn until_it_is_connected(tower: &Tower) {
    eventually("the client to connect", || {
        let metrics = tower.http().get("/metrics").text();
        metrics.contains("\ntidewatch_feed_sockets 1\n").then_some(())
    });
}

/// Its output once it has ended by itself.
fn output(mut client: Child) -> Value {
    let deadline = Instant::now() + END_MAX;
    while client.try_wait().expect("a child").is_none() {
        if Instant::now() > deadline {
            let _ = client.kill();
            let output = client.wait_with_output().expect("its output");
            panic!("the client still waits: {}", String::from_utf8_lossy(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = client.wait_with_output().expect("its output");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn order(batch: &mut Batch, id: &str, sku: &str, location: &str) {
    batch.add(
        "order.placed",
        json!({"order_id": id, "line_id": "1", "sku": sku, "location": location, "quantity": 5}),
    );
}

/// Shortages come and go at four locations, two of which the client asks for.
fn change(client: &Client, random: &mut Random, round: u64) -> u64 {
    let mut batch = Batch::new(&format!("round-{round}"));
    for step in 0..60 {
        let sku = format!("sku-{}", random.below(10));
        let location = format!("L{}", 1 + random.below(4));
        if random.chance(40) {
            order(&mut batch, &format!("{round}-{step}"), &sku, &location);
        } else {
            let on_hand = if random.chance(50) { 0 } else { 10_000 };
            batch.add("inventory.counted", json!({"sku": sku, "location": location, "on_hand": on_hand}));
        }
    }
    let lsn = client.accept(&batch.take())["lsn"].as_u64().unwrap();
    assert_eq!(client.settled("/api/v1/exceptions?limit=1", lsn).status, 200);
    lsn
}

fn matches(item: &Value) -> bool {
    item["type"] == "shortage_now" && ["L1", "L2"].iter().any(|at| item["subject"]["location"] == *at)
}

#[test]
fn a_client_written_from_the_documents_has_what_the_reads_show() {
    let mut tower = Tower::dev();
    let directory = tempfile::tempdir().unwrap();
    let address = directory.path().join("address");
    // Replaced as a whole: the client may read it at any time.
    let tell_address = |tower: &Tower| {
        let new = directory.path().join("new");
        std::fs::write(&new, tower.http().address.to_string()).unwrap();
        std::fs::rename(&new, &address).unwrap();
    };
    let mut random = Random::new(11);
    change(&tower.http(), &mut random, 0);
    tell_address(&tower);
    let client = start_client(&address);
    until_it_is_connected(&tower);
    for round in 1..=6 {
        change(&tower.http(), &mut random, round);
        match round {
            2 => {
                tower.stop();
                tower.start_again();
            }
            4 => {
                tower.kill();
                tower.start_again();
            }
            _ => continue,
        }
        // Something happens before the client knows where the tower is.
        change(&tower.http(), &mut random, round + 100);
        tell_address(&tower);
        until_it_is_connected(&tower);
    }
    let mut batch = Batch::new("last");
    order(&mut batch, LAST, LAST, "L1");
    let lsn = tower.http().accept(&batch.take())["lsn"].as_u64().unwrap();
    assert_eq!(tower.http().settled("/api/v1/exceptions?limit=1", lsn).status, 200);

    let told = output(client);
    let listed: BTreeMap<String, u64> = tower
        .http()
        .list("/api/v1/exceptions")
        .iter()
        .filter(|item| matches(item))
        .map(|item| (item["id"].as_str().unwrap().to_owned(), item["lsn"].as_u64().unwrap()))
        .collect();
    assert!(listed.len() > 3, "too little happened: {listed:?}");
    assert_eq!(told["open"], json!(listed), "{}", told["seen"]);
    let seen = &told["seen"];
    assert!(seen["connections"].as_u64() >= Some(3), "it was to lose its connection twice: {seen}");
    assert!(seen["recovered"].as_u64() >= Some(2), "it was to go on where it was: {seen}");
    assert_eq!(seen["snapshots"], 1, "{seen}");
    assert!(seen["no_longer"].as_u64() >= Some(1), "nothing ceased to match: {seen}");
}
