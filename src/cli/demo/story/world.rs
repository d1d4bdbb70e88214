//! The world around the tower: customers, makers and centres, from the start of the history on.
//!
//! The simulation of the whole demo, from a later week on, with what the story needs beside it: what goods cost, lanes
//! between the centres, and the season's first delivery to the main centre. It lives on a thread of its own and gives one
//! working day after the other; what the story changes (a delay, a transfer) counts from the next day on.

use std::sync::Arc;

use bytes::Bytes;
use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan as _};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use crate::cli::client::EventLines;
use crate::cli::demo::dataset::{Dataset, Millilitres};
use crate::cli::demo::events::{self, Lines, SOURCE, Writer};
use crate::cli::demo::network::{self, Network};
use crate::cli::demo::simulation::{Event, Fact, PACK, PurchaseOrder, Simulation};
use crate::cli::demo::{DemoError, SEED};

/// The week with which the history begins: two before the season of 2014, so that its leftovers are there a year later.
const FIRST_WEEK: Date = date(2014, 9, 7);
/// The seasonal item: Winter Jack.
pub const SEASONAL_ITEM: u16 = 46;
/// The Saturday before the seasonal item sells again.
const SEASON_OPENS: Date = date(2015, 10, 10);
/// Weeks of the whole network's demand of the seasonal item that come to the main centre before the season.
const SEASON_WEEKS: usize = 4;
/// What goods cost the distributor, as a share of its price: a mark-up of half.
const COST_SHARE: f64 = 1.0 / 1.5;
/// What it costs to carry a litre from one centre to another: for loading, and for each kilometre.
const FREIGHT_PER_LITRE: f64 = 0.05;
const FREIGHT_PER_LITRE_KM: f64 = 0.001;
/// A truck drives as far in a day.
const KM_PER_DAY: f64 = 300.0;
/// Requests that may wait for the world; each asks for one thing and waits for it.
const REQUESTS_MAX: usize = 16;

/// One event, written out.
#[derive(Debug, Clone)]
pub struct Told {
    pub at: Timestamp,
    pub line: Bytes,
    /// A customer's order: a row of the data.
    pub is_demand: bool,
}

/// What happens on one working day, by time.
#[derive(Debug)]
pub struct Day {
    pub events: Vec<Told>,
    /// When the next working day begins.
    pub until: Timestamp,
}

enum Request {
    Next(oneshot::Sender<Option<Day>>),
    Delay { po_id: String, days: i64, done: oneshot::Sender<bool> },
    Move { sku: String, location: String, quantity: Millilitres, done: oneshot::Sender<bool> },
}

/// Asks the thread on which the world lives. It ends with its last handle.
#[derive(Debug, Clone)]
pub struct World {
    requests: mpsc::Sender<Request>,
}

/// Where the history begins, and what stands at its very beginning.
pub struct Beginning {
    pub start: Timestamp,
    /// Rows of the data between the beginning and a moment.
    pub rows: u64,
    pub described: EventLines,
}

impl World {
    /// Starts the thread; tells what it begins with, and how many rows it is until `now`.
    pub async fn start(data: Arc<Dataset>, now: Timestamp) -> Result<(Self, Beginning), DemoError> {
        let (requests, asked) = mpsc::channel(REQUESTS_MAX);
        let (begun, beginning) = oneshot::channel();
        let thread = std::thread::Builder::new().name("demo-world".to_owned());
        let thread = thread.spawn(move || {
            if let Err(error) = live(&data, now, begun, asked) {
                eprintln!("the demo's world ended: {error}");
            }
        });
        thread.map_err(|cause| DemoError::Start { cause })?;
        let beginning = beginning.await.map_err(|_| ended())?;
        Ok((Self { requests }, beginning))
    }

    /// The next working day; `None` after the last one of the data.
    pub async fn next_day(&self) -> Result<Option<Day>, DemoError> {
        self.ask(Request::Next).await
    }

    /// What is still open of a purchase order comes later; says whether anything is.
    pub async fn delay(&self, po_id: &str, days: i64) -> Result<bool, DemoError> {
        let po_id = po_id.to_owned();
        self.ask(|done| Request::Delay { po_id, days, done }).await
    }

    /// Goods came to a place, or left it if negative, by a document of somebody else.
    pub async fn moved(&self, sku: &str, location: &str, quantity: Millilitres) -> Result<bool, DemoError> {
        let (sku, location) = (sku.to_owned(), location.to_owned());
        self.ask(|done| Request::Move { sku, location, quantity, done }).await
    }

    async fn ask<T>(&self, request: impl FnOnce(oneshot::Sender<T>) -> Request) -> Result<T, DemoError> {
        let (done, answer) = oneshot::channel();
        self.requests.send(request(done)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())
    }
}

fn ended() -> DemoError {
    DemoError::Simulation("its thread ended".to_owned())
}

