//! The demo as a story: a history that flows in at once, a *now*, and what people decide from there on.
//!
//! The demo is the parent of two processes, a tower and the stand-in ERP that it delivers to. [`world`] makes what
//! happens, [`flow`] carries it to the tower as its time comes, [`scenario`] says in which steps the story is told,
//! [`look`] finds out how far each is, [`act`] does one, and [`control`] lets the tower's page, or nobody at all, press
//! the buttons.

mod act;
mod control;
mod flow;
mod look;
mod scenario;
mod season;
mod stage;
mod warehouse;
mod world;

use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use actix_web::web;
use tokio::sync::{Mutex, mpsc};

use self::flow::{Flow, TICK};
pub use self::scenario::Scenario;
use self::stage::{Notes, PlugRequest, Seen, Stage};
use self::warehouse::Warehouse;
use self::world::World;
use super::dataset::Dataset;
use super::tower::{self, Tower};
use super::{DemoArgs, DemoError, EXIT_INTERRUPTED, interrupted, open_browser};
use crate::cli::client::{Client, Patience};
use crate::cli::pace::Speed;

/// Seconds of the tower's time per second: a minute, so that an hour at the page is two and a half days.
const SPEED_DEFAULT: f64 = 60.0;
/// Pulls of the plug that may wait.
const PLUGS_MAX: usize = 1;

/// Tells the story: on a terminal until Ctrl-C; walking through it by itself if it is asked to, or without one.
pub async fn run(args: &DemoArgs, walks: bool) -> miette::Result<ExitCode> {
    let directory = tempfile::Builder::new().prefix("tidewatch-demo-").tempdir();
    let directory = directory.map_err(|cause| miette::miette!("no temporary directory: {cause}"))?;
    let told = tell(args, walks, directory.path()).await;
    if let Err(cause) = directory.close() {
        eprintln!("the temporary directory could not be removed: {cause}");
    }
    told.map_err(|error| miette::miette!("{error}"))
}

/// The two processes. They stop when this goes.
struct Processes {
    tower: Tower,
    erp: Tower,
    arguments: Vec<OsString>,
}

impl Processes {
    async fn start(directory: &Path, control: &str) -> Result<Self, DemoError> {
        let io = |cause| DemoError::Start { cause };
        let tower_at = free_address().map_err(io)?;
        let erp_data = directory.join("erp");
        let tower_url = format!("http://{tower_at}");
        let erp = ["sandbox", "--listen", "127.0.0.1:0", "--tower", &tower_url, "--data"].map(OsStr::new);
        let erp = Tower::launch(erp.into_iter().chain([erp_data.as_os_str()])).await?;
        let config = directory.join("actors.toml");
        // The maker's correction moves what is at risk by 16 to 28 %, as the hour has it: it must count as moved.
        let target =
            format!("[cases]\nfacts_moved_share = 0.1\n[targets.erp]\nurl = \"{}/actions\"\n", erp.url());
        std::fs::write(&config, tower::configuration("") + &target).map_err(io)?;
        let tower_at = tower_at.to_string();
        let mut arguments: Vec<OsString> =
            ["serve", "--dev", "--clock", "event", "--demo-control", control, "--listen", &tower_at]
                .map(OsString::from)
                .into();
        arguments.extend(["--config".into(), config.into_os_string()]);
        arguments.extend(["--data".into(), directory.join("data").into_os_string()]);
        let mut tower = Tower::launch(arguments.iter().map(OsString::as_os_str)).await?;
        tower.ready().await?;
        Ok(Self { tower, erp, arguments })
    }

    /// The tower's process dies, and another one takes its place.
    async fn pull_the_plug(&mut self) -> Result<(), DemoError> {
        self.tower.kill().await.map_err(|cause| DemoError::Start { cause })?;
        self.tower = Tower::launch(self.arguments.iter().map(OsString::as_os_str)).await?;
        self.tower.ready().await
    }

    async fn stop(self) {
        for process in [self.tower, self.erp] {
            if let Err(cause) = process.stop().await {
                eprintln!("a process of the demo could not be stopped: {cause}");
            }
        }
    }
}

/// A port on which nobody listens now. The tower must have the same one after each start.
fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

