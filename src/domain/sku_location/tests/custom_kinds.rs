//! An operator's own conditions about places.

use crate::domain::condition::Condition;
use crate::domain::exception::own::OWN_CONDITION_BOUNDS;
use crate::domain::exception::{ExceptionChange, ExceptionType, Severity};
use crate::domain::record::{Body, SystemBody};
use crate::domain::settings::{CustomException, CustomSubject, Settings};
use crate::domain::sku_location::CUSTOM_VARIABLES;
use crate::domain::sku_location::testing::*;

use ExceptionChange::{Cleared, Opened};

fn own(condition: &str, clear: Option<&str>) -> CustomException {
    CustomException {
        exception_type: ExceptionType::parse("custom.too_little").unwrap(),
        about: CustomSubject::SkuLocation,
        condition: condition.to_owned(),
        clear: clear.map(str::to_owned),
        title: "Too little for the weekend".to_owned(),
        severity: Severity::High,
        enabled: true,
        consecutive_periods: 1,
        quiet_hours: 24.0,
    }
}

fn place_with(custom: Vec<CustomException>) -> Place {
    Place::with_settings(|settings| {
        settings.exceptions.custom = custom;
        for kind in &ExceptionType::BUILT_IN {
            let off = crate::domain::exception::kind::KindSettings {
                enabled: false,
                ..crate::domain::exception::kind::KindSettings::of(kind)
            };
            settings.exceptions.kinds.set(kind, off);
        }
    })
}

fn changes(place: &mut Place) -> Vec<(ExceptionChange, String)> {
    let changes = place.settle();
    changes.into_iter().map(|(change, item)| (change, item.exception_type.to_string())).collect()
}

fn name() -> String {
    "custom.too_little".to_owned()
}

#[test]
fn one_that_is_about_open_exceptions_does_not_count_itself() {
    let mut place = place_with(vec![own("open_exceptions < 1.0 && on_hand > 5.0", None)]);
    place.event(day(0), counted(10));
    assert_eq!(changes(&mut place), [(Opened, name())]);
    assert_eq!(changes(&mut place), []);
    place.event(day(1), counted(1));
    assert_eq!(changes(&mut place), [(Cleared, name())]);
}

#[test]
fn it_is_raised_and_cleared_by_its_own_two_conditions() {
    let condition = "on_hand < 10 && demand_rate_per_day >= 5 && location == 'L'";
    let mut place = place_with(vec![own(condition, Some("on_hand > 20"))]);
    place.event(day(0), forecast(60, 5.0, 1.0));
    for (on_hand, expected) in
        [(10, vec![]), (9, vec![(Opened, name())]), (15, vec![]), (21, vec![(Cleared, name())])]
    {
        place.at(place.business_time.plus(1_000_000));
        place.event(place.business_time, counted(on_hand));
        assert_eq!(changes(&mut place), expected, "{on_hand}");
    }
}

#[test]
fn without_a_second_condition_it_clears_when_the_first_does_not_hold() {
    let mut place = place_with(vec![own("stockout_probability > 0.5", None)]);
    place.event(day(0), forecast(60, 5.0, 1.0));
    let items: Vec<_> = place.settle().into_iter().map(|(_, item)| item).collect();
    assert_eq!((items.len(), items[0].severity), (1, Severity::High));
    assert_eq!(items[0].cause.as_deref(), Some("Too little for the weekend"));
    place.event(day(0), counted(100));
    assert_eq!(changes(&mut place), [(Cleared, name())]);
}

#[test]
fn what_can_not_be_evaluated_neither_raises_nor_clears_and_other_subjects_are_left_alone() {
    let mut other = own("true", None);
    other.about = CustomSubject::Supplier;
    other.exception_type = ExceptionType::parse("custom.other").unwrap();
    let mut place = place_with(vec![own("sku < 5", None), other]);
    place.event(day(0), counted(1));
    assert_eq!(changes(&mut place), []);
}

#[test]
fn what_is_taken_out_of_the_configuration_goes() {
    let mut place = place_with(vec![own("on_hand < 10", None)]);
    place.event(day(0), counted(1));
    assert_eq!(changes(&mut place), [(Opened, name())]);
    let settings = Settings::default();
    let body = SystemBody::ConfigurationActivated { hash: "next".into(), settings: Box::new(settings) };
    let record = place.next_record(day(0), Body::System(Box::new(body)));
    place.reference.apply(&record);
    let found = changes(&mut place);
    assert_eq!(found[0], (Cleared, name()));
}

#[test]
fn every_field_of_the_view_has_its_value() {
    let mut place = Place::new();
    place.sell_daily(&[10, 12, 9, 10, 11]);
    place.event(day(5), counted(70)).event(day(5), order("o", 3, Some(day(7))));
    place.event(day(5), purchase("p", 50, Some(day(8)))).event(day(5), transfer("t", "L", "M", 2, None));
    place.settle();
    let view = serde_json::to_value(place.view()).unwrap();
    let fields: Vec<&String> = view.as_object().unwrap().keys().collect();
    let mut variables = CUSTOM_VARIABLES.to_vec();
    variables.sort_unstable();
    let mut sorted: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
    sorted.sort_unstable();
    assert_eq!(variables, sorted);
    for (field, value) in view.as_object().unwrap() {
        let condition = match value {
            serde_json::Value::Number(number) => {
                let number = number.as_f64().unwrap();
                format!("{field} > {:.6} && {field} < {:.6}", number - 1e-4, number + 1e-4)
            }
            serde_json::Value::Null => format!("{field} == null"),
            serde_json::Value::String(text) if field == "projected_stockout_at" => {
                format!("{field} == timestamp('{text}')")
            }
            other => format!("{field} == {other}"),
        };
        Condition::compile(&condition, &OWN_CONDITION_BOUNDS, &CUSTOM_VARIABLES).unwrap();
        let mut place = place.clone();
        let mut settings = Settings::default();
        settings.exceptions.custom = vec![own(&condition, None)];
        let body = SystemBody::ConfigurationActivated { hash: "next".into(), settings: Box::new(settings) };
        let record = place.next_record(day(5), Body::System(Box::new(body)));
        place.reference.apply(&record);
        let found = changes(&mut place);
        assert!(found.contains(&(Opened, name())), "{condition}: {found:?}");
    }
}
