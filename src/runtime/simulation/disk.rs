//! What a disk has after a loss of power: of what was written and not synced, any part.
//!
//! The journal writes to real files; every operation is recorded. At a loss of power the files are written anew as a
//! disk may have kept them: each unsynced write wholly, in part or not at all, whatever became of those around it; names
//! as of the last sync of their directory, or later. Of the durable mark a write is kept or not: its slots are sectors.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::common::random::Random;
use crate::journal::faults::{self, Operation};

#[derive(Default)]
struct FileState {
    synced: Vec<u8>,
    unsynced: Vec<Change>,
    is_name_synced: bool,
    is_removed: bool,
}

enum Change {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

/// What the disk refuses to do at the moment.
#[derive(Clone, Default)]
pub struct Refusing {
    pub is_full: Rc<Cell<bool>>,
    /// The next sync of a segment fails, as a broken disk's does.
    pub fails_sync: Rc<Cell<bool>>,
}

/// The files of the journal as the disk has them.
pub struct Disk {
    directory: PathBuf,
    files: BTreeMap<PathBuf, FileState>,
    pub refusing: Refusing,
}

impl Disk {
    pub fn new(directory: &Path) -> Disk {
        Disk { directory: directory.to_owned(), files: BTreeMap::new(), refusing: Refusing::default() }
    }

    /// A life of the tower begins on this thread.
    pub fn begin(&self) {
        let refusing = self.refusing.clone();
        faults::record();
        faults::refuse(move |operation| match operation {
            Operation::Write(path, ..) | Operation::Create(path) if is_segment(path) => {
                refusing.is_full.get().then_some(ErrorKind::StorageFull)
            }
            Operation::Sync(path) if is_segment(path) => {
                refusing.fails_sync.take().then_some(ErrorKind::Other)
            }
            _ => None,
        });
    }

    /// The life is over, and all its files are closed.
    pub fn end(&mut self) {
        faults::refuse_nothing();
        self.refusing.is_full.set(false);
        self.refusing.fails_sync.set(false);
        for operation in faults::recorded() {
            self.note(operation);
        }
    }

    fn note(&mut self, operation: Operation) {
        match operation {
            Operation::Create(path) => {
                self.files.insert(path, FileState::default());
            }
            Operation::Write(path, offset, bytes) => {
                self.files.entry(path).or_default().unsynced.push(Change::Write(offset, bytes));
            }
            Operation::Truncate(path, length) => {
                self.files.entry(path).or_default().unsynced.push(Change::Truncate(length));
            }
            Operation::Sync(path) => self.files.entry(path).or_default().settle(|_| Kept::Whole),
            Operation::Remove(path) => self.files.entry(path).or_default().is_removed = true,
            Operation::SyncDirectory(path) if path == self.directory => {
                self.files.retain(|_, file| !file.is_removed);
                self.files.values_mut().for_each(|file| file.is_name_synced = true);
            }
            Operation::SyncDirectory(_) | Operation::Acknowledged(_) => {}
        }
    }

    /// Leaves what a loss of power may leave.
    pub fn lose_power(&mut self, random: &mut Random) {
        self.files.retain(|path, file| {
            let is_there = match (file.is_name_synced, file.is_removed) {
                (true, false) => true,
                (false, true) => false,
                _ => random.chance(50),
            };
            let is_torn = is_segment(path);
            file.settle(|length| match random.below(3) {
                0 => Kept::Whole,
                1 if is_torn => Kept::First(usize::try_from(random.below(length as u64 + 1)).unwrap()),
                _ => Kept::Nothing,
            });
            (file.is_name_synced, file.is_removed) = (true, false);
            if is_there {
                fs::write(path, &file.synced).unwrap();
            } else if let Err(error) = fs::remove_file(path) {
                assert_eq!(error.kind(), ErrorKind::NotFound, "{path:?}: {error}");
            }
            is_there
        });
    }
}

enum Kept {
    Whole,
    First(usize),
    Nothing,
}

impl FileState {
    /// Makes the content that there is now: of each unsynced change, what is kept of it.
    fn settle(&mut self, mut kept: impl FnMut(usize) -> Kept) {
        for change in self.unsynced.drain(..) {
            match change {
                Change::Write(offset, bytes) => {
                    let bytes = match kept(bytes.len()) {
                        Kept::Whole => &bytes[..],
                        Kept::First(length) => &bytes[..length],
                        Kept::Nothing => continue,
                    };
                    let offset = usize::try_from(offset).unwrap();
                    let end = offset + bytes.len();
                    self.synced.resize(self.synced.len().max(end), 0);
                    self.synced[offset..end].copy_from_slice(bytes);
                }
                Change::Truncate(length) => {
                    if !matches!(kept(0), Kept::Nothing) {
                        self.synced.truncate(usize::try_from(length).unwrap());
                    }
                }
            }
        }
    }
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_none_or(|extension| extension != "mark")
}
