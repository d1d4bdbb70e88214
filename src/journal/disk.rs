//! The one place through which the journal touches a disk: the system's, or in tests one that is simulated and crashes,
//! fills up and fails as it is told (`simulated_disk`).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use uuid::Uuid;

#[cfg(test)]
use super::simulated_disk::{SimulatedDisk, SimulatedFile, SimulatedLock};

/// Where the files are. Outside tests there is one kind, so that this costs nothing.
#[derive(Clone)]
pub(crate) enum Disk {
    System,
    #[cfg(test)]
    Simulated(SimulatedDisk),
}

/// Keeps other processes out of a directory until it is dropped.
pub(crate) enum Lock {
    System {
        _file: File,
    },
    #[cfg(test)]
    Simulated {
        _lock: SimulatedLock,
    },
}

impl Disk {
    pub(super) fn create_directory(&self, path: &Path) -> io::Result<()> {
        match self {
            Self::System => fs::create_dir_all(path),
            #[cfg(test)]
            Self::Simulated(_) => Ok(()),
        }
    }

    /// The files in a directory. One that doesn't exist has none.
    pub(super) fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        match self {
            Self::System => match fs::read_dir(directory) {
                Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
                Err(error) => Err(error),
            },
            #[cfg(test)]
            Self::Simulated(disk) => disk.list(directory),
        }
    }

    /// Locks the file, which is created if need be.
    pub(super) fn lock(&self, path: &Path) -> Result<Lock, TryLockError> {
        match self {
            Self::System => {
                let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
                let file = file.map_err(TryLockError::Error)?;
                file.try_lock().map(|()| Lock::System { _file: file })
            }
            #[cfg(test)]
            Self::Simulated(disk) => disk.lock(path).map(|lock| Lock::Simulated { _lock: lock }),
        }
    }

    /// Creates a file that must not exist yet. It lasts only once its directory is synced too.
    pub(super) fn create_new(&self, path: &Path) -> io::Result<DiskFile> {
        let handle = match self {
            Self::System => {
                Handle::System(OpenOptions::new().read(true).write(true).create_new(true).open(path)?)
            }
            #[cfg(test)]
            Self::Simulated(disk) => Handle::Simulated(disk.create_new(path)?),
        };
        Ok(DiskFile { handle, path: path.to_owned() })
    }

    /// Opens a file for reading and writing.
    pub(super) fn open(&self, path: &Path) -> io::Result<DiskFile> {
        let handle = match self {
            Self::System => Handle::System(OpenOptions::new().read(true).write(true).open(path)?),
            #[cfg(test)]
            Self::Simulated(disk) => Handle::Simulated(disk.open(path)?),
        };
        Ok(DiskFile { handle, path: path.to_owned() })
    }

    /// Opens a file for reading.
    pub(super) fn open_to_read(&self, path: &Path) -> io::Result<DiskFile> {
        let handle = match self {
            Self::System => Handle::System(File::open(path)?),
            #[cfg(test)]
            Self::Simulated(disk) => Handle::Simulated(disk.open(path)?),
        };
        Ok(DiskFile { handle, path: path.to_owned() })
    }

    pub(super) fn remove(&self, path: &Path) -> io::Result<()> {
        match self {
            Self::System => fs::remove_file(path),
            #[cfg(test)]
            Self::Simulated(disk) => disk.remove(path),
        }
    }

    /// Gives a file another name, in the same directory.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        match self {
            Self::System => fs::rename(from, to),
            #[cfg(test)]
            Self::Simulated(disk) => disk.rename(from, to),
        }
    }

    /// Makes created, removed and changed names in a directory last.
    pub(super) fn sync_directory(&self, path: &Path) -> io::Result<()> {
        match self {
            Self::System => File::open(path)?.sync_all(),
            #[cfg(test)]
            Self::Simulated(disk) => disk.sync_directory(path),
        }
    }

    /// The identity of a journal that is being created.
    pub(super) fn new_identity(&self) -> Uuid {
        match self {
            Self::System => Uuid::now_v7(),
            #[cfg(test)]
            Self::Simulated(disk) => disk.new_identity(),
        }
    }
}

enum Handle {
    System(File),
    #[cfg(test)]
    Simulated(SimulatedFile),
}

/// An open file, with its path for error messages.
pub(super) struct DiskFile {
    handle: Handle,
    path: PathBuf,
}

impl DiskFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes in the file now.
    pub(super) fn length(&self) -> io::Result<u64> {
        match &self.handle {
            Handle::System(file) => Ok(file.metadata()?.len()),
            #[cfg(test)]
            Handle::Simulated(file) => file.length(),
        }
    }

    /// Fills the buffer from `offset` on as far as the file goes; gives how many bytes that are.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match &self.handle {
            Handle::System(file) => {
                let mut filled = 0;
                while filled < buffer.len() {
                    match file.read_at(&mut buffer[filled..], offset + filled as u64) {
                        Ok(0) => break,
                        Ok(count) => filled += count,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(filled)
            }
            #[cfg(test)]
            Handle::Simulated(file) => file.read_at(buffer, offset),
        }
    }

    pub(super) fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        if self.read_at(buffer, offset)? == buffer.len() {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    pub(super) fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match &self.handle {
            Handle::System(file) => file.write_all_at(bytes, offset),
            #[cfg(test)]
            Handle::Simulated(file) => file.write_all_at(bytes, offset),
        }
    }

    pub(super) fn truncate(&self, length: u64) -> io::Result<()> {
        match &self.handle {
            Handle::System(file) => file.set_len(length),
            #[cfg(test)]
            Handle::Simulated(file) => file.truncate(length),
        }
    }

    /// Makes the content last: `fdatasync`.
    pub(super) fn sync_data(&self) -> io::Result<()> {
        match &self.handle {
            Handle::System(file) => file.sync_data(),
            #[cfg(test)]
            Handle::Simulated(file) => file.sync_data(),
        }
    }
}

/// Whether an error means that there is no room, as opposed to a disk that fails.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
