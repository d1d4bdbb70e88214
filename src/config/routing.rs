//! Who looks after what, until when, and what decisions cost.

use super::TargetConfig;
use super::amount::BaseCurrencyAmount;
use super::exceptions::{hierarchy, identifier, read_types, severity};
use super::reader::{Findings, Section};
use crate::domain::exception::ExceptionType;
use crate::domain::exception::routing::{RoutingRule, Team};
use crate::domain::ids::Name;
use crate::domain::settings::CaseSettings;

/// The teams that are always there, unless the file says when they work.
const DEFAULT_TEAMS: [&str; 4] = ["planning", "purchasing", "operations", "management"];
const TEAMS_MAX: usize = 1_000;
const RULES_MAX: usize = 1_000;
const LEVELS_MAX: usize = 8;
const NAME_BYTES_MAX: usize = 64;
const TEAM_NAME_ALLOWED: &str = "1 to 64 of a-z, 0-9, - and _";
/// The longest deadline: a year of hours.
const DEADLINE_HOURS_MAX: f64 = 8_760.0;

/// The name of a team or of a target.
fn own_name(text: &str) -> Option<Name> {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    let is_name = (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed);
    is_name.then(|| Name::from(text))
}

/// `[teams.NAME]` in the order of the file, after those that are always there.
pub(super) fn read_teams(root: &mut Section<'_, '_>) -> Vec<Team> {
    let is_name = |name: &str| own_name(name).is_some();
    let described = root.named_tables("teams", TEAM_NAME_ALLOWED, is_name, |name, section| Team {
        name,
        calendar: identifier(section, "calendar"),
        timezone: section.optional_text("timezone", "an IANA time zone, such as \"Europe/Berlin\"", |text| {
            jiff::tz::TimeZone::get(text).is_ok().then(|| Name::from(text))
        }),
        from_hour: section.integer("from_hour", 0, 0..=23),
        until_hour: section.integer("until_hour", 24, 1..=24),
    });
    let left_out = DEFAULT_TEAMS.iter().filter(|name| described.iter().all(|team| team.name != **name));
    let always = left_out.map(|name| Team {
        name: Name::const_new(name),
        calendar: None,
        timezone: None,
        from_hour: 0,
        until_hour: 24,
    });
    always.chain(described.iter().cloned()).collect()
}

/// `[[routing]]`; a file that has none has the default rules, and `routing = []` means none at all.
pub(super) fn read_rules(root: &mut Section<'_, '_>) -> Vec<RoutingRule> {
    root.tables("routing", RULES_MAX, read_rule).unwrap_or_else(default_rules)
}

fn read_rule(section: &mut Section<'_, '_>) -> Option<RoutingRule> {
    let mut hours = |key| section.optional_number(key, 0.0..=DEADLINE_HOURS_MAX);
    let (acknowledge_within_hours, decide_within_hours) =
        (hours("acknowledge_within_hours"), hours("decide_within_hours"));
    let team = section.required_text("team", "the name of a team", own_name);
    Some(RoutingRule {
        types: read_types(section),
        path: hierarchy(section, "path"),
        region: hierarchy(section, "region"),
        severity_min: severity(section, "severity_min"),
        value_min: BaseCurrencyAmount::read_optional(section, "value_min").map(BaseCurrencyAmount::as_f64),
        queue: identifier(section, "queue"),
        acknowledge_within_hours,
        decide_within_hours,
        escalate_to: section.texts("escalate_to", LEVELS_MAX, "the name of a team", &[], own_name),
        open_case: section.boolean("open_case", false),
        team: team?,
    })
}

