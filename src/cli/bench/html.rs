//! The report as a page: one file that needs nothing else, in light and dark, with no scripts.

use std::fmt::Write as _;

use super::chart::on_log_scale;
use super::process::Machine;
use super::profile_report::{COLUMNS, by_profile, lines, row, title, where_line};
use super::report::{COLUMNS as TARGET_COLUMNS, cells, count, machine_line};
use super::suite::Row;
use super::timeline::Interval;
use super::trial::ProfileReport;

const STYLE: &str = "\
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2330;--soft:#5b6472;--line:#d9dee6;--a:#1f6feb;--b:#b35900;\
--c:#8a2bb0;--stall:#e5484d;--grid:#eceff4}\
@media(prefers-color-scheme:dark){:root{--paper:#12161d;--ink:#e6eaf0;--soft:#9aa5b4;--line:#2c3440;--a:#6cb0ff;\
--b:#ffb366;--c:#d49cf0;--stall:#ff6b70;--grid:#212832}}\
body{background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;\
padding:0 1rem}h1{font-size:1.5rem}h2{font-size:1.15rem;margin:2.5rem 0 .5rem}p,dd{color:var(--soft)}\
code{font-size:.9em;overflow-wrap:anywhere}.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem;\
font-variant-numeric:tabular-nums}th,td{border-bottom:1px solid var(--line);padding:.3rem .6rem;text-align:left}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.5rem 0;font-size:.9rem}dd{margin:0}\
dt{font-weight:600}svg{width:100%;height:auto;margin:.5rem 0}svg text{fill:var(--soft);font-size:11px}\
.grid{stroke:var(--grid)}.a{stroke:var(--a)}.b{stroke:var(--b)}.c{stroke:var(--c)}polyline{fill:none;stroke-width:1.6}\
svg text.a{fill:var(--a);stroke:none}svg text.b{fill:var(--b);stroke:none}svg text.c{fill:var(--c);stroke:none}\
.stall{fill:var(--stall);opacity:.25}.mark{stroke:var(--soft);stroke-dasharray:3 3}.failed{color:var(--stall);\
font-weight:600}";

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 22.0;
const LATENCY_FOOT_MS: f64 = 0.1;

/// The page about profiles.
pub fn profiles(reports: &[ProfileReport]) -> String {
    let mut body = String::new();
    let Some(first) = reports.first() else { return page("Tidewatch under load", &body) };
    push_heading(&mut body, (first.version, &first.date, &first.command), &where_line(first));
    let groups = by_profile(reports);
    push_table(&mut body, &COLUMNS, groups.iter().map(|runs| row(runs)));
    for report in groups.iter().filter_map(|runs| runs.last()) {
        let _ = writeln!(body, "<h2>{}</h2>", escaped(&title(report)));
        for failure in &report.failures {
            let _ = writeln!(body, "<p class=\"failed\">{}</p>", escaped(failure));
        }
        push_charts(&mut body, report);
        body.push_str("<dl>");
        for (name, value) in lines(report) {
            let _ = writeln!(body, "<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(&value));
        }
        body.push_str("</dl>\n");
    }
    page("Tidewatch under load", &body)
}

/// The page about a table of targets.
pub fn targets(
    (version, date, command): (&str, &str, &str),
    machine: &Machine,
    rows: &[Row],
    runs: usize,
) -> String {
    let mut body = String::new();
    push_heading(&mut body, (version, date, command), &machine_line(machine));
    push_table(&mut body, &TARGET_COLUMNS, rows.iter().map(|row| cells(row, runs).to_vec()));
    page("Tidewatch against its targets", &body)
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n{body}</body></html>\n"
    )
}

fn push_heading(body: &mut String, (version, date, command): (&str, &str, &str), place: &str) {
    // Writing to a string can't fail.
    let _ = writeln!(
        body,
        "<p>Tidewatch {} on {}, <code>{}</code></p>\n<p>{}</p>",
        escaped(version),
        escaped(date),
        escaped(command),
        escaped(place)
    );
}

fn push_table(body: &mut String, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    body.push_str("<div class=\"wide\"><table><thead><tr>");
    for column in columns {
        let _ = write!(body, "<th scope=\"col\">{}</th>", escaped(column));
    }
    body.push_str("</tr></thead><tbody>\n");
    for row in rows {
        body.push_str("<tr>");
        for cell in row {
            let _ = write!(body, "<td>{}</td>", escaped(&cell));
        }
        body.push_str("</tr>\n");
    }
    body.push_str("</tbody></table></div>\n");
}

/// One line of a chart.
struct Series {
    name: &'static str,
    class: &'static str,
    values: Vec<Option<f64>>,
}

