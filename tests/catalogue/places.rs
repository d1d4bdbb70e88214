//! Kinds about stock and documents of one SKU-location.

use serde_json::json;

use super::{DAY, HOUR, Stage, at_place};
use crate::common::at;

pub fn shortage_now(stage: &mut Stage) {
    stage.count("A", 1.0);
    stage.forecast("A", 10.0, 5.0);
    stage.expect_none(&at_place("A"));
    stage.sell("A", 1.0);
    let raised = stage.expect_raised(&at_place("A"), "pos.sale");
    stage.count("A", 5.0);
    stage.expect_open(&raised);
    stage.count("A", 10.0);
    stage.expect_cleared(&raised);
    // What is due and can't be shipped is a shortage, too.
    stage.count("B", 100.0);
    let order = json!({"order_id": "O", "line_id": "1", "sku": "B", "location": "S", "quantity": 100});
    stage.tell("order.placed", order);
    stage.expect_none(&at_place("B"));
    let order = json!({"order_id": "O", "line_id": "2", "sku": "B", "location": "S", "quantity": 1});
    stage.tell("order.placed", order);
    stage.expect_raised(&at_place("B"), "order.placed");
}

/// Seven days take 70 with a standard deviation of 13.2.
pub fn projected_stockout(stage: &mut Stage) {
    stage.forecast("A", 10.0, 5.0);
    stage.count("A", 71.0);
    stage.expect_none(&at_place("A"));
    stage.count("A", 69.0);
    let raised = stage.expect_raised(&at_place("A"), "inventory.counted");
    assert!(raised["confidence"].as_f64().is_some_and(|p| (0.5..0.56).contains(&p)), "{raised}");
    stage.count("A", 76.0);
    stage.expect_open(&raised);
    stage.count("A", 78.0);
    stage.expect_cleared(&raised);
}

/// Seven days take 7 with a standard deviation of 13.2: a safety stock of 21.76.
pub fn below_safety_stock(stage: &mut Stage) {
    stage.forecast("A", 1.0, 5.0);
    stage.count("A", 11.0);
    stage.pass(2 * DAY);
    stage.expect_none(&at_place("A"));
    stage.count("A", 10.0);
    stage.pass(DAY - 1);
    stage.expect_none(&at_place("A"));
    stage.pass(1);
    let raised = stage.expect_raised(&at_place("A"), "inventory.counted");
    stage.count("A", 21.0);
    stage.expect_open(&raised);
    stage.count("A", 22.0);
    stage.expect_cleared(&raised);
}

/// The target is the reorder point and the demand of the lead time: 161.76.
pub fn excess(stage: &mut Stage) {
    stage.forecast("A", 10.0, 5.0);
    stage.count("A", 242.0);
    stage.pass(8 * DAY);
    stage.expect_none(&at_place("A"));
    stage.count("A", 243.0);
    stage.pass(6 * DAY - 1);
    stage.expect_none(&at_place("A"));
    stage.pass(1);
    let raised = stage.expect_raised(&at_place("A"), "inventory.counted");
    stage.count("A", 195.0);
    stage.expect_open(&raised);
    stage.count("A", 194.0);
    stage.expect_cleared(&raised);
}

pub fn dead_stock(stage: &mut Stage) {
    stage.count("A", 5.0);
    stage.pass(180 * DAY - 1);
    stage.expect_none(&at_place("A"));
    stage.pass(1);
    let raised = stage.expect_raised(&at_place("A"), "inventory.counted");
    stage.sell("A", 1.0);
    stage.expect_cleared(&raised);
}

pub fn expiry_before_use(stage: &mut Stage) {
    let count = |stage: &mut Stage, quantity: f64| {
        stage.pass(1);
        let lot = json!({"lot": "L1", "expires_on": "2026-03-01", "quantity": quantity});
        let data = json!({"sku": "A", "location": "S", "on_hand": quantity, "lots": [lot]});
        stage.tell("inventory.counted", data);
    };
    count(stage, 0.999);
    stage.expect_none(&at_place("A"));
    count(stage, 1.0);
    let raised = stage.expect_raised(&at_place("A"), "inventory.counted");
    count(stage, 0.5);
    stage.expect_open(&raised);
    stage.count("A", 0.0);
    stage.expect_cleared(&raised);
}

