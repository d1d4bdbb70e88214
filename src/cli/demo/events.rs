//! The simulation's facts as CloudEvents, one NDJSON line each.
//!
//! Every source begins with `demo/derived`, so that whoever looks at a number sees that it is none of the State's: also
//! a customer's order, whose day and centre are derived while its item, city, week, quantity and price are facts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::json;
use serde_json::value::RawValue;

use super::dataset::{Dataset, Millilitres};
use super::network::Network;
use super::simulation::{
    Event, Fact, LEAD_TIME_DAYS, PACK, PurchaseOrder, REVIEW_DAYS, SERVICE_LEVEL, TIME_ZONE,
};
use super::statistics::Stockout;
use crate::cli::client::EventLines;

pub const SOURCE: &str = "demo/derived";
pub const ORDERS_SOURCE: &str = "demo/derived/iowa";
const CURRENCY: &str = "USD";

/// Lines under construction, with a count of each type in them.
#[derive(Debug, Default, Clone)]
pub struct Lines {
    text: Vec<u8>,
    pub by_type: BTreeMap<&'static str, u64>,
}

impl Lines {
    pub fn push<D: Serialize>(
        &mut self,
        kind: &'static str,
        source: &str,
        id: &str,
        time: Timestamp,
        data: &D,
    ) {
        let event = CloudEvent { specversion: "1.0", id, source, kind, time, data };
        // Neither memory nor these types can fail to be written.
        let _ = serde_json::to_writer(&mut self.text, &event);
        self.text.push(b'\n');
        *self.by_type.entry(kind).or_default() += 1;
    }

    pub fn append(&mut self, more: &Self) {
        self.text.extend_from_slice(&more.text);
        for (kind, count) in &more.by_type {
            *self.by_type.entry(*kind).or_default() += count;
        }
    }

    pub fn into_events(self) -> EventLines {
        EventLines::new(self.text)
    }
}

/// Names things and writes events about them.
pub struct Writer<'a> {
    data: &'a Dataset,
    network: &'a Network,
    /// What a unit costs, as a share of its price; unknown if `None`.
    cost_share: Option<f64>,
}

#[derive(Serialize)]
struct CloudEvent<'a, D> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    time: Timestamp,
    data: &'a D,
}

/// A decimal number that is written exactly: `units` of `10^-decimals`.
#[derive(Clone, Copy)]
struct Decimal {
    units: i64,
    decimals: usize,
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.units.unsigned_abs(), width = self.decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.decimals);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        write!(formatter, "{sign}{whole}{point}{fraction}")
    }
}

impl From<Millilitres> for Decimal {
    fn from(quantity: Millilitres) -> Self {
        Self { units: quantity.0, decimals: 3 }
    }
}

#[derive(Serialize)]
struct OrderPlaced<'a> {
    order_id: &'a str,
    line_id: &'a str,
    sku: &'a str,
    location: &'a str,
    customer: &'a str,
    quantity: Decimal,
    unit_price: Decimal,
    currency: &'static str,
    requested_at: Timestamp,
    promised_at: Timestamp,
}

#[derive(Serialize)]
struct OrderShipped<'a> {
    order_id: &'a str,
    line_id: &'a str,
    sku: &'a str,
    location: &'a str,
    quantity: Decimal,
}

#[derive(Serialize)]
struct InventoryCounted<'a> {
    sku: &'a str,
    location: &'a str,
    on_hand: Decimal,
}

#[derive(Serialize)]
struct Purchase<'a> {
    po_id: &'a str,
    supplier: &'a str,
    lines: Vec<PurchaseLine<'a>>,
}

#[derive(Serialize)]
struct PurchaseLine<'a> {
    line_id: String,
    sku: String,
    location: &'a str,
    quantity: Decimal,
    promised_at: Timestamp,
}

#[derive(Serialize)]
struct PurchaseReceived<'a> {
    po_id: &'a str,
    line_id: String,
    supplier: &'a str,
    sku: &'a str,
    location: &'a str,
    quantity: Decimal,
}

#[derive(Serialize)]
struct ItemDescribed<'a> {
    sku: &'a str,
    name: &'a str,
    path: [&'a str; 2],
    brand: &'a str,
    /// Average price of all orders of the item.
    unit_price: Decimal,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_cost: Option<Decimal>,
    currency: &'static str,
    uom: &'static str,
    pack: Decimal,
}

