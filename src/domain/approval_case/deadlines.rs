//! What is due because time passes while nobody decides: the next team, and numbers that are not of yesterday.

use super::change::Draft;
use super::{CaseChange, CaseState};
use crate::domain::time::{HOUR, Timestamp};

/// Time alone does not make options be computed anew before they are that old.
const OPTIONS_KEPT_FOR: i64 = HOUR;

/// Nobody chose in time: the next team gets the case. After the last one the deadline stays as it is.
pub fn escalate(draft: &mut Draft<'_>, review: &mut dyn FnMut(Timestamp)) -> Option<(CaseChange, String)> {
    let settings = &draft.settings.cases;
    let teams = &settings.escalate_to;
    let levels = u8::try_from(teams.len().max(1)).unwrap_or(u8::MAX);
    let due = draft.item.decide_due_at.filter(|_| draft.item.wants_choice())?;
    if draft.item.escalation_level >= levels {
        return None;
    }
    if draft.now < due {
        review(due);
        return None;
    }
    let next = teams.get(usize::from(draft.item.escalation_level));
    draft.item.escalation_level += 1;
    if draft.item.escalation_level < levels {
        draft.item.decide_due_at = Some(draft.now.plus_days(settings.decide_within_hours / 24.0));
    }
    let told = match next {
        Some(team) => format!("nobody chose in time: it is for {team} now"),
        None => "nobody chose in time".to_owned(),
    };
    draft.item.team = next.cloned().or(draft.item.team.take());
    Some((CaseChange::Updated, told))
}

/// Numbers of yesterday are not decided on: options are computed anew once an arrival or the last moment to decide has
/// passed since, and after a while where nobody chose.
pub fn renew_options(
    draft: &mut Draft<'_>,
    review: &mut dyn FnMut(Timestamp),
) -> Option<(CaseChange, String)> {
    let item = &draft.item;
    if item.wants_options().is_some() {
        return None;
    }
    let computed = item.options.iter().map(|option| option.basis.computed_at).min()?;
    let of_interest = item.options.iter().filter(|option| match &item.chosen_option {
        Some(chosen) => option.id == *chosen,
        None => true,
    });
    let arrivals = of_interest.flat_map(|option| {
        let arrivals = option.steps.iter().filter_map(|step| step.arrives_at);
        arrivals.filter(|at| *at > option.basis.computed_at)
    });
    let hours = draft.settings.cases.options_max_age_hours;
    let age = item.chosen_option.is_none().then(|| computed.plus_days(hours / 24.0));
    let passed = item.decide_by.filter(|by| *by > computed);
    let stale_at = arrivals.chain(passed).chain(age).min()?.max(computed.plus(OPTIONS_KEPT_FOR));
    if draft.now < stale_at {
        review(stale_at);
        return None;
    }
    draft.item.facts += 1;
    if draft.item.chosen_option.is_none() {
        draft.item.state = CaseState::Draft;
    }
    Some((CaseChange::Updated, "its options are out of date, and computed anew".to_owned()))
}
