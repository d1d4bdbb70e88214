//! What is grouped under a purchase order, and what the order's exception makes of it.

use super::exceptions::{NONE, told};
use super::watched::{Watched, eur};
use super::*;
use crate::domain::exception::ExceptionChange::{Cleared, Opened, Updated};
use crate::domain::exception::ExceptionType::*;
use crate::domain::exception::{ExceptionState, ExceptionType, Severity};
use crate::domain::time::HOUR;

#[test]
fn a_loss_counts_once_whatever_number_of_exceptions_an_order_leads_to() {
    let mut supplier = Watched::new();
    supplier.placed(1, "P", &[("1", 10, Some(9))]);
    // The same loss of one place twice, and that of another one.
    supplier.member_at("A", "A-short", "P", 700, ExceptionState::Open);
    supplier.member_at("A", "A-order", "P", 500, ExceptionState::Open);
    supplier.member_at("B", "B-short", "P", 400, ExceptionState::Open);
    let (changes, _) = supplier.settle(day(9));
    // Not even for the moment in which both are raised.
    let missing: Vec<_> =
        changes.iter().filter(|change| change.item.exception_type == AcknowledgementMissing).collect();
    assert!(missing.len() == 1 && missing[0].item.value_at_risk.is_none(), "{missing:?}");
    let late = supplier.item(PurchaseLate, "P");
    assert_eq!((late.value_at_risk, late.affected.as_ref().unwrap().count), (Some(eur(1_100)), 3));
    // The order is not acknowledged either: that is worth nothing beside.
    let missing = supplier.item(AcknowledgementMissing, "P");
    assert_eq!((missing.value_at_risk, missing.affected.as_ref().unwrap().count), (None, 3));
    let because = |kind: ExceptionType| {
        let id = &supplier.item(kind, "P").id;
        let worth = supplier.supplier.worth(id, &key(), day(9), &supplier.reference).unwrap();
        worth["value_at_risk"].because.clone()
    };
    assert_eq!(because(PurchaseLate), None);
    let id = &supplier.item(PurchaseLate, "P").id;
    let worth = supplier.supplier.worth(id, &key(), day(9), &supplier.reference).unwrap();
    assert_eq!(
        (worth["own_units"].value, worth["units_at_risk"].formula),
        (Some(10.0), "max(own_units, members)")
    );
    assert!(because(AcknowledgementMissing).unwrap().contains("purchase_late"));
    // Of what is left of a place the most counts, until nothing is.
    supplier.member_at("A", "A-short", "P", 700, ExceptionState::Cleared);
    supplier.settle(day(9));
    assert_eq!(supplier.item(PurchaseLate, "P").value_at_risk, Some(eur(900)));
    supplier.member_at("A", "A-order", "P", 500, ExceptionState::Cleared);
    supplier.settle(day(9));
    assert_eq!(supplier.item(PurchaseLate, "P").value_at_risk, Some(eur(400)));
}

#[test]
fn the_goods_of_a_line_count_with_the_exception_that_says_best_what_is_wrong_with_it() {
    let mut supplier = Watched::new();
    // Two euros a unit. What has come of the first line is late by day 9; the second has time.
    supplier.placed(1, "P", &[("1", 100, Some(9)), ("2", 100, Some(60))]);
    supplier.received(5, "P", "1", 60);
    supplier.received(5, "P", "2", 90);
    supplier.settle(day(8));
    let worth = |supplier: &Watched, kind: ExceptionType| {
        let item = supplier.item(kind, "P");
        (item.value_at_risk, item.units_at_risk.unwrap())
    };
    let units = Quantity::from_units;
    assert_eq!(worth(&supplier, ReceiptPartial), (Some(eur(100)), units(50)), "both are short");
    assert_eq!(worth(&supplier, AcknowledgementMissing), (None, units(50)), "the same goods");
    supplier.settle(day(9));
    assert_eq!(worth(&supplier, PurchaseLate), (Some(eur(80)), units(40)));
    assert_eq!(worth(&supplier, ReceiptPartial), (Some(eur(20)), units(50)), "what is late is told as late");
    let because = |supplier: &Watched, now: i64| {
        let id = &supplier.item(AcknowledgementMissing, "P").id;
        let worth = supplier.supplier.worth(id, &key(), day(now), &supplier.reference).unwrap();
        worth["value_at_risk"].because.clone().unwrap()
    };
    assert!(because(&supplier, 9).contains("another exception"), "{}", because(&supplier, 9));
    // Nobody hears of the lateness any more: it counts elsewhere again.
    supplier.dismiss(PurchaseLate, "P", 9);
    supplier.settle(day(9));
    assert_eq!(worth(&supplier, ReceiptPartial), (Some(eur(100)), units(50)));
}

