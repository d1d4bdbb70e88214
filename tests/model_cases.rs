//! The cases of stock that are easy to get wrong, one by one, and the numbers that follow from stock, demand and
//! supply, against golden values.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::sync::atomic::{AtomicI64, Ordering};

use common::http::encode;
use common::{Batch, Client, Tower, at, eventually};
use serde_json::{Value, json};

/// 2025-03-03T00:00:00Z, a Monday: midnight, so that the present is the start of a whole day.
const START: i64 = 1_740_960_000;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// The tower's business time: each check moves it on from where the one before left it.
static NOW: AtomicI64 = AtomicI64::new(START);

#[test]
fn the_hard_cases_of_stock_come_out_right() {
    let tower = Tower::launch().dev().event_clock().start();
    advance(&tower.http(), START);
    checks!(
        tower,
        shipped_before_placed,
        changed_after_shipped,
        cancelled_before_placed,
        two_counts_out_of_order,
        counts_at_one_time_are_ordered_by_sequence_source_and_id,
        a_late_movement_before_a_count_changes_nothing,
        a_movement_at_the_time_of_a_count_changes_nothing,
        returns_go_to_their_status,
        a_negative_stock_is_kept,
        a_receipt_for_an_unannounced_line_is_stock,
        a_receipt_that_names_only_its_line_waits_for_it,
        a_change_leaves_lines_it_does_not_name,
        half_a_place_is_completed_from_the_line,
        half_a_place_of_an_unknown_line_waits_for_it,
        a_whole_document_is_cancelled,
        a_transfer_is_reserved_here_and_ordered_there,
        shipments_move_no_stock,
        a_promise_in_the_future_is_not_due_until_time_reaches_it,
        a_count_that_needs_forgotten_movements_is_too_old,
        a_count_beyond_the_kept_movements_is_too_old,
        time_is_not_turned_back,
    );
}

fn now() -> i64 {
    NOW.load(Ordering::SeqCst)
}

fn advance(client: &Client, to: i64) -> u64 {
    static TOLD: AtomicI64 = AtomicI64::new(0);
    let mut batch = Batch::new(&format!("clock-{}-{to}", TOLD.fetch_add(1, Ordering::SeqCst)));
    batch.add_at(to, "clock.advanced", json!({"to": at(to)}));
    NOW.fetch_max(to, Ordering::SeqCst);
    client.accept(&batch.take())["lsn"].as_u64().unwrap()
}

#[track_caller]
fn read(client: &Client, sku: &str, location: &str, lsn: u64) -> Value {
    client.settled(&format!("/api/v1/sku-locations/{}/{}", encode(sku), encode(location)), lsn).expect(200)
}

/// Sends events one request each, in this order, and reads a SKU-location at L1 after the last.
#[track_caller]
fn after(client: &Client, sku: &str, batch: &mut Batch) -> Value {
    let mut lsn = 0;
    for event in batch.take() {
        lsn = client.accept(&[event])["lsn"].as_u64().unwrap();
    }
    read(client, sku, "L1", lsn)
}

#[track_caller]
fn is(found: &Value, expected: Value) {
    for (field, value) in expected.as_object().unwrap() {
        let same = found[field].as_f64().zip(value.as_f64()).is_some_and(|(a, b)| (a - b).abs() < 1e-9);
        assert!(same || found[field] == *value, "{field} is {}, should be {value}: {found}", found[field]);
    }
}

fn count(sku: &str, on_hand: i64) -> Value {
    json!({"sku": sku, "location": "L1", "on_hand": on_hand})
}

fn quantity(sku: &str, quantity: i64) -> Value {
    json!({"sku": sku, "location": "L1", "quantity": quantity})
}

fn order(sku: &str, quantity: i64) -> Value {
    json!({"order_id": format!("O-{sku}"), "line_id": "1", "sku": sku, "location": "L1", "quantity": quantity})
}

fn shipped(sku: &str, quantity: i64) -> Value {
    json!({"order_id": format!("O-{sku}"), "line_id": "1", "quantity": quantity})
}

