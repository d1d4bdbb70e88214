//! What people and programs see of a measurement.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use serde::Serialize;

use super::BenchError;
use super::feed::{FeedReport, FeedRun};
use super::process::Machine;
use super::recorder::{LatencySummary, Stalls};
use super::recovery::{RecoveryReport, RecoveryRun, Start};
use super::session::LoadReport;
use super::suite::{MemoryReport, Row, SuiteReport, SuiteRun};

/// One load, with the disk under it.
#[derive(Clone, Debug, Serialize)]
pub struct SingleReport {
    #[serde(flatten)]
    pub load: LoadReport,
    /// `null` for a tower that runs elsewhere.
    pub fdatasync: Option<LatencySummary>,
}

/// Prints to standard output.
///
/// # Errors
/// If it is closed.
pub fn print(text: &str) -> Result<(), BenchError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(BenchError::Output)
}

/// For programs.
///
/// # Errors
/// If it can't be written as JSON.
pub fn json(report: &impl Serialize) -> Result<String, BenchError> {
    let text = serde_json::to_string_pretty(report).map_err(|error| BenchError::Output(error.into()))?;
    Ok(text + "\n")
}

/// One load, for people.
pub fn load_text(report: &SingleReport) -> String {
    let load = &report.load;
    let from = if load.rate.is_some() { "when it was due" } else { "when it was sent" };
    let mut lines = vec![
        (
            "durable",
            format!("{} events/s in {} requests/s", count(load.events_per_s), count(load.requests_per_s)),
        ),
        ("settled", settled(load)),
        ("latency", format!("{} from {from}", latency(&load.latency))),
        ("stalls", stalls(&load.stalls)),
        ("refused", format!("{} requests, sent again", load.refused)),
    ];
    if load.rate.is_some() {
        lines.push(("generator", format!("late by {:.2} ms at p99", load.generator_late_p99_ms)));
    }
    lines.extend(costs(load));
    if let Some(disk) = &report.fdatasync {
        lines.push(("disk", format!("64 KiB and fdatasync: {}", latency(disk))));
    }
    let mut text = format!("{}\n", title(load));
    for (name, value) in lines {
        let _ = writeln!(text, "  {name:<10} {value}");
    }
    text
}

fn settled(load: &LoadReport) -> String {
    format!("{} events/s, {:.2} s after the last answer", count(load.settled_events_per_s), load.settle_lag_s)
}

fn costs(load: &LoadReport) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(server) = &load.server {
        lines.push((
            "server",
            format!(
                "{:.2} µs of processor time per event, {:.2} cores, {} MiB",
                server.cpu_s_per_million_events,
                server.cores,
                server.resident_bytes >> 20
            ),
        ));
    }
    if let Some(cores) = load.generator_cores {
        lines.push(("load", format!("{cores:.2} cores")));
    }
    if let Some(journal) = &load.journal {
        lines.push((
            "journal",
            format!(
                "{:.0} bytes per event, {:.0} records per group, {:.1} transitions per 1,000 events",
                journal.bytes_per_event, journal.records_per_group, journal.transitions_per_1000_events
            ),
        ));
    }
    lines
}

fn title(load: &LoadReport) -> String {
    let pace =
        load.rate.map_or_else(|| "maximum".to_owned(), |rate| format!("{} events/s", count(rate as f64)));
    let hot = if load.hot_share > 0.0 {
        format!(", {:.0} % of events on {}", load.hot_share * 100.0, count(f64::from(load.hot_keys)))
    } else {
        String::new()
    };
    format!(
        "{pace}, batches of {}, {} SKU-locations{hot}, {} connections, {:.0} s after {:.0} s",
        load.batch,
        count(f64::from(load.keys)),
        load.connections,
        load.measured_s,
        load.warm_up_s
    )
}

/// A summary on one line.
pub fn latency(summary: &LatencySummary) -> String {
    let LatencySummary { p50_ms, p99_ms, p999_ms, max_ms } = summary;
    format!("p50 {p50_ms:.2} ms, p99 {p99_ms:.2} ms, p99.9 {p999_ms:.2} ms, max {max_ms:.2} ms")
}

fn stalls(stalls: &Stalls) -> String {
    match stalls.count {
        0 => "none over 1 s".to_owned(),
        count => format!("{count}, the longest {:.2} s, together {:.2} s", stalls.longest_s, stalls.total_s),
    }
}

/// A number with its thousands apart.
pub fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn quantity(row: &Row, value: f64) -> String {
    match row.unit {
        "times" | "ms" | "s" => format!("{value:.2}"),
        _ => count(value),
    }
}

