//! One run: a tower and everything around it, from the first step to the last check.

use std::collections::BTreeSet;
use std::thread::JoinHandle as ThreadHandle;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::client::{Client, Ledger, TENANT};
use super::common::events::at;
use super::common::history::History;
use super::common::random::Random;
use super::decisions::Decisions;
use super::disk::Disk;
use super::follower::Follower;
use super::house::{Died, House, Start};
use super::mix::{Kind, Mix};
use super::scenario::{DAY, FIRST_DAY, master_data, options, story};
use super::snapshots::{Step, damage};
use super::summary::{Faults, Used};
use super::trace::Trace;
use super::{checks, clock, observe};
use crate::domain::ids::Name;
use crate::domain::record::{ClockKind, SystemBody};
use crate::domain::sku_location::testing::{Poison, poison};
use crate::domain::time::{HOUR, Timestamp};
use crate::runtime::metrics::SourceLabel;
use crate::runtime::quarantine::QuarantineReason;
use crate::runtime::recovery::generations_path;
use crate::runtime::{Submission, TowerOptions, pending_own, system_record};

/// Rounds of peace before something is said to hang; each gives everyone a step and takes 10 ms of virtual time.
const PEACE_ROUNDS_MAX: u64 = 20_000;
/// Until every entity that is due has had its review, at one a tick of 200 ms.
const REVIEWS_MAX: Duration = Duration::from_secs(10);
const PEACE_ROUND: Duration = Duration::from_millis(10);
/// How often everything comes to rest, with a loss of power in between: the first start after that is from a snapshot, if
/// there is one, the second from the journal alone.
const RESTS: usize = 3;
/// How often the newest snapshot is damaged between two lives, percent.
const DAMAGED: u64 = 20;
/// Steps under faults.
const STEPS_MIN: i64 = 1_000;
pub const STEPS_MAX: u64 = 3_500;

/// An event on which its entity's code fails.
struct Poisoned {
    id: &'static str,
    /// Lives until the code is better.
    failing: Option<Poison>,
    /// It is left out in the end.
    skip: bool,
}

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Killed,
    PowerLost,
    Stopped,
    /// Everything is done and checked; what is recovered of it must be the same.
    AtRest,
    Finished,
}

/// The run.
pub struct World {
    seed: u64,
    random: Random,
    pub(super) trace: Trace,
    pub(super) data: TempDir,
    options: TowerOptions,
    disk: Disk,
    mix: Mix,
    steps_left: u64,
    wall: Timestamp,
    clock_kind: ClockKind,
    pub(super) ledger: Ledger,
    /// Two that keep no order, one that does, and the system of record.
    clients: [Client; 4],
    /// On an event clock: who advances it, and to when last.
    clock: Client,
    advanced_to: i64,
    settling: Option<(JoinHandle<bool>, i64)>,
    pub(super) decisions: Decisions,
    pub(super) follower: Follower,
    poisoned: Option<Poisoned>,
    pub(super) faults: Faults,
    pub(super) used: Used,
    /// Generations on the disk that were damaged.
    damaged: BTreeSet<u64>,
    /// The snapshotter of this life.
    snapshotter: Option<ThreadHandle<()>>,
    is_snapshot_under_way: bool,
    /// What was shown whenever everything was at rest, with a restart in between.
    shown: Vec<Vec<String>>,
    pub(super) applied: u64,
    pub(super) lives: u64,
}

const ORDERED: usize = 2;
const SYSTEM_OF_RECORD: usize = 3;

