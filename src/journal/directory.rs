//! The files of a journal's directory: their names, the lock, and how they come and go.

use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};

use super::compressed::CompressedFile;
use super::disk::{Disk, DiskFile, Lock};
use super::error::JournalError;
use super::segment::{SEGMENT_HEADER_LENGTH, SegmentCursor, SegmentFile, SegmentHeader};

const SEGMENT_EXTENSION: &str = "twj";
const COMPRESSED_EXTENSION: &str = "twz";
/// Of files that become others when they are whole. What a crash leaves of them is removed.
const UNFINISHED_EXTENSION: &str = "tmp";
/// Digits of the largest 64-bit LSN, so that names sort like numbers.
const SEGMENT_NAME_DIGITS: usize = 20;
const LOCK_NAME: &str = "lock";

/// A journal's directory, on a disk.
#[derive(Clone)]
pub(super) struct Directory {
    pub disk: Disk,
    pub path: PathBuf,
}

/// What the directory holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// The first LSNs of the segments in either form, ascending.
    pub first_lsns: Vec<u64>,
    /// What a crash left behind while a segment was compressed or the beginning trimmed: it is not needed.
    pub leftovers: Vec<PathBuf>,
}

impl Directory {
    pub(super) fn on_system(path: &Path) -> Self {
        Self { disk: Disk::System, path: path.to_owned() }
    }

    /// A segment as it is written.
    pub(super) fn segment_path(&self, first_lsn: u64) -> PathBuf {
        self.path.join(format!("{first_lsn:0SEGMENT_NAME_DIGITS$}.{SEGMENT_EXTENSION}"))
    }

    /// A segment that was compressed.
    pub(super) fn compressed_path(&self, first_lsn: u64) -> PathBuf {
        self.path.join(format!("{first_lsn:0SEGMENT_NAME_DIGITS$}.{COMPRESSED_EXTENSION}"))
    }

    /// Where a file stands until it is whole.
    pub(super) fn unfinished_path(path: &Path) -> PathBuf {
        path.with_added_extension(UNFINISHED_EXTENSION)
    }

    /// What is there. A directory that doesn't exist is empty.
    pub(super) fn list(&self) -> Result<Listing, JournalError> {
        let paths = self.disk.list(&self.path).map_err(JournalError::io("list", &self.path, 0, 0))?;
        let mut listing = Listing::default();
        let mut compressed = Vec::new();
        for path in paths {
            let first_lsns = match path.extension().and_then(|extension| extension.to_str()) {
                Some(SEGMENT_EXTENSION) => &mut listing.first_lsns,
                Some(COMPRESSED_EXTENSION) => &mut compressed,
                Some(UNFINISHED_EXTENSION) => {
                    listing.leftovers.push(path);
                    continue;
                }
                _ => continue,
            };
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let digits = stem.len() == SEGMENT_NAME_DIGITS && stem.bytes().all(|byte| byte.is_ascii_digit());
            match stem.parse() {
                Ok(first_lsn) if digits => first_lsns.push(first_lsn),
                _ => return Err(JournalError::StrangeFile(path)),
            }
        }
        for first_lsn in compressed {
            // A segment goes only once its compressed form lasts, so while it is there it is whole.
            if listing.first_lsns.contains(&first_lsn) {
                listing.leftovers.push(self.compressed_path(first_lsn));
            } else {
                listing.first_lsns.push(first_lsn);
            }
        }
        listing.first_lsns.sort_unstable();
        listing.leftovers.sort_unstable();
        Ok(listing)
    }

    /// Creates the directory if need be and takes the lock that keeps other processes out until it is dropped.
    pub(super) fn create_and_lock(&self) -> Result<Lock, JournalError> {
        self.disk.create_directory(&self.path).map_err(JournalError::io("create", &self.path, 0, 0))?;
        // Also if the directory was there: perhaps it was created just before a crash.
        let parent = match self.path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => &self.path,
        };
        self.disk.sync_directory(parent).map_err(JournalError::io("sync", parent, 0, 0))?;
        let path = self.path.join(LOCK_NAME);
        self.disk.lock(&path).map_err(|error| match error {
            TryLockError::WouldBlock => JournalError::Locked(self.path.clone()),
            TryLockError::Error(error) => JournalError::io("lock", &path, 0, 0)(error),
        })
    }

    /// Creates a segment with its header, so that it lasts. A crash in between leaves a file without a valid header.
    pub(super) fn create_segment(&self, header: &SegmentHeader) -> io::Result<DiskFile> {
        let segment = self.disk.create_new(&self.segment_path(header.first_lsn))?;
        segment.write_all_at(&header.encode(), 0)?;
        segment.sync_data()?;
        self.disk.sync_directory(&self.path)?;
        Ok(segment)
    }

    /// Opens a segment in whichever form it is there.
    pub(super) fn open_segment(&self, first_lsn: u64) -> Result<SegmentFile, JournalError> {
        let path = self.segment_path(first_lsn);
        let not_found = match self.disk.open_to_read(&path) {
            Ok(file) => return Ok(SegmentFile::Plain(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => error,
            Err(error) => return Err(JournalError::io("open", &path, 0, first_lsn)(error)),
        };
        let compressed_path = self.compressed_path(first_lsn);
        match self.disk.open_to_read(&compressed_path) {
            Ok(file) => Ok(SegmentFile::Compressed(Box::new(CompressedFile::open(file, first_lsn)?))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(JournalError::io("open", &path, 0, first_lsn)(not_found))
            }
            Err(error) => Err(JournalError::io("open", &compressed_path, 0, first_lsn)(error)),
        }
    }

    /// What a segment takes on the disk in whichever form it is there.
    pub(super) fn segment_bytes_on_disk(&self, first_lsn: u64) -> Result<u64, JournalError> {
        let path = self.segment_path(first_lsn);
        let file = match self.disk.open_to_read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.disk.open_to_read(&self.compressed_path(first_lsn))
            }
            opened => opened,
        };
        file.and_then(|file| file.length()).map_err(JournalError::io("measure", &path, 0, first_lsn))
    }

    /// Opens a segment with the cursor at its first group.
    pub(super) fn open_cursor(&self, first_lsn: u64) -> Result<SegmentCursor, JournalError> {
        Ok(SegmentCursor::new(self.open_segment(first_lsn)?, SEGMENT_HEADER_LENGTH as u64))
    }

    /// The content of a small file, none where there is no such file.
    pub(super) fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, JournalError> {
        let read = || {
            let file = self.disk.open_to_read(path)?;
            let mut bytes = vec![0; file.length()? as usize];
            file.read_exact_at(&mut bytes, 0)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(JournalError::io("read", path, 0, 0)(error)),
        }
    }

    pub(super) fn sync(&self) -> Result<(), JournalError> {
        self.disk.sync_directory(&self.path).map_err(JournalError::io("sync", &self.path, 0, 0))
    }

    /// Removes a file, if it is there, so that it stays away.
    pub(super) fn remove_lasting(&self, path: &Path) -> Result<(), JournalError> {
        match self.disk.remove(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(JournalError::io("remove", path, 0, 0)(error)),
        }
        self.sync()
    }
}