/// Moves the tower's clock.
pub fn advance_clock(to: Timestamp, lines: &mut Lines) {
    lines.push("clock.advanced", SOURCE, &format!("clock-{to}"), to, &json!({"to": to}));
}

impl<'a> Writer<'a> {
    pub fn new(data: &'a Dataset, network: &'a Network) -> Self {
        Self { data, network, cost_share: None }
    }

    /// Tells also what items cost.
    pub fn with_costs(self, share_of_price: f64) -> Self {
        Self { cost_share: Some(share_of_price), ..self }
    }

    /// Describes items, centres, suppliers and customers, and sets the policy of each item.
    pub fn describe(&self, at: Timestamp, lines: &mut Lines) {
        for (centre, county) in self.network.centres.iter().map(|centre| (centre, &centre.county)) {
            let (lat, lon) = centre.coordinates;
            let data = json!({
                "location": centre.id, "name": format!("Distribution centre {}", centre.name), "kind": "dc",
                "path": ["IOWA", county], "lat": lat, "lon": lon, "timezone": TIME_ZONE,
            });
            lines.push("location.described", SOURCE, &format!("location-{}", centre.id), at, &data);
        }
        for brand in &self.data.suppliers {
            let supplier = slug(brand);
            let data = json!({
                "supplier": supplier, "name": brand, "lead_time_days": LEAD_TIME_DAYS, "timezone": TIME_ZONE,
            });
            lines.push("supplier.described", SOURCE, &format!("supplier-{supplier}"), at, &data);
        }
        for city in &self.data.cities {
            let data = json!({"customer": city.name, "name": city.name, "county": city.county});
            lines.push("customer.described", SOURCE, &format!("customer-{}", slug(&city.name)), at, &data);
        }
        let mut sold = vec![(0_i64, 0_i64); self.data.items.len()];
        for row in &self.data.rows {
            let (cents, litres) = &mut sold[usize::from(row.item)];
            *cents += row.cents;
            *litres += row.litres.0;
        }
        for (item, (cents, litres)) in self.data.items.iter().zip(sold) {
            let (sku, brand) = (sku(item.id), &self.data.suppliers[usize::from(item.supplier)]);
            let price = unit_price(cents, litres);
            let cost = |share: f64| Decimal { units: (price.units as f64 * share).round() as i64, ..price };
            let described = ItemDescribed {
                sku: &sku,
                name: &item.name,
                path: ["SPIRITS", brand],
                brand,
                unit_price: price,
                unit_cost: self.cost_share.map(cost),
                currency: CURRENCY,
                uom: "litre",
                pack: PACK.into(),
            };
            lines.push("item.described", SOURCE, &format!("item-{sku}"), at, &described);
            let policy = json!({
                "scope": {"sku": sku}, "service_level": SERVICE_LEVEL.parse::<f64>().unwrap_or(0.95),
                "measure": "cycle", "review_days": REVIEW_DAYS, "period_days": 7,
            });
            lines.push("policy.set", SOURCE, &format!("policy-{sku}"), at, &policy);
        }
    }

    /// Moves the tower's clock.
    pub fn advance(&self, to: Timestamp, lines: &mut Lines) {
        advance_clock(to, lines);
    }

