//! Everything that the journal changes on the disk goes through here: the one place where tests can record what was
//! done in which order, replay any prefix of it, and let the disk fill up or fail.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A file that is open for reading and writing, with its path for error messages.
pub(super) struct DiskFile {
    file: File,
    path: PathBuf,
}

impl DiskFile {
    /// Creates a file that must not exist yet. It lasts only once its directory is synced too.
    pub(super) fn create_new(path: &Path) -> io::Result<Self> {
        #[cfg(test)]
        faults::on(faults::Operation::Create(path.to_owned()))?;
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Ok(Self { file, path: path.to_owned() })
    }

    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Self { file, path: path.to_owned() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        #[cfg(test)]
        if let Err(error) = faults::on(faults::Operation::Write(self.path.clone(), offset, bytes.to_vec())) {
            // A write that fails may still have written a part.
            self.file.write_all_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(error);
        }
        self.file.write_all_at(bytes, offset)
    }

    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    pub(super) fn truncate(&self, length: u64) -> io::Result<()> {
        #[cfg(test)]
        faults::on(faults::Operation::Truncate(self.path.clone(), length))?;
        self.file.set_len(length)
    }

    /// Makes the content last: `fdatasync`.
    pub(super) fn sync_data(&self) -> io::Result<()> {
        #[cfg(test)]
        faults::on(faults::Operation::Sync(self.path.clone()))?;
        self.file.sync_data()
    }
}

/// Makes created and removed names in a directory last.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    faults::on(faults::Operation::SyncDirectory(path.to_owned()))?;
    File::open(path)?.sync_all()
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    faults::on(faults::Operation::Remove(path.to_owned()))?;
    fs::remove_file(path)
}

/// Whether an error means that there is no room, as opposed to a disk that fails.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// Records the operations of this thread and makes chosen ones fail.
#[cfg(test)]
pub(crate) mod faults {
    use std::cell::RefCell;
    use std::io;
    use std::path::PathBuf;

    #[derive(Debug, Clone)]
    pub(crate) enum Operation {
        Create(PathBuf),
        Write(PathBuf, u64, Vec<u8>),
        Truncate(PathBuf, u64),
        Sync(PathBuf),
        SyncDirectory(PathBuf),
        Remove(PathBuf),
        /// Set by tests: the group with this last LSN was acknowledged.
        Acknowledged(u64),
    }

    type Refuse = Box<dyn FnMut(&Operation) -> Option<io::ErrorKind>>;

    thread_local! {
        static RECORDED: RefCell<Option<Vec<Operation>>> = const { RefCell::new(None) };
        static REFUSE: RefCell<Option<Refuse>> = const { RefCell::new(None) };
    }

    pub(crate) fn record() {
        RECORDED.set(Some(Vec::new()));
    }

    pub(crate) fn recorded() -> Vec<Operation> {
        RECORDED.take().unwrap_or_default()
    }

    /// From now on, operations for which `refuse` names an error fail with it.
    pub(crate) fn refuse(refuse: impl FnMut(&Operation) -> Option<io::ErrorKind> + 'static) {
        REFUSE.set(Some(Box::new(refuse)));
    }

    pub(crate) fn refuse_nothing() {
        REFUSE.set(None);
    }

    pub(crate) fn on(operation: Operation) -> io::Result<()> {
        let refused = REFUSE.with_borrow_mut(|refuse| refuse.as_mut().and_then(|refuse| refuse(&operation)));
        if let Some(kind) = refused {
            return Err(kind.into());
        }
        RECORDED.with_borrow_mut(|recorded| {
            if let Some(recorded) = recorded {
                recorded.push(operation);
            }
        });
        Ok(())
    }
}
