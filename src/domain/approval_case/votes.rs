//! Who may approve: the simple form, one role per kind of action, and nobody approves what they chose or edited.

use super::change::Draft;
use super::item::{
    ActionKind, CaseItem, CaseOption, CaseState, Delegation, ProposedBy, RequiredStep, RuleRef, Vote,
};
use super::{CaseChange, CaseTransition, execution};
use crate::domain::command::{Actor, ActorKind, Refusal};
use crate::domain::ids::{Name, TenantNumber};
use crate::domain::settings::CaseSettings;
use crate::domain::time::Timestamp;

/// Delegations that a case keeps.
const DELEGATIONS_MAX: usize = 50;

/// The rule that says what is required, until rules are data.
fn rule() -> RuleRef {
    RuleRef { id: Name::const_new("role_per_kind_of_action"), version: Name::const_new("1") }
}

/// One step per role among the option's actions, in the order of the steps. That nothing is done wants the role of
/// custom actions: it is a decision too.
fn required(option: &CaseOption, deadline: Timestamp, settings: &CaseSettings) -> Vec<RequiredStep> {
    let role = |kind| match kind {
        ActionKind::Order => &settings.approves_order,
        ActionKind::Expedite => &settings.approves_expedite,
        ActionKind::Transfer => &settings.approves_transfer,
        ActionKind::Custom => &settings.approves_custom,
    };
    let mut roles: Vec<&Name> = Vec::new();
    for step in &option.steps {
        if !roles.contains(&role(step.kind)) {
            roles.push(role(step.kind));
        }
    }
    if roles.is_empty() {
        roles.push(role(ActionKind::Custom));
    }
    let step = |(step, role): (u32, &Name)| RequiredStep {
        step,
        role: role.clone(),
        quorum: 1,
        granted: 0,
        deadline: Some(deadline),
    };
    (1..).zip(roles).map(step).collect()
}

/// Makes an option the one that is to be approved.
///
/// # Errors
/// [`Refusal`] if there is no such option, a gate is not passed, or its numbers are of yesterday.
pub fn choose(mut draft: Draft<'_>, option_id: &Name, actor: &Actor) -> Result<CaseTransition, Refusal> {
    require_undecided(&draft.item)?;
    require_options(&draft.item)?;
    let Some(option) = draft.item.option(option_id) else {
        return Err(Refusal::not_found("such option"));
    };
    if let Some(gate) = option.gates.iter().find(|gate| !gate.passed) {
        return Err(Refusal::conflict(format!("the option can't be carried out: {}", gate.detail)));
    }
    let deadline = draft.now.plus_days(draft.settings.cases.approve_within_hours / 24.0);
    let (title, confidence) = (option.title.clone(), option.confidence);
    let steps = required(option, deadline, &draft.settings.cases);
    let before = draft.item.chosen().map_or("nothing", |option| &option.title).to_owned();
    let change = super::change::changed("chosen_option", before, title.clone());
    draft.void_votes(&[]);
    draft.drop_choice();
    draft.item.chosen_option = Some(option_id.clone());
    draft.item.proposed_by =
        Some(ProposedBy { kind: actor.kind, id: actor.name.clone(), version: None, confidence });
    draft.item.required = steps;
    draft.item.rule = Some(rule());
    draft.item.changed_since.clear();
    draft.item.state = CaseState::AwaitingApproval;
    draft.raise_version(vec![change]);
    Ok(draft.finish(CaseChange::Chosen, title))
}

