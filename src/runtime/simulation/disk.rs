//! The disk under the journal: simulated, so that a loss of power leaves any part of what was not synced, and refusing
//! what it is told to.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::journal::simulated_disk::{Fate, Loss, Operation, SimulatedDisk};
use crate::journal::{Journal, JournalError, JournalOptions, Position};

/// Where the journal is on its disk.
const DIRECTORY: &str = "/journal";

/// The disk of one run, over all lives.
pub struct Disk {
    disk: SimulatedDisk,
    is_full: Arc<AtomicBool>,
    /// The next sync of a segment fails, as a broken disk's does.
    fails_sync: Arc<AtomicBool>,
}

impl Disk {
    pub fn new(seed: u64) -> Disk {
        Disk { disk: SimulatedDisk::new(seed), is_full: Arc::default(), fails_sync: Arc::default() }
    }

    /// A life of the tower begins: all is well.
    pub fn begin(&self) {
        self.set_full(false);
        self.break_sync(false);
        let (is_full, fails_sync) = (self.is_full.clone(), self.fails_sync.clone());
        self.disk.decide(move |operation| match operation {
            Operation::Write(path, ..) | Operation::Create(path) if is_segment(path) => {
                if is_full.load(Ordering::Relaxed) { Fate::Fails(ErrorKind::StorageFull) } else { Fate::Done }
            }
            Operation::Sync(path) if is_segment(path) && fails_sync.swap(false, Ordering::Relaxed) => {
                Fate::Fails(ErrorKind::Other)
            }
            _ => Fate::Done,
        });
    }

    pub fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Relaxed)
    }

    pub fn set_full(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    /// Whether the next sync fails.
    pub fn break_sync(&self, fails: bool) {
        self.fails_sync.store(fails, Ordering::Relaxed);
    }

    /// Opens the journal, all of it or from a place on.
    pub fn open(&self, options: JournalOptions, from: Option<&Position>) -> Result<Journal, JournalError> {
        Journal::open_simulated(&self.disk, Path::new(DIRECTORY), options, from).map(|(journal, _)| journal)
    }

    /// The life is over; what was written stays.
    pub fn end(&self) {
        self.disk.crash(Loss::Nothing);
    }

    /// The life is over, and any part of what was not synced is gone.
    pub fn lose_power(&self) {
        self.disk.crash(Loss::Some);
    }
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "twj")
}
