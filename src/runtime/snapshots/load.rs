//! Reading a generation back, before anything of the tower runs: all of it, or nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;

use parking_lot::{Mutex, RwLock};

use super::migration::{Migration, Part};
use super::sections::{Entries, entities_of};
use super::{Entry, Kind, Location, Meta, Restored, RestoredState, SnapshotFailure};
use crate::domain::ids::EntityKey;
use crate::runtime::commands::IdempotencyKeys;
use crate::runtime::directory::{Address, Directory};
use crate::runtime::duplicates::Refill;
use crate::runtime::fold::Fold;
use crate::runtime::image::summaries::Reading;
use crate::runtime::image::{AddressMap, Section, Source as _};
use crate::runtime::quarantine::Quarantine;
use crate::runtime::shard::Stopped;
use crate::runtime::summaries::{Cases, Exceptions};
use crate::snapshot::{Generation, SectionId};

/// How a generation is to be read.
pub struct Loading<'a> {
    pub shards: u16,
    pub duplicate_window_events: usize,
    pub quarantine_entries_max: usize,
    pub exceptions_ended_max: usize,
    /// Bytes of states that are kept as they are written. The others stay on the disk until they are needed.
    pub packed_bytes_max: usize,
    /// Told how many more entities were read.
    pub progress: &'a (dyn Fn(usize) + Sync),
}

/// What the tower holds before it runs: nothing, or what a generation held.
pub struct Loaded {
    pub fold: Fold,
    pub directory: Arc<Directory>,
    pub quarantine: Arc<RwLock<Quarantine>>,
    pub exceptions: Arc<Exceptions>,
    pub cases: Arc<Cases>,
    pub idempotency_keys: Arc<IdempotencyKeys>,
    /// To go on with what is replayed.
    pub duplicates: Refill,
    pub shards: Vec<LoadedShard>,
    /// Where it comes from.
    pub generation: Option<(Generation, Meta)>,
}

/// One shard's part.
#[derive(Default)]
pub struct LoadedShard {
    /// Slots in use.
    pub slots: u32,
    /// In portions, as they were read: one list of a million would be copied whenever it is handed on.
    pub entities: Vec<Vec<PlacedEntity>>,
    pub stopped: Vec<(EntityKey, Stopped)>,
}

impl Loading<'_> {
    /// A tower that has seen nothing.
    pub fn nothing(&self) -> Loaded {
        let directory = Arc::new(Directory::new(self.shards));
        let quarantine = Arc::new(RwLock::new(Quarantine::new(self.quarantine_entries_max)));
        Loaded {
            fold: Fold::new(self.shards, directory.clone(), quarantine.clone()),
            directory,
            quarantine,
            exceptions: Arc::new(Exceptions::new(self.exceptions_ended_max)),
            cases: Arc::new(Cases::new(self.exceptions_ended_max)),
            idempotency_keys: Arc::default(),
            duplicates: Refill::new(self.duplicate_window_events),
            shards: (0..self.shards).map(|_| LoadedShard::default()).collect(),
            generation: None,
        }
    }

    /// Reads and verifies all of a generation, on as many threads as there are shards: one begins with the fold, which
    /// takes longest, and each takes what is left. More threads would only need more memory at a time.
    ///
    /// # Errors
    /// If any of it is damaged, or of another version.
    pub fn load(&self, generation: Generation) -> Result<Loaded, SnapshotFailure> {
        let meta = Meta::of(&generation)?;
        let source = Entries::of(&generation, &meta)?;
        let mut loaded = self.nothing();
        let (directory, quarantine) = (loaded.directory.clone(), loaded.quarantine.clone());
        let rest = Rest {
            loading: self,
            source: &source,
            loaded: &loaded,
            are_duplicates_taken: AtomicBool::new(false),
            summaries: Reading::of(&source),
            blocks: Blocks::of(&source, &meta, self.packed_bytes_max),
        };
        let ((fold, map), duplicates) = std::thread::scope(|scope| {
            let first = scope.spawn(|| {
                let restored = Fold::restore(self.shards, directory, quarantine, &source)?;
                Ok::<_, SnapshotFailure>((restored, rest.help()?))
            });
            let others: Vec<_> = (1..self.shards).map(|_| scope.spawn(|| rest.help())).collect();
            // All have ended before the first of their errors is told.
            let (first, others) = (join(first), others.into_iter().map(join).collect::<Vec<_>>());
            let (restored, mut duplicates) = first??;
            for other in others {
                duplicates = duplicates.or(other??);
            }
            Ok::<_, SnapshotFailure>((restored, duplicates))
        })?;
        let read = rest.blocks.take_read();
        drop(rest);
        let shards = place(read, &map, &fold.next_slot, &meta)?;
        loaded.shards = shards;
        for entry in source.stopped() {
            let stopped: Vec<(EntityKey, Stopped)> = rmp_serde::from_slice(&entry?)
                .map_err(SnapshotFailure::unreadable("the list of entities that failed"))?;
            for (key, stopped) in stopped {
                let shard = usize::from(loaded.directory.shard_of(&key));
                loaded.shards[shard].stopped.push((key, stopped));
            }
        }
        loaded.fold = fold;
        loaded.duplicates = duplicates.unwrap_or(loaded.duplicates);
        generation.rest();
        loaded.generation = Some((generation, meta));
        Ok(loaded)
    }
}

