//! Documents, promotions and customers through a scope, and across tenants.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::BTreeSet;

use common::{Batch, Client, Tower};
use serde_json::{Value, json};

#[test]
fn documents_are_shown_within_tenant_and_scope() {
    let configuration = "[tenants.other]\nclock = \"wall\"\nbase_currency = \"USD\"\ntimezone = \"UTC\"\n";
    let tower = Tower::launch().configuration(configuration).start();
    populate(&tower);
    checks!(
        tower,
        everyone_in_the_tenant_sees_all,
        a_location_sees_its_lines,
        a_supplier_sees_its_purchase_orders_and_no_customers,
        a_path_sees_what_is_below_it,
        another_tenant_sees_nothing,
        what_is_grouped_under_a_cause_outside_the_scope_is_listed,
    );
}

fn client(tower: &Tower, role: &str, arguments: &[&str]) -> Client {
    let (_, key) = tower.create_key("reader", role, arguments);
    let client = tower.http().with_key(&key);
    common::eventually("the key is known", || (client.get("/api/v1/items").status == 200).then_some(()));
    client
}

fn populate(tower: &Tower) {
    let (_, key) = tower.create_key("writer", "admin", &[]);
    let writer = tower.http().with_key(&key);
    common::eventually("the key is known", || (writer.get("/api/v1/stats").status == 200).then_some(()));
    let mut batch = Batch::new("populate");
    batch.add("item.described", json!({"sku": "milk", "path": ["Food", "Dairy"]}));
    batch.add("item.described", json!({"sku": "nail", "path": ["Hardware"]}));
    batch.add("customer.described", json!({"customer": "C1"}));
    for (order_id, sku, location) in [("O-north", "milk", "north"), ("O-south", "nail", "south")] {
        let line =
            json!({"order_id": order_id, "line_id": "1", "sku": sku, "location": location, "quantity": 5});
        batch.add("order.placed", line);
    }
    for (line_id, location) in [("1", "north"), ("2", "south")] {
        let line = json!({"order_id": "O-both", "line_id": line_id, "sku": "milk", "location": location, "quantity": 2});
        batch.add("order.placed", line);
    }
    for (po_id, supplier, sku, location) in
        [("PO-farm", "farm", "milk", "north"), ("PO-forge", "forge", "nail", "south")]
    {
        let line = json!({"line_id": "1", "sku": sku, "location": location, "quantity": 9});
        batch.add("purchase_order.placed", json!({"po_id": po_id, "supplier": supplier, "lines": [line]}));
    }
    for (transfer_id, from, to) in [("T-in", "south", "north"), ("T-away", "south", "west")] {
        let line = json!({"line_id": "1", "sku": "nail", "from": from, "to": to, "quantity": 3, "promised_at": "2031-01-01T00:00:00Z"});
        batch.add("transfer.placed", json!({"transfer_id": transfer_id, "lines": [line]}));
    }
    let promotion = |id: &str, skus: Value, locations: Value| json!({"promotion_id": id, "from": "2031-01-01T00:00:00Z", "until": "2031-02-01T00:00:00Z", "skus": skus, "locations": locations});
    batch.add("promotion.scheduled", promotion("P-all", json!("all"), json!("all")));
    batch.add("promotion.scheduled", promotion("P-north-milk", json!(["milk"]), json!(["north"])));
    batch.add("promotion.scheduled", promotion("P-south", json!("all"), json!(["south"])));
    let lsn = writer.accept(&batch.take())["lsn"].as_u64().unwrap();
    assert_eq!(writer.settled("/api/v1/stats", lsn).status, 200);
}

fn sees(client: &Client, list: &str, field: &str) -> BTreeSet<String> {
    let items = client.list(&format!("/api/v1/{list}"));
    items.iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
}

