//! What follows from the facts and from time: opening, following the exceptions and the documents, deadlines, the end.

use super::change::{Draft, TOWER, changed};
use super::facts::HeardException;
use super::item::{ActionState, CaseItem, CaseMember, CaseOutcome, CaseState, FactChange};
use super::members;
use super::{ApprovalCase, CaseChange, CaseTransition, case_id_of, deadlines, execution, words};
use crate::domain::exception::ExceptionState;
use crate::domain::exception::kind::ExceptionType;
use crate::domain::ids::{EntityKey, Name};
use crate::domain::money::Money;
use crate::domain::quantity::Quantity;
use crate::domain::reference::Reference;
use crate::domain::time::{SECOND, Timestamp};

/// An exception that was claimed and does not answer for so long was over before it could.
const CLAIM_ANSWERED_WITHIN: i64 = 600 * SECOND;

/// The earliest moment at which time alone changes something.
#[derive(Default)]
struct Review(Option<Timestamp>);

impl Review {
    fn at(&mut self, at: Timestamp) {
        self.0 = Some(self.0.map_or(at, |earliest| earliest.min(at)));
    }
}

/// What the exceptions made of the case.
#[derive(Default)]
struct Followed {
    /// Anything that the item shows.
    any: bool,
    /// What decisions are tied to.
    moved: Vec<FactChange>,
    /// One came back.
    returned: bool,
    /// Those that are in another case now.
    left: Vec<Name>,
}

impl ApprovalCase {
    /// The change that is due, if any, and when to look again.
    pub(super) fn follow(
        &self,
        key: &EntityKey,
        now: Timestamp,
        reference: &Reference,
    ) -> (Option<CaseTransition>, Option<Timestamp>) {
        let id = case_id_of(Some(key));
        let (settings, tenant) = (reference.settings(), reference.tenant(key.tenant()));
        let Some(item) = &self.item else {
            let claimed: Vec<CaseMember> = self
                .facts
                .exceptions()
                .filter(|(_, heard)| heard.is_in(&id))
                .take(settings.cases.exceptions_max)
                .map(|(_, heard)| confirmed(CaseMember::claimed(&heard.entity, &heard.item, now)))
                .collect();
            if claimed.is_empty() {
                return (None, None);
            }
            let mut item = new_item(id, now);
            let first = claimed.first().and_then(|member| self.facts.exception(&member.id));
            item.team = first.and_then(|heard| heard.item.team.clone());
            item.owner = first.and_then(|heard| heard.item.owner.clone());
            let draft = Draft::of(item, now, TOWER, settings, tenant);
            return (Some(opened(draft, claimed, None)), None);
        };
        let mut draft = Draft::of(CaseItem::clone(item), now, TOWER, settings, tenant);
        let mut review = Review::default();
        let actions_moved = execution::follow(&mut draft, &self.facts, &mut |at| review.at(at));
        let followed = self.follow_exceptions(&id, &mut draft, &mut review);
        let ended = self.advance(&mut draft, &followed, &mut review);
        let change = match ended {
            Some((kind, detail)) => Some(draft.finish(kind, detail)),
            None if actions_moved.is_some() => {
                actions_moved.map(|detail| draft.finish(CaseChange::Action, detail))
            }
            None if followed.any => {
                let detail = told(&followed.moved, "what is at risk moved");
                Some(draft.finish(CaseChange::Updated, detail))
            }
            None => None,
        };
        // What is proposed now is looked at again when it comes back.
        let review_at = if change.is_some() { None } else { review.0.filter(|at| *at > now) };
        (change, review_at)
    }

    /// The highest revision of an exception that was heard of.
    pub(super) fn heard_revision(&self, id: &Name) -> u64 {
        self.facts.exception(id).map_or(0, |heard| heard.item.revision)
    }

