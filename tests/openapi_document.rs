//! `/openapi.json` tells of the routes that are there, all of them and no others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;
mod decision;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use common::schema::{Schemas, answer_schema};
use common::{Client, Tower, event};
use serde_json::{Value, json};

const METHODS: [&str; 8] = ["get", "post", "put", "patch", "delete", "head", "options", "trace"];

/// The document describes the interface, not itself and its like, nor the console.
const UNDOCUMENTED: [&str; 6] =
    ["/openapi.json", "/asyncapi.json", "/docs{page:(/.*)?}", "/", "/assets/{name:.*}", "/console.json"];

type Route = (String, String);

fn operations(document: &Value) -> BTreeMap<Route, &Value> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, item): (&String, _)| {
        let item: &Value = item;
        let methods = METHODS.iter().filter_map(|method| item.get(method).map(|found| (*method, found)));
        methods.map(|(method, found)| ((method.to_owned(), path.clone()), found)).collect::<Vec<_>>()
    };
    let document: Vec<(&String, &Value)> = paths.iter().collect();
    document.into_iter().flat_map(of_path).collect()
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The routes by the names of their handlers, as the attributes above these say.
fn declared(directory: &Path) -> BTreeMap<String, Route> {
    let mut files = Vec::new();
    sources(directory, &mut files);
    let mut routes = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let mut route = None;
        for line in text.lines() {
            let attribute = METHODS.iter().find_map(|method| {
                let path = line.strip_prefix(&format!("#[{method}(\""))?.strip_suffix("\")]")?;
                Some(((*method).to_owned(), path.to_owned()))
            });
            if attribute.is_some() {
                route = attribute;
            } else if let Some(handler) = line.strip_prefix("pub async fn ")
                && let Some(route) = route.take()
            {
                let name = handler.split('(').next().unwrap().to_owned();
                assert!(routes.insert(name, route).is_none(), "two handlers of one name: {line}");
            }
        }
    }
    routes
}

/// The handlers that the server has, by name.
fn registered(server: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(server).unwrap();
    let services = text.lines().filter_map(|line| line.trim().strip_prefix(".service(")?.strip_suffix(')'));
    services.map(|handler| handler.rsplit("::").next().unwrap().to_owned()).collect()
}

#[test]
fn the_document_and_the_server_tell_of_the_same_routes() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http");
    let declared = declared(&source);
    let registered = registered(&source.join("server.rs"));
    assert!(registered.len() > 20, "the server's registrations were not found: {registered:?}");
    let served: BTreeSet<Route> = registered
        .iter()
        .map(|name| declared.get(name).unwrap_or_else(|| panic!("no route above {name}")).clone())
        .filter(|(_, path)| !UNDOCUMENTED.contains(&path.as_str()))
        .collect();

    let tower = Tower::dev();
    let client = tower.http();
    let document = client.get("/openapi.json").expect(200);
    let documented: BTreeSet<Route> = operations(&document).into_keys().collect();
    assert_eq!(documented, served);

    // What is documented answers, and its path under another method is not taken for missing.
    for (method, path) in &documented {
        let path: String = path
            .split('/')
            .map(|segment| if segment.starts_with('{') { "unknown" } else { segment })
            .collect::<Vec<_>>()
            .join("/");
        let answer = client.send(&method.to_uppercase(), &path, &[], b"");
        assert!(answer.status != 405 && answer.status < 500, "{method} {path}: {}", answer.text());
        if answer.status == 404 {
            let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
            assert!(!detail.contains(&path), "{method} {path} is no route: {detail}");
        }
        let other = client.send("PATCH", &path, &[], b"");
        assert_eq!(other.status, 405, "PATCH {path}");
        let allowed = other.header("allow").unwrap_or_default().to_ascii_lowercase();
        assert!(allowed.split(", ").any(|allowed| allowed == method), "{method} {path}: Allow: {allowed}");
    }
}

