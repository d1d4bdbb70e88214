//! A supervisor that kills the tower at random moments under open-loop load, stops it in between, kills it again while it
//! starts, and holds what comes back against what clients were told: every acknowledged event is there, once; every
//! decision went to the system of record once; a follower of the feed saw every frame, once.
//!
//! | variable | what | otherwise |
//! | --- | --- | --- |
//! | `TIDEWATCH_KILL_MINUTES` | how long | rounds are counted instead |
//! | `TIDEWATCH_KILL_ROUNDS` | how many rounds | 4 |
//! | `TIDEWATCH_KILL_SEED` | the moments | 1 |
//! | `TIDEWATCH_KILL_RATE` | requests a second | 150 |
//! | `TIDEWATCH_BIN` | the program, such as a release build | the one built with the test |
//!
//! The last line of what it prints is the summary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use common::feed::Feed;
use common::sandbox::{Sandbox, free_address};
use common::{Batch, Client, Random, Tower, count_from_environment, event};
use serde_json::{Value, json};

/// Requests that may wait for their answers at a time; one that is due when all are busy goes out late.
const SENDERS: usize = 8;
/// SKUs that one round sells.
const SKUS: u64 = 10;
const DAY: i64 = 86_400;
/// How long everything may take to come to rest in the end.
const DRAIN_WITHIN: Duration = Duration::from_secs(120);

/// One request of a round, as the client knows it.
struct Sent {
    events: Vec<Value>,
    /// From the answer; none if none came.
    lsn: Option<u64>,
}

/// What clients were told, on a file of its own before it counts.
struct Ledger {
    file: std::fs::File,
    sent: Vec<Sent>,
}

impl Ledger {
    fn note(&mut self, events: Vec<Value>, lsn: Option<u64>) {
        let line = json!({"lsn": lsn, "ids": events.iter().map(|event| &event["id"]).collect::<Vec<_>>()});
        writeln!(self.file, "{line}").unwrap();
        self.file.flush().unwrap();
        self.sent.push(Sent { events, lsn });
    }
}

#[derive(Default)]
struct Totals {
    rounds: u64,
    kills: u64,
    kills_while_starting: u64,
    stops: u64,
    snapshots: u64,
    acknowledged: u64,
    in_doubt: u64,
    lost: u64,
    repeated: u64,
}

fn sales(random: &mut Random, round: u64, request: u64) -> Vec<Value> {
    let size = *random.pick(&[1, 1, 1, 8, 40]);
    (0..size)
        .map(|at| {
            let data = json!({
                "sku": format!("R{round}-{}", random.below(SKUS)), "location": "L",
                "quantity": random.between(1, 9),
            });
            event("pos.sale", &format!("{round}-{request}-{at}"), data)
        })
        .collect()
}

/// Sends requests at the times that the rate says, whether or not the ones before were answered.
fn load(client: &Client, seed: u64, round: u64, rate: u64, done: &AtomicBool, ledger: &Mutex<Ledger>) {
    let (next, began) = (AtomicU64::new(0), Instant::now());
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                loop {
                    let request = next.fetch_add(1, Ordering::SeqCst);
                    let due = began + Duration::from_micros(request * 1_000_000 / rate);
                    while Instant::now() < due && !done.load(Ordering::SeqCst) {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    if done.load(Ordering::SeqCst) {
                        return;
                    }
                    let events = sales(&mut Random::new(seed ^ (round << 32) ^ request), round, request);
                    let body = Value::Array(events.clone()).to_string();
                    let kind = [("Content-Type", "application/cloudevents-batch+json")];
                    let answer = client.try_send("POST", "/api/v1/events", &kind, body.as_bytes());
                    let lsn = match answer {
                        Ok(answer) if answer.status == 202 => {
                            let receipt = answer.json();
                            assert_eq!(receipt["accepted"], events.len(), "{receipt}");
                            Some(receipt["lsn"].as_u64().expect("an lsn"))
                        }
                        Ok(answer) => {
                            assert!(
                                matches!(answer.status, 429 | 503),
                                "{}: {}",
                                answer.status,
                                answer.text()
                            );
                            None
                        }
                        // Nobody listens: it surely did not arrive.
                        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => continue,
                        Err(_) => None,
                    };
                    ledger.lock().unwrap().note(events, lsn);
                }
            });
        }
    });
}

