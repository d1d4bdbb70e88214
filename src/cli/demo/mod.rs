//! `tidewatch demo`: four years of a real distributor's demand through the front door of a tower.
//!
//! The tower is a child process with a fresh directory and knows nothing of the demo. A thread simulates and writes the
//! events of one working day after the other ([`simulation`]), at most [`DAYS_AHEAD_MAX`] ahead; this side sends them.
//! Of each day the events travel in the order of time, and the next day waits until the tower is done with it
//! ([`carriage`]).

mod carriage;
mod dataset;
mod events;
mod network;
mod simulation;
mod statistics;
mod statistics_thresholds;
mod story;
mod summary;
#[cfg(test)]
mod surge_tests;
mod tower;

use std::io::IsTerminal;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::client::{Client, ClientError, Patience};
use super::pace::{Pace, Speed};
use super::progress::Progress;
use carriage::{Carriage, Loading, Stream};
use dataset::{Dataset, DatasetError};
use events::Writer;
use network::Network;
use simulation::Simulation;
use statistics::Stockout;
use statistics_thresholds::Thresholds;
use story::Scenario;
use summary::Totals;
use tower::Tower;

/// Draws of delays, days and hours; another number gives another history of the same demand.
const SEED: u64 = 1;
/// Working days that may wait, written out, between the simulation and the sender.
const DAYS_AHEAD_MAX: usize = 12;
/// Rejections whose reasons are kept, of each kind of event.
const ERRORS_KEPT_MAX: usize = 5;
const DEATH_SHOWS_WITHIN: Duration = Duration::from_secs(1);
const EXIT_INTERRUPTED: u8 = 130;

/// Tell a story on real orders, or replay all 361,822 of them through a tower of its own
///
/// Starts a tower in a temporary directory and sends it what the cities of Iowa ordered. Stock, purchase orders, shipments
/// and centres are derived from that by a stated policy and labelled `demo/derived`. On a terminal it tells a story: a
/// spike, a late maker, a decision, with a page to press the buttons on, until Ctrl-C. With `--speed max`, and without a
/// terminal, it replays everything from 2012 to 2016 and shows what is at risk then.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  tidewatch demo
  tidewatch demo --scenario regional-promotion
  tidewatch demo --walk             (presses each button itself, and says what came of it)
  tidewatch demo --speed max        (replays everything)
  tidewatch demo --statistics       (what the exceptions of all 231 weeks came to)
  tidewatch demo --statistics --json | jq .exceptions.stockouts
  tidewatch demo --statistics --thresholds mine.toml

Exit codes:
    0  every row accounted for; with --walk, every step went as it is told
    1  some row lost count of, a step that went otherwise, or the tower could not be run
  130  interrupted before the end")]
pub struct DemoArgs {
    /// Seconds of event time per second of wall time: of the story from its *now* on (60), of a replay of everything
    /// from its beginning on. `max` replays everything as fast as the tower takes it
    #[arg(long, value_name = "N|max")]
    pub speed: Option<Speed>,
    /// Which story is told
    #[arg(long, value_name = "NAME", conflicts_with = "json")]
    pub scenario: Option<Scenario>,
    /// Walk through the story without anybody pressing a button; print what came of each step
    #[arg(long, conflicts_with = "json")]
    pub walk: bool,
    /// The role that the page acts in at first
    #[arg(long, value_name = "ROLE", default_value = "planner")]
    pub role: String,
    /// Do not open a browser
    #[arg(long)]
    pub no_browser: bool,
    /// Print what the exceptions of all weeks came to, and end
    ///
    /// How many there were, how many were the same trouble again, which stockouts they announced and how far ahead.
    #[arg(long, conflicts_with_all = ["scenario", "walk"])]
    pub statistics: bool,
    /// Where exceptions rise and go in a replay of everything: `demo` (without this), `default`, or a file with
    /// `exceptions` tables as in `actors.toml`
    #[arg(long, value_name = "demo|default|FILE", conflicts_with_all = ["scenario", "walk"])]
    pub thresholds: Option<Thresholds>,
    /// Leave out the weeks that begin before this day
    #[arg(long, value_name = "DATE", conflicts_with_all = ["scenario", "walk"])]
    pub from: Option<Date>,
    /// Leave out the weeks that begin after this day
    #[arg(long, value_name = "DATE", conflicts_with_all = ["scenario", "walk"])]
    pub until: Option<Date>,
    /// Print counts, and the statistics that were asked for, as one JSON document instead of tables
    #[arg(long)]
    pub json: bool,
}

