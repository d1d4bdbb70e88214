//! What parameters mean, by their names: the same wherever they stand.

use serde_json::{Value, json};

use super::answers::{SEVERITIES, exception_types};
use super::schema::{name, words};
use crate::domain::approval_case::{ActionState, CaseState};
use crate::domain::exception::ExceptionState;
use crate::http::documents::DocumentView as _;
use crate::http::{
    actions, cases, exceptions, orders, promotions, purchase_orders, sku_locations, suppliers, transfers,
};

/// What each list can be sorted by, by the operation's id. `-` in front sorts descending.
const SORTS: &[(&str, &[&str])] = &[
    ("list_sku_locations", sku_locations::FIELDS),
    ("list_suppliers", suppliers::FIELDS),
    ("list_exceptions", exceptions::FIELDS),
    ("list_affected", exceptions::FIELDS),
    ("list_cases", cases::FIELDS),
    ("list_actions", actions::FIELDS),
    ("list_deliveries", actions::DELIVERY_FIELDS),
    ("list_orders", orders::Order::FIELDS),
    ("list_purchase_orders", purchase_orders::PurchaseOrder::FIELDS),
    ("list_transfers", transfers::Transfer::FIELDS),
    ("list_promotions", promotions::FIELDS),
    ("list_items", &["sku"]),
    ("list_locations", &["location"]),
    ("list_customers", &["customer"]),
    ("list_quarantine", &["lsn"]),
];

/// The states by which lists can be filtered, but those of exceptions, cases and actions.
const STATES: &[(&str, &[&str])] = &[
    ("list_orders", orders::Order::STATES),
    ("list_purchase_orders", purchase_orders::PurchaseOrder::STATES),
    ("list_transfers", transfers::Transfer::STATES),
    ("list_promotions", promotions::STATES),
];

/// Adds description and schema to the parameters of an operation that have none of their own.
pub fn describe(operation: &mut Value) {
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        if parameter["in"] == "header" {
            if parameter["name"] == "Idempotency-Key" {
                parameter["description"] =
                    "Under the same key the same command is carried out once, and answered the \
                    same. Keys are each principal's own."
                        .into();
                parameter["schema"] =
                    json!({"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"});
            }
            continue;
        }
        let named = parameter["name"].as_str().unwrap_or_default().to_owned();
        let (about, schema) = meaning(&id, &named, parameter["in"] == "path");
        if parameter["schema"]["enum"].is_null() && parameter["schema"]["$ref"].is_null() {
            parameter["schema"] = schema;
        }
        if parameter["description"].as_str().unwrap_or_default().is_empty() {
            parameter["description"] = about.into();
        }
    }
}

fn meaning(operation: &str, named: &str, is_path: bool) -> (&'static str, Value) {
    let of_operation = |table: &'static [(&str, &[&'static str])]| {
        table.iter().find(|(id, _)| *id == operation).map_or(&[][..], |(_, values)| values)
    };
    match named {
        "at_least" => {
            let lsn = json!({"type": "integer", "minimum": 0, "exclusiveMaximum": 1_u64 << 53});
            let position = json!({"type": "string", "minLength": 1, "maxLength": 80});
            (
                "An LSN or a position: the answer waits (5 s at most) until everything up to it is applied.",
                json!({"anyOf": [lsn, position]}),
            )
        }
        "settled" => (
            "Also wait until the consequences are there, such as exceptions; alone: of everything so far.",
            json!({"type": "boolean", "default": false}),
        ),
        "limit" => (
            "Most items of a page.",
            json!({"type": "integer", "minimum": 1, "maximum": 1_000, "default": 100}),
        ),
        "cursor" => ("`next_cursor` of the page before, with the same `sort`.", json!({"type": "string"})),
        "sort" => {
            let fields = of_operation(SORTS).iter();
            let values: Vec<String> =
                fields.flat_map(|field| [(*field).to_owned(), format!("-{field}")]).collect();
            let about = "The field to sort by; `-` in front for descending. Ties by id, unknown values last.";
            if values.is_empty() {
                return (about, json!({"type": "string"}));
            }
            (about, json!({"type": "string", "enum": values}))
        }
        "type" => ("Of these types. Repeated values mean *or*.", several(exception_types())),
        "state" => {
            let states = match of_operation(STATES) {
                [] if operation == "list_cases" => words(CaseState::ALL.map(CaseState::as_str)),
                [] if operation == "list_actions" => words(ActionState::ALL.map(ActionState::as_str)),
                [] => words(ExceptionState::ALL.map(ExceptionState::as_str)),
                states => words(states.iter().copied()),
            };
            ("In these states. Repeated values mean *or*.", several(states))
        }
        "severity" => {
            let severities = words(SEVERITIES.map(|severity| severity.as_str()));
            ("Of these severities. Repeated values mean *or*.", several(severities))
        }
        "kind" if matches!(operation, "list_actions" | "list_deliveries") => {
            let kinds = words(["order", "expedite", "transfer", "custom"]);
            ("Of these kinds. Repeated values mean *or*.", several(kinds))
        }
        "outcome" => {
            let outcomes = words(["unknown", "delivered", "failed", "refused"]);
            ("With these outcomes. Repeated values mean *or*.", several(outcomes))
        }
        "is_open" | "grouped" => ("`true` or `false`; both when absent.", json!({"type": "boolean"})),
        "ticket" => {
            ("A ticket from `POST /api/v1/feed/tickets`, instead of a key.", json!({"type": "string"}))
        }
        _ if is_path => ("Percent-encoded once, `/` as `%2F`.", name()),
        _ => ("Only these. Repeated values mean *or*.", several(json!({"type": "string"}))),
    }
}

fn several(items: Value) -> Value {
    json!({"type": "array", "items": items})
}