fn shipped_before_placed(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "ship-first", now());
    let mut batch = Batch::new(sku);
    batch.add_at(t + 1, "inventory.counted", count(sku, 50));
    // Nobody knows yet where this line belongs: it is held.
    batch.add_at(t + 20, "order.shipped", shipped(sku, 4));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 50, "reserved": 0}));
    batch.add_at(t + 10, "order.placed", order(sku, 10));
    is(
        &after(&client, sku, &mut batch),
        json!({"on_hand": 46, "reserved": 6, "due": 6, "available": 40, "backorders": 0, "inventory_position": 40}),
    );
}

fn changed_after_shipped(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "change-late", now());
    let mut batch = Batch::new(sku);
    batch.add_at(t + 1, "inventory.counted", count(sku, 5));
    batch.add_at(t + 10, "order.placed", order(sku, 10));
    batch.add_at(t + 30, "order.shipped", shipped(sku, 8));
    is(&after(&client, sku, &mut batch), json!({"on_hand": -3, "reserved": 2, "due": 2, "backorders": 2}));
    // Said before it was shipped, heard after: fewer are wanted than went.
    batch.add_at(t + 20, "order.changed", order(sku, 6));
    is(&after(&client, sku, &mut batch), json!({"on_hand": -3, "reserved": 0, "due": 0, "backorders": 0}));
    // An older change than the one that counts.
    batch.add_at(t + 15, "order.changed", order(sku, 99));
    is(&after(&client, sku, &mut batch), json!({"reserved": 0}));
    batch.add_at(t + 40, "order.changed", order(sku, 12));
    is(&after(&client, sku, &mut batch), json!({"on_hand": -3, "reserved": 4, "available": -7}));
}

fn cancelled_before_placed(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "cancel-first", now());
    let mut batch = Batch::new(sku);
    batch.add_at(t + 1, "inventory.counted", count(sku, 5));
    batch.add_at(t + 30, "order.cancelled", json!({"order_id": format!("O-{sku}"), "line_id": "1"}));
    batch.add_at(t + 10, "order.placed", order(sku, 10));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 5, "reserved": 0, "due": 0, "available": 5}));
}

fn two_counts_out_of_order(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "two-counts", now());
    let mut batch = Batch::new(sku);
    batch.add_at(t + 10, "pos.sale", quantity(sku, 1));
    batch.add_at(t + 40, "pos.sale", quantity(sku, 2));
    batch.add_at(t + 60, "pos.sale", quantity(sku, 4));
    is(&after(&client, sku, &mut batch), json!({"on_hand": -7}));
    batch.add_at(t + 50, "inventory.counted", count(sku, 100));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 96}));
    batch.add_at(t + 20, "inventory.counted", count(sku, 500));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 96}));
    batch.add_at(t + 60, "inventory.counted", count(sku, 7));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 7}));
}

fn counts_at_one_time_are_ordered_by_sequence_source_and_id(tower: &Tower) {
    let (client, t) = (tower.http(), now());
    // (sequence, source, id) and what was counted; the last of each list is the one that counts.
    let ties = [
        [("0002", "/a", "1", 10), ("0003", "/a", "0", 20)],
        [("0002", "/a", "9", 10), ("0002", "/b", "1", 20)],
        [("0002", "/a", "id-1", 10), ("0002", "/a", "id-2", 20)],
    ];
    for (number, tie) in ties.iter().enumerate() {
        for reversed in [false, true] {
            let sku = format!("tie-{number}-{reversed}");
            let mut counts: Vec<Value> = tie
                .iter()
                .map(|(sequence, source, id, on_hand)| {
                    json!({"specversion": "1.0", "type": "inventory.counted", "source": source, "sequence": sequence,
                        "id": format!("{sku}-{id}"), "time": at(t + 10), "data": count(&sku, *on_hand)})
                })
                .collect();
            if reversed {
                counts.reverse();
            }
            let mut lsn = 0;
            for counted in counts {
                lsn = client.accept(&[counted])["lsn"].as_u64().unwrap();
            }
            is(&read(&client, &sku, "L1", lsn), json!({"on_hand": 20}));
        }
    }
}

