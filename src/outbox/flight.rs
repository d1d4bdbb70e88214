//! One attempt from its beginning to its journaled end, and attempts that a restart finds without an end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{debug, warn};

use super::delivery::{ActionRequest, Answer, attempt};
use super::target::{Endpoint, Target};
use crate::domain::approval_case::{AttemptOutcome, CaseAction, CaseCommand, CaseDecision};
use crate::domain::command::{Actor, Command};
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::record::ClockKind;
use crate::domain::time::Timestamp;
use crate::runtime::commands::{CommandDone, CommandError};
use crate::runtime::{Tower, wall_clock};

/// How long a command may take before it is not known what became of it.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// Waits between attempts to journal an outcome; each is twice the one before.
const JOURNAL_WAIT_MIN: Duration = Duration::from_millis(100);
const JOURNAL_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long an outcome that can't be journaled is kept; then the attempt counts as one of unknown outcome.
const JOURNAL_PATIENCE: Duration = Duration::from_secs(120);

/// What a target that is not idempotent leaves to a person.
const LOOK: &str = "it is not known whether it arrived, and this target takes a repeat as another one: look there, \
                    then retry or withdraw it";

/// An action on its way out.
pub struct Flight {
    pub tower: Arc<Tower>,
    pub target: Arc<Target>,
    pub tenant: Name,
    pub clock: ClockKind,
    pub entity: EntityKey,
    pub case_id: Name,
    pub action: CaseAction,
}

/// How an attempt ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was not made: the case refuses it as it is, or could not journal it.
    NotBegun { refused: bool },
    /// It was made, or settled, and that is journaled.
    Journaled { lsn: Lsn, outcome: AttemptOutcome, target_works: bool, wait: Option<Duration>, dead: bool },
    /// It was made, and its outcome could not be journaled.
    NotJournaled { target_works: bool },
}

/// What is journaled of an answer. Pure.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    outcome: AttemptOutcome,
    status: Option<u16>,
    detail: Option<String>,
    external_ref: Option<String>,
    /// Until the next attempt; the action is dead without.
    wait: Option<Duration>,
    target_works: bool,
}

/// Failures in a row up to that attempt; `None` if these are enough. A dead letter that a person tries again gets as many
/// attempts anew: they are counted on.
fn failures_until_now(target: &Target, attempt: u32) -> Option<u32> {
    let failures = attempt % target.attempts_max;
    (failures > 0).then_some(failures)
}

impl Verdict {
    fn of(answer: Answer, target: &Target, attempt: u32, random: u64) -> Verdict {
        match answer {
            Answer::Delivered { status, external_ref } => Verdict {
                outcome: AttemptOutcome::Delivered,
                status: Some(status),
                detail: None,
                external_ref,
                wait: None,
                target_works: true,
            },
            Answer::Refused { status, detail } => Verdict {
                outcome: AttemptOutcome::Refused,
                status: Some(status),
                detail: Some(detail),
                external_ref: None,
                wait: None,
                target_works: true,
            },
            Answer::Failed { status, detail, may_have_arrived: true, .. } if !target.idempotent => Verdict {
                outcome: AttemptOutcome::Unknown,
                status,
                detail: Some(format!("{detail}; {LOOK}")),
                external_ref: None,
                wait: None,
                target_works: false,
            },
            Answer::Failed { status, detail, retry_after, .. } => Verdict {
                outcome: AttemptOutcome::Failed,
                status,
                detail: Some(detail),
                external_ref: None,
                wait: failures_until_now(target, attempt)
                    .map(|failures| target.backoff.wait(failures, random, retry_after)),
                target_works: false,
            },
        }
    }

    /// Of an attempt whose end nobody wrote down.
    fn of_unknown(target: &Target, attempt: u32) -> Verdict {
        let (detail, wait) = if !target.idempotent {
            (format!("the tower stopped during this attempt; {LOOK}"), None)
        } else {
            let again = failures_until_now(target, attempt).map(|_| Duration::ZERO);
            ("the tower stopped during this attempt".to_owned(), again)
        };
        Verdict {
            outcome: AttemptOutcome::Unknown,
            status: None,
            detail: Some(detail),
            external_ref: None,
            wait,
            target_works: true,
        }
    }
}

impl Flight {
    /// Makes the next attempt: journals that it begins, calls, journals what came of it.
    pub async fn deliver(self, endpoint: Endpoint) -> Ended {
        let attempt_number = self.action.attempt_count + 1;
        let begin = CaseDecision::BeginAttempt { action_id: self.action.id.clone(), attempt: attempt_number };
        if let Err(error) = self.command(begin).await {
            debug!(action = %self.action.id, %error, "an attempt is not begun");
            return Ended::NotBegun { refused: matches!(error, CommandError::Refused(_)) };
        }
        let request = ActionRequest::new(&self.tenant, &self.case_id, &self.action);
        let answer = match serde_json::to_vec(&request) {
            Ok(body) => attempt(&endpoint, &self.action.id, body).await,
            Err(error) => {
                Answer::Refused { status: 0, detail: format!("it can't be written as JSON: {error}") }
            }
        };
        let random = getrandom::u64().unwrap_or(u64::MAX);
        self.end(attempt_number, Verdict::of(answer, &self.target, attempt_number, random)).await
    }

