//! `tidewatch demo --statistics` as a whole, on the real data and without a terminal: it ends by itself, every row is
//! accounted for, its exceptions are few and tell of what comes, and it leaves nothing behind. Minutes in a debug build.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

use std::process::{Command, Stdio};

/// The share of openings that may be the same trouble again.
const FLAPPED_HUNDREDTHS_OF_PERCENT_MAX: u64 = 100;

/// Numbers in a line, whatever stands between them; thousands are grouped by commas.
fn numbers(line: &str) -> Vec<u64> {
    let words = line.split(|c: char| !c.is_ascii_digit() && c != ',');
    words.filter_map(|word| word.replace(',', "").parse().ok()).collect()
}

/// Processes whose command line speaks of this text.
fn processes_about(text: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(text)).collect()
}

#[test]
fn the_demo_accounts_for_every_row_and_leaves_nothing_behind() {
    let directory = tempfile::Builder::new().prefix("tidewatch-demo-test-").tempdir().unwrap();
    let output = Command::new("timeout")
        .args(["1200", env!("CARGO_BIN_EXE_tidewatch"), "demo", "--statistics", "--no-browser"])
        .env("TMPDIR", directory.path())
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{printed}\n{complaint}");

    // "361,822 rows of demand in = 361,822 accepted + 0 duplicates + 0 rejected", and the same of what is derived.
    for what in ["rows of demand in = ", "derived events in = "] {
        let line = printed.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{printed}"));
        let found = numbers(line);
        let [given, accepted, duplicates, rejected] = found[..] else { panic!("{line}") };
        assert_eq!(given, accepted + duplicates + rejected, "{line}");
        assert!(given > 100_000 && accepted == given, "every event of the demo is a good one: {line}");
    }

    // "361,822 …", a header, a row for each kind and one for all: opened, rate, flapped, top level, grouped, open.
    let line =
        |what: &str| printed.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{printed}"));
    assert!(line("Exceptions in ").contains("weeks of SKU-locations"));
    let all = numbers(line("  all "));
    let [opened, _, _, flapped_percent, flapped_hundredths, top_level, ..] = all[..] else {
        panic!("{all:?}")
    };
    assert!(opened >= top_level && top_level > 1_000, "{all:?}");
    assert!(100 * flapped_percent + flapped_hundredths < FLAPPED_HUNDREDTHS_OF_PERCENT_MAX, "{all:?}");
    let [happened, announced, empty_before, unannounced] = numbers(line(" stockouts: "))[..] else {
        panic!("{printed}")
    };
    assert_eq!(happened, announced + empty_before + unannounced);
    assert!(10 * announced > 9 * happened, "most are announced: {announced} of {happened}");

    // The week in which all of Iowa ordered twice as much is one exception with its spikes below it.
    let week = line("week of 2013-09-29: ");
    let [_, _, _, causes, below, alone] = numbers(week)[..] else { panic!("{week}") };
    assert_eq!((causes, alone), (1, 0), "{week}");
    assert!(below > 10, "{week}");

    // A headline with counts, a header, rows of an item at a place.
    let mut lines = printed.lines().skip_while(|line| !line.starts_with("At risk now: "));
    let headline = lines.next().unwrap_or_else(|| panic!("no table: {printed}"));
    let at_risk: u64 = numbers(headline).iter().sum();
    let header = lines.next().unwrap();
    assert!(
        header.contains("SKU") && header.contains("value at risk") && header.contains("decide by"),
        "{header}"
    );
    let rows = lines.take_while(|line| line.starts_with("  ")).count() as u64;
    assert!(rows > 0 && rows <= at_risk, "{rows} rows of {at_risk}: {printed}");

    let left: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    let running = processes_about(&directory.path().display().to_string());
    assert!(running.is_empty(), "still running: {running:?}");
}
