//! The programs that the demo runs beside itself: started, watched, stopped. All of them are this very program.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::DemoError;
use super::simulation::TIME_ZONE;
use super::statistics::EXCEPTIONS_ENDED_MAX;
use super::statistics_thresholds::Thresholds;
use crate::cli::client::{Client, Patience};

/// How long a tower that starts may not get on.
const START_TIMEOUT: Duration = Duration::from_secs(30);
const READY_INTERVAL: Duration = Duration::from_millis(50);
/// What the contract gives a tower to drain.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Lines of the tower's output that are kept, to be shown if it dies.
const LOG_TAIL_LINES: usize = 20;

/// A tower, or what it speaks to, in a process of its own. Dropping it kills the process.
pub struct Tower {
    child: Child,
    url: String,
    log_tail: LogTail,
}

#[derive(Clone, Default)]
struct LogTail(Arc<Mutex<VecDeque<String>>>);

impl Tower {
    /// Starts a tower with all its data under `directory`, and waits until it is ready.
    pub async fn start(directory: &Path, thresholds: &Thresholds) -> Result<Self, DemoError> {
        let config = directory.join("actors.toml");
        let tables = thresholds.tables().map_err(|cause| DemoError::Thresholds { cause })?;
        std::fs::write(&config, configuration(&tables)).map_err(|cause| DemoError::Start { cause })?;
        let data = directory.join("data");
        let arguments = ["serve", "--dev", "--clock", "event", "--listen", "127.0.0.1:0", "--config"];
        let arguments = arguments.map(OsStr::new).into_iter();
        let paths = [config.as_os_str(), OsStr::new("--data"), data.as_os_str()];
        let mut tower = Self::launch(arguments.chain(paths)).await?;
        tower.ready().await.map(|()| tower)
    }

    /// Starts this very program with such arguments, and waits until it says where it listens. It ends when the demo
    /// does, however that ends; for this the thread that calls must be one that lasts as long as the demo.
    pub async fn launch<'a>(arguments: impl IntoIterator<Item = &'a OsStr>) -> Result<Self, DemoError> {
        let io = |cause| DemoError::Start { cause };
        let mut command = Command::new(std::env::current_exe().map_err(io)?);
        command
            .args(arguments)
            .arg("--end-with-parent")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Its own group: Ctrl-C in the terminal is for the demo, which then stops the tower in order.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(io)?;

        let log_tail = LogTail::default();
        let (found, mut address) = watch::channel(None);
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(keep_output(stdout, log_tail.clone(), Some(found)));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(keep_output(stderr, log_tail.clone(), None));
        }
        let mut tower = Self { child, url: String::new(), log_tail };
        match timeout(START_TIMEOUT, address.wait_for(Option::is_some)).await {
            Err(_) => Err(DemoError::NotReady { log_tail: tower.log_tail.text() }),
            // The sender goes when the output ends, and with it the process.
            Ok(Err(_)) => Err(tower.died().await),
            Ok(Ok(address)) => {
                tower.url = address.clone().unwrap_or_default();
                drop(address);
                Ok(tower)
            }
        }
    }

    /// Waits until a tower says that it is ready, as long as it gets on.
    pub async fn ready(&mut self) -> Result<(), DemoError> {
        let client = Client::new(&self.url, None, Patience::default())?;
        let (mut last, mut since) = (None, Instant::now());
        while since.elapsed() < START_TIMEOUT {
            let how_far = tokio::select! {
                death = self.died() => return Err(death),
                readiness = client.readiness() => match readiness {
                    Ok(()) => return Ok(()),
                    Err(how_far) => Some(how_far),
                },
            };
            if last != how_far {
                (last, since) = (how_far, Instant::now());
            }
            sleep(READY_INTERVAL).await;
        }
        Err(DemoError::NotReady { log_tail: self.log_tail.text() })
    }

    /// Kills the process without a warning, as a power cut does, and waits until it is gone.
    pub async fn kill(&mut self) -> std::io::Result<()> {
        self.child.kill().await
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until the process ends, which it should not, and tells its last words.
    pub async fn died(&mut self) -> DemoError {
        let status = self.child.wait().await;
        // What it wrote last is still in the pipes.
        sleep(READY_INTERVAL).await;
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        DemoError::Died { status, log_tail: self.log_tail.text() }
    }

    /// Asks the process to drain and waits for it; what does not stop in time is killed.
    pub async fn stop(mut self) -> std::io::Result<ExitStatus> {
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            terminate(id);
        }
        match timeout(STOP_TIMEOUT, self.child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                self.child.kill().await?;
                self.child.wait().await
            }
        }
    }
}

