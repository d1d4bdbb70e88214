//! What counts towards the bound of entities, and what happens there.

use super::*;
use crate::domain::exception::testing::item;
use crate::domain::exception::{ExceptionChange, ExceptionState, ExceptionTransition, ExceptionType};
use crate::domain::record::{Transition, TransitionBody};

#[test]
fn at_the_limit_nothing_new_is_made_and_what_is_there_goes_on() {
    let mut house = House::new(FoldSettings { entities_max: 4, ..ROOMY }).described();
    assert_eq!(house.directory.len(), 2, "the two suppliers");
    assert_eq!(house.hears("pos.sale", sale("A", "L1")).len(), 1);
    assert_eq!(house.hears("pos.sale", sale("A", "L2")).len(), 1);
    assert_eq!(house.hears("pos.sale", sale("B", "L1")), []);
    let refused = house.lsn;
    let placed = json!({"order_id": "O", "line_id": "1", "sku": "B", "location": "L1", "quantity": 5});
    assert_eq!(house.hears("order.placed", placed), []);
    let line = json!([{"line_id": "1", "sku": "A", "location": "L1", "quantity": 1}]);
    let ordered = json!({"po_id": "P", "supplier": "U", "lines": line});
    assert_eq!(house.hears("purchase_order.placed", ordered), [], "its supplier would be new");
    assert_eq!(house.hears("pos.sale", sale("A", "L1")), [(place("A", "L1"), house.lsn)]);
    let without =
        json!({"po_id": "Q", "lines": [{"line_id": "1", "sku": "A", "location": "L1", "quantity": 1}]});
    assert_eq!(house.hears("purchase_order.placed", without), [(place("A", "L1"), house.lsn)]);
    assert_eq!(house.directory.len(), 4);
    assert_eq!(house.quarantined(), [0, 1, 2].map(|after| (refused + after, "too_many_entities".to_owned())));
}

#[test]
fn what_stands_for_the_undescribed_counts_too() {
    let mut house = House::new(FoldSettings { entities_max: 5, ..ROOMY });
    assert_eq!(house.hears("pos.sale", sale("A", "L1")).len(), 3, "the place, its item, its location");
    assert_eq!(house.hears("pos.sale", sale("B", "L2")), [], "it would be six");
    let refused = house.lsn;
    assert_eq!(house.hears("pos.sale", sale("B", "L1")).len(), 2, "the location is there");
    assert_eq!(house.directory.len(), 5);
    let lines = json!([{"line_id": "1", "sku": "A", "location": "L1", "quantity": 1}]);
    assert_eq!(house.hears("purchase_order.placed", purchase(lines)), [], "its supplier would be new");
    let both = [refused, house.lsn].map(|lsn| (lsn, "too_many_entities".to_owned()));
    assert_eq!((house.quarantined(), house.fold.usage().entities_refused), (both.to_vec(), 2));
}

/// The record with which an exception of A at L1 is raised in a case.
fn raised_in(lsn: u64, case: &str) -> Arc<Record> {
    let mut item = item("x", ExceptionType::ShortageNow);
    (item.state, item.case_id) = (ExceptionState::InCase, Some(case.into()));
    let change = ExceptionTransition::alone(ExceptionChange::Opened, item);
    let transition = Transition::Exception(Box::new(change));
    record(lsn, Body::Transition(Box::new(TransitionBody { entity: place("A", "L1"), transition })))
}

#[test]
fn cases_count_and_the_reference_says_when_no_more_are_opened() {
    let mut house = House::new(FoldSettings { entities_max: 4, ..ROOMY }).described();
    assert_eq!(house.hears("pos.sale", sale("A", "L1")).len(), 1);
    assert!(!house.fold.reference.is_full());
    let told = house.take(&raised_in(house.lsn + 1, "case_1"));
    assert!(matches!(told[0], Told::Created(..)), "{told:?}");
    assert_eq!(told.last(), Some(&Told::ReferenceChanged), "two suppliers, a place and the case are four");
    assert!(house.fold.reference.is_full());
    assert_eq!(house.hears("pos.sale", sale("A", "L2")), []);
    assert_eq!(house.fold.usage().entities_refused, 1);
    // Another exception was on its way into a case of its own before that was known.
    let told = house.take(&raised_in(house.lsn + 1, "case_2"));
    assert!(matches!(told[0], Told::Created(..)), "{told:?}");
    // With more room the next one finds it.
    let fold = FoldSettings { entities_max: 6, ..ROOMY };
    let settings = Box::new(Settings { fold, ..Settings::default() });
    let body = SystemBody::ConfigurationActivated { hash: String::new(), settings };
    house.take(&record(house.lsn + 1, Body::System(Box::new(body))));
    assert!(!house.fold.reference.is_full());
    assert_eq!(house.hears("pos.sale", sale("A", "L2")).len(), 1);
    assert!(house.fold.reference.is_full());
}
