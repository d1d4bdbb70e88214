//! `tidewatch sandbox`: a stand-in for ERP, warehouse and supplier in one.
//!
//! It takes the outbox's actions, records them durably, answers with a reference, and tells the tower of the document
//! that follows, as a system of record does. It can be slow, down or wrong while it runs.

mod action;
mod faults;
mod ledger;
mod routes;
mod sender;
mod state;

use std::io::{IsTerminal as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use actix_web::{App, HttpServer, web};
use clap::Args;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use self::faults::{Faults, Wrong};
use self::ledger::{Ledger, LedgerError};
use self::state::Sandbox;
use super::client::{Client, ClientError, Patience};

/// Exit code for a wrong argument.
const EXIT_USAGE: u8 = 2;
/// Exit code when it can't start: the address is taken, or the data directory is in use or broken.
const EXIT_START: u8 = 3;
/// How long open connections may go on after a stop.
const SHUTDOWN_S: u64 = 1;
/// One attempt at a time: the sender has its own patience, which has no end.
const PATIENCE: Patience = Patience { attempts_max: 1, first_wait: Duration::from_millis(100) };

/// A stand-in for ERP, warehouse and supplier, to try decisions out
///
/// Takes actions on POST /actions, records them below --data, answers with its reference, and sends the tower the
/// document that follows. Asked again with the same Idempotency-Key it gives the same answer and does nothing twice.
/// It asks for no credentials and does what anyone who reaches it says: keep it on this machine.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tidewatch sandbox --tower http://127.0.0.1:8080
  tidewatch sandbox --tower http://127.0.0.1:8080 --slow 2000 --loss 0.2 --seed 7
  tidewatch sandbox --wrong quantity --receive-after 5000

The tower needs in its actors.toml:
  [targets.erp]
  url = \"http://127.0.0.1:8090/actions\"

While it runs:
  curl http://127.0.0.1:8090/actions        what it was told
  curl http://127.0.0.1:8090/documents      what it made of it
  curl -X PUT http://127.0.0.1:8090/faults -d '{\"down\": true}'
  faults: slow_ms, down, fail_rate, lose_answers, wrong, hold_requests, hold_answers, hold_events, seed

Exit codes:
  0  stopped by SIGTERM or Ctrl-C
  2  an argument is wrong
  3  it can't start: the address is taken, or the data directory is in use or broken")]
pub struct SandboxArgs {
    /// Address and port; port 0 lets the system choose and prints it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// The tower that is told of documents; without it nobody is
    #[arg(long, value_name = "URL")]
    tower: Option<String>,
    /// API key for the tower; one started with --dev needs none
    #[arg(long, env = "TIDEWATCH_KEY", hide_env_values = true)]
    key: Option<String>,
    /// The directory that holds what it was told
    #[arg(long, value_name = "DIR", default_value = "snapshots/sandbox")]
    data: PathBuf,
    /// Milliseconds between recording an action and answering
    #[arg(long, value_name = "MS", default_value_t = 0)]
    slow: u64,
    /// Answer 503 and record nothing
    #[arg(long)]
    down: bool,
    /// Share of requests that fail unrecorded, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    fail_rate: f64,
    /// What is wrong with the document: half the quantity, a week late, refused, or never sent
    #[arg(long, value_name = "KIND")]
    wrong: Option<Wrong>,
    /// Share of requests that are recorded and whose answer is lost, 0 to 1
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    loss: f64,
    /// Milliseconds after which the goods are received; never without it
    #[arg(long, value_name = "MS")]
    receive_after: Option<u64>,
    /// The same seed fails the same attempts
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Print a JSON object a line
    #[arg(long)]
    json: bool,
    /// Stop when the process that started this one ends, however it does
    #[arg(long, hide = true)]
    end_with_parent: bool,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Tower(#[from] ClientError),
    #[error("{0}")]
    Faults(String),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("can't listen on {address}: {cause}")]
    Listen { address: SocketAddr, cause: std::io::Error },
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Failure::Tower(_) | Failure::Faults(_) => EXIT_USAGE,
            Failure::Ledger(_) | Failure::Listen { .. } | Failure::Io(_) => EXIT_START,
        }
    }
}

/// Runs the sandbox until it is told to stop.
pub fn run(args: SandboxArgs) -> ExitCode {
    if args.end_with_parent {
        super::parent::end_with_it();
    }
    match actix_web::rt::System::new().block_on(serve(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("tidewatch sandbox: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn serve(args: SandboxArgs) -> Result<(), Failure> {
    let tower = args.tower.as_deref().map(|url| Client::new(url, args.key.clone(), PATIENCE)).transpose()?;
    let faults = Faults {
        slow_ms: args.slow,
        down: args.down,
        fail_rate: args.fail_rate,
        lose_answers: args.loss,
        wrong: args.wrong,
        seed: args.seed,
        ..Faults::default()
    };
    faults.check().map_err(Failure::Faults)?;
    let ledger = Ledger::open(&args.data)?;
    let receive_after = args.receive_after.map(Duration::from_millis);
    let sandbox = web::Data::new(Sandbox::new(ledger, faults, receive_after, args.json));

    let listener =
        TcpListener::bind(args.listen).map_err(|cause| Failure::Listen { address: args.listen, cause })?;
    let address = listener.local_addr()?;
    let shared = sandbox.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(shared.clone())
            .app_data(web::PayloadConfig::new(routes::BODY_BYTES_MAX))
            .service(routes::post_actions)
            .service(routes::get_actions)
            .service(routes::get_documents)
            .service(routes::get_faults)
            .service(routes::put_faults)
            .service(routes::healthz)
    })
    .workers(1)
    .shutdown_timeout(SHUTDOWN_S)
    .disable_signals()
    .listen(listener)?
    .run();
    let handle = server.handle();
    let serving = actix_web::rt::spawn(server);
    announce(address, &args);

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let sending = async {
        match &tower {
            Some(tower) => sender::run(&sandbox, tower).await,
            None => std::future::pending().await,
        }
    };
    let ended = tokio::select! {
        sent = sending => sent,
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    };
    sandbox.stop();
    handle.stop(true).await;
    let _ = serving.await;
    Ok(ended?)
}

fn announce(address: SocketAddr, args: &SandboxArgs) {
    let url = format!("http://{address}");
    let mut out = std::io::stdout().lock();
    // Nobody needs to read it.
    let _ = if args.json {
        writeln!(out, "{}", json!({"url": url, "tower": args.tower}))
    } else {
        writeln!(out, "tidewatch sandbox listens on {url}")
    };
    if args.tower.is_none() && std::io::stderr().is_terminal() {
        eprintln!("without --tower nobody is told of documents");
    }
}
