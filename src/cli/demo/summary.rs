//! What the demo says at its end: whether every row was counted, and what is at risk now.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::dataset::Dataset;
use super::events::sku;
use super::statistics::{Counts, Statistics, Truth};
use crate::cli::client::{Client, ClientError, Tally};

/// Exceptions in the table.
const TABLE_ROWS_MAX: usize = 15;

/// What went in and what became of it.
#[derive(Debug, Default)]
pub struct Totals {
    /// Rows of the data sent as customers' orders.
    pub rows: u64,
    pub demand: Tally,
    /// Derived events sent, master data and clock included.
    pub derived_events: u64,
    pub derived: Tally,
    /// All events by type.
    pub by_type: BTreeMap<&'static str, u64>,
    pub elapsed: Duration,
    /// What the tower's exceptions are measured by.
    pub truth: Truth,
}

impl Totals {
    /// Whether every row, and every derived event, is in exactly one count.
    pub fn add_up(&self) -> bool {
        self.rows == self.demand.answered() && self.derived_events == self.derived.answered()
    }
}

/// Open exceptions as `GET /api/v1/exceptions` lists them; only what the table shows.
#[derive(Debug, Deserialize)]
pub struct Exceptions {
    items: Vec<Exception>,
}

#[derive(Debug, Deserialize)]
struct Exception {
    #[serde(rename = "type")]
    kind: String,
    severity: Option<String>,
    value_at_risk: Option<Money>,
    decide_by: Option<String>,
    #[serde(default)]
    subject: Subject,
}

#[derive(Debug, Deserialize)]
struct Money {
    amount: String,
    currency: String,
}

#[derive(Debug, Default, Deserialize)]
struct Subject {
    sku: Option<String>,
    location: Option<String>,
    supplier: Option<String>,
}

/// Waits until the tower has drawn all conclusions up to `lsn`, then asks for its open exceptions.
pub async fn exceptions(client: &Client, lsn: Option<u64>) -> Result<Exceptions, ClientError> {
    if let Some(lsn) = lsn {
        client.settle(lsn).await?;
    }
    client.get_json("/api/v1/exceptions?sort=-value_at_risk&limit=1000").await
}

/// The counts, and whether they add up.
pub fn counts(totals: &Totals) -> String {
    let Totals { rows, demand, derived_events, derived, by_type, elapsed, .. } = totals;
    let mut text = format!(
        "{} rows of demand in = {} accepted + {} duplicates + {} rejected{}\n",
        thousands(*rows),
        thousands(demand.accepted),
        thousands(demand.duplicates),
        thousands(demand.rejected),
        if *rows == demand.answered() { "" } else { "   DOES NOT ADD UP" },
    );
    text += &format!(
        "{} derived events in = {} accepted + {} duplicates + {} rejected{}\n",
        thousands(*derived_events),
        thousands(derived.accepted),
        thousands(derived.duplicates),
        thousands(derived.rejected),
        if *derived_events == derived.answered() { "" } else { "   DOES NOT ADD UP" },
    );
    let kinds: Vec<_> =
        by_type.iter().map(|(kind, count)| vec![(*kind).to_owned(), thousands(*count)]).collect();
    text += &table(&["event", "count"], &kinds, &[1]);
    let seconds = elapsed.as_secs_f64();
    let rate = if seconds > 0.0 { (rows + derived_events) as f64 / seconds } else { 0.0 };
    text += &format!("in {seconds:.1} s, {} events/s\n", thousands(rate as u64));
    for error in demand.errors.iter().chain(&derived.errors).take(5) {
        text += &format!("rejected: {} {}\n", error.code, error.detail);
    }
    text
}

/// How many exceptions there were, what stockouts they announced, and what the odd week gave.
pub fn statistics(statistics: &Statistics) -> String {
    let Statistics { sku_location_weeks, all, by_type, stockouts, surge } = statistics;
    let row = |name: &str, counts: &Counts| {
        vec![
            name.to_owned(),
            thousands(counts.opened),
            format!("{:.2}", counts.per_thousand_sku_locations_and_week),
            format!("{:.2} %", 100.0 * counts.flapped_share),
            thousands(counts.top_level),
            thousands(counts.grouped),
            thousands(counts.open),
        ]
    };
    let mut rows: Vec<_> = by_type.iter().map(|(kind, counts)| row(kind, counts)).collect();
    rows.push(row("all", all));
    let header = ["exception", "opened", "per 1,000 and week", "flapped", "top level", "grouped", "open"];
    let mut text = format!(
        "Exceptions in {} weeks of SKU-locations:\n{}",
        thousands(*sku_location_weeks as u64),
        table(&header, &rows, &[1, 2, 3, 4, 5, 6])
    );
    text += &format!(
        "{} stockouts: {} announced, {} with an empty shelf before, {} unannounced\n",
        thousands(stockouts.happened),
        thousands(stockouts.announced),
        thousands(stockouts.shelf_empty_before),
        thousands(stockouts.unannounced),
    );
    if let Some([lower, median, upper]) = stockouts.days_ahead {
        text += &format!("announced {median:.1} days ahead (median; quartiles {lower:.1} and {upper:.1})\n");
    }
    text += &format!(
        "{} of {} projected stockouts came true; one was open {:.1} % of the time\n",
        thousands(stockouts.projections_come_true),
        thousands(stockouts.projections),
        100.0 * stockouts.projections_open_share,
    );
    text += &format!(
        "week of {}: {} data_quality with {} demand_spike below it, {} demand_spike alone\n",
        surge.week,
        surge.causes,
        thousands(surge.spikes_below),
        thousands(surge.spikes_alone),
    );
    text
}