impl World {
    pub fn of(seed: u64, steps_max: u64) -> World {
        let mut random = Random::new(seed);
        let memory = std::path::Path::new("/dev/shm");
        let data = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let clock_kind = *random.pick(&[ClockKind::Wall, ClockKind::Event]);
        let options = options(&mut random, data.path(), clock_kind);
        let mut ledger = Ledger::default();
        let mut clients = [
            Client::new("tills", false),
            Client::new("warehouse", false),
            Client::new("buyer", true),
            Client::new("record", false),
        ];
        let history = History::of_seed(seed, &format!("s{seed}"), FIRST_DAY);
        let master_data = master_data(&history, &mut random);
        let mut history: Vec<Value> = history.events.into_iter().chain(master_data).collect();
        random.shuffle(&mut history);
        let poisoned = random.chance(40).then(|| {
            let sales: Vec<&Value> = history.iter().filter(|event| event["type"] == "pos.sale").collect();
            let id: &'static str = random.pick(&sales)["id"].as_str().unwrap().to_owned().leak();
            Poisoned { id, failing: Some(poison(id)), skip: random.chance(50) }
        });
        for event in history {
            clients[usize::try_from(random.below(2)).unwrap()].tell(&mut ledger, event);
        }
        for event in story(seed) {
            clients[ORDERED].tell(&mut ledger, event);
        }
        let mix = Mix::random(&mut random);
        World {
            seed,
            trace: Trace::of(seed),
            disk: Disk::new(seed),
            steps_left: random.between(STEPS_MIN, STEPS_MAX as i64).unsigned_abs().min(steps_max),
            random,
            data,
            options,
            mix,
            wall: Timestamp::from_micros((FIRST_DAY + DAY / 2) * 1_000_000),
            clock_kind,
            ledger,
            clients,
            clock: Client::new("clock", true),
            advanced_to: FIRST_DAY,
            settling: None,
            decisions: Decisions::new(),
            follower: Follower::default(),
            poisoned,
            faults: Faults::default(),
            used: Used::default(),
            damaged: BTreeSet::new(),
            snapshotter: None,
            is_snapshot_under_way: false,
            shown: Vec::new(),
            applied: 0,
            lives: 0,
        }
    }

    /// Life after life, until everything is done and checked.
    pub fn run(&mut self) {
        loop {
            let runtime = || {
                let mut builder = tokio::runtime::Builder::new_current_thread();
                builder.enable_all().start_paused(true).build().unwrap()
            };
            self.lives += 1;
            // A restart may find another number of cores.
            self.options.shards = u16::try_from(1 + self.random.below(3)).unwrap();
            self.disk.begin();
            let system = actix_rt::System::with_tokio_rt(runtime);
            let end = system.block_on(self.live());
            // Actors that never ran begin when they are dropped, and then want a clock.
            let handle = system.block_on(async { tokio::runtime::Handle::current() });
            let within = handle.enter();
            drop(system);
            drop(within);
            if let Some(thread) = self.snapshotter.take() {
                thread.join().expect("the snapshotter ends with its tower");
            }
            self.faults.snapshots_cut_short += u64::from(std::mem::take(&mut self.is_snapshot_under_way));
            self.trace.step(format!("life {} ends: {end:?}", self.lives));
            match end {
                End::Finished => break,
                End::AtRest => self.disk.lose_power(),
                End::Killed => {
                    self.faults.kills += 1;
                    self.disk.end();
                }
                End::Stopped => {
                    self.faults.clean_stops += 1;
                    self.disk.end();
                }
                End::PowerLost => {
                    self.faults.power_losses += 1;
                    self.disk.lose_power();
                }
            }
            self.clients.iter_mut().for_each(|client| client.lose_connection(&mut self.random));
            self.clock.lose_connection(&mut self.random);
            self.settling = None;
            self.decisions.lose_connection();
            self.damage_snapshots(end);
        }
        clock::stop();
    }

    /// Between two lives snapshots may be damaged; and the last start is from the journal alone.
    fn damage_snapshots(&mut self, end: End) {
        let generations = generations_path(&self.options);
        if end == End::AtRest && self.shown.len() == RESTS - 1 {
            self.damaged.clear();
            return std::fs::remove_dir_all(&generations).unwrap();
        }
        let share = if self.random.chance(DAMAGED) { 1 + usize::from(self.random.chance(25)) } else { 0 };
        let names = std::fs::read_dir(&generations).map(|names| names.map(|name| name.unwrap().file_name()));
        let published = names.into_iter().flatten().filter_map(|name| name.to_str()?.parse().ok());
        let mut published: Vec<u64> = published.collect();
        published.sort_unstable_by(|left, right| right.cmp(left));
        for number in published.into_iter().take(share) {
            if self.damaged.insert(number) {
                damage(&generations.join(format!("{number:010}")), &mut self.random);
                self.faults.damaged_snapshots += 1;
                self.trace.step(format!("snapshot {number} is damaged"));
            }
        }
    }

