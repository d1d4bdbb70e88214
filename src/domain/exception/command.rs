//! What people do with an exception: acknowledge, assign, snooze, comment, dismiss.

use std::sync::Arc;

use super::slots::ExceptionSlots;
use super::{ExceptionChange, ExceptionComment, ExceptionItem, ExceptionState, ExceptionTransition};
use crate::domain::command::{Actor, Refusal};
use crate::domain::exception::routing::Routed;
use crate::domain::ids::Name;
use crate::domain::reference::TenantReference;
use crate::domain::settings::{Segment, Settings};
use crate::domain::time::Timestamp;

/// Comments that an item shows; the journal has them all.
pub const COMMENTS_SHOWN_MAX: usize = 50;

/// A command about one exception.
#[derive(Clone, Debug, PartialEq)]
pub struct ExceptionCommand {
    pub exception_id: Name,
    /// The revision that whoever decided had before them; any if `None`.
    pub version: Option<u64>,
    pub what: ExceptionAction,
}

/// What is done with an exception.
#[derive(Clone, Debug, PartialEq)]
pub enum ExceptionAction {
    /// Seen, and looked after by whoever says so.
    Acknowledge {
        comment: Option<String>,
    },
    /// Given to a person, a team or both.
    Assign {
        owner: Option<Name>,
        team: Option<Name>,
        comment: Option<String>,
    },
    /// Put off.
    Snooze {
        until: Timestamp,
        comment: Option<String>,
    },
    Comment {
        text: String,
    },
    /// Of no concern; the same trouble is told again once it has gone and come back.
    Dismiss {
        reason: String,
    },
}

/// What the routing rules need to know beside the exception.
#[derive(Clone, Copy, Debug)]
pub struct Where<'a> {
    pub settings: &'a Settings,
    pub tenant: Option<&'a TenantReference>,
    pub segment: Segment<'a>,
}

/// Decides a command on an entity's exceptions.
///
/// # Errors
/// [`Refusal`] if there is no such open exception, if it has changed since, or if it can't be done now.
pub fn decide(
    slots: &ExceptionSlots,
    command: &ExceptionCommand,
    actor: &Actor,
    now: Timestamp,
    place: Where<'_>,
) -> Result<ExceptionTransition, Refusal> {
    let slot = slots
        .slot_of_open(&command.exception_id)
        .ok_or_else(|| Refusal::conflict("the exception is over: nothing can be done with it any more"))?;
    let Some(open) = &slot.open else { return Err(Refusal::not_found("such exception")) };
    if let Some(version) = command.version
        && version != open.revision
    {
        return Err(Refusal::stale(version, open.revision));
    }
    let mut item = ExceptionItem::clone(open);
    item.revision += 1;
    item.updated_at = now;
    let peak = slot.peak_with(&item);
    let rule = place.settings.routing.rule(&Routed {
        exception_type: &item.exception_type,
        severity: peak.severity,
        value_at_risk: peak.value_at_risk,
        segment: place.segment,
    });
    let comment = |item: &mut ExceptionItem, text: &Option<String>| {
        if let Some(text) = text.as_ref().filter(|text| !text.trim().is_empty()) {
            if item.comments.len() >= COMMENTS_SHOWN_MAX {
                item.comments.remove(0);
            }
            item.comments.push(ExceptionComment { at: now, by: actor.name.clone(), text: text.clone() });
        }
    };
    let kind = match &command.what {
        ExceptionAction::Acknowledge { comment: text } => {
            if item.state == ExceptionState::InCase {
                return Err(Refusal::conflict("a case decides about this exception"));
            }
            item.state = ExceptionState::Acknowledged;
            item.owner = item.owner.or_else(|| Some(actor.name.clone()));
            item.snoozed_until = None;
            item.sla_due_at = rule.and_then(|rule| {
                let hours = rule.decide_within_hours?;
                let team = item.team.as_ref().unwrap_or(&rule.team);
                Some(place.settings.routing.deadline(team, hours, now, place.tenant))
            });
            comment(&mut item, text);
            ExceptionChange::Acknowledged
        }
        ExceptionAction::Assign { owner, team, comment: text } => {
            if owner.is_none() && team.is_none() {
                return Err(Refusal::invalid("/owner", "give an owner, a team or both"));
            }
            item.owner = owner.clone().or(item.owner);
            item.team_by_hand |= team.is_some();
            item.team = team.clone().or(item.team);
            comment(&mut item, text);
            ExceptionChange::Assigned
        }
        ExceptionAction::Snooze { until, comment: text } => {
            if *until <= now {
                return Err(Refusal::invalid("/until", "must be later than now"));
            }
            if item.state == ExceptionState::InCase {
                return Err(Refusal::conflict("a case decides about this exception"));
            }
            item.state = ExceptionState::Snoozed;
            item.snoozed_until = Some(*until);
            item.sla_due_at = None;
            comment(&mut item, text);
            ExceptionChange::Snoozed
        }
        ExceptionAction::Comment { text } => {
            if text.trim().is_empty() {
                return Err(Refusal::invalid("/text", "must not be empty"));
            }
            comment(&mut item, &Some(text.clone()));
            ExceptionChange::Updated
        }
        ExceptionAction::Dismiss { reason } => {
            if reason.trim().is_empty() {
                return Err(Refusal::invalid("/reason", "must not be empty"));
            }
            if item.state == ExceptionState::InCase {
                return Err(Refusal::conflict("a case decides about this exception"));
            }
            item.state = ExceptionState::Resolved;
            item.resolution = Some(reason.clone());
            item.snoozed_until = None;
            item.sla_due_at = None;
            ExceptionChange::Resolved
        }
    };
    Ok(ExceptionTransition {
        kind,
        item: Arc::new(item),
        of: slot.of.clone(),
        cause: slot.cause.clone(),
        left_cause: None,
    })
}
