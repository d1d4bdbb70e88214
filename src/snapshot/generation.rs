//! A published generation, open for reading.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fmt, io};

use parking_lot::RwLock;

use super::block::{Block, BlockHash};
use super::contents::{BlockHashes, META_KEY, Meta, SectionId, block_key};
use super::database::{Database, DatabaseError};
use super::error::{Damage, Place, SnapshotError};
use super::manifest;

/// Reads between two openings of the database. sled keeps what it read in memory well beyond its cache's capacity; to
/// close it is what frees that. A read brings in at most one leaf: usually 8 blocks, of which 17 are the most.
const READS_BETWEEN_OPENINGS: u32 = 512;

/// A published generation. Cheap to clone; all clones read the same. Any number of threads may read at a time.
#[derive(Clone)]
pub struct Generation {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    number: u64,
    directory: PathBuf,
    /// Of all its files.
    bytes: u64,
    meta: Vec<u8>,
    hashes: BlockHashes,
    database: RwLock<State>,
    /// Since the database was opened.
    reads: AtomicU32,
}

enum State {
    Open(Database),
    /// Opened by whoever reads next.
    Closed,
    /// Its files are removed, or are about to be.
    Retired,
}

/// What [`Generation::verify`] read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Verified {
    pub blocks: u64,
    pub entries: u64,
    /// Of blocks as stored: compressed.
    pub bytes_stored: u64,
}

impl Generation {
    /// Opens a generation after comparing its files with its list of files.
    pub(super) fn open(directory: &Path, number: u64) -> Result<Self, SnapshotError> {
        let bytes = manifest::check(directory, number)?;
        Self::open_unchecked(directory, number, bytes)
    }

    /// Opens a generation whose files were hashed just now.
    pub(super) fn open_unchecked(directory: &Path, number: u64, bytes: u64) -> Result<Self, SnapshotError> {
        let reading = |error| read_error(error, directory, Place::generation(number));
        let database = Database::open(directory).map_err(reading)?;
        let (meta, hashes) = read_contents(&database, directory, number)?;
        Ok(Self {
            inner: Arc::new(Inner {
                number,
                directory: directory.to_owned(),
                bytes,
                meta: meta.caller,
                hashes,
                database: RwLock::new(State::Open(database)),
                reads: AtomicU32::new(0),
            }),
        })
    }

    pub fn number(&self) -> u64 {
        self.inner.number
    }

    /// What was given to [`GenerationWriter::publish`](super::GenerationWriter::publish).
    pub fn meta(&self) -> &[u8] {
        &self.inner.meta
    }

    /// The sections that have blocks, ascending.
    pub fn sections(&self) -> impl Iterator<Item = SectionId> {
        self.inner.hashes.0.keys().copied()
    }

    /// Blocks in a section, 0 if there is none. Their indices are all below that.
    pub fn block_count(&self, section: SectionId) -> u32 {
        // A section has at most BLOCKS_IN_SECTION_MAX of them.
        self.inner.hashes.0.get(&section).map_or(0, |hashes| hashes.len() as u32)
    }

    /// Lets go of what reading has left in memory, until the next read.
    pub fn rest(&self) {
        let mut state = self.inner.database.write();
        if matches!(*state, State::Open(_)) {
            *state = State::Closed;
            self.inner.reads.store(0, Ordering::Relaxed);
        }
    }

    /// Bytes of its files on the disk.
    pub fn bytes(&self) -> u64 {
        self.inner.bytes
    }

    /// Reads a block and verifies it against its hash. sled's panics become errors here; but the process's panic hook
    /// runs before that, so that a thread whose panics end the process there must say that this one is contained.
    ///
    /// # Errors
    /// `NoSuchBlock` if the generation has none there; `NoSuchGeneration` if it was retired meanwhile; `Damaged` if what
    /// the disk gives is not what was written; `Io`.
    pub fn read_block(&self, section: SectionId, index: u32) -> Result<Block, SnapshotError> {
        let stored = self.read_stored(section, index)?;
        Block::decode(&stored).ok_or_else(|| self.damaged(section, index, Damage::BlockFraming))
    }

