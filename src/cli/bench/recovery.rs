//! The table of snapshots and recovery: how soon a killed tower is ready again, and what a snapshot costs those who send
//! meanwhile.

use std::cell::Cell;
use std::time::Duration;

use serde::Serialize;
use tokio::time::sleep;

use super::BenchError;
use super::load::Pace;
use super::mix::Mix;
use super::observe::{Recovery, TakenSnapshot};
use super::prepare::Step;
use super::process::Machine;
use super::progress::Progress;
use super::recorder::LatencySummary;
use super::report::count;
use super::session::{Load, LoadReport, Session};
use super::suite::{Row, SuiteOptions, command_line};
use super::tower::{Tower, TowerOptions};
use super::world::World;

const BATCH: usize = 256;
const KEYS: u32 = 1_000_000;
const KEYS_QUICK: u32 = 50_000;
/// The smaller tower that shows how recovery grows has a tenth of everything.
const SMALLER: u32 = 10;
/// Of what the tower takes at most, the load during which a snapshot is taken is that part, unless a rate is given.
const PART_OF_MAXIMUM: f64 = 4.0;
/// No snapshot but those that are asked for: more than any run writes.
const SNAPSHOT_JOURNAL_BYTES: u64 = 1 << 40;
/// Between two snapshots under load.
const BETWEEN_SNAPSHOTS: Duration = Duration::from_millis(10);

const READY_S_MAX: f64 = 5.0;
const ACK_RATIO_MAX: f64 = 3.0;

/// What the table is measured with.
#[derive(Clone, Debug)]
pub struct RecoveryOptions {
    pub suite: SuiteOptions,
    /// SKU-locations.
    pub keys: Option<u32>,
    /// Records behind the snapshot; as many as SKU-locations by default.
    pub suffix: Option<u32>,
    /// Of the load during which a snapshot is taken.
    pub events_per_s: Option<u64>,
}

/// Everything that was measured of snapshots and recovery.
#[derive(Clone, Debug, Serialize)]
pub struct RecoveryReport {
    pub rows: Vec<Row>,
    pub machine: Machine,
    pub date: String,
    pub command: String,
    pub version: &'static str,
    pub runs: Vec<RecoveryRun>,
}

/// One run.
#[derive(Clone, Debug, Serialize)]
pub struct RecoveryRun {
    pub capture: Capture,
    /// A tenth of the size first.
    pub starts: Vec<Start>,
}

/// The same load twice.
#[derive(Clone, Debug, Serialize)]
pub struct Capture {
    pub before: LoadReport,
    /// While one snapshot after the other was taken.
    pub during: LoadReport,
    pub snapshots: Vec<TakenSnapshot>,
}

/// A tower that was killed, and started again.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Start {
    pub keys: u32,
    /// Taken at rest.
    pub snapshot: TakenSnapshot,
    /// From when the process was started until it took events.
    pub ready_s: f64,
    pub recovery: Recovery,
}

/// Measures `repeat` times.
///
/// # Errors
/// The first error of any run; [`BenchError::Tower`] if a start did not use its snapshot.
pub async fn run(
    options: &RecoveryOptions,
    repeat: usize,
    progress: Progress,
) -> Result<RecoveryReport, BenchError> {
    let keys = options.keys.unwrap_or(if options.suite.quick { KEYS_QUICK } else { KEYS });
    let suffix = options.suffix.unwrap_or(keys);
    let mut runs = Vec::new();
    for _ in 0..repeat {
        let (_, smaller) = run_once(options, keys / SMALLER, suffix / SMALLER, false, progress).await?;
        let (capture, start) = run_once(options, keys, suffix, true, progress).await?;
        runs.extend(capture.map(|capture| RecoveryRun { capture, starts: vec![smaller, start] }));
    }
    let directory = options.suite.tower.parent.clone().unwrap_or_else(std::env::temp_dir);
    Ok(RecoveryReport {
        rows: rows(&runs, keys, suffix),
        machine: Machine::this(&directory),
        date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        command: command_line(),
        version: env!("CARGO_PKG_VERSION"),
        runs,
    })
}

