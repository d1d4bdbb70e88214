//! `tidewatch bench`: how much a tower takes, how fast it answers, and what that costs.
//!
//! The load comes from a process of its own over HTTP, as it would in earnest. It is built to be cheap, because it
//! shares the machine with the tower: `requests` patches bodies that are made ahead, `wire` speaks just enough HTTP,
//! `load` drives all connections from one thread, `recorder` measures from when a request was *due*. `prepare` tells
//! the tower about the `world` first; `tower` runs it as a child; `observe` and `process` ask what it cost. `session`
//! is one load from beginning to end, `suite` the whole table with its targets, `feed` that of the feed with the
//! `subscribers` that it counts frames with, `report` what people and programs see.

mod disk;
mod feed;
mod load;
mod mix;
mod observe;
mod prepare;
mod process;
mod progress;
mod random;
mod recorder;
mod report;
mod requests;
mod session;
mod subscribers;
mod suite;
mod tower;
mod wire;
mod world;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};

use self::load::Pace;
use self::mix::Mix;
use self::prepare::Step;
use self::progress::Progress;
use self::session::{Load, Session};
use self::suite::SuiteOptions;
use self::tower::TowerOptions;
use self::wire::Endpoint;
use self::world::World;

const EXIT_MISSED: u8 = 3;
const EXIT_INTERRUPTED: u8 = 130;

/// Measures a tower under load: one load, or with --suite the whole table of targets. Without --against it starts a
/// tower of its own in a temporary directory and removes both at the end.
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("table").args(["suite", "feed"]))]
#[command(after_help = "\
Examples:
  tidewatch bench                                   the most that a tower takes
  tidewatch bench --mode rate --rate 75000          latency at a fixed rate
  tidewatch bench --batch 1 --hot 0.8               single events, most of them about one SKU-location
  tidewatch bench --suite --repeat 3 --markdown FILE
  tidewatch bench --feed --repeat 3                 the feed: frames per second, latency, idle sockets

Exit codes:
    0  measured; with --suite or --feed: and every target is met
    1  the tower could not be run, fell silent, or did not accept each event exactly once
    3  --suite or --feed: measured, and a target is missed
  130  interrupted")]
pub struct BenchArgs {
    /// A running tower to measure instead, as in http://127.0.0.1:8080; what is sent to it stays there
    #[arg(long, value_name = "URL", conflicts_with_all = ["suite", "config", "data"])]
    against: Option<String>,
    /// API key for --against; a tower started with --dev needs none
    #[arg(long, env = "TIDEWATCH_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Configuration of the tower that is started
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the tower's temporary directory is made, and so which disk is measured [default: the system's]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// As much as the tower takes, or a fixed rate
    #[arg(long, value_enum, default_value_t = Mode::Max, requires_if("rate", "rate"))]
    mode: Mode,
    /// Events per second with --mode rate
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    rate: Option<u64>,
    /// Events in one request; 1 sends single events
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    batch: u16,
    /// SKU-locations
    #[arg(long, value_name = "N", default_value_t = 50_000,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(world::KEYS_MAX)))]
    keys: u32,
    /// Share of events about one SKU-location, 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = parse_share)]
    hot: Share,
    /// Connections, each with one request on its way at most [default: 16; 128 with single events; 64 at a rate]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=999))]
    connections: Option<u16>,
    /// Seconds that are measured [default: 10; 3 with --quick]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: Option<u32>,
    /// Seconds of load before that [default: 2; 1 with --quick]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(0..=3_600))]
    warm_up: Option<u32>,
    /// Weights of the kinds of events; an order is placed and later shipped, two events
    #[arg(long, value_name = "KIND=WEIGHT,…", default_value = "sale=48,adjusted=3,counted=3,order=5")]
    mix: Mix,
    /// The same seed gives the same load
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Measure the whole table of targets
    #[arg(long, conflicts_with_all = ["mode", "rate", "batch", "keys", "hot", "connections", "mix"])]
    suite: bool,
    /// Measure the feed's table of targets
    #[arg(long, conflicts_with_all = ["suite", "mode", "rate", "batch", "keys", "hot", "connections", "mix", "against"])]
    feed: bool,
    /// --suite or --feed with shorter loads and fewer SKU-locations, to see that it works rather than how fast
    #[arg(long, requires = "table")]
    quick: bool,
    /// Run the suite that many times; the table shows the median and the spread
    #[arg(long, value_name = "N", default_value_t = 1, requires = "table",
          value_parser = clap::value_parser!(u16).range(1..=100))]
    repeat: u16,
    /// Write the table there too, as Markdown
    #[arg(long, value_name = "FILE", requires = "table")]
    markdown: Option<PathBuf>,
    /// Print the result as one JSON object, and no progress
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    Max,
    Rate,
}

/// A share in parts of 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Share(u32);

