//! What the sandbox's requests and its sender share.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use super::faults::Faults;
use super::ledger::Ledger;

/// Keys whose attempts are counted for drawing faults; beyond it they are counted anew.
const ATTEMPT_KEYS_MAX: usize = 100_000;

/// One running sandbox.
pub struct Sandbox {
    pub ledger: Arc<Mutex<Ledger>>,
    pub receive_after: Option<Duration>,
    faults: watch::Sender<Faults>,
    stopping: watch::Sender<bool>,
    sender: Notify,
    requests: AtomicU64,
    attempts: Mutex<HashMap<String, u64>>,
    json: bool,
}

impl Sandbox {
    pub fn new(ledger: Ledger, faults: Faults, receive_after: Option<Duration>, json: bool) -> Sandbox {
        Sandbox {
            ledger: Arc::new(Mutex::new(ledger)),
            receive_after,
            faults: watch::Sender::new(faults),
            stopping: watch::Sender::new(false),
            sender: Notify::new(),
            requests: AtomicU64::new(0),
            attempts: Mutex::default(),
            json,
        }
    }

    pub fn faults(&self) -> Faults {
        self.faults.borrow().clone()
    }

    /// # Errors
    /// What is wrong with the change, in words.
    pub fn change_faults(&self, change: &Value) -> Result<Faults, String> {
        let faults = self.faults().changed(change)?;
        self.faults.send_replace(faults.clone());
        self.wake_sender();
        Ok(faults)
    }

    /// Waits until the faults are like that, `within` passes, or the sandbox is stopped.
    pub async fn wait_until(&self, within: Duration, like: impl FnMut(&Faults) -> bool) {
        let mut faults = self.faults.subscribe();
        let waiting = faults.wait_for(like);
        tokio::select! {
            _ = timeout(within, waiting) => {}
            () = self.stopping() => {}
        }
    }

    /// Waits until the sandbox is told to stop.
    pub async fn stopping(&self) {
        // The sender lives as long as `self`.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// Lets go of everything that waits.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
        self.wake_sender();
    }

    pub fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// There may be an event to send.
    pub fn wake_sender(&self) {
        self.sender.notify_one();
    }

    /// Waits until there may be an event to send, at most that long.
    pub async fn sender_woken(&self, within: Duration) {
        let _ = timeout(within, self.sender.notified()).await;
    }

    /// Counts a request for an action.
    pub fn arrived(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests for actions since the start, whatever became of them.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The number of this attempt among those with that key, from 1.
    pub fn attempt(&self, key: &str) -> u64 {
        let mut attempts = self.attempts.lock();
        if attempts.len() >= ATTEMPT_KEYS_MAX && !attempts.contains_key(key) {
            attempts.clear();
        }
        let attempt = attempts.entry(key.to_owned()).or_default();
        *attempt += 1;
        *attempt
    }

    /// Says what was asked and answered.
    pub fn tell(&self, what: &str, status: u16, answer: &Value, replayed: bool) {
        let mut out = std::io::stdout().lock();
        // Nobody needs to read along.
        let _ = if self.json {
            let line = json!({"action": what, "status": status, "answer": answer, "replayed": replayed});
            writeln!(out, "{line}")
        } else {
            let outcome = answer["external_ref"].as_str().unwrap_or("refused");
            let again = if replayed { " (asked again)" } else { "" };
            writeln!(out, "{what} -> {outcome}{again}")
        };
    }
}
