//! The one place that names sled: how its databases are set up, opened and closed, and what is done about its panics.
//!
//! What opening a sled 0.34 database does to its files decides much of this module:
//! - `snap.*`, the page table, is written when a database is opened, as of what its log holds then. A database that was
//!   only written and closed has none; opening it changes its files.
//! - A leaf or an index node that its last insertion made too large is split by whoever comes by next, be it a reader:
//!   then reading writes.
//! - So a generation is opened, visited and closed before its files are hashed, as often as it takes until the log stays
//!   as it is ([`Database::settle`]); after that, neither opening nor reading changes a byte.
//! - On every opening, what follows the last message in the last segment of `db` is overwritten with zeros and synced.
//!   After settling there are zeros already, so that a crash in the middle changes nothing.
//! - A message that can't be read counts as the log's end, and everything behind it is zeroed. So sled must not be let
//!   near a damaged database: the files' hashes are verified first (`manifest.rs`).
//! - A missing directory is created. So whoever opens must know that it is there.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread;
use std::time::Duration;

/// sled's unit of writing. A message over a quarter of it becomes a file of its own; 2 MiB keep all usual blocks (below
/// 128 KiB) in the one file with little padding, and the part that each opening zeroes small.
const SEGMENT_BYTES: usize = 2 * 1024 * 1024;

/// The cache serves nothing but the neighbours of the block that was just read, which stand in the same leaf. sled
/// evicts late (only after 64 accesses to one of its 256 cache shards), so that this is a wish and no bound; the bound
/// is in `generation.rs`.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;

/// sled lets go of its file only when its last background write has returned, a moment after the database is dropped.
const LOCK_ATTEMPTS_MAX: u32 = 400;
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// Once for the page table, once to see that it stays; each level of the tree that has to be split costs one more.
const SETTLE_ATTEMPTS_MAX: u32 = 16;

/// Why sled did not do what it was asked to.
#[derive(Debug)]
pub(super) enum DatabaseError {
    Io(io::Error),
    /// sled's own words, or its panic's.
    Failed(String),
}

/// An open sled database. Used for writing by one thread only: a failed background write then reaches the next call as
/// an error (with several writers, or sled's own flushing thread, one of them may wait for ever).
pub(super) struct Database {
    /// `None` only while it is dropped.
    sled: Option<sled::Db>,
}

impl Database {
    /// Creates a database in a directory that has none.
    pub(super) fn create(directory: &Path) -> Result<Self, DatabaseError> {
        Self::open_with(&config(directory).create_new(true))
    }

    pub(super) fn open(directory: &Path) -> Result<Self, DatabaseError> {
        Self::open_with(&config(directory))
    }