    /// Settles an attempt that was begun in an earlier life of the process and never ended.
    pub async fn recover(self) -> Ended {
        let attempt_number = self.action.attempt_count;
        self.end(attempt_number, Verdict::of_unknown(&self.target, attempt_number)).await
    }

    async fn end(&self, attempt_number: u32, verdict: Verdict) -> Ended {
        let given_up_at = Instant::now() + JOURNAL_PATIENCE;
        let mut pause = JOURNAL_WAIT_MIN;
        loop {
            let end = CaseDecision::EndAttempt {
                action_id: self.action.id.clone(),
                attempt: attempt_number,
                outcome: verdict.outcome,
                status: verdict.status,
                detail: verdict.detail.clone(),
                external_ref: verdict.external_ref.clone(),
                retry_at: verdict.wait.map(|wait| self.retry_at(wait)),
            };
            match self.command(end).await {
                Ok(done) => {
                    return Ended::Journaled {
                        lsn: done.lsn,
                        outcome: verdict.outcome,
                        target_works: verdict.target_works,
                        wait: verdict.wait,
                        dead: verdict.wait.is_none()
                            && matches!(verdict.outcome, AttemptOutcome::Failed | AttemptOutcome::Unknown),
                    };
                }
                Err(CommandError::Refused(refusal)) => {
                    // Its end is in the journal already: an earlier try got there without an answer.
                    debug!(action = %self.action.id, %refusal, "an attempt has ended before");
                    return Ended::NotJournaled { target_works: verdict.target_works };
                }
                Err(error) if Instant::now() >= given_up_at => {
                    warn!(action = %self.action.id, %error, "the outcome of an attempt can't be journaled");
                    return Ended::NotJournaled { target_works: verdict.target_works };
                }
                Err(_) => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(JOURNAL_WAIT_MAX);
                }
            }
        }
    }

    /// The journaled time of the next attempt, by the tenant's clock. A wait is wall time; on an event clock that says
    /// nothing about when it passes, so there the service alone keeps it.
    fn retry_at(&self, wait: Duration) -> Timestamp {
        let now = self.tower.running().map_or_else(wall_clock, |running| {
            running.clocks.business_time(self.entity.tenant(), wall_clock())
        });
        match self.clock {
            ClockKind::Wall => now.plus(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX)),
            ClockKind::Event => now,
        }
    }

    async fn command(&self, what: CaseDecision) -> Result<CommandDone, CommandError> {
        let running = self.tower.running().ok_or(CommandError::Unavailable)?;
        let command = Command::Case(Box::new(CaseCommand { version: None, what }));
        let actor = Actor::system("outbox");
        running.command(self.entity.clone(), command, actor, None, COMMAND_TIMEOUT).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TargetConfig;

    fn target(idempotent: bool) -> Target {
        let config = TargetConfig { idempotent, attempts_max: 3, ..TargetConfig::with_defaults("erp") };
        Target::new(&config, |_| None).unwrap()
    }

    fn failed(may_have_arrived: bool) -> Answer {
        Answer::Failed { status: None, detail: "gone".to_owned(), may_have_arrived, retry_after: None }
    }

    #[test]
    fn a_failure_is_tried_again_until_there_were_enough() {
        let of = |attempt| Verdict::of(failed(true), &target(true), attempt, u64::MAX);
        assert!(of(1).wait.is_some_and(|wait| wait.as_millis() == 499));
        assert!(of(2).wait.is_some_and(|wait| wait.as_millis() == 999));
        assert_eq!((of(3).outcome, of(3).wait), (AttemptOutcome::Failed, None));
        // Tried again by a person.
        assert_eq!(of(4).wait, of(1).wait);
        assert_eq!(of(6).wait, None);
    }

    #[test]
    fn what_may_have_arrived_at_a_target_that_does_not_know_repeats_is_left_to_a_person() {
        let unknown = Verdict::of(failed(true), &target(false), 1, 0);
        assert_eq!((unknown.outcome, unknown.wait), (AttemptOutcome::Unknown, None));
        assert!(unknown.detail.unwrap().contains("look there"));
        let surely_not = Verdict::of(failed(false), &target(false), 1, 0);
        assert_eq!(surely_not.outcome, AttemptOutcome::Failed);
        assert!(surely_not.wait.is_some());
    }

    #[test]
    fn an_attempt_without_an_end_is_repeated_only_where_that_is_safe() {
        let wait = |idempotent, attempt| Verdict::of_unknown(&target(idempotent), attempt).wait;
        assert_eq!(wait(true, 1), Some(Duration::ZERO));
        assert_eq!(wait(true, 3), None);
        assert_eq!(wait(false, 1), None);
    }

    #[test]
    fn a_no_says_that_the_target_works() {
        let no = Answer::Refused { status: 422, detail: "no".to_owned() };
        let verdict = Verdict::of(no, &target(true), 1, 0);
        assert_eq!(
            (verdict.outcome, verdict.target_works, verdict.wait),
            (AttemptOutcome::Refused, true, None)
        );
    }
}
