//! Commands to a case: what is checked before anything is journaled, and what follows.

use super::change::{Draft, changed};
use super::command::{CaseCommand, CaseDecision, ClaimedException};
use super::item::{
    ActionKind, ActionState, CaseComment, CaseItem, CaseMember, CaseOption, CaseState, CaseTask, OptionStep,
};
use super::members;
use super::votes::{not_now, require_undecided};
use super::{ApprovalCase, CaseChange, CaseTransition, case_id_of, execution, follow, require_room, votes};
use crate::domain::command::{Actor, ActorKind, Refusal};
use crate::domain::exception::ExceptionState;
use crate::domain::ids::{EntityKey, Name, is_valid_name};
use crate::domain::reference::Reference;
use crate::domain::time::{DAY, Timestamp};

/// Tasks that a case takes.
const TASKS_MAX: usize = 50;
/// Unicode scalars of a text that somebody gives: a title, a reason, a comment.
const TEXT_MAX: usize = 4_000;
/// Steps of a person's own option.
const STEPS_MAX: usize = 100;
/// An arrival that moves by less when options are computed anew leaves an option what it was.
const SAME_ARRIVAL_WITHIN: i64 = DAY;

/// The transition that opens a case by hand, for a case that does not exist yet.
///
/// # Errors
/// [`Refusal`] without exceptions, with too many, or if one is over or in another case.
pub fn open_by_hand(
    key: &EntityKey,
    command: &CaseDecision,
    actor: &Actor,
    now: Timestamp,
    reference: &Reference,
) -> Result<CaseTransition, Refusal> {
    let CaseDecision::Open { title, kind, exceptions, comment } = command else {
        return Err(Refusal::not_found("such case"));
    };
    let id = case_id_of(Some(key));
    if let Some(title) = title {
        require_text("/title", title)?;
    }
    if let Some(kind) = kind.as_ref().filter(|kind| !is_valid_name(kind)) {
        return Err(Refusal::invalid("/kind", format!("`{kind}` is no name")));
    }
    let claimed = claimed(&id, exceptions, now, reference.settings().cases.exceptions_max)?;
    if claimed.is_empty() {
        return Err(Refusal::invalid("/exceptions", "name at least one exception"));
    }
    let mut item = follow::new_item(id, now);
    item.kind = kind.clone().unwrap_or_default();
    item.titled_by_hand = title.is_some();
    item.title = title.clone().unwrap_or_default();
    item.owner = Some(actor.name.clone());
    item.team = exceptions.iter().find_map(|claimed| claimed.item.team.clone());
    let (settings, tenant) = (reference.settings(), reference.tenant(key.tenant()));
    let mut draft = Draft::of(item, now, actor.name.clone(), settings, tenant);
    if let Some(text) = comment.as_ref().filter(|text| !text.trim().is_empty()) {
        require_text("/comment", text)?;
        comment_on(&mut draft, text);
    }
    let opened = follow::opened(draft, claimed, None);
    require_room(command, &opened.item, settings.cases.bytes_max)?;
    Ok(opened)
}

/// Whether a case would take over what `Absorb` brings, before the other case has let go of it.
///
/// # Errors
/// The [`Refusal`] with which the case would answer as it is now.
pub fn check_absorb(
    key: &EntityKey,
    item: &CaseItem,
    command: &CaseDecision,
    actor: &Actor,
    now: Timestamp,
    reference: &Reference,
) -> Result<(), Refusal> {
    let CaseDecision::Absorb { from, exceptions } = command else {
        return Err(Refusal::conflict("this takes over nothing"));
    };
    let (settings, tenant) = (reference.settings(), reference.tenant(key.tenant()));
    let draft = Draft::of(item.clone(), now, actor.name.clone(), settings, tenant);
    let change = absorb(draft, from, exceptions)?;
    require_room(command, &change.item, settings.cases.bytes_max)
}

