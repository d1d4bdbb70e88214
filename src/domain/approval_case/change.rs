//! A change of a case in the making.

use super::item::{CaseItem, CaseMember, CaseState, FactChange, TimelineEntry, VersionChanges};
use super::{CaseChange, CaseTransition, Claim, bounds, members};
use crate::domain::exception::ExceptionState;
use crate::domain::ids::Name;
use crate::domain::reference::TenantReference;
use crate::domain::settings::Settings;
use crate::domain::time::{DAY, Timestamp};

/// Versions whose reasons are kept for whoever decides on an older one.
const VERSIONS_KEPT: usize = 32;
/// Reasons kept of one version, and of what changed since the votes were given.
const CHANGES_MAX: usize = 32;
/// How the tower's own changes are signed.
pub const TOWER: Name = Name::const_new("tower");
/// After the last arrival it is looked whether the trouble came all the same.
const MEASURE_AFTER: i64 = DAY;

/// The case as it will be, and whom it claims or lets go.
pub struct Draft<'a> {
    pub item: CaseItem,
    pub now: Timestamp,
    pub by: Name,
    pub settings: &'a Settings,
    pub tenant: Option<&'a TenantReference>,
    claims: Vec<Claim>,
}

impl<'a> Draft<'a> {
    pub fn of(
        item: CaseItem,
        now: Timestamp,
        by: Name,
        settings: &'a Settings,
        tenant: Option<&'a TenantReference>,
    ) -> Draft<'a> {
        Draft { item, now, by, settings, tenant, claims: Vec::new() }
    }

    /// Ends in a transition of that kind, with a line about it in the timeline.
    pub fn finish(mut self, kind: CaseChange, detail: impl Into<String>) -> CaseTransition {
        members::summarize(&mut self.item, self.tenant);
        self.item.updated_at = self.now;
        self.keep_decision_due();
        let kept = self.settings.cases.timeline_max.max(1);
        let excess = (self.item.timeline.len() + 1).saturating_sub(kept);
        self.item.timeline.drain(..excess);
        self.item.timeline.push(TimelineEntry {
            at: self.now,
            by: self.by,
            kind: Name::const_new(kind.as_str()),
            detail: bounds::line(detail),
        });
        bounds::fit(&mut self.item, self.settings.cases.bytes_max);
        CaseTransition { kind, item: self.item, claims: self.claims }
    }

    /// As long as nobody has chosen there is a moment until which somebody must: not after the last one at which a
    /// decision helps.
    fn keep_decision_due(&mut self) {
        if !self.item.wants_choice() {
            (self.item.decide_due_at, self.item.escalation_level) = (None, 0);
        } else if self.item.decide_due_at.is_none() {
            let within = self.now.plus_days(self.settings.cases.decide_within_hours / 24.0);
            let helps_until = self.item.decide_by.filter(|by| *by > self.now);
            self.item.decide_due_at = Some(helps_until.map_or(within, |by| by.min(within)));
        }
    }

    /// What decisions are tied to is another one from here on.
    pub fn raise_version(&mut self, changes: Vec<FactChange>) {
        self.item.version += 1;
        let mut changes = changes;
        changes.truncate(CHANGES_MAX);
        if self.item.version_changes.len() >= VERSIONS_KEPT {
            self.item.version_changes.remove(0);
        }
        self.item.version_changes.push(VersionChanges { version: self.item.version, changes });
    }

    /// Votes given so far don't count any more; those who voted are told why.
    pub fn void_votes(&mut self, changes: &[FactChange]) {
        for vote in &mut self.item.votes {
            vote.void = true;
        }
        for step in &mut self.item.required {
            step.granted = 0;
        }
        let room = CHANGES_MAX.saturating_sub(self.item.changed_since.len());
        self.item.changed_since.extend(changes.iter().take(room).cloned());
    }

    /// Nobody has chosen anything: no vote is for anything any more.
    pub fn drop_choice(&mut self) {
        for vote in &mut self.item.votes {
            vote.void = true;
        }
        self.item.chosen_option = None;
        self.item.proposed_by = None;
        self.item.required.clear();
        self.item.rule = None;
        self.item.delegations.clear();
    }

    /// Lays claim to an exception; its entity hears of it.
    pub fn claim(&mut self, member: &CaseMember) {
        self.claims.push(Claim {
            entity: member.entity.clone(),
            exceptions: vec![member.id.clone()],
            held: true,
        });
    }

    /// Lets go of every exception that is still open. `heard` tells the revision of each as the case knows it.
    pub fn let_go(&mut self, heard: impl Fn(&Name) -> u64) {
        for at in 0..self.item.members.len() {
            let member = &self.item.members[at];
            if member.is_open() && member.let_go.is_none() {
                let revision = heard(&member.id);
                self.let_go_of(at, revision);
            }
        }
    }

    /// Lets go of one.
    pub fn let_go_of(&mut self, at: usize, revision: u64) {
        let member = &mut self.item.members[at];
        member.let_go = Some(revision);
        member.confirmed = false;
        member.state = ExceptionState::Open;
        self.claims.push(Claim {
            entity: member.entity.clone(),
            exceptions: vec![member.id.clone()],
            held: false,
        });
    }

    /// The case is over.
    pub fn end(&mut self, state: CaseState) {
        self.item.state = state;
        self.item.closed_at = Some(self.now);
    }

    /// Takes what is at risk now as what later values are compared with: another version of the facts.
    pub fn take_facts(&mut self) {
        self.item.facts += 1;
        (self.item.facts_value, self.item.facts_units) = members::at_risk(&self.item.members);
    }

    /// When it can be said what came of it: some time after the last thing was to arrive, or after the trouble was to
    /// begin where nothing was done.
    pub fn measure_at(&self) -> Timestamp {
        let arrivals = self.item.actions.iter().filter_map(|action| {
            let promised = action.document.as_ref().and_then(|document| document.promised_at);
            promised.or(action.step.arrives_at)
        });
        let begins = self.item.members.iter().filter_map(|member| member.from);
        let approved_at = self.item.approved_at.unwrap_or(self.item.opened_at);
        let last = if self.item.actions.is_empty() { begins.max() } else { arrivals.max() };
        last.map_or_else(
            || approved_at.plus_days(self.settings.cases.action_expires_hours / 24.0),
            |last| last.max(approved_at).plus(MEASURE_AFTER),
        )
    }
}

/// One change with what was and what is.
pub fn changed(name: &'static str, before: impl Into<String>, after: impl Into<String>) -> FactChange {
    FactChange { name: Name::const_new(name), before: bounds::line(before), after: bounds::line(after) }
}
