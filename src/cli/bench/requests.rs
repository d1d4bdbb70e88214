//! Request bodies that are made once and then only patched: ids, times, names and quantities stand in fields of fixed
//! width, so that a request of 256 events costs the generator a few microseconds and not a millisecond.
//!
//! Zero-padded digits fill ids; JSON numbers may not begin with zeros, so theirs are followed by spaces, which JSON
//! allows between tokens.

use std::collections::VecDeque;
use std::sync::Arc;

use super::books::Books;
use super::mix::EventKind;
use super::random::Random;
use super::wire::Endpoint;
use super::world::{Place, World};

/// Orders that each connection has open before the load, and keeps open: `order.shipped` is for the oldest of them that
/// the goods are there for.
const OPEN_ORDERS: u64 = 64;
/// Digits of a connection's number.
const CONNECTION_DIGITS: usize = 3;
/// Digits of an event's and an order's number within a connection.
const COUNTER_DIGITS: usize = 12;
const SKU_DIGITS: usize = 6;
const LOCATION_DIGITS: usize = 3;
/// Characters of a quantity.
const QUANTITY_WIDTH: usize = 4;
const QUANTITY_MAX: u32 = 9_999;
/// Characters of an RFC 3339 time in UTC with microseconds.
pub const TIME_WIDTH: usize = 27;

/// Units of one adjustment: on average what the default mix sells and ships in between.
const DELIVERY_MIN: u32 = 21;
const DELIVERY_SPREAD: u32 = 30;
/// Units of one sale or order line are 1 to this.
const SALE_MAX: u32 = 3;
/// Places that a customer looks at for what is in stock. Who finds nothing buys at the last one all the same: books may
/// be wrong.
const PLACES_TRIED: usize = 8;

/// What all connections of one load have in common.
#[derive(Clone, Debug)]
pub struct LoadShape {
    pub world: World,
    pub books: Arc<Books>,
    /// Kinds of events in the order in which they come, over and over.
    pub cycle: Arc<[EventKind]>,
    pub batch: usize,
    /// Events about the first SKU-locations, of 10,000. Counts never are: on a key with thousands of movements on
    /// their way at once, a count that was overtaken by many of them would need movements already forgotten.
    pub hot_of_10_000: u32,
    /// How many SKU-locations these are about: the first, or all of the first SKU.
    pub hot_keys: u32,
    pub seed: u64,
    /// Makes the events of this load different from any other's.
    pub run: u64,
    /// What orders are promised for; RFC 3339.
    pub promised_at: String,
}

/// The name of an item as events carry it.
pub fn sku_name(sku: u32) -> String {
    format!("B{sku:0SKU_DIGITS$}")
}

/// The name of a store as events carry it.
pub fn location_name(location: u32) -> String {
    format!("L{location:0LOCATION_DIGITS$}")
}

/// Where the fields of a place stand.
#[derive(Clone, Copy)]
struct PlaceFields {
    sku: usize,
    location: usize,
}

/// One event within a request: where its fields stand.
struct Slot {
    id: usize,
    time: usize,
    data: SlotData,
}

enum SlotData {
    Sale { place: PlaceFields, quantity: usize },
    Adjusted { place: PlaceFields, delta: usize },
    Counted { place: PlaceFields, on_hand: usize },
    OrderPlaced { place: PlaceFields, order: usize, quantity: usize },
    OrderShipped { order: usize, quantity: usize },
}

/// A whole HTTP request with the places to patch.
#[derive(Default)]
struct Request {
    bytes: Vec<u8>,
    slots: Vec<Slot>,
}

/// The requests of one connection, one after another without end.
pub struct RequestStream {
    shape: LoadShape,
    /// One for each phase of the cycle that a request can begin with.
    requests: Vec<Request>,
    next_request: usize,
    last_request: Option<usize>,
    random: Random,
    events: u64,
    orders_placed: u64,
    open_orders: VecDeque<OpenOrder>,
}

/// An order that has not been shipped.
struct OpenOrder {
    number: u64,
    key: u32,
}