/// What is to be read beside the fold.
struct Rest<'l> {
    loading: &'l Loading<'l>,
    source: &'l Entries<'l>,
    /// To be filled.
    loaded: &'l Loaded,
    are_duplicates_taken: AtomicBool,
    summaries: Reading<'l>,
    blocks: Blocks<'l>,
}

impl Rest<'_> {
    /// Reads until there is nothing left that nobody reads. Gives the duplicate window to whoever read it.
    fn help(&self) -> Result<Option<Refill>, SnapshotFailure> {
        let duplicates = match self.are_duplicates_taken.swap(true, Ordering::Relaxed) {
            false => Some(Refill::restore(
                self.loading.duplicate_window_events,
                self.source.entries(Section::Duplicates),
            )?),
            true => None,
        };
        if let Some(summaries) = self.summaries.help()? {
            let Loaded { exceptions, cases, idempotency_keys, .. } = self.loaded;
            summaries.restore(exceptions, cases, idempotency_keys);
        }
        self.blocks.read(self.loading.progress)?;
        Ok(duplicates)
    }
}

fn join<T>(thread: ScopedJoinHandle<'_, T>) -> Result<T, SnapshotFailure> {
    thread.join().map_err(|_| SnapshotFailure::Unreadable("reading it failed with a defect".to_owned()))
}

/// An entity with the place that it had.
type ReadEntity = (Address, Kind, Restored);

/// An entity with the place that it has now.
pub type PlacedEntity = (Address, Arc<EntityKey>, Restored);

// So that a block of a million's is placed where it was read to.
const _: () = assert!(size_of::<ReadEntity>() == size_of::<PlacedEntity>());

/// The blocks of entities, read by several threads.
struct Blocks<'g> {
    generation: &'g Generation,
    migration: Migration,
    all: Vec<(u16, SectionId, u32)>,
    next: AtomicUsize,
    /// By block, in no order.
    read: Mutex<Vec<Vec<ReadEntity>>>,
    /// Bytes of states that a block may keep in memory: each has the same part of them, so that it does not depend on which
    /// thread is faster whose states are kept.
    packed_bytes_max: usize,
}

impl<'g> Blocks<'g> {
    fn of(source: &Entries<'g>, meta: &Meta, packed_bytes_max: usize) -> Blocks<'g> {
        let Entries { generation, migration } = *source;
        let shards = 0..meta.slots.len() as u16;
        let blocks = shards.flat_map(|shard| {
            let section = entities_of(shard);
            (0..generation.block_count(section)).map(move |block| (shard, section, block))
        });
        let all: Vec<_> = blocks.collect();
        let packed_bytes_max = packed_bytes_max / all.len().max(1);
        Blocks {
            generation,
            migration,
            all,
            next: AtomicUsize::new(0),
            read: Mutex::default(),
            packed_bytes_max,
        }
    }

    /// Reads blocks until there are none left.
    fn read(&self, progress: &(dyn Fn(usize) + Sync)) -> Result<(), SnapshotFailure> {
        while let Some((shard, section, block)) = self.all.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            let read = self.generation.read_block(*section, *block)?;
            let mut entities: Vec<ReadEntity> = Vec::with_capacity(read.len());
            let mut packed_bytes_left = self.packed_bytes_max;
            for (index, entry) in read.iter().enumerate() {
                let entry = self.migration.entry(Part::Entity, entry)?;
                let entry = Entry::read(&entry)?;
                // Of an entity that does not work there is more to know than its state; and what is migrated does not
                // stand there as it is.
                let stands_there = entry.packed().is_some() && !self.migration.is_needed();
                let place = u16::try_from(index).ok().filter(|_| stands_there);
                let slot = entry.slot();
                let location = place.map(|entry| Location { shard: *shard, slot, block: *block, entry });
                let restored =
                    entry.restored(state(&entry, location.is_some(), &mut packed_bytes_left)?, location);
                entities.push((Address { shard: *shard, slot }, entry.kind(), restored));
            }
            progress(entities.len());
            self.read.lock().push(entities);
        }
        Ok(())
    }

    fn take_read(&self) -> Vec<Vec<ReadEntity>> {
        std::mem::take(&mut *self.read.lock())
    }
}

/// A state is read when it is needed; until then it is kept as it is written, or where it stands.
fn state(
    entry: &Entry<'_>,
    has_location: bool,
    packed_bytes_left: &mut usize,
) -> Result<RestoredState, SnapshotFailure> {
    let Some(packed) = entry.packed() else { return entry.state() };
    match packed_bytes_left.checked_sub(packed.len()) {
        Some(left) => *packed_bytes_left = left,
        None if has_location => return Ok(RestoredState::Stored),
        None => {}
    }
    Ok(RestoredState::Packed(packed.into()))
}

