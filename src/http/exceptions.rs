//! `GET /api/v1/exceptions…`

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde_json::Value;

use super::caller::Caller;
use super::inspect::{List, not_found, with_lsn};
use super::path::segments;
use super::problem::Problem;
use super::query::{Query, Sort, SortValue, page};
use super::state::{AppState, tenant_of};
use super::visibility::sees_exception;
use crate::auth::Permission;
use crate::runtime::summaries::ExceptionEntry;

pub(super) const FIELDS: &[&str] = &[
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

/// Every type of the contract. One that is not raised yet is found nowhere; a name that is none is a mistake.
pub(super) const TYPES: &[&str] = &[
    "shortage_now",
    "projected_stockout",
    "below_safety_stock",
    "excess",
    "dead_stock",
    "expiry_before_use",
    "negative_stock",
    "stock_mismatch",
    "demand_spike",
    "demand_drop",
    "forecast_bias",
    "forecast_accuracy",
    "promotion_uncovered",
    "promotion_off_plan",
    "order_at_risk",
    "allocation_shortage",
    "purchase_late",
    "purchase_late_predicted",
    "receipt_partial",
    "acknowledgement_missing",
    "acknowledgement_differs",
    "lead_time_drift",
    "supplier_unreliable",
    "capacity_exceeded",
    "single_source",
    "transfer_late",
    "action_unconfirmed",
    "action_refused",
    "reconciliation_mismatch",
    "feed_stale",
    "missing_master_data",
    "data_quality",
];
pub(super) const STATES: &[&str] = &["open", "acknowledged", "in_case", "snoozed", "resolved", "cleared"];
const FINAL_STATES: &[&str] = &["resolved", "cleared"];
pub(super) const SEVERITIES: &[&str] = &["low", "medium", "high", "critical"];

/// An exception as the outside sees it.
pub fn item_of(entry: &ExceptionEntry) -> Value {
    with_lsn(serde_json::to_value(&entry.item).unwrap_or_default(), entry.lsn)
}

fn sort_value(entry: &ExceptionEntry, field: &str) -> SortValue {
    let item = &entry.item;
    let time =
        |time: Option<crate::domain::time::Timestamp>| SortValue::number(time.map(|t| t.micros() as f64));
    match field {
        "type" => SortValue::Text(item.exception_type.as_str().to_owned()),
        "state" => SortValue::Text(item.state.as_str().to_owned()),
        "severity" => SortValue::Number(f64::from(item.severity as u8)),
        "urgency" => SortValue::Number(f64::from(item.urgency)),
        "value_at_risk" => SortValue::number(item.value_at_risk.map(|money| money.as_f64())),
        "units_at_risk" => SortValue::number(item.units_at_risk.map(|units| units.as_f64())),
        "decide_by" => time(item.decide_by),
        "opened_at" => time(Some(item.opened_at)),
        "updated_at" => time(Some(item.updated_at)),
        "cleared_at" => time(item.cleared_at),
        "confidence" => SortValue::number(item.confidence),
        "lsn" => SortValue::Number(entry.lsn.0 as f64),
        _ => SortValue::Text(item.id.to_string()),
    }
}

/// One exception, after its last change.
#[utoipa::path(get, path = "/api/v1/exceptions/{id}", tag = "exceptions",
    params(("id" = String, Path), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "The exception", body = ref("#/components/schemas/ExceptionDetail")), (status = 404, description = "Unknown")),
    security(("key" = [])))]
#[get("/api/v1/exceptions/{id}")]
pub async fn get_exception(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    caller.need(Permission::Read)?;
    let running = state.running()?;
    let query = Query::parse(request.query_string(), &["at_least", "settled"])?;
    let [id] = segments(&request, "/api/v1/exceptions")?;
    query.wait(&state, running).await?;
    let reference = running.reference();
    let tenant = tenant_of(&reference, &caller)?;
    let entry = running
        .exceptions
        .get(caller.tenant, &id)
        .filter(|entry| sees_exception(&caller.principal, tenant, &entry.item))
        .ok_or_else(|| not_found("such exception"))?;
    let mut item = item_of(&entry);
    if let Value::Object(map) = &mut item {
        map.insert("position".to_owned(), running.position(entry.lsn).into());
    }
    Ok(HttpResponse::Ok().json(item))
}

/// What is wrong now, the most valuable first; ended ones when asked for.
#[utoipa::path(get, path = "/api/v1/exceptions", tag = "exceptions",
    params(("type" = Option<Vec<String>>, Query), ("state" = Option<Vec<String>>, Query, description = "by default those that are not over"),
        ("severity" = Option<Vec<String>>, Query), ("sku" = Option<Vec<String>>, Query), ("location" = Option<Vec<String>>, Query),
        ("supplier" = Option<Vec<String>>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of exceptions", body = ref("#/components/schemas/ExceptionList"))), security(("key" = [])))]
#[get("/api/v1/exceptions")]
pub async fn list_exceptions(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    caller.need(Permission::Read)?;
    let running = state.running()?;
    let known = [
        "type", "state", "severity", "sku", "location", "supplier", "limit", "cursor", "sort", "at_least",
        "settled",
    ];
    let query = Query::parse(request.query_string(), &known)?;
    let limit = query.limit(state.config.server.list_limit_max)?;
    let sort = query.sort(FIELDS, Sort::descending("value_at_risk"))?;
    let cursor = query.cursor(sort)?;
    query.names("type", |name| (TYPES.contains(&name) || name.starts_with("custom.")).then_some(()))?;
    query.names("state", |name| STATES.contains(&name).then_some(()))?;
    query.names("severity", |name| SEVERITIES.contains(&name).then_some(()))?;
    query.wait(&state, running).await?;
    let lsn = running.progress.applied();
    let reference = running.reference();
    let tenant = tenant_of(&reference, &caller)?;
    let names = |name: &str, value: &Option<crate::domain::ids::Name>| {
        query.all(name).is_empty() || value.as_ref().is_some_and(|value| query.admits(name, value))
    };
    let with_ended = query.all("state").iter().any(|state| FINAL_STATES.contains(&state.as_str()));
    let found = running.exceptions.select(caller.tenant, with_ended, |entry| {
        let item = &entry.item;
        query.admits("type", item.exception_type.as_str())
            && query.admits("state", item.state.as_str())
            && query.admits("severity", item.severity.as_str())
            && names("sku", &item.subject.sku)
            && names("location", &item.subject.location)
            && names("supplier", &item.subject.supplier)
            && sees_exception(&caller.principal, tenant, item)
    });
    let candidates = found
        .into_iter()
        .map(|entry| (sort_value(&entry, sort.field), entry.item.id.to_string(), entry))
        .collect();
    let (entries, next) = page(candidates, sort, cursor.as_ref(), limit);
    let items: Vec<Value> = entries.iter().map(|entry| item_of(entry)).collect();
    Ok(HttpResponse::Ok().json(List::new(running, lsn, items, next)))
}
