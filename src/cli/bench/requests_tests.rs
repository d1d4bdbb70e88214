//! What is sent is read back by serde_json, which shares nothing with the patching.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::*;
use crate::cli::bench::mix::Mix;

const NOW: &[u8; TIME_WIDTH] = b"2026-11-21T20:36:06.123456Z";

fn shape(batch: usize, hot_of_10_000: u32) -> LoadShape {
    LoadShape {
        world: World::new(1_000),
        books: Arc::new(Books::new(World::new(1_000))),
        cycle: Mix::default().cycle().into(),
        batch,
        hot_of_10_000,
        hot_keys: u32::from(hot_of_10_000 > 0),
        seed: 1,
        run: 0xfeed,
        promised_at: "2026-11-23T00:00:00Z".into(),
    }
}

fn endpoint() -> Endpoint {
    Endpoint::parse("http://127.0.0.1:1", None).expect("an endpoint")
}

/// The events in a request whose head says its length.
fn read_back(request: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(request).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    let said = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).expect("a length");
    assert_eq!(said.parse::<usize>().expect("a number"), body.len());
    let is_batch = head.contains("Content-Type: application/cloudevents-batch+json");
    match serde_json::from_str(body).expect("JSON") {
        Value::Array(events) if is_batch => events,
        event if !is_batch => vec![event],
        other => panic!("{head} with {other}"),
    }
}

fn stream(shape: &LoadShape, requests: usize) -> Vec<Value> {
    let mut stream = RequestStream::new(&endpoint(), shape, 5);
    let (opening, _) = stream.opening_orders(&endpoint(), 5, NOW).expect("orders");
    let mut events = read_back(&opening);
    for _ in 0..requests {
        events.extend(read_back(stream.next(NOW)));
    }
    events
}

#[test]
fn events_have_unique_ids_and_what_the_contract_requires() {
    for (batch, requests) in [(256, 20), (1, 700), (100, 20), (7, 50)] {
        let events = stream(&shape(batch, 0), requests);
        assert_eq!(events.len(), batch * requests + 64);
        let ids: HashSet<&str> = events.iter().map(|event| event["id"].as_str().expect("an id")).collect();
        assert_eq!(ids.len(), events.len());
        for event in &events {
            assert_eq!(event["specversion"], "1.0");
            assert_eq!(event["source"], "/bench/000000000000feed");
            assert_eq!(event["time"], "2026-11-21T20:36:06.123456Z");
            let data = event["data"].as_object().expect("data");
            let required: &[&str] = match event["type"].as_str().expect("a type") {
                "pos.sale" => &["sku", "location", "quantity"],
                "inventory.adjusted" => &["sku", "location", "delta"],
                "inventory.counted" => &["sku", "location", "on_hand"],
                "order.placed" => &["order_id", "line_id", "sku", "location", "quantity"],
                "order.shipped" => &["order_id", "line_id", "quantity"],
                other => panic!("{other}"),
            };
            assert!(required.iter().all(|field| data.contains_key(*field)), "{event}");
        }
    }
}

#[test]
fn the_mix_is_kept_whatever_the_batch() {
    for (batch, requests) in [(256, 10), (1, 640), (96, 20)] {
        let events = stream(&shape(batch, 0), requests);
        let load = &events[64..];
        let share = |event_type: &str| {
            let of_type = load.iter().filter(|event| event["type"] == event_type).count();
            of_type as f64 / load.len() as f64
        };
        assert!((share("pos.sale") - 48.0 / 64.0).abs() < 0.01);
        assert!((share("inventory.counted") - 3.0 / 64.0).abs() < 0.01);
        assert!((share("order.shipped") - 5.0 / 64.0).abs() < 0.01);
    }
}

#[test]
fn what_ships_was_ordered_before_in_full() {
    let mut open: HashMap<String, Value> = HashMap::new();
    let mut shipped = 0;
    for event in stream(&shape(256, 0), 50) {
        let data = &event["data"];
        let order = || data["order_id"].as_str().expect("an order").to_owned();
        if event["type"] == "order.placed" {
            assert!(open.insert(order(), data["quantity"].clone()).is_none(), "{event}");
        } else if event["type"] == "order.shipped" {
            assert_eq!(open.remove(&order()), Some(data["quantity"].clone()), "{event}");
            shipped += 1;
        }
    }
    assert_eq!(shipped, 50 * 20);
    assert!((60..70).contains(&open.len()), "{}", open.len());
}