async fn run_once(
    options: &RecoveryOptions,
    keys: u32,
    suffix: u32,
    with_load: bool,
    progress: Progress,
) -> Result<(Option<Capture>, Start), BenchError> {
    let tower =
        TowerOptions { snapshot_journal_bytes: Some(SNAPSHOT_JOURNAL_BYTES), ..options.suite.tower.clone() };
    let mut session = Session::start(&tower, World::new(keys), options.suite.seed).await?;
    session.prepare(&Step::LOAD, progress).await?;
    let capture = match with_load {
        true => Some(capture(options, &session, progress).await?),
        false => None,
    };
    let bar = progress.waiting("taking a snapshot at rest");
    let snapshot = session.observer().take_snapshot().await.map_err(|error| session.explain(error))?;
    bar.finish_and_clear();
    session.prepare(&[Step::Sales(u64::from(suffix))], progress).await?;
    let bar = progress.waiting("killed; starting again");
    let ready_s = session.kill_and_start().await?.as_secs_f64();
    bar.finish_and_clear();
    let recovery = session.observer().recovery().await?;
    if recovery.entities != snapshot.entities {
        let cause =
            format!("{} entities were loaded of a snapshot with {}", recovery.entities, snapshot.entities);
        let log = session.tower().map(Tower::log_end).unwrap_or_default();
        return Err(BenchError::Tower { cause, log });
    }
    session.stop().await?;
    Ok((capture, Start { keys, snapshot, ready_s, recovery }))
}

async fn capture(
    options: &RecoveryOptions,
    session: &Session,
    progress: Progress,
) -> Result<Capture, BenchError> {
    let at_most = Load {
        pace: Pace::Max,
        batch: BATCH,
        hot_of_10_000: 0,
        hot_keys: 1,
        connections: None,
        mix: Mix::default(),
        warm_up: options.suite.warm_up,
        measured: options.suite.measured,
    };
    let events_per_s = match options.events_per_s {
        Some(rate) => rate,
        None => {
            let maximum = session.measure(&at_most, progress).await?.events_per_s;
            (maximum / PART_OF_MAXIMUM).max(1.0) as u64
        }
    };
    let steady = Load { pace: Pace::Rate { events_per_s }, ..at_most };
    let before = session.measure(&steady, progress).await?;
    let is_over = Cell::new(false);
    let load = async {
        let report = session.measure(&steady, progress).await;
        is_over.set(true);
        report
    };
    // One after the other, so that all of the load has a snapshot beside it however short one is.
    let snapshots = async {
        let mut taken = Vec::new();
        while !is_over.get() {
            taken.push(session.observer().take_snapshot().await?);
            sleep(BETWEEN_SNAPSHOTS).await;
        }
        Ok(taken)
    };
    let (during, snapshots) = tokio::join!(load, snapshots);
    Ok(Capture { before, during: during?, snapshots: snapshots.map_err(|error| session.explain(error))? })
}

/// The targets, each over all runs.
fn rows(runs: &[RecoveryRun], keys: u32, suffix: u32) -> Vec<Row> {
    let (keys, suffix) = (count(f64::from(keys)), count(f64::from(suffix)));
    let p99_ms = |latency: &LatencySummary| latency.p99_ms;
    let ready_s: Vec<f64> =
        runs.iter().map(|run| run.starts.last().map_or(f64::NAN, |start| start.ready_s)).collect();
    let ratios: Vec<f64> = runs
        .iter()
        .map(|run| p99_ms(&run.capture.during.latency) / p99_ms(&run.capture.before.latency))
        .collect();
    let row = |name: String, unit, target: f64, measured: &[f64]| {
        Row::new(name, unit, "<=", &vec![target; measured.len()], measured)
    };
    vec![
        row(
            format!("ready after a kill, {keys} SKU-locations and {suffix} records behind their snapshot"),
            "s",
            READY_S_MAX,
            &ready_s,
        ),
        row(
            format!("acknowledgement p99 while {keys} SKU-locations are captured, against before"),
            "times",
            ACK_RATIO_MAX,
            &ratios,
        ),
    ]
}
