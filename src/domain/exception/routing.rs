//! Routing: which team looks after an exception, until when, and who is told when nobody does.

use serde::{Deserialize, Serialize};

use super::{ExceptionType, Severity};
use crate::domain::ids::Name;
use crate::domain::money::Money;
use crate::domain::reference::TenantReference;
use crate::domain::settings::Segment;
use crate::domain::time::Timestamp;
use crate::domain::working_time::WorkingTime;
use jiff::tz::TimeZone;

/// Who looks after what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoutingSettings {
    /// The first one that fits holds.
    pub rules: Vec<RoutingRule>,
    pub teams: Vec<Team>,
}

/// A team and when it works.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Team {
    pub name: Name,
    /// A calendar that `calendar.described` names; every day is a working day without one.
    pub calendar: Option<Name>,
    /// IANA name; the tenant's without one.
    pub timezone: Option<Name>,
    /// Local hours of a working day.
    pub from_hour: u8,
    pub until_hour: u8,
}

/// What a rule is about, and what it says. What it does not name fits everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoutingRule {
    pub types: Vec<ExceptionType>,
    /// The beginning of the item's hierarchy, joined by `/`.
    pub path: Option<String>,
    /// The beginning of the location's hierarchy, joined by `/`.
    pub region: Option<String>,
    pub severity_min: Option<Severity>,
    /// In the base currency.
    pub value_min: Option<f64>,
    pub team: Name,
    pub queue: Option<Name>,
    /// Working hours of the team until it must be acknowledged.
    pub acknowledge_within_hours: Option<f64>,
    /// Working hours from the acknowledgement until it must be decided.
    pub decide_within_hours: Option<f64>,
    /// Teams that are told one after the other when a deadline passes.
    pub escalate_to: Vec<Name>,
    /// Whether a case is opened for it at once.
    pub open_case: bool,
}

/// What routing goes by.
#[derive(Clone, Copy, Debug)]
pub struct Routed<'a> {
    pub exception_type: &'a ExceptionType,
    pub severity: Severity,
    pub value_at_risk: Option<Money>,
    pub segment: Segment<'a>,
}

impl RoutingSettings {
    /// The rule that holds, if any does.
    pub fn rule(&self, routed: &Routed<'_>) -> Option<&RoutingRule> {
        self.rules.iter().find(|rule| rule.fits(routed))
    }

    /// The moment at which `hours` of a team's working time have passed.
    pub fn deadline(
        &self,
        team: &str,
        hours: f64,
        from: Timestamp,
        tenant: Option<&TenantReference>,
    ) -> Timestamp {
        const UTC: &TimeZone = &TimeZone::UTC;
        let team = self.teams.iter().find(|known| known.name == team);
        let named = team.and_then(|team| team.timezone.as_ref()).and_then(|name| TimeZone::get(name).ok());
        let zone = named.as_ref().or(tenant.map(|tenant| &tenant.time_zone)).unwrap_or(UTC);
        let calendar = team.and_then(|team| tenant?.calendar(team.calendar.as_ref()?));
        let (from_hour, until_hour) = team.map_or((0, 24), |team| (team.from_hour, team.until_hour));
        WorkingTime { zone, calendar, from_hour, until_hour }.after(from, hours)
    }
}

impl RoutingRule {
    fn fits(&self, routed: &Routed<'_>) -> bool {
        (self.types.is_empty() || self.types.contains(routed.exception_type))
            && self.severity_min.is_none_or(|least| routed.severity >= least)
            && self
                .value_min
                .is_none_or(|least| routed.value_at_risk.is_some_and(|value| value.as_f64() >= least))
            && self.path.as_ref().is_none_or(|path| Segment::begins_with(routed.segment.item_path, path))
            && self
                .region
                .as_ref()
                .is_none_or(|region| Segment::begins_with(routed.segment.location_path, region))
    }

    /// The team that is told at that level of escalation: the rule's own at 0; the last one stays.
    pub fn team_at(&self, level: u8) -> &Name {
        match usize::from(level).checked_sub(1) {
            None => &self.team,
            Some(at) => self.escalate_to.get(at).or(self.escalate_to.last()).unwrap_or(&self.team),
        }
    }

    /// The highest level of escalation.
    pub fn levels(&self) -> u8 {
        u8::try_from(self.escalate_to.len()).unwrap_or(u8::MAX)
    }
}
