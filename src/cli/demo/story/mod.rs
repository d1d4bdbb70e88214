//! The demo as a story: a history, a *now*, and what people decide from there on.

mod flow;
mod season;
mod world;

use std::ffi::OsStr;
use std::process::ExitCode;
use std::sync::Arc;

use jiff::Timestamp;

use self::flow::Flow;
use self::world::World;
use super::dataset::Dataset;
use super::tower::{self, Tower};
use super::{DemoArgs, DemoError};
use crate::cli::client::{Client, Patience};

pub async fn run(args: DemoArgs) -> miette::Result<ExitCode> {
    explore(&args).await.map_err(|error| miette::miette!("{error}"))
}

async fn explore(args: &DemoArgs) -> Result<ExitCode, DemoError> {
    let directory = tempfile::Builder::new().prefix("tidewatch-demo-").tempdir();
    let directory = directory.map_err(|cause| DemoError::Start { cause })?;
    let mut tower = Tower::start(directory.path()).await?;
    println!("{}", tower.url());
    let client = Client::new(tower.url(), None, Patience::default())?;
    let now: Timestamp = std::env::var("NOW").unwrap_or("2015-10-15T16:30:00Z".into()).parse().unwrap();
    let started = std::time::Instant::now();
    let data = Arc::new(Dataset::embedded()?);
    let (world, beginning) = World::start(data, now).await?;
    let flow = Flow::until_now(client, world, beginning, now).await?;
    println!("{:?} {:?}", started.elapsed(), flow.counts);
    super::interrupted().await;
    let _ = tower.stop().await;
    let _ = args.no_browser;
    let _: Option<&OsStr> = None;
    let _ = tower::configuration();
    Ok(ExitCode::SUCCESS)
}
