//! The real program, started on a directory of its own and ended with the test.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::http::Client;

const READY_WITHIN: Duration = Duration::from_secs(60);

pub struct Tower {
    child: Child,
    address: SocketAddr,
    arguments: Vec<String>,
    directory: tempfile::TempDir,
}

/// Puts something into a directory.
type Prepare = Box<dyn FnOnce(&Path)>;

#[derive(Default)]
pub struct Launch {
    arguments: Vec<String>,
    configuration: Option<String>,
    listen: Option<SocketAddr>,
    /// Puts into the directory what should be there before the start: the data directory is `data` in it.
    prepare: Option<Prepare>,
}

impl Launch {
    /// Requests need no credentials.
    pub fn dev(mut self) -> Launch {
        self.arguments.push("--dev".into());
        self
    }

    /// Only `clock.advanced` moves time.
    pub fn event_clock(mut self) -> Launch {
        self.arguments.extend(["--clock".into(), "event".into()]);
        self
    }

    /// As part of a demo that is controlled there.
    pub fn demo_control(mut self, url: &str) -> Launch {
        self.arguments.extend(["--demo-control".into(), url.into()]);
        self
    }

    /// The text of `actors.toml`.
    pub fn configuration(mut self, text: &str) -> Launch {
        self.configuration = Some(text.to_owned());
        self
    }

    /// An address that stays the same over restarts.
    pub fn listen(mut self, address: SocketAddr) -> Launch {
        self.listen = Some(address);
        self
    }

    /// What should be in the directory before the start; the data directory is `data` in it.
    pub fn prepare(mut self, prepare: impl FnOnce(&Path) + 'static) -> Launch {
        self.prepare = Some(Box::new(prepare));
        self
    }

    #[track_caller]
    pub fn start(self) -> Tower {
        let directory = tempfile::Builder::new().prefix("tidewatch-test-").tempdir().unwrap();
        let mut arguments = self.arguments;
        let listen = self.listen.map_or_else(|| "127.0.0.1:0".to_owned(), |address| address.to_string());
        arguments.extend(["--listen".into(), listen]);
        if let Some(text) = self.configuration {
            std::fs::write(directory.path().join("actors.toml"), text).unwrap();
            arguments.extend(["--config".into(), "actors.toml".into()]);
        }
        if let Some(prepare) = self.prepare {
            prepare(directory.path());
        }
        let (child, address) = spawn(directory.path(), &arguments);
        Tower { child, address, arguments, directory }
    }
}

impl Tower {
    pub fn launch() -> Launch {
        Launch::default()
    }

    /// On the wall clock, without credentials.
    #[track_caller]
    pub fn dev() -> Tower {
        Tower::launch().dev().start()
    }

