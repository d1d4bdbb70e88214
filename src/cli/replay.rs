//! `tidewatch replay`: a file of events, sent to any tower.
//!
//! One batch is under way at a time, so that the server takes the rows in the file's order; a thread reads ahead. Every
//! row ends up in exactly one of three counts, or the command says that it does not.

mod csv_mapping;
mod rows;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc;

use super::client::{Client, ClientError, EventLines, Patience, Tally};
use super::pace::{Pace, Speed};
use super::progress::Progress;
use rows::{OpenError, Row, Rows};

/// Half of what the server takes in one request (8 MiB).
const BATCH_BYTES_MAX: usize = 4 << 20;
/// Batches that may wait between the reading thread and the sender.
const BATCHES_AHEAD_MAX: usize = 4;
/// Errors that are kept to be shown; the rest are only counted.
const ERRORS_SHOWN_MAX: usize = 10;
/// Wall time that one batch may span when the replay is paced.
const PACE_STEP_S: f64 = 0.1;

/// Send a file of events to a running tower
///
/// FILE is NDJSON (.ndjson, .jsonl: one CloudEvent a line) or CSV (.csv with a header row), plain or gzip (.gz).
/// In CSV the columns `type`, `id`, `source` and `time` belong to the event, all others are fields of its data;
/// `lines[0].sku` nests; an empty cell is an absent field. A row without an id gets one from the file's name and the
/// line's number, so that replaying a file twice counts nothing twice.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  tidewatch replay sales.csv --to http://127.0.0.1:8080
  tidewatch replay 2026-01.ndjson.gz --to https://tower.example.com --key \"$KEY\" --json
  tidewatch replay week.ndjson --to http://127.0.0.1:8080 --speed 3600     (an hour a second)

Exit codes:
  0  every row taken, duplicates included
  1  some rows rejected
  2  the file or an argument is wrong
  3  the server cannot be reached, or refuses the credentials")]
pub struct ReplayArgs {
    /// The file to send
    pub file: PathBuf,
    /// Address of the tower, as in http://127.0.0.1:8080
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// API key; a tower started with --dev needs none
    #[arg(long, env = "TIDEWATCH_KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// `max`, or seconds of event time per second of wall time
    #[arg(long, default_value = "max", value_name = "N|max")]
    pub speed: Speed,
    /// Most events in one request
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub batch: u16,
    /// Print the result as one JSON object, and no progress
    #[arg(long)]
    pub json: bool,
}

/// What became of a file.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Rows of the file; blank lines don't count.
    pub rows: u64,
    pub accepted: u64,
    pub duplicates: u64,
    /// Rows that the server, or the reader of the file, refused.
    pub rejected: u64,
    pub lsn: Option<u64>,
    pub seconds: f64,
    /// The first rows that were refused.
    pub errors: Vec<RowError>,
    /// Why not every row was sent.
    pub stopped: Option<Stopped>,
}

/// A row that was refused.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct RowError {
    pub line: u64,
    pub code: String,
    pub detail: String,
}

/// Why a replay ended before its file did.
#[derive(Debug, Serialize)]
#[serde(tag = "cause", content = "detail", rename_all = "snake_case")]
pub enum Stopped {
    /// The file could not be read any further.
    File(String),
    /// The server could not be reached, stayed busy or refused.
    Server(String),
}

