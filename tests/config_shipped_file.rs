//! The `actors.toml` that is shipped says in words what the code has as defaults.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, also in its helpers")]

use std::path::Path;

use serde_json::Value;
use tidewatch::config::{ClockKind, Config};

const SHIPPED: &str = include_str!("../actors.toml");

/// The dotted path of every key of the configuration, tenants by their name.
fn key_paths(value: &Value, path: &str, paths: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let separator = if path.is_empty() { "" } else { "." };
                key_paths(member, &format!("{path}{separator}{name}"), paths);
            }
        }
        Value::Array(tenants) => {
            for tenant in tenants {
                let mut tenant = tenant.as_object().cloned().expect("a tenant is an object");
                let name = tenant.remove("name").expect("a tenant has a name");
                let name = name.as_str().expect("a name is a string");
                key_paths(&Value::Object(tenant), &format!("{path}.{name}"), paths);
            }
        }
        _ => paths.push(path.to_owned()),
    }
}

/// Each `key = value` line of a TOML file of plain tables: its dotted path, and whether the line above it is
/// a comment.
fn documented_keys(text: &str) -> Vec<(String, bool)> {
    let mut table = "";
    let mut commented = false;
    let mut keys = Vec::new();
    for line in text.lines() {
        if let Some(header) = line.strip_prefix('[') {
            table = header.trim_end_matches(']');
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            keys.push((format!("{table}.{key}"), commented));
        }
        commented = line.starts_with('#');
    }
    keys
}

#[test]
fn the_shipped_file_is_exactly_the_defaults() {
    let shipped = Config::parse("actors.toml", SHIPPED).expect("the shipped file is valid");
    assert_eq!(shipped, Config::default());
}

#[test]
fn every_key_stands_in_the_shipped_file_under_a_comment() {
    let config = serde_json::to_value(Config::default()).expect("a configuration is JSON");
    let mut expected = Vec::new();
    key_paths(&config, "", &mut expected);
    expected.sort();

    let mut documented = documented_keys(SHIPPED);
    documented.sort();
    let uncommented: Vec<_> = documented.iter().filter(|(_, commented)| !commented).collect();
    assert!(uncommented.is_empty(), "without a comment: {uncommented:?}");
    let documented: Vec<String> = documented.into_iter().map(|(key, _)| key).collect();
    assert_eq!(documented, expected);
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
    assert_eq!(config.exceptions.projected_stockout.raise_probability, 0.5);
    assert_eq!(config.exceptions.projected_stockout.clear_probability, 0.3);
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
