//! One life of the tower, wired as [`super::super::tower::Tower`] wires it, but without threads: whoever holds it says
//! which part makes its next step.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use actix::Addr;
use crossbeam_channel::{Receiver, unbounded};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::common::random::Random;
use super::disk::Disk;
use super::snapshots::{InHand, Step, describe};
use super::{clock, observe};
use crate::domain::ids::Lsn;
use crate::feed::{self, FeedInlet};
use crate::journal::{Journal, JournalError, JournalOptions};
use crate::runtime::boot::introductions;
use crate::runtime::dispatcher::{Dispatcher, Outbox};
use crate::runtime::metrics::Metrics;
use crate::runtime::rebuild::{RebuildSteps, Rebuilder};
use crate::runtime::recovery::{generations_path, replay_one};
use crate::runtime::shard::{BeginRestore, RestoreEntities, Shard};
use crate::runtime::snapshots::{Loaded, LoadedShard, Loading, Meta, SnapshotFailure, Snapshotter};
use crate::runtime::wiring::Wiring;
use crate::runtime::writer::{Backlog, DISK_FULL_RETRY, Writer};
use crate::runtime::{Committed, Running, Submission, TowerOptions, pending_own};
use crate::snapshot::{Generation, Store};

/// What is on the disk.
struct Found {
    journal: Journal,
    loaded: Loaded,
    passed_over: u64,
}

/// The newest generation that was not damaged, and the journal from there on. Every other one is one that fits: a
/// generation that is ahead of the journal, or does not verify, would be a defect.
fn find(
    options: &TowerOptions,
    disk: &Disk,
    store: &Store,
    loading: &Loading<'_>,
    damaged: &mut BTreeSet<u64>,
) -> Found {
    let journal_options = JournalOptions { segment_bytes_max: options.segment_bytes_max };
    let mut of_no_use = Vec::new();
    let mut found = None;
    for number in store.numbers().unwrap() {
        let generation = store.load(number).map_err(SnapshotFailure::from);
        match generation.and_then(|generation| loading.load(generation)) {
            Ok(loaded) => {
                assert!(!damaged.contains(&number), "generation {number} was damaged");
                let (_, meta) = loaded.generation.as_ref().unwrap();
                let journal = disk.open(journal_options.clone(), Some(&meta.position()));
                let journal = journal.expect("what a crash left opens again (invariant 23)");
                meta.check_against(&journal.reader()).expect("what it holds is durable (invariant 27)");
                found = Some((journal, loaded));
                break;
            }
            Err(failure) => {
                let files = || describe(&generations_path(options).join(format!("{number:010}")));
                assert!(damaged.contains(&number), "generation {number}: {failure}: {}", files());
                assert!(failure.is_for_good(), "generation {number}: {failure}");
                of_no_use.push(number);
            }
        }
    }
    let (journal, loaded) = found.unwrap_or_else(|| {
        let journal = disk.open(journal_options, None);
        (journal.expect("what a crash left opens again (invariant 23)"), loading.nothing())
    });
    for number in &of_no_use {
        store.set_aside(*number).unwrap();
        damaged.remove(number);
    }
    Found { journal, loaded, passed_over: of_no_use.len() as u64 }
}

