//! `GET /api/v1/items…` and `/api/v1/locations…`: what was described.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde_json::{Value, json};

use super::caller::Caller;
use super::inspect::not_found;
use super::path::segments;
use super::problem::Problem;
use super::query::{Cursor, Query, Sort, SortValue, page};
use super::read::{Asked, Paged};
use super::state::AppState;
use super::visibility::{sees_item, sees_location};
use crate::auth::Permission;
use crate::domain::event::{ItemDescribed, LocationDescribed};

/// Descriptions looked up at a time.
const CHUNK: usize = 1_000;

fn item_value(item: &ItemDescribed) -> Value {
    let attributes: Value =
        item.attributes.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    json!({
        "sku": item.sku, "name": item.name, "path": item.path, "attributes": attributes, "brand": item.brand,
        "unit_cost": item.unit_cost, "unit_price": item.unit_price, "currency": item.currency, "uom": item.uom,
        "uoms": item.uoms, "pack": item.pack, "shelf_life_days": item.shelf_life_days, "substitutes": item.substitutes,
    })
}

fn location_value(location: &LocationDescribed) -> Value {
    serde_json::to_value(location).unwrap_or_default()
}

/// An item as it was described.
#[utoipa::path(get, path = "/api/v1/items/{sku}", tag = "master data",
    params(("sku" = String, Path), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "The item as described", body = ref("#/components/schemas/Item")), (status = 404, description = "Not described")),
    security(("key" = [])))]
#[get("/api/v1/items/{sku}")]
pub async fn get_item(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [sku] = segments(&request, "/api/v1/items")?;
    let read = asked.ready().await?;
    let tenant = read.tenant()?;
    let item = tenant.item(&sku).filter(|_| sees_item(&caller.principal, tenant, &sku));
    let item = item.ok_or_else(|| not_found("such item"))?;
    Ok(HttpResponse::Ok().json(read.stamped(item_value(item))))
}

/// A location as it was described.
#[utoipa::path(get, path = "/api/v1/locations/{location}", tag = "master data",
    params(("location" = String, Path), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "The location as described", body = ref("#/components/schemas/Location")), (status = 404, description = "Not described")),
    security(("key" = [])))]
#[get("/api/v1/locations/{location}")]
pub async fn get_location(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [location] = segments(&request, "/api/v1/locations")?;
    let read = asked.ready().await?;
    let tenant = read.tenant()?;
    let found = tenant.location(&location).filter(|_| sees_location(&caller.principal, tenant, &location));
    let found = found.ok_or_else(|| not_found("such location"))?;
    Ok(HttpResponse::Ok().json(read.stamped(location_value(found))))
}

/// A page of descriptions, sorted by their names. `after` gives those after a name in order, at most as many as asked
/// for; only `wanted` ones are shown.
pub fn page_by_name<'t, T: 't>(
    paged: &Paged,
    after: impl Fn(Option<&str>, usize) -> Vec<&'t T>,
    name: impl Fn(&T) -> &str,
    wanted: impl Fn(&T) -> bool,
    show: impl Fn(&T) -> Value,
) -> (Vec<Value>, Option<String>) {
    let Paged { limit, sort, cursor } = paged;
    let named = |one: &'t T| (SortValue::Text(name(one).to_owned()), name(one).to_owned(), one);
    if sort.descending {
        let all = after(None, usize::MAX).into_iter().filter(|one| wanted(one)).map(named).collect();
        let (found, next) = page(all, *sort, cursor.as_ref(), *limit);
        return (found.into_iter().map(show).collect(), next);
    }
    let mut at = cursor.as_ref().map(|cursor| cursor.id.clone());
    let mut found: Vec<&T> = Vec::new();
    loop {
        let chunk = after(at.as_deref(), CHUNK);
        let is_last = chunk.len() < CHUNK;
        at = chunk.last().map(|one| name(one).to_owned());
        found.extend(chunk.into_iter().filter(|one| wanted(one)));
        if is_last || found.len() > *limit {
            break;
        }
    }
    let has_more = found.len() > *limit;
    found.truncate(*limit);
    let next = found.last().filter(|_| has_more).map(|last| {
        Cursor::after(*sort, SortValue::Text(name(last).to_owned()), name(last).to_owned()).encode()
    });
    (found.into_iter().map(show).collect(), next)
}

/// Items that were described.
#[utoipa::path(get, path = "/api/v1/items", tag = "master data",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("sort" = Option<String>, Query),
        ("path" = Option<Vec<String>>, Query, description = "hierarchy prefix, levels joined by /"),
        ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of items", body = ref("#/components/schemas/ItemList"))), security(("key" = [])))]
#[get("/api/v1/items")]
pub async fn list_items(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::list(&request, &caller, &state, Permission::Read, &["path"])?;
    let paged = asked.paged(&["sku"], Sort::by("sku"))?;
    let read = asked.ready().await?;
    let tenant = read.tenant()?;
    let (items, next) = page_by_name(
        &paged,
        |after, limit| tenant.items_after(after, limit).collect(),
        |item: &ItemDescribed| &item.sku,
        |item| below(&read.query, &item.path) && sees_item(&caller.principal, tenant, &item.sku),
        item_value,
    );
    Ok(HttpResponse::Ok().json(read.page(items, next)))
}

/// Locations that were described.
#[utoipa::path(get, path = "/api/v1/locations", tag = "master data",
    params(("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("sort" = Option<String>, Query),
        ("path" = Option<Vec<String>>, Query, description = "hierarchy prefix, levels joined by /"),
        ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of locations", body = ref("#/components/schemas/LocationList"))), security(("key" = [])))]
#[get("/api/v1/locations")]
pub async fn list_locations(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::list(&request, &caller, &state, Permission::Read, &["path"])?;
    let paged = asked.paged(&["location"], Sort::by("location"))?;
    let read = asked.ready().await?;
    let tenant = read.tenant()?;
    let (items, next) = page_by_name(
        &paged,
        |after, limit| tenant.locations_after(after, limit).collect(),
        |one: &LocationDescribed| &one.location,
        |one| below(&read.query, &one.path) && sees_location(&caller.principal, tenant, &one.location),
        location_value,
    );
    Ok(HttpResponse::Ok().json(read.page(items, next)))
}

/// Whether a hierarchy place is below one of the prefixes asked for.
fn below(query: &Query, path: &[crate::domain::ids::Name]) -> bool {
    let prefixes = query.all("path");
    prefixes.is_empty()
        || prefixes.iter().any(|prefix| {
            let mut levels = path.iter();
            prefix.split('/').all(|level| levels.next().is_some_and(|here| here == level))
        })
}
