//! A disk that fills up under a running tower: it says so, goes on reading, and takes work again once there is room,
//! with nothing lost and nothing twice. Needs the right to mount a small file system; says so where it lacks it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::feed::Feed;
use common::{Client, Response, Tower, event, eventually};
use serde_json::{Value, json};

/// A file system of 8 MiB, taken away again with the test.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<SmallDisk> {
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(at).output();
        mount.is_ok_and(|output| output.status.success()).then(|| SmallDisk(at.to_owned()))
    }
}

/// Copies what a directory holds.
fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap();
    assert!(status.success());
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Events of about 4 KiB each that sell one of `A`.
fn events(batch: usize, count: usize) -> Vec<Value> {
    let sold = |n| {
        let data = json!({"sku": "A", "location": "L", "quantity": 1, "note": "x".repeat(4_000)});
        event("pos.sale", &format!("{batch}-{n}"), data)
    };
    (0..count).map(sold).collect()
}

fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// Puts what the tower has written on a small disk, which takes its directory's place; `None` where that is not allowed.
fn move_to_small_disk(tower: &mut Tower) -> Option<SmallDisk> {
    tower.stop();
    let moved = tempfile::tempdir().unwrap();
    copy(&tower.data(), moved.path());
    let disk = SmallDisk::mount(&tower.data());
    match &disk {
        Some(disk) => copy(moved.path(), &disk.0),
        None => eprintln!("skipped: mounting a small file system is not permitted here"),
    }
    tower.start_again();
    disk
}

#[track_caller]
fn refused_for_want_of_room(answer: &Response) -> Value {
    let told = answer.expect_problem(503, "disk_full");
    assert!(
        answer.header("retry-after").is_some_and(|after| after.parse::<u32>().is_ok()),
        "{:?}",
        answer.headers
    );
    told
}

#[test]
fn a_full_disk_refuses_work_until_there_is_room_and_loses_nothing() {
    let mut tower = Tower::dev();
    let Some(disk) = move_to_small_disk(&mut tower) else { return };
    let client = tower.http();
    let ballast = disk.0.join("ballast");
    std::fs::write(&ballast, vec![0u8; 4 << 20]).unwrap();

    // Fills up what is left.
    let mut accepted = 0;
    let mut batches = 0;
    let told = loop {
        let answer = client.post_batch(&events(batches, 20));
        if answer.status != 202 {
            break refused_for_want_of_room(&answer);
        }
        accepted += answer.json()["accepted"].as_u64().unwrap();
        batches += 1;
        assert!(batches < 200, "the disk never fills");
    };
    assert!(accepted > 0);
    assert_eq!(
        told.get("accepted").map_or(0, |count| count.as_u64().unwrap()),
        0,
        "a batch is one group: {told}"
    );

    // A long stream is taken in parts, and says how far it came.
    let stream = events(1_000, 1_500);
    let answer = client.post("application/x-ndjson", lines(&stream));
    let told = refused_for_want_of_room(&answer);
    let count = |key: &str| told[key].as_u64().unwrap_or_else(|| panic!("{key}: {told}"));
    let processed = count("processed");
    assert_eq!(count("accepted") + count("duplicates") + count("rejected"), processed, "{told}");
    assert_eq!((count("duplicates"), count("rejected")), (0, 0), "{told}");
    accepted += processed;

    // Reads go on, and what was acknowledged shows.
    let seen = eventually("what was accepted shows", || {
        let seen = client.get("/api/v1/sku-locations/A/L").expect(200);
        (seen["on_hand"] == -(accepted as i64)).then_some(seen)
    });
    assert_eq!(seen["failed_at"], json!(null));
    assert_eq!(client.get("/readyz").status, 200);
    refused_for_want_of_room(&client.post_batch(&events(batches, 20)));

    // With room again the refused ones are new, the taken ones known.
    std::fs::remove_file(&ballast).unwrap();
    let receipt = eventually("work is taken again", || {
        let answer = client.post_batch(&events(batches, 20));
        (answer.status == 202).then(|| answer.json())
    });
    assert_eq!((&receipt["accepted"], &receipt["duplicates"]), (&json!(20), &json!(0)), "{receipt}");
    accepted += 20;
    let again = client.post_batch(&events(0, 20)).expect(202);
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(20)), "{again}");
    let rest = &stream[usize::try_from(processed).unwrap()..][..100];
    let receipt = client.post("application/x-ndjson", lines(rest)).expect(202);
    assert_eq!(receipt["accepted"], 100, "{receipt}");
    accepted += 100;

    // Consequences that found no room were journaled since; and it all stands after a restart.
    let lsn = receipt["lsn"].as_u64().unwrap();
    let path = "/api/v1/sku-locations/A/L";
    let seen = client.settled(path, lsn).expect(200);
    assert_eq!(seen["on_hand"], -(accepted as i64));
    let exceptions = client.list("/api/v1/exceptions");
    tower.stop();
    tower.start_again();
    let client = tower.http();
    let again = client.settled(path, lsn).expect(200);
    assert_eq!(again["on_hand"], -(accepted as i64), "nothing lost, nothing twice");
    let ids = |exceptions: &[Value]| -> Vec<String> {
        let mut ids: Vec<String> = exceptions.iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&client.list("/api/v1/exceptions")), ids(&exceptions));
    assert_eq!(client.post_batch(&events(batches, 20)).expect(202)["duplicates"], 20);
    tower.stop();
}

