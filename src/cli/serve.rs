//! `tidewatch serve`: the tower itself.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use actix_web::web;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

use super::settings::settings;
use crate::auth::{KeyCache, KeyStore};
use crate::config::{self, Config, LogFormat};
use crate::costing;
use crate::domain::ids::Name;
use crate::domain::money::Currency;
use crate::domain::record::ClockKind;
use crate::feed::{self, Hub};
use crate::http::state::{AppState, ConsoleSettings};
use crate::http::{ServeError, Serving, serve};
use crate::outbox::{Outbox, OutboxError};
use crate::runtime::{StartError, TenantOptions, Tower, TowerOptions, TrimOptions};

/// Run the tower.
///
/// Everything that must last is below --data. Without --dev every request needs an API key:
///
///   tidewatch keys create --name erp --role integration
///
///   tidewatch serve --data snapshots --listen 127.0.0.1:8080
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The configuration; without it ./actors.toml if it is there
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port; port 0 lets the system choose and prints it
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The directory that holds all that must last
    #[arg(long, value_name = "DIR", default_value = "snapshots")]
    data: PathBuf,
    /// Take requests without credentials, from loopback only. For trying things out
    #[arg(long)]
    dev: bool,
    /// The clock of tenant `default`: set on an empty data directory, kept by every later start
    #[arg(long, value_name = "KIND")]
    clock: Option<Clock>,
    /// Where the demo that runs this tower is controlled; the console shows its tour then
    #[arg(long, value_name = "URL", hide = true, value_parser = local_origin)]
    demo_control: Option<String>,
    /// Stop when the process that started this one ends, however it does
    #[arg(long, hide = true)]
    end_with_parent: bool,
}

