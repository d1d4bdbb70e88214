//! What becomes of an approved option's actions: made, sent by the outbox, answered by systems of record.

use super::change::Draft;
use super::command::CaseDecision;
use super::facts::CaseFacts;
use super::item::{
    ActionKind, ActionState, AttemptOutcome, CaseAction, CaseItem, CaseState, DeliveryAttempt, OptionStep,
};
use super::{CaseChange, CaseTransition};
use crate::domain::command::{Actor, ActorKind, Refusal};
use crate::domain::exception::kind::KindSettings;
use crate::domain::ids::{Name, TenantNumber};
use crate::domain::settings::CaseSettings;
use crate::domain::time::{DAY, SECOND, Timestamp};

/// Attempts that an action shows; the journal has them all.
const ATTEMPTS_SHOWN_MAX: usize = 10;
/// An attempt of which nothing is known for so long is made again: the target knows it by its key.
pub const UNKNOWN_RETRIED_AFTER: i64 = 60 * SECOND;

/// The actions of an option approved at `now`, in the order of its steps.
pub fn actions(
    tenant: TenantNumber,
    item: &CaseItem,
    steps: &[OptionStep],
    now: Timestamp,
    settings: &CaseSettings,
) -> Vec<CaseAction> {
    let hours = settings.action_expires_hours;
    let action = |(index, step): (usize, &OptionStep)| CaseAction {
        id: action_id(tenant, &item.id, item.version, index),
        kind: step.kind,
        state: ActionState::Pending,
        target: match step.kind {
            ActionKind::Order => settings.target_order.clone(),
            ActionKind::Expedite => settings.target_expedite.clone(),
            ActionKind::Transfer => settings.target_transfer.clone(),
            ActionKind::Custom => settings.target_custom.clone(),
        },
        step: step.clone(),
        attempts: Vec::new(),
        attempt_count: 0,
        next_attempt_at: (!item.is_held()).then_some(now),
        approved_at: now,
        delivered_at: None,
        expires_at: step.arrives_at.unwrap_or(now).max(now).plus_days(hours / 24.0),
        late: false,
        external_ref: None,
        document: None,
        error: None,
    };
    steps.iter().enumerate().map(action).collect()
}

/// The same for the same decision, another one for every other: matches `[A-Za-z0-9_-]{1,64}`.
fn action_id(tenant: TenantNumber, case: &Name, version: u64, index: usize) -> Name {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&tenant.0.to_le_bytes());
    hasher.update(&(case.len() as u64).to_le_bytes());
    hasher.update(case.as_bytes());
    hasher.update(&version.to_le_bytes());
    hasher.update(&(index as u64).to_le_bytes());
    Name::from(format!("act_{}", &hasher.finalize().to_hex()[..24]))
}

/// Brings the actions in line with what was heard and with the time; a sentence if anything changed.
pub fn follow(draft: &mut Draft<'_>, facts: &CaseFacts, review: &mut dyn FnMut(Timestamp)) -> Option<String> {
    use ActionState::*;
    let now = draft.now;
    let hours = draft.settings.cases.action_expires_hours;
    let mut told = Vec::new();
    for action in &mut draft.item.actions {
        let before = action.clone();
        if let Some(heard) = facts.action(&action.id) {
            if let Some(reason) = &heard.refused
                && matches!(action.state, Pending | Sending | Delivered | Dead)
            {
                action.state = Refused;
                action.error = Some(reason.clone());
            }
            if let Some(at) = heard.confirmed_at
                && matches!(action.state, Pending | Sending | Delivered | Dead | Expired)
            {
                action.state = Confirmed;
                action.delivered_at.get_or_insert(at.min(now));
                action.error = None;
            }
            if let Some(document) = heard.document.as_ref().map(super::facts::DocumentFacts::shown) {
                if action.state != Withdrawn {
                    action.state = Documented;
                    action.error = None;
                }
                action.delivered_at.get_or_insert(now);
                action.external_ref.get_or_insert_with(|| document.id.to_string());
                action.document = Some(document);
            }
            if let Some(named) = &heard.external_ref {
                action.external_ref = Some(named.clone());
            }
        }
        if before.state == Expired && action.state != Expired {
            come_late(action, now, hours);
        }
        if before.document.is_none() && action.document.is_some() {
            // However late the first document comes, there is time to look at how it differs.
            action.expires_at = action.expires_at.max(now.plus_days(hours / 24.0));
        }
        if matches!(action.state, Pending | Sending | Delivered | Dead) {
            if now >= action.expires_at {
                action.state = Expired;
            } else {
                review(action.expires_at);
            }
        }
        if !matches!(action.state, Pending | Sending) {
            action.next_attempt_at = None;
        }
        if action.state != before.state {
            let late = if before.state == Expired { " after it had expired" } else { "" };
            told.push(format!("{} {} {}{late}", action.kind.as_str(), action.id, action.state.as_str()));
        } else if *action != before {
            told.push(format!("the document of {} {} changed", action.kind.as_str(), action.id));
        }
    }
    (!told.is_empty()).then(|| told.join("; "))
}

