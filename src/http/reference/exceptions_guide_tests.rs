//! The table of thresholds in `docs/exceptions.md` is what the catalogue says.

use crate::domain::exception::ExceptionType;
use crate::domain::exception::kind::Threshold;

const GUIDE: &str = include_str!("../../../docs/exceptions.md");

fn cell(threshold: Option<Threshold>) -> String {
    threshold.map_or_else(String::new, |threshold| format!("{} {}", threshold.default, threshold.unit))
}

fn row(kind: &ExceptionType) -> String {
    let definition = kind.definition();
    format!(
        "| `{kind}` | {} | {} | {} | {} | {} | {} |",
        cell(definition.raise),
        cell(definition.clear),
        cell(definition.minimum),
        cell(definition.days),
        definition.consecutive_periods,
        definition.quiet_hours,
    )
}

#[test]
fn the_guide_shows_the_thresholds_of_every_kind() {
    let wanted: Vec<String> = ExceptionType::BUILT_IN.iter().map(row).collect();
    let after = GUIDE.split("## Thresholds").nth(1).expect("a chapter about thresholds");
    let is_row = |line: &&str| line.starts_with("| `");
    let shown: Vec<&str> = after.lines().skip_while(|line| !is_row(line)).take_while(is_row).collect();
    assert_eq!(shown, wanted, "the table should be:\n{}", wanted.join("\n"));
}

#[test]
fn the_guide_says_of_every_kind_who_raises_it() {
    let catalogue = GUIDE.split("## Thresholds").next().unwrap();
    let shown: Vec<&str> = catalogue
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name))
        .collect();
    let wanted: Vec<&str> = ExceptionType::BUILT_IN.iter().map(ExceptionType::as_str).collect();
    for kind in &wanted {
        assert!(shown.contains(kind), "{kind} is not in the table");
    }
}
