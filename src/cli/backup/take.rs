//! Taking a backup.

use std::fs;
use std::path::Path;

use super::BackupError;
use super::copy::{Copying, claim_directory, sync_directory, write_whole};
use super::manifest::{BackedUpFile, FILE_NAME, FORMAT_VERSION, JournalContents, Manifest};
use crate::auth::KeyStore;
use crate::cli::verify::journal_of;
use crate::journal::{self, DurableMark, VerifyReport};
use crate::runtime::{codec, wall_clock};

/// Copies what is durable now, and checks that the copy is exactly that.
pub fn take(data: &Path, target: &Path, quiet: bool) -> Result<Manifest, BackupError> {
    let source = journal_of(data);
    let taken_at = wall_clock();
    let part = journal::durable_part(&source)?;
    claim_directory(target)?;
    let directory = journal_of(target);
    fs::create_dir(&directory).map_err(BackupError::io("create", &directory))?;

    let mut wanted = Vec::new();
    for path in &part.sealed {
        let bytes = fs::metadata(path).map_err(BackupError::io("look at", path))?.len();
        wanted.push((path.clone(), bytes, "journal/"));
    }
    wanted.push((part.last.clone(), part.mark.end_offset, "journal/"));
    for path in KeyStore::new(data).files() {
        match fs::metadata(&path) {
            Ok(metadata) => wanted.push((path, metadata.len(), "")),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(BackupError::io("look at", &path)(error)),
        }
    }

    let mut copying = Copying::new(wanted.iter().map(|(_, bytes, _)| bytes).sum(), quiet);
    let mut files = Vec::new();
    for (from, bytes, folder) in &wanted {
        let name = from.file_name().unwrap_or_default().to_string_lossy();
        let path = format!("{folder}{name}");
        let copied = copying.copy(from, *bytes, &target.join(&path))?;
        files.push(BackedUpFile { path, bytes: copied.bytes, blake3: copied.hash.to_hex().to_string() });
    }
    copying.finish();
    journal::place_mark(&directory, &part.mark)?;
    sync_directory(&directory)?;

    let report = journal::verify(&directory)?;
    check_prefix(&report, &part.mark)?;
    if let Some((_, bytes)) = journal::last_record(&directory)? {
        codec::check_versions(&bytes)?;
    }
    let manifest = Manifest {
        format: FORMAT_VERSION,
        tidewatch: env!("CARGO_PKG_VERSION").to_owned(),
        taken_at,
        journal: JournalContents {
            identity: report.identity.to_string(),
            epoch: report.epoch,
            lsn: report.tail_lsn,
            group_hash: report.last_group_hash.to_string(),
            segments: report.segments,
        },
        schema_version: codec::SCHEMA_VERSION,
        fold_version: codec::FOLD_VERSION,
        files,
    };
    let text = serde_json::to_string_pretty(&manifest)
        .map_err(|error| BackupError::io("write", &target.join(FILE_NAME))(error.into()))?;
    write_whole(target, FILE_NAME, text.as_bytes())?;
    if let Some(parent) = target.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        sync_directory(parent)?;
    }
    Ok(manifest)
}

/// The copy ends with the very group that the mark names. Its hash covers everything before it.
fn check_prefix(report: &VerifyReport, mark: &DurableMark) -> Result<(), BackupError> {
    let is_prefix = report.identity == mark.identity
        && report.tail_lsn == mark.lsn
        && report.last_group_hash == mark.group_hash
        && report.torn_tail.is_none()
        && report.unborn_segment.is_none();
    if is_prefix {
        return Ok(());
    }
    Err(BackupError::NoPrefix {
        copied: report.tail_lsn,
        copied_hash: report.last_group_hash.to_string(),
        marked: mark.lsn,
        marked_hash: mark.group_hash.to_string(),
    })
}
