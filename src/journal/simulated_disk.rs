//! A disk in memory that a test can crash, fill up and break.
//!
//! What may go wrong, and why no more:
//!
//! | fault | when | what the journal must make of it |
//! | --- | --- | --- |
//! | an operation fails with EIO | any change | stop; recover what was acknowledged |
//! | a failed sync drops what was written, though reads still show it | sync | the same |
//! | no space, a part of the write is there | write, create | say so, take the part back, go on |
//! | crash: of each file, writes since its last sync are there or not, in any order, each by whole sectors; where the file grew, the last one cut at any byte | between two operations | nothing acknowledged is lost |
//! | crash: creates, removes and renames since the directory's last sync are there or not | between two operations | the same |
//! | a bit rots, a write goes to another place | at rest, write | found, refused with its place; never a wrong record |
//!
//! What a sync said is kept is kept, except for rot and misdirected writes: against a disk that forgets synced data, a
//! single copy has no remedy, only detection. For the same reason those two damage acknowledged data for good.
//! Reads don't fail: a read error is an error at once and changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::TryLockError;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use uuid::Uuid;

/// What a disk writes as a whole or not at all.
const SECTOR_BYTES: usize = 512;

/// A change that was made, or is about to be and may be made to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    Create(PathBuf),
    Write(PathBuf, u64, Vec<u8>),
    Truncate(PathBuf, u64),
    Sync(PathBuf),
    SyncDirectory(PathBuf),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
    /// Noted by tests: the group with this last LSN was acknowledged.
    Acknowledged(u64),
}

/// What becomes of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Done,
    Fails(io::ErrorKind),
    /// A write goes this many bytes further back or forth than it should, and nobody says so.
    Misdirected(i64),
}

/// How the disk looks after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Only the process ended.
    Nothing,
    /// Everything that was not synced.
    Everything,
    /// Any part of what was not synced, by the seed.
    Some,
}

type Decide = Box<dyn FnMut(&Operation) -> Fate + Send>;

#[derive(Default)]
struct Inode {
    /// What reads show.
    seen: Vec<u8>,
    /// What is on the disk for certain.
    kept: Vec<u8>,
    /// Changes since the last sync, in order.
    unsynced: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, data) => write_at(bytes, *offset as usize, data),
            Self::Truncate(length) => bytes.resize(*length as usize, 0),
        }
    }
}

#[derive(Clone)]
enum NameChange {
    Create(PathBuf, u64),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<PathBuf, u64>) {
        match self {
            Self::Create(path, inode) => {
                names.insert(path.clone(), *inode);
            }
            Self::Remove(path) => {
                names.remove(path);
            }
            Self::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
        }
    }
}

#[derive(Default)]
struct State {
    inodes: BTreeMap<u64, Inode>,
    names: BTreeMap<PathBuf, u64>,
    kept_names: BTreeMap<PathBuf, u64>,
    unsynced_names: Vec<NameChange>,
    locks: BTreeSet<PathBuf>,
    random: Random,
    identities: u64,
    recorded: Option<Vec<Operation>>,
    decide: Option<Decide>,
    /// Of everything that was done, in order.
    trace: blake3::Hasher,
}

/// A small generator (splitmix64): the same numbers for the same seed, on every machine.
#[derive(Debug, Clone, Default)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to `end`, without it.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// True once in `times`.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// A handle; clones share the disk.
#[derive(Clone, Default)]
pub(crate) struct SimulatedDisk {
    state: Arc<Mutex<State>>,
}

impl SimulatedDisk {
    pub(crate) fn new(seed: u64) -> Self {
        let disk = Self::default();
        disk.state.lock().random = Random::new(seed);
        disk
    }

    /// A disk with these files, all of it synced.
    pub(crate) fn with_files(files: impl IntoIterator<Item = (PathBuf, Vec<u8>)>) -> Self {
        let disk = Self::default();
        {
            let mut state = disk.state.lock();
            for (index, (path, bytes)) in (1..).zip(files) {
                let inode = Inode { seen: bytes.clone(), kept: bytes, unsynced: Vec::new() };
                state.inodes.insert(index, inode);
                state.names.insert(path.clone(), index);
                state.kept_names.insert(path, index);
            }
        }
        disk
    }

