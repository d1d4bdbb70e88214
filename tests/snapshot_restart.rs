//! Starts from snapshots, against starts from the whole journal: whatever can be read is the same, whatever was sent again
//! is known, and what comes afterwards leads to the same.
//!
//! `TIDEWATCH_SEEDS` says how many histories (3), `TIDEWATCH_FIRST_SEED` where they begin (1), `TIDEWATCH_KILL_ROUNDS` how
//! often a snapshot is cut short (4).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::history::History;
use common::sandbox::free_address;
use common::{Client, Random, Tower, at, count_from_environment, event, eventually};
use serde_json::{Value, json};
use tidewatch::journal::{self, Journal, JournalOptions};

/// 2025-03-03T00:00:00Z.
const START: i64 = 1_740_960_000;
const DAY: i64 = 86_400;

fn advance(client: &Client, to: i64) -> u64 {
    let mut advanced = event("clock.advanced", &format!("clock-{to}"), json!({"to": at(to)}));
    advanced["time"] = json!(at(to));
    client.accept(&[advanced])["lsn"].as_u64().unwrap()
}

/// Nobody's look is put off: what is told would depend on how busy the machine is.
fn shards(count: u64) -> String {
    format!("[runtime]\nshards = {count}\nlook_again_ms = 0\n[snapshots]\nslice_entities = 3\n")
}

/// Nearly every entity rests: in memory, or on the disk if there is a snapshot.
fn resting(shards: u64) -> String {
    format!(
        "[runtime]\nshards = {shards}\nlook_again_ms = 0\nentities_live_max = 4\nentities_packed_bytes_max = 4096\n[snapshots]\nslice_entities = 3\n"
    )
}

