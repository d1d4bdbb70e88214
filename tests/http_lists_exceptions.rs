//! The list of exceptions over real HTTP: every sorting, every page, filters, scope, and what is affected.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::cmp::Ordering;
use std::collections::BTreeSet;

use common::http::encode;
use common::{Batch, Client, Tower, eventually};
use serde_json::{Value, json};

const ORDERS: usize = 37;

#[test]
fn exceptions_are_listed_as_the_contract_says() {
    let tower = Tower::launch()
        .configuration("[tenants.other]\nclock = \"wall\"\nbase_currency = \"EUR\"\ntimezone = \"UTC\"\n")
        .start();
    checks!(
        tower,
        every_sorting_pages_as_it_sorts,
        filters_narrow,
        a_cursor_stays_valid_while_exceptions_come_and_go,
        a_scope_pages_over_what_it_has,
        what_is_no_cause_affects_nothing,
        malformed_parameters_are_refused,
    );
}

fn client(tower: &Tower, role: &str, arguments: &[&str]) -> Client {
    let (_, key) = tower.create_key("reader", role, arguments);
    let client = tower.http().with_key(&key);
    eventually("the key is known", || (client.get("/api/v1/items").status == 200).then_some(()));
    client
}

/// Orders for what nobody has: each is a shortage. A third has no price, and so no value at risk.
fn populate(client: &Client, prefix: &str) -> u64 {
    let mut batch = Batch::new(prefix);
    for n in 0..ORDERS {
        let sku = format!("{prefix}-{n:02}");
        let mut item = json!({"sku": sku});
        if n % 3 != 0 {
            item["unit_price"] = json!(format!("{}.50", n % 4 + 1));
            item["currency"] = json!("EUR");
        }
        batch.add("item.described", item);
        let line = json!({"order_id": sku, "line_id": "1", "sku": sku, "location": format!("{prefix}-L{}", n % 3),
            "quantity": n % 5 + 1});
        batch.add("order.placed", line);
    }
    let lsn = client.accept(&batch.take())["lsn"].as_u64().unwrap();
    assert_eq!(client.settled("/api/v1/exceptions?limit=1", lsn).status, 200);
    lsn
}

/// All items of a list, a few at a time.
fn walk(client: &Client, path: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{path}&limit={limit}{cursor}")).expect(200);
        let found = page["items"].as_array().unwrap();
        all.extend(found.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => {
                assert_eq!(found.len(), limit);
                cursor = format!("&cursor={}", encode(next));
            }
            None => return all,
        }
    }
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// The order of two values of a field; `None` if either is unknown.
fn by_value(field: &str, a: &Value, b: &Value) -> Option<Ordering> {
    let severities = ["low", "medium", "high", "critical"];
    let severity = |value: &Value| severities.iter().position(|known| value == known);
    match field {
        "severity" => Some(severity(a)?.cmp(&severity(b)?)),
        "value_at_risk" => {
            let amount = |value: &Value| value["amount"].as_str()?.parse::<f64>().ok();
            amount(a)?.partial_cmp(&amount(b)?)
        }
        "decide_by" | "opened_at" | "updated_at" | "cleared_at" => {
            let time = |value: &Value| value.as_str()?.parse::<jiff::Timestamp>().ok();
            Some(time(a)?.cmp(&time(b)?))
        }
        _ => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a.partial_cmp(&b),
            _ => Some(a.as_str()?.cmp(b.as_str()?)),
        },
    }
}