#[test]
fn the_document_is_open_api_3_1_and_complete_in_itself() {
    let tower = Tower::dev();
    let answer = tower.http().get("/openapi.json");
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json")));
    let document = answer.expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let operations = operations(&document);
    assert!(operations.len() > 20);
    let mut ids = BTreeSet::new();
    for ((method, path), operation) in &operations {
        let name = format!("{method} {path}");
        assert!(
            ids.insert(operation["operationId"].as_str().expect(&name)),
            "{name}: operationId is not its own"
        );
        let responses = operation["responses"].as_object().expect(&name);
        assert!(
            responses.keys().any(|status| status.starts_with('2') || status == "101"),
            "{name}: no success"
        );
        for (status, response) in responses {
            assert!(
                status.parse::<u16>().is_ok_and(|status| (100..600).contains(&status)),
                "{name}: {status}"
            );
            let description = response["description"].as_str().unwrap_or_default();
            assert!(!description.trim().is_empty(), "{name}: {status} is not described");
        }
        // Each name in the path is a parameter, and the other way round.
        let named: BTreeSet<&str> =
            path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')).collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let told: BTreeSet<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(named, told, "{name}");
        for parameter in &parameters {
            assert!(parameter["schema"].is_object(), "{name}: {parameter}");
            assert!(parameter["in"] != "path" || parameter["required"] == true, "{name}: {parameter}");
        }
        // Whatever needs a key says so, with a scheme that is there.
        for requirement in operation["security"].as_array().into_iter().flatten() {
            for scheme in requirement.as_object().unwrap().keys() {
                assert!(document["components"]["securitySchemes"][scheme].is_object(), "{name}: {scheme}");
            }
        }
    }
    let open: Vec<&str> = operations
        .iter()
        .filter(|(_, operation)| operation["security"].as_array().is_none_or(Vec::is_empty))
        .map(|((_, path), _)| path.as_str())
        .collect();
    assert_eq!(open, ["/healthz", "/readyz"], "routes that need no key");
}

#[test]
fn every_reference_leads_somewhere() {
    let tower = Tower::dev();
    let document = tower.http().get("/openapi.json").expect(200);
    let text = document.to_string();
    let mut found = 0;
    for part in text.split("\"$ref\":\"").skip(1) {
        let reference = part.split('"').next().unwrap();
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("outside reference {reference}"));
        assert!(document.pointer(pointer).is_some(), "dangling {reference}");
        found += 1;
    }
    assert!(found > 100, "{found}");
    // And every schema is one that something refers to.
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        let is_used = text.contains(&format!("\"#/components/schemas/{name}\""));
        let is_of_the_feed = name.starts_with("data.") || name.ends_with("State") || name.ends_with("Item");
        assert!(is_used || is_of_the_feed || name == "FeedStatistics", "nobody refers to {name}");
    }
}

#[test]
fn each_operation_says_what_it_is_for() {
    let tower = Tower::dev();
    let document = tower.http().get("/openapi.json").expect(200);
    let silent: Vec<Route> = operations(&document)
        .into_iter()
        .filter(|(_, operation)| {
            ["summary", "description"].iter().all(|key| operation[key].as_str().unwrap_or("").is_empty())
        })
        .map(|(route, _)| route)
        .collect();
    assert!(silent.is_empty(), "neither summary nor description: {silent:?}");
}