fn claimed(
    case: &Name,
    exceptions: &[ClaimedException],
    now: Timestamp,
    room: usize,
) -> Result<Vec<CaseMember>, Refusal> {
    if exceptions.len() > room {
        return Err(Refusal::invalid("/exceptions", format!("a case takes at most {room} exceptions")));
    }
    let mut members: Vec<CaseMember> = Vec::new();
    for ClaimedException { entity, item } in exceptions {
        let elsewhere = item.state == ExceptionState::InCase && item.case_id.as_ref() != Some(case);
        if item.state.is_final() {
            return Err(Refusal::conflict(format!("exception {} is over", item.id)));
        }
        if elsewhere {
            let other = item.case_id.as_deref().unwrap_or("another case");
            return Err(Refusal::conflict(format!("{other} decides about exception {} already", item.id)));
        }
        if !members.iter().any(|member| member.id == item.id) {
            members.push(CaseMember::claimed(entity, item, now));
        }
    }
    Ok(members)
}

impl ApprovalCase {
    pub(super) fn decide_case(
        &self,
        key: &EntityKey,
        command: &CaseCommand,
        actor: &Actor,
        now: Timestamp,
        reference: &Reference,
    ) -> Result<CaseTransition, Refusal> {
        let Some(item) = &self.item else {
            return open_by_hand(key, &command.what, actor, now, reference);
        };
        use CaseDecision::*;
        if let (None, Choose { .. } | Approve { .. }) = (command.version, &command.what) {
            return Err(Refusal::invalid("/version", "say which version of the case you decide on"));
        }
        if let Some(version) = command.version.filter(|version| *version != item.version) {
            return Err(stale(item, version));
        }
        let (settings, tenant) = (reference.settings(), reference.tenant(key.tenant()));
        let mut draft = Draft::of(CaseItem::clone(item), now, actor.name.clone(), settings, tenant);
        let heard = |id: &Name| self.heard_revision(id);
        match &command.what {
            Open { .. } => Err(Refusal::conflict("the case exists already")),
            SetOptions { facts, options } => set_options(draft, *facts, options, actor),
            AddOption { option } => add_option(draft, option, actor),
            Choose { option_id } => votes::choose(draft, option_id, actor),
            Approve { comment } => {
                if let Some(comment) = comment {
                    require_length("/comment", comment)?;
                }
                votes::approve(draft, key.tenant(), comment.as_ref(), actor)
            }
            Reject { reason } => {
                require_length("/reason", reason)?;
                votes::reject(draft, reason, actor, heard)
            }
            Delegate { to, until, reason } => {
                if !is_valid_name(to) {
                    return Err(Refusal::invalid("/to", "is no name"));
                }
                if let Some(reason) = reason {
                    require_length("/reason", reason)?;
                }
                votes::delegate(draft, to, *until, reason.as_ref(), actor)
            }
            Comment { text } => {
                require_text("/text", text)?;
                comment_on(&mut draft, text);
                Ok(draft.finish(CaseChange::Commented, text.chars().take(80).collect::<String>()))
            }
            Reopen { reason } => reopen(draft, reason),
            Cancel { reason } => cancel(draft, reason, heard),
            Merge { into } => {
                require_undecided(&draft.item)?;
                if *into == draft.item.id || !is_valid_name(into) {
                    return Err(Refusal::invalid("/into", "must be another case"));
                }
                draft.item.merged_into = Some(into.clone());
                let detail = format!("merged into {into}");
                draft.item.outcome = Some(follow::outcome(&draft, "not_executed", &detail));
                draft.let_go(heard);
                draft.end(CaseState::Superseded);
                Ok(draft.finish(CaseChange::Superseded, detail))
            }
            Absorb { from, exceptions } => absorb(draft, from, exceptions),
            AddTask { title, assignee, due_at, blocking } => {
                if draft.item.state.is_final() {
                    return Err(not_now(&draft.item, "given tasks"));
                }
                require_text("/title", title)?;
                if draft.item.tasks.len() >= TASKS_MAX {
                    return Err(Refusal::conflict(format!("a case takes at most {TASKS_MAX} tasks")));
                }
                let id = Name::from(format!("task_{}", draft.item.tasks.len() + 1));
                draft.item.tasks.push(CaseTask {
                    id,
                    title: title.clone(),
                    assignee: assignee.clone(),
                    due_at: *due_at,
                    blocking: *blocking,
                    done_at: None,
                    done_by: None,
                });
                execution::hold_or_release(&mut draft);
                Ok(draft.finish(CaseChange::Task, format!("added: {title}")))
            }
            CompleteTask { task_id } => {
                let Some(task) = draft.item.tasks.iter_mut().find(|task| task.id == *task_id) else {
                    return Err(Refusal::not_found("such task"));
                };
                if task.done_at.is_some() {
                    return Err(Refusal::conflict("the task is done already"));
                }
                task.done_at = Some(now);
                task.done_by = Some(actor.name.clone());
                let detail = format!("done: {}", task.title);
                execution::hold_or_release(&mut draft);
                Ok(draft.finish(CaseChange::Task, detail))
            }
            BeginAttempt { .. } | EndAttempt { .. } | RetryAction { .. } | WithdrawAction { .. } => {
                execution::decide(draft, &command.what, actor)
            }
        }
    }
}

