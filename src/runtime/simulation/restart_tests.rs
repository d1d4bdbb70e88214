//! Single stories on the simulated tower, where time and the wall go as they are told: about restarts, and about who waits.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::client::{TENANT, pending};
use super::clock;
use super::common::events::at;
use super::common::random::Random;
use super::disk::Disk;
use super::house::House;
use super::scenario::{DAY, FIRST_DAY, options};
use super::snapshots::Step;
use crate::domain::command::{Actor, ActorKind, Command};
use crate::domain::exception::command::{ExceptionAction, ExceptionCommand};
use crate::domain::exception::{ExceptionChange, ExceptionType};
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::record::{Body, ClockKind, Transition};
use crate::domain::sku_location::testing::{looks, poison};
use crate::domain::time::Timestamp;
use crate::runtime::admission::Credits;
use crate::runtime::commands::{CommandDone, CommandError, Idempotency};
use crate::runtime::shard::looks_testing;
use crate::runtime::snapshots::rewrite_as_older;
use crate::runtime::snapshots::testing::as_another_build;
use crate::runtime::{Outcome, Submission, TowerOptions, Written, codec};

/// Steps until all that follows from something has followed: 12 s of virtual time.
const ROUNDS: usize = 600;
const ROUND: Duration = Duration::from_millis(20);
/// The wall at the start of the first life, in seconds since the epoch.
const NOON: i64 = FIRST_DAY + DAY / 2;

/// A data directory over several lives of a tower on the wall clock.
struct Story {
    random: Random,
    /// Where its snapshots are.
    _data: TempDir,
    disk: Disk,
    options: TowerOptions,
}

impl Story {
    fn new() -> Story {
        let mut random = Random::new(1);
        let data = tempfile::tempdir().unwrap();
        let options = TowerOptions {
            segment_bytes_max: 1 << 24,
            group_records_max: 100,
            records_max: 10_000,
            bytes_max: 1 << 24,
            batch_records_max: 16,
            shards: 2,
            ..options(&mut random, data.path(), ClockKind::Wall)
        };
        Story { random, disk: Disk::new(1), options, _data: data }
    }

    /// Starts a tower while the wall shows that second, lets it come to rest, does something with it, and kills it.
    fn live<T>(&mut self, wall: i64, act: impl AsyncFnOnce(&mut House, &mut Random) -> T) -> T {
        let runtime = || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_all().start_paused(true).build().unwrap()
        };
        self.disk.begin();
        let system = actix_rt::System::with_tokio_rt(runtime);
        let Story { random, disk, options, .. } = self;
        let (told, snapshotter) = system.block_on(async {
            clock::set(Timestamp::from_micros(wall * 1_000_000));
            let booted = House::boot(options, disk, random, false, &mut BTreeSet::new()).await;
            let mut house = booted.ok().expect("nothing breaks");
            let snapshotter = house.snapshotter.take();
            settle(&mut house).await;
            (act(&mut house, random).await, snapshotter)
        });
        // Actors that never ran begin when they are dropped, and then want a clock.
        let handle = system.block_on(async { tokio::runtime::Handle::current() });
        let within = handle.enter();
        drop(system);
        drop(within);
        snapshotter.unwrap().join().unwrap();
        self.disk.end();
        clock::stop();
        told
    }
}

async fn settle(house: &mut House) {
    for _ in 0..ROUNDS {
        house.step_writer().unwrap();
        house.step_dispatcher();
        house.step_rebuilds();
        tokio::time::sleep(ROUND).await;
    }
    let progress = &house.running.progress;
    assert!(house.is_idle() && progress.applied() == progress.durable(), "it comes to rest");
    assert_eq!(progress.unsettled_count(), 0, "invariant 25");
}

/// Tells these events `(type, id, data)`, of now, all of them new; gives the LSN of the last.
async fn tell(house: &mut House, events: &[(&str, &str, Value)]) -> Lsn {
    let outcomes = send(house, events).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Accepted(_))), "{outcomes:?}");
    outcomes.last().unwrap().lsn()
}

async fn send(house: &mut House, events: &[(&str, &str, Value)]) -> Vec<Outcome> {
    let answer = post(house, events);
    settle(house).await;
    let Ok(Written::Done(outcomes)) = answer.await else { panic!("they are written") };
    outcomes
}

