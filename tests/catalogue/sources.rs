//! Kinds about the events themselves.

use serde_json::json;

use super::{DAY, HOUR, Stage, at_place};

/// A sale every two hours, and patience for four such gaps.
pub fn feed_stale(stage: &mut Stage) {
    let sell = |stage: &mut Stage| {
        let sale = json!({"sku": "A", "location": "S", "quantity": 1});
        stage.keep_from("/till", stage.now, "pos.sale", sale);
        stage.send();
    };
    let subject = json!({"kind": "source", "source": "/till"});
    sell(stage);
    for _ in 1..24 {
        stage.pass(2 * HOUR);
        sell(stage);
    }
    stage.pass(8 * HOUR - 1);
    stage.expect_none(&subject);
    stage.pass(1);
    let raised = stage.expect_raised(&subject, "pos.sale");
    stage.pass(HOUR);
    stage.expect_open(&raised);
    sell(stage);
    stage.expect_cleared(&raised);
}

pub fn missing_master_data(stage: &mut Stage) {
    let kinds = [
        (json!({"kind": "item", "sku": "A"}), "item.described", json!({"sku": "A", "name": "Apple"})),
        (json!({"kind": "location", "location": "X"}), "location.described", json!({"location": "X"})),
        (json!({"kind": "supplier", "supplier": "V"}), "supplier.described", json!({"supplier": "V"})),
    ];
    // Location `S` was described, and `B` is before it is sold.
    stage.tell("item.described", json!({"sku": "B", "name": "Banana"}));
    stage.sell("B", 1.0);
    for (subject, ..) in &kinds {
        stage.expect_none(subject);
    }
    stage.expect_none(&json!({"kind": "item"}));
    stage.expect_none(&json!({"kind": "location"}));
    stage.tell("pos.sale", json!({"sku": "A", "location": "X", "quantity": 1}));
    stage.purchase("placed", "P", 5, None);
    for (subject, described, data) in kinds {
        let evidence = if described == "supplier.described" { "purchase_order.placed" } else { "pos.sale" };
        let raised = stage.expect_raised(&subject, evidence);
        stage.tell(described, data);
        stage.expect_cleared(&raised);
    }
}

pub fn data_quality(stage: &mut Stage) {
    stage.purchase("placed", "KNOWN", 5, None);
    stage.receive("KNOWN", 5);
    stage.expect_none(&at_place("A"));
    stage.receive("P", 3);
    let subject = json!({"kind": "sku_location", "sku": "A", "location": "S", "po_id": "P"});
    let raised = stage.expect_raised(&subject, "purchase_order.received");
    stage.pass(13 * DAY);
    stage.expect_open(&raised);
    stage.purchase("placed", "P", 9, None);
    stage.expect_cleared(&raised);
}
