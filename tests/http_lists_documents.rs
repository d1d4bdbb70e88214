//! Orders, purchase orders, transfers, promotions and customers over real HTTP: what is shown of them as they go on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::BTreeSet;

use common::http::encode;
use common::{Batch, Client, Tower, at};
use serde_json::{Value, json};

#[test]
fn documents_are_listed_as_the_contract_says() {
    let tower = Tower::dev();
    checks!(
        tower,
        nothing_is_listed_of_an_empty_tower,
        malformed_parameters_are_refused,
        an_order_goes_from_placed_to_shipped,
        an_order_that_moves_is_shown_where_it_is,
        orders_are_filtered,
        a_purchase_order_goes_from_placed_to_received,
        a_purchase_order_ends,
        a_shipment_shows_on_its_lines,
        a_transfer_goes_from_end_to_end,
        promotions_are_told_by_their_time,
        customers_are_listed,
        lists_are_sorted_with_ties_by_id,
        a_cursor_stays_valid_while_orders_change,
    );
}

const LISTS: [&str; 5] = ["orders", "purchase-orders", "transfers", "promotions", "customers"];
const DAY: i64 = 86_400;

/// Sends events and answers with the receipt's LSN.
#[track_caller]
fn told(client: &Client, batch: &mut Batch) -> u64 {
    client.accept(&batch.take())["lsn"].as_u64().unwrap()
}

#[track_caller]
fn tell(client: &Client, batch: &mut Batch, kind: &str, data: Value) -> u64 {
    batch.add(kind, data);
    told(client, batch)
}

/// Fields of a value by name.
fn fields(value: &Value, names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| value.get(*name).unwrap_or_else(|| panic!("no {name}: {value}")).clone())
        .collect()
}

fn ids(page: &Value, field: &str) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
}

fn nothing_is_listed_of_an_empty_tower(tower: &Tower) {
    for list in LISTS {
        let page = tower.http().get(&format!("/api/v1/{list}")).expect(200);
        assert_eq!((&page["items"], &page["next_cursor"]), (&json!([]), &Value::Null), "{list}");
        assert!(page["lsn"].is_u64() && page["position"].is_string(), "{list}: {page}");
        tower.http().get(&format!("/api/v1/{list}/nothing")).expect_problem(404, "not_found");
    }
}

fn malformed_parameters_are_refused(tower: &Tower) {
    let client = tower.http();
    for list in LISTS {
        for parameter in [
            "limit=0",
            "limit=1001",
            "cursor=nonsense",
            "sort=nonsense",
            "nonsense=1",
            "at_least=x",
            "settled=maybe",
        ] {
            client.get(&format!("/api/v1/{list}?{parameter}")).expect_problem(400, "bad_parameter");
        }
        client.get(&format!("/api/v1/{list}/a%0Ab")).expect_problem(400, "bad_parameter");
        client.get(&format!("/api/v1/{list}/x?limit=1")).expect_problem(400, "bad_parameter");
    }
    for list in ["orders", "purchase-orders", "transfers"] {
        for parameter in ["is_open=perhaps", "state=nonsense", "state=ahead"] {
            client.get(&format!("/api/v1/{list}?{parameter}")).expect_problem(400, "bad_parameter");
        }
    }
    client.get("/api/v1/promotions?state=open").expect_problem(400, "bad_parameter");
}

