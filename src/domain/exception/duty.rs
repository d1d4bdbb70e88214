//! Whose an exception is: the team of its rule, its case, the next team when a deadline is over.

use super::routing::{Peak, Routed, RoutingRule};
use super::slots::ExceptionSlot;
use super::watch::{Watch, case_id_for};
use super::{ExceptionItem, ExceptionState, ExceptionType};
use crate::domain::ids::Name;

/// What happened to an exception's duty at one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    Stays,
    /// Another rule's, or a case's: its time begins anew.
    Moved,
}

impl<'a> Watch<'a> {
    fn rule_for(&self, exception_type: &ExceptionType, peak: Peak) -> Option<&'a RoutingRule> {
        self.settings.routing.rule(&Routed {
            exception_type,
            severity: peak.severity,
            value_at_risk: peak.value_at_risk,
            segment: self.segment,
        })
    }

    /// The rule that holds for it as it is now.
    fn rule(&self, item: &ExceptionItem) -> Option<&'a RoutingRule> {
        self.rule_for(&item.exception_type, Peak::of(item))
    }

    /// Whether the rules open a case for it at once. What is grouped is decided with its cause; without room for a case
    /// it stays open.
    fn wants_case(&self, item: &ExceptionItem) -> bool {
        self.opens_cases && item.group.is_none() && self.rule(item).is_some_and(|rule| rule.open_case)
    }

    fn open_case(item: &mut ExceptionItem) {
        item.case_id = Some(case_id_for(&item.id));
        item.state = ExceptionState::InCase;
        item.sla_due_at = None;
    }

    pub(super) fn route(&self, item: &mut ExceptionItem) {
        let Some(rule) = self.rule(item) else { return };
        self.give_to_team(item, rule);
        item.escalation_level = 0;
        if self.wants_case(item) {
            Watch::open_case(item);
        }
    }

    /// Follows what one that goes on, and `open` until now, has become: what rose may come under another rule as long as
    /// nobody has taken it up, and what rose or has no cause any more may need a case.
    pub(super) fn follow_rise(
        &self,
        item: &mut ExceptionItem,
        open: &ExceptionItem,
        slot: &ExceptionSlot,
    ) -> Duty {
        let mut duty = Duty::Stays;
        if item.state == ExceptionState::Open
            && item.owner.is_none()
            && let Some(rule) = self.other_rule(item, slot.peak_with(open))
        {
            self.give_to_team(item, rule);
            item.escalation_level = 0;
            duty = Duty::Moved;
        }
        let waits = matches!(item.state, ExceptionState::Open | ExceptionState::Acknowledged);
        let is_news = Peak::of(open).is_exceeded_by(item) || (open.group.is_some() && item.group.is_none());
        // One that was in a case before is a person's: a case that let go of it would only do so again.
        if waits && is_news && item.case_id.is_none() && self.wants_case(item) {
            Watch::open_case(item);
            duty = Duty::Moved;
        }
        duty
    }

    /// The rule that holds since it rose above what it was, if that is another one.
    fn other_rule(&self, item: &ExceptionItem, peak: Peak) -> Option<&'a RoutingRule> {
        if !peak.is_exceeded_by(item) {
            return None;
        }
        let before = self.rule_for(&item.exception_type, peak);
        self.rule_for(&item.exception_type, peak.with(item)).filter(|rule| before != Some(*rule))
    }

    /// Gives it to the team and the queue of its rule, or leaves it to the team that a person gave it to; its time begins
    /// anew.
    fn give_to_team(&self, item: &mut ExceptionItem, rule: &RoutingRule) {
        let by_hand = item.team.clone().filter(|_| item.team_by_hand);
        if by_hand.is_none() {
            item.queue = rule.queue.clone();
        }
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

    /// Tells the next team of the rule that held at its `peak`; after the last one the deadline is over and stays so.
    pub(super) fn escalate(&self, item: &mut ExceptionItem, peak: Peak) {
        item.sla_due_at = None;
        let Some(rule) = self.rule_for(&item.exception_type, peak) else { return };
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
