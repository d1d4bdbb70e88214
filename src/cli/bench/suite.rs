//! The whole table: every target, measured in one go on one machine.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::BenchError;
use super::disk::probe_fdatasync;
use super::load::Pace;
use super::mix::Mix;
use super::prepare::Step;
use super::process::Machine;
use super::progress::Progress;
use super::recorder::LatencySummary;
use super::report::count;
use super::session::{Load, LoadReport, Session};
use super::tower::TowerOptions;
use super::world::World;

const BATCH: usize = 256;
const KEYS: u32 = 50_000;
const HOT_OF_10_000: u32 = 8_000;
const SCALING_KEYS: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];
const SCALING_KEYS_QUICK: [u32; 3] = [1_000, 10_000, 50_000];
const MEMORY_KEYS: u32 = 100_000;
const MEMORY_KEYS_QUICK: u32 = 50_000;
/// Before memory is measured, this much load on few SKU-locations fills whatever buffers a load fills.
const MEMORY_WARM_UP_KEYS: u32 = 1_000;
/// The least that the configuration allows: what the tower remembers of events is not part of an entity.
const MEMORY_DUPLICATE_WINDOW_EVENTS: u32 = 1_000;

const EVENTS_PER_S_MIN: f64 = 150_000.0;
const SINGLE_REQUESTS_PER_S_MIN: f64 = 10_000.0;
const HOT_RATIO_MAX: f64 = 2.0;
const SCALING_RATIO_MAX: f64 = 2.0;
const KEY_BYTES_MAX: f64 = 2_500.0;
/// Acknowledgement p99 at half the maximum: that many times the disk's own p99 …
const ACK_FSYNC_FACTOR: f64 = 3.0;
/// … and that many milliseconds.
const ACK_EXTRA_MS: f64 = 5.0;

/// What the suite is run with.
#[derive(Clone, Debug)]
pub struct SuiteOptions {
    pub tower: TowerOptions,
    pub measured: Duration,
    pub warm_up: Duration,
    pub seed: u64,
    pub quick: bool,
}

/// Everything that the suite measured.
#[derive(Clone, Debug, Serialize)]
pub struct SuiteReport {
    pub rows: Vec<Row>,
    pub machine: Machine,
    pub date: String,
    pub command: String,
    pub version: &'static str,
    pub runs: Vec<SuiteRun>,
}

/// One run of the suite.
#[derive(Clone, Debug, Serialize)]
pub struct SuiteRun {
    /// Of the disk without the tower.
    pub fdatasync: LatencySummary,
    pub maximum: LoadReport,
    pub hot: LoadReport,
    pub single: LoadReport,
    pub half: LoadReport,
    pub scaling: Vec<LoadReport>,
    pub memory: MemoryReport,
}

/// Bytes of resident memory that each SKU-location adds, step by step. All that grows with it is in it: the entity,
/// its entries in the directory and the summaries, and its lines in the document index.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct MemoryReport {
    pub keys: u32,
    /// With stock and nothing else.
    pub bare_bytes: f64,
    pub with_lines_bytes: f64,
    pub with_lines_and_movements_bytes: f64,
}

/// One target and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    pub name: String,
    pub unit: &'static str,
    /// How the measured number must stand to the target: `>=` or `<=`.
    pub relation: &'static str,
    /// The median of all runs, if it follows from what the run measured.
    pub target: f64,
    /// The median of all runs.
    pub measured: f64,
    pub least: f64,
    pub most: f64,
    pub met: bool,
}

/// Runs the suite `repeat` times.
///
/// # Errors
/// The first error of any load: figures of a tower that loses events are worth nothing.
pub async fn run(
    options: &SuiteOptions,
    repeat: usize,
    progress: Progress,
) -> Result<SuiteReport, BenchError> {
    let mut runs = Vec::new();
    for _ in 0..repeat {
        runs.push(run_once(options, progress).await?);
    }
    let directory = options.tower.parent.clone().unwrap_or_else(std::env::temp_dir);
    Ok(SuiteReport {
        rows: rows(&runs),
        machine: Machine::this(&directory),
        date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        command: command_line(),
        version: env!("CARGO_PKG_VERSION"),
        runs,
    })
}

/// How this program was called.
pub fn command_line() -> String {
    let arguments = std::env::args_os().skip(1).map(PathBuf::from);
    arguments.fold(String::from("tidewatch"), |line, argument| format!("{line} {}", argument.display()))
}

