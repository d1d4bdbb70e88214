//! Entities that rest without an actor: nobody can tell, but by the figures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use common::{Client, Tower, eventually};
use serde_json::{Value, json};

const PLACES: u64 = 3_000;
const LIVE_MAX: u64 = 100;

fn configuration(packed_bytes_max: u64) -> String {
    format!(
        "[runtime]\nshards = 2\nentities_live_max = {LIVE_MAX}\nentities_packed_bytes_max = {packed_bytes_max}\n"
    )
}

fn sku(n: u64) -> String {
    format!("S{n:05}")
}

fn event(id: &str, kind: &str, hour: u32, data: Value) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/wms", "type": kind,
        "time": format!("2026-03-02T{hour:02}:00:00Z"), "data": data,
    })
}

/// Counts every place: place `n` has `n`.
fn tell(client: &Client) {
    tell_of(client, PLACES);
}

fn tell_of(client: &Client, places: u64) {
    let events: Vec<Value> = (0..places)
        .map(|n| {
            let data = json!({"sku": sku(n), "location": "L1", "on_hand": n});
            event(&format!("c{n}"), "inventory.counted", 8, data)
        })
        .collect();
    for some in events.chunks(500) {
        let lsn = client.post_batch(some).expect(202)["lsn"].as_u64().unwrap();
        assert_eq!(client.settled("/api/v1/stats", lsn).status, 200);
    }
}

/// Receives one piece more at some places.
fn receive(client: &Client, places: impl Iterator<Item = u64>) {
    let events: Vec<Value> = places
        .map(|n| {
            let data = json!({"sku": sku(n), "location": "L1", "delta": 1, "reason": "found"});
            event(&format!("a{n}"), "inventory.adjusted", 9, data)
        })
        .collect();
    let lsn = client.post_batch(&events).expect(202)["lsn"].as_u64().unwrap();
    assert_eq!(client.settled("/api/v1/stats", lsn).status, 200);
}

fn on_hand(client: &Client, n: u64) -> Value {
    client.get(&format!("/api/v1/sku-locations/{}/L1", sku(n))).expect(200)["on_hand"].clone()
}

/// The sum of a figure over all shards or labels.
fn figure(client: &Client, name: &str, label: &str) -> u64 {
    let metrics = client.get("/metrics").text();
    let of = |line: &str| line.starts_with(&format!("tidewatch_{name}{{")) && line.contains(label);
    let lines = metrics.lines().filter(|line| of(line));
    lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()).sum()
}

fn rests(client: &Client, live_max: u64) {
    eventually("idle entities rest", || (figure(client, "entities_live", "") <= live_max).then_some(()));
}

#[test]
fn idle_entities_rest_in_memory_then_on_the_disk_and_wake_as_they_were() {
    let mut tower = Tower::launch().dev().configuration(&configuration(0)).start();
    let client = tower.http();
    tell(&client);
    rests(&client, LIVE_MAX);
    let packed = figure(&client, "entities_packed", "");
    assert!(packed >= PLACES - LIVE_MAX, "{packed}");
    assert!(figure(&client, "entities_packed_bytes", "") > packed * 50);
    assert_eq!(figure(&client, "entities_stored", ""), 0, "no snapshot has them");

    assert_eq!(client.send("POST", "/api/v1/snapshots", &[], b"").expect(200)["number"], 1);
    eventually("what a snapshot has is let go", || {
        (figure(&client, "entities_packed", "") == 0).then_some(())
    });
    assert!(figure(&client, "entities_stored", "") >= PLACES - LIVE_MAX);

    // Those that rest are told something, and are read.
    receive(&client, (0..PLACES).step_by(7));
    assert!(figure(&client, "activations_total", "disk") > PLACES / 8);
    for n in (0..PLACES).step_by(5) {
        assert_eq!(on_hand(&client, n), json!(n + u64::from(n % 7 == 0)), "{}", sku(n));
    }
    rests(&client, LIVE_MAX);
    // The next snapshot copies what nobody woke up.
    assert_eq!(client.send("POST", "/api/v1/snapshots", &[], b"").expect(200)["number"], 2);
    assert_eq!(client.send("POST", "/api/v1/snapshots", &[], b"").expect(200)["number"], 2, "nothing new");
    receive(&client, (1..PLACES).step_by(7));
    assert_eq!(client.send("POST", "/api/v1/snapshots", &[], b"").expect(200)["number"], 3);
    tower.kill();
    tower.start_again();
    let client = tower.http();
    assert_eq!(client.get("/readyz").expect(200)["generation"], 3);
    rests(&client, LIVE_MAX);
    // Reading wakes nobody.
    let woken = figure(&client, "activations_total", "");
    for n in 0..PLACES {
        assert_eq!(on_hand(&client, n), json!(n + u64::from(n % 7 < 2)), "{}", sku(n));
    }
    assert_eq!(client.list("/api/v1/sku-locations?sort=-on_hand").len() as u64, PLACES);
    assert_eq!(figure(&client, "activations_total", ""), woken);
    assert_eq!(figure(&client, "activations_total", "journal"), 0);
}