/// Says what changed since the version that was decided on.
fn stale(item: &CaseItem, version: u64) -> Refusal {
    let mut refusal = Refusal::stale(version, item.version);
    let since = item.version_changes.iter().filter(|changes| changes.version > version);
    let texts: Vec<String> = since.flat_map(|changes| &changes.changes).map(follow::tell).collect();
    if !texts.is_empty() {
        refusal.detail = format!("{}; since then: {}", refusal.detail, texts.join("; "));
    }
    refusal
}

fn set_options(
    mut draft: Draft<'_>,
    facts: u64,
    options: &[CaseOption],
    actor: &Actor,
) -> Result<CaseTransition, Refusal> {
    if !matches!(actor.kind, ActorKind::System | ActorKind::Solver) {
        return Err(Refusal::forbidden("the tower computes these options: add your own"));
    }
    require_undecided(&draft.item)?;
    if draft.item.wants_options() != Some(facts) {
        return Err(Refusal::conflict(format!(
            "options for version {facts} of the facts are not wanted: they are at version {}",
            draft.item.facts
        )));
    }
    let before = draft.item.chosen().cloned();
    let is_new = |kept: &CaseOption| !options.iter().any(|option| option.id == kept.id);
    let own: Vec<CaseOption> =
        draft.item.options.iter().filter(|kept| kept.edited_by.is_some() && is_new(kept)).cloned().collect();
    let room = draft.settings.cases.options_max.max(1);
    draft.item.options = options.iter().cloned().chain(own).take(room).collect();
    draft.item.options_facts = facts;
    let mut changes = vec![changed("options", "", format!("{} options computed", draft.item.options.len()))];
    if let Some(before) = before {
        let after = draft.item.option(&before.id);
        let stands =
            after.is_some_and(|after| after.is_eligible() && same_steps(&before.steps, &after.steps));
        if stands {
            let numbers = |option: &CaseOption| option.net.map_or("unknown".into(), super::words::money);
            if let Some(after) = after
                && numbers(&before) != numbers(after)
            {
                changes.push(changed("net", numbers(&before), numbers(after)));
            }
            draft.void_votes(&changes);
            draft.item.state = CaseState::AwaitingApproval;
        } else {
            changes.push(changed("chosen_option", before.title, "nothing"));
            draft.void_votes(&changes);
            draft.drop_choice();
            draft.item.state = CaseState::Proposed;
        }
    } else {
        draft.item.state = CaseState::Proposed;
    }
    let count = draft.item.options.len();
    draft.raise_version(changes);
    Ok(draft.finish(CaseChange::Options, format!("{count} options")))
}