/// How often an entity was woken up, by where its state was.
fn woken(client: &Client, from: &str) -> u64 {
    let metrics = client.get("/metrics").text();
    let name = format!("tidewatch_activations_total{{from=\"{from}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&name)).map_or(0, |count| count.parse().unwrap())
}

/// Everything that can be read, without what changes with every start: how far the journal is.
fn picture(client: &Client, lsn: u64) -> Vec<String> {
    const LISTS: [&str; 13] = [
        "sku-locations",
        "suppliers",
        "exceptions?state=all",
        "exceptions",
        "cases",
        "actions",
        "quarantine",
        "orders",
        "purchase-orders",
        "transfers",
        "promotions",
        "items",
        "locations",
    ];
    assert_eq!(client.settled("/api/v1/stats", lsn).status, 200);
    let mut all = Vec::new();
    for list in LISTS {
        let path = format!("/api/v1/{list}");
        // Not every list has every filter.
        if client.get(&path).status != 200 {
            continue;
        }
        for mut item in client.list(&path) {
            for key in ["lsn", "position", "as_of"] {
                // Of an exception or a case, `lsn` is its own.
                if key != "lsn" || list == "sku-locations" || list == "suppliers" {
                    item.as_object_mut().unwrap().remove(key);
                }
            }
            all.push(format!("{list} {item}"));
        }
    }
    all.sort();
    all
}

/// A line of a picture without the numbers of records, which depend on what ran beside what.
fn unnumbered(line: &str) -> String {
    fn strip(value: &mut Value, is_quarantine: bool) {
        match value {
            Value::Object(members) => {
                members.retain(|name, _| {
                    !name.ends_with("lsn") && !(is_quarantine && (name == "id" || name == "at"))
                });
                members.values_mut().for_each(|member| strip(member, false));
            }
            Value::Array(items) => items.iter_mut().for_each(|item| strip(item, false)),
            _ => {}
        }
    }
    let (list, item) = line.split_once(' ').unwrap();
    let mut item = serde_json::from_str(item).unwrap();
    strip(&mut item, list == "quarantine");
    format!("{list} {item}")
}

#[track_caller]
fn same(left: &[String], right: &[String], what: &str) {
    for (left, right) in left.iter().zip(right) {
        assert_eq!(left, right, "{what}");
    }
    assert_eq!(left.len(), right.len(), "{what}");
}

fn send(client: &Client, events: &[Value]) -> u64 {
    let lsns = events.chunks(7).map(|some| {
        let receipt = client.post_batch(some);
        assert!(receipt.status == 202 || receipt.status == 422, "{}", receipt.text());
        receipt.json()["lsn"].as_u64().unwrap_or(0)
    });
    lsns.max().unwrap()
}

/// What became of events that were sent before: all of them are known, each as what it was.
fn repeated(client: &Client, events: &[Value]) -> Vec<Value> {
    let answer = |event: &Value| {
        let receipt = client.post_event(event).json();
        json!([receipt["accepted"], receipt["duplicates"], receipt["lsn"]])
    };
    events.iter().map(answer).collect()
}

fn snapshot(client: &Client) -> Value {
    client.send("POST", "/api/v1/snapshots", &[], b"").expect(200)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn generations(tower: &Tower) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(tower.data().join("generations")).unwrap();
    let mut all: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

/// A file of a generation that holds data, with a byte changed in its middle.
fn corrupt(generation: &Path) {
    let db = generation.join("db");
    let mut bytes = std::fs::read(&db).unwrap();
    let middle = bytes.iter().position(|byte| *byte != 0).unwrap() + 40;
    bytes[middle] ^= 0x55;
    std::fs::write(&db, bytes).unwrap();
}

fn one_history(seed: u64) {
    let mut random = Random::new(seed);
    let base = Tower::launch().dev().event_clock().configuration(&shards(3)).start();
    let mut tower = base;
    let client = tower.http();
    advance(&client, START);
    let mut events = History::wild(seed, "h", START).events;
    random.shuffle(&mut events);
    events.push(
        json!({"specversion": "1.0", "id": "bad", "source": "/erp", "type": "pos.sale", "data": {"sku": 1}}),
    );
    let cuts = [events.len() / 3, events.len() * 2 / 3];
    let mut last = send(&client, &events[..cuts[0]]);
    // Taken while events come.
    std::thread::scope(|scope| {
        let taker = scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(random.below(30)));
            snapshot(&client)
        });
        last = last.max(send(&client, &events[cuts[0]..cuts[1]]));
        let taken = taker.join().unwrap();
        assert!(taken["lsn"].as_u64().unwrap() > 0 && taken["entities"].as_u64().unwrap() > 0, "{taken}");
    });
    last = last.max(advance(&client, START + DAY));
    last = last.max(send(&client, &events[cuts[1]..]));
    let before = picture(&client, last);
    tower.kill();
    let kept = tempfile::tempdir().unwrap();
    copy(&tower.data(), kept.path());

    // The same journal, with the snapshot over another number of shards, and without.
    let mut afterwards = Vec::new();
    for (shard_count, with_snapshot, rests) in [
        (3, true, false),
        (2, true, true),
        (5, true, false),
        (3, true, true),
        (2, false, true),
        (4, false, false),
    ] {
        let what = format!(
            "seed {seed}: {shard_count} shards, with a snapshot: {with_snapshot}, entities rest: {rests}"
        );
        std::fs::remove_dir_all(tower.data()).unwrap();
        copy(kept.path(), &tower.data());
        if !with_snapshot {
            std::fs::remove_dir_all(tower.data().join("generations")).unwrap();
        }
        tower.configure(&if rests { resting(shard_count) } else { shards(shard_count) });
        tower.start_again();
        let client = tower.http();
        let ready = client.get("/readyz").expect(200);
        assert_eq!(ready["generation"].is_null(), !with_snapshot, "{what}: {ready}");
        same(&before, &picture(&client, last), &what);
        let repeated = repeated(&client, &events);
        if rests && with_snapshot {
            // What the replay came to is in memory; behind this most of it is on the disk alone.
            snapshot(&client);
        }
        // What comes now is decided on what was restored.
        let mut more = History::wild(seed + 1_000, "h", START + DAY).events;
        for event in &mut more {
            event["id"] = json!(format!("more-{}", event["id"].as_str().unwrap()));
        }
        // Each request settles before the next: how much is looked at together must not depend on the machine.
        for some in more.chunks(7) {
            let lsn = send(&client, some);
            assert_eq!(client.settled("/api/v1/stats", lsn).status, 200);
        }
        let lsn = advance(&client, START + 9 * DAY);
        if rests {
            assert!(woken(&client, "memory") > 0, "{what}");
            assert_eq!(woken(&client, "disk") > 0, with_snapshot, "{what}");
            assert_eq!(woken(&client, "journal"), 0, "{what}");
        }
        let mut picture: Vec<String> = picture(&client, lsn).iter().map(|line| unnumbered(line)).collect();
        picture.sort();
        afterwards.push((what, repeated, picture));
        tower.kill();
    }
    let (_, repeated, picture) = afterwards.pop().unwrap();
    for (what, also_repeated, also_picture) in &afterwards {
        assert_eq!(also_repeated, &repeated, "{what}: what was sent again");
        same(also_picture, &picture, &format!("{what}: what came of it"));
    }
}

