//! The files of a journal's directory: their names, the lock, and how they come into being.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::disk::{self, DiskFile};
use super::error::JournalError;
use super::segment::SegmentHeader;

const SEGMENT_EXTENSION: &str = "twj";
/// Digits of the largest 64-bit LSN, so that names sort like numbers.
const SEGMENT_NAME_DIGITS: usize = 20;
const LOCK_NAME: &str = "lock";

pub(super) fn segment_path(directory: &Path, first_lsn: u64) -> PathBuf {
    directory.join(format!("{first_lsn:0SEGMENT_NAME_DIGITS$}.{SEGMENT_EXTENSION}"))
}

/// The first LSNs of the segments, ascending. A directory that doesn't exist has none.
pub(super) fn list_segments(directory: &Path) -> Result<Vec<u64>, JournalError> {
    let read_error = || JournalError::io("list", directory, 0, 0);
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(read_error()(error)),
    };
    let mut first_lsns = Vec::new();
    for entry in entries {
        let path = entry.map_err(read_error())?.path();
        if path.extension().is_some_and(|extension| extension == SEGMENT_EXTENSION) {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let digits = stem.len() == SEGMENT_NAME_DIGITS && stem.bytes().all(|byte| byte.is_ascii_digit());
            match stem.parse() {
                Ok(first_lsn) if digits => first_lsns.push(first_lsn),
                _ => return Err(JournalError::StrangeFile(path)),
            }
        }
    }
    first_lsns.sort_unstable();
    Ok(first_lsns)
}

/// Creates the directory if need be and takes the lock that keeps other processes out for as long as the file is open.
pub(super) fn create_and_lock(directory: &Path) -> Result<File, JournalError> {
    fs::create_dir_all(directory).map_err(JournalError::io("create", directory, 0, 0))?;
    // Also if the directory was there: perhaps it was created just before a crash.
    let parent = match directory.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => directory,
    };
    disk::sync_directory(parent).map_err(JournalError::io("sync", parent, 0, 0))?;
    let path = directory.join(LOCK_NAME);
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(JournalError::io("open", &path, 0, 0))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(JournalError::Locked(directory.to_owned())),
        Err(TryLockError::Error(error)) => Err(JournalError::io("lock", &path, 0, 0)(error)),
    }
}

/// Creates a segment with its header, so that it lasts. A crash in between leaves a file without a valid header.
pub(super) fn create_segment(directory: &Path, header: &SegmentHeader) -> io::Result<DiskFile> {
    let segment = DiskFile::create_new(&segment_path(directory, header.first_lsn))?;
    segment.write_all_at(&header.encode(), 0)?;
    segment.sync_data()?;
    disk::sync_directory(directory)?;
    Ok(segment)
}
