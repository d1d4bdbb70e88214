//! The thread that decides when a snapshot is taken, and takes it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use parking_lot::RwLock;
use tracing::{info, warn};

use super::{
    CaptureRequest, GenerationInfo, KeptForRebuild, Meta, REQUESTS_WAITING_MAX, RESTS, Retention,
    SnapshotFailure, SnapshotStatus, Snapshots, TakeError, TakeRequest,
};
use crate::journal::JournalReader;
use crate::pacing::Pace;
use crate::runtime::commands::IdempotencyKeys;
use crate::runtime::metrics::Metrics;
use crate::runtime::panics::contain;
use crate::runtime::progress::Progress;
use crate::runtime::summaries::{Cases, Exceptions};
use crate::runtime::writer::WriterShared;
use crate::snapshot::{Generation, Store};

/// How often the journal's growth is looked at.
const POLL: Duration = Duration::from_millis(500);
/// How long one that nobody asked for may take.
const TAKE_MAX: Duration = Duration::from_secs(600);
/// How long after a failure the next one is tried.
const RETRY_AFTER: Duration = Duration::from_secs(60);
/// For want of room on the disk it is twice as long each time, up to this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);
/// How many times as long as one took nothing is taken after it by itself.
const BETWEEN: u32 = 3;
/// Bytes of packed states for which alone none is taken.
const PACKED_SLACK: usize = 4 << 20;
/// Generations kept: the newest, and one to fall back to.
const KEPT: usize = 2;

/// What the snapshotter is made of.
pub struct SnapshotterParts {
    pub store: Store,
    pub reader: JournalReader,
    pub captures: Sender<CaptureRequest>,
    pub progress: Arc<Progress>,
    pub metrics: Arc<Metrics>,
    pub exceptions: Arc<Exceptions>,
    pub cases: Arc<Cases>,
    pub idempotency_keys: Arc<IdempotencyKeys>,
    pub duplicate_window_events: usize,
    pub writer: Arc<WriterShared>,
    /// Bytes of packed states beyond which one is taken that lets them go.
    pub packed_bytes_max: usize,
    /// Bytes of the journal after which another one is taken.
    pub journal_bytes: u64,
    /// Bytes that stay free on the disk beside a new one.
    pub free_bytes_min: u64,
    /// Bytes of records that were replayed at this start: the newest one is older than they are.
    pub replayed_bytes: u64,
    pub retention: Retention,
}

/// The snapshotter, before its thread runs.
pub struct Snapshotter {
    pub(super) store: Store,
    pub(super) reader: JournalReader,
    pub(super) captures: Sender<CaptureRequest>,
    pub(super) progress: Arc<Progress>,
    pub(super) exceptions: Arc<Exceptions>,
    pub(super) cases: Arc<Cases>,
    pub(super) idempotency_keys: Arc<IdempotencyKeys>,
    pub(super) duplicate_window_events: usize,
    pub(super) writer: Arc<WriterShared>,
    pub(super) free_bytes_min: u64,
    pub(super) serial: u64,
    /// The newest published generation whose duplicate window can be gone on from.
    pub(super) newest: Option<(Generation, Meta)>,
    retention: Retention,
    /// Those before that shards may still read from. The last clone goes here: closing one takes a while.
    older: Vec<Generation>,
    packed_bytes_max: usize,
    hurry: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
    journal_bytes: u64,
    /// Bytes written when the newest one began. Below zero by what was replayed.
    bytes_at_newest: i128,
    not_before: Instant,
    retry_after: Duration,
    status: Arc<RwLock<SnapshotStatus>>,
    requests: Receiver<TakeRequest>,
}

impl Snapshotter {
    /// The snapshotter and its handle. `newest` is what this start was restored from.
    pub fn new(parts: SnapshotterParts, newest: Option<(Generation, Meta)>) -> (Snapshotter, Snapshots) {
        let (sender, requests) = bounded(REQUESTS_WAITING_MAX);
        let generations = newest.iter().map(|(generation, meta)| meta.info(generation)).collect();
        let hurry = Arc::new(AtomicBool::new(false));
        let status = Arc::new(RwLock::new(SnapshotStatus { generations, ..SnapshotStatus::default() }));
        let snapshotter = Snapshotter {
            store: parts.store,
            reader: parts.reader,
            captures: parts.captures,
            progress: parts.progress,
            exceptions: parts.exceptions,
            cases: parts.cases,
            idempotency_keys: parts.idempotency_keys,
            duplicate_window_events: parts.duplicate_window_events,
            writer: parts.writer,
            free_bytes_min: parts.free_bytes_min,
            serial: 0,
            newest,
            retention: parts.retention,
            older: Vec::new(),
            packed_bytes_max: parts.packed_bytes_max,
            hurry: hurry.clone(),
            metrics: parts.metrics,
            journal_bytes: parts.journal_bytes,
            bytes_at_newest: -i128::from(parts.replayed_bytes),
            not_before: Instant::now(),
            retry_after: RETRY_AFTER,
            status: status.clone(),
            requests,
        };
        (snapshotter, Snapshots { requests: sender, status, hurry })
    }