/// What the shipped file says: decisions that matter get a case and a deadline, everything gets a team.
fn default_rules() -> Vec<RoutingRule> {
    use ExceptionType::*;
    let rule = |types: &[ExceptionType], team, queue| RoutingRule {
        types: types.to_vec(),
        path: None,
        region: None,
        severity_min: None,
        value_min: None,
        team: Name::const_new(team),
        queue: Some(Name::const_new(queue)),
        acknowledge_within_hours: None,
        decide_within_hours: None,
        escalate_to: Vec::new(),
        open_case: false,
    };
    let decided_within = |hours: f64, rule: RoutingRule| RoutingRule {
        acknowledge_within_hours: Some(hours),
        decide_within_hours: Some(2.0 * hours),
        escalate_to: vec![Name::const_new("management")],
        ..rule
    };
    let with_case = |rule: RoutingRule| RoutingRule {
        value_min: Some(1_000.0),
        open_case: true,
        ..decided_within(4.0, rule)
    };
    vec![
        with_case(rule(&[ShortageNow, ProjectedStockout], "planning", "shortages")),
        with_case(rule(&[PurchaseLate, PurchaseLatePredicted], "purchasing", "late-supply")),
        decided_within(
            8.0,
            rule(&[ActionUnconfirmed, ActionRefused, ReconciliationMismatch], "operations", "execution"),
        ),
        rule(
            &[
                PurchaseLate,
                PurchaseLatePredicted,
                ReceiptPartial,
                AcknowledgementMissing,
                AcknowledgementDiffers,
                LeadTimeDrift,
                SupplierUnreliable,
                CapacityExceeded,
                SingleSource,
                TransferLate,
            ],
            "purchasing",
            "supply",
        ),
        rule(
            &[NegativeStock, StockMismatch, FeedStale, MissingMasterData, DataQuality],
            "operations",
            "data",
        ),
        rule(&[], "planning", "planning"),
    ]
}

/// Every team that is named must be there, and work at some hour.
pub(super) fn check_relations(teams: &[Team], rules: &[RoutingRule], findings: &mut Findings<'_>) {
    for team in teams.iter().filter(|team| team.from_hour >= team.until_hour) {
        let keys = ["until_hour", "from_hour"].map(|key| format!("teams.{}.{key}", team.name));
        findings.contradiction([&keys[0], &keys[1]], "from_hour must be below until_hour");
    }
    if teams.len() > TEAMS_MAX {
        findings.refuse("teams", &format!("there are at most {TEAMS_MAX} teams"));
    }
    let known: Vec<&str> = teams.iter().map(|team| team.name.as_str()).collect();
    for (index, rule) in rules.iter().enumerate() {
        let own = [(format!("routing[{index}].team"), &rule.team)].into_iter();
        let levels = rule.escalate_to.iter().enumerate();
        let all =
            own.chain(levels.map(|(level, team)| (format!("routing[{index}].escalate_to[{level}]"), team)));
        for (key, team) in all.filter(|(_, team)| !known.contains(&team.as_str())) {
            findings.undescribed(&key, "[teams.NAME] says when a team works", team, &known);
        }
        let deadlines = rule.acknowledge_within_hours.is_some() || rule.decide_within_hours.is_some();
        if !rule.escalate_to.is_empty() && !deadlines {
            let key = format!("routing[{index}].escalate_to");
            findings
                .refuse(&key, "without acknowledge_within_hours or decide_within_hours nothing escalates");
        }
    }
}

/// Every target and team that decisions go to must be there.
pub(super) fn check_cases(
    cases: &CaseSettings,
    targets: &[TargetConfig],
    teams: &[Team],
    findings: &mut Findings<'_>,
) {
    let known: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
    for (key, target) in [
        ("cases.target_order", &cases.target_order),
        ("cases.target_expedite", &cases.target_expedite),
        ("cases.target_transfer", &cases.target_transfer),
        ("cases.target_custom", &cases.target_custom),
    ] {
        if !known.contains(&target.as_str()) {
            findings.undescribed(key, "[targets.NAME] says where a target is", target, &known);
        }
    }
    let known: Vec<&str> = teams.iter().map(|team| team.name.as_str()).collect();
    for (level, team) in cases.escalate_to.iter().enumerate() {
        if !known.contains(&team.as_str()) {
            let key = format!("cases.escalate_to[{level}]");
            findings.undescribed(&key, "[teams.NAME] says when a team works", team, &known);
        }
    }
}

