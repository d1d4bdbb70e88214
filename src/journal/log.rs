//! The journal as its one writer sees it: open and recover, append groups, close.
//!
//! Each group is one write, one `fdatasync` and one write of the durable mark; then it is published to readers. The
//! segment's file is not preallocated: `fdatasync` has to write the file's new size either way or convert unwritten
//! extents, and the difference measured was within the noise of the disk.

use std::io;
use std::path::Path;
use std::sync::Arc;

use uuid::Uuid;

use super::compressor::CompressionThread;
use super::directory::Directory;
#[cfg(test)]
use super::disk::Disk;
use super::disk::{self, DiskFile, Lock};
use super::durable_mark::MarkFile;
use super::error::{JournalError, Place};
use super::group::{GROUP_HEADER_LENGTH, GroupBuilder, GroupHash};
use super::position::Position;
use super::reader::{JournalReader, Shared};
use super::recovery::{Chain, Scan, Scanned, VerifyReport, scan_journal};
use super::segment::{SEGMENT_HEADER_LENGTH, SegmentHeader};
#[cfg(test)]
use super::simulated_disk::SimulatedDisk;
use super::trim::Trimmer;

/// Bytes that are rewritten at a time after recovery.
const REWRITE_BYTES: usize = 1 << 20;
/// Bytes that must find room before a disk counts as no longer full: as much as one event may have.
const ROOM_TRIED: usize = 64 << 10;

#[derive(Debug, Clone)]
pub struct JournalOptions {
    /// A segment that would grow beyond this with the next group is followed by a new one. A single group may still be
    /// larger.
    pub segment_bytes_max: u64,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self { segment_bytes_max: 256 << 20 }
    }
}

/// What opening a journal found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// There was no journal: this one is new.
    pub created: bool,
    /// What was found. A torn tail and an unborn segment in it are gone now.
    pub report: VerifyReport,
}

/// The journal, open for appending by this process alone.
pub struct Journal {
    directory: Directory,
    options: JournalOptions,
    chain: Chain,
    segment: DiskFile,
    segment_first_lsn: u64,
    /// Where the next group goes.
    end_offset: u64,
    mark: MarkFile,
    shared: Arc<Shared>,
    poisoned: bool,
    compression: Option<CompressionThread>,
    /// Held for as long as the journal is open.
    _lock: Lock,
}

impl Drop for Journal {
    fn drop(&mut self) {
        // Before the lock goes: nobody touches the files after that.
        self.compression = None;
        self.shared.close();
    }
}

impl Journal {
    /// Opens the journal in `directory`, or creates one where nothing is.
    ///
    /// # Errors
    /// `Locked` if another process has it; `Damaged`, `EndsBelowMark`, `MarkMissing`, `MarkMismatch`,
    /// `SegmentsMissing` if it can't be trusted, `TrimmedBeginning` if it doesn't begin with LSN 1, then nothing was
    /// changed; `Io`.
    pub fn open(directory: &Path, options: JournalOptions) -> Result<(Self, Recovered), JournalError> {
        Self::open_in(Directory::on_system(directory), options, None)
    }

    /// Whether another process has the journal in `directory`. For what goes before opening it.
    ///
    /// # Errors
    /// `Locked` if one has; `Io`.
    pub fn check_unlocked(directory: &Path) -> Result<(), JournalError> {
        Directory::on_system(directory).create_and_lock().map(drop)
    }

    /// Opens the journal in `directory` and checks it from `trusted` on. Of the segments before the one with that
    /// position only the headers are looked at, of that one only the headers of its groups.
    ///
    /// # Errors
    /// `PositionMisfit` if that is no position in this journal, then nothing was changed; else as [`Journal::open`].
    pub fn open_trusting(
        directory: &Path,
        options: JournalOptions,
        trusted: &Position,
    ) -> Result<(Self, Recovered), JournalError> {
        Self::open_in(Directory::on_system(directory), options, Some(trusted))
    }

