//! How many exceptions an operator would have seen in the demo's years, and what they were worth: measured from the
//! outside, from the tower's list of exceptions and from what the simulation knows to have happened.
//!
//! - **Opened**: an exception counts each time it opens. **Flapped**: it opened again within its quiet time after it
//!   had cleared, which makes it the same one (`reopened`); the share is of all openings.
//! - **Rate**: openings per 1,000 SKU-locations that sell, and week.
//! - **Stockout**: at a SKU-location, a customer's line is due and can't be shipped in full, until nothing is left open
//!   that is due. It begins on the day that the first such line was promised for, at midnight: what opens on
//!   that day comes too late to announce it.
//! - **Announced**: a `projected_stockout` of that SKU-location was open when it began, or had given way to a
//!   `shortage_now` that was; the days ahead count from its `opened_at`. Without one, a `shortage_now` that was open
//!   before (nothing on hand, no line due yet) counts as **shelf empty before**; with neither it is **unannounced**.

use std::collections::BTreeMap;
use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::events::ORDERS_SOURCE;
use crate::cli::client::{Client, ClientError};

/// Ended exceptions that the demo's tower keeps to be listed, so that none is left out of the counts.
pub const EXCEPTIONS_ENDED_MAX: usize = 1_000_000;
const SECONDS_PER_DAY: f64 = 86_400.0;
const PAGE: usize = 1_000;
const STATES: [&str; 6] = ["open", "acknowledged", "in_case", "snoozed", "resolved", "cleared"];
/// A projection that ended so shortly before a shortage opened gave way to it.
const HANDED_OVER_WITHIN: SignedDuration = SignedDuration::from_hours(24);
/// The week in which Iowa ordered two to five times as much of several brands at once, and when its demand was known.
const SURGE_WEEK: &str = "2013-09-29";
const SURGE_KNOWN_FROM: &str = "2013-10-06T00:00:00Z";
const SURGE_KNOWN_UNTIL: &str = "2013-10-13T00:00:00Z";

/// What really happened, as the simulation knows it.
#[derive(Debug, Default)]
pub struct Truth {
    pub stockouts: Vec<Stockout>,
    /// SKU-locations that sell, summed over days.
    pub sku_location_days: f64,
    until: Option<Timestamp>,
}

impl Truth {
    /// Takes the days that end at `until`.
    pub fn add(&mut self, stockouts: Vec<Stockout>, sku_locations: usize, until: Timestamp) {
        let since = self.until.replace(until).unwrap_or(until);
        self.sku_location_days +=
            sku_locations as f64 * until.duration_since(since).as_secs_f64() / SECONDS_PER_DAY;
        self.stockouts.extend(stockouts);
    }
}

/// A place where a customer's line could not be shipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stockout {
    pub sku: String,
    pub location: String,
    /// The beginning of the day on which it began.
    pub at: Timestamp,
}

/// An exception as the tower lists it, as far as it is counted.
#[derive(Debug, Clone, Deserialize)]
pub struct Listed {
    #[serde(rename = "type")]
    kind: String,
    opened_at: Timestamp,
    cleared_at: Option<Timestamp>,
    #[serde(default)]
    reopened: u64,
    group: Option<String>,
    subject: ListedSubject,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct ListedSubject {
    sku: Option<String>,
    location: Option<String>,
    source: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Listed>,
    next_cursor: Option<String>,
}

/// What the demo says about its exceptions.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// SKU-locations that sell times weeks.
    pub sku_location_weeks: f64,
    pub all: Counts,
    pub by_type: BTreeMap<String, Counts>,
    pub stockouts: Stockouts,
    pub surge: Surge,
}

/// Openings of exceptions.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Counts {
    pub opened: u64,
    pub per_thousand_sku_locations_and_week: f64,
    pub flapped: u64,
    pub flapped_share: f64,
    /// Exceptions that stood under a cause when they were last told.
    pub grouped: u64,
    /// All others: what an operator's list shows.
    pub top_level: u64,
    /// Still open at the end.
    pub open: u64,
}

#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Stockouts {
    pub happened: u64,
    pub announced: u64,
    pub shelf_empty_before: u64,
    pub unannounced: u64,
    /// First quartile, median and third quartile, of those announced.
    pub days_ahead: Option<[f64; 3]>,
    /// `projected_stockout` exceptions, and how many of them a stockout followed.
    pub projections: u64,
    pub projections_come_true: u64,
    /// The part of the SKU-locations' time in which one was open: an alarm that is always on announces everything.
    pub projections_open_share: f64,
}

/// The week in which all of Iowa ordered twice as much as usual.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Surge {
    pub week: &'static str,
    /// `data_quality` exceptions about the source of the orders that opened when the week was over.
    pub causes: u64,
    /// `demand_spike` exceptions that opened then, under one of the causes and by themselves.
    pub spikes_below: u64,
    pub spikes_alone: u64,
}

