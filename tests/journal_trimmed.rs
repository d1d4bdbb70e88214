//! A tower that trims its journal under load: nothing that was acknowledged is lost over kills, whoever asks for what is
//! gone is told so, and without a snapshot the journal is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use common::feed::Feed;
use common::{Client, Random, Tower, event, eventually};
use serde_json::{Value, json};

/// The smallest segments that there are, and nothing kept that is not needed.
const CONFIGURATION: &str = "[journal]\nsegment_bytes_max = 1_048_576\ngroup_bytes_max = 524_288\ntrim = true\ntrim_keep_bytes = 0\n\
    trim_hold_records_max = 5_000\n[snapshots]\njournal_bytes = 1_048_576\n";
const PLACES: u64 = 8;
const EVENTS_AT_ONCE: usize = 400;

/// What was sold, by what was acknowledged.
#[derive(Default)]
struct Ledger {
    sold: BTreeMap<String, i64>,
    sent: Vec<Vec<Value>>,
}

impl Ledger {
    /// The next request; it counts once it is acknowledged, however often it is sent.
    fn request(&mut self, random: &mut Random) -> Vec<Value> {
        let request = self.sent.len();
        let events: Vec<Value> = (0..EVENTS_AT_ONCE)
            .map(|at| {
                let (sku, units) = (format!("T{}", random.below(PLACES)), random.between(1, 5));
                *self.sold.entry(sku.clone()).or_default() += units;
                let data =
                    json!({"sku": sku, "location": "L", "quantity": units, "order_note": "n".repeat(120)});
                event("pos.sale", &format!("{request}-{at}"), data)
            })
            .collect();
        self.sent.push(events.clone());
        events
    }

    #[track_caller]
    fn holds(&self, client: &Client) {
        let lsn = client.get("/api/v1/stats").expect(200)["lsn"].as_u64().unwrap();
        for (sku, units) in &self.sold {
            let seen = client.settled(&format!("/api/v1/sku-locations/{sku}/L"), lsn).expect(200);
            assert_eq!(seen["on_hand"], json!(-units), "{sku}");
        }
    }
}

fn metric(client: &Client, name: &str) -> Option<u64> {
    let text = client.get("/metrics").text();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.map(|value| value.parse::<f64>().unwrap() as u64)
}

fn first_lsn(client: &Client) -> u64 {
    metric(client, "tidewatch_journal_first_lsn").unwrap()
}

fn run(arguments: &[&str], paths: &[&Path]) -> Output {
    Command::new(common::tower::program()).args(arguments).args(paths).output().unwrap()
}

fn told(output: &Output) -> String {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&all).replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn snapshot(client: &Client) -> Value {
    client.send("POST", "/api/v1/snapshots", &[], b"").expect(200)
}

/// Sends until the journal begins behind that record.
#[track_caller]
fn trim_behind(client: &Client, lsn: u64, ledger: &mut Ledger, random: &mut Random) {
    for _ in 0..100 {
        if first_lsn(client) > lsn {
            return;
        }
        for _ in 0..8 {
            client.post_batch(&ledger.request(random)).expect(202);
        }
        snapshot(client);
    }
    panic!("the journal begins with {}", first_lsn(client));
}

