//! How a tower is put together: its parts in their order, what is replayed into them, and the records of its start.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::Addr;
use actix_rt::Arbiter;
use crossbeam_channel::{bounded, unbounded};
use parking_lot::RwLock;
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use super::admission::Admission;
use super::codec::{self, FOLD_VERSION};
use super::dispatcher::Dispatcher;
use super::fold::FoldUsage;
use super::niceness::give_way;
use super::panics::mark_thread_critical;
use super::progress::Progress;
use super::rebuild::Rebuilder;
use super::recovery::{Found, Recovery, RecoveryPhase};
use super::shard::{Shard, ShardParts};
use super::snapshots::{Loaded, Retention, Snapshotter, SnapshotterParts};
use super::tower::{Running, StartError, Tower, TowerOptions, pending_own, system_record, wall_clock};
use super::writer::{GroupLimits, Submission, Writer, WriterShared, Written};
use crate::domain::ids::{Lsn, Name, TenantNumber};
use crate::domain::record::{ClockKind, Record, SystemBody};
use crate::domain::reference::Reference;
use crate::feed::{JournalSink, StateSink};
use crate::journal::{FIRST_EPOCH, Journal, last_record};

/// Exit code when the journal failed under a running tower.
const EXIT_JOURNAL_FAILED: i32 = 74;

