//! The `actors.toml` that is shipped says in words what the code has as defaults.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, also in its helpers")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use tidewatch::config::{ClockKind, Config};
use tidewatch::domain::exception::ExceptionType;

const SHIPPED: &str = include_str!("../actors.toml");

/// Lists of tables that the file shows as `[[…]]`, by their place in the configuration.
const LISTS: [(&str, &str); 3] = [
    ("exceptions.overrides", "exceptions.override"),
    ("exceptions.custom", "exceptions.custom"),
    ("routing", "routing"),
];

/// The dotted path of every key of the configuration: tenants and teams by their name, kinds of exceptions with the
/// thresholds that they have, lists of tables once.
fn key_paths(value: &Value, path: &str, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = match (path, name.as_str()) {
                    ("", name) => name.to_owned(),
                    ("exceptions", "kinds") => "exceptions".to_owned(),
                    // The part that an override is about stands beside its values.
                    ("exceptions.override", "part") => path.to_owned(),
                    // The prefix `custom.` is not written.
                    ("exceptions.custom", "type") => format!("{path}.name"),
                    _ => format!("{path}.{name}"),
                };
                if kind_has(&path) {
                    key_paths(member, &path, paths);
                }
            }
        }
        Value::Array(items) if LISTS.iter().any(|(place, _)| *place == path) => {
            let (_, header) = LISTS.iter().find(|(place, _)| *place == path).expect("it is one");
            for item in items {
                key_paths(item, header, paths);
            }
        }
        Value::Array(named) if ["tenants", "teams", "targets"].contains(&path) => {
            for item in named {
                let mut item = item.as_object().cloned().expect("an object");
                let name = item.remove("name").expect("a name");
                key_paths(&Value::Object(item), &format!("{path}.{}", name.as_str().expect("text")), paths);
            }
        }
        _ => {
            paths.insert(path.to_owned());
        }
    }
}

/// Whether that key is no threshold that its kind of exception does not have.
fn kind_has(path: &str) -> bool {
    let Some((kind, key)) = path.strip_prefix("exceptions.").and_then(|rest| rest.split_once('.')) else {
        return true;
    };
    let Some(definition) = ExceptionType::parse(kind).map(|kind| kind.definition()) else { return true };
    match key {
        "raise" => definition.raise.is_some(),
        "clear" => definition.clear.is_some(),
        "minimum" => definition.minimum.is_some(),
        "days" => definition.days.is_some(),
        _ => true,
    }
}

/// A line that is TOML as it stands, or would be without the `#` right before it.
fn toml_line(line: &str) -> Option<&str> {
    let bare = line.strip_prefix('#').unwrap_or(line);
    bare.starts_with(|first: char| first.is_ascii_lowercase() || first == '[').then_some(bare)
}

/// Keys whose meaning is told once for all kinds of exceptions, or for the first of several like tables.
const TOLD_ONCE: [&str; 3] = ["enabled", "consecutive_periods", "quiet_hours"];

/// Each key that the file sets or shows: its dotted path, and whether it is explained where it first stands.
fn documented_keys(text: &str) -> BTreeMap<String, bool> {
    let mut table = String::new();
    let mut commented = false;
    let mut keys = BTreeMap::new();
    let mut told: BTreeSet<String> = TOLD_ONCE.iter().map(|key| format!("exceptions.*.{key}")).collect();
    for line in text.lines() {
        match toml_line(line) {
            Some(header) if header.starts_with('[') => {
                table = header.trim_matches(['[', ']']).to_owned();
            }
            Some(setting) => {
                if let Some((key, _)) = setting.split_once(" = ") {
                    let (family, _) = table.split_once('.').unwrap_or((&table, ""));
                    let alike = format!("{family}.*.{key}");
                    let is_told = commented || told.contains(&alike);
                    if matches!(family, "teams" | "routing") && commented {
                        told.insert(alike);
                    }
                    let first = keys.entry(format!("{table}.{key}")).or_insert(is_told);
                    *first |= is_told;
                }
            }
            None => {}
        }
        commented = line.starts_with("# ");
    }
    keys
}

#[test]
fn the_shipped_file_is_exactly_the_defaults() {
    let shipped = Config::parse("actors.toml", SHIPPED).expect("the shipped file is valid");
    let default = Config::default();
    assert_eq!(shipped.exceptions, default.exceptions);
    assert_eq!(shipped.routing, default.routing);
    assert_eq!(shipped, default);
}

/// The shipped file with everything that it only shows.
fn with_examples() -> Config {
    let text: String = SHIPPED.lines().map(|line| format!("{}\n", toml_line(line).unwrap_or(line))).collect();
    Config::parse("actors.toml", &text).expect("what the shipped file shows is valid too")
}

#[test]
fn every_key_stands_in_the_shipped_file_under_a_comment() {
    let config = serde_json::to_value(with_examples()).expect("a configuration is JSON");
    let mut expected = BTreeSet::new();
    key_paths(&config, "", &mut expected);
    // Shown with the first team alone, as they are in no other by default.
    for team in ["purchasing", "operations", "management"] {
        for key in ["calendar", "timezone"] {
            assert!(expected.remove(&format!("teams.{team}.{key}")));
        }
    }
    let documented = documented_keys(SHIPPED);
    let untold: Vec<_> = documented.iter().filter(|(_, told)| !**told).collect();
    assert!(untold.is_empty(), "without a comment: {untold:?}");
    let documented: BTreeSet<String> = documented.into_keys().collect();
    assert_eq!(documented, expected);
}

