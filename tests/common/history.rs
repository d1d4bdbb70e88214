//! Random histories of everything that moves stock, orders it or sends it on its way.
//!
//! Where the contract leaves two readings open, a history keeps to what both agree on: a line is cancelled after its
//! last change, an acknowledgement says the quantity that was ordered, a shipped purchase line is received whole or
//! not at all, a line either always has a promised date or never.

use serde_json::{Value, json};

use super::events::at;
use super::random::Random;

/// Half an hour: events share times often enough for ties to matter.
const SLOT: i64 = 1800;
const SLOTS: i64 = 40;

pub struct History {
    random: Random,
    prefix: String,
    base: i64,
    sequenced: bool,
    /// Whether it may say what the contract leaves open.
    wild: bool,
    pub events: Vec<Value>,
}

impl History {
    /// All within 22 hours from `base` (seconds since the Unix epoch), on names that start with `prefix`.
    pub fn of_seed(seed: u64, prefix: &str, base: i64) -> History {
        History::new(seed, prefix, base, false)
    }

    /// One that the model has no single answer to: lines end before they change, acknowledgements differ, parts of
    /// a shipment are received.
    pub fn wild(seed: u64, prefix: &str, base: i64) -> History {
        History::new(seed, prefix, base, true)
    }

    fn new(seed: u64, prefix: &str, base: i64, wild: bool) -> History {
        let mut random = Random::new(seed);
        let sequenced = random.chance(50);
        let mut history =
            History { random, prefix: prefix.to_owned(), base, sequenced, wild, events: Vec::new() };
        history.movements();
        for number in 0..6 {
            history.order(number);
        }
        for number in 0..5 {
            history.purchase_order(number);
        }
        for number in 0..4 {
            history.transfer(number);
        }
        history
    }

    pub fn sku(&self, number: u64) -> String {
        format!("{}-sku{number}", self.prefix)
    }

    pub fn location(&self, number: u64) -> String {
        format!("{}-at{number}", self.prefix)
    }

    fn place(&mut self) -> (String, String) {
        let (sku, location) = (self.random.below(3), self.random.below(3));
        (self.sku(sku), self.location(location))
    }

    fn slot(&mut self) -> i64 {
        self.random.between(1, SLOTS)
    }

    /// So many slots, each later than the one before.
    fn slots(&mut self, count: usize) -> Vec<i64> {
        let mut slots: Vec<i64> = (1..=SLOTS).collect();
        self.random.shuffle(&mut slots);
        slots.truncate(count);
        slots.sort_unstable();
        slots
    }

    /// After every change of a document, unless the history is wild.
    fn late_slot(&mut self) -> i64 {
        if self.wild { self.slot() } else { self.random.between(SLOTS + 1, SLOTS + 3) }
    }

    /// A quantity as number or text, with up to three decimals.
    fn quantity(&mut self, at_least: i64) -> Value {
        let step = *self.random.pick(&[1000, 1000, 250, 1]);
        let thousandths = self.random.between(0, 60_000 / step) * step + at_least;
        self.write(thousandths)
    }

    fn write(&mut self, thousandths: i64) -> Value {
        let decimal = format!(
            "{}{}.{:03}",
            if thousandths < 0 { "-" } else { "" },
            thousandths.abs() / 1000,
            thousandths.abs() % 1000
        );
        if self.random.chance(50) { json!(decimal) } else { json!(thousandths as f64 / 1000.0) }
    }

    fn emit(&mut self, slot: i64, kind: &str, data: Value) {
        let id = format!("{}-{}", self.prefix, self.events.len());
        let source = *self.random.pick(&["/erp", "/pos"]);
        let mut event = json!({"specversion": "1.0", "id": id, "source": source, "type": kind,
            "time": at(self.base + slot * SLOT), "data": data});
        if self.sequenced {
            event["sequence"] = json!(format!("{:04}", self.random.below(20)));
        }
        self.events.push(event);
    }