/// All of it for a program; `exceptions` is null unless statistics were asked for.
pub fn json(totals: &Totals, statistics: Option<&Statistics>) -> serde_json::Value {
    serde_json::json!({
        "rows": totals.rows,
        "demand": totals.demand,
        "derived_events": totals.derived_events,
        "derived": totals.derived,
        "events": totals.by_type,
        "elapsed_s": totals.elapsed.as_secs_f64(),
        "exceptions": statistics,
    })
}

/// The table of what is at risk now, the most valuable first.
pub fn at_risk(exceptions: &Exceptions, data: &Dataset) -> String {
    let mut by_kind: BTreeMap<&str, usize> = BTreeMap::new();
    for exception in &exceptions.items {
        *by_kind.entry(&exception.kind).or_default() += 1;
    }
    let kinds: Vec<_> = by_kind.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let mut text = match kinds.as_slice() {
        [] => return "At risk now: nothing\n".to_owned(),
        kinds => format!("At risk now: {}\n", kinds.join(", ")),
    };
    let names: BTreeMap<_, _> = data.items.iter().map(|item| (sku(item.id), item.name.as_str())).collect();
    let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let row = |exception: &Exception| {
        let subject = &exception.subject;
        let name = subject.sku.as_ref().and_then(|sku| names.get(sku));
        vec![
            or_dash(if subject.sku.is_some() { &subject.sku } else { &subject.supplier }),
            name.map_or_else(|| "-".to_owned(), |name| (*name).to_owned()),
            or_dash(&subject.location),
            exception.kind.clone(),
            or_dash(&exception.severity),
            exception
                .value_at_risk
                .as_ref()
                .map_or("-".to_owned(), |Money { amount, currency }| format!("{amount} {currency}")),
            exception.decide_by.as_deref().map_or_else(|| "-".to_owned(), to_minutes),
        ]
    };
    let rows: Vec<_> = exceptions.items.iter().take(TABLE_ROWS_MAX).map(row).collect();
    let header = ["SKU", "item", "location", "exception", "severity", "value at risk", "decide by"];
    text += &table(&header, &rows, &[5]);
    if let Some(more) = exceptions.items.len().checked_sub(TABLE_ROWS_MAX).filter(|more| *more > 0) {
        text += &format!("and {more} more\n");
    }
    text
}

/// `2016-06-14T14:03:07.123456Z` as `2016-06-14 14:03 UTC`; what is no such time stays as it is.
fn to_minutes(time: &str) -> String {
    match (time.split_once('T'), time.ends_with('Z')) {
        (Some((date, clock)), true) => format!("{date} {} UTC", clock.get(..5).unwrap_or(clock)),
        _ => time.to_owned(),
    }
}

/// Columns as wide as their widest cell; those in `right` end flush.
fn table(header: &[&str], rows: &[Vec<String>], right: &[usize]) -> String {
    let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    let cells = |column: usize| rows.iter().chain([&header]).filter_map(move |row| row.get(column));
    let widths: Vec<usize> = (0..header.len())
        .map(|column| cells(column).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in [&header].into_iter().chain(rows) {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if right.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        text += &format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    text
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_table_shows_what_the_contract_gives() {
        let data = Dataset::embedded().unwrap();
        let exceptions = serde_json::from_value(json!({"items": [
            {"id": "e1", "type": "shortage_now", "state": "open", "severity": "critical", "urgency": 90,
             "value_at_risk": {"amount": "1234.50", "currency": "USD"}, "decide_by": "2016-06-07T05:00:59.123456Z",
             "subject": {"kind": "sku_location", "sku": "IA-021", "location": "dc-ankeny", "supplier": null}},
            {"id": "e2", "type": "missing_master_data", "severity": "low", "value_at_risk": null,
             "decide_by": null, "subject": {"kind": "supplier", "supplier": "acme"}},
        ], "next_cursor": null, "lsn": 1, "position": "p"}));
        let expected = "\
At risk now: 1 missing_master_data, 1 shortage_now
  SKU     item                       location   exception            severity  value at risk  decide by
  IA-021  FIREBALL CINNAMON WHISKEY  dc-ankeny  shortage_now         critical    1234.50 USD  2016-06-07 05:00 UTC
  acme    -                          -          missing_master_data  low                   -  -
";
        assert_eq!(at_risk(&exceptions.unwrap(), &data), expected);
        assert_eq!(at_risk(&Exceptions { items: vec![] }, &data), "At risk now: nothing\n");
    }

    #[test]
    fn counts_that_do_not_add_up_are_said_aloud() {
        let tally = |accepted, rejected| Tally { accepted, rejected, ..Tally::default() };
        let good = Totals { rows: 361_822, demand: tally(361_820, 2), ..Totals::default() };
        assert!(good.add_up());
        let text = counts(&good);
        assert!(
            text.starts_with("361,822 rows of demand in = 361,820 accepted + 0 duplicates + 2 rejected\n")
        );
        assert!(!text.contains("DOES NOT"));
        let bad = Totals { rows: 3, demand: tally(1, 1), ..Totals::default() };
        assert!(!bad.add_up());
        assert!(counts(&bad).contains("DOES NOT ADD UP"));
        assert!(!Totals { derived_events: 1, ..Totals::default() }.add_up());
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(["0", "999", "1,000", "1,234,567"], [0, 999, 1_000, 1_234_567].map(thousands));
    }
}
