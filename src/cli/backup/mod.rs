//! `tidewatch backup` and `tidewatch restore`: a copy of all that must last, and a new data directory made of it.
//!
//! A backup is an exact prefix of the journal, and the API keys. The state is not in it: it is a fold of the journal.

mod copy;
mod manifest;
mod restore;
mod snapshot;
mod take;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use crate::journal::JournalError;
use crate::runtime::codec::CodecError;

/// Back up a data directory, with or without a tower running on it
///
/// Copies what is durable at this moment and checks the copy. It can take as long as it needs: the tower goes on
/// meanwhile. A backup is as confidential as the data directory.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidewatch backup /backups/2026-03-02
  tidewatch backup --data /var/lib/tidewatch /backups/2026-03-02 --json

Exit codes:
  0  the backup is complete and checked
  1  it is not")]
pub struct BackupArgs {
    /// Where to: a directory that is empty or not there
    target: PathBuf,
    /// The directory that holds all that must last
    #[arg(long, value_name = "DIR", default_value = "snapshots")]
    data: PathBuf,
    /// Print the manifest
    #[arg(long)]
    json: bool,
}

/// Make a data directory of a backup
///
/// Checks all of the backup first. The restored journal goes on in a new epoch: clients of the feed get a full
/// snapshot instead of going on from positions that the backup does not know. Approved actions wait until someone runs
/// `tidewatch outbox release`, because they may have been delivered after the backup was made.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidewatch restore /backups/2026-03-02 --data /var/lib/tidewatch-restored
  tidewatch serve --data /var/lib/tidewatch-restored
  tidewatch outbox release

Exit codes:
  0  restored
  1  it is not; then the data directory holds no journal")]
pub struct RestoreArgs {
    /// The backup
    backup: PathBuf,
    /// The new data directory: empty or not there
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
enum BackupError {
    #[error("can't {action} {path}: {source}", path = .path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Record(#[from] CodecError),
    #[error("{} is not empty; name a directory that is empty or not there", .0.display())]
    NotEmpty(PathBuf),
    #[error(
        "the journal begins with record {first_lsn}, and {} has no snapshot that it could be opened with; take one with \
         POST /api/v1/snapshots, or start the tower", .data.display()
    )]
    NoSnapshot { first_lsn: u64, data: PathBuf },
    #[error("the snapshot can't be used: {0}")]
    Snapshot(String),
    #[error("the journal in {} changes faster than it can be opened; try again", .0.display())]
    Moving(PathBuf),
    #[error("{} is no backup: it has no {}. An interrupted backup has none either", .0.display(), manifest::FILE_NAME)]
    NoManifest(PathBuf),
    #[error("{path}: {detail}", path = .path.display())]
    Manifest { path: PathBuf, detail: String },
    #[error("{path} is not as the manifest says: {detail}; take another backup", path = .path.display())]
    Differs { path: PathBuf, detail: String },
    #[error(
        "the copy ends with record {copied} and group {copied_hash}, the journal's mark names record {marked} and \
         {marked_hash}: this is no prefix of the journal"
    )]
    NoPrefix { copied: u64, copied_hash: String, marked: u64, marked_hash: String },
}

impl BackupError {
    fn snapshot(error: impl std::fmt::Display) -> BackupError {
        BackupError::Snapshot(error.to_string())
    }

    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
        move |source| BackupError::Io { action, path: path.to_owned(), source }
    }
}

/// Runs `tidewatch backup`.
#[must_use]
pub fn run_backup(args: &BackupArgs) -> ExitCode {
    let outcome = take::take(&args.data, &args.target, args.json);
    finish("backup", outcome, |manifest, out| {
        if args.json {
            return writeln!(out, "{}", serde_json::to_string(manifest)?);
        }
        writeln!(out, "backed up {} to {}", manifest.contents(), args.target.display())
    })
}

/// Runs `tidewatch restore`.
#[must_use]
pub fn run_restore(args: &RestoreArgs) -> ExitCode {
    let outcome = restore::restore(&args.backup, &args.data, args.json);
    finish("restore", outcome, |(manifest, restored), out| {
        let data = args.data.display();
        if args.json {
            let told = json!({
                "data": data.to_string(), "backup_lsn": manifest.journal.lsn, "backup_taken_at": manifest.taken_at,
                "lsn": restored.lsn, "epoch": restored.epoch, "outbox_held": true,
            });
            return writeln!(out, "{told}");
        }
        writeln!(out, "restored {} to {data}", manifest.contents())?;
        writeln!(out, "  epoch {}: clients of the feed get a full snapshot", restored.epoch)?;
        writeln!(
            out,
            "  the outbox is held: compare approved actions with the systems of record, then `tidewatch outbox release`"
        )
    })
}

fn finish<T>(
    command: &str,
    outcome: Result<T, BackupError>,
    print: impl FnOnce(&T, &mut io::StdoutLock<'_>) -> io::Result<()>,
) -> ExitCode {
    let done = match outcome {
        Ok(done) => done,
        Err(error) => {
            eprintln!("tidewatch {command}: {error}");
            return ExitCode::FAILURE;
        }
    };
    match print(&done, &mut io::stdout().lock()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("tidewatch {command}: can't print: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