/// Nobody asks for a snapshot, and the journal is short: the memory that the resting ones take is reason enough.
#[test]
fn what_rests_in_too_much_memory_is_let_go_through_a_snapshot() {
    const MANY: u64 = 30_000;
    let tower = Tower::launch().dev().configuration(&configuration(0)).start();
    let client = tower.http();
    tell_of(&client, MANY);
    rests(&client, LIVE_MAX);
    eventually("a snapshot lets them go", || {
        let stored = figure(&client, "entities_stored", "");
        (stored > MANY / 2 && figure(&client, "entities_packed_bytes", "") < 5 << 20).then_some(())
    });
    assert!(client.get("/metrics").text().contains("\ntidewatch_snapshot_failures 0\n"));
    assert_eq!(on_hand(&client, MANY - 1), json!(MANY - 1));
}

/// Every entity has to look when what it is judged by changes: they do in turns, and rest again.
#[test]
fn another_configuration_wakes_all_in_turns() {
    let rest = configuration(0) + "look_slice = 20\n";
    let mut tower = Tower::launch().dev().configuration(&rest).start();
    tell(&tower.http());
    tower.http().send("POST", "/api/v1/snapshots", &[], b"").expect(200);
    tower.kill();
    tower.configure(&format!("{rest}[sku_location]\nlateness_hours = 49\n"));
    tower.start_again();
    let client = tower.http();
    assert_eq!(client.get("/readyz").expect(200)["generation"], 1);
    let most = std::cell::Cell::new(0);
    eventually("all have looked", || {
        most.set(most.get().max(figure(&client, "entities_live", "")));
        (figure(&client, "activations_total", "disk") >= PLACES - LIVE_MAX).then_some(())
    });
    rests(&client, LIVE_MAX);
    assert!(most.get() < PLACES / 2, "{} at once", most.get());
}

#[test]
fn what_the_disk_does_not_give_back_is_made_anew_from_the_journal() {
    let tower = Tower::launch().dev().configuration(&configuration(0)).start();
    let client = tower.http();
    tell(&client);
    rests(&client, LIVE_MAX);
    client.send("POST", "/api/v1/snapshots", &[], b"").expect(200);
    eventually("what a snapshot has is let go", || {
        (figure(&client, "entities_packed", "") == 0).then_some(())
    });
    // Under the tower's hands.
    let generation =
        std::fs::read_dir(tower.data().join("generations")).unwrap().next().unwrap().unwrap().path();
    let database = std::fs::File::options().write(true).open(generation.join("db")).unwrap();
    database.set_len(4_096).unwrap();
    receive(&client, (0..PLACES).step_by(300));
    for n in (0..PLACES).step_by(150) {
        // Until it is made anew it says so.
        let path = format!("/api/v1/sku-locations/{}/L1", sku(n));
        let read = eventually("it is made anew", || {
            let answer = client.get(&path);
            (answer.json()["code"] != "rebuilding").then_some(answer)
        });
        assert_eq!(read.expect(200)["on_hand"], json!(n + u64::from(n % 300 == 0)), "{}", sku(n));
    }
    assert!(figure(&client, "activations_total", "journal") > 0);
}