/// `http://127.0.0.1:PORT`. It goes into a header of every page, so nothing else is taken.
fn local_origin(url: &str) -> Result<String, String> {
    let address = url.strip_prefix("http://").and_then(|address| address.parse::<SocketAddr>().ok());
    match address {
        Some(address) if address.ip().is_loopback() => Ok(format!("http://{address}")),
        _ => Err("expected http://127.0.0.1:PORT".to_owned()),
    }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Clock {
    Wall,
    Event,
}

/// Open files that the journal, the log and the rest take at most.
const FILES_BESIDE_CONNECTIONS: u64 = 256;
/// Exit code for a wrong configuration or command line.
const EXIT_USAGE: u8 = 2;
/// Exit code when the tower can't start: the journal is damaged, locked, newer, or the address is taken.
const EXIT_START: u8 = 3;
/// Exit code when a stop took longer than it may; what was acknowledged is durable all the same.
const EXIT_DRAIN: u8 = 4;

/// How long a stop may take from the signal on: half a second less than is promised, for the process to end. The longest
/// drain that can be configured, closing the journal and ending open connections fit into it.
const STOP_MAX: Duration = Duration::from_millis(9_500);

/// Runs the tower until it is told to stop.
pub fn run(args: ServeArgs) -> ExitCode {
    if args.end_with_parent {
        super::parent::end_with_it();
    }
    let mut config = match Config::load(args.config.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{:?}", miette::Report::new(error));
            return ExitCode::from(EXIT_USAGE);
        }
    };
    if let Some(listen) = args.listen {
        config.server.listen = listen;
    }
    if let Some(clock) = args.clock
        && let Some(tenant) = config.tenants.iter_mut().find(|tenant| tenant.name == "default")
    {
        tenant.clock = match clock {
            Clock::Wall => config::ClockKind::Wall,
            Clock::Event => config::ClockKind::Event,
        };
    }
    start_log(&config);
    raise_file_limit(config.server.connections_max);
    let system = actix_web::rt::System::new();
    match system.block_on(run_tower(args, config)) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Asks the system for as many open files as it lets this process have: a connection takes two, and a journal that can't
/// open its next segment stops the tower.
fn raise_file_limit(connections_max: usize) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let mut raised = limit;
    raised.current = limit.maximum;
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let wanted = 2 * connections_max as u64 + FILES_BESIDE_CONNECTIONS;
    if let Some(allowed) = allowed.filter(|allowed| *allowed < wanted) {
        tracing::warn!(
            allowed,
            wanted,
            "fewer open files are allowed than server.connections_max may need: raise the limit (ulimit -n) or lower the key"
        );
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("tidewatch can't start: {0}")]
    Start(#[from] StartError),
    #[error("tidewatch can't start: {0}")]
    Serve(#[from] ServeError),
    #[error("tidewatch can't start: {0}")]
    Keys(#[from] crate::auth::KeyError),
    #[error("tidewatch can't start: {0}")]
    Outbox(#[from] OutboxError),
    #[error("tidewatch can't start: {0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Configuration(String),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Failure::Serve(ServeError::DevNotLoopback(_))
            | Failure::Configuration(_)
            | Failure::Outbox(OutboxError::Target(_)) => EXIT_USAGE,
            _ => EXIT_START,
        }
    }
}

async fn run_tower(args: ServeArgs, config: Config) -> Result<ExitCode, Failure> {
    let options = tower_options(&args, &config)?;
    std::fs::create_dir_all(&args.data)?;
    let (state_sink, journal_sink, inlet) = feed::channel();
    let (done, recovered) = oneshot::channel();
    let tower = Tower::start(options, state_sink, journal_sink, done)?;
    let hub = Hub::start(inlet, tower.clone(), config.feed.clone())?;
    let outbox = Outbox::start(tower.clone(), &config.outbox, &config.targets)?;
    let costing = costing::start(tower.clone())?;
    let keys = KeyCache::open(KeyStore::new(&args.data))?;
    let drain = Duration::from_millis(config.server.drain_ms);
    let listen = config.server.listen;
    let console = ConsoleSettings { demo_control: args.demo_control.clone() };
    let state = web::Data::new(AppState { tower: tower.clone(), config, keys, dev: args.dev, console });
    let Serving { address, server } = serve(state, hub, listen)?;
    let handle = server.handle();
    let serving = actix_web::rt::spawn(server);
    println!("tidewatch listens on http://{address}");
    if args.dev {
        warn!("--dev: every local request is taken as principal `dev` with every role");
        eprintln!(
            "--dev: requests from this machine need no credentials and have every role. Not for production."
        );
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::pin!(recovered);
    let mut is_ready = false;
    loop {
        tokio::select! {
            // Both arms only wait; dropping one loses nothing.
            outcome = &mut recovered, if !is_ready => match outcome {
                Ok(Ok(())) => is_ready = true,
                Ok(Err(failure)) => return Err(failure.into()),
                Err(_) => return Err(StartError::Ended.into()),
            },
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        }
    }
    info!("stopping: no new work is taken");
    let stopped_by = tokio::time::Instant::now() + STOP_MAX;
    tower.begin_drain();
    costing.stop();
    let drain_by = tokio::time::Instant::now() + drain;
    if !outbox.drain(drain / 2).await {
        warn!("attempts to deliver actions were still under way; the next start finds out about them");
    }
    let drained = tower.drain(drain_by.saturating_duration_since(tokio::time::Instant::now())).await;
    let ending = async {
        handle.stop(true).await;
        let _ = serving.await;
    };
    if tokio::time::timeout_at(stopped_by, ending).await.is_err() {
        warn!("connections that were still open are cut");
    }
    if drained {
        info!("stopped; everything accepted is applied and durable");
        Ok(ExitCode::SUCCESS)
    } else {
        error!("stopped before everything was applied; it is durable and will be at the next start");
        Ok(ExitCode::from(EXIT_DRAIN))
    }
}

fn start_log(config: &Config) {
    let filter = EnvFilter::try_from_env("TIDEWATCH_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("{},actix_server=warn", config.log.level.as_str())));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal());
    // A second subscriber can only come from a test that runs this twice.
    let _ = match config.log.format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}

fn tower_options(args: &ServeArgs, config: &Config) -> Result<TowerOptions, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let shards = if config.runtime.shards == 0 { cores } else { config.runtime.shards };
    let tenants = config.tenants.iter().map(|tenant| {
        let base_currency = Currency::parse(&tenant.base_currency).ok_or_else(|| {
            Failure::Configuration(format!("`{}` is no currency code", tenant.base_currency))
        })?;
        Ok(TenantOptions {
            name: Name::from(tenant.name.as_str()),
            clock: match tenant.clock {
                config::ClockKind::Wall => ClockKind::Wall,
                config::ClockKind::Event => ClockKind::Event,
            },
            insists_on_clock: args.clock.is_some() && tenant.name == "default",
            base_currency,
            timezone: Name::from(tenant.timezone.as_str()),
        })
    });
    let hash = config.content_hash().map_err(|error| Failure::Configuration(error.to_string()))?;
    Ok(TowerOptions {
        data: args.data.clone(),
        shards: u16::try_from(shards).unwrap_or(u16::MAX),
        segment_bytes_max: config.journal.segment_bytes_max as u64,
        group_records_max: config.journal.group_records_max,
        group_bytes_max: config.journal.group_bytes_max,
        duplicate_window_events: config.journal.duplicate_window_events,
        compress_sealed: config.journal.compress_sealed,
        trim: TrimOptions {
            is_on: config.journal.trim,
            keep_bytes: config.journal.trim_keep_bytes as u64,
            hold_records_max: config.journal.trim_hold_records_max as u64,
        },
        records_max: config.admission.records_max as u64,
        bytes_max: config.admission.bytes_max as u64,
        batch_records_max: config.runtime.batch_records_max,
        reconcile_budget: Duration::from_millis(config.runtime.reconcile_budget_ms),
        review_slice: config.runtime.review_slice,
        look_slice: config.runtime.look_slice,
        look_again: Duration::from_millis(config.runtime.look_again_ms),
        look_again_percent: config.runtime.look_again_percent,
        replay_records_in_flight_max: config.runtime.replay_records_in_flight_max as u64,
        quarantine_entries_max: config.runtime.quarantine_entries_max,
        exceptions_ended_max: config.runtime.exceptions_ended_max,
        state_interval: Duration::from_millis(config.feed.state_interval_ms),
        entities_live_max: config.runtime.entities_live_max,
        packed_bytes_max: config.runtime.entities_packed_bytes_max,
        snapshot_journal_bytes: config.snapshots.journal_bytes as u64,
        snapshot_slice_entities: config.snapshots.slice_entities,
        snapshot_free_bytes_min: config.snapshots.free_bytes_min as u64,
        settings: settings(config),
        settings_hash: hash.to_hex().to_string(),
        tenants: tenants.collect::<Result<_, Failure>>()?,
    })
}