/// Takes an approval; the last one that is required makes the actions.
///
/// # Errors
/// [`Refusal`] if whoever asks may not approve this, or has already.
pub fn approve(
    mut draft: Draft<'_>,
    tenant: TenantNumber,
    comment: Option<&String>,
    actor: &Actor,
) -> Result<CaseTransition, Refusal> {
    if draft.item.state != CaseState::AwaitingApproval {
        return Err(not_now(&draft.item, "approved"));
    }
    require_options(&draft.item)?;
    if draft.item.required.iter().filter_map(|step| step.deadline).any(|deadline| deadline <= draft.now) {
        return Err(Refusal::conflict("the time to approve it is over"));
    }
    if draft.item.members.iter().any(|member| member.is_open() && !member.confirmed) {
        let detail = "not all of its exceptions say that this case decides about them: another one may";
        return Err(Refusal::conflict(detail));
    }
    let Some(option) = draft.item.chosen().cloned() else {
        return Err(Refusal::conflict("no option is chosen"));
    };
    if option.gates.iter().any(|gate| !gate.passed) {
        return Err(Refusal::conflict("the option can't be carried out any more"));
    }
    let (at, on_behalf_of) = seat(&draft.item, &option, actor, draft.now)?;
    let step = &mut draft.item.required[at];
    step.granted += 1;
    let (number, role) = (step.step, step.role.clone());
    draft.item.votes.push(Vote {
        by: actor.name.clone(),
        role: role.clone(),
        step: number,
        approves: true,
        comment: comment.cloned(),
        at: draft.now,
        version: draft.item.version,
        void: false,
        on_behalf_of: on_behalf_of.clone(),
    });
    bound_votes(&mut draft.item);
    let behalf = on_behalf_of.map_or_else(String::new, |name| format!(" on behalf of {name}"));
    let detail = format!("approved as {role}{behalf}");
    if draft.item.required.iter().any(|step| step.granted < step.quorum) {
        return Ok(draft.finish(CaseChange::Voted, detail));
    }
    draft.item.state = CaseState::Approved;
    draft.item.approved_at = Some(draft.now);
    draft.item.actions =
        execution::actions(tenant, &draft.item, &option.steps, draft.now, &draft.settings.cases);
    Ok(draft.finish(CaseChange::Approved, detail))
}

/// The step that the actor's approval counts for, and on whose behalf.
fn seat(
    item: &CaseItem,
    option: &CaseOption,
    actor: &Actor,
    now: Timestamp,
) -> Result<(usize, Option<Name>), Refusal> {
    if actor.kind != ActorKind::Person {
        return Err(Refusal::forbidden("only a person approves"));
    }
    let proposed = |name: &Name| {
        item.proposed_by.as_ref().is_some_and(|by| by.id == *name) || option.editors.contains(name)
    };
    if proposed(&actor.name) {
        return Err(Refusal::forbidden("whoever chose or edited the option may not approve it"));
    }
    let voted = |name: &Name| {
        let by = |vote: &&Vote| vote.by == *name || vote.on_behalf_of.as_ref() == Some(name);
        item.votes.iter().filter(|vote| !vote.void).any(|vote| by(&vote))
    };
    if voted(&actor.name) {
        return Err(Refusal::conflict("you have approved this already: one person counts once"));
    }
    let open = || item.required.iter().enumerate().filter(|(_, step)| step.granted < step.quorum);
    let in_force = || item.delegations.iter().filter(|delegation| now < delegation.until);
    let has_delegated = in_force().any(|delegation| delegation.from == actor.name);
    if !has_delegated && let Some((at, _)) = open().find(|(_, step)| actor.has_role(&step.role)) {
        return Ok((at, None));
    }
    let lent = in_force()
        .filter(|delegation| delegation.to == actor.name)
        .filter(|delegation| !proposed(&delegation.from) && !voted(&delegation.from));
    for delegation in lent {
        if let Some((at, _)) = open().find(|(_, step)| delegation.roles.contains(&step.role)) {
            return Ok((at, Some(delegation.from.clone())));
        }
    }
    if has_delegated {
        return Err(Refusal::forbidden("somebody else votes instead of you"));
    }
    let roles: Vec<&str> = open().map(|(_, step)| step.role.as_str()).collect();
    Err(Refusal::forbidden(format!("it takes the role {}", roles.join(" or "))))
}