impl Tower {
    /// Makes all parts, replays, and begins to take work.
    pub(super) fn boot(
        &self,
        options: TowerOptions,
        arbiters: &[Arbiter],
        state: StateSink,
        feed: JournalSink,
    ) -> Result<(), StartError> {
        let began = Instant::now();
        // The last record has the newest versions of all: each version stops at a newer one's. Looked at before opening,
        // which cuts a torn tail and writes the mark.
        if let Some((_, bytes)) = last_record(&options.data.join("journal"))? {
            codec::check_versions(&bytes)
                .map_err(|source| StartError::Newer { directory: options.data.clone(), source })?;
        }
        let Found { mut journal, recovered, loaded, store } = self.find(&options)?;
        let Loaded { directory, quarantine, exceptions, cases, idempotency_keys, .. } = &loaded;
        let (directory, quarantine) = (directory.clone(), quarantine.clone());
        let (exceptions, cases, idempotency_keys) =
            (exceptions.clone(), cases.clone(), idempotency_keys.clone());
        let last = Lsn(journal.durable_lsn());
        let meta = loaded.generation.as_ref().map(|(_, meta)| meta);
        let start = meta.map(|meta| meta.start()).unwrap_or_default();
        let clocks = meta.map(|meta| meta.clocks.clone()).unwrap_or_default();
        if recovered.created {
            info!(path = %options.data.join("journal").display(), "new journal");
        } else {
            info!(records = last.0, from = %start, "journal verified, replaying");
        }

        let progress = Arc::new(Progress::new(usize::from(options.shards)));
        let admission = Arc::new(Admission::new(options.records_max, options.bytes_max));
        // Not bounded by itself: outside work holds credits and is refused at the edge while the queue is long, own work
        // is one group per entity. A channel that blocked would let the two wait for each other.
        let (submissions, submitted) = unbounded();
        let (committed_in, committed_out) = unbounded();
        // One at a time: the snapshotter waits for its answer.
        let (captures_in, captures_out) = bounded(1);
        let rebuilder = Rebuilder::start(journal.reader(), store.clone(), options.shards)?;

        let mut shards = Vec::new();
        for (index, arbiter) in arbiters.iter().enumerate() {
            let parts = ShardParts {
                index,
                limits: options.shard_limits(),
                submissions: submissions.clone(),
                progress: progress.clone(),
                admission: admission.clone(),
                metrics: self.metrics.clone(),
                exceptions: exceptions.clone(),
                cases: cases.clone(),
                idempotency_keys: idempotency_keys.clone(),
                rebuilder: rebuilder.clone(),
                state_sink: state.clone(),
                wall_clock,
            };
            shards.push(start_shard(arbiter, parts)?);
        }

        let Loaded { fold, duplicates, shards: loaded_shards, generation, .. } = loaded;
        let documents = fold.documents.reader();
        let published = Arc::new(RwLock::new(Arc::new(Reference::default())));
        let usage = Arc::new(RwLock::new(FoldUsage::default()));
        let mut dispatcher = Dispatcher {
            fold,
            shards: shards.clone(),
            progress: progress.clone(),
            clocks,
            batch_records_max: options.batch_records_max,
            published: published.clone(),
            usage: usage.clone(),
            feed,
        };

        let reader = journal.reader();
        if let Some((generation, meta)) = &generation {
            self.fill(&shards, loaded_shards, &dispatcher, (generation, meta))?;
            dispatcher.restored(start);
        }
        let (replayed_bytes, duplicates) =
            self.replay(&reader, (start, last), &options, &mut dispatcher, duplicates, &idempotency_keys)?;
        // Not before: it would take from the start what the start needs.
        if options.compress_sealed {
            journal.compress_sealed_segments()?;
        }
        progress.publish_durable(last);
        dispatcher.go_live(last);

        let shared = Arc::new(WriterShared {
            is_disk_full: std::sync::atomic::AtomicBool::new(false),
            clocks: RwLock::new(dispatcher.clocks.of_writer()),
            reach: RwLock::new(duplicates.reach()),
        });
        let identity = feed_epoch(&journal);
        let retention = Retention::new(&journal, options.trim, quarantine.clone());
        let writer = Writer {
            journal,
            duplicates,
            limits: GroupLimits {
                records_max: options.group_records_max,
                bytes_max: options.group_bytes_max,
            },
            submissions: submitted,
            committed: committed_in,
            shared: shared.clone(),
            progress: progress.clone(),
            admission: admission.clone(),
            metrics: self.metrics.clone(),
            wall_clock,
            last_ingest: dispatcher.clocks.last_ingest(),
        };
        let write = move || {
            mark_thread_critical();
            if let Err(failure) = writer.run() {
                error!(%failure, "stopping: the journal can't be trusted to hold what comes next");
                std::process::exit(EXIT_JOURNAL_FAILED);
            }
        };
        std::thread::Builder::new().name("journal".into()).spawn(write)?;
        std::thread::Builder::new().name("dispatcher".into()).spawn(move || {
            mark_thread_critical();
            dispatcher.run(&committed_out, captures_out);
        })?;
        let parts = SnapshotterParts {
            store,
            reader: reader.clone(),
            captures: captures_in,
            progress: progress.clone(),
            metrics: self.metrics.clone(),
            exceptions: exceptions.clone(),
            cases: cases.clone(),
            idempotency_keys: idempotency_keys.clone(),
            duplicate_window_events: options.duplicate_window_events,
            writer: shared.clone(),
            packed_bytes_max: options.packed_bytes_max,
            journal_bytes: options.snapshot_journal_bytes,
            free_bytes_min: options.snapshot_free_bytes_min,
            replayed_bytes,
            retention,
        };
        let (snapshotter, snapshots) = Snapshotter::new(parts, generation);
        std::thread::Builder::new().name("snapshots".into()).spawn(move || {
            give_way();
            snapshotter.run();
        })?;

        let running = Running {
            submissions,
            progress,
            admission,
            directory,
            documents,
            exceptions,
            cases,
            idempotency_keys,
            quarantine,
            clocks: shared,
            shards,
            reader,
            hold_records_max: options.trim.hold_records_max,
            snapshots,
            identity,
            started_at: wall_clock(),
            reference: published,
            usage,
        };
        self.introduce(&running, &options)?;
        let took = began.elapsed();
        {
            let mut recovery = self.recovery.write();
            recovery.phase = RecoveryPhase::Done;
            recovery.took = Some(took);
        }
        self.begin_work(running)?;
        let Recovery { generation, replayed, load_seconds, replay_seconds, .. } = self.recovery();
        info!(
            generation,
            records = replayed,
            seconds = took.as_secs_f64(),
            load_seconds,
            replay_seconds,
            "ready"
        );
        Ok(())
    }

