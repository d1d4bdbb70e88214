//! `/openapi.json`: the OpenAPI 3.1 document. Handlers annotate what is their own; what follows from the conventions is
//! added here for all alike: what parameters mean, the bodies that carry events, and every problem with its codes.
//!
//! A handler that is new is documented by
//! - `#[utoipa::path]` on it with method, path, `tag`, parameters by name and kind, `security(("key" = []))`, and its
//!   success: `(status = 200, description = "…", body = ref("#/components/schemas/NAME"))`; a doc comment is its summary;
//!   problems need no annotation, their codes are derived from [`Given`];
//! - NAME in `reference/answers/` (or `ToSchema` on the type);
//! - its name under `paths` below, and in `reference/parameters.rs` if it is a list: what it sorts by, its states;
//! - for a code of its own, a line in `problem.rs`, which is the code's page too;
//! - an example that the tower answers, in `tests/openapi_document.rs`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::problem::{CODES, Code, Given, Problem};
use super::reference::{components, example, parameters};
use super::{
    actions, bulk, case_commands, case_options, cases, customers, exception_commands, exceptions, feed,
    ingest, master_data, operations, orders, outbox, promotions, purchase_orders, quarantine, sku_locations,
    snapshots, suppliers, transfers, why,
};

/// What the handlers say of themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tidewatch",
        description = "An actor-based, in-memory control tower for retail and distribution. Systems send events, the \
            tower keeps stock, demand and supply current, and tells what needs a decision.\n\nGuides: `/docs`. Error \
            codes: `/docs/errors`. Event types: `/docs/events`. The WebSocket feed: `/docs/feed`, `/asyncapi.json`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "events", description = "What happened, told as CloudEvents."),
        (name = "sku-locations", description = "One item at one location: stock, demand, risk."),
        (name = "suppliers", description = "Open lines, lead times, what they reported."),
        (name = "exceptions", description = "What is wrong, how much it matters, until when it can be helped."),
        (name = "cases", description = "What one decision solves: options, votes, tasks, and who may do what."),
        (name = "actions", description = "What systems of record were asked to do, and each attempt to deliver it."),
        (name = "bulk", description = "One command over many items."),
        (name = "documents", description = "Orders, purchase orders, transfers, promotions."),
        (name = "master data", description = "What was described."),
        (name = "quarantine", description = "What could not be used, until someone deals with it."),
        (name = "feed", description = "The WebSocket feed; see `/docs/feed`."),
        (name = "operations", description = "Health, metrics, statistics."),
    ),
    paths(
        ingest::post_events,
        sku_locations::list_sku_locations,
        sku_locations::get_sku_location,
        sku_locations::get_projection,
        why::why_sku_location,
        why::why_supplier,
        why::why_exception,
        why::why_case,
        suppliers::list_suppliers,
        suppliers::get_supplier,
        exceptions::list_exceptions,
        exceptions::get_exception,
        exception_commands::acknowledge_exception,
        exception_commands::assign_exception,
        exception_commands::snooze_exception,
        exception_commands::comment_exception,
        exception_commands::dismiss_exception,
        cases::list_cases,
        cases::get_case,
        case_options::add_option,
        case_commands::open_case,
        case_commands::choose_option,
        case_commands::approve_case,
        case_commands::reject_case,
        case_commands::delegate_case,
        case_commands::comment_case,
        case_commands::reopen_case,
        case_commands::cancel_case,
        case_commands::merge_case,
        case_commands::add_task,
        case_commands::complete_task,
        actions::list_actions,
        actions::get_action,
        actions::retry_action,
        actions::withdraw_action,
        actions::list_deliveries,
        outbox::release_outbox,
        bulk::post_bulk,
        exceptions::list_affected,
        master_data::list_items,
        master_data::get_item,
        master_data::list_locations,
        master_data::get_location,
        customers::list_customers,
        customers::get_customer,
        orders::list_orders,
        orders::get_order,
        purchase_orders::list_purchase_orders,
        purchase_orders::get_purchase_order,
        transfers::list_transfers,
        transfers::get_transfer,
        promotions::list_promotions,
        promotions::get_promotion,
        quarantine::list_quarantine,
        quarantine::get_quarantine,
        quarantine::retry_quarantine,
        quarantine::delete_quarantine,
        feed::get_feed,
        feed::post_feed_ticket,
        operations::healthz,
        operations::readyz,
        operations::get_metrics,
        operations::get_stats,
        snapshots::list_snapshots,
        snapshots::take_snapshot,
    ),
)]
struct Annotations;

