//! Kinds about a supplier and its purchase orders.

use serde_json::json;

use super::{DAY, HOUR, START, Stage, of_order, of_supplier};
use crate::common::at;

fn describe(stage: &mut Stage) {
    stage.tell("supplier.described", json!({"supplier": "V", "name": "Supplier"}));
}

pub fn purchase_late(stage: &mut Stage) {
    describe(stage);
    stage.agree("P", 10, stage.now + 5 * DAY);
    stage.pass(5 * DAY - 1);
    stage.expect_none(&of_order("P"));
    stage.pass(1);
    let raised = stage.expect_raised(&of_order("P"), "purchase_order.acknowledged");
    assert_eq!(raised["value_at_risk"], json!({"amount": "20.00", "currency": "EUR"}));
    stage.receive("P", 9);
    stage.expect_open(&raised);
    stage.receive("P", 1);
    stage.expect_cleared(&raised);
}

pub fn purchase_late_predicted(stage: &mut Stage) {
    describe(stage);
    stage.agree("P", 10, stage.now + 20 * DAY);
    let delay = |stage: &mut Stage, days: f64| {
        stage.pass(HOUR);
        let data = json!({"supplier": "V", "delay_days": days, "po_id": "P"});
        stage.tell("supplier.delay_reported", data);
    };
    delay(stage, 0.9);
    stage.expect_none(&of_order("P"));
    delay(stage, 3.0);
    let raised = stage.expect_raised(&of_order("P"), "supplier.delay_reported");
    delay(stage, 0.5);
    stage.expect_open(&raised);
    delay(stage, 0.2);
    stage.expect_cleared(&raised);
}

pub fn receipt_partial(stage: &mut Stage) {
    describe(stage);
    stage.agree("P", 100, stage.now + 50 * DAY);
    stage.agree("Q", 100, stage.now + 50 * DAY);
    stage.receive("P", 60);
    stage.receive("Q", 98);
    stage.pass(2 * DAY - 1);
    stage.expect_none(&of_order("P"));
    stage.pass(1);
    let raised = stage.expect_raised(&of_order("P"), "purchase_order.received");
    stage.expect_none(&of_order("Q"));
    stage.receive("P", 40);
    stage.expect_cleared(&raised);
}

pub fn acknowledgement_missing(stage: &mut Stage) {
    describe(stage);
    stage.purchase("placed", "P", 10, Some(stage.now + 50 * DAY));
    stage.pass(48 * HOUR - 1);
    stage.expect_none(&of_order("P"));
    stage.pass(1);
    let raised = stage.expect_raised(&of_order("P"), "purchase_order.placed");
    stage.purchase("acknowledged", "P", 10, Some(START + 50 * DAY));
    stage.expect_cleared(&raised);
}

pub fn acknowledgement_differs(stage: &mut Stage) {
    describe(stage);
    let promised = stage.now + 50 * DAY;
    for (po_id, quantity, acknowledged) in [("P", 98, promised), ("Q", 100, promised + DAY - 1)] {
        stage.purchase("placed", po_id, 100, Some(promised));
        stage.purchase("acknowledged", po_id, quantity, Some(acknowledged));
        stage.expect_none(&of_order(po_id));
    }
    stage.purchase("placed", "R", 100, Some(promised));
    stage.purchase("acknowledged", "R", 97, Some(promised));
    let raised = stage.expect_raised(&of_order("R"), "purchase_order.acknowledged");
    stage.pass(HOUR);
    stage.purchase("changed", "R", 97, Some(promised));
    stage.expect_cleared(&raised);
}

/// Deliveries of ten units, a day after another from `from` on, each promised for the fourth day.
fn deliver(stage: &mut Stage, from: i64, days: &[i64]) {
    for (at, days) in days.iter().enumerate() {
        let (placed, po_id) = (START + (from + at as i64) * DAY, format!("D{from}-{at}"));
        let line = json!({
            "line_id": "1", "sku": "A", "location": "S", "quantity": 10,
            "promised_at": crate::common::at(placed + 4 * DAY),
        });
        let order = json!({"po_id": po_id, "supplier": "V", "lines": [line]});
        stage.keep(placed, "purchase_order.placed", order.clone());
        stage.keep(placed, "purchase_order.acknowledged", order);
        let received = json!({"po_id": po_id, "line_id": "1", "quantity": 10});
        stage.keep(placed + days * DAY, "purchase_order.received", received);
    }
    stage.send();
}

