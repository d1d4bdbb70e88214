//! Routing: which team looks after an exception, until when, and who is told when nobody does.

use serde::{Deserialize, Serialize};

use super::{ExceptionItem, ExceptionType, Severity};
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

/// The most severe and the most valuable that an exception was told to be since its routing began. Rules go by this: a fall
/// takes neither team nor deadline away. It only rises, and what a rule asks for are lower bounds; so the rule that holds
/// only ever moves up the list, and an exception is given to another one no more often than there are rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peak {
    pub severity: Severity,
    /// In the base currency.
    pub value_at_risk: Option<Money>,
}

impl Peak {
    /// As it is now.
    pub fn of(item: &ExceptionItem) -> Peak {
        Peak { severity: item.severity, value_at_risk: item.value_at_risk }
    }

    /// With what it is now.
    pub fn with(self, item: &ExceptionItem) -> Peak {
        let value_at_risk = if has_risen(item.value_at_risk, self.value_at_risk) {
            item.value_at_risk
        } else {
            self.value_at_risk
        };
        Peak { severity: self.severity.max(item.severity), value_at_risk }
    }

    /// Whether it is more severe now than this, or worth more.
    pub fn is_exceeded_by(self, item: &ExceptionItem) -> bool {
        item.severity > self.severity || has_risen(item.value_at_risk, self.value_at_risk)
    }
}

/// Whether it is worth more; what nobody knows is not taken for much.
fn has_risen(now: Option<Money>, before: Option<Money>) -> bool {
    match (now, before) {
        (Some(now), Some(before)) => now.ten_thousandths() > before.ten_thousandths(),
        (now, None) => now.is_some(),
        (None, Some(_)) => false,
    }
}

#[cfg(test)]
impl RoutingRule {
    /// Gives everything to a team, without a deadline or a case.
    pub fn all_to(team: &str) -> RoutingRule {
        RoutingRule {
            types: Vec::new(),
            path: None,
            region: None,
            severity_min: None,
            value_min: None,
            team: Name::from(team),
            queue: None,
            acknowledge_within_hours: None,
            decide_within_hours: None,
            escalate_to: Vec::new(),
            open_case: false,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;

    fn euros(units: i64) -> Option<Money> {
        Currency::parse("EUR").map(|euro| Money::from_ten_thousandths(units * 10_000, euro))
    }

    fn path(text: &str) -> Vec<Name> {
        text.split('/').map(Name::from).collect()
    }

    #[test]
    fn the_first_rule_that_fits_in_everything_it_names_holds() {
        let shortages = vec![ExceptionType::ShortageNow, ExceptionType::ProjectedStockout];
        let north = Some("North".to_owned());
        let settings = RoutingSettings {
            rules: vec![
                RoutingRule {
                    types: shortages.clone(),
                    value_min: Some(1_000.0),
                    ..RoutingRule::all_to("value")
                },
                RoutingRule { types: shortages.clone(), region: north, ..RoutingRule::all_to("north") },
                RoutingRule { path: Some("Food/Drinks".to_owned()), ..RoutingRule::all_to("drinks") },
                RoutingRule { severity_min: Some(Severity::High), ..RoutingRule::all_to("severe") },
                RoutingRule { types: shortages, ..RoutingRule::all_to("shortages") },
            ],
            teams: Vec::new(),
        };
        let oslo = path("North/Oslo");
        let northern = path("Northern/Tromso");
        let beer = path("Food/Drinks/Beer");
        let team = |kind: ExceptionType, severity, value, location: &[Name], item: &[Name]| {
            let segment = Segment { item_path: item, location_path: location, ..Segment::default() };
            let routed = Routed { exception_type: &kind, severity, value_at_risk: value, segment };
            settings.rule(&routed).map(|rule| rule.team.to_string())
        };
        use ExceptionType::{Excess, ShortageNow};
        use Severity::{High, Low};
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(team(ShortageNow, Low, euros(1_000), &oslo, &beer), some("value"));
        assert_eq!(team(ShortageNow, Low, euros(999), &oslo, &beer), some("north"));
        // What nobody knows is not taken for much.
        assert_eq!(team(ShortageNow, High, None, &oslo, &[]), some("north"));
        assert_eq!(team(ShortageNow, High, None, &northern, &[]), some("severe"));
        assert_eq!(team(Excess, Low, euros(5_000), &oslo, &beer), some("drinks"));
        assert_eq!(team(Excess, High, None, &[], &[]), some("severe"));
        assert_eq!(team(ShortageNow, Low, None, &[], &[]), some("shortages"));
        assert_eq!(team(Excess, Low, None, &[], &[]), None);
    }

    #[test]
    fn each_level_of_escalation_has_its_team_and_the_last_one_stays() {
        let escalating =
            RoutingRule { escalate_to: vec!["night".into(), "board".into()], ..RoutingRule::all_to("day") };
        let teams: Vec<&str> = (0..5).map(|level| escalating.team_at(level).as_str()).collect();
        assert_eq!(teams, ["day", "night", "board", "board", "board"]);
        assert_eq!((escalating.levels(), RoutingRule::all_to("day").levels()), (2, 0));
        assert_eq!(RoutingRule::all_to("day").team_at(3), "day");
    }

    #[test]
    fn a_deadline_counts_the_teams_own_hours() {
        let at = |text: &str| Timestamp::parse(text).unwrap();
        let team = |name: &str, timezone: Option<&str>, from_hour, until_hour| Team {
            name: Name::from(name),
            calendar: None,
            timezone: timezone.map(Name::from),
            from_hour,
            until_hour,
        };
        let settings = RoutingSettings {
            rules: Vec::new(),
            teams: vec![team("day", Some("Europe/Berlin"), 8, 16), team("always", None, 0, 24)],
        };
        // 15:00 in Berlin: an hour today, two tomorrow.
        let from = at("2026-06-01T13:00:00Z");
        assert_eq!(settings.deadline("day", 3.0, from, None), at("2026-06-02T08:00:00Z"));
        assert_eq!(settings.deadline("always", 3.0, from, None), at("2026-06-01T16:00:00Z"));
        assert_eq!(settings.deadline("nobody", 3.0, from, None), at("2026-06-01T16:00:00Z"));
    }
}