async fn run_once(options: &SuiteOptions, progress: Progress) -> Result<SuiteRun, BenchError> {
    let at_most = Load {
        pace: Pace::Max,
        batch: BATCH,
        hot_of_10_000: 0,
        hot_keys: 1,
        connections: None,
        mix: Mix::default(),
        warm_up: options.warm_up,
        measured: options.measured,
    };
    let session = Session::start(&options.tower, World::new(KEYS), options.seed).await?;
    let fdatasync = match session.tower() {
        Some(tower) => probe_fdatasync(tower.directory()).map_err(BenchError::Disk)?,
        None => LatencySummary::default(),
    };
    session.prepare(&Step::LOAD, progress).await?;
    let maximum = session.measure(&at_most, progress).await?;
    let hot = session.measure(&Load { hot_of_10_000: HOT_OF_10_000, ..at_most.clone() }, progress).await?;
    let single = session.measure(&Load { batch: 1, ..at_most.clone() }, progress).await?;
    let events_per_s = (maximum.events_per_s / 2.0).max(1.0) as u64;
    let half =
        session.measure(&Load { pace: Pace::Rate { events_per_s }, ..at_most.clone() }, progress).await?;
    session.stop().await?;

    let mut scaling = Vec::new();
    let sizes = if options.quick { &SCALING_KEYS_QUICK[..] } else { &SCALING_KEYS };
    for keys in sizes {
        let session = Session::start(&options.tower, World::new(*keys), options.seed).await?;
        session.prepare(&Step::LOAD, progress).await?;
        scaling.push(session.measure(&at_most, progress).await?);
        session.stop().await?;
    }
    let memory = measure_memory(options, &at_most, progress).await?;
    Ok(SuiteRun { fdatasync, maximum, hot, single, half, scaling, memory })
}

async fn measure_memory(
    options: &SuiteOptions,
    load: &Load,
    progress: Progress,
) -> Result<MemoryReport, BenchError> {
    let keys = if options.quick { MEMORY_KEYS_QUICK } else { MEMORY_KEYS };
    let tower = TowerOptions {
        duplicate_window_events: Some(MEMORY_DUPLICATE_WINDOW_EVENTS),
        ..options.tower.clone()
    };
    let mut session = Session::start(&tower, World::new(MEMORY_WARM_UP_KEYS), options.seed).await?;
    session.prepare(&Step::LOAD, progress).await?;
    session.measure(load, progress).await?;

    session.grow(World::new(keys));
    session.prepare(&[Step::Items, Step::Locations], progress).await?;
    let before = session.resident_bytes_at_rest().await.ok_or(BenchError::NoMemory)?;
    let mut per_key = [0.0; 3];
    for (bytes, step) in per_key.iter_mut().zip([Step::AmpleStock, Step::OpenLines, Step::Movements]) {
        session.prepare(&[step], progress).await?;
        let resident = session.resident_bytes_at_rest().await.ok_or(BenchError::NoMemory)?;
        *bytes = resident.saturating_sub(before) as f64 / f64::from(keys - MEMORY_WARM_UP_KEYS);
    }
    session.stop().await?;
    let [bare_bytes, with_lines_bytes, with_lines_and_movements_bytes] = per_key;
    Ok(MemoryReport { keys, bare_bytes, with_lines_bytes, with_lines_and_movements_bytes })
}

