//! `GET /api/v1/exceptions…`

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde_json::Value;

use super::caller::Caller;
use super::inspect::{List, not_found, with_lsn};
use super::path::segments;
use super::problem::Problem;
use super::query::{Cursor, Query, Sort, SortValue};
use super::read::{Asked, Paged, Read};
use super::state::AppState;
use super::visibility::sees_exception;
use crate::auth::Permission;
use crate::domain::exception::ExceptionItem;
use crate::runtime::summaries::ExceptionEntry;
use crate::runtime::summary::{Listed, Paging, Selection, SortBy, SortKey};

const PREFIX: &str = "/api/v1/exceptions";

/// What the list can be sorted by.
const FIELDS: &[&str] = &[
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
const TYPES: &[&str] = &[
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
const STATES: &[&str] = &["open", "acknowledged", "in_case", "snoozed", "resolved", "cleared"];
const FINAL_STATES: &[&str] = &["resolved", "cleared"];
const SEVERITIES: &[&str] = &["low", "medium", "high", "critical"];

/// What the list can be filtered by.
const FILTERS: &[&str] = &["type", "state", "severity", "sku", "location", "supplier", "owner", "team"];

/// An exception as the outside sees it.
pub fn item_of(entry: &ExceptionEntry) -> Value {
    with_lsn(serde_json::to_value(&entry.item).unwrap_or_default(), entry.lsn)
}

/// One exception, after its last change.
#[utoipa::path(get, path = "/api/v1/exceptions/{id}", tag = "exceptions",
    params(("id" = String, Path), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "The exception"), (status = 404, description = "Unknown")),
    security(("key" = [])))]
#[get("/api/v1/exceptions/{id}")]
pub async fn get_exception(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [id] = segments(&request, PREFIX)?;
    let read = asked.ready().await?;
    let entry = find(&read, &id)?;
    let mut item = item_of(&entry);
    if let Value::Object(map) = &mut item {
        map.insert("position".to_owned(), read.running.position(entry.lsn).into());
    }
    Ok(HttpResponse::Ok().json(item))
}

/// An exception that the caller sees.
fn find(read: &Read<'_>, id: &str) -> Result<Arc<ExceptionEntry>, Problem> {
    let (caller, tenant) = (read.caller, read.tenant()?);
    let entry = read.running.exceptions.get(caller.tenant, id);
    entry
        .filter(|entry| sees_exception(&caller.principal, tenant, &entry.item))
        .ok_or_else(|| not_found("such exception"))
}

/// What is wrong now, the most valuable first; ended ones when asked for.
#[utoipa::path(get, path = "/api/v1/exceptions", tag = "exceptions",
    params(("type" = Option<Vec<String>>, Query), ("state" = Option<Vec<String>>, Query, description = "by default those that are not over"),
        ("severity" = Option<Vec<String>>, Query), ("sku" = Option<Vec<String>>, Query), ("location" = Option<Vec<String>>, Query),
        ("supplier" = Option<Vec<String>>, Query), ("owner" = Option<Vec<String>>, Query), ("team" = Option<Vec<String>>, Query),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of exceptions")), security(("key" = [])))]
#[get("/api/v1/exceptions")]
pub async fn list_exceptions(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::list(&request, &caller, &state, Permission::Read, FILTERS)?;
    let paged = asked.paged(FIELDS, Sort::descending("value_at_risk"))?;
    asked.query.names("type", |name| (TYPES.contains(&name) || name.starts_with("custom.")).then_some(()))?;
    asked.query.names("state", |name| STATES.contains(&name).then_some(()))?;
    asked.query.names("severity", |name| SEVERITIES.contains(&name).then_some(()))?;
    let read = asked.ready().await?;
    let selection = selection::<ExceptionItem>(&read.query);
    Ok(HttpResponse::Ok().json(page(&read, &selection, &paged)?))
}

/// What the filters of a query mean for a summary.
fn selection<T: Listed>(query: &Query) -> Selection<'_> {
    let filters = |fields: &[&str]| {
        let named = fields.iter().enumerate().map(|(at, field)| (at, query.all(field)));
        named.filter(|(_, values)| !values.is_empty()).collect()
    };
    let with_over = query.all("state").iter().any(|state| FINAL_STATES.contains(&state.as_str()));
    Selection { with_over, facets: filters(T::FACETS), names: filters(T::NAMES), absent: Vec::new() }
}

/// A page of those selected that the caller sees.
fn page(read: &Read<'_>, selection: &Selection<'_>, paged: &Paged) -> Result<List<Value>, Problem> {
    let (caller, tenant) = (read.caller, read.tenant()?);
    let sort = SortBy::named::<ExceptionItem>(paged.sort.field).unwrap_or(SortBy::Id);
    let after = paged.cursor.as_ref().map(|cursor| {
        let key = match &cursor.value {
            SortValue::Number(number) => SortKey::Number(*number),
            SortValue::Text(text) => SortKey::Text(text.clone()),
            SortValue::Unknown(()) => SortKey::Unknown,
        };
        (key, cursor.id.as_str())
    });
    let paging = Paging { sort, descending: paged.sort.descending, after, limit: paged.limit };
    let sees = |item: &ExceptionItem| sees_exception(&caller.principal, tenant, item);
    let found = read.running.exceptions.page(caller.tenant, selection, &paging, sees);
    let last = found.entries.last().filter(|_| found.has_more);
    let next = last.map(|entry| {
        let value = match sort.key_of(entry) {
            SortKey::Number(number) => SortValue::number(Some(number)),
            SortKey::Text(text) => SortValue::Text(text),
            SortKey::Unknown => SortValue::Unknown(()),
        };
        Cursor::after(paged.sort, value, entry.item.id.to_string()).encode()
    });
    Ok(read.page(found.entries.iter().map(|entry| item_of(entry)).collect(), next))
}
