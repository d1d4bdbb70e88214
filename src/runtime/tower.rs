//! The tower as a whole: what it is started with, what it consists of, how it begins and stops.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use actix::Addr;
use actix_rt::Arbiter;
use crossbeam_channel::Sender;
use parking_lot::{Mutex, RwLock};
use tokio::sync::oneshot;
use tracing::warn;

use super::admission::Admission;
use super::codec::{self, CodecError};
use super::commands::IdempotencyKeys;
use super::directory::Directory;
use super::documents::DocumentIndex;
use super::fold::FoldUsage;
use super::metrics::Metrics;
use super::progress::Progress;
use super::quarantine::Quarantine;
use super::recovery::Recovery;
use super::shard::{Shard, ShardLimits};
use super::snapshots::{SnapshotFailure, Snapshots, TrimOptions};
use super::summaries::{Cases, Exceptions};
use super::writer::{Pending, Submission, WriterShared};
use crate::domain::ids::{Lsn, Name, TenantNumber};
use crate::domain::money::Currency;
use crate::domain::record::{Body, ClockKind, Record, SystemBody};
use crate::domain::reference::Reference;
use crate::domain::settings::Settings;
use crate::domain::time::Timestamp;
use crate::feed::{JournalSink, StateSink};
use crate::journal::{JournalError, JournalReader};
use crate::snapshot::SnapshotError;

/// What the tower is started with.
#[derive(Clone, Debug)]
pub struct TowerOptions {
    /// Everything that must last.
    pub data: PathBuf,
    pub shards: u16,
    pub segment_bytes_max: u64,
    pub group_records_max: usize,
    pub group_bytes_max: usize,
    pub duplicate_window_events: usize,
    /// Whether sealed segments of the journal are compressed in the background.
    pub compress_sealed: bool,
    pub trim: TrimOptions,
    pub records_max: u64,
    pub bytes_max: u64,
    pub batch_records_max: usize,
    pub reconcile_budget: Duration,
    pub review_slice: usize,
    pub look_slice: usize,
    pub look_again: Duration,
    pub look_again_percent: u32,
    pub replay_records_in_flight_max: u64,
    pub quarantine_entries_max: usize,
    pub exceptions_ended_max: usize,
    pub state_interval: Duration,
    /// Bytes of the journal after which another snapshot is taken.
    pub snapshot_journal_bytes: u64,
    /// Entities that a shard asks for their states at a time.
    pub snapshot_slice_entities: usize,
    /// Entities with an actor.
    pub entities_live_max: usize,
    /// Bytes of the states of those without one that are kept in memory.
    pub packed_bytes_max: usize,
    /// Bytes that stay free on the disk beside a new snapshot.
    pub snapshot_free_bytes_min: u64,
    pub settings: Settings,
    pub settings_hash: String,
    pub tenants: Vec<TenantOptions>,
}

impl TowerOptions {
    /// The bounds of one of its shards.
    pub(super) fn shard_limits(&self) -> ShardLimits {
        let shards = usize::from(self.shards);
        ShardLimits {
            reconcile_budget: self.reconcile_budget,
            review_slice: self.review_slice,
            look_slice: self.look_slice,
            look_again: self.look_again,
            look_again_percent: self.look_again_percent,
            capture_slice: self.snapshot_slice_entities,
            live_max: self.entities_live_max / shards,
            packed_bytes_max: self.packed_bytes_max / shards,
            state_interval: self.state_interval,
        }
    }
}

/// A tenant as the configuration says it.
#[derive(Clone, Debug)]
pub struct TenantOptions {
    pub name: Name,
    /// What it keeps time by from its declaration on.
    pub clock: ClockKind,
    /// Whether to start with that clock or not at all. Otherwise the clock of a tenant that is there stays as it is.
    pub insists_on_clock: bool,
    pub base_currency: Currency,
    pub timezone: Name,
}

/// What the tower is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    Recovering = 0,
    Ready = 1,
    Draining = 2,
}