    fn open_in(
        directory: Directory,
        options: JournalOptions,
        trusted: Option<&Position>,
    ) -> Result<(Self, Recovered), JournalError> {
        let lock = directory.create_and_lock()?;
        let (scan, created) = match scan_journal(&directory, trusted)? {
            Scanned::Journal(scan) => (scan, false),
            Scanned::Nothing { unborn_segment, leftovers } => {
                for path in unborn_segment.iter().chain(&leftovers) {
                    directory.remove_lasting(path)?;
                }
                create(&directory)?;
                match scan_journal(&directory, None)? {
                    Scanned::Journal(scan) => (scan, true),
                    Scanned::Nothing { .. } => {
                        return Err(JournalError::SegmentsMissing(directory.path));
                    }
                }
            }
        };
        if trusted.is_none() && scan.report.first_lsn > 1 {
            return Err(JournalError::TrimmedBeginning {
                directory: directory.path,
                first_lsn: scan.report.first_lsn,
            });
        }
        let segment = repair(&directory, &scan)?;
        let Scan { report, mark, segments, last_segment_first_lsn, end_offset, .. } = *scan;
        let found_mark = Position {
            identity: report.identity,
            lsn: report.tail_lsn,
            group_hash: report.last_group_hash,
            segment_first_lsn: last_segment_first_lsn,
            end_offset,
        };
        let journal = Self {
            mark: MarkFile::open(&directory, &mark, &found_mark)?,
            shared: Arc::new(Shared::new(directory.clone(), report.tail_lsn, segments)),
            directory,
            options,
            chain: Chain {
                identity: report.identity,
                next_lsn: report.tail_lsn + 1,
                last_hash: report.last_group_hash,
                epoch: report.epoch,
            },
            segment,
            segment_first_lsn: last_segment_first_lsn,
            end_offset,
            poisoned: false,
            compression: None,
            _lock: lock,
        };
        Ok((journal, Recovered { created, report }))
    }

    /// The same on a simulated disk.
    #[cfg(test)]
    pub(crate) fn open_simulated(
        disk: &SimulatedDisk,
        directory: &Path,
        options: JournalOptions,
        trusted: Option<&Position>,
    ) -> Result<(Self, Recovered), JournalError> {
        let directory = Directory { disk: Disk::Simulated(disk.clone()), path: directory.to_owned() };
        Self::open_in(directory, options, trusted)
    }

