//! The journal's writer: one thread that numbers, decides duplicates, writes, syncs, answers, and hands on.
//!
//! Group commit without a timer: whatever is queued becomes one group; while the disk works, the next one forms.
//! Nothing is answered, applied or shown before its group is on the disk.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use parking_lot::RwLock;
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use super::admission::{Admission, Credits};
use super::codec::EventIdentity;
use super::duplicates::{Duplicates, Reach, Seen};
use super::metrics::Metrics;
use super::progress::Progress;
use crate::domain::event::EventData;
use crate::domain::ids::{Lsn, TenantNumber};
use crate::domain::record::{Body, ClockKind, Record, SystemBody};
use crate::domain::time::Timestamp;
use crate::journal::{
    GROUP_PAYLOAD_BYTES_MAX, GroupBuilder, Journal, JournalError, RECORD_FRAME_LENGTH, envelope,
};

/// A record on its way into the journal: typed, and encoded at `bytes` of its submission's buffer.
pub struct Pending {
    pub record: Arc<Record>,
    pub bytes: Range<usize>,
    /// Set for outside events: decides duplicates.
    pub identity: Option<EventIdentity>,
}

/// Work for the writer.
pub enum Submission {
    /// From outside; credits were taken for it.
    Outside { records: Vec<Pending>, buffer: Vec<u8>, credits: Credits, reply: oneshot::Sender<Written> },
    /// An entity's proposals, or the tower about itself: never refused, and written as one group or not at all.
    Own {
        records: Vec<Pending>,
        buffer: Vec<u8>,
        origin: Option<Lsn>,
        reply: Option<oneshot::Sender<Written>>,
    },
    /// Finish what is queued, sync, stop.
    Stop { done: oneshot::Sender<()> },
}

impl Submission {
    /// Bytes it takes in a group, at most.
    fn size(&self) -> usize {
        match self {
            Submission::Outside { records, buffer, .. } | Submission::Own { records, buffer, .. } => {
                buffer.len() + records.len() * RECORD_FRAME_LENGTH
            }
            Submission::Stop { .. } => 0,
        }
    }
}

/// What became of a submission, in the order of its records.
#[derive(Debug)]
pub enum Written {
    Done(Vec<Outcome>),
    /// Nothing of it was taken: the disk is full.
    DiskFull,
}

/// What became of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Accepted(Lsn),
    /// The same event was taken before, as that record.
    Duplicate(Lsn),
    /// Another event was taken under this id, as that record.
    Reused(Lsn),
}

impl Outcome {
    /// The record that the event is in the journal as, or that has its id.
    pub fn lsn(&self) -> Lsn {
        match self {
            Outcome::Accepted(lsn) | Outcome::Duplicate(lsn) | Outcome::Reused(lsn) => *lsn,
        }
    }
}

/// A record that is durable, on its way to the dispatcher.
pub struct Committed {
    pub record: Arc<Record>,
    /// The outside record that it goes back to: itself, unless it is a consequence.
    pub origin: Lsn,
}

/// A tenant's clock as the writer stamps it.
#[derive(Clone, Copy, Debug)]
pub struct TenantClock {
    pub kind: ClockKind,
    pub business_time: Timestamp,
}

/// What others may ask of the writer while it works.
pub struct WriterShared {
    /// Whether the disk was full when it was last tried. While it is, it is tried at least every [`DISK_FULL_RETRY`].
    pub is_disk_full: AtomicBool,
    /// By tenant number.
    pub clocks: RwLock<Vec<TenantClock>>,
    pub reach: RwLock<Reach>,
}

/// How much one group takes.
#[derive(Clone, Copy, Debug)]
pub struct GroupLimits {
    pub records_max: usize,
    pub bytes_max: usize,
}

/// The writer, before its thread runs.
pub struct Writer {
    pub journal: Journal,
    pub duplicates: Duplicates,
    pub limits: GroupLimits,
    pub submissions: Receiver<Submission>,
    pub committed: Sender<Vec<Committed>>,
    pub shared: Arc<WriterShared>,
    pub progress: Arc<Progress>,
    pub admission: Arc<Admission>,
    pub metrics: Arc<Metrics>,
    /// The wall clock.
    pub wall_clock: fn() -> Timestamp,
    /// Ingest time of the last record numbered.
    pub last_ingest: Timestamp,
}

