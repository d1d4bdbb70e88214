//! What a start does before the tower runs: open the journal, read the newest snapshot that is sound, fill the shards,
//! replay what came after.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use actix::Addr;
use crossbeam_channel::{Sender, bounded};
use tracing::{info, warn};

use super::codec::{self, CodecError};
use super::commands::{COMMAND_SOURCE, IdempotencyKeys};
use super::dispatcher::Dispatcher;
use super::duplicates::Duplicates;
use super::shard::{BeginRestore, RestoreEntities, Shard};
use super::snapshots::{Loaded, LoadedShard, Loading, Meta, SnapshotFailure};
use super::tower::{StartError, Tower, TowerOptions};
use super::writer::Committed;
use crate::domain::ids::Lsn;
use crate::journal::{Journal, JournalError, JournalOptions, JournalReader, Misfit, Recovered};
use crate::snapshot::Store;

/// What recovery is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecoveryPhase {
    /// Checking the journal.
    #[default]
    OpeningJournal,
    LoadingSnapshot,
    ReplayingJournal,
    Done,
}

impl RecoveryPhase {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            RecoveryPhase::OpeningJournal => "opening_journal",
            RecoveryPhase::LoadingSnapshot => "loading_snapshot",
            RecoveryPhase::ReplayingJournal => "replaying_journal",
            RecoveryPhase::Done => "done",
        }
    }
}

/// How far recovery is, or how it went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recovery {
    pub phase: RecoveryPhase,
    /// The snapshot that was loaded, or is being.
    pub generation: Option<u64>,
    /// Snapshots that could not be used.
    pub generations_passed_over: u64,
    pub entities: u64,
    pub entities_of: u64,
    /// Records replayed, and to replay.
    pub replayed: u64,
    pub of: u64,
    pub load_seconds: f64,
    pub open_seconds: f64,
    pub replay_seconds: f64,
    pub took: Option<Duration>,
}

impl Recovery {
    /// How much of its phase is done, and of how much.
    pub fn progress(&self) -> (u64, u64) {
        match self.phase {
            RecoveryPhase::OpeningJournal => (0, 0),
            RecoveryPhase::LoadingSnapshot => (self.entities, self.entities_of),
            RecoveryPhase::ReplayingJournal | RecoveryPhase::Done => (self.replayed, self.of),
        }
    }

    /// Said to whoever asks meanwhile.
    pub fn describe(&self) -> String {
        match self.phase {
            RecoveryPhase::OpeningJournal => "the journal is being checked".to_owned(),
            RecoveryPhase::LoadingSnapshot => {
                format!("loading snapshot: {} of {} entities", self.entities, self.entities_of)
            }
            RecoveryPhase::ReplayingJournal => format!("{} of {} records replayed", self.replayed, self.of),
            RecoveryPhase::Done => "recovery is done".to_owned(),
        }
    }
}

/// Below the data directory.
pub fn generations_path(options: &TowerOptions) -> PathBuf {
    options.data.join("generations")
}

/// What was found on the disk.
pub(super) struct Found {
    pub journal: Journal,
    pub recovered: Recovered,
    pub loaded: Loaded,
    pub store: Store,
}

/// Decoded batches ahead of the fold.
const DECODED_BATCHES_MAX: usize = 16;
/// Entities handed to a shard at a time.
const ENTITIES_AT_ONCE: usize = 4_096;