    pub fn write(&self, event: &Event, lines: &mut Lines) {
        let at = event.at;
        match &event.fact {
            Fact::Sourced { item, centre } => {
                let (sku, location) = (sku(self.data.items[usize::from(*item)].id), self.location(*centre));
                let data = json!({
                    "sku": sku, "location": location,
                    "source": {"kind": "supplier", "id": self.supplier_of(*item)},
                    "rank": 1, "lead_time_days": LEAD_TIME_DAYS,
                    "moq": PACK.0 / 1000, "pack": PACK.0 / 1000,
                });
                lines.push("sourcing.set", SOURCE, &format!("sourcing-{sku}-{location}"), at, &data);
            }
            Fact::Counted { item, centre, on_hand } => {
                let (sku, location) = (sku(self.data.items[usize::from(*item)].id), self.location(*centre));
                let data = InventoryCounted { sku: &sku, location, on_hand: (*on_hand).into() };
                lines.push("inventory.counted", SOURCE, &format!("opening-{sku}-{location}"), at, &data);
            }
            Fact::OrderPlaced { row, promised } => {
                let demand = &self.data.rows[*row];
                let (order_id, line_id, sku) = self.order_line(*row);
                let data = OrderPlaced {
                    order_id: &order_id,
                    line_id: &line_id,
                    sku: &sku,
                    location: self.location(self.network.centre_of(demand.city)),
                    customer: &self.data.cities[usize::from(demand.city)].name,
                    quantity: demand.litres.into(),
                    unit_price: unit_price(demand.cents, demand.litres.0),
                    currency: CURRENCY,
                    requested_at: *promised,
                    promised_at: *promised,
                };
                lines.push("order.placed", ORDERS_SOURCE, &format!("row-{}", row + 1), at, &data);
            }
            Fact::OrderShipped { row, part, quantity } => {
                let (order_id, line_id, sku) = self.order_line(*row);
                let location = self.location(self.network.centre_of(self.data.rows[*row].city));
                let (order_id, line_id) = (order_id.as_str(), line_id.as_str());
                let data =
                    OrderShipped { order_id, line_id, sku: &sku, location, quantity: (*quantity).into() };
                lines.push("order.shipped", SOURCE, &format!("shipped-{}-{part}", row + 1), at, &data);
            }
            Fact::PurchaseOrderPlaced(order) => {
                self.write_purchase("purchase_order.placed", "placed", at, order, lines);
            }
            Fact::PurchaseOrderAcknowledged(order) => {
                self.write_purchase("purchase_order.acknowledged", "acknowledged", at, order, lines);
            }
            Fact::PurchaseOrderReceived { order, line } => {
                let (item, quantity) = order.lines[*line];
                let po_id = self.po_id(order);
                let data = PurchaseReceived {
                    po_id: &po_id,
                    line_id: (line + 1).to_string(),
                    supplier: &self.supplier_of(item),
                    sku: &sku(self.data.items[usize::from(item)].id),
                    location: self.location(order.centre),
                    quantity: quantity.into(),
                };
                lines.push("purchase_order.received", SOURCE, &format!("{po_id}-received-{line}"), at, &data);
            }
        }
    }

    fn write_purchase(
        &self,
        kind: &'static str,
        step: &str,
        at: Timestamp,
        order: &PurchaseOrder,
        lines: &mut Lines,
    ) {
        let po_id = self.po_id(order);
        let line = |(place, (item, quantity)): (usize, &(u16, Millilitres))| PurchaseLine {
            line_id: (place + 1).to_string(),
            sku: sku(self.data.items[usize::from(*item)].id),
            location: self.location(order.centre),
            quantity: (*quantity).into(),
            promised_at: order.promised,
        };
        let data = Purchase {
            po_id: &po_id,
            supplier: &slug(&self.data.suppliers[usize::from(order.supplier)]),
            lines: order.lines.iter().enumerate().map(line).collect(),
        };
        lines.push(kind, SOURCE, &format!("{po_id}-{step}"), at, &data);
    }

    /// That stock of an item gave out at a centre.
    pub fn stockout(&self, (item, centre): (u16, usize), at: Timestamp) -> Stockout {
        Stockout {
            sku: sku(self.data.items[usize::from(item)].id),
            location: self.location(centre).to_owned(),
            at,
        }
    }

    pub fn location(&self, centre: usize) -> &'a str {
        &self.network.centres[centre].id
    }

    pub fn supplier_of(&self, item: u16) -> String {
        slug(&self.data.suppliers[usize::from(self.data.items[usize::from(item)].supplier)])
    }

    pub fn po_id(&self, order: &PurchaseOrder) -> String {
        let supplier = slug(&self.data.suppliers[usize::from(order.supplier)]);
        format!("po-{}-{}-{supplier}", order.placed, self.location(order.centre))
    }

    /// Order, line and SKU of a row: an order is what one city orders in one week.
    fn order_line(&self, row: usize) -> (String, String, String) {
        let row = &self.data.rows[row];
        let item = self.data.items[usize::from(row.item)].id;
        let week = self.data.weeks[usize::from(row.week)];
        (format!("iowa-{week}-{}", row.city + 1), item.to_string(), sku(item))
    }
}