/// A submission whose fate hangs on the group being written.
struct Waiting {
    submission: Submission,
    outcomes: Vec<Outcome>,
}

/// What the writer carries from one group to the next.
pub struct Backlog {
    builder: GroupBuilder,
    waiting: Vec<Waiting>,
    /// Own work that met a full disk; bounded because every entity has at most one group in flight.
    postponed: VecDeque<Submission>,
    /// Whether there may be room on the disk for what is postponed.
    has_room: bool,
    /// When a full disk was last tried.
    tried_at: Instant,
    /// Had no place in the last group.
    carried: Option<Submission>,
}

impl Backlog {
    /// What goes before anything that is queued.
    pub fn first(&mut self) -> Option<Submission> {
        self.carried.take().or_else(|| self.has_room.then(|| self.postponed.pop_front()).flatten())
    }

    /// Whether own work waits for room on the disk.
    pub fn has_postponed(&self) -> bool {
        !self.postponed.is_empty()
    }
}

impl Writer {
    /// Works until told to stop, until every handle is gone, or until the journal fails: then the process must end,
    /// because what the disk holds is no longer known.
    pub fn run(mut self) -> Result<(), JournalError> {
        let mut backlog = self.backlog();
        loop {
            let first = if let Some(submission) = backlog.first() {
                submission
            } else if !backlog.has_postponed() && !self.shared.is_disk_full.load(Ordering::Acquire) {
                match self.submissions.recv() {
                    Ok(submission) => submission,
                    Err(_) => return self.journal.close(),
                }
            } else if backlog.tried_at.elapsed() >= DISK_FULL_RETRY {
                self.try_disk(&mut backlog)?;
                continue;
            } else {
                match self.submissions.recv_deadline(backlog.tried_at + DISK_FULL_RETRY) {
                    Ok(submission) => submission,
                    Err(RecvTimeoutError::Timeout) => continue,
                    Err(RecvTimeoutError::Disconnected) => return self.journal.close(),
                }
            };
            if let Some(done) = self.step(first, &mut backlog)? {
                self.journal.close()?;
                let _ = done.send(());
                return Ok(());
            }
        }
    }

    /// Before the first group.
    pub fn backlog(&self) -> Backlog {
        Backlog {
            builder: GroupBuilder::new(self.journal.next_lsn()),
            waiting: Vec::new(),
            postponed: VecDeque::new(),
            has_room: true,
            tried_at: Instant::now(),
            carried: None,
        }
    }

    /// Tries a disk that was full: with the own work that waits for room, or, where none does, with nothing. Whoever
    /// waits for it to be tried need not come with anything, and commands are refused before they get here.
    ///
    /// # Errors
    /// If the journal fails.
    pub fn try_disk(&mut self, backlog: &mut Backlog) -> Result<(), JournalError> {
        backlog.tried_at = Instant::now();
        if backlog.has_postponed() {
            backlog.has_room = true;
        } else if self.shared.is_disk_full.load(Ordering::Acquire) && self.journal.has_room()? {
            self.shared.is_disk_full.store(false, Ordering::Release);
            info!("the disk has room again");
        }
        Ok(())
    }

    /// Makes one group of `first` and what is queued behind it, writes it, answers, hands on. Gives whom to tell when
    /// it was told to stop: nothing more is taken then.
    ///
    /// # Errors
    /// If the journal fails; a full disk is no failure.
    pub fn step(
        &mut self,
        first: Submission,
        backlog: &mut Backlog,
    ) -> Result<Option<oneshot::Sender<()>>, JournalError> {
        let Backlog { builder, waiting, postponed, has_room, tried_at, carried } = backlog;
        let mut stop = None;
        let mut next = Some(first);
        builder.reset(self.journal.next_lsn());
        let clocks_before = self.shared.clocks.read().clone();
        while let Some(mut submission) = next.take() {
            if let Submission::Stop { done } = submission {
                stop = Some(done);
                break;
            }
            if !builder.is_empty() && builder.payload_bytes() + submission.size() > GROUP_PAYLOAD_BYTES_MAX {
                *carried = Some(submission);
                break;
            }
            let outcomes = self.take(&mut submission, builder)?;
            waiting.push(Waiting { submission, outcomes });
            let full = builder.record_count() as usize >= self.limits.records_max
                || builder.payload_bytes() >= self.limits.bytes_max;
            if !full {
                // What met a full disk goes first once there is room, all of it in one group.
                let waited = if *has_room { postponed.pop_front() } else { None };
                next = waited.or_else(|| self.submissions.try_recv().ok());
            }
        }
        match self.write(builder) {
            Ok(()) => {
                // Repeats alone write nothing, and tell nothing of the disk.
                if !builder.is_empty() {
                    *has_room = true;
                    let was_full = self.shared.is_disk_full.swap(!postponed.is_empty(), Ordering::AcqRel);
                    if was_full && postponed.is_empty() {
                        info!("the disk has room again");
                    }
                }
                self.answer(waiting);
            }
            Err(failure @ JournalError::DiskFull { .. }) => {
                *has_room = false;
                *tried_at = Instant::now();
                if !self.shared.is_disk_full.swap(true, Ordering::AcqRel) {
                    warn!(%failure, "the disk is full: until it has room again, nothing new is taken");
                }
                // What is refused has not happened: no clock was moved by it.
                *self.shared.clocks.write() = clocks_before;
                self.refuse(waiting, postponed);
            }
            Err(failure) => {
                error!(%failure, "the journal failed: nothing more can be promised, stopping");
                return Err(failure);
            }
        }
        Ok(stop)
    }

