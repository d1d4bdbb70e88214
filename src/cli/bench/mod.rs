//! `tidewatch bench`: how much a tower takes, how fast it answers, and what that costs.
//!
//! The load comes from a process of its own over HTTP, as it would in earnest. It is built to be cheap, because it
//! shares the machine with the tower: `requests` patches bodies that are made ahead, `wire` speaks just enough HTTP,
//! `load` drives all connections from one thread, `recorder` measures from when a request was *due*. `prepare` tells
//! the tower about the `world` first, whose stock is in the `books`; `tower` runs it as a child; `observe` and `process`
//! ask what it cost. `session` is one load from beginning to end, `suite` the whole table with its targets, `feed` that of
//! the feed with the `subscribers` that it counts frames with, `recovery` that of snapshots and of starts after a kill,
//! `passivation` that of entities at rest with the `budget` of its memory, `report` what people and programs see.
//!
//! A `profile` says what a load is like over time. `trial` runs one from beginning to end: the `open_loop` sends what is
//! due and goes on whatever the tower does, `timeline` records it, a `crowd` of `feed_client`s stands beside it, a
//! `probe` how soon events show on the feed; a `campaign` is several of them, which `profile_report`, `chart` and `html`
//! show. `written` is where results go besides the terminal.

mod books;
mod budget;
mod campaign;
mod chart;
mod crowd;
mod disk;
mod exposition;
mod feed;
mod feed_client;
mod html;
mod load;
mod mix;
mod observe;
mod open_loop;
mod passivation;
mod passivation_report;
mod prepare;
mod probe;
mod process;
mod profile;
mod profile_report;
mod progress;
mod random;
mod recorder;
mod recovery;
mod report;
mod requests;
mod session;
mod subscribers;
mod suite;
mod timeline;
mod tower;
mod trial;
mod wire;
mod world;
mod written;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};

use self::load::Pace;
use self::mix::Mix;
use self::passivation::PassivationOptions;
use self::prepare::Step;
use self::profile::Profile;
use self::progress::Progress;
use self::recovery::RecoveryOptions;
use self::session::{Load, Session};
use self::suite::SuiteOptions;
use self::tower::TowerOptions;
use self::trial::TrialOptions;
use self::wire::Endpoint;
use self::world::World;
use self::written::Written;

/// What a single load has by default.
const LOAD_KEYS: u32 = 50_000;
const LOAD_BATCH: u16 = 256;
/// What profiles have by default.
const PROFILE_EVENTS_PER_S: u64 = 5_000;
const PROFILE_KEYS: u32 = 10_000;
const PROFILE_CONNECTIONS: u16 = 128;

const EXIT_MISSED: u8 = 3;
const EXIT_INTERRUPTED: u8 = 130;

/// Measures a tower under load: one load, a profile over time, or with --suite the whole table of targets. Without
/// --against it starts a tower of its own in a temporary directory and removes both at the end.
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("table").args(["suite", "feed", "recovery", "passivation", "profile"]))]
#[command(after_help = "\
Examples:
  tidewatch bench                                   the most that a tower takes
  tidewatch bench --mode rate --rate 75000          latency at a fixed rate
  tidewatch bench --batch 1 --hot 0.8               single events, most of them about one SKU-location
  tidewatch bench --suite --repeat 3 --markdown FILE
  tidewatch bench --feed --repeat 3                 the feed: frames per second, latency, idle sockets
  tidewatch bench --recovery                        snapshots under load, and the start after a kill
  tidewatch bench --passivation                     memory of 2,000,000 SKU-locations of which few are active

  tidewatch bench --profile black-friday --rate 8000 --duration 2m --html report.html
  tidewatch bench --profile flash-promotion         80 % of events on one SKU within seconds
  tidewatch bench --profile reconnect-storm --clients 500
  tidewatch bench --profile steady --against http://tower:8080 --key KEY --json
  tidewatch bench --profile all --repeat 3          every profile, each on a tower of its own