/// The roles that may approve an action.
const APPROVERS: [(&str, &str); 5] = [
    ("planner", "planner"),
    ("category_manager", "category_manager"),
    ("supply_planner", "supply_planner"),
    ("finance", "finance"),
    ("admin", "admin"),
];

/// `[cases]`.
pub(super) fn read_cases(section: &mut Section<'_, '_>) -> CaseSettings {
    let default = CaseSettings::default();
    let mut role = |key, default: &Name| {
        let default = APPROVERS.iter().map(|(name, _)| *name).find(|name| default == name);
        Name::const_new(section.choice(key, default.unwrap_or("admin"), &APPROVERS))
    };
    let approves_order = role("approves_order", &default.approves_order);
    let approves_expedite = role("approves_expedite", &default.approves_expedite);
    let approves_transfer = role("approves_transfer", &default.approves_transfer);
    let approves_custom = role("approves_custom", &default.approves_custom);
    let mut target = |key, default: &Name| {
        section.text(key, default.clone(), "the name of a target: 1 to 64 of a-z, 0-9, - and _", own_name)
    };
    let target_order = target("target_order", &default.target_order);
    let target_expedite = target("target_expedite", &default.target_expedite);
    let target_transfer = target("target_transfer", &default.target_transfer);
    let target_custom = target("target_custom", &default.target_custom);
    let mut amount = |key, units: i64| {
        BaseCurrencyAmount::read(section, key, BaseCurrencyAmount::from_units(units)).as_f64()
    };
    let (order_cost, transfer_handling_cost) =
        (amount("order_cost", 50), amount("transfer_handling_cost", 25));
    let mut share = |key, default| section.number(key, default, 0.0..=1.0);
    CaseSettings {
        approves_order,
        approves_expedite,
        approves_transfer,
        approves_custom,
        target_order,
        target_expedite,
        target_transfer,
        target_custom,
        order_cost,
        transfer_handling_cost,
        expedite_time_share: share("expedite_time_share", default.expedite_time_share),
        recapture_share: share("recapture_share", default.recapture_share),
        compare_days_beyond: section.number("compare_days_beyond", default.compare_days_beyond, 0.0..=365.0),
        expedite_cost_share: section.number("expedite_cost_share", default.expedite_cost_share, 0.0..=10.0),
        shortage_penalty_share: section.number(
            "shortage_penalty_share",
            default.shortage_penalty_share,
            0.0..=100.0,
        ),
        carrying_cost_share: section.number("carrying_cost_share", default.carrying_cost_share, 0.0..=10.0),
        decide_within_hours: section.number(
            "decide_within_hours",
            default.decide_within_hours,
            0.01..=DEADLINE_HOURS_MAX,
        ),
        escalate_to: section
            .optional_texts("escalate_to", LEVELS_MAX, "the name of a team", &[], own_name)
            .unwrap_or(default.escalate_to),
        options_max_age_hours: section.number(
            "options_max_age_hours",
            default.options_max_age_hours,
            1.0..=DEADLINE_HOURS_MAX,
        ),
        approve_within_hours: section.number(
            "approve_within_hours",
            default.approve_within_hours,
            0.01..=DEADLINE_HOURS_MAX,
        ),
        action_expires_hours: section.number(
            "action_expires_hours",
            default.action_expires_hours,
            0.01..=DEADLINE_HOURS_MAX,
        ),
        donors_max: section.integer("donors_max", default.donors_max, 0..=1_000),
        options_max: section.integer("options_max", default.options_max, 2..=200),
        timeline_max: section.integer("timeline_max", default.timeline_max, 20..=10_000),
        exceptions_max: section.integer("exceptions_max", default.exceptions_max, 1..=500),
        bytes_max: section.integer("bytes_max", default.bytes_max, 65_536..=4 << 20),
        facts_moved_share: section.number("facts_moved_share", default.facts_moved_share, 0.0..=10.0),
    }
}