fn an_order_goes_from_placed_to_shipped(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("going");
    let promised = "2031-05-01T12:00:00Z";
    let line = |line_id: &str, sku: &str, quantity: Value| json!({"order_id": "O/1", "line_id": line_id, "sku": sku, "location": "L1", "quantity": quantity});
    let mut first = line("1", "going-a", json!(10));
    first["customer"] = json!("C1");
    first["channel"] = json!("web");
    first["priority"] = json!(3);
    first["promised_at"] = json!(promised);
    first["requested_at"] = json!("2031-04-30T12:00:00+02:00");
    batch.add("order.placed", first).add("order.placed", line("2", "going-b", json!("2.5")));
    let lsn = told(&client, &mut batch);
    let order = |lsn: u64| client.settled("/api/v1/orders/O%2F1", lsn).expect(200);
    let shown = order(lsn);
    assert!(shown["lsn"].as_u64().unwrap() >= lsn && shown["position"].is_string(), "{shown}");
    assert_eq!(
        fields(&shown, &["order_id", "state", "is_open", "customer", "channel", "priority"]),
        json!(["O/1", "open", true, "C1", "web", 3])
    );
    assert_eq!(
        fields(&shown, &["promised_at", "requested_at", "ordered", "shipped", "open", "due", "failed_at"]),
        json!([promised, "2031-04-30T10:00:00Z", 12.5, 0, 12.5, 2.5, null])
    );
    let lines = shown["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 2, "{shown}");
    assert_eq!(
        fields(&lines[0], &["line_id", "sku", "location", "state", "ordered", "customer", "promised_at"]),
        json!(["1", "going-a", "L1", "open", 10, "C1", promised])
    );
    assert_eq!(
        fields(
            &lines[1],
            &["line_id", "sku", "state", "ordered", "due", "customer", "promised_at", "priority"]
        ),
        json!(["2", "going-b", "open", 2.5, 2.5, null, null, null])
    );
    assert!(lines[1]["placed_at"].is_string(), "{shown}");

    let lsn =
        tell(&client, &mut batch, "order.shipped", json!({"order_id": "O/1", "line_id": "1", "quantity": 4}));
    let shown = order(lsn);
    assert_eq!(fields(&shown, &["state", "shipped", "open"]), json!(["partly_shipped", 4, 8.5]));
    assert_eq!(fields(&shown["lines"][0], &["state", "shipped", "open"]), json!(["partly_shipped", 4, 6]));
    // A change gives the total; what it does not name stays.
    let lsn = tell(&client, &mut batch, "order.changed", line("1", "going-a", json!(4)));
    let shown = order(lsn);
    assert_eq!(
        fields(&shown["lines"][0], &["state", "ordered", "open", "customer", "priority"]),
        json!(["shipped", 4, 0, "C1", 3])
    );
    assert_eq!(fields(&shown, &["state", "is_open"]), json!(["partly_shipped", true]));
    let lsn = tell(&client, &mut batch, "order.cancelled", json!({"order_id": "O/1", "line_id": "2"}));
    let shown = order(lsn);
    assert_eq!(fields(&shown["lines"][1], &["state", "ordered", "open"]), json!(["cancelled", 2.5, 0]));
    assert_eq!(fields(&shown, &["state", "is_open", "open"]), json!(["shipped", false, 0]));
    let lsn = tell(&client, &mut batch, "order.placed", {
        let mut lone = line("1", "going-a", json!(1));
        lone["order_id"] = json!("O-cancelled");
        lone
    });
    assert_eq!(client.settled("/api/v1/orders/O-cancelled", lsn).expect(200)["state"], "open");
    let lsn =
        tell(&client, &mut batch, "order.cancelled", json!({"order_id": "O-cancelled", "line_id": "1"}));
    assert_eq!(client.settled("/api/v1/orders/O-cancelled", lsn).expect(200)["state"], "cancelled");
}

fn an_order_that_moves_is_shown_where_it_is(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("moves");
    let line = |location: &str| json!({"order_id": "O-moves", "line_id": "1", "sku": "moves", "location": location, "quantity": 5});
    batch.add("order.placed", line("here")).add("order.changed", line("there"));
    let lsn = told(&client, &mut batch);
    let shown = client.settled("/api/v1/orders/O-moves", lsn).expect(200);
    assert_eq!(shown["lines"].as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(fields(&shown["lines"][0], &["location", "ordered", "open"]), json!(["there", 5, 5]));
    let at =
        |location: &str| client.get(&format!("/api/v1/orders?sku=moves&location={location}")).expect(200);
    assert_eq!(ids(&at("there"), "order_id"), ["O-moves"]);
    assert_eq!(at("here")["items"], json!([]));
    // And back again.
    let lsn = tell(&client, &mut batch, "order.changed", line("here"));
    let shown = client.settled("/api/v1/orders/O-moves", lsn).expect(200);
    assert_eq!(fields(&shown["lines"][0], &["location", "open"]), json!(["here", 5]));
}

fn orders_are_filtered(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("filtered");
    for n in 0..6 {
        batch.add(
            "order.placed",
            json!({
                "order_id": format!("F-{n}"), "line_id": "1", "sku": format!("filtered-{}", n % 3),
                "location": format!("filter-{}", n % 2), "quantity": n + 1, "customer": format!("FC-{}", n / 3),
                "channel": "shop",
            }),
        );
    }
    batch.add("order.shipped", json!({"order_id": "F-0", "line_id": "1", "quantity": 1}));
    batch.add("order.cancelled", json!({"order_id": "F-1", "line_id": "1"}));
    let lsn = told(&client, &mut batch);
    let list = |query: &str| -> Vec<String> {
        ids(&client.settled(&format!("/api/v1/orders?{query}"), lsn).expect(200), "order_id")
    };
    assert_eq!(list("sku=filtered-0"), ["F-0", "F-3"]);
    assert_eq!(list("sku=filtered-0&sku=filtered-1"), ["F-0", "F-1", "F-3", "F-4"]);
    assert_eq!(list("location=filter-1"), ["F-1", "F-3", "F-5"]);
    assert_eq!(list("sku=filtered-0&location=filter-1"), ["F-3"]);
    assert_eq!(list("customer=FC-0"), ["F-0", "F-1", "F-2"]);
    assert_eq!(list("customer=FC-0&state=shipped&state=cancelled"), ["F-0", "F-1"]);
    assert_eq!(list("customer=FC-0&is_open=true"), ["F-2"]);
    assert_eq!(list("channel=shop&is_open=false"), ["F-0", "F-1"]);
    assert_eq!(list("customer=nobody"), [""; 0]);
    assert_eq!(list("sku=never-heard-of"), [""; 0]);
    assert_eq!(list("channel=shop&sort=-ordered&limit=2"), ["F-5", "F-4"]);
}

fn a_purchase_order_goes_from_placed_to_received(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("bought");
    let line = |line_id: &str, quantity: i64, promised_at: Value| {
        json!({"line_id": line_id, "sku": "bought", "location": format!("B{line_id}"), "quantity": quantity,
            "promised_at": promised_at})
    };
    let early = "2031-06-01T00:00:00Z";
    let later = "2031-06-08T00:00:00Z";
    batch.add(
        "purchase_order.placed",
        json!({"po_id": "PO-1", "supplier": "S1", "lines": [line("1", 50, json!(early)), line("2", 30, json!(later))]}),
    );
    let lsn = told(&client, &mut batch);
    let order = |lsn: u64| client.settled("/api/v1/purchase-orders/PO-1", lsn).expect(200);
    let shown = order(lsn);
    assert_eq!(
        fields(&shown, &["po_id", "supplier", "state", "is_open", "is_acknowledged"]),
        json!(["PO-1", "S1", "open", true, false])
    );
    assert_eq!(
        fields(&shown, &["promised_at", "confirmed_at", "expected_at", "complete_at"]),
        json!([early, null, early, later])
    );
    assert_eq!(fields(&shown, &["ordered", "received", "open", "in_transit"]), json!([80, 0, 80, 0]));
    assert_eq!(
        fields(
            &shown["lines"][1],
            &["line_id", "sku", "location", "supplier", "state", "ordered", "shipments"]
        ),
        json!(["2", "bought", "B2", "S1", "open", 30, []])
    );
    // Acknowledged for later: that is what counts from now on.
    let lsn = tell(
        &client,
        &mut batch,
        "purchase_order.acknowledged",
        json!({"po_id": "PO-1", "lines": [line("1", 50, json!(later))]}),
    );
    let shown = order(lsn);
    assert_eq!(fields(&shown, &["state", "is_acknowledged", "confirmed_at"]), json!(["open", false, later]));
    assert_eq!(
        fields(
            &shown["lines"][0],
            &["state", "is_acknowledged", "promised_at", "confirmed_at", "expected_at"]
        ),
        json!(["acknowledged", true, early, later, later])
    );
    let lsn = tell(&client, &mut batch, "purchase_order.acknowledged", json!({"po_id": "PO-1"}));
    assert_eq!(order(lsn)["state"], "acknowledged");
    let received =
        |line_id: &str, quantity: i64| json!({"po_id": "PO-1", "line_id": line_id, "quantity": quantity});
    let lsn = tell(&client, &mut batch, "purchase_order.received", received("1", 20));
    let shown = order(lsn);
    assert_eq!(fields(&shown, &["state", "received", "open"]), json!(["partly_received", 20, 60]));
    assert_eq!(
        fields(&shown["lines"][0], &["state", "received", "open"]),
        json!(["partly_received", 20, 30])
    );
    batch.add("purchase_order.received", received("1", 30)).add("purchase_order.received", received("2", 30));
    let lsn = told(&client, &mut batch);
    let shown = order(lsn);
    assert_eq!(
        fields(&shown, &["state", "is_open", "received", "open", "expected_at", "complete_at"]),
        json!(["received", false, 80, 0, null, null])
    );
    let list =
        |query: &str| ids(&client.get(&format!("/api/v1/purchase-orders?{query}")).expect(200), "po_id");
    assert_eq!(list("supplier=S1&is_open=false"), ["PO-1"]);
    assert_eq!(list("supplier=S1&supplier=nobody&state=received"), ["PO-1"]);
    assert_eq!(list("supplier=S1&is_open=true"), [""; 0]);
    assert_eq!(list("supplier=nobody"), [""; 0]);
    assert_eq!(list("sku=bought&location=B2"), ["PO-1"]);
}

fn a_purchase_order_ends(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("ended");
    for po_id in ["PO-cancelled", "PO-closed"] {
        let line = json!({"line_id": "1", "sku": "ended", "location": "L1", "quantity": 10});
        batch.add("purchase_order.placed", json!({"po_id": po_id, "supplier": "S2", "lines": [line]}));
    }
    batch.add("purchase_order.received", json!({"po_id": "PO-closed", "line_id": "1", "quantity": 4}));
    batch.add("purchase_order.cancelled", json!({"po_id": "PO-cancelled"}));
    batch.add("purchase_order.closed", json!({"po_id": "PO-closed"}));
    let lsn = told(&client, &mut batch);
    let page = client.settled("/api/v1/purchase-orders?supplier=S2&sort=-po_id", lsn).expect(200);
    assert_eq!(ids(&page, "po_id"), ["PO-closed", "PO-cancelled"]);
    assert_eq!(
        fields(&page["items"][0], &["state", "is_open", "ordered", "received", "open"]),
        json!(["closed", false, 10, 4, 0])
    );
    assert_eq!(fields(&page["items"][1], &["state", "ordered", "open"]), json!(["cancelled", 10, 0]));
}

fn a_shipment_shows_on_its_lines(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("carried");
    let line = json!({"line_id": "1", "sku": "carried", "location": "L1", "quantity": 10, "promised_at": "2031-07-09T00:00:00Z"});
    batch.add("purchase_order.placed", json!({"po_id": "PO-carried", "supplier": "S3", "lines": [line]}));
    batch.add(
        "shipment.dispatched",
        json!({"shipment_id": "SH-1", "eta": "2031-07-05T00:00:00Z", "lines": [{"po_id": "PO-carried", "line_id": "1", "quantity": 6}]}),
    );
    let lsn = told(&client, &mut batch);
    let order = |lsn: u64| client.settled("/api/v1/purchase-orders/PO-carried", lsn).expect(200);
    let shown = order(lsn);
    assert_eq!(
        fields(&shown, &["in_transit", "expected_at", "complete_at"]),
        json!([6, "2031-07-05T00:00:00Z", "2031-07-09T00:00:00Z"])
    );
    assert_eq!(
        shown["lines"][0]["shipments"],
        json!([{"shipment_id": "SH-1", "quantity": 6, "eta": "2031-07-05T00:00:00Z", "is_dispatched": true, "has_arrived": false}])
    );
    let delayed = json!({"shipment_id": "SH-1", "eta": "2031-07-12T00:00:00Z"});
    let lsn = tell(&client, &mut batch, "shipment.delayed", delayed);
    assert_eq!(
        fields(&order(lsn), &["expected_at", "complete_at"]),
        json!(["2031-07-09T00:00:00Z", "2031-07-12T00:00:00Z"])
    );
}

fn a_transfer_goes_from_end_to_end(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("moved");
    let line = |line_id: &str, to: &str| json!({"line_id": line_id, "sku": "moved", "from": "DC", "to": to, "quantity": 10, "promised_at": "2031-08-01T00:00:00Z"});
    batch.add("transfer.placed", json!({"transfer_id": "T-1", "lines": [line("1", "M1"), line("2", "M2")]}));
    let lsn = told(&client, &mut batch);
    let transfer = |lsn: u64| client.settled("/api/v1/transfers/T-1", lsn).expect(200);
    let shown = transfer(lsn);
    assert_eq!(
        fields(
            &shown,
            &[
                "transfer_id",
                "state",
                "from",
                "to",
                "ordered",
                "dispatched",
                "received",
                "in_transit",
                "open"
            ]
        ),
        json!(["T-1", "open", "DC", "M1", 20, 0, 0, 0, 20])
    );
    assert_eq!(
        fields(&shown, &["promised_at", "expected_at"]),
        json!(["2031-08-01T00:00:00Z", "2031-08-01T00:00:00Z"])
    );
    assert_eq!(
        fields(&shown["lines"][1], &["line_id", "sku", "from", "to"]),
        json!(["2", "moved", "DC", "M2"])
    );
    let moved = |line_id: &str, quantity: i64| json!({"transfer_id": "T-1", "line_id": line_id, "quantity": quantity});
    let lsn = tell(&client, &mut batch, "transfer.dispatched", moved("1", 10));
    let shown = transfer(lsn);
    assert_eq!(
        fields(&shown, &["state", "dispatched", "in_transit", "open"]),
        json!(["in_transit", 10, 10, 20])
    );
    assert_eq!(fields(&shown["lines"][0], &["state", "in_transit"]), json!(["in_transit", 10]));
    assert_eq!(fields(&shown["lines"][1], &["state", "in_transit"]), json!(["open", 0]));
    let lsn = tell(&client, &mut batch, "transfer.received", moved("1", 6));
    let shown = transfer(lsn);
    assert_eq!(
        fields(&shown, &["state", "received", "in_transit", "open"]),
        json!(["partly_received", 6, 4, 14])
    );
    batch.add("transfer.received", moved("1", 4));
    batch.add("transfer.cancelled", json!({"transfer_id": "T-1", "line_id": "2"}));
    let lsn = told(&client, &mut batch);
    let shown = transfer(lsn);
    assert_eq!(fields(&shown, &["state", "is_open", "open"]), json!(["received", false, 0]));
    assert_eq!(shown["lines"][1]["state"], "cancelled", "{shown}");
    let list =
        |query: &str| ids(&client.get(&format!("/api/v1/transfers?{query}")).expect(200), "transfer_id");
    for query in
        ["from=DC", "to=M2", "location=M1", "location=DC", "sku=moved", "state=received", "from=DC&to=M1"]
    {
        assert_eq!(list(query), ["T-1"], "{query}");
    }
    for query in ["from=M1", "to=DC", "location=elsewhere", "is_open=true"] {
        assert_eq!(list(query), [""; 0], "{query}");
    }
}

fn promotions_are_told_by_their_time(tower: &Tower) {
    let client = tower.http();
    let now = common::events::now();
    let mut batch = Batch::new("promoted");
    let promotion = |id: &str, from: i64, until: i64| {
        json!({"promotion_id": id, "from": at(now + from * DAY), "until": at(now + until * DAY),
            "skus": ["promoted", "never stocked"], "locations": "all", "expected_uplift": 0.5, "mechanic": "3 for 2"})
    };
    batch.add("promotion.scheduled", promotion("P-ahead", 5, 9));
    batch.add("promotion.scheduled", promotion("P-active", -1, 1));
    batch.add("promotion.scheduled", promotion("P-over", -9, -5));
    batch.add("promotion.scheduled", promotion("P-cancelled", 1, 2));
    batch.add("promotion.cancelled", json!({"promotion_id": "P-cancelled"}));
    for location in ["P1", "P2", "P3"] {
        batch.add("inventory.counted", json!({"sku": "promoted", "location": location, "on_hand": 1}));
    }
    let lsn = told(&client, &mut batch);
    let shown = client.settled("/api/v1/promotions/P-active", lsn).expect(200);
    assert_eq!(
        fields(
            &shown,
            &["state", "is_active", "is_ahead", "skus", "locations", "sku_locations", "mechanic", "price"]
        ),
        json!(["active", true, false, ["promoted", "never stocked"], "all", 3, "3 for 2", null])
    );
    assert!(shown["position"].is_string(), "{shown}");
    client.get("/api/v1/promotions/P-cancelled").expect_problem(404, "not_found");
    let list =
        |query: &str| ids(&client.get(&format!("/api/v1/promotions?{query}")).expect(200), "promotion_id");
    assert_eq!(list(""), ["P-active", "P-ahead", "P-over"]);
    assert_eq!(list("sort=from"), ["P-over", "P-active", "P-ahead"]);
    assert_eq!(list("state=ahead&state=active&sort=-from"), ["P-ahead", "P-active"]);
    assert_eq!(list("sku=promoted&location=anywhere&limit=1"), ["P-active"]);
    assert_eq!(list("sku=something"), [""; 0]);
    let named = json!({"promotion_id": "P-named", "from": at(now), "until": at(now + DAY), "skus": "all", "locations": ["P1", "P9"]});
    let lsn = tell(&client, &mut batch, "promotion.scheduled", named);
    assert_eq!(client.settled("/api/v1/promotions/P-named", lsn).expect(200)["sku_locations"], 1);
    assert_eq!(list("location=P9"), ["P-active", "P-ahead", "P-named", "P-over"]);
    assert_eq!(list("location=P4"), ["P-active", "P-ahead", "P-over"]);
}

fn customers_are_listed(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("customers");
    for n in 0..5 {
        batch.add(
            "customer.described",
            json!({"customer": format!("K{n}"), "tier": if n < 2 { "gold" } else { "basic" }}),
        );
    }
    let lsn = told(&client, &mut batch);
    let shown = client.settled("/api/v1/customers/K1", lsn).expect(200);
    assert_eq!(
        fields(&shown, &["customer", "tier", "contact_ref", "language", "account_owner"]),
        json!(["K1", "gold", null, null, null])
    );
    assert!(shown["lsn"].is_u64() && shown["position"].is_string(), "{shown}");
    let list = |query: &str| ids(&client.get(&format!("/api/v1/customers?{query}")).expect(200), "customer");
    assert_eq!(list("tier=gold"), ["K0", "K1"]);
    assert_eq!(list("customer=K3&customer=K4&sort=-customer"), ["K4", "K3"]);
    let page = client.get("/api/v1/customers?limit=2").expect(200);
    assert_eq!(ids(&page, "customer"), ["K0", "K1"]);
    let next = encode(page["next_cursor"].as_str().unwrap());
    assert_eq!(list(&format!("limit=2&cursor={next}")), ["K2", "K3"]);
}

/// All ids of a list, a few at a time.
fn walk(client: &Client, path: &str, field: &str, limit: usize) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{path}&limit={limit}{cursor}")).expect(200);
        let found = ids(&page, field);
        assert!(found.len() <= limit);
        all.extend(found);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={}", encode(next)),
            None => return all,
        }
    }
}