/// Sends a round again: what was acknowledged must be known at its LSN, the rest is in once now; the stock says whether
/// anything counted twice.
fn check_round(client: &Client, ledger: &Ledger, totals: &mut Totals) {
    let mut sold: BTreeMap<String, i64> = BTreeMap::new();
    let mut last = 0;
    for Sent { events, lsn } in &ledger.sent {
        let receipt = loop {
            let answer = client.post_batch(events);
            if answer.status != 429 {
                break answer.expect(202);
            }
            std::thread::sleep(Duration::from_millis(100));
        };
        let count = events.len() as u64;
        match lsn {
            Some(lsn) => {
                totals.acknowledged += count;
                totals.lost += receipt["accepted"].as_u64().unwrap();
                assert_eq!(receipt["lsn"], *lsn, "acknowledged as record {lsn}: {receipt}");
            }
            None => totals.in_doubt += count,
        }
        last = last.max(receipt["lsn"].as_u64().unwrap());
        for event in events {
            *sold.entry(event["data"]["sku"].as_str().unwrap().to_owned()).or_default() +=
                event["data"]["quantity"].as_i64().unwrap();
        }
    }
    for (sku, units) in sold {
        let seen = client.settled(&format!("/api/v1/sku-locations/{sku}/L"), last).expect(200);
        let on_hand = seen["on_hand"].as_i64().unwrap();
        // Fewer than were sold would be lost, more counted twice.
        match on_hand + units {
            0 => {}
            missing if missing > 0 => totals.lost += missing.unsigned_abs(),
            twice => totals.repeated += twice.unsigned_abs(),
        }
    }
    assert_eq!((totals.lost, totals.repeated), (0, 0), "lost, repeated");
}

/// Follows exceptions and cases over all restarts, from the position that it saw last.
#[derive(Default)]
struct Follower {
    position: Option<String>,
    seen: Vec<(u64, String, String)>,
    resumed: u64,
}

impl Follower {
    fn take(&mut self, frame: &Value) {
        if frame["type"] == "event" {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let noted = (frame["lsn"].as_u64().unwrap(), text(&frame["kind"]), text(&frame["item"]["id"]));
            if let Some((last, ..)) = self.seen.last() {
                assert!(noted.0 > *last, "frame {} came after {last}", noted.0);
            }
            self.seen.push(noted);
            self.position = Some(text(&frame["position"]));
        }
    }

    /// Until the connection ends, or told to stop.
    fn follow(&mut self, client: &Client, done: &AtomicBool) {
        // A tower that is being killed drops what it likes, and when it likes.
        let opened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Feed::open(client).ok()));
        let Ok(Some(mut feed)) = opened else { return };
        let Some(hello) = feed.next(Duration::from_secs(5)) else { return };
        let since =
            self.position.clone().unwrap_or_else(|| format!("{}-0", hello["epoch"].as_str().unwrap()));
        feed.say(&json!({
            "type": "subscribe", "id": "f", "topics": ["exceptions", "cases"], "since": since, "snapshot": false,
        }));
        while !done.load(Ordering::SeqCst) {
            match feed.next(Duration::from_millis(200)) {
                Some(frame) if frame["type"] == "subscribed" => {
                    assert_eq!(frame["recovered"], true, "from {since}: {frame}");
                    self.resumed += 1;
                }
                Some(frame) => {
                    assert_ne!(frame["type"], "snapshot", "a continued subscription needs none: {frame}");
                    assert_ne!(frame["type"], "error", "{frame}");
                    self.take(&frame);
                }
                None if feed.closed.is_some() => return,
                None => {}
            }
        }
    }
}

/// One decision after the other, each asked for until it is answered.
struct Decider {
    client: Client,
    approved: Vec<String>,
}

impl Decider {
    /// Asks until there is an answer of that kind, or it is over.
    fn ask<T>(&self, done: &AtomicBool, mut ask: impl FnMut(&Client) -> Option<T>) -> Option<T> {
        while !done.load(Ordering::SeqCst) {
            if let Some(answer) = ask(&self.client) {
                return Some(answer);
            }
            std::thread::sleep(Duration::from_millis(40));
        }
        None
    }

