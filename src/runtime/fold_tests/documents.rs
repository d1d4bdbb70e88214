//! Documents: who hears of their lines, and what waits for them.

use super::*;

#[test]
fn a_shipment_of_an_unknown_order_line_waits_for_it_and_takes_effect_there() {
    let mut house = House::new(ROOMY).described();
    let shipped = json!({"order_id": "O", "line_id": "1", "quantity": 2});
    assert_eq!(house.hears("order.shipped", shipped.clone()), []);
    let held = house.lsn;
    assert_eq!(house.fold.usage().held, 1);
    let placed =
        |line: &str| json!({"order_id": "O", "line_id": line, "sku": "A", "location": "L1", "quantity": 5});
    let other = house.hears("order.placed", placed("2"));
    assert_eq!(other, [(place("A", "L1"), house.lsn)], "another line of the order is not what it waits for");
    let heard = house.hears("order.placed", placed("1"));
    assert_eq!(heard, [(place("A", "L1"), house.lsn), (place("A", "L1"), held)]);
    assert_eq!(house.fold.usage().held, 0);
    let again = house.hears("order.shipped", shipped);
    assert_eq!(again, [(place("A", "L1"), house.lsn)], "from now on the line is known");
}

#[test]
fn what_waits_for_one_line_is_released_in_the_order_in_which_it_came() {
    let mut house = House::new(ROOMY).described();
    let ended = house.hears("purchase_order.closed", json!({"po_id": "P"}));
    let received = json!({"po_id": "P", "line_id": "1", "quantity": 1});
    let received = house.hears("purchase_order.received", received);
    let changed = house
        .hears("purchase_order.changed", json!({"po_id": "P", "lines": [{"line_id": "1", "quantity": 4}]}));
    assert_eq!((ended, received, changed), (vec![], vec![], vec![]));
    let [first, second, third] = [house.lsn - 2, house.lsn - 1, house.lsn];
    let line = json!([{"line_id": "1", "sku": "A", "location": "L1", "quantity": 9}]);
    let heard = house.hears("purchase_order.placed", purchase(line));
    let each = |lsn| [(place("A", "L1"), lsn), (supplier("S"), lsn)];
    assert_eq!(heard, [house.lsn, first, second, third].map(each).concat());
    assert_eq!(house.fold.usage().held, 0);
}

#[test]
fn lines_that_join_a_document_that_ended_hear_of_its_end_too() {
    let mut house = House::new(ROOMY).described();
    house.hears(
        "purchase_order.placed",
        purchase(json!([{"line_id": "1", "sku": "A", "location": "L1", "quantity": 1}])),
    );
    let heard = house.hears("purchase_order.cancelled", json!({"po_id": "P"}));
    let end = house.lsn;
    assert_eq!(heard, [(place("A", "L1"), end), (supplier("S"), end)]);
    let line = json!([{"line_id": "2", "sku": "B", "location": "L2", "quantity": 1}]);
    let heard = house.hears("purchase_order.changed", purchase(line.clone()));
    let here = house.lsn;
    assert_eq!(heard, [(place("B", "L2"), here), (supplier("S"), here), (place("B", "L2"), end)]);
    let heard = house.hears("purchase_order.changed", purchase(line));
    assert_eq!(heard, [(place("B", "L2"), house.lsn), (supplier("S"), house.lsn)], "and hears it once");
}

#[test]
fn the_end_of_one_line_is_for_that_line_alone() {
    let mut house = House::new(ROOMY).described();
    let lines = json!([
        {"line_id": "1", "sku": "A", "location": "L1", "quantity": 1},
        {"line_id": "2", "sku": "B", "location": "L1", "quantity": 1},
    ]);
    let heard = house.hears("purchase_order.placed", purchase(lines));
    assert_eq!(heard, [place("A", "L1"), place("B", "L1"), supplier("S")].map(|key| (key, house.lsn)));
    let heard = house.hears("purchase_order.cancelled", json!({"po_id": "P", "line_id": "2"}));
    assert_eq!(heard, [(place("B", "L1"), house.lsn), (supplier("S"), house.lsn)]);
    let heard = house.hears("purchase_order.acknowledged", json!({"po_id": "P"}));
    assert_eq!(
        heard,
        [place("A", "L1"), place("B", "L1"), supplier("S")].map(|key| (key, house.lsn)),
        "a step that names no line is about all of them"
    );
}