impl Tower {
    /// Reads the newest snapshot that is sound and fits the journal, and opens the journal from there; without one from
    /// its beginning.
    pub(super) fn find(&self, options: &TowerOptions) -> Result<Found, StartError> {
        let directory = options.data.join("journal");
        // Before anything is cleaned up: another tower may be at work here, or whatever else works with its journal.
        Journal::check_unlocked(&directory)?;
        *self.lock.lock() = Some(lock(&options.data)?);
        let store = Store::open(&generations_path(options))?;
        let journal_options = JournalOptions { segment_bytes_max: options.segment_bytes_max };
        let note = |entities: usize| self.recovery.write().entities += entities as u64;
        let loading = Loading {
            shards: options.shards,
            duplicate_window_events: options.duplicate_window_events,
            quarantine_entries_max: options.quarantine_entries_max,
            exceptions_ended_max: options.exceptions_ended_max,
            progress: &note,
        };
        let mut of_no_use = Vec::new();
        for number in store.numbers()? {
            let mut pass_over = |failure: SnapshotFailure| {
                warn!(generation = number, %failure, "this snapshot can't be used; trying without it");
                self.recovery.write().generations_passed_over += 1;
                if failure.is_for_good() {
                    of_no_use.push(number);
                }
            };
            let loaded = match self.load(&store, number, &loading) {
                Ok(loaded) => loaded,
                Err(failure) => {
                    pass_over(failure);
                    continue;
                }
            };
            let Some((_, meta)) = &loaded.generation else { continue };
            let began = Instant::now();
            self.recovery.write().phase = RecoveryPhase::OpeningJournal;
            match Journal::open_trusting(&directory, journal_options.clone(), &meta.position()) {
                Ok((journal, recovered)) => match meta.check_against(&journal.reader()) {
                    Ok(()) => {
                        self.recovery.write().open_seconds = began.elapsed().as_secs_f64();
                        set_aside(&store, &of_no_use)?;
                        return Ok(Found { journal, recovered, loaded, store });
                    }
                    Err(SnapshotFailure::Journal(error)) => return Err(error.into()),
                    Err(failure) => pass_over(failure),
                },
                // The position was durable: going on without it would hide that records are lost.
                Err(source @ JournalError::PositionMisfit { misfit: Misfit::BeyondEnd, .. }) => {
                    return Err(StartError::EndsBeforeSnapshot {
                        generation: number,
                        lsn: meta.start(),
                        generations: generations_path(options),
                        source,
                    });
                }
                Err(error @ JournalError::PositionMisfit { .. }) => pass_over(error.into()),
                Err(error) => return Err(error.into()),
            }
        }
        {
            let mut recovery = self.recovery.write();
            recovery.phase = RecoveryPhase::OpeningJournal;
            (recovery.generation, recovery.entities, recovery.entities_of) = (None, 0, 0);
        }
        let began = Instant::now();
        let (journal, recovered) = Journal::open(&directory, journal_options)?;
        self.recovery.write().open_seconds = began.elapsed().as_secs_f64();
        set_aside(&store, &of_no_use)?;
        Ok(Found { journal, recovered, loaded: loading.nothing(), store })
    }

    fn load(&self, store: &Store, number: u64, loading: &Loading<'_>) -> Result<Loaded, SnapshotFailure> {
        let began = Instant::now();
        let generation = store.load(number)?;
        let entities = Meta::of(&generation)?.entities;
        {
            let mut recovery = self.recovery.write();
            recovery.phase = RecoveryPhase::LoadingSnapshot;
            (recovery.generation, recovery.entities, recovery.entities_of) = (Some(number), 0, entities);
        }
        info!(generation = number, entities, "loading snapshot");
        let loaded = loading.load(generation)?;
        self.recovery.write().load_seconds = began.elapsed().as_secs_f64();
        Ok(loaded)
    }

    /// Fills the shards with what was loaded, each on its own thread.
    pub(super) fn fill(
        &self,
        shards: &[Addr<Shard>],
        loaded: Vec<LoadedShard>,
        dispatcher: &Dispatcher,
        meta: &Meta,
    ) -> Result<(), StartError> {
        let began = Instant::now();
        let is_of_this_program = meta.is_of_this_program();
        if !is_of_this_program {
            info!("another program wrote this snapshot: every entity is looked at again");
        }
        let reference = std::sync::Arc::new(dispatcher.fold.reference.clone());
        let (done, answers) = bounded(loaded.iter().map(|shard| shard.entities.len()).sum::<usize>().max(1));
        let mut left = 0;
        for (shard, LoadedShard { slots, entities, stopped }) in shards.iter().zip(loaded) {
            left += entities.len();
            shard.do_send(BeginRestore {
                slots,
                reference: reference.clone(),
                business: dispatcher.clocks.business(),
                stopped,
                summaries_at: meta.summaries_at,
                is_of_this_program,
            });
            let mut entities = entities.into_iter();
            loop {
                let some: Vec<_> = entities.by_ref().take(ENTITIES_AT_ONCE).collect();
                if some.is_empty() {
                    break;
                }
                shard.do_send(RestoreEntities { entities: some, done: done.clone() });
            }
        }
        drop(done);
        while left > 0 {
            left -= answers.recv().map_err(|_| StartError::Ended)?;
        }
        self.recovery.write().load_seconds += began.elapsed().as_secs_f64();
        Ok(())
    }