#[test]
fn the_hot_key_gets_its_share_and_no_counts() {
    let events = stream(&shape(256, 8_000), 100);
    let is_hot = |event: &Value| event["data"]["sku"] == "B000000" && event["data"]["location"] == "L000";
    let is_type = |event: &Value, event_type: &str| event["type"] == event_type;
    let sales: Vec<&Value> = events.iter().filter(|event| is_type(event, "pos.sale")).collect();
    let hot = sales.iter().filter(|event| is_hot(event)).count() as f64 / sales.len() as f64;
    assert!((hot - 0.8).abs() < 0.01, "{hot}");
    assert!(!events.iter().any(|event| is_type(event, "inventory.counted") && is_hot(event)));
}

#[test]
fn numbers_are_written_in_place() {
    let check = |number: u32, expected: &str| {
        let mut bytes = *b"[####]";
        put_quantity(&mut bytes, 1, number);
        assert_eq!(std::str::from_utf8(&bytes), Ok(expected));
    };
    check(0, "[0   ]");
    check(7, "[7   ]");
    check(10, "[10  ]");
    check(400, "[400 ]");
    check(9_999, "[9999]");

    let mut bytes = *b"<------>";
    put_digits(&mut bytes, 1, 6, 123);
    assert_eq!(&bytes, b"<000123>");
}

/// What a ledger kept from the events alone says of them, beginning with 200 units at each of 1,000 places.
#[derive(Default)]
struct Ledger {
    stock: HashMap<(String, String), i64>,
    orders: HashMap<String, ((String, String), i64)>,
    counts: u32,
    right_counts: u32,
    goods_gone: u32,
    gone_from_nothing: u32,
}

impl Ledger {
    fn take(&mut self, place: (String, String), units: i64) {
        let stock = self.stock.entry(place).or_insert(200);
        self.goods_gone += 1;
        self.gone_from_nothing += u32::from(*stock < units);
        *stock -= units;
    }

    fn read(&mut self, event: &Value) {
        let data = &event["data"];
        let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
        let units = |name: &str| data[name].as_i64().expect("units");
        let place = (text("sku"), text("location"));
        match event["type"].as_str().expect("a type") {
            "pos.sale" => self.take(place, units("quantity")),
            "inventory.adjusted" => *self.stock.entry(place).or_insert(200) += units("delta"),
            "inventory.counted" => {
                let stock = self.stock.entry(place).or_insert(200);
                self.counts += 1;
                self.right_counts += u32::from(*stock == units("on_hand"));
                *stock = units("on_hand");
            }
            "order.placed" => {
                self.orders.insert(text("order_id"), (place, units("quantity")));
            }
            "order.shipped" => {
                let (place, ordered) = self.orders.remove(&text("order_id")).expect("an open order");
                assert_eq!(ordered, units("quantity"));
                self.take(place, ordered);
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn counts_find_what_events_left_and_goods_leave_places_that_have_some() {
    let shape = shape(256, 0);
    for key in 0..shape.world.keys() {
        shape.books.counted(key, 200);
    }
    let mut ledger = Ledger::default();
    for event in stream(&shape, 400) {
        ledger.read(&event);
    }
    let share = |part: u32, whole: u32| f64::from(part) / f64::from(whole);
    assert_eq!(ledger.counts, 400 * 12);
    let right = share(ledger.right_counts, ledger.counts);
    assert!((0.79..0.85).contains(&right), "{right}");
    let from_nothing = share(ledger.gone_from_nothing, ledger.goods_gone);
    assert!(from_nothing < 0.001, "{from_nothing}");
    assert!(ledger.stock.values().any(|stock| *stock < 10), "places run out");
    assert!(ledger.stock.values().any(|stock| *stock > 300), "places fill up");
}
