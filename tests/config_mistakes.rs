//! Every kind of mistake in a configuration file: where it is, what is allowed, and a hint.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, also in its helpers")]

use miette::{Diagnostic as _, GraphicalReportHandler, GraphicalTheme};
use tidewatch::config::{Config, ConfigError, Problem, ProblemKind};

fn problems(text: &str) -> Vec<Problem> {
    match Config::parse("actors.toml", text) {
        Err(ConfigError::Invalid { problems, .. }) => problems,
        other => panic!("{text:?} gave {other:?}"),
    }
}

/// One mistake: its kind, `line:column`, the start of its text after that, and its hint.
fn check(text: &str, kind: ProblemKind, at: &str, says: &str, hint: Option<&str>) {
    let problems = problems(text);
    assert_eq!(problems.len(), 1, "{problems:?}");
    let problem = &problems[0];
    assert_eq!(problem.kind(), kind);
    assert_eq!(format!("{}:{}", problem.line(), problem.column()), at);
    assert_eq!(problem.to_string(), format!("actors.toml:{at}: {says}"));
    assert_eq!(problem.help().map(|help| help.to_string()).as_deref(), hint);
}

#[test]
fn a_mistyped_key_names_the_nearest_one_and_all_that_there_are() {
    check(
        "[admission]\n  record_max = 5_000\n",
        ProblemKind::UnknownKey,
        "2:3",
        "`admission.record_max` is no known key; [admission] has bytes_max, records_max, retry_after_s",
        Some("did you mean `records_max`?"),
    );
}

#[test]
fn a_key_like_no_other_gets_no_guess() {
    check(
        "[demand]\nzebra = 1\n",
        ProblemKind::UnknownKey,
        "2:1",
        "`demand.zebra` is no known key; [demand] has alpha, error_alpha, period_days",
        None,
    );
}

#[test]
fn a_mistyped_section_is_an_unknown_key_of_the_file() {
    check(
        "[sevrer]\nworkers = 1\n",
        ProblemKind::UnknownKey,
        "1:2",
        "`sevrer` is no known key; the file has admission, cases, defaults, demand, exceptions, feed, journal, \
         log, outbox, routing, runtime, server, sku_location, snapshots, supplier, targets, teams, tenants",
        Some("did you mean `server`?"),
    );
}

#[test]
fn an_unknown_kind_of_exception_is_refused() {
    let problems = problems("[exceptions.shortage_nwo]\nenabled = true\n");
    assert_eq!(problems[0].key(), "exceptions.shortage_nwo");
    assert_eq!(problems[0].kind(), ProblemKind::UnknownKey);
    assert_eq!(problems[0].help().expect("a hint").to_string(), "did you mean `shortage_now`?");
}

#[test]
fn a_value_outside_its_range_is_told_the_range() {
    let workers = "`server.workers` must be a whole number from 1 to 256; found the integer";
    for (value, found) in [("0", "0"), ("257", "257"), ("-1", "-1"), ("1_000_000_000_000_000_000_000", "1_0")]
    {
        let problems = problems(&format!("[server]\nworkers = {value}\n"));
        assert_eq!(problems.len(), 1);
        let text = problems[0].to_string();
        assert!(text.starts_with(&format!("actors.toml:2:11: {workers} {found}")), "{text}");
    }
    check(
        "[demand]\nalpha = 0.0\n",
        ProblemKind::NotAllowed,
        "2:9",
        "`demand.alpha` must be a number from 0.001 to 1; found the float 0.0",
        None,
    );
}

#[test]
fn numbers_that_are_none_are_refused() {
    for value in ["nan", "inf", "-inf", "1e400", "0x1"] {
        let problems = problems(&format!("[demand]\nalpha = {value}\n"));
        assert_eq!(problems[0].key(), "demand.alpha", "{value}");
    }
}

#[test]
fn the_ends_of_a_range_are_allowed() {
    let config = Config::parse("", "server.workers = 256\ndemand.alpha = 0.001\n").expect("valid");
    assert_eq!((config.server.workers, config.demand.alpha), (256, 0.001));
    let config = Config::parse("", "server.workers = 1\ndemand.alpha = 1.0\n").expect("valid");
    assert_eq!((config.server.workers, config.demand.alpha), (1, 1.0));
}

#[test]
fn a_value_of_the_wrong_type_is_told_the_right_one() {
    check(
        "[server]\nworkers = \"two\"\n",
        ProblemKind::NotAllowed,
        "2:11",
        "`server.workers` must be a whole number from 1 to 256; found the string \"two\"",
        None,
    );
    check(
        "[exceptions.shortage_now]\nenabled = 1\n",
        ProblemKind::NotAllowed,
        "2:11",
        "`exceptions.shortage_now.enabled` must be true or false; found the integer 1",
        None,
    );
    check(
        "server = 8080\n",
        ProblemKind::NotAllowed,
        "1:10",
        "`server` must be a table: [server]; found the integer 8080",
        None,
    );
    check(
        "[log]\nlevel = \"loud\"\n",
        ProblemKind::NotAllowed,
        "2:9",
        "`log.level` must be one of \"error\", \"warn\", \"info\", \"debug\", \"trace\"; found the string \"loud\"",
        None,
    );
    check(
        "[server]\nlisten = \"localhost\"\n",
        ProblemKind::NotAllowed,
        "2:10",
        "`server.listen` must be an address with a port, such as \"127.0.0.1:8080\"; found the string \"localhost\"",
        None,
    );
}