/// The SKU of an item by its number in the data.
pub fn sku(item: u16) -> String {
    format!("IA-{item:03}")
}

/// Price of a litre, rounded half up to four decimals.
fn unit_price(cents: i64, millilitres: i64) -> Decimal {
    let per_litre = |cents: i64| (2 * cents * 100_000 + millilitres) / (2 * millilitres);
    Decimal { units: if millilitres > 0 { per_litre(cents) } else { 0 }, decimals: 4 }
}

fn slug(name: &str) -> String {
    name.to_lowercase().replace(|letter: char| !letter.is_ascii_alphanumeric(), "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::simulation::Simulation;
    use crate::http::cloudevents::{Limits, parse_event};
    use serde_json::Value;
    use std::collections::HashSet;

    #[test]
    fn numbers_are_exact() {
        let text = |units, decimals| Decimal { units, decimals }.to_string();
        assert_eq!(text(10_500, 3), "10.5");
        assert_eq!(text(9_000, 3), "9");
        assert_eq!(text(1, 3), "0.001");
        assert_eq!(text(-50, 3), "-0.05");
        assert_eq!(text(0, 4), "0");
        // 103.92 dollars for 9 litres are 11.54666…; 17.32 for 1.5 are 11.54666… as well.
        assert_eq!(unit_price(10_392, 9_000).to_string(), "11.5467");
        assert_eq!(unit_price(1_732, 1_500).to_string(), "11.5467");
        assert_eq!(unit_price(1, 0).to_string(), "0");
    }

    #[test]
    fn the_first_row_is_an_order_of_its_city() {
        let data = Dataset::embedded().unwrap();
        let network = Network::derive(&data);
        let mut lines = Lines::default();
        let promised = "2012-01-03T23:00:00Z".parse().unwrap();
        let at = "2012-01-02T15:00:00Z".parse().unwrap();
        Writer::new(&data, &network)
            .write(&Event { at, fact: Fact::OrderPlaced { row: 0, promised } }, &mut lines);
        let expected = json!({
            "specversion": "1.0", "id": "row-1", "source": "demo/derived/iowa", "type": "order.placed",
            "time": "2012-01-02T15:00:00Z",
            "data": {"order_id": "iowa-2012-01-01-8", "line_id": "3", "sku": "IA-003",
                     "location": network.centres[network.centre_of(7)].id, "customer": data.cities[7].name,
                     "quantity": 9, "unit_price": 11.5467, "currency": "USD",
                     "requested_at": "2012-01-03T23:00:00Z", "promised_at": "2012-01-03T23:00:00Z"},
        });
        assert_eq!(serde_json::from_slice::<Value>(&lines.text).unwrap(), expected);
    }

    #[test]
    fn a_quarter_of_events_has_unique_ids_and_tells_that_it_is_derived() {
        let data = Dataset::embedded().unwrap();
        let network = Network::derive(&data);
        let writer = Writer::new(&data, &network);
        let mut simulation = Simulation::new(&data, &network, 1).unwrap();
        let mut lines = Lines::default();
        writer.describe(simulation.start().unwrap(), &mut lines);
        for _ in 0..6 * 13 {
            let day = simulation.next_day().unwrap().unwrap();
            day.derived.iter().chain(&day.demand).for_each(|event| writer.write(event, &mut lines));
            writer.advance(day.until, &mut lines);
        }
        let mut seen = HashSet::new();
        for line in lines.text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let event: Value = serde_json::from_slice(line).unwrap();
            let source = event["source"].as_str().unwrap().to_owned();
            assert!(source.starts_with("demo/derived"));
            let parsed = parse_event(line, &Limits::default());
            assert!(parsed.is_ok(), "the tower would refuse {event}");
            assert!(seen.insert((source, event["id"].as_str().unwrap().to_owned())), "{event}");
        }
        assert_eq!(seen.len() as u64, lines.by_type.values().sum::<u64>());
        assert_eq!(lines.by_type.len(), 13, "{:?}", lines.by_type);
    }
}