    /// Journals what the fold must know of this start.
    fn introduce(&self, running: &Running, options: &TowerOptions) -> Result<(), StartError> {
        let records = introductions(&running.reference(), options)?;
        let (reply, mut answer) = oneshot::channel();
        let mut buffer = Vec::new();
        let records =
            records.into_iter().map(|record| pending_own(record, &mut buffer)).collect::<Result<_, _>>();
        let records = records.map_err(|error| {
            error!(%error, "a record can't be written as JSON");
            StartError::Ended
        })?;
        let submission = Submission::Own { records, buffer, origin: None, reply: Some(reply) };
        running.submissions.send(submission).map_err(|_| StartError::Ended)?;
        let written = loop {
            match answer.try_recv() {
                Ok(written) => break written,
                Err(oneshot::error::TryRecvError::Empty) => std::thread::sleep(Duration::from_millis(1)),
                Err(oneshot::error::TryRecvError::Closed) => return Err(StartError::Ended),
            }
        };
        if let Written::Done(_) = written {
            let last = running.progress.durable();
            while running.progress.applied() < last {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        Ok(())
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

/// The records of a start: code, tenants and configuration, as far as the Reference does not know them.
pub(super) fn introductions(
    reference: &Reference,
    options: &TowerOptions,
) -> Result<Vec<Record>, StartError> {
    let own = |body| system_record(TenantNumber(0), Name::const_new("tidewatch"), body);
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let mut records = vec![own(SystemBody::Started { version, fold_version: FOLD_VERSION })];
    for tenant in &options.tenants {
        match reference.tenant_by_name(&tenant.name).and_then(|number| reference.tenant(number)) {
            None => {
                let number = TenantNumber(
                    u16::try_from(reference.tenants().count() + records.len() - 1).unwrap_or(u16::MAX),
                );
                let body = SystemBody::TenantDeclared {
                    name: tenant.name.clone(),
                    clock: tenant.clock,
                    base_currency: tenant.base_currency,
                    timezone: tenant.timezone.clone(),
                };
                records.push(system_record(number, Name::const_new("tidewatch"), body));
            }
            Some(known) if known.clock != tenant.clock => {
                return Err(StartError::Clock {
                    name: tenant.name.clone(),
                    journaled: clock_name(known.clock),
                    asked: clock_name(tenant.clock),
                });
            }
            Some(known) => {
                if known.base_currency != tenant.base_currency
                    || known.time_zone.iana_name() != Some(tenant.timezone.as_str())
                {
                    warn!(
                        tenant = %tenant.name,
                        "base currency and time zone stay as they were when the tenant was declared"
                    );
                }
            }
        }
    }
    if reference.version() == Lsn::ZERO || *reference.settings() != options.settings {
        records.push(own(SystemBody::ConfigurationActivated {
            hash: options.settings_hash.clone(),
            settings: Box::new(options.settings.clone()),
        }));
    }
    Ok(records)
}

fn clock_name(clock: ClockKind) -> &'static str {
    match clock {
        ClockKind::Wall => "wall",
        ClockKind::Event => "event",
    }
}

fn start_shard(arbiter: &Arbiter, parts: ShardParts) -> Result<Addr<Shard>, StartError> {
    let (sender, receiver) = bounded(1);
    let started = arbiter.spawn_fn(move || {
        mark_thread_critical();
        give_way();
        let _ = sender.send(Shard::start_here(parts));
    });
    if !started {
        return Err(StartError::Ended);
    }
    receiver.recv().map_err(|_| StartError::Ended)
}