/// Fills the disk to its last page, then the last page, with what nothing follows from.
fn fill(disk: &SmallDisk, client: &Client) -> PathBuf {
    let ballast = disk.0.join("ballast");
    let _ = std::fs::write(&ballast, vec![0u8; 16 << 20]);
    let small = |n: usize| {
        client.post_event(&event("item.described", &format!("small-{n}"), json!({"sku": format!("I{n}")})))
    };
    assert!((0..200).any(|n| small(n).status == 503), "the disk never fills");
    ballast
}

#[test]
fn a_full_disk_and_its_end_are_told_though_nobody_comes() {
    let mut tower = Tower::dev();
    let Some(disk) = move_to_small_disk(&mut tower) else { return };
    let client = tower.http();
    let (mut feed, hello) = Feed::hello(&client);
    assert_eq!(hello["disk_full"], false, "{hello}");
    feed.subscribe("e", &["exceptions"], None, false);
    let (mut watch, _) = Feed::hello(&client);
    watch.subscribe("s", &["stats"], None, false);
    let told = client.post_event(&event("item.described", "first", json!({"sku": "A"})));
    assert_eq!(told.status, 202);

    let ballast = fill(&disk, &client);
    // Whoever subscribed to anything is told at once, and whoever comes now.
    feed.until("the word that the disk is full", |frame| {
        frame["type"] == "ping" && frame["disk_full"] == true
    });
    watch.until("its statistics", |frame| frame["type"] == "state" && frame["item"]["disk_full"] == true);
    assert_eq!(Feed::hello(&client).1["disk_full"], true);
    // It can be read from, so it is ready; a repeat writes nothing and finds nothing out.
    let again = client.post_event(&event("item.described", "first", json!({"sku": "A"})));
    assert_eq!(again.expect(202)["duplicates"], 1);
    for path in ["/readyz", "/api/v1/stats"] {
        assert_eq!(client.get(path).expect(200)["disk_full"], true, "{path}");
    }
    assert_eq!(client.get("/api/v1/items/A").status, 200);
    let metrics = client.get("/metrics").text();
    assert!(metrics.contains("\ntidewatch_journal_disk_full_now 1\n"), "{metrics}");
    // It stays so while nothing changes.
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    assert_eq!(client.get("/readyz").expect(200)["disk_full"], true);

    std::fs::remove_file(&ballast).unwrap();
    feed.until("the word that there is room", |frame| frame["type"] == "ping" && frame["disk_full"] == false);
    watch.until("its statistics", |frame| frame["type"] == "state" && frame["item"]["disk_full"] == false);
    assert_eq!(client.get("/readyz").expect(200)["disk_full"], false);
    let metrics = client.get("/metrics").text();
    assert!(metrics.contains("\ntidewatch_journal_disk_full_now 0\n"), "{metrics}");
    assert_eq!(client.post_event(&event("item.described", "last", json!({"sku": "B"}))).status, 202);
    // What was tried left nothing behind.
    tower.stop();
    let verified = tower.command(&["verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn a_clock_event_that_was_refused_has_not_moved_the_clock() {
    let mut tower = Tower::launch().dev().event_clock().start();
    let Some(disk) = move_to_small_disk(&mut tower) else { return };
    let client = tower.http();
    let advance = |id: &str, to: &str| client.post_event(&event("clock.advanced", id, json!({"to": to})));
    assert_eq!(advance("start", "2020-01-01T00:00:00Z").status, 202);
    // A clock event waits for what follows from the events before it.
    let ballast = fill(&disk, &client);
    refused_for_want_of_room(&advance("refused", "2021-01-01T00:00:00Z"));
    std::fs::remove_file(&ballast).unwrap();
    let sold = event("pos.sale", "sold", json!({"sku": "A", "location": "L", "quantity": 1}));
    let lsn = eventually("work is taken again", || {
        let answer = client.post_event(&sold);
        (answer.status == 202).then(|| answer.json()["lsn"].as_u64().unwrap())
    });
    let seen = client.settled("/api/v1/sku-locations/A/L", lsn).expect(200);
    assert_eq!(seen["as_of"], "2020-01-01T00:00:00Z");
}

#[test]
fn commands_alone_find_out_that_there_is_room_again() {
    let mut tower = Tower::dev();
    let Some(disk) = move_to_small_disk(&mut tower) else { return };
    let client = tower.http();
    let lsn = client.post_batch(&events(0, 1)).expect(202)["lsn"].as_u64().unwrap();
    client.settled("/api/v1/sku-locations/A/L", lsn).expect(200);
    let exception = client.list("/api/v1/exceptions")[0]["id"].clone();
    let open_case = || {
        let headers = [("Content-Type", "application/json")];
        let body = json!({"exceptions": [exception]}).to_string();
        client.send("POST", "/api/v1/cases", &headers, body.as_bytes())
    };
    let ballast = fill(&disk, &client);
    refused_for_want_of_room(&open_case());
    std::fs::remove_file(&ballast).unwrap();
    // Nothing else comes.
    eventually("a command is taken again", || (open_case().status == 201).then_some(()));
}
