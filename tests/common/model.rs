//! What events do to stock, written from the contract's table alone and as plainly as possible: sort everything
//! that was ever said by time, then add it up anew for each question.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The stock figures of one SKU-location, in thousandths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    pub on_hand: i64,
    pub blocked: i64,
    pub damaged: i64,
    pub reserved: i64,
    pub due: i64,
    pub on_order: i64,
    pub in_transit: i64,
    pub outbound: i64,
}

pub type Place = (String, String);

impl Stock {
    pub fn available(&self) -> i64 {
        self.on_hand - self.reserved
    }

    pub fn backorders(&self) -> i64 {
        (self.due - self.on_hand.max(0)).max(0)
    }

    pub fn inventory_position(&self) -> i64 {
        self.on_hand + self.on_order - self.due - self.outbound
    }

    /// The fields that differ from an answer of the tower, as `field: said, should be`.
    pub fn differences(&self, said: &Value) -> Vec<String> {
        let fields = [
            ("on_hand", self.on_hand),
            ("reserved", self.reserved),
            ("due", self.due),
            ("available", self.available()),
            ("backorders", self.backorders()),
            ("on_order", self.on_order),
            ("planned", 0),
            ("in_transit", self.in_transit),
            ("inventory_position", self.inventory_position()),
        ];
        let mut differences: Vec<String> = fields
            .iter()
            .filter(|(field, expected)| thousandths(&said[*field]) != Some(*expected))
            .map(|(field, expected)| {
                format!("{field}: said {}, should be {}", said[*field], *expected as f64 / 1e3)
            })
            .collect();
        // The contract does not say whether damaged stock shows as blocked; either way it is not on hand.
        let blocked = thousandths(&said["blocked"]);
        if blocked != Some(self.blocked) && blocked != Some(self.blocked + self.damaged) {
            differences.push(format!("blocked: said {}, should be {:?}", said["blocked"], self));
        }
        differences
    }
}

/// A quantity in thousandths; `None` for anything that is not exactly one.
pub fn thousandths(value: &Value) -> Option<i64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    let scaled = (number * 1000.0).round();
    ((number * 1000.0 - scaled).abs() < 1e-3).then_some(scaled as i64)
}

fn second(event: &Value) -> i64 {
    second_of(&event["time"]).expect("the model wants events with a time")
}

fn second_of(value: &Value) -> Option<i64> {
    Some(value.as_str()?.parse::<jiff::Timestamp>().unwrap().as_second())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("").to_owned()
}

fn quantity(value: &Value) -> i64 {
    thousandths(value).expect("a quantity")
}

#[derive(Default)]
struct Line {
    place: Option<Place>,
    /// The receiving end of a transfer.
    to: Option<Place>,
    ordered: i64,
    out: i64,
    received: i64,
    ended: bool,
    promised: Option<i64>,
}

impl Line {
    fn open(&self, fulfilled: i64) -> i64 {
        if self.ended { 0 } else { (self.ordered - fulfilled).max(0) }
    }
}

