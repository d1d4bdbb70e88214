//! What can go wrong with a journal, where, and what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::group::GroupHash;
use super::position::Misfit;

/// A place in a file of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    /// Bytes from the start of the file.
    pub offset: u64,
    /// The LSN that stands there or should, 0 = none is known.
    pub lsn: u64,
}

impl Place {
    pub(super) fn new(path: &Path, offset: u64, lsn: u64) -> Self {
        Self { path: path.to_owned(), offset, lsn }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        match (self.offset, self.lsn) {
            (0, 0) => Ok(()),
            (offset, 0) => write!(f, " (byte {offset})"),
            (offset, lsn) => write!(f, " (byte {offset}, LSN {lsn})"),
        }
    }
}

/// What is wrong with the bytes at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("the file ends inside a header")]
    HeaderCut,
    #[error("there is no magic number where a header should be")]
    NoMagic,
    #[error("the header's checksum is wrong")]
    HeaderChecksum,
    #[error("the file ends inside a group")]
    PayloadCut,
    #[error("the group's hash is wrong")]
    GroupHash,
    #[error("a valid group follows bytes that are none")]
    GroupAfterDamage,
    #[error("the records do not fill the group as its header says")]
    RecordFraming,
    #[error("a record's checksum is wrong")]
    RecordChecksum,
    #[error("LSN {found} stands where LSN {expected} should")]
    LsnGap { expected: u64, found: u64 },
    #[error("the hash of the group before does not match: the chain is broken")]
    ChainBroken,
    #[error("epoch {found} comes after epoch {before}")]
    EpochWentBack { before: u32, found: u32 },
    #[error("the segment belongs to another journal")]
    ForeignSegment,
    #[error("the file has {found} bytes where its table of frames says {expected}")]
    CompressedLength { expected: u64, found: u64 },
    #[error("a compressed frame's checksum is wrong")]
    FrameChecksum,
    #[error("a compressed frame does not inflate to what its header says")]
    FrameContent,
    #[error("the segment that must follow a compressed one is missing")]
    NothingFollows,
    #[error("the file is not what was compressed")]
    OtherContent,
    #[error("format version {found} is newer than this program's ({supported})")]
    NewerFormat { found: u16, supported: u16 },
    #[error("flags {0:#06x} are not known to this program")]
    UnknownFlags(u16),
}

impl Damage {
    /// Whether a write that a crash cut short can leave this behind. Anything else had a valid checksum when it was
    /// written, so it is no torn write.
    pub(super) fn can_be_torn_write(self) -> bool {
        matches!(
            self,
            Self::HeaderCut | Self::NoMagic | Self::HeaderChecksum | Self::PayloadCut | Self::GroupHash
        )
    }
}

/// Why the journal could not be opened, read or appended to.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk failed. After a failed write or sync the journal is poisoned: what the disk holds is unknown, so the
    /// process must stop and recover.
    #[error("cannot {action} {place}: {source}; check the disk, then restart")]
    Io { action: &'static str, place: Box<Place>, source: io::Error },
    /// Nothing was appended and the journal is as before; appending may be tried again once there is room.
    #[error("no space for {place}: {source}; free some space on this disk")]
    DiskFull { place: Box<Place>, source: io::Error },
    #[error("an earlier write failed and what the disk holds is unknown; restart to recover")]
    Poisoned,
    #[error("the journal in {} is in use by another process; stop that one first", .0.display())]
    Locked(PathBuf),
    #[error(
        "{place}: {damage}; look at it with `tidewatch inspect`, then restore a backup or use a newer program"
    )]
    Damaged { place: Box<Place>, damage: Damage },
    /// Records that were promised to be durable are gone.
    #[error(
        "the journal ends at LSN {tail_lsn} at {place}, but was durable up to LSN {durable_lsn}: records are lost; \
         look at it with `tidewatch inspect` and restore the missing bytes or a backup"
    )]
    EndsBelowMark { place: Box<Place>, tail_lsn: u64, durable_lsn: u64 },
    #[error(
        "{} is missing or unreadable beside a journal that is not empty, so that it can't be told whether the journal \
         is complete; restore it, or look at the journal with `tidewatch inspect`",
        .0.display()
    )]
    MarkMissing(PathBuf),
    #[error("{} has no journal beside it; restore the segments (*.twj) that belong to it", .0.display())]
    SegmentsMissing(PathBuf),
    #[error(
        "{place}: the journal's group there ({found}) is not the one that the durable mark names ({expected}); segments \
         and mark come from different times or journals: restore those that belong together"
    )]
    MarkMismatch { place: Box<Place>, expected: GroupHash, found: GroupHash },
    /// The position that was to be trusted is not one of this journal. Opening it without one checks all of it, except
    /// that nobody would then miss the records between its end and a position that is [`Misfit::BeyondEnd`].
    #[error("{place} is no position that the journal can be trusted up to: {misfit}")]
    PositionMisfit { place: Box<Place>, misfit: Misfit },
    /// The journal's beginning was trimmed away, so that it can't be read from LSN 1.
    #[error(
        "the journal in {} begins with LSN {first_lsn}: what came before was trimmed, and it opens only together with a \
         snapshot; restore a snapshot at or after that LSN, or a backup",
        .directory.display()
    )]
    TrimmedBeginning { directory: PathBuf, first_lsn: u64 },
    /// What was to be read, or held, is no longer in the journal.
    #[error("LSN {lsn} was trimmed: the journal begins with LSN {first_lsn}")]
    Trimmed { lsn: u64, first_lsn: u64 },
    /// What would change the journal's files came after the journal was closed.
    #[error("the journal is closed")]
    Closed,
    #[error("{} is not named like a segment (20 digits and .twj or .twz); move it out of the journal's directory", .0.display())]
    StrangeFile(PathBuf),
    #[error("a record of {length} bytes is over the maximum of {max}")]
    RecordTooLarge { length: usize, max: usize },
    #[error("the group is full")]
    GroupFull,
    /// The caller's mistake: the group is empty, or numbered for another place in the journal.
    #[error("a group of {record_count} records from LSN {first_lsn} cannot be appended at LSN {next_lsn}")]
    WrongGroup { first_lsn: u64, record_count: u32, next_lsn: u64 },
}

impl JournalError {
    /// For `map_err`: the I/O error with what was being done, and where.
    pub(super) fn io(
        action: &'static str,
        path: &Path,
        offset: u64,
        lsn: u64,
    ) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, place: Box::new(Place::new(path, offset, lsn)), source }
    }

    pub(super) fn damaged(path: &Path, offset: u64, lsn: u64, damage: Damage) -> Self {
        Self::Damaged { place: Box::new(Place::new(path, offset, lsn)), damage }
    }
}