/// Why the demo came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    #[error("no week of the data begins between these days; the first is 2012-01-01, the last 2016-05-29")]
    NoWeek,
    #[error("the thresholds can't be read: {cause}")]
    Thresholds { cause: std::io::Error },
    #[error("the simulation left the calendar: {0}")]
    Calendar(#[from] jiff::Error),
    #[error("the tower could not be started: {cause}")]
    Start { cause: std::io::Error },
    #[error("the tower did not become ready; its last lines were:{log_tail}")]
    NotReady { log_tail: String },
    #[error("the tower ended ({status}); its last lines were:{log_tail}")]
    Died { status: String, log_tail: String },
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("the simulation broke off: {0}")]
    Simulation(String),
}

/// A working day, written out.
struct Parcel {
    carriage: Carriage,
    until: Timestamp,
    /// What the simulation knows to have happened on it, to measure the tower by.
    stockouts: Vec<Stockout>,
    sku_locations: usize,
}

/// Runs the command.
pub async fn run(args: DemoArgs) -> miette::Result<ExitCode> {
    let is_terminal = std::io::stdout().is_terminal();
    let is_story = args.walk || args.scenario.is_some() || (is_terminal && !args.replays_everything());
    if is_story {
        return story::run(&args, args.walk || !is_terminal).await;
    }
    let directory = tempfile::Builder::new().prefix("tidewatch-demo-").tempdir();
    let directory = directory.map_err(|cause| miette::miette!("no temporary directory: {cause}"))?;
    let thresholds = args.thresholds.as_ref().unwrap_or(&Thresholds::Demo);
    let mut tower = tokio::select! {
        started = Tower::start(directory.path(), thresholds) => started.map_err(|error| miette::miette!("{error}"))?,
        () = interrupted() => return Ok(ExitCode::from(EXIT_INTERRUPTED)),
    };
    let url = tower.url().to_owned();
    say(args.json, &format!("a tower runs at {url} with its data in {}", directory.path().display()));
    let outcome = tokio::select! {
        outcome = replay_and_show(&args, &url) => outcome,
        death = tower.died() => Err(death),
        () = interrupted() => Ok(ExitCode::from(EXIT_INTERRUPTED)),
    };
    let outcome = match outcome {
        Ok(exit_code)
            if std::io::stdout().is_terminal()
                && !args.statistics
                && exit_code != ExitCode::from(EXIT_INTERRUPTED) =>
        {
            stay(&mut tower, &args).await.map(|()| exit_code)
        }
        // The tower's end explains a broken connection better than the connection does, and may show a moment later.
        Err(DemoError::Client(error @ ClientError::Unreachable { .. })) => {
            let death = tokio::time::timeout(DEATH_SHOWS_WITHIN, tower.died()).await;
            Err(death.unwrap_or(DemoError::Client(error)))
        }
        outcome => outcome,
    };
    if let Err(cause) = tower.stop().await {
        eprintln!("the tower could not be stopped: {cause}");
    }
    if let Err(cause) = directory.close() {
        eprintln!("the temporary directory could not be removed: {cause}");
    }
    outcome.map_err(|error| miette::miette!("{error}"))
}

impl DemoArgs {
    /// Whether what is asked for is about all the weeks, not about the story's one.
    fn replays_everything(&self) -> bool {
        let of_weeks =
            self.statistics || self.thresholds.is_some() || self.from.is_some() || self.until.is_some();
        self.json || of_weeks || self.speed == Some(Speed::Max)
    }
}

/// Tells people; a program that reads the JSON is left alone.
fn say(json: bool, text: &str) {
    if json {
        eprintln!("{text}");
    } else {
        println!("{text}");
    }
}

/// Leaves the tower to whoever wants to look at it, until Ctrl-C.
async fn stay(tower: &mut Tower, args: &DemoArgs) -> Result<(), DemoError> {
    say(args.json, &format!("The tower keeps serving at {}; Ctrl-C ends it.", tower.url()));
    if !args.no_browser {
        open_browser(tower.url());
    }
    tokio::select! {
        death = tower.died() => Err(death),
        () = interrupted() => Ok(()),
    }
}

