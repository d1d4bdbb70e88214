//! What can go wrong with a generation, where in it, and whether it is the disk or the bytes.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::contents::SectionId;
use super::disk;

/// A place in a generation, as precise as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub generation: u64,
    /// Relative to the generation's directory.
    pub file: Option<PathBuf>,
    pub section: Option<SectionId>,
    /// Index of the block in its section.
    pub block: Option<u32>,
}

impl Place {
    pub(super) fn generation(generation: u64) -> Self {
        Self { generation, file: None, section: None, block: None }
    }

    pub(super) fn file(generation: u64, file: impl Into<PathBuf>) -> Self {
        Self { file: Some(file.into()), ..Self::generation(generation) }
    }

    pub(super) fn section(generation: u64, section: SectionId) -> Self {
        Self { section: Some(section), ..Self::generation(generation) }
    }

    pub(super) fn block(generation: u64, section: SectionId, block: u32) -> Self {
        Self { block: Some(block), ..Self::section(generation, section) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "snapshot generation {}", self.generation)?;
        if let Some(file) = &self.file {
            write!(f, ", file {}", file.display())?;
        }
        if let Some(SectionId(section)) = self.section {
            write!(f, ", section {section}")?;
        }
        if let Some(block) = self.block {
            write!(f, ", block {block}")?;
        }
        Ok(())
    }
}

/// What is wrong with a published generation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("the file is missing")]
    FileMissing,
    #[error("the file does not belong to it")]
    FileStrange,
    #[error("the file's hash is wrong")]
    FileHash,
    #[error("the list of files can't be read")]
    Manifest,
    #[error("the meta entry is missing")]
    MetaMissing,
    #[error("the meta entry's hash is wrong, or its fields don't fit together")]
    Meta,
    #[error("it says that it is generation {0}")]
    OtherGeneration(u64),
    #[error("the list of block hashes is incomplete or wrong")]
    BlockHashes,
    #[error("the block is missing")]
    BlockMissing,
    #[error("the block's hash is wrong")]
    BlockHash,
    #[error("the block's bytes can't be decompressed or divided into entries")]
    BlockFraming,
    /// sled found damage by itself, or met something it did not expect.
    #[error("the database failed: {0}")]
    Database(String),
}

/// Why a generation could not be written, published, opened or read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("cannot {action} {}: {source}", .path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    /// The unfinished generation is gone; those published before are as they were.
    #[error("no space for {}: {source}; free some space on this disk", .path.display())]
    DiskFull { path: PathBuf, source: io::Error },
    /// Write another generation and read an older one, or the journal.
    #[error("{place}: {damage}")]
    Damaged { place: Box<Place>, damage: Damage },
    /// sled failed while writing for another reason than the disk.
    #[error("snapshot generation {generation} can't be written: {reason}")]
    Database { generation: u64, reason: String },
    #[error("there is no snapshot generation {0}")]
    NoSuchGeneration(u64),
    #[error("{place}: there is no such block")]
    NoSuchBlock { place: Box<Place> },
    #[error(
        "{place}: format version {found} is newer than this program's ({supported}); use a newer program"
    )]
    NewerFormat { place: Box<Place>, found: u16, supported: u16 },
    #[error("a snapshot generation is being written already")]
    AlreadyWriting,
    /// An earlier call on this writer failed, and what it had written was removed.
    #[error("snapshot generation {0} was given up")]
    GivenUp(u64),
    /// The caller's mistakes.
    #[error("{place}: written twice")]
    BlockTwice { place: Box<Place> },
    #[error("{place}: not written, although there are blocks behind it")]
    BlockLeftOut { place: Box<Place> },
    #[error("{place}: {length} bytes are over the maximum of {max}")]
    TooLarge { place: Box<Place>, length: usize, max: usize },
    #[error("{place}: over the maximum of {max} blocks in a section")]
    TooManyBlocks { place: Box<Place>, max: u32 },
}

impl SnapshotError {
    /// For `map_err`: the I/O error with what was being done, and where.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| {
            if disk::is_full(&source) {
                Self::DiskFull { path, source }
            } else {
                Self::Io { action, path, source }
            }
        }
    }

    pub(super) fn damaged(place: Place, damage: Damage) -> Self {
        Self::Damaged { place: Box::new(place), damage }
    }
}
