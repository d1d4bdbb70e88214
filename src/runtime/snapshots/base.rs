//! A generation as the beginning of a rebuild: the fold at its start, and the states of a few entities.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;

use super::sections::Entries;
use super::{Entry, Meta, Restored, RestoredState, SnapshotFailure};
use crate::domain::ids::{EntityKey, Lsn};
use crate::journal::JournalReader;
use crate::runtime::directory::{Address, Directory};
use crate::runtime::fold::Fold;
use crate::runtime::quarantine::Quarantine;
use crate::runtime::shard::Stopped;
use crate::runtime::shell::{Hosted, ShellImage};
use crate::snapshot::{SnapshotError, Store};

/// Why a rebuild can't begin with a generation.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    #[error(transparent)]
    Store(#[from] SnapshotError),
    #[error(transparent)]
    Snapshot(#[from] SnapshotFailure),
}

/// What a rebuild begins with.
pub struct RebuildBase {
    /// The fold is of there: folding goes on behind it.
    pub start: Lsn,
    pub fold: Fold,
    pub directory: Arc<Directory>,
    /// Those of the wanted entities that were there, with what was left out for them by then.
    pub entities: HashMap<EntityKey, BaseEntity>,
}

/// An entity as a generation has it.
pub struct BaseEntity {
    pub restored: Restored,
    /// Records that were left out for it.
    pub skipped: Vec<Lsn>,
}

impl RebuildBase {
    /// What there was before the first record.
    pub fn nothing(shards: u16) -> RebuildBase {
        let directory = Arc::new(Directory::new(shards));
        let quarantine = Arc::new(RwLock::new(Quarantine::new(1)));
        let fold = Fold::new(shards, directory.clone(), quarantine);
        RebuildBase { start: Lsn::ZERO, fold, directory, entities: HashMap::new() }
    }

    /// The fold of a generation over `shards`, and the states of those that are wanted.
    ///
    /// # Errors
    /// [`BaseError`] if it is damaged, of another version, or not of this journal.
    pub fn load(
        store: &Store,
        number: u64,
        reader: &JournalReader,
        shards: u16,
        is_wanted: impl Fn(&EntityKey) -> bool,
    ) -> Result<RebuildBase, BaseError> {
        let generation = store.load(number)?;
        let meta = Meta::of(&generation)?;
        let source = Entries::of(&generation, &meta)?;
        meta.check_against(reader)?;
        let start = meta.start();
        let found = reader.position_at(start.0).map_err(SnapshotFailure::from)?;
        if found.identity != meta.position().identity || found.group_hash != meta.position().group_hash {
            return Err(SnapshotFailure::OtherRecords { at: start }.into());
        }
        let directory = Arc::new(Directory::new(shards));
        let quarantine = Arc::new(RwLock::new(Quarantine::new(1)));
        let (fold, map) =
            Fold::restore(shards, directory.clone(), quarantine, &source).map_err(SnapshotFailure::from)?;
        let mut wanted: HashMap<Address, Arc<EntityKey>> = map.find_all(&is_wanted).into_iter().collect();
        let mut skipped = skipped(&source, &is_wanted)?;
        let mut entities = HashMap::new();
        for (shard, _) in meta.slots.iter().enumerate() {
            let shard = shard as u16;
            if !wanted.keys().any(|address| address.shard == shard) {
                continue;
            }
            for entry in source.of_shard(shard) {
                let entry = entry?;
                let entry = Entry::read(&entry)?;
                let Some(key) = wanted.remove(&Address { shard, slot: entry.slot() }) else { continue };
                let restored = entry.restored(entry.state()?, None);
                let skipped = skipped.remove(&key).unwrap_or_default();
                entities.insert((*key).clone(), BaseEntity { restored, skipped });
            }
        }
        match wanted.into_values().next() {
            Some(key) => Err(SnapshotFailure::Unreadable(format!("it has no state of {key}")).into()),
            None => Ok(RebuildBase { start, fold, directory, entities }),
        }
    }
}

/// Which records were left out for the entities that are wanted.
fn skipped(
    source: &Entries<'_>,
    is_wanted: impl Fn(&EntityKey) -> bool,
) -> Result<HashMap<EntityKey, Vec<Lsn>>, SnapshotFailure> {
    let mut all = HashMap::new();
    for entry in source.stopped() {
        let stopped: Vec<(EntityKey, Stopped)> = rmp_serde::from_slice(&entry?)
            .map_err(SnapshotFailure::unreadable("the list of entities that failed"))?;
        for (key, stopped) in stopped {
            if is_wanted(&key) {
                all.insert(key, stopped.skip);
            }
        }
    }
    Ok(all)
}

impl RestoredState {
    /// What was captured, if it is of that kind.
    pub fn into_image<E: Hosted>(self) -> Option<ShellImage<E>> {
        let image: Box<dyn Any> = match self {
            RestoredState::SkuLocation(image) => image,
            RestoredState::Supplier(image) => image,
            RestoredState::Subject(image) => image,
            RestoredState::ApprovalCase(image) => image,
            // As they are before they are read.
            RestoredState::Packed(_) | RestoredState::Stored => return None,
        };
        image.downcast().ok().map(|image| *image)
    }
}
