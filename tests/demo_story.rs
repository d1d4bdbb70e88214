//! `tidewatch demo --walk`: each story as it is told, on the real data and without anybody pressing a button.
//! A minute or two each in a debug build.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

use std::process::{Command, Stdio};

/// Walks through a scenario; what it printed, with the directory in which nothing may be left.
fn walk(scenario: &str) -> String {
    let directory = tempfile::Builder::new().prefix("tidewatch-story-test-").tempdir().unwrap();
    let output = Command::new("timeout")
        .args([
            "1200",
            env!("CARGO_BIN_EXE_tidewatch"),
            "demo",
            "--walk",
            "--no-browser",
            "--scenario",
            scenario,
        ])
        .env("TMPDIR", directory.path())
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{printed}\n{complaint}");
    let left: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    printed
}

/// What a step came to: the line behind its arrow.
#[track_caller]
fn came_of<'p>(printed: &'p str, title: &str) -> &'p str {
    let mut lines = printed.lines().skip_while(|line| !line.ends_with(&format!(". {title}")));
    let said = lines.find_map(|line| line.trim_start().strip_prefix("→ "));
    said.unwrap_or_else(|| panic!("{title}: {printed}"))
}

#[track_caller]
fn expect(printed: &str, title: &str, parts: &[&str]) {
    let said = came_of(printed, title);
    for part in parts {
        assert!(said.contains(part), "{title} says no {part:?}: {said}");
    }
}

#[test]
fn a_spike_and_a_late_maker_are_decided_from_signal_to_result() {
    let printed = walk("spike-and-delay");
    expect(&printed, "A spike", &["dc-waterloo"]);
    expect(&printed, "The maker is late", &["14.0 days after its promise"]);
    expect(
        &printed,
        "One cause, one row",
        &["dc-council-bluffs", "dc-waterloo", "iowa-2015-10-11-", " litres)"],
    );
    let options = ["Do nothing: ", "Expedite purchase order", "Order ", "Transfer to "];
    expect(&printed, "Options, costed", &options);
    // Both sides: the places that get something, and the one that gives.
    expect(&printed, "Edit an option", &["dc-waterloo short with", "dc-ankeny short with"]);
    expect(&printed, "Choose it", &["ann", "planner, supply_planner"]);
    expect(&printed, "Not one's own", &["403 forbidden"]);
    expect(&printed, "What was looked at is gone", &["409 stale_version", "value at risk", " → "]);
    expect(&printed, "A second person", &["bob", "carol"]);
    expect(&printed, "Once, in the ERP", &["each action once", "transfer SBX-TR-", "purchase order SBX-PO-"]);
    expect(&printed, "Pull the plug", &["documents in the ERP 4 before, 4 after"]);
    expect(&printed, "The trail", &["case.chosen by ann", "case.approved by "]);
    expect(&printed, "What came of it", &["avoided"]);
    for what in ["rows of demand in = ", "derived events in = "] {
        let line = printed.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{printed}"));
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [given, accepted, duplicates, rejected] = numbers[..] else { panic!("{line}") };
        assert_eq!((given, rejected), (accepted + duplicates, 0), "{line}");
        assert!(given > 90_000, "{line}");
    }
}

#[test]
fn a_promotion_in_one_region_is_served_from_another() {
    let printed = walk("regional-promotion");
    expect(&printed, "Who has, and who hasn't", &["dc-ankeny: ", "dc-council-bluffs: ", "reorder point"]);
    expect(&printed, "Options, costed", &["Do nothing: ", "ransfer "]);
    expect(&printed, "Not one's own", &["403 forbidden"]);
    expect(&printed, "Once, in the ERP", &["each action once", "transfer SBX-TR-"]);
}