/// What was given up as unanswered was done: it counts again, and what still misses has as long to come as at first.
fn come_late(action: &mut CaseAction, now: Timestamp, expires_hours: f64) {
    action.late = true;
    action.error = None;
    action.expires_at = action.step.arrives_at.unwrap_or(now).max(now).plus_days(expires_hours / 24.0);
}

/// Whether every action was done after all, though the case had failed because one was not.
pub fn is_done_after_all(item: &CaseItem) -> bool {
    use ActionState::{Confirmed, Delivered, Documented, Withdrawn};
    let done = |action: &CaseAction| matches!(action.state, Delivered | Confirmed | Documented);
    item.actions.iter().any(done)
        && item.actions.iter().all(|action| done(action) || action.state == Withdrawn)
}

/// Whether what an action was to bring is here.
pub fn has_arrived(action: &CaseAction) -> bool {
    match (&action.state, action.kind) {
        (ActionState::Withdrawn, _) | (_, ActionKind::Custom) => true,
        _ => action.document.as_ref().is_some_and(|document| document.received >= action.step.quantity),
    }
}

/// How the document of an action differs from what was approved by more than the kind allows: quantity by more than
/// the share `raise`, date by more than `days`.
pub fn mismatch(action: &CaseAction, thresholds: &KindSettings) -> Option<String> {
    let document = action.document.as_ref()?;
    if action.state == ActionState::Withdrawn {
        return Some(format!("{} {} came although it was withdrawn", document.kind, document.id));
    }
    if let Some(also) = document.also.first() {
        return Some(format!("{} {} came beside {}", document.kind, also, document.id));
    }
    let approved = action.step.line_quantity.unwrap_or(action.step.quantity);
    let quantity = document.quantity.unwrap_or_default();
    let far = (quantity - approved).as_f64().abs();
    if far > thresholds.raise * approved.as_f64().abs() {
        return Some(format!("{quantity} instead of {approved} units"));
    }
    let (expected, promised) = (action.step.arrives_at?, document.promised_at?);
    let allowed = (thresholds.days * DAY as f64) as i64;
    ((promised.micros() - expected.micros()).abs() > allowed)
        .then(|| format!("promised for {promised} instead of {expected}"))
}

