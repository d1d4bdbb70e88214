//! The stock, purchase orders and shipments that the demo needs and the data does not have. Derived, all of it.
//!
//! Pure and deterministic: the same facts and seed give the same events. It goes a working day at a time, Monday to
//! Saturday, so that years of events never stand in memory at once. `docs/demo.md` states the policy for readers; the
//! constants below are its numbers.
//!
//! Of the events only the item, city, week, quantity and price of a customer's order are facts.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

use super::carriage::Stream;
use super::dataset::{Dataset, Millilitres};
use super::network::Network;

pub const TIME_ZONE: &str = "America/Chicago";
/// From purchase order to receipt at a centre, transit included.
pub const LEAD_TIME_DAYS: i64 = 14;
pub const REVIEW_DAYS: i64 = 7;
pub const SERVICE_LEVEL: &str = "0.95";
/// Standard normal quantile of the service level.
const SERVICE_LEVEL_Z: f64 = 1.644_854;
/// Weeks of demand that the trailing mean and standard deviation look back on.
const TRAILING_WEEKS: usize = 26;
/// Weeks of an item's first demand that its opening stock covers, standing in for a launch plan.
const OPENING_WEEKS: usize = 4;
/// A case, the unit of purchase.
pub const PACK: Millilitres = Millilitres(9_000);
/// However early a supplier is, goods take this long.
const RECEIPT_DAYS_MIN: i64 = 2;

/// Customers order Monday to Friday.
const ORDER_DAYS: usize = 5;
/// Goods move Monday to Saturday.
const WORKING_DAYS: usize = 6;

// Times of the day, in seconds after local midnight.
const RECEIVED_S: i64 = 6 * 3600;
const REVIEWED_S: i64 = 6 * 3600 + 1800;
const ORDERED_FROM_S: i64 = 7 * 3600;
const ORDERED_SPAN_S: u64 = 5 * 3600;
const ACKNOWLEDGED_S: i64 = 9 * 3600;
const SHIPPED_FROM_S: i64 = 13 * 3600;
const SHIPPED_SPAN_S: u64 = 3 * 3600;
const PROMISED_S: i64 = 17 * 3600;
const COUNTED_S: i64 = 18 * 3600;

/// What happened and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub at: Timestamp,
    pub fact: Fact,
}

/// `item` and `centre` are places in the dataset's items and the network's centres, `row` in the dataset's rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    Sourced {
        item: u16,
        centre: usize,
    },
    Counted {
        item: u16,
        centre: usize,
        on_hand: Millilitres,
    },
    OrderPlaced {
        row: usize,
        promised: Timestamp,
    },
    /// `part` numbers the shipments of one order line from 0.
    OrderShipped {
        row: usize,
        part: u32,
        quantity: Millilitres,
    },
    PurchaseOrderPlaced(Arc<PurchaseOrder>),
    PurchaseOrderAcknowledged(Arc<PurchaseOrder>),
    /// A line of the order, by its place, in full.
    PurchaseOrderReceived {
        order: Arc<PurchaseOrder>,
        line: usize,
    },
}

/// What a centre ordered from a supplier at one review.
#[derive(Debug, PartialEq)]
pub struct PurchaseOrder {
    pub placed: Date,
    pub centre: usize,
    pub supplier: u8,
    pub promised: Timestamp,
    /// Items and quantities.
    pub lines: Vec<(u16, Millilitres)>,
}

/// One working day; the events of each list are in the order of time.
#[derive(Debug, PartialEq)]
pub struct Day {
    pub date: Date,
    /// Stock, purchases and shipments. None of them needs an event of the same day's `demand`.
    pub derived: Vec<Event>,
    /// Customers' orders, one for each row of the data.
    pub demand: Vec<Event>,
    /// When the next working day begins.
    pub until: Timestamp,
    /// Where stock gave out: since today a customer's line that is due can't be shipped in full, item by centre.
    pub ran_out: Vec<(u16, usize)>,
    /// SKU-locations that sell.
    pub sku_locations: usize,
}

