//! The directory of generations: which there are, opening them, and removing what is no longer wanted.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::disk;
use super::error::SnapshotError;
use super::generation::{Generation, Inner};
use super::writer::GenerationWriter;

const NUMBER_DIGITS: usize = 10;
/// Of a generation that is being written.
const UNPUBLISHED_EXTENSION: &str = "new";
/// Of a generation that is being removed.
const RETIRED_EXTENSION: &str = "dead";
/// Of a generation that can't be used: kept to be looked at until the next one is published.
const SET_ASIDE_EXTENSION: &str = "bad";

/// The generations of one data directory. Cheap to clone. To be opened once in a process, under the journal's lock.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) directory: PathBuf,
    /// sled locks its file: a generation is opened once, and whoever loads it again gets the same.
    open: Mutex<BTreeMap<u64, Weak<Inner>>>,
    /// Whether a generation is being written.
    pub(super) writing: Mutex<bool>,
}

impl Store {
    /// Opens the directory, creates it if need be, and removes from it what was never published or was being removed.
    ///
    /// # Errors
    /// `Io` or `DiskFull` if the directory can't be created or listed. What can't be removed is logged: it only costs
    /// space.
    pub fn open(directory: &Path) -> Result<Self, SnapshotError> {
        if !directory.is_dir() {
            disk::create_directory(directory).map_err(SnapshotError::io("create", directory))?;
        }
        // Also if the directory was there: perhaps it was created just before a crash.
        let parent = match directory.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => directory,
        };
        disk::sync_directory(parent).map_err(SnapshotError::io("sync", parent))?;
        let shared = Shared {
            directory: directory.to_owned(),
            open: Mutex::new(BTreeMap::new()),
            writing: Mutex::new(false),
        };
        for (number, extension) in list(directory)? {
            if let Some(extension) = extension.filter(|extension| *extension != SET_ASIDE_EXTENSION) {
                let path = shared.path(number, Some(extension));
                if let Err(error) = disk::remove_tree(&path) {
                    tracing::warn!(path = %path.display(), %error, "cannot remove an unpublished snapshot generation");
                }
            }
        }
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The published generations, newest first.
    ///
    /// # Errors
    /// `Io` if the directory can't be listed.
    pub fn numbers(&self) -> Result<Vec<u64>, SnapshotError> {
        let mut numbers: Vec<_> = list(&self.shared.directory)?
            .into_iter()
            .filter_map(|(number, extension)| extension.is_none().then_some(number))
            .collect();
        numbers.sort_unstable_by(|left, right| right.cmp(left));
        Ok(numbers)
    }

    /// Opens a generation: compares all its files with their hashes, then reads the meta entry and the hashes of the
    /// blocks. A generation that is open already is given again.
    ///
    /// # Errors
    /// `NoSuchGeneration`; `Damaged` or `NewerFormat`: read an older one, or the journal; `Io`.
    pub fn load(&self, number: u64) -> Result<Generation, SnapshotError> {
        let mut open = self.shared.open.lock();
        if let Some(inner) = open.get(&number).and_then(Weak::upgrade) {
            return Ok(Generation::from_inner(inner));
        }
        let path = self.shared.path(number, None);
        if !path.is_dir() {
            return Err(SnapshotError::NoSuchGeneration(number));
        }
        let generation = Generation::open(&path, number)?;
        Shared::remember(&mut open, &generation);
        Ok(generation)
    }

    /// Bytes that are free on the disk for whoever may write here.
    ///
    /// # Errors
    /// `Io`
    pub fn free_bytes(&self) -> Result<u64, SnapshotError> {
        let directory = &self.shared.directory;
        disk::free_bytes(directory).map_err(SnapshotError::io("look for free space at", directory))
    }

    /// Begins a generation with the number after the newest one's. Nothing of it shows before it is published; dropping
    /// the writer removes it.
    ///
    /// # Errors
    /// `AlreadyWriting`; `DiskFull`; `Io`.
    pub fn begin(&self) -> Result<GenerationWriter, SnapshotError> {
        let numbers = list(&self.shared.directory)?.into_iter();
        // Also of those that were set aside: a number is given once.
        let newest = numbers
            .filter(|(_, extension)| matches!(extension, None | Some(SET_ASIDE_EXTENSION)))
            .map(|(number, _)| number)
            .max();
        GenerationWriter::begin(&self.shared, newest.map_or(1, |newest| newest + 1))
    }

    /// Takes a published generation that can't be used out of the way, for good once this returns: it is no longer one of
    /// [`Store::numbers`]. Its files stay, under another name, until [`Store::keep_newest`].
    ///
    /// # Errors
    /// `Io`. Then it may be there still.
    pub fn set_aside(&self, number: u64) -> Result<(), SnapshotError> {
        self.shared.set_aside(number)
    }

