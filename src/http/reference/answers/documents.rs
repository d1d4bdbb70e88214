//! Orders, purchase orders, transfers, promotions. A place that has forgotten a line leaves its numbers unknown.

use serde_json::{Value, json};

use super::*;
use crate::http::documents::DocumentView as _;
use crate::http::{orders, promotions, purchase_orders, transfers};

/// A document without and with the position of a read.
pub fn order() -> Vec<Member> {
    let line = [named("line_id"), named("sku"), named("location")].into_iter().chain(order_numbers());
    let lines = array(object(line));
    [named("order_id"), is_open("something is still to ship")]
        .into_iter()
        .chain(order_numbers())
        .chain(last(lines))
        .collect()
}

fn order_numbers() -> Vec<Member> {
    vec![
        maybe("state", words(orders::Order::STATES.iter().copied()), "How far it is."),
        known("customer", name()),
        known("channel", name()),
        known("priority", any_number()),
        maybe("placed_at", time(), "When it was placed."),
        known("requested_at", time()),
        known("promised_at", time()),
        units("ordered", "Ordered in all."),
        units("shipped", "Shipped so far."),
        units("open", "Still to ship."),
        units("due", "Open and promised for no later than now."),
    ]
}

pub fn purchase_order() -> Vec<Member> {
    let line = [named("line_id"), named("sku"), named("location"), shipments()];
    let lines = array(object(line.into_iter().chain(purchase_numbers())));
    [named("po_id"), is_open("something is still to be received")]
        .into_iter()
        .chain(purchase_numbers())
        .chain(last(lines))
        .collect()
}

fn purchase_numbers() -> Vec<Member> {
    vec![
        known("supplier", name()),
        maybe("state", words(purchase_orders::PurchaseOrder::STATES.iter().copied()), "How far it is."),
        maybe("is_acknowledged", boolean(), "Whether its supplier has acknowledged what is open."),
        maybe("placed_at", time(), "When it was placed."),
        maybe("promised_at", time(), "As placed."),
        maybe("confirmed_at", time(), "As acknowledged or changed since."),
        maybe("expected_at", time(), "When the next goods are expected."),
        maybe("complete_at", time(), "When the last of what is open is expected."),
        units("ordered", "Ordered in all."),
        units("received", "Received so far."),
        units("open", "Still to be received."),
        units("in_transit", "On the way."),
    ]
}

pub fn transfer() -> Vec<Member> {
    let line = [named("line_id"), named("sku"), shipments()];
    let lines = array(object(line.into_iter().chain(transfer_numbers())));
    [named("transfer_id"), is_open("something is still to be received")]
        .into_iter()
        .chain(transfer_numbers())
        .chain(last(lines))
        .collect()
}

fn transfer_numbers() -> Vec<Member> {
    let place = |example: &str| {
        let mut place = name();
        place["examples"] = json!([example]);
        place
    };
    vec![
        maybe("from", place("dc-1"), "Where it leaves; of the document: that of the first line."),
        maybe("to", place("store-12"), "Where it goes; of the document: that of the first line."),
        maybe("state", words(transfers::Transfer::STATES.iter().copied()), "How far it is."),
        maybe("placed_at", time(), "When it was placed."),
        known("promised_at", time()),
        maybe("expected_at", time(), "When the next goods are expected."),
        maybe("complete_at", time(), "When the last of what is open is expected."),
        units("ordered", "In all."),
        units("dispatched", "Sent so far."),
        units("received", "Received so far."),
        units("in_transit", "Dispatched and not received."),
        units("open", "Not received."),
    ]
}

pub fn promotion() -> Vec<Member> {
    let selection = || {
        let mut all = words(["all"]);
        all["description"] = "All of them.".into();
        json!({"anyOf": [array(name()), all]})
    };
    vec![
        named("promotion_id"),
        about("state", words(promotions::STATES.iter().copied()), "How far it is, by business time."),
        about("is_ahead", boolean(), "Whether it is still to begin."),
        about("is_active", boolean(), "Whether it runs now."),
        required("from", time()),
        required("until", time()),
        required("skus", selection()),
        required("locations", selection()),
        known("expected_uplift", any_number()),
        known("mechanic", any_text()),
        known("price", any_text()),
    ]
}

/// What the detail of a promotion has besides.
pub fn touched() -> Member {
    about("sku_locations", count(), "Live SKU-locations that it touches, as far as the reader sees them.")
}

fn named(field: &'static str) -> Member {
    required(field, name())
}

fn units(field: &'static str, words: &str) -> Member {
    maybe(field, any_number(), words)
}

fn is_open(words: &str) -> Member {
    maybe("is_open", boolean(), &format!("Whether {words}."))
}

fn last(lines: Value) -> [Member; 2] {
    [about("lines", lines, "Those that the reader sees."), known("failed_at", lsn())]
}

fn shipments() -> Member {
    let shipment = object([
        named("shipment_id"),
        maybe("quantity", any_number(), "Units; `null` for all that is open."),
        known("eta", time()),
        about("is_dispatched", boolean(), "Whether it has left."),
        about("has_arrived", boolean(), "Whether it has arrived."),
    ]);
    about("shipments", array(shipment), "What is on the way.")
}
