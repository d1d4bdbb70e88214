//! What shipments say of purchase orders that will be late.

use super::exceptions::{NONE, told};
use super::watched::Watched;
use super::*;
use crate::domain::exception::ExceptionChange::{Cleared, Opened};
use crate::domain::exception::ExceptionType::*;

#[test]
fn a_shipment_s_eta_after_the_promise_predicts_until_it_comes_forward_or_the_goods_arrive() {
    use ShipmentStep::{Arrived, Delayed, Dispatched};
    let predicted = |supplier: &Watched, now: i64| {
        supplier.supplier.view(TENANT, day(now), &supplier.reference).predicted_late_lines
    };
    let mut supplier = Watched::new();
    supplier.agreed(1, "P", &[("1", 10, Some(9))]);
    supplier.agreed(1, "Q", &[("1", 10, Some(9))]);
    // It carries a part of the one and all of the other.
    supplier.shipment(2, Dispatched, "H", Some(9), &[("P", "1", Some(6)), ("Q", "1", None)]);
    assert_eq!((supplier.told(2.0), predicted(&supplier, 2)), (NONE.to_vec(), 0), "in time");
    supplier.shipment(3, Delayed, "H", Some(12), &[]);
    assert_eq!(
        supplier.told(3.0),
        [told(Opened, PurchaseLatePredicted, "P"), told(Opened, PurchaseLatePredicted, "Q")]
    );
    assert_eq!(predicted(&supplier, 3), 2);
    let item = supplier.item(PurchaseLatePredicted, "P");
    assert_eq!(
        item.cause.as_deref(),
        Some(
            "It is expected 3.0 days after its promise of 1970-01-10T00:00:00Z: shipment H has an eta of \
             1970-01-13T00:00:00Z."
        )
    );
    assert_eq!((item.window.unwrap().from, item.window.unwrap().until), (Some(day(9)), Some(day(12))));
    assert_eq!(item.evidence[0].event_type, "shipment.delayed");
    // It comes forward, with one of the orders alone.
    supplier.shipment(4, Delayed, "H", Some(9), &[("Q", "1", None)]);
    assert_eq!(supplier.told(4.0), [told(Cleared, PurchaseLatePredicted, "Q")]);
    // What has arrived waits for nothing but its receipt, and the rest is promised in time.
    supplier.shipment(5, Arrived, "H", None, &[]);
    assert_eq!(supplier.told(5.0), [told(Cleared, PurchaseLatePredicted, "P")]);
    assert_eq!(predicted(&supplier, 5), 0);
    // Less than a day is none to be told of, as with reported delays.
    supplier.agreed(6, "R", &[("1", 10, Some(9)), ("2", 5, Some(30))]);
    supplier.shipment(6, Delayed, "I", Some(10), &[("R", "2", None)]);
    assert_eq!((supplier.told(6.0), predicted(&supplier, 6)), (NONE.to_vec(), 0));
    supplier.shipment(6, Dispatched, "J", Some(14), &[("R", "1", None)]);
    assert_eq!(supplier.told(6.0), [told(Opened, PurchaseLatePredicted, "R")]);
    // Received, or promised for then.
    supplier.received(7, "R", "1", 10);
    assert_eq!(supplier.told(7.0), [told(Cleared, PurchaseLatePredicted, "R")]);
    supplier.shipment(7, Delayed, "I", Some(33), &[]);
    assert_eq!(supplier.told(7.0), [told(Opened, PurchaseLatePredicted, "R")]);
    supplier.changed(8, "R", &[("2", 5, Some(33))]);
    assert_eq!(supplier.told(8.0), [told(Cleared, PurchaseLatePredicted, "R")]);
}

#[test]
fn a_shipment_s_eta_goes_before_a_delay_that_was_reported_and_a_part_that_came_before_is_not_of_it() {
    use ShipmentStep::Dispatched;
    let mut supplier = Watched::new();
    supplier.agreed(1, "P", &[("1", 10, Some(9))]);
    supplier.delay(2, Some("P"), 5.0);
    assert_eq!(supplier.told(2.0), [told(Opened, PurchaseLatePredicted, "P")]);
    supplier.received(3, "P", "1", 4);
    supplier.shipment(4, Dispatched, "H", Some(9), &[("P", "1", Some(6))]);
    assert_eq!(supplier.told(4.0), [told(Cleared, PurchaseLatePredicted, "P")], "all that is open is on it");
    // Half of it comes: that was of the shipment, and so is the rest.
    supplier.received(5, "P", "1", 3);
    assert_eq!(supplier.told(5.0), NONE);
    // More was ordered than it carries: that comes as was reported.
    supplier.changed(6, "P", &[("1", 20, None)]);
    assert_eq!(supplier.told(6.0), [told(Opened, PurchaseLatePredicted, "P")]);
    assert_eq!(
        supplier.item(PurchaseLatePredicted, "P").cause.as_deref(),
        Some("It is expected 5.0 days after its promise of 1970-01-10T00:00:00Z.")
    );
}
