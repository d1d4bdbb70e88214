//! `GET /api/v1/items…` and `/api/v1/locations…`: what was described.

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde_json::{Value, json};

use super::caller::Caller;
use super::inspect::{List, not_found};
use super::path::segments;
use super::problem::Problem;
use super::query::{Cursor, Query, Sort, SortValue};
use super::state::{AppState, tenant_of};
use super::visibility::{sees_item, sees_location};
use crate::auth::Permission;
use crate::domain::event::{ItemDescribed, LocationDescribed};
use crate::domain::ids::Lsn;
use crate::runtime::Running;

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

fn with_position(mut value: Value, running: &Running, lsn: Lsn) -> Value {
    if let Value::Object(map) = &mut value {
        map.insert("lsn".to_owned(), lsn.0.into());
        map.insert("position".to_owned(), running.position(lsn).into());
    }
    value
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
    caller.need(Permission::Read)?;
    let running = state.running()?;
    let query = Query::parse(request.query_string(), &["at_least", "settled"])?;
    let [sku] = segments(&request, "/api/v1/items")?;
    query.wait(&state, running).await?;
    let lsn = running.progress.applied();
    let reference = running.reference();
    let tenant = tenant_of(&reference, &caller)?;
    let item = tenant.item(&sku).filter(|_| sees_item(&caller.principal, tenant, &sku));
    let item = item.ok_or_else(|| not_found("such item"))?;
    Ok(HttpResponse::Ok().json(with_position(item_value(item), running, lsn)))
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
    caller.need(Permission::Read)?;
    let running = state.running()?;
    let query = Query::parse(request.query_string(), &["at_least", "settled"])?;
    let [location] = segments(&request, "/api/v1/locations")?;
    query.wait(&state, running).await?;
    let lsn = running.progress.applied();
    let reference = running.reference();
    let tenant = tenant_of(&reference, &caller)?;
    let found = tenant.location(&location).filter(|_| sees_location(&caller.principal, tenant, &location));
    let found = found.ok_or_else(|| not_found("such location"))?;
    Ok(HttpResponse::Ok().json(with_position(location_value(found), running, lsn)))
}

/// A page of descriptions, which stand sorted by their id.
struct Page {
    values: Vec<Value>,
    next: Option<String>,
}

/// Walks descriptions in order of id from where the cursor stands, keeping those wanted.
fn walk<T>(
    sort: Sort,
    cursor: Option<&Cursor>,
    limit: usize,
    after: impl Fn(Option<&str>) -> Vec<T>,
    id: impl Fn(&T) -> String,
    show: impl Fn(&T) -> Option<Value>,
) -> Page {
    let mut at = cursor.map(|cursor| cursor.id.clone());
    let mut found: Vec<(String, Value)> = Vec::new();
    loop {
        let chunk = after(at.as_deref());
        let last = chunk.len() < CHUNK;
        at = chunk.last().map(&id);
        found.extend(chunk.iter().filter_map(|one| show(one).map(|value| (id(one), value))));
        if last || found.len() > limit {
            break;
        }
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next = more
        .then(|| found.last().map(|(id, _)| Cursor::after(sort, SortValue::Text(id.clone()), id.clone())));
    let next = next.flatten().map(|cursor| cursor.encode());
    Page { values: found.into_iter().map(|(_, value)| value).collect(), next }
}

const LIST_PARAMETERS: [&str; 6] = ["limit", "cursor", "sort", "at_least", "settled", "path"];

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
    caller.need(Permission::Read)?;
    let running = state.running()?;
    let query = Query::parse(request.query_string(), &LIST_PARAMETERS)?;
    let limit = query.limit(state.config.server.list_limit_max)?;
    let sort = query.sort(&["sku"], Sort::by("sku"))?;
    let cursor = query.cursor(sort)?;
    query.wait(&state, running).await?;
    let lsn = running.progress.applied();
    let reference = running.reference();
    let tenant = tenant_of(&reference, &caller)?;
    let page = if sort.descending {
        let all: Vec<&ItemDescribed> = tenant.items_after(None, usize::MAX).collect();
        descending(
            sort,
            cursor.as_ref(),
            limit,
            all,
            |item| item.sku.to_string(),
            |item| {
                (below(&query, &item.path) && sees_item(&caller.principal, tenant, &item.sku))
                    .then(|| item_value(item))
            },
        )
    } else {
        walk(
            sort,
            cursor.as_ref(),
            limit,
            |after| tenant.items_after(after, CHUNK).collect(),
            |item: &&ItemDescribed| item.sku.to_string(),
            |item| {
                (below(&query, &item.path) && sees_item(&caller.principal, tenant, &item.sku))
                    .then(|| item_value(item))
            },
        )
    };
    Ok(HttpResponse::Ok().json(List::new(running, lsn, page.values, page.next)))
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
    caller.need(Permission::Read)?;
    let running = state.running()?;
    let query = Query::parse(request.query_string(), &LIST_PARAMETERS)?;
    let limit = query.limit(state.config.server.list_limit_max)?;
    let sort = query.sort(&["location"], Sort::by("location"))?;
    let cursor = query.cursor(sort)?;
    query.wait(&state, running).await?;
    let lsn = running.progress.applied();
    let reference = running.reference();
    let tenant = tenant_of(&reference, &caller)?;
    let show = |one: &&LocationDescribed| {
        (below(&query, &one.path) && sees_location(&caller.principal, tenant, &one.location))
            .then(|| location_value(one))
    };
    let id = |one: &&LocationDescribed| one.location.to_string();
    let page = if sort.descending {
        let all: Vec<&LocationDescribed> = tenant.locations_after(None, usize::MAX).collect();
        descending(sort, cursor.as_ref(), limit, all, id, show)
    } else {
        walk(sort, cursor.as_ref(), limit, |after| tenant.locations_after(after, CHUNK).collect(), id, show)
    };
    Ok(HttpResponse::Ok().json(List::new(running, lsn, page.values, page.next)))
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

fn descending<T>(
    sort: Sort,
    cursor: Option<&Cursor>,
    limit: usize,
    all: Vec<T>,
    id: impl Fn(&T) -> String,
    show: impl Fn(&T) -> Option<Value>,
) -> Page {
    let candidates = all
        .iter()
        .filter_map(|one| show(one).map(|value| (SortValue::Text(id(one)), id(one), value)))
        .collect();
    let (values, next) = super::query::page(candidates, sort, cursor, limit);
    Page { values, next }
}