/// Lends the actor's votes on this case to somebody, for a time.
///
/// # Errors
/// [`Refusal`] if there is nothing to lend, or not to them, or not until then.
pub fn delegate(
    mut draft: Draft<'_>,
    to: &Name,
    until: Option<Timestamp>,
    reason: Option<&String>,
    actor: &Actor,
) -> Result<CaseTransition, Refusal> {
    if draft.item.state != CaseState::AwaitingApproval {
        return Err(not_now(&draft.item, "delegated"));
    }
    if actor.kind != ActorKind::Person {
        return Err(Refusal::forbidden("only a person delegates"));
    }
    let proposer = draft.item.proposed_by.as_ref().map(|by| &by.id);
    let editors = draft.item.chosen().map_or(&[][..], |option| &option.editors);
    for (name, pointer) in [(&actor.name, None), (to, Some("/to"))] {
        if proposer == Some(name) || editors.contains(name) {
            let refusal = Refusal::forbidden("whoever chose or edited the option may not approve it");
            return Err(Refusal { pointer: pointer.map(str::to_owned), ..refusal });
        }
    }
    if *to == actor.name {
        return Err(Refusal::invalid("/to", "must be somebody else"));
    }
    let voted = draft.item.votes.iter().any(|vote| !vote.void && vote.by == actor.name);
    if voted {
        return Err(Refusal::conflict("you have approved this already"));
    }
    let steps = &draft.item.required;
    let roles: Vec<Name> =
        steps.iter().filter(|step| actor.has_role(&step.role)).map(|step| step.role.clone()).collect();
    if roles.is_empty() {
        return Err(Refusal::forbidden("you have no vote on this case that you could lend"));
    }
    let deadline = steps.iter().filter_map(|step| step.deadline).min();
    let until = match (until, deadline) {
        (Some(until), _) if until <= draft.now => {
            return Err(Refusal::invalid("/until", "must be later than now"));
        }
        (Some(until), Some(deadline)) => until.min(deadline),
        (Some(until), None) => until,
        (None, deadline) => deadline.unwrap_or(draft.now),
    };
    if draft.item.delegations.len() >= DELEGATIONS_MAX {
        return Err(Refusal::conflict(format!("a case keeps at most {DELEGATIONS_MAX} delegations")));
    }
    draft.item.delegations.retain(|delegation| delegation.from != actor.name);
    draft.item.delegations.push(Delegation {
        from: actor.name.clone(),
        to: to.clone(),
        roles,
        at: draft.now,
        until,
        reason: reason.cloned(),
    });
    let detail = format!("{to} votes instead of {} until {until}", actor.name);
    Ok(draft.finish(CaseChange::Delegated, detail))
}

/// Says no to the case as a whole.
///
/// # Errors
/// [`Refusal`] without a reason, or if it was decided already.
pub fn reject(
    mut draft: Draft<'_>,
    reason: &str,
    actor: &Actor,
    heard: impl Fn(&Name) -> u64,
) -> Result<CaseTransition, Refusal> {
    require_undecided(&draft.item)?;
    if actor.kind != ActorKind::Person {
        return Err(Refusal::forbidden("only a person rejects"));
    }
    if reason.trim().is_empty() {
        return Err(Refusal::invalid("/reason", "must not be empty"));
    }
    let now = draft.now;
    let lent = draft
        .item
        .delegations
        .iter()
        .filter(|delegation| delegation.to == actor.name && now < delegation.until)
        .flat_map(|delegation| &delegation.roles);
    let lent: Vec<&Name> = lent.collect();
    let may = |step: &&RequiredStep| actor.has_role(&step.role) || lent.contains(&&step.role);
    let seat = draft.item.required.iter().find(may).map(|step| (step.step, step.role.clone()));
    if !draft.item.required.is_empty() && seat.is_none() {
        return Err(Refusal::forbidden("it takes a role that approves this case"));
    }
    if let Some((step, role)) = seat {
        draft.item.votes.push(Vote {
            by: actor.name.clone(),
            role,
            step,
            approves: false,
            comment: Some(reason.to_owned()),
            at: now,
            version: draft.item.version,
            void: false,
            on_behalf_of: None,
        });
        bound_votes(&mut draft.item);
    }
    draft.item.outcome = Some(super::follow::outcome(&draft, "not_executed", reason));
    draft.let_go(heard);
    draft.end(CaseState::Rejected);
    Ok(draft.finish(CaseChange::Rejected, reason))
}

/// Votes that do not count any more go when there are too many; those that count are few.
fn bound_votes(item: &mut CaseItem) {
    const VOTES_MAX: usize = 200;
    while item.votes.len() > VOTES_MAX {
        let oldest = item.votes.iter().position(|vote| vote.void).unwrap_or(0);
        item.votes.remove(oldest);
    }
}

/// # Errors
/// [`Refusal`] if it was decided.
pub fn require_undecided(item: &CaseItem) -> Result<(), Refusal> {
    if item.state.is_undecided() { Ok(()) } else { Err(not_now(item, "decided about")) }
}

/// The options are those for the facts as they are.
fn require_options(item: &CaseItem) -> Result<(), Refusal> {
    match item.wants_options() {
        None => Ok(()),
        Some(_) => Err(Refusal::conflict("the facts moved, and the options are being computed: look again")),
    }
}

/// What can't be done in the state that the case is in.
pub fn not_now(item: &CaseItem, done: &str) -> Refusal {
    Refusal::conflict(format!(
        "the case is {}: it can't be {done} now",
        item.state.as_str().replace('_', " ")
    ))
}
