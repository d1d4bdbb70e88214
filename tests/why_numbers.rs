//! Every number that the tower shows can be computed from what it says it was computed from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::BTreeMap;

use common::events::now;
use common::formula::evaluate;
use common::{Batch, Random, Tower};
use serde_json::{Map, Value, json};

const DAY: i64 = 86_400;

/// A place with a bit of everything, by chance.
fn history(batch: &mut Batch, random: &mut Random, sku: &str, location: &str) {
    let start = now() - 40 * DAY;
    let mut amount = |least: u64, most: u64| (least + random.below(most - least + 1)) as f64 / 2.0;
    batch.add_at(
        start,
        "inventory.counted",
        json!({"sku": sku, "location": location, "on_hand": amount(50, 400)}),
    );
    for day in 0..40 {
        let quantity = amount(0, 20);
        if quantity > 0.0 {
            let sale = json!({"sku": sku, "location": location, "quantity": quantity, "unit_price": "9.50", "currency": "EUR"});
            batch.add_at(start + day * DAY + 3_600, "pos.sale", sale);
        }
    }
    batch.add_at(
        now() - 3_600,
        "inventory.adjusted",
        json!({"sku": sku, "location": location, "delta": -1.5}),
    );
    batch.add(
        "inventory.adjusted",
        json!({"sku": sku, "location": location, "delta": 3, "status": "blocked"}),
    );
    for order in 0..3 {
        let id = format!("O-{sku}-{location}-{order}");
        let line = json!({"order_id": id, "line_id": "1", "sku": sku, "location": location, "quantity": amount(2, 60),
            "promised_at": common::at(now() + (order - 1) * 2 * DAY)});
        batch.add("order.placed", line);
        batch.add("order.shipped", json!({"order_id": id, "line_id": "1", "quantity": 0.5}));
    }
    for order in 0..2 {
        let id = format!("P-{sku}-{location}-{order}");
        batch.add(
            "purchase_order.placed",
            json!({"po_id": id, "supplier": "V", "lines": [
            {"line_id": "1", "sku": sku, "location": location, "quantity": amount(10, 200),
                "promised_at": common::at(now() + (order * 5 + 1) * DAY)}]}),
        );
        batch.add("purchase_order.received", json!({"po_id": id, "line_id": "1", "quantity": 2}));
    }
    batch.add(
        "transfer.placed",
        json!({"transfer_id": format!("T-{sku}-{location}"), "lines": [
        {"line_id": "1", "sku": sku, "from": location, "to": "elsewhere", "quantity": amount(1, 9),
            "promised_at": common::at(now() + DAY)}]}),
    );
    batch.add(
        "shipment.dispatched",
        json!({"shipment_id": format!("S-{sku}-{location}"), "eta": common::at(now() + 4 * DAY),
        "lines": [{"po_id": format!("P-{sku}-{location}-1"), "line_id": "1", "quantity": 3}]}),
    );
}

#[track_caller]
fn close(name: &str, told: f64, computed: f64, explanation: &Value) {
    let allowed = 1e-9 * told.abs().max(1.0);
    assert!(
        (told - computed).abs() <= allowed,
        "{name}: {told} is told and {computed} computed: {explanation}"
    );
}

/// Nothing that the view shows as a number goes without.
fn all_are_explained(view: &Value, numbers: &Map<String, Value>) {
    for (field, value) in view.as_object().unwrap() {
        let is_number = value.is_number() && !["lsn", "failed_at"].contains(&field.as_str());
        assert!(!is_number || numbers.contains_key(field), "{field} is not explained");
    }
}