    fn command(&self, done: &AtomicBool, who: &str, case: &str, verb: &str, body: &Value) -> Option<()> {
        let key = format!("{case}-{verb}-{}", body["version"]);
        let headers =
            [("Content-Type", "application/json"), ("Idempotency-Key", &key), ("X-Tidewatch-Act-As", who)];
        let path = format!("/api/v1/cases/{case}/{verb}");
        let text = body.to_string();
        let status = self.ask(done, |client| {
            let answer = client.try_send("POST", &path, &headers, text.as_bytes()).ok()?;
            // Not known, not now, or still under way: once more under the same key.
            (!matches!(answer.status, 429 | 503 | 504) && answer.header("retry-after").is_none())
                .then_some(answer.status)
        })?;
        (status == 200).then_some(())
    }

    fn decide(&mut self, number: u64, done: &AtomicBool) -> Option<()> {
        let sku = format!("ACT{number}");
        let now = common::events::now();
        let start = now - 14 * DAY;
        let mut batch = Batch::new(&sku);
        let item =
            json!({"sku": sku, "name": sku, "unit_cost": "2.00", "unit_price": "5.00", "currency": "EUR"});
        batch.add_at(start, "item.described", item);
        batch.add_at(start, "supplier.described", json!({"supplier": "S", "lead_time_days": 2}));
        let source = json!({"kind": "supplier", "id": "S"});
        let sourcing = json!({
            "sku": sku, "location": "L", "source": source, "rank": 1, "lead_time_days": 2, "unit_cost": "2.00",
        });
        batch.add_at(start, "sourcing.set", sourcing);
        batch.add_at(start, "inventory.counted", json!({"sku": sku, "location": "L", "on_hand": 3_000}));
        for day in 0..14 {
            let sale = json!({"sku": sku, "location": "L", "quantity": 200});
            batch.add_at(start + day * DAY + 3_600, "pos.sale", sale);
        }
        let order = json!({
            "order_id": sku, "line_id": "1", "sku": sku, "location": "L", "quantity": 400, "customer": "C",
        });
        batch.add_at(now, "order.placed", order);
        let events = batch.take();
        let body = Value::Array(events).to_string();
        let kind = [("Content-Type", "application/cloudevents-batch+json")];
        self.ask(done, |client| {
            let answer = client.try_send("POST", "/api/v1/events", &kind, body.as_bytes()).ok()?;
            (answer.status == 202).then_some(())
        })?;
        // The facts may move while it decides: then the version is not the current one, and it looks again.
        loop {
            let (case, option, version) = self.ask(done, |client| {
                let seen = client.try_send("GET", &format!("/api/v1/cases?sku={sku}"), &[], b"").ok()?;
                let cases = (seen.status == 200).then(|| seen.json())?;
                cases["items"].as_array()?.iter().find_map(|case| {
                    let about = case["subjects"].as_array()?.iter().any(|subject| subject["sku"] == *sku);
                    let option =
                        case["options"].as_array()?.iter().find(|option| option["kind"] == "order")?;
                    about.then(|| {
                        (
                            case["id"].as_str().unwrap().to_owned(),
                            option["id"].clone(),
                            case["version"].clone(),
                        )
                    })
                })
            })?;
            let chosen = json!({"option_id": option, "version": version});
            if self.command(done, "ann;supply_planner", &case, "choose", &chosen).is_none() {
                if done.load(Ordering::SeqCst) {
                    return None;
                }
                continue;
            }
            let version = self.ask(done, |client| {
                let seen = client.try_send("GET", &format!("/api/v1/cases/{case}"), &[], b"").ok()?;
                (seen.status == 200).then(|| seen.json()["version"].clone())
            })?;
            let approval = json!({"comment": "go", "version": version});
            if self.command(done, "bob;supply_planner", &case, "approve", &approval).is_some() {
                self.approved.push(case);
                return Some(());
            }
            if done.load(Ordering::SeqCst) {
                return None;
            }
        }
    }
}