#[test]
fn the_examples_in_the_shipped_file_say_what_they_show() {
    let config = with_examples();
    let [other] = &*config.exceptions.overrides else { panic!("one override is shown") };
    assert_eq!((other.raise, other.part.region.as_deref()), (Some(0.2), Some("North")));
    let [own] = &*config.exceptions.custom else { panic!("one kind of one's own is shown") };
    assert_eq!(own.exception_type.as_str(), "custom.overstocked_a");
    assert_eq!(config.teams[0].calendar.as_deref(), Some("office"));
}

#[test]
fn the_defaults_that_clients_rely_on() {
    let config = Config::default();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.request_bytes_max, 8 * 1024 * 1024);
    assert_eq!(config.server.event_bytes_max, 64 * 1024);
    assert_eq!(config.server.json_depth_max, 32);
    assert_eq!(config.server.read_timeout_ms, 5_000);
    assert_eq!(config.server.list_limit_max, 1_000);
    assert_eq!(config.sku_location.movements_kept_max, 512);
    assert_eq!(config.sku_location.count_lateness_hours, 48);
    assert_eq!(config.defaults.service_level, 0.95);
    assert_eq!(config.defaults.lead_time_days, 7);
    assert_eq!(config.defaults.measured_receipts_min, 5);
    let projected_stockout = config.exceptions.kinds.get(1).expect("the second kind");
    assert_eq!((projected_stockout.raise, projected_stockout.clear), (0.5, 0.3));
    assert_eq!(config.exceptions.severity.value_high.ten_thousandths(), 10_000_000);
    assert_eq!(config.feed.ping_interval_s, 15);
    assert_eq!(config.feed.silence_close_s, 45);
    assert_eq!(config.feed.ticket_ttl_s, 30);
    assert_eq!(config.tenants.len(), 1);
    assert_eq!(config.tenants[0].name, "default");
    assert_eq!(config.tenants[0].clock, ClockKind::Wall);
}

#[test]
fn a_key_that_is_set_is_taken_and_the_others_keep_their_defaults() {
    let text = "[server]\nworkers = 7\nlisten = \"[::1]:0\"\n[demand]\nalpha = 1\n\
                [exceptions.severity]\nvalue_high = 2000\n[log]\nlevel = \"debug\"\n";
    let config = Config::parse("actors.toml", text).expect("valid");
    assert_eq!(config.server.workers, 7);
    assert_eq!(config.server.listen.to_string(), "[::1]:0");
    assert_eq!(config.demand.alpha, 1.0);
    assert_eq!(config.exceptions.severity.value_high.ten_thousandths(), 20_000_000);
    assert_eq!(config.log.level.as_str(), "debug");

    let mut expected = Config::default();
    expected.server.workers = 7;
    expected.server.listen = config.server.listen;
    expected.demand.alpha = 1.0;
    expected.exceptions.severity.value_high = "2000".parse().expect("an amount");
    expected.log.level = config.log.level;
    assert_eq!(config, expected);
}

#[test]
fn tenants_keep_the_order_of_the_file() {
    let names = |text: &str| -> Vec<String> {
        let config = Config::parse("actors.toml", text).expect("valid");
        config.tenants.iter().map(|tenant| tenant.name.to_string()).collect()
    };
    assert_eq!(names("[tenants.west]\n[tenants.default]\n[tenants.east]\n"), ["west", "default", "east"]);
    assert_eq!(names("[tenants.west]\n[tenants.east]\n"), ["default", "west", "east"]);
    assert_eq!(names(""), ["default"]);
}

#[test]
fn a_tenant_has_its_own_clock_currency_and_zone() {
    let text = "[tenants.iowa]\nclock = \"event\"\nbase_currency = \"USD\"\ntimezone = \"America/Chicago\"\n";
    let config = Config::parse("actors.toml", text).expect("valid");
    let iowa = &config.tenants[1];
    assert_eq!(iowa.clock, ClockKind::Event);
    assert_eq!(iowa.base_currency, "USD");
    assert_eq!(iowa.timezone, "America/Chicago");
}

#[test]
fn the_hash_follows_the_content_and_not_the_spelling() {
    let hash = |text: &str| {
        let config = Config::parse("actors.toml", text).expect("valid");
        config.content_hash().expect("a hash")
    };
    assert_eq!(hash(SHIPPED), hash(""));
    assert_eq!(hash("[server]\nworkers = 0x10\n"), hash("# sixteen\nserver.workers = 16\n"));
    assert_ne!(hash("[server]\nworkers = 3\n"), hash(""));
    assert_ne!(hash("[tenants.a]\n[tenants.b]\n"), hash("[tenants.b]\n[tenants.a]\n"));
}

#[test]
fn the_canonical_form_reads_back_as_the_same_configuration() {
    let text = "[demand]\nalpha = 0.137\n[exceptions.severity]\nvalue_medium = \"99.9999\"\n[tenants.iowa]\n";
    let config = Config::parse("actors.toml", text).expect("valid");
    let json = config.canonical_json().expect("JSON");
    assert_eq!(serde_json::from_str::<Config>(&json).expect("reads back"), config);
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let missing = Config::load(Some(Path::new("/nonexistent/actors.toml"))).expect_err("no such file");
    assert!(missing.to_string().contains("/nonexistent/actors.toml"), "{missing}");
}

#[test]
fn what_is_no_utf_8_or_too_long_is_refused_without_reading_it_all() {
    let directory = tempfile::tempdir().expect("a directory");
    let check = |name: &str, bytes: &[u8], says: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        let error = Config::load(Some(&path)).expect_err(name).to_string();
        assert!(error.contains(says), "{error}");
    };
    check("latin1.toml", b"# caf\xe9\n", "UTF-8");
    check("long.toml", &vec![b'#'; (1 << 20) + 1], "longer than 1048576 bytes");
}
