//! What events do to document lines, and what that does to reservation and pipeline.

use crate::domain::approval_case::{ActionState, CaseChange, CaseTransition, testing};
use crate::domain::event::{ActionAnswer, EventData, PurchaseOrderStep, ShipmentStep};
use crate::domain::exception::ExceptionType;
use crate::domain::exception::slots::ConditionNoted;
use crate::domain::record::Transition;
use crate::domain::sku_location::testing::*;

/// Reserved, due, on order, in transit, in units.
#[track_caller]
fn check(place: &Place, reserved: i64, due: i64, on_order: i64, in_transit: i64) {
    let view = place.view();
    let actual = [view.reserved, view.due, view.on_order, view.in_transit];
    assert_eq!(actual, [reserved, due, on_order, in_transit].map(units));
}

#[test]
fn an_open_order_line_is_reserved_and_due_once_its_promise_is_reached() {
    let mut place = Place::new();
    place.event(hour(0), counted(7));
    place.event(hour(0), order("a", 10, None)).event(hour(0), order("b", 5, Some(hour(3))));
    check(&place, 15, 10, 0, 0);
    let view = place.view();
    assert_eq!((view.available, view.backorders), (units(-8), units(3)));
    assert_eq!(view.inventory_position, units(-3));
    place.at(hour(3));
    check(&place, 15, 15, 0, 0);
}

#[test]
fn shipping_takes_from_stock_and_from_the_line_and_never_below_zero() {
    let mut place = Place::new();
    place.event(hour(0), counted(20)).event(hour(1), order("a", 10, None)).event(hour(2), shipped("a", 4));
    check(&place, 6, 6, 0, 0);
    place.event(hour(3), shipped("a", 9));
    check(&place, 0, 0, 0, 0);
    assert_eq!(place.view().on_hand, units(7));
}

#[test]
fn shipped_before_placed_and_cancelled_before_placed_come_out_right() {
    let mut place = Place::new();
    place.at(hour(9)).event(hour(2), shipped("a", 4)).event(hour(1), order("a", 10, None));
    check(&place, 6, 6, 0, 0);
    place.event(hour(2), order_cancelled("b")).event(hour(1), order("b", 10, None));
    check(&place, 6, 6, 0, 0);
}

#[test]
fn the_latest_statement_counts_for_each_field_that_it_names() {
    let mut place = Place::new();
    place.at(hour(9)).event(hour(3), order("a", 30, None));
    check(&place, 30, 30, 0, 0);
    // Earlier statements: no say in the quantity, but the last to name a promise names it.
    place.event(hour(2), order("a", 20, Some(hour(20)))).event(hour(1), order("a", 10, Some(hour(1))));
    check(&place, 30, 0, 0, 0);
    place.event(hour(4), order("a", 40, None));
    check(&place, 40, 0, 0, 0);
    place.event(hour(5), order("a", 50, Some(hour(9))));
    check(&place, 50, 50, 0, 0);
}

#[test]
fn a_line_that_moves_to_another_place_is_nothing_here() {
    let mut place = Place::new();
    place.at(hour(9)).event(hour(2), order_at("a", 10, "M", None)).event(hour(1), order("a", 10, None));
    check(&place, 0, 0, 0, 0);
    // Its shipment leaves from there.
    place.event(hour(3), shipped("a", 10));
    assert_eq!(place.view().on_hand, units(0));
    // What was shipped there is no longer to ship when it comes back.
    place.event(hour(4), order("a", 15, None));
    check(&place, 5, 5, 0, 0);
}

#[test]
fn goods_that_leave_elsewhere_shrink_the_line_and_not_the_stock() {
    let mut place = Place::new();
    place.event(hour(1), order("a", 10, None)).event(hour(2), shipped_from("a", 4, "M"));
    check(&place, 6, 6, 0, 0);
    assert_eq!(place.view().on_hand, units(0));
}

#[test]
fn purchase_lines_are_on_order_until_received() {
    let mut place = Place::new();
    place.event(hour(0), purchase("p", 100, None)).event(hour(5), received("p", 60));
    check(&place, 0, 0, 40, 0);
    assert_eq!((place.view().on_hand, place.view().inventory_position), (units(60), units(100)));
    place.event(hour(6), received("p", 60));
    check(&place, 0, 0, 0, 0);
    assert_eq!(place.view().on_hand, units(120));
}

#[test]
fn a_receipt_that_nobody_announced_is_stock() {
    let mut place = Place::new();
    place.at(hour(9)).event(hour(5), received("p", 60));
    check(&place, 0, 0, 0, 0);
    assert_eq!(place.view().on_hand, units(60));
    place.event(hour(1), purchase("p", 100, None));
    check(&place, 0, 0, 40, 0);
}

