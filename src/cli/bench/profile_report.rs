//! What people see of profiles: lines for a terminal, and tables of several runs with their spread.

use std::fmt::Write as _;

use super::chart::charts;
use super::recorder::LatencySummary;
use super::report::{count, latency, machine_line, push_table};
use super::suite::median;
use super::trial::ProfileReport;

/// One profile, for people; with charts where there is a terminal to see them.
pub fn text(report: &ProfileReport, with_charts: bool) -> String {
    let mut text = format!("{}\n", title(report));
    for (name, value) in lines(report) {
        let _ = writeln!(text, "  {name:<10} {value}");
    }
    for failure in &report.failures {
        let _ = writeln!(text, "  FAILED     {failure}");
    }
    if with_charts {
        text.push('\n');
        text.push_str(&charts(report));
    }
    text
}

/// What was run.
pub fn title(report: &ProfileReport) -> String {
    format!(
        "{}: up to {} events/s for {:.0} s, batches of {}, {} SKU-locations, {} connections",
        report.profile.name(),
        count(report.events_per_s_highest as f64),
        report.duration_s,
        report.batch,
        count(f64::from(report.keys)),
        report.connections
    )
}

/// Where the load came from, and where the tower was.
pub fn where_line(report: &ProfileReport) -> String {
    let machine = machine_line(&report.machine);
    match &report.against {
        None => machine,
        Some(tower) => format!("The tower ran already, at {tower}. The load came from: {machine}"),
    }
}

/// What came of it, by name.
pub fn lines(report: &ProfileReport) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        (
            "answered",
            format!(
                "{} of {} requests, {} events/s",
                count(report.requests_answered as f64),
                count(report.requests_due as f64),
                count(report.answered_per_s)
            ),
        ),
        ("latency", format!("{} from when it was due", latency(&report.latency))),
    ];
    if let Some(feed) = &report.feed {
        let seen = format!("{} of {} events", count(feed.seen as f64), count(feed.sent as f64));
        lines.push(("to feed", format!("{}, {seen}", latency(&feed.latency))));
    }
    if let Some(disturbance) = &report.disturbance {
        let both = |before: &LatencySummary, after: &LatencySummary| {
            format!(
                "p99 {:.2} ms until {:.1} s, {:.2} ms from then on",
                before.p99_ms, disturbance.from_s, after.p99_ms
            )
        };
        lines.push(("disturbed", both(&disturbance.latency_before, &disturbance.latency_after)));
        if report.feed.is_some() {
            lines.push(("… to feed", both(&disturbance.feed_before, &disturbance.feed_after)));
        }
    }
    lines.push(("stalls", stalls(report)));
    let waited = format!("{:.1} s waited as asked, on all connections together", report.refused_wait_s);
    lines.push(("refused", format!("{} requests, sent again; {waited}", count(report.refused as f64))));
    lines.push(("errors", count(report.errors.count as f64)));
    lines.push(("events", events(report)));
    lines.extend(crowd(report));
    lines.push(("generator", format!("late by {:.2} ms at p99", report.generator_late.p99_ms)));
    lines.push(("settled", format!("{:.2} s after the last answer", report.settle_lag_s)));
    if let Some(server) = &report.server {
        let memory = server.resident_bytes_most >> 20;
        let cores = format!("{:.2} cores, at most {:.2}", server.cores_mean, server.cores_most);
        lines.push(("server", format!("{cores}, {memory} MiB")));
    }
    if let Some(journal) = &report.journal {
        lines.push((
            "journal",
            format!(
                "{} groups of {:.1} records, {:.2} ms to write and sync one, {:.0} bytes per event",
                count(journal.groups),
                journal.records_per_group,
                journal.group_ms_mean,
                journal.bytes_per_event
            ),
        ));
    }
    if let Some(disk) = &report.fdatasync {
        lines.push(("disk", format!("64 KiB and fdatasync: {}", latency(disk))));
    }
    lines
}

fn stalls(report: &ProfileReport) -> String {
    let stalls = &report.stalls;
    match stalls.named.iter().max_by(|a, b| a.length_s.total_cmp(&b.length_s)) {
        None => format!("none over {} ms", stalls.over_ms),
        Some(longest) => format!(
            "{} over {} ms, the longest {:.2} s at {:.1} s, together {:.2} s",
            stalls.count, stalls.over_ms, longest.length_s, longest.from_s, stalls.total_s
        ),
    }
}

fn events(report: &ProfileReport) -> String {
    let events = &report.events;
    let sent = format!(
        "{} taken, {} sent twice, {} called duplicates",
        count(events.accepted as f64),
        count(events.repeated as f64),
        count(events.duplicates as f64)
    );
    match &events.counted_by_the_tower {
        None => sent,
        Some(counted) => format!(
            "{sent}; the tower counted {} and {}, {} rejected, {} quarantined",
            count(counted.accepted as f64),
            count(counted.duplicates as f64),
            counted.rejected,
            counted.quarantined
        ),
    }
}