    /// The files as reads show them.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.state.lock();
        state.names.iter().map(|(path, inode)| (path.clone(), state.inodes[inode].seen.clone())).collect()
    }

    /// Asks `decide` from now on what becomes of each change.
    pub(crate) fn decide(&self, decide: impl FnMut(&Operation) -> Fate + Send + 'static) {
        self.state.lock().decide = Some(Box::new(decide));
    }

    pub(crate) fn let_be(&self) {
        self.state.lock().decide = None;
    }

    pub(crate) fn record(&self) {
        self.state.lock().recorded = Some(Vec::new());
    }

    pub(crate) fn recorded(&self) -> Vec<Operation> {
        self.state.lock().recorded.take().unwrap_or_default()
    }

    /// Puts something that a test did into the record and the trace.
    pub(crate) fn note(&self, operation: Operation) {
        self.state.lock().done(operation);
    }

    /// Stands for everything that was done so far, in order.
    pub(crate) fn trace(&self) -> [u8; 32] {
        *self.state.lock().trace.finalize().as_bytes()
    }

    /// The machine stops and starts again: handles that are still open must not be used any more.
    pub(crate) fn crash(&self, loss: Loss) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        state.decide = None;
        state.locks.clear();
        for inode in state.inodes.values_mut() {
            let unsynced = std::mem::take(&mut inode.unsynced);
            match loss {
                Loss::Nothing => {
                    // The system still has it and writes it in time; not what a failed sync dropped.
                    inode.unsynced = unsynced;
                    continue;
                }
                Loss::Everything => {}
                Loss::Some => lose_some(&mut inode.kept, &unsynced, &mut state.random),
            }
            inode.seen.clone_from(&inode.kept);
        }
        let unsynced_names = std::mem::take(&mut state.unsynced_names);
        match loss {
            Loss::Nothing => state.unsynced_names = unsynced_names,
            Loss::Everything => state.names.clone_from(&state.kept_names),
            Loss::Some => {
                let keep_all = state.random.one_in(3);
                for change in &unsynced_names {
                    if keep_all || state.random.one_in(2) {
                        change.apply(&mut state.kept_names);
                    }
                }
                state.names.clone_from(&state.kept_names);
            }
        }
    }

    /// Flips a bit of a file for good.
    pub(crate) fn rot(&self, path: &Path, bit: usize) {
        let mut state = self.state.lock();
        let Some(inode) = state.names.get(path).copied() else { return };
        if let Some(inode) = state.inodes.get_mut(&inode) {
            for bytes in [&mut inode.seen, &mut inode.kept] {
                if let Some(byte) = bytes.get_mut(bit / 8) {
                    *byte ^= 1 << (bit % 8);
                }
            }
        }
    }

    pub(super) fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let state = self.state.lock();
        Ok(state.names.keys().filter(|path| path.parent() == Some(directory)).cloned().collect())
    }

    pub(super) fn lock(&self, path: &Path) -> Result<SimulatedLock, TryLockError> {
        if !self.state.lock().locks.insert(path.to_owned()) {
            return Err(TryLockError::WouldBlock);
        }
        Ok(SimulatedLock { disk: self.clone(), path: path.to_owned() })
    }

    pub(super) fn create_new(&self, path: &Path) -> io::Result<SimulatedFile> {
        let mut state = self.state.lock();
        state.ask(&Operation::Create(path.to_owned()))?;
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = state.inodes.last_key_value().map_or(1, |(last, _)| last + 1);
        state.inodes.insert(inode, Inode::default());
        state.change_name(NameChange::Create(path.to_owned(), inode));
        state.done(Operation::Create(path.to_owned()));
        Ok(SimulatedFile { disk: self.clone(), inode, path: path.to_owned() })
    }

    pub(super) fn open(&self, path: &Path) -> io::Result<SimulatedFile> {
        let inode = *self.state.lock().names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(SimulatedFile { disk: self.clone(), inode, path: path.to_owned() })
    }

    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.ask(&Operation::Remove(path.to_owned()))?;
        if !state.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_name(NameChange::Remove(path.to_owned()));
        state.done(Operation::Remove(path.to_owned()));
        Ok(())
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.ask(&Operation::Rename(from.to_owned(), to.to_owned()))?;
        if !state.names.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change_name(NameChange::Rename(from.to_owned(), to.to_owned()));
        state.done(Operation::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    pub(super) fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state.lock();
        state.ask(&Operation::SyncDirectory(path.to_owned()))?;
        let is_in = |changed: &Path| changed.parent() == Some(path);
        let (synced, rest) = std::mem::take(&mut state.unsynced_names).into_iter().partition(|change| {
            let (NameChange::Create(changed, _)
            | NameChange::Remove(changed)
            | NameChange::Rename(changed, _)) = change;
            is_in(changed)
        });
        state.unsynced_names = rest;
        let synced: Vec<NameChange> = synced;
        for change in synced {
            change.apply(&mut state.kept_names);
        }
        state.done(Operation::SyncDirectory(path.to_owned()));
        Ok(())
    }

    pub(super) fn new_identity(&self) -> Uuid {
        let mut state = self.state.lock();
        state.identities += 1;
        let number = u128::from(state.random.next()) << 64 | u128::from(state.identities);
        Uuid::from_u128(number)
    }
}