/// Why the tower did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Record(#[from] CodecError),
    #[error("the snapshots can't be looked at: {0}")]
    Snapshots(#[from] SnapshotError),
    /// Found before anything was opened for writing.
    #[error("{source}; nothing in {directory} was changed", directory = .directory.display())]
    Newer { directory: PathBuf, source: CodecError },
    /// Records that were durable are gone, and the journal's own mark went with them.
    #[error(
        "snapshot generation {generation} shows records up to {lsn}, and the journal ends before that: records that were \
         durable are lost; restore the journal's missing files or a backup, or, to go on without those records, move {} \
         away ({source})",
        .generations.display()
    )]
    EndsBeforeSnapshot { generation: u64, lsn: Lsn, generations: PathBuf, source: SnapshotFailure },
    #[error("the data directory can't be locked: {0}")]
    Lock(std::io::Error),
    #[error("a thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
    #[error(
        "tenant `{name}` keeps time by the {journaled} clock since it was declared; {asked} can only be set on an empty data directory"
    )]
    Clock { name: Name, journaled: &'static str, asked: &'static str },
    #[error("the tower ended while it was starting")]
    Ended,
}

/// The tower: first recovering, then running, then draining.
pub struct Tower {
    phase: AtomicU8,
    running: OnceLock<Running>,
    pub(super) recovery: RwLock<Recovery>,
    /// Keeps other towers out of the data directory, from before anything in it is cleaned up.
    pub(super) lock: Mutex<Option<File>>,
    pub metrics: Arc<Metrics>,
}

/// Everything that requests use once the tower runs.
pub struct Running {
    pub submissions: Sender<Submission>,
    pub progress: Arc<Progress>,
    pub admission: Arc<Admission>,
    pub directory: Arc<Directory>,
    pub documents: DocumentIndex,
    pub exceptions: Arc<Exceptions>,
    pub cases: Arc<Cases>,
    pub idempotency_keys: Arc<IdempotencyKeys>,
    pub quarantine: Arc<RwLock<Quarantine>>,
    pub clocks: Arc<WriterShared>,
    pub shards: Vec<Addr<Shard>>,
    pub reader: JournalReader,
    /// Records that a reader may be behind the journal's end and still keep segments.
    pub hold_records_max: u64,
    pub snapshots: Snapshots,
    /// The journal's identity, and from its second epoch on that too: the feed's epoch.
    pub identity: String,
    pub started_at: Timestamp,
    pub(super) reference: Arc<RwLock<Arc<Reference>>>,
    pub(super) usage: Arc<RwLock<FoldUsage>>,
}

impl Running {
    /// The Reference as of the last batch handed to the shards.
    pub fn reference(&self) -> Arc<Reference> {
        self.reference.read().clone()
    }

    /// Whether the journal's disk was full when it was last tried: then nothing new is taken.
    pub fn is_disk_full(&self) -> bool {
        self.clocks.is_disk_full.load(Ordering::Acquire)
    }

    /// How much of its bounds the dispatcher's fold uses.
    pub fn fold_usage(&self) -> FoldUsage {
        *self.usage.read()
    }

    /// The opaque position of a record.
    pub fn position(&self, lsn: Lsn) -> String {
        format!("{}-{}", self.identity, lsn.0)
    }

    /// Reads a position back.
    pub fn parse_position(&self, position: &str) -> Option<Lsn> {
        let (identity, lsn) = position.rsplit_once('-')?;
        let canonical = !lsn.is_empty() && lsn.bytes().all(|b| b.is_ascii_digit());
        (identity == self.identity && canonical).then(|| lsn.parse().ok().map(Lsn))?
    }
}

/// A record that isn't an event, encoded behind what `buffer` holds.
///
/// # Errors
/// If it can't be written as JSON, which none of its types allows for.
pub fn pending_own(record: Record, buffer: &mut Vec<u8>) -> Result<Pending, serde_json::Error> {
    let start = buffer.len();
    codec::encode_own(&record, buffer)?;
    Ok(Pending { record: Arc::new(record), bytes: start..buffer.len(), identity: None })
}

