//! What the tower is told before a load: master data, stock and forecasts; for the measurement of memory also open
//! lines and movements.

use std::cell::Cell;
use std::fmt::Write;
use std::sync::Arc;

use futures_util::future::try_join_all;
use indicatif::ProgressBar;

use super::BenchError;
use super::books::Books;
use super::load::deliver;
use super::random::Random;
use super::requests::{location_name, sku_name};
use super::wire::{Connection, Endpoint};
use super::world::{World, counted_stock};

/// Events in one request.
const BATCH: u64 = 256;
const CONNECTIONS: usize = 8;

/// Open lines and movements of each SKU-location while memory is measured; half of the lines are customers' orders,
/// half are purchases.
const MEMORY_LINES: u64 = 4;
const MEMORY_MOVEMENTS: u64 = 16;
const AMPLE_STOCK: u32 = 9_000;

/// One thing after another that the tower is told. Each is complete before the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Items,
    Locations,
    /// A forecast of 4 units a day: demand that has a rate from the first moment on.
    Forecasts,
    /// A count each: see [`counted_stock`] for how many are short.
    Stock,
    /// A count of a stock that nothing exhausts.
    AmpleStock,
    OpenLines,
    Movements,
    /// That many sales of one unit each, all SKU-locations in turn.
    Sales(u64),
}

impl Step {
    /// Before a load.
    pub const LOAD: [Step; 4] = [Step::Items, Step::Locations, Step::Forecasts, Step::Stock];

    /// What it tells of, for people.
    pub fn name(self) -> &'static str {
        match self {
            Step::Items => "items",
            Step::Locations => "locations",
            Step::Forecasts => "forecasts",
            Step::Stock | Step::AmpleStock => "stock",
            Step::OpenLines => "open lines",
            Step::Movements => "movements",
            Step::Sales(_) => "sales",
        }
    }

    fn events(self, world: World) -> u64 {
        let keys = u64::from(world.keys());
        match self {
            Step::Items => u64::from(world.skus()),
            Step::Locations => u64::from(world.locations()),
            Step::Forecasts | Step::Stock | Step::AmpleStock => keys,
            Step::OpenLines => MEMORY_LINES * keys,
            Step::Movements => MEMORY_MOVEMENTS * keys,
            Step::Sales(events) => events,
        }
    }
}

/// What makes the events of one preparation different from any other's.
#[derive(Clone, Debug)]
pub struct Preparation {
    pub world: World,
    pub books: Arc<Books>,
    pub run: u64,
    pub seed: u64,
    /// The first and the last day that forecasts are for; RFC 3339.
    pub forecast_from: String,
    pub forecast_until: String,
    /// When the stock was counted; as it is told by default. RFC 3339.
    pub counted_at: Option<String>,
}

impl Preparation {
    /// Tells the tower one step; returns the highest LSN that it answered.
    ///
    /// # Errors
    /// As for a load: every event must be accepted.
    pub async fn tell(
        &self,
        endpoint: &Endpoint,
        step: Step,
        progress: &ProgressBar,
    ) -> Result<u64, BenchError> {
        let next = Cell::new(0);
        let events = step.events(self.world);
        progress.set_length(events);
        progress.set_position(0);
        let sender = async || {
            let mut connection = Connection::open(endpoint).await?;
            let (mut body, mut request, mut lsn) = (String::new(), Vec::new(), 0);
            loop {
                let from = next.get();
                let until = events.min(from + BATCH);
                if from >= until {
                    return Ok(lsn);
                }
                next.set(until);
                body.clear();
                for number in from..until {
                    body.push(if number == from { '[' } else { ',' });
                    self.push_event(step, number, &mut body);
                }
                body.push(']');
                request.clear();
                let head = endpoint.post_events_head("application/cloudevents-batch+json", body.len());
                request.extend_from_slice(head.as_bytes());
                request.extend_from_slice(body.as_bytes());
                lsn = deliver(&mut connection, &request, until - from).await?.lsn.max(lsn);
                progress.inc(until - from);
            }
        };
        let answers: Vec<u64> = try_join_all((0..CONNECTIONS).map(|_| sender())).await?;
        Ok(answers.into_iter().max().unwrap_or(0))
    }