    /// Reads and verifies every block.
    ///
    /// # Errors
    /// As for [`Generation::read_block`], of the first block that can't be read.
    pub fn verify(&self) -> Result<Verified, SnapshotError> {
        let mut verified = Verified::default();
        for section in self.sections() {
            for index in 0..self.block_count(section) {
                let stored = self.read_stored(section, index)?;
                let block = Block::decode(&stored)
                    .ok_or_else(|| self.damaged(section, index, Damage::BlockFraming))?;
                verified.blocks += 1;
                verified.entries += block.len() as u64;
                verified.bytes_stored += stored.len() as u64;
            }
        }
        Ok(verified)
    }

    /// The stored bytes of a block, verified.
    pub(super) fn read_stored(&self, section: SectionId, index: u32) -> Result<Vec<u8>, SnapshotError> {
        let place = || Place::block(self.inner.number, section, index);
        let hash = self
            .inner
            .hashes
            .get(section, index)
            .ok_or_else(|| SnapshotError::NoSuchBlock { place: Box::new(place()) })?;
        let stored = self.inner.get(&block_key(section, index), place)?;
        let stored = stored.ok_or_else(|| self.damaged(section, index, Damage::BlockMissing))?;
        if BlockHash::of(section, index, &stored) == hash {
            Ok(stored)
        } else {
            Err(self.damaged(section, index, Damage::BlockHash))
        }
    }

    fn damaged(&self, section: SectionId, index: u32, damage: Damage) -> SnapshotError {
        SnapshotError::damaged(Place::block(self.inner.number, section, index), damage)
    }

    /// Whether there are other clones of it.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.inner) > 1
    }

    pub(super) fn downgrade(&self) -> std::sync::Weak<Inner> {
        Arc::downgrade(&self.inner)
    }

    pub(super) fn from_inner(inner: Arc<Inner>) -> Self {
        Self { inner }
    }

    /// Closes the database for good; must come before its directory is renamed, since sled would create it again.
    pub(super) fn retire(&self) {
        *self.inner.database.write() = State::Retired;
    }
}

impl Inner {
    fn get(&self, key: &[u8], place: impl Fn() -> Place) -> Result<Option<Vec<u8>>, SnapshotError> {
        if self.reads.fetch_add(1, Ordering::Relaxed) >= READS_BETWEEN_OPENINGS {
            let mut state = self.database.write();
            if self.reads.load(Ordering::Relaxed) >= READS_BETWEEN_OPENINGS
                && matches!(*state, State::Open(_))
            {
                *state = State::Closed;
                self.reads.store(0, Ordering::Relaxed);
            }
        }
        if let State::Open(database) = &*self.database.read() {
            let value = database.get(key);
            return value.map_err(|error| read_error(error, &self.directory, place()));
        }
        let mut state = self.database.write();
        if matches!(*state, State::Closed) {
            let database = Database::open(&self.directory);
            *state = State::Open(database.map_err(|error| read_error(error, &self.directory, place()))?);
        }
        match &*state {
            State::Open(database) => {
                database.get(key).map_err(|error| read_error(error, &self.directory, place()))
            }
            State::Closed | State::Retired => Err(SnapshotError::NoSuchGeneration(self.number)),
        }
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation").field("number", &self.inner.number).finish_non_exhaustive()
    }
}

/// Reads and verifies the meta entry and the lists of block hashes.
pub(super) fn read_contents(
    database: &Database,
    directory: &Path,
    number: u64,
) -> Result<(Meta, BlockHashes), SnapshotError> {
    let damaged = |damage| SnapshotError::damaged(Place::generation(number), damage);
    let get = |key: &[u8]| {
        database.get(key).map_err(|error| read_error(error, directory, Place::generation(number)))
    };
    let meta = get(&META_KEY)?.ok_or_else(|| damaged(Damage::MetaMissing))?;
    let meta = Meta::decode(number, &meta)?;
    let hashes = meta.read_block_hashes(get)?.ok_or_else(|| damaged(Damage::BlockHashes))?;
    Ok((meta, hashes))
}

/// Tells a disk that fails from files that are not as sled needs them.
fn read_error(error: DatabaseError, directory: &Path, place: Place) -> SnapshotError {
    match error {
        DatabaseError::Failed(reason) => SnapshotError::damaged(place, Damage::Database(reason)),
        DatabaseError::Io(error)
            if matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::NotFound | io::ErrorKind::InvalidData
            ) =>
        {
            SnapshotError::damaged(place, Damage::Database(error.to_string()))
        }
        DatabaseError::Io(error) => SnapshotError::io("read", directory)(error),
    }
}