    fn open_with(config: &sled::Config) -> Result<Self, DatabaseError> {
        let mut attempts = 1;
        loop {
            match contain(|| config.open()) {
                Ok(sled) => return Ok(Self { sled: Some(sled) }),
                // sled has no kind of error for this.
                Err(DatabaseError::Io(error))
                    if attempts < LOCK_ATTEMPTS_MAX
                        && error.to_string().contains("could not acquire lock") =>
                {
                    attempts += 1;
                    thread::sleep(LOCK_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn insert(&self, key: &[u8], value: &[u8]) -> Result<(), DatabaseError> {
        self.with(|sled| sled.insert(key, value).map(drop))
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, DatabaseError> {
        self.with(|sled| Ok(sled.get(key)?.map(|value| value.to_vec())))
    }

    /// Hands everything to the system. It lasts only once the files are synced.
    pub(super) fn close(mut self) -> Result<(), DatabaseError> {
        self.with(|sled| sled.flush().map(drop))?;
        self.drop_sled()
    }

    /// Opens and closes a database that was written until that changes nothing any more. `look` reads it meanwhile, and
    /// visits every node that is too large and that readers will come by.
    pub(super) fn settle<T>(
        directory: &Path,
        look: impl Fn(&Self) -> Result<T, DatabaseError>,
    ) -> Result<T, DatabaseError> {
        let mut before = page_tables(directory)?;
        for _ in 0..SETTLE_ATTEMPTS_MAX {
            let database = Self::open(directory)?;
            let seen = look(&database)?;
            database.close()?;
            // Named by the end of the log that it was written at.
            let after = page_tables(directory)?;
            if after == before {
                return Ok(seen);
            }
            before = after;
        }
        Err(failed("reading it goes on changing it"))
    }

    fn with<T>(&self, work: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Result<T, DatabaseError> {
        match &self.sled {
            Some(sled) => contain(|| work(sled)),
            None => Err(DatabaseError::Failed("it is closed".to_owned())),
        }
    }

    fn drop_sled(&mut self) -> Result<(), DatabaseError> {
        let sled = self.sled.take();
        contain(|| {
            drop(sled);
            Ok(())
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Who drops without closing has no use for what failed.
        let _ = self.drop_sled();
    }
}

/// The names of the page tables in a database's directory.
fn page_tables(directory: &Path) -> Result<BTreeSet<OsString>, DatabaseError> {
    let names = fs::read_dir(directory).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<BTreeSet<_>>>()
    });
    let is_page_table = |name: &OsString| name.as_encoded_bytes().starts_with(b"snap.");
    names.map(|names| names.into_iter().filter(is_page_table).collect()).map_err(DatabaseError::Io)
}

fn config(directory: &Path) -> sled::Config {
    sled::Config::default()
        .path(directory)
        .segment_size(SEGMENT_BYTES)
        .cache_capacity(CACHE_BYTES)
        // Pages are written once: nothing is gained by moving them together.
        .mode(sled::Mode::HighThroughput)
        // No thread that flushes now and then: it only logs errors, and there is one flush, at the end.
        .flush_every_ms(None)
        .use_compression(false)
}

/// sled panics where its files are not as it expects them, and syncing fails in its destructors. None of that may end
/// the process or an actor: the generation is given up or refused, and there is an older one, or the journal. What sled
/// leaves behind after a panic is not trusted either: what is read is verified by its hash, what is written by reading
/// it again before it is published.
///
/// Invariant: sled is called only on threads whose panics don't end the process: the one that recovers, those that load,
/// the one that takes snapshots. On a thread that is marked as critical (the journal's, the dispatcher's, the shards') the
/// panic hook ends the process before a panic gets here.
fn contain<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, DatabaseError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(sled::Error::Io(error))) => Err(DatabaseError::Io(error)),
        Ok(Err(error)) => Err(failed(error)),
        Err(panic) => {
            let message = match panic.downcast_ref::<String>() {
                Some(message) => message.as_str(),
                None => panic.downcast_ref::<&str>().copied().unwrap_or("without a message"),
            };
            Err(failed(format_args!("panicked: {message}")))
        }
    }
}

fn failed(reason: impl Display) -> DatabaseError {
    DatabaseError::Failed(reason.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        let words = |error| match error {
            Err(DatabaseError::Failed(words)) => words,
            other => panic!("{other:?}"),
        };
        assert_eq!(words(contain::<()>(|| panic!("page {} is gone", 7))), "panicked: page 7 is gone");
        assert_eq!(words(contain::<()>(|| panic!("gone"))), "panicked: gone");
        assert_eq!(words(contain::<()>(|| std::panic::panic_any(7))), "panicked: without a message");
    }

    #[test]
    fn a_database_that_is_open_cannot_be_opened_again_and_can_once_it_is_closed() {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::create(directory.path()).unwrap();
        database.insert(b"key", b"value").unwrap();
        let opener = thread::scope(|scope| {
            let opener = scope.spawn(|| Database::open(directory.path()));
            thread::sleep(4 * LOCK_PAUSE);
            database.close().unwrap();
            opener.join().unwrap()
        });
        assert_eq!(opener.unwrap().get(b"key").unwrap().unwrap(), b"value");
    }
}
