//! `tidewatch verify`: checks a whole journal and changes nothing, with or without a server beside it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use crate::journal::{self, JournalError, VerifyReport};

/// Check the journal: every checksum, every link of the chain, the durable mark
///
/// Reads all of it and changes nothing. Beside a running server, the group being written may show as a torn tail.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidewatch verify
  tidewatch verify --data /var/lib/tidewatch --json

Exit codes:
  0  the journal is sound
  1  it is damaged, or can't be read")]
pub struct VerifyArgs {
    /// The directory that holds all that must last
    #[arg(long, value_name = "DIR", default_value = "snapshots")]
    data: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command: 0 if the journal is sound, 1 if not.
#[must_use]
pub fn run(args: &VerifyArgs) -> ExitCode {
    let directory = journal_of(&args.data);
    let verdict = journal::verify(&directory);
    let printed = print(args.json, &directory, &verdict, &mut io::stdout().lock());
    if printed.is_err() || verdict.is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Where the journal stands in a data directory.
pub(super) fn journal_of(data: &Path) -> PathBuf {
    data.join("journal")
}

fn print(
    as_json: bool,
    directory: &Path,
    verdict: &Result<VerifyReport, JournalError>,
    out: &mut impl Write,
) -> io::Result<()> {
    match verdict {
        _ if as_json => writeln!(out, "{}", to_json(verdict))?,
        Ok(report) => print_report(directory, report, out)?,
        Err(error) => writeln!(out, "damaged: {error}")?,
    }
    out.flush()
}

fn print_report(directory: &Path, report: &VerifyReport, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "journal       {} in {}", report.identity, directory.display())?;
    writeln!(out, "epoch         {}", report.epoch)?;
    match report.compressed_segments {
        0 => writeln!(out, "segments      {}", report.segments)?,
        compressed => writeln!(out, "segments      {}, {compressed} of them compressed", report.segments)?,
    }
    writeln!(out, "groups        {}", report.groups)?;
    writeln!(out, "records       {}", report.records)?;
    if report.first_lsn > 1 {
        writeln!(out, "first LSN     {}, what came before was trimmed", report.first_lsn)?;
    }
    writeln!(out, "last LSN      {}", report.tail_lsn)?;
    match report.marked_lsn {
        Some(lsn) => writeln!(out, "durable mark  LSN {lsn}")?,
        None => writeln!(out, "durable mark  none yet")?,
    }
    if let Some(tail) = &report.torn_tail {
        let (place, damage, length) = (&tail.place, tail.damage, tail.length);
        writeln!(
            out,
            "torn tail     {place}: {damage}; {length} bytes that were never acknowledged, the next start cuts them"
        )?;
    }
    if let Some(path) = &report.unborn_segment {
        writeln!(
            out,
            "unborn        {} was never finished and is empty; the next start removes it",
            path.display()
        )?;
    }
    writeln!(out, "ok")
}

fn to_json(verdict: &Result<VerifyReport, JournalError>) -> Value {
    match verdict {
        Ok(report) => json!({
            "ok": true,
            "journal": report.identity.to_string(),
            "epoch": report.epoch,
            "segments": report.segments,
            "compressed_segments": report.compressed_segments,
            "groups": report.groups,
            "records": report.records,
            "first_lsn": report.first_lsn,
            "last_lsn": report.tail_lsn,
            "durable_lsn": report.marked_lsn,
            "torn_tail": report.torn_tail.as_ref().map(|tail| json!({
                "path": tail.place.path, "offset": tail.place.offset, "lsn": tail.place.lsn,
                "bytes": tail.length, "damage": tail.damage.to_string(),
            })),
            "unborn_segment": report.unborn_segment,
        }),
        Err(error) => {
            let place = match error {
                JournalError::Damaged { place, .. }
                | JournalError::EndsBelowMark { place, .. }
                | JournalError::MarkMismatch { place, .. }
                | JournalError::Io { place, .. } => Some(place),
                _ => None,
            };
            json!({
                "ok": false,
                "error": error.to_string(),
                "path": place.map(|place| &place.path),
                "offset": place.map(|place| place.offset),
                "lsn": place.map(|place| place.lsn),
            })
        }
    }
}
