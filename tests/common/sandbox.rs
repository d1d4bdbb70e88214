//! The sandbox, run as the real program on a port that stays the same over restarts.

use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::http::Client;

const READY_WITHIN: Duration = Duration::from_secs(60);

pub struct Sandbox {
    child: Child,
    address: SocketAddr,
    arguments: Vec<String>,
    directory: tempfile::TempDir,
}

/// A port on which nobody listens now.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Sandbox {
    /// Starts it at `address`; it tells `tower` of documents.
    #[track_caller]
    pub fn start(address: SocketAddr, tower: Option<SocketAddr>, more: &[&str]) -> Sandbox {
        let directory = tempfile::Builder::new().prefix("tidewatch-sandbox-").tempdir().unwrap();
        let mut arguments: Vec<String> = more.iter().map(|argument| (*argument).to_owned()).collect();
        if let Some(tower) = tower {
            arguments.extend(["--tower".to_owned(), format!("http://{tower}")]);
        }
        let child = spawn(&directory, address, &arguments);
        Sandbox { child, address, arguments, directory }
    }

    pub fn http(&self) -> Client {
        Client::new(self.address)
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// `SIGTERM` and the end that it asks for.
    #[track_caller]
    pub fn stop(&mut self) {
        let kill =
            Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status().unwrap();
        assert!(kill.success());
        let deadline = Instant::now() + Duration::from_secs(11);
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert_eq!(status.code(), Some(0));
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("the sandbox runs on after SIGTERM");
    }

    #[track_caller]
    pub fn start_again(&mut self) {
        self.child = spawn(&self.directory, self.address, &self.arguments);
    }

    /// Switches the faults that `change` names.
    #[track_caller]
    pub fn faults(&self, change: &Value) {
        let body = change.to_string();
        self.http().send("PUT", "/faults", &[], body.as_bytes()).expect(200);
    }

    /// `GET /actions` as it is.
    #[track_caller]
    pub fn told(&self) -> Value {
        self.http().get("/actions").expect(200)
    }

    /// Everything that it was told.
    #[track_caller]
    pub fn actions(&self) -> Vec<Value> {
        self.list("/actions")
    }

    /// Everything that it made.
    #[track_caller]
    pub fn documents(&self) -> Vec<Value> {
        self.list("/documents")
    }

    #[track_caller]
    fn list(&self, path: &str) -> Vec<Value> {
        let mut items: Vec<Value> = Vec::new();
        loop {
            let page = self.http().get(&format!("{path}?skip={}", items.len())).expect(200);
            let shown = page["items"].as_array().unwrap();
            if shown.is_empty() {
                assert_eq!(page["total"], items.len());
                return items;
            }
            items.extend_from_slice(shown);
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = std::fs::read(self.directory.path().join("stderr.log")).unwrap_or_default();
            eprintln!("--- the sandbox's standard error:\n{}", String::from_utf8_lossy(&log));
        }
    }
}

#[track_caller]
fn spawn(directory: &tempfile::TempDir, address: SocketAddr, arguments: &[String]) -> Child {
    let path = directory.path().join("stderr.log");
    let log = std::fs::File::options().create(true).append(true).open(path).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tidewatch"))
        .args(["sandbox", "--listen", &address.to_string(), "--data", "told"])
        .args(arguments)
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let deadline = Instant::now() + READY_WITHIN;
    let client = Client::new(address);
    while !client.try_send("GET", "/healthz", &[], b"").is_ok_and(|response| response.status == 200) {
        assert!(Instant::now() < deadline, "the sandbox never answers");
        assert!(child.try_wait().unwrap().is_none(), "the sandbox ended");
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}