/// Gives every entity its place among the shards that there are now, on as many threads, and checks that each place has
/// one.
fn place(
    read: Vec<Vec<ReadEntity>>,
    map: &AddressMap,
    slots: &[u32],
    meta: &Meta,
) -> Result<Vec<LoadedShard>, SnapshotFailure> {
    let wanted: u64 = slots.iter().map(|slots| u64::from(*slots)).sum();
    let has = read.iter().map(Vec::len).sum::<usize>();
    if has as u64 != meta.entities || meta.entities != wanted {
        return Err(odd(format!("it says {} entities, has {has} and needs {wanted}", meta.entities)));
    }
    let is_taken = |slots: &u32| (0..*slots).map(|_| AtomicBool::new(false)).collect();
    let placing = Placing { map, is_taken: slots.iter().map(is_taken).collect(), left: Mutex::new(read) };
    let placed = std::thread::scope(|scope| {
        let threads: Vec<_> = slots.iter().map(|_| scope.spawn(|| placing.help())).collect();
        threads.into_iter().map(join).collect::<Vec<_>>()
    });
    let mut shards: Vec<LoadedShard> =
        slots.iter().map(|slots| LoadedShard { slots: *slots, ..LoadedShard::default() }).collect();
    for portions in placed {
        for (shard, portion) in portions?? {
            shards[usize::from(shard)].entities.push(portion);
        }
    }
    Ok(shards)
}

/// What was read on its way to the shards.
struct Placing<'m> {
    map: &'m AddressMap,
    /// By shard and slot as they are now.
    is_taken: Vec<Vec<AtomicBool>>,
    left: Mutex<Vec<Vec<ReadEntity>>>,
}

impl Placing<'_> {
    /// Places what is left. Gives it in portions, each with its shard.
    fn help(&self) -> Result<Vec<(u16, Vec<PlacedEntity>)>, SnapshotFailure> {
        let mut portions = Vec::new();
        loop {
            let Some(block) = self.left.lock().pop() else { return Ok(portions) };
            let placed = block.into_iter().map(|entity| self.place(entity));
            let mut placed: Vec<PlacedEntity> = placed.collect::<Result<_, _>>()?;
            // With as many shards as there were, all of a block are of one.
            while let Some((Address { shard, .. }, ..)) = placed.last() {
                let shard = *shard;
                let elsewhere = placed.extract_if(.., |(now, ..)| now.shard != shard).collect();
                portions.push((shard, std::mem::replace(&mut placed, elsewhere)));
            }
        }
    }

    fn place(&self, (was, kind, restored): ReadEntity) -> Result<PlacedEntity, SnapshotFailure> {
        let nobody = || odd(format!("slot {} of shard {} is nobody's", was.slot, was.shard));
        let (now, key) = self.map.get(was).zip(self.map.key(was)).ok_or_else(nobody)?;
        if Kind::of(key) != kind {
            return Err(odd(format!("{key} has the state of a {kind:?}")));
        }
        let slots = self.is_taken.get(usize::from(now.shard));
        match slots.and_then(|slots| slots.get(now.slot as usize)) {
            Some(is_taken) if !is_taken.swap(true, Ordering::Relaxed) => Ok((now, key.clone(), restored)),
            _ => Err(odd(format!("slot {} of shard {} has two entities", was.slot, was.shard))),
        }
    }
}

fn odd(what: String) -> SnapshotFailure {
    SnapshotFailure::Unreadable(what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{Lsn, TenantNumber};
    use crate::runtime::snapshots::entity::{PackedImage, encode_packed};

    #[test]
    fn a_block_keeps_the_states_that_its_part_has_room_for() {
        let key = EntityKey::Supplier { tenant: TenantNumber(1), supplier: "s".into() };
        let kept = |left: &mut usize, has_location: bool, bytes: usize| {
            let mut entry = Vec::new();
            let written = vec![7; bytes];
            let image = PackedImage {
                slot: 0,
                key: &key,
                at: Lsn(1),
                is_dirty: false,
                review_at: None,
                state: &written,
            };
            encode_packed(&image, &mut entry).unwrap();
            match state(&Entry::read(&entry).unwrap(), has_location, left).unwrap() {
                RestoredState::Packed(state) => {
                    assert_eq!(*state, *written);
                    true
                }
                RestoredState::Stored => false,
                _ => panic!("it is not read"),
            }
        };
        let mut left = 100;
        assert!(kept(&mut left, true, 60));
        assert!(!kept(&mut left, true, 41), "it can be read where it stands");
        assert!(kept(&mut left, false, 41), "nothing else has it");
        assert!(kept(&mut left, true, 40), "what did not fit took nothing");
        assert_eq!(left, 0);
    }
}