/// Hands these to the writer.
fn post(house: &House, events: &[(&str, &str, Value)]) -> oneshot::Receiver<Written> {
    let now = at(clock::now().unwrap().micros() / 1_000_000);
    let mut buffer = Vec::new();
    let event = |(kind, id, data): &(&str, &str, Value)| json!({"specversion": "1.0", "id": id, "source": "/t", "type": kind, "time": now, "data": data});
    let records: Vec<_> = events.iter().map(|told| pending(&event(told), &mut buffer)).collect();
    let credits = Credits { records: records.len() as u64, bytes: buffer.len() as u64 };
    assert!(house.running.admission.try_take(credits));
    let (reply, answer) = oneshot::channel();
    house.running.submissions.send(Submission::Outside { records, buffer, credits, reply }).unwrap();
    answer
}

async fn snapshot(house: &mut House, random: &mut Random) {
    loop {
        match house.step_snapshot(random) {
            Step::Published(_) => return,
            Step::Begun | Step::Parts(_) | Step::Captured => tokio::time::sleep(ROUND).await,
            _ => panic!("nothing keeps it from being taken"),
        }
    }
}

/// How often the journal has this change of an exception of this type.
fn journaled(house: &House, kind: ExceptionType, change: ExceptionChange) -> usize {
    let records = house.running.reader.read_from(1).map(|read| codec::decode(&read.unwrap().1).unwrap().0);
    let is_meant = |body: &Body| match body {
        Body::Transition(body) => match &body.transition {
            Transition::Exception(told) => told.item.exception_type == kind && told.kind == change,
            _ => false,
        },
        _ => false,
    };
    records.filter(|record| is_meant(&record.body)).count()
}

fn sale(sku: &str, quantity: u64) -> Value {
    json!({"sku": sku, "location": "L", "quantity": quantity})
}

fn place(sku: &str) -> EntityKey {
    EntityKey::SkuLocation { tenant: TENANT, sku: Name::from(sku), location: Name::from("L") }
}

#[test]
fn a_review_that_came_due_while_the_tower_was_down_fires_at_the_start_and_once() {
    let mut story = Story::new();
    let late = |house: &House| journaled(house, ExceptionType::PurchaseLate, ExceptionChange::Opened);
    story.live(NOON, async |house: &mut House, random: &mut Random| {
        let line = json!({"line_id": "1", "sku": "A", "location": "L", "quantity": 5, "promised_at": at(NOON + DAY)});
        let order = json!({"po_id": "P", "supplier": "S", "lines": [line]});
        tell(house, &[("purchase_order.placed", "p", order)]).await;
        assert_eq!(late(house), 0, "it is not due yet");
        snapshot(house, random).await;
    });
    // Nothing is replayed that touches the supplier: its review alone makes it look.
    for hours in [0, 1] {
        story.live(NOON + 3 * DAY + hours * 3_600, async |house: &mut House, random: &mut Random| {
            assert!(house.start.generation.is_some(), "{:?}", house.start);
            assert_eq!(late(house), 1, "{hours} hours later");
            snapshot(house, random).await;
        });
    }
}

#[test]
fn a_review_that_the_clock_is_past_when_it_is_set_is_made_at_once() {
    let mut story = Story::new();
    story.options.tenants[0].clock = ClockKind::Event;
    // Whoever is handed a record looks in the same turn.
    story.options.reconcile_budget = Duration::from_secs(3_600);
    let advanced = |to: i64| json!({"to": at(to)});
    story.live(NOON, async |house: &mut House, _: &mut Random| {
        tell(house, &[("clock.advanced", "noon", advanced(NOON))]).await;
        let line = json!({"line_id": "1", "sku": "A", "location": "L", "quantity": 5, "promised_at": at(NOON + 3_600)});
        let order = json!({"po_id": "P", "supplier": "S", "lines": [line]});
        let advance = advanced(NOON + 3 * DAY);
        tell(house, &[("purchase_order.placed", "p", order), ("clock.advanced", "later", advance)]).await;
        assert_eq!(journaled(house, ExceptionType::PurchaseLate, ExceptionChange::Opened), 1);
    });
}