async fn tell(args: &DemoArgs, walks: bool, directory: &Path) -> Result<ExitCode, DemoError> {
    let io = |cause| DemoError::Start { cause };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io)?;
    let control = format!("http://{}", listener.local_addr().map_err(io)?);
    let mut processes = tokio::select! {
        started = Processes::start(directory, &control) => started?,
        () = interrupted() => return Ok(ExitCode::from(EXIT_INTERRUPTED)),
    };
    // A person ends the story when they have seen enough of it; a walk that is interrupted has not come to its end.
    let code_of_interruption = if walks { EXIT_INTERRUPTED } else { 0 };
    let outcome = tokio::select! {
        outcome = play(args, walks, listener, &mut processes) => outcome,
        () = interrupted() => Ok(ExitCode::from(code_of_interruption)),
    };
    processes.stop().await;
    outcome
}

async fn play(
    args: &DemoArgs,
    walks: bool,
    listener: TcpListener,
    processes: &mut Processes,
) -> Result<ExitCode, DemoError> {
    let scenario = args.scenario.unwrap_or(Scenario::SpikeAndDelay);
    let (plug, mut plugs) = mpsc::channel(PLUGS_MAX);
    let stage = web::Data::new(set_up(args, scenario, processes, plug).await?);
    let url = stage.tower_origin().to_owned();
    let clock = tokio::spawn(run_clock(Arc::clone(&stage)));
    let server = control::serve(listener, stage.clone()).map_err(|cause| DemoError::Start { cause })?;
    let handle = server.handle();
    tokio::spawn(server);
    if !walks {
        println!("{}: {}", scenario.name(), scenario.title());
        println!("The tower serves at {url}; Ctrl-C ends it. The stand-in ERP is at {}", processes.erp.url());
        if !args.no_browser {
            open_browser(&url);
        }
    }
    let walking = Arc::clone(&stage);
    let walk = tokio::spawn(async move {
        if walks { control::walk(&walking).await } else { std::future::pending().await }
    });
    let outcome = follow(processes, &mut plugs, walk).await;
    clock.abort();
    handle.stop(false).await;
    match outcome? {
        Ok(()) => {
            let counts = stage.flow.lock().await.counts.clone();
            println!("\n{}", counts.in_words());
            Ok(ExitCode::from(u8::from(!counts.add_up())))
        }
        Err(said) => {
            eprintln!("the story did not go as it is told: {said}");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Keeps the processes until the walk is over, or the tower ends without having been asked to.
async fn follow(
    processes: &mut Processes,
    plugs: &mut mpsc::Receiver<PlugRequest>,
    mut walk: tokio::task::JoinHandle<Result<(), String>>,
) -> Result<Result<(), String>, DemoError> {
    loop {
        tokio::select! {
            walked = &mut walk => return Ok(walked.unwrap_or_else(|error| Err(error.to_string()))),
            death = processes.tower.died() => return Err(death),
            death = processes.erp.died() => return Err(death),
            request = plugs.recv() => {
                let Some(done) = request else { continue };
                let pulled = processes.pull_the_plug().await;
                // Whoever asked may have gone.
                let _ = done.send(pulled.as_ref().copied().map_err(ToString::to_string));
                pulled?;
            }
        }
    }
}

/// Lets the history flow in, up to the scenario's *now*.
async fn set_up(
    args: &DemoArgs,
    scenario: Scenario,
    processes: &Processes,
    plug: mpsc::Sender<PlugRequest>,
) -> Result<Stage, DemoError> {
    let now = season::local(scenario.now())?;
    let tower = Client::new(processes.tower.url(), None, Patience::default())?;
    let erp = Client::new(processes.erp.url(), None, Patience::default())?;
    let data = Arc::new(Dataset::embedded()?);
    let (world, beginning) = World::start(data, now, scenario.is_season_late()).await?;
    let flow = Flow::until_now(tower.clone(), world, beginning, now).await?;
    let speed = match args.speed {
        None => SPEED_DEFAULT,
        Some(Speed::Max) => flow::SPEED_MAX,
        Some(Speed::Factor(factor)) => factor.min(flow::SPEED_MAX),
    };
    Ok(Stage {
        scenario,
        tower,
        erp,
        acting_as: format!("you;{}", args.role),
        flow: Mutex::new(flow),
        warehouse: Mutex::new(Warehouse::default()),
        speed: speed.into(),
        notes: Notes::default().into(),
        last_seen: Seen::default().into(),
        acting: Mutex::new(()),
        plug,
    })
}

/// Time goes on until the demo ends.
async fn run_clock(stage: Arc<Stage>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = stage.tick().await {
            eprintln!("the demo's clock stumbled: {error}");
        }
    }
}
