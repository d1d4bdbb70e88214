//! The feed across dropped sockets, clean restarts and kills: what a client pieces together, each time from the
//! position it saw last, is the one sequence that a client sees which asks for all of it at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::feed::Feed;
use common::{Batch, Client, Random, Tower, count_from_environment};
use serde_json::{Value, json};

const SKUS: u64 = 12;

/// What a client notes of an event: LSN, kind, item, revision and state.
type Noted = (u64, String, String, u64, String);

struct Follower {
    feed: Option<Feed>,
    position: String,
    noted: Vec<Noted>,
}

impl Follower {
    fn take(&mut self, frame: &Value) {
        if frame["type"] != "event" {
            return;
        }
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let item = &frame["item"];
        self.noted.push((
            frame["lsn"].as_u64().expect("an lsn"),
            text(&frame["kind"]),
            text(&item["id"]),
            item["revision"].as_u64().expect("a revision"),
            text(&item["state"]),
        ));
        self.position = text(&frame["position"]);
    }

    /// Connects and goes on where it was.
    #[track_caller]
    fn follow(&mut self, client: &Client) {
        let (mut feed, _) = Feed::hello(client);
        let subscribed = feed.subscribe("f", &["exceptions"], Some(&self.position), false);
        assert_eq!(subscribed["recovered"], true, "{subscribed}");
        self.feed = Some(feed);
    }

    /// Notes everything up to the shortage of this SKU.
    #[track_caller]
    fn until_shortage_of(&mut self, sku: &str) {
        let mut feed = self.feed.take().expect("connected");
        feed.until(sku, |frame| {
            assert_ne!(frame["type"], "snapshot", "a continued subscription needs none: {frame}");
            self.take(frame);
            frame["type"] == "event"
                && frame["item"]["type"] == "shortage_now"
                && frame["item"]["subject"]["sku"] == sku
        });
        self.feed = Some(feed);
    }

    /// Notes a few more frames, whatever they are, and drops the socket without a word.
    fn drop_somewhere(&mut self, frames: u64) {
        let mut feed = self.feed.take().expect("connected");
        for _ in 0..frames {
            match feed.next(Duration::from_millis(500)) {
                Some(frame) => self.take(&frame),
                None => break,
            }
        }
    }
}

/// Counts stock of orders that wait up and down, so that shortages come and go.
fn wobble(client: &Client, random: &mut Random, round: u64, steps: u64) {
    let mut batch = Batch::new(&format!("wobble-{round}-{}", random.next()));
    for _ in 0..steps {
        let sku = format!("wobble-{}", random.below(SKUS));
        let on_hand = if random.chance(50) { 0 } else { 1000 };
        batch.add("inventory.counted", json!({"sku": sku, "location": "L1", "on_hand": on_hand}));
        if random.chance(40) {
            client.accept(&batch.take());
        }
    }
    if !batch.events.is_empty() {
        client.accept(&batch.take());
    }
}

fn shortage(client: &Client, sku: &str) {
    let mut batch = Batch::new(&format!("order-{sku}"));
    batch.add(
        "order.placed",
        json!({"order_id": sku, "line_id": "1", "sku": sku, "location": "L1", "quantity": 5}),
    );
    client.accept(&batch.take());
}