impl RequestStream {
    /// The requests of the connection with that number, below 1,000.
    pub fn new(endpoint: &Endpoint, shape: &LoadShape, connection: usize) -> RequestStream {
        let phases = shape.cycle.len() / greatest_common_divisor(shape.batch, shape.cycle.len());
        let kinds =
            |phase: usize| shape.cycle.iter().copied().cycle().skip(phase * shape.batch % shape.cycle.len());
        let request = |phase| {
            let kinds: Vec<EventKind> = kinds(phase).take(shape.batch).collect();
            build(endpoint, shape, connection, &kinds)
        };
        RequestStream {
            shape: shape.clone(),
            requests: (0..phases).map(request).collect(),
            // Not all connections at the same phase: with single events they would all send the same kind.
            next_request: connection % phases,
            last_request: None,
            random: Random::new(shape.seed, connection as u64),
            events: 0,
            orders_placed: 0,
            open_orders: VecDeque::new(),
        }
    }

    /// The next request, as of now.
    pub fn next(&mut self, now: &[u8; TIME_WIDTH]) -> &[u8] {
        self.next_at(|_| *now)
    }

    /// The next request, with a time of its own for each event.
    pub fn next_at(&mut self, time: impl FnMut(&mut Random) -> [u8; TIME_WIDTH]) -> &[u8] {
        let number = self.next_request;
        self.next_request = (number + 1) % self.requests.len();
        self.last_request = Some(number);
        let mut request = std::mem::take(&mut self.requests[number]);
        self.patch(&mut request, time);
        self.requests[number] = request;
        &self.requests[number].bytes
    }

    /// The last request once more, byte by byte.
    pub fn repeat(&self) -> Option<&[u8]> {
        Some(&self.requests[self.last_request?].bytes)
    }

    /// From the next request on, that share of events is about the first SKU-locations.
    pub fn set_hot(&mut self, of_10_000: u32) {
        self.shape.hot_of_10_000 = of_10_000;
    }

    /// The orders that are open from the beginning, as one request; nothing if the load has no orders.
    pub fn opening_orders(
        &mut self,
        endpoint: &Endpoint,
        connection: usize,
        now: &[u8; TIME_WIDTH],
    ) -> Option<(Vec<u8>, u64)> {
        if !self.shape.cycle.contains(&EventKind::OrderPlaced) {
            return None;
        }
        let kinds = [EventKind::OrderPlaced; OPEN_ORDERS as usize];
        let mut request = build(endpoint, &self.shape, connection, &kinds);
        self.patch(&mut request, |_| *now);
        Some((request.bytes, OPEN_ORDERS))
    }

    fn patch(&mut self, request: &mut Request, mut time: impl FnMut(&mut Random) -> [u8; TIME_WIDTH]) {
        let Request { bytes, slots } = request;
        for slot in slots {
            put_digits(bytes, slot.id, COUNTER_DIGITS, self.events);
            self.events += 1;
            bytes[slot.time..slot.time + TIME_WIDTH].copy_from_slice(&time(&mut self.random));
            match slot.data {
                SlotData::Sale { place, quantity } => {
                    let units = 1 + self.random.below(SALE_MAX);
                    let key = self.any_key_with(units);
                    self.shape.books.moved(key, -(units as i32));
                    put_place(bytes, place, self.shape.world.place(key));
                    put_quantity(bytes, quantity, units);
                }
                SlotData::Adjusted { place, delta } => {
                    let units = DELIVERY_MIN + self.random.below(DELIVERY_SPREAD);
                    let key = self.any_key();
                    self.shape.books.moved(key, units as i32);
                    put_place(bytes, place, self.shape.world.place(key));
                    put_quantity(bytes, delta, units);
                }
                SlotData::Counted { place, on_hand } => {
                    let key = self.any_key_but_the_hot_ones();
                    let found = self.shape.books.count(key, QUANTITY_MAX, &mut self.random);
                    put_place(bytes, place, self.shape.world.place(key));
                    put_quantity(bytes, on_hand, found);
                }
                SlotData::OrderPlaced { place, order, quantity } => {
                    let (number, key) = (self.orders_placed, self.any_key());
                    self.orders_placed += 1;
                    self.open_orders.push_back(OpenOrder { number, key });
                    put_place(bytes, place, self.shape.world.place(key));
                    put_digits(bytes, order, COUNTER_DIGITS, number);
                    put_quantity(bytes, quantity, ordered_units(number));
                }
                SlotData::OrderShipped { order, quantity } => {
                    // There is one: each that ships comes after one that was placed, and some were open before.
                    let Some(OpenOrder { number, key }) = self.next_to_ship() else { continue };
                    let units = ordered_units(number);
                    self.shape.books.moved(key, -(units as i32));
                    put_digits(bytes, order, COUNTER_DIGITS, number);
                    put_quantity(bytes, quantity, units);
                }
            }
        }
    }

