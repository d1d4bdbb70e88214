//! How the parts of a generation are numbered, and how their entries become blocks.

use std::borrow::Cow;
use std::collections::HashMap;

use super::migration::{Migration, Part};
use super::{Meta, SnapshotFailure};
use crate::pacing::Pace;
use crate::runtime::image::{EntryIterator, ImageError, Section, Source};
use crate::snapshot::{BlockBuilder, Generation, GenerationWriter, SectionId};

/// Entities that failed: one entry a shard.
pub const STOPPED: SectionId = SectionId(100);
/// The entities of shard 0; those of the others follow.
const ENTITIES: u16 = 1_000;
const _: () = assert!(Section::Duplicates as u16 <= 99, "images are numbered below what stands here");

/// Where the entities of a shard stand.
pub fn entities_of(shard: u16) -> SectionId {
    SectionId(ENTITIES + shard)
}

/// Writes the entries of several sections as blocks.
pub struct BlockWriter<'w> {
    writer: &'w mut GenerationWriter,
    open: HashMap<SectionId, (u32, BlockBuilder)>,
    pace: Pace,
}

impl<'w> BlockWriter<'w> {
    pub fn new(writer: &'w mut GenerationWriter, pace: Pace) -> BlockWriter<'w> {
        BlockWriter { writer, open: HashMap::new(), pace }
    }

    /// Puts a whole block behind those that its section has.
    pub fn put(&mut self, section: SectionId, entries: &BlockBuilder) -> Result<(), SnapshotFailure> {
        let (next, _) = self.open.entry(section).or_default();
        // Before that it waited for the shards.
        self.pace.begin();
        self.writer.put_block(section, *next, entries)?;
        *next += 1;
        self.pace.pause();
        Ok(())
    }

    /// Puts an entry behind those that its section has.
    pub fn push(&mut self, section: SectionId, entry: &[u8]) -> Result<(), SnapshotFailure> {
        let (next, block) = self.open.entry(section).or_default();
        block.push(entry);
        if block.is_full() {
            self.writer.put_block(section, *next, block)?;
            *next += 1;
            block.clear();
            self.pace.pause();
        }
        Ok(())
    }

    /// Writes what is left of every section.
    pub fn finish(self) -> Result<(), SnapshotFailure> {
        for (section, (next, block)) in self.open {
            if !block.is_empty() {
                self.writer.put_block(section, next, &block)?;
            }
        }
        Ok(())
    }
}

/// The entries of a generation, as this version has them.
pub struct Entries<'g> {
    pub generation: &'g Generation,
    pub migration: Migration,
}

impl<'g> Entries<'g> {
    /// Of a generation with that meta entry.
    ///
    /// # Errors
    /// If it is of a version that nothing leads from.
    pub fn of(generation: &'g Generation, meta: &Meta) -> Result<Entries<'g>, SnapshotFailure> {
        Ok(Entries { generation, migration: Migration::from(meta.fold_version)? })
    }

    /// Those of entities that failed.
    pub fn stopped(&self) -> impl Iterator<Item = Result<Vec<u8>, SnapshotFailure>> + '_ {
        self.section(STOPPED, Part::Stopped)
    }

    /// The entities of a shard.
    pub fn of_shard(&self, shard: u16) -> impl Iterator<Item = Result<Vec<u8>, SnapshotFailure>> + '_ {
        self.section(entities_of(shard), Part::Entity)
    }

    /// In the order in which they were written.
    fn section(
        &self,
        section: SectionId,
        part: Part,
    ) -> impl Iterator<Item = Result<Vec<u8>, SnapshotFailure>> + '_ {
        (0..self.generation.block_count(section)).flat_map(move |block| {
            let (entries, error) = match self.generation.read_block(section, block) {
                Ok(block) => (block.iter().map(<[u8]>::to_vec).collect(), None),
                Err(error) => (Vec::new(), Some(error.into())),
            };
            let migrated = move |entry: Vec<u8>| match self.migration.is_needed() {
                true => self.migration.entry(part, &entry).map(Cow::into_owned),
                false => Ok(entry),
            };
            entries.into_iter().map(migrated).chain(error.map(Err))
        })
    }
}

impl Source for Entries<'_> {
    fn entries(&self, section: Section) -> EntryIterator<'_> {
        Box::new(
            self.section(SectionId(section as u16), Part::Image(section))
                .map(|entry| entry.map_err(|error| ImageError::Source(error.to_string()))),
        )
    }
}
