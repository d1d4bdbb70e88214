//! Whose an exception is: the team of its rule, its case, the next team when a deadline is over.

use super::routing::{Routed, RoutingRule};
use super::watch::{Watch, case_id_for};
use super::{ExceptionItem, ExceptionState};
use crate::domain::ids::Name;

impl<'a> Watch<'a> {
    fn rule(&self, item: &ExceptionItem) -> Option<&'a RoutingRule> {
        self.settings.routing.rule(&Routed {
            exception_type: &item.exception_type,
            severity: item.severity,
            value_at_risk: item.value_at_risk,
            segment: self.segment,
        })
    }

    /// Whether the rules open a case for it at once. What is grouped is decided with its cause; without room for a case
    /// it stays open.
    fn wants_case(&self, item: &ExceptionItem) -> bool {
        self.opens_cases && item.group.is_none() && self.rule(item).is_some_and(|rule| rule.open_case)
    }

    pub(super) fn route(&self, item: &mut ExceptionItem) {
        let Some(rule) = self.rule(item) else { return };
        self.give_to_team(item, rule);
        item.queue = rule.queue.clone();
        item.escalation_level = 0;
        if self.wants_case(item) {
            item.case_id = Some(case_id_for(&item.id));
            item.state = ExceptionState::InCase;
            item.sla_due_at = None;
        }
    }

    /// Gives it to the team of its rule, or leaves it to the one that a person gave it to; its time begins anew.
    fn give_to_team(&self, item: &mut ExceptionItem, rule: &RoutingRule) {
        let by_hand = item.team.clone().filter(|_| item.team_by_hand);
        let team = by_hand.unwrap_or_else(|| rule.team.clone());
        item.sla_due_at = rule
            .acknowledge_within_hours
            .map(|hours| self.settings.routing.deadline(&team, hours, self.now, self.tenant));
        item.team = Some(team);
    }

    pub(super) fn is_overdue(&self, item: &ExceptionItem) -> bool {
        let waits = matches!(item.state, ExceptionState::Open | ExceptionState::Acknowledged);
        waits && item.sla_due_at.is_some_and(|due| due <= self.now)
    }

    /// Tells the next team; after the last one the deadline is over and stays so.
    pub(super) fn escalate(&self, item: &mut ExceptionItem) {
        item.sla_due_at = None;
        let Some(rule) = self.rule(item) else { return };
        if item.escalation_level >= rule.levels() {
            return;
        }
        item.escalation_level += 1;
        let team = rule.team_at(item.escalation_level).clone();
        let hours = match item.state {
            ExceptionState::Acknowledged => rule.decide_within_hours,
            _ => rule.acknowledge_within_hours,
        };
        item.sla_due_at =
            hours.map(|hours| self.settings.routing.deadline(&team, hours, self.now, self.tenant));
        item.team = Some(team);
        item.team_by_hand = false;
    }

    pub(super) fn follow_claim(&self, item: &mut ExceptionItem, claimed_by: Option<&Name>) {
        match claimed_by {
            Some(case_id) => {
                item.case_id = Some(case_id.clone());
                item.state = ExceptionState::InCase;
                item.sla_due_at = None;
                item.snoozed_until = None;
            }
            None => {
                // The case is over and the trouble is not: somebody has to look at it anew.
                item.state = ExceptionState::Open;
                let Some(rule) = self.rule(item) else { return };
                self.give_to_team(item, rule);
            }
        }
    }
}