/// A row of the table of targets.
pub fn cells(row: &Row, runs: usize) -> [String; 5] {
    let spread = if runs > 1 {
        format!("{} to {}", quantity(row, row.least), quantity(row, row.most))
    } else {
        "one run".to_owned()
    };
    let sign = if row.relation == ">=" { "≥" } else { "≤" };
    [
        row.name.clone(),
        format!("{sign} {} {}", quantity(row, row.target), row.unit),
        quantity(row, row.measured),
        spread,
        if row.met { "yes" } else { "no" }.to_owned(),
    ]
}

/// Columns of the table of targets.
pub const COLUMNS: [&str; 5] = ["target", "wanted", "measured", "spread", "met"];

/// The table, for a terminal.
pub fn table_text(rows: &[Row], runs: usize) -> String {
    let mut table = vec![COLUMNS.map(str::to_owned)];
    table.extend(rows.iter().map(|row| cells(row, runs)));
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS.len()).map(width).collect();
    let mut text = String::new();
    for row in &table {
        let line: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        let _ = writeln!(text, "{}", line.join("  ").trim_end());
    }
    text
}

/// The table with everything that it takes to understand and repeat it.
pub fn markdown(report: &SuiteReport) -> String {
    let SuiteReport { version, date, command, machine, rows, runs } = report;
    let mut text = heading(version, date, command, machine, rows, runs.len());
    for (number, run) in report.runs.iter().enumerate() {
        let _ = writeln!(text, "\n### Run {}\n", number + 1);
        let _ = writeln!(text, "The disk alone, 64 KiB and `fdatasync`: {}.\n", latency(&run.fdatasync));
        push_loads(&mut text, run);
        push_memory(&mut text, &run.memory);
    }
    text
}

/// The feed's table with what it takes to understand and repeat it.
pub fn feed_markdown(report: &FeedReport) -> String {
    let FeedReport { version, date, command, machine, rows, runs } = report;
    let mut text = heading(version, date, command, machine, rows, runs.len());
    let columns = [
        "run",
        "frames/s to all",
        "orders/s",
        "frames/s filtered",
        "orders/s",
        "load, events/s",
        "event to frame",
    ];
    text.push('\n');
    let run_cells = |(number, run): (usize, &FeedRun)| {
        vec![
            (number + 1).to_string(),
            count(run.fan_out.frames_per_s),
            count(run.fan_out.orders_per_s),
            count(run.filtered.frames_per_s),
            count(run.filtered.orders_per_s),
            count(run.load_events_per_s as f64),
            latency(&run.latency),
        ]
    };
    push_table(&mut text, &columns, runs.iter().enumerate().map(run_cells));
    text
}

/// The table of snapshots and recovery with what it takes to understand and repeat it.
pub fn recovery_markdown(report: &RecoveryReport) -> String {
    let RecoveryReport { version, date, command, machine, rows, runs } = report;
    let mut text = heading(version, date, command, machine, rows, runs.len());
    for (number, run) in runs.iter().enumerate() {
        let _ = writeln!(text, "\n### Start {}\n", number + 1);
        push_starts(&mut text, run);
        push_capture(&mut text, run);
    }
    text
}

fn push_starts(text: &mut String, run: &RecoveryRun) {
    let columns = [
        "SKU-locations",
        "records replayed",
        "ready after",
        "loading",
        "opening the journal",
        "replaying",
        "entities",
        "snapshot at rest",
        "its size",
    ];
    let seconds = |seconds: f64| format!("{seconds:.2} s");
    push_table(
        text,
        &columns,
        run.starts.iter().map(|start| {
            vec![
                count(f64::from(start.keys)),
                count(start.recovery.records as f64),
                seconds(start.ready_s),
                seconds(start.recovery.load_s),
                seconds(start.recovery.open_s),
                seconds(start.recovery.replay_s),
                count(start.recovery.entities as f64),
                seconds(start.snapshot.seconds),
                format!("{} MiB", start.snapshot.bytes >> 20),
            ]
        }),
    );
    if let [smaller, larger] = run.starts.as_slice() {
        let times = |value: fn(&Start) -> f64| value(larger) / value(smaller);
        let _ = writeln!(
            text,
            "\n{:.1} times the SKU-locations and {:.1} times the records take {:.1} times as long.",
            times(|start| f64::from(start.keys)),
            times(|start| start.recovery.records as f64),
            times(|start| start.ready_s),
        );
    }
}