#[test]
fn resumed_pieces_make_one_gapless_sequence() {
    let mut tower = Tower::dev();
    let seed = count_from_environment("TIDEWATCH_FIRST_SEED", 1);
    eprintln!("seed {seed}");
    let mut random = Random::new(seed);
    let (first, hello) = Feed::hello(&tower.http());
    drop(first);
    let beginning = hello["position"].as_str().expect("a position").to_owned();
    let mut follower = Follower { feed: None, position: beginning.clone(), noted: Vec::new() };
    follower.follow(&tower.http());
    for number in 0..SKUS {
        shortage(&tower.http(), &format!("wobble-{number}"));
    }
    shortage(&tower.http(), "sentinel-start");
    follower.until_shortage_of("sentinel-start");

    for round in 0..6 {
        wobble(&tower.http(), &mut random, round, 30);
        follower.drop_somewhere(random.below(20));
        wobble(&tower.http(), &mut random, round, 20);
        match round % 3 {
            0 => {}
            1 => {
                tower.stop();
                tower.start_again();
            }
            _ => {
                tower.kill();
                tower.start_again();
            }
        }
        follower.follow(&tower.http());
        wobble(&tower.http(), &mut random, round, 20);
        let sentinel = format!("sentinel-{round}");
        shortage(&tower.http(), &sentinel);
        follower.until_shortage_of(&sentinel);
    }

    let (_, again) = Feed::hello(&tower.http());
    assert_eq!(again["epoch"], hello["epoch"], "the epoch survives restarts");
    // The last start was from a snapshot that begins far behind the witness's position: what comes before it is in the
    // journal alone, and so is which transitions were no-ops.
    let ready = tower.http().get("/readyz").expect(200);
    let snapshots = tower.http().get("/api/v1/snapshots").expect(200);
    assert!(ready["generation"].is_u64() && snapshots["items"][0]["lsn"].as_u64() > Some(100), "{snapshots}");
    let mut witness = Follower { feed: None, position: beginning, noted: Vec::new() };
    witness.follow(&tower.http());
    witness.until_shortage_of("sentinel-5");

    assert!(follower.noted.len() > 20, "too little happened: {}", follower.noted.len());
    assert_eq!(
        follower.noted.len(),
        witness.noted.len(),
        "pieced together {:?}\nat once {:?}",
        follower.noted,
        witness.noted
    );
    assert_eq!(follower.noted, witness.noted);
    assert!(witness.noted.is_sorted_by_key(|noted| noted.0), "in LSN order");
    let mut last: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (lsn, kind, item, revision, _) in &witness.noted {
        let known = last.insert(item, (*lsn, *revision));
        assert!(known.is_none_or(|(l, r)| l < *lsn && r < *revision), "{item} goes forward");
        assert!(known.is_some() || kind == "exception.opened", "{item} begins with {kind}");
    }
    // And the end of the story, once all of it is told, is what the reads say.
    let lsn = tower.http().get("/api/v1/stats").expect(200)["lsn"].as_u64().unwrap();
    assert_eq!(tower.http().settled("/api/v1/exceptions?limit=1", lsn).status, 200);
    witness.drop_somewhere(100);
    let listed = tower.http().list("/api/v1/exceptions");
    let mut open: BTreeMap<&str, &str> = BTreeMap::new();
    for (_, _, item, _, state) in &witness.noted {
        open.insert(item, state);
    }
    open.retain(|_, state| *state != "cleared" && *state != "resolved");
    let listed: BTreeMap<&str, &str> =
        listed.iter().map(|item| (item["id"].as_str().unwrap(), item["state"].as_str().unwrap())).collect();
    assert_eq!(open, listed);
}

#[test]
fn a_clean_stop_tells_sockets_and_keeps_positions() {
    let mut tower = Tower::dev();
    let (mut feed, _) = Feed::hello(&tower.http());
    feed.subscribe("q", &["exceptions"], None, false);
    shortage(&tower.http(), "stopped");
    let event = feed
        .until("the shortage", |frame| frame["type"] == "event" && frame["item"]["type"] == "shortage_now");
    let id = event["item"]["id"].clone();
    tower.stop();
    while feed.next(Duration::from_secs(5)).is_some() {}
    let (code, reason) = feed.closed.clone().expect("the socket ends with the tower");
    assert_ne!(code, 1006, "sockets are told before the end: {reason}");
    tower.start_again();
    // From the event on: it is not told again, and nothing was opened anew by the restart.
    let (mut feed, _) = Feed::hello(&tower.http());
    let subscribed = feed.subscribe("q", &["exceptions"], event["position"].as_str(), false);
    assert_eq!(subscribed["recovered"], true, "{subscribed}");
    shortage(&tower.http(), "after-stop");
    feed.until("the next shortage", |frame| {
        assert!(frame["type"] != "event" || frame["item"]["id"] != id, "told again: {frame}");
        frame["type"] == "event"
            && frame["item"]["subject"]["sku"] == "after-stop"
            && frame["item"]["type"] == "shortage_now"
    });
}