#[test]
fn a_document_that_ends_takes_all_its_lines_along_also_those_still_to_arrive() {
    let mut place = Place::new();
    place.at(hour(9)).event(hour(1), purchase("p", 10, None)).event(hour(3), purchase_ended("p", None));
    check(&place, 0, 0, 0, 0);
    place.event(hour(3), purchase_ended("q", None)).event(hour(1), purchase("q", 10, None));
    check(&place, 0, 0, 0, 0);
    // Stated first after the end: not meant by it.
    place.event(hour(3), purchase_ended("r", None)).event(hour(4), purchase("r", 10, None));
    check(&place, 0, 0, 10, 0);
}

#[test]
fn a_transfer_is_reserved_where_it_leaves_and_on_order_where_it_goes() {
    let mut place = Place::new();
    place.event(hour(0), counted(50)).event(hour(1), transfer("t", "L", "M", 20, None));
    check(&place, 20, 0, 0, 0);
    assert_eq!(place.view().inventory_position, units(30));
    place.event(hour(2), dispatched("t", 15)).event(hour(3), transfer_received("t", 15));
    check(&place, 5, 0, 0, 0);
    assert_eq!(place.view().on_hand, units(35));

    place.event(hour(1), transfer("u", "M", "L", 20, None));
    check(&place, 5, 0, 20, 0);
    place.event(hour(2), dispatched("u", 20));
    check(&place, 5, 0, 20, 0);
    place.event(hour(3), transfer_received("u", 12));
    check(&place, 5, 0, 8, 0);
    assert_eq!(place.view().on_hand, units(47));
    place.event(hour(4), transfer_cancelled("u")).event(hour(4), transfer_cancelled("t"));
    check(&place, 0, 0, 0, 0);
}

#[test]
fn what_is_dispatched_and_not_arrived_is_in_transit() {
    use ShipmentStep::{Arrived, Dispatched};
    let mut place = Place::new();
    place.at(hour(9)).event(hour(0), purchase("p", 100, None));
    place.event(hour(1), shipment(Dispatched, "s", None, &[("p", Some(30))]));
    place.event(hour(1), shipment(Dispatched, "t", None, &[("p", None)]));
    check(&place, 0, 0, 100, 100);
    place.event(hour(2), shipment(Arrived, "t", None, &[]));
    check(&place, 0, 0, 100, 30);
    place.event(hour(3), received("p", 80));
    check(&place, 0, 0, 20, 20);
    // Arrived before dispatched.
    place.event(hour(0), purchase("q", 5, None));
    place.event(hour(4), shipment(Arrived, "u", None, &[("q", Some(5))]));
    place.event(hour(3), shipment(Dispatched, "u", None, &[("q", Some(5))]));
    check(&place, 0, 0, 25, 20);
}

/// When the first receipt of the projection comes, in days from the start.
fn first_receipt(place: &Place) -> Option<usize> {
    let projection = place.state.projection(place.business_time, &place.reference, &place.key);
    projection.days.iter().position(|day| day.receipts > 0.0)
}

#[test]
fn an_eta_goes_before_a_confirmed_promise_that_before_the_one_placed_that_before_the_lead_time() {
    let mut place = Place::new();
    place.event(hour(0), purchase("p", 100, None));
    assert_eq!(first_receipt(&place), Some(7));
    place.event(hour(1), purchase("p", 100, Some(day(20))));
    assert_eq!(first_receipt(&place), Some(20));
    place.event(hour(2), acknowledged("p", 100, Some(day(25))));
    assert_eq!(first_receipt(&place), Some(25));
    place.event(hour(3), shipment(ShipmentStep::Dispatched, "s", Some(day(30)), &[("p", None)]));
    assert_eq!(first_receipt(&place), Some(30));
    place.event(hour(4), shipment(ShipmentStep::Delayed, "s", Some(day(40)), &[]));
    assert_eq!(first_receipt(&place), Some(40));
}

#[test]
fn a_reported_delay_moves_a_promise_and_a_date_gone_by_means_tomorrow() {
    let mut place = Place::new();
    place.event(hour(0), purchase("p", 100, Some(day(10))));
    let delay = crate::domain::event::SupplierDelay {
        supplier: "S".into(),
        delay_days: 5.0,
        po_id: Some("p".into()),
        sku: None,
        from: None,
        until: None,
        reason: None,
    };
    place.event(hour(1), EventData::SupplierDelayReported(Box::new(delay)));
    assert_eq!(first_receipt(&place), Some(15));
    place.at(day(30));
    assert_eq!(first_receipt(&place), Some(1));
}

#[test]
fn closed_lines_are_remembered_for_the_window_only() {
    let mut place = Place::new();
    place.event(hour(0), order("a", 10, None)).event(hour(1), shipped("a", 10));
    place.at(hour(47)).event(hour(0), order("a", 10, None));
    check(&place, 0, 0, 0, 0);
    // Demand of the line's own day keeps it until that day is over; then the window decides.
    place.at(hour(49)).event(hour(49), order("b", 1, None)).event(hour(0), order("a", 10, None));
    check(&place, 11, 11, 0, 0);
}