/// A tower that has something of everything to show.
fn furnished() -> (Tower, u64) {
    let tower = Tower::dev();
    let client = tower.http();
    let place = |more: Value| {
        let mut data = json!({"sku": "milk", "location": "L1"});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    };
    let line = json!([{"line_id": "1", "sku": "milk", "location": "L1", "quantity": 5, "promised_at": "2026-01-01T00:00:00Z"}]);
    let moved = json!({"line_id": "1", "sku": "milk", "from": "L2", "to": "L1", "quantity": 2,
        "promised_at": "2026-01-01T00:00:00Z"});
    let shipped = json!([{"line_id": "1", "po_id": "P", "quantity": 1}]);
    let mut receipt = Value::Null;
    for (id, kind, data) in [
        (
            "1",
            "item.described",
            json!({"sku": "milk", "name": "Milk", "path": ["food"], "attributes": {"fat": 3.5}, "brand": "B",
            "unit_cost": "0.5", "unit_price": 1, "currency": "EUR", "uom": "each", "uoms": [{"uom": "case", "factor": 12}], "pack": 6,
            "shelf_life_days": 9, "substitutes": [{"sku": "oat", "ratio": 1}]}),
        ),
        (
            "2",
            "location.described",
            json!({"location": "L1", "name": "One", "kind": "store", "path": ["n"], "lat": 1, "lon": 2,
            "timezone": "UTC", "calendar": "K"}),
        ),
        (
            "3",
            "supplier.described",
            json!({"supplier": "S", "name": "Supplier", "lead_time_days": 2, "ack_within_hours": 24,
            "timezone": "UTC", "calendar": "K"}),
        ),
        ("4", "supplier.delay_reported", json!({"supplier": "S", "delay_days": 2, "reason": "strike"})),
        ("5", "purchase_order.placed", json!({"po_id": "P", "supplier": "S", "lines": line})),
        ("6", "inventory.counted", place(json!({"on_hand": 1}))),
        ("7", "order.placed", place(json!({"order_id": "O", "line_id": "1", "quantity": 9}))),
        ("8", "pos.sale", json!({"sku": "undescribed", "location": "L2", "quantity": 1})),
        ("9", "customer.described", json!({"customer": "C", "tier": "gold"})),
        ("10", "transfer.placed", json!({"transfer_id": "T", "lines": [moved]})),
        ("11", "transfer.dispatched", json!({"transfer_id": "T", "line_id": "1", "quantity": 1})),
        (
            "12",
            "shipment.dispatched",
            json!({"shipment_id": "H", "lines": shipped, "eta": "2026-01-02T00:00:00Z"}),
        ),
        (
            "13",
            "promotion.scheduled",
            json!({"promotion_id": "M", "from": "2026-01-01T00:00:00Z",
            "until": "2099-01-01T00:00:00Z", "skus": ["milk"], "locations": "all", "price": "0.5"}),
        ),
        (
            "14",
            "supplier.capacity_changed",
            json!({"supplier": "S", "factor": 0.5, "until": "2099-01-01T00:00:00Z", "reason": "fire"}),
        ),
    ] {
        receipt = client.post_event(&event(kind, id, data)).expect(202);
    }
    assert_eq!(
        client.post_event(&event("pos.sale", "wrong", place(json!({"quantity": "many"})))).status,
        422
    );
    (tower, receipt["lsn"].as_u64().unwrap())
}

/// An answer must be one that the document has: its status, its media type, its members, all of them.
fn holds(document: &Value, method: &str, path: &str, answer: &common::Response) -> Option<String> {
    let status = answer.status;
    let responses = &document["paths"][path][method]["responses"];
    let response = &responses[status.to_string()];
    if response.is_null() {
        return Some(format!("{method} {path}: {status} is not documented: {}", answer.text()));
    }
    let kind = answer.header("content-type").unwrap_or_default().to_owned();
    let kinds: Vec<&String> =
        response["content"].as_object().into_iter().flat_map(|content| content.keys()).collect();
    if !kinds.iter().any(|documented| **documented == kind) {
        return Some(format!("{method} {path}: {status} came as {kind}, documented {kinds:?}"));
    }
    if kind.starts_with("application/openmetrics-text") {
        return None;
    }
    let schema = answer_schema(document, method, path, status).unwrap();
    let schemas = Schemas::of(document);
    let strict = if status < 400 { schemas.faults(schema, &answer.json()) } else { Vec::new() };
    let open = jsonschema::validator_for(&with_components(schema, document)).unwrap();
    let faults: Vec<String> =
        open.iter_errors(&answer.json()).map(|error| error.to_string()).chain(strict).collect();
    (!faults.is_empty()).then(|| format!("{method} {path}: {status}: {faults:?} in {}", answer.text()))
}

