//! The table of entities at rest: how much memory a large catalogue takes of which a small part is active, and how soon
//! the rest of it is there again when something happens to it.

use std::cell::Cell;
use std::time::Duration;

use serde::Serialize;
use tokio::time::sleep;

use super::BenchError;
use super::budget::{Footing, Part};
use super::load::Pace;
use super::observe::{Recovery, TakenSnapshot};
use super::prepare::Step;
use super::process::{Machine, Usage};
use super::progress::Progress;
use super::report::count;
use super::session::{Load, LoadReport, Session};
use super::suite::{Row, SuiteOptions, command_line};
use super::tower::{RestOptions, Tower, TowerOptions};
use super::world::World;

const KEYS: u32 = 2_000_000;
const KEYS_QUICK: u32 = 100_000;
/// Of all SKU-locations, one in so many is active …
const ACTIVE_OF: u32 = 20;
/// … and gets all events but these, of 10,000, which are about any.
const ANY_OF_10_000: u32 = 200;
/// As many actors as there are active ones, and that much memory for states without one: most are read from the disk.
const PACKED_BYTES_OF_ALL: u64 = 64 << 20;
const EVENTS_PER_S: u64 = 5_000;
/// Events in one request: at this rate 20 requests a second would tell little of a latency.
const BATCH: usize = 10;
/// No counts: they are about any SKU-location, whatever part is active.
const MIX: &str = "sale=48,adjusted=3,order=5";
const SAMPLE_INTERVAL: Duration = Duration::from_millis(100);

const RESIDENT_BYTES_MAX: f64 = 2_000_000_000.0;
const ACTIVATION_P99_MS_MAX: f64 = 10.0;

/// What the table is measured with.
#[derive(Clone, Debug)]
pub struct PassivationOptions {
    pub suite: SuiteOptions,
    /// SKU-locations.
    pub keys: Option<u32>,
    pub events_per_s: Option<u64>,
}

/// Everything that was measured of entities at rest.
#[derive(Clone, Debug, Serialize)]
pub struct PassivationReport {
    pub rows: Vec<Row>,
    pub machine: Machine,
    pub date: String,
    pub command: String,
    pub version: &'static str,
    pub keys: u32,
    pub active: u32,
    pub rest: RestOptions,
    pub runs: Vec<PassivationRun>,
}

/// One run.
#[derive(Clone, Debug, Serialize)]
pub struct PassivationRun {
    /// Taken when all were told of; what is in it need not stay in memory.
    pub snapshot: TakenSnapshot,
    pub before: Measured,
    /// From when the killed process was started again until it took events.
    pub ready_s: f64,
    pub recovery: Recovery,
    pub after: Measured,
}

/// The load, and what it came to.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    pub load: LoadReport,
    /// The most while the load lasted.
    pub resident_bytes: u64,
    /// The most since the process began.
    pub resident_peak_bytes: u64,
    pub activations: Activations,
    pub footing: Footing,
    pub parts: Vec<Part>,
}

/// Entities that were given an actor again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Activations {
    pub from_memory: f64,
    pub from_disk: f64,
    pub from_journal: f64,
    /// Reading the state, decoding it, starting the actor: the upper bound of the bucket that the quantile is in.
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// Measures `repeat` times.
///
/// # Errors
/// The first error of any run; [`BenchError::Tower`] if a start did not use its snapshot.
pub async fn run(
    options: &PassivationOptions,
    repeat: usize,
    progress: Progress,
) -> Result<PassivationReport, BenchError> {
    let keys = options.keys.unwrap_or(if options.suite.quick { KEYS_QUICK } else { KEYS });
    let active = (keys / ACTIVE_OF).max(1);
    let rest = RestOptions {
        entities_live_max: active,
        entities_packed_bytes_max: PACKED_BYTES_OF_ALL * u64::from(keys) / u64::from(KEYS),
    };
    let mut runs = Vec::new();
    for _ in 0..repeat {
        runs.push(run_once(options, keys, rest, progress).await?);
    }
    let directory = options.suite.tower.parent.clone().unwrap_or_else(std::env::temp_dir);
    Ok(PassivationReport {
        rows: rows(&runs, keys, active),
        machine: Machine::this(&directory),
        date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        command: command_line(),
        version: env!("CARGO_PKG_VERSION"),
        keys,
        active,
        rest,
        runs,
    })
}

