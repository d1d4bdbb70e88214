//! On time in full: when a line that does not come counts, and that it counts once.

use super::watched::Watched;
use super::*;
use crate::domain::exception::ExceptionChange::Opened;
use crate::domain::exception::ExceptionType::SupplierUnreliable;

/// Share of lines on time and in full, share of those in full, lines.
fn otif(supplier: &Watched, at: i64) -> (Option<f64>, Option<f64>, usize) {
    let view = supplier.supplier.view(TENANT, day(at), &supplier.reference);
    (view.otif_share, view.in_full_share, view.otif_lines)
}

#[test]
fn a_line_that_does_not_come_counts_once_its_window_is_over_by_time_alone() {
    let mut supplier = Watched::new();
    for order in 0..12 {
        supplier.agreed(1, &format!("P{order:02}"), &[("1", 10, Some(10))]);
    }
    // Until the tenth day, and a day of grace.
    let (changes, review) = supplier.settle(day(11));
    assert!(changes.iter().all(|change| change.item.exception_type != SupplierUnreliable));
    assert_eq!((otif(&supplier, 11), review), ((None, None, 0), Some(day(11).plus(1))));
    let (changes, _) = supplier.settle(day(11).plus(1));
    let told: Vec<_> = changes.iter().map(|change| (change.kind, &change.item.exception_type)).collect();
    assert!(told.contains(&(Opened, &SupplierUnreliable)), "{told:?}");
    assert_eq!(otif(&supplier, 12), (Some(0.0), Some(0.0), 12));
    // One comes late: it was counted already, and is in full now. One is closed: nothing changes.
    supplier.received(50, "P00", "1", 10);
    supplier.ended(51, EventType::PurchaseOrderClosed, "P01");
    assert_eq!(otif(&supplier, 52), (Some(0.0), Some(1.0 / 12.0), 12));
}

#[test]
fn a_line_of_which_a_part_came_is_not_in_full_and_what_was_overdue_stays_so() {
    let with_part = || {
        let mut supplier = Watched::new();
        for order in 0..4 {
            supplier.agreed(1, &format!("Q{order}"), &[("1", 10, Some(10))]);
            supplier.received(10, &format!("Q{order}"), "1", 10);
        }
        supplier.agreed(1, "P", &[("1", 100, Some(10))]);
        supplier.received(9, "P", "1", 50);
        supplier
    };
    let failed = (Some(0.8), Some(0.8), 5);
    assert_eq!(otif(&with_part(), 11), (Some(1.0), Some(1.0), 4));
    assert_eq!(otif(&with_part(), 60), failed);
    // When it was given up in time nobody was to deliver it any more; later it had failed already.
    for (at, expected) in [(11, (Some(1.0), Some(1.0), 4)), (12, failed)] {
        for way in ["cancelled", "moved", "nothing"] {
            let mut supplier = with_part();
            match way {
                "cancelled" => supplier.ended(at, EventType::PurchaseOrderCancelled, "P"),
                "moved" => supplier.given_to(at, "P", "W"),
                _ => supplier.changed(at, "P", &[("1", 0, None)]),
            }
            assert_eq!(otif(&supplier, 60), expected, "{way} on day {at}");
        }
    }
    // What came in time and is heard of late was in time.
    let mut supplier = with_part();
    supplier.settle(day(30));
    supplier.received(11, "P", "1", 50);
    assert_eq!(otif(&supplier, 60), (Some(1.0), Some(1.0), 5));
}

#[test]
fn a_later_promise_counts_only_where_lines_are_judged_by_it() {
    use crate::domain::settings::OtifDate;
    for (against, expected) in [(OtifDate::Promised, 1), (OtifDate::Confirmed, 0)] {
        let mut supplier = Watched::with(|settings| settings.supplier.otif_against = against);
        supplier.agreed(1, "P", &[("1", 10, Some(10))]);
        supplier.acknowledged(13, "P", &[("1", 10, Some(30))]);
        assert_eq!(otif(&supplier, 20).2, expected, "{against:?}");
        assert_eq!(otif(&supplier, 32).2, 1, "{against:?}");
    }
}

#[test]
fn overdue_lines_take_no_more_room_than_others() {
    let mut supplier = Watched::with(|settings| settings.supplier.receipts_kept_max = 3);
    for order in 0..5 {
        supplier.agreed(1, &format!("P{order}"), &[("1", 10, Some(10 + order))]);
    }
    supplier.agreed(1, "Q", &[("1", 10, Some(20))]);
    supplier.received(20, "Q", "1", 10);
    assert_eq!(otif(&supplier, 30), (Some(1.0 / 3.0), Some(1.0 / 3.0), 3));
    // The oldest of them makes nothing newer by coming.
    supplier.received(30, "P0", "1", 10);
    assert_eq!(otif(&supplier, 31), (Some(1.0 / 3.0), Some(1.0 / 3.0), 3));
}

#[test]
fn a_line_that_a_setting_makes_full_is_no_failure() {
    let mut supplier = Watched::new();
    supplier.agreed(1, "P", &[("1", 100, Some(10))]);
    supplier.received(10, "P", "1", 95);
    supplier.settle(day(30));
    assert_eq!(otif(&supplier, 30), (Some(0.0), Some(0.0), 1));
    supplier.reference = reference(|settings| settings.supplier.otif_quantity_tolerance = 0.1);
    // Whatever is heard of it first: it is in full by then, and was in time.
    supplier.shipment(31, ShipmentStep::Delayed, "H", Some(40), &[("P", "1", Some(5))]);
    assert_eq!(otif(&supplier, 32), (Some(1.0), Some(1.0), 1));
}
