//! An entity whose code fails on a record, in a whole tower behind its HTTP door: what it costs the others (nothing),
//! what is seen of it, and how it goes on.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix_web::web;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::tower::{TenantOptions, Tower, TowerOptions};
use crate::auth::{KeyCache, KeyStore};
use crate::config::Config;
use crate::domain::ids::Name;
use crate::domain::money::Currency;
use crate::domain::record::ClockKind;
use crate::domain::settings::Settings;
use crate::domain::sku_location::testing::poison;
use crate::feed::{self, Hub};
use crate::http::state::{AppState, ConsoleSettings};
use crate::http::{Serving, serve};
use crate::journal::envelope::decode_record;

mod trimmed;

const SOON: Duration = Duration::from_secs(20);
/// Sales of something else: enough for a release to come while a state is still being made anew.
const OTHERS: usize = 3_000;

fn options(data: &Path) -> TowerOptions {
    TowerOptions {
        data: data.to_owned(),
        shards: 2,
        segment_bytes_max: 1 << 24,
        group_records_max: 1_000,
        group_bytes_max: 1 << 20,
        duplicate_window_events: 1_000,
        compress_sealed: true,
        trim: crate::runtime::TrimOptions::default(),
        records_max: 10_000,
        bytes_max: 1 << 24,
        batch_records_max: 4,
        reconcile_budget: Duration::from_millis(20),
        review_slice: 100,
        look_slice: 100,
        look_again: Duration::from_secs(1),
        look_again_percent: 25,
        replay_records_in_flight_max: 1_000,
        quarantine_entries_max: 1_000,
        exceptions_ended_max: 1_000,
        state_interval: Duration::from_millis(200),
        snapshot_journal_bytes: 1 << 30,
        snapshot_slice_entities: 16,
        entities_live_max: 1_000_000,
        packed_bytes_max: 1 << 30,
        snapshot_free_bytes_min: 0,
        settings: Settings::default(),
        settings_hash: String::new(),
        tenants: vec![TenantOptions {
            name: Name::from("default"),
            clock: ClockKind::Wall,
            insists_on_clock: false,
            base_currency: Currency::parse("EUR").unwrap(),
            timezone: Name::from("UTC"),
        }],
    }
}

