//! What a place shows of the lines of one document.

use crate::domain::event::{DocumentKind, EventData, OrderLine, PurchaseOrderStep, ShipmentStep};
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
fn what_came_before_a_shipment_was_dispatched_is_not_of_it() {
    let ordered = (hour(0), purchase("p", 100, Some(day(5))));
    let early = (day(1), received("p", 40));
    let lines = [("p", Some(30))];
    let dispatched = (day(2), shipment(ShipmentStep::Dispatched, "s", Some(day(8)), &lines));
    let delayed = (day(4), shipment(ShipmentStep::Delayed, "s", Some(day(9)), &[]));
    let late = (day(3), received("p", 10));
    let arrived = (day(5), shipment(ShipmentStep::Arrived, "s", None, &[]));
    let after = |events: &[&(crate::domain::time::Timestamp, EventData)]| {
        let mut place = Place::new();
        place.at(day(5));
        for (at, data) in events.iter().copied() {
            place.event(*at, data.clone());
        }
        let line = purchase_lines(&place, "p").remove(0);
        let arrival = line.arrival.unwrap();
        (line.progress.open, line.in_transit, arrival.last_at, place.view().in_transit)
    };
    let whole = |open: i64, in_transit: i64, last: i64| {
        (units(open), units(in_transit), day(last), units(in_transit))
    };
    // In the order of time, and the receipt heard of late.
    assert_eq!(after(&[&ordered, &early, &dispatched]), whole(60, 30, 8));
    assert_eq!(after(&[&ordered, &dispatched, &early]), whole(60, 30, 8));
    // What comes after the departure is of it, also if it is said to be delayed later.
    for events in [
        [&ordered, &early, &dispatched, &late, &delayed],
        [&ordered, &dispatched, &delayed, &late, &early],
        [&late, &early, &ordered, &dispatched, &delayed],
    ] {
        assert_eq!(after(&events), whole(50, 20, 9));
    }
    // Arrived it is on the way no longer; what is open is to be received or promised.
    assert_eq!(after(&[&ordered, &early, &dispatched, &late, &delayed, &arrived]), whole(50, 0, 6));
    // One that nobody has told to be dispatched can't have come before it was delayed.
    let told = (day(2), shipment(ShipmentStep::Delayed, "s", Some(day(8)), &lines));
    assert_eq!(after(&[&ordered, &early, &told]), whole(60, 0, 8));
    assert_eq!(after(&[&ordered, &told, &late]), whole(90, 0, 8));
}

#[test]
fn of_several_shipments_the_first_to_depart_is_received_first() {
    let dispatched =
        |id: &str, eta: i64| shipment(ShipmentStep::Dispatched, id, Some(day(eta)), &[("p", Some(30))]);
    let mut place = Place::new();
    place.at(day(4)).event(hour(0), purchase("p", 90, Some(day(5))));
    // The second is heard of first.
    place.event(day(2), dispatched("a", 20)).event(day(1), dispatched("b", 10));
    place.event(day(3), received("p", 30));
    let line = purchase_lines(&place, "p").remove(0);
    let ids: Vec<_> = line.shipments.iter().map(|shipment| shipment.shipment_id.as_str()).collect();
    assert_eq!((ids.as_slice(), line.in_transit), (&["b", "a"][..], units(30)));
    let arrival = line.arrival.unwrap();
    assert_eq!((arrival.first_at, arrival.last_at), (day(5), day(20)), "b is here");
    // The other one has arrived: what was received is of it before it is of one that is still under way.
    place.event(day(4), shipment(ShipmentStep::Arrived, "a", None, &[]));
    let line = purchase_lines(&place, "p").remove(0);
    assert_eq!((line.in_transit, line.arrival.unwrap().last_at), (units(30), day(10)));
}

#[test]
fn a_transfer_s_shipment_is_not_received_before_it_departs() {
    let mut place = Place::new();
    place.at(day(3)).event(hour(0), transfer("u", "M", "L", 100, Some(day(5))));
    place.event(day(1), transfer_received("u", 40));
    let EventData::Shipment(mut said) =
        shipment(ShipmentStep::Dispatched, "s", Some(day(8)), &[("u", Some(30))])
    else {
        unreachable!("a shipment")
    };
    said.lines[0].document_kind = DocumentKind::Transfer;
    place.event(day(2), EventData::Shipment(said));
    assert_eq!((place.view().on_order, place.view().in_transit), (units(60), units(30)));
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