fn crowd(report: &ProfileReport) -> Vec<(&'static str, String)> {
    let Some(crowd) = &report.crowd else { return Vec::new() };
    let got = if crowd.events_fewest == crowd.events_most && crowd.same_events {
        format!("{} events each, the same ones", count(crowd.events_most as f64))
    } else {
        format!("{} to {} events", count(crowd.events_fewest as f64), count(crowd.events_most as f64))
    };
    let mut lines = vec![("clients", format!("{} read: {got}", crowd.readers))];
    for storm in &crowd.storms {
        lines.push((
            "storm",
            format!(
                "at {:.1} s all dropped; back after {}; {} tries refused, {} not continued",
                storm.at_s,
                latency(&storm.back),
                storm.refused,
                storm.not_recovered
            ),
        ));
    }
    if let Some(slow) = &crowd.slow {
        lines.push((
            "slow",
            format!(
                "{} clients: {} closed with 4008, {} cut off, {} still open when the load ended",
                slow.clients, slow.closed_4008, slow.cut, slow.kept_up
            ),
        ));
    }
    lines
}

/// Columns of the table of profiles.
pub const COLUMNS: [&str; 11] = [
    "profile",
    "events/s",
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "to feed p50 ms",
    "to feed p99 ms",
    "stalls",
    "refused",
    "cores",
    "MiB",
];

/// A row of the table: medians of all runs of a profile, with the least and the most.
pub fn row(runs: &[&ProfileReport]) -> Vec<String> {
    let all = |value: &dyn Fn(&ProfileReport) -> Option<f64>, show: &dyn Fn(f64) -> String| {
        let values: Vec<f64> = runs.iter().filter_map(|run| value(run)).collect();
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        match values.len() {
            0 => "–".to_owned(),
            1 => show(least),
            _ => format!("{} ({} to {})", show(median(&values)), show(least), show(most)),
        }
    };
    let (two_digits, whole) = (|value: f64| format!("{value:.2}"), |value: f64| count(value));
    vec![
        runs.first().map_or_else(String::new, |run| run.profile.name().to_owned()),
        all(&|run| Some(run.answered_per_s), &whole),
        all(&|run| Some(run.latency.p50_ms), &two_digits),
        all(&|run| Some(run.latency.p99_ms), &two_digits),
        all(&|run| Some(run.latency.p999_ms), &two_digits),
        all(&|run| Some(run.feed?.latency.p50_ms), &two_digits),
        all(&|run| Some(run.feed?.latency.p99_ms), &two_digits),
        all(&|run| Some(run.stalls.count as f64), &whole),
        all(&|run| Some(run.refused as f64), &whole),
        all(&|run| Some(run.server?.cores_mean), &two_digits),
        all(&|run| Some((run.server?.resident_bytes_most >> 20) as f64), &whole),
    ]
}

/// Reports of the same profile together, in the order in which they first came.
pub fn by_profile(reports: &[ProfileReport]) -> Vec<Vec<&ProfileReport>> {
    let mut groups: Vec<Vec<&ProfileReport>> = Vec::new();
    for report in reports {
        match groups.iter_mut().find(|group| group[0].profile == report.profile) {
            Some(group) => group.push(report),
            None => groups.push(vec![report]),
        }
    }
    groups
}

/// All profiles with everything that it takes to understand and repeat them.
pub fn markdown(reports: &[ProfileReport]) -> String {
    let Some(first) = reports.first() else { return String::new() };
    let groups = by_profile(reports);
    let runs = groups.iter().map(Vec::len).max().unwrap_or(1);
    let spread = if runs > 1 { "; medians, with the least and the most" } else { "" };
    let mut text = format!(
        "Tidewatch {} on {}, `{}`, {runs} run{} of each profile{spread}. Up to {} events/s for {:.0} s, batches of {}, \
         {} SKU-locations, {} connections.\n\n{}\n\n",
        first.version,
        first.date,
        first.command,
        if runs == 1 { "" } else { "s" },
        count(first.events_per_s_highest as f64),
        first.duration_s,
        first.batch,
        count(f64::from(first.keys)),
        first.connections,
        where_line(first),
    );
    if let Some(disk) = &first.fdatasync {
        let _ = writeln!(text, "The disk alone, 64 KiB and `fdatasync`: {}.\n", latency(disk));
    }
    push_table(&mut text, &COLUMNS, groups.iter().map(|runs| row(runs)));
    text.push('\n');
    for report in groups.iter().filter_map(|runs| runs.last()) {
        let notes: Vec<String> = lines(report)
            .into_iter()
            .filter(|(name, _)| {
                ["disturbed", "… to feed", "clients", "storm", "slow", "events"].contains(name)
            })
            .map(|(name, value)| format!("{name}: {value}"))
            .chain(report.failures.iter().map(|failure| format!("**failed: {failure}**")))
            .collect();
        let _ = writeln!(text, "- **{}** {}.", report.profile.name(), notes.join("; "));
    }
    text
}