    async fn live(&mut self) -> End {
        clock::set(self.wall);
        let may_die = self.steps_left > 0;
        let Ok(mut house) =
            House::boot(&self.options, &self.disk, &mut self.random, may_die, &mut self.damaged)
                .await
                .map_err(|Died| ())
        else {
            self.faults.deaths_in_recovery += 1;
            return if self.random.chance(50) { End::Killed } else { End::PowerLost };
        };
        self.snapshotter = house.snapshotter.take();
        self.note(house.start);
        self.follower.come_back(&house);
        if self.clock_kind == ClockKind::Event && self.advanced_to == FIRST_DAY {
            self.advance_to(FIRST_DAY + DAY / 2);
            // Nothing happens in 1970.
            while !self.clock.is_done() {
                self.step_clock(&house);
                assert!(self.write(&mut house).is_none(), "the disk works at the start");
                house.step_dispatcher();
                tokio::time::sleep(PEACE_ROUND).await;
                self.hear(&house);
            }
        }
        let end = loop {
            if self.steps_left == 0 {
                break self.peace(&mut house).await;
            }
            self.steps_left -= 1;
            let kind = self.mix.next(&mut self.random);
            if let Some(end) = self.step(kind, &mut house).await {
                break end;
            }
            let (count, hash) = observe::check();
            let progress = &house.running.progress;
            let state = (progress.durable().0, progress.applied().0, progress.unsettled_count());
            self.trace.step(format!("{kind:?} {state:?} {count} {hash:016x}"));
        };
        self.applied += observe::check().0;
        let woken = |from| house.metrics.activations.get_or_create(&SourceLabel { from }).get();
        self.used.packed += house.metrics.passivations.get();
        self.used.woken += woken("memory");
        self.used.woken_from_disk += woken("disk");
        assert_eq!(woken("journal"), 0, "seed {}: a state could not be read back", self.seed);
        self.wall = clock::now().unwrap_or(self.wall);
        if end == End::Stopped {
            house.stop();
        }
        end
    }

    fn note(&mut self, start: Start) {
        self.trace.step(format!("{start:?}"));
        self.used.passed_over += start.passed_over;
        self.used.replayed += start.replayed;
        match start.generation {
            Some(_) => self.used.restores += 1,
            None if start.replayed > 0 => self.used.starts_without += 1,
            None => {}
        }
        self.used.restores_elsewhere += u64::from(start.is_replaced);
    }

    async fn step(&mut self, kind: Kind, house: &mut House) -> Option<End> {
        let World { random, trace, ledger, .. } = self;
        match kind {
            Kind::Submit => {
                let chosen = usize::try_from(random.below(self.clients.len() as u64)).unwrap();
                self.clients[chosen].submit(house, ledger, random, true, trace);
            }
            Kind::Hear => self.hear(house),
            Kind::Write => return self.write(house),
            Kind::Dispatch => {
                house.step_dispatcher();
            }
            Kind::Rebuild => {
                house.step_rebuilds();
            }
            Kind::Work => {
                for _ in 0..=random.below(4) {
                    tokio::task::yield_now().await;
                }
            }
            Kind::Pause => tokio::time::sleep(Duration::from_millis(1 + random.below(40))).await,
            Kind::LongPause => tokio::time::sleep(Duration::from_millis(500 + random.below(4_000))).await,
            Kind::Costing => self.decisions.step_costing(house),
            Kind::People => self.decisions.step_people(house, random, true),
            Kind::Outbox => self.decisions.step_outbox(house, random),
            Kind::SystemOfRecord => {
                let client = &mut self.clients[SYSTEM_OF_RECORD];
                self.decisions.step_system_of_record(client, ledger, random, false, trace);
            }
            Kind::Feed => self.follower.drain(house, trace),
            Kind::Snapshot => {
                let step = house.step_snapshot(random);
                return self.note_snapshot(step);
            }
            Kind::FailedSnapshot => return house.fail_snapshot().and_then(|step| self.note_snapshot(step)),
            Kind::Release => self.release(house),
            Kind::AdvanceClock => {
                let ahead = random.between(600, 3 * 3_600);
                self.advance_to((self.advanced_to + ahead).min(FIRST_DAY + 22 * 3_600));
                self.step_clock(house);
            }
            Kind::JumpClock => {
                self.faults.clock_jumps += 1;
                let now = clock::now().unwrap_or_default().micros();
                let latest = (FIRST_DAY + 22 * 3_600) * 1_000_000;
                clock::jump(random.between(-2 * HOUR, (latest - now).clamp(0, 3 * HOUR)));
            }
            Kind::FullDisk => {
                self.disk.set_full(!self.disk.is_full());
                self.faults.full_disks += u64::from(self.disk.is_full());
            }
            Kind::BrokenDisk => self.disk.break_sync(true),
            Kind::Kill => return Some(End::Killed),
            Kind::PowerLoss => return Some(End::PowerLost),
            Kind::Stop => {
                self.disk.set_full(false);
                self.disk.break_sync(false);
                return Some(End::Stopped);
            }
        }
        None
    }