Profiles send at times that are fixed beforehand, and latency counts from then: a tower that stands still shows it.

Exit codes:
    0  measured; with --suite, --feed, --recovery or --passivation: and every target is met
    1  the tower could not be run, fell silent, or did not accept each event exactly once; with --profile also if
       requests failed, or feed clients that read missed an event
    3  --suite, --feed, --recovery or --passivation: measured, and a target is missed
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
    /// A load over time; --rate is then the highest of its rates [default: 5000], requests hold one event by default
    #[arg(long, value_name = "NAME", value_parser = parse_profiles,
          conflicts_with_all = ["suite", "feed", "recovery", "mode", "hot", "mix", "warm_up"])]
    profile: Option<Profiles>,
    /// Feed clients that drop, or that read too slowly, with the profiles that have some [default: 100; 20 slow ones]
    #[arg(long, value_name = "N", requires = "profile", value_parser = clap::value_parser!(u16).range(1..=2_000))]
    clients: Option<u16>,
    /// Milliseconds without an answer, while requests were due, that count as a stall
    #[arg(long, value_name = "MS", default_value_t = 250, requires = "profile",
          value_parser = clap::value_parser!(u64).range(1..=60_000))]
    stall_ms: u64,
    /// Events per second with --mode rate, or at most with --profile; with --recovery while snapshots are taken
    /// [default: a quarter of the maximum; 5000 with --passivation]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    rate: Option<u64>,
    /// Events in one request; 1 sends single events [default: 256; 1 with --profile]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    batch: Option<u16>,
    /// SKU-locations [default: 50000; 10000 with --profile; 1000000 with --recovery; 2000000 with --passivation]
    #[arg(long, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(world::KEYS_MAX)))]
    keys: Option<u32>,
    /// Share of events about one SKU-location, 0 to 1
    #[arg(long, value_name = "SHARE", default_value = "0", value_parser = parse_share)]
    hot: Share,
    /// Connections, each with one request on its way at most [default: 16; 128 with single events; 64 at a rate;
    /// 128 with --profile]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=999))]
    connections: Option<u16>,
    /// Seconds that are measured, or with --profile that the load lasts; also as in 90s, 5m, 1h [default: 10; 3 with
    /// --quick; 30 with --profile, 10 with both; 20 with --passivation, 5 with both]
    #[arg(long, visible_alias = "duration", value_name = "S", value_parser = parse_seconds)]
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
    /// Measure snapshots and recovery: acknowledgements while snapshots are taken, and how soon a killed tower is ready
    #[arg(long, conflicts_with_all = ["suite", "feed", "mode", "batch", "hot", "connections", "mix", "against"])]
    recovery: bool,
    /// Measure a tower whose entities rest: its memory, and how soon they are there again, before and after a kill
    #[arg(long, conflicts_with_all = ["suite", "feed", "recovery", "mode", "batch", "hot", "connections", "mix", "against"])]
    passivation: bool,
    /// Records behind the snapshot with --recovery [default: as many as SKU-locations]
    #[arg(long, value_name = "N", requires = "recovery", value_parser = clap::value_parser!(u32).range(10..=100_000_000))]
    suffix: Option<u32>,
    /// Shorter loads, with --suite, --feed, --recovery and --passivation also fewer SKU-locations, to see that it works
    /// rather than how fast
    #[arg(long, requires = "table")]
    quick: bool,
    /// Run all of it that many times; the table shows the median and the spread
    #[arg(long, value_name = "N", default_value_t = 1, requires = "table",
          value_parser = clap::value_parser!(u16).range(1..=100))]
    repeat: u16,
    /// Write the table there too, as Markdown
    #[arg(long, value_name = "FILE", requires = "table")]
    markdown: Option<PathBuf>,
    /// Write it into that page too, as Markdown between `<!-- generated: NAME -->` and `<!-- end: NAME -->`; NAME is
    /// suite, feed, recovery, passivation or profiles
    #[arg(long, value_name = "FILE", requires = "table")]
    into: Option<PathBuf>,
    /// Write a report there too, as a page with charts that needs nothing else
    #[arg(long, value_name = "FILE", requires = "table")]
    html: Option<PathBuf>,
    /// Print the result as one JSON object, and no progress
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    Max,
    Rate,
}