impl Day {
    /// Its events in the order of time, each with the stream it belongs to.
    pub fn in_order(&self) -> Vec<(Stream, &Event)> {
        let derived = self.derived.iter().map(|event| (Stream::Derived, event));
        let demand = self.demand.iter().map(|event| (Stream::Demand, event));
        let mut events: Vec<_> = derived.chain(demand).collect();
        events.sort_by_key(|(_, event)| event.at);
        events
    }

    /// The local midnight at which it begins.
    ///
    /// # Errors
    /// When the time zone is not known, which a bundled database excludes.
    pub fn from(&self) -> Result<Timestamp, jiff::Error> {
        TimeZone::get(TIME_ZONE)?.to_timestamp(self.date.at(0, 0, 0, 0))
    }
}

/// Stock and open lines of one item at one centre.
#[derive(Debug, Default, Clone)]
struct Stock {
    is_launched: bool,
    /// A customer's line that is due is not shipped in full.
    is_short: bool,
    opening: i64,
    on_hand: i64,
    on_order: i64,
    /// Customers' lines not fully shipped, oldest first.
    open: VecDeque<OpenLine>,
    this_week: i64,
    /// Demand of the last weeks, oldest first, at most [`TRAILING_WEEKS`].
    weeks: VecDeque<i64>,
}

#[derive(Debug, Clone)]
struct OpenLine {
    row: usize,
    remaining: i64,
    ships_from: Date,
    parts: u32,
}

/// Makes the days one after the other.
pub struct Simulation<'a> {
    data: &'a Dataset,
    network: &'a Network,
    time_zone: TimeZone,
    seed: u64,
    stocks: Vec<Stock>,
    /// By week: places in `stocks` of what sells for the first time.
    launches: Vec<Vec<usize>>,
    receipts: BTreeMap<Date, Vec<Arc<PurchaseOrder>>>,
    unacknowledged: Vec<Arc<PurchaseOrder>>,
    /// Rows of the week under way, by the day on which they are ordered.
    orders_by_day: [Vec<usize>; ORDER_DAYS],
    /// The week with which it begins.
    first_week: usize,
    /// Working days made so far, the opening not counted.
    days_made: usize,
    is_open: bool,
}

impl<'a> Simulation<'a> {
    /// # Errors
    /// When the time zone is not known, which a bundled database excludes.
    pub fn new(data: &'a Dataset, network: &'a Network, seed: u64) -> Result<Self, jiff::Error> {
        Self::from_week(data, network, seed, 0)
    }

    /// The same from a later week on, as if nothing had been sold before it.
    ///
    /// # Errors
    /// As of [`Self::new`].
    pub fn from_week(
        data: &'a Dataset,
        network: &'a Network,
        seed: u64,
        first_week: usize,
    ) -> Result<Self, jiff::Error> {
        let (stocks, launches) = opening_stocks(data, network, first_week);
        Ok(Self {
            data,
            network,
            time_zone: TimeZone::get(TIME_ZONE)?,
            seed,
            stocks,
            launches,
            receipts: BTreeMap::new(),
            unacknowledged: Vec::new(),
            orders_by_day: Default::default(),
            first_week,
            days_made: 0,
            is_open: false,
        })
    }

    /// When the opening day begins: before it nothing happens.
    pub fn start(&self) -> Result<Timestamp, jiff::Error> {
        let first = self.data.weeks.get(self.first_week);
        first.map_or(Ok(Timestamp::UNIX_EPOCH), |week| self.at(week.yesterday()?, 0))
    }