/// A tower on a thread of its own.
struct House {
    address: SocketAddr,
    tower: Arc<Tower>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl House {
    fn start(data: &Path) -> House {
        House::start_with(options(data))
    }

    fn start_with(options: TowerOptions) -> House {
        let keys = KeyCache::open(KeyStore::new(&options.data)).unwrap();
        let (ready, started) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let run = async move {
            let (state_sink, journal_sink, inlet) = feed::channel();
            let (done, recovered) = oneshot::channel();
            let tower = Tower::start(options, state_sink, journal_sink, done).unwrap();
            let config = Config::default();
            let hub = Hub::start(inlet, tower.clone(), config.feed.clone()).unwrap();
            let state = web::Data::new(AppState {
                tower: tower.clone(),
                config,
                keys,
                dev: true,
                console: ConsoleSettings::default(),
            });
            let Serving { address, server } = serve(state, hub, "127.0.0.1:0".parse().unwrap()).unwrap();
            let handle = server.handle();
            actix_web::rt::spawn(server);
            recovered.await.unwrap().unwrap();
            ready.send((address, tower.clone())).unwrap();
            let _ = stopped.await;
            assert!(tower.drain(SOON).await, "the tower drains");
            handle.stop(false).await;
        };
        let thread = std::thread::spawn(move || actix_web::rt::System::new().block_on(run));
        let (address, tower) = started.recv_timeout(SOON).expect("the tower starts");
        House { address, tower, stop: Some(stop), thread: Some(thread) }
    }

    fn restart(self, data: &Path) -> House {
        self.stop();
        House::start(data)
    }

    fn stop(mut self) {
        self.end().unwrap();
    }

    fn end(&mut self) -> std::thread::Result<()> {
        drop(self.stop.take());
        self.thread.take().map_or(Ok(()), JoinHandle::join)
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: {length}\r\n\
             Content-Type: application/cloudevents-batch+json\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    /// Sends events `(type, id, data)` that must all be taken; gives the LSN of the last.
    #[track_caller]
    fn send(&self, events: &[(&str, &str, Value)]) -> u64 {
        let events: Vec<Value> = events
            .iter()
            .map(|(kind, id, data)| {
                json!({"specversion": "1.0", "source": "/t", "type": kind, "id": id, "data": data})
            })
            .collect();
        let (status, receipt) = self.ask("POST", "/api/v1/events", &json!(events).to_string());
        assert_eq!((status, &receipt["accepted"]), (202, &json!(events.len())), "{receipt}");
        receipt["lsn"].as_u64().unwrap()
    }

    /// Waits until everything up to `lsn` is settled: it must not take for ever.
    #[track_caller]
    fn settled(&self, lsn: u64) {
        let (status, answer) = self.ask("GET", &format!("/api/v1/stats?at_least={lsn}&settled=true"), "");
        assert_eq!(status, 200, "{answer}");
    }

    fn place(&self, sku: &str) -> Value {
        let (status, answer) = self.ask("GET", &format!("/api/v1/sku-locations/{sku}/L"), "");
        // 503 while it is being rebuilt.
        if status == 200 { answer } else { Value::Null }
    }

    /// Waits until a place shows this stock, and whether it stands still.
    #[track_caller]
    fn shows(&self, sku: &str, on_hand: i64, failed_at: Option<u64>) {
        let deadline = Instant::now() + SOON;
        loop {
            let seen = self.place(sku);
            if seen["on_hand"] == on_hand && seen["failed_at"] == json!(failed_at) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{sku}: wanted {on_hand}, failed at {failed_at:?}; there is {} failed at {}",
                seen["on_hand"],
                seen["failed_at"]
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The entries of failed entities.
    fn failed(&self) -> Vec<Value> {
        let (status, answer) = self.ask("GET", "/api/v1/quarantine", "");
        assert_eq!(status, 200, "{answer}");
        let items = answer["items"].as_array().unwrap().iter();
        items.filter(|item| item["reason"] == "entity_failed").cloned().collect()
    }

    #[track_caller]
    fn one_failed(&self) -> Value {
        let deadline = Instant::now() + SOON;
        loop {
            let mut failed = self.failed();
            if failed.len() == 1 {
                return failed.remove(0);
            }
            assert!(failed.is_empty() && Instant::now() < deadline, "{failed:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Lets a failed entity go on, without the record or with it.
    #[track_caller]
    fn release(&self, entry: &Value, skip: bool) {
        let id = entry["id"].as_str().unwrap();
        let (status, answer) = match skip {
            true => self.ask("DELETE", &format!("/api/v1/quarantine/{id}"), ""),
            false => self.ask("POST", &format!("/api/v1/quarantine/{id}/retry"), ""),
        };
        assert!(status == 200 || status == 202, "{status} {answer}");
        self.settled(answer["lsn"].as_u64().unwrap());
    }

    /// How often the journal has each record type.
    fn journaled(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for record in self.tower.running().unwrap().reader.read_from(1) {
            let (_, bytes) = record.unwrap();
            let (envelope, _) = decode_record(&bytes).unwrap();
            *counts.entry(envelope.record_type.to_owned()).or_default() += 1;
        }
        counts
    }

    fn quarantined_records(&self) -> usize {
        self.journaled().get("entity.quarantined").copied().unwrap_or(0)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

fn sale(sku: &str, quantity: i64) -> Value {
    json!({"sku": sku, "location": "L", "quantity": quantity})
}

/// A tower in which the entity of SKU `A` failed on a sale of 5 between sales of 1 and 2, with `B` beside it; and the
/// LSN of that sale.
fn failed(data: &Path, poison: &str) -> (House, u64) {
    failed_after(data, poison, 0)
}

/// The same after that many sales of something else: the more, the longer it takes to make a state anew.
fn failed_after(data: &Path, poison: &str, others: usize) -> (House, u64) {
    let house = House::start(data);
    let others: Vec<String> = (0..others).map(|n| format!("other-{n}")).collect();
    for ids in others.chunks(500) {
        let events: Vec<_> = ids.iter().map(|id| ("pos.sale", id.as_str(), sale("C", 1))).collect();
        house.send(&events);
    }
    let last = house.send(&[
        ("pos.sale", "a1", sale("A", 1)),
        ("pos.sale", "b1", sale("B", 1)),
        ("pos.sale", poison, sale("A", 5)),
        ("pos.sale", "a2", sale("A", 2)),
        ("pos.sale", "b2", sale("B", 1)),
    ]);
    house.settled(last);
    (house, last - 2)
}

#[test]
fn an_entity_that_fails_stands_still_visibly_and_the_others_go_on() {
    let data = tempfile::tempdir().unwrap();
    let _poison = poison("stands-still");
    let (house, at) = failed(data.path(), "stands-still");
    house.shows("A", -1, Some(at));
    house.shows("B", -2, None);
    let entry = house.one_failed();
    assert_eq!((&entry["code"], &entry["event_lsn"]), (&json!("entity_failed"), &json!(at)), "{entry}");
    assert_eq!(entry["event"]["id"], "stands-still");
    assert!(entry["entity"].as_str().unwrap().contains('A'), "{entry}");

    let last = house.send(&[("pos.sale", "a3", sale("A", 7)), ("pos.sale", "b3", sale("B", 1))]);
    house.settled(last);
    house.shows("A", -1, Some(at));
    house.shows("B", -3, None);
    assert_eq!(house.quarantined_records(), 1);

    let before = house.journaled();
    let house = house.restart(data.path());
    house.shows("A", -1, Some(at));
    house.shows("B", -3, None);
    assert_eq!(house.one_failed(), entry, "the same entry as before the restart");
    house.settled(before.values().sum::<usize>() as u64 + 1);
    let mut after = house.journaled();
    *after.get_mut("tower.started").unwrap() -= 1;
    assert_eq!(after, before, "the restart journaled its start and nothing again");
    let last = house.send(&[("pos.sale", "b4", sale("B", 1))]);
    house.settled(last);
    house.shows("B", -4, None);
}

#[test]
fn left_out_the_record_has_no_effect_and_everything_else_has() {
    let data = tempfile::tempdir().unwrap();
    let _poison = poison("left-out");
    let (house, at) = failed(data.path(), "left-out");
    house.shows("A", -1, Some(at));
    let entry = house.one_failed();
    house.release(&entry, true);
    house.shows("A", -3, None);
    assert!(house.failed().is_empty());
    let last = house.send(&[("pos.sale", "a3", sale("A", 10))]);
    house.settled(last);
    house.shows("A", -13, None);
    assert_eq!(house.quarantined_records(), 1);
}

#[test]
fn tried_again_with_better_code_the_record_counts() {
    let data = tempfile::tempdir().unwrap();
    let poison = poison("tried-again");
    let (house, at) = failed(data.path(), "tried-again");
    house.shows("A", -1, Some(at));
    let entry = house.one_failed();
    drop(poison);
    house.release(&entry, false);
    house.shows("A", -8, None);
    assert!(house.failed().is_empty());
    let last = house.send(&[("pos.sale", "a3", sale("A", 10))]);
    house.settled(last);
    house.shows("A", -18, None);
}

#[test]
fn tried_again_with_the_same_code_it_fails_again_and_says_so_once() {
    let data = tempfile::tempdir().unwrap();
    let _poison = poison("fails-again");
    let (house, at) = failed(data.path(), "fails-again");
    house.shows("A", -1, Some(at));
    let entry = house.one_failed();
    house.release(&entry, false);
    house.shows("A", -1, Some(at));
    let again = house.one_failed();
    assert_ne!(again["id"], entry["id"]);
    assert_eq!(again["event_lsn"], at);
    assert_eq!(house.quarantined_records(), 2);
    house.release(&again, true);
    house.shows("A", -3, None);
}

#[test]
fn a_release_that_comes_at_once_gives_the_whole_state() {
    let data = tempfile::tempdir().unwrap();
    let _poison = poison("at-once");
    let (house, _) = failed_after(data.path(), "at-once", OTHERS);
    // Not waiting for the state before the record: that is being made while the release comes.
    let entry = house.one_failed();
    house.release(&entry, true);
    house.shows("A", -3, None);
}

#[test]
fn a_released_entity_is_the_same_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let _poison = poison("released");
    let (house, at) = failed_after(data.path(), "released", OTHERS);
    house.shows("A", -1, Some(at));
    house.release(&house.one_failed(), true);
    let last = house.send(&[("pos.sale", "a3", sale("A", 10))]);
    house.settled(last);
    house.shows("A", -13, None);
    let house = house.restart(data.path());
    house.shows("A", -13, None);
    assert!(house.failed().is_empty());
    assert_eq!(house.quarantined_records(), 1);
}

#[test]
fn an_entity_that_failed_twice_on_a_record_is_quarantined_no_more_often_by_restarts() {
    let data = tempfile::tempdir().unwrap();
    let _poison = poison("restarted");
    let (house, at) = failed(data.path(), "restarted");
    house.shows("A", -1, Some(at));
    house.release(&house.one_failed(), false);
    house.shows("A", -1, Some(at));
    let entry = house.one_failed();
    assert_eq!(house.quarantined_records(), 2);
    let house = house.restart(data.path());
    house.shows("A", -1, Some(at));
    let last = house.send(&[("pos.sale", "b3", sale("B", 1))]);
    house.settled(last);
    assert_eq!(house.one_failed(), entry);
    assert_eq!(house.quarantined_records(), 2);
}

#[test]
fn a_second_failure_shows_the_state_before_the_second_record() {
    let data = tempfile::tempdir().unwrap();
    let _poisons = (poison("first"), poison("second"));
    let (house, at) = failed(data.path(), "first");
    house.shows("A", -1, Some(at));
    house.release(&house.one_failed(), true);
    house.shows("A", -3, None);
    let last = house.send(&[("pos.sale", "a3", sale("A", 10)), ("pos.sale", "second", sale("A", 100))]);
    house.settled(last);
    house.shows("A", -13, Some(last));
    house.release(&house.one_failed(), true);
    house.shows("A", -13, None);
}

#[test]
fn a_record_that_waited_for_its_document_fails_where_it_takes_effect() {
    let data = tempfile::tempdir().unwrap();
    let _poison = poison("waited");
    let house = House::start(data.path());
    let line = json!({"order_id": "O", "line_id": "1", "sku": "A", "location": "L", "quantity": 5});
    let last = house.send(&[
        ("pos.sale", "a1", sale("A", 1)),
        ("order.shipped", "waited", json!({"order_id": "O", "line_id": "1", "quantity": 5})),
        ("pos.sale", "a2", sale("A", 2)),
        ("order.placed", "placed", line),
        ("pos.sale", "a3", sale("A", 4)),
    ]);
    house.settled(last);
    let entry = house.one_failed();
    assert_eq!(entry["event"]["id"], "waited");
    // Both sales before the line was placed had taken effect when it failed.
    house.shows("A", -3, Some(last - 3));
    assert_eq!(house.place("A")["reserved"], 5);
    house.release(&entry, true);
    house.shows("A", -7, None);
}

#[test]
fn a_released_entity_that_is_alone_settles_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let poison = poison("alone");
    let house = House::start(data.path());
    // Described beforehand, so that no subject stands beside it.
    house.send(&[
        ("item.described", "item", json!({"sku": "A"})),
        ("location.described", "location", json!({"location": "L"})),
        ("pos.sale", "alone", sale("A", 5)),
    ]);
    let entry = house.one_failed();
    house.shows("A", 0, entry["event_lsn"].as_u64());
    drop(poison);
    house.release(&entry, false);
    house.shows("A", -5, None);
    // Its state is made anew while these are replayed, which is before anything reconciles.
    let items: Vec<String> = (0..2_000).map(|n| format!("item-{n}")).collect();
    let mut last = 0;
    for ids in items.chunks(500) {
        let events: Vec<_> =
            ids.iter().map(|id| ("item.described", id.as_str(), json!({"sku": id}))).collect();
        last = house.send(&events);
    }
    house.settled(last);
    let house = house.restart(data.path());
    house.shows("A", -5, None);
    house.settled(last);
}
