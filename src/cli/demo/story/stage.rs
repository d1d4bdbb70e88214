//! What a scenario plays on: the tower and the stand-in ERP, time, and what is remembered of the steps done.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex as NoteLock;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::flow::{Flow, SPEED_MAX};
use super::scenario::Scenario;
use super::warehouse::{self, Warehouse, items};
use crate::cli::client::{Client, ClientError};
use crate::cli::demo::DemoError;

/// How long something that follows by itself is waited for.
const FOLLOWS_WITHIN: Duration = Duration::from_secs(30);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// What came of a step that was done here.
#[derive(Debug, Clone)]
pub struct Note {
    pub is_good: bool,
    pub detail: String,
    pub ms: u64,
}

/// What the demo remembers beside what the tower knows.
#[derive(Debug)]
pub struct Notes {
    pub of_step: BTreeMap<&'static str, Note>,
    pub running: Option<&'static str>,
    /// The case, once it was seen.
    pub case_id: Option<String>,
    /// The version of the case that somebody looked at before the facts moved.
    pub old_version: Option<u64>,
    /// What the last pull of the plug showed.
    pub last_plug: Said<Value>,
    pub restarts: u64,
    pub last_outage_ms: Option<u64>,
    pub tower_is_running: bool,
}

impl Default for Notes {
    fn default() -> Self {
        Self {
            of_step: BTreeMap::new(),
            running: None,
            case_id: None,
            old_version: None,
            last_plug: Err("nobody pulled it".to_owned()),
            restarts: 0,
            last_outage_ms: None,
            tower_is_running: true,
        }
    }
}

/// What was last seen while the tower was there.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    pub now: Value,
    pub steps: Vec<Value>,
}

/// What the tower's process is asked to do, by whoever is not its parent.
pub type PlugRequest = oneshot::Sender<Result<(), String>>;

pub struct Stage {
    pub scenario: Scenario,
    pub tower: Client,
    pub erp: Client,
    /// Whom the page acts as at first.
    pub acting_as: String,
    pub flow: Mutex<Flow>,
    pub warehouse: Mutex<Warehouse>,
    pub speed: NoteLock<f64>,
    pub notes: NoteLock<Notes>,
    pub last_seen: NoteLock<Seen>,
    /// One step at a time.
    pub acting: Mutex<()>,
    pub plug: mpsc::Sender<PlugRequest>,
}

/// What a step that failed says.
pub type Said<T> = Result<T, String>;

impl Stage {
    pub fn tower_origin(&self) -> &str {
        self.tower.base().as_str().trim_end_matches('/')
    }

    /// # Errors
    /// What the tower answered, in words.
    pub async fn get(&self, path: &str) -> Said<Value> {
        self.tower.get_json(path).await.map_err(|error| error.to_string())
    }

    /// All items of a list, up to a thousand.
    pub async fn list(&self, path: &str) -> Said<Vec<Value>> {
        Ok(items(&self.get(path).await?).to_vec())
    }

    pub async fn documents(&self) -> Said<Vec<Value>> {
        warehouse::documents(&self.erp).await.map_err(|error| error.to_string())
    }

    /// A command in somebody's name: its status and answer, whatever they are.
    pub async fn command(&self, path: &str, act_as: Option<&str>, body: &Value) -> Said<(StatusCode, Value)> {
        self.tower.post_json(path, act_as, body).await.map_err(|error| error.to_string())
    }

    /// The same where only success will do.
    pub async fn done(&self, path: &str, act_as: Option<&str>, body: &Value) -> Said<Value> {
        let (status, answer) = self.command(path, act_as, body).await?;
        if status.is_success() {
            return Ok(answer);
        }
        Err(format!("{status} {} {}", word(&answer, "code"), word(&answer, "detail")))
    }

    /// Asks again until there is an answer.
    pub async fn wait_for<T, F>(&self, what: &str, ask: impl Fn() -> F) -> Said<T>
    where
        F: Future<Output = Said<Option<T>>>,
    {
        let started = Instant::now();
        loop {
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
            if started.elapsed() > FOLLOWS_WITHIN {
                return Err(format!("{what}: nothing within {} s", FOLLOWS_WITHIN.as_secs()));
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Moves the clock on, and lets the warehouses do what the documents say. A tower that is away is waited for.
    pub async fn tick(&self) -> Result<(), DemoError> {
        let speed = *self.speed.lock();
        let mut flow = self.flow.lock().await;
        let documents = warehouse::documents(&self.erp).await?;
        self.warehouse.lock().await.follow(&documents, &mut flow).await?;
        match flow.tick(speed).await {
            Err(DemoError::Client(ClientError::Unreachable { .. })) => Ok(()),
            ticked => ticked,
        }
    }

    /// Lets days pass, with all that really happened on them.
    pub async fn run_to(&self, until: jiff::Timestamp) -> Said<()> {
        let documents = self.documents().await?;
        let mut flow = self.flow.lock().await;
        let seen_to = self.warehouse.lock().await.follow(&documents, &mut flow).await;
        seen_to.map_err(|error| error.to_string())?;
        let run = flow.run_to(until).await.map_err(|error| error.to_string());
        flow.resume();
        run
    }

    pub fn set_speed(&self, speed: f64) {
        *self.speed.lock() = speed.clamp(0.0, SPEED_MAX);
    }

    /// Kills the tower, starts it again, and compares what it knew with what it knows.
    pub async fn pull_the_plug(&self) -> Said<Value> {
        let told = self.kill_and_start().await;
        self.notes.lock().last_plug = told.clone();
        told
    }

    async fn kill_and_start(&self) -> Said<Value> {
        // Nothing is sent meanwhile: the last position before is the first after.
        let mut flow = self.flow.lock().await;
        let sent = self.lsn().await?;
        self.get(&format!("/api/v1/stats?at_least={sent}&settled=true")).await?;
        let before = (self.lsn().await?, self.documents().await?.len());
        let (done, answer) = oneshot::channel();
        let started = Instant::now();
        self.notes.lock().tower_is_running = false;
        self.plug.send(done).await.map_err(|_| "the demo is ending".to_owned())?;
        answer.await.map_err(|_| "the demo is ending".to_owned())??;
        let outage_ms = millis(started);
        let after = (self.lsn().await?, self.documents().await?.len());
        flow.resume();
        let mut notes = self.notes.lock();
        notes.tower_is_running = true;
        notes.restarts += 1;
        notes.last_outage_ms = Some(outage_ms);
        Ok(json!({
            "outage_ms": outage_ms, "lsn_before": before.0, "lsn_after": after.0,
            "documents_before": before.1, "documents_after": after.1,
        }))
    }

    async fn lsn(&self) -> Said<u64> {
        self.get("/api/v1/stats").await?["lsn"].as_u64().ok_or_else(|| "no lsn in /stats".to_owned())
    }
}

/// A structured CloudEvent.
pub fn event(id: &str, source: &str, kind: &str, time: &str, data: Value) -> Value {
    json!({"specversion": "1.0", "id": id, "source": source, "type": kind, "time": time, "data": data})
}

pub fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// A text in an answer; empty if it is none.
pub fn word<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}
