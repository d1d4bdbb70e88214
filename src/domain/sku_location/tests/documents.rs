//! What a place shows of the lines of one document.

use crate::domain::event::{EventData, OrderLine, PurchaseOrderStep, ShipmentStep};
use crate::domain::sku_location::testing::*;
use crate::domain::sku_location::{OrderLineView, PurchaseLineView, TransferEnd};

fn order_lines(place: &Place, order_id: &str) -> Vec<OrderLineView> {
    place.state.order_lines_of(order_id, place.business_time)
}

fn purchase_lines(place: &Place, po_id: &str) -> Vec<PurchaseLineView> {
    place.state.purchase_lines_of(po_id, place.business_time, &place.reference, &place.key)
}

/// An order line that says who wants it.
fn order_of(order_id: &str, quantity: i64, customer: Option<&str>, priority: Option<i64>) -> EventData {
    let EventData::OrderLine(line) = order(order_id, quantity, None) else { unreachable!() };
    EventData::OrderLine(Box::new(OrderLine { customer: customer.map(Into::into), priority, ..*line }))
}

#[test]
fn the_lines_of_one_order_and_no_others() {
    let mut place = Place::new();
    place.event(hour(0), order("a", 10, Some(hour(1)))).event(hour(0), order("ab", 7, None));
    place.event(hour(2), shipped("a", 4));
    let lines = order_lines(&place, "a");
    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    assert_eq!((line.progress.line_id.as_str(), line.progress.ordered), ("1", Some(units(10))));
    assert_eq!((line.progress.fulfilled, line.progress.open), (units(4), units(6)));
    assert_eq!((line.promised_at, line.progress.placed_at), (Some(hour(1)), Some(hour(0))));
    assert!(!line.progress.is_ended && line.customer.is_none());
    assert_eq!(order_lines(&place, "b"), []);
}

#[test]
fn each_field_is_from_the_latest_statement_that_names_it_in_whatever_order_they_come() {
    let statements = [
        (1, order_of("a", 10, Some("first"), Some(1))),
        (2, order_of("a", 20, Some("second"), None)),
        (3, order_of("a", 30, None, None)),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut place = Place::new();
        place.at(hour(9));
        for at in order {
            let (hours, statement) = statements[at].clone();
            place.event(hour(hours), statement);
        }
        let line = order_lines(&place, "a").remove(0);
        assert_eq!(line.progress.ordered, Some(units(30)), "{order:?}");
        assert_eq!((line.customer.as_deref(), line.priority), (Some("second"), Some(1)), "{order:?}");
    }
}

#[test]
fn what_was_shipped_of_an_order_that_nobody_placed_is_known_and_the_rest_is_not() {
    let mut place = Place::new();
    place.event(hour(0), shipped("a", 4));
    let line = order_lines(&place, "a").remove(0);
    assert_eq!(
        (line.progress.ordered, line.progress.fulfilled, line.progress.open),
        (None, units(4), units(0))
    );
    assert_eq!(line.progress.placed_at, None);
}

#[test]
fn a_purchase_line_shows_both_promises_and_the_arrival_that_planning_goes_by() {
    let mut place = Place::new();
    place.event(hour(0), purchase("p", 50, Some(day(5)))).event(hour(1), acknowledged("p", 50, Some(day(7))));
    let line = purchase_lines(&place, "p").remove(0);
    assert_eq!((line.promised_at, line.confirmed_at), (Some(day(5)), Some(day(7))));
    assert_eq!(line.supplier.as_deref(), Some("S"));
    let arrival = line.arrival.unwrap();
    assert_eq!((arrival.first_at, arrival.last_at), (day(7), day(7)));
    // A date gone by says only that it is not here yet.
    place.at(day(9));
    assert_eq!(purchase_lines(&place, "p")[0].arrival.unwrap().first_at, day(10));
    place.event(day(9), received("p", 50));
    let line = purchase_lines(&place, "p").remove(0);
    assert_eq!((line.progress.open, line.progress.fulfilled, line.arrival), (units(0), units(50), None));
}

#[test]
fn a_shipment_splits_the_arrival() {
    let mut place = Place::new();
    place.event(hour(0), purchase("p", 50, Some(day(5))));
    place.event(hour(1), shipment(ShipmentStep::Dispatched, "s", Some(day(3)), &[("p", Some(20))]));
    let line = purchase_lines(&place, "p").remove(0);
    let arrival = line.arrival.unwrap();
    assert_eq!((arrival.first_at, arrival.last_at), (day(3), day(5)));
    assert_eq!(line.in_transit, units(20));
    let shipment = &line.shipments[0];
    assert_eq!(
        (shipment.shipment_id.as_str(), shipment.quantity, shipment.eta),
        ("s", Some(units(20)), Some(day(3)))
    );
    assert!(shipment.is_dispatched && !shipment.has_arrived);
}

#[test]
fn a_line_that_went_elsewhere_says_so() {
    let mut place = Place::new();
    place.event(hour(0), order("a", 10, None)).event(hour(1), order_at("a", 10, "M", None));
    let line = order_lines(&place, "a").remove(0);
    assert!(line.progress.is_elsewhere);
    assert_eq!(line.progress.open, units(0));
}

#[test]
fn each_end_of_a_transfer_knows_its_part() {
    let mut place = Place::new();
    place.event(hour(0), transfer("t", "L", "M", 10, None)).event(hour(0), transfer("u", "M", "L", 6, None));
    place.event(hour(1), dispatched("t", 4));
    let of = |transfer_id: &str| {
        place
            .state
            .transfer_lines_of(transfer_id, place.business_time, &place.reference, &place.key)
            .remove(0)
    };
    let (out, into) = (of("t"), of("u"));
    assert_eq!((out.end, out.progress.fulfilled, out.progress.open), (TransferEnd::From, units(4), units(6)));
    assert_eq!((into.end, into.progress.open), (TransferEnd::To, units(6)));
    assert!(into.arrival.is_some() && out.arrival.is_none());
}

#[test]
fn an_order_placed_by_a_change_alone_has_no_first_promise() {
    let mut place = Place::new();
    let changed = purchase_step(PurchaseOrderStep::Changed, "p", 50, Some(day(5)));
    place.event(hour(0), EventData::PurchaseOrder(Box::new(changed)));
    let line = purchase_lines(&place, "p").remove(0);
    assert_eq!((line.promised_at, line.confirmed_at), (None, Some(day(5))));
}