/// The tower's `actors.toml`: the thresholds, a clock that the events move, the money and days of Iowa, and all that
/// ever was open kept to be counted. Nobody waits to look again: the demo sends nothing meanwhile, and what is seen in
/// between must not depend on how fast the machine is.
pub fn configuration(thresholds: &str) -> String {
    // The thresholds first: a mistake in them is told with its line.
    format!(
        "{thresholds}
[runtime]
look_again_ms = 0
exceptions_ended_max = {EXCEPTIONS_ENDED_MAX}
[tenants.default]
clock = \"event\"
base_currency = \"USD\"
timezone = \"{TIME_ZONE}\"
"
    )
}

/// Asks a child that was not yet waited for to stop.
fn terminate(process: i32) {
    if let Some(process) = rustix::process::Pid::from_raw(process) {
        // It may have ended by itself.
        let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
    }
}

impl LogTail {
    fn push(&self, line: String) {
        let mut lines = self.0.lock();
        if lines.len() == LOG_TAIL_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn text(&self) -> String {
        self.0.lock().iter().map(|line| format!("\n  {line}")).collect()
    }
}

/// Reads one output to its end, so that the tower never waits for its reader; hands on the first address in it.
async fn keep_output(
    output: impl AsyncRead + Unpin,
    tail: LogTail,
    found: Option<watch::Sender<Option<String>>>,
) {
    let mut lines = BufReader::new(output).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if let Some((found, address)) = found.as_ref().zip(address_in(&line)) {
            found.send_if_modified(|url| {
                let is_first = url.is_none();
                url.get_or_insert(address);
                is_first
            });
        }
        tail.push(line);
    }
}

/// The `http://127.0.0.1:PORT` in a line of output.
fn address_in(line: &str) -> Option<String> {
    const HOST: &str = "http://127.0.0.1:";
    let (_, rest) = line.split_once(HOST)?;
    let digits = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let port: u16 = rest[..digits].parse().ok()?;
    Some(format!("{HOST}{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ClockKind, Config};

    #[test]
    fn the_address_is_found_in_a_line() {
        let address = Some("http://127.0.0.1:40123".to_owned());
        assert_eq!(address_in("listening on http://127.0.0.1:40123"), address);
        assert_eq!(address_in("http://127.0.0.1:40123/ (dev)"), address);
        assert_eq!(address_in("{\"url\":\"http://127.0.0.1:40123\"}"), address);
        for none in ["", "http://127.0.0.1:", "http://127.0.0.1:99999", "http://localhost:8080"] {
            assert_eq!(address_in(none), None, "{none}");
        }
    }

    #[test]
    fn the_tower_understands_its_configuration() {
        for thresholds in [Thresholds::Demo, Thresholds::Default] {
            let text = configuration(&thresholds.tables().unwrap());
            let config = Config::parse("actors.toml", &text).unwrap();
            let tenant = &config.tenants[0];
            assert_eq!((tenant.name.as_str(), tenant.clock), ("default", ClockKind::Event));
            assert_eq!((tenant.base_currency.as_str(), tenant.timezone.as_str()), ("USD", "America/Chicago"));
        }
    }

    #[test]
    fn only_the_last_lines_are_kept() {
        let tail = LogTail::default();
        (0..100).for_each(|line| tail.push(line.to_string()));
        assert_eq!(tail.text().lines().count(), LOG_TAIL_LINES + 1);
        assert!(tail.text().ends_with("\n  99"));
    }
}
