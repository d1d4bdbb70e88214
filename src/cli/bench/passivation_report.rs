//! What people see of the measurement of entities at rest.

use std::fmt::Write as _;

use super::budget::Part;
use super::passivation::{Measured, PassivationReport, PassivationRun};
use super::report::{count, heading, latency, push_table, table_text};

/// The table of targets with what it takes to understand and repeat it.
pub fn markdown(report: &PassivationReport) -> String {
    let PassivationReport { version, date, command, machine, rows, keys, active, rest, runs } = report;
    let mut text = heading(version, date, command, machine, rows, runs.len());
    let _ = writeln!(
        text,
        "\n`entities_live_max` is {}, `entities_packed_bytes_max` {}; of all events, {:.0} % are about {} of {} SKU-locations.",
        count(f64::from(rest.entities_live_max)),
        count(rest.entities_packed_bytes_max as f64),
        runs.first().map_or(f64::NAN, |run| 100.0 * run.before.load.hot_share),
        count(f64::from(*active)),
        count(f64::from(*keys)),
    );
    for (number, run) in runs.iter().enumerate() {
        let _ = writeln!(text, "\n### Rest {}\n", number + 1);
        push_measured(&mut text, run);
        push_budget(&mut text, run);
    }
    text
}

/// The table of targets and the budget of the last run, for a terminal.
pub fn text(report: &PassivationReport) -> String {
    let mut text = table_text(&report.rows, report.runs.len());
    let Some(run) = report.runs.last() else { return text };
    let _ = writeln!(text, "\nready {:.2} s after the kill", run.ready_s);
    for (name, measured) in moments(run) {
        let _ = writeln!(text, "{name}: acknowledged in {}", latency(&measured.load.latency));
    }
    let _ = writeln!(text, "\n{:>15}  {:>15}  {:>8}  part", "bytes", "after a start", "a key");
    for (part, after) in run.before.parts.iter().zip(&run.after.parts) {
        let [bytes, after, per_key] = figures(report.keys, part, after);
        let _ = writeln!(text, "{bytes:>15}  {after:>15}  {per_key:>8}  {}", part.name);
    }
    text
}

fn moments(run: &PassivationRun) -> [(&'static str, &Measured); 2] {
    [("before the kill", &run.before), ("after the start", &run.after)]
}

fn push_measured(text: &mut String, run: &PassivationRun) {
    let columns = [
        "",
        "resident under load",
        "resident at most",
        "live",
        "packed",
        "stored",
        "activations from memory",
        "from disk",
        "from the journal",
        "p50 at most",
        "p99 at most",
        "acknowledgement",
    ];
    let cells = |(name, measured): (&str, &Measured)| {
        let Measured { footing, activations, .. } = measured;
        vec![
            name.to_owned(),
            count(measured.resident_bytes as f64),
            count(measured.resident_peak_bytes as f64),
            count(footing.live),
            count(footing.packed),
            count(footing.stored),
            count(activations.from_memory),
            count(activations.from_disk),
            count(activations.from_journal),
            format!("{:.3} ms", activations.p50_ms),
            format!("{:.3} ms", activations.p99_ms),
            latency(&measured.load.latency),
        ]
    };
    push_table(text, &columns, moments(run).into_iter().map(cells));
    let _ = writeln!(
        text,
        "\nReady {:.2} s after the kill, with {} records behind a snapshot of {} entities in {} MiB.\n",
        run.ready_s,
        count(run.recovery.records as f64),
        count(run.snapshot.entities as f64),
        run.snapshot.bytes >> 20,
    );
}

fn push_budget(text: &mut String, run: &PassivationRun) {
    let columns = ["memory", "formula", "bytes", "after a start", "a SKU-location"];
    let (before, after) = (&run.before, &run.after);
    let keys = before.load.keys;
    let row = |(part, after): (&Part, &Part)| {
        let [bytes, after, per_key] = figures(keys, part, after);
        vec![part.name.to_owned(), part.formula.clone(), bytes, after, per_key]
    };
    let whole = |measured: &Measured| Part {
        name: "**resident memory when the load was settled**",
        formula: "`VmRSS`".to_owned(),
        bytes: measured.footing.resident_bytes,
    };
    let (whole_before, whole_after) = (whole(before), whole(after));
    let parts = before.parts.iter().zip(&after.parts).chain([(&whole_before, &whole_after)]);
    push_table(text, &columns, parts.map(row));
}

/// Bytes before the kill and after the start, and the former for each SKU-location.
fn figures(keys: u32, part: &Part, after: &Part) -> [String; 3] {
    [signed(part.bytes), signed(after.bytes), signed(part.bytes / f64::from(keys.max(1)))]
}

/// What is left over may be less than nothing, where formulas say too much.
fn signed(value: f64) -> String {
    if value < 0.0 { format!("−{}", count(-value)) } else { count(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_in_bytes_and_for_each_sku_location() {
        let part = |bytes| Part { name: "slots", formula: "n × 96".into(), bytes };
        let shown = figures(2_000_000, &part(192_000_000.0), &part(-1_500.0));
        assert_eq!(shown, ["192,000,000", "−1,500", "96"]);
    }
}