pub fn lead_time_drift(stage: &mut Stage) {
    describe(stage);
    stage.pass(100 * DAY);
    deliver(stage, 0, &[4, 5, 4, 3, 4, 5, 4, 3, 4, 4, 5, 3, 4, 4, 5, 3]);
    // A quarter longer.
    deliver(stage, 30, &[6, 6, 6, 6]);
    stage.expect_none(&of_supplier());
    deliver(stage, 50, &[6, 6, 6, 6]);
    let raised = stage.expect_raised(&of_supplier(), "purchase_order.received");
    deliver(stage, 70, &[4, 4]);
    stage.expect_open(&raised);
    deliver(stage, 80, &[4, 4, 4, 4]);
    stage.expect_cleared(&raised);
}

pub fn supplier_unreliable(stage: &mut Stage) {
    describe(stage);
    stage.pass(100 * DAY);
    // Nine lines are too few.
    deliver(stage, 0, &[4, 4, 4, 4, 4, 4, 4, 6, 6]);
    stage.expect_none(&of_supplier());
    deliver(stage, 20, &[4]);
    let raised = stage.expect_raised(&of_supplier(), "purchase_order.received");
    // 11 of 13, and 12 of 14.
    deliver(stage, 30, &[4, 4, 4]);
    stage.expect_open(&raised);
    deliver(stage, 40, &[4]);
    stage.expect_cleared(&raised);
}

/// Ten a day were delivered at best: half of that are 35 in a week.
pub fn capacity_exceeded(stage: &mut Stage) {
    describe(stage);
    stage.pass(20 * DAY);
    deliver(stage, 0, &[14, 13, 12, 11, 10, 9, 8]);
    let capacity = |stage: &mut Stage, factor: f64| {
        stage.pass(1);
        let data = json!({
            "supplier": "V", "factor": factor, "from": at(START + 19 * DAY), "until": at(START + 60 * DAY),
        });
        stage.tell("supplier.capacity_changed", data);
    };
    stage.agree("P", 34, stage.now + 4 * DAY);
    capacity(stage, 0.5);
    stage.expect_none(&of_supplier());
    stage.purchase("placed", "Q", 1, Some(stage.now + 4 * DAY));
    let raised = stage.expect_raised(&of_supplier(), "purchase_order.placed");
    stage.receive("Q", 1);
    stage.expect_open(&raised);
    capacity(stage, 1.0);
    stage.expect_cleared(&raised);
}

pub fn single_source(stage: &mut Stage) {
    let source = |stage: &mut Stage, sku: &str, kind: &str, source: &str, rank: u32| {
        let source = json!({"kind": kind, "id": source});
        stage.tell("sourcing.set", json!({"sku": sku, "location": "S", "source": source, "rank": rank}));
    };
    // Where another source is known already, the supplier is not the only one.
    source(stage, "A", "location", "DC", 1);
    source(stage, "A", "supplier", "V", 2);
    stage.expect_none(&of_supplier());
    source(stage, "B", "supplier", "V", 1);
    let raised = stage.expect_raised(&of_supplier(), "sourcing.set");
    source(stage, "B", "supplier", "W", 2);
    stage.expect_cleared(&raised);
    stage.expect_none(&json!({"kind": "supplier", "supplier": "W"}));
}

pub fn custom_often_late(stage: &mut Stage) {
    describe(stage);
    for (po_id, days) in [("P", 3), ("Q", 4)] {
        stage.agree(po_id, 10, stage.now + days * DAY);
    }
    stage.pass(3 * DAY);
    stage.expect_none(&of_supplier());
    stage.pass(DAY);
    let raised = stage.expect_raised(&of_supplier(), "purchase_order.acknowledged");
    assert_eq!((&raised["cause"], &raised["severity"]), (&json!("Late with two lines"), &json!("critical")));
    // Without a condition of its own it clears where the first one does not hold.
    stage.receive("P", 10);
    stage.expect_cleared(&raised);
}
