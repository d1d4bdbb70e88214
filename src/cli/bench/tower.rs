//! The tower under load, as a process of its own: with the load in the same process, neither processor time nor
//! memory could be told apart.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Serialize;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::BenchError;
use super::observe::Observer;
use super::process::Usage;
use super::wire::Endpoint;

const START_TIMEOUT: Duration = Duration::from_secs(60);
/// With something to recover.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(600);
const READY_INTERVAL: Duration = Duration::from_millis(20);
/// Last lines of the tower's log that are shown when it does not start.
const LOG_LINES_SHOWN: usize = 20;

/// How a tower is started.
#[derive(Clone, Debug, Default)]
pub struct TowerOptions {
    /// Where its temporary directory is made; the system's place for such by default.
    pub parent: Option<PathBuf>,
    pub config: Option<PathBuf>,
    /// Instead of what the configuration says. Remembered events would otherwise be counted as memory of entities.
    pub duplicate_window_events: Option<u32>,
    /// Instead of what the configuration says. Where snapshots are measured, none comes by itself.
    pub snapshot_journal_bytes: Option<u64>,
    /// Instead of what the configuration says. Where entities at rest are measured, some have to rest.
    pub rest: Option<RestOptions>,
}

/// When entities rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RestOptions {
    pub entities_live_max: u32,
    pub entities_packed_bytes_max: u64,
}

/// A tower with a directory of its own. Dropping it kills the process and removes the directory: what it wrote was
/// made up.
pub struct Tower {
    child: Child,
    endpoint: Endpoint,
    config: Option<PathBuf>,
    /// Dropped last.
    directory: TempDir,
}

impl Tower {
    /// Starts this very program as `serve` and waits until it is ready.
    ///
    /// # Errors
    /// [`BenchError::Tower`] with the end of its log if it does not come up.
    pub async fn start(options: &TowerOptions) -> Result<Tower, BenchError> {
        let parent = options.parent.clone().unwrap_or_else(std::env::temp_dir);
        let directory = tempfile::Builder::new()
            .prefix("tidewatch-bench-")
            .tempdir_in(parent)
            .map_err(BenchError::Directory)?;
        let config = configuration(options, directory.path())?;
        let (child, endpoint) = spawn(directory.path(), config.as_deref(), START_TIMEOUT).await?;
        Ok(Tower { child, endpoint, config, directory })
    }