fn a_late_movement_before_a_count_changes_nothing(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "late-movement", now());
    let mut batch = Batch::new(sku);
    batch.add_at(t + 50, "inventory.counted", count(sku, 30));
    for (kind, data) in [
        ("pos.sale", quantity(sku, 3)),
        ("pos.return", quantity(sku, 2)),
        ("inventory.adjusted", json!({"sku": sku, "location": "L1", "delta": 5})),
        (
            "order.shipped",
            json!({"order_id": "O-l", "line_id": "1", "quantity": 1, "sku": sku, "location": "L1"}),
        ),
    ] {
        batch.add_at(t + 40, kind, data);
    }
    is(&after(&client, sku, &mut batch), json!({"on_hand": 30}));
    // It is no movement of stock any more, and still part of what its line was sent.
    let placed = json!({"order_id": "O-l", "line_id": "1", "sku": sku, "location": "L1", "quantity": 4});
    batch.add_at(t + 30, "order.placed", placed);
    is(&after(&client, sku, &mut batch), json!({"on_hand": 30, "reserved": 3}));
}

fn a_movement_at_the_time_of_a_count_changes_nothing(tower: &Tower) {
    let (client, t) = (tower.http(), now());
    for count_first in [true, false] {
        let sku = format!("same-time-{count_first}");
        let mut batch = Batch::new(&sku);
        if count_first {
            batch.add_at(t + 50, "inventory.counted", count(&sku, 30));
        }
        batch.add_at(t + 50, "pos.sale", quantity(&sku, 3));
        if !count_first {
            batch.add_at(t + 50, "inventory.counted", count(&sku, 30));
        }
        is(&after(&client, &sku, &mut batch), json!({"on_hand": 30}));
    }
}

fn returns_go_to_their_status(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "returned", now());
    let returned = |disposition: &str, back: i64| json!({"sku": sku, "location": "L1", "quantity": back, "disposition": disposition});
    let mut batch = Batch::new(sku);
    batch.add_at(t + 1, "inventory.counted", count(sku, 10));
    batch.add_at(t + 2, "pos.return", quantity(sku, 1));
    batch.add_at(t + 2, "pos.return", returned("saleable", 2));
    batch.add_at(t + 2, "pos.return", returned("blocked", 4));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 13, "blocked": 4, "available": 13}));
    batch.add_at(t + 3, "pos.return", returned("damaged", 8));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 13, "available": 13, "inventory_position": 13}));
    // A count of one status says nothing about another.
    batch.add_at(
        t + 4,
        "inventory.counted",
        json!({"sku": sku, "location": "L1", "on_hand": 0, "status": "blocked"}),
    );
    is(&after(&client, sku, &mut batch), json!({"on_hand": 13}));
}

fn a_negative_stock_is_kept(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "negative", now());
    let mut batch = Batch::new(sku);
    batch.add_at(t + 1, "inventory.counted", count(sku, -4));
    batch.add_at(t + 2, "pos.sale", quantity(sku, 1));
    batch.add_at(t + 3, "order.placed", order(sku, 2));
    is(
        &after(&client, sku, &mut batch),
        json!({"on_hand": -5, "available": -7, "backorders": 2, "inventory_position": -7}),
    );
}

fn a_receipt_for_an_unannounced_line_is_stock(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "unannounced", now());
    let received = json!({"po_id": "PO-u", "line_id": "7", "quantity": 30, "sku": sku, "location": "L1", "supplier": "S"});
    let mut batch = Batch::new(sku);
    batch.add_at(t + 20, "purchase_order.received", received);
    is(&after(&client, sku, &mut batch), json!({"on_hand": 30, "on_order": 0}));
    let lines = json!([{"line_id": "7", "sku": sku, "location": "L1", "quantity": 100}]);
    batch.add_at(t + 10, "purchase_order.placed", json!({"po_id": "PO-u", "supplier": "S", "lines": lines}));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 30, "on_order": 70, "inventory_position": 100}));
}