    /// Removes all published generations but the `count` newest and those in use, and those that were set aside. Those that
    /// are open answer `NoSuchGeneration` from then on.
    ///
    /// # Errors
    /// `Io`. A generation is there whole, or no longer published, whatever failed.
    pub fn keep_newest(&self, count: usize, in_use: &[u64]) -> Result<(), SnapshotError> {
        for number in self.numbers()?.into_iter().skip(count) {
            if !in_use.contains(&number) {
                self.shared.retire(number)?;
            }
        }
        for (number, extension) in list(&self.shared.directory)? {
            if extension == Some(SET_ASIDE_EXTENSION) {
                remove_if_there(&self.shared.path(number, extension))?;
            }
        }
        Ok(())
    }
}

impl Shared {
    pub(super) fn path(&self, number: u64, extension: Option<&str>) -> PathBuf {
        let name = format!("{number:0NUMBER_DIGITS$}");
        self.directory.join(match extension {
            Some(extension) => format!("{name}.{extension}"),
            None => name,
        })
    }

    pub(super) fn unpublished_path(&self, number: u64) -> PathBuf {
        self.path(number, Some(UNPUBLISHED_EXTENSION))
    }

    /// Opens a generation that was published just now.
    pub(super) fn open_published(&self, number: u64, bytes: u64) -> Result<Generation, SnapshotError> {
        let mut open = self.open.lock();
        let generation = Generation::open_unchecked(&self.path(number, None), number, bytes)?;
        Self::remember(&mut open, &generation);
        Ok(generation)
    }

    fn remember(open: &mut BTreeMap<u64, Weak<Inner>>, generation: &Generation) {
        open.retain(|_, inner| inner.strong_count() > 0);
        open.insert(generation.number(), generation.downgrade());
    }

    /// The rename must last before the first file goes: else a power loss could bring back the name of a generation that
    /// is half removed.
    fn retire(&self, number: u64) -> Result<(), SnapshotError> {
        // Held to the end, so that nobody opens what is being removed.
        let mut open = self.open.lock();
        let retired = self.unpublish(&mut open, number, RETIRED_EXTENSION)?;
        disk::remove_tree(&retired).map_err(SnapshotError::io("remove", &retired))
    }

    fn set_aside(&self, number: u64) -> Result<(), SnapshotError> {
        self.unpublish(&mut self.open.lock(), number, SET_ASIDE_EXTENSION).map(drop)
    }

    /// Gives a generation's directory a name that does not count, durably.
    fn unpublish(
        &self,
        open: &mut BTreeMap<u64, Weak<Inner>>,
        number: u64,
        extension: &str,
    ) -> Result<PathBuf, SnapshotError> {
        let unpublished = self.path(number, Some(extension));
        remove_if_there(&unpublished)?;
        let path = self.path(number, None);
        if let Some(inner) = open.remove(&number).and_then(|inner| inner.upgrade()) {
            Generation::from_inner(inner).retire();
        }
        disk::rename(&path, &unpublished).map_err(SnapshotError::io("rename", &path))?;
        disk::sync_directory(&self.directory).map_err(SnapshotError::io("sync", &self.directory))?;
        Ok(unpublished)
    }
}

/// Removes a directory that a crash or a failure left behind.
pub(super) fn remove_if_there(path: &Path) -> Result<(), SnapshotError> {
    match disk::remove_tree(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(SnapshotError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// The numbers of generations, with the extension of those that are not published. Other names are let be.
fn list(directory: &Path) -> Result<Vec<(u64, Option<&'static str>)>, SnapshotError> {
    let error = || SnapshotError::io("list", directory);
    let mut generations = Vec::new();
    for entry in fs::read_dir(directory).map_err(error())? {
        let name = entry.map_err(error())?.file_name();
        let Some(name) = name.to_str() else { continue };
        let (digits, extension) = match name.split_once('.') {
            None => (name, None),
            Some((digits, UNPUBLISHED_EXTENSION)) => (digits, Some(UNPUBLISHED_EXTENSION)),
            Some((digits, RETIRED_EXTENSION)) => (digits, Some(RETIRED_EXTENSION)),
            Some((digits, SET_ASIDE_EXTENSION)) => (digits, Some(SET_ASIDE_EXTENSION)),
            Some(_) => continue,
        };
        let is_number = digits.len() == NUMBER_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
        if let (true, Ok(number)) = (is_number, digits.parse()) {
            generations.push((number, extension));
        }
    }
    Ok(generations)
}
