//! Handing prepared events to the writer, in order, and reading its answer.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::prepare::{Origin, Part, Preparation, rejected};
use super::{ERRORS_TOLD_MAX, Taken};
use crate::domain::ids::Lsn;
use crate::domain::record::SystemBody;
use crate::http::cloudevents::Rejection;
use crate::http::problem::{Problem, code};
use crate::http::state::AppState;
use crate::runtime::admission::Credits;
use crate::runtime::{Outcome, Pending, Running, Submission, Written, pending_own, system_record};

/// How long a `clock.advanced` waits for the consequences of what came before it.
const CLOCK_SETTLE_MAX: Duration = Duration::from_secs(60);
/// How often it looks meanwhile whether the disk is full.
const CLOCK_SETTLE_LOOK: Duration = Duration::from_millis(500);

impl Preparation<'_> {
    /// Hands over everything prepared and adds what became of it. Breaks off with the problem to answer with; what came
    /// before it counts.
    pub async fn submit(&mut self, taken: &mut Taken) -> ControlFlow<Problem> {
        for part in std::mem::take(&mut self.parts) {
            let running = match self.state.running_for_work() {
                Ok(running) => running,
                Err(problem) => return ControlFlow::Break(problem),
            };
            if part.is_clock
                && let Err(problem) = self.settle(running).await
            {
                return ControlFlow::Break(problem);
            }
            self.submit_part(part, running, taken).await?;
        }
        ControlFlow::Continue(())
    }

    /// Hands over the one event prepared, and with it the word that its quarantine entry is dealt with: both are written
    /// or neither. Gives back what became of the event, and the last record written.
    ///
    /// # Errors
    /// As [`hand_over`].
    pub async fn submit_retry(&mut self, entry: Lsn) -> Result<(Outcome, Lsn), Problem> {
        let running = self.state.running_for_work()?;
        let Some(Part { mut records, mut buffer, is_clock, .. }) = self.parts.pop() else {
            return Err(Problem::new(&code::INTERNAL));
        };
        if is_clock {
            self.settle(running).await?;
        }
        let body = SystemBody::QuarantineClosed { entry, retried: true };
        let closed = system_record(self.tenant, self.principal.clone(), body);
        records.push(pending_own(closed, &mut buffer).map_err(|_| Problem::new(&code::INTERNAL))?);
        let outcomes = hand_over(self.state, running, records, buffer).await?;
        let last = outcomes.iter().map(Outcome::lsn).max().unwrap_or_default();
        outcomes.first().map(|outcome| (*outcome, last)).ok_or_else(|| Problem::new(&code::INTERNAL))
    }

    /// What comes before a `clock.advanced` has its consequences before it.
    async fn settle(&self, running: &Running) -> Result<(), Problem> {
        let last = running.progress.durable();
        let began = Instant::now();
        while began.elapsed() < CLOCK_SETTLE_MAX {
            if running.progress.wait_settled(last, CLOCK_SETTLE_LOOK).await {
                return Ok(());
            }
            if running.is_disk_full() {
                // What has to settle waits for room itself.
                return Err(Problem::new(&code::DISK_FULL).retry_after_s(self.state.retry_after_s()));
            }
        }
        Err(busy(self.state, "what came before the clock has not settled yet"))
    }

    async fn submit_part(&self, part: Part, running: &Running, taken: &mut Taken) -> ControlFlow<Problem> {
        let Part { records, buffer, origins, .. } = part;
        match hand_over(self.state, running, records, buffer).await {
            Ok(outcomes) => self.count(&origins, &outcomes, running, taken).await,
            Err(problem) => ControlFlow::Break(problem),
        }
    }

    /// Adds what became of a part. An event under a used id is kept first: what is told as rejected is in quarantine.
    async fn count(
        &self,
        origins: &[Origin],
        outcomes: &[Outcome],
        running: &Running,
        taken: &mut Taken,
    ) -> ControlFlow<Problem> {
        let before = (taken.accepted, taken.duplicates, taken.rejected);
        let (mut reused, mut kept, mut buffer) = (Vec::new(), Vec::new(), Vec::new());
        for (origin, outcome) in origins.iter().zip(outcomes) {
            match (origin, outcome) {
                (Origin::Event { .. }, Outcome::Accepted(lsn)) => {
                    taken.accepted += 1;
                    taken.lsn = taken.lsn.max(Some(*lsn));
                }
                (Origin::Event { .. }, Outcome::Duplicate(first)) => {
                    taken.duplicates += 1;
                    taken.lsn = taken.lsn.max(Some(*first));
                }
                (Origin::Event { index, raw }, Outcome::Reused(first)) => {
                    let rejection = Rejection {
                        code: &code::EVENT_ID_REUSED,
                        detail: format!("another event with this source and id was taken as record {first}"),
                        errors: Vec::new(),
                        id: None,
                        source: None,
                        event_type: None,
                    };
                    let body = rejected(raw, &rejection);
                    let record = system_record(self.tenant, self.principal.clone(), body);
                    kept.extend(pending_own(record, &mut buffer));
                    reused.push((*index, rejection.to_problem()));
                }
                (Origin::Rejection { index, problem }, _) => self.tell(taken, *index, (**problem).clone()),
            }
        }
        let mut flow = ControlFlow::Continue(());
        if !kept.is_empty() {
            match hand_over(self.state, running, kept, buffer).await {
                Ok(_) => reused.into_iter().for_each(|(index, problem)| self.tell(taken, index, problem)),
                // Neither taken nor kept, hence not counted: the client sends them again.
                Err(problem) => flow = ControlFlow::Break(problem),
            }
        }
        let metrics = &self.state.tower.metrics;
        metrics.count_events("accepted", taken.accepted - before.0);
        metrics.count_events("duplicate", taken.duplicates - before.1);
        metrics.count_events("rejected", taken.rejected - before.2);
        flow
    }

    fn tell(&self, taken: &mut Taken, index: u64, problem: Problem) {
        taken.rejected += 1;
        self.state.tower.metrics.count_rejection(problem.code().name);
        if taken.errors.len() < ERRORS_TOLD_MAX {
            taken.errors.push((index, problem));
        }
    }
}

