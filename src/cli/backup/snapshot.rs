//! The snapshot in a backup: a trimmed journal opens only together with one.

use std::fs;
use std::path::{Path, PathBuf};

use super::BackupError;
use crate::journal::Position;
use crate::runtime::snapshots::Meta;
use crate::snapshot::Store;

/// Where snapshots stand below a data directory, and in a backup.
pub const GENERATIONS: &str = "generations";

/// The name of the newest published snapshot, and its files.
pub fn newest(data: &Path) -> Result<Option<(String, Vec<PathBuf>)>, BackupError> {
    let directory = data.join(GENERATIONS);
    let mut names: Vec<String> = match fs::read_dir(&directory) {
        Ok(entries) => entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(BackupError::io("list", &directory)(error)),
    };
    names.retain(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    names.sort_unstable();
    let Some(name) = names.pop() else { return Ok(None) };
    let mut files = Vec::new();
    list(&directory.join(&name), &mut files)?;
    Ok(Some((name, files)))
}

fn list(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), BackupError> {
    let failed = || BackupError::io("list", directory);
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        // Another one was published meanwhile: whoever asked looks again.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed()(error)),
    };
    for entry in entries {
        let entry = entry.map_err(failed())?;
        match entry.file_type().map_err(failed())?.is_dir() {
            true => list(&entry.path(), files)?,
            false => files.push(entry.path()),
        }
    }
    Ok(())
}

/// Verifies the newest snapshot in a backup, or in what was made of it, and gives the position from which it opens a journal
/// that begins with `first_lsn`, with all that it says of itself.
pub fn position(directory: &Path, first_lsn: u64) -> Result<(Position, Meta), BackupError> {
    let none = || BackupError::NoSnapshot { first_lsn, data: directory.to_owned() };
    let store = Store::open(&directory.join(GENERATIONS)).map_err(BackupError::snapshot)?;
    let number = store.numbers().map_err(BackupError::snapshot)?.into_iter().next().ok_or_else(none)?;
    let generation = store.load(number).map_err(BackupError::snapshot)?;
    generation.verify().map_err(BackupError::snapshot)?;
    let meta = Meta::of(&generation).map_err(BackupError::snapshot)?;
    if meta.start().next().0 < first_lsn {
        return Err(none());
    }
    Ok((meta.position(), meta))
}