    /// Appends the group and makes it durable; gives the LSN of its last record. When this returns, readers see it.
    ///
    /// # Errors
    /// `DiskFull`: nothing was appended, it may be tried again. `Io`: what the disk holds is unknown; the journal
    /// refuses everything from now on and the process must stop. `Poisoned`: such an error came before. `WrongGroup`:
    /// the group is empty or doesn't begin at [`Journal::next_lsn`].
    pub fn append_group(&mut self, group: &mut GroupBuilder) -> Result<u64, JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        if group.is_empty() || group.first_lsn() != self.chain.next_lsn {
            return Err(JournalError::WrongGroup {
                first_lsn: group.first_lsn(),
                record_count: group.record_count(),
                next_lsn: self.chain.next_lsn,
            });
        }
        let appended = self.write_group(group);
        self.poisoned = matches!(appended, Err(JournalError::Io { .. }));
        appended
    }

    /// Whether the disk takes more than it has: [`ROOM_TRIED`] bytes are written behind the last group and taken away
    /// again. Asking for the free bytes would not tell, as there are quotas.
    ///
    /// # Errors
    /// `Io` as with [`Journal::append_group`]; `Poisoned`.
    pub fn has_room(&mut self) -> Result<bool, JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        let tried = self.try_room();
        self.poisoned = tried.is_err();
        tried
    }

    /// Syncs the durable mark. Dropping a journal without this is like a crash: safe, but recovery has less to
    /// hold the journal's end against.
    pub fn close(self) -> Result<(), JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        self.mark.sync()
    }

    /// LSN of the last durable record, 0 = none yet.
    pub fn durable_lsn(&self) -> u64 {
        self.chain.next_lsn - 1
    }

    /// LSN of the next record.
    pub fn next_lsn(&self) -> u64 {
        self.chain.next_lsn
    }

    /// Made when the journal was created (UUID v7), the same ever since.
    pub fn identity(&self) -> Uuid {
        self.chain.identity
    }

    /// The ownership epoch that groups are written in.
    pub fn epoch(&self) -> u32 {
        self.chain.epoch
    }

    /// Takes the journal over: what is appended from now on is of the next epoch, or of a later one.
    pub fn begin_epoch(&mut self, at_least: u32) {
        self.chain.epoch = self.chain.epoch.saturating_add(1).max(at_least);
    }

    /// Hash of the last group: it stands for the content of the whole journal.
    pub fn last_group_hash(&self) -> GroupHash {
        self.chain.last_hash
    }

    /// From now on, sealed segments are compressed by a thread of low priority, until the journal is closed or dropped.
    ///
    /// # Errors
    /// When there can be no other thread.
    pub fn compress_sealed_segments(&mut self) -> io::Result<()> {
        if self.compression.is_none() {
            self.compression = Some(CompressionThread::start(Arc::clone(&self.shared))?);
        }
        Ok(())
    }

    /// A handle to trim the journal's beginning with, from any thread.
    pub fn trimmer(&self) -> Trimmer {
        Trimmer::new(Arc::clone(&self.shared))
    }

    /// The place behind the last durable group.
    pub fn durable_position(&self) -> Position {
        Position {
            identity: self.chain.identity,
            lsn: self.durable_lsn(),
            group_hash: self.chain.last_hash,
            segment_first_lsn: self.segment_first_lsn,
            end_offset: self.end_offset,
        }
    }

    /// A handle to read with, from any thread.
    pub fn reader(&self) -> JournalReader {
        JournalReader::new(Arc::clone(&self.shared))
    }

    fn write_group(&mut self, group: &mut GroupBuilder) -> Result<u64, JournalError> {
        let length = (GROUP_HEADER_LENGTH + group.payload_bytes()) as u64;
        let segment_has_groups = self.end_offset > SEGMENT_HEADER_LENGTH as u64;
        if segment_has_groups && self.end_offset + length > self.options.segment_bytes_max {
            self.begin_segment()?;
        }
        let first_lsn = group.first_lsn();
        let last_lsn = group.next_lsn() - 1;
        let offset = self.end_offset;
        let (hash, bytes) = group.seal(self.chain.epoch, self.chain.last_hash);
        if let Err(error) = self.segment.write_all_at(bytes, offset) {
            return Err(self.take_back_write(error, offset, first_lsn));
        }
        self.segment.sync_data().map_err(JournalError::io("sync", self.segment.path(), offset, first_lsn))?;
        let end_offset = offset + length;
        self.mark.write(&Position {
            identity: self.chain.identity,
            lsn: last_lsn,
            group_hash: hash,
            segment_first_lsn: self.segment_first_lsn,
            end_offset,
        })?;
        self.chain.next_lsn = last_lsn + 1;
        self.chain.last_hash = hash;
        self.end_offset = end_offset;
        self.shared.published.publish(first_lsn, offset, last_lsn);
        Ok(last_lsn)
    }

    /// After a failed write: takes away what was written of the group if the disk is merely full. Synced, because the
    /// next group may begin another segment, and then this one must not end in a part of a group.
    fn take_back_write(&self, error: io::Error, offset: u64, lsn: u64) -> JournalError {
        let path = self.segment.path();
        if !disk::is_full(&error) {
            return JournalError::io("write", path, offset, lsn)(error);
        }
        match self.segment.truncate(offset).and_then(|()| self.segment.sync_data()) {
            Ok(()) => disk_full(path, offset, lsn, error),
            Err(error) => JournalError::io("take back a part of a group in", path, offset, lsn)(error),
        }
    }

    fn try_room(&self) -> Result<bool, JournalError> {
        let (offset, next_lsn) = (self.end_offset, self.chain.next_lsn);
        // A crash in between leaves what a group that was cut short leaves: a tail that is no group.
        if let Err(error) = self.segment.write_all_at(&[0; ROOM_TRIED], offset) {
            return match self.take_back_write(error, offset, next_lsn) {
                JournalError::DiskFull { .. } => Ok(false),
                failure => Err(failure),
            };
        }
        let io = JournalError::io("take back what was tried in", self.segment.path(), offset, next_lsn);
        self.segment.truncate(offset).and_then(|()| self.segment.sync_data()).map_err(io)?;
        Ok(true)
    }

    fn begin_segment(&mut self) -> Result<(), JournalError> {
        // From here on the mark names at least the end of the segment before: what recovery finds in the last segment
        // is all that may be unsynced.
        self.mark.sync()?;
        let first_lsn = self.chain.next_lsn;
        let header =
            SegmentHeader { identity: self.chain.identity, first_lsn, previous_hash: self.chain.last_hash };
        let segment = match self.directory.create_segment(&header) {
            Ok(segment) => segment,
            Err(error) => {
                let path = self.directory.segment_path(first_lsn);
                if !disk::is_full(&error) {
                    return Err(JournalError::io("create", &path, 0, first_lsn)(error));
                }
                self.directory.remove_lasting(&path)?;
                return Err(disk_full(&path, 0, first_lsn, error));
            }
        };
        self.shared.published.begin_segment(first_lsn);
        if let Some(compression) = &self.compression {
            compression.wake();
        }
        self.segment = segment;
        self.segment_first_lsn = first_lsn;
        self.end_offset = SEGMENT_HEADER_LENGTH as u64;
        Ok(())
    }
}

