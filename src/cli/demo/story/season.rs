//! The season of Winter Jack: what was ordered for it, and when it comes. Derived, as all orders to makers are.
//!
//! Ten days before the season the main centre orders for all: one purchase order with the maker, a line for each centre.
//! The main centre's own line comes first, on the Saturday before the item sells again; the others on [`PROMISED`].
//! Quantities are what customers order in the season's first [`WEEKS`] weeks, the main centre's for the whole network,
//! because it is everybody's reserve. As with the opening stock, the data's own future stands in the place of a plan.

use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::world::Told;
use crate::cli::demo::DemoError;
use crate::cli::demo::carriage::Stream;
use crate::cli::demo::dataset::{Dataset, Millilitres};
use crate::cli::demo::events::{self, Lines, SOURCE};
use crate::cli::demo::network::Network;
use crate::cli::demo::simulation::{PACK, REVIEW_DAYS, Simulation, TIME_ZONE};

/// Winter Jack.
pub const ITEM: u16 = 46;
pub const SUPPLIER: &str = "jack-daniels";
pub const PO_ID: &str = "po-season-2015-jack-daniels";
const PLACED: Date = date(2015, 10, 5);
const ACKNOWLEDGED: Date = date(2015, 10, 6);
/// When the main centre's line comes.
const FIRST_COMES: Date = date(2015, 10, 10);
/// When the other lines are promised for.
pub const PROMISED: DateTime = date(2015, 10, 16).at(12, 0, 0, 0);
/// How late the maker first says that they come, and how late they do.
pub const DELAY_TOLD_DAYS: i64 = 14;
pub const DELAY_DAYS: i64 = 24;
const WEEKS: usize = 4;
/// Of what its customers order in these weeks a centre gets so much at once, in fifths; the main centre keeps the rest.
const SHARE_FIFTHS: i64 = 3;
/// Waterloo sells out on the first evening, and is helped over the time to its delivery with three cases.
const HELPED: Date = date(2015, 10, 14);
const HELPED_CENTRE: &str = "dc-waterloo";
const HELPED_WITH: Millilitres = Millilitres(3 * PACK.0);
/// The weeks in which it sold the year before.
const LAST_SEASON: [Date; 2] = [date(2014, 9, 21), date(2014, 11, 16)];
/// For how long the season's forecast is.
const FORECAST_DAYS: i64 = 70;
/// The 90 % quantile of a standard normal variable.
const Z90: f64 = 1.281_552;

struct Line {
    centre: usize,
    location: String,
    quantity: Millilitres,
    /// The day on which it comes; none when it came.
    comes: Option<Date>,
    /// Litres in an average week of the last season, with the sample standard deviation of its weeks.
    week: (f64, f64),
}

/// The season's order, as far as it is known and open.
pub struct Season {
    item: u16,
    sku: String,
    lines: Vec<Line>,
}

impl Season {
    /// With the delay, or as it was promised.
    pub fn plan(data: &Dataset, network: &Network, is_late: bool) -> Result<Self, DemoError> {
        let late = if is_late { DELAY_DAYS } else { 0 };
        let comes = PROMISED.date().checked_add(late.days())?;
        let item = data.items.iter().position(|item| item.id == ITEM).unwrap_or_default();
        let item = u16::try_from(item).unwrap_or_default();
        let first = data.weeks.partition_point(|week| *week <= FIRST_COMES);
        let [from, until] = LAST_SEASON.map(|sunday| data.weeks.partition_point(|week| *week < sunday));
        let last_season = from..=until;
        let rows =
            || (first..first + WEEKS).flat_map(|week| data.rows_of_week(week)).map(|row| data.rows[row]);
        let line = |centre: usize| {
            let of_centre = |city: u16| centre == 0 || network.centre_of(city) == centre;
            let sold = |week: usize| {
                let rows = data.rows_of_week(week).map(|row| data.rows[row]);
                let here = rows.filter(|row| row.item == item && network.centre_of(row.city) == centre);
                here.map(|row| row.litres.0 as f64 / 1_000.0).sum::<f64>()
            };
            let weeks: Vec<f64> = last_season.clone().map(sold).collect();
            let mean = weeks.iter().sum::<f64>() / weeks.len() as f64;
            let squares: f64 = weeks.iter().map(|week| (week - mean).powi(2)).sum();
            let wanted = rows().filter(|row| row.item == item && of_centre(row.city));
            let wanted: i64 = wanted.map(|row| row.litres.0).sum();
            let wanted = if centre == 0 { wanted } else { wanted * SHARE_FIFTHS / 5 };
            Line {
                centre,
                location: network.centres[centre].id.clone(),
                quantity: Millilitres((wanted + PACK.0 - 1) / PACK.0 * PACK.0),
                comes: Some(if centre == 0 { FIRST_COMES } else { comes }),
                week: (mean, (squares / (weeks.len() as f64 - 1.0)).sqrt()),
            }
        };
        Ok(Self { item, sku: events::sku(ITEM), lines: (0..network.centres.len()).map(line).collect() })
    }

    /// A seasonal item is watched day by day: its weeks are too few to learn from.
    pub fn describe(&self, at: Timestamp, lines: &mut Lines) {
        let policy = json!({
            "scope": {"sku": self.sku}, "service_level": 0.99, "measure": "cycle", "review_days": REVIEW_DAYS,
            "period_days": 1,
        });
        lines.push("policy.set", SOURCE, "policy-season", at, &policy);
    }