/// The document.
pub fn document() -> Value {
    let mut document = serde_json::to_value(Annotations::openapi()).unwrap_or_default();
    let mut schemas = components();
    if let Some(Value::Object(derived)) = document.pointer("/components/schemas") {
        schemas.extend(derived.clone());
    }
    let body_of_events = events_body(&schemas);
    if let Some(Value::Object(paths)) = document.get_mut("paths") {
        for (path, item) in paths.iter_mut() {
            for (method, operation) in item.as_object_mut().into_iter().flatten() {
                if path.as_str() == "/api/v1/events" {
                    operation["requestBody"] = body_of_events.clone();
                    operation["parameters"] = binary_mode_headers();
                } else if path.as_str() == "/api/v1/quarantine/{id}/retry" {
                    operation["requestBody"] = retry_body(&schemas);
                }
                describe_command(operation, &schemas);
                parameters::describe(operation);
                describe_success(operation, &schemas);
                describe_problems(method, path, operation);
            }
        }
    }
    document["components"] = json!({
        "schemas": schemas,
        "securitySchemes": {"key": {
            "type": "http", "scheme": "bearer",
            "description": "An API key; `tidewatch keys create --name N --role R` makes one. A tower that was started \
                with `--dev` takes requests from its own machine without one.",
        }},
    });
    document
}

/// The methods of a route, as the header `Allow` lists them. What is not documented are pages.
pub fn methods_of(route: &str) -> &'static str {
    static METHODS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
        let document = serde_json::to_value(Annotations::openapi()).unwrap_or_default();
        let paths = document["paths"].as_object().cloned().unwrap_or_default();
        let methods = |item: &Value| {
            let methods = item.as_object().into_iter().flat_map(Map::keys);
            // Who may GET may ask for the head alone.
            let methods = methods.flat_map(|method| match method.as_str() {
                "get" => vec!["GET".to_owned(), "HEAD".to_owned()],
                other => vec![other.to_uppercase()],
            });
            methods.collect::<Vec<_>>().join(", ")
        };
        paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
    });
    METHODS.get(route).map_or("GET, HEAD", String::as_str)
}

/// The body of a command gets its example, and is required where one of its fields is.
fn describe_command(operation: &mut Value, schemas: &Map<String, Value>) {
    let Some(media) = operation.pointer_mut("/requestBody/content/application~1json") else { return };
    let Some(reference) = media["schema"]["$ref"].as_str() else { return };
    let name = reference.rsplit('/').next().unwrap_or_default();
    let needs_fields = schemas
        .get(name)
        .is_some_and(|schema| schema.get("required").is_some() || schema.get("anyOf").is_some());
    media["example"] = example(&media["schema"], schemas, false);
    operation["requestBody"]["required"] = needs_fields.into();
}

/// Answers that are not problems get an example.
fn describe_success(operation: &mut Value, schemas: &Map<String, Value>) {
    for (status, response) in
        operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flatten()
    {
        if status.starts_with('2')
            && let Some(media) = response.pointer_mut("/content/application~1json")
        {
            media["example"] = example(&media["schema"], schemas, false);
        }
    }
}

/// Whether an operation answers with a code.
fn gives(code: &Code, method: &str, path: &str, operation: &Value) -> bool {
    let takes = |name: &str| {
        let parameters = operation["parameters"].as_array();
        parameters.is_some_and(|all| all.iter().any(|parameter| parameter["name"] == name))
    };
    let wants_credentials = operation["security"].as_array().is_some_and(|all| !all.is_empty());
    let is_feed = path == "/api/v1/feed";
    let has_body = operation.get("requestBody").is_some();
    let takes_events = path == "/api/v1/events" || path.ends_with("/quarantine/{id}/retry");
    match code.given {
        Given::Credentials | Given::Parameters => wants_credentials,
        Given::Named => path.contains('{'),
        Given::Body if code.status == 415 => has_body && !path.ends_with("/quarantine/{id}/retry"),
        Given::Body => has_body || (is_feed && code.name == "bad_request"),
        Given::Events => takes_events,
        Given::Writing => method != "get" && (path != "/api/v1/feed/tickets" || code.status == 429),
        Given::Recovered => path.starts_with("/api/") || path == "/readyz",
        Given::Work => (method != "get" && path != "/api/v1/feed/tickets") || is_feed || path == "/readyz",
        Given::Commands => has_body && !takes_events,
        Given::Waiting => takes("at_least"),
        Given::EntityState => {
            path.contains("{sku}/{location}")
                || path.ends_with("/suppliers/{supplier}")
                || (has_body && !takes_events)
        }
        Given::Socket => is_feed,
        Given::Elsewhere => false,
    }
}

