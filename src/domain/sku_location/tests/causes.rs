//! What is named as the cause of a shortage.

use crate::domain::event::EventData;
use crate::domain::event::{ShipmentStep, SourceOfSupply, SupplierDelay};
use crate::domain::exception::group::CauseRef;
use crate::domain::exception::{
    ExceptionChange, ExceptionItem, ExceptionState, ExceptionTransition, ExceptionType, testing,
};
use crate::domain::ids::{EntityKey, Name};
use crate::domain::record::Transition;
use crate::domain::sku_location::testing::*;
use crate::domain::time::HOUR;

use ExceptionChange::{Cleared, Opened, Updated};
use ExceptionType::{OrderAtRisk, ProjectedStockout, ShortageNow};

/// What is proposed about exceptions, before it is applied.
fn proposed(place: &mut Place) -> Vec<ExceptionTransition> {
    let proposals = place.reconcile().proposals;
    place.settle();
    assert!(place.settle().is_empty(), "settled, and not at rest");
    let changes = proposals.into_iter().filter_map(|transition| match transition {
        Transition::Exception(change) => Some(*change),
        _ => None,
    });
    changes.collect()
}

fn order_of_supplier(po: &str) -> CauseRef {
    CauseRef {
        entity: EntityKey::Supplier { tenant: Place::new().key.tenant(), supplier: "S".into() },
        of: po.into(),
    }
}

fn place_at(location: &str) -> EntityKey {
    EntityKey::SkuLocation { tenant: Place::new().key.tenant(), sku: "A".into(), location: location.into() }
}

/// Sells ten a day, has thirty on day 3, and a hundred on order for day 5.
fn place_with_order() -> Place {
    let mut place = Place::watching(&[ShortageNow, ProjectedStockout]);
    place.sell_daily(&[10, 10, 10]);
    place.event(day(3), counted(30)).event(day(3), purchase("p", 100, Some(day(5))));
    assert_eq!(place.settle(), []);
    place
}

fn delayed(place: &mut Place, eta: i64) {
    let at = place.business_time.plus(1);
    let lines = [("p", None)];
    place.at(at).event(at, shipment(ShipmentStep::Delayed, "s", Some(day(eta)), &lines));
}

#[test]
fn an_order_that_will_be_late_is_behind_the_stockout_that_it_would_have_prevented() {
    let mut place = place_with_order();
    delayed(&mut place, 9);
    let changes = proposed(&mut place);
    assert_eq!((changes.len(), changes[0].kind), (1, Opened));
    assert_eq!(changes[0].cause.as_deref(), Some(&order_of_supplier("p")));
    let item = &changes[0].item;
    assert_eq!((item.group.as_deref(), item.confidence), (Some("purchase_order:p"), Some(1.0)));
    let cause = item.cause.as_deref().unwrap();
    assert!(cause.ends_with("; purchase order p of S comes 4.0 days later than promised"), "{cause}");
    // It comes in time after all.
    delayed(&mut place, 5);
    assert_eq!(proposed(&mut place)[0].kind, Cleared);
}

#[test]
fn a_delay_that_the_supplier_reports_counts_too() {
    let mut place = place_with_order();
    let delay = SupplierDelay {
        supplier: "S".into(),
        delay_days: 4.0,
        po_id: None,
        sku: None,
        from: None,
        until: None,
        reason: None,
    };
    place.event(day(3), EventData::SupplierDelayReported(Box::new(delay)));
    assert_eq!(proposed(&mut place)[0].cause.as_deref(), Some(&order_of_supplier("p")));
}

#[test]
fn a_late_order_that_would_not_have_helped_is_not_to_blame() {
    let mut place = Place::watching(&[ShortageNow, ProjectedStockout]);
    place.sell_daily(&[10, 10, 10]);
    place.event(day(3), counted(30)).event(day(3), purchase("p", 5, Some(day(5))));
    delayed(&mut place, 9);
    assert_eq!(proposed(&mut place)[0].cause, None);
}