    fn follow_exceptions(&self, id: &Name, draft: &mut Draft<'_>, review: &mut Review) -> Followed {
        let mut followed = Followed::default();
        let before = (draft.item.value_at_risk, members::at_risk(&draft.item.members).1);
        for at in 0..draft.item.members.len() {
            let heard = self.facts.exception(&draft.item.members[at].id);
            self.follow_member(id, draft, at, heard, &mut followed, review);
        }
        draft.item.members.retain(|member| !followed.left.contains(&member.id));
        for (exception, heard) in self.facts.exceptions() {
            let is_member = draft.item.members.iter().any(|member| member.id == *exception);
            let is_full = draft.item.members.len() >= draft.settings.cases.exceptions_max;
            if is_member || !heard.is_in(id) || is_full {
                continue;
            }
            let member = confirmed(CaseMember::claimed(&heard.entity, &heard.item, draft.now));
            followed.any = true;
            followed.returned = true;
            followed.moved.push(changed("exceptions", "", format!("{} joined", describe(&member))));
            if !draft.item.state.is_final() {
                draft.claim(&member);
            }
            draft.item.members.push(member);
        }
        let (value, units) = members::at_risk(&draft.item.members);
        let share = draft.settings.cases.facts_moved_share;
        let (old, old_units) = (draft.item.facts_value, draft.item.facts_units);
        if followed.moved.is_empty() && moved_much((old, old_units), (value, units), share) {
            let text = |value: Option<Money>, units: Option<Quantity>| match (value, units) {
                (Some(value), _) => words::money(value),
                (None, Some(units)) => format!("{units} units"),
                (None, None) => "unknown".to_owned(),
            };
            followed.moved.push(changed("value_at_risk", text(old, old_units), text(value, units)));
        }
        followed.any |= before != (value, units) && !draft.item.is_solved();
        followed
    }

    fn follow_member(
        &self,
        id: &Name,
        draft: &mut Draft<'_>,
        at: usize,
        heard: Option<&HeardException>,
        followed: &mut Followed,
        review: &mut Review,
    ) {
        let (now, is_final) = (draft.now, draft.item.state.is_final());
        let member = &mut draft.item.members[at];
        let mut told = |change: String| {
            followed.any = true;
            followed.moved.push(changed("exceptions", "", change));
        };
        match heard {
            Some(heard) if heard.is_in(id) => {
                // A case that has let go of it hears once or twice more that it is held.
                if member.let_go.is_some_and(|revision| heard.item.revision <= revision) {
                    return;
                }
                let was = member.clone();
                if !was.is_open() || was.let_go.is_some() {
                    member.claimed_at = now;
                    member.let_go = None;
                    member.ended = None;
                    followed.returned = true;
                    told(format!("{} came back", describe(&was)));
                }
                member.state = ExceptionState::InCase;
                member.confirmed = true;
                member.learn(&heard.item);
                followed.any |= *member != was;
            }
            // Only what is held, or may be, matters; a case that is over does not follow what it let go of.
            _ if !member.is_open() || is_final => {}
            // Let go when the case had failed, before it was known that its actions were done all the same.
            Some(heard) if member.let_go.is_some() && !heard.item.state.is_final() => {}
            None if member.let_go.is_some() => {}
            Some(heard) if heard.item.state.is_final() => {
                member.end(heard.item.state, heard.item.cause.as_deref());
                told(format!("{} {}", describe(member), heard.item.state.as_str()));
            }
            Some(_) if member.confirmed => {
                followed.left.push(member.id.clone());
                told(format!("{} left the case", describe(member)));
            }
            _ if member.confirmed => {}
            _ if now >= member.claimed_at.plus(CLAIM_ANSWERED_WITHIN) => {
                member.end(ExceptionState::Cleared, Some("it was over before it was claimed"));
                told(format!("{} was over before", describe(member)));
            }
            _ => review.at(member.claimed_at.plus(CLAIM_ANSWERED_WITHIN)),
        }
    }

    /// The step of the state machine that is due.
    fn advance(
        &self,
        draft: &mut Draft<'_>,
        followed: &Followed,
        review: &mut Review,
    ) -> Option<(CaseChange, String)> {
        let state = draft.item.state;
        if state.is_undecided() {
            return self.advance_undecided(draft, followed, review);
        }
        if state == CaseState::Failed && execution::is_done_after_all(&draft.item) {
            draft.item.state = CaseState::Executed;
            draft.item.closed_at = None;
            draft.item.outcome = None;
            return Some((CaseChange::Executed, "every action was done after all, late".to_owned()));
        }
        if state.is_final() {
            return followed.returned.then(|| self.revive(draft, followed));
        }
        let actions = &draft.item.actions;
        let any = |states: &[ActionState]| actions.iter().any(|action| states.contains(&action.state));
        use ActionState::*;
        if !actions.is_empty() && actions.iter().all(|action| action.state == Withdrawn) {
            return Some(self.end_without_effect(draft, CaseState::Cancelled, "every action was withdrawn"));
        }
        if any(&[Pending, Sending, Dead]) {
            return None;
        }
        if any(&[Refused, Expired]) {
            if any(&[Delivered]) {
                return None;
            }
            let why = if any(&[Refused]) { "an action was refused" } else { "an action was not confirmed" };
            return Some(self.end_without_effect(draft, CaseState::Failed, why));
        }
        if !actions.is_empty() && state < CaseState::Executed {
            draft.item.state = CaseState::Executed;
            return Some((CaseChange::Executed, "every action was delivered".to_owned()));
        }
        if state == CaseState::Executed {
            for action in actions.iter().filter(|action| action.state == Documented) {
                review.at(action.expires_at);
            }
            let matches = |action: &&_| self.is_reconciled(action, draft.now, draft.settings);
            if actions.iter().filter(|action| action.state != Withdrawn).all(|action| matches(&action)) {
                draft.item.state = CaseState::Reconciled;
                return Some((CaseChange::Reconciled, "what was done is what was approved".to_owned()));
            }
            return None;
        }
        let measure_at = draft.measure_at();
        let has_arrived = draft.item.actions.iter().all(execution::has_arrived);
        if (has_arrived && draft.item.is_solved()) || draft.now >= measure_at {
            return Some(self.close(draft));
        }
        review.at(measure_at);
        None
    }