    fn movements(&mut self) {
        for _ in 0..45 {
            let ((sku, location), slot) = (self.place(), self.slot());
            let quantity = self.quantity(1);
            self.emit(slot, "pos.sale", json!({"sku": sku, "location": location, "quantity": quantity}));
        }
        for _ in 0..14 {
            let ((sku, location), slot) = (self.place(), self.slot());
            let mut data = json!({"sku": sku, "location": location, "quantity": self.quantity(1)});
            if let Some(disposition) =
                *self.random.pick(&[None, Some("saleable"), Some("blocked"), Some("damaged")])
            {
                data["disposition"] = json!(disposition);
            }
            self.emit(slot, "pos.return", data);
        }
        for _ in 0..14 {
            let ((sku, location), slot) = (self.place(), self.slot());
            let thousandths = self.random.between(-30_000, 30_000);
            let mut data = json!({"sku": sku, "location": location, "delta": self.write(thousandths)});
            if let Some(status) = *self.random.pick(&[None, None, Some("available"), Some("blocked")]) {
                data["status"] = json!(status);
            }
            self.emit(slot, "inventory.adjusted", data);
        }
        for _ in 0..12 {
            let ((sku, location), slot) = (self.place(), self.slot());
            let mut data = json!({"sku": sku, "location": location, "on_hand": self.quantity(0)});
            if let Some(status) = *self.random.pick(&[None, None, Some("available"), Some("blocked")]) {
                data["status"] = json!(status);
            }
            self.emit(slot, "inventory.counted", data);
        }
    }

    fn order(&mut self, number: u64) {
        let order_id = format!("{}-O{number}", self.prefix);
        for line_id in 0..=self.random.below(2) {
            let (sku, location) = self.place();
            let line = json!({"order_id": order_id, "line_id": line_id.to_string()});
            let promised = self.random.chance(60);
            let mut slots: Vec<i64> = (0..=self.random.below(3)).map(|_| self.slot()).collect();
            slots.sort_unstable();
            for (i, slot) in slots.iter().enumerate() {
                let mut data = line.clone();
                data["sku"] = json!(sku);
                data["location"] = json!(location);
                data["quantity"] = self.quantity(0);
                if promised && !(self.wild && self.random.chance(40)) {
                    data["promised_at"] = json!(at(self.base + 3600 * self.random.between(0, 72)));
                }
                self.emit(*slot, if i == 0 { "order.placed" } else { "order.changed" }, data);
            }
            for _ in 0..self.random.below(3) {
                let slot = self.slot();
                let mut data = line.clone();
                data["quantity"] = self.quantity(1);
                self.name_place(&mut data, (&sku, &location));
                self.emit(slot, "order.shipped", data);
            }
            if self.random.chance(20) {
                let slot = self.late_slot();
                self.emit(slot, "order.cancelled", line);
            }
        }
    }

    fn purchase_order(&mut self, number: u64) {
        let po_id = format!("{}-P{number}", self.prefix);
        let slots = self.slots(3);
        let places: Vec<(String, String)> = (0..=self.random.below(3)).map(|_| self.place()).collect();
        let mut quantities: Vec<Vec<Value>> = Vec::new();
        let mut placed = Vec::new();
        for (i, (sku, location)) in places.iter().enumerate() {
            let quantity = self.quantity(0);
            let mut line =
                json!({"line_id": i.to_string(), "sku": sku, "location": location, "quantity": quantity});
            if self.random.chance(70) {
                line["promised_at"] = json!(at(self.base + 86_400 * self.random.between(1, 20)));
            }
            placed.push(line);
            quantities.push(vec![quantity]);
        }
        self.emit(
            slots[0],
            "purchase_order.placed",
            json!({"po_id": po_id, "supplier": "S1", "lines": placed}),
        );
        let mut changed = Vec::new();
        let mut acknowledged = Vec::new();
        for (i, (sku, location)) in places.iter().enumerate() {
            if self.random.chance(50) {
                let quantity = self.quantity(0);
                let mut line = json!({"line_id": i.to_string(), "quantity": quantity});
                self.name_place(&mut line, (sku, location));
                changed.push(line);
                quantities[i].push(quantity);
            }
            if self.random.chance(50) {
                let confirmed = quantities[i].last().cloned().unwrap();
                let confirmed = if self.wild { self.quantity(0) } else { confirmed };
                let promised_at = at(self.base + 86_400 * self.random.between(1, 20));
                let mut line =
                    json!({"line_id": i.to_string(), "quantity": confirmed, "promised_at": promised_at});
                self.name_place(&mut line, (sku, location));
                acknowledged.push(line);
            }
        }
        if !changed.is_empty() {
            self.emit(slots[1], "purchase_order.changed", json!({"po_id": po_id, "lines": changed}));
        }
        if !acknowledged.is_empty() {
            self.emit(
                slots[2],
                "purchase_order.acknowledged",
                json!({"po_id": po_id, "lines": acknowledged}),
            );
        }
        let mut carried = Vec::new();
        for (i, (sku, location)) in places.iter().enumerate() {
            let said: Vec<i64> =
                quantities[i].iter().map(|value| super::model::thousandths(value).unwrap()).collect();
            let smallest = said.iter().copied().min().unwrap();
            let largest = said.iter().copied().max().unwrap();
            let receipts = if self.random.chance(35) && smallest > 0 {
                let part = self.random.between(1, smallest);
                carried.push(json!({"po_id": po_id, "line_id": i.to_string(), "quantity": self.write(part)}));
                if self.wild {
                    vec![self.quantity(1)]
                } else if self.random.chance(40) {
                    vec![self.write(largest)]
                } else {
                    vec![]
                }
            } else {
                (0..self.random.below(3)).map(|_| self.quantity(1)).collect()
            };
            for quantity in receipts {
                let slot = self.slot();
                let mut data = json!({"po_id": po_id, "line_id": i.to_string(), "quantity": quantity});
                self.name_place(&mut data, (sku, location));
                self.emit(slot, "purchase_order.received", data);
            }
            if self.random.chance(15) {
                let slot = self.late_slot();
                let kind = *self.random.pick(&["purchase_order.cancelled", "purchase_order.closed"]);
                self.emit(slot, kind, json!({"po_id": po_id, "line_id": i.to_string()}));
            }
        }
        if !carried.is_empty() {
            let shipment_id = format!("{}-H{number}", self.prefix);
            let slots = self.slots(3);
            let eta = at(self.base + 86_400 * 5);
            self.emit(
                slots[0],
                "shipment.dispatched",
                json!({"shipment_id": shipment_id, "eta": eta, "lines": carried}),
            );
            if self.random.chance(40) {
                let eta = at(self.base + 86_400 * 9);
                self.emit(slots[1], "shipment.delayed", json!({"shipment_id": shipment_id, "eta": eta}));
            }
            if self.random.chance(40) {
                self.emit(slots[2], "shipment.arrived", json!({"shipment_id": shipment_id}));
            }
        }
        if self.random.chance(15) {
            // A line that nobody ever announced.
            let ((sku, location), slot) = (self.place(), self.slot());
            let quantity = self.quantity(1);
            let data = json!({"po_id": po_id, "line_id": "unannounced", "quantity": quantity, "sku": sku, "location": location});
            self.emit(slot, "purchase_order.received", data);
        }
        if self.random.chance(15) {
            let slot = self.late_slot();
            let kind = *self.random.pick(&["purchase_order.cancelled", "purchase_order.closed"]);
            self.emit(slot, kind, json!({"po_id": po_id}));
        }
    }

