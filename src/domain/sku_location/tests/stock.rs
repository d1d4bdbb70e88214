//! What events do to stock.

use crate::domain::event::StockStatus;
use crate::domain::record::Transition;
use crate::domain::sku_location::testing::*;

#[track_caller]
fn check_on_hand(place: &Place, on_hand: i64) {
    assert_eq!(place.view().on_hand, units(on_hand));
}

#[test]
fn sales_returns_and_adjustments_move_stock() {
    let mut place = Place::new();
    place.event(hour(0), counted(50)).event(hour(1), sale(8)).event(hour(2), adjusted(-2));
    place.event(hour(3), returned(3, StockStatus::Available));
    check_on_hand(&place, 43);
}

#[test]
fn blocked_and_damaged_returns_go_to_their_status() {
    let mut place = Place::new();
    place.event(hour(1), returned(3, StockStatus::Blocked)).event(hour(1), returned(4, StockStatus::Damaged));
    check_on_hand(&place, 0);
    assert_eq!(place.view().blocked, units(7));
    place.event(hour(2), counted_as(1, StockStatus::Blocked));
    assert_eq!(place.view().blocked, units(5));
}

#[test]
fn movements_after_a_count_go_on_top_and_earlier_ones_change_nothing() {
    let mut place = Place::new();
    place.at(hour(5)).event(hour(1), sale(2)).event(hour(3), sale(4)).event(hour(2), counted(100));
    check_on_hand(&place, 96);
    place.event(hour(1), sale(7)).event(hour(2), sale(7));
    check_on_hand(&place, 96);
}

#[test]
fn a_negative_stock_is_kept_as_told() {
    let mut place = Place::new();
    place.event(hour(0), counted(-5)).event(hour(1), sale(2));
    check_on_hand(&place, -7);
}

#[test]
fn of_two_counts_the_later_wins_and_at_equal_times_the_greater_sequence() {
    let mut place = Place::new();
    place.at(hour(9)).event(hour(5), counted(50)).event(hour(4), counted(40));
    check_on_hand(&place, 50);
    place.sequence = "10";
    place.event(hour(5), counted(10));
    place.sequence = "9";
    place.event(hour(5), counted(9));
    check_on_hand(&place, 10);
    place.sequence = "11";
    place.event(hour(5), counted(11));
    check_on_hand(&place, 11);
}

/// Codes of what would be quarantined.
fn refusals(place: &Place) -> Vec<String> {
    let refusals = place.reconcile().proposals.into_iter().filter_map(|proposal| match proposal {
        Transition::RefusedEvent(refused) => Some(refused.code.to_string()),
        _ => None,
    });
    refusals.collect()
}

#[test]
fn a_count_that_needs_movements_older_than_the_window_is_refused() {
    let mut place = Place::new();
    place.at(hour(0)).event(hour(0), counted(100)).event(hour(2), sale(1)).event(hour(10), sale(1));
    place.at(hour(51)).event(hour(1), counted(70));
    check_on_hand(&place, 98);
    assert_eq!(refusals(&place), ["count_too_old"]);
    // Applying the refusal settles it.
    place.settle();
    assert!(refusals(&place).is_empty());
    // One as of the last forgotten movement or later needs none of them.
    place.event(hour(2), counted(70));
    check_on_hand(&place, 69);
    assert!(refusals(&place).is_empty());
}

#[test]
fn a_count_that_does_not_win_is_never_too_old() {
    let mut place = Place::new();
    place.event(hour(3), counted(100)).event(hour(4), sale(1)).at(hour(90)).event(hour(80), sale(1));
    place.event(hour(2), counted(1));
    assert!(refusals(&place).is_empty());
    check_on_hand(&place, 98);
}

#[test]
fn a_late_movement_beyond_the_window_still_counts() {
    let mut place = Place::new();
    place.event(hour(0), counted(100)).at(hour(100)).event(hour(1), sale(30));
    check_on_hand(&place, 70);
}

#[test]
fn movements_beyond_the_number_kept_are_forgotten_oldest_first() {
    let mut place = Place::with_settings(|settings| settings.sku_location.movements_kept_max = 3);
    place.at(hour(9));
    for at in [5, 1, 4, 2, 3] {
        place.event(hour(at), sale(1));
    }
    check_on_hand(&place, -5);
    place.event(hour(1), counted(100));
    assert_eq!(refusals(&place), ["count_too_old"]);
    place.settle();
    place.event(hour(2), counted(100));
    check_on_hand(&place, 97);
}