fn a_receipt_that_names_only_its_line_waits_for_it(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "held", now());
    let mut batch = Batch::new(sku);
    batch.add_at(t + 1, "inventory.counted", count(sku, 0));
    let held = json!({"po_id": "PO-h", "line_id": "1", "quantity": 30});
    batch.add_at(t + 20, "purchase_order.received", held);
    is(&after(&client, sku, &mut batch), json!({"on_hand": 0, "on_order": 0}));
    let lines = json!([{"line_id": "1", "sku": sku, "location": "L1", "quantity": 100}]);
    batch.add_at(t + 10, "purchase_order.placed", json!({"po_id": "PO-h", "supplier": "S", "lines": lines}));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 30, "on_order": 70}));
}

fn a_change_leaves_lines_it_does_not_name(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "lines", now());
    let lines: Vec<Value> = (1..=3)
        .map(|i| json!({"line_id": i.to_string(), "sku": sku, "location": "L1", "quantity": 10}))
        .collect();
    let mut batch = Batch::new(sku);
    batch.add_at(t + 1, "purchase_order.placed", json!({"po_id": "PO-n", "supplier": "S", "lines": lines}));
    is(&after(&client, sku, &mut batch), json!({"on_order": 30, "on_hand": 0}));
    let change = json!({"po_id": "PO-n", "lines": [{"line_id": "2", "quantity": 25}]});
    batch.add_at(t + 2, "purchase_order.changed", change);
    is(&after(&client, sku, &mut batch), json!({"on_order": 45}));
    batch.add_at(t + 3, "purchase_order.cancelled", json!({"po_id": "PO-n", "line_id": "1"}));
    is(&after(&client, sku, &mut batch), json!({"on_order": 35}));
    batch.add_at(t + 4, "purchase_order.received", json!({"po_id": "PO-n", "line_id": "2", "quantity": 40}));
    is(&after(&client, sku, &mut batch), json!({"on_order": 10, "on_hand": 40}));
}

#[track_caller]
fn is_at(client: &Client, [sku, location]: [&str; 2], expected: Value) {
    is(&client.get(&format!("/api/v1/sku-locations/{sku}/{location}?settled=true")).expect(200), expected);
}