async fn run_once(
    options: &PassivationOptions,
    keys: u32,
    rest: RestOptions,
    progress: Progress,
) -> Result<PassivationRun, BenchError> {
    let tower = TowerOptions { rest: Some(rest), ..options.suite.tower.clone() };
    let load = Load {
        pace: Pace::Rate { events_per_s: options.events_per_s.unwrap_or(EVENTS_PER_S) },
        batch: BATCH,
        hot_of_10_000: 10_000 - ANY_OF_10_000,
        hot_keys: rest.entities_live_max,
        connections: None,
        mix: MIX.parse().map_err(BenchError::Config)?,
        warm_up: options.suite.warm_up,
        measured: options.suite.measured,
    };
    let mut session = Session::start(&tower, World::new(keys), options.suite.seed).await?;
    let empty_bytes = usage(&session)?.resident_bytes;
    session.prepare(&[Step::Items, Step::Locations, Step::AmpleStock], progress).await?;
    let bar = progress.waiting("taking a snapshot");
    let snapshot = session.observer().take_snapshot().await.map_err(|error| session.explain(error))?;
    bar.finish_and_clear();
    let before = measure(&session, &load, empty_bytes, progress).await?;

    let bar = progress.waiting("killed; starting again");
    let ready_s = session.kill_and_start().await?.as_secs_f64();
    bar.finish_and_clear();
    let recovery = session.observer().recovery().await?;
    if recovery.entities < snapshot.entities {
        let cause =
            format!("{} entities were loaded of a snapshot with {}", recovery.entities, snapshot.entities);
        let log = session.tower().map(Tower::log_end).unwrap_or_default();
        return Err(BenchError::Tower { cause, log });
    }
    session.change_seed();
    let after = measure(&session, &load, empty_bytes, progress).await?;
    session.stop().await?;
    Ok(PassivationRun { snapshot, before, ready_s, recovery, after })
}

/// Runs the load, and looks at the tower's memory all the while.
async fn measure(
    session: &Session,
    load: &Load,
    empty_bytes: u64,
    progress: Progress,
) -> Result<Measured, BenchError> {
    const SECONDS: &str = "tidewatch_activation_seconds";
    const COUNT: &str = "tidewatch_activations_total";
    let earlier = session.observer().exposition().await?;
    let is_over = Cell::new(false);
    let loaded = async {
        let report = session.measure(load, progress).await;
        is_over.set(true);
        report
    };
    let sampled = async {
        let mut most = 0;
        while !is_over.get() {
            // A tower that has ended is told by the load.
            most =
                session.tower().and_then(Tower::usage).map_or(most, |usage| most.max(usage.resident_bytes));
            sleep(SAMPLE_INTERVAL).await;
        }
        most
    };
    let (loaded, resident_bytes) = tokio::join!(loaded, sampled);
    let loaded = loaded?;
    let shown = session.observer().exposition().await?;
    let activated = |from| shown.labelled_as(COUNT, "from", from) - earlier.labelled_as(COUNT, "from", from);
    let took = shown.buckets(SECONDS).since(&earlier.buckets(SECONDS));
    let usage = usage(session)?;
    let footing = Footing::of(&shown, session.world(), usage.resident_bytes, empty_bytes)
        .ok_or_else(|| BenchError::Answer("it does not show where its entities are".into()))?;
    Ok(Measured {
        load: loaded,
        resident_bytes: resident_bytes.max(usage.resident_bytes),
        resident_peak_bytes: usage.resident_peak_bytes,
        activations: Activations {
            from_memory: activated("memory"),
            from_disk: activated("disk"),
            from_journal: activated("journal"),
            p50_ms: 1_000.0 * took.upper_bound_of(0.5),
            p99_ms: 1_000.0 * took.upper_bound_of(0.99),
        },
        parts: footing.parts(),
        footing,
    })
}

fn usage(session: &Session) -> Result<Usage, BenchError> {
    session.tower().and_then(Tower::usage).ok_or(BenchError::NoMemory)
}

/// The targets, each over all runs.
fn rows(runs: &[PassivationRun], keys: u32, active: u32) -> Vec<Row> {
    let (keys, active) = (count(f64::from(keys)), count(f64::from(active)));
    let at_most = |name: String, unit, target: f64, value: fn(&PassivationRun) -> f64| {
        let measured: Vec<f64> = runs.iter().map(value).collect();
        Row::new(name, unit, "<=", &vec![target; measured.len()], &measured)
    };
    vec![
        at_most(
            format!("resident memory under load, {keys} SKU-locations of which {active} are active"),
            "bytes",
            RESIDENT_BYTES_MAX,
            |run| run.before.resident_bytes as f64,
        ),
        at_most("the same after a kill and a start".into(), "bytes", RESIDENT_BYTES_MAX, |run| {
            run.after.resident_bytes as f64
        }),
        at_most("activation p99, upper bound of its bucket".into(), "ms", ACTIVATION_P99_MS_MAX, |run| {
            run.before.activations.p99_ms
        }),
        at_most("the same after a kill and a start".into(), "ms", ACTIVATION_P99_MS_MAX, |run| {
            run.after.activations.p99_ms
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::mix::{EventKind, Mix};
    use super::*;

    #[test]
    fn the_load_names_only_kinds_that_go_to_the_active_part() {
        let mix: Mix = MIX.parse().expect("a mix");
        assert!(!mix.cycle().contains(&EventKind::Counted));
    }

    #[test]
    fn without_activations_their_target_is_not_met() {
        let row = Row::new("n".into(), "ms", "<=", &[ACTIVATION_P99_MS_MAX], &[f64::NAN]);
        assert!(!row.met);
    }
}