/// Computes every number from its inputs alone; how many numbers and moments there were.
fn evaluate_all(numbers: &Map<String, Value>) -> (usize, usize) {
    let (mut evaluated, mut moments) = (0, 0);
    for (name, explanation) in numbers {
        if explanation["value"].is_null() && explanation["unit"] != "moment" {
            assert!(explanation["because"].is_string(), "{name}: {explanation}");
            continue;
        }
        match evaluate(explanation) {
            Ok(computed) => {
                close(name, explanation["value"].as_f64().unwrap(), computed, explanation);
                evaluated += 1;
            }
            Err(moment) => {
                let told = explanation["time"].as_str();
                let told = told.map(|text| text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
                match (told, moment) {
                    (Some(told), Some(moment)) => {
                        assert!((told - moment).abs() < 1_000, "{told} {moment}")
                    }
                    (told, moment) => assert_eq!(told, moment, "{explanation}"),
                }
                moments += 1;
            }
        }
    }
    (evaluated, moments)
}

#[test]
fn every_number_of_a_place_follows_from_the_inputs_that_it_names() {
    let tower = Tower::dev();
    let client = tower.http();
    let mut random = Random::new(20_261_122);
    let mut batch = Batch::new("why");
    batch.add("supplier.described", json!({"supplier": "V", "lead_time_days": 6, "lead_time_sd_days": 1.5}));
    batch.add("policy.set", json!({"scope": {"sku": "A2"}, "service_level": 0.9, "review_days": 2}));
    let fill = json!({"scope": {"sku": "A3"}, "service_level": 0.97, "measure": "fill", "lead_time_days": 7});
    batch.add("policy.set", fill);
    for (sku, location) in [("A1", "L"), ("A2", "L"), ("A3", "M"), ("A4", "M")] {
        batch.add(
            "sourcing.set",
            json!({"sku": sku, "location": location, "source": {"kind": "supplier", "id": "V"}}),
        );
        history(&mut batch, &mut random, sku, location);
    }
    batch.add("forecast.published", json!({"sku": "A3", "location": "M", "buckets": [
        {"from": common::at(now() - DAY), "until": common::at(now() + 30 * DAY), "quantity": 300, "p10": 200, "p90": 420}]}));
    let receipt = client.accept(&batch.take());
    let lsn = receipt["lsn"].as_u64().unwrap();
    let mut evaluated = 0;
    let mut moments = 0;
    for (sku, location) in [("A1", "L"), ("A2", "L"), ("A3", "M"), ("A4", "M"), ("A1", "elsewhere")] {
        let place = format!("/api/v1/sku-locations/{sku}/{location}");
        let why = client.settled(&format!("{place}/why"), lsn).expect(200);
        let view = client.settled(&place, lsn).expect(200);
        let numbers = why["numbers"].as_object().unwrap();
        all_are_explained(&view, numbers);
        let (numbers_evaluated, moments_evaluated) = evaluate_all(numbers);
        (evaluated, moments) = (evaluated + numbers_evaluated, moments + moments_evaluated);
        let fill_rate = numbers.get("fill_rate").map(|told| told["value"].as_f64().expect("a share"));
        assert_eq!(fill_rate.is_some(), sku == "A3", "{sku}");
        assert!(
            fill_rate.is_none_or(|told| (told - 0.97).abs() < 1e-9),
            "{} {}",
            numbers["fill_rate"],
            numbers["safety_stock"]
        );
        // Quantities do not move between the two reads, and are the same in both.
        for name in
            ["on_hand", "reserved", "due", "available", "on_order", "in_transit", "inventory_position"]
        {
            close(
                name,
                view[name].as_f64().unwrap(),
                numbers[name]["value"].as_f64().unwrap(),
                &numbers[name],
            );
        }
    }
    assert!(evaluated >= 5 * 14 && moments == 5, "{evaluated} numbers, {moments} moments");
}

/// Orders of one supplier: placed on each of 40 days, acknowledged, received whole or in part, and some still open.
fn orders(batch: &mut Batch, random: &mut Random, supplier: &str) {
    let start = now() - 60 * DAY;
    for order in 0..40 {
        let (id, placed_at) = (format!("P-{supplier}-{order}"), start + order * DAY);
        let promised_at = placed_at + 6 * DAY;
        batch.add_at(
            placed_at,
            "purchase_order.placed",
            json!({"po_id": id, "supplier": supplier, "currency": "EUR", "lines": [
                {"line_id": "1", "sku": "A", "location": "L", "quantity": 10, "unit_cost": "2.50",
                    "promised_at": common::at(promised_at)},
                {"line_id": "2", "sku": "B", "location": "L", "quantity": 4.5, "promised_at": common::at(promised_at)}]}),
        );
        if order % 3 > 0 {
            let acknowledged_at = placed_at + 3_600 * (1 + random.below(60) as i64);
            batch.add_at(
                acknowledged_at,
                "purchase_order.acknowledged",
                json!({"po_id": id, "supplier": supplier}),
            );
        }
        if order % 4 < 3 {
            let received_at = placed_at + DAY * (3 + random.below(6) as i64) + random.below(80_000) as i64;
            let quantity = if random.below(4) == 0 { 7 } else { 10 };
            for (line_id, quantity) in [("1", f64::from(quantity)), ("2", 4.5)] {
                let line = json!({"po_id": id, "line_id": line_id, "quantity": quantity});
                batch.add_at(received_at, "purchase_order.received", line);
            }
            if quantity < 10 && random.below(2) == 0 {
                batch.add_at(received_at + 60, "purchase_order.closed", json!({"po_id": id}));
            }
        }
    }
    for order in 0..3 {
        let id = format!("N-{supplier}-{order}");
        batch.add(
            "purchase_order.placed",
            json!({"po_id": id, "supplier": supplier, "lines": [
                {"line_id": "1", "sku": "A", "location": "L", "quantity": 20,
                    "promised_at": common::at(now() + (order + 2) * DAY)}]}),
        );
    }
    let early = json!({"po_id": format!("E-{supplier}"), "supplier": supplier, "lines": [
        {"line_id": "1", "sku": "A", "location": "L", "quantity": 1}]});
    batch.add_at(now() - DAY, "purchase_order.placed", early);
    let line = json!({"po_id": format!("E-{supplier}"), "line_id": "1", "quantity": 1});
    batch.add_at(now() - 2 * DAY, "purchase_order.received", line);
}

#[test]
fn every_number_of_a_supplier_follows_from_the_inputs_that_it_names() {
    let tower = Tower::dev();
    let client = tower.http();
    let mut random = Random::new(20_261_123);
    let mut batch = Batch::new("supplied");
    batch.add(
        "supplier.described",
        json!({"supplier": "V2", "lead_time_days": 6, "lead_time_sd_days": 1.5, "ack_within_hours": 36}),
    );
    batch.add("supplier.described", json!({"supplier": "V3", "name": "Nobody's"}));
    for supplier in ["V1", "V2"] {
        orders(&mut batch, &mut random, supplier);
    }
    batch.add(
        "sourcing.set",
        json!({"sku": "A", "location": "L", "source": {"kind": "supplier", "id": "V1"}}),
    );
    batch.add("supplier.delay_reported", json!({"supplier": "V1", "delay_days": 3}));
    batch.add("supplier.capacity_changed", json!({"supplier": "V2", "factor": 0.6}));
    let lsn = client.accept(&batch.take())["lsn"].as_u64().unwrap();
    let mut evaluated = 0;
    for supplier in ["V1", "V2", "V3"] {
        let path = format!("/api/v1/suppliers/{supplier}");
        let why = client.settled(&format!("{path}/why"), lsn).expect(200);
        let view = client.settled(&path, lsn).expect(200);
        let numbers = why["numbers"].as_object().unwrap();
        all_are_explained(&view, numbers);
        let (numbers_evaluated, moments) = evaluate_all(numbers);
        assert_eq!(moments, 1, "when the next acknowledgement is due");
        evaluated += numbers_evaluated;
        for (name, explanation) in numbers {
            if name != "next_acknowledgement_due_at" {
                assert_eq!(explanation["value"], view[name], "{name}: {explanation}");
            }
        }
        for kind in ["purchase_late", "supplier_unreliable"] {
            let is_open =
                client.get(&format!("/api/v1/exceptions?supplier={supplier}&type={kind}")).expect(200);
            let absence = why["absences"].as_array().unwrap().iter();
            let absence = absence.filter(|absence| absence["what"] == format!("exception.{kind}")).count();
            assert_eq!(
                absence,
                usize::from(is_open["items"].as_array().unwrap().is_empty()),
                "{supplier} {kind}"
            );
        }
    }
    assert!(evaluated >= 2 * 22, "{evaluated} numbers");

    // What is measured and what is open is there one by one, and lines name their events.
    let why = client.get("/api/v1/suppliers/V1/why").expect(200);
    let late = why["numbers"]["late_lines"]["inputs"].as_array().unwrap();
    assert!(late.len() >= 10 && late.iter().all(|input| input["event"]["type"].is_string()), "{late:?}");
    assert!(why["numbers"]["lead_time_p90_days"]["inputs"].as_array().unwrap().len() >= 30);
    // What has not come and should have counts, and is named.
    let kept = why["numbers"]["otif_share"]["inputs"].as_array().unwrap();
    let overdue: Vec<_> = kept.iter().filter(|input| input["event"]["type"].is_string()).collect();
    let failed = |input: &&Value| input["value"].as_f64() == Some(0.0) && input["time"].is_string();
    assert!(overdue.len() >= 20 && overdue.iter().all(failed), "{overdue:?}");
    let printed = why_in_a_terminal(&["--supplier", "V1", "otif_share", "--url", &tower.url()]);
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(
        printed.status.success() && text.starts_with("supplier V1") && text.contains("otif_share = 0."),
        "{text}"
    );
    assert_eq!(why_in_a_terminal(&["--supplier", "nobody", "--url", &tower.url()]).status.code(), Some(1));
    assert_eq!(why_in_a_terminal(&["A", "--url", &tower.url()]).status.code(), Some(2));

    // An exception of the supplier shows the same numbers.
    let open = client.get("/api/v1/exceptions?supplier=V1&type=purchase_late&limit=1").expect(200);
    let id = open["items"][0]["id"].as_str().unwrap();
    let why = client.get(&format!("/api/v1/exceptions/{id}/why")).expect(200);
    assert_eq!(why["numbers"]["late_lines"]["value"], late.len());
}

/// Computes every number of every open exception from its inputs alone; how many exceptions of each kind there were.
fn evaluate_exceptions(client: &common::Client) -> BTreeMap<String, usize> {
    let open = client.get("/api/v1/exceptions?grouped=false&limit=500").expect(200);
    let mut kinds = BTreeMap::new();
    for item in open["items"].as_array().unwrap() {
        let id = item["id"].as_str().unwrap();
        let why = client.get(&format!("/api/v1/exceptions/{id}/why")).expect(200);
        let Some(worth) = why["worth"].as_object() else {
            // Whatever is no SKU-location's and no supplier's is about data, and worth nothing by itself.
            assert!(why["numbers"].is_null() && why["unavailable"].is_string(), "{why}");
            continue;
        };
        assert!(why["unavailable"].is_null(), "{why}");
        evaluate_all(worth);
        let numbers = why["numbers"].as_object().unwrap();
        for explanation in worth.values() {
            for input in explanation["inputs"].as_array().unwrap() {
                let from = input["from"].as_str().unwrap();
                if let Some(other) = worth.get(from).or_else(|| numbers.get(from)) {
                    assert_eq!(input["value"], other["value"], "{from} in {why}");
                }
            }
        }
        // Nothing has happened since it was told, and little time has passed.
        let told = |field: &str| item[field].as_f64().unwrap_or(0.0);
        let now = |name: &str| worth.get(name).and_then(|number| number["value"].as_f64()).unwrap_or(0.0);
        let amount = item["value_at_risk"]["amount"].as_str().map_or(0.0, |amount| amount.parse().unwrap());
        let near = |told: f64, now: f64| (told - now).abs() <= 0.1 * told.abs() + 0.01;
        assert!(near(amount, now("value_at_risk")), "{why}");
        assert!(near(told("units_at_risk"), now("units_at_risk")), "{why}");
        assert!((told("urgency") - now("urgency")).abs() <= 1.0, "{why}");
        // The lead time that is measured may have become known after it was told.
        assert_eq!(item["decide_by"].is_null(), worth["decide_by"]["time"].is_null(), "{id}");
        *kinds.entry(item["type"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    kinds
}

#[test]
fn every_number_of_an_exception_follows_from_the_inputs_that_it_names() {
    // What lies for a week only is told at once.
    let at_once = "[exceptions.excess]\nconsecutive_periods = 1\n";
    let tower = Tower::launch().dev().configuration(at_once).start();
    let client = tower.http();
    let mut random = Random::new(20_261_124);
    let mut batch = Batch::new("worth");
    batch.add("supplier.described", json!({"supplier": "V", "lead_time_days": 6, "lead_time_sd_days": 1.5}));
    batch.add("fx.published", json!({"rates": {"USD": 0.917}}));
    for (sku, more) in [
        ("A1", json!({"unit_cost": "3.17", "unit_price": "8.95", "currency": "EUR"})),
        ("A2", json!({"unit_cost": "3.17", "unit_price": "8.95", "currency": "USD"})),
        ("A3", json!({"unit_price": "8.95", "currency": "EUR"})),
        ("A4", json!({})),
    ] {
        let mut described = json!({"sku": sku, "path": ["food"]});
        described.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        batch.add("item.described", described);
        let source = json!({"kind": "supplier", "id": "V"});
        batch
            .add("sourcing.set", json!({"sku": sku, "location": "L", "source": source, "unit_cost": "2.90"}));
        history(&mut batch, &mut random, sku, "L");
        // One that has far too much, one that lies, one below nothing.
        batch.add("inventory.counted", json!({"sku": sku, "location": "full", "on_hand": 9_000}));
        batch.add(
            "forecast.published",
            json!({"sku": sku, "location": "full", "buckets": [
            {"from": common::at(now() - DAY), "until": common::at(now() + 60 * DAY), "quantity": 60, "p10": 50, "p90": 71}]}),
        );
        batch.add("inventory.adjusted", json!({"sku": sku, "location": "below", "delta": -7.25}));
        let order = format!("short-{sku}");
        batch.add(
            "order.placed",
            json!({"order_id": order, "line_id": "1", "sku": sku, "location": "short", "quantity": 12.5}),
        );
    }
    orders(&mut batch, &mut random, "V1");
    let lsn = client.accept(&batch.take())["lsn"].as_u64().unwrap();
    client.settled("/api/v1/exceptions?limit=1", lsn).expect(200);
    let kinds = evaluate_exceptions(&client);
    for kind in ["shortage_now", "negative_stock", "excess", "purchase_late", "supplier_unreliable"] {
        assert!(kinds.contains_key(kind), "no {kind} among {kinds:?}");
    }
    // Whose lead time says until when A1 can be ordered.
    let short = client.get("/api/v1/exceptions?sku=A1&location=L&grouped=false").expect(200);
    let id = short["items"].as_array().unwrap().iter().find(|item| item["decide_by"].is_string()).unwrap();
    let path = format!("/api/v1/exceptions/{}/why", id["id"].as_str().unwrap());
    let remedy = client.get(&path).expect(200)["worth"]["decide_by"]["inputs"][1].clone();
    assert_eq!(
        (&remedy["name"], &remedy["from"], &remedy["about"]),
        (&json!("remedy_days"), &json!("measured"), &json!("supplier V"))
    );
    // The four of them short by the same, in euros with a cost, in dollars, and without either.
    let value = |sku: &str| {
        let path = format!("/api/v1/exceptions?type=shortage_now&sku={sku}&location=short");
        let open = client.get(&path).expect(200);
        let id = open["items"][0]["id"].as_str().unwrap();
        let why = client.get(&format!("/api/v1/exceptions/{id}/why")).expect(200);
        why["worth"]["value_at_risk"].clone()
    };
    let [euros, dollars, without_cost] = ["A1", "A2", "A3"].map(|sku| value(sku)["value"].as_f64().unwrap());
    assert!(dollars < euros && euros < without_cost, "{dollars} {euros} {without_cost}");
    assert!(value("A4")["value"].is_null() && value("A4")["because"].is_string());
}

fn why_in_a_terminal(arguments: &[&str]) -> std::process::Output {
    let program = env!("CARGO_BIN_EXE_tidewatch");
    std::process::Command::new(program).arg("why").args(arguments).output().unwrap()
}

#[test]
fn inputs_name_the_events_that_told_of_them_and_absences_say_why() {
    let tower = Tower::dev();
    let client = tower.http();
    let mut batch = Batch::new("told");
    batch.add_at(now() - 7_200, "inventory.counted", json!({"sku": "A", "location": "L", "on_hand": 500}));
    batch.add_at(now() - 3_600, "pos.sale", json!({"sku": "A", "location": "L", "quantity": 3}));
    let lsn = client.accept(&batch.take())["lsn"].as_u64().unwrap();
    let why = client.settled("/api/v1/sku-locations/A/L/why", lsn).expect(200);
    let inputs = why["numbers"]["on_hand"]["inputs"].as_array().unwrap();
    let told: Vec<(&str, f64, &str, &str)> = inputs
        .iter()
        .map(|input| {
            let event = &input["event"];
            assert!(event["lsn"].as_u64().unwrap() <= lsn && event["time"].is_string(), "{input}");
            (
                input["name"].as_str().unwrap(),
                input["value"].as_f64().unwrap(),
                event["type"].as_str().unwrap(),
                event["id"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [("carried", 500.0, "inventory.counted", "told-0"), ("moved", -3.0, "pos.sale", "told-1")]
    );
    let absences = why["absences"].as_array().unwrap();
    let because = |what: &str| {
        let absence = absences.iter().find(|absence| absence["what"] == what);
        absence.unwrap_or_else(|| panic!("{what} is not among {absences:?}"))["because"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(because("order").contains("above the reorder point"));
    for what in ["exception.shortage_now", "exception.projected_stockout"] {
        assert!(!because(what).is_empty());
    }
    let printed = why_in_a_terminal(&["A", "L", "on_hand", "--url", &tower.url()]);
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(
        printed.status.success() && text.contains("on_hand = 497 units") && text.contains("told-0"),
        "{text}"
    );
    let unknown = why_in_a_terminal(&["nothing", "here", "--url", &tower.url()]);
    assert_eq!(unknown.status.code(), Some(1));
}

#[test]
fn an_exception_says_which_rule_it_follows_and_shows_the_numbers_behind_it() {
    let tower = Tower::dev();
    let client = tower.http();
    let mut batch = Batch::new("short");
    batch.add(
        "order.placed",
        json!({"order_id": "O", "line_id": "1", "sku": "A", "location": "L", "quantity": 8}),
    );
    let lsn = client.accept(&batch.take())["lsn"].as_u64().unwrap();
    let open = client.settled("/api/v1/exceptions?type=shortage_now", lsn).expect(200);
    let id = open["items"][0]["id"].as_str().unwrap();
    let why = client.get(&format!("/api/v1/exceptions/{id}/why")).expect(200);
    assert_eq!(why["exception"]["id"], id);
    assert_eq!(why["rule"]["type"], "shortage_now");
    assert_eq!(why["rule"]["settings"]["clear"], 1.0);
    assert!(why["rule"]["units"]["clear"].is_string(), "{why}");
    let backorders = &why["numbers"]["backorders"];
    assert_eq!(backorders["value"], 8);
    assert_eq!(evaluate(backorders), Ok(8.0));
    client.get("/api/v1/exceptions/exc_none/why").expect_problem(404, "not_found");
}