fn with_components(schema: &Value, document: &Value) -> Value {
    let mut root = schema.clone();
    root["components"] = document["components"].clone();
    root
}

fn get(client: &Client, document: &Value, route: &str, path: &str, status: u16) -> Option<String> {
    let answer = client.get(path);
    if answer.status != status {
        return Some(format!("{path}: {} instead of {status}: {}", answer.status, answer.text()));
    }
    holds(document, "get", route, &answer)
}

#[test]
fn what_is_answered_is_what_is_documented() {
    let (tower, lsn) = furnished();
    let client = tower.http();
    let document = client.get("/openapi.json").expect(200);
    client.settled("/api/v1/exceptions", lsn).expect(200);
    let exception =
        client.get("/api/v1/exceptions").expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let entry = client.get("/api/v1/quarantine?settled=true").expect(200)["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut wrong = Vec::new();
    for (route, path, status) in [
        ("/healthz", "/healthz", 200),
        ("/readyz", "/readyz", 200),
        ("/metrics", "/metrics", 200),
        ("/api/v1/stats", "/api/v1/stats", 200),
        ("/api/v1/stats", "/api/v1/stats?at_least=99999999&settled=maybe", 400),
        ("/api/v1/sku-locations", "/api/v1/sku-locations", 200),
        ("/api/v1/sku-locations", "/api/v1/sku-locations?limit=0", 400),
        ("/api/v1/sku-locations/{sku}/{location}", "/api/v1/sku-locations/milk/L1", 200),
        ("/api/v1/sku-locations/{sku}/{location}", "/api/v1/sku-locations/undescribed/L2", 200),
        ("/api/v1/sku-locations/{sku}/{location}", "/api/v1/sku-locations/none/L1", 404),
        (
            "/api/v1/sku-locations/{sku}/{location}/projection",
            "/api/v1/sku-locations/milk/L1/projection",
            200,
        ),
        ("/api/v1/suppliers", "/api/v1/suppliers", 200),
        ("/api/v1/suppliers/{supplier}", "/api/v1/suppliers/S", 200),
        ("/api/v1/exceptions", "/api/v1/exceptions", 200),
        ("/api/v1/exceptions", "/api/v1/exceptions?state=cleared&state=open", 200),
        ("/api/v1/exceptions/{id}", &format!("/api/v1/exceptions/{exception}"), 200),
        ("/api/v1/exceptions", "/api/v1/exceptions?grouped=false", 200),
        ("/api/v1/exceptions/{id}/affected", &format!("/api/v1/exceptions/{exception}/affected"), 200),
        ("/api/v1/cases", "/api/v1/cases", 200),
        ("/api/v1/cases", "/api/v1/cases?state=finished", 400),
        ("/api/v1/cases/{id}", "/api/v1/cases/none", 404),
        ("/api/v1/actions", "/api/v1/actions", 200),
        ("/api/v1/actions/{id}", "/api/v1/actions/none", 404),
        ("/api/v1/deliveries", "/api/v1/deliveries", 200),
        ("/api/v1/sku-locations/{sku}/{location}/why", "/api/v1/sku-locations/milk/L1/why", 200),
        ("/api/v1/exceptions/{id}/why", &format!("/api/v1/exceptions/{exception}/why"), 200),
        ("/api/v1/cases/{id}/why", "/api/v1/cases/none/why", 404),
        ("/api/v1/orders", "/api/v1/orders", 200),
        ("/api/v1/orders/{order_id}", "/api/v1/orders/O", 200),
        ("/api/v1/orders/{order_id}", "/api/v1/orders/none", 404),
        ("/api/v1/purchase-orders", "/api/v1/purchase-orders", 200),
        ("/api/v1/purchase-orders/{po_id}", "/api/v1/purchase-orders/P", 200),
        ("/api/v1/transfers", "/api/v1/transfers", 200),
        ("/api/v1/transfers/{transfer_id}", "/api/v1/transfers/T", 200),
        ("/api/v1/promotions", "/api/v1/promotions", 200),
        ("/api/v1/promotions/{promotion_id}", "/api/v1/promotions/M", 200),
        ("/api/v1/customers", "/api/v1/customers", 200),
        ("/api/v1/customers/{customer}", "/api/v1/customers/C", 200),
        ("/api/v1/items", "/api/v1/items", 200),
        ("/api/v1/items/{sku}", "/api/v1/items/milk", 200),
        ("/api/v1/locations", "/api/v1/locations", 200),
        ("/api/v1/locations/{location}", "/api/v1/locations/L1", 200),
        ("/api/v1/quarantine", "/api/v1/quarantine", 200),
        ("/api/v1/quarantine/{id}", &format!("/api/v1/quarantine/{entry}"), 200),
        ("/api/v1/quarantine/{id}", "/api/v1/quarantine/q1", 404),
        ("/api/v1/feed", "/api/v1/feed", 400),
        ("/api/v1/feed", "/api/v1/feed?ticket=none", 401),
    ] {
        wrong.extend(get(&client, &document, route, path, status));
    }
    let command = |wrong: &mut Vec<String>, route: &str, path: &str, status: u16, body: Value| {
        let headers = [("Content-Type", "application/json")];
        let answer = client.send("POST", path, &headers, body.to_string().as_bytes());
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        wrong.extend(holds(&document, "post", route, &answer));
        answer.json()
    };
    let one = format!("/api/v1/exceptions/{exception}");
    for (what, status, body) in [
        ("acknowledge", 200, json!({"comment": "seen"})),
        ("comment", 409, json!({"text": "x", "version": 99})),
        ("assign", 422, json!({"team": "nobody"})),
        ("assign", 200, json!({"owner": "ann"})),
        ("snooze", 200, json!({"until": "2099-01-01T00:00:00Z"})),
        ("dismiss", 400, json!([])),
    ] {
        let route = format!("/api/v1/exceptions/{{id}}/{what}");
        command(&mut wrong, &route, &format!("{one}/{what}"), status, body);
    }
    let opened = json!({"exceptions": [exception], "comment": "by hand"});
    let case = command(&mut wrong, "/api/v1/cases", "/api/v1/cases", 201, opened)["id"].clone();
    let case = case.as_str().unwrap();
    wrong.extend(get(
        &client,
        &document,
        "/api/v1/cases/{id}",
        &format!("/api/v1/cases/{case}?settled=true"),
        200,
    ));
    wrong.extend(get(&client, &document, "/api/v1/cases", "/api/v1/cases", 200));
    let why = format!("/api/v1/cases/{case}/why?settled=true");
    wrong.extend(get(&client, &document, "/api/v1/cases/{id}/why", &why, 200));
    let own = json!({"kind": "order", "sku": "milk", "location": "L1", "supplier": "S", "quantity": 12});
    for (what, status, body) in [
        ("tasks", 200, json!({"title": "count the shelf"})),
        ("tasks/{task_id}/complete", 200, json!({})),
        ("comment", 200, json!({"text": "x"})),
        ("options", 200, own),
        ("options", 422, json!({"option_id": "none", "quantity": 0})),
        ("choose", 409, json!({"option_id": "none", "version": 99})),
        ("approve", 422, json!({})),
        ("delegate", 409, json!({"to": "bob"})),
        ("reject", 422, json!({"reason": "x"})),
        ("merge", 422, json!({"into": "none"})),
        ("cancel", 200, json!({"reason": "x"})),
        ("reopen", 200, json!({"reason": "x"})),
    ] {
        let route = format!("/api/v1/cases/{{id}}/{what}");
        let what = what.replace("{task_id}", "task_1");
        command(&mut wrong, &route, &format!("/api/v1/cases/{case}/{what}"), status, body);
    }
    for (what, body) in [("retry", json!({})), ("withdraw", json!({"reason": "x"}))] {
        let route = format!("/api/v1/actions/{{id}}/{what}");
        command(&mut wrong, &route, &format!("/api/v1/actions/none/{what}"), 404, body);
    }
    let items = json!([{"id": exception}, {"id": "none"}]);
    let bulk = json!({"on": "exceptions", "command": "comment", "items": items, "body": {"text": "x"}});
    command(&mut wrong, "/api/v1/bulk", "/api/v1/bulk", 200, bulk);
    command(&mut wrong, "/api/v1/bulk", "/api/v1/bulk", 422, json!({}));
    let retry = format!("/api/v1/quarantine/{entry}/retry");
    let retry_route = "/api/v1/quarantine/{id}/retry";
    wrong.extend(holds(&document, "post", retry_route, &client.send("POST", &retry, &[], b"")));
    let mended =
        event("pos.sale", "mended", json!({"sku": "milk", "location": "L1", "quantity": 1})).to_string();
    wrong.extend(holds(&document, "post", retry_route, &client.send("POST", &retry, &[], mended.as_bytes())));
    assert_eq!(client.post_event(&event("pos.sale", "wrong-2", json!({}))).status, 422);
    let entry = client.get("/api/v1/quarantine?settled=true").expect(200)["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let deleted = client.delete(&format!("/api/v1/quarantine/{entry}"));
    assert_eq!(deleted.status, 200);
    wrong.extend(holds(&document, "delete", "/api/v1/quarantine/{id}", &deleted));
    let released = client.send("POST", "/api/v1/outbox/release", &[], b"");
    assert_eq!(released.status, 200);
    wrong.extend(holds(&document, "post", "/api/v1/outbox/release", &released));
    let ticket = client.send("POST", "/api/v1/feed/tickets", &[], b"");
    assert_eq!(ticket.status, 200);
    wrong.extend(holds(&document, "post", "/api/v1/feed/tickets", &ticket));
    for (status, body) in [(202, "[]"), (422, "[{}]"), (400, "{}"), (400, "{"), (202, mended.as_str())] {
        let answer = client.post("application/json", body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        wrong.extend(holds(&document, "post", "/api/v1/events", &answer));
    }
    wrong.extend(holds(&document, "post", "/api/v1/events", &client.post("text/plain", "x")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// With options, votes, actions, attempts and a document: every part of a case is there.
#[test]
fn a_decision_that_was_carried_out_is_shown_as_documented() {
    let mut scene = decision::Scene::start(&[]);
    let decided = scene.decide();
    scene.expect_one_document(&decided);
    let client = scene.client();
    let document = client.get("/openapi.json").expect(200);
    let case = client.get(&format!("/api/v1/cases/{}", decided.case)).expect(200);
    for part in ["options", "required", "votes", "actions", "timeline", "members", "version_changes"] {
        assert!(!case[part].as_array().unwrap().is_empty(), "{part}: {case}");
    }
    assert!(case["actions"][0]["document"].is_object() && case["proposed_by"].is_object(), "{case}");
    let action = case["actions"][0]["id"].as_str().unwrap();
    let mut wrong = Vec::new();
    for (route, path) in [
        ("/api/v1/cases/{id}", format!("/api/v1/cases/{}", decided.case)),
        ("/api/v1/cases/{id}/why", format!("/api/v1/cases/{}/why", decided.case)),
        ("/api/v1/cases", format!("/api/v1/cases?id={}&state=reconciled&state=closed", decided.case)),
        ("/api/v1/actions/{id}", format!("/api/v1/actions/{action}")),
        ("/api/v1/actions", "/api/v1/actions".to_owned()),
        ("/api/v1/deliveries", "/api/v1/deliveries".to_owned()),
        ("/api/v1/exceptions", "/api/v1/exceptions?state=in_case&state=open&state=cleared".to_owned()),
        ("/api/v1/sku-locations/{sku}/{location}/why", "/api/v1/sku-locations/A/L1/why".to_owned()),
    ] {
        wrong.extend(get(&client, &document, route, &path, 200));
    }
    let retry = format!("/api/v1/actions/{action}/retry");
    let refused = client.send("POST", &retry, &[("Content-Type", "application/json")], b"{}");
    assert_eq!(refused.status, 409, "{}", refused.text());
    wrong.extend(holds(&document, "post", "/api/v1/actions/{id}/retry", &refused));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A value that a parameter takes.
fn value_of(name: &str, schema: &Value) -> Vec<String> {
    let values =
        ["/enum", "/items/enum", "/items/anyOf/0/enum"].iter().find_map(|at| schema.pointer(at)?.as_array());
    if let Some(values) = values {
        return values.iter().map(|value| value.as_str().unwrap().to_owned()).collect();
    }
    match name {
        "limit" => vec!["1".into(), "1000".into()],
        "at_least" => vec!["0".into()],
        "settled" | "grouped" | "is_open" => vec!["true".into(), "false".into()],
        "cursor" => Vec::new(),
        _ => vec!["x".into()],
    }
}

#[test]
fn every_documented_parameter_is_taken_and_no_other() {
    let (tower, _) = furnished();
    let client = tower.http();
    let document = client.get("/openapi.json").expect(200);
    let mut tried = 0;
    for ((method, path), operation) in operations(&document) {
        if method != "get" || !path.starts_with("/api/v1/") || path == "/api/v1/feed" {
            continue;
        }
        let named = path.replace("{sku}", "milk").replace("{location}", "L1").replace("{supplier}", "S");
        let segments =
            named.split('/').map(|segment| if segment.starts_with('{') { "unknown" } else { segment });
        let real = segments.collect::<Vec<_>>().join("/");
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let names: BTreeSet<String> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect();
        // The tower itself tells what it knows.
        let refused = client.get(&format!("{real}?dance=1")).expect_problem(400, "bad_parameter");
        let detail = refused["detail"].as_str().unwrap();
        let known = detail.split("there are: ").nth(1).unwrap_or_default();
        let known: BTreeSet<String> =
            known.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        assert_eq!(names, known, "{path}: {detail}");
        for parameter in parameters.iter().filter(|parameter| parameter["in"] == "query") {
            let name = parameter["name"].as_str().unwrap();
            for value in value_of(name, &parameter["schema"]) {
                let status = client.get(&format!("{real}?{name}={value}")).status;
                assert!(
                    status == 200 || (status == 404 && path.contains('{')),
                    "{path}?{name}={value}: {status}"
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn every_success_is_shown_with_its_shape_and_an_example_that_fits() {
    let tower = Tower::dev();
    let document = tower.http().get("/openapi.json").expect(200);
    for ((method, path), operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            if status == "101" {
                continue;
            }
            let content =
                response["content"].as_object().unwrap_or_else(|| panic!("{method} {path} {status}"));
            for (kind, media) in content {
                let name = format!("{method} {path} {status} {kind}");
                assert!(media["schema"].is_object(), "{name}");
                let validator =
                    jsonschema::validator_for(&with_components(&media["schema"], &document)).unwrap();
                let examples = media["examples"].as_object().into_iter().flat_map(|all| all.values());
                let examples: Vec<&Value> =
                    examples.map(|example| &example["value"]).chain(media.get("example")).collect();
                for example in examples {
                    let faults: Vec<String> =
                        validator.iter_errors(example).map(|error| error.to_string()).collect();
                    assert!(faults.is_empty(), "{name}: {example}: {faults:?}");
                }
            }
        }
        for (kind, media) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
            let is_shown = media.get("example").is_some() || media.get("examples").is_some();
            assert!(is_shown, "{method} {path} {kind}: no example");
            let validator = jsonschema::validator_for(&with_components(&media["schema"], &document)).unwrap();
            let examples = media["examples"].as_object().into_iter().flat_map(|all| all.values());
            for example in examples.map(|example| &example["value"]).chain(media.get("example")) {
                assert!(validator.is_valid(example), "{method} {path} {kind}: {example}");
            }
        }
    }
}
