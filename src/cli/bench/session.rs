//! One tower under load: prepared, loaded, waited for, and what came out of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::BenchError;
use super::books::Books;
use super::load::{LoadOptions, Loaded, Pace, run_load};
use super::mix::Mix;
use super::observe::{Counters, Observer};
use super::prepare::{Preparation, Step};
use super::process::Usage;
use super::progress::Progress;
use super::recorder::{LatencySummary, Stalls};
use super::requests::LoadShape;
use super::tower::{Tower, TowerOptions};
use super::wire::Endpoint;
use super::world::World;

/// Without an answer for longer than this although one is due, the tower counts as stalled.
const STALL_MIN: Duration = Duration::from_secs(1);
/// Connections of a closed loop with batches; two groups' worth and more on any disk.
const CONNECTIONS_FOR_BATCHES: usize = 16;
/// Connections of a closed loop with single events, where only many at once fill a group.
const CONNECTIONS_FOR_SINGLES: usize = 128;
/// Connections of an open loop: enough that a request seldom waits for one.
const CONNECTIONS_FOR_RATE: usize = 64;

const REST_SAMPLES: u32 = 10;
const REST_INTERVAL: Duration = Duration::from_millis(100);

/// A load as it is asked for.
#[derive(Clone, Debug)]
pub struct Load {
    pub pace: Pace,
    pub batch: usize,
    /// Share of events about the first SKU-locations, of 10,000.
    pub hot_of_10_000: u32,
    /// How many these are.
    pub hot_keys: u32,
    /// A sensible number by default.
    pub connections: Option<usize>,
    pub mix: Mix,
    pub warm_up: Duration,
    pub measured: Duration,
}

impl Load {
    fn connections(&self) -> usize {
        self.connections.unwrap_or(match self.pace {
            Pace::Rate { .. } => CONNECTIONS_FOR_RATE,
            Pace::Max if self.batch == 1 => CONNECTIONS_FOR_SINGLES,
            Pace::Max => CONNECTIONS_FOR_BATCHES,
        })
    }
}

/// What a load came to. Rates and latencies are of the measured part; costs are of the whole load, warm-up and
/// settling included, over all its events: what an event costs may be paid after it was answered.
#[derive(Clone, Debug, Serialize)]
pub struct LoadReport {
    pub keys: u32,
    pub batch: usize,
    pub hot_share: f64,
    /// How many SKU-locations that share is about.
    pub hot_keys: u32,
    pub connections: usize,
    /// The rate that was asked for; `null` if it was all that the tower takes.
    pub rate: Option<u64>,
    pub warm_up_s: f64,
    pub measured_s: f64,
    /// Accepted and durable.
    pub events_per_s: f64,
    pub requests_per_s: f64,
    /// Over the whole load, until all consequences were settled.
    pub settled_events_per_s: f64,
    /// From the last answer until all consequences were settled.
    pub settle_lag_s: f64,
    /// From when a request was due (at a fixed rate) or sent (at the maximum) until its answer was read.
    pub latency: LatencySummary,
    /// How late the generator itself was; part of the latency. Zero at the maximum.
    pub generator_late_p99_ms: f64,
    /// Requests answered 429 or 503, and sent again.
    pub refused: u64,
    pub stalls: Stalls,
    /// All events accepted, warm-up included; as many as were sent, or there would be no report.
    pub events: u64,
    /// Of the tower, if this program started it.
    pub server: Option<ServerReport>,
    /// Processor cores that the generator used.
    pub generator_cores: Option<f64>,
    /// If `/metrics` shows it.
    pub journal: Option<JournalReport>,
}

/// What the load cost the tower.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ServerReport {
    /// The same number as CPU microseconds per event.
    pub cpu_s_per_million_events: f64,
    pub cores: f64,
    /// After the load.
    pub resident_bytes: u64,
}

/// What the load made the tower write.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct JournalReport {
    /// Records of what entities decided included.
    pub bytes_per_event: f64,
    pub groups: f64,
    pub records_per_group: f64,
    /// Exceptions opened, updated and cleared, and whatever else entities decided.
    pub transitions_per_1000_events: f64,
}

/// A tower, its own or another's, that loads are run against one after another.
pub struct Session {
    endpoint: Endpoint,
    tower: Option<Tower>,
    observer: Observer,
    world: World,
    books: Arc<Books>,
    seed: u64,
}

impl Session {
    /// With a tower of its own.
    ///
    /// # Errors
    /// If the tower does not start.
    pub async fn start(options: &TowerOptions, world: World, seed: u64) -> Result<Session, BenchError> {
        let tower = Tower::start(options).await?;
        let session = Session::against(tower.endpoint().clone(), world, seed);
        Ok(Session { tower: Some(tower), ..session })
    }