/// Replays, and prints what came of it. The exit code says whether every row is accounted for.
async fn replay_and_show(args: &DemoArgs, url: &str) -> Result<ExitCode, DemoError> {
    let client = Client::new(url, None, Patience { attempts_max: 4, ..Patience::default() })?;
    let data = Arc::new(Dataset::embedded()?.between(args.from, args.until));
    if data.weeks.is_empty() {
        return Err(DemoError::NoWeek);
    }
    let totals = replay(&client, Arc::clone(&data), args.speed.unwrap_or(Speed::Max)).await?;
    let lsn = totals.demand.lsn.max(totals.derived.lsn);
    let exceptions = summary::exceptions(&client, lsn).await?;
    let statistics = match args.statistics {
        true => Some(statistics::count(&statistics::list(&client).await?, &totals.truth)),
        false => None,
    };
    if args.json {
        println!("{}", summary::json(&totals, statistics.as_ref()));
    } else {
        println!("{}", summary::counts(&totals));
        if let Some(statistics) = &statistics {
            println!("{}", summary::statistics(statistics));
        }
        print!("{}", summary::at_risk(&exceptions, &data));
        println!(
            "Stock, purchases, shipments and centres are derived (source demo/derived); the demand is real."
        );
    }
    Ok(ExitCode::from(u8::from(!totals.add_up())))
}

/// Sends the whole history.
async fn replay(client: &Client, data: Arc<Dataset>, speed: Speed) -> Result<Totals, DemoError> {
    let started = Instant::now();
    let mut progress = Progress::new(data.rows.len() as u64, "rows", false);
    let mut pace = Pace::new(speed);
    let mut totals = Totals::default();
    let (sender, mut parcels) = mpsc::channel(DAYS_AHEAD_MAX);
    let simulation = tokio::task::spawn_blocking(move || simulate(&data, &sender));
    while let Some(parcel) = parcels.recv().await {
        let Parcel { carriage, until, stockouts, sku_locations } = parcel;
        totals.truth.add(stockouts, sku_locations, until);
        totals.rows += carriage.rows();
        totals.derived_events += carriage.derived_events();
        for (kind, count) in &carriage.by_type {
            *totals.by_type.entry(*kind).or_default() += count;
        }
        carriage.send(client, &mut totals.demand, &mut totals.derived).await?;
        carriage::settle(client, &totals.derived).await?;
        // The first reasons are enough; years of them would fill the memory.
        totals.demand.errors.truncate(ERRORS_KEPT_MAX);
        totals.derived.errors.truncate(ERRORS_KEPT_MAX);
        progress.set(totals.rows, &until.strftime("%Y-%m-%d").to_string());
        pace.wait_for(until).await;
    }
    simulation.await.map_err(|error| DemoError::Simulation(error.to_string()))??;
    progress.finish();
    totals.elapsed = started.elapsed();
    Ok(totals)
}

/// Makes one parcel after the other, until the history ends or nobody takes them any more.
fn simulate(data: &Dataset, sender: &mpsc::Sender<Parcel>) -> Result<(), DemoError> {
    let network = Network::derive(data);
    let writer = Writer::new(data, &network);
    let mut simulation = Simulation::new(data, &network, SEED)?;
    let start = simulation.start()?;
    // The clock first, so that everything is described in the year it belongs to.
    let opening = Loading::default().until(start);
    let opening = Parcel { carriage: opening, until: start, stockouts: Vec::new(), sku_locations: 0 };
    if sender.blocking_send(opening).is_err() {
        return Ok(());
    }
    let mut loading = Loading::default();
    writer.describe(start, loading.next(Stream::Derived, start));
    while let Some(day) = simulation.next_day()? {
        for (stream, event) in day.in_order() {
            writer.write(event, loading.next(stream, event.at));
        }
        let from = day.from()?;
        let parcel = Parcel {
            carriage: std::mem::take(&mut loading).until(day.until),
            until: day.until,
            stockouts: day.ran_out.iter().map(|place| writer.stockout(*place, from)).collect(),
            sku_locations: day.sku_locations,
        };
        if sender.blocking_send(parcel).is_err() {
            break;
        }
    }
    Ok(())
}

/// Ctrl-C, or the signal that asks a process to end.
async fn interrupted() {
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        // Without a handler the signal ends the process, which is what it asks for.
        Err(_) => return std::future::pending().await,
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Opens the address where a desktop is there to do it.
fn open_browser(url: &str) {
    let opener = std::process::Command::new("xdg-open")
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Ok(mut opener) = opener {
        // Waited for in a thread, so that it leaves no zombie behind.
        std::thread::spawn(move || opener.wait());
    }
}
