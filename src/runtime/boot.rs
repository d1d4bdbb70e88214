//! How a tower is put together: its parts in their order, what is replayed into them, and the records of its start.

use std::time::{Duration, Instant};

use actix::Addr;
use actix_rt::Arbiter;
use crossbeam_channel::{bounded, unbounded};
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use super::codec::{self, FOLD_VERSION};
use super::niceness::{give_way, work_in_the_background};
use super::panics::mark_thread_critical;
use super::rebuild::Rebuilder;
use super::recovery::{Found, Recovery, RecoveryPhase};
use super::shard::{Shard, ShardParts};
use super::snapshots::{Loaded, Snapshotter};
use super::tower::{Running, StartError, Tower, TowerOptions, pending_own, system_record};
use super::wiring::Wiring;
use super::writer::{Submission, Written};
use crate::domain::ids::{Lsn, Name, TenantNumber};
use crate::domain::record::{ClockKind, Record, SystemBody};
use crate::domain::reference::Reference;
use crate::feed::{JournalSink, StateSink};
use crate::journal::last_record;

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
        let last = Lsn(journal.durable_lsn());
        let meta = loaded.generation.as_ref().map(|(_, meta)| meta);
        let start = meta.map(|meta| meta.start()).unwrap_or_default();
        let clocks = meta.map(|meta| meta.clocks.clone()).unwrap_or_default();
        if recovered.created {
            info!(path = %options.data.join("journal").display(), "new journal");
        } else {
            info!(records = last.0, from = %start, "journal verified, replaying");
        }

        let (wiring, submitted) = Wiring::new(&options, &loaded, store.clone(), self.metrics.clone());
        let (committed_in, committed_out) = unbounded();
        // One at a time: the snapshotter waits for its answer.
        let (captures_in, captures_out) = bounded(1);
        let rebuilder = Rebuilder::start(journal.reader(), store, options.shards)?;

        let mut shards = Vec::new();
        for (index, arbiter) in arbiters.iter().enumerate() {
            shards.push(start_shard(arbiter, wiring.shard(index, &rebuilder, &state))?);
        }

        let Loaded { fold, duplicates, shards: loaded_shards, generation, .. } = loaded;
        let mut dispatcher = wiring.dispatcher(fold, shards.clone(), clocks, feed);

        let reader = journal.reader();
        if let Some((generation, meta)) = &generation {
            self.fill(&shards, loaded_shards, &dispatcher, (generation, meta))?;
            dispatcher.restored(start);
        }
        let (replayed_bytes, duplicates) = self.replay(
            &reader,
            (start, last),
            &options,
            &mut dispatcher,
            duplicates,
            &wiring.idempotency_keys,
        )?;
        // Not before: it would take from the start what the start needs.
        if options.compress_sealed {
            journal.compress_sealed_segments()?;
        }
        wiring.progress.publish_durable(last);
        dispatcher.go_live(last);

        let writer = wiring.writer(journal, duplicates, &dispatcher, submitted, committed_in);
        let parts = wiring.snapshotter(&writer, captures_in, replayed_bytes);
        let (snapshotter, snapshots) = Snapshotter::new(parts, generation);
        let running = wiring.running(&dispatcher, &writer, snapshots);
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
        std::thread::Builder::new().name("snapshots".into()).spawn(move || {
            work_in_the_background();
            snapshotter.run();
        })?;
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
            Some(known) if known.clock != tenant.clock && tenant.insists_on_clock => {
                return Err(StartError::Clock {
                    name: tenant.name.clone(),
                    journaled: clock_name(known.clock),
                    asked: clock_name(tenant.clock),
                });
            }
            Some(known) => {
                if known.clock != tenant.clock {
                    warn!(
                        tenant = %tenant.name,
                        clock = clock_name(known.clock),
                        "the clock stays what it was when the tenant was declared"
                    );
                }
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