    /// The oldest open order that the goods are there for; without one, the oldest.
    fn next_to_ship(&mut self) -> Option<OpenOrder> {
        let is_there =
            |order: &OpenOrder| self.shape.books.stock(order.key) >= ordered_units(order.number) as i32;
        let at = self.open_orders.iter().position(is_there).unwrap_or(0);
        self.open_orders.remove(at)
    }

    fn any_key(&mut self) -> u32 {
        if self.shape.hot_of_10_000 > 0 && self.random.chance(self.shape.hot_of_10_000) {
            return self.random.below(self.shape.hot_keys.min(self.shape.world.keys()));
        }
        self.random.below(self.shape.world.keys())
    }

    /// A key that has so many units, if one is soon found. Hot ones are bought whatever the books say, or a load would not
    /// be as hot as it is asked for.
    fn any_key_with(&mut self, units: u32) -> u32 {
        let mut key = self.any_key();
        for _ in 1..PLACES_TRIED {
            let is_hot = self.shape.hot_of_10_000 > 0 && key < self.shape.hot_keys;
            if is_hot || self.shape.books.stock(key) >= units as i32 {
                break;
            }
            key = self.random.below(self.shape.world.keys());
        }
        key
    }

    fn any_key_but_the_hot_ones(&mut self) -> u32 {
        let keys = self.shape.world.keys();
        let first = if self.shape.hot_keys < keys { self.shape.hot_keys } else { 0 };
        first + self.random.below(keys - first)
    }
}

/// Units of an order, from its number alone: what ships is what was ordered.
fn ordered_units(order: u64) -> u32 {
    1 + (order % u64::from(SALE_MAX)) as u32
}

fn build(endpoint: &Endpoint, shape: &LoadShape, connection: usize, kinds: &[EventKind]) -> Request {
    let mut body = Request::default();
    let is_batch = kinds.len() > 1;
    for (number, kind) in kinds.iter().enumerate() {
        match (is_batch, number) {
            (false, _) => {}
            (true, 0) => body.bytes.push(b'['),
            (true, _) => body.bytes.push(b','),
        }
        body.event(shape, connection, *kind);
    }
    if is_batch {
        body.bytes.push(b']');
    }
    let content_type =
        if is_batch { "application/cloudevents-batch+json" } else { "application/cloudevents+json" };
    let head = endpoint.post_events_head(content_type, body.bytes.len());
    body.with_head(&head)
}