fn half_a_place_is_completed_from_the_line(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "half", now());
    let mut batch = Batch::new(sku);
    for place in [["half", "L1"], ["half", "L2"], ["half-b", "L1"], ["half-b", "L2"]] {
        batch.add_at(
            t + 1,
            "inventory.counted",
            json!({"sku": place[0], "location": place[1], "on_hand": 100}),
        );
    }
    batch.add_at(
        t + 2,
        "order.placed",
        json!({"order_id": "O-half", "line_id": "1", "sku": sku, "location": "L1", "quantity": 10}),
    );
    let shipped = |quantity: i64, half: Value| {
        let mut data = json!({"order_id": "O-half", "line_id": "1", "quantity": quantity});
        data.as_object_mut().unwrap().extend(half.as_object().unwrap().clone());
        data
    };
    // What the line says itself.
    batch.add_at(t + 3, "order.shipped", shipped(2, json!({"sku": sku})));
    batch.add_at(t + 3, "order.shipped", shipped(2, json!({"location": "L1"})));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 96, "reserved": 6}));
    // From another location, and another item instead.
    batch.add_at(t + 4, "order.shipped", shipped(3, json!({"location": "L2"})));
    batch.add_at(t + 4, "order.shipped", shipped(1, json!({"sku": "half-b"})));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 96, "reserved": 2}));
    is_at(&client, [sku, "L2"], json!({"on_hand": 97, "reserved": 0}));
    is_at(&client, ["half-b", "L1"], json!({"on_hand": 99, "reserved": 0}));
    is_at(&client, ["half-b", "L2"], json!({"on_hand": 100, "reserved": 0}));

    // One line goes to where another line of the order is, and nothing else does.
    let lines = json!([
        {"line_id": "1", "sku": sku, "location": "L1", "quantity": 50},
        {"line_id": "2", "sku": "half-b", "location": "L2", "quantity": 20},
    ]);
    batch.add_at(
        t + 5,
        "purchase_order.placed",
        json!({"po_id": "PO-half", "supplier": "S", "lines": lines}),
    );
    let change = |line: Value| json!({"po_id": "PO-half", "lines": [line]});
    let to = json!({"line_id": "1", "location": "L2", "quantity": 50});
    batch.add_at(t + 6, "purchase_order.changed", change(to));
    is(&after(&client, sku, &mut batch), json!({"on_order": 0}));
    is_at(&client, [sku, "L2"], json!({"on_order": 50}));
    is_at(&client, ["half-b", "L2"], json!({"on_order": 20}));
    is_at(&client, ["half-b", "L1"], json!({"on_order": 0}));
    let received = |quantity: i64, half: &str, name: &str| json!({"po_id": "PO-half", "line_id": "1", "quantity": quantity, (half): name});
    batch.add_at(t + 7, "purchase_order.received", received(10, "sku", sku));
    batch.add_at(t + 7, "purchase_order.received", received(5, "location", "L1"));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 101, "on_order": 0}));
    is_at(&client, [sku, "L2"], json!({"on_hand": 107, "on_order": 35}));
    // Back to where it was: the last place that was said counts, and not the last that was new.
    let back = json!({"line_id": "1", "location": "L1", "quantity": 50});
    batch.add_at(t + 8, "purchase_order.changed", change(back));
    batch.add_at(t + 9, "purchase_order.received", received(1, "sku", "half-b"));
    let other = json!({"line_id": "2", "sku": sku, "quantity": 20});
    batch.add_at(t + 9, "purchase_order.changed", change(other));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 101, "on_order": 34}));
    is_at(&client, [sku, "L2"], json!({"on_hand": 107, "on_order": 20}));
    is_at(&client, ["half-b", "L1"], json!({"on_hand": 100, "on_order": 0}));
    is_at(&client, ["half-b", "L2"], json!({"on_hand": 100, "on_order": 0}));
}

fn half_a_place_of_an_unknown_line_waits_for_it(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "half-known", now());
    let mut batch = Batch::new(sku);
    batch.add_at(t + 1, "inventory.counted", count(sku, 10));
    let line = json!({"line_id": "1", "sku": sku, "quantity": 9});
    batch.add_at(t + 3, "purchase_order.changed", json!({"po_id": "PO-known", "lines": [line]}));
    let received = json!({"po_id": "PO-known", "line_id": "1", "quantity": 4, "location": "L1"});
    batch.add_at(t + 4, "purchase_order.received", received);
    let shipped = json!({"order_id": "O-known", "line_id": "1", "quantity": 3, "sku": sku});
    batch.add_at(t + 4, "order.shipped", shipped);
    is(&after(&client, sku, &mut batch), json!({"on_hand": 10, "on_order": 0}));
    let lines = json!([{"line_id": "1", "sku": sku, "location": "L1", "quantity": 5}]);
    batch.add_at(
        t + 2,
        "purchase_order.placed",
        json!({"po_id": "PO-known", "supplier": "S", "lines": lines}),
    );
    is(&after(&client, sku, &mut batch), json!({"on_hand": 14, "on_order": 5}));
    batch.add_at(
        t + 2,
        "order.placed",
        json!({"order_id": "O-known", "line_id": "1", "sku": sku, "location": "L1", "quantity": 5}),
    );
    is(&after(&client, sku, &mut batch), json!({"on_hand": 11, "reserved": 2}));
}