/// Decides what the outbox, or a person about its actions, asks.
///
/// # Errors
/// [`Refusal`] if the action is not there or can't do this now.
pub fn decide(
    mut draft: Draft<'_>,
    command: &CaseDecision,
    actor: &Actor,
) -> Result<CaseTransition, Refusal> {
    use ActionState::*;
    let (now, held) = (draft.now, draft.item.is_held());
    let hours = draft.settings.cases.action_expires_hours;
    let state = draft.item.state;
    let by_outbox = matches!(command, CaseDecision::BeginAttempt { .. } | CaseDecision::EndAttempt { .. });
    if by_outbox && actor.kind != ActorKind::System {
        return Err(Refusal::forbidden("only the outbox says what became of an attempt"));
    }
    let (CaseDecision::BeginAttempt { action_id, .. }
    | CaseDecision::EndAttempt { action_id, .. }
    | CaseDecision::RetryAction { action_id }
    | CaseDecision::WithdrawAction { action_id, .. }) = command
    else {
        return Err(Refusal::conflict("this is nothing about an action"));
    };
    let Some(action) = draft.item.actions.iter_mut().find(|action| action.id == *action_id) else {
        return Err(Refusal::not_found("such action"));
    };
    let mut kind = CaseChange::Action;
    let detail = match command {
        CaseDecision::BeginAttempt { attempt, .. } => {
            if held {
                return Err(Refusal::conflict("a task that is not done holds it"));
            }
            if !matches!(action.state, Pending | Sending) {
                return Err(Refusal::conflict(format!("the action is {}", action.state.as_str())));
            }
            if *attempt != action.attempt_count.saturating_add(1) {
                let next = action.attempt_count.saturating_add(1);
                return Err(Refusal::conflict(format!("the next attempt is number {next}, not {attempt}")));
            }
            if now >= action.expires_at {
                return Err(Refusal::conflict("the action has expired"));
            }
            // Of one that nobody ended it is not known whether it is still under way. The wait after one that ended is
            // the outbox's to keep, by the machine: business time stands still for as long as the wall was set back.
            let last = action.attempts.iter().find(|made| made.attempt == action.attempt_count);
            let is_under_way = last.is_some_and(|made| made.finished_at.is_none());
            if action.next_attempt_at.is_none_or(|due| is_under_way && now < due) {
                return Err(Refusal::conflict("the next attempt is not due yet"));
            }
            action.state = Sending;
            action.attempt_count = *attempt;
            action.next_attempt_at = Some(now.plus(UNKNOWN_RETRIED_AFTER));
            if action.attempts.len() >= ATTEMPTS_SHOWN_MAX {
                action.attempts.remove(0);
            }
            action.attempts.push(DeliveryAttempt {
                attempt: *attempt,
                started_at: now,
                finished_at: None,
                outcome: AttemptOutcome::Unknown,
                status: None,
                detail: None,
            });
            if state == CaseState::Approved {
                draft.item.state = CaseState::Executing;
                kind = CaseChange::Executing;
            }
            format!("attempt {attempt} of {action_id}")
        }
        CaseDecision::EndAttempt { attempt, outcome, status, detail, external_ref, retry_at, .. } => {
            let Some(made) = action.attempts.iter_mut().find(|made| made.attempt == *attempt) else {
                return Err(Refusal::conflict(format!("attempt {attempt} was not begun")));
            };
            if made.finished_at.is_some() {
                return Err(Refusal::conflict(format!("attempt {attempt} has ended already")));
            }
            made.finished_at = Some(now);
            made.outcome = *outcome;
            made.status = *status;
            made.detail.clone_from(detail);
            let is_last = *attempt == action.attempt_count;
            // Documents and answers that came first say more than the result of the call.
            let waits = matches!(action.state, Pending | Sending | Dead);
            match outcome {
                AttemptOutcome::Delivered => {
                    action.delivered_at.get_or_insert(now);
                    if let Some(named) = external_ref {
                        action.external_ref = Some(named.clone());
                    }
                    if action.state == Expired {
                        come_late(action, now, hours);
                        action.state = Delivered;
                    } else if waits {
                        action.state = Delivered;
                        action.next_attempt_at = None;
                        action.error = None;
                    }
                }
                AttemptOutcome::Refused if waits => {
                    action.state = Refused;
                    action.next_attempt_at = None;
                    action.error = Some(detail.clone().unwrap_or_else(|| "refused".to_owned()));
                }
                AttemptOutcome::Failed | AttemptOutcome::Unknown if waits && is_last => {
                    let failed = *outcome == AttemptOutcome::Failed;
                    action.state = match retry_at {
                        None => Dead,
                        Some(_) if failed => Pending,
                        Some(_) => Sending,
                    };
                    action.next_attempt_at = *retry_at;
                    action.error.clone_from(detail);
                }
                AttemptOutcome::Refused | AttemptOutcome::Failed | AttemptOutcome::Unknown => {}
            }
            format!("attempt {attempt} of {action_id}: {}", outcome.as_str())
        }
        CaseDecision::RetryAction { .. } => {
            if action.state != Dead {
                return Err(Refusal::conflict(format!("the action is {}, not dead", action.state.as_str())));
            }
            if now >= action.expires_at {
                return Err(Refusal::conflict("the action has expired"));
            }
            action.state = Pending;
            action.next_attempt_at = (!held).then_some(now);
            format!("{action_id} is tried again")
        }
        CaseDecision::WithdrawAction { reason, .. } => {
            if reason.trim().is_empty() {
                return Err(Refusal::invalid("/reason", "must not be empty"));
            }
            if !matches!(action.state, Dead | Pending) {
                return Err(Refusal::conflict(format!(
                    "the action is {}: only a dead or pending one can be withdrawn",
                    action.state.as_str()
                )));
            }
            action.state = Withdrawn;
            action.next_attempt_at = None;
            action.error = Some(reason.clone());
            format!("{action_id} withdrawn: {reason}")
        }
        _ => return Err(Refusal::conflict("this is nothing about an action")),
    };
    Ok(draft.finish(kind, detail))
}

/// Lets pending actions go when nothing holds them any more, or holds them.
pub fn hold_or_release(draft: &mut Draft<'_>) {
    let (held, now) = (draft.item.is_held(), draft.now);
    for action in draft.item.actions.iter_mut().filter(|action| action.state == ActionState::Pending) {
        action.next_attempt_at = match action.next_attempt_at {
            _ if held => None,
            None => Some(now),
            due => due,
        };
    }
}