/// Whether two lists of steps ask for the same: what they cost, the rest of an expedited line and a shift of the arrival by hours don't count.
fn same_steps(a: &[OptionStep], b: &[OptionStep]) -> bool {
    let near = |a: Option<Timestamp>, b: Option<Timestamp>| match (a, b) {
        (Some(a), Some(b)) => (a.micros() - b.micros()).abs() < SAME_ARRIVAL_WITHIN,
        (a, b) => a == b,
    };
    let same = |(a, b): (&OptionStep, &OptionStep)| {
        near(a.arrives_at, b.arrives_at)
            && OptionStep {
                arrives_at: b.arrives_at,
                unit_cost: b.unit_cost,
                line_quantity: b.line_quantity,
                ..a.clone()
            } == *b
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}

fn add_option(mut draft: Draft<'_>, option: &CaseOption, actor: &Actor) -> Result<CaseTransition, Refusal> {
    require_undecided(&draft.item)?;
    if option.steps.is_empty() {
        return Err(Refusal::invalid("/steps", "say what is to be done"));
    }
    if option.steps.len() > STEPS_MAX {
        return Err(Refusal::invalid("/steps", format!("at most {STEPS_MAX} steps")));
    }
    require_text("/title", &option.title)?;
    for (at, step) in option.steps.iter().enumerate() {
        // A custom action is words: it need not be about goods.
        if step.kind == ActionKind::Custom {
            continue;
        }
        if !step.quantity.is_positive() {
            return Err(Refusal::invalid(&format!("/steps/{at}/quantity"), "must be above zero"));
        }
        // It would be held at the other place as if it were a transfer.
        if step.from.is_some() && step.kind == ActionKind::Order || step.from.as_ref() == Some(&step.location)
        {
            return Err(Refusal::invalid(
                &format!("/steps/{at}/from"),
                "must be another place, of a transfer",
            ));
        }
        if !(is_valid_name(&step.sku) && is_valid_name(&step.location)) {
            return Err(Refusal::invalid(&format!("/steps/{at}"), "name sku and location"));
        }
    }
    let mut option = option.clone();
    option.edited_by = Some(actor.name.clone());
    // Kept here and not taken from what was sent: whoever had a hand in its numbers may not approve them.
    option.editors = draft.item.option(&option.id).map(|known| known.editors.clone()).unwrap_or_default();
    if !option.editors.contains(&actor.name) {
        option.editors.push(actor.name.clone());
    }
    option.recommended = false;
    let known = draft.item.options.iter().position(|known| known.id == option.id);
    let edits_own = known.filter(|at| draft.item.options[*at].edited_by.is_some());
    match edits_own {
        Some(at) => {
            let is_chosen = draft.item.chosen_option.as_ref() == Some(&option.id);
            draft.item.options[at] = option.clone();
            if is_chosen {
                draft.void_votes(&[changed("chosen_option", option.title.clone(), "edited")]);
                draft.drop_choice();
            }
        }
        None => {
            let room = draft.settings.cases.options_max;
            if draft.item.options.len() >= room {
                return Err(Refusal::conflict(format!("a case keeps at most {room} options")));
            }
            option.id = Name::from(format!("own_{}", draft.item.version + 1));
            draft.item.options.push(option.clone());
        }
    }
    if draft.item.chosen_option.is_none() && draft.item.state == CaseState::AwaitingApproval {
        draft.item.state = CaseState::Proposed;
    }
    draft.raise_version(vec![changed("options", "", format!("{} added by {}", option.title, actor.name))]);
    Ok(draft.finish(CaseChange::Options, option.title))
}

fn reopen(mut draft: Draft<'_>, reason: &str) -> Result<CaseTransition, Refusal> {
    require_text("/reason", reason)?;
    let state = draft.item.state;
    if !state.is_final() || state == CaseState::Superseded {
        return Err(not_now(&draft.item, "reopened"));
    }
    if draft.item.is_executed() {
        return Err(Refusal::conflict("something of it was executed: open another case"));
    }
    let now = draft.now;
    let mut claimed = Vec::new();
    for member in draft.item.members.iter_mut().filter(|member| member.is_open()) {
        member.let_go = None;
        member.state = ExceptionState::InCase;
        member.claimed_at = now;
        member.confirmed = false;
        claimed.push(member.clone());
    }
    if claimed.is_empty() {
        return Err(Refusal::conflict("every exception of the case is over"));
    }
    for member in &claimed {
        draft.claim(member);
    }
    draft.void_votes(&[]);
    draft.drop_choice();
    draft.item.actions.clear();
    draft.item.approved_at = None;
    draft.item.outcome = None;
    draft.item.closed_at = None;
    draft.item.changed_since.clear();
    draft.item.state = CaseState::Draft;
    draft.take_facts();
    draft.raise_version(vec![changed("state", state.as_str(), "draft")]);
    Ok(draft.finish(CaseChange::Reopened, reason))
}

fn cancel(
    mut draft: Draft<'_>,
    reason: &str,
    heard: impl Fn(&Name) -> u64,
) -> Result<CaseTransition, Refusal> {
    require_text("/reason", reason)?;
    let before_execution = draft.item.state.is_undecided()
        || draft.item.state == CaseState::Approved && !draft.item.is_executed();
    if !before_execution {
        return Err(not_now(&draft.item, "cancelled"));
    }
    for action in &mut draft.item.actions {
        action.state = ActionState::Withdrawn;
        action.next_attempt_at = None;
        action.error = Some(reason.to_owned());
    }
    draft.item.outcome = Some(follow::outcome(&draft, "not_executed", reason));
    draft.let_go(heard);
    draft.end(CaseState::Cancelled);
    Ok(draft.finish(CaseChange::Cancelled, reason))
}

fn absorb(
    mut draft: Draft<'_>,
    from: &Name,
    exceptions: &[ClaimedException],
) -> Result<CaseTransition, Refusal> {
    require_undecided(&draft.item)?;
    // The other case has let go of them, but they may not have heard of it yet.
    let free: Vec<ClaimedException> = exceptions
        .iter()
        .map(|claimed| {
            let mut claimed = claimed.clone();
            if claimed.item.case_id.as_ref() == Some(from) && claimed.item.state == ExceptionState::InCase {
                claimed.item.state = ExceptionState::Open;
            }
            claimed
        })
        .filter(|claimed| !claimed.item.state.is_final())
        .collect();
    let room = draft.settings.cases.exceptions_max;
    let joined: Vec<CaseMember> = claimed(&draft.item.id, &free, draft.now, room)?
        .into_iter()
        .filter(|member| !draft.item.members.iter().any(|known| known.id == member.id && known.is_open()))
        .collect();
    if joined.is_empty() {
        return Err(Refusal::invalid(
            "/exceptions",
            "there is no open exception that the case does not have",
        ));
    }
    draft.item.members.retain(|known| !joined.iter().any(|member| member.id == known.id));
    if draft.item.members.len() + joined.len() > room {
        return Err(Refusal::conflict(format!("a case takes at most {room} exceptions")));
    }
    let change = changed("exceptions", "", format!("{} joined from {from}", joined.len()));
    for member in &joined {
        draft.claim(member);
    }
    draft.item.members.extend(joined);
    draft.raise_version(vec![change.clone()]);
    draft.take_facts();
    if draft.item.chosen_option.is_some() {
        draft.void_votes(&[change]);
    } else {
        draft.item.state = CaseState::Draft;
    }
    members::summarize(&mut draft.item, draft.tenant);
    Ok(draft.finish(CaseChange::Updated, format!("took over the exceptions of {from}")))
}

fn comment_on(draft: &mut Draft<'_>, text: &str) {
    let kept = draft.settings.cases.timeline_max.max(1);
    let excess = (draft.item.comments.len() + 1).saturating_sub(kept);
    draft.item.comments.drain(..excess);
    let comment = CaseComment { at: draft.now, by: draft.by.clone(), text: text.to_owned() };
    draft.item.comments.push(comment);
}

fn require_text(pointer: &str, text: &str) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return Err(Refusal::invalid(pointer, "must not be empty"));
    }
    require_length(pointer, text)
}

fn require_length(pointer: &str, text: &str) -> Result<(), Refusal> {
    if text.chars().count() > TEXT_MAX {
        return Err(Refusal::invalid(pointer, format!("must have at most {TEXT_MAX} characters")));
    }
    Ok(())
}