    fn note_snapshot(&mut self, step: Step) -> Option<End> {
        self.is_snapshot_under_way = matches!(step, Step::Begun | Step::Parts(_) | Step::Captured);
        let said = match step {
            Step::Begun => "begun".to_owned(),
            Step::Parts(parts) => format!("{parts} parts"),
            Step::Captured => "captured".to_owned(),
            Step::NothingNew => "nothing new".to_owned(),
            Step::Published(info) => {
                self.used.taken += 1;
                format!("{} published: {} entities as of {}", info.number, info.entities, info.lsn)
            }
            Step::Failed => {
                self.faults.snapshots_failed += 1;
                "failed".to_owned()
            }
            Step::Died => {
                self.faults.deaths_while_publishing += 1;
                self.trace.step("snapshot: the process dies".to_owned());
                return Some(if self.random.chance(50) { End::Killed } else { End::PowerLost });
            }
        };
        self.trace.step(format!("snapshot: {said}"));
        None
    }

    fn write(&mut self, house: &mut House) -> Option<End> {
        match house.step_writer() {
            Ok(_) => None,
            Err(failure) => {
                self.trace.step(format!("the process stops: {}", failure.to_string().len()));
                self.faults.broken_disks += 1;
                Some(End::PowerLost)
            }
        }
    }

    fn hear(&mut self, house: &House) {
        let World { random, trace, ledger, .. } = self;
        for client in self.clients.iter_mut().chain([&mut self.clock]) {
            client.hear(house, ledger, random, trace);
        }
        self.decisions.hear(house, trace);
    }

    /// Lets a failed entity go on, as an operator does.
    fn release(&mut self, house: &House) {
        let Some(poisoned) = &mut self.poisoned else { return };
        let failed = {
            let quarantine = house.running.quarantine.read();
            quarantine.list(TENANT, Default::default()).find_map(|entry| match &entry.reason {
                QuarantineReason::Entity(key) => Some(((**key).clone(), entry.event)),
                _ => None,
            })
        };
        let Some((entity, event)) = failed else { return };
        let skip = poisoned.skip;
        if !skip {
            poisoned.failing = None;
        }
        self.faults.releases += 1;
        let body = SystemBody::EntityReleased { entity, poison: event, skip };
        let record = system_record(TENANT, Name::const_new("operator"), body);
        let mut buffer = Vec::new();
        let records = vec![pending_own(record, &mut buffer).unwrap()];
        let own = Submission::Own { records, buffer, origin: None, reply: None };
        house.running.submissions.send(own).unwrap();
    }

    fn advance_to(&mut self, to: i64) {
        if self.clock_kind == ClockKind::Event && self.clock.is_done() && to > self.advanced_to {
            self.advanced_to = to;
            let event = json!({"specversion": "1.0", "id": format!("clock-{to}"), "source": "/clock",
                "type": "clock.advanced", "time": at(to), "data": {"to": at(to)}});
            self.clock.tell(&mut self.ledger, event);
        }
    }

    /// As the door does: a clock is advanced when everything before it has settled.
    fn step_clock(&mut self, house: &House) {
        if self.clock.is_done() {
            return;
        }
        match self.settling.take() {
            None => {
                let (running, last) = (house.running.clone(), house.running.progress.durable());
                let settle =
                    async move { running.progress.wait_settled(last, Duration::from_secs(60)).await };
                self.settling = Some((actix_rt::spawn(settle), self.advanced_to));
            }
            Some((task, to)) if !task.is_finished() => self.settling = Some((task, to)),
            Some(_) => {
                let World { clock, ledger, random, trace, .. } = self;
                clock.submit(house, ledger, random, false, trace);
            }
        }
    }

