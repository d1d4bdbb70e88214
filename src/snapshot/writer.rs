//! Writing a generation and publishing it.
//!
//! Publishing is, in this order: the lists of block hashes, then the meta entry; close the database, open it again and
//! read what readers will until that changes nothing, close it; sync and hash each file; write and sync the list of
//! files; sync the directories; rename; sync the parent. Before the rename nothing of it counts, after it everything is on
//! the disk.

use std::collections::BTreeMap;
use std::mem;
use std::path::PathBuf;
use std::sync::Arc;

use super::block::{BlockBuilder, BlockHash};
use super::contents::{
    BLOCKS_IN_SECTION_MAX, BlockHashes, META_BYTES_MAX, META_KEY, Meta, SectionId, block_key,
};
use super::database::{Database, DatabaseError};
use super::disk;
use super::error::{Place, SnapshotError};
use super::generation::{Generation, read_contents};
use super::manifest;
use super::store::{Shared, remove_if_there};

/// Keys of a section are inserted this far ahead of its blocks, without values. sled splits a leaf of its tree at 17
/// entries and writes all of them again; of leaves with nothing but keys that costs nothing. It halves what is on the
/// disk, and so what is synced and hashed. More than a leaf, so that the last one never has a value when it is split.
const KEYS_AHEAD_MIN: u32 = 24;
const KEYS_AT_ONCE: u32 = 64;

/// sled splits a node that is too large when someone comes by. Of the leaves with blocks this can only be those that a
/// section shares with the one before, whose keys came later: there the first key is. Nodes above leaves have at least
/// 128 leaves with 8 keys.
const KEYS_BETWEEN_VISITS: usize = 512;

/// A generation that is being written. If it is dropped without being published, nothing of it is left.
pub struct GenerationWriter {
    shared: Arc<Shared>,
    number: u64,
    directory: PathBuf,
    /// `None` once it is given up or published.
    database: Option<Database>,
    sections: BTreeMap<SectionId, Section>,
}

#[derive(Default)]
struct Section {
    hashes: Vec<Option<BlockHash>>,
    /// Keys below this index are in the database.
    keys: u32,
}