impl State {
    /// What `decide` makes of an operation before it happens; a misdirected one happens elsewhere.
    fn ask(&mut self, operation: &Operation) -> io::Result<i64> {
        let Some(decide) = self.decide.as_mut() else { return Ok(0) };
        match decide(operation) {
            Fate::Done => Ok(0),
            Fate::Misdirected(distance) => Ok(distance),
            Fate::Fails(kind) => Err(kind.into()),
        }
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.unsynced_names.push(change);
    }

    fn done(&mut self, operation: Operation) {
        self.trace.update(format!("{operation:?}").as_bytes());
        if let Some(recorded) = &mut self.recorded {
            recorded.push(operation);
        }
    }
}

/// Applies some of the changes that were not synced: each write as a whole, not at all, or some sectors of it; the last
/// one, in which it may have stopped, perhaps up to a byte, but only where the file grew: a sector that is there already is
/// replaced as a whole or not at all.
fn lose_some(kept: &mut Vec<u8>, unsynced: &[Change], random: &mut Random) {
    if random.one_in(4) {
        unsynced.iter().for_each(|change| change.apply(kept));
        return;
    }
    for (index, change) in unsynced.iter().enumerate() {
        let is_last = index + 1 == unsynced.len();
        let Change::Write(offset, data) = change else {
            if random.one_in(2) {
                change.apply(kept);
            }
            continue;
        };
        match random.below(4) {
            0 => {}
            1 => change.apply(kept),
            2 if is_last && *offset as usize >= kept.len() => {
                let part = random.below(data.len() as u64 + 1) as usize;
                write_at(kept, *offset as usize, &data[..part]);
            }
            _ => {
                let mut start = 0;
                while start < data.len() {
                    let place = *offset as usize + start;
                    let end = data.len().min(start + SECTOR_BYTES - place % SECTOR_BYTES);
                    if random.one_in(2) {
                        write_at(kept, place, &data[start..end]);
                    }
                    start = end;
                }
            }
        }
    }
}

fn write_at(bytes: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    bytes.resize(bytes.len().max(end), 0);
    bytes[offset..end].copy_from_slice(data);
}

pub(crate) struct SimulatedLock {
    disk: SimulatedDisk,
    path: PathBuf,
}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        self.disk.state.lock().locks.remove(&self.path);
    }
}

pub(crate) struct SimulatedFile {
    disk: SimulatedDisk,
    inode: u64,
    path: PathBuf,
}

impl SimulatedFile {
    pub(super) fn length(&self) -> io::Result<u64> {
        let state = self.disk.state.lock();
        Ok(state.inodes.get(&self.inode).ok_or(io::ErrorKind::NotFound)?.seen.len() as u64)
    }

    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state.lock();
        let inode = state.inodes.get(&self.inode).ok_or(io::ErrorKind::NotFound)?;
        let rest = inode.seen.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    pub(super) fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        let operation = Operation::Write(self.path.clone(), offset, bytes.to_vec());
        match state.ask(&operation) {
            Ok(distance) => {
                let place = offset.saturating_add_signed(distance);
                state.change(self.inode, Change::Write(place, bytes.to_vec()))?;
                state.done(operation);
                Ok(())
            }
            Err(error) => {
                // A write that fails may still have written a part.
                let part = bytes[..bytes.len() / 2].to_vec();
                state.change(self.inode, Change::Write(offset, part))?;
                Err(error)
            }
        }
    }

    pub(super) fn truncate(&self, length: u64) -> io::Result<()> {
        let mut state = self.disk.state.lock();
        let operation = Operation::Truncate(self.path.clone(), length);
        state.ask(&operation)?;
        state.change(self.inode, Change::Truncate(length))?;
        state.done(operation);
        Ok(())
    }

    pub(super) fn sync_data(&self) -> io::Result<()> {
        let mut guard = self.disk.state.lock();
        let state = &mut *guard;
        let operation = Operation::Sync(self.path.clone());
        let asked = state.ask(&operation);
        let inode = state.inodes.get_mut(&self.inode).ok_or(io::ErrorKind::NotFound)?;
        let unsynced = std::mem::take(&mut inode.unsynced);
        if let Err(error) = asked {
            // The system takes what it could not write for written.
            lose_some(&mut inode.kept, &unsynced, &mut state.random);
            return Err(error);
        }
        unsynced.iter().for_each(|change| change.apply(&mut inode.kept));
        state.done(operation);
        Ok(())
    }
}

impl State {
    fn change(&mut self, inode: u64, change: Change) -> io::Result<()> {
        let inode = self.inodes.get_mut(&inode).ok_or(io::ErrorKind::NotFound)?;
        change.apply(&mut inode.seen);
        inode.unsynced.push(change);
        Ok(())
    }
}