    /// The next working day; first the Saturday before the first week, on which the opening stock is counted. `None`
    /// after the Saturday of the last week.
    pub fn next_day(&mut self) -> Result<Option<Day>, jiff::Error> {
        if !self.is_open {
            self.is_open = true;
            let Some(first) = self.data.weeks.get(self.first_week) else { return Ok(None) };
            let date = first.yesterday()?;
            let mut derived = Vec::new();
            self.launch(self.first_week, self.at(date, COUNTED_S)?, &mut derived);
            let until = self.at(date + days(2), 0)?;
            let sku_locations = self.launched();
            let (demand, ran_out) = (Vec::new(), Vec::new());
            return Ok(Some(Day { date, derived, demand, until, ran_out, sku_locations }));
        }
        let week = self.first_week + self.days_made / WORKING_DAYS;
        let weekday = self.days_made % WORKING_DAYS;
        let Some(sunday) = self.data.weeks.get(week) else { return Ok(None) };
        let date = *sunday + days(1 + weekday as i64);
        self.days_made += 1;

        let mut derived = Vec::new();
        self.receive(date, &mut derived)?;
        if weekday == 0 {
            self.schedule_orders(week);
            self.review(date, &mut derived)?;
        } else {
            let at = self.at(date, ACKNOWLEDGED_S)?;
            let acknowledged = self.unacknowledged.drain(..).map(Fact::PurchaseOrderAcknowledged);
            derived.extend(acknowledged.map(|fact| Event { at, fact }));
        }
        self.ship(date, &mut derived)?;
        let ran_out = self.note_shortages(date);
        let demand = self.place_orders(date, weekday)?;
        let is_saturday = weekday + 1 == WORKING_DAYS;
        if is_saturday {
            self.close_week();
            self.launch(week + 1, self.at(date, COUNTED_S)?, &mut derived);
        }
        derived.sort_by_key(|event| event.at);
        let until = self.at(date + days(if is_saturday { 2 } else { 1 }), 0)?;
        let sku_locations = self.launched();
        Ok(Some(Day { date, derived, demand, until, ran_out, sku_locations }))
    }

    /// Goods that came to a centre, or left it if negative, and goods that it waits for, by a document that is none of
    /// this simulation's.
    pub fn adjust(&mut self, (item, centre): (u16, usize), on_hand: Millilitres, on_order: Millilitres) {
        let stock = &mut self.stocks[place(item, centre, self.network.centres.len())];
        stock.on_hand += on_hand.0;
        stock.on_order += on_order.0;
    }

    fn launched(&self) -> usize {
        self.stocks.iter().filter(|stock| stock.is_launched).count()
    }

    /// Where lines that are due by now are left open and the day before none were.
    fn note_shortages(&mut self, date: Date) -> Vec<(u16, usize)> {
        let mut ran_out = Vec::new();
        for (at, stock) in self.stocks.iter_mut().enumerate() {
            let was_short = stock.is_short;
            stock.is_short = stock.open.front().is_some_and(|line| line.ships_from <= date);
            if stock.is_short && !was_short {
                ran_out.push(split_place(at, self.network.centres.len()));
            }
        }
        ran_out
    }

    /// What is sold for the first time in `week` gets its source, and its opening stock is counted.
    fn launch(&mut self, week: usize, at: Timestamp, events: &mut Vec<Event>) {
        for place in self.launches.get(week).into_iter().flatten() {
            let (item, centre) = split_place(*place, self.network.centres.len());
            let stock = &mut self.stocks[*place];
            stock.is_launched = true;
            stock.on_hand = stock.opening;
            events.push(Event { at, fact: Fact::Sourced { item, centre } });
            let on_hand = Millilitres(stock.opening);
            events.push(Event { at, fact: Fact::Counted { item, centre, on_hand } });
        }
    }

    fn receive(&mut self, date: Date, events: &mut Vec<Event>) -> Result<(), jiff::Error> {
        let at = self.at(date, RECEIVED_S)?;
        while let Some(due) = self.receipts.first_entry().filter(|entry| *entry.key() <= date) {
            for order in due.remove() {
                for (line, (item, quantity)) in order.lines.iter().enumerate() {
                    let stock = &mut self.stocks[place(*item, order.centre, self.network.centres.len())];
                    stock.on_hand += quantity.0;
                    stock.on_order -= quantity.0;
                    let order = Arc::clone(&order);
                    events.push(Event { at, fact: Fact::PurchaseOrderReceived { order, line } });
                }
            }
        }
        Ok(())
    }