    /// Folds the journal behind `after` up to `last`. Gives the bytes of those records.
    pub(super) fn replay(
        &self,
        reader: &JournalReader,
        (after, last): (Lsn, Lsn),
        options: &TowerOptions,
        dispatcher: &mut Dispatcher,
        duplicates: &mut Duplicates,
        idempotency_keys: &IdempotencyKeys,
    ) -> Result<u64, StartError> {
        let began = Instant::now();
        {
            let mut recovery = self.recovery.write();
            recovery.phase = RecoveryPhase::ReplayingJournal;
            recovery.of = last.0 - after.0;
        }
        let progress = dispatcher.progress.clone();
        let mut bytes = 0;
        let mut told = Instant::now();
        std::thread::scope(|scope| {
            let (decoded, batches) = bounded(DECODED_BATCHES_MAX);
            let batch_records_max = options.batch_records_max;
            scope.spawn(move || {
                let decoding = Decoding { reader, after, last, batch_records_max, decoded: &decoded };
                if let Err(error) = decoding.run(duplicates, idempotency_keys) {
                    let _ = decoded.send(Err(error));
                }
            });
            for batch in batches {
                let batch: Batch = batch?;
                let Some(lsn) = batch.records.last().map(|last| last.record.lsn) else { continue };
                bytes += batch.bytes;
                dispatcher.replay(&batch.records);
                self.recovery.write().replayed = lsn.0 - after.0;
                while lsn.0.saturating_sub(progress.applied().0) > options.replay_records_in_flight_max {
                    std::thread::sleep(Duration::from_millis(1));
                }
                if told.elapsed() > Duration::from_secs(1) {
                    told = Instant::now();
                    info!(replayed = lsn.0 - after.0, of = last.0 - after.0, "replaying");
                }
            }
            Ok::<(), StartError>(())
        })?;
        while progress.applied() < last {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.recovery.write().replay_seconds = began.elapsed().as_secs_f64();
        Ok(bytes)
    }
}

/// Locks the data directory until the file is dropped.
fn lock(data: &Path) -> Result<File, StartError> {
    let file = File::options().create(true).truncate(false).write(true).open(data.join("lock"));
    let file = file.map_err(StartError::Lock)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked(data.to_owned()).into()),
        Err(TryLockError::Error(error)) => Err(StartError::Lock(error)),
    }
}

/// Takes snapshots that were passed over for good out of the way, before anything new is journaled: a later start would
/// take one that is ahead of the journal today for one that fits, once the journal has grown past it; and one that is
/// damaged would count as one of those that are kept. Only once the journal is open, so that a start that fails changes
/// nothing.
fn set_aside(store: &Store, of_no_use: &[u64]) -> Result<(), StartError> {
    for number in of_no_use {
        store.set_aside(*number)?;
        warn!(generation = number, "set this snapshot aside, until the next one is published");
    }
    Ok(())
}

/// Decoded records in LSN order.
struct Batch {
    records: Vec<Committed>,
    bytes: u64,
}

/// Reads the journal ahead of the fold.
struct Decoding<'a> {
    reader: &'a JournalReader,
    after: Lsn,
    last: Lsn,
    batch_records_max: usize,
    decoded: &'a Sender<Result<Batch, StartError>>,
}

impl Decoding<'_> {
    fn run(&self, duplicates: &mut Duplicates, idempotency_keys: &IdempotencyKeys) -> Result<(), StartError> {
        let mut batch = self.batch();
        if self.after >= self.last {
            return Ok(());
        }
        for read in self.reader.read_from(self.after.next().0) {
            let (lsn, bytes) = read?;
            if lsn > self.last.0 {
                break;
            }
            batch.bytes += bytes.len() as u64;
            batch.records.push(decode(&bytes, duplicates, idempotency_keys)?);
            if batch.records.len() >= self.batch_records_max {
                let full = std::mem::replace(&mut batch, self.batch());
                if self.decoded.send(Ok(full)).is_err() {
                    return Ok(());
                }
            }
        }
        let _ = self.decoded.send(Ok(batch));
        Ok(())
    }

    fn batch(&self) -> Batch {
        Batch { records: Vec::with_capacity(self.batch_records_max), bytes: 0 }
    }
}

/// Reads a journaled record for the fold, and notes what is known by it of events and commands.
///
/// # Errors
/// If it can't be read.
pub(super) fn decode(
    bytes: &[u8],
    duplicates: &mut Duplicates,
    idempotency_keys: &IdempotencyKeys,
) -> Result<Committed, CodecError> {
    let (record, identity) = codec::decode(bytes)?;
    if record.source == COMMAND_SOURCE {
        idempotency_keys.replay(&record, codec::content_hash(bytes)?);
    }
    if let Some(identity) = identity {
        duplicates.reserve(&identity, record.lsn, record.ingest_time);
    }
    let origin = record.lsn;
    Ok(Committed { record: std::sync::Arc::new(record), origin })
}