impl GenerationWriter {
    pub(super) fn begin(shared: &Arc<Shared>, number: u64) -> Result<Self, SnapshotError> {
        if mem::replace(&mut *shared.writing.lock(), true) {
            return Err(SnapshotError::AlreadyWriting);
        }
        let directory = shared.unpublished_path(number);
        // From here on, dropping the writer cleans up.
        let mut writer =
            Self { shared: shared.clone(), number, directory, database: None, sections: BTreeMap::new() };
        remove_if_there(&writer.directory)?;
        disk::create_directory(&writer.directory).map_err(SnapshotError::io("create", &writer.directory))?;
        writer.database =
            Some(Database::create(&writer.directory).map_err(|error| writer.write_error(error))?);
        Ok(writer)
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    /// Writes a block. The blocks of a section may come in any order, each once; when the generation is published, none
    /// may be left out.
    ///
    /// # Errors
    /// `TooLarge`, `TooManyBlocks` and `BlockTwice` change nothing. After any other (`DiskFull`, `Io`, `Database`) the
    /// generation is given up and what was written of it is removed; the published ones are as before.
    pub fn put_block(
        &mut self,
        section: SectionId,
        index: u32,
        entries: &BlockBuilder,
    ) -> Result<(), SnapshotError> {
        let stored = entries.encode().map_err(|length| SnapshotError::TooLarge {
            place: Box::new(Place::block(self.number, section, index)),
            length,
            max: super::BLOCK_BYTES_MAX,
        })?;
        self.put_stored(section, index, &stored)
    }

    /// Copies a block of a published generation as it is stored, after verifying it.
    ///
    /// # Errors
    /// Those of [`Generation::read_block`], which change nothing here, and of [`GenerationWriter::put_block`].
    pub fn copy_block(
        &mut self,
        from: &Generation,
        section: SectionId,
        index: u32,
        to: (SectionId, u32),
    ) -> Result<(), SnapshotError> {
        let stored = from.read_stored(section, index)?;
        self.put_stored(to.0, to.1, &stored)
    }

    /// Makes the generation last, under its number, with the caller's `meta` in its meta entry.
    ///
    /// # Errors
    /// `BlockLeftOut`; `TooLarge`, if `meta` is over [`META_BYTES_MAX`]; `DiskFull`, `Io`, `Database`. The generation is
    /// gone then; only if it was the last sync, or opening it for reading, that failed, it is there, whole, but after a
    /// failed sync perhaps not for long.
    pub fn publish(mut self, meta: &[u8]) -> Result<Generation, SnapshotError> {
        if meta.len() > META_BYTES_MAX {
            return Err(SnapshotError::TooLarge {
                place: Box::new(Place::generation(self.number)),
                length: meta.len(),
                max: META_BYTES_MAX,
            });
        }
        let hashes = self.block_hashes()?;
        let meta = Meta::new(self.number, &hashes, meta);
        let database = self.database.take().ok_or(SnapshotError::GivenUp(self.number))?;
        let write =
            |key: &[u8], value: &[u8]| database.insert(key, value).map_err(|error| self.write_error(error));
        for (key, list) in hashes.entries() {
            write(&key, &list)?;
        }
        write(&META_KEY, &meta.encode())?;
        database.close().map_err(|error| self.write_error(error))?;
        self.settle(&meta, &hashes)?;
        let bytes = manifest::write(&self.directory)?;

        let published = self.shared.path(self.number, None);
        disk::rename(&self.directory, &published).map_err(SnapshotError::io("rename", &self.directory))?;
        let parent = &self.shared.directory;
        disk::sync_directory(parent).map_err(SnapshotError::io("sync", parent))?;
        self.shared.open_published(self.number, bytes)
    }

    fn put_stored(&mut self, section: SectionId, index: u32, stored: &[u8]) -> Result<(), SnapshotError> {
        let place = || Box::new(Place::block(self.number, section, index));
        let database = self.database.as_ref().ok_or(SnapshotError::GivenUp(self.number))?;
        if index >= BLOCKS_IN_SECTION_MAX {
            return Err(SnapshotError::TooManyBlocks { place: place(), max: BLOCKS_IN_SECTION_MAX });
        }
        let progress = self.sections.entry(section).or_default();
        let position = index as usize;
        if progress.hashes.len() <= position {
            progress.hashes.resize(position + 1, None);
        }
        if progress.hashes[position].is_some() {
            return Err(SnapshotError::BlockTwice { place: place() });
        }
        let written = progress
            .insert_keys_ahead(database, section, index)
            .and_then(|()| database.insert(&block_key(section, index), stored));
        match written {
            Ok(()) => {
                progress.hashes[position] = Some(BlockHash::of(section, index, stored));
                Ok(())
            }
            Err(error) => {
                let error = self.write_error(error);
                self.give_up();
                Err(error)
            }
        }
    }

    fn block_hashes(&self) -> Result<BlockHashes, SnapshotError> {
        let mut all = BlockHashes::default();
        for (&section, progress) in &self.sections {
            let hashes = (0u32..).zip(&progress.hashes).map(|(index, hash)| {
                hash.ok_or_else(|| SnapshotError::BlockLeftOut {
                    place: Box::new(Place::block(self.number, section, index)),
                })
            });
            all.0.insert(section, hashes.collect::<Result<_, _>>()?);
        }
        Ok(all)
    }

    /// Opens the database as a reader will, and checks that it has what was written.
    fn settle(&self, meta: &Meta, hashes: &BlockHashes) -> Result<(), SnapshotError> {
        let read = Database::settle(&self.directory, |database| {
            for (section, blocks) in &self.sections {
                for index in (0..blocks.hashes.len() as u32).step_by(KEYS_BETWEEN_VISITS) {
                    database.get(&block_key(*section, index))?;
                }
            }
            Ok(read_contents(database, &self.directory, self.number))
        });
        let (read_meta, read_hashes) = read.map_err(|error| self.write_error(error))??;
        if (&read_meta, &read_hashes) == (meta, hashes) {
            Ok(())
        } else {
            let reason = "its meta entry does not read as it was written".to_owned();
            Err(SnapshotError::Database { generation: self.number, reason })
        }
    }

    fn write_error(&self, error: DatabaseError) -> SnapshotError {
        match error {
            DatabaseError::Io(error) => SnapshotError::io("write", &self.directory)(error),
            DatabaseError::Failed(reason) => SnapshotError::Database { generation: self.number, reason },
        }
    }

    /// Frees what the generation takes up, at once: perhaps the disk is full.
    fn give_up(&mut self) {
        drop(self.database.take());
        if let Err(error) = remove_if_there(&self.directory) {
            tracing::warn!(%error, "cannot remove an unfinished snapshot generation; the next start tries again");
        }
    }
}

impl Section {
    fn insert_keys_ahead(
        &mut self,
        database: &Database,
        section: SectionId,
        index: u32,
    ) -> Result<(), DatabaseError> {
        while self.keys < index + KEYS_AHEAD_MIN {
            for _ in 0..KEYS_AT_ONCE {
                database.insert(&block_key(section, self.keys), &[])?;
                self.keys += 1;
            }
        }
        Ok(())
    }
}

impl Drop for GenerationWriter {
    fn drop(&mut self) {
        // After publication there is nothing under this name.
        self.give_up();
        *self.shared.writing.lock() = false;
    }
}
