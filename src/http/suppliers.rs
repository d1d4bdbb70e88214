//! `GET /api/v1/suppliers…`

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde_json::Value;

use super::caller::Caller;
use super::inspect::{ask, ask_all, listed, not_found, shown};
use super::path::segments;
use super::problem::Problem;
use super::query::{Sort, SortValue, page};
use super::read::{Asked, Paged, Read};
use super::state::AppState;
use super::visibility::sees_supplier;
use crate::auth::Permission;
use crate::domain::ids::{EntityKey, Name};
use crate::domain::supplier::Supplier;
use crate::runtime::Hosted;
use crate::runtime::directory::Address;

pub(super) const FIELDS: &[&str] = &[
    "supplier",
    "name",
    "open_lines",
    "open_quantity",
    "late_lines",
    "predicted_late_lines",
    "unacknowledged_lines",
    "receipts",
    "lead_time_mean_days",
    "lead_time_sd_days",
    "lead_time_p50_days",
    "lead_time_p90_days",
    "otif_share",
    "on_time_share",
    "lateness_mean_days",
    "acknowledgement_mean_hours",
    "capacity_factor",
    "single_sourced",
    "open_exceptions",
];

/// A supplier that the caller sees.
pub(super) fn find(read: &Read<'_>, supplier: &Name) -> Result<Address, Problem> {
    let (caller, tenant) = (read.caller, read.tenant()?);
    let key = EntityKey::Supplier { tenant: caller.tenant, supplier: supplier.clone() };
    let known = read.running.directory.find(&key);
    known
        .filter(|_| sees_supplier(&caller.principal, tenant, supplier))
        .ok_or_else(|| not_found("such supplier"))
}

/// One supplier: open, late and predicted-late lines, lead times, on time in full with its definition, acknowledgements,
/// what it reported.
#[utoipa::path(get, path = "/api/v1/suppliers/{supplier}", tag = "suppliers",
    params(("supplier" = String, Path), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "Open lines and measured lead times", body = ref("#/components/schemas/Supplier")), (status = 404, description = "Unknown"),
        (status = 503, description = "Its state is being rebuilt")),
    security(("key" = [])))]
#[get("/api/v1/suppliers/{supplier}")]
pub async fn get_supplier(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [supplier] = segments(&request, "/api/v1/suppliers")?;
    let read = asked.ready().await?;
    let (running, address) = (read.running, find(&read, &supplier)?);
    let seen = ask::<Supplier, _>(running, address, |entity, key, now, reference| {
        entity.view(key.tenant(), now, reference)
    });
    Ok(HttpResponse::Ok().json(shown(running, seen.await?)))
}

/// Suppliers, by name or sorted by any of their numbers.
#[utoipa::path(get, path = "/api/v1/suppliers", tag = "suppliers",
    params(("supplier" = Option<Vec<String>>, Query), ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query),
        ("sort" = Option<String>, Query), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of suppliers", body = ref("#/components/schemas/SupplierList"))), security(("key" = [])))]
#[get("/api/v1/suppliers")]
pub async fn list_suppliers(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::list(&request, &caller, &state, Permission::Read, &["supplier"])?;
    let Paged { limit, sort, cursor } = asked.paged(FIELDS, Sort::by("supplier"))?;
    let read = asked.ready().await?;
    let (running, query, tenant) = (read.running, &read.query, read.tenant()?);
    // Suppliers are few against SKU-locations: all of them are asked.
    let found = running.directory.suppliers_after(caller.tenant, "", usize::MAX);
    let (suppliers, addresses): (Vec<Name>, Vec<Address>) = found
        .into_iter()
        .filter_map(|(key, address)| match key {
            EntityKey::Supplier { supplier, .. } => Some((supplier, address)),
            _ => None,
        })
        .filter(|(supplier, _)| {
            query.admits("supplier", supplier) && sees_supplier(&caller.principal, tenant, supplier)
        })
        .unzip();
    let seen = ask_all::<Supplier, _>(running, &addresses, |entity, key, now, reference| {
        entity.state_item(key, now, reference)
    })
    .await;
    let items = seen
        .into_iter()
        .zip(&suppliers)
        .map(|(seen, supplier)| {
            let item = listed(&[("supplier", supplier)], FIELDS, seen);
            let value = SortValue::of_json(item.get(sort.field).unwrap_or(&Value::Null));
            (value, supplier.to_string(), item)
        })
        .collect();
    let (items, next) = page(items, sort, cursor.as_ref(), limit);
    Ok(HttpResponse::Ok().json(read.page(items, next)))
}