pub fn negative_stock(stage: &mut Stage) {
    stage.count("A", 1.0);
    stage.sell("A", 1.0);
    stage.expect_none(&at_place("A"));
    stage.sell("A", 0.001);
    let raised = stage.expect_raised(&at_place("A"), "pos.sale");
    stage.count("A", 0.0);
    stage.expect_cleared(&raised);
}

pub fn stock_mismatch(stage: &mut Stage) {
    stage.count("A", 100.0);
    stage.count("A", 109.0);
    stage.expect_none(&at_place("A"));
    // Eleven of 109 are a tenth.
    stage.count("A", 120.0);
    let raised = stage.expect_raised(&at_place("A"), "inventory.counted");
    stage.count("A", 127.0);
    stage.expect_open(&raised);
    stage.count("A", 133.0);
    stage.expect_cleared(&raised);
    // Few units are no difference, however great a share they are.
    stage.count("B", 4.0);
    stage.count("B", 8.0);
    stage.expect_none(&at_place("B"));
}

/// An order of one unit in two days, until when 20 ± 7.07 are wanted.
pub fn order_at_risk(stage: &mut Stage) {
    stage.forecast("A", 10.0, 5.0);
    stage.count("A", 22.0);
    let order = json!({
        "order_id": "O", "line_id": "1", "sku": "A", "location": "S", "quantity": 1,
        "promised_at": at(stage.now + 2 * DAY),
    });
    stage.tell("order.placed", order);
    let subject = json!({"kind": "sku_location", "sku": "A", "location": "S", "order_id": "O"});
    stage.expect_none(&subject);
    stage.count("A", 20.0);
    let raised = stage.expect_raised(&subject, "inventory.counted");
    assert!(raised["confidence"].as_f64().is_some_and(|p| (0.5..0.6).contains(&p)), "{raised}");
    stage.count("A", 23.0);
    stage.expect_open(&raised);
    // Covered, and still held: the place itself is likely to run out.
    stage.count("A", 25.0);
    stage.expect_open(&raised);
    stage.count("A", 400.0);
    stage.expect_cleared(&raised);
}

pub fn allocation_shortage(stage: &mut Stage) {
    stage.count("A", 10.0);
    for order_id in ["O", "P"] {
        let order = json!({
            "order_id": order_id, "line_id": "1", "sku": "A", "location": "S", "quantity": 5,
            "promised_at": at(stage.now + 2 * DAY),
        });
        stage.tell("order.placed", order);
    }
    let adjust = |stage: &mut Stage, delta: f64| {
        stage.pass(1);
        stage.tell("inventory.adjusted", json!({"sku": "A", "location": "S", "delta": delta}));
    };
    adjust(stage, -0.999);
    stage.expect_none(&at_place("A"));
    adjust(stage, -0.001);
    let raised = stage.expect_raised(&at_place("A"), "inventory.adjusted");
    adjust(stage, 0.5);
    stage.expect_open(&raised);
    adjust(stage, 0.5);
    stage.expect_cleared(&raised);
}

pub fn transfer_late(stage: &mut Stage) {
    let line = json!({
        "line_id": "1", "sku": "A", "from": "DC", "to": "S", "quantity": 5, "promised_at": at(stage.now + DAY),
    });
    stage.tell("transfer.placed", json!({"transfer_id": "T", "lines": [line]}));
    stage.pass(DAY);
    let subject = json!({"kind": "sku_location", "sku": "A", "location": "S", "transfer_id": "T"});
    stage.expect_none(&subject);
    stage.pass(1);
    let raised = stage.expect_raised(&subject, "transfer.placed");
    stage.tell("transfer.dispatched", json!({"transfer_id": "T", "line_id": "1", "quantity": 5}));
    stage.expect_open(&raised);
    stage.tell("transfer.received", json!({"transfer_id": "T", "line_id": "1", "quantity": 5}));
    stage.expect_cleared(&raised);
}

pub fn custom_too_little(stage: &mut Stage) {
    stage.count("CUSTOM", 10.0);
    stage.expect_none(&at_place("CUSTOM"));
    stage.sell("CUSTOM", 0.5);
    let raised = stage.expect_raised(&at_place("CUSTOM"), "pos.sale");
    assert_eq!((&raised["cause"], &raised["severity"]), (&json!("Hardly any left"), &json!("high")));
    stage.count("CUSTOM", 15.0);
    stage.expect_open(&raised);
    stage.count("CUSTOM", 21.0);
    stage.expect_cleared(&raised);
    stage.pass(HOUR);
}