/// One profile, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Profiles(Vec<Profile>);

fn parse_profiles(text: &str) -> Result<Profiles, String> {
    if text == "all" {
        return Ok(Profiles(Profile::ALL.to_vec()));
    }
    let named = Profile::ALL.into_iter().find(|profile| profile.name() == text);
    named
        .map(|profile| Profiles(vec![profile]))
        .ok_or_else(|| format!("must be one of {}, all", Profile::ALL.map(Profile::name).join(", ")))
}

const SECONDS_MAX: u32 = 86_400;

fn parse_seconds(text: &str) -> Result<u32, String> {
    let (digits, factor) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(digits) if text.ends_with('m') => (digits, 60),
        Some(digits) if text.ends_with('h') => (digits, 3_600),
        Some(digits) => (digits, 1),
        None => (text, 1),
    };
    let seconds = digits.parse().ok().and_then(|number: u32| number.checked_mul(factor));
    seconds
        .filter(|seconds| (1..=SECONDS_MAX).contains(seconds))
        .ok_or_else(|| format!("must be 1 to {SECONDS_MAX} seconds, as in 90, 90s, 5m or 1h"))
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
    let tower = TowerOptions { parent: args.data, config: args.config, ..TowerOptions::default() };
    let or_default = |given: Option<u32>, usual: u32, quick: u32| {
        Duration::from_secs(u64::from(given.unwrap_or(if args.quick { quick } else { usual })))
    };
    let measured =
        if args.passivation { or_default(args.seconds, 20, 5) } else { or_default(args.seconds, 10, 3) };
    let warm_up = or_default(args.warm_up, 2, 1);
    let options =
        || SuiteOptions { tower: tower.clone(), measured, warm_up, seed: args.seed, quick: args.quick };
    let code = |rows: &[suite::Row]| {
        if rows.iter().all(|row| row.met) { ExitCode::SUCCESS } else { ExitCode::from(EXIT_MISSED) }
    };
    let written = Written { markdown: args.markdown, into: args.into, html: args.html };
    if let Some(profiles) = &args.profile {
        let against = match &args.against {
            Some(url) => Some(Endpoint::parse(url, args.key)?),
            None => None,
        };
        let trial = TrialOptions {
            tower,
            against,
            profile: Profile::Steady,
            events_per_s: args.rate.unwrap_or(PROFILE_EVENTS_PER_S),
            duration: or_default(args.seconds, 30, 10),
            batch: usize::from(args.batch.unwrap_or(1)),
            keys: args.keys.unwrap_or(PROFILE_KEYS),
            connections: usize::from(args.connections.unwrap_or(PROFILE_CONNECTIONS)),
            clients: 0,
            stall_min: Duration::from_millis(args.stall_ms),
            seed: args.seed,
        };
        return campaign::run(&profiles.0, trial, args.clients, args.repeat, (written, args.json), progress)
            .await;
    }
    if args.feed {
        written.check("feed")?;
        let report = feed::run(&options(), usize::from(args.repeat), progress).await?;
        let origin = (report.version, report.date.as_str(), report.command.as_str());
        written.write("feed", &report::feed_markdown(&report), || {
            html::targets(origin, &report.machine, &report.rows, report.runs.len())
        })?;
        let table = report::table_text(&report.rows, report.runs.len());
        report::print(&if args.json { report::json(&report)? } else { table })?;
        return Ok(code(&report.rows));
    }
    if args.recovery {
        written.check("recovery")?;
        let options = RecoveryOptions {
            suite: options(),
            keys: args.keys,
            suffix: args.suffix,
            events_per_s: args.rate,
        };
        let report = recovery::run(&options, usize::from(args.repeat), progress).await?;
        let origin = (report.version, report.date.as_str(), report.command.as_str());
        written.write("recovery", &report::recovery_markdown(&report), || {
            html::targets(origin, &report.machine, &report.rows, report.runs.len())
        })?;
        let table = report::table_text(&report.rows, report.runs.len());
        report::print(&if args.json { report::json(&report)? } else { table })?;
        return Ok(code(&report.rows));
    }
    if args.passivation {
        written.check("passivation")?;
        let options = PassivationOptions { suite: options(), keys: args.keys, events_per_s: args.rate };
        let report = passivation::run(&options, usize::from(args.repeat), progress).await?;
        let origin = (report.version, report.date.as_str(), report.command.as_str());
        written.write("passivation", &passivation_report::markdown(&report), || {
            html::targets(origin, &report.machine, &report.rows, report.runs.len())
        })?;
        report::print(&if args.json { report::json(&report)? } else { passivation_report::text(&report) })?;
        return Ok(code(&report.rows));
    }
    if args.suite {
        written.check("suite")?;
        let options = options();
        let report = suite::run(&options, usize::from(args.repeat), progress).await?;
        let origin = (report.version, report.date.as_str(), report.command.as_str());
        written.write("suite", &report::markdown(&report), || {
            html::targets(origin, &report.machine, &report.rows, report.runs.len())
        })?;
        let table = report::table_text(&report.rows, report.runs.len());
        report::print(&if args.json { report::json(&report)? } else { table })?;
        return Ok(code(&report.rows));
    }

    let world = World::new(args.keys.unwrap_or(LOAD_KEYS));
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
        batch: usize::from(args.batch.unwrap_or(LOAD_BATCH)),
        hot_of_10_000: args.hot.0,
        hot_keys: 1,
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
            "--recovery --keys 100000 --suffix 1000 --rate 5000 --into F",
            "--passivation --keys 100000 --rate 2000 --seconds 5 --quick --repeat 2 --into F",
            "--hot 0.8 --batch 1",
            "--mix sale=1",
            "--profile black-friday --rate 100 --duration 5m --html F --json",
            "--profile all --repeat 2 --into F --quick",
            "--profile slow-consumers --clients 5 --stall-ms 100 --against http://h:1",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        let wrong = [
            "--mode rate",
            "--quick",
            "--repeat 2",
            "--suite --keys 5",
            "--suite --feed",
            "--recovery --against http://h:1",
            "--suffix 10",
            "--passivation --recovery",
            "--passivation --hot 0.5",
            "--passivation --against http://h:1",
            "--suite --against http://h:1",
            "--profile steady --suite",
            "--profile sideways",
            "--profile steady --hot 0.8",
            "--clients 5",
            "--html F",
            "--seconds 0",
            "--seconds 5d",
        ];
        for wrong in
            wrong.into_iter().chain(["--batch 0", "--keys 0", "--hot 1.1", "--hot x", "--connections 1000"])
        {
            assert_eq!(parse(wrong).expect_err(wrong).exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn a_duration_is_in_seconds_unless_it_says_so() {
        let read = ["90", "90s", "5m", "1h"].map(parse_seconds);
        assert_eq!(read, [Ok(90), Ok(90), Ok(300), Ok(3_600)]);
        for wrong in ["", "s", "-1", "0", "25h", "99999999999h", "1d"] {
            assert!(parse_seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_share_is_read_to_four_digits() {
        assert_eq!(parse_share("0.8"), Ok(Share(8_000)));
        assert_eq!(parse_share("1"), Ok(Share(10_000)));
        assert!(parse_share("NaN").is_err());
    }
}