pub(super) fn disk_full(path: &Path, offset: u64, lsn: u64, source: io::Error) -> JournalError {
    JournalError::DiskFull { place: Box::new(Place::new(path, offset, lsn)), source }
}

/// Creates the first segment of a new journal. The mark follows when the journal is opened, once the segment lasts.
fn create(directory: &Directory) -> Result<(), JournalError> {
    let chain = Chain::begin(directory.disk.new_identity());
    let header =
        SegmentHeader { identity: chain.identity, first_lsn: chain.next_lsn, previous_hash: chain.last_hash };
    let path = directory.segment_path(header.first_lsn);
    directory.create_segment(&header).map_err(JournalError::io("create", &path, 0, header.first_lsn))?;
    Ok(())
}

/// Takes away what a crash left unfinished and makes what stays durable. Gives the last segment, open.
fn repair(directory: &Directory, scan: &Scan) -> Result<DiskFile, JournalError> {
    // In this order, oldest first: what is left of a trimmed beginning never has a gap.
    for path in scan.leftovers.iter().chain(&scan.report.unborn_segment) {
        directory.remove_lasting(path)?;
    }
    let path = directory.segment_path(scan.last_segment_first_lsn);
    let segment = directory.disk.open(&path).map_err(JournalError::io("open", &path, 0, 0))?;
    // Also where nothing is seen behind the end: a cut whose sync failed is seen as made, and the disk may not have it.
    segment.truncate(scan.end_offset).map_err(JournalError::io("cut", &path, scan.end_offset, 0))?;
    rewrite(&segment, scan.marked_offset, scan.end_offset)?;
    segment.sync_data().map_err(JournalError::io("sync", &path, 0, 0))?;
    // A segment that was created just before a crash: its name must last before a mark does.
    directory.sync()?;
    Ok(segment)
}

/// Writes the bytes in a range of the file over themselves. After a failed sync, the kernel shows pages that it takes
/// for written though the disk never got them, and a mere sync would leave it at that.
fn rewrite(segment: &DiskFile, start: u64, end: u64) -> Result<(), JournalError> {
    let mut buffer = Vec::new();
    let mut offset = start;
    while offset < end {
        let length = (end - offset).min(REWRITE_BYTES as u64);
        buffer.resize(length as usize, 0);
        segment
            .read_exact_at(&mut buffer, offset)
            .and_then(|()| segment.write_all_at(&buffer, offset))
            .map_err(JournalError::io("rewrite the end of", segment.path(), offset, 0))?;
        offset += length;
    }
    Ok(())
}