    /// Numbers a submission's records and puts them into the group.
    fn take(
        &mut self,
        submission: &mut Submission,
        builder: &mut GroupBuilder,
    ) -> Result<Vec<Outcome>, JournalError> {
        let wall = (self.wall_clock)();
        let (records, buffer) = match submission {
            Submission::Outside { records, buffer, .. } | Submission::Own { records, buffer, .. } => {
                (records, buffer)
            }
            Submission::Stop { .. } => return Ok(Vec::new()),
        };
        let mut outcomes = Vec::with_capacity(records.len());
        let mut clocks = self.shared.clocks.write();
        for pending in records {
            // Each record has an ingest time of its own, so that events without a time happened in the order in which
            // they came.
            let now = wall.max(self.last_ingest.plus(1));
            let lsn = Lsn(builder.next_lsn());
            if closes_an_entry(&pending.record)
                && let Some(&reused @ Outcome::Reused(_)) = outcomes.last()
            {
                // The event that was to close the entry was not taken, so the entry stays.
                outcomes.push(reused);
                continue;
            }
            if let Some(identity) = pending.identity {
                match self.duplicates.look_up(&identity) {
                    Seen::New => {}
                    Seen::Repeat(first) => {
                        outcomes.push(Outcome::Duplicate(first));
                        continue;
                    }
                    Seen::Reused(first) => {
                        outcomes.push(Outcome::Reused(first));
                        continue;
                    }
                }
                self.duplicates.reserve(&identity, lsn, now);
            }
            // Whoever submits a record gives it away: this copies nothing. Were it shared all the same, the others would
            // keep the one without a number, and the one that is journaled is the one that is handed on.
            let record = Arc::make_mut(&mut pending.record);
            self.last_ingest = now;
            record.lsn = lsn;
            record.ingest_time = now;
            if !envelope::is_event_time_given(&buffer[pending.bytes.clone()]) {
                record.event_time = now;
            }
            record.business_time = business_time(&mut clocks, record, now);
            let bytes = &mut buffer[pending.bytes.clone()];
            envelope::stamp(bytes, lsn.0, self.journal.epoch(), now.micros(), record.business_time.micros());
            builder.push(bytes)?;
            outcomes.push(Outcome::Accepted(lsn));
        }
        Ok(outcomes)
    }

    fn write(&mut self, builder: &mut GroupBuilder) -> Result<(), JournalError> {
        if builder.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        let records = builder.record_count();
        let bytes = builder.payload_bytes();
        self.journal.append_group(builder)?;
        self.metrics.group_written(records, bytes, started.elapsed());
        self.progress.publish_durable(Lsn(self.journal.durable_lsn()));
        *self.shared.reach.write() = self.duplicates.reach();
        Ok(())
    }