fn lists_are_sorted_with_ties_by_id(tower: &Tower) {
    let client = tower.http();
    let mut batch = Batch::new("sorted");
    for n in 0..40 {
        let mut order = json!({"order_id": format!("Z-{n:02}"), "line_id": "1", "sku": format!("sorted-{}", n % 5),
            "location": "sorting", "quantity": (n * 7) % 4 + 1, "channel": "sorted"});
        if n % 3 != 0 {
            order["promised_at"] = json!(at(1_930_000_000 + i64::from((n * 11) % 6) * DAY));
        }
        batch.add("order.placed", order);
    }
    let lsn = told(&client, &mut batch);
    let all = client.settled("/api/v1/orders?channel=sorted&limit=1000", lsn).expect(200);
    let all: Vec<Value> = all["items"].as_array().unwrap().clone();
    assert_eq!(all.len(), 40);
    for field in ["ordered", "promised_at"] {
        for descending in [false, true] {
            let mut expected = all.clone();
            // Times of one form sort as text.
            let key = |order: &Value| (order[field].as_i64(), order[field].as_str().map(str::to_owned));
            expected.sort_by(|a, b| {
                let by_value = key(a).cmp(&key(b));
                let by_value = match (a[field].is_null(), b[field].is_null()) {
                    (false, false) if descending => by_value.reverse(),
                    (false, false) => by_value,
                    (a, b) => a.cmp(&b),
                };
                by_value.then_with(|| a["order_id"].as_str().cmp(&b["order_id"].as_str()))
            });
            let expected: Vec<String> =
                expected.iter().map(|order| order["order_id"].as_str().unwrap().to_owned()).collect();
            let direction = if descending { "-" } else { "" };
            let path = format!("/api/v1/orders?channel=sorted&sort={direction}{field}");
            assert_eq!(walk(&client, &path, "order_id", 7), expected, "{path}");
        }
    }
    let mut backwards = walk(&client, "/api/v1/orders?channel=sorted&sort=-order_id", "order_id", 3);
    backwards.reverse();
    assert_eq!(backwards, walk(&client, "/api/v1/orders?channel=sorted", "order_id", 11));
}