    /// Each centre orders from each supplier what lifts its items' inventory positions up to their targets.
    fn review(&mut self, date: Date, events: &mut Vec<Event>) -> Result<(), jiff::Error> {
        let (placed_at, promised) =
            (self.at(date, REVIEWED_S)?, self.at(date + days(LEAD_TIME_DAYS), PROMISED_S)?);
        let centres = self.network.centres.len();
        let mut lines: BTreeMap<(usize, u8), Vec<(u16, Millilitres)>> = BTreeMap::new();
        for (at, stock) in self.stocks.iter_mut().enumerate().filter(|(_, stock)| stock.is_launched) {
            let quantity = order_quantity(stock);
            if quantity > 0 {
                stock.on_order += quantity;
                let (item, centre) = split_place(at, centres);
                let supplier = self.data.items[usize::from(item)].supplier;
                lines.entry((centre, supplier)).or_default().push((item, Millilitres(quantity)));
            }
        }
        for ((centre, supplier), lines) in lines {
            let order = Arc::new(PurchaseOrder { placed: date, centre, supplier, promised, lines });
            let random = self.random("delay", &format!("{date} {centre} {supplier}"));
            let transit = (LEAD_TIME_DAYS + self.data.delays.draw(random)).max(RECEIPT_DAYS_MIN);
            self.receipts.entry(date + days(transit)).or_default().push(Arc::clone(&order));
            self.unacknowledged.push(Arc::clone(&order));
            events.push(Event { at: placed_at, fact: Fact::PurchaseOrderPlaced(order) });
        }
        Ok(())
    }

    /// Spreads the week's orders over its days: all lines of a city's order on one day.
    fn schedule_orders(&mut self, week: usize) {
        for row in self.data.rows_of_week(week) {
            let day = self.random_of_order("day", row) % ORDER_DAYS as u64;
            self.orders_by_day[day as usize].push(row);
        }
    }

    fn place_orders(&mut self, date: Date, weekday: usize) -> Result<Vec<Event>, jiff::Error> {
        let rows = self.orders_by_day.get_mut(weekday).map(std::mem::take).unwrap_or_default();
        let tomorrow = date.tomorrow()?;
        let promised = self.at(tomorrow, PROMISED_S)?;
        let mut events = Vec::with_capacity(rows.len());
        for row in rows {
            let demand = self.data.rows[row];
            let second = ORDERED_FROM_S + (self.random_of_order("ordered", row) % ORDERED_SPAN_S) as i64;
            let at = self.at(date, second)?;
            let place = place(demand.item, self.network.centre_of(demand.city), self.network.centres.len());
            let stock = &mut self.stocks[place];
            stock.this_week += demand.litres.0;
            stock.open.push_back(OpenLine {
                row,
                remaining: demand.litres.0,
                ships_from: tomorrow,
                parts: 0,
            });
            events.push(Event { at, fact: Fact::OrderPlaced { row, promised } });
        }
        events.sort_by_key(|event| event.at);
        Ok(events)
    }

    /// Ships what is due and in stock, the oldest lines first; what is short stays open.
    fn ship(&mut self, date: Date, events: &mut Vec<Event>) -> Result<(), jiff::Error> {
        let mut shipped = Vec::new();
        for stock in &mut self.stocks {
            while let Some(line) = stock.open.front_mut().filter(|line| line.ships_from <= date) {
                let quantity = line.remaining.min(stock.on_hand);
                if quantity <= 0 {
                    break;
                }
                stock.on_hand -= quantity;
                line.remaining -= quantity;
                shipped.push((line.row, line.parts, quantity));
                line.parts += 1;
                if line.remaining == 0 {
                    stock.open.pop_front();
                }
            }
        }
        for (row, part, quantity) in shipped {
            let second = SHIPPED_FROM_S + (self.random_of_order("shipped", row) % SHIPPED_SPAN_S) as i64;
            let fact = Fact::OrderShipped { row, part, quantity: Millilitres(quantity) };
            events.push(Event { at: self.at(date, second)?, fact });
        }
        Ok(())
    }