impl Request {
    fn text(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Room for a field; says where it is.
    fn field(&mut self, width: usize) -> usize {
        let at = self.bytes.len();
        self.bytes.resize(at + width, b' ');
        at
    }

    fn place(&mut self) -> PlaceFields {
        self.text("\"sku\":\"B");
        let sku = self.field(SKU_DIGITS);
        self.text("\",\"location\":\"L");
        let location = self.field(LOCATION_DIGITS);
        self.text("\"");
        PlaceFields { sku, location }
    }

    fn quantity(&mut self, name: &str) -> usize {
        self.text(",\"");
        self.text(name);
        self.text("\":");
        self.field(QUANTITY_WIDTH)
    }

    fn order(&mut self, run: u64, connection: usize) -> usize {
        self.text(&format!("\"order_id\":\"{run:016x}-{connection:0CONNECTION_DIGITS$}-"));
        let order = self.field(COUNTER_DIGITS);
        self.text("\",\"line_id\":\"1\"");
        order
    }

    fn event(&mut self, shape: &LoadShape, connection: usize, kind: EventKind) {
        let run = shape.run;
        self.text(&format!(
            "{{\"specversion\":\"1.0\",\"source\":\"/bench/{run:016x}\",\"id\":\"{connection:0CONNECTION_DIGITS$}-"
        ));
        let id = self.field(COUNTER_DIGITS);
        let event_type = match kind {
            EventKind::Sale => "pos.sale",
            EventKind::Adjusted => "inventory.adjusted",
            EventKind::Counted => "inventory.counted",
            EventKind::OrderPlaced => "order.placed",
            EventKind::OrderShipped => "order.shipped",
        };
        self.text(&format!("\",\"type\":\"{event_type}\",\"time\":\""));
        let time = self.field(TIME_WIDTH);
        self.text("\",\"data\":{");
        let data = match kind {
            EventKind::Sale => {
                let (place, quantity) = (self.place(), self.quantity("quantity"));
                self.text(",\"unit_price\":\"9.95\",\"currency\":\"EUR\"");
                SlotData::Sale { place, quantity }
            }
            EventKind::Adjusted => {
                let (place, delta) = (self.place(), self.quantity("delta"));
                self.text(",\"reason\":\"delivery\"");
                SlotData::Adjusted { place, delta }
            }
            EventKind::Counted => {
                SlotData::Counted { place: self.place(), on_hand: self.quantity("on_hand") }
            }
            EventKind::OrderPlaced => {
                let order = self.order(run, connection);
                self.text(",");
                let (place, quantity) = (self.place(), self.quantity("quantity"));
                self.text(&format!(",\"channel\":\"web\",\"promised_at\":\"{}\"", shape.promised_at));
                SlotData::OrderPlaced { place, order, quantity }
            }
            EventKind::OrderShipped => SlotData::OrderShipped {
                order: self.order(run, connection),
                quantity: self.quantity("quantity"),
            },
        };
        self.text("}}");
        self.slots.push(Slot { id, time, data });
    }

    /// The same with `head` before it, and every field where it then stands.
    fn with_head(mut self, head: &str) -> Request {
        self.bytes.splice(0..0, head.bytes());
        for slot in &mut self.slots {
            slot.shift(head.len());
        }
        self
    }
}

impl Slot {
    fn shift(&mut self, by: usize) {
        let shift_place = |place: &mut PlaceFields| {
            place.sku += by;
            place.location += by;
        };
        self.id += by;
        self.time += by;
        match &mut self.data {
            SlotData::Sale { place, quantity: number }
            | SlotData::Adjusted { place, delta: number }
            | SlotData::Counted { place, on_hand: number } => {
                shift_place(place);
                *number += by;
            }
            SlotData::OrderPlaced { place, order, quantity } => {
                shift_place(place);
                *order += by;
                *quantity += by;
            }
            SlotData::OrderShipped { order, quantity } => {
                *order += by;
                *quantity += by;
            }
        }
    }
}

fn put_place(bytes: &mut [u8], fields: PlaceFields, place: Place) {
    put_digits(bytes, fields.sku, SKU_DIGITS, u64::from(place.sku));
    put_digits(bytes, fields.location, LOCATION_DIGITS, u64::from(place.location));
}

/// Writes the last `width` digits of a number, zeros in front.
fn put_digits(bytes: &mut [u8], at: usize, width: usize, mut number: u64) {
    for digit in bytes[at..at + width].iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Writes a number of at most [`QUANTITY_WIDTH`] digits, spaces behind.
fn put_quantity(bytes: &mut [u8], at: usize, number: u32) {
    let digits = number.checked_ilog10().map_or(1, |log| log as usize + 1).min(QUANTITY_WIDTH);
    put_digits(bytes, at, digits, u64::from(number));
    bytes[at + digits..at + QUANTITY_WIDTH].fill(b' ');
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
