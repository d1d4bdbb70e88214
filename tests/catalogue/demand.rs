//! Kinds about demand, its forecast and promotions.

use serde_json::{Value, json};

use super::{DAY, Stage, at_place};
use crate::common::at;

/// Twelve days as forecast: 20 with a standard deviation of 5.
fn even(stage: &mut Stage, sku: &str) {
    stage.forecast(sku, 20.0, 5.0);
    stage.count(sku, 5_000.0);
    stage.pass(DAY - 1);
    stage.sell_daily(sku, &[20; 12]);
}

pub fn demand_spike(stage: &mut Stage) {
    even(stage, "A");
    stage.sell_daily("A", &[39, 20]);
    stage.expect_none(&at_place("A"));
    stage.sell_now("A", 41.0);
    stage.pass(DAY - 1);
    stage.expect_none(&at_place("A"));
    stage.pass(1);
    let raised = stage.expect_raised(&at_place("A"), "pos.sale");
    assert_eq!(raised["window"], json!({"from": at(stage.now - DAY), "until": at(stage.now)}));
    // Two standard deviations are between the thresholds.
    stage.sell_daily("A", &[30]);
    stage.expect_open(&raised);
    stage.sell_daily("A", &[20]);
    stage.expect_cleared(&raised);
}

pub fn demand_drop(stage: &mut Stage) {
    // Never two days in a row; and two days that are not low enough.
    for (sku, days) in [("B", [0, 20, 0, 20]), ("C", [20, 8, 8, 20])] {
        even(stage, sku);
        stage.sell_daily(sku, &days);
        stage.expect_none(&at_place(sku));
    }
    even(stage, "A");
    stage.sell_daily("A", &[0]);
    stage.expect_none(&at_place("A"));
    stage.sell_daily("A", &[0]);
    let raised = stage.expect_raised(&at_place("A"), "pos.sale");
    stage.sell_daily("A", &[20]);
    stage.expect_cleared(&raised);
}

pub fn forecast_bias(stage: &mut Stage) {
    // Twelve periods are measured on the thirteenth day, and two in a row must be.
    for day in 0..13 {
        stage.sell_now("A", (10 + 3 * day) as f64);
        stage.sell_now("B", if day % 2 == 0 { 15.0 } else { 25.0 });
        stage.pass(DAY);
    }
    stage.expect_none(&at_place("A"));
    stage.sell_daily("A", &[49]);
    let raised = stage.expect_raised(&at_place("A"), "pos.sale");
    for day in 0..40 {
        stage.sell_now("A", if day % 2 == 0 { 70.0 } else { 40.0 });
        stage.sell_now("B", if day % 2 == 0 { 15.0 } else { 25.0 });
        stage.pass(DAY);
        if stage.about(&at_place("A"))[0]["state"] == "cleared" {
            stage.expect_cleared(&raised);
            stage.expect_none(&at_place("B"));
            return;
        }
    }
    panic!("still open: {:#?}", stage.about(&at_place("A")));
}

pub fn forecast_accuracy(stage: &mut Stage) {
    let mut raised = None;
    for day in 0..24 {
        stage.sell_now("A", if day % 4 == 3 { 40.0 } else { 1.0 });
        stage.sell_now("B", if day % 2 == 0 { 15.0 } else { 25.0 });
        stage.pass(DAY);
        if !stage.about(&at_place("A")).is_empty() {
            assert!(day >= 13, "raised after {day} days");
            raised = Some(stage.expect_raised(&at_place("A"), "pos.sale"));
            break;
        }
    }
    let raised = raised.expect("raised in 24 days");
    stage.expect_none(&at_place("B"));
    for _ in 0..30 {
        stage.sell_daily("A", &[11]);
        if stage.about(&at_place("A"))[0]["state"] == "cleared" {
            stage.expect_cleared(&raised);
            return;
        }
    }
    panic!("still open: {:#?}", stage.about(&at_place("A")));
}

/// Ten a day for ten days, and a promotion in two days that doubles it.
fn promoted(stage: &mut Stage, sku: &str, on_hand: f64, days: i64) {
    stage.count(sku, 1_000.0);
    stage.pass(DAY - 1);
    stage.sell_daily(sku, &[10; 10]);
    stage.tell("inventory.counted", json!({"sku": sku, "location": "S", "on_hand": on_hand}));
    let data = json!({
        "promotion_id": format!("{sku}-spring"), "from": at(stage.now + 2 * DAY),
        "until": at(stage.now + (2 + days) * DAY), "skus": [sku], "locations": ["S"], "expected_uplift": 1,
    });
    stage.tell("promotion.scheduled", data);
}

fn promoted_place(sku: &str) -> Value {
    json!({"kind": "sku_location", "sku": sku, "location": "S", "promotion_id": format!("{sku}-spring")})
}

/// 20 until it begins, and 60 in three days.
pub fn promotion_uncovered(stage: &mut Stage) {
    let adjust = |stage: &mut Stage, delta: i64| {
        stage.pass(1);
        stage.tell("inventory.adjusted", json!({"sku": "A", "location": "S", "delta": delta}));
    };
    promoted(stage, "A", 75.0, 3);
    stage.expect_none(&promoted_place("A"));
    adjust(stage, -2);
    let raised = stage.expect_raised(&promoted_place("A"), "inventory.adjusted");
    adjust(stage, 4);
    stage.expect_open(&raised);
    adjust(stage, 2);
    stage.expect_cleared(&raised);
}

pub fn promotion_off_plan(stage: &mut Stage) {
    promoted(stage, "A", 1_000.0, 8);
    // 29 of 20 are not far enough; 60 of 40 are.
    stage.sell_daily("A", &[10, 10, 29]);
    stage.expect_none(&promoted_place("A"));
    stage.sell_daily("A", &[31]);
    let raised = stage.expect_raised(&promoted_place("A"), "pos.sale");
    // 80 of 60, and 100 of 80.
    stage.sell_daily("A", &[20]);
    stage.expect_open(&raised);
    stage.sell_daily("A", &[20]);
    stage.expect_cleared(&raised);
}