    fn close_week(&mut self) {
        for stock in self.stocks.iter_mut().filter(|stock| stock.is_launched) {
            if stock.weeks.len() == TRAILING_WEEKS {
                stock.weeks.pop_front();
            }
            stock.weeks.push_back(std::mem::take(&mut stock.this_week));
        }
    }

    fn at(&self, date: Date, second: i64) -> Result<Timestamp, jiff::Error> {
        // The clocks change on Sundays only, so that a working day's seconds count from its midnight.
        self.time_zone.to_timestamp(date.at(0, 0, 0, 0))?.checked_add(second.seconds())
    }

    /// A number that looks random and is the same in each run.
    fn random(&self, purpose: &str, subject: &str) -> u64 {
        let hash = blake3::hash(format!("{} {purpose} {subject}", self.seed).as_bytes());
        hash.as_bytes().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// The same for all lines of a city's order of a week.
    fn random_of_order(&self, purpose: &str, row: usize) -> u64 {
        let row = &self.data.rows[row];
        self.random(purpose, &format!("{} {}", row.week, row.city))
    }
}

/// What the item's inventory position lacks to the order-up-to level, in whole cases; 0 if nothing.
///
/// Periodic review: `S = d(L+R) + z·sd·sqrt(L+R)` with d and sd of the trailing weeks; before [`OPENING_WEEKS`] of them
/// are known, d is the opening stock's weekly part and sd is 0.
fn order_quantity(stock: &Stock) -> i64 {
    let (mean, sd) = match stock.weeks.len() {
        0 => return 0,
        weeks if weeks < OPENING_WEEKS => (stock.opening as f64 / OPENING_WEEKS as f64, 0.0),
        _ => mean_and_sd(&stock.weeks),
    };
    let protected_weeks = (LEAD_TIME_DAYS + REVIEW_DAYS) as f64 / 7.0;
    let order_up_to = mean * protected_weeks + SERVICE_LEVEL_Z * sd * protected_weeks.sqrt();
    let open: i64 = stock.open.iter().map(|line| line.remaining).sum();
    let lacking = order_up_to.ceil() as i64 - (stock.on_hand + stock.on_order - open);
    in_packs(lacking.max(0))
}

fn in_packs(quantity: i64) -> i64 {
    (quantity + PACK.0 - 1) / PACK.0 * PACK.0
}

/// Mean and sample standard deviation of at least two values.
fn mean_and_sd(weeks: &VecDeque<i64>) -> (f64, f64) {
    let count = weeks.len() as f64;
    let mean = weeks.iter().sum::<i64>() as f64 / count;
    let squares: f64 = weeks.iter().map(|week| (*week as f64 - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0)).sqrt())
}

/// The stocks with their opening quantities, and by week which of them sell for the first time since `from_week`.
fn opening_stocks(data: &Dataset, network: &Network, from_week: usize) -> (Vec<Stock>, Vec<Vec<usize>>) {
    let mut stocks = vec![Stock::default(); data.items.len() * network.centres.len()];
    let mut first_weeks: Vec<Option<usize>> = vec![None; stocks.len()];
    let mut launches = vec![Vec::new(); data.weeks.len()];
    for row in data.rows.iter().filter(|row| usize::from(row.week) >= from_week) {
        let place = place(row.item, network.centre_of(row.city), network.centres.len());
        let week = usize::from(row.week);
        let first_week = *first_weeks[place].get_or_insert_with(|| {
            launches[week].push(place);
            week
        });
        if week < first_week + OPENING_WEEKS {
            stocks[place].opening += row.litres.0;
        }
    }
    stocks.iter_mut().for_each(|stock| stock.opening = in_packs(stock.opening));
    (stocks, launches)
}

fn place(item: u16, centre: usize, centres: usize) -> usize {
    usize::from(item) * centres + centre
}

fn split_place(place: usize, centres: usize) -> (u16, usize) {
    ((place / centres) as u16, place % centres)
}

fn days(count: i64) -> Span {
    count.days()
}

#[cfg(test)]
#[path = "simulation_tests.rs"]
mod tests;