#[test]
fn of_several_orders_the_one_is_named_that_would_have_been_enough() {
    let mut place = Place::watching(&[ShortageNow, ProjectedStockout]);
    place.sell_daily(&[10, 10, 10]);
    place.event(day(3), counted(30));
    for (po, quantity) in [("a", 5), ("b", 100), ("c", 5)] {
        place.event(day(3), purchase(po, quantity, Some(day(5))));
    }
    place.settle();
    let lines = [("a", None), ("b", None), ("c", None)];
    place.event(day(3), shipment(ShipmentStep::Delayed, "s", Some(day(9)), &lines));
    assert_eq!(proposed(&mut place)[0].cause.as_deref(), Some(&order_of_supplier("b")));
}

#[test]
fn an_order_that_is_overdue_is_behind_a_shortage_now_and_behind_orders_at_risk() {
    let mut place = Place::watching(&[ShortageNow, OrderAtRisk]);
    place.event(day(0), counted(5)).event(day(0), purchase("p", 100, Some(day(2))));
    place.event(day(0), order("o", 20, Some(day(3))));
    assert_eq!(proposed(&mut place), []);
    place.at(day(2).plus(HOUR));
    let changes = proposed(&mut place);
    assert_eq!(changes.len(), 1);
    place.at(day(3));
    let changes = proposed(&mut place);
    let shortage = changes.iter().find(|change| change.item.exception_type == ShortageNow).unwrap();
    assert_eq!(shortage.cause.as_deref(), Some(&order_of_supplier("p")));
    let order = place.state.exceptions.slot(&OrderAtRisk, "").unwrap();
    assert_eq!(order.cause.as_deref(), Some(&order_of_supplier("p")));
    // Promised anew for later, it is not late by its own word: nothing else is to blame.
    place.event(day(3), acknowledged("p", 100, Some(day(20))));
    let changes = proposed(&mut place);
    assert!(changes.iter().all(|change| change.kind == Updated && change.cause.is_none()), "{changes:#?}");
    assert_eq!(changes[0].left_cause.as_deref(), Some(&order_of_supplier("p")));
}

#[test]
fn without_grouping_no_cause_is_named() {
    let mut place = Place::with_settings(|settings| settings.exceptions.group_by_cause = false);
    place.sell_daily(&[10, 10, 10]);
    place.event(day(3), counted(30)).event(day(3), purchase("p", 100, Some(day(5))));
    delayed(&mut place, 9);
    assert!(proposed(&mut place).iter().all(|change| change.cause.is_none()));
}

fn shortage_of(location: &str, state: ExceptionState) -> (EntityKey, Transition) {
    let item = ExceptionItem { state, ..testing::item("x", ProjectedStockout) };
    let kind = if state.is_final() { Cleared } else { Opened };
    (place_at(location), Transition::Exception(Box::new(ExceptionTransition::alone(kind, item))))
}

/// Is short, with what is said to supply it.
fn short_place(source: SourceOfSupply) -> Place {
    let mut place = Place::watching(&[ShortageNow, ProjectedStockout]);
    place.event(day(0), sourced_from("L", source));
    place.sell_daily(&[10, 10, 10]);
    place.event(day(3), counted(30));
    place
}

#[test]
fn a_source_that_is_short_itself_is_behind_it_for_as_long_as_it_is() {
    let mut place = short_place(SourceOfSupply::Location("M".into()));
    assert_eq!(proposed(&mut place)[0].cause, None);
    let (entity, transition) = shortage_of("M", ExceptionState::Open);
    place.reference_learns(entity, transition);
    let changes = proposed(&mut place);
    assert_eq!((changes.len(), changes[0].kind), (1, Updated));
    assert_eq!(changes[0].cause.as_deref(), Some(&CauseRef { entity: place_at("M"), of: Name::default() }));
    assert_eq!(changes[0].item.group.as_deref(), Some("sku_location:A@M"));
    assert!(changes[0].item.cause.as_deref().unwrap().ends_with("; M, which supplies it, is short itself"));
    let (entity, transition) = shortage_of("M", ExceptionState::Cleared);
    place.reference_learns(entity, transition);
    let changes = proposed(&mut place);
    assert_eq!(changes[0].cause, None);
    assert_eq!(changes[0].left_cause.as_deref().map(|cause| &cause.entity), Some(&place_at("M")));
}