/// Lists all exceptions that were ever open.
pub async fn list(client: &Client) -> Result<Vec<Listed>, ClientError> {
    let states: String = STATES.iter().map(|state| format!("&state={state}")).collect();
    let first = format!("/api/v1/exceptions?sort=opened_at&limit={PAGE}{states}");
    let mut listed = Vec::new();
    let mut cursor = String::new();
    loop {
        let Page { items, next_cursor } = client.get_json(&format!("{first}{cursor}")).await?;
        listed.extend(items);
        match next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(listed),
        }
    }
}

/// Counts.
pub fn count(listed: &[Listed], truth: &Truth) -> Statistics {
    let sku_location_weeks = truth.sku_location_days / 7.0;
    let mut all = Counts::default();
    let mut by_type: BTreeMap<String, Counts> = BTreeMap::new();
    for exception in listed {
        all.add(exception);
        by_type.entry(exception.kind.clone()).or_default().add(exception);
    }
    for counts in by_type.values_mut().chain([&mut all]) {
        counts.relate(sku_location_weeks);
    }
    Statistics { sku_location_weeks, all, by_type, stockouts: stockouts(listed, truth), surge: surge(listed) }
}

impl Counts {
    fn add(&mut self, exception: &Listed) {
        self.opened += 1 + exception.reopened;
        self.flapped += exception.reopened;
        let is_grouped = exception.group.is_some();
        self.grouped += u64::from(is_grouped);
        self.top_level += u64::from(!is_grouped);
        self.open += u64::from(exception.cleared_at.is_none());
    }

    fn relate(&mut self, sku_location_weeks: f64) {
        self.per_thousand_sku_locations_and_week = share(self.opened as f64, sku_location_weeks / 1_000.0);
        self.flapped_share = share(self.flapped as f64, self.opened as f64);
    }
}

fn share(part: f64, of: f64) -> f64 {
    if of > 0.0 { part / of } else { 0.0 }
}

type ByPlace<'a> = HashMap<(&'a str, &'a str), Vec<&'a Listed>>;

fn by_place<'a>(listed: &'a [Listed], kind: &str) -> ByPlace<'a> {
    let mut places = ByPlace::new();
    for exception in listed.iter().filter(|exception| exception.kind == kind) {
        let subject = &exception.subject;
        if let (Some(sku), Some(location)) = (&subject.sku, &subject.location) {
            places.entry((sku, location)).or_default().push(exception);
        }
    }
    places
}

impl Listed {
    fn is_open_at(&self, at: Timestamp) -> bool {
        self.opened_at <= at && self.cleared_at.is_none_or(|cleared| cleared >= at)
    }

    /// Open at that moment, or until just before it.
    fn leads_to(&self, at: Timestamp) -> bool {
        self.opened_at < at
            && self
                .cleared_at
                .is_none_or(|cleared| cleared >= at || at.duration_since(cleared) <= HANDED_OVER_WITHIN)
    }
}

fn stockouts(listed: &[Listed], truth: &Truth) -> Stockouts {
    let projected = by_place(listed, "projected_stockout");
    let short = by_place(listed, "shortage_now");
    let none = Vec::new();
    let mut found = Stockouts { happened: truth.stockouts.len() as u64, ..Stockouts::default() };
    let mut days_ahead = Vec::new();
    let mut come_true: HashMap<(&str, &str), Vec<Timestamp>> = HashMap::new();
    for stockout in &truth.stockouts {
        let place = (stockout.sku.as_str(), stockout.location.as_str());
        let shortages = short.get(&place).unwrap_or(&none).iter();
        // The shelf may have been empty for a while before anybody wanted something.
        let shortage =
            shortages.filter(|shortage| shortage.is_open_at(stockout.at)).map(|open| open.opened_at).min();
        let begins = shortage.map_or(stockout.at, |opened| opened.min(stockout.at));
        let announced =
            projected.get(&place).unwrap_or(&none).iter().filter(|projection| projection.leads_to(begins));
        if let Some(since) = announced.map(|projection| projection.opened_at).min() {
            found.announced += 1;
            days_ahead.push(stockout.at.duration_since(since).as_secs_f64() / SECONDS_PER_DAY);
            come_true.entry(place).or_default().push(since);
        } else if begins < stockout.at {
            found.shelf_empty_before += 1;
        } else {
            found.unannounced += 1;
        }
    }
    let open_days = projected.values().flatten().map(|projection| {
        let until = projection.cleared_at.or(truth.until).unwrap_or(projection.opened_at);
        until.duration_since(projection.opened_at).as_secs_f64() / SECONDS_PER_DAY
    });
    found.projections_open_share = share(open_days.sum(), truth.sku_location_days);
    found.days_ahead = quartiles(days_ahead);
    found.projections = projected.values().map(|of_place| of_place.len() as u64).sum();
    found.projections_come_true = come_true
        .into_values()
        .map(|mut since| {
            since.sort_unstable();
            since.dedup();
            since.len() as u64
        })
        .sum();
    found
}

/// The values at a quarter, half and three quarters of the way through them, the lower of two.
fn quartiles(mut values: Vec<f64>) -> Option<[f64; 3]> {
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| values.get((share * values.len().saturating_sub(1) as f64) as usize).copied();
    Some([at(0.25)?, at(0.5)?, at(0.75)?])
}

