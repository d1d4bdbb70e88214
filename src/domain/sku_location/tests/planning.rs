//! The golden numbers of inventory control, through the public view.

use crate::domain::event::{EventData, SourceOfSupply, SourcingSet, SupplierDescribed};
use crate::domain::sku_location::testing::*;
use crate::domain::time::DAY;

#[track_caller]
fn check(actual: f64, expected: f64, tolerance: f64) {
    assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected}");
}

/// d = 75, sd = 20 by a published forecast, L = 7, sL = 1.5 by the described supplier.
fn golden_place() -> Place {
    let mut place = Place::new();
    let sourcing = SourcingSet {
        sku: "A".into(),
        location: "L".into(),
        source: SourceOfSupply::Supplier("S".into()),
        rank: None,
        share: None,
        lead_time_days: None,
        moq: None,
        pack: None,
        unit_cost: None,
        valid_from: None,
        valid_until: None,
    };
    let supplier = SupplierDescribed {
        supplier: "S".into(),
        name: None,
        lead_time_days: Some(7.0),
        lead_time_sd_days: Some(1.5),
        ack_within_hours: None,
        timezone: None,
        calendar: None,
    };
    place.event(day(0), EventData::SourcingSet(Box::new(sourcing)));
    place.event(day(0), EventData::SupplierDescribed(Box::new(supplier)));
    place.event(day(0), forecast(60, 75.0, 20.0));
    place
}

#[test]
fn safety_stock_and_reorder_point_follow_the_service_level() {
    for (service_level, safety_stock, reorder_point) in [
        (0.90, 159.326_55, 684.326_55),
        (0.95, 204.493_413, 729.493_413),
        (0.975, 243.668_931, 768.668_931),
        (0.99, 289.218_937, 814.218_937),
    ] {
        let mut place = golden_place();
        place.event(day(0), policy(|policy| policy.service_level = Some(service_level)));
        let view = place.view();
        // The forecast's quantiles are published in thousandths.
        check(view.safety_stock, safety_stock, 1e-3);
        check(view.reorder_point, reorder_point, 1e-3);
        assert_eq!((view.lead_time_days, view.stockout_horizon_days), (7.0, 7.0));
    }
}

#[test]
fn a_review_period_is_covered_too() {
    let mut place = golden_place();
    place.event(day(0), policy(|policy| policy.review_days = Some(7.0)));
    check(place.view().reorder_point, 1_272.245_535, 1e-3);
    assert_eq!(place.view().stockout_horizon_days, 14.0);
}

#[test]
fn an_inventory_position_of_600_is_short_in_27_cycles_of_100() {
    let mut place = golden_place();
    place.event(day(0), counted(600));
    check(place.view().stockout_probability, 0.273_165_713, 1e-6);
    // Orders due and stock that is to leave count against it.
    place.event(day(0), counted(650)).event(day(0), order("a", 30, None));
    place.event(day(0), transfer("t", "L", "M", 20, None));
    check(place.view().stockout_probability, 0.273_165_713, 1e-6);
}

#[test]
fn a_delayed_receipt_raises_the_probability() {
    let mut place = golden_place();
    place.event(day(0), counted(300)).event(day(0), purchase("p", 400, Some(day(1))));
    let on_time = place.view().stockout_probability;
    place.event(day(0).plus(1), acknowledged("p", 400, Some(day(6))));
    let late = place.view().stockout_probability;
    assert!(on_time < 0.1 && late > 0.8, "{on_time} {late}");
}

#[test]
fn without_uncertainty_the_probability_is_0_or_1() {
    for (on_hand, probability) in [(70, 0.0), (69, 1.0)] {
        let mut place = Place::new();
        place.sell_daily(&[10, 10, 10]);
        place.event(day(3), counted(on_hand));
        assert_eq!(place.view().stockout_probability, probability);
    }
}

#[test]
fn later_orders_consume_the_forecast_and_only_their_excess_adds_to_it() {
    let mut place = Place::new();
    place.sell_daily(&[10, 10, 10]);
    place.event(day(3), counted(70)).event(day(3), order("a", 9, Some(day(5))));
    assert_eq!(place.view().stockout_probability, 0.0);
    place.event(day(3), order("b", 2, Some(day(5).plus(1))));
    assert_eq!(place.view().stockout_probability, 1.0);
}

#[test]
fn the_projection_falls_with_demand_and_rises_with_receipts() {
    let mut place = Place::new();
    place.sell_daily(&[10, 10, 10]);
    place.event(day(3), counted(25)).event(day(3), purchase("p", 40, Some(day(6))));
    let projection = place.state.projection(day(3), &place.reference, &place.key);
    let balances: Vec<f64> = projection.days.iter().take(8).map(|day| day.balance).collect();
    assert_eq!(balances, [15.0, 5.0, -5.0, 25.0, 15.0, 5.0, -5.0, -15.0]);
    assert_eq!(projection.days.len(), 90);
    assert_eq!(projection.days[0].day, "2026-03-05");
    // Half through the third day; short that day, and from the seventh on to the end.
    assert_eq!(projection.projected_stockout_at, Some(day(5).plus(DAY / 2)));
    let windows: Vec<_> =
        projection.shortage_windows.iter().map(|window| (window.from, window.until)).collect();
    assert_eq!(windows, [(day(5), day(6)), (day(9), day(93))]);
}

#[test]
fn the_first_day_is_what_is_left_of_today() {
    let mut place = Place::new();
    place.sell_daily(&[10, 10]);
    place.event(day(2), counted(100));
    let projection = place.state.projection(day(2).plus(DAY / 4), &place.reference, &place.key);
    assert_eq!((projection.days[0].demand, projection.days[1].demand), (7.5, 10.0));
}

#[test]
fn without_demand_there_is_no_cover_no_risk_and_no_stockout() {
    let mut place = Place::new();
    place.event(day(0), counted(5));
    let view = place.view();
    assert_eq!((view.days_of_cover, view.projected_stockout_at), (None, None));
    assert_eq!((view.stockout_probability, view.safety_stock, view.reorder_point), (0.0, 0.0, 0.0));
}