fn a_whole_document_is_cancelled(tower: &Tower) {
    let (client, t) = (tower.http(), now());
    for (kind, cancel_first) in [
        ("purchase_order.cancelled", false),
        ("purchase_order.closed", false),
        ("purchase_order.cancelled", true),
    ] {
        let sku = format!("whole-{kind}-{cancel_first}");
        let po_id = format!("PO-{sku}");
        let lines: Vec<Value> = (1..=3)
            .map(|i| json!({"line_id": i.to_string(), "sku": sku, "location": "L1", "quantity": 10}))
            .collect();
        let mut placed = Batch::new(&sku);
        placed.add_at(
            t + 1,
            "purchase_order.placed",
            json!({"po_id": po_id, "supplier": "S", "lines": lines}),
        );
        let mut ended = Batch::new(&format!("{sku}-end"));
        ended.add_at(t + 9, kind, json!({"po_id": po_id}));
        if cancel_first {
            client.accept(&ended.take());
        }
        let seen = after(&client, &sku, &mut placed);
        is(&seen, json!({"on_order": if cancel_first { 0 } else { 30 }}));
        if !cancel_first {
            is(&after(&client, &sku, &mut ended), json!({"on_order": 0, "on_hand": 0}));
        }
        // Goods that come all the same are stock.
        placed.add_at(
            t + 10,
            "purchase_order.received",
            json!({"po_id": po_id, "line_id": "2", "quantity": 4}),
        );
        is(&after(&client, &sku, &mut placed), json!({"on_order": 0, "on_hand": 4}));
    }
}

fn a_transfer_is_reserved_here_and_ordered_there(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "moved", now());
    let line = json!({"line_id": "1", "sku": sku, "from": "DC", "to": "L1", "quantity": 10, "promised_at": at(t + DAY)});
    let mut batch = Batch::new(sku);
    batch.add_at(t + 1, "inventory.counted", json!({"sku": sku, "location": "DC", "on_hand": 100}));
    batch.add_at(t + 5, "transfer.placed", json!({"transfer_id": "T-m", "lines": [line]}));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 0, "on_order": 10, "inventory_position": 10}));
    let donor = |expected: Value| is(&read(&client, sku, "DC", 1), expected);
    donor(
        json!({"on_hand": 100, "reserved": 10, "due": 0, "available": 90, "backorders": 0, "inventory_position": 90}),
    );
    batch.add_at(t + 6, "transfer.dispatched", json!({"transfer_id": "T-m", "line_id": "1", "quantity": 6}));
    is(&after(&client, sku, &mut batch), json!({"on_order": 10}));
    donor(json!({"on_hand": 94, "reserved": 4, "available": 90, "inventory_position": 90}));
    batch.add_at(t + 7, "transfer.received", json!({"transfer_id": "T-m", "line_id": "1", "quantity": 6}));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 6, "on_order": 4}));
    batch.add_at(t + 8, "transfer.cancelled", json!({"transfer_id": "T-m"}));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 6, "on_order": 0}));
    donor(json!({"on_hand": 94, "reserved": 0, "inventory_position": 94}));
}

fn shipments_move_no_stock(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "shipment", now());
    let lines = json!([{"line_id": "1", "sku": sku, "location": "L1", "quantity": 10}]);
    let carried = json!([{"po_id": "PO-s", "line_id": "1", "quantity": 6}]);
    let mut batch = Batch::new(sku);
    batch.add_at(t + 1, "purchase_order.placed", json!({"po_id": "PO-s", "supplier": "S", "lines": lines}));
    let shipment = json!({"shipment_id": "H-s", "eta": at(t + 5 * DAY), "lines": carried});
    batch.add_at(t + 2, "shipment.dispatched", shipment);
    is(
        &after(&client, sku, &mut batch),
        json!({"on_hand": 0, "on_order": 10, "in_transit": 6, "inventory_position": 10}),
    );
    batch.add_at(t + 3, "shipment.delayed", json!({"shipment_id": "H-s", "eta": at(t + 6 * DAY)}));
    is(&after(&client, sku, &mut batch), json!({"on_order": 10, "in_transit": 6}));
    batch.add_at(t + 4, "shipment.arrived", json!({"shipment_id": "H-s"}));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 0, "on_order": 10, "in_transit": 0}));
}

