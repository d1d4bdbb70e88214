//! Making a data directory of a backup.

use std::fs::{self, File};
use std::path::Path;

use super::BackupError;
use super::copy::{Copying, claim_directory, sync_directory};
use super::manifest::{BackedUpFile, Manifest};
use super::snapshot;
use super::take::make_directories;
use crate::cli::progress::Progress;
use crate::cli::verify::journal_of;
use crate::domain::ids::{Lsn, Name, TenantNumber};
use crate::domain::record::SystemBody;
use crate::domain::time::Timestamp;
use crate::journal::{self, GroupBuilder, Journal, JournalOptions, Position, envelope};
use crate::runtime::snapshots::Meta;
use crate::runtime::{codec, pending_own, system_record, wall_clock};

/// The journal's directory until it is whole: no tower starts on it.
const UNFINISHED: &str = "journal.restoring";
/// Records between two words about progress.
const PROGRESS_EVERY: u64 = 4_096;

/// Where the restored journal stands.
pub struct Restored {
    /// The record that says that it was restored.
    pub lsn: u64,
    pub epoch: u32,
}

/// Checks the backup, copies it, checks the copy, and begins a new epoch in it.
pub fn restore(backup: &Path, data: &Path, quiet: bool) -> Result<(Manifest, Restored), BackupError> {
    let manifest = Manifest::read(backup)?;
    check_files(&manifest, backup, quiet)?;
    claim_directory(data)?;
    let unfinished = data.join(UNFINISHED);
    fs::create_dir(&unfinished).map_err(BackupError::io("create", &unfinished))?;

    let mut copying = Copying::new(manifest.files.iter().map(|file| file.bytes).sum(), quiet);
    for file in &manifest.files {
        let to = match file.path.strip_prefix("journal/") {
            Some(name) => unfinished.join(name),
            None => data.join(&file.path),
        };
        make_directories(data, &to)?;
        let from = file.place(backup);
        let source = File::open(&from).map_err(BackupError::io("open", &from))?;
        let copied = copying.copy(source, &from, u64::MAX, &to)?;
        expect(file, &to, copied.bytes, copied.hash)?;
    }
    copying.finish();
    let part = journal::durable_part(&journal_of(backup))?;
    part.place_marks(&unfinished)?;

    let snapshot = (part.first_lsn > 1).then(|| snapshot::position(data, part.first_lsn)).transpose()?;
    let restored = begin_epoch(&unfinished, &manifest, snapshot, quiet)?;
    let directory = journal_of(data);
    fs::rename(&unfinished, &directory).map_err(BackupError::io("rename", &unfinished))?;
    sync_directory(data)?;
    if let Some(parent) = data.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        sync_directory(parent)?;
    }
    Ok((manifest, restored))
}

fn check_files(manifest: &Manifest, backup: &Path, quiet: bool) -> Result<(), BackupError> {
    let mut reading = Copying::new(manifest.files.iter().map(|file| file.bytes).sum(), quiet);
    for file in &manifest.files {
        let path = file.place(backup);
        let found = reading.hash(&path)?;
        expect(file, &path, found.bytes, found.hash)?;
    }
    reading.finish();
    // Every checksum and every link of the chain, whatever the manifest says.
    let directory = journal_of(backup);
    let report = journal::verify(&directory)?;
    let found = (report.identity.to_string(), report.tail_lsn, report.last_group_hash.to_string());
    let said = &manifest.journal;
    if found == (said.identity.clone(), said.lsn, said.group_hash.clone()) && report.torn_tail.is_none() {
        return Ok(());
    }
    let detail = format!(
        "it ends with record {} and group {}, the manifest says record {} and {}",
        found.1, found.2, said.lsn, said.group_hash
    );
    Err(BackupError::Differs { path: directory, detail })
}

fn expect(file: &BackedUpFile, path: &Path, bytes: u64, hash: blake3::Hash) -> Result<(), BackupError> {
    let detail = if bytes != file.bytes {
        format!("it has {bytes} bytes instead of {}", file.bytes)
    } else if hash.to_hex().as_str() != file.blake3 {
        format!("its hash is {}", hash.to_hex())
    } else {
        return Ok(());
    };
    Err(BackupError::Differs { path: path.to_owned(), detail })
}

/// Reads every record, as a start would, and appends the one that says that the journal was restored.
fn begin_epoch(
    directory: &Path,
    manifest: &Manifest,
    snapshot: Option<(Position, Meta)>,
    quiet: bool,
) -> Result<Restored, BackupError> {
    let options = JournalOptions::default();
    let (mut journal, _) = match &snapshot {
        None => Journal::open(directory, options)?,
        Some((position, _)) => Journal::open_trusting(directory, options, position)?,
    };
    let last = journal.durable_lsn();
    let mut progress = Progress::new(last, "records", quiet);
    // What the writer would stamp: times never go back.
    let (mut ingest_time, mut business_time) = (wall_clock(), None::<Timestamp>);
    if let Some((_, meta)) = &snapshot {
        ingest_time = ingest_time.max(meta.clocks.last_ingest().plus(1));
        business_time = meta.clocks.business().first().copied();
    }
    let reader = journal.reader();
    for read in reader.read_from(reader.statistics().first_lsn) {
        let (lsn, bytes) = read?;
        let (record, _) = codec::decode(&bytes)?;
        ingest_time = ingest_time.max(record.ingest_time.plus(1));
        if record.tenant == TenantNumber(0) {
            business_time = business_time.max(Some(record.business_time));
        }
        if lsn % PROGRESS_EVERY == 0 {
            progress.set(lsn, "");
        }
    }
    progress.finish();
    // Two restores of one backup go different ways, and their positions must not be taken for each other's: the number of
    // the epoch is the time, in seconds.
    let seconds = wall_clock().micros() / 1_000_000;
    journal.begin_epoch(u32::try_from(seconds).unwrap_or_default());
    let body = SystemBody::Restored {
        backup_lsn: Lsn(last),
        backup_taken_at: manifest.taken_at,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let record = system_record(TenantNumber(0), Name::const_new("tidewatch"), body);
    let mut bytes = Vec::new();
    pending_own(record, &mut bytes)
        .map_err(|error| BackupError::Manifest { path: directory.to_owned(), detail: error.to_string() })?;
    let lsn = journal.next_lsn();
    let business_time = business_time.unwrap_or(ingest_time);
    envelope::stamp(&mut bytes, lsn, journal.epoch(), ingest_time.micros(), business_time.micros());
    let mut group = GroupBuilder::new(lsn);
    group.push(&bytes)?;
    journal.append_group(&mut group)?;
    let epoch = journal.epoch();
    journal.close()?;
    Ok(Restored { lsn, epoch })
}
