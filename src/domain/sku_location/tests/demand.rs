//! What counts as demand, when, and which forecast of it is used.

use crate::domain::event::{EventData, LocationDescribed, StockStatus};
use crate::domain::sku_location::testing::*;
use crate::domain::time::HOUR;

#[track_caller]
fn check_rate(place: &Place, rate: f64) {
    let actual = place.view().demand_rate_per_day;
    assert!((actual - rate).abs() < 1e-9, "{actual} is not {rate}");
}

#[test]
fn the_rate_is_the_average_of_the_first_periods() {
    let mut place = Place::new();
    place.sell_daily(&[10, 12, 8]);
    check_rate(&place, 10.0);
    // Days without a sale are days without demand; looking alone changes nothing.
    place.at(place.business_time.plus(48 * HOUR));
    check_rate(&place, 6.0);
    check_rate(&place, 6.0);
}

#[test]
fn returns_and_shipments_are_no_demand() {
    let mut place = Place::new();
    place.sell_daily(&[10]);
    place.event(day(1), returned(5, StockStatus::Available)).event(day(1), order("a", 10, None));
    place.event(day(1), shipped("a", 10)).at(day(2));
    check_rate(&place, 10.0);
}

#[test]
fn an_order_is_demand_of_when_it_is_promised_and_a_cancelled_one_of_never() {
    let mut place = Place::new();
    place.sell_daily(&[10]);
    place.event(day(1), order("a", 20, Some(day(2)))).event(day(1), order("b", 99, Some(day(2))));
    place.at(day(2));
    check_rate(&place, 5.0);
    place.event(day(2), order_cancelled("b")).at(day(3));
    check_rate(&place, 10.0);
    // Cancelled in a later period than it counted in: taken out of the past.
    place.event(day(3), order_cancelled("a"));
    check_rate(&place, 10.0 / 3.0);
}

#[test]
fn a_late_sale_is_demand_of_its_day() {
    let mut place = Place::new();
    place.sell_daily(&[10, 10]);
    place.event(day(3), counted(5)).at(day(4));
    check_rate(&place, 5.0);
    place.event(day(2).plus(HOUR), sale(20));
    check_rate(&place, 10.0);
    assert_eq!(place.view().on_hand, units(5));
}

#[test]
fn the_first_sale_ever_may_be_late() {
    let mut place = Place::new();
    place.at(day(3)).event(day(1), sale(8));
    check_rate(&place, 4.0);
}

#[test]
fn weeks_begin_on_sundays_of_the_place() {
    let mut place = Place::new();
    // The start is a Monday; Chicago's Sunday begins six hours after UTC's.
    place.event(hour(0), policy(|policy| policy.period_days = Some(7)));
    let described = LocationDescribed {
        location: "L".into(),
        name: None,
        kind: None,
        path: Vec::new(),
        lat: None,
        lon: None,
        timezone: Some("America/Chicago".into()),
        calendar: None,
    };
    place.event(hour(0), EventData::LocationDescribed(Box::new(described)));
    place.event(hour(1), sale(70)).at(day(6).plus(6 * HOUR - 1));
    check_rate(&place, 0.0);
    place.at(day(6).plus(6 * HOUR));
    check_rate(&place, 10.0);
}

#[test]
fn another_length_of_period_starts_the_history_anew() {
    let mut place = Place::new();
    place.sell_daily(&[10, 10, 10]);
    place.event(day(3), order("a", 70, Some(day(8))));
    place.event(day(3), policy(|policy| policy.period_days = Some(7)));
    place.at(day(4));
    check_rate(&place, 0.0);
    // The week from the Sunday after is the first finished one with demand.
    place.at(day(13));
    check_rate(&place, 10.0);
}

#[test]
fn a_published_forecast_is_used_while_it_covers_the_present() {
    let mut place = Place::new();
    place.sell_daily(&[10]);
    place.event(day(1), forecast(3, 75.0, 20.0));
    check_rate(&place, 75.0);
    place.at(day(3));
    check_rate(&place, 10.0 / 3.0);
}

#[test]
fn a_published_forecast_measured_worse_is_left() {
    let mut place = Place::new();
    place.event(day(0), forecast(90, 75.0, 20.0)).sell_daily(&[10, 10, 10]);
    check_rate(&place, 75.0);
    place.sell_daily(&[10]);
    check_rate(&place, 10.0);
}