fn a_promise_in_the_future_is_not_due_until_time_reaches_it(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "promised", now());
    let mut placed = order(sku, 10);
    placed["promised_at"] = json!(at(t + 6 * HOUR));
    let mut batch = Batch::new(sku);
    batch.add_at(t + 1, "inventory.counted", count(sku, 4));
    batch.add_at(t + 2, "order.placed", placed);
    is(
        &after(&client, sku, &mut batch),
        json!({"reserved": 10, "due": 0, "backorders": 0, "available": -6, "inventory_position": 4}),
    );
    let before = advance(&client, t + 6 * HOUR - 1);
    is(&read(&client, sku, "L1", before), json!({"due": 0}));
    let reached = advance(&client, t + 6 * HOUR);
    let seen = read(&client, sku, "L1", reached);
    is(&seen, json!({"reserved": 10, "due": 10, "backorders": 6, "inventory_position": -6}));
    assert_eq!(
        seen["as_of"].as_str().map(|text| text.parse::<jiff::Timestamp>().unwrap().as_second()),
        Some(now())
    );
    // What is due and not there is a shortage, found by time alone.
    let open = client.get(&format!("/api/v1/exceptions?sku={sku}&type=shortage_now")).expect(200);
    assert_eq!(open["items"].as_array().unwrap().len(), 1, "{open}");
}

fn quarantined_as_too_old(client: &Client, sku: &str) {
    eventually("the count in quarantine", || {
        let entries = client.list("/api/v1/quarantine");
        let found = entries.iter().any(|entry| {
            let text = entry.to_string();
            text.contains("count_too_old") && text.contains(sku)
        });
        found.then_some(())
    });
}

fn a_count_that_needs_forgotten_movements_is_too_old(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "old-count", now());
    let mut batch = Batch::new(sku);
    batch.add_at(t + 10, "pos.sale", quantity(sku, 3));
    after(&client, sku, &mut batch);
    advance(&client, t + 60 * HOUR);
    batch.add_at(t + 60 * HOUR, "pos.sale", quantity(sku, 2));
    is(&after(&client, sku, &mut batch), json!({"on_hand": -5}));
    // Within the window it is taken, and nothing forgotten is needed.
    batch.add_at(t + 59 * HOUR, "inventory.counted", count(sku, 50));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 48}));
    // As of before the movement that is forgotten by now.
    let sku = "old-count-2";
    batch.add_at(t + 60 * HOUR, "pos.sale", quantity(sku, 1));
    after(&client, sku, &mut batch);
    advance(&client, t + 120 * HOUR);
    batch.add_at(t + 120 * HOUR, "pos.sale", quantity(sku, 2));
    batch.add_at(t + 50 * HOUR, "inventory.counted", count(sku, 50));
    is(&after(&client, sku, &mut batch), json!({"on_hand": -3}));
    quarantined_as_too_old(&client, sku);
}

fn a_count_beyond_the_kept_movements_is_too_old(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "many-movements", now());
    let mut batch = Batch::new(sku);
    for i in 1..=600 {
        batch.add_at(t + i, "pos.sale", quantity(sku, 1));
    }
    let lsn = client.accept(&batch.take())["lsn"].as_u64().unwrap();
    is(&read(&client, sku, "L1", lsn), json!({"on_hand": -600}));
    batch.add_at(t + 20, "inventory.counted", count(sku, 1000));
    is(&after(&client, sku, &mut batch), json!({"on_hand": -600}));
    quarantined_as_too_old(&client, sku);
    batch.add_at(t + 590, "inventory.counted", count(sku, 1000));
    is(&after(&client, sku, &mut batch), json!({"on_hand": 990}));
}

fn time_is_not_turned_back(tower: &Tower) {
    let (client, sku, t) = (tower.http(), "back", now());
    let mut placed = order(sku, 10);
    placed["promised_at"] = json!(at(t));
    let mut batch = Batch::new(sku);
    batch.add_at(t, "order.placed", placed);
    is(&after(&client, sku, &mut batch), json!({"due": 10}));
    batch.add_at(t - DAY, "clock.advanced", json!({"to": at(t - DAY)}));
    // Taken or rejected: due stays due.
    let answer = client.post_batch(&batch.take());
    assert!(answer.status == 202 || answer.status == 422, "{}", answer.status);
    is(&read(&client, sku, "L1", 1), json!({"due": 10}));
}