fn a_cursor_stays_valid_while_orders_change(tower: &Tower) {
    let client = tower.http();
    let order = |id: String, quantity: i64| json!({"order_id": id, "line_id": "1", "sku": "changing", "location": "L1", "quantity": quantity});
    for sort in ["", "&sort=-order_id"] {
        let mut batch = Batch::new(&format!("changing{sort}"));
        for n in 0..40 {
            batch.add("order.changed", order(format!("Y-{n:02}-old"), n + 1));
        }
        let mut lsn = told(&client, &mut batch);
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        for step in 0..100 {
            let path = format!("/api/v1/orders?sku=changing&limit=7{sort}{cursor}");
            let page = client.settled(&path, lsn).expect(200);
            seen.extend(ids(&page, "order_id"));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={}", encode(next));
            // New ones before, between and after; old ones change, and end.
            batch.add("order.placed", order(format!("Y-{step:02}-new{}", sort.len()), 1));
            batch.add("order.placed", order(format!("A-{step}{}", sort.len()), 1));
            batch.add("order.changed", order(format!("Y-{step:02}-old"), 100 + step));
            batch.add(
                "order.cancelled",
                json!({"order_id": format!("Y-{:02}-old", step + 20), "line_id": "1"}),
            );
            lsn = told(&client, &mut batch);
        }
        let old: Vec<&String> = seen.iter().filter(|id| id.ends_with("-old")).collect();
        let distinct: BTreeSet<&&String> = old.iter().collect();
        assert_eq!((old.len(), distinct.len()), (40, 40), "{sort}: each that was there, once: {seen:?}");
    }
}

