//! Backups taken while the tower works, and what becomes of them: the same stock, the same answers to repeats, no feed
//! that goes on as if nothing had happened, and nothing delivered before a person says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;
mod decision;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::feed::Feed;
use common::{Client, Random, Tower, event, eventually};
use decision::Scene;
use serde_json::{Value, json};

fn run(arguments: &[&str], paths: &[&Path]) -> Output {
    Command::new(common::tower::program()).args(arguments).args(paths).output().unwrap()
}

#[track_caller]
fn backup(tower: &Tower, target: &Path) -> Value {
    let output = run(&["backup", "--json", "--data"], &[&tower.data(), target]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn restore(target: &Path, data: &Path) -> Value {
    let output = run(&["restore", "--json"], &[target, Path::new("--data"), data]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[track_caller]
fn expect_refused(output: &Output, why: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(why), "`{why}` is not said: {told}");
}

struct Room {
    _directory: tempfile::TempDir,
    backup: PathBuf,
}

fn room() -> Room {
    let directory = tempfile::Builder::new().prefix("tidewatch-backup-").tempdir().unwrap();
    let backup = directory.path().join("backup");
    Room { _directory: directory, backup }
}

/// Sells until told to stop; what was acknowledged, with the LSN of the answer.
fn sell(client: &Client, writer: u64, done: &AtomicBool) -> Vec<(Vec<Value>, u64)> {
    let mut random = Random::new(writer);
    let mut ledger = Vec::new();
    for request in 0..20_000 {
        if done.load(Ordering::SeqCst) {
            break;
        }
        let events: Vec<Value> = (0..*random.pick(&[1, 5, 40]))
            .map(|at| {
                let data = json!({
                    "sku": format!("B{}", random.below(12)), "location": "L", "quantity": random.between(1, 5),
                });
                event("pos.sale", &format!("{writer}-{request}-{at}"), data)
            })
            .collect();
        let lsn = client.accept(&events)["lsn"].as_u64().unwrap();
        ledger.push((events, lsn));
    }
    ledger
}

#[test]
fn a_backup_under_load_is_a_prefix_and_a_restored_tower_knows_all_of_it() {
    let room = room();
    let tower = Tower::dev();
    let done = AtomicBool::new(false);
    let (ledger, manifest, acknowledged_before) = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let (client, done) = (tower.http(), &done);
                scope.spawn(move || sell(&client, writer, done))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(600));
        let before = tower.http().get("/api/v1/stats").expect(200)["lsn"].as_u64().unwrap();
        let manifest = backup(&tower, &room.backup);
        std::thread::sleep(Duration::from_millis(300));
        done.store(true, Ordering::SeqCst);
        let ledger: Vec<_> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
        (ledger, manifest, before)
    });
    let backed_up = manifest["journal"]["lsn"].as_u64().unwrap();
    assert!(
        backed_up >= acknowledged_before,
        "{backed_up} holds less than was read before: {acknowledged_before}"
    );
    let last = ledger.iter().map(|(_, lsn)| *lsn).max().unwrap();
    assert!(backed_up < last, "nothing came after the backup: {backed_up}, {last}");
    let position = tower.http().get("/api/v1/stats").expect(200)["position"].as_str().unwrap().to_owned();
    drop(tower);

    let (backup, told) = (room.backup.clone(), std::sync::mpsc::channel());
    let restored = Tower::launch()
        .dev()
        .prepare(move |directory| told.0.send(restore(&backup, &directory.join("data"))).unwrap())
        .start();
    let told: Value = told.1.recv().unwrap();
    assert_eq!((&told["backup_lsn"], &told["lsn"]), (&json!(backed_up), &json!(backed_up + 1)));
    let client = restored.http();

    // What is in it is known, at its LSN; the rest is taken now, in an epoch of its own.
    let (mut sold, mut known, mut new) = (BTreeMap::new(), 0, 0);
    for (events, lsn) in &ledger {
        let receipt = client.post_batch(events).expect(202);
        if *lsn <= backed_up {
            assert_eq!((&receipt["accepted"], &receipt["lsn"]), (&json!(0), &json!(lsn)), "{receipt}");
            known += 1;
        } else {
            assert_eq!(receipt["rejected"], 0, "{receipt}");
            new += 1;
        }
        for event in events {
            *sold.entry(event["data"]["sku"].as_str().unwrap().to_owned()).or_insert(0) +=
                event["data"]["quantity"].as_i64().unwrap();
        }
    }
    assert!(known > 0 && new > 0, "{known} {new}");
    let lsn = client.get("/api/v1/stats").expect(200)["lsn"].as_u64().unwrap();
    for (sku, units) in &sold {
        let seen = client.settled(&format!("/api/v1/sku-locations/{sku}/L"), lsn).expect(200);
        assert_eq!(seen["on_hand"], json!(-units), "{sku}");
    }

    // A client of the old tower does not go on as if nothing had happened.
    let (mut feed, hello) = Feed::hello(&client);
    let old_epoch = position.rsplit_once('-').unwrap().0;
    assert_ne!(hello["epoch"], old_epoch, "the epoch is a new one");
    let subscribed = feed.subscribe("f", &["exceptions"], Some(&position), true);
    assert_eq!(subscribed["recovered"], false, "{subscribed}");
    client.get(&format!("/api/v1/exceptions?at_least={position}")).expect_any_problem(400);
    // Its own positions hold over a restart.
    let own = client.get("/api/v1/stats").expect(200)["position"].as_str().unwrap().to_owned();
    let mut restored = restored;
    restored.stop();
    restored.start_again();
    let (mut feed, again) = Feed::hello(&restored.http());
    assert_eq!(again["epoch"], hello["epoch"]);
    assert_eq!(feed.subscribe("f", &["exceptions"], Some(&own), false)["recovered"], true);
}