    fn advance_undecided(
        &self,
        draft: &mut Draft<'_>,
        followed: &Followed,
        review: &mut Review,
    ) -> Option<(CaseChange, String)> {
        if draft.item.is_solved() {
            let worse = draft.item.members.iter().find(|member| member.is_superseded()).map(describe);
            let detail = match worse {
                Some(worse) => format!("not decided before {worse} got worse"),
                None => "every exception went away before a decision".to_owned(),
            };
            draft.item.outcome = Some(outcome(draft, "not_executed", &detail));
            draft.drop_choice();
            draft.end(CaseState::Closed);
            return Some((CaseChange::Closed, detail));
        }
        let deadline = draft.item.required.iter().filter_map(|step| step.deadline).min();
        if draft.item.state == CaseState::AwaitingApproval
            && let Some(deadline) = deadline
        {
            if deadline <= draft.now {
                return Some(self.end_without_effect(
                    draft,
                    CaseState::Expired,
                    "nobody approved it in time",
                ));
            }
            review.at(deadline);
        }
        if followed.moved.is_empty() {
            let mut at = |at| review.at(at);
            return deadlines::escalate(draft, &mut at).or_else(|| deadlines::renew_options(draft, &mut at));
        }
        draft.raise_version(followed.moved.clone());
        draft.take_facts();
        if draft.item.chosen_option.is_some() {
            draft.void_votes(&followed.moved);
        } else {
            draft.item.state = CaseState::Draft;
        }
        Some((CaseChange::Updated, told(&followed.moved, "the facts moved")))
    }

    /// An exception came back to a case that is over: where nothing was decided it is decided now, elsewhere it is let
    /// go again.
    fn revive(&self, draft: &mut Draft<'_>, followed: &Followed) -> (CaseChange, String) {
        if draft.item.state == CaseState::Closed && draft.item.approved_at.is_none() {
            draft.raise_version(followed.moved.clone());
            draft.take_facts();
            draft.item.state = CaseState::Draft;
            draft.item.closed_at = None;
            draft.item.outcome = None;
            return (CaseChange::Reopened, told(&followed.moved, "it came back"));
        }
        draft.let_go(|id| self.heard_revision(id));
        (CaseChange::Updated, "it came back after this case was over, and is left to another one".to_owned())
    }

    fn end_without_effect(&self, draft: &mut Draft<'_>, state: CaseState, why: &str) -> (CaseChange, String) {
        draft.item.outcome = Some(outcome(draft, "not_executed", why));
        draft.let_go(|id| self.heard_revision(id));
        draft.end(state);
        let kind = match state {
            CaseState::Expired => CaseChange::Expired,
            CaseState::Cancelled => CaseChange::Cancelled,
            _ => CaseChange::Failed,
        };
        (kind, why.to_owned())
    }

    /// Says what came of it. A trouble counts as avoided if each of its exceptions went, and none because a worse one
    /// took its place.
    fn close(&self, draft: &mut Draft<'_>) -> (CaseChange, String) {
        let members = &draft.item.members;
        let solved = draft.item.is_solved();
        let superseded = members.iter().find(|member| member.is_superseded());
        let open = members.iter().filter(|member| member.is_open()).count();
        let let_go = members.iter().any(|member| member.is_open() && member.let_go.is_some());
        let (result, detail) = match (draft.item.actions.is_empty(), superseded) {
            (true, _) if solved && superseded.is_none() => {
                ("nothing_done", "nothing was done, and every exception went away".to_owned())
            }
            (true, _) => ("nothing_done", format!("nothing was done, and {open} exceptions are open")),
            (false, Some(member)) => ("not_avoided", format!("{} got worse", describe(member))),
            (false, None) if let_go => {
                ("late", "it was done after the case had failed and let go of its exceptions".to_owned())
            }
            (false, None) if solved => ("avoided", "every exception went away".to_owned()),
            (false, None) => ("not_avoided", format!("{open} exceptions are open all the same")),
        };
        draft.item.outcome = Some(outcome(draft, result, &detail));
        draft.let_go(|id| self.heard_revision(id));
        draft.end(CaseState::Closed);
        (CaseChange::Closed, detail)
    }