#[test]
fn goods_that_no_room_is_left_to_tell_as_late_are_told_otherwise() {
    let mut supplier = Watched::new();
    // As many as are told at once, and one more that is due a day later and that nobody has acknowledged.
    for order in 0..256 {
        supplier.agreed(1, &format!("P{order}"), &[("1", 10, Some(8))]);
    }
    supplier.placed(1, "Q", &[("1", 10, Some(9))]);
    supplier.settle(day(10));
    assert!(supplier.supplier.exceptions().open_of(&PurchaseLate, "P255").is_some());
    assert!(supplier.supplier.exceptions().open_of(&PurchaseLate, "Q").is_none(), "there is no room for it");
    assert_eq!(supplier.item(AcknowledgementMissing, "Q").value_at_risk, Some(eur(20)));
}

#[test]
fn what_places_suffer_from_an_order_is_counted_once_under_it() {
    let mut supplier = Watched::new();
    supplier.agreed(1, "P", &[("1", 10, Some(9))]);
    supplier.member("A", "P", 700, ExceptionState::Open);
    supplier.member("B", "P", 400, ExceptionState::Open);
    // Nothing says that the order is late, but that places miss it.
    assert_eq!(supplier.told(3.0), [told(Opened, PurchaseLatePredicted, "P")]);
    let item = supplier.item(PurchaseLatePredicted, "P");
    let affected = item.affected.as_ref().unwrap();
    assert_eq!((affected.count, &*affected.key), (2, "purchase_order:P"));
    assert_eq!((item.value_at_risk, item.severity), (Some(eur(1_100)), Severity::High));
    // Late, it takes the places along.
    assert_eq!(
        supplier.told(9.0),
        [told(Cleared, PurchaseLatePredicted, "P"), told(Opened, PurchaseLate, "P")]
    );
    let item = supplier.item(PurchaseLate, "P");
    assert_eq!((item.affected.as_ref().unwrap().count, item.value_at_risk), (2, Some(eur(1_100))));
    supplier.member("A", "P", 700, ExceptionState::Cleared);
    let (changes, _) = supplier.settle(day(9));
    assert_eq!((changes.len(), changes[0].item.value_at_risk), (1, Some(eur(400))));
    // What has nothing open is no cause any more, whatever is still said.
    supplier.received(10, "P", "1", 10);
    assert_eq!(supplier.told(10.0), [told(Cleared, PurchaseLate, "P")]);
    // An order that this supplier does not have is none of its.
    supplier.member("C", "X", 400, ExceptionState::Open);
    assert_eq!(supplier.told(11.0), NONE);
}

#[test]
fn a_cause_has_to_be_decided_as_soon_as_what_is_grouped_under_it() {
    let mut supplier = Watched::new();
    supplier.agreed(1, "P", &[("1", 10, Some(30))]);
    supplier.delay(2, Some("P"), 3.0);
    supplier.member("A", "P", 700, ExceptionState::Open);
    assert_eq!(supplier.told(3.0), [told(Opened, PurchaseLatePredicted, "P")]);
    let shown = |supplier: &Watched| {
        let item = supplier.item(PurchaseLatePredicted, "P");
        (item.decide_by, item.urgency)
    };
    assert_eq!(shown(&supplier), (None, 4), "nothing can be decided about it: 648 hours to its promise");
    // A place behind it has to decide within three days: that is no news to wait for.
    supplier.member_by("A", "P", Some(day(6)), None);
    assert_eq!(supplier.told(3.0), [told(Updated, PurchaseLatePredicted, "P")]);
    assert_eq!(shown(&supplier), (Some(day(6)), 25), "72 hours are left");
    // Another one, later, and one about which nothing can be done before it begins: the earliest counts.
    supplier.member_by("B", "P", Some(day(8)), None);
    supplier.member_by("C", "P", None, Some(day(5)));
    supplier.told(3.0);
    assert_eq!(shown(&supplier), (Some(day(6)), 33), "to be decided first, and 48 hours until C is short");
    let id = supplier.item(PurchaseLatePredicted, "P").id.clone();
    let worth = supplier.supplier.worth(&id, &key(), day(3), &supplier.reference).unwrap();
    let decide_by = &worth["decide_by"];
    assert_eq!((decide_by.time, decide_by.formula), (Some(day(6)), "earliest(deadline)"));
    assert_eq!(decide_by.inputs[0].about.as_deref(), Some("exception A"));
    let left = &worth["urgency"].inputs[1];
    assert_eq!((left.value, left.time), (Some(48.0), Some(day(5))));
    assert!(left.about.as_deref().is_some_and(|about| about.contains("3 exceptions")), "{left:?}");
    // A step less urgent waits until there is time to tell it.
    supplier.member("C", "P", 700, ExceptionState::Cleared);
    supplier.member("A", "P", 700, ExceptionState::Cleared);
    supplier.told(3.0);
    supplier.settle(day(3).plus(HOUR));
    assert_eq!(shown(&supplier).0, Some(day(8)));
    supplier.member("B", "P", 700, ExceptionState::Cleared);
    supplier.settle(day(3).plus(2 * HOUR));
    assert_eq!(shown(&supplier), (None, 4));
}