#[test]
fn nothing_is_delivered_after_a_restore_until_a_person_releases_it_and_then_once() {
    let room = room();
    let mut scene = Scene::start(&[]);
    // One is on its way when the backup is taken: nobody knows whether it arrived.
    scene.sandbox.faults(&json!({"hold_requests": true}));
    let decision = scene.decide();
    scene.wait_for_action(&decision, "sending");
    backup(&scene.tower, &room.backup);
    let address = scene.tower.http().address;
    let configuration = std::fs::read_to_string(scene.tower.data().with_file_name("actors.toml")).unwrap();
    scene.tower.kill();
    scene.sandbox.faults(&json!({"hold_requests": false}));
    let requests = |scene: &Scene| scene.sandbox.told()["requests"].as_u64().unwrap();

    let target = room.backup.clone();
    let launch = Tower::launch().dev().listen(address).configuration(&configuration);
    scene.tower = launch.prepare(move |directory| drop(restore(&target, &directory.join("data")))).start();
    let before = requests(&scene);
    let client = scene.client();
    assert_eq!(client.get("/readyz").expect(200)["outbox_held"], true);
    let stats = client.get("/api/v1/stats").expect(200);
    assert_eq!(stats["outbox"]["held"], true, "{stats}");
    assert!(stats["outbox"]["backup_taken_at"].is_string(), "{stats}");
    assert!(client.get("/metrics").text().contains("tidewatch_outbox_held 1"));
    // What was on its way shows as what nobody knows the outcome of.
    let delivery = eventually("an attempt of unknown outcome", || {
        let seen = client.get("/api/v1/deliveries").expect(200);
        assert_eq!(seen["outbox"]["held"], true, "{seen}");
        seen["items"]
            .as_array()?
            .iter()
            .find(|made| made["outcome"] == "unknown" && !made["finished_at"].is_null())
            .cloned()
    });
    assert_eq!(delivery["attempt"], 1, "{delivery}");
    // Long enough for several looks of the outbox.
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(requests(&scene), before, "something was sent while the outbox is held");
    assert!(scene.tower.log().contains("the outbox is held"), "{}", scene.tower.log());
    // A restart does not release it.
    scene.kill_and_start_again();
    assert_eq!(scene.client().get("/readyz").expect(200)["outbox_held"], true);

    let planner = scene.client().with_header("X-Tidewatch-Act-As", "ann;supply_planner");
    let refused =
        planner.send("POST", "/api/v1/outbox/release", &[("Content-Type", "application/json")], b"{}");
    refused.expect_problem(403, "forbidden");
    let url = scene.tower.url();
    let output = run(&["outbox", "release", "--url", &url], &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("released"));
    assert_eq!(scene.client().get("/readyz").expect(200)["outbox_held"], false);
    assert!(scene.client().get("/metrics").text().contains("tidewatch_outbox_held 0"));
    scene.expect_one_document(&decision);
    // Released once, released after the next restart; and again changes nothing.
    scene.kill_and_start_again();
    assert_eq!(scene.client().get("/readyz").expect(200)["outbox_held"], false);
    let again = scene.client().send("POST", "/api/v1/outbox/release", &[], b"").expect(200);
    assert_eq!((&again["held"], &again["released"]), (&json!(false), &json!(false)));
    scene.expect_one_document(&decision);
}

#[test]
fn what_is_no_sound_backup_or_no_empty_directory_is_refused() {
    let room = room();
    let mut tower = Tower::dev();
    tower.http().accept(&[event("pos.sale", "1", json!({"sku": "A", "location": "L", "quantity": 1}))]);
    tower.create_key("erp", "integration", &[]);
    let manifest = backup(&tower, &room.backup);
    let paths: Vec<&str> =
        manifest["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["journal/00000000000000000001.twj", "keys.json", "keys.secret"]);
    tower.stop();

    expect_refused(&run(&["backup", "--data"], &[&tower.data(), &room.backup]), "is not empty");
    let data = room.backup.with_file_name("data");
    let into = |backup: &Path, data: &Path| run(&["restore"], &[backup, Path::new("--data"), data]);
    expect_refused(&into(&room.backup, &tower.data()), "is not empty");
    expect_refused(&into(&room.backup.join("journal"), &data), "is no backup");

    // Any byte that changed is found, and nothing is left that a tower would start on.
    for path in ["journal/00000000000000000001.twj", "keys.json"] {
        let place = room.backup.join(path);
        let whole = std::fs::read(&place).unwrap();
        let mut changed = whole.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        std::fs::write(&place, &changed).unwrap();
        expect_refused(&into(&room.backup, &data), "is not as the manifest says");
        std::fs::write(&place, &whole[..middle]).unwrap();
        expect_refused(&into(&room.backup, &data), "is not as the manifest says");
        std::fs::write(&place, &whole).unwrap();
        assert!(!data.join("journal").exists());
    }
    restore(&room.backup, &data);
    assert!(data.join("journal").is_dir() && data.join("keys.json").is_file());
    expect_refused(&into(&room.backup, &data), "is not empty");
}