/// Something that happens to the tower while it works: it stands still, or is asked for a snapshot.
fn disturb(tower: &Tower, random: &mut Random, totals: &mut Totals) {
    std::thread::sleep(Duration::from_millis(random.below(900)));
    if random.chance(35) {
        tower.signal("STOP");
        std::thread::sleep(Duration::from_millis(20 + random.below(400)));
        tower.signal("CONT");
        totals.stops += 1;
    }
    if random.chance(50) {
        // A tower without snapshots has no such route, and that is all right.
        let asked = tower.http().try_send("POST", "/api/v1/snapshots", &[], b"");
        totals.snapshots += u64::from(asked.is_ok_and(|answer| answer.status < 300));
    }
    // Somewhere in a group, a batch, a snapshot, a call.
    std::thread::sleep(Duration::from_millis(random.below(700)));
}

#[test]
fn nothing_is_lost_and_nothing_done_twice_however_often_it_is_killed() {
    let seed = count_from_environment("TIDEWATCH_KILL_SEED", 1);
    let rate = count_from_environment("TIDEWATCH_KILL_RATE", 150).max(1);
    let minutes = count_from_environment("TIDEWATCH_KILL_MINUTES", 0);
    let rounds = if minutes > 0 { u64::MAX } else { count_from_environment("TIDEWATCH_KILL_ROUNDS", 4) };
    let until = Instant::now() + Duration::from_secs(60 * minutes.max(60 * u64::from(minutes == 0)));
    let (tower_at, sandbox_at) = (free_address(), free_address());
    let sandbox = Sandbox::start(sandbox_at, Some(tower_at), &[]);
    sandbox.faults(&json!({"fail_rate": 0.1, "lose_answers": 0.2, "seed": seed}));
    let configuration = format!(
        "[targets.erp]\nurl = \"http://{sandbox_at}/actions\"\nbackoff_initial_ms = 20\nbackoff_max_ms = 200\n\
         breaker_open_ms = 100\nretries_per_minute_max = 6000\nattempts_max = 50\n"
    );
    let mut tower = Tower::launch().dev().listen(tower_at).configuration(&configuration).start();
    let client = tower.http();
    let directory = tempfile::tempdir().unwrap();
    let mut random = Random::new(seed);
    let mut totals = Totals::default();
    let done = AtomicBool::new(false);
    let (told, decided) = mpsc::channel();

    let (follower, approved) = std::thread::scope(|scope| {
        let done = &done;
        // Whatever fails in between, the others must hear that it is over.
        let _over = Over(done);
        let follows = scope.spawn(move || {
            let mut follower = Follower::default();
            while !done.load(Ordering::SeqCst) {
                follower.follow(&Client::new(tower_at), done);
                std::thread::sleep(Duration::from_millis(20));
            }
            follower
        });
        let decides = scope.spawn(move || {
            let mut decider = Decider { client: Client::new(tower_at), approved: Vec::new() };
            for number in 0.. {
                if decider.decide(number, done).is_none() {
                    break;
                }
                let _ = told.send(number);
            }
            decider.approved
        });

        while totals.rounds < rounds && Instant::now() < until {
            let round = totals.rounds;
            totals.rounds += 1;
            let file = std::fs::File::create(directory.path().join(format!("ledger-{round}"))).unwrap();
            let ledger = Mutex::new(Ledger { file, sent: Vec::new() });
            let round_done = AtomicBool::new(false);
            std::thread::scope(|scope| {
                let _over = Over(&round_done);
                let loading = scope.spawn(|| load(&client, seed, round, rate, &round_done, &ledger));
                disturb(&tower, &mut random, &mut totals);
                tower.kill();
                totals.kills += 1;
                while random.chance(30) {
                    tower.start_and_kill(Duration::from_millis(random.below(400)));
                    totals.kills_while_starting += 1;
                }
                tower.start_again();
                round_done.store(true, Ordering::SeqCst);
                loading.join().unwrap();
            });
            check_round(&client, &ledger.into_inner().unwrap(), &mut totals);
            eprintln!(
                "round {round}: {} kills, {} events acknowledged, {} in doubt, {} decisions",
                totals.kills + totals.kills_while_starting,
                totals.acknowledged,
                totals.in_doubt,
                decided.try_iter().last().map_or(0, |number| number + 1),
            );
        }
        // Let one more decision be made where none was, so that the check below can fail.
        let deadline = Instant::now() + DRAIN_WITHIN;
        while decided.try_iter().count() == 0 && totals.rounds <= 4 && Instant::now() < deadline {
            if client.get("/api/v1/actions?limit=1").json()["items"]
                .as_array()
                .is_some_and(|all| !all.is_empty())
            {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        sandbox.faults(&json!({"fail_rate": 0, "lose_answers": 0}));
        let lsn = client.get("/api/v1/stats").expect(200)["lsn"].as_u64().unwrap();
        assert_eq!(client.settled("/api/v1/exceptions?limit=1", lsn).status, 200);
        // Until the follower has had time to see the last of it.
        std::thread::sleep(Duration::from_secs(1));
        done.store(true, Ordering::SeqCst);
        (follows.join().unwrap(), decides.join().unwrap())
    });

    let (actions, duplicates) = check_actions(&client, &sandbox, &approved);
    check_feed(&client, &follower);
    println!(
        "kill loop: seed {seed}, rounds {}, kills {} (while starting {}), stops {}, snapshots {}, events acked {}, \
         in doubt {}, lost {}, repeated {}, actions {actions}, duplicates {duplicates}, frames {}, resumed {}",
        totals.rounds,
        totals.kills + totals.kills_while_starting,
        totals.kills_while_starting,
        totals.stops,
        totals.snapshots,
        totals.acknowledged,
        totals.in_doubt,
        totals.lost,
        totals.repeated,
        follower.seen.len(),
        follower.resumed,
    );
    assert!(totals.acknowledged > 0 && actions > 0 && !follower.seen.is_empty(), "nothing was tried");
}

/// Says that it is over when it is dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Every approved action is at the system of record, once, and so is its document.
fn check_actions(client: &Client, sandbox: &Sandbox, approved: &[String]) -> (usize, usize) {
    let deadline = Instant::now() + DRAIN_WITHIN;
    let actions = loop {
        let actions = client.list("/api/v1/actions");
        if actions.iter().all(|action| action["state"] == "documented") {
            break actions;
        }
        assert!(Instant::now() < deadline, "not all actions are documented: {actions:#?}");
        std::thread::sleep(Duration::from_millis(200));
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let wanted: BTreeSet<String> = actions.iter().map(|action| text(&action["id"])).collect();
    assert_eq!(wanted.len(), actions.len());
    let cases: BTreeSet<String> = actions.iter().map(|action| text(&action["case_id"])).collect();
    for case in approved {
        assert!(cases.contains(case), "approved and without an action: {case}");
    }
    let told: Vec<String> = sandbox.actions().iter().map(|told| text(&told["idempotency_key"])).collect();
    let documents: Vec<String> =
        sandbox.documents().iter().map(|document| text(&document["action_id"])).collect();
    for list in [&told, &documents] {
        assert_eq!(list.iter().cloned().collect::<BTreeSet<_>>(), wanted);
    }
    let duplicates = told.len() + documents.len() - 2 * wanted.len();
    assert_eq!(duplicates, 0, "{told:?} {documents:?}");
    (wanted.len(), duplicates)
}

/// What the follower pieced together is what one gets who asks for all of it at once.
fn check_feed(client: &Client, follower: &Follower) {
    let Some((last, ..)) = follower.seen.last() else { return };
    let mut whole = Follower::default();
    let (mut feed, hello) = Feed::hello(client);
    let beginning = format!("{}-0", hello["epoch"].as_str().unwrap());
    let subscribed = feed.subscribe("w", &["exceptions", "cases"], Some(&beginning), false);
    assert_eq!(subscribed["recovered"], true, "{subscribed}");
    while whole.seen.last().is_none_or(|(lsn, ..)| lsn < last) {
        let frame = feed.next(Duration::from_secs(20));
        let frame = frame.unwrap_or_else(|| panic!("the rest of the frames: closed {:?}", feed.closed));
        // Who says nothing for a minute is taken for gone, and there may be more than that to read.
        if frame["type"] == "ping" {
            feed.say(&json!({"type": "pong"}));
        }
        whole.take(&frame);
    }
    whole.seen.retain(|(lsn, ..)| lsn <= last);
    assert_eq!(whole.seen.len(), follower.seen.len(), "frames in all, and frames that the follower saw");
    assert_eq!(whole.seen, follower.seen);
}
