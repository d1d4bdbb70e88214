//! What a start does before the tower runs: open the journal, read the newest snapshot that is sound, fill the shards,
//! replay what came after.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use actix::Addr;
use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, bounded};
use tracing::{info, warn};

use super::codec::{self, CodecError, EventIdentity};
use super::commands::{COMMAND_SOURCE, IdempotencyKeys};
use super::dispatcher::Dispatcher;
use super::duplicates::{Duplicates, Refill};
use super::shard::{BeginRestore, RestoreEntities, Shard};
use super::snapshots::{Loaded, LoadedShard, Loading, Meta, SnapshotFailure};
use super::tower::{StartError, Tower, TowerOptions};
use super::writer::Committed;
use crate::domain::ids::Lsn;
use crate::domain::record::Record;
use crate::journal::{Journal, JournalError, JournalOptions, JournalReader, Misfit, Recovered};
use crate::snapshot::{Generation, Store};

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
    /// Beside loading, where there is something to load.
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
/// Threads that decode what a replay reads.
const DECODERS: usize = 2;

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
            packed_bytes_max: options.packed_bytes_max,
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
            let began = Instant::now();
            let (generation, meta) = match self.begin_loading(&store, number) {
                Ok(begun) => begun,
                Err(failure) => {
                    pass_over(failure);
                    continue;
                }
            };
            // Opened beside loading, and closed again if nothing comes of that.
            let (loaded, opened) = std::thread::scope(|scope| {
                let opening = scope.spawn(|| {
                    let began = Instant::now();
                    let opened =
                        Journal::open_trusting(&directory, journal_options.clone(), &meta.position());
                    (opened, began.elapsed())
                });
                let loaded = loading.load(generation);
                {
                    let mut recovery = self.recovery.write();
                    recovery.load_seconds = began.elapsed().as_secs_f64();
                    recovery.phase = RecoveryPhase::OpeningJournal;
                }
                (loaded, opening.join())
            });
            let (opened, opening_took) = opened.map_err(|_| StartError::Ended)?;
            let loaded = match loaded {
                Ok(loaded) => loaded,
                Err(failure) => {
                    pass_over(failure);
                    continue;
                }
            };
            // What it shows was durable: going on without it would hide that records are lost.
            let ends_before = |source| StartError::EndsBeforeSnapshot {
                generation: number,
                lsn: meta.highest.max(meta.start()),
                generations: generations_path(options),
                source,
            };
            match opened {
                Ok((journal, recovered)) => match meta.check_against(&journal.reader()) {
                    Ok(()) => {
                        self.recovery.write().open_seconds = opening_took.as_secs_f64();
                        set_aside(&store, &of_no_use)?;
                        return Ok(Found { journal, recovered, loaded, store });
                    }
                    Err(SnapshotFailure::Journal(error)) => return Err(error.into()),
                    Err(failure @ SnapshotFailure::AheadOfDisk { .. }) => return Err(ends_before(failure)),
                    Err(failure) => pass_over(failure),
                },
                Err(error @ JournalError::PositionMisfit { misfit: Misfit::BeyondEnd, .. }) => {
                    return Err(ends_before(error.into()));
                }
                Err(error @ JournalError::PositionMisfit { .. }) => pass_over(error.into()),
                Err(error) => return Err(error.into()),
            }
        }
        {
            let mut recovery = self.recovery.write();
            recovery.phase = RecoveryPhase::OpeningJournal;
            (recovery.generation, recovery.entities, recovery.entities_of) = (None, 0, 0);
            recovery.load_seconds = 0.0;
        }
        let began = Instant::now();
        let (journal, recovered) = Journal::open(&directory, journal_options)?;
        self.recovery.write().open_seconds = began.elapsed().as_secs_f64();
        set_aside(&store, &of_no_use)?;
        Ok(Found { journal, recovered, loaded: loading.nothing(), store })
    }

    fn begin_loading(&self, store: &Store, number: u64) -> Result<(Generation, Meta), SnapshotFailure> {
        let generation = store.load(number)?;
        let meta = Meta::of(&generation)?;
        let entities = meta.entities;
        {
            let mut recovery = self.recovery.write();
            recovery.phase = RecoveryPhase::LoadingSnapshot;
            (recovery.generation, recovery.entities, recovery.entities_of) = (Some(number), 0, entities);
        }
        info!(generation = number, entities, "loading snapshot");
        Ok((generation, meta))
    }

    /// Fills the shards with what was loaded, each on its own thread.
    pub(super) fn fill(
        &self,
        shards: &[Addr<Shard>],
        loaded: Vec<LoadedShard>,
        dispatcher: &Dispatcher,
        (generation, meta): (&Generation, &Meta),
    ) -> Result<(), StartError> {
        let began = Instant::now();
        let is_of_this_program = meta.is_of_this_program();
        if !is_of_this_program {
            info!("another program wrote this snapshot: every entity is looked at again");
        }
        let reference = std::sync::Arc::new(dispatcher.fold.reference.clone());
        // An answer for each portion.
        let (done, answers) = bounded(loaded.iter().map(|shard| shard.entities.len()).sum::<usize>().max(1));
        let mut left = 0;
        for (shard, LoadedShard { slots, entities, stopped }) in shards.iter().zip(loaded) {
            left += entities.iter().map(Vec::len).sum::<usize>();
            shard.do_send(BeginRestore {
                slots,
                reference: reference.clone(),
                business: dispatcher.clocks.business(),
                stopped,
                summaries_at: meta.summaries_at,
                is_of_this_program,
                generation: generation.clone(),
            });
            for entities in entities {
                shard.do_send(RestoreEntities { entities, done: done.clone() });
            }
        }
        drop(done);
        while left > 0 {
            left -= answers.recv().map_err(|_| StartError::Ended)?;
        }
        self.recovery.write().load_seconds += began.elapsed().as_secs_f64();
        Ok(())
    }

    /// Folds the journal behind `after` up to `last`. Gives the bytes of those records, and the window of duplicates with
    /// them.
    pub(super) fn replay(
        &self,
        reader: &JournalReader,
        (after, last): (Lsn, Lsn),
        options: &TowerOptions,
        dispatcher: &mut Dispatcher,
        duplicates: Refill,
        idempotency_keys: &IdempotencyKeys,
    ) -> Result<(u64, Duplicates), StartError> {
        let began = Instant::now();
        {
            let mut recovery = self.recovery.write();
            recovery.phase = RecoveryPhase::ReplayingJournal;
            recovery.of = last.0 - after.0;
        }
        let progress = dispatcher.progress.clone();
        let mut bytes = 0;
        let mut told = Instant::now();
        let duplicates = std::thread::scope(|scope| {
            let (decoded, batches) = bounded(DECODED_BATCHES_MAX);
            let batch_records_max = options.batch_records_max;
            let decoding = scope.spawn(move || {
                let decoding = Decoding { reader, after, last, batch_records_max, decoded: &decoded };
                let mut duplicates = duplicates;
                if let Err(error) = decoding.run(&mut duplicates, idempotency_keys) {
                    let _ = decoded.send(Err(error));
                }
                drop(decoded);
                duplicates.settle()
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
            decoding.join().map_err(|_| StartError::Ended)
        })?;
        while progress.applied() < last {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.recovery.write().replay_seconds = began.elapsed().as_secs_f64();
        Ok((bytes, duplicates))
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

/// Takes snapshots that were passed over for good out of the way, before anything new is journaled: one that is damaged
/// would count as one of those that are kept. Only once the journal is open, so that a start that fails changes
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

/// Records as the journal has them.
type Raw = Vec<Bytes>;

/// What a record has for the window of duplicates and for the idempotency keys.
struct Remembered {
    event: Option<EventIdentity>,
    /// The hash of its content, if it may be of a command.
    command: Option<[u8; 16]>,
}

/// What is made of [`Raw`]: the batch, and what is remembered of each record.
type Decoded = Result<(Batch, Vec<Remembered>), StartError>;

/// Reads the journal ahead of the fold: one thread reads, several decode, and this one puts it in order again.
struct Decoding<'a> {
    reader: &'a JournalReader,
    after: Lsn,
    last: Lsn,
    batch_records_max: usize,
    decoded: &'a Sender<Result<Batch, StartError>>,
}

impl Decoding<'_> {
    fn run(&self, duplicates: &mut Refill, idempotency_keys: &IdempotencyKeys) -> Result<(), StartError> {
        std::thread::scope(|scope| {
            let (work_in, work_out) = bounded::<(Raw, Sender<Decoded>)>(DECODED_BATCHES_MAX);
            let (order_in, order_out) = bounded::<Receiver<Decoded>>(DECODED_BATCHES_MAX);
            for _ in 0..DECODERS {
                let work = work_out.clone();
                scope.spawn(move || {
                    for (raw, answer) in work {
                        // If nobody waits any more there was an error before.
                        let _ = answer.send(decode_all(&raw));
                    }
                });
            }
            drop(work_out);
            scope.spawn(move || self.read(&work_in, &order_in));
            for answer in order_out {
                let (batch, remembered) = answer.recv().map_err(|_| StartError::Ended)??;
                for (Committed { record, .. }, remembered) in batch.records.iter().zip(remembered) {
                    remembered.keep(record, duplicates, idempotency_keys);
                }
                if self.decoded.send(Ok(batch)).is_err() {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Cuts the journal into batches, each given to a decoder, and in its turn to whoever puts them in order.
    fn read(&self, work: &Sender<(Raw, Sender<Decoded>)>, order: &Sender<Receiver<Decoded>>) {
        let give = |raw: Raw| {
            let (answer, answered) = bounded(1);
            order.send(answered).is_ok() && work.send((raw, answer)).is_ok()
        };
        let mut raw = Vec::with_capacity(self.batch_records_max);
        if self.after >= self.last {
            return;
        }
        for read in self.reader.read_from(self.after.next().0) {
            match read {
                Ok((lsn, _)) if lsn > self.last.0 => break,
                Ok((_, bytes)) => raw.push(bytes),
                Err(error) => {
                    let (answer, answered) = bounded(1);
                    let _ = answer.send(Err(error.into()));
                    let _ = order.send(answered);
                    return;
                }
            }
            if raw.len() >= self.batch_records_max
                && !give(std::mem::replace(&mut raw, Vec::with_capacity(self.batch_records_max)))
            {
                return;
            }
        }
        give(raw);
    }
}

/// Reads a journaled record for the fold.
fn decode(bytes: &[u8]) -> Result<(Committed, Remembered), CodecError> {
    let (record, event) = codec::decode(bytes)?;
    let command = match record.source == COMMAND_SOURCE {
        true => Some(codec::content_hash(bytes)?),
        false => None,
    };
    let origin = record.lsn;
    Ok((Committed { record: std::sync::Arc::new(record), origin }, Remembered { event, command }))
}

fn decode_all(raw: &Raw) -> Decoded {
    let mut batch = Batch { records: Vec::with_capacity(raw.len()), bytes: 0 };
    let mut all = Vec::with_capacity(raw.len());
    for bytes in raw {
        let (committed, remembered) = decode(bytes)?;
        batch.bytes += bytes.len() as u64;
        batch.records.push(committed);
        all.push(remembered);
    }
    Ok((batch, all))
}

impl Remembered {
    /// Notes what is known by a record of events and commands.
    fn keep(self, record: &Record, duplicates: &mut Refill, idempotency_keys: &IdempotencyKeys) {
        if let Some(content) = self.command {
            idempotency_keys.replay(record, content);
        }
        if let Some(identity) = self.event {
            duplicates.remember(&identity, record.lsn, record.ingest_time);
        }
    }
}

/// Reads a journaled record and notes what is known by it, as recovery does.
///
/// # Errors
/// If it can't be read.
#[cfg(test)]
pub(super) fn replay_one(
    bytes: &[u8],
    duplicates: &mut Refill,
    idempotency_keys: &IdempotencyKeys,
) -> Result<Committed, CodecError> {
    let (committed, remembered) = decode(bytes)?;
    remembered.keep(&committed.record, duplicates, idempotency_keys);
    Ok(committed)
}
