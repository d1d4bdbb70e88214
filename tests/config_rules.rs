//! Thresholds by segment, kinds of one's own, teams and routing: what is taken, and what is refused where.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, also in its helpers")]

use miette::Diagnostic as _;
use tidewatch::config::{Config, ConfigError, Problem, ProblemKind};
use tidewatch::domain::exception::{ExceptionType, Severity};

fn read(text: &str) -> Config {
    Config::parse("actors.toml", text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

/// The only mistake of a text.
#[track_caller]
fn mistake(text: &str) -> Problem {
    match Config::parse("actors.toml", text) {
        Err(ConfigError::Invalid { mut problems, .. }) => {
            assert_eq!(problems.len(), 1, "{problems:?}");
            problems.remove(0)
        }
        other => panic!("{text:?} gave {other:?}"),
    }
}

#[track_caller]
fn check(text: &str, kind: ProblemKind, at: &str, says: &str) {
    let problem = mistake(text);
    assert_eq!(problem.to_string(), format!("actors.toml:{at}: {says}"));
    assert_eq!(problem.kind(), kind);
}

#[track_caller]
fn hint(text: &str) -> Option<String> {
    mistake(text).help().map(|help| help.to_string())
}

#[test]
fn a_kind_takes_the_keys_that_it_has_and_no_others() {
    let config = read("[exceptions.excess]\nraise = 3\n");
    let index = ExceptionType::Excess.index().expect("built in");
    assert_eq!(config.exceptions.kinds.get(index).expect("excess").raise, 3.0);
    check(
        "[exceptions.excess]\ndays = 3\n",
        ProblemKind::UnknownKey,
        "2:1",
        "`exceptions.excess.days` is no known key; [exceptions.excess] has clear, consecutive_periods, enabled, \
         minimum, quiet_hours, raise",
    );
    check(
        "[exceptions.negative_stock]\nraise = 1\n",
        ProblemKind::UnknownKey,
        "2:1",
        "`exceptions.negative_stock.raise` is no known key; [exceptions.negative_stock] has \
         consecutive_periods, enabled, quiet_hours",
    );
    check(
        "[exceptions.forecast_bias]\nraise = 1.5\n",
        ProblemKind::NotAllowed,
        "2:9",
        "`exceptions.forecast_bias.raise` must be a number from 0.05 to 1; found the float 1.5",
    );
}

#[test]
fn a_kind_that_is_raised_from_below_clears_above() {
    let rule = "clear must be above raise, or the exception flutters";
    check(
        "[exceptions.supplier_unreliable]\nraise = 0.9\n",
        ProblemKind::Contradiction,
        "2:9",
        &format!("`exceptions.supplier_unreliable.raise` = 0.9 contradicts another key: {rule}"),
    );
    read("[exceptions.below_safety_stock]\nraise = 0.2\nclear = 0.3\n");
}

#[test]
fn an_override_says_what_it_is_about_and_what_holds_there() {
    let config = read(
        "[[exceptions.override]]\ntypes = [\"excess\", \"projected_stockout\"]\nregion = \"North/Oslo\"\n\
         abc = \"A\"\nraise = 1\nclear = 0.2\nenabled = false\n[[exceptions.override]]\nsku = \"A-1\"\nquiet_hours = 1\n",
    );
    let [first, second] = &*config.exceptions.overrides else { panic!("two") };
    assert_eq!(first.types, [ExceptionType::Excess, ExceptionType::ProjectedStockout]);
    assert_eq!(first.part.region.as_deref(), Some("North/Oslo"));
    assert_eq!((first.raise, first.clear, first.enabled), (Some(1.0), Some(0.2), Some(false)));
    assert_eq!((second.part.sku.as_deref(), second.quiet_hours), (Some("A-1"), Some(1.0)));
}

#[test]
fn an_override_sets_only_thresholds_that_all_its_kinds_have_and_within_their_ranges() {
    let only = "left out, unless types are named and all of them have it";
    check(
        "[[exceptions.override]]\nraise = 0.5\n",
        ProblemKind::NotAllowed,
        "2:9",
        &format!("`exceptions.override[0].raise` must be {only}; found the float 0.5"),
    );
    check(
        "[[exceptions.override]]\ntypes = [\"excess\", \"dead_stock\"]\nraise = 2\n",
        ProblemKind::NotAllowed,
        "3:9",
        &format!("`exceptions.override[0].raise` must be {only}; found the integer 2"),
    );
    check(
        "[[exceptions.override]]\ntypes = [\"excess\", \"projected_stockout\"]\nraise = 2\n",
        ProblemKind::NotAllowed,
        "3:9",
        "`exceptions.override[0].raise` must be a number from 1 to 1; found the integer 2",
    );
}

#[test]
fn overrides_that_meet_must_agree() {
    let stockout = "[[exceptions.override]]\ntypes = [\"projected_stockout\"]\n";
    let rule = "clear must be below raise, or the exception flutters";
    check(
        &format!("{stockout}raise = 0.25\n"),
        ProblemKind::Contradiction,
        "3:9",
        &format!("`exceptions.override[0].raise` = 0.25 contradicts another key: {rule}"),
    );
    let north = format!("{stockout}region = \"North\"\nraise = 0.8\nclear = 0.6\n");
    let a = format!("{stockout}abc = \"A\"\nraise = 0.5\n");
    check(
        &format!("{north}{a}"),
        ProblemKind::Contradiction,
        "9:9",
        &format!("`exceptions.override[1].raise` = 0.5 contradicts another key: {rule}"),
    );
    // Nothing is in both.
    read(&format!("{north}{}", a.replace("abc = \"A\"", "region = \"South\"")));
    let inside = a.replace("abc = \"A\"", "region = \"North/Oslo\"");
    assert_eq!(mistake(&format!("{north}{inside}")).kind(), ProblemKind::Contradiction);
}

#[test]
fn a_kind_of_exception_that_is_none_is_told_with_the_nearest() {
    let text = "[[exceptions.override]]\ntypes = [\"excess\", \"dead_stok\"]\n";
    check(
        text,
        ProblemKind::NotAllowed,
        "2:20",
        "`exceptions.override[0].types[1]` must be a kind of exception; found the string \"dead_stok\"",
    );
    assert_eq!(hint(text).as_deref(), Some("did you mean `dead_stock`?"));
    check(
        "[[exceptions.override]]\ntypes = [\"custom.mine\"]\n",
        ProblemKind::Undescribed,
        "2:10",
        "`exceptions.override[0].types[0]` = \"custom.mine\" is not described in this file: \
         [[exceptions.custom]] says what it is",
    );
}

const OWN: &str = "[[exceptions.custom]]\nname = \"mine\"\ntitle = \"Much of it\"\n";

#[test]
fn a_kind_of_ones_own_is_taken_with_its_defaults() {
    let config = read(&format!(
        "{OWN}condition = \"on_hand > 10.0\"\n[[routing]]\ntypes = [\"custom.mine\"]\nteam = \"planning\"\n"
    ));
    let [own] = &*config.exceptions.custom else { panic!("one") };
    assert_eq!(own.exception_type.as_str(), "custom.mine");
    assert_eq!((own.severity, own.enabled, own.consecutive_periods), (Severity::Medium, true, 1));
    assert_eq!(config.routing.len(), 1);
}

#[test]
fn a_condition_that_is_none_is_told_where_in_the_file_it_stops_being_one() {
    let place = |condition: &str| {
        let problem = mistake(&format!("{OWN}condition = {condition}\n"));
        assert_eq!(problem.kind(), ProblemKind::Condition, "{problem}");
        assert_eq!(problem.key(), "exceptions.custom[0].condition");
        (problem.line(), problem.column(), problem.to_string())
    };
    // `on_hnd` begins at the 14th character of the condition, which begins in column 14.
    let (line, column, says) = place("\"sku != '' && on_hnd > 10.0\"");
    assert_eq!((line, column), (4, 27), "{says}");
    assert!(
        says.contains("`exceptions.custom[0].condition` is no condition: ") && says.contains("on_hnd"),
        "{says}"
    );
    let (line, column, says) = place("\"\"\"\nsku != ''\n&& on_hnd > 10.0\"\"\"");
    assert_eq!((line, column), (6, 4), "{says}");
    // With escapes the place is that of the string, and the rest is said.
    let (line, column, says) = place("\"sku != \\\"\\\" && on_hnd > 10.0\"");
    assert_eq!((line, column), (4, 13));
    assert!(says.ends_with("(line 1, column 14 of it)"), "{says}");
    let problem =
        mistake(&format!("{OWN}condition = \"on_hand > 1.0\"\nclear = \"unacknowledged_lines == 0\"\n"));
    assert_eq!((problem.key(), problem.line()), ("exceptions.custom[0].clear", 5));
    read(&format!("{OWN}condition = \"unacknowledged_lines > 3.0\"\nabout = \"supplier\"\n"));
}

#[test]
fn what_a_kind_of_ones_own_can_not_do_without_is_asked_for() {
    check(
        "[[exceptions.custom]]\nname = \"mine\"\ncondition = \"on_hand > 1.0\"\n",
        ProblemKind::Missing,
        "1:1",
        "`exceptions.custom[0].title` is missing; it is a sentence of at most 512 bytes",
    );
    check(
        &format!("{OWN}condition = \"on_hand > 1.0\"\n{OWN}condition = \"on_hand > 2.0\"\n"),
        ProblemKind::Contradiction,
        "6:8",
        "`exceptions.custom[1].name` = \"mine\" contradicts another key: each kind of one's own needs a name that \
         no other has",
    );
}

#[test]
fn a_file_with_rules_of_its_own_has_no_others_and_the_teams_are_always_there() {
    let names =
        |config: &Config| -> Vec<String> { config.teams.iter().map(|team| team.name.to_string()).collect() };
    let config = read("[[routing]]\nteam = \"night\"\n[teams.night]\nfrom_hour = 18\n");
    assert_eq!(config.routing.len(), 1);
    assert_eq!(names(&config), ["planning", "purchasing", "operations", "management", "night"]);
    assert!(read("routing = []\n").routing.is_empty());
    let config = read("[teams.planning]\ntimezone = \"Europe/Oslo\"\n");
    assert_eq!(names(&config), ["purchasing", "operations", "management", "planning"]);
    assert!(config.routing.len() > 1);
}

#[test]
fn a_rule_says_who_until_when_and_who_then() {
    let config = read(
        "[[routing]]\ntypes = [\"shortage_now\"]\npath = \"Food\"\nregion = \"North\"\nseverity_min = \"high\"\n\
         value_min = \"250.50\"\nteam = \"planning\"\nqueue = \"q\"\nacknowledge_within_hours = 2\n\
         decide_within_hours = 8.5\nescalate_to = [\"management\", \"operations\"]\nopen_case = true\n",
    );
    let rule = &config.routing[0];
    assert_eq!((rule.severity_min, rule.value_min), (Some(Severity::High), Some(250.5)));
    assert_eq!((rule.acknowledge_within_hours, rule.decide_within_hours), (Some(2.0), Some(8.5)));
    assert_eq!(rule.escalate_to, ["management", "operations"]);
    assert!(rule.open_case);
}

#[test]
fn teams_that_nobody_describes_are_refused() {
    let text = "[[routing]]\nteam = \"planing\"\n";
    check(
        text,
        ProblemKind::Undescribed,
        "2:8",
        "`routing[0].team` = \"planing\" is not described in this file: [teams.NAME] says when a team works",
    );
    assert_eq!(hint(text).as_deref(), Some("did you mean `planning`?"));
    check(
        "[targets.wms]\nurl = \"https://wms.example.com/in\"\n[cases]\ntarget_transfer = \"wsm\"\n",
        ProblemKind::Undescribed,
        "4:19",
        "`cases.target_transfer` = \"wsm\" is not described in this file: [targets.NAME] says where a target is",
    );
    let text = "[targets.wms]\n[cases]\ntarget_order = \"wms\"\ntarget_custom = \"wsm\"\n";
    assert_eq!(hint(text).as_deref(), Some("did you mean `wms`?"));
    assert_eq!(mistake("[cases]\nescalate_to = [\"bord\"]\n").key(), "cases.escalate_to[0]");
    assert!(read("[cases]\nescalate_to = []\n").cases.escalate_to.is_empty());
    assert_eq!(read("[cases]\n").cases.escalate_to, ["management"]);
    let text = "[[routing]]\nteam = \"planning\"\nacknowledge_within_hours = 1\n\
                escalate_to = [\"management\", \"board\"]\n";
    assert_eq!(mistake(text).key(), "routing[0].escalate_to[1]");
    check(
        "[[routing]]\ntypes = [\"excess\"]\n",
        ProblemKind::Missing,
        "1:1",
        "`routing[0].team` is missing; it is the name of a team",
    );
    check(
        "[[routing]]\nteam = \"planning\"\nescalate_to = [\"management\"]\n",
        ProblemKind::Contradiction,
        "3:15",
        "`routing[0].escalate_to` = [\"management\"] contradicts another key: without \
         acknowledge_within_hours or decide_within_hours nothing escalates",
    );
}

#[test]
fn a_team_works_at_some_hour() {
    check(
        "[teams.night]\nfrom_hour = 18\nuntil_hour = 6\n",
        ProblemKind::Contradiction,
        "3:14",
        "`teams.night.until_hour` = 6 contradicts another key: from_hour must be below until_hour",
    );
    check(
        "[teams.\"Night shift\"]\n",
        ProblemKind::BadName,
        "1:8",
        "`teams.Night shift` is no usable name; a name is 1 to 64 of a-z, 0-9, - and _",
    );
}

#[test]
fn who_approves_is_a_role_that_decides() {
    let config = read("[cases]\napproves_order = \"finance\"\norder_cost = \"12.5\"\n");
    assert_eq!((config.cases.approves_order.as_str(), config.cases.order_cost), ("finance", 12.5));
    check(
        "[cases]\napproves_order = \"agent\"\n",
        ProblemKind::NotAllowed,
        "2:18",
        "`cases.approves_order` must be one of \"planner\", \"category_manager\", \"supply_planner\", \"finance\", \
         \"admin\"; found the string \"agent\"",
    );
}