/// Every problem with which the operation answers, one response a status.
fn describe_problems(method: &str, path: &str, operation: &mut Value) {
    let given: Vec<&Code> =
        CODES.iter().copied().filter(|code| gives(code, method, path, operation)).collect();
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    let annotated: Vec<u16> =
        responses.keys().filter_map(|status| status.parse().ok()).filter(|status| *status >= 400).collect();
    let mut statuses: Vec<u16> = given.iter().map(|code| code.status).chain(annotated).collect();
    statuses.sort_unstable();
    statuses.dedup();
    for status in statuses {
        let codes: Vec<&&Code> = given.iter().filter(|code| code.status == status).collect();
        if codes.is_empty() {
            // Only the handler knows of it; it has told what it means.
            let content =
                json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
            responses[&status.to_string()]["content"] = content;
            continue;
        }
        // A receipt of nothing but rejections has the code of the first event, which may be any of an event.
        let is_refusal = status == 422 && path == "/api/v1/events";
        let of_event = |code: &&&Code| {
            matches!(code.given, Given::Events)
                || code.name == "malformed_json"
                || code.name == "invalid_utf8"
        };
        let codes = if is_refusal {
            let more = given.iter().filter(|code| code.status != status).filter(of_event);
            codes.into_iter().chain(more).collect()
        } else {
            codes
        };
        let told: Vec<String> =
            codes.iter().map(|code| format!("`{}`: {}.", code.name, code.title)).collect();
        let names: Vec<&str> = codes.iter().map(|code| code.name).collect();
        let own = json!({"properties": {"code": {"enum": names}, "status": {"const": status}}});
        let mut schema = json!({"allOf": [{"$ref": "#/components/schemas/Problem"}, own]});
        if is_refusal {
            schema = json!({"allOf": [{"$ref": "#/components/schemas/Refusal"}, own]});
        }
        let examples: Map<String, Value> = codes
            .iter()
            .filter(|_| !is_refusal)
            .map(|code| (code.name.to_owned(), json!({"value": Problem::new(code).detail(code.says)})))
            .collect();
        let mut response = json!({
            "description": told.join("\n"),
            "content": {"application/problem+json": {"schema": schema, "examples": examples}},
        });
        if matches!(status, 429 | 503) {
            response["headers"] = json!({"Retry-After": {
                "description": "Seconds after which to come back.", "schema": {"type": "integer", "minimum": 1},
            }});
        }
        responses.insert(status.to_string(), response);
    }
}

/// One sale, for examples.
fn sale(id: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/pos/store-12", "type": "pos.sale", "time": "2026-03-02T10:15:00Z",
        "data": {"sku": "milk-1l", "location": "store-12", "quantity": 2},
    })
}

fn event_examples(schemas: &Map<String, Value>) -> Value {
    let kinds = schemas.iter().filter_map(|(name, schema)| Some((name.strip_prefix("data.")?, schema)));
    let examples: Map<String, Value> = kinds
        .map(|(kind, schema)| {
            let event = json!({
                "specversion": "1.0", "id": format!("{kind}-1"), "source": "/erp", "type": kind,
                "time": "2026-03-02T10:15:00Z", "data": example(schema, schemas, false),
            });
            (kind.to_owned(), json!({"value": event}))
        })
        .collect();
    examples.into()
}

fn events_body(schemas: &Map<String, Value>) -> Value {
    let event = json!({"$ref": "#/components/schemas/CloudEvent"});
    let batch = json!({"type": "array", "items": event, "maxItems": 100_000});
    json!({
        "required": true,
        "description": "Events as CloudEvents 1.0 over HTTP. The `Content-Type` says how: one structured event, a batch, \
            one event a line (taken as it streams; blank lines don't count), or plain JSON that is one event or an array. \
            With `ce-*` headers and any other type it is binary mode: the attributes are headers (`ce-specversion`, \
            `ce-id`, `ce-source`, `ce-type`, …), the body is `data`. At most 8 MiB a request, 64 KiB an event, 32 levels.",
        "content": {
            "application/cloudevents+json": {"schema": event, "examples": event_examples(schemas)},
            "application/cloudevents-batch+json": {"schema": batch, "example": [sale("sale-0001"), sale("sale-0002")]},
            "application/x-ndjson": {
                "schema": {"type": "string", "description": "One structured event a line."},
                "example": format!("{}\n{}\n", sale("sale-0001"), sale("sale-0002")),
            },
            "application/json": {"schema": {"anyOf": [event, batch]}, "example": sale("sale-0001")},
        },
    })
}

/// The attributes of an event in binary mode; in the others they don't count.
fn binary_mode_headers() -> Value {
    let headers = [
        ("ce-specversion", "`1.0`"),
        ("ce-id", "With `ce-source` it names the event."),
        ("ce-source", "Who tells."),
        ("ce-type", "The event type."),
        ("ce-time", "When it happened; the time of arrival when absent."),
        ("ce-subject", "What it is about; not used."),
        ("ce-sequence", "Orders counts of the same time."),
    ];
    let parameter = |(name, about): (&str, &str)| {
        json!({
            "name": name, "in": "header", "required": false, "schema": {"type": "string"},
            "description": format!("In binary mode. {about}"),
        })
    };
    headers.into_iter().map(parameter).collect::<Vec<_>>().into()
}

fn retry_body(schemas: &Map<String, Value>) -> Value {
    json!({
        "required": false,
        "description": "The edited event; no body to retry it as it is. A failed entity is released whatever the body is.",
        "content": {"application/cloudevents+json": {
            "schema": {"$ref": "#/components/schemas/CloudEvent"}, "examples": event_examples(schemas),
        }},
    })
}