#[test]
fn a_change_that_names_only_line_ids_goes_where_the_lines_are_and_waits_for_all_of_them() {
    let mut house = House::new(ROOMY).described();
    let change =
        json!({"po_id": "P", "lines": [{"line_id": "1", "quantity": 4}, {"line_id": "2", "quantity": 4}]});
    house.hears(
        "purchase_order.placed",
        purchase(json!([{"line_id": "1", "sku": "A", "location": "L1", "quantity": 1}])),
    );
    assert_eq!(house.hears("purchase_order.changed", change.clone()), [], "one line has no place yet");
    let held = house.lsn;
    let heard = house.hears(
        "purchase_order.changed",
        purchase(json!([{"line_id": "2", "sku": "B", "location": "L2", "quantity": 1}])),
    );
    let here = house.lsn;
    assert_eq!(
        heard,
        [
            (place("B", "L2"), here),
            (supplier("S"), here),
            (place("A", "L1"), held),
            (place("B", "L2"), held),
            (supplier("S"), held),
        ]
    );
    let heard = house.hears("purchase_order.changed", change);
    assert_eq!(heard, [place("A", "L1"), place("B", "L2"), supplier("S")].map(|key| (key, house.lsn)));
}

#[test]
fn several_lines_of_one_place_are_one_delivery() {
    let mut house = House::new(ROOMY).described();
    let lines = json!([
        {"line_id": "1", "sku": "A", "location": "L1", "quantity": 1},
        {"line_id": "2", "sku": "A", "location": "L1", "quantity": 1},
    ]);
    let heard = house.hears("purchase_order.placed", purchase(lines));
    assert_eq!(heard, [(place("A", "L1"), house.lsn), (supplier("S"), house.lsn)]);
}

#[test]
fn a_line_that_moves_is_heard_of_at_both_places() {
    let mut house = House::new(ROOMY).described();
    let line = |location: &str| json!({"order_id": "O", "line_id": "1", "sku": "A", "location": location, "quantity": 5});
    house.hears("order.placed", line("L1"));
    let heard = house.hears("order.changed", line("L2"));
    assert_eq!(heard, [(place("A", "L1"), house.lsn), (place("A", "L2"), house.lsn)]);
    let heard = house.hears("order.cancelled", json!({"order_id": "O", "line_id": "1"}));
    assert_eq!(heard, [(place("A", "L1"), house.lsn), (place("A", "L2"), house.lsn)]);
}

#[test]
fn a_shipment_that_comes_before_its_orders_waits_for_each_of_them() {
    let mut house = House::new(ROOMY).described();
    let lines = json!([{"po_id": "P", "line_id": "1"}, {"transfer_id": "X", "line_id": "1"}]);
    let shipment = json!({"shipment_id": "H", "lines": lines});
    assert_eq!(house.hears("shipment.dispatched", shipment), []);
    let dispatched = house.lsn;
    assert_eq!(
        house.hears("shipment.delayed", json!({"shipment_id": "H", "eta": "2026-01-01T00:00:00Z"})),
        []
    );
    let delayed = house.lsn;
    let heard = house.hears(
        "purchase_order.placed",
        purchase(json!([{"line_id": "1", "sku": "A", "location": "L1", "quantity": 1}])),
    );
    assert_eq!(
        heard,
        [(place("A", "L1"), house.lsn), (supplier("S"), house.lsn)],
        "the transfer is not there yet"
    );
    assert_eq!(house.fold.usage().held, 2);
    let transfer = json!({"transfer_id": "X", "lines": [{"line_id": "1", "sku": "A", "from": "L2", "to": "L3", "quantity": 1, "promised_at": DUE}]});
    let heard = house.hears("transfer.placed", transfer);
    let here = house.lsn;
    let ends = [place("A", "L2"), place("A", "L3")];
    let all = [place("A", "L1"), place("A", "L2"), place("A", "L3"), supplier("S")];
    let expected: Vec<_> = ends
        .map(|key| (key, here))
        .into_iter()
        .chain(all.clone().map(|key| (key, dispatched)))
        .chain(all.map(|key| (key, delayed)))
        .collect();
    assert_eq!(heard, expected);
    assert_eq!(house.fold.usage().held, 0);
}