/// What keeps a replay from starting.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error(transparent)]
    File(#[from] OpenError),
    #[error(transparent)]
    Address(#[from] ClientError),
}

/// Rows on their way from the file to the server.
#[derive(Default)]
struct Batch {
    text: Vec<u8>,
    /// The file's line of each event in `text`.
    lines: Vec<u64>,
    /// Time of the first event that has one.
    time: Option<Timestamp>,
    refused: Vec<RowError>,
    /// Bytes of the file read when the batch was full.
    bytes_read: u64,
}

impl Report {
    /// Whether every row is in exactly one count.
    pub fn adds_up(&self) -> bool {
        self.rows == self.accepted + self.duplicates + self.rejected
    }

    /// 0 all taken, 1 some rejected or lost count of, 2 the file broke off, 3 the server was no use.
    pub fn exit_code(&self) -> u8 {
        match self.stopped {
            Some(Stopped::File(_)) => 2,
            Some(Stopped::Server(_)) => 3,
            None if self.rejected > 0 || !self.adds_up() => 1,
            None => 0,
        }
    }

    fn refuse(&mut self, error: RowError) {
        if self.errors.len() < ERRORS_SHOWN_MAX {
            self.errors.push(error);
        }
    }

    /// Counts what the server said about the events on these lines of the file.
    fn add(&mut self, tally: Tally, lines: &[u64]) {
        self.accepted += tally.accepted;
        self.duplicates += tally.duplicates;
        self.rejected += tally.rejected;
        self.lsn = self.lsn.max(tally.lsn);
        for error in tally.errors {
            let line = usize::try_from(error.index).ok().and_then(|index| lines.get(index));
            self.refuse(RowError {
                line: line.copied().unwrap_or(0),
                code: error.code,
                detail: error.detail,
            });
        }
    }
}

/// Runs the command: sends the file, prints the result.
pub async fn run(args: ReplayArgs) -> miette::Result<ExitCode> {
    let report = match replay(&args).await {
        Ok(report) => report,
        Err(error) => {
            eprintln!("{error}");
            return Ok(ExitCode::from(2));
        }
    };
    if args.json {
        println!("{}", serde_json::to_string(&report).map_err(|error| miette::miette!("{error}"))?);
    } else {
        print(&report);
    }
    Ok(ExitCode::from(report.exit_code()))
}

/// Sends the file and says what became of it.
///
/// # Errors
/// When nothing was sent because the file, its header or the address is wrong. What goes wrong later is in the report.
pub async fn replay(args: &ReplayArgs) -> Result<Report, ReplayError> {
    let client = Client::new(&args.to, args.key.clone(), Patience::default())?;
    let rows = Rows::open(&args.file)?;
    let started = Instant::now();
    let mut progress = Progress::new(rows.bytes_total(), "bytes", args.json);
    let mut pace = Pace::new(args.speed);
    let mut report = Report::default();

    let (sender, mut batches) = mpsc::channel(BATCHES_AHEAD_MAX);
    let (speed, batch_max) = (args.speed, usize::from(args.batch));
    // The thread ends by itself when the file does or when nobody takes its batches any more.
    let reader = tokio::task::spawn_blocking(move || read_batches(rows, speed, batch_max, &sender));
    while let Some(batch) = batches.recv().await {
        let Batch { text, lines, time, refused, bytes_read } = batch;
        if let Some(time) = time {
            pace.wait_for(time).await;
        }
        report.rows += (lines.len() + refused.len()) as u64;
        report.rejected += refused.len() as u64;
        refused.into_iter().for_each(|error| report.refuse(error));
        let mut tally = Tally::default();
        let sent = client.send_events(EventLines::new(text), &mut tally).await;
        report.add(tally, &lines);
        if let Err(error) = sent {
            report.stopped = Some(Stopped::Server(error.to_string()));
            break;
        }
        progress.set(bytes_read, "");
    }
    drop(batches);
    let read = reader.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    if let (Err(error), None) = (read, &report.stopped) {
        report.stopped = Some(Stopped::File(error.to_string()));
    }
    progress.finish();
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// Reads the file to its end and hands it over in batches, cut by number, bytes and, when paced, by time.
fn read_batches(
    mut rows: Rows,
    speed: Speed,
    batch_max: usize,
    sender: &mpsc::Sender<Batch>,
) -> std::io::Result<()> {
    let step_s = match speed {
        Speed::Max => f64::INFINITY,
        Speed::Factor(factor) => factor * PACE_STEP_S,
    };
    let mut batch = Batch::default();
    loop {
        let row = match rows.next_row() {
            Ok(Some(row)) => row,
            end => {
                batch.bytes_read = rows.bytes_read();
                // Nobody left to take the last batch means that the sender has stopped and says why.
                let _ = sender.blocking_send(batch);
                return end.map(|_| ());
            }
        };
        let is_full = match &row {
            Row::Refused { .. } => batch.refused.len() >= batch_max,
            Row::Event { json, time, .. } => {
                let is_later = |first: Timestamp| {
                    time.is_some_and(|time| time.duration_since(first).as_secs_f64() > step_s)
                };
                batch.lines.len() >= batch_max
                    || batch.text.len() + json.len() >= BATCH_BYTES_MAX
                    || batch.time.is_some_and(is_later)
            }
        };
        if is_full {
            batch.bytes_read = rows.bytes_read();
            if sender.blocking_send(std::mem::take(&mut batch)).is_err() {
                return Ok(());
            }
        }
        match row {
            Row::Refused { line, code, detail } => {
                batch.refused.push(RowError { line, code: code.to_owned(), detail });
            }
            Row::Event { line, json, time } => {
                batch.text.extend_from_slice(&json);
                batch.text.push(b'\n');
                batch.lines.push(line);
                batch.time = batch.time.or(time);
            }
        }
    }
}

fn print(report: &Report) {
    let Report { rows, accepted, duplicates, rejected, seconds, .. } = report;
    let rows_in = if report.stopped.is_none() { "rows in =" } else { "rows read before it stopped;" };
    println!("{rows} {rows_in} {accepted} accepted + {duplicates} duplicates + {rejected} rejected");
    for RowError { line, code, detail } in &report.errors {
        println!("  line {line}: {code} {detail}");
    }
    if *rejected > report.errors.len() as u64 {
        println!(
            "  and {} more; `GET /api/v1/quarantine` has them all",
            rejected - report.errors.len() as u64
        );
    }
    match &report.stopped {
        Some(Stopped::File(cause)) => eprintln!("the file could not be read to its end: {cause}"),
        Some(Stopped::Server(cause)) => {
            eprintln!("stopped: {cause}; replaying the file again counts nothing twice");
        }
        None if !report.adds_up() => eprintln!("the counts do not add up to the rows in"),
        None => println!(
            "in {seconds:.1} s, up to LSN {}",
            report.lsn.map_or("none".into(), |lsn| lsn.to_string())
        ),
    }
}
