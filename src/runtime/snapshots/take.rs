//! Taking one generation, from asking the dispatcher to publishing it.

use std::sync::atomic::Ordering;
use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use super::meta::MetaParts;
use super::sections::{BlockWriter, Entries, STOPPED, entities_of};
use super::snapshotter::Snapshotter;
use super::{Begun, CaptureRequest, FromShard, Meta, Published, SnapshotFailure};
use crate::domain::ids::Lsn;
use crate::domain::time::Timestamp;
use crate::pacing::Pace;
use crate::runtime::codec::{self, EventIdentity};
use crate::runtime::image::duplicates::{DuplicateRuns, DuplicateSurvey, DuplicateTail};
use crate::runtime::image::{Section, Source as _, summaries};
use crate::runtime::tower::wall_clock;
use crate::snapshot::{Generation, SectionId};

/// Blocks between the shards and the disk: shards pause when there are as many.
const BLOCKS_WAITING_MAX: usize = 16;

/// What the shards captured, all together.
#[derive(Default)]
struct Contained {
    entities: u64,
    standing_still: u64,
    highest: Lsn,
}

impl Snapshotter {
    /// Takes a generation and publishes it.
    ///
    /// # Errors
    /// [`SnapshotFailure`]; then nothing of it is left.
    pub(super) fn take(
        &mut self,
        deadline: Instant,
        pace: Pace,
    ) -> Result<(Generation, Meta), SnapshotFailure> {
        self.check_room()?;
        let taken_at = wall_clock();
        let started = Instant::now();
        let (sink, captured) = bounded(BLOCKS_WAITING_MAX);
        let (begun, answer) = bounded(1);
        self.serial += 1;
        let request = CaptureRequest { serial: self.serial, sink, begun };
        self.captures.send(request).map_err(|_| SnapshotFailure::Ended)?;
        let Begun { start, image, clocks, shards } = receive(&answer, deadline)?;
        let slots = image.next_slots().to_vec();

        let mut writer = self.store.begin()?;
        let mut blocks = BlockWriter::new(&mut writer, pace.clone());
        let Contained { entities, standing_still, highest } =
            receive_entities(&captured, slots.len(), &mut blocks, deadline)?;
        let mut emit = |section: Section, entry: &[u8]| blocks.push(SectionId(section as u16), entry);
        image.write(&mut emit)?;
        // Every change of a summary goes before the record of it counts as applied.
        let summaries_at = self.progress.applied();
        summaries::write(&self.exceptions, &self.cases, &self.idempotency_keys, &mut emit)?;
        let highest = highest.max(start).max(self.progress.dispatched());
        let duplicates = self.write_duplicates(start, deadline, pace, &mut emit)?;
        blocks.finish()?;

        // Behind everything that was captured, so at or behind `highest` if that is durable.
        let witness = self.reader.position_at(u64::MAX)?;
        let durable = Lsn(witness.lsn);
        if highest > durable {
            return Err(SnapshotFailure::AheadOfDisk { contained: highest, durable });
        }
        in_time(deadline)?;
        let meta = Meta::new(MetaParts {
            position: self.reader.position_at(start.0)?,
            highest,
            witness,
            summaries_at,
            clocks,
            slots,
            entities,
            duplicates,
            kept_for_rebuild: self.kept_for_rebuild(standing_still),
            previous: self.newest.as_ref().map(|(generation, meta)| meta.info(generation)),
            taken_at,
            seconds: started.elapsed().as_secs_f64(),
        });
        if meta.start() != start {
            return Err(SnapshotFailure::Unreadable(format!(
                "no group of the journal ends at record {start}"
            )));
        }
        let generation = writer.publish(&meta.encode()?)?;
        // Before anything older is removed: whoever has no state but there looks for it in this one from now on.
        for shard in shards {
            shard.do_send(Published { serial: self.serial, generation: generation.clone() });
        }
        Ok((generation, meta))
    }

    /// A disk that is nearly full is left to the journal: what is written here only to be given up takes the room that
    /// events would have had meanwhile.
    fn check_room(&self) -> Result<(), SnapshotFailure> {
        if self.writer.is_disk_full.load(Ordering::Acquire) {
            return Err(SnapshotFailure::DiskFull);
        }
        let last = self.newest.as_ref().map_or(0, |(generation, _)| generation.bytes());
        let needed = self.free_bytes_min.saturating_add(last.saturating_mul(3) / 2);
        let free = self.store.free_bytes()?;
        if free < needed { Err(SnapshotFailure::NoRoom { free, needed }) } else { Ok(()) }
    }