fn push_charts(body: &mut String, report: &ProfileReport) {
    let series = |name, class, value: &dyn Fn(&Interval) -> Option<f64>| Series {
        name,
        class,
        values: report.intervals.iter().map(value).collect(),
    };
    let rates = [
        series("due", "b", &|interval| Some(interval.due_events_per_s)),
        series("answered", "a", &|interval| Some(interval.answered_events_per_s)),
    ];
    push_chart(body, report, "events per second", &rates, Scale::Even, &|value| count(value));
    let latencies = [
        series("p50", "a", &|interval| Some(interval.latency?.p50_ms)),
        series("p99", "b", &|interval| Some(interval.latency?.p99_ms)),
        series("event to feed, p99", "c", &|interval| Some(interval.feed?.p99_ms)),
    ];
    let name = "latency from when it was due, ms, logarithmic";
    push_chart(body, report, name, &latencies, Scale::Logarithmic, &|value| format!("{value:.1}"));
    if report.server.is_some() {
        let cores = [series("cores", "a", &|interval| Some(interval.server?.cores))];
        push_chart(body, report, "processor cores of the tower", &cores, Scale::Even, &|value| {
            format!("{value:.2}")
        });
        let memory = [series("MiB", "c", &|interval| Some((interval.server?.resident_bytes >> 20) as f64))];
        push_chart(body, report, "memory of the tower, MiB", &memory, Scale::Even, &|value| count(value));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scale {
    Even,
    Logarithmic,
}

fn push_chart(
    body: &mut String,
    report: &ProfileReport,
    name: &str,
    series: &[Series],
    scale: Scale,
    label: &dyn Fn(f64) -> String,
) {
    let values = series.iter().flat_map(|one| one.values.iter().flatten().copied());
    let most = values.fold(if scale == Scale::Even { 1e-9 } else { 10.0 * LATENCY_FOOT_MS }, f64::max);
    let share = |value: f64| match scale {
        Scale::Even => value / most,
        Scale::Logarithmic => on_log_scale(value, LATENCY_FOOT_MS, most),
    };
    let x = |seconds: f64| LEFT + (WIDTH - LEFT - RIGHT) * (seconds / report.duration_s).clamp(0.0, 1.0);
    let y = |share: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share;
    let _ = writeln!(
        body,
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{name} over time\"><text x=\"{LEFT}\" y=\"12\">{name}</text>"
    );
    for step in 0..=4 {
        let at = f64::from(step) / 4.0;
        let value = match scale {
            Scale::Even => most * at,
            Scale::Logarithmic => LATENCY_FOOT_MS * (most / LATENCY_FOOT_MS).powf(at),
        };
        let _ = writeln!(
            body,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{3:.1}\" y2=\"{3:.1}\"/>\
             <text x=\"{1:.1}\" y=\"{2:.1}\" text-anchor=\"end\">{4}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            y(at) + 4.0,
            y(at),
            label(value)
        );
    }
    for stall in &report.stalls.named {
        let (from, until) = (x(stall.from_s), x(stall.from_s + stall.length_s));
        let _ = writeln!(
            body,
            "<rect class=\"stall\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\"><title>stall of {:.2} s</title></rect>",
            (until - from).max(1.0),
            HEIGHT - TOP - BOTTOM,
            stall.length_s
        );
    }
    if let Some(disturbance) = &report.disturbance {
        let at = x(disturbance.from_s);
        let foot = HEIGHT - BOTTOM;
        let _ =
            writeln!(body, "<line class=\"mark\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{foot}\"/>");
    }
    let half = report.intervals.get(1).map_or(0.0, |second| second.at_s / 2.0);
    for (number, one) in series.iter().enumerate() {
        let points: Vec<String> = one
            .values
            .iter()
            .zip(&report.intervals)
            .filter_map(|(value, interval)| {
                Some(format!("{:.1},{:.1}", x(interval.at_s + half), y(share((*value)?))))
            })
            .collect();
        let _ = writeln!(
            body,
            "<polyline class=\"{}\" points=\"{}\"/><text class=\"{}\" x=\"{:.0}\" y=\"12\" text-anchor=\"end\">{}</text>",
            one.class,
            points.join(" "),
            one.class,
            WIDTH - RIGHT - 130.0 * (series.len() - 1 - number) as f64,
            one.name
        );
    }
    let foot = HEIGHT - 6.0;
    let _ = writeln!(
        body,
        "<text x=\"{LEFT}\" y=\"{foot}\">0 s</text><text x=\"{:.0}\" y=\"{foot}\" text-anchor=\"end\">{:.0} s</text></svg>",
        WIDTH - RIGHT,
        report.duration_s
    );
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_text_and_no_markup() {
        assert_eq!(escaped("<script>\"&\""), "&lt;script&gt;&quot;&amp;&quot;");
        let mut body = String::new();
        push_table(&mut body, &["a<b"], [vec!["<i>".to_owned()]].into_iter());
        assert!(body.contains("a&lt;b") && body.contains("<td>&lt;i&gt;</td>"), "{body}");
    }

    #[test]
    fn a_page_needs_nothing_else() {
        let page = page("t", "");
        for outside in ["http:", "https:", "//", "<script", "@import", "url(", "src="] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
