//! Which part of a tower is given what: for the tower, whose parts run on threads of their own, and for the simulation, which
//! takes each step itself.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use actix::Addr;
use crossbeam_channel::{Receiver, Sender, unbounded};
use parking_lot::RwLock;

use super::admission::Admission;
use super::clocks::Clocks;
use super::commands::IdempotencyKeys;
use super::directory::Directory;
use super::dispatcher::Dispatcher;
use super::duplicates::Duplicates;
use super::fold::{Fold, FoldUsage};
use super::metrics::Metrics;
use super::progress::Progress;
use super::quarantine::Quarantine;
use super::rebuild::Rebuilder;
use super::shard::{Shard, ShardParts};
use super::snapshots::{CaptureRequest, Loaded, Retention, Snapshots, SnapshotterParts};
use super::summaries::{Cases, Exceptions};
use super::tower::{Running, TowerOptions, wall_clock};
use super::writer::{Committed, GroupLimits, Submission, Writer, WriterShared};
use crate::domain::reference::Reference;
use crate::feed::{JournalSink, StateSink};
use crate::journal::{FIRST_EPOCH, Journal};
use crate::snapshot::Store;

/// What the parts of a tower share.
pub(super) struct Wiring<'o> {
    options: &'o TowerOptions,
    store: Store,
    submissions: Sender<Submission>,
    pub progress: Arc<Progress>,
    admission: Arc<Admission>,
    pub metrics: Arc<Metrics>,
    directory: Arc<Directory>,
    quarantine: Arc<RwLock<Quarantine>>,
    exceptions: Arc<Exceptions>,
    cases: Arc<Cases>,
    pub idempotency_keys: Arc<IdempotencyKeys>,
}

impl<'o> Wiring<'o> {
    /// Around what was loaded, and what the writer gets its work from.
    pub fn new(
        options: &'o TowerOptions,
        loaded: &Loaded,
        store: Store,
        metrics: Arc<Metrics>,
    ) -> (Wiring<'o>, Receiver<Submission>) {
        // Not bounded by itself: outside work holds credits and is refused at the edge while the queue is long, own work
        // is one group per entity. A channel that blocked would let the two wait for each other.
        let (submissions, submitted) = unbounded();
        let wiring = Wiring {
            options,
            store,
            submissions,
            progress: Arc::new(Progress::new(usize::from(options.shards))),
            admission: Arc::new(Admission::new(options.records_max, options.bytes_max)),
            metrics,
            directory: loaded.directory.clone(),
            quarantine: loaded.quarantine.clone(),
            exceptions: loaded.exceptions.clone(),
            cases: loaded.cases.clone(),
            idempotency_keys: loaded.idempotency_keys.clone(),
        };
        (wiring, submitted)
    }

    pub fn shard(&self, index: usize, rebuilder: &Rebuilder, state_sink: &StateSink) -> ShardParts {
        ShardParts {
            index,
            limits: self.options.shard_limits(),
            submissions: self.submissions.clone(),
            progress: self.progress.clone(),
            admission: self.admission.clone(),
            metrics: self.metrics.clone(),
            exceptions: self.exceptions.clone(),
            cases: self.cases.clone(),
            idempotency_keys: self.idempotency_keys.clone(),
            rebuilder: rebuilder.clone(),
            state_sink: state_sink.clone(),
            wall_clock,
        }
    }

    pub fn dispatcher(
        &self,
        fold: Fold,
        shards: Vec<Addr<Shard>>,
        clocks: Clocks,
        feed: JournalSink,
    ) -> Dispatcher {
        Dispatcher {
            fold,
            shards,
            progress: self.progress.clone(),
            clocks,
            batch_records_max: self.options.batch_records_max,
            published: Arc::new(RwLock::new(Arc::new(Reference::default()))),
            usage: Arc::new(RwLock::new(FoldUsage::default())),
            feed,
        }
    }

    /// The writer, as the replay left the dispatcher.
    pub fn writer(
        &self,
        journal: Journal,
        duplicates: Duplicates,
        dispatcher: &Dispatcher,
        submissions: Receiver<Submission>,
        committed: Sender<Vec<Committed>>,
    ) -> Writer {
        let shared = Arc::new(WriterShared {
            is_disk_full: AtomicBool::new(false),
            clocks: RwLock::new(dispatcher.clocks.of_writer()),
            reach: RwLock::new(duplicates.reach()),
        });
        Writer {
            journal,
            duplicates,
            limits: GroupLimits {
                records_max: self.options.group_records_max,
                bytes_max: self.options.group_bytes_max,
            },
            submissions,
            committed,
            shared,
            progress: self.progress.clone(),
            admission: self.admission.clone(),
            metrics: self.metrics.clone(),
            wall_clock,
            last_ingest: dispatcher.clocks.last_ingest(),
        }
    }

    /// For a snapshotter beside that writer, after so many bytes were replayed.
    pub fn snapshotter(
        &self,
        writer: &Writer,
        captures: Sender<CaptureRequest>,
        replayed_bytes: u64,
    ) -> SnapshotterParts {
        SnapshotterParts {
            store: self.store.clone(),
            reader: writer.journal.reader(),
            captures,
            progress: self.progress.clone(),
            metrics: self.metrics.clone(),
            exceptions: self.exceptions.clone(),
            cases: self.cases.clone(),
            idempotency_keys: self.idempotency_keys.clone(),
            duplicate_window_events: self.options.duplicate_window_events,
            writer: writer.shared.clone(),
            packed_bytes_max: self.options.packed_bytes_max,
            journal_bytes: self.options.snapshot_journal_bytes,
            free_bytes_min: self.options.snapshot_free_bytes_min,
            replayed_bytes,
            retention: Retention::new(&writer.journal, self.options.trim, self.quarantine.clone()),
        }
    }

    /// What whoever asks or tells the tower anything works with.
    pub fn running(self, dispatcher: &Dispatcher, writer: &Writer, snapshots: Snapshots) -> Running {
        Running {
            submissions: self.submissions,
            progress: self.progress,
            admission: self.admission,
            directory: self.directory,
            documents: dispatcher.fold.documents.reader(),
            exceptions: self.exceptions,
            cases: self.cases,
            idempotency_keys: self.idempotency_keys,
            quarantine: self.quarantine,
            clocks: writer.shared.clone(),
            shards: dispatcher.shards.clone(),
            reader: writer.journal.reader(),
            hold_records_max: self.options.trim.hold_records_max,
            snapshots,
            identity: feed_epoch(&writer.journal),
            started_at: wall_clock(),
            reference: dispatcher.published.clone(),
            usage: dispatcher.usage.clone(),
        }
    }
}

/// The epoch of positions and of the feed. A restored journal has the identity of the one that was backed up, and other
/// records from there on: positions of before must not be taken for its own.
fn feed_epoch(journal: &Journal) -> String {
    let identity = journal.identity().simple();
    match journal.epoch() {
        FIRST_EPOCH => identity.to_string(),
        epoch => format!("{identity}e{epoch}"),
    }
}