    /// The duplicate window as of `start`: what the generation before has of it, and the events since.
    fn write_duplicates(
        &self,
        start: Lsn,
        deadline: Instant,
        pace: Pace,
        emit: &mut impl FnMut(Section, &[u8]) -> Result<(), SnapshotFailure>,
    ) -> Result<DuplicateTail, SnapshotFailure> {
        let window = self.duplicate_window_events;
        let tail = self.newest.as_ref().map(|(_, meta)| meta.duplicates.clone()).unwrap_or_default();
        let since = self.newest.as_ref().map_or(Lsn::ZERO, |(_, meta)| meta.start());
        let mut begin = since.next();
        let mut runs = if start.0.saturating_sub(since.0) <= window as u64 {
            DuplicateRuns::resume(window, tail)
        } else {
            // More than the window may have gone by since: reading twice is cheaper than writing what nobody needs.
            let mut survey = DuplicateSurvey::resume(window, &tail);
            self.each_event((begin, start), deadline, pace.clone(), |identity, lsn, _| {
                survey.take(identity, lsn);
                Ok(())
            })?;
            let (runs, first) = survey.finish();
            begin = first.unwrap_or(begin);
            runs
        };
        if let Some((generation, meta)) = &self.newest {
            for entry in Entries::of(generation, meta)?.entries(Section::Duplicates) {
                let entry = entry?;
                if runs.needs(&entry) {
                    emit(Section::Duplicates, &entry)?;
                }
                in_time(deadline)?;
            }
        }
        self.each_event((begin, start), deadline, pace, |identity, lsn, ingested| {
            runs.take(identity, lsn, ingested, emit)
        })?;
        runs.finish(emit)
    }

    /// Every event of the journal from one record to another, with its LSN and ingest time.
    fn each_event(
        &self,
        (first, last): (Lsn, Lsn),
        deadline: Instant,
        mut pace: Pace,
        mut take: impl FnMut(&EventIdentity, Lsn, Timestamp) -> Result<(), SnapshotFailure>,
    ) -> Result<(), SnapshotFailure> {
        for read in self.reader.read_from(first.0) {
            let (lsn, bytes) = read?;
            if lsn > last.0 {
                break;
            }
            if lsn % RECORDS_BETWEEN_LOOKS_AT_THE_CLOCK == 0 {
                in_time(deadline)?;
                pace.pause();
            }
            if let Some((identity, lsn, ingested)) = codec::event_identity(&bytes)? {
                take(&identity, lsn, ingested)?;
            }
        }
        Ok(())
    }
}

const RECORDS_BETWEEN_LOOKS_AT_THE_CLOCK: u64 = 256;

fn in_time(deadline: Instant) -> Result<(), SnapshotFailure> {
    if Instant::now() > deadline { Err(SnapshotFailure::Late) } else { Ok(()) }
}

fn receive<T>(channel: &Receiver<T>, deadline: Instant) -> Result<T, SnapshotFailure> {
    channel.recv_deadline(deadline).map_err(|error| match error {
        RecvTimeoutError::Timeout => SnapshotFailure::Late,
        RecvTimeoutError::Disconnected => SnapshotFailure::Ended,
    })
}

fn receive_entities(
    captured: &Receiver<FromShard>,
    shards: usize,
    blocks: &mut BlockWriter<'_>,
    deadline: Instant,
) -> Result<Contained, SnapshotFailure> {
    let mut contained = Contained::default();
    let mut done = 0;
    while done < shards {
        match receive(captured, deadline)? {
            FromShard::Block { shard, entries } => blocks.put(entities_of(shard), &entries)?,
            FromShard::Done { entities, highest, standing_still, stopped, .. } => {
                contained.entities += entities;
                contained.standing_still += standing_still;
                contained.highest = contained.highest.max(highest);
                blocks.push(STOPPED, &rmp_serde::to_vec_named(&stopped)?)?;
                done += 1;
            }
            FromShard::GivenUp { shard, why } => return Err(SnapshotFailure::GivenUp { shard, why }),
        }
    }
    Ok(contained)
}