fn every_sorting_pages_as_it_sorts(tower: &Tower) {
    let client = client(tower, "admin", &[]);
    populate(&client, "sorts");
    let mut all = client.list("/api/v1/exceptions?type=shortage_now");
    assert!(all.len() >= ORDERS && all.iter().any(|item| item["value_at_risk"].is_null()), "{}", all.len());
    let fields = [
        "id",
        "type",
        "state",
        "severity",
        "urgency",
        "value_at_risk",
        "units_at_risk",
        "decide_by",
        "opened_at",
        "updated_at",
        "cleared_at",
        "confidence",
        "lsn",
    ];
    for field in fields {
        for descending in [false, true] {
            all.sort_by(|a, b| {
                let (left, right) = (&a[field], &b[field]);
                let by_value = match by_value(field, left, right) {
                    Some(order) if descending => order.reverse(),
                    Some(order) => order,
                    None => left.is_null().cmp(&right.is_null()),
                };
                by_value.then_with(|| a["id"].as_str().cmp(&b["id"].as_str()))
            });
            let direction = if descending { "-" } else { "" };
            let path = format!("/api/v1/exceptions?type=shortage_now&sort={direction}{field}");
            assert_eq!(ids(&walk(&client, &path, 10)), ids(&all), "{path}");
        }
    }
    // As it comes, what has no value is ranked by its units instead of its id.
    let number = |item: &Value, amount: &Value| -> f64 {
        amount.as_f64().or_else(|| amount.as_str()?.parse().ok()).unwrap_or_else(|| panic!("{item:#}"))
    };
    let rank = |item: &Value| match &item["value_at_risk"]["amount"] {
        Value::Null => (0, number(item, &item["units_at_risk"])),
        amount => (1, number(item, amount)),
    };
    all.sort_by(|a, b| {
        rank(b).partial_cmp(&rank(a)).unwrap().then_with(|| a["id"].as_str().cmp(&b["id"].as_str()))
    });
    let ranked = walk(&client, "/api/v1/exceptions?type=shortage_now", 10);
    assert_eq!(ids(&ranked), ids(&all), "the most valuable first");
    let by_value = walk(&client, "/api/v1/exceptions?type=shortage_now&sort=-value_at_risk", 10);
    assert_ne!(ids(&ranked), ids(&by_value), "whoever names the field gets ties by id");
}

fn filters_narrow(tower: &Tower) {
    let client = client(tower, "admin", &[]);
    populate(&client, "narrow");
    let count = |query: &str| client.list(&format!("/api/v1/exceptions?{query}")).len();
    assert_eq!(count("type=shortage_now&sku=narrow-00&sku=narrow-01&sku=none"), 2);
    assert_eq!(count("type=shortage_now&location=narrow-L0"), ORDERS.div_ceil(3));
    assert_eq!(count("type=shortage_now&location=narrow-L0&sku=narrow-01"), 0, "that one is elsewhere");
    let found = client.list("/api/v1/exceptions?type=shortage_now&sku=narrow-00&sku=narrow-01");
    let (first, second) = (encode(ids(&found)[0]), encode(ids(&found)[1]));
    assert_eq!(count(&format!("id={first}&id={second}&id=nobody")), 2);
    assert_eq!(count(&format!("id={first}&state=cleared")), 0);
    assert_eq!(count(&format!("id={first}&state=cleared&state=open")), 1);
    for nobody in
        ["owner", "case_id", "po_id", "order_id", "transfer_id", "promotion_id", "action_id", "group"]
    {
        assert_eq!(count(&format!("sku=narrow-00&{nobody}=nobody")), 0, "{nobody}");
    }
    let all: usize = ["low", "medium", "high", "critical"]
        .iter()
        .map(|severity| count(&format!("location=narrow-L0&severity={severity}")))
        .sum();
    assert_eq!(all, count("location=narrow-L0"));
    assert_eq!(count("location=narrow-L0&severity=low&severity=medium&severity=high&severity=critical"), all);
    // Nothing here has a cause beyond itself.
    let grouped = |query: &str| client.list(&format!("/api/v1/exceptions?{query}")).len();
    assert_eq!(grouped("location=narrow-L0&grouped=true"), all);
    assert_eq!(grouped("location=narrow-L0&grouped=false"), all);
}