    /// A client without credentials.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn http(&self) -> Client {
        Client::new(self.address)
    }

    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// The end of a process that gets no chance to do anything about it.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks for a clean end without waiting for it.
    pub fn ask_to_stop(&self) {
        let status =
            Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status().unwrap();
        assert!(status.success(), "could not signal the tower");
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, such as `STOP`.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let status =
            Command::new("sh").args(["-c", &format!("kill -{name} {}", self.id())]).status().unwrap();
        assert!(status.success(), "could not signal the tower");
    }

    /// Waits for the end that was asked for; `None` when it did not come within the time given.
    pub fn wait_for_end(&mut self, within: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + within;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// `SIGTERM`, and the promise that comes with it: exit 0 within 10 s.
    #[track_caller]
    pub fn stop(&mut self) {
        self.ask_to_stop();
        // A second more than promised, for a busy test machine.
        let status = self.wait_for_end(Duration::from_secs(11));
        let status = status.unwrap_or_else(|| panic!("still running 11 s after SIGTERM: {}", self.log()));
        assert_eq!(status.code(), Some(0), "after SIGTERM: {}", self.log());
    }

    /// Another `actors.toml` for the next start.
    pub fn configure(&self, text: &str) {
        std::fs::write(self.directory.path().join("actors.toml"), text).unwrap();
    }

    /// The next start is without these arguments.
    pub fn leave_out(&mut self, arguments: &[&str]) {
        self.arguments.retain(|argument| !arguments.contains(&argument.as_str()));
    }

    /// Starts on the same directory again and waits until it is ready.
    #[track_caller]
    pub fn start_again(&mut self) {
        let (child, address) = spawn(self.directory.path(), &self.arguments);
        self.child = child;
        self.address = address;
    }

    /// Starts on the same directory again and kills it after that time, wherever it is by then.
    pub fn start_and_kill(&mut self, after: Duration) {
        self.child = command(self.directory.path(), &self.arguments).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(after);
        self.kill();
    }

    /// Another command of the program over the same directory.
    pub fn command(&self, arguments: &[&str]) -> std::process::Output {
        Command::new(program())
            .args(arguments)
            .args(["--data", "data"])
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Makes a key and gives its id and secret.
    #[track_caller]
    pub fn create_key(&self, name: &str, role: &str, more: &[&str]) -> (String, String) {
        let mut arguments = vec!["keys", "create", "--name", name, "--role", role, "--json"];
        arguments.extend(more);
        let output = self.command(&arguments);
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "keys create: {printed} {complaint}");
        let made: Value =
            serde_json::from_str(printed.trim()).unwrap_or_else(|_| panic!("no JSON: {printed}"));
        (made["id"].as_str().expect("id").to_owned(), made["key"].as_str().expect("key").to_owned())
    }

    /// What the program wrote to standard error, the last part of it.
    pub fn log(&self) -> String {
        log_tail(self.directory.path())
    }
}

impl Drop for Tower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the tower's standard error, its end:\n{}", self.log());
        }
    }
}

fn log_tail(directory: &Path) -> String {
    let text = std::fs::read(directory.join("stderr.log")).unwrap_or_default();
    String::from_utf8_lossy(&text[text.len().saturating_sub(4_000)..]).into_owned()
}

/// The program under test: `TIDEWATCH_BIN`, such as a release build, or the one built with the test.
pub fn program() -> PathBuf {
    std::env::var_os("TIDEWATCH_BIN").map_or_else(|| env!("CARGO_BIN_EXE_tidewatch").into(), PathBuf::from)
}

fn command(directory: &Path, arguments: &[String]) -> Command {
    let log = File::options().create(true).append(true).open(directory.join("stderr.log")).unwrap();
    let mut command = Command::new(program());
    command
        .args(["serve", "--data", "data"])
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        .stderr(log);
    command
}

#[track_caller]
fn spawn(directory: &Path, arguments: &[String]) -> (Child, SocketAddr) {
    let mut child = command(directory, arguments).stdout(Stdio::piped()).spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    let (sender, receiver) = mpsc::channel();
    // Goes on reading to the end, so that the tower never waits for someone to read its lines.
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(address) = bound_address(&line) {
                let _ = sender.send(address);
            }
        }
    });
    let deadline = Instant::now() + READY_WITHIN;
    let Ok(address) = receiver.recv_timeout(READY_WITHIN) else {
        let _ = child.kill();
        panic!("no bound URL on standard output; standard error: {}", log_tail(directory));
    };
    let client = Client::new(address);
    loop {
        if client.try_send("GET", "/readyz", &[], b"").is_ok_and(|response| response.status == 200) {
            return (child, address);
        }
        if Instant::now() > deadline || child.try_wait().unwrap().is_some() {
            let _ = child.kill();
            panic!("never ready; standard error: {}", log_tail(directory));
        }
        std::thread::sleep(Duration::from_millis(30));
    }
}

fn bound_address(line: &str) -> Option<SocketAddr> {
    let rest = &line[line.find("http://")? + "http://".len()..];
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':')).unwrap_or(rest.len());
    let address: SocketAddr = rest[..end].parse().ok()?;
    (address.port() != 0).then_some(address)
}
