//! `GET /api/v1/cases…`

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde_json::Value;

use super::caller::Caller;
use super::inspect::{not_found, with_lsn};
use super::path::segments;
use super::problem::Problem;
use super::query::{Query, Sort};
use super::read::{Asked, selection};
use super::scoped::{case_entry_for, case_for};
use super::state::{AppState, tenant_of};
use super::visibility::sees_case;
use crate::auth::Permission;
use crate::domain::approval_case::{CaseItem, CaseState};
use crate::domain::ids::Name;
use crate::domain::reference::Reference;
use crate::runtime::Running;
use crate::runtime::summaries::CaseEntry;
use crate::runtime::summary::Reach;

const PREFIX: &str = "/api/v1/cases";

/// What lists can be sorted by.
pub const FIELDS: &[&str] = &[
    "id",
    "kind",
    "state",
    "value_at_risk",
    "decide_by",
    "opened_at",
    "updated_at",
    "closed_at",
    "version",
    "lsn",
];
const FILTERS: &[&str] =
    &["state", "kind", "id", "team", "owner", "sku", "location", "supplier", "exception"];

/// A case as the outside sees it; the entry is [`case_entry_for`] whoever asks.
pub fn item_of(entry: &CaseEntry) -> Value {
    with_lsn(serde_json::to_value(&entry.item).unwrap_or_default(), entry.lsn)
}

/// A case that the caller sees: everything that it is about is inside the caller's scope. It is whole, for decisions;
/// what is shown is [`find_shown`].
///
/// # Errors
/// `not_found`.
pub fn find(
    running: &Running,
    caller: &Caller,
    reference: &Reference,
    id: &str,
) -> Result<Arc<CaseEntry>, Problem> {
    let tenant = tenant_of(reference, caller)?;
    let entry = running.cases.get(caller.tenant, id);
    entry
        .filter(|entry| sees_case(&caller.principal, tenant, &entry.item))
        .ok_or_else(|| not_found("such case"))
}

/// A case that the caller sees, without what lies outside the caller's scope.
///
/// # Errors
/// `not_found`.
pub fn find_shown(
    running: &Running,
    caller: &Caller,
    reference: &Reference,
    id: &str,
) -> Result<Arc<CaseEntry>, Problem> {
    let tenant = tenant_of(reference, caller)?;
    let entry = running.cases.get(caller.tenant, id);
    entry
        .and_then(|entry| case_entry_for(&caller.principal, tenant, entry))
        .ok_or_else(|| not_found("such case"))
}

fn state_named(name: &str) -> Option<CaseState> {
    CaseState::ALL.into_iter().find(|state| state.as_str() == name)
}

/// Whether a case is about what the filters name: each of them about one of its subjects or exceptions.
fn is_about(item: &CaseItem, query: &Query) -> bool {
    let one_of = |filter: &str, names: Vec<&Name>| {
        query.all(filter).is_empty() || names.into_iter().any(|name| query.admits(filter, name))
    };
    let subjects = &item.subjects;
    one_of("sku", subjects.iter().filter_map(|subject| subject.sku.as_ref()).collect())
        && one_of("location", subjects.iter().filter_map(|subject| subject.location.as_ref()).collect())
        && one_of("supplier", subjects.iter().filter_map(|subject| subject.supplier.as_ref()).collect())
        && one_of("exception", item.exceptions.iter().collect())
}

/// One case, after its last change.
#[utoipa::path(get, path = "/api/v1/cases/{id}", tag = "cases",
    params(("id" = String, Path), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "The case", body = ref("#/components/schemas/CaseDetail"))),
    security(("key" = [])))]
#[get("/api/v1/cases/{id}")]
pub async fn get_case(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [id] = segments(&request, PREFIX)?;
    let read = asked.ready().await?;
    let entry = find_shown(read.running, &caller, &read.running.reference(), &id)?;
    let mut item = item_of(&entry);
    if let Value::Object(fields) = &mut item {
        fields.insert("position".to_owned(), read.running.position(entry.lsn).into());
    }
    Ok(HttpResponse::Ok().json(item))
}

/// Cases to be decided and being carried out, the most valuable first; those that are over when `state` asks for them.
#[utoipa::path(get, path = "/api/v1/cases", tag = "cases",
    params(("state" = Option<Vec<String>>, Query, description = "by default those that are not over"),
        ("kind" = Option<Vec<String>>, Query), ("id" = Option<Vec<String>>, Query), ("sku" = Option<Vec<String>>, Query),
        ("location" = Option<Vec<String>>, Query), ("supplier" = Option<Vec<String>>, Query),
        ("team" = Option<Vec<String>>, Query), ("owner" = Option<Vec<String>>, Query),
        ("exception" = Option<Vec<String>>, Query, description = "ids of exceptions that it decides about"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of cases", body = ref("#/components/schemas/CaseList"))), security(("key" = [])))]
#[get("/api/v1/cases")]
pub async fn list_cases(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::list(&request, &caller, &state, Permission::Read, FILTERS)?;
    let paged = asked.paged(FIELDS, Sort::descending("value_at_risk"))?;
    asked.query.names("state", state_named)?;
    let read = asked.ready().await?;
    let is_final = |name: &str| state_named(name).is_some_and(CaseState::is_final);
    let selection = selection::<CaseItem>(&read.query, is_final);
    let tenant = read.tenant()?;
    let sees = |item: &CaseItem| is_about(item, &read.query) && sees_case(&caller.principal, tenant, item);
    let show = |entry: &CaseEntry| {
        let item = case_for(&caller.principal, tenant, &entry.item);
        with_lsn(serde_json::to_value(item).unwrap_or_default(), entry.lsn)
    };
    let page =
        read.summary_page(read.running.cases.summary(), &selection, &paged, |_| Reach::default(), sees, show);
    Ok(HttpResponse::Ok().json(page))
}