    /// No more faults: everyone gets their turn until everything is done. Then it is checked, twice.
    async fn peace(&mut self, house: &mut House) -> End {
        self.trace.step("peace".to_owned());
        self.disk.set_full(false);
        self.disk.break_sync(false);
        self.come_to_rest(house).await;
        self.used.looked_again += checks::looked(house).await;
        let midnight = FIRST_DAY + DAY;
        match self.clock_kind {
            ClockKind::Event => self.advance_to(midnight),
            ClockKind::Wall => {
                let now = clock::now().unwrap_or_default().micros();
                clock::jump((midnight * 1_000_000 - now).max(0));
            }
        }
        self.come_to_rest(house).await;
        let left_out = self.poisoned.as_ref().filter(|poisoned| poisoned.skip).map(|poisoned| poisoned.id);
        self.used.looked_again += checks::looked(house).await;
        let journal = checks::check(house, &self.ledger, &self.decisions, &self.follower, left_out).await;
        if self.shown.len() == RESTS - 1 {
            for record in &journal {
                self.trace.bytes(format!("{record:?}").as_bytes());
            }
        }
        // While an event clock stands still, a restart changes nothing that is shown.
        let shown = match self.clock_kind {
            ClockKind::Event => checks::everything_shown(house).await,
            ClockKind::Wall => Vec::new(),
        };
        if let Some(before) = self.shown.last() {
            let changed: Vec<_> =
                before.iter().zip(&shown).filter(|(before, after)| before != after).collect();
            let is_same = changed.is_empty() && before.len() == shown.len();
            assert!(is_same, "invariants 3 and 28: a restart changed {changed:#?}");
        }
        self.shown.push(shown);
        if self.shown.len() == RESTS {
            return End::Finished;
        }
        while self.random.chance(50) {
            loop {
                let step = house.step_snapshot(&mut self.random);
                let is_over = !matches!(step, Step::Begun | Step::Parts(_) | Step::Captured);
                let end = self.note_snapshot(step);
                if is_over || end.is_some() {
                    break;
                }
                tokio::time::sleep(PEACE_ROUND).await;
            }
        }
        End::AtRest
    }

    async fn come_to_rest(&mut self, house: &mut House) {
        // What became due meanwhile is looked at a slice at a time.
        tokio::time::sleep(REVIEWS_MAX).await;
        for round in 0.. {
            self.step_clock(house);
            let World { random, trace, ledger, .. } = self;
            for client in &mut self.clients {
                client.submit(house, ledger, random, false, trace);
            }
            assert!(self.write(house).is_none(), "the disk works again");
            house.step_dispatcher();
            house.step_rebuilds();
            self.release(house);
            self.decisions.step_costing(house);
            self.decisions.step_people(house, &mut self.random, false);
            self.decisions.step_outbox(house, &mut self.random);
            let World { random, trace, ledger, .. } = self;
            let client = &mut self.clients[SYSTEM_OF_RECORD];
            self.decisions.step_system_of_record(client, ledger, random, true, trace);
            self.follower.drain(house, trace);
            tokio::time::sleep(PEACE_ROUND).await;
            self.hear(house);
            let (count, hash) = observe::check();
            let progress = &house.running.progress;
            self.trace.step(format!("round {} {count} {hash:016x}", progress.durable()));
            let is_quiet = self.clients.iter().chain([&self.clock]).all(Client::is_done)
                && self.decisions.is_done(house)
                && house.is_idle()
                && progress.applied() == progress.durable()
                && progress.unsettled_count() == 0;
            if is_quiet {
                self.follower.drain(house, &mut self.trace);
                return;
            }
            assert!(
                round < PEACE_ROUNDS_MAX,
                "invariant 25: seed {} does not come to rest: durable {}, applied {}, unsettled {}, {}, clients {:?}",
                self.seed,
                progress.durable(),
                progress.applied(),
                progress.unsettled_count(),
                self.decisions.waits_for(house),
                self.clients.iter().chain([&self.clock]).map(Client::is_done).collect::<Vec<_>>(),
            );
        }
    }
}