#[test]
fn tombstones_beyond_their_number_go_oldest_first() {
    let mut place = Place::with_settings(|settings| settings.sku_location.tombstones_max = 2);
    for (at, id) in [(1, "a"), (2, "b"), (3, "c")] {
        place.at(hour(at)).event(hour(0), order(id, 10, None)).event(hour(0), shipped(id, 10));
    }
    place.event(hour(0), order("c", 10, None)).event(hour(0), order("b", 10, None));
    check(&place, 0, 0, 0, 0);
    place.event(hour(0), order("a", 10, None));
    check(&place, 10, 10, 0, 0);
}

#[test]
fn a_line_beyond_the_number_of_open_ones_is_refused() {
    let mut place = Place::with_settings(|settings| settings.sku_location.lines_max = 2);
    place.event(hour(0), order("a", 1, None)).event(hour(0), order("b", 1, None));
    place.event(hour(0), order("c", 1, None)).event(hour(1), order("b", 7, None));
    check(&place, 8, 8, 0, 0);
    let [Transition::RefusedEvent(refused)] = &place.reconcile().proposals[..1] else { panic!() };
    assert_eq!(refused.code, "too_many_lines");
}

/// A case that has approved these: 30 units to here, or from here to elsewhere.
fn approved(actions: &[(&str, bool, ActionState)]) -> Transition {
    let mut item = testing::case("c");
    for (id, outbound, state) in actions {
        let (to, from) = if *outbound { ("elsewhere", Some("L")) } else { ("L", None) };
        let mut action = testing::action(id, "A", to, from, units(30));
        action.state = *state;
        action.step.arrives_at = Some(day(3));
        action.expires_at = day(5);
        item.actions.push(action);
    }
    Transition::Case(Box::new(CaseTransition { kind: CaseChange::Approved, item, claims: Vec::new() }))
}

#[test]
fn an_approved_action_counts_until_its_document_comes_it_is_refused_or_it_expires() {
    use ActionState::{Delivered, Pending, Withdrawn};
    let mut place = Place::new();
    place.fact(approved(&[("x", false, Pending), ("y", true, Pending)]));
    check(&place, 30, 0, 30, 0);
    assert_eq!(place.view().planned, units(30));
    let refused = ActionAnswer { action_id: "y".into(), external_ref: None, actual: None, reason: None };
    place.event(hour(1), EventData::ActionConfirmed(Box::new(refused.clone())));
    check(&place, 30, 0, 30, 0);
    place.event(hour(1), EventData::ActionRefused(Box::new(refused)));
    check(&place, 0, 0, 30, 0);

    let mut order = purchase_step(PurchaseOrderStep::Placed, "p", 25, None);
    order.action_id = Some("x".into());
    place.event(hour(2), EventData::PurchaseOrder(Box::new(order)));
    check(&place, 0, 0, 25, 0);
    assert_eq!(place.view().planned, units(0));
    // What was documented does not come back with the case's next change; another action expires.
    place.fact(approved(&[("x", false, Delivered), ("z", false, Pending)]));
    check(&place, 0, 0, 55, 0);
    place.at(day(5));
    check(&place, 0, 0, 25, 0);
    // One that a person withdrew leaves no trace.
    place.at(day(1)).fact(approved(&[("w", false, Pending)]));
    check(&place, 0, 0, 85, 0);
    place.fact(approved(&[("w", false, Withdrawn)]));
    check(&place, 0, 0, 55, 0);
}

#[test]
fn what_was_done_after_it_had_expired_counts_again_unless_its_document_is_here() {
    use ActionState::{Delivered, Expired, Pending};
    let late = |state, expires_at| {
        let mut transition = approved(&[("x", false, state)]);
        if let Transition::Case(change) = &mut transition {
            change.item.actions[0].expires_at = expires_at;
        }
        transition
    };
    let mut place = Place::new();
    place.fact(late(Pending, day(5)));
    place.at(day(5)).fact(late(Expired, day(5)));
    check(&place, 0, 0, 0, 0);
    place.fact(late(Delivered, day(8)));
    check(&place, 0, 0, 30, 0);
    let mut order = purchase_step(PurchaseOrderStep::Placed, "p", 30, None);
    order.action_id = Some("x".into());
    place.event(day(6), EventData::PurchaseOrder(Box::new(order)));
    place.fact(late(Expired, day(5)));
    place.fact(late(Delivered, day(9)));
    check(&place, 0, 0, 30, 0);
    assert_eq!(place.view().planned, units(0));
}

#[test]
fn a_transition_with_a_wrong_revision_changes_nothing() {
    let mut place = Place::new();
    let noted = |holds_since| {
        let noted =
            ConditionNoted { exception_type: ExceptionType::Excess, of: Default::default(), holds_since };
        Transition::ConditionNoted(Box::new(noted))
    };
    let before = place.state.clone();
    place.transition(2, noted(Some(hour(1))));
    assert_eq!(crate::domain::entity::Entity::revision(&place.state), 0);
    assert_eq!(place.state.open_exceptions().count(), before.open_exceptions().count());
    place.transition(1, noted(Some(hour(1))));
    assert_eq!(crate::domain::entity::Entity::revision(&place.state), 1);
}