    fn push_event(&self, step: Step, number: u64, out: &mut String) {
        // Lines and movements go round all keys, so that no key gets all of its own in one batch.
        let key = (number % u64::from(self.world.keys())) as u32;
        let round = number / u64::from(self.world.keys());
        let place = self.world.place(key);
        let place = || {
            format!("\"sku\":\"{}\",\"location\":\"{}\"", sku_name(place.sku), location_name(place.location))
        };
        let (event_type, data) = match step {
            Step::Items => {
                let sku = sku_name(number as u32);
                let data = format!(
                    "\"sku\":\"{sku}\",\"name\":\"Item {number}\",\"path\":[\"Grocery\",\"Group {}\"],\
                     \"unit_cost\":\"6.40\",\"unit_price\":\"9.95\",\"currency\":\"EUR\",\"uom\":\"EA\"",
                    number % 20
                );
                ("item.described", data)
            }
            Step::Locations => {
                let location = location_name(number as u32);
                let data = format!(
                    "\"location\":\"{location}\",\"name\":\"Store {number}\",\"kind\":\"store\",\
                     \"path\":[\"Region {}\"],\"timezone\":\"Europe/Amsterdam\"",
                    number % 5
                );
                ("location.described", data)
            }
            Step::Forecasts => {
                let (from, until) = (&self.forecast_from, &self.forecast_until);
                let data = format!(
                    "{},\"buckets\":[{{\"from\":\"{from}\",\"until\":\"{until}\",\
                     \"quantity\":124,\"p10\":93,\"p90\":155}}]",
                    place()
                );
                ("forecast.published", data)
            }
            Step::Stock => {
                let stock = counted_stock(&mut Random::new(self.seed, u64::from(key)));
                self.books.counted(key, stock);
                ("inventory.counted", format!("{},\"on_hand\":{stock}", place()))
            }
            Step::AmpleStock => {
                self.books.counted(key, AMPLE_STOCK);
                ("inventory.counted", format!("{},\"on_hand\":{AMPLE_STOCK}", place()))
            }
            Step::OpenLines if round.is_multiple_of(2) => (
                "order.placed",
                format!("\"order_id\":\"O{number}\",\"line_id\":\"1\",{},\"quantity\":2", place()),
            ),
            Step::OpenLines => {
                let line = format!("{{\"line_id\":\"1\",{},\"quantity\":24}}", place());
                ("purchase_order.placed", format!("\"po_id\":\"P{number}\",\"lines\":[{line}]"))
            }
            Step::Movements | Step::Sales(_) => {
                self.books.moved(key, -1);
                ("pos.sale", format!("{},\"quantity\":1", place()))
            }
        };
        let time = match &self.counted_at {
            Some(time) if step == Step::Stock => format!("\"time\":\"{time}\","),
            _ => String::new(),
        };
        let run = self.run;
        // Writing to a string can't fail.
        let _ = write!(
            out,
            "{{\"specversion\":\"1.0\",\"source\":\"/bench/{run:016x}/{step:?}\",\"id\":\"{number}\",\
             \"type\":\"{event_type}\",{time}\"data\":{{{data}}}}}"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::Value;

    use super::*;

    fn events(step: Step) -> Vec<Value> {
        let preparation = Preparation {
            world: World::new(250),
            books: Arc::new(Books::new(World::new(250))),
            run: 1,
            seed: 1,
            forecast_from: "2026-11-21T00:00:00Z".into(),
            forecast_until: "2026-12-22T00:00:00Z".into(),
            counted_at: None,
        };
        let event = |number| {
            let mut text = String::new();
            preparation.push_event(step, number, &mut text);
            serde_json::from_str(&text).expect("JSON")
        };
        (0..step.events(preparation.world)).map(event).collect()
    }

    fn per_place(events: &[Value], place: impl Fn(&Value) -> &Value) -> HashMap<(String, String), usize> {
        let mut counts = HashMap::new();
        for event in events {
            let place = place(event);
            let text = |name: &str| place[name].as_str().expect("a name").to_owned();
            *counts.entry((text("sku"), text("location"))).or_insert(0) += 1;
        }
        counts
    }

    #[test]
    fn everything_that_the_load_names_is_described() {
        let (items, locations) = (events(Step::Items), events(Step::Locations));
        let named = |events: &[Value], name: &str, wanted: &str| {
            events.iter().any(|event| event["data"][name].as_str() == Some(wanted))
        };
        let stock = per_place(&events(Step::Stock), |event| &event["data"]);
        assert_eq!(stock.len(), 250);
        for (sku, location) in stock.keys() {
            assert!(named(&items, "sku", sku) && named(&locations, "location", location));
        }
        assert_eq!(per_place(&events(Step::Forecasts), |event| &event["data"]), stock);
    }

    #[test]
    fn memory_is_measured_with_four_lines_and_sixteen_movements_each() {
        let lines = events(Step::OpenLines);
        let line = |event: &Value| {
            let lines = &event["data"]["lines"];
            if lines.is_array() { lines[0].clone() } else { event["data"].clone() }
        };
        let lines: Vec<Value> = lines.iter().map(line).collect();
        let counts = per_place(&lines, |line| line);
        assert_eq!((counts.len(), counts.values().all(|count| *count == 4)), (250, true));
        let counts = per_place(&events(Step::Movements), |event| &event["data"]);
        assert_eq!((counts.len(), counts.values().all(|count| *count == 16)), (250, true));
    }
}