#[test]
fn a_start_from_a_snapshot_is_as_one_from_the_whole_journal() {
    let first = count_from_environment("TIDEWATCH_FIRST_SEED", 1);
    for seed in first..first + count_from_environment("TIDEWATCH_SEEDS", 3) {
        one_history(seed);
    }
}

#[test]
fn a_damaged_snapshot_is_passed_over() {
    let mut tower = Tower::launch().dev().event_clock().configuration(&shards(2)).start();
    let client = tower.http();
    advance(&client, START);
    let events = History::wild(77, "d", START).events;
    let third = events.len() / 3;
    let mut last = send(&client, &events[..third]);
    let first = snapshot(&client);
    last = last.max(send(&client, &events[third..2 * third]));
    let second = snapshot(&client);
    assert!(second["lsn"].as_u64() > first["lsn"].as_u64() && second["number"] == 2, "{first} {second}");
    assert_eq!(snapshot(&client)["number"].as_u64().unwrap(), 2 + u64::from(snapshot_is_newer(&client)));
    last = last.max(send(&client, &events[2 * third..]));
    let before = picture(&client, last);
    let numbers: Vec<u64> = generations(&tower)
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(numbers.len(), 2, "two are kept: {numbers:?}");
    let listed: Vec<u64> = client.get("/api/v1/snapshots").expect(200)["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["number"].as_u64().unwrap())
        .collect();
    assert_eq!(listed, numbers.iter().rev().copied().collect::<Vec<_>>());
    tower.kill();

    let start_and_compare = |tower: &mut Tower, expected: Option<u64>, what: &str| {
        tower.start_again();
        let client = tower.http();
        let ready = client.get("/readyz").expect(200);
        assert_eq!(ready["generation"], json!(expected), "{what}: {ready}");
        same(&before, &picture(&client, last), what);
        tower.kill();
    };
    start_and_compare(&mut tower, Some(numbers[1]), "the newest");
    assert!(tower.log().contains(&format!("loading snapshot generation={}", numbers[1])), "{}", tower.log());
    corrupt(&generations(&tower)[1]);
    start_and_compare(&mut tower, Some(numbers[0]), "the older one");
    let aside = generations(&tower).pop().unwrap();
    assert!(aside.ends_with(format!("{:010}.bad", numbers[1])), "{}", aside.display());
    corrupt(&generations(&tower)[0]);
    start_and_compare(&mut tower, None, "the journal");
    // The next one is sound again.
    tower.start_again();
    let taken = snapshot(&tower.http());
    assert!(taken["number"].as_u64() > Some(numbers[1]), "a number is given once: {taken}");
    tower.kill();
    let left = generations(&tower);
    assert!(left.len() == 1 && left[0].extension().is_none(), "what was set aside is gone: {left:?}");
    start_and_compare(&mut tower, taken["number"].as_u64(), "a new one");
}

#[test]
fn a_journal_that_ends_before_a_snapshot_is_refused() {
    let mut tower = Tower::launch().dev().event_clock().configuration(&shards(2)).start();
    advance(&tower.http(), START);
    tower.kill();
    let journal = tower.data().join("journal");
    let early = tempfile::tempdir().unwrap();
    copy(&journal, early.path());
    tower.start_again();
    send(&tower.http(), &History::wild(6, "b", START).events);
    let taken = snapshot(&tower.http());
    tower.kill();
    // The journal of before, with its mark: nothing in it says that it was longer.
    std::fs::remove_dir_all(&journal).unwrap();
    copy(early.path(), &journal);
    let output = tower.command(&["serve", "--dev", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let said = said.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = "snapshot generation 1 shows records up to ";
    let shown = said.split_once(expected).and_then(|(_, rest)| rest.split(',').next()?.parse::<u64>().ok());
    assert!(!output.status.success() && shown >= taken["lsn"].as_u64(), "{said}");
    assert_eq!(generations(&tower).len(), 1, "nothing was changed");
    // As it says.
    std::fs::rename(tower.data().join("generations"), tower.data().join("away")).unwrap();
    tower.start_again();
    assert!(tower.http().get("/readyz").expect(200)["generation"].is_null());
}

#[test]
fn a_journal_that_ends_within_what_a_snapshot_shows_is_refused() {
    let mut tower = Tower::launch().dev().start();
    // While each of these places proposes what it lacks, so that states are newer than the snapshot's start.
    let events: Vec<Value> = (0..4_000)
        .map(|n| {
            json!({
                "specversion": "1.0", "id": format!("c{n}"), "source": "/wms", "type": "inventory.counted",
                "time": "2026-03-02T08:00:00Z", "data": {"sku": format!("S{n}"), "location": "L1", "on_hand": n},
            })
        })
        .collect();
    tower.http().post_batch(&events).expect(202);
    let start = snapshot(&tower.http())["lsn"].as_u64().unwrap();
    tower.kill();
    // Cut behind the snapshot's start, with a mark that fits: nothing in the journal says that it was longer.
    let directory = tower.data().join("journal");
    let (journal, _) = Journal::open(&directory, JournalOptions::default()).unwrap();
    let end = journal.reader().position_at(start).unwrap();
    drop(journal);
    assert_eq!((end.lsn, end.segment_first_lsn), (start, 1));
    let segment = File::options().write(true).open(directory.join(format!("{:020}.twj", 1))).unwrap();
    segment.set_len(end.end_offset).unwrap();
    std::fs::remove_file(directory.join("durable.mark")).unwrap();
    journal::place_mark(&directory, &end).unwrap();
    let output = tower.command(&["serve", "--dev", "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("shows records up to"), "{said}");
    assert_eq!(generations(&tower).len(), 1, "what tells of the loss stays");
}

/// Whether another record came between two requests for a snapshot: proposals of the tower do.
fn snapshot_is_newer(client: &Client) -> bool {
    client.get("/api/v1/snapshots").expect(200)["items"][0]["number"].as_u64() > Some(2)
}

#[test]
fn an_end_while_a_snapshot_is_taken_leaves_the_older_ones() {
    let mut tower = Tower::launch().dev().event_clock().configuration(&shards(2)).start();
    let client = tower.http();
    advance(&client, START);
    let mut last = send(&client, &History::wild(5, "k", START).events);
    let mut random = Random::new(9);
    for round in 0..count_from_environment("TIDEWATCH_KILL_ROUNDS", 4) {
        let client = tower.http();
        let more = History::wild(100 + round, &format!("k{round}"), START).events;
        last = last.max(send(&client, &more));
        let before = picture(&client, last);
        std::thread::scope(|scope| {
            scope.spawn(|| client.try_send("POST", "/api/v1/snapshots", &[], b""));
            std::thread::sleep(Duration::from_millis(random.below(250)));
            tower.kill();
        });
        tower.start_again();
        same(&before, &picture(&tower.http(), last), &format!("round {round}"));
        let unfinished = generations(&tower).into_iter().filter(|path| path.extension().is_some()).count();
        assert_eq!(unfinished, 0, "what was not published is gone");
    }
}

#[test]
fn a_clean_stop_takes_a_snapshot_and_the_next_start_replays_nothing_of_before() {
    let mut tower = Tower::dev();
    let client = tower.http();
    let lsn = send(&client, &History::wild(3, "s", START).events);
    assert_eq!(client.settled("/api/v1/stats", lsn).status, 200);
    tower.stop();
    tower.start_again();
    let ready = tower.http().get("/readyz").expect(200);
    assert_eq!((&ready["generation"], &ready["replayed"]), (&json!(1), &json!(0)), "{ready}");
    let metrics = tower.http().get("/metrics").text();
    assert!(metrics.contains("tidewatch_snapshot_generation 1\n"), "{metrics}");
}

#[test]
fn a_disk_with_little_room_is_left_to_the_journal() {
    const MORE_THAN_THERE_IS: u64 = 1 << 40;
    let configuration = format!("[snapshots]\nfree_bytes_min = {MORE_THAN_THERE_IS}\n");
    let mut tower = Tower::launch().dev().event_clock().configuration(&configuration).start();
    let free = Command::new("df").args(["--output=avail", "-B1"]).arg(tower.data()).output().unwrap();
    let free = String::from_utf8(free.stdout).unwrap();
    let free: u64 = free.lines().last().unwrap().trim().parse().unwrap();
    if free >= MORE_THAN_THERE_IS {
        return eprintln!("skipped: this disk has a terabyte to spare");
    }
    let client = tower.http();
    advance(&client, START);
    let events = History::wild(8, "r", START).events;
    let mut last = send(&client, &events[..10]);
    let refused = client.send("POST", "/api/v1/snapshots", &[], b"").expect_problem(503, "disk_full");
    let needed = format!("takes {MORE_THAN_THERE_IS}");
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains(&needed)), "{refused}");
    assert!(generations(&tower).is_empty());
    let metrics = client.get("/metrics").text();
    assert!(metrics.contains("\ntidewatch_snapshot_failures 1\n"), "{metrics}");
    last = last.max(send(&client, &events[10..]));
    let before = picture(&client, last);
    // Nor is one taken now, and that is no reason not to end well.
    tower.stop();
    tower.start_again();
    let ready = tower.http().get("/readyz").expect(200);
    assert!(ready["generation"].is_null() && ready["replayed"].as_u64() >= Some(last), "{ready}");
    same(&before, &picture(&tower.http(), last), "from the journal alone");
}

#[test]
fn a_start_says_how_far_it_is() {
    const SALES: u64 = 8_000;
    let configuration = "[runtime]\nshards = 1\nbatch_records_max = 1\nreplay_records_in_flight_max = 1000\n";
    let mut tower = Tower::launch().dev().listen(free_address()).configuration(configuration).start();
    let client = tower.http();
    let sold = |n: u64| {
        let data = json!({"sku": format!("S{}", n % 50), "location": "L", "quantity": 1});
        event("pos.sale", &format!("sold-{n}"), data)
    };
    let numbers: Vec<u64> = (0..SALES).collect();
    for some in numbers.chunks(500) {
        client.accept(&some.iter().map(|n| sold(*n)).collect::<Vec<_>>());
    }
    tower.kill();
    let is_ready = AtomicBool::new(false);
    let said = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut said = Vec::new();
            while !is_ready.load(Ordering::Relaxed) {
                // Nobody listens at first.
                let Ok(answer) = client.try_send("GET", "/readyz", &[], b"") else { continue };
                if answer.status == 503 {
                    assert!(answer.header("retry-after").is_some(), "{:?}", answer.headers);
                    said.push(answer.expect_problem(503, "recovering"));
                }
            }
            said
        });
        tower.start_again();
        is_ready.store(true, Ordering::Relaxed);
        asking.join().unwrap()
    });
    let ready = client.get("/readyz").expect(200);
    let replayed = ready["replayed"].as_u64().unwrap();
    assert!(replayed >= SALES, "{ready}");
    let replaying: Vec<u64> = said
        .iter()
        .filter(|problem| problem["phase"] == "replaying_journal")
        .map(|problem| {
            assert_eq!(problem["of"], replayed, "{problem}");
            problem["done"].as_u64().unwrap()
        })
        .collect();
    assert!(replaying.is_sorted(), "{replaying:?}");
    assert!(replaying.iter().any(|done| (1..replayed).contains(done)), "{replaying:?} of {replayed}");
}

#[test]
fn who_may_take_and_see_snapshots() {
    let tower = Tower::launch().start();
    let as_role = |role: &str| {
        let client = tower.http().with_key(&tower.create_key(role, role, &[]).1);
        // A key that was just made is known a moment later.
        eventually("the key is known", || (client.get("/api/v1/items").status == 200).then_some(()));
        client
    };
    let admin = as_role("admin");
    assert_eq!(admin.send("POST", "/api/v1/snapshots", &[], b"").expect(200)["number"], 1);
    let auditor = as_role("auditor");
    auditor.send("POST", "/api/v1/snapshots", &[], b"").expect_problem(403, "forbidden");
    assert_eq!(auditor.get("/api/v1/snapshots").expect(200)["items"][0]["number"], 1);
    as_role("supplier").get("/api/v1/snapshots").expect_problem(403, "forbidden");
    admin.get("/api/v1/snapshots?limit=1").expect_problem(400, "bad_parameter");
}