/// The targets, each over all runs.
fn rows(runs: &[SuiteRun]) -> Vec<Row> {
    let keys = count(f64::from(KEYS));
    let scaling = runs.first().map_or(&[][..], |run| &run.scaling);
    let size = |report: Option<&LoadReport>| count(report.map_or(0.0, |report| f64::from(report.keys)));
    let (smallest, largest) = (size(scaling.first()), size(scaling.last()));
    let all = |value: fn(&SuiteRun) -> f64| -> Vec<f64> { runs.iter().map(value).collect() };
    let at_least = |name: String, unit, target, values: Vec<f64>| {
        Row::new(name, unit, ">=", &vec![target; values.len()], &values)
    };
    let at_most = |name: String, unit, target, values: Vec<f64>| {
        Row::new(name, unit, "<=", &vec![target; values.len()], &values)
    };
    vec![
        at_least(
            format!("durable events, batches of {BATCH}, {keys} SKU-locations"),
            "events/s",
            EVENTS_PER_S_MIN,
            all(|run| run.maximum.events_per_s),
        ),
        at_least(
            "single-event requests".into(),
            "requests/s",
            SINGLE_REQUESTS_PER_S_MIN,
            all(|run| run.single.requests_per_s),
        ),
        at_most(
            "even spread over 80 % on one SKU-location, settled".into(),
            "times",
            HOT_RATIO_MAX,
            all(|run| run.maximum.settled_events_per_s / run.hot.settled_events_per_s),
        ),
        at_most(
            format!("processor time per event, {smallest} to {largest} SKU-locations, most over least"),
            "times",
            SCALING_RATIO_MAX,
            all(|run| scaling_ratio(&run.scaling)),
        ),
        at_most(
            "memory of a SKU-location with 4 open lines and 16 movements".into(),
            "bytes",
            KEY_BYTES_MAX,
            all(|run| run.memory.with_lines_and_movements_bytes),
        ),
        Row::new(
            format!(
                "acknowledgement p99 at half the maximum, against {ACK_FSYNC_FACTOR} × fdatasync p99 + {ACK_EXTRA_MS} ms"
            ),
            "ms",
            "<=",
            &all(|run| ACK_FSYNC_FACTOR * run.fdatasync.p99_ms + ACK_EXTRA_MS),
            &all(|run| run.half.latency.p99_ms),
        ),
    ]
}

/// The most processor time per event of all sizes over the least. Without `/proc` there is none: not a number, which
/// meets no target.
fn scaling_ratio(reports: &[LoadReport]) -> f64 {
    let cost = |report: &LoadReport| report.server.map_or(f64::NAN, |server| server.cpu_s_per_million_events);
    let costs: Vec<f64> = reports.iter().map(cost).collect();
    if costs.iter().any(|cost| cost.is_nan()) {
        return f64::NAN;
    }
    let least = costs.iter().copied().reduce(f64::min).unwrap_or(f64::NAN);
    let most = costs.iter().copied().reduce(f64::max).unwrap_or(f64::NAN);
    most / least
}

impl Row {
    /// Judges the median of measured over target, run by run: a slow disk moves both.
    pub fn new(
        name: String,
        unit: &'static str,
        relation: &'static str,
        targets: &[f64],
        measured: &[f64],
    ) -> Row {
        let ratios: Vec<f64> =
            measured.iter().zip(targets).map(|(measured, target)| measured / target).collect();
        let ratio = median(&ratios);
        Row {
            name,
            unit,
            relation,
            target: median(targets),
            measured: median(measured),
            least: measured.iter().copied().fold(f64::INFINITY, f64::min),
            most: measured.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            met: if relation == ">=" { ratio >= 1.0 } else { ratio <= 1.0 },
        }
    }
}

/// The middle value, or the mean of the two middle ones; not a number if there is none.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(relation: &'static str, targets: &[f64], measured: &[f64]) -> Row {
        Row::new("n".into(), "u", relation, targets, measured)
    }

    #[test]
    fn a_row_is_judged_by_its_median() {
        let fast = row(">=", &[150.0; 3], &[140.0, 160.0, 170.0]);
        assert_eq!((fast.measured, fast.least, fast.most, fast.met), (160.0, 140.0, 170.0, true));
        assert!(!row(">=", &[150.0; 3], &[140.0, 149.0, 170.0]).met);
        assert!(row("<=", &[2.0; 2], &[1.0, 2.9]).met);
        assert!(!row("<=", &[2.0; 2], &[1.0, 3.1]).met);
    }

    #[test]
    fn a_target_that_is_measured_is_compared_run_by_run() {
        // The disk was slow in the second run, and the acknowledgement with it.
        let ack = row("<=", &[10.0, 100.0, 10.0], &[9.0, 90.0, 9.0]);
        assert_eq!((ack.target, ack.measured, ack.met), (10.0, 9.0, true));
        assert!(!row("<=", &[10.0, 100.0, 10.0], &[11.0, 90.0, 11.0]).met);
    }

    #[test]
    fn what_could_not_be_measured_is_not_met() {
        assert!(!row("<=", &[2.0], &[f64::NAN]).met);
        assert!(!row(">=", &[2.0], &[f64::NAN]).met);
        assert!(scaling_ratio(&[]).is_nan());
        assert!(median(&[]).is_nan());
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
    }
}
