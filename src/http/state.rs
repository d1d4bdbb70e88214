//! What every request handler works with.

use std::sync::Arc;
use std::time::Duration;

use crate::auth::KeyCache;
use crate::config::Config;
use crate::domain::reference::{Reference, TenantReference};
use crate::runtime::{Phase, Running, Tower};

use super::caller::Caller;
use super::problem::{Problem, code};

/// Shared by all workers.
pub struct AppState {
    pub tower: Arc<Tower>,
    pub config: Config,
    pub keys: KeyCache,
    /// Requests without credentials are taken, from loopback only.
    pub dev: bool,
    pub console: ConsoleSettings,
}

/// What the console is told of its surroundings.
#[derive(Clone, Debug, Default)]
pub struct ConsoleSettings {
    /// The origin of the demo's control service, where this tower belongs to a demo: `http://127.0.0.1:PORT`.
    pub demo_control: Option<String>,
}

impl AppState {
    /// The running tower.
    ///
    /// # Errors
    /// `recovering` until the journal is replayed.
    pub fn running(&self) -> Result<&Running, Problem> {
        match self.tower.phase() {
            Phase::Recovering => Err(self.recovering()),
            Phase::Ready | Phase::Draining => self.tower.running().ok_or_else(|| self.recovering()),
        }
    }

    /// The running tower, for new work.
    ///
    /// # Errors
    /// `recovering` or `draining`.
    pub fn running_for_work(&self) -> Result<&Running, Problem> {
        if self.tower.phase() == Phase::Draining {
            let detail = "no new work is taken; come back when it has started again";
            return Err(Problem::new(&code::DRAINING).detail(detail).retry_after_s(RESTART_S));
        }
        self.running()
    }

    fn recovering(&self) -> Problem {
        let recovery = self.tower.recovery();
        let (done, of) = recovery.progress();
        Problem::new(&code::RECOVERING)
            .detail(recovery.describe())
            .with("phase", recovery.phase.as_str())
            .with("done", done)
            .with("of", of)
            .retry_after_s(self.retry_after_s())
    }

    /// How long a client that was refused should wait.
    pub fn retry_after_s(&self) -> u32 {
        u32::try_from(self.config.admission.retry_after_s).unwrap_or(u32::MAX)
    }

    /// How long a read may wait for what it asked for.
    pub fn read_timeout(&self) -> Duration {
        Duration::from_millis(self.config.server.read_timeout_ms)
    }
}

/// How long a client is told to wait for a restart.
const RESTART_S: u32 = 5;

/// The caller's part of the Reference.
///
/// # Errors
/// `internal` if the caller's tenant vanished, which never happens to a declared one.
pub fn tenant_of<'r>(reference: &'r Reference, caller: &Caller) -> Result<&'r TenantReference, Problem> {
    reference
        .tenant(caller.tenant)
        .ok_or_else(|| Problem::new(&code::INTERNAL).detail("the tenant is not declared"))
}