/// A record of the tower about itself, as of now.
pub fn system_record(tenant: TenantNumber, principal: Name, body: SystemBody) -> Record {
    let now = wall_clock();
    Record {
        lsn: Lsn::ZERO,
        tenant,
        event_time: now,
        ingest_time: now,
        business_time: now,
        causing_lsn: Lsn::ZERO,
        entity_revision: 0,
        source: Name::const_new("tidewatch"),
        id: Name::default(),
        sequence: Name::default(),
        principal,
        body: Body::System(Box::new(body)),
    }
}

/// The machine's clock.
pub fn wall_clock() -> Timestamp {
    #[cfg(test)]
    if let Some(now) = super::simulation::clock::now() {
        return now;
    }
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

impl Tower {
    /// Starts recovery on a thread of its own and returns at once. Call it within an actix system. `done` gets what became of it.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn start(
        options: TowerOptions,
        state: StateSink,
        feed: JournalSink,
        done: oneshot::Sender<Result<(), StartError>>,
    ) -> Result<Arc<Tower>, StartError> {
        let tower = Arc::new(Tower {
            phase: AtomicU8::new(Phase::Recovering as u8),
            running: OnceLock::new(),
            recovery: RwLock::default(),
            lock: Mutex::default(),
            metrics: Arc::new(Metrics::default()),
        });
        let booting = tower.clone();
        // Arbiters belong to the actix system of the calling thread.
        let arbiters: Vec<Arbiter> = (0..options.shards).map(|_| Arbiter::new()).collect();
        let boot = move || {
            let result = booting.boot(options, &arbiters, state, feed);
            let _ = done.send(result);
        };
        std::thread::Builder::new().name("recovery".into()).spawn(boot)?;
        Ok(tower)
    }

    /// What the tower is doing.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Recovering,
            1 => Phase::Ready,
            _ => Phase::Draining,
        }
    }

    /// The running parts, once recovery is done.
    pub fn running(&self) -> Option<&Running> {
        self.running.get()
    }

    /// Takes work from now on. A drain that began meanwhile stays a drain.
    pub(super) fn begin_work(&self, running: Running) -> Result<(), StartError> {
        self.running.set(running).map_err(|_| StartError::Ended)?;
        let (from, to) = (Phase::Recovering as u8, Phase::Ready as u8);
        let _ = self.phase.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
        Ok(())
    }

    /// How far recovery is, or how long it took.
    pub fn recovery(&self) -> Recovery {
        *self.recovery.read()
    }

    /// From now on no new work is taken.
    pub fn begin_drain(&self) {
        self.phase.store(Phase::Draining as u8, Ordering::Release);
    }

    /// Waits until everything accepted is applied and settled, then closes the journal. `false` if it took too long;
    /// what was acknowledged is durable even so. Takes at most half a second longer than `within`.
    pub async fn drain(&self, within: Duration) -> bool {
        self.begin_drain();
        let Some(running) = self.running() else { return true };
        let deadline = Instant::now() + within;
        let last = running.progress.durable();
        let settled = running.progress.wait_settled(last, within).await;
        let left = deadline.saturating_duration_since(Instant::now());
        if settled && left > CLOSE_MIN {
            // The next start is quick with it, and right without.
            if let Err(error) = running.snapshots.take_at_once(left - CLOSE_MIN).await {
                warn!(%error, "stopping without a snapshot");
            }
        }
        let (done, closed) = oneshot::channel();
        if running.submissions.send(Submission::Stop { done }).is_err() {
            return settled;
        }
        let left = deadline.saturating_duration_since(Instant::now()).max(CLOSE_MIN);
        let is_closed = matches!(tokio::time::timeout(left, closed).await, Ok(Ok(())));
        // A snapshot that nobody waits for any more may still be written: then only the end of the process unlocks.
        if is_closed && !running.snapshots.status().is_being_taken {
            self.lock.lock().take();
        }
        settled && is_closed
    }
}

/// How long closing the journal may take when settling took all the time there was.
const CLOSE_MIN: Duration = Duration::from_millis(500);