    /// The group is on the disk: hand its records on, then answer.
    fn answer(&mut self, waiting: &mut Vec<Waiting>) {
        let mut committed = Vec::new();
        let mut replies = Vec::with_capacity(waiting.len());
        for Waiting { submission, outcomes } in waiting.drain(..) {
            let (records, origin, reply) = match submission {
                Submission::Outside { records, credits, reply, .. } => {
                    self.settle_credits(&outcomes, credits);
                    (records, None, Some(reply))
                }
                Submission::Own { records, origin, reply, .. } => (records, origin, reply),
                Submission::Stop { .. } => continue,
            };
            for (pending, outcome) in records.into_iter().zip(&outcomes) {
                if let Outcome::Accepted(lsn) = outcome {
                    committed.push(Committed { record: pending.record, origin: origin.unwrap_or(*lsn) });
                }
            }
            replies.extend(reply.map(|reply| (reply, outcomes)));
        }
        if !committed.is_empty() {
            // The dispatcher outlives the writer; if it is gone the process is ending anyway.
            let _ = self.committed.send(committed);
        }
        for (reply, outcomes) in replies {
            // A client that hung up no longer wants its answer; its events count all the same.
            let _ = reply.send(Written::Done(outcomes));
        }
    }

    fn settle_credits(&self, outcomes: &[Outcome], credits: Credits) {
        let last = outcomes.iter().rev().find_map(|outcome| match outcome {
            Outcome::Accepted(lsn) => Some(*lsn),
            _ => None,
        });
        match last {
            Some(lsn) => self.admission.give_back_when_applied(lsn, credits),
            None => self.admission.give_back(credits),
        }
    }

    /// The disk is full and the group is not on it: outside work is refused, own work waits for room.
    fn refuse(&mut self, waiting: &mut Vec<Waiting>, postponed: &mut VecDeque<Submission>) {
        self.metrics.disk_full();
        for Waiting { submission, outcomes } in waiting.drain(..) {
            match submission {
                Submission::Outside { records, credits, reply, .. } => {
                    for (pending, outcome) in records.iter().zip(&outcomes) {
                        if let (Outcome::Accepted(lsn), Some(identity)) = (outcome, pending.identity) {
                            self.duplicates.release(&identity, *lsn);
                        }
                    }
                    self.admission.give_back(credits);
                    let _ = reply.send(Written::DiskFull);
                }
                own @ Submission::Own { .. } => postponed.push_back(own),
                Submission::Stop { .. } => {}
            }
        }
    }
}

/// How long a full disk is left alone before it is tried again.
pub(super) const DISK_FULL_RETRY: Duration = Duration::from_millis(500);

/// Whether a record says that a quarantine entry was dealt with. After an event it does so for that event.
fn closes_an_entry(record: &Record) -> bool {
    matches!(&record.body, Body::System(body) if matches!(**body, SystemBody::QuarantineClosed { .. }))
}

/// The tenant's clock after this record. It never goes back.
fn business_time(clocks: &mut Vec<TenantClock>, record: &Record, now: Timestamp) -> Timestamp {
    if let Body::System(body) = &record.body
        && let SystemBody::TenantDeclared { clock, .. } = &**body
    {
        clocks.push(TenantClock { kind: *clock, business_time: initial_time(*clock, now) });
    }
    let Some(clock) = clocks.get_mut(usize::from(record.tenant.0)) else {
        return now;
    };
    match clock.kind {
        ClockKind::Wall => {
            // The wall may have been set back since an entity decided this: what follows must not come before it.
            let decided = if let Body::Event { .. } = record.body { now } else { record.event_time };
            clock.business_time = clock.business_time.max(now).max(decided);
        }
        ClockKind::Event => {
            if let Body::Event { data: EventData::ClockAdvanced(to), .. } = &record.body {
                clock.business_time = clock.business_time.max(*to);
            }
        }
    }
    clock.business_time
}

fn initial_time(clock: ClockKind, now: Timestamp) -> Timestamp {
    match clock {
        ClockKind::Wall => now,
        ClockKind::Event => Timestamp::default(),
    }
}

impl WriterShared {
    /// The tenant's business time as last stamped; on the wall clock, `now` if that is later.
    pub fn business_time(&self, tenant: TenantNumber, now: Timestamp) -> Timestamp {
        match self.clocks.read().get(usize::from(tenant.0)) {
            Some(clock) if clock.kind == ClockKind::Event => clock.business_time,
            Some(clock) => clock.business_time.max(now),
            None => now,
        }
    }

    /// Which clock the tenant has.
    pub fn clock_kind(&self, tenant: TenantNumber) -> ClockKind {
        self.clocks.read().get(usize::from(tenant.0)).map(|clock| clock.kind).unwrap_or_default()
    }
}