#[test]
fn after_another_build_wrote_the_snapshot_everyone_looks_again() {
    let mut story = Story::new();
    let all = ["A", "B", "C"];
    story.live(NOON, async |house: &mut House, random: &mut Random| {
        let described =
            all.map(|sku| ("inventory.counted", sku, json!({"sku": sku, "location": "L", "on_hand": 9})));
        tell(house, &described).await;
        snapshot(house, random).await;
    });
    let mut who_looks = |is_other: bool| {
        let _build = is_other.then(as_another_build);
        let looks = looks();
        story.live(NOON + 60, async |house: &mut House, _: &mut Random| {
            assert_eq!(house.start.generation.map(|(number, _)| number), Some(1), "{:?}", house.start);
        });
        looks.taken()
    };
    assert_eq!(who_looks(false), BTreeSet::new(), "what this build saw then, it would see again");
    assert_eq!(who_looks(true), all.map(place).into());
}

/// With and without anything of the journal behind it. What is checked of each part: states by what they lead to, the
/// summary by what it shows, keys and places by who looks, the window by a repeat.
#[test]
fn a_snapshot_under_older_rules_is_migrated() {
    for has_more in [false, true] {
        let mut story = Story::new();
        let counted = |sku: &str, on_hand: u64| json!({"sku": sku, "location": "L", "on_hand": on_hand});
        story.live(NOON, async |house: &mut House, random: &mut Random| {
            let events =
                [("A", 3), ("B", 9)].map(|(sku, on_hand)| ("inventory.counted", sku, counted(sku, on_hand)));
            tell(house, &events).await;
            tell(house, &[("pos.sale", "c", sale("C", 1))]).await;
            snapshot(house, random).await;
            if has_more {
                tell(house, &[("pos.sale", "b", sale("B", 4))]).await;
            }
        });
        let number = rewrite_as_older(&story.options.data.join("generations"));
        let looks = looks();
        let negative = |house: &House| {
            let negative = ExceptionType::NegativeStock;
            let found =
                house.running.exceptions.select(TENANT, true, |entry| entry.item.exception_type == negative);
            found.iter().filter_map(|entry| entry.item.subject.sku.clone()).collect::<BTreeSet<Name>>()
        };
        let generations = story.live(NOON + 60, async |house: &mut House, random: &mut Random| {
            assert_eq!(house.start.generation.map(|(number, _)| number), Some(number), "{:?}", house.start);
            assert_eq!(negative(house), [Name::from("C")].into());
            tell(house, &[("pos.sale", "a", sale("A", 4)), ("pos.sale", "b2", sale("B", 5))]).await;
            assert_eq!(negative(house), [Name::from("A"), Name::from("C")].into());
            let again = send(house, &[("pos.sale", "c", sale("C", 1))]).await;
            assert!(matches!(again[..], [Outcome::Duplicate(_) | Outcome::Reused(_)]), "{again:?}");
            snapshot(house, random).await;
            house.running.snapshots.status().generations.len()
        });
        assert_eq!(generations, 2, "the next one is of this version");
        assert_eq!(looks.taken(), ["A", "B", "C"].map(place).into());
        story.live(NOON + 120, async |house: &mut House, _: &mut Random| {
            assert_eq!(house.start.generation.map(|(number, _)| number), Some(number + 1));
            assert_eq!(negative(house), [Name::from("A"), Name::from("C")].into());
        });
    }
}

