//! Copying files so that they last, hashing what was read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::BackupError;
use crate::cli::progress::Progress;

const BUFFER_BYTES: usize = 1 << 20;

/// Bytes copied of those to be copied.
pub struct Copying {
    progress: Progress,
    done: u64,
}

/// What was copied of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Copied {
    pub bytes: u64,
    pub hash: blake3::Hash,
}

impl Copying {
    pub fn new(total: u64, quiet: bool) -> Copying {
        Copying { progress: Progress::new(total, "bytes", quiet), done: 0 }
    }

    /// Copies a file, or its first bytes, to one that is not there yet, readable by its owner alone, and syncs it.
    pub fn copy(
        &mut self,
        source: File,
        from: &Path,
        bytes_max: u64,
        to: &Path,
    ) -> Result<Copied, BackupError> {
        let target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
        let mut target = target.map_err(BackupError::io("create", to))?;
        let copied = self.read(from, source.take(bytes_max), |bytes| {
            target.write_all(bytes).map_err(BackupError::io("write", to))
        })?;
        target.sync_all().map_err(BackupError::io("sync", to))?;
        Ok(copied)
    }

    /// Reads a file to its end.
    pub fn hash(&mut self, path: &Path) -> Result<Copied, BackupError> {
        let file = File::open(path).map_err(BackupError::io("open", path))?;
        self.read(path, file, |_| Ok(()))
    }

    fn read(
        &mut self,
        path: &Path,
        mut source: impl io::Read,
        mut take: impl FnMut(&[u8]) -> Result<(), BackupError>,
    ) -> Result<Copied, BackupError> {
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut bytes = 0;
        loop {
            let length = match source.read(&mut buffer) {
                Ok(0) => return Ok(Copied { bytes, hash: hasher.finalize() }),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(BackupError::io("read", path)(error)),
            };
            hasher.update(&buffer[..length]);
            take(&buffer[..length])?;
            bytes += length as u64;
            self.done += length as u64;
            self.progress.set(self.done, "");
        }
    }

    pub fn finish(self) {
        self.progress.finish();
    }
}

/// Makes a directory, or takes one that is empty.
pub fn claim_directory(path: &Path) -> Result<(), BackupError> {
    fs::create_dir_all(path).map_err(BackupError::io("create", path))?;
    let mut entries = fs::read_dir(path).map_err(BackupError::io("list", path))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(BackupError::NotEmpty(path.to_owned())),
    }
}

/// Makes the names in a directory last.
pub fn sync_directory(path: &Path) -> Result<(), BackupError> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(BackupError::io("sync", path))
}

/// Writes a small file so that it is there whole or not at all, and lasts.
pub fn write_whole(directory: &Path, name: &str, bytes: &[u8]) -> Result<(), BackupError> {
    let (path, unfinished) = (directory.join(name), directory.join(format!("{name}.unfinished")));
    let mut file = File::create(&unfinished).map_err(BackupError::io("create", &unfinished))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(BackupError::io("write", &unfinished))?;
    fs::rename(&unfinished, &path).map_err(BackupError::io("rename", &unfinished))?;
    sync_directory(directory)
}
