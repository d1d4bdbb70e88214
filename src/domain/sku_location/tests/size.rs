//! How much memory one place takes: there may be a million.

use crate::domain::sku_location::testing::*;
use crate::domain::sku_location::{SkuLocation, Supply};

/// Bytes of the state and of all it has on the heap.
fn bytes(state: &SkuLocation) -> usize {
    let supply = state
        .supply
        .as_deref()
        .map_or(0, |supply| size_of::<Supply>() + supply.purchase_lines.heap_bytes(|line| line.heap_bytes()));
    size_of::<SkuLocation>()
        + state.available.heap_bytes()
        + state.order_lines.heap_bytes(|line| line.heap_bytes())
        + supply
        + state.demand.heap_bytes()
        + state.evidence.heap_bytes()
}

#[test]
fn the_state_itself_is_small() {
    assert!(size_of::<SkuLocation>() <= 400, "{}", size_of::<SkuLocation>());
}

#[test]
fn four_open_lines_and_sixteen_movements_take_little() {
    let mut place = Place::new();
    place.event(hour(0), counted(100));
    for _ in 0..16 {
        place.event(hour(1), sale(1));
    }
    for (order_id, purchase_id) in [("order-10001", "po-10001"), ("order-10002", "po-10002")] {
        place.event(hour(2), order(order_id, 5, Some(day(3))));
        place.event(hour(2), purchase(purchase_id, 50, Some(day(5))));
    }
    let actual = bytes(&place.state);
    assert!(actual <= 1_700, "{actual}");
    println!("{actual} bytes, {} of them the state itself", size_of::<SkuLocation>());
}