    /// Works until every handle is gone.
    pub fn run(mut self) {
        self.list_older();
        self.retention.hold(&self.status.read().generations, self.kept());
        loop {
            match self.requests.recv_timeout(POLL) {
                // Whoever asked no longer waits for it.
                Ok(TakeRequest { deadline, reply, .. })
                    if reply.is_closed() || Instant::now() >= deadline =>
                {
                    let _ = reply.send(Err(SnapshotFailure::Late.into()));
                }
                Ok(TakeRequest { deadline, rests, reply }) => {
                    // Whoever asked may have gone away; the snapshot counts all the same.
                    let _ = reply.send(self.attend(deadline, rests));
                }
                Err(RecvTimeoutError::Timeout) => {
                    let grown = self.grown();
                    self.status.write().journal_bytes_since = grown;
                    self.let_go();
                    if (grown >= self.journal_bytes || self.has_too_much_packed())
                        && Instant::now() >= self.not_before
                    {
                        let _ = self.attend(Instant::now() + TAKE_MAX, RESTS);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// The one that was there before the one that this start used, as that one says: looking into it would mean to read
    /// all of it.
    fn list_older(&mut self) {
        let Some(older) = self.newest.as_ref().and_then(|(_, meta)| meta.previous) else { return };
        if self.store.numbers().is_ok_and(|numbers| numbers.contains(&older.number)) {
            self.status.write().generations.push(older);
        }
    }

    /// What is kept beside the newest one for entities that stand still.
    fn kept(&self) -> KeptForRebuild {
        self.newest.as_ref().map(|(_, meta)| meta.kept_for_rebuild).unwrap_or_default()
    }

    /// What the next generation needs to be kept beside it, if as many of its entities stand still.
    pub(super) fn kept_for_rebuild(&self, standing_still: u64) -> KeptForRebuild {
        if standing_still == 0 {
            return KeptForRebuild::Nothing;
        }
        match &self.newest {
            None => KeptForRebuild::Journal,
            Some((generation, meta)) => match meta.kept_for_rebuild {
                // Whoever stands still now went on then.
                KeptForRebuild::Nothing => KeptForRebuild::Generation(meta.info(generation)),
                kept if self.retention.still_holds(kept) => kept,
                // Who stood still by then is beyond help. Who fails from now on is not.
                KeptForRebuild::Generation(_) | KeptForRebuild::Journal => KeptForRebuild::Nothing,
            },
        }
    }

    /// Bytes of the journal since the newest one began.
    fn grown(&self) -> u64 {
        let grown = i128::from(self.metrics.journal_bytes.get()) - self.bytes_at_newest;
        u64::try_from(grown).unwrap_or(0)
    }

    /// Closes those of before that no shard reads from any more.
    fn let_go(&mut self) {
        self.older.retain(Generation::is_shared);
    }

    /// Whether entities rest in more memory than they should, and a snapshot would let some of it go.
    fn has_too_much_packed(&self) -> bool {
        let packed = self.metrics.entities_packed_bytes_in_all();
        packed > self.packed_bytes_max.saturating_add(self.packed_bytes_max / 4).saturating_add(PACKED_SLACK)
            && self.newest.as_ref().is_none_or(|(_, meta)| meta.start() < self.progress.dispatched())
    }

    fn attend(&mut self, deadline: Instant, rests: u32) -> Result<GenerationInfo, TakeError> {
        let last = self.progress.dispatched();
        if let Some((generation, meta)) = &self.newest
            && meta.start() >= last
        {
            return Ok(meta.info(generation));
        }
        let written = self.metrics.journal_bytes.get();
        self.status.write().is_being_taken = true;
        let started = Instant::now();
        let hurries_from = started + deadline.saturating_duration_since(started) / 2;
        let pace = Pace::resting(rests).until(hurries_from, self.hurry.clone());
        let outcome = contain(|| self.take(deadline, pace))
            .map_err(|panic| TakeError::Failed(format!("a defect: {panic}")))
            .and_then(|taken| taken.map_err(TakeError::from));
        match outcome {
            Ok((generation, meta)) => {
                let info =
                    GenerationInfo { seconds: started.elapsed().as_secs_f64(), ..meta.info(&generation) };
                info!(
                    generation = info.number, lsn = %info.lsn, entities = info.entities, bytes = info.bytes,
                    seconds = info.seconds, "snapshot published"
                );
                // Closing and removing takes a while. Whoever asks how snapshots stand must not wait for it.
                let before = self.newest.replace((generation, meta));
                self.older.extend(before.map(|(generation, _)| generation));
                self.let_go();
                self.bytes_at_newest = i128::from(written);
                self.retry_after = RETRY_AFTER;
                self.not_before = Instant::now() + started.elapsed() * BETWEEN;
                let generations = {
                    let mut status = self.status.write();
                    status.is_being_taken = false;
                    status.generations.insert(0, info);
                    status.generations.truncate(KEPT);
                    status.taken += 1;
                    status.journal_bytes_since = 0;
                    status.generations.clone()
                };
                let kept = self.kept();
                let mut in_use: Vec<u64> = self.older.iter().map(Generation::number).collect();
                if let KeptForRebuild::Generation(info) = kept {
                    in_use.push(info.number);
                }
                match self.store.keep_newest(KEPT, &in_use) {
                    // What they need is only known for those that are gone.
                    Ok(()) => self.retention.trim(&generations, kept),
                    Err(error) => warn!(%error, "an old snapshot can't be removed"),
                }
                Ok(info)
            }
            Err(failure) => {
                warn!(%failure, "no snapshot was taken: the older one stays, and a restart replays more");
                self.retry_after = match failure {
                    TakeError::NoRoom(_) => (self.retry_after * 2).min(RETRY_AFTER_MAX),
                    TakeError::Busy | TakeError::Failed(_) => RETRY_AFTER,
                };
                self.not_before = Instant::now() + self.retry_after;
                let mut status = self.status.write();
                status.is_being_taken = false;
                status.failures += 1;
                Err(failure)
            }
        }
    }
}