fn a_cursor_stays_valid_while_exceptions_come_and_go(tower: &Tower) {
    let client = client(tower, "admin", &[]);
    populate(&client, "lively");
    let mut batch = Batch::new("lively-changes");
    let path =
        "/api/v1/exceptions?type=shortage_now&location=lively-L1&location=lively-L2&sort=opened_at&limit=5";
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for step in 0..100 {
        let page = client.get(&format!("{path}{cursor}")).expect(200);
        let found = page["items"].as_array().unwrap();
        seen.extend(found.iter().map(|item| item["subject"]["sku"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={}", encode(next));
        // The last one shown goes away; new ones come.
        let last = found.last().unwrap()["subject"]["sku"].as_str().unwrap();
        batch.add("order.cancelled", json!({"order_id": last, "line_id": "1"}));
        let sku = format!("lively-new-{step}");
        let line =
            json!({"order_id": sku, "line_id": "1", "sku": sku, "location": "lively-L1", "quantity": 2});
        batch.add("order.placed", line);
        let lsn = client.accept(&batch.take())["lsn"].as_u64().unwrap();
        assert_eq!(client.settled("/api/v1/exceptions?limit=1", lsn).status, 200);
    }
    let old: Vec<&String> = seen.iter().filter(|sku| !sku.contains("new")).collect();
    let expected = (0..ORDERS).filter(|n| n % 3 != 0).count();
    let distinct: BTreeSet<&&String> = old.iter().collect();
    assert_eq!((old.len(), distinct.len()), (expected, expected), "each that was there, once: {seen:?}");
}

fn a_scope_pages_over_what_it_has(tower: &Tower) {
    let admin = client(tower, "admin", &[]);
    populate(&admin, "scoped");
    let one = client(tower, "viewer", &["--scope", "location=scoped-L1"]);
    let seen = walk(&one, "/api/v1/exceptions?sort=-lsn", 4);
    assert!(seen.iter().all(|item| item["subject"]["location"] == "scoped-L1"), "{seen:?}");
    let shortages = seen.iter().filter(|item| item["type"] == "shortage_now").count();
    assert_eq!(shortages, (0..ORDERS).filter(|n| n % 3 == 1).count());
    assert_eq!(one.list("/api/v1/exceptions?location=scoped-L2"), Vec::<Value>::new());
    let other = client(tower, "admin", &["--tenant", "other"]);
    assert_eq!(other.list("/api/v1/exceptions"), Vec::<Value>::new());
}

fn what_is_no_cause_affects_nothing(tower: &Tower) {
    let admin = client(tower, "admin", &[]);
    populate(&admin, "alone");
    let found = admin.list("/api/v1/exceptions?type=shortage_now&sku=alone-01");
    let path = format!("/api/v1/exceptions/{}/affected", encode(ids(&found)[0]));
    let page = admin.get(&path).expect(200);
    assert_eq!((&page["items"], &page["next_cursor"]), (&json!([]), &Value::Null));
    assert!(page["lsn"].is_u64() && page["position"].is_string(), "{page}");
    admin.get(&format!("{path}?sort=nonsense")).expect_problem(400, "bad_parameter");
    admin.get("/api/v1/exceptions/nobody/affected").expect_problem(404, "not_found");
    let elsewhere = client(tower, "viewer", &["--scope", "location=somewhere"]);
    elsewhere.get(&path).expect_problem(404, "not_found");
}

fn malformed_parameters_are_refused(tower: &Tower) {
    let client = client(tower, "viewer", &[]);
    for parameter in
        ["grouped=perhaps", "type=nonsense", "state=nonsense", "severity=nonsense", "sort=sku", "sku"]
    {
        let answer = client.get(&format!("/api/v1/exceptions?{parameter}"));
        if parameter == "sku" {
            // An empty name is one that nothing has.
            assert_eq!(answer.expect(200)["items"], json!([]));
        } else {
            answer.expect_problem(400, "bad_parameter");
        }
    }
    client.get("/api/v1/exceptions?type=custom.nobody_made_it").expect(200);
    // A cursor belongs to the sorting that gave it.
    let page = client.get("/api/v1/exceptions?limit=1&sort=lsn").expect(200);
    let cursor = encode(page["next_cursor"].as_str().unwrap());
    client.get(&format!("/api/v1/exceptions?sort=-lsn&cursor={cursor}")).expect_problem(400, "bad_parameter");
    client.get(&format!("/api/v1/exceptions?sort=id&cursor={cursor}")).expect_problem(400, "bad_parameter");
}