    /// With a tower that runs already. Nothing of it is ended, and what is sent to it stays.
    pub fn against(endpoint: Endpoint, world: World, seed: u64) -> Session {
        let (observer, books) = (Observer::new(endpoint.clone()), Arc::new(Books::new(world)));
        Session { observer, endpoint, tower: None, world, books, seed }
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub fn tower(&self) -> Option<&Tower> {
        self.tower.as_ref()
    }

    /// Kills a tower of its own as a crash would, and starts it again with what it left: how long it took from its
    /// start until it was ready.
    ///
    /// # Errors
    /// If it does not come up, or is not its own.
    pub async fn kill_and_start(&mut self) -> Result<Duration, BenchError> {
        let Some(tower) = &mut self.tower else {
            return Err(BenchError::Config("only a tower of one's own can be killed".into()));
        };
        let took = tower.kill_and_start().await?;
        self.endpoint = tower.endpoint().clone();
        self.observer = Observer::new(self.endpoint.clone());
        Ok(took)
    }

    /// Ends a tower of its own.
    ///
    /// # Errors
    /// If its process or its directory can't be removed.
    pub async fn stop(self) -> Result<(), BenchError> {
        match self.tower {
            Some(tower) => tower.stop().await,
            None => Ok(()),
        }
    }

    /// Tells the tower what it must know, and waits until that is settled.
    ///
    /// # Errors
    /// As for a load.
    pub async fn prepare(&self, steps: &[Step], progress: Progress) -> Result<(), BenchError> {
        self.prepare_counted(steps, None, progress).await
    }

    /// The same with a stock that was counted that long ago, so that older events than now can still change it.
    ///
    /// # Errors
    /// As for a load.
    pub async fn prepare_counted(
        &self,
        steps: &[Step],
        ago: Option<Duration>,
        progress: Progress,
    ) -> Result<(), BenchError> {
        let now = jiff::Timestamp::now();
        let day = |days: i64| (now + jiff::SignedDuration::from_hours(24 * days)).to_string();
        let preparation = Preparation {
            world: self.world,
            books: self.books.clone(),
            run: new_run(),
            seed: self.seed,
            forecast_from: day(-1),
            forecast_until: day(30),
            counted_at: ago
                .map(|ago| (now - jiff::SignedDuration::from_secs(ago.as_secs() as i64)).to_string()),
        };
        for step in steps {
            let bar =
                progress.phase(&format!("telling: {} ({} SKU-locations)", step.name(), self.world.keys()));
            let told = preparation.tell(&self.endpoint, *step, &bar).await;
            bar.finish_and_clear();
            let lsn = told.map_err(|error| self.explain(error))?;
            self.settle(lsn, progress).await?;
        }
        Ok(())
    }

    /// Runs a load, waits until it is settled, and reports.
    ///
    /// # Errors
    /// If the tower can't be reached, falls silent, or does not accept each event exactly once.
    pub async fn measure(&self, load: &Load, progress: Progress) -> Result<LoadReport, BenchError> {
        let options = LoadOptions {
            shape: LoadShape {
                world: self.world,
                books: self.books.clone(),
                cycle: load.mix.cycle().into(),
                batch: load.batch,
                hot_of_10_000: load.hot_of_10_000,
                hot_keys: if load.hot_of_10_000 > 0 { load.hot_keys } else { 0 },
                seed: self.seed,
                run: new_run(),
                promised_at: (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(48)).to_string(),
            },
            connections: load.connections(),
            pace: load.pace,
            warm_up: load.warm_up,
            measured: load.measured,
            stall_min: STALL_MIN,
        };
        let before = self.state().await?;
        let bar = progress.phase(&describe(load, self.world));
        let loaded = run_load(&self.endpoint, &options, &bar).await;
        bar.finish_and_clear();
        let Loaded { recorder, opened } = loaded.map_err(|error| self.explain(error))?;
        let answered = Instant::now();
        self.settle(recorder.lsn, progress).await?;
        let after = self.state().await?;

        let events = (recorder.accepted + opened) as f64;
        let took_s = (after.at - before.at).as_secs_f64();
        let settled_s = (after.at - recorder.start).as_secs_f64();
        let measured_s = load.measured.as_secs_f64();
        let cpu_s = |before: Option<Usage>, after: Option<Usage>| {
            Some((after?.cpu.saturating_sub(before?.cpu)).as_secs_f64())
        };
        let server = after.tower.zip(cpu_s(before.tower, after.tower)).map(|(usage, cpu_s)| ServerReport {
            cpu_s_per_million_events: cpu_s * 1_000_000.0 / events,
            cores: cpu_s / took_s,
            resident_bytes: usage.resident_bytes,
        });
        Ok(LoadReport {
            keys: self.world.keys(),
            batch: load.batch,
            hot_share: f64::from(load.hot_of_10_000) / 10_000.0,
            hot_keys: load.hot_keys,
            connections: options.connections,
            rate: match load.pace {
                Pace::Max => None,
                Pace::Rate { events_per_s } => Some(events_per_s),
            },
            warm_up_s: load.warm_up.as_secs_f64(),
            measured_s,
            events_per_s: recorder.events_in_window as f64 / measured_s,
            requests_per_s: recorder.requests_in_window as f64 / measured_s,
            settled_events_per_s: recorder.accepted as f64 / settled_s,
            settle_lag_s: (after.at - answered).as_secs_f64(),
            latency: recorder.latencies.summary(),
            generator_late_p99_ms: recorder.lateness.summary().p99_ms,
            refused: recorder.refused,
            stalls: recorder.stalls,
            events: recorder.accepted + opened,
            server,
            generator_cores: cpu_s(before.own, after.own).map(|cpu_s| cpu_s / took_s),
            journal: before
                .counters
                .zip(after.counters)
                .map(|(before, after)| journal(before, after, events)),
        })
    }

    /// From now on there are more SKU-locations. Nothing is known of any's stock until it is told.
    pub fn grow(&mut self, world: World) {
        self.world = world;
        self.books = Arc::new(Books::new(world));
    }

    /// Memory of the tower at rest, if it is its own: the least within a second, because the allocator gives back
    /// what a load no longer needs only after a while.
    pub async fn resident_bytes_at_rest(&self) -> Option<u64> {
        let mut least = None;
        for _ in 0..REST_SAMPLES {
            tokio::time::sleep(REST_INTERVAL).await;
            let resident = self.tower.as_ref()?.usage()?.resident_bytes;
            least = Some(least.map_or(resident, |least: u64| least.min(resident)));
        }
        least
    }

    /// Waits until everything up to that record is applied and its consequences are too.
    ///
    /// # Errors
    /// If the tower can't be reached, or it takes too long.
    pub async fn settle(&self, lsn: u64, progress: Progress) -> Result<(), BenchError> {
        let bar = progress.waiting("waiting until everything is settled");
        let settled = self.observer.settle(lsn).await;
        bar.finish_and_clear();
        settled.map_err(|error| self.explain(error))
    }

    async fn state(&self) -> Result<State, BenchError> {
        // The clock is read first: what reading the rest takes is no part of a load.
        Ok(State {
            at: Instant::now(),
            tower: self.tower.as_ref().and_then(Tower::usage),
            own: Usage::own(),
            counters: self.observer.counters().await?,
        })
    }

    pub fn observer(&self) -> &Observer {
        &self.observer
    }

    pub fn world(&self) -> World {
        self.world
    }

    pub fn books(&self) -> &Arc<Books> {
        &self.books
    }

    /// From here on loads concern others: those that the last one was about have been woken up by the replay.
    pub fn change_seed(&mut self) {
        self.seed = self.seed.wrapping_add(1);
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A tower of its own that has ended says more in its log than its broken connections do.
    pub fn explain(&self, error: BenchError) -> BenchError {
        match &self.tower {
            Some(tower) if tower.usage().is_none() => {
                BenchError::Tower { cause: error.to_string(), log: tower.log_end() }
            }
            _ => error,
        }
    }
}

#[derive(Clone, Copy)]
struct State {
    at: Instant,
    tower: Option<Usage>,
    own: Option<Usage>,
    counters: Option<Counters>,
}

fn journal(before: Counters, after: Counters, events: f64) -> JournalReport {
    let groups = after.groups - before.groups;
    JournalReport {
        bytes_per_event: (after.journal_bytes - before.journal_bytes) / events,
        groups,
        records_per_group: (after.group_records - before.group_records) / groups.max(1.0),
        transitions_per_1000_events: (after.transitions - before.transitions) * 1_000.0 / events,
    }
}

/// One line about a load, for people.
fn describe(load: &Load, world: World) -> String {
    let pace = match load.pace {
        Pace::Max => "maximum".to_owned(),
        Pace::Rate { events_per_s } => format!("{events_per_s} events/s"),
    };
    let hot = match load.hot_of_10_000 {
        0 => String::new(),
        share => format!(", {} % on {} of them", f64::from(share) / 100.0, load.hot_keys),
    };
    format!("{pace}, batches of {}, {} SKU-locations{hot}", load.batch, world.keys())
}

/// A number that no other load has had: the nanoseconds of the wall clock.
pub fn new_run() -> u64 {
    jiff::Timestamp::now().as_nanosecond() as u64
}
