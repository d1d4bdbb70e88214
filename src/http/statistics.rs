//! How people and systems get on with what the tower raises: how much waits, how long decisions take, what became of actions.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::visibility::sees_case;
use crate::auth::Principal;
use crate::domain::approval_case::CaseItem;
use crate::domain::exception::ExceptionState;
use crate::domain::ids::TenantNumber;
use crate::domain::reference::TenantReference;
use crate::domain::time::{HOUR, Timestamp};
use crate::runtime::Running;
use crate::runtime::rates::Rates;
use crate::runtime::summaries::ExceptionEntry;

/// Means over the last minute; `None` before there are any, or for who may not see them.
pub fn rates(rates: Option<Rates>) -> Value {
    json!({
        "seconds": rates.map(|rates| rates.seconds),
        "records_per_second": rates.map(|rates| rates.records),
        "accepted_per_second": rates.map(|rates| rates.accepted),
        "duplicates_per_second": rates.map(|rates| rates.duplicates),
        "rejected_per_second": rates.map(|rates| rates.rejected),
    })
}

/// What of the open exceptions waits for somebody, at business time `now`.
pub fn of_exceptions(open: &[Arc<ExceptionEntry>], now: Timestamp) -> Value {
    let count =
        |is: fn(&ExceptionEntry, Timestamp) -> bool| open.iter().filter(|entry| is(entry, now)).count();
    json!({
        "unacknowledged": count(|entry, _| entry.item.state == ExceptionState::Open),
        "snoozed": count(|entry, _| entry.item.state == ExceptionState::Snoozed),
        "in_case": count(|entry, _| entry.item.state == ExceptionState::InCase),
        "escalated": count(|entry, _| entry.item.escalation_level > 0),
        "past_decide_by": count(|entry, now| entry.item.decide_by.is_some_and(|by| by <= now)),
    })
}

/// Of the cases that are open, and of the last ones that are not, as far as the principal sees them.
pub fn of_cases(
    running: &Running,
    principal: &Principal,
    number: TenantNumber,
    tenant: &TenantReference,
    now: Timestamp,
) -> Value {
    let cases = running.cases.select(number, true, |entry| sees_case(principal, tenant, &entry.item));
    let mut kpis = Cases::default();
    cases.iter().for_each(|entry| kpis.count(&entry.item, now));
    kpis.into_json()
}

#[derive(Default)]
struct Cases {
    by_state: BTreeMap<&'static str, usize>,
    actions_by_state: BTreeMap<&'static str, usize>,
    past_decide_by: usize,
    /// From opening to approval, and to the end, of those that were approved; hours.
    to_approval: Vec<f64>,
    to_close: Vec<f64>,
}

impl Cases {
    fn count(&mut self, case: &CaseItem, now: Timestamp) {
        *self.by_state.entry(case.state.as_str()).or_default() += 1;
        for action in &case.actions {
            *self.actions_by_state.entry(action.state.as_str()).or_default() += 1;
        }
        let is_late = case.state.is_undecided() && case.decide_by.is_some_and(|by| by <= now);
        self.past_decide_by += usize::from(is_late);
        let hours = |until: Timestamp| (until.micros() - case.opened_at.micros()) as f64 / HOUR as f64;
        if let Some(approved_at) = case.approved_at {
            self.to_approval.push(hours(approved_at));
            self.to_close.extend(case.closed_at.map(hours));
        }
    }

    fn into_json(self) -> Value {
        json!({
            "by_state": self.by_state,
            "past_decide_by": self.past_decide_by,
            "approved": self.to_approval.len(),
            "hours_to_approval": spread(self.to_approval),
            "hours_to_close": spread(self.to_close),
            "actions_by_state": self.actions_by_state,
        })
    }
}

/// The least value that at least half, and nine tenths, of all do not exceed.
fn spread(mut hours: Vec<f64>) -> Value {
    hours.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (share * hours.len() as f64).ceil() as usize;
        hours.get(place.saturating_sub(1)).map(|hours| (hours * 1_000.0).round() / 1_000.0)
    };
    json!({"p50": at(0.5), "p90": at(0.9)})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_of_hours_is_of_what_there_is() {
        assert_eq!(spread(Vec::new()), json!({"p50": null, "p90": null}));
        assert_eq!(spread(vec![2.0]), json!({"p50": 2.0, "p90": 2.0}));
        let ten = (1..=10).rev().map(f64::from).collect();
        assert_eq!(spread(ten), json!({"p50": 5.0, "p90": 9.0}));
    }
}