    /// Whether nothing more is to be said about an action that was delivered: confirmed, or documented as it was
    /// approved. A difference that a person dismissed, or that nobody settled until the action expired, stands.
    fn is_reconciled(
        &self,
        action: &super::CaseAction,
        now: Timestamp,
        settings: &crate::domain::settings::Settings,
    ) -> bool {
        let kind = ExceptionType::ReconciliationMismatch;
        match action.state {
            ActionState::Confirmed => true,
            ActionState::Documented => {
                let thresholds = settings.exceptions.kind(&kind, &self.segment(None));
                let dismissed = self.exceptions.slot(&kind, &action.id).is_some_and(|slot| slot.dismissed);
                dismissed || now >= action.expires_at || execution::mismatch(action, &thresholds).is_none()
            }
            _ => false,
        }
    }
}

/// The transition that opens a case with these exceptions.
pub(super) fn opened(
    mut draft: Draft<'_>,
    claimed: Vec<CaseMember>,
    comment: Option<String>,
) -> CaseTransition {
    for member in &claimed {
        draft.claim(member);
    }
    let detail = match claimed.len() {
        1 => "opened for one exception".to_owned(),
        count => format!("opened for {count} exceptions"),
    };
    if draft.item.kind.is_empty() {
        draft.item.kind = members::kind_of(&claimed);
    }
    draft.item.members = claimed;
    (draft.item.facts_value, draft.item.facts_units) = members::at_risk(&draft.item.members);
    draft.finish(CaseChange::Opened, comment.unwrap_or(detail))
}

/// A case that nothing is known of.
pub(super) fn new_item(id: Name, now: Timestamp) -> CaseItem {
    CaseItem {
        id,
        kind: Name::default(),
        state: CaseState::Draft,
        version: 1,
        title: String::new(),
        subjects: Vec::new(),
        exceptions: Vec::new(),
        value_at_risk: None,
        decide_by: None,
        options: Vec::new(),
        chosen_option: None,
        proposed_by: None,
        rule: None,
        required: Vec::new(),
        votes: Vec::new(),
        tasks: Vec::new(),
        actions: Vec::new(),
        timeline: Vec::new(),
        comments: Vec::new(),
        outcome: None,
        team: None,
        owner: None,
        opened_at: now,
        updated_at: now,
        closed_at: None,
        changed_since: Vec::new(),
        merged_into: None,
        facts: 1,
        options_facts: 0,
        facts_value: None,
        facts_units: None,
        members: Vec::new(),
        delegations: Vec::new(),
        version_changes: Vec::new(),
        approved_at: None,
        decide_due_at: None,
        escalation_level: 0,
        titled_by_hand: false,
    }
}

/// What came of a case, with what was expected of the option that was chosen.
pub(super) fn outcome(draft: &Draft<'_>, result: &'static str, detail: &str) -> CaseOutcome {
    let chosen = draft.item.chosen();
    CaseOutcome {
        result: Name::const_new(result),
        detail: detail.to_owned(),
        at: draft.now,
        expected_cost: chosen.and_then(|option| option.cost),
        expected_benefit: chosen.and_then(|option| option.benefit),
    }
}

fn confirmed(member: CaseMember) -> CaseMember {
    CaseMember { confirmed: true, ..member }
}

fn describe(member: &CaseMember) -> String {
    format!("{} of {}", member.exception_type, words::subject(&member.subject))
}

fn told(moved: &[FactChange], otherwise: &str) -> String {
    if moved.is_empty() {
        return otherwise.to_owned();
    }
    let texts: Vec<String> = moved.iter().map(tell).collect();
    texts.join("; ")
}

/// A change in a sentence part.
pub(super) fn tell(change: &FactChange) -> String {
    if change.before.is_empty() {
        change.after.clone()
    } else {
        format!("{} {} → {}", change.name.replace('_', " "), change.before, change.after)
    }
}

/// Whether what is at risk moved by at least `share`; from nothing, any change is.
fn moved_much(
    old: (Option<Money>, Option<Quantity>),
    new: (Option<Money>, Option<Quantity>),
    share: f64,
) -> bool {
    let far = |old: f64, new: f64| old != new && (new - old).abs() >= share * old.abs();
    match (old.0, new.0) {
        (Some(old), Some(new)) => old.currency() != new.currency() || far(old.as_f64(), new.as_f64()),
        (None, None) => {
            let units = |units: Option<Quantity>| units.unwrap_or_default().as_f64();
            far(units(old.1), units(new.1))
        }
        _ => true,
    }
}