#[test]
fn a_transfer_is_heard_of_at_both_ends() {
    let mut house = House::new(ROOMY).described();
    let moved = json!({"transfer_id": "X", "line_id": "1", "quantity": 1});
    assert_eq!(house.hears("transfer.dispatched", moved.clone()), []);
    let held = house.lsn;
    let ends = [place("A", "L1"), place("A", "L2")];
    let transfer = json!({"transfer_id": "X", "lines": [{"line_id": "1", "sku": "A", "from": "L1", "to": "L2", "quantity": 1, "promised_at": DUE}]});
    let heard = house.hears("transfer.placed", transfer);
    let here = house.lsn;
    assert_eq!(heard, [ends.clone().map(|key| (key, here)), ends.clone().map(|key| (key, held))].concat());
    for kind in ["transfer.received", "transfer.dispatched"] {
        assert_eq!(house.hears(kind, moved.clone()), ends.clone().map(|key| (key, house.lsn)));
    }
    let heard = house.hears("transfer.cancelled", json!({"transfer_id": "X"}));
    assert_eq!(heard, ends.map(|key| (key, house.lsn)));
}

#[test]
fn a_receipt_that_names_its_place_needs_no_document() {
    let mut house = House::new(ROOMY).described();
    let receipt =
        json!({"po_id": "Z", "line_id": "1", "quantity": 1, "sku": "A", "location": "L1", "supplier": "T"});
    assert_eq!(
        house.hears("purchase_order.received", receipt),
        [(place("A", "L1"), house.lsn), (supplier("T"), house.lsn)]
    );
    assert_eq!(house.fold.usage().held, 0);
}