    /// Kills the process as a crash would, and starts it again with what it left: how long it took from its start
    /// until it was ready.
    ///
    /// # Errors
    /// As for [`Tower::start`].
    pub async fn kill_and_start(&mut self) -> Result<Duration, BenchError> {
        self.child.kill().await.map_err(BenchError::Directory)?;
        let began = Instant::now();
        (self.child, self.endpoint) =
            spawn(self.directory.path(), self.config.as_deref(), RECOVERY_TIMEOUT).await?;
        Ok(began.elapsed())
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The temporary directory, on the same disk as the journal.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Processor time and memory so far; `None` once it has ended.
    pub fn usage(&self) -> Option<Usage> {
        self.child.id().and_then(Usage::of)
    }

    /// The end of its log, for when it fails under load.
    pub fn log_end(&self) -> String {
        log_end(&self.directory.path().join("log"))
    }

    /// Ends the process and removes the directory.
    pub async fn stop(mut self) -> Result<(), BenchError> {
        self.child.kill().await.map_err(BenchError::Directory)?;
        self.directory.close().map_err(BenchError::Directory)
    }
}

/// Starts this very program as `serve` and waits until it is ready.
async fn spawn(
    directory: &Path,
    config: Option<&Path>,
    limit: Duration,
) -> Result<(Child, Endpoint), BenchError> {
    let log_path = directory.join("log");
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(&log_path)
        .map_err(BenchError::Directory)?;
    let mut command = Command::new(std::env::current_exe().map_err(BenchError::Directory)?);
    command.args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"]).arg(directory.join("data"));
    if let Some(config) = config {
        command.arg("--config").arg(config);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    // Its own group: Ctrl-C in the terminal is for the bench, which then ends the tower.
    command.process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(BenchError::Directory)?;

    let start = async {
        let address = address_of(&mut child).await?;
        let endpoint = Endpoint::parse(&address, None)?;
        await_ready(&endpoint, limit).await.map(|()| endpoint)
    };
    let cause = match timeout(limit, start).await {
        Ok(Ok(endpoint)) => return Ok((child, endpoint)),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("it was not ready within {} s", limit.as_secs()),
    };
    Err(BenchError::Tower { cause, log: log_end(&log_path) })
}

/// The configuration to start with: the given one, or a copy with what the options change.
fn configuration(options: &TowerOptions, directory: &Path) -> Result<Option<PathBuf>, BenchError> {
    let window = options.duplicate_window_events.map(i64::from);
    let growth = options.snapshot_journal_bytes.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    let live = options.rest.map(|rest| i64::from(rest.entities_live_max));
    let packed = options.rest.map(|rest| i64::try_from(rest.entities_packed_bytes_max).unwrap_or(i64::MAX));
    let changes = [
        ("journal", "duplicate_window_events", window),
        ("snapshots", "journal_bytes", growth),
        ("runtime", "entities_live_max", live),
        ("runtime", "entities_packed_bytes_max", packed),
    ];
    let changes: Vec<_> =
        changes.into_iter().filter_map(|(section, key, value)| Some((section, key, value?))).collect();
    if changes.is_empty() {
        return Ok(options.config.clone());
    }
    let mut text = match &options.config {
        Some(path) => std::fs::read_to_string(path).map_err(BenchError::Directory)?,
        None => String::new(),
    };
    for (section, key, value) in changes {
        text = with_changed(&text, section, key, value)?;
    }
    let path = directory.join("actors.toml");
    std::fs::write(&path, text).map_err(BenchError::Directory)?;
    Ok(Some(path))
}

fn with_changed(text: &str, section: &str, key: &str, value: i64) -> Result<String, BenchError> {
    let mut config: toml::Table =
        text.parse().map_err(|error: toml::de::Error| BenchError::Config(error.to_string()))?;
    let table = config.entry(section).or_insert_with(|| toml::Table::new().into());
    let table = table.as_table_mut().ok_or_else(|| BenchError::Config(format!("{section} is no table")))?;
    table.insert(key.into(), value.into());
    Ok(config.to_string())
}

/// Reads the tower's output until it says where it listens, and goes on reading so that the tower never waits.
async fn address_of(child: &mut Child) -> Result<String, BenchError> {
    let stdout = child.stdout.take().ok_or_else(|| BenchError::Answer("the tower has no output".into()))?;
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await.map_err(BenchError::Connection)? {
        if let Some(address) = address_in(&line) {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(address);
        }
    }
    Err(BenchError::Answer("the tower ended before it said where it listens".into()))
}

/// The `http://127.0.0.1:PORT` in a line of output.
fn address_in(line: &str) -> Option<String> {
    const HOST: &str = "http://127.0.0.1:";
    let (_, rest) = line.split_once(HOST)?;
    let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let port: u16 = rest[..digits].parse().ok()?;
    Some(format!("{HOST}{port}"))
}

async fn await_ready(endpoint: &Endpoint, limit: Duration) -> Result<(), BenchError> {
    let observer = Observer::new(endpoint.clone());
    let deadline = Instant::now() + limit;
    loop {
        match observer.is_ready().await {
            Ok(true) => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(error),
            _ => sleep(READY_INTERVAL).await,
        }
    }
}

fn log_end(path: &Path) -> String {
    let log = std::fs::read(path).unwrap_or_default();
    let log = String::from_utf8_lossy(&log);
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].iter().map(|line| format!("\n  {line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_a_line() {
        let address = Some("http://127.0.0.1:40123".to_owned());
        assert_eq!(address_in("listening on http://127.0.0.1:40123 (dev)"), address);
        assert_eq!(address_in("{\"url\":\"http://127.0.0.1:40123\"}"), address);
        assert_eq!(address_in("http://127.0.0.1:99999"), None);
        assert_eq!(address_in("starting"), None);
    }

    #[test]
    fn only_what_is_asked_for_is_changed() {
        let with_window = |text: &str| with_changed(text, "journal", "duplicate_window_events", 1_000);
        let changed = with_window("[journal]\ngroup_records_max = 7\n[log]\nlevel = \"warn\"\n");
        let changed: toml::Table = changed.expect("TOML").parse().expect("TOML");
        let expected =
            "[journal]\ngroup_records_max = 7\nduplicate_window_events = 1000\n[log]\nlevel = \"warn\"";
        assert_eq!(changed, expected.parse().expect("TOML"));
        assert!(with_window("").expect("TOML").contains("[journal]"));
        assert!(with_window("journal = 1").is_err());
        assert!(with_window("[").is_err());
    }

    #[test]
    fn the_log_is_shown_from_its_end() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log");
        let text: String = (0..100).map(|line| format!("line {line}\n")).collect();
        std::fs::write(&path, text).expect("a log");
        let shown = log_end(&path);
        assert!(shown.starts_with("\n  line 80\n") && shown.ends_with("line 99"), "{shown}");
        assert_eq!(log_end(Path::new("/nowhere")), "");
    }
}
