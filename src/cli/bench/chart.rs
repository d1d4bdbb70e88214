//! Charts for a terminal, made of eighths of a character cell.

use std::fmt::Write as _;

use super::report::count;
use super::trial::ProfileReport;

const ROWS: usize = 6;
/// Of a cell, from the bottom, by eighths.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The foot of the logarithmic scale for latencies.
const LATENCY_FOOT_MS: f64 = 0.1;

/// Throughput and latency over time.
pub fn charts(report: &ProfileReport) -> String {
    let answered: Vec<f64> = report.intervals.iter().map(|interval| interval.answered_events_per_s).collect();
    let most = answered.iter().copied().fold(1.0, f64::max);
    let shares: Vec<f64> = answered.iter().map(|value| value / most).collect();
    let mut text = String::new();
    push_chart(&mut text, "events answered per second", &shares, &count(most), "0", report.duration_s);

    let latencies: Vec<f64> = report
        .intervals
        .iter()
        .map(|interval| interval.latency.map_or(0.0, |latency| latency.p99_ms))
        .collect();
    let most = latencies.iter().copied().fold(10.0 * LATENCY_FOOT_MS, f64::max);
    let shares: Vec<f64> =
        latencies.iter().map(|value| on_log_scale(*value, LATENCY_FOOT_MS, most)).collect();
    let (top, foot) = (format!("{most:.1} ms"), format!("{LATENCY_FOOT_MS} ms"));
    let name = "p99 from when a request was due, logarithmic";
    push_chart(&mut text, name, &shares, &top, &foot, report.duration_s);
    text
}

/// Where a value stands between foot (0) and top (1) of a logarithmic scale.
pub fn on_log_scale(value: f64, foot: f64, top: f64) -> f64 {
    if value <= foot { 0.0 } else { ((value / foot).ln() / (top / foot).ln()).clamp(0.0, 1.0) }
}

fn push_chart(text: &mut String, name: &str, shares: &[f64], top: &str, foot: &str, seconds: f64) {
    let width = top.chars().count().max(foot.chars().count());
    // Writing to a string can't fail.
    let _ = writeln!(text, "  {name}");
    for (number, row) in bars(shares, ROWS).iter().enumerate() {
        let label = match number {
            0 => top,
            _ if number + 1 == ROWS => foot,
            _ => "",
        };
        let _ = writeln!(text, "  {label:>width$} ┤{row}");
    }
    let end = format!("{seconds:.0} s");
    let space = shares.len().saturating_sub(end.chars().count() + 1);
    let _ = writeln!(text, "  {:>width$}  0{:space$}{end}\n", "", "");
}

/// Bars of the given shares, from 0 to 1, as lines from top to bottom. What is not nothing shows at least an eighth.
fn bars(shares: &[f64], rows: usize) -> Vec<String> {
    let eighths = |share: f64| {
        let eighths = (share.clamp(0.0, 1.0) * (rows * 8) as f64).round() as usize;
        if share > 0.0 { eighths.max(1) } else { 0 }
    };
    let cell = |share: f64, row: usize| BLOCKS[eighths(share).saturating_sub((rows - 1 - row) * 8).min(8)];
    (0..rows).map(|row| shares.iter().map(|share| cell(*share, row)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_by_eighths() {
        assert_eq!(bars(&[0.0, 0.001, 0.25, 0.5, 0.75, 1.0], 2), ["    ▄█", " ▁▄███"]);
        assert_eq!(bars(&[f64::NAN], 1), [" "]);
    }

    #[test]
    fn a_logarithmic_scale_has_equal_steps_for_equal_ratios() {
        let at = |value| on_log_scale(value, 0.1, 1_000.0);
        assert_eq!([at(0.0), at(0.1), at(1_000.0), at(5_000.0)], [0.0, 0.0, 1.0, 1.0]);
        assert!((at(10.0) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_chart_has_its_scale_and_its_time() {
        let mut text = String::new();
        push_chart(&mut text, "n", &[1.0; 8], "9", "0", 30.0);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[1], "  9 ┤████████");
        assert_eq!(lines[6], "  0 ┤████████");
        assert_eq!(lines[7], "     0   30 s");
    }
}