fn surge(listed: &[Listed]) -> Surge {
    let mut surge = Surge { week: SURGE_WEEK, ..Surge::default() };
    let (Ok(from), Ok(until)) =
        (SURGE_KNOWN_FROM.parse::<Timestamp>(), SURGE_KNOWN_UNTIL.parse::<Timestamp>())
    else {
        return surge;
    };
    let of_week = |exception: &&Listed| from <= exception.opened_at && exception.opened_at < until;
    let is_cause = |exception: &&Listed| {
        exception.kind == "data_quality" && exception.subject.source.as_deref() == Some(ORDERS_SOURCE)
    };
    surge.causes = listed.iter().filter(of_week).filter(is_cause).count() as u64;
    // What members of the source's surge are grouped under.
    let group = format!("source:{ORDERS_SOURCE}:surge");
    for spike in listed.iter().filter(of_week).filter(|exception| exception.kind == "demand_spike") {
        if spike.group.as_ref() == Some(&group) {
            surge.spikes_below += 1;
        } else {
            surge.spikes_alone += 1;
        }
    }
    surge
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn at(day: u32) -> String {
        format!("2013-10-{day:02}T05:00:00Z")
    }

    fn listed(kind: &str, opened: u32, cleared: Option<u32>, more: Value) -> Listed {
        let mut item = json!({
            "type": kind, "opened_at": at(opened), "cleared_at": cleared.map(at), "reopened": 0, "group": null,
            "subject": {"sku": "A", "location": "L", "source": null},
        });
        for (name, value) in more.as_object().unwrap() {
            item[name] = value.clone();
        }
        serde_json::from_value(item).unwrap()
    }

    fn truth(days: &[u32]) -> Truth {
        let mut truth = Truth::default();
        let stockout =
            |day: &u32| Stockout { sku: "A".into(), location: "L".into(), at: at(*day).parse().unwrap() };
        truth.add(Vec::new(), 500, at(1).parse().unwrap());
        truth.add(days.iter().map(stockout).collect(), 500, at(29).parse().unwrap());
        truth
    }

    #[test]
    fn every_opening_counts_and_the_ones_that_came_back_are_flaps() {
        let exceptions = [
            listed("demand_spike", 1, Some(2), json!({"reopened": 3})),
            listed("demand_spike", 1, None, json!({"group": "source:x:surge"})),
            listed("excess", 2, None, json!({})),
        ];
        let statistics = count(&exceptions, &truth(&[]));
        // 500 for four weeks.
        assert_eq!(statistics.sku_location_weeks, 2_000.0);
        let all = &statistics.all;
        assert_eq!((all.opened, all.flapped, all.flapped_share), (6, 3, 0.5));
        assert_eq!((all.top_level, all.grouped, all.open), (2, 1, 2));
        assert_eq!(all.per_thousand_sku_locations_and_week, 3.0);
        assert_eq!(statistics.by_type["demand_spike"].opened, 5);
    }

    #[test]
    fn a_stockout_is_announced_by_a_projection_that_was_open_or_gave_way_to_the_shortage() {
        let exceptions = [
            // Gave way on day 9 to a shortage that led to the stockout of day 10.
            listed("projected_stockout", 4, Some(9), json!({})),
            listed("shortage_now", 9, Some(11), json!({})),
            // Over for two days when the stockout of day 15 began.
            listed("projected_stockout", 12, Some(13), json!({})),
            // An empty shelf and no projection.
            listed("shortage_now", 19, Some(22), json!({})),
            // Known on the day itself: no warning.
            listed("projected_stockout", 25, None, json!({})),
            listed("projected_stockout", 4, None, json!({"subject": {"sku": "B", "location": "L"}})),
        ];
        let stockouts = count(&exceptions, &truth(&[10, 15, 20, 25])).stockouts;
        let expected = Stockouts {
            happened: 4,
            announced: 1,
            shelf_empty_before: 1,
            unannounced: 2,
            days_ahead: Some([6.0; 3]),
            projections: 4,
            projections_come_true: 1,
            // Five days, one, four and twenty-five until the end, of 500 times 28.
            projections_open_share: 35.0 / 14_000.0,
        };
        assert_eq!(stockouts, expected);
    }

    #[test]
    fn quartiles_are_values_that_occur() {
        assert_eq!(quartiles((1..=9).rev().map(f64::from).collect()), Some([3.0, 5.0, 7.0]));
        assert_eq!(quartiles(Vec::new()), None);
    }

    #[test]
    fn the_odd_week_is_what_opened_when_it_was_over() {
        let source = json!({"subject": {"source": ORDERS_SOURCE}});
        let below = json!({"group": format!("source:{ORDERS_SOURCE}:surge")});
        let exceptions = [
            listed("data_quality", 6, None, source.clone()),
            listed("data_quality", 14, None, source),
            listed("data_quality", 6, None, json!({})),
            listed("demand_spike", 7, Some(8), below.clone()),
            listed("demand_spike", 7, None, json!({})),
            listed("demand_spike", 15, None, below),
        ];
        let surge = count(&exceptions, &truth(&[])).surge;
        assert_eq!((surge.causes, surge.spikes_below, surge.spikes_alone), (1, 1, 1));
    }
}