#[test]
fn what_was_commanded_of_an_entity_that_failed_is_known_after_a_snapshot_and_a_restart() {
    let mut story = Story::new();
    let _poison = poison("restart-fails-after-a-command");
    let acknowledge = async |house: &mut House, key: &str| -> Result<CommandDone, CommandError> {
        let negative = |entry: &ExceptionType| *entry == ExceptionType::NegativeStock;
        let found =
            house.running.exceptions.select(TENANT, true, |entry| negative(&entry.item.exception_type));
        let [entry] = &found[..] else { panic!("there is one: {}", found.len()) };
        let what = ExceptionAction::Acknowledge { comment: None };
        let command = ExceptionCommand { exception_id: entry.item.id.clone(), version: None, what };
        let actor =
            Actor { name: Name::from("ann"), kind: ActorKind::Person, roles: vec![Name::from("admin")] };
        let (running, entity) = (house.running.clone(), (*entry.entity).clone());
        let idempotency = Some(Idempotency { key: Name::from(key), hash: [7; 16] });
        let (command, within) = (Command::Exception(command), Duration::from_secs(30));
        let commanded =
            actix_rt::spawn(
                async move { running.command(entity, command, actor, idempotency, within).await },
            );
        settle(house).await;
        commanded.await.unwrap()
    };
    let done = story.live(NOON, async |house: &mut House, random: &mut Random| {
        tell(house, &[("pos.sale", "a", sale("A", 3))]).await;
        let done = acknowledge(house, "k").await.unwrap();
        assert!(!done.repeated);
        tell(house, &[("pos.sale", "restart-fails-after-a-command", sale("A", 1))]).await;
        assert!(
            matches!(acknowledge(house, "other").await, Err(CommandError::Unavailable)),
            "it stands still"
        );
        snapshot(house, random).await;
        done
    });
    story.live(NOON + 60, async |house: &mut House, _: &mut Random| {
        assert!(house.start.generation.is_some(), "{:?}", house.start);
        assert_eq!(house.running.quarantine.read().list(TENANT, Lsn::ZERO).count(), 1, "it stands still");
        let again = acknowledge(house, "k").await.unwrap();
        assert_eq!(again, CommandDone { repeated: true, ..done }, "invariant 16");
        assert!(matches!(acknowledge(house, "other").await, Err(CommandError::Unavailable)));
        let count = journaled(house, ExceptionType::NegativeStock, ExceptionChange::Acknowledged);
        assert_eq!(count, 1, "it was done once");
    });
}

#[test]
fn while_somebody_waits_for_what_follows_no_second_look_waits_for_its_share_of_the_time() {
    const TICK: Duration = Duration::from_millis(10);
    /// Records come and come, each about something new; until `is_over`. Whether it came to that.
    async fn busy(house: &mut House, ticks: std::ops::Range<u64>, is_over: impl Fn(&House) -> bool) -> bool {
        for tick in ticks {
            if is_over(house) {
                return true;
            }
            let sku = format!("new-{tick}");
            drop(post(house, &[("pos.sale", &sku, sale(&sku, 1))]));
            house.step_writer().unwrap();
            house.step_dispatcher();
            tokio::time::sleep(TICK).await;
        }
        false
    }
    let mut story = Story::new();
    // One shard, so that it gets each of the records.
    story.options.shards = 1;
    (story.options.look_again, story.options.look_again_percent) = (Duration::from_secs(60), 1);
    let skus: Vec<String> = (0..20).map(|number| format!("A{number}")).collect();
    story.live(NOON, async |house: &mut House, _: &mut Random| {
        // A look counts for 20 ms, which are a share of two seconds.
        looks_testing::set_cost(Duration::from_millis(20));
        let ids: Vec<String> = skus.iter().map(|sku| format!("first-{sku}")).collect();
        let told = skus.iter().zip(&ids);
        let first: Vec<_> = told.clone().map(|(sku, id)| ("pos.sale", id.as_str(), sale(sku, 1))).collect();
        tell(house, &first).await;
        let again: Vec<_> = told.map(|(sku, _)| ("pos.sale", sku.as_str(), sale(sku, 1))).collect();
        let last = house.running.progress.durable().0 + again.len() as u64;
        drop(post(house, &again));
        let unsettled = |house: &House| house.running.progress.unsettled_count();
        busy(house, 0..200, |_| false).await;
        assert!(unsettled(house) > skus.len() / 2, "the share is spent: {} wait", unsettled(house));
        let running = house.running.clone();
        let settling = async move { running.progress.wait_settled(Lsn(last), Duration::from_secs(9)).await };
        let settled = actix_rt::spawn(settling);
        assert!(busy(house, 200..300, |_| settled.is_finished()).await, "{} wait", unsettled(house));
        assert!(settled.await.unwrap());
        looks_testing::set_cost(Duration::ZERO);
        settle(house).await;
    });
}
