//! Handing prepared events to the writer, in order, and reading its answer.

use std::ops::ControlFlow;
use std::time::Duration;

use tokio::sync::oneshot;

use super::prepare::{Origin, Part, Preparation, rejected};
use super::{ERRORS_TOLD_MAX, Taken};
use crate::domain::ids::Lsn;
use crate::http::cloudevents::Rejection;
use crate::http::problem::{Problem, code};
use crate::runtime::admission::Credits;
use crate::runtime::{Outcome, Running, Submission, Written, system_record};

/// How long a `clock.advanced` waits for the consequences of what came before it.
const CLOCK_SETTLE_MAX: Duration = Duration::from_secs(60);

impl Preparation<'_> {
    /// Hands over everything prepared and adds what became of it. Breaks off with the problem to answer with; what came
    /// before it counts.
    pub async fn submit(&mut self, taken: &mut Taken) -> ControlFlow<Problem> {
        for part in std::mem::take(&mut self.parts) {
            let running = match self.state.running_for_work() {
                Ok(running) => running,
                Err(problem) => return ControlFlow::Break(problem),
            };
            if part.is_clock {
                let last = running.progress.durable();
                if !running.progress.wait_settled(last, CLOCK_SETTLE_MAX).await {
                    return ControlFlow::Break(self.busy("what came before the clock has not settled yet"));
                }
            }
            self.submit_part(part, running, taken).await?;
        }
        ControlFlow::Continue(())
    }

    /// Hands over one prepared event by itself. `again` takes it even though its id is known, as what `cause` led to.
    pub async fn submit_one(&mut self, again: bool, cause: Lsn) -> Result<Outcome, Problem> {
        let running = self.state.running_for_work()?;
        let Some(Part { mut records, buffer, .. }) = self.parts.pop() else {
            return Err(Problem::new(&code::INTERNAL));
        };
        if again {
            for pending in &mut records {
                pending.identity = None;
            }
        }
        tracing::info!(%cause, "an event in quarantine is tried again");
        let credits = Credits { records: records.len() as u64, bytes: buffer.len() as u64 };
        if !running.admission.try_take(credits) {
            return Err(self.busy("too much is accepted and not yet applied"));
        }
        let (reply, answer) = oneshot::channel();
        if running.submissions.send(Submission::Outside { records, buffer, credits, reply }).is_err() {
            running.admission.give_back(credits);
            return Err(Problem::new(&code::DRAINING).retry_after_s(self.state.retry_after_s()));
        }
        match answer.await {
            Ok(Written::Done(outcomes)) => {
                outcomes.first().copied().ok_or_else(|| Problem::new(&code::INTERNAL))
            }
            Ok(Written::DiskFull) => Err(Problem::new(&code::DISK_FULL).retry_after_s(self.state.retry_after_s())),
            Err(_) => Err(Problem::new(&code::DRAINING).retry_after_s(self.state.retry_after_s())),
        }
    }

    async fn submit_part(&self, part: Part, running: &Running, taken: &mut Taken) -> ControlFlow<Problem> {
        let Part { records, buffer, origins, .. } = part;
        if running.submissions.len() >= self.state.config.journal.queue_submissions_max {
            return ControlFlow::Break(self.busy("the journal's queue is full"));
        }
        let credits = Credits { records: records.len() as u64, bytes: buffer.len() as u64 };
        if !running.admission.try_take(credits) {
            return ControlFlow::Break(self.busy("too much is accepted and not yet applied"));
        }
        let (reply, answer) = oneshot::channel();
        if running.submissions.send(Submission::Outside { records, buffer, credits, reply }).is_err() {
            running.admission.give_back(credits);
            return ControlFlow::Break(Problem::new(&code::DRAINING).retry_after_s(self.state.retry_after_s()));
        }
        match answer.await {
            Ok(Written::Done(outcomes)) => {
                self.count(&origins, &outcomes, running, taken).await;
                ControlFlow::Continue(())
            }
            Ok(Written::DiskFull) => {
                ControlFlow::Break(Problem::new(&code::DISK_FULL).retry_after_s(self.state.retry_after_s()))
            }
            Err(_) => ControlFlow::Break(Problem::new(&code::DRAINING).retry_after_s(self.state.retry_after_s())),
        }
    }

    fn busy(&self, detail: &str) -> Problem {
        self.state.tower.metrics.count_rejection(code::TOO_MANY_REQUESTS.name);
        Problem::new(&code::TOO_MANY_REQUESTS).detail(detail).retry_after_s(self.state.retry_after_s())
    }

    async fn count(&self, origins: &[Origin], outcomes: &[Outcome], running: &Running, taken: &mut Taken) {
        let before = (taken.accepted, taken.duplicates, taken.rejected);
        let mut reused = Vec::new();
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
                    self.tell(taken, *index, rejection.to_problem());
                    reused.push(system_record(self.tenant, self.principal.clone(), rejected(raw, &rejection)));
                }
                (Origin::Rejection { index, problem }, _) => self.tell(taken, *index, (**problem).clone()),
            }
        }
        if !reused.is_empty() {
            // Told as kept in quarantine, so it must be there before the answer.
            let _ = running.write_own(reused).await;
        }
        let metrics = &self.state.tower.metrics;
        metrics.count_events("accepted", taken.accepted - before.0);
        metrics.count_events("duplicate", taken.duplicates - before.1);
        metrics.count_events("rejected", taken.rejected - before.2);
    }

    fn tell(&self, taken: &mut Taken, index: u64, problem: Problem) {
        taken.rejected += 1;
        self.state.tower.metrics.count_rejection(problem.code().name);
        if taken.errors.len() < ERRORS_TOLD_MAX {
            taken.errors.push((index, problem));
        }
    }
}
