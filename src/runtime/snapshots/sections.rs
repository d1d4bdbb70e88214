//! How the parts of a generation are numbered, and how their entries become blocks.

use std::collections::HashMap;

use super::SnapshotFailure;
use crate::pacing::Pace;
use crate::runtime::image::{ImageError, Section, Source};
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

/// The entries of a generation's images.
pub struct GenerationSource<'g>(pub &'g Generation);

impl Source for GenerationSource<'_> {
    fn entries(&self, section: Section) -> Box<dyn Iterator<Item = Result<Vec<u8>, ImageError>> + '_> {
        Box::new(
            entries(self.0, SectionId(section as u16))
                .map(|entry| entry.map_err(|error| ImageError::Source(error.to_string()))),
        )
    }
}

/// The entries of a section in the order in which they were written.
pub fn entries(
    generation: &Generation,
    section: SectionId,
) -> impl Iterator<Item = Result<Vec<u8>, SnapshotFailure>> + '_ {
    (0..generation.block_count(section)).flat_map(move |block| {
        let (entries, error) = match generation.read_block(section, block) {
            Ok(block) => (block.iter().map(<[u8]>::to_vec).collect(), None),
            Err(error) => (Vec::new(), Some(error.into())),
        };
        entries.into_iter().map(Ok).chain(error.map(Err))
    })
}
