//! Taking a backup.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::BackupError;
use super::copy::{Copying, claim_directory, sync_directory, write_whole};
use super::manifest::{
    BackedUpFile, FILE_NAME, FORMAT_VERSION, FORMAT_WITHOUT_SNAPSHOT, JournalContents, Manifest,
};
use super::snapshot::{self, GENERATIONS};
use crate::auth::KeyStore;
use crate::cli::verify::journal_of;
use crate::journal::{self, DurablePart, Position, VerifyReport};
use crate::runtime::{codec, wall_clock};

/// Copies what is durable now, and checks that the copy is exactly that.
pub fn take(data: &Path, target: &Path, quiet: bool) -> Result<Manifest, BackupError> {
    let source = journal_of(data);
    let taken_at = wall_clock();
    let (part, mut wanted) = open_files(data, &source)?;
    claim_directory(target)?;
    let directory = journal_of(target);
    fs::create_dir(&directory).map_err(BackupError::io("create", &directory))?;
    for path in KeyStore::new(data).files() {
        wanted.extend(Wanted::open(path, u64::MAX, "")?);
    }

    let mut copying = Copying::new(wanted.iter().map(|wanted| wanted.bytes).sum(), quiet);
    let mut files = Vec::new();
    for Wanted { file, path: from, bytes, folder } in wanted {
        let name = from.file_name().unwrap_or_default().to_string_lossy();
        let path = format!("{folder}{name}");
        let to = target.join(&path);
        make_directories(target, &to)?;
        let copied = copying.copy(file, &from, bytes, &to)?;
        files.push(BackedUpFile { path, bytes: copied.bytes, blake3: copied.hash.to_hex().to_string() });
    }
    copying.finish();
    part.place_marks(&directory)?;
    sync_directory(&directory)?;

    let report = journal::verify(&directory)?;
    check_prefix(&report, &part.mark)?;
    if part.first_lsn > 1 {
        snapshot::position(target, part.first_lsn)?;
    }
    if let Some((_, bytes)) = journal::last_record(&directory)? {
        codec::check_versions(&bytes)?;
    }
    let manifest = Manifest {
        format: if part.first_lsn > 1 { FORMAT_VERSION } else { FORMAT_WITHOUT_SNAPSHOT },
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

/// A file to be copied, open: a running tower may put another form of it in its place meanwhile.
struct Wanted {
    file: File,
    path: PathBuf,
    bytes: u64,
    /// Where in the backup, with the `/` behind it.
    folder: String,
}

impl Wanted {
    /// `None` if there is no such file.
    fn open(path: PathBuf, bytes_max: u64, folder: &str) -> Result<Option<Wanted>, BackupError> {
        let open = || {
            let file = File::open(&path)?;
            let bytes = file.metadata()?.len().min(bytes_max);
            Ok((file, bytes))
        };
        match open() {
            Ok((file, bytes)) => Ok(Some(Wanted { file, path, bytes, folder: folder.to_owned() })),
            Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(BackupError::io("open", &path)(error)),
        }
    }
}

/// How often the journal is looked up while its files change their form.
const LOOK_UPS_MAX: usize = 5;

/// Opens what is to be copied: of a trimmed journal also the newest snapshot, without which it does not open.
fn open_files(data: &Path, source: &Path) -> Result<(DurablePart, Vec<Wanted>), BackupError> {
    for _ in 0..LOOK_UPS_MAX {
        // Before the journal's end is looked up: what it shows is durable by then.
        let newest = snapshot::newest(data)?;
        let (part, mut wanted) = open_journal(source)?;
        if part.first_lsn <= 1 {
            return Ok((part, wanted));
        }
        let Some((name, paths)) = newest else {
            return Err(BackupError::NoSnapshot { first_lsn: part.first_lsn, data: data.to_owned() });
        };
        let count = wanted.len() + paths.len();
        for path in paths {
            let below = path.strip_prefix(data).unwrap_or(&path).parent().unwrap_or(Path::new(GENERATIONS));
            wanted.extend(Wanted::open(path.clone(), u64::MAX, &format!("{}/", below.display()))?);
        }
        // As long as it is one of those that are kept, the journal is not trimmed beyond its start.
        if wanted.len() == count && data.join(GENERATIONS).join(name).is_dir() {
            return Ok((part, wanted));
        }
    }
    Err(BackupError::Moving(source.to_owned()))
}

/// Makes the directories between `top` and a file.
pub(super) fn make_directories(top: &Path, file: &Path) -> Result<(), BackupError> {
    match file.parent().filter(|parent| *parent != top) {
        Some(parent) => fs::create_dir_all(parent).map_err(BackupError::io("create", parent)),
        None => Ok(()),
    }
}

/// Opens what of a journal is durable now.
fn open_journal(source: &Path) -> Result<(DurablePart, Vec<Wanted>), BackupError> {
    for _ in 0..LOOK_UPS_MAX {
        let part = journal::durable_part(source)?;
        let mut wanted = Vec::new();
        for segment in &part.sealed {
            let plain = Wanted::open(segment.plain.clone(), u64::MAX, "journal/")?;
            let found = match plain {
                Some(found) => Some(found),
                None => Wanted::open(segment.compressed.clone(), u64::MAX, "journal/")?,
            };
            wanted.extend(found);
        }
        let last = Wanted::open(part.last.clone(), part.mark.end_offset, "journal/")?;
        wanted.extend(last);
        if wanted.len() == part.sealed.len() + 1 {
            return Ok((part, wanted));
        }
    }
    Err(BackupError::Moving(source.to_owned()))
}

/// The copy ends with the very group that the mark names. Its hash covers everything before it.
fn check_prefix(report: &VerifyReport, mark: &Position) -> Result<(), BackupError> {
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
