//! The world around the tower: customers, makers and centres, from the start of the history on.
//!
//! The simulation of the whole demo, from a later week on, with what the story needs beside it: what goods cost, lanes
//! between the centres, and the season's order ([`season`](super::season)). It lives on a thread of its own and gives one
//! working day after the other; what the story changes (a delay, a transfer) counts from the next day on.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::season::Season;
use crate::cli::client::EventLines;
use crate::cli::demo::carriage::Stream;
use crate::cli::demo::dataset::{Dataset, Millilitres};
use crate::cli::demo::events::{self, Lines, SOURCE, Writer};
use crate::cli::demo::network::{self, Network};
use crate::cli::demo::simulation::{Event, Simulation};
use crate::cli::demo::{DemoError, SEED};

/// The week with which the history begins: two before the season of 2014, so that its leftovers are there a year later.
const FIRST_WEEK: Date = date(2014, 9, 7);
/// What goods cost the distributor, as a share of its price: a mark-up of half.
const COST_SHARE: f64 = 1.0 / 1.5;
/// What it costs to carry a litre from one centre to another: for loading, and for each kilometre.
const FREIGHT_PER_LITRE: f64 = 0.05;
const FREIGHT_PER_LITRE_KM: f64 = 0.001;
/// A truck comes as far in half a day, loading and unloading included.
const KM_PER_HALF_DAY: f64 = 200.0;
/// Requests that may wait for the world; each asks for one thing and waits for it.
const REQUESTS_MAX: usize = 16;

/// One event, written out.
#[derive(Debug, Clone)]
pub struct Told {
    pub at: Timestamp,
    pub lines: Lines,
    pub stream: Stream,
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
    Reschedule { line_id: String, to: Date, done: oneshot::Sender<bool> },
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
    /// Rows of the data in the weeks from the beginning to that of *now*.
    pub rows: u64,
    pub described: EventLines,
}

impl World {
    /// Starts the thread; tells what it begins with.
    pub async fn start(
        data: Arc<Dataset>,
        now: Timestamp,
        is_season_late: bool,
    ) -> Result<(Self, Beginning), DemoError> {
        let (requests, asked) = mpsc::channel(REQUESTS_MAX);
        let (begun, beginning) = oneshot::channel();
        let thread = std::thread::Builder::new().name("demo-world".to_owned());
        let thread = thread.spawn(move || {
            if let Err(error) = live(&data, now, is_season_late, begun, asked) {
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

    /// A line of the season's order comes on another day; says whether it is still to come.
    pub async fn reschedule(&self, line_id: &str, to: Date) -> Result<bool, DemoError> {
        let line_id = line_id.to_owned();
        self.ask(|done| Request::Reschedule { line_id, to, done }).await
    }

    /// Goods came to a place, or left it if negative, by a document of somebody else; says whether there is such a place.
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
    is_season_late: bool,
    begun: oneshot::Sender<Beginning>,
    mut asked: mpsc::Receiver<Request>,
) -> Result<(), DemoError> {
    let network = Network::derive(data);
    let writer = Writer::new(data, &network).with_costs(COST_SHARE);
    let first_week = data.weeks.iter().position(|week| *week >= FIRST_WEEK).unwrap_or(0);
    let mut simulation = Simulation::from_week(data, &network, SEED, first_week)?;
    let mut season = Season::plan(data, &network, is_season_late)?;
    let start = simulation.start()?;
    let mut described = Lines::default();
    writer.advance(start, &mut described);
    writer.describe(start, &mut described);
    season.describe(start, &mut described);
    lanes(&network, start, &mut described);
    let date_of_now = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let weeks = first_week..data.weeks.partition_point(|week| *week <= date_of_now);
    let rows = weeks.map(|week| data.rows_of_week(week).len() as u64).sum();
    let _ = begun.send(Beginning { start, rows, described: described.into_events() });

    while let Some(request) = asked.blocking_recv() {
        // Whoever asked and does not wait for the answer any more does not need it.
        match request {
            Request::Next(answer) => {
                let mut day = None;
                if let Some(made) = simulation.next_day()? {
                    let events = made.in_order().into_iter();
                    let mut events: Vec<_> =
                        events.map(|(stream, event)| write(&writer, event, stream)).collect();
                    season.happens(made.date, &mut simulation, &mut events)?;
                    events.sort_by_key(|told| told.at);
                    day = Some(Day { events, until: made.until });
                }
                let _ = answer.send(day);
            }
            Request::Reschedule { line_id, to, done } => {
                let _ = done.send(season.reschedule(&line_id, to));
            }
            Request::Move { sku, location, quantity, done } => {
                let item = data.items.iter().position(|item| events::sku(item.id) == sku);
                let centre = network.centres.iter().position(|centre| centre.id == location);
                let place = item.and_then(|item| u16::try_from(item).ok()).zip(centre);
                if let Some(place) = place {
                    simulation.adjust(place, quantity, Millilitres(0));
                }
                let _ = done.send(place.is_some());
            }
        }
    }
    Ok(())
}

fn write(writer: &Writer<'_>, event: &Event, stream: Stream) -> Told {
    let mut lines = Lines::default();
    writer.write(event, &mut lines);
    Told { at: event.at, lines, stream }
}

/// A lane from each centre to each other one.
fn lanes(network: &Network, at: Timestamp, lines: &mut Lines) {
    for from in &network.centres {
        for to in network.centres.iter().filter(|to| to.id != from.id) {
            let km = network::distance_km(from.coordinates, to.coordinates);
            let lane = json!({
                "from": from.id, "to": to.id, "transit_days": (km / KM_PER_HALF_DAY).ceil() / 2.0,
                "cost_per_unit": format!("{:.4}", FREIGHT_PER_LITRE + FREIGHT_PER_LITRE_KM * km),
                "currency": "USD",
            });
            lines.push("lane.described", SOURCE, &format!("lane-{}-{}", from.id, to.id), at, &lane);
        }
    }
}