/// Document kind, document, line.
type LineKey = (&'static str, String, String);

/// What stock is after these events, whatever the order in which they came, at this business time.
pub fn stock_after(events: &[Value], now: i64) -> BTreeMap<Place, Stock> {
    let mut sorted: Vec<&Value> = events.iter().collect();
    sorted.sort_by_key(|event| {
        (second(event), text(&event["sequence"]), text(&event["source"]), text(&event["id"]))
    });
    let lines = fold_lines(&sorted);
    let mut stock: BTreeMap<Place, Stock> = BTreeMap::new();
    fold_movements(&sorted, &lines, &mut stock);

    for ((kind, ..), line) in &lines {
        let Some(place) = line.place.clone() else { continue };
        match *kind {
            "order" => {
                let open = line.open(line.out);
                let at = stock.entry(place).or_default();
                at.reserved += open;
                if line.promised.is_none_or(|promised| promised <= now) {
                    at.due += open;
                }
            }
            "purchase_order" => stock.entry(place).or_default().on_order += line.open(line.received),
            _ => {
                let from = stock.entry(place).or_default();
                from.reserved += line.open(line.out);
                from.outbound += line.open(line.out);
                let to = line.to.clone().expect("a transfer's receiver");
                stock.entry(to).or_default().on_order += line.open(line.received);
            }
        }
    }

    let mut shipments: BTreeMap<String, Vec<(LineKey, i64)>> = BTreeMap::new();
    let mut arrived = BTreeSet::new();
    for event in &sorted {
        let (data, shipment) = (&event["data"], text(&event["data"]["shipment_id"]));
        match event["type"].as_str().unwrap() {
            "shipment.dispatched" => {
                let carried = data["lines"].as_array().unwrap().iter().map(|line| {
                    let kind = if line["po_id"].is_string() { "purchase_order" } else { "transfer" };
                    let document = if kind == "transfer" { &line["transfer_id"] } else { &line["po_id"] };
                    ((kind, text(document), text(&line["line_id"])), quantity(&line["quantity"]))
                });
                shipments.insert(shipment, carried.collect());
            }
            "shipment.arrived" => {
                arrived.insert(shipment);
            }
            _ => {}
        }
    }
    for (shipment, carried) in shipments {
        if arrived.contains(&shipment) {
            continue;
        }
        for (key, carried) in carried {
            let line = &lines[&key];
            let place = if key.0 == "transfer" { line.to.clone() } else { line.place.clone() };
            stock.entry(place.expect("a known line")).or_default().in_transit +=
                carried.min(line.open(line.received));
        }
    }
    stock
}

fn fold_lines(sorted: &[&Value]) -> BTreeMap<LineKey, Line> {
    let mut lines: BTreeMap<LineKey, Line> = BTreeMap::new();
    let mut ended_documents = BTreeSet::new();
    for event in sorted {
        let data = &event["data"];
        let kind = event["type"].as_str().unwrap();
        let place = || Some((data["sku"].as_str()?.to_owned(), data["location"].as_str()?.to_owned()));
        let line_id = text(&data["line_id"]);
        match kind {
            "order.placed" | "order.changed" => {
                let line = lines.entry(("order", text(&data["order_id"]), line_id)).or_default();
                line.place = place();
                line.ordered = quantity(&data["quantity"]);
                line.promised = second_of(&data["promised_at"]);
            }
            "order.cancelled" => {
                lines.entry(("order", text(&data["order_id"]), line_id)).or_default().ended = true
            }
            "order.shipped" => {
                let line = lines.entry(("order", text(&data["order_id"]), line_id)).or_default();
                line.out += quantity(&data["quantity"]);
            }
            "purchase_order.placed" | "purchase_order.changed" | "purchase_order.acknowledged" => {
                for said in data["lines"].as_array().into_iter().flatten() {
                    let key = ("purchase_order", text(&data["po_id"]), text(&said["line_id"]));
                    let line = lines.entry(key).or_default();
                    line.ordered = quantity(&said["quantity"]);
                    // By half a place a history says what it has said whole before.
                    if said["sku"].is_string() && said["location"].is_string() {
                        line.place = Some((text(&said["sku"]), text(&said["location"])));
                    }
                }
            }
            "purchase_order.received" => {
                let line = lines.entry(("purchase_order", text(&data["po_id"]), line_id)).or_default();
                line.received += quantity(&data["quantity"]);
                line.place = line.place.take().or_else(place);
            }
            "purchase_order.cancelled" | "purchase_order.closed" | "transfer.cancelled" => {
                let (document_kind, id) = if kind == "transfer.cancelled" {
                    ("transfer", "transfer_id")
                } else {
                    ("purchase_order", "po_id")
                };
                if data["line_id"].is_string() {
                    lines.entry((document_kind, text(&data[id]), line_id)).or_default().ended = true;
                } else {
                    ended_documents.insert((document_kind, text(&data[id])));
                }
            }
            "transfer.placed" | "transfer.changed" => {
                for said in data["lines"].as_array().unwrap() {
                    let key = ("transfer", text(&data["transfer_id"]), text(&said["line_id"]));
                    let line = lines.entry(key).or_default();
                    line.ordered = quantity(&said["quantity"]);
                    line.place = Some((text(&said["sku"]), text(&said["from"])));
                    line.to = Some((text(&said["sku"]), text(&said["to"])));
                }
            }
            "transfer.dispatched" => {
                lines.entry(("transfer", text(&data["transfer_id"]), line_id)).or_default().out +=
                    quantity(&data["quantity"]);
            }
            "transfer.received" => {
                lines.entry(("transfer", text(&data["transfer_id"]), line_id)).or_default().received +=
                    quantity(&data["quantity"]);
            }
            _ => {}
        }
    }
    for ((kind, document, _), line) in &mut lines {
        line.ended |= ended_documents.contains(&(*kind, document.clone()));
    }
    lines
}

/// Counts and the movements after them.
fn fold_movements(sorted: &[&Value], lines: &BTreeMap<LineKey, Line>, stock: &mut BTreeMap<Place, Stock>) {
    let mut counts: BTreeMap<(Place, String), (i64, i64)> = BTreeMap::new();
    let mut movements: Vec<(Place, String, i64, i64)> = Vec::new();
    for event in sorted {
        let data = &event["data"];
        let place = || (text(&data["sku"]), text(&data["location"]));
        let line = |kind: &'static str, id: &str| &lines[&(kind, text(&data[id]), text(&data["line_id"]))];
        let status = |key: &str| match data[key].as_str() {
            None | Some("saleable" | "available") => "available".to_owned(),
            Some(other) => other.to_owned(),
        };
        let available = || "available".to_owned();
        let time = second(event);
        match event["type"].as_str().unwrap() {
            "pos.sale" => movements.push((place(), available(), time, -quantity(&data["quantity"]))),
            "pos.return" => {
                movements.push((place(), status("disposition"), time, quantity(&data["quantity"])))
            }
            "inventory.adjusted" => {
                movements.push((place(), status("status"), time, quantity(&data["delta"])))
            }
            "inventory.counted" => {
                counts.insert((place(), status("status")), (time, quantity(&data["on_hand"])));
            }
            "order.shipped" => {
                let at = line("order", "order_id").place.clone().expect("a known order line");
                movements.push((at, available(), time, -quantity(&data["quantity"])));
            }
            "purchase_order.received" => {
                let at = line("purchase_order", "po_id").place.clone().expect("a known purchase order line");
                movements.push((at, available(), time, quantity(&data["quantity"])));
            }
            "transfer.dispatched" => {
                let at = line("transfer", "transfer_id").place.clone().expect("a known transfer line");
                movements.push((at, available(), time, -quantity(&data["quantity"])));
            }
            "transfer.received" => {
                let at = line("transfer", "transfer_id").to.clone().expect("a known transfer line");
                movements.push((at, available(), time, quantity(&data["quantity"])));
            }
            _ => {}
        }
    }
    let mut add = |place: &Place, status: &str, delta: i64| {
        let stock = stock.entry(place.clone()).or_default();
        match status {
            "available" => stock.on_hand += delta,
            "blocked" => stock.blocked += delta,
            _ => stock.damaged += delta,
        }
    };
    for ((place, status), (_, counted)) in &counts {
        add(place, status, *counted);
    }
    for (place, status, time, delta) in &movements {
        let counted = counts.get(&(place.clone(), status.clone()));
        let after_count = counted.is_none_or(|(counted_at, _)| time > counted_at);
        add(place, status, if after_count { *delta } else { 0 });
    }
}