/// Hands records to the writer as work from outside and waits until they are durable.
///
/// # Errors
/// `too_many_requests` without credits or room in the queue, `disk_full` or `draining`: then nothing of it is taken.
pub async fn hand_over(
    state: &AppState,
    running: &Running,
    records: Vec<Pending>,
    buffer: Vec<u8>,
) -> Result<Vec<Outcome>, Problem> {
    if running.submissions.len() >= state.config.journal.queue_submissions_max {
        return Err(busy(state, "the journal's queue is full"));
    }
    let credits = Credits { records: records.len() as u64, bytes: buffer.len() as u64 };
    if !running.admission.try_take(credits) {
        return Err(busy(state, "too much is accepted and not yet applied"));
    }
    let later = |code| Problem::new(code).retry_after_s(state.retry_after_s());
    let (reply, answer) = oneshot::channel();
    if running.submissions.send(Submission::Outside { records, buffer, credits, reply }).is_err() {
        running.admission.give_back(credits);
        return Err(later(&code::DRAINING));
    }
    match answer.await {
        Ok(Written::Done(outcomes)) => Ok(outcomes),
        Ok(Written::DiskFull) => Err(later(&code::DISK_FULL)),
        Err(_) => Err(later(&code::DRAINING)),
    }
}

pub(super) fn busy(state: &AppState, detail: &str) -> Problem {
    state.tower.metrics.count_rejection(code::TOO_MANY_REQUESTS.name);
    Problem::new(&code::TOO_MANY_REQUESTS).detail(detail).retry_after_s(state.retry_after_s())
}