fn only(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn everyone_in_the_tenant_sees_all(tower: &Tower) {
    let viewer = client(tower, "viewer", &[]);
    assert_eq!(sees(&viewer, "orders", "order_id"), only(&["O-both", "O-north", "O-south"]));
    assert_eq!(sees(&viewer, "purchase-orders", "po_id"), only(&["PO-farm", "PO-forge"]));
    assert_eq!(sees(&viewer, "transfers", "transfer_id"), only(&["T-away", "T-in"]));
    assert_eq!(sees(&viewer, "promotions", "promotion_id"), only(&["P-all", "P-north-milk", "P-south"]));
    assert_eq!(sees(&viewer, "customers", "customer"), only(&["C1"]));
}

fn a_location_sees_its_lines(tower: &Tower) {
    let north = client(tower, "viewer", &["--scope", "location=north"]);
    assert_eq!(sees(&north, "orders", "order_id"), only(&["O-both", "O-north"]));
    let both = north.get("/api/v1/orders/O-both").expect(200);
    assert_eq!((both["lines"].as_array().unwrap().len(), &both["ordered"]), (1, &json!(2)), "{both}");
    assert_eq!(sees(&north, "purchase-orders", "po_id"), only(&["PO-farm"]));
    // A transfer is seen from either end.
    assert_eq!(sees(&north, "transfers", "transfer_id"), only(&["T-in"]));
    assert_eq!(sees(&north, "promotions", "promotion_id"), only(&["P-all", "P-north-milk"]));
    assert_eq!(sees(&north, "customers", "customer"), only(&[]));
    for hidden in [
        "orders/O-south",
        "purchase-orders/PO-forge",
        "transfers/T-away",
        "promotions/P-south",
        "customers/C1",
    ] {
        north.get(&format!("/api/v1/{hidden}")).expect_problem(404, "not_found");
    }
    // Asking for it by name does not help.
    assert_eq!(sees(&north, "orders?location=south", "order_id"), only(&[]));
    assert_eq!(
        north.get("/api/v1/promotions/P-all").expect(200)["sku_locations"],
        2,
        "milk and nail are there"
    );
}

fn a_supplier_sees_its_purchase_orders_and_no_customers(tower: &Tower) {
    let farm = client(tower, "supplier", &["--scope", "supplier=farm"]);
    assert_eq!(sees(&farm, "purchase-orders", "po_id"), only(&["PO-farm"]));
    assert_eq!(farm.get("/api/v1/purchase-orders/PO-farm").status, 200);
    farm.get("/api/v1/purchase-orders/PO-forge").expect_problem(404, "not_found");
    for (list, field) in [
        ("orders", "order_id"),
        ("transfers", "transfer_id"),
        ("promotions", "promotion_id"),
        ("customers", "customer"),
    ] {
        assert_eq!(sees(&farm, list, field), only(&[]), "{list}");
    }
}

fn a_path_sees_what_is_below_it(tower: &Tower) {
    let food = client(tower, "viewer", &["--scope", "path=Food"]);
    assert_eq!(sees(&food, "orders", "order_id"), only(&["O-both", "O-north"]));
    assert_eq!(sees(&food, "purchase-orders", "po_id"), only(&["PO-farm"]));
    assert_eq!(sees(&food, "promotions", "promotion_id"), only(&["P-all", "P-north-milk", "P-south"]));
    let hardware = client(tower, "viewer", &["--scope", "path=Hardware", "--scope", "location=north"]);
    assert_eq!(sees(&hardware, "promotions", "promotion_id"), only(&["P-all"]));
    assert_eq!(sees(&hardware, "transfers", "transfer_id"), only(&["T-in"]));
    assert_eq!(sees(&hardware, "orders", "order_id"), only(&[]));
}

fn another_tenant_sees_nothing(tower: &Tower) {
    let other = client(tower, "admin", &["--tenant", "other"]);
    for list in ["orders", "purchase-orders", "transfers", "promotions", "customers"] {
        assert_eq!(other.list(&format!("/api/v1/{list}")), Vec::<Value>::new(), "{list}");
    }
    for hidden in
        ["orders/O-both", "purchase-orders/PO-farm", "transfers/T-in", "promotions/P-all", "customers/C1"]
    {
        other.get(&format!("/api/v1/{hidden}")).expect_problem(404, "not_found");
    }
}

fn what_is_grouped_under_a_cause_outside_the_scope_is_listed(tower: &Tower) {
    let (_, key) = tower.create_key("teller", "integration", &[]);
    let teller = tower.http().with_key(&key);
    common::eventually("the key is known", || (teller.post_batch(&[]).status == 202).then_some(()));
    let at = |days: i64| (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days)).to_string();
    let mut batch = Batch::new("grouped");
    batch.add("item.described", json!({"sku": "flour", "path": ["Food", "Dry"], "unit_price": "9"}));
    batch.add("location.described", json!({"location": "east"}));
    batch.add("supplier.described", json!({"supplier": "mill", "lead_time_days": 3}));
    batch.add("lane.described", json!({"from": "west", "to": "east", "transit_days": 1}));
    batch.add("inventory.counted", json!({"sku": "flour", "location": "east", "on_hand": 0}));
    let order =
        json!({"order_id": "O-flour", "line_id": "1", "sku": "flour", "location": "east", "quantity": 50});
    batch.add("order.placed", order);
    let line =
        json!({"line_id": "1", "sku": "flour", "location": "east", "quantity": 100, "promised_at": at(-1)});
    batch.add("purchase_order.placed", json!({"po_id": "PO-flour", "supplier": "mill", "lines": [line]}));
    let lsn = teller.accept(&batch.take())["lsn"].as_u64().unwrap();

    let listed = |client: &Client, filter: &str| -> BTreeSet<String> {
        let page = client.settled(&format!("/api/v1/exceptions?{filter}"), lsn).expect(200);
        let items = page["items"].as_array().unwrap().iter();
        let about_flour =
            items.filter(|item| item["subject"]["sku"] == "flour" || item["subject"]["po_id"] == "PO-flour");
        about_flour.map(|item| item["type"].as_str().unwrap().to_owned()).collect()
    };
    let all = client(tower, "planner", &[]);
    assert_eq!(listed(&all, "limit=1000"), only(&["purchase_late"]));
    let everything = listed(&all, "grouped=false");
    assert!(everything.contains("shortage_now") && everything.contains("purchase_late"), "{everything:?}");

    let beneath: BTreeSet<String> = everything.into_iter().filter(|kind| kind != "purchase_late").collect();
    for scope in ["location=east", "path=Food"] {
        let reader = client(tower, "planner", &["--scope", scope]);
        assert_eq!(listed(&reader, "limit=1000"), beneath, "{scope}");
        assert_eq!(listed(&reader, "grouped=true"), beneath, "{scope}");
        assert_eq!(listed(&reader, "severity=low"), BTreeSet::new(), "{scope}");
    }
    // Who sees the cause finds one line for it.
    let reader = client(tower, "planner", &["--scope", "supplier=mill"]);
    assert_eq!(listed(&reader, "limit=1000"), only(&["purchase_late"]));
    // It has to be decided as soon as what stands under it, which is named to those alone who see that.
    assert_eq!(listed(&reader, "grouped=false"), only(&["purchase_late"]));
    let path = "/api/v1/exceptions?po_id=PO-flour&type=purchase_late";
    let id = all.list(path)[0]["id"].as_str().unwrap().to_owned();
    let deadline = |client: &Client| {
        let why = client.get(&format!("/api/v1/exceptions/{id}/why")).expect(200);
        let deadline = why["worth"]["decide_by"]["inputs"][0].clone();
        assert!(deadline["name"] == "deadline" && deadline["time"].is_string(), "{why}");
        deadline["about"].as_str().map(str::to_owned)
    };
    assert!(deadline(&all).is_some_and(|about| about.starts_with("exception exc_")));
    assert_eq!(deadline(&reader), None);

    // Of what is over, all that was grouped is left out, whoever asks and whatever became of the cause.
    let tell = |event_type: &str, data: Value| {
        let mut batch = Batch::new(event_type);
        batch.add(event_type, data);
        teller.accept(&batch.take())["lsn"].as_u64().unwrap()
    };
    let over = |client: &Client, filter: &str, lsn: u64| -> BTreeSet<String> {
        let page = client.settled(&format!("/api/v1/exceptions?state=cleared&{filter}"), lsn).expect(200);
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["type"].as_str().unwrap().to_owned()).collect()
    };
    let counted = tell("inventory.counted", json!({"sku": "flour", "location": "east", "on_hand": 500}));
    let east = client(tower, "planner", &["--scope", "location=east"]);
    for reader in [&all, &east] {
        let cleared = over(reader, "sku=flour", counted);
        assert!(cleared.contains("shortage_now"), "{cleared:?}");
        assert_eq!(over(reader, "sku=flour&grouped=true", counted), only(&[]));
    }
    let received = json!({"po_id": "PO-flour", "line_id": "1", "quantity": 100});
    let received = tell("purchase_order.received", received);
    assert_eq!(over(&all, "po_id=PO-flour&grouped=true", received), only(&["purchase_late"]));
    for reader in [&all, &east] {
        assert_eq!(over(reader, "sku=flour&grouped=true", received), only(&[]));
    }
}