fn push_capture(text: &mut String, run: &RecoveryRun) {
    let capture = &run.capture;
    let longest = capture.snapshots.iter().map(|taken| taken.seconds).fold(0.0, f64::max);
    let _ = writeln!(
        text,
        "\nAcknowledgements at {} events/s: {} before; {} while {} snapshot{} taken, the longest in {longest:.2} s.",
        count(capture.before.rate.unwrap_or(0) as f64),
        latency(&capture.before.latency),
        latency(&capture.during.latency),
        capture.snapshots.len(),
        if capture.snapshots.len() == 1 { " was" } else { "s were" },
    );
}

/// What was measured where, and the table of targets.
pub fn heading(
    version: &str,
    date: &str,
    command: &str,
    machine: &Machine,
    rows: &[Row],
    runs: usize,
) -> String {
    let mut text = format!(
        "Tidewatch {version} on {date}, `{command}`, {runs} run{}.\n\n{}\n\n",
        if runs == 1 { "" } else { "s; the median and the spread" },
        machine_line(machine),
    );
    push_table(&mut text, &COLUMNS, rows.iter().map(|row| cells(row, runs).to_vec()));
    text
}

/// The machine that figures are for, as a sentence.
pub fn machine_line(machine: &Machine) -> String {
    format!(
        "{}, {} cores, {} GiB, Linux {}; data on {}.",
        machine.processor,
        machine.cores,
        machine.memory_bytes >> 30,
        machine.kernel,
        machine.disk,
    )
}

fn push_loads(text: &mut String, run: &SuiteRun) {
    let columns = [
        "load",
        "durable events/s",
        "settled events/s",
        "p50 ms",
        "p99 ms",
        "max ms",
        "µs per event",
        "server MiB",
        "load cores",
        "journal bytes",
        "records per group",
        "transitions per 1,000",
        "stalls",
        "refused",
    ];
    let loads = [&run.maximum, &run.hot, &run.single, &run.half].into_iter().chain(&run.scaling);
    push_table(text, &columns, loads.map(load_cells));
}

fn load_cells(load: &LoadReport) -> Vec<String> {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    let server = load.server;
    let journal = load.journal;
    vec![
        title(load),
        count(load.events_per_s),
        count(load.settled_events_per_s),
        format!("{:.2}", load.latency.p50_ms),
        format!("{:.2}", load.latency.p99_ms),
        format!("{:.2}", load.latency.max_ms),
        or_dash(server.map(|server| format!("{:.2}", server.cpu_s_per_million_events))),
        or_dash(server.map(|server| (server.resident_bytes >> 20).to_string())),
        or_dash(load.generator_cores.map(|cores| format!("{cores:.2}"))),
        or_dash(journal.map(|journal| format!("{:.0}", journal.bytes_per_event))),
        or_dash(journal.map(|journal| format!("{:.0}", journal.records_per_group))),
        or_dash(journal.map(|journal| format!("{:.1}", journal.transitions_per_1000_events))),
        load.stalls.count.to_string(),
        load.refused.to_string(),
    ]
}

fn push_memory(text: &mut String, memory: &MemoryReport) {
    let _ = writeln!(
        text,
        "\nMemory of each of {} SKU-locations: {} bytes with stock alone, {} with four open lines, {} with sixteen \
         movements too.",
        count(f64::from(memory.keys)),
        count(memory.bare_bytes),
        count(memory.with_lines_bytes),
        count(memory.with_lines_and_movements_bytes),
    );
}

/// Appends a Markdown table.
pub fn push_table(text: &mut String, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let _ = writeln!(text, "| {} |\n|{}", columns.join(" | "), " --- |".repeat(columns.len()));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            name: "durable events".into(),
            unit: "events/s",
            relation: ">=",
            target: 150_000.0,
            measured: 160_250.4,
            least: 151_000.0,
            most: 170_000.0,
            met: true,
        }
    }

    #[test]
    fn numbers_have_their_thousands_apart() {
        let shown: Vec<String> = [0.0, 999.0, 1_000.0, 1_234_567.8].into_iter().map(count).collect();
        assert_eq!(shown, ["0", "999", "1,000", "1,234,568"]);
    }

    #[test]
    fn a_row_shows_target_measurement_and_spread() {
        let expected = ["durable events", "≥ 150,000 events/s", "160,250", "151,000 to 170,000", "yes"];
        assert_eq!(cells(&row(), 3), expected);
        assert_eq!(cells(&Row { met: false, ..row() }, 1)[3..], ["one run", "no"]);
    }

    #[test]
    fn a_table_is_markdown() {
        let mut text = String::new();
        push_table(&mut text, &["a", "b"], [vec!["1".to_owned(), "2".to_owned()]].into_iter());
        assert_eq!(text, "| a | b |\n| --- | --- |\n| 1 | 2 |\n");
    }
}