#[test]
fn what_another_place_or_a_supplier_is_short_of_is_not_behind_it() {
    for (source, short) in [
        (SourceOfSupply::Location("M".into()), "K"),
        (SourceOfSupply::Supplier("M".into()), "M"),
        (SourceOfSupply::Location("L".into()), "L"),
    ] {
        let mut place = short_place(source);
        let (entity, transition) = shortage_of(short, ExceptionState::Open);
        place.reference_learns(entity, transition);
        assert_eq!(proposed(&mut place)[0].cause, None);
    }
}

#[test]
fn places_that_supply_each_other_do_not_blame_each_other() {
    let mut place = short_place(SourceOfSupply::Location("M".into()));
    place.event(day(3), sourced_from("M", SourceOfSupply::Location("K".into())));
    place.event(day(3), sourced_from("K", SourceOfSupply::Location("L".into())));
    let (entity, transition) = shortage_of("M", ExceptionState::Open);
    place.reference_learns(entity, transition);
    assert_eq!(proposed(&mut place)[0].cause, None);
}

/// What a place that this one supplies has, named as this one's doing.
fn affected_one(id: usize, state: ExceptionState) -> Transition {
    let item = ExceptionItem {
        state,
        units_at_risk: Some(units(3)),
        ..testing::item(&format!("m{id:02}"), ProjectedStockout)
    };
    let cause = CauseRef { entity: Place::new().key, of: Name::default() };
    let change = ExceptionTransition {
        cause: Some(Box::new(cause)),
        ..ExceptionTransition::alone(if state.is_final() { Cleared } else { Updated }, item)
    };
    Transition::Exception(Box::new(change))
}

/// Hears of it and settles; how many its shortage shows then.
fn shows_after(place: &mut Place, transition: Transition) -> u32 {
    place.fact(transition);
    place.settle();
    assert!(place.settle().is_empty(), "settled, and not at rest");
    place.state.exceptions.open(&ShortageNow).unwrap().affected.as_ref().map_or(0, |affected| affected.count)
}

#[test]
fn what_is_grouped_shows_at_once_from_the_first_one_on_though_the_own_loss_is_greater() {
    let short = |change: f64| {
        let mut place = Place::with_settings(|settings| settings.exceptions.update_value_change = change);
        place.event(hour(0), counted(0)).event(hour(0), order("o", 1_000, None));
        place.settle();
        place
    };
    let mut place = short(0.1);
    for id in 0..10 {
        assert_eq!(shows_after(&mut place, affected_one(id, ExceptionState::Open)) as usize, id + 1);
    }
    // Of many, a tenth more; less than that waits for an hour.
    let told_at = place.business_time;
    assert_eq!(shows_after(&mut place, affected_one(10, ExceptionState::Open)), 10);
    assert!(place.reconcile().next_review_at.is_some_and(|at| at <= told_at.plus(HOUR)));
    assert_eq!(shows_after(&mut place, affected_one(11, ExceptionState::Open)), 12);
    assert_eq!(shows_after(&mut place, affected_one(12, ExceptionState::Open)), 12);
    place.at(told_at.plus(HOUR));
    assert_eq!(shows_after(&mut place, affected_one(12, ExceptionState::Open)), 13);
    for id in 0..13 {
        let shown = shows_after(&mut place, affected_one(id, ExceptionState::Cleared)) as usize;
        assert!(shown.abs_diff(12 - id) <= 1 && (shown == 0) == (id == 12), "{shown} without {id}");
    }
    // However large a change has to be: none is not some.
    let mut place = short(10.0);
    assert_eq!(shows_after(&mut place, affected_one(0, ExceptionState::Open)), 1);
    assert_eq!(shows_after(&mut place, affected_one(1, ExceptionState::Open)), 1);
    assert_eq!(shows_after(&mut place, affected_one(0, ExceptionState::Cleared)), 1);
    assert_eq!(shows_after(&mut place, affected_one(1, ExceptionState::Cleared)), 0);
}