#[test]
fn money_is_no_float() {
    check(
        "[exceptions.severity]\nvalue_high = 1000.5\n",
        ProblemKind::NotAllowed,
        "2:14",
        "`exceptions.severity.value_high` must be an amount from 0 to 1000000000 with at most 4 decimals, such \
         as \"1000.00\"; found the float 1000.5",
        None,
    );
}

#[test]
fn a_tenant_is_checked_like_everything_else() {
    check(
        "[tenants.default]\ntimezone = \"Mars/Olympus\"\n",
        ProblemKind::NotAllowed,
        "2:12",
        "`tenants.default.timezone` must be an IANA time zone, such as \"Europe/Berlin\"; found the string \"Mars/Olympus\"",
        None,
    );
    check(
        "[tenants.default]\nbase_currency = \"euro\"\n",
        ProblemKind::NotAllowed,
        "2:17",
        "`tenants.default.base_currency` must be an ISO 4217 code, such as \"EUR\"; found the string \"euro\"",
        None,
    );
    check(
        "[tenants.\"No Name\"]\n",
        ProblemKind::BadName,
        "1:10",
        "`tenants.No Name` is no usable name; a name is 1 to 64 of a-z, 0-9, - and _",
        None,
    );
    check(
        "[tenants]\nwest = \"wall\"\n",
        ProblemKind::NotAllowed,
        "2:8",
        "`tenants.west` must be a table: [tenants.west]; found the string \"wall\"",
        None,
    );
    check(
        "[tenants.west]\nclok = \"wall\"\n",
        ProblemKind::UnknownKey,
        "2:1",
        "`tenants.west.clok` is no known key; [tenants.west] has base_currency, clock, timezone",
        Some("did you mean `clock`?"),
    );
}

#[test]
fn values_that_contradict_each_other_are_told_at_the_one_the_file_sets() {
    let rule = "clear must be below raise, or the exception flutters";
    check(
        "[exceptions.projected_stockout]\nraise = 0.2\n",
        ProblemKind::Contradiction,
        "2:9",
        &format!("`exceptions.projected_stockout.raise` = 0.2 contradicts another key: {rule}"),
        Some("a key that the file leaves out has its default"),
    );
    check(
        "[exceptions.projected_stockout]\nraise = 0.4\nclear = 0.4\n",
        ProblemKind::Contradiction,
        "3:9",
        &format!("`exceptions.projected_stockout.clear` = 0.4 contradicts another key: {rule}"),
        Some("a key that the file leaves out has its default"),
    );
}

#[test]
fn every_rule_over_two_keys_is_checked() {
    for text in [
        "server.event_bytes_max = 65536\nserver.request_bytes_max = 65535",
        "server.request_bytes_max = 2097152\nadmission.bytes_max = 2097151",
        "server.event_bytes_max = 65536\njournal.group_bytes_max = 65536",
        "journal.group_bytes_max = 2097152\njournal.segment_bytes_max = 2097152",
        "sku_location.count_lateness_hours = 49",
        "exceptions.severity.value_medium = \"1000.0001\"",
        "exceptions.severity.value_critical = 999",
        "feed.silence_close_s = 15",
        "feed.snapshot_page_items = 10000\nfeed.socket_queue_frames_max = 9999",
    ] {
        let problems = problems(text);
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
        assert_eq!(problems[0].kind(), ProblemKind::Contradiction, "{text}");
    }
}

#[test]
fn what_is_no_toml_is_told_where_it_stops_being_it() {
    let problem = &problems("[server]\nworkers = \n")[0];
    assert_eq!((problem.kind(), problem.line(), problem.key()), (ProblemKind::Syntax, 2, ""));
    let problem = &problems("[server]\nworkers = 1\nworkers = 2\n")[0];
    assert_eq!((problem.kind(), problem.line(), problem.column()), (ProblemKind::Syntax, 3, 1));
    assert!(problem.to_string().contains("duplicate key"), "{problem}");
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = "[feed]\nping_intervall_s = 1\n[server]\nworkers = 0\ndrain_ms = true\n[admision]\n";
    let keys: Vec<String> = problems(text).iter().map(|problem| problem.key().to_owned()).collect();
    assert_eq!(keys, ["feed.ping_intervall_s", "server.workers", "server.drain_ms", "admision"]);
}

#[test]
fn columns_count_characters_and_long_values_are_shortened() {
    let long = "ü".repeat(500);
    let problems = problems(&format!("log = {{ level = \"{long}\", format = \"yaml\" }}"));
    assert_eq!(problems.len(), 2);
    assert!(
        problems[0].to_string().ends_with(&format!("found the string \"{}…", "ü".repeat(59))),
        "{}",
        problems[0]
    );
    assert_eq!(problems[1].column(), 530);
}

#[test]
fn the_report_shows_the_line_with_the_mistake() {
    let error = Config::parse("etc/actors.toml", "[server]\nworkrs = 2\n").expect_err("a mistake");
    let mut report = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(110)
        .render_report(&mut report, &error)
        .expect("rendered");
    for part in [
        "etc/actors.toml has 1 mistake to mend",
        "etc/actors.toml:2:1: `server.workrs` is no known key",
        "2 │ workrs = 2",
        "unknown key",
        "did you mean `workers`?",
    ] {
        assert!(report.contains(part), "{part:?} is not in\n{report}");
    }
}