#[test]
fn half_a_place_leads_to_where_it_and_its_line_say() {
    let mut house = House::new(ROOMY).described();
    let lines = json!([
        {"line_id": "1", "sku": "A", "location": "L1", "quantity": 9},
        {"line_id": "2", "sku": "B", "location": "L2", "quantity": 9},
    ]);
    house.hears("purchase_order.placed", purchase(lines));
    let mut receives = |half: Value| {
        let mut data = json!({"po_id": "P", "line_id": "1", "quantity": 1});
        data.as_object_mut().unwrap().extend(half.as_object().unwrap().clone());
        let heard = house.hears("purchase_order.received", data);
        heard.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    for agrees in [json!({"sku": "A"}), json!({"location": "L1"}), json!({})] {
        assert_eq!(receives(agrees), [place("A", "L1"), supplier("S")]);
    }
    assert_eq!(
        receives(json!({"location": "L2"})),
        [place("A", "L1"), place("A", "L2"), supplier("S")],
        "not the other line's"
    );
    assert_eq!(receives(json!({"sku": "C"})), [place("A", "L1"), place("C", "L1"), supplier("S")]);
    // A line that is moved and comes back is where it came back to.
    for location in ["L3", "L1"] {
        let line = json!([{"line_id": "1", "location": location, "quantity": 9}]);
        house.hears("purchase_order.changed", purchase(line));
    }
    let received = json!({"po_id": "P", "line_id": "1", "quantity": 1, "sku": "B"});
    let heard = house.hears("purchase_order.received", received);
    let here = house.lsn;
    assert_eq!(
        heard,
        [place("A", "L3"), place("A", "L1"), place("B", "L1"), supplier("S")].map(|key| (key, here))
    );
}

#[test]
fn half_a_place_of_an_unknown_line_waits_for_the_line() {
    let mut house = House::new(ROOMY).described();
    for half in [json!({"sku": "A"}), json!({"location": "L1"})] {
        let mut line = json!({"line_id": "1", "quantity": 1});
        line.as_object_mut().unwrap().extend(half.as_object().unwrap().clone());
        assert_eq!(house.hears("purchase_order.placed", purchase(json!([line]))), []);
        line["po_id"] = json!("P");
        assert_eq!(house.hears("purchase_order.received", line), []);
    }
    assert_eq!(house.fold.usage().held, 4);
    let whole = json!([{"line_id": "1", "sku": "A", "location": "L1", "quantity": 1}]);
    let heard = house.hears("purchase_order.changed", purchase(whole));
    assert_eq!(heard.len(), 5 * 2, "all of them, the place and the supplier: {heard:?}");
    assert_eq!(house.fold.usage().held, 0);
}

#[test]
fn when_the_holding_area_is_full_the_one_that_waited_longest_goes_to_quarantine() {
    let mut house = House::new(FoldSettings { holding_events_max: 2, ..ROOMY }).described();
    let shipped = |line: &str| json!({"order_id": "O", "line_id": line, "quantity": 1});
    for line in ["1", "2", "3"] {
        house.hears("order.shipped", shipped(line));
    }
    let first = house.lsn - 2;
    assert_eq!(house.fold.usage().held, 2);
    assert_eq!(house.quarantined(), [(first, "unresolved_reference".to_owned())]);
    let entry = house.quarantine.read().get(TENANT, Lsn(first)).cloned().unwrap();
    assert_eq!(entry.reason, QuarantineReason::Unresolved);
    let placed =
        |line: &str| json!({"order_id": "O", "line_id": line, "sku": "A", "location": "L1", "quantity": 5});
    let heard = house.hears("order.placed", placed("1"));
    assert_eq!(heard, [(place("A", "L1"), house.lsn)], "it left for good");
    let heard = house.hears("order.placed", placed("2"));
    assert_eq!(heard, [(place("A", "L1"), house.lsn), (place("A", "L1"), first + 1)]);
}

#[test]
fn a_line_that_was_forgotten_is_as_one_that_never_came() {
    // Half of it is two lines: the third new document pushes the first out of the newer half, the fifth out of both.
    let mut house = House::new(FoldSettings { document_index_lines_max: 4, ..ROOMY }).described();
    let placed = |order: usize| json!({"order_id": format!("O{order}"), "line_id": "1", "sku": "A", "location": "L1", "quantity": 5});
    let shipped = |order: usize| json!({"order_id": format!("O{order}"), "line_id": "1", "quantity": 1});
    for order in 1..=4 {
        house.hears("order.placed", placed(order));
    }
    assert_eq!(house.fold.usage().documents_forgotten, 0);
    house.hears("order.placed", placed(5));
    let usage = house.fold.usage();
    assert_eq!((usage.document_lines, usage.documents_forgotten), (3, 2));
    for order in 3..=5 {
        assert_eq!(house.hears("order.shipped", shipped(order)), [(place("A", "L1"), house.lsn)], "{order}");
    }
    assert_eq!(house.hears("order.shipped", shipped(1)), [], "forgotten: it waits, visibly");
    let held = house.lsn;
    assert_eq!(house.fold.usage().held, 1);
    let heard = house.hears("order.changed", placed(1));
    assert_eq!(heard, [(place("A", "L1"), house.lsn), (place("A", "L1"), held)]);
}

#[test]
fn a_long_chain_of_held_records_is_released_without_depth() {
    // Each record waits for the line that the next one to be released brings.
    const LINKS: usize = 20_000;
    let bounds = FoldSettings { holding_events_max: LINKS, document_index_lines_max: 4 * LINKS, ..ROOMY };
    let mut house = House::new(bounds).described();
    for link in 0..LINKS {
        let lines = json!([
            {"line_id": format!("{link:06}"), "quantity": 1},
            {"line_id": format!("{:06}", link + 1), "sku": "A", "location": "L1", "quantity": 1},
        ]);
        assert_eq!(house.hears("purchase_order.changed", json!({"po_id": "P", "lines": lines})), []);
    }
    assert_eq!(house.fold.holding.len(), LINKS);
    let first = json!([{"line_id": "000000", "sku": "A", "location": "L1", "quantity": 1}]);
    let told = house.hears("purchase_order.changed", json!({"po_id": "P", "lines": first}));
    assert_eq!(told.len(), LINKS + 1, "each of them reaches the place once");
    assert!(house.fold.holding.is_empty());
}