/// Places forget closed lines after two days of business time; what is known elsewhere is still shown, the rest is
/// unknown.
#[test]
fn what_was_closed_long_ago_is_shown_as_far_as_it_is_known() {
    let tower = Tower::launch().dev().event_clock().start();
    let client = tower.http();
    let start = 1_772_409_600;
    let mut batch = Batch::new("old");
    let moved = json!({"transfer_id": "T-old", "line_id": "1", "quantity": 10});
    batch.add_at(start, "clock.advanced", json!({"to": at(start)}));
    batch.add_at(
        start,
        "order.placed",
        json!({"order_id": "O-old", "line_id": "1", "sku": "old", "location": "L1", "quantity": 5}),
    );
    batch.add_at(start, "order.shipped", json!({"order_id": "O-old", "line_id": "1", "quantity": 5}));
    let line = json!({"line_id": "1", "sku": "old", "location": "L1", "quantity": 20});
    batch.add_at(
        start,
        "purchase_order.placed",
        json!({"po_id": "PO-old", "supplier": "S", "lines": [line]}),
    );
    batch.add_at(
        start,
        "purchase_order.received",
        json!({"po_id": "PO-old", "line_id": "1", "quantity": 20}),
    );
    let line = json!({"line_id": "1", "sku": "old", "from": "L1", "to": "L2", "quantity": 10, "promised_at": at(start + 9 * DAY)});
    batch.add_at(start, "transfer.placed", json!({"transfer_id": "T-old", "lines": [line]}));
    batch.add_at(start, "transfer.dispatched", moved);
    let lsn = told(&client, &mut batch);
    assert_eq!(client.settled("/api/v1/transfers/T-old", lsn).expect(200)["state"], "in_transit");
    let later = start + 5 * DAY;
    batch.add_at(later, "clock.advanced", json!({"to": at(later)}));
    // A place lets go of what it may forget when the next thing happens to its lines.
    let line = json!({"line_id": "1", "sku": "old", "location": "L1", "quantity": 1});
    batch.add_at(
        later,
        "purchase_order.placed",
        json!({"po_id": "PO-new", "supplier": "S", "lines": [line]}),
    );
    batch.add_at(
        later,
        "order.placed",
        json!({"order_id": "O-new", "line_id": "1", "sku": "old", "location": "L1", "quantity": 1}),
    );
    let line = json!({"line_id": "1", "sku": "old", "from": "L1", "to": "L2", "quantity": 1, "promised_at": at(later + DAY)});
    batch.add_at(later, "transfer.placed", json!({"transfer_id": "T-new", "lines": [line]}));
    let lsn = told(&client, &mut batch);

    let order = client.settled("/api/v1/orders/O-old", lsn).expect(200);
    assert_eq!(
        fields(&order["lines"][0], &["line_id", "sku", "location", "state", "ordered", "shipped", "open"]),
        json!(["1", "old", "L1", null, null, null, null])
    );
    assert_eq!(fields(&order, &["state", "is_open", "ordered"]), json!([null, null, null]));
    // What is unknown is not what was asked for.
    for query in ["is_open=true", "is_open=false&state=shipped"] {
        let found = ids(&client.get(&format!("/api/v1/orders?{query}")).expect(200), "order_id");
        assert!(!found.contains(&"O-old".to_owned()), "{query}: {found:?}");
    }
    // Its supplier still knows the purchase order.
    let purchase = client.get("/api/v1/purchase-orders/PO-old").expect(200);
    assert_eq!(
        fields(&purchase, &["state", "is_open", "supplier", "ordered", "received", "open", "in_transit"]),
        json!(["received", false, "S", 20, 20, 0, null])
    );
    // All of it has left, says the end where it has not arrived.
    let transfer = client.get("/api/v1/transfers/T-old").expect(200);
    assert_eq!(
        fields(&transfer, &["state", "from", "to", "ordered", "dispatched", "received", "in_transit"]),
        json!(["in_transit", "L1", "L2", 10, 10, 0, 10])
    );
}
