//! The files of a journal, for tests of the journal alone.
#![allow(dead_code, reason = "each user takes its part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tidewatch::journal::{GroupBuilder, Journal};

pub const MARK: &str = "durable.mark";

/// The content of each file by its name.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// An empty directory, in memory where the machine has one there: these tests sync a lot.
pub fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Appends a group of so many records.
pub fn append(journal: &mut Journal, count: u64, record: fn(u64) -> Vec<u8>) {
    let mut group = GroupBuilder::new(journal.next_lsn());
    for _ in 0..count {
        let lsn = group.next_lsn();
        group.push(&record(lsn)).unwrap();
    }
    journal.append_group(&mut group).unwrap();
}

pub fn files(directory: &Path) -> Files {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().into(), fs::read(&path).unwrap())).collect()
}

/// A directory with these files.
pub fn directory_of(files: &Files) -> TempDir {
    let directory = directory();
    for (name, bytes) in files {
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    directory
}