/// Fills the shards with what was loaded.
async fn fill(
    shards: &[Addr<Shard>],
    loaded: Vec<LoadedShard>,
    dispatcher: &Dispatcher,
    (generation, meta): (&Generation, &Meta),
    random: &mut Random,
) {
    let reference = Arc::new(dispatcher.fold.reference.clone());
    let (done, answers) = unbounded();
    let mut left = 0;
    for (shard, LoadedShard { slots, entities, stopped }) in shards.iter().zip(loaded) {
        let mut entities: Vec<_> = entities.into_iter().flatten().collect();
        left += entities.len();
        shard.do_send(BeginRestore {
            slots,
            reference: reference.clone(),
            business: dispatcher.clocks.business(),
            stopped,
            summaries_at: meta.summaries_at,
            is_of_this_program: meta.is_of_this_program(),
            generation: generation.clone(),
        });
        // They were read by several threads.
        entities.sort_by_key(|(at, ..)| at.slot);
        entities.iter().for_each(|(_, key, restored)| observe::restored(key, restored.at));
        while !entities.is_empty() {
            let some = entities.len().min(usize::try_from(1 + random.below(20)).unwrap());
            let entities = entities.drain(..some).collect();
            shard.do_send(RestoreEntities { entities, done: done.clone() });
        }
    }
    while left > 0 {
        match answers.try_recv() {
            Ok(some) => left -= some,
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}

/// The longest that recovery may take, in virtual time.
const RECOVERY_MAX: Duration = Duration::from_secs(60);

/// The tower in one thread.
pub struct House {
    pub running: Rc<Running>,
    pub inlet: FeedInlet,
    writer: Writer,
    backlog: Backlog,
    /// When the writer last tried a disk that was full.
    full_since: Option<Instant>,
    dispatcher: Dispatcher,
    outbox: Outbox,
    committed: Receiver<Vec<Committed>>,
    rebuilds: RebuildSteps,
    snapshots: InHand,
    /// Ends when the house is gone.
    pub snapshotter: Option<JoinHandle<()>>,
    pub metrics: Arc<Metrics>,
    pub start: Start,
}

/// What a life began with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// The generation that it was restored from, and its start.
    pub generation: Option<(u64, Lsn)>,
    /// Of another number of shards.
    pub is_replaced: bool,
    pub passed_over: u64,
    /// Records that were replayed.
    pub replayed: u64,
}

/// It did not come to life: the power failed on the way.
pub struct Died;

/// How often the power fails in a recovery, percent.
const RECOVERY_DEATHS: u64 = 12;

impl House {
    /// Opens the journal, replays it, goes live, introduces itself. Shards run on the calling thread's system.
    pub async fn boot(
        options: &TowerOptions,
        disk: &Disk,
        random: &mut Random,
        may_die: bool,
        damaged: &mut BTreeSet<u64>,
    ) -> Result<House, Died> {
        let loading = Loading {
            shards: options.shards,
            duplicate_window_events: options.duplicate_window_events,
            quarantine_entries_max: options.quarantine_entries_max,
            exceptions_ended_max: options.exceptions_ended_max,
            packed_bytes_max: options.packed_bytes_max,
            progress: &|_| {},
        };
        let store = Store::open(&generations_path(options)).unwrap();
        let Found { journal, loaded, passed_over } = find(options, disk, &store, &loading, damaged);
        let last = Lsn(journal.durable_lsn());
        let dies = may_die && random.chance(RECOVERY_DEATHS);
        let dies_at = dies.then(|| Lsn(random.below(last.0 + 1)));

        let metrics = Arc::new(Metrics::default());
        let (wiring, submitted) = Wiring::new(options, &loaded, store.clone(), metrics.clone());
        observe::begin(wiring.progress.clone());
        let Loaded { fold, mut duplicates, shards: loaded_shards, generation, .. } = loaded;
        let meta = generation.as_ref().map(|(_, meta)| meta.clone());
        let start = meta.as_ref().map(|meta| meta.start()).unwrap_or_default();
        let clocks = meta.as_ref().map(|meta| meta.clocks.clone()).unwrap_or_default();
        let (committed_in, committed) = unbounded();
        let (rebuilder, rebuilds) = Rebuilder::stepped(journal.reader(), store, options.shards);
        let (state_sink, feed, inlet) = feed::channel();
        inlet.wanted.fetch_add(1, Ordering::Relaxed);
        let shards: Vec<_> = (0..usize::from(options.shards))
            .map(|index| Shard::start_here(wiring.shard(index, &rebuilder, &state_sink)))
            .collect();
        let mut dispatcher = wiring.dispatcher(fold, shards.clone(), clocks, feed);

        let reader = journal.reader();
        if let Some((generation, meta)) = &generation {
            fill(&shards, loaded_shards, &dispatcher, (generation, meta), random).await;
            if dies_at.is_some_and(|dies_at| dies_at <= start) {
                return Err(Died);
            }
            dispatcher.restored(start);
        }
        if last > start {
            let mut group = Vec::new();
            for read in reader.read_from(start.next().0) {
                let (_, bytes) = read.expect("what was verified can be read");
                let record = replay_one(&bytes, &mut duplicates, &wiring.idempotency_keys).expect("a record");
                let lsn = record.origin;
                group.push(record);
                if dies_at == Some(lsn) {
                    return Err(Died);
                }
                if group.len() >= options.batch_records_max {
                    dispatcher.replay(&group);
                    group.clear();
                    for _ in 0..random.below(3) {
                        tokio::task::yield_now().await;
                    }
                }
            }
            dispatcher.replay(&group);
        }
        let began = Instant::now();
        while wiring.progress.applied() < last {
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(began.elapsed() < RECOVERY_MAX, "recovery comes to an end");
        }
        let duplicates = duplicates.settle();
        wiring.progress.publish_durable(last);
        observe::go_live();
        dispatcher.go_live(last);

        let writer = wiring.writer(journal, duplicates, &dispatcher, submitted, committed_in);
        let start = Start {
            generation: generation.as_ref().map(|(generation, _)| (generation.number(), start)),
            is_replaced: meta.is_some_and(|meta| meta.slots.len() != shards.len()),
            passed_over,
            replayed: last.0 - start.0,
        };
        let new = |captures| Snapshotter::new(wiring.snapshotter(&writer, captures, 0), generation);
        let (in_hand, snapshots, snapshotter) = InHand::start(new, shards.len(), random, may_die);
        let running = wiring.running(&dispatcher, &writer, snapshots);
        let (backlog, outbox) = (writer.backlog(), dispatcher.outbox());
        let mut house = House {
            metrics,
            running: Rc::new(running),
            inlet,
            writer,
            backlog,
            full_since: None,
            dispatcher,
            outbox,
            committed,
            rebuilds,
            snapshots: in_hand,
            snapshotter: Some(snapshotter),
            start,
        };
        house.introduce(options).await;
        Ok(house)
    }

    async fn introduce(&mut self, options: &TowerOptions) {
        let records = introductions(&self.running.reference(), options).expect("the same clock as before");
        let mut buffer = Vec::new();
        let records = records.into_iter().map(|record| pending_own(record, &mut buffer).unwrap()).collect();
        let (reply, answer) = oneshot::channel();
        let own = Submission::Own { records, buffer, origin: None, reply: Some(reply) };
        self.running.submissions.send(own).unwrap();
        while self.step_writer().expect("a disk that works at the start") {}
        answer.await.unwrap();
        while self.step_dispatcher() {}
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(clock::now().is_some());
    }

    /// The writer writes one group, if there is anything to write.
    pub fn step_writer(&mut self) -> Result<bool, JournalError> {
        let mut first = self.backlog.first();
        if first.is_none() && self.full_since.is_some_and(|since| since.elapsed() >= DISK_FULL_RETRY) {
            self.full_since = None;
            self.writer.try_disk(&mut self.backlog)?;
            first = self.backlog.first();
        }
        let first = first.or_else(|| self.writer.submissions.try_recv().ok());
        let has_work = first.is_some();
        if let Some(first) = first {
            let done = self.writer.step(first, &mut self.backlog)?;
            assert!(done.is_none(), "nobody stops it but by `stop`");
        }
        if self.running.clocks.is_disk_full.load(Ordering::Acquire) {
            self.full_since.get_or_insert_with(Instant::now);
        }
        Ok(has_work)
    }

    /// The dispatcher hands one group on, if there is one.
    pub fn step_dispatcher(&mut self) -> bool {
        let Ok(group) = self.committed.try_recv() else { return false };
        self.dispatcher.step(&group, &mut self.outbox);
        true
    }

    /// Entities that failed are made anew, if any wait for it.
    pub fn step_rebuilds(&mut self) -> bool {
        self.rebuilds.step()
    }

    /// A snapshot comes one step further.
    pub fn step_snapshot(&mut self, random: &mut Random) -> Step {
        self.snapshots.step(&self.dispatcher, random)
    }

    /// The snapshot under way fails, if there is one.
    pub fn fail_snapshot(&mut self) -> Option<Step> {
        self.snapshots.give_up()
    }

    /// Whether nothing waits for the writer or the dispatcher.
    pub fn is_idle(&self) -> bool {
        self.writer.submissions.is_empty() && self.committed.is_empty() && !self.backlog.has_postponed()
    }

    /// Stops as a clean stop does: the journal is closed.
    pub fn stop(mut self) {
        while self.step_writer().expect("a disk that works") {}
        self.writer.journal.close().expect("the journal closes");
    }
}