fn live(
    data: &Dataset,
    now: Timestamp,
    begun: oneshot::Sender<Beginning>,
    mut asked: mpsc::Receiver<Request>,
) -> Result<(), DemoError> {
    let network = Network::derive(data);
    let writer = Writer::new(data, &network).with_costs(COST_SHARE);
    let first_week = data.weeks.iter().position(|week| *week >= FIRST_WEEK).unwrap_or(0);
    let mut simulation = Simulation::from_week(data, &network, SEED, first_week)?;
    let start = simulation.start()?;
    let mut described = Lines::default();
    writer.advance(start, &mut described);
    writer.describe(start, &mut described);
    lanes(&network, start, &mut described);
    let date_of_now = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let weeks = first_week..data.weeks.partition_point(|week| *week < date_of_now);
    let rows = weeks.map(|week| data.rows_of_week(week).len() as u64).sum();
    let _ = begun.send(Beginning { start, rows, described: described.into_events() });

    let mut orders: Vec<Arc<PurchaseOrder>> = Vec::new();
    while let Some(request) = asked.blocking_recv() {
        // Whoever asked and does not wait for the answer any more does not need it.
        match request {
            Request::Next(answer) => {
                let day = simulation.next_day()?;
                let day = day.map(|day| {
                    let mut told = Vec::with_capacity(day.derived.len() + day.demand.len());
                    told.extend(day.derived.iter().map(|event| write(&writer, event, false)));
                    told.extend(day.demand.iter().map(|event| write(&writer, event, true)));
                    if day.date == SEASON_OPENS {
                        let at = day.until.checked_sub(1.minute()).unwrap_or(day.until);
                        told.extend(season(data, &network, &writer, &mut simulation, at));
                    }
                    told.sort_by_key(|told| told.at);
                    for event in &day.derived {
                        if let Fact::PurchaseOrderPlaced(order) = &event.fact {
                            orders.push(Arc::clone(order));
                        }
                    }
                    Day { events: told, until: day.until }
                });
                let _ = answer.send(day);
            }
            Request::Delay { po_id, days, done } => {
                let order = orders.iter().find(|order| writer.po_id(order) == po_id);
                let found = match order {
                    Some(order) => simulation.delay(order, days)?,
                    None => false,
                };
                let _ = done.send(found);
            }
            Request::Move { sku, location, quantity, done } => {
                let item = data.items.iter().position(|item| events::sku(item.id) == sku);
                let centre = network.centres.iter().position(|centre| centre.id == location);
                let place = item.and_then(|item| u16::try_from(item).ok()).zip(centre);
                if let Some(place) = place {
                    simulation.adjust(place, quantity);
                }
                let _ = done.send(place.is_some());
            }
        }
    }
    Ok(())
}

fn write(writer: &Writer<'_>, event: &Event, is_demand: bool) -> Told {
    let mut lines = Lines::default();
    writer.write(event, &mut lines);
    Told { at: event.at, line: lines.into_text(), is_demand }
}

/// A lane from each centre to each other one.
fn lanes(network: &Network, at: Timestamp, lines: &mut Lines) {
    for from in &network.centres {
        for to in network.centres.iter().filter(|to| to.id != from.id) {
            let km = network::distance_km(from.coordinates, to.coordinates);
            let lane = json!({
                "from": from.id, "to": to.id, "transit_days": (km / KM_PER_DAY).ceil(),
                "cost_per_unit": format!("{:.4}", FREIGHT_PER_LITRE + FREIGHT_PER_LITRE_KM * km),
                "currency": "USD",
            });
            lines.push("lane.described", SOURCE, &format!("lane-{}-{}", from.id, to.id), at, &lane);
        }
    }
}

/// What the main centre gets of the seasonal item before its season: the whole network's demand of its first weeks, in
/// whole cases. As with the opening stock, the data's own future stands in the place of a plan.
fn season(
    data: &Dataset,
    network: &Network,
    writer: &Writer<'_>,
    simulation: &mut Simulation<'_>,
    at: Timestamp,
) -> Option<Told> {
    let item = data.items.iter().position(|item| item.id == SEASONAL_ITEM)?;
    let item = u16::try_from(item).ok()?;
    let opens = data.weeks.iter().position(|week| *week > SEASON_OPENS)?;
    let rows = (opens..opens + SEASON_WEEKS).flat_map(|week| data.rows_of_week(week));
    let demand: i64 = rows.map(|row| data.rows[row]).filter(|row| row.item == item).map(|row| row.litres.0).sum();
    let quantity = Millilitres((demand + PACK.0 - 1) / PACK.0 * PACK.0);
    simulation.adjust((item, 0), quantity);
    let mut lines = Lines::default();
    let (sku, location) = (events::sku(SEASONAL_ITEM), writer.location(0));
    let received = json!({
        "sku": sku, "location": location, "delta": quantity.0 / 1_000, "reason": "first delivery of the season",
    });
    lines.push("inventory.adjusted", SOURCE, &format!("season-{}-{location}", network.centres[0].id), at, &received);
    Some(Told { at, line: lines.into_text(), is_demand: false })
}