    /// What happens to the order on a day.
    pub fn happens(
        &mut self,
        date: Date,
        simulation: &mut Simulation<'_>,
        told: &mut Vec<Told>,
    ) -> Result<(), DemoError> {
        if date == PLACED {
            for line in &self.lines {
                simulation.adjust((self.item, line.centre), Millilitres(0), line.quantity);
            }
            for line in &self.lines {
                told.push(self.forecast(line, local(date.at(6, 0, 0, 0))?)?);
            }
            told.push(event(
                "purchase_order.placed",
                "placed",
                local(date.at(6, 30, 0, 0))?,
                &self.document()?,
            ));
        }
        if date == ACKNOWLEDGED {
            let at = local(date.at(9, 0, 0, 0))?;
            told.push(event("purchase_order.acknowledged", "acknowledged", at, &self.document()?));
        }
        if date == HELPED {
            self.help(simulation, told)?;
        }
        for place in 0..self.lines.len() {
            let line = &mut self.lines[place];
            if line.comes.is_none_or(|comes| comes > date) || date < PLACED {
                continue;
            }
            line.comes = None;
            let back = Millilitres(-line.quantity.0);
            simulation.adjust((self.item, line.centre), line.quantity, back);
            let data = json!({
                "po_id": PO_ID, "line_id": line_id(place), "supplier": SUPPLIER, "sku": self.sku,
                "location": line.location, "quantity": line.quantity.0 / 1_000,
            });
            let step = format!("received-{}", line_id(place));
            told.push(event("purchase_order.received", &step, local(date.at(6, 0, 0, 0))?, &data));
        }
        Ok(())
    }

    /// The transfer of the night before, received in the morning.
    fn help(&self, simulation: &mut Simulation<'_>, told: &mut Vec<Told>) -> Result<(), DemoError> {
        let [from, to] = [self.lines.first(), self.lines.iter().find(|line| line.location == HELPED_CENTRE)];
        let Some((from, to)) = from.zip(to) else { return Ok(()) };
        simulation.adjust((self.item, from.centre), Millilitres(-HELPED_WITH.0), Millilitres(0));
        simulation.adjust((self.item, to.centre), HELPED_WITH, Millilitres(0));
        let (id, at) = ("tr-season-2015-waterloo", HELPED.at(6, 0, 0, 0));
        let quantity = HELPED_WITH.0 / 1_000;
        let placed = json!({"transfer_id": id, "lines": [{
            "line_id": "1", "sku": self.sku, "from": from.location, "to": to.location, "quantity": quantity,
            "promised_at": local(at)?,
        }]});
        let moved = json!({"transfer_id": id, "line_id": "1", "quantity": quantity});
        for (kind, step, data, minute) in [
            ("transfer.placed", "placed", &placed, 0),
            ("transfer.dispatched", "dispatched", &moved, 1),
            ("transfer.received", "received", &moved, 2),
        ] {
            let mut lines = Lines::default();
            let at = local(at)?.checked_add(minute.minutes())?;
            lines.push(kind, SOURCE, &format!("{id}-{step}"), at, data);
            told.push(Told { at, lines, stream: Stream::Derived });
        }
        Ok(())
    }

    /// A line that is still to come comes on another day; says whether it is.
    pub fn reschedule(&mut self, of: &str, to: Date) -> bool {
        let lines = self.lines.iter_mut().enumerate();
        let meant = lines.filter(|(place, line)| line.comes.is_some() && of == line_id(*place));
        meant.map(|(_, line)| line.comes = Some(to)).count() > 0
    }

    /// What a centre expects of the season: average weeks of the last one.
    fn forecast(&self, line: &Line, at: Timestamp) -> Result<Told, DemoError> {
        let from = local(FIRST_COMES.at(0, 0, 0, 0))?;
        let until = from.checked_add((FORECAST_DAYS * 24).hours())?;
        let weeks = FORECAST_DAYS as f64 / 7.0;
        let (mean, sd) = (line.week.0 * weeks, line.week.1 * weeks.sqrt());
        let data = json!({
            "sku": self.sku, "location": line.location, "model": "last season",
            "buckets": [{
                "from": from, "until": until, "quantity": rounded(mean),
                "p10": rounded((mean - Z90 * sd).max(0.0)), "p90": rounded(mean + Z90 * sd),
            }],
        });
        let mut lines = Lines::default();
        let id = format!("forecast-{}-{}", self.sku, line.location);
        lines.push("forecast.published", SOURCE, &id, at, &data);
        Ok(Told { at, lines, stream: Stream::Derived })
    }

    fn document(&self) -> Result<Value, DemoError> {
        let mut lines = Vec::new();
        for (place, line) in self.lines.iter().enumerate() {
            let promised = if line.centre == 0 { FIRST_COMES.at(12, 0, 0, 0) } else { PROMISED };
            lines.push(json!({
                "line_id": line_id(place), "sku": self.sku, "location": line.location,
                "quantity": line.quantity.0 / 1_000, "promised_at": local(promised)?,
            }));
        }
        Ok(json!({"po_id": PO_ID, "supplier": SUPPLIER, "lines": lines}))
    }
}

/// To hundredths of a litre.
fn rounded(litres: f64) -> f64 {
    (litres * 100.0).round() / 100.0
}

fn line_id(place: usize) -> String {
    (place + 1).to_string()
}

fn event(kind: &'static str, step: &str, at: Timestamp, data: &Value) -> Told {
    let mut lines = Lines::default();
    lines.push(kind, SOURCE, &format!("{PO_ID}-{step}"), at, data);
    Told { at, lines, stream: Stream::Derived }
}

/// A time of the day in Iowa.
pub fn local(at: DateTime) -> Result<Timestamp, DemoError> {
    Ok(TimeZone::get(TIME_ZONE)?.to_timestamp(at)?)
}
