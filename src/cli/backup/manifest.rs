//! What a backup holds, in words and hashes. Written last: a backup without it is not complete.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::BackupError;
use crate::domain::time::Timestamp;

/// Its name in the backup's directory.
pub const FILE_NAME: &str = "manifest.json";
/// The newest layout of backups that this program reads.
pub const FORMAT_VERSION: u32 = 2;
/// Layout of a backup that holds a journal from its first record on, and so no snapshot.
pub const FORMAT_WITHOUT_SNAPSHOT: u32 = 1;

/// The manifest of a backup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    /// Version of the program that took it.
    pub tidewatch: String,
    /// By the wall clock.
    pub taken_at: Timestamp,
    pub journal: JournalContents,
    /// Of the program that took it; a record of the backup has none that is higher.
    pub schema_version: u16,
    pub fold_version: u16,
    pub files: Vec<BackedUpFile>,
}

/// How far the journal in it goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalContents {
    pub identity: String,
    pub epoch: u32,
    /// The last record.
    pub lsn: u64,
    /// Hash of its group: it stands for all of the journal up to there.
    pub group_hash: String,
    pub segments: u64,
}

/// One file of the backup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackedUpFile {
    /// Below the backup's directory, with `/`.
    pub path: String,
    pub bytes: u64,
    /// BLAKE3, in hexadecimal digits.
    pub blake3: String,
}

impl Manifest {
    /// Reads the manifest of a backup.
    pub fn read(backup: &Path) -> Result<Manifest, BackupError> {
        let path = backup.join(FILE_NAME);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(BackupError::NoManifest(backup.to_owned()));
            }
            Err(error) => return Err(BackupError::io("read", &path)(error)),
        };
        Manifest::parse(&text).map_err(|detail| BackupError::Manifest { path, detail })
    }

    fn parse(text: &str) -> Result<Manifest, String> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if format > FORMAT_VERSION {
            return Err(format!(
                "the backup has format {format}, this program knows up to {FORMAT_VERSION}: restore it with the \
                 tidewatch that took it, or a newer one"
            ));
        }
        let manifest: Manifest = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match manifest.files.iter().find(|file| !is_plain(&file.path)) {
            Some(file) => Err(format!("`{}` is no path inside the backup", file.path)),
            None => Ok(manifest),
        }
    }

    /// A few words about it.
    pub fn contents(&self) -> String {
        let bytes: u64 = self.files.iter().map(|file| file.bytes).sum();
        format!(
            "{} records of journal {} ({}, taken {})",
            self.journal.lsn,
            self.journal.identity,
            indicatif::HumanBytes(bytes),
            self.taken_at
        )
    }
}

/// Directories that a file lies in at most: a snapshot has one in its own.
const DEPTH_MAX: usize = 3;

/// Whether a path stays inside: names, and a few directories at most.
fn is_plain(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let is_name = |part: &&str| !part.is_empty() && *part != "." && *part != ".." && !part.contains('\\');
    parts.len() <= DEPTH_MAX + 1 && parts.iter().all(is_name)
}

impl BackedUpFile {
    /// Where it lies.
    pub fn place(&self, directory: &Path) -> PathBuf {
        directory.join(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(path: &str, format: u32) -> String {
        format!(
            r#"{{"format":{format},"tidewatch":"0.1.0","taken_at":"2026-03-02T00:00:00Z","schema_version":2,
            "fold_version":3,"journal":{{"identity":"a","epoch":1,"lsn":7,"group_hash":"b","segments":1}},
            "files":[{{"path":"{path}","bytes":80,"blake3":"c"}}]}}"#
        )
    }

    #[test]
    fn a_manifest_reads_back() {
        let manifest = Manifest::parse(&sample("journal/00000000000000000001.twj", 1)).unwrap();
        assert_eq!(Manifest::parse(&serde_json::to_string(&manifest).unwrap()), Ok(manifest));
    }

    #[test]
    fn a_newer_format_is_not_guessed_at() {
        let error = Manifest::parse(&sample("keys.json", 3)).unwrap_err();
        assert!(error.contains("format 3") && error.contains("up to 2"), "{error}");
    }

    #[test]
    fn no_file_lies_outside_of_the_backup() {
        for path in ["../keys.json", "/etc/passwd", "journal/../../x", "", "journal//x", "a/b/c/d/e"] {
            assert!(Manifest::parse(&sample(path, 1)).is_err(), "{path}");
        }
    }
}