    /// Says where a line is: whole, by half, or not at all.
    fn name_place(&mut self, line: &mut Value, (sku, location): (&str, &str)) {
        let (names_sku, names_location) =
            *self.random.pick(&[(false, false), (true, false), (false, true), (true, true)]);
        if names_sku {
            line["sku"] = json!(sku);
        }
        if names_location {
            line["location"] = json!(location);
        }
    }

    fn transfer(&mut self, number: u64) {
        let transfer_id = format!("{}-T{number}", self.prefix);
        let slots = self.slots(2);
        let mut lines = Vec::new();
        for i in 0..=self.random.below(2) {
            let sku = self.random.below(3);
            let from = self.random.below(3);
            let to = (from + 1 + self.random.below(2)) % 3;
            lines.push(json!({"line_id": i.to_string(), "sku": self.sku(sku), "from": self.location(from),
                "to": self.location(to), "quantity": self.quantity(0), "promised_at": at(self.base + 86_400 * 3)}));
        }
        self.emit(slots[0], "transfer.placed", json!({"transfer_id": transfer_id, "lines": lines}));
        if self.random.chance(50) {
            let chosen = self.random.below(lines.len() as u64) as usize;
            let mut line = lines[chosen].clone();
            line["quantity"] = self.quantity(0);
            self.emit(slots[1], "transfer.changed", json!({"transfer_id": transfer_id, "lines": [line]}));
        }
        for line in &lines {
            for kind in ["transfer.dispatched", "transfer.received"] {
                for _ in 0..self.random.below(3) {
                    let slot = self.slot();
                    let quantity = self.quantity(1);
                    let data =
                        json!({"transfer_id": transfer_id, "line_id": line["line_id"], "quantity": quantity});
                    self.emit(slot, kind, data);
                }
            }
            if self.random.chance(15) {
                let slot = self.late_slot();
                self.emit(
                    slot,
                    "transfer.cancelled",
                    json!({"transfer_id": transfer_id, "line_id": line["line_id"]}),
                );
            }
        }
        if self.random.chance(10) {
            let slot = self.late_slot();
            self.emit(slot, "transfer.cancelled", json!({"transfer_id": transfer_id}));
        }
    }
}