fn parse_share(text: &str) -> Result<Share, String> {
    let share: f64 = text.parse().map_err(|_| "must be a number from 0 to 1".to_owned())?;
    if (0.0..=1.0).contains(&share) {
        Ok(Share((share * 10_000.0).round() as u32))
    } else {
        Err("must be from 0 to 1".to_owned())
    }
}

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error("`{0}` is not http://HOST:PORT")]
    Address(String),
    #[error("the connection to the tower broke: {0}")]
    Connection(#[source] io::Error),
    #[error("the tower's answer can't be used: {0}")]
    Answer(String),
    #[error("the tower did not answer for {seconds} s")]
    Silent { seconds: u64 },
    #[error("the tower refused a request {refusals} times")]
    Busy { refusals: u64 },
    #[error("the tower answered {status} to {request}: {answer}")]
    Status { request: &'static str, status: u16, answer: String },
    #[error("of {sent} events sent {accepted} were accepted: {answer}")]
    NotTaken { sent: u64, accepted: u64, answer: String },
    #[error("the consequences up to {lsn} were not settled after {seconds} s")]
    NotSettled { lsn: u64, seconds: u64 },
    #[error("the tower failed: {cause}{log}")]
    Tower { cause: String, log: String },
    #[error("the configuration can't be used: {0}")]
    Config(String),
    #[error("the tower can't be run here: {0}")]
    Directory(#[source] io::Error),
    #[error("the disk can't be measured: {0}")]
    Disk(#[source] io::Error),
    #[error("memory can be measured only where there is /proc")]
    NoMemory,
    #[error("the result can't be written: {0}")]
    Output(#[source] io::Error),
}

/// Runs the command on a runtime of its own: one thread for all connections.
#[must_use]
pub fn run(args: BenchArgs) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("tidewatch bench: {error}");
            return ExitCode::FAILURE;
        }
    };
    let done = runtime.block_on(async {
        tokio::select! {
            done = measure(args) => Some(done),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    match done {
        Some(Ok(code)) => code,
        Some(Err(error)) => {
            eprintln!("tidewatch bench: {error}");
            ExitCode::FAILURE
        }
        None => ExitCode::from(EXIT_INTERRUPTED),
    }
}

async fn measure(args: BenchArgs) -> Result<ExitCode, BenchError> {
    let progress = Progress::new(args.json);
    let tower = TowerOptions { parent: args.data, config: args.config, duplicate_window_events: None };
    let or_default = |given: Option<u32>, usual: u32, quick: u32| {
        Duration::from_secs(u64::from(given.unwrap_or(if args.quick { quick } else { usual })))
    };
    let measured = or_default(args.seconds, 10, 3);
    let warm_up = or_default(args.warm_up, 2, 1);
    let options =
        || SuiteOptions { tower: tower.clone(), measured, warm_up, seed: args.seed, quick: args.quick };
    let code = |rows: &[suite::Row]| {
        if rows.iter().all(|row| row.met) { ExitCode::SUCCESS } else { ExitCode::from(EXIT_MISSED) }
    };
    if args.feed {
        let report = feed::run(&options(), usize::from(args.repeat), progress).await?;
        if let Some(path) = &args.markdown {
            std::fs::write(path, report::feed_markdown(&report)).map_err(BenchError::Output)?;
        }
        let table = report::table_text(&report.rows, report.runs.len());
        report::print(&if args.json { report::json(&report)? } else { table })?;
        return Ok(code(&report.rows));
    }
    if args.suite {
        let options = options();
        let report = suite::run(&options, usize::from(args.repeat), progress).await?;
        if let Some(path) = &args.markdown {
            std::fs::write(path, report::markdown(&report)).map_err(BenchError::Output)?;
        }
        let table = report::table_text(&report.rows, report.runs.len());
        report::print(&if args.json { report::json(&report)? } else { table })?;
        return Ok(code(&report.rows));
    }

    let world = World::new(args.keys);
    let session = match &args.against {
        Some(url) => Session::against(Endpoint::parse(url, args.key)?, world, args.seed),
        None => Session::start(&tower, world, args.seed).await?,
    };
    let disk = match session.tower() {
        Some(tower) => Some(disk::probe_fdatasync(tower.directory()).map_err(BenchError::Disk)?),
        None => None,
    };
    session.prepare(&Step::LOAD, progress).await?;
    let load = Load {
        pace: match (args.mode, args.rate) {
            (Mode::Rate, Some(events_per_s)) => Pace::Rate { events_per_s },
            _ => Pace::Max,
        },
        batch: usize::from(args.batch),
        hot_of_10_000: args.hot.0,
        connections: args.connections.map(usize::from),
        mix: args.mix,
        warm_up,
        measured,
    };
    let report = report::SingleReport { load: session.measure(&load, progress).await?, fdatasync: disk };
    session.stop().await?;
    let text = if args.json { report::json(&report)? } else { report::load_text(&report) };
    report::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Bench {
        #[command(flatten)]
        args: BenchArgs,
    }

    fn parse(arguments: &str) -> Result<BenchArgs, clap::Error> {
        Bench::try_parse_from(["bench"].into_iter().chain(arguments.split_whitespace()))
            .map(|bench| bench.args)
    }

    #[test]
    fn arguments_that_contradict_each_other_are_refused() {
        for good in [
            "",
            "--mode rate --rate 7",
            "--suite --quick --repeat 3",
            "--feed --quick --markdown F",
            "--hot 0.8 --batch 1",
            "--mix sale=1",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        let wrong = [
            "--mode rate",
            "--quick",
            "--repeat 2",
            "--suite --keys 5",
            "--suite --feed",
            "--suite --against http://h:1",
        ];
        for wrong in
            wrong.into_iter().chain(["--batch 0", "--keys 0", "--hot 1.1", "--hot x", "--connections 1000"])
        {
            assert_eq!(parse(wrong).expect_err(wrong).exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn a_share_is_read_to_four_digits() {
        assert_eq!(parse_share("0.8"), Ok(Share(8_000)));
        assert_eq!(parse_share("1"), Ok(Share(10_000)));
        assert!(parse_share("NaN").is_err());
    }
}
