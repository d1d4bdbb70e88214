//! Everything that this module itself changes on the disk goes through here: the one place where tests can count the
//! steps of publication and retention, and let each of them fail. (What sled writes is not seen here. Nothing counts
//! on it: its files are synced and hashed here before they are published.)

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    faults::on(faults::Operation::CreateDirectory(path.to_owned()))?;
    fs::create_dir(path)
}

/// Creates a file with this content. It lasts only once it and its directory are synced.
pub(super) fn create_file(path: &Path, content: &[u8]) -> io::Result<()> {
    #[cfg(test)]
    if let Err(error) = faults::on(faults::Operation::CreateFile(path.to_owned())) {
        // A write that fails may still have written a part.
        fs::write(path, &content[..content.len() / 2])?;
        return Err(error);
    }
    File::create_new(path)?.write_all(content)
}

/// Makes a file's content and length last: `fsync`.
pub(super) fn sync_file(path: &Path, file: &File) -> io::Result<()> {
    #[cfg(test)]
    faults::on(faults::Operation::SyncFile(path.to_owned()))?;
    let _ = path;
    file.sync_all()
}

/// Makes created, renamed and removed names in a directory last.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    faults::on(faults::Operation::SyncDirectory(path.to_owned()))?;
    File::open(path)?.sync_all()
}

/// Bytes free for other users than the system's own.
pub(super) fn free_bytes(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(test)]
    faults::on(faults::Operation::Rename(from.to_owned(), to.to_owned()))?;
    fs::rename(from, to)
}

/// Removes a directory and what is in it, file by file, so that tests can stop in between.
pub(super) fn remove_tree(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            remove_tree(&path)?;
        } else {
            #[cfg(test)]
            faults::on(faults::Operation::Remove(path.clone()))?;
            fs::remove_file(&path)?;
        }
    }
    #[cfg(test)]
    faults::on(faults::Operation::Remove(directory.to_owned()))?;
    fs::remove_dir(directory)
}

/// Whether an error means that there is no room, as opposed to a disk that fails.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// Records the operations of this thread and makes a chosen one fail.
#[cfg(test)]
pub(crate) mod faults {
    use std::cell::RefCell;
    use std::io;
    use std::path::PathBuf;

    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(in crate::snapshot) enum Operation {
        CreateDirectory(PathBuf),
        CreateFile(PathBuf),
        SyncFile(PathBuf),
        SyncDirectory(PathBuf),
        Rename(PathBuf, PathBuf),
        Remove(PathBuf),
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Fault {
        /// The process is gone: from this step on nothing happens any more, no cleaning up either.
        Abort,
        /// This one step fails.
        Error(io::ErrorKind),
    }

    #[derive(Default)]
    struct State {
        recorded: Vec<Operation>,
        fault: Option<(usize, Fault)>,
        steps: usize,
    }

    thread_local! {
        static STATE: RefCell<State> = RefCell::default();
    }

    /// From now on operations are counted from 0, and `fault` happens at its step.
    pub(crate) fn begin(fault: Option<(usize, Fault)>) {
        STATE.set(State { fault, ..State::default() });
    }

    /// Ends the fault. Gives the operations that were carried out.
    pub(in crate::snapshot) fn end() -> Vec<Operation> {
        STATE.take().recorded
    }

    pub(in crate::snapshot) fn on(operation: Operation) -> io::Result<()> {
        STATE.with_borrow_mut(|state| {
            let step = state.steps;
            state.steps += 1;
            match state.fault {
                Some((at, Fault::Abort)) if step >= at => Err(io::Error::other("aborted")),
                Some((at, Fault::Error(kind))) if step == at => Err(kind.into()),
                _ => {
                    state.recorded.push(operation);
                    Ok(())
                }
            }
        })
    }
}
