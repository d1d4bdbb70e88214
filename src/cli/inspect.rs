//! `tidewatch inspect`: what stands in a journal, whatever state it is in. Changes nothing and needs no lock.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::verify::journal_of;
use crate::domain::time::Timestamp;
use crate::journal::envelope::EnvelopeRef;
use crate::journal::{self, InspectLine, JournalError};

/// Show what stands in the journal: segments, records, the durable mark, the first damage
///
/// Works on a journal that the tower refuses to open, too: what can be read is shown up to the first damage. The whole
/// journal is read even if few records are asked for, so that damage behind them shows.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidewatch inspect --limit 20
  tidewatch inspect --data /var/lib/tidewatch --from 812 --limit 1 --body
  tidewatch inspect --json --body | jq 'select(.type == \"exception.opened\")'

Exit codes:
  0  shown to the end
  1  there is damage, or the journal can't be read")]
pub struct InspectArgs {
    /// The directory that holds all that must last
    #[arg(long, value_name = "DIR", default_value = "snapshots")]
    data: PathBuf,
    /// The first record to show, by its LSN
    #[arg(long, value_name = "LSN", default_value_t = 1)]
    from: u64,
    /// Show at most that many records
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Show the records' bodies too
    #[arg(long)]
    body: bool,
    /// Print a JSON object a line; `what` says of each what it is: mark, segment, record, damage, …
    #[arg(long)]
    json: bool,
}

/// Runs the command: 0 if there was nothing wrong, 1 if there was (said on standard error).
#[must_use]
pub fn run(args: &InspectArgs) -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    match execute(args, &mut out) {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::FAILURE,
        // Whoever stopped reading has seen enough.
        Err(InspectError::Print(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; the exit code still tells.
            let _ = writeln!(io::stderr(), "tidewatch inspect: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum InspectError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("can't print: {0}")]
    Print(#[from] io::Error),
}

/// Whether there was damage.
fn execute(args: &InspectArgs, out: &mut impl Write) -> Result<bool, InspectError> {
    let mut printed = Ok(());
    let mut shown = 0;
    let mut damaged = false;
    journal::inspect(&journal_of(&args.data), |line| {
        match &line {
            InspectLine::Damage { .. } | InspectLine::NoMark(_) => damaged = true,
            // How records were grouped matters only to the format; damage says where it is by itself.
            InspectLine::Group { .. } => return,
            InspectLine::Record { lsn, .. } => {
                if *lsn < args.from || args.limit.is_some_and(|limit| shown >= limit) {
                    return;
                }
                shown += 1;
            }
            InspectLine::Mark(_) | InspectLine::Segment { .. } | InspectLine::UnbornSegment(_) => {}
        }
        if printed.is_ok() {
            printed = print(args, &line, out);
        }
    })?;
    printed?;
    out.flush()?;
    Ok(damaged)
}

fn print(args: &InspectArgs, line: &InspectLine<'_>, out: &mut impl Write) -> io::Result<()> {
    if args.json {
        return writeln!(out, "{}", to_json(line, args.body));
    }
    let InspectLine::Record { lsn, length, envelope: Ok(envelope), body } = line else {
        return writeln!(out, "{}", line.to_string().trim_start());
    };
    let time = Timestamp::from_micros(envelope.event_time);
    write!(out, "record {lsn}: {} at {time}, tenant {}", envelope.record_type, envelope.tenant)?;
    write!(out, ", id {:?} from {:?} by {:?}", envelope.id, envelope.source, envelope.principal)?;
    if envelope.causing_lsn != 0 {
        write!(out, ", because of {}", envelope.causing_lsn)?;
    }
    if envelope.entity_revision != 0 {
        write!(out, ", revision {}", envelope.entity_revision)?;
    }
    writeln!(out, ", {length} bytes")?;
    if args.body {
        writeln!(out, "  {}", text_of(body))?;
    }
    Ok(())
}

fn text_of(body: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(body)
}

fn to_json(line: &InspectLine<'_>, with_body: bool) -> Value {
    match line {
        InspectLine::Mark(mark) => json!({
            "what": "mark", "lsn": mark.lsn, "offset": mark.end_offset,
            "segment_first_lsn": mark.segment_first_lsn, "group_hash": mark.group_hash.to_string(),
        }),
        InspectLine::NoMark(path) => json!({"what": "no_mark", "path": path}),
        InspectLine::Segment { path, identity, first_lsn, length, compressed_length } => json!({
            "what": "segment", "path": path, "journal": identity.to_string(), "first_lsn": first_lsn, "bytes": length,
            "compressed_bytes": compressed_length,
        }),
        InspectLine::UnbornSegment(path) => json!({"what": "unborn_segment", "path": path}),
        InspectLine::Group { offset, length, epoch, first_lsn, last_lsn, hash } => json!({
            "what": "group", "offset": offset, "bytes": length, "epoch": epoch, "first_lsn": first_lsn,
            "last_lsn": last_lsn, "hash": hash.to_string(),
        }),
        InspectLine::Record { lsn, length, envelope: Ok(envelope), body } => {
            let mut record = envelope_to_json(envelope);
            record["what"] = "record".into();
            record["lsn"] = (*lsn).into();
            record["bytes"] = (*length).into();
            if with_body {
                record["body"] = body_to_json(body);
            }
            record
        }
        InspectLine::Record { lsn, length, envelope: Err(error), .. } => {
            json!({"what": "record", "lsn": lsn, "bytes": length, "error": error.to_string()})
        }
        InspectLine::Damage { place, damage } => json!({
            "what": "damage", "path": place.path, "offset": place.offset, "lsn": place.lsn,
            "damage": damage.to_string(),
        }),
    }
}

/// The body as the JSON that it is; as a string where it is none.
fn body_to_json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| Value::String(text_of(body).into_owned()))
}

fn envelope_to_json(envelope: &EnvelopeRef<'_>) -> Value {
    let time = |micros| Timestamp::from_micros(micros).to_string();
    json!({
        "type": envelope.record_type,
        "source": envelope.source,
        "id": envelope.id,
        "subject": envelope.subject,
        "sequence": envelope.sequence,
        "tenant": envelope.tenant,
        "partition": envelope.partition,
        "epoch": envelope.epoch,
        "principal": envelope.principal,
        "event_time": time(envelope.event_time),
        "ingest_time": time(envelope.ingest_time),
        "business_time": time(envelope.business_time),
        "causing_lsn": envelope.causing_lsn,
        "entity_revision": envelope.entity_revision,
        "schema_version": envelope.schema_version,
        "fold_version": envelope.fold_version,
        "kind": envelope.kind,
        "flags": envelope.flags,
        "content_hash": hex(&envelope.content_hash),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