#[test]
fn a_tower_that_trims_under_load_loses_nothing_and_says_what_is_gone() {
    let mut tower = Tower::launch().dev().configuration(CONFIGURATION).start();
    let client = tower.http();
    let (mut ledger, mut random) = (Ledger::default(), Random::new(42));

    // What will be gone: an event in quarantine, a command's outcome, a position of the feed.
    let bad =
        json!({"specversion": "1.0", "id": "bad", "source": "/t", "type": "pos.sale", "data": {"sku": 1}});
    client.post_event(&bad).expect_any_problem(422);
    client.post_batch(&ledger.request(&mut random)).expect(202);
    let exception = eventually("an exception", || client.list("/api/v1/exceptions").into_iter().next());
    let command = |client: &Client| {
        let path = format!("/api/v1/exceptions/{}/acknowledge", exception["id"].as_str().unwrap());
        let headers = [("Content-Type", "application/json"), ("Idempotency-Key", "once")];
        client.send("POST", &path, &headers, b"{}")
    };
    let acknowledged = command(&client).expect(200);
    let position = acknowledged["position"].as_str().unwrap().to_owned();
    let (early, quarantined) = (acknowledged["lsn"].as_u64().unwrap(), client.list("/api/v1/quarantine"));
    let entry = format!("/api/v1/quarantine/{}", quarantined[0]["id"].as_str().unwrap());
    snapshot(&client);
    assert_eq!(quarantined[0]["event_trimmed"], false);
    eventually("who holds what", || {
        let held =
            |reader| metric(&client, &format!("tidewatch_journal_oldest_hold_lsn{{reader=\"{reader}\"}}"));
        (held("quarantine") == quarantined[0]["event_lsn"].as_u64() && held("snapshots") == Some(1))
            .then_some(())
    });

    // Killed while events come, snapshots are taken and segments go.
    for round in 0..4 {
        let client = tower.http();
        std::thread::scope(|scope| {
            let taker = tower.http();
            scope.spawn(move || {
                for _ in 0..20 {
                    if taker.try_send("POST", "/api/v1/snapshots", &[], b"").is_err() {
                        return;
                    }
                }
            });
            for _ in 0..16 {
                client.post_batch(&ledger.request(&mut random)).expect(202);
            }
            std::thread::sleep(Duration::from_millis(random.below(200)));
            tower.kill();
        });
        let verified = run(&["verify", "--data"], &[&tower.data()]);
        assert!(verified.status.success(), "round {round}: {}", told(&verified));
        tower.start_again();
        // Its answer may have been lost on the way: it counts once.
        let receipt = tower.http().post_batch(ledger.sent.last().unwrap()).expect(202);
        assert_eq!((&receipt["accepted"], &receipt["rejected"]), (&json!(0), &json!(0)), "{receipt}");
        ledger.holds(&tower.http());
    }
    let client = tower.http();
    trim_behind(&client, early, &mut ledger, &mut random);
    let lost = "readers that were too far behind no longer keep segments of the journal";
    assert!(tower.log().contains(lost), "quarantine was too far behind: {}", tower.log());
    assert!(metric(&client, "tidewatch_journal_holds_lost").is_some());
    for events in &ledger.sent {
        let receipt = client.post_batch(events).expect(202);
        assert_eq!(receipt["duplicates"], events.len(), "known though its record is gone: {receipt}");
    }
    ledger.holds(&client);

    // The feed: what followed the position is gone, so everything is told anew.
    let (mut feed, _) = Feed::hello(&client);
    let subscribed = feed.subscribe("old", &["exceptions"], Some(&position), false);
    assert_eq!(
        (&subscribed["recovered"], &subscribed["reason"]),
        (&json!(false), &json!("position_expired"))
    );
    assert!(!feed.snapshot("old", "exceptions").is_empty());
    let fresh = client.get("/api/v1/stats").expect(200)["position"].as_str().unwrap().to_owned();
    let subscribed = feed.subscribe("fresh", &["exceptions"], Some(&fresh), false);
    assert_eq!((&subscribed["recovered"], &subscribed["reason"]), (&json!(true), &Value::Null));
    let strange = fresh.replace('-', "x-");
    let subscribed = feed.subscribe("strange", &["exceptions"], Some(&strange), false);
    assert_eq!(
        (&subscribed["recovered"], &subscribed["reason"]),
        (&json!(false), &json!("unknown_position"))
    );

    // Reads by record.
    command(&client).expect_problem(410, "position_expired");
    let kept = client.get(&entry).expect(200);
    assert_eq!((&kept["event"], &kept["event_trimmed"]), (&Value::Null, &json!(true)), "{kept}");
    let retry = |body: &[u8]| {
        let headers = [("Content-Type", "application/cloudevents+json")];
        client.send("POST", &format!("{entry}/retry"), &headers, body)
    };
    retry(b"").expect_problem(410, "position_expired");
    let edited = event("inventory.counted", "edited", json!({"sku": "Q", "location": "L", "on_hand": 3}));
    retry(edited.to_string().as_bytes()).expect(202);
    client.get("/api/v1/sku-locations/T1/L/why").expect(200);

    // From outside, with the tower beside.
    let data = tower.data();
    let inspected = run(&["inspect", "--limit", "1", "--data"], &[&data]);
    assert!(inspected.status.success(), "{}", told(&inspected));
    let target = data.with_file_name("backup");
    let backup = run(&["backup", "--data"], &[&data, &target]);
    assert!(backup.status.success(), "{}", told(&backup));
    tower.kill();

    // Without a snapshot it is refused, and nothing is changed.
    let (generations, away) = (data.join("generations"), data.join("away"));
    std::fs::rename(&generations, &away).unwrap();
    let refused = tower.command(&["serve", "--dev", "--listen", "127.0.0.1:0"]);
    let why = told(&refused);
    assert!(!refused.status.success() && why.contains("what came before was trimmed"), "{why}");
    let _ = std::fs::remove_dir_all(&generations);
    std::fs::rename(&away, &generations).unwrap();
    tower.start_again();
    ledger.holds(&tower.http());
    drop(feed);
    drop(client);

    // The backup holds the snapshot that it needs.
    let restored = Tower::launch()
        .dev()
        .configuration(CONFIGURATION)
        .prepare(move |directory| {
            let output = run(&["restore"], &[&target, Path::new("--data"), &directory.join("data")]);
            assert!(output.status.success(), "{}", told(&output));
        })
        .start();
    let client = restored.http();
    ledger.holds(&client);
    let receipt = client.post_batch(&ledger.sent[0]).expect(202);
    assert_eq!(receipt["accepted"], 0, "{receipt}");
    assert!(first_lsn(&client) > early);
}
