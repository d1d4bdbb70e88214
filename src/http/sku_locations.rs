//! `GET /api/v1/sku-locations…`

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde_json::Value;

use super::caller::Caller;
use super::inspect::{ask, ask_all, listed, not_found, shown};
use super::path::segments;
use super::problem::Problem;
use super::query::{Cursor, Sort, SortValue, Sortable, keep_first, page_and_cursor};
use super::read::{Asked, Paged, Read};
use super::state::AppState;
use super::visibility::sees_sku_location;
use crate::auth::Permission;
use crate::domain::ids::{EntityKey, Name};
use crate::domain::sku_location::SkuLocation;
use crate::domain::time::Timestamp;
use crate::runtime::directory::Address;
use crate::runtime::{Hosted, Running};

const PREFIX: &str = "/api/v1/sku-locations";
/// What the list can be sorted by, besides its key.
pub(super) const FIELDS: &[&str] = &[
    "sku",
    "location",
    "on_hand",
    "blocked",
    "reserved",
    "due",
    "available",
    "backorders",
    "on_order",
    "planned",
    "in_transit",
    "inventory_position",
    "demand_rate_per_day",
    "days_of_cover",
    "safety_stock",
    "reorder_point",
    "lead_time_days",
    "stockout_probability",
    "projected_stockout_at",
    "open_exceptions",
];
/// Entities asked at a time while a list is sorted by value.
const SCAN_CHUNK: usize = 2_000;
/// How long a list goes on as of its first page, microseconds of business time: after that its numbers would mislead.
const AS_OF_MICROS_MAX: i64 = 3_600_000_000;
/// SKU-locations looked up at a time in the directory.
const DIRECTORY_CHUNK: usize = 5_000;

/// Finds a SKU-location that the caller sees.
pub(super) fn find(read: &Read<'_>, sku: &Name, location: &Name) -> Result<Address, Problem> {
    let (caller, tenant) = (read.caller, read.tenant()?);
    let key = EntityKey::SkuLocation { tenant: caller.tenant, sku: sku.clone(), location: location.clone() };
    read.running
        .directory
        .find(&key)
        .filter(|_| sees_sku_location(&caller.principal, tenant, sku, location))
        .ok_or_else(|| not_found("such SKU-location"))
}

/// One item at one location: stock, demand, risk, as of now.
#[utoipa::path(get, path = "/api/v1/sku-locations/{sku}/{location}", tag = "sku-locations",
    params(("sku" = String, Path), ("location" = String, Path),
        ("at_least" = Option<String>, Query, description = "LSN or position to wait for"),
        ("settled" = Option<bool>, Query, description = "also wait for its consequences")),
    responses((status = 200, description = "Its numbers now", body = ref("#/components/schemas/SkuLocation")), (status = 404, description = "Unknown"),
        (status = 503, description = "Its state is being rebuilt"), (status = 504, description = "Not yet applied")),
    security(("key" = [])))]
#[get("/api/v1/sku-locations/{sku}/{location}")]
pub async fn get_sku_location(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [sku, location] = segments(&request, PREFIX)?;
    let read = asked.ready().await?;
    let address = find(&read, &sku, &location)?;
    let seen = ask::<SkuLocation, _>(read.running, address, |entity, key, now, reference| {
        entity.view(now, reference, key)
    });
    Ok(HttpResponse::Ok().json(shown(read.running, seen.await?)))
}

/// The balance of a SKU-location, day by day, with its shortage windows.
#[utoipa::path(get, path = "/api/v1/sku-locations/{sku}/{location}/projection", tag = "sku-locations",
    params(("sku" = String, Path), ("location" = String, Path), ("at_least" = Option<String>, Query),
        ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "Receipts, demand and balance by day", body = ref("#/components/schemas/Projection")), (status = 404, description = "Unknown"),
        (status = 503, description = "Its state is being rebuilt")),
    security(("key" = [])))]
#[get("/api/v1/sku-locations/{sku}/{location}/projection")]
pub async fn get_projection(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [sku, location] = segments(&request, PREFIX)?;
    let read = asked.ready().await?;
    let address = find(&read, &sku, &location)?;
    let seen = ask::<SkuLocation, _>(read.running, address, |entity, key, now, reference| {
        entity.projection(now, reference, key)
    });
    Ok(HttpResponse::Ok().json(shown(read.running, seen.await?)))
}

/// SKU-locations by key, or sorted by any of their numbers.
///
/// Sorted by a number, the pages of a list are as of the moment of its first one, for an hour: time alone moves nothing between
/// them. What is told in between does.
#[utoipa::path(get, path = "/api/v1/sku-locations", tag = "sku-locations",
    params(("sku" = Option<Vec<String>>, Query), ("location" = Option<Vec<String>>, Query),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("sort" = Option<String>, Query),
        ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of SKU-locations", body = ref("#/components/schemas/SkuLocationList"))), security(("key" = [])))]
#[get("/api/v1/sku-locations")]
pub async fn list_sku_locations(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::list(&request, &caller, &state, Permission::Read, &["sku", "location"])?;
    let Paged { limit, sort, cursor } = asked.paged(FIELDS, Sort::by("sku"))?;
    let read = asked.ready().await?;
    let (running, query, tenant) = (read.running, &read.query, read.tenant()?);
    let wanted = |key: &EntityKey| match key {
        EntityKey::SkuLocation { sku, location, .. } => {
            query.admits("sku", sku)
                && query.admits("location", location)
                && sees_sku_location(&caller.principal, tenant, sku, location)
        }
        _ => false,
    };
    if sort == Sort::by("sku") {
        // In key order the directory pages by itself.
        let after = cursor.as_ref().and_then(|cursor| cursor.id.split_once(SEPARATOR));
        let mut after = after.map(|(sku, location)| (sku.to_owned(), location.to_owned()));
        let mut found: Vec<(EntityKey, Address)> = Vec::new();
        loop {
            let from = after.as_ref().map(|(sku, location)| (sku.as_str(), location.as_str()));
            let chunk = running.directory.sku_locations_after(caller.tenant, from, DIRECTORY_CHUNK);
            let last = chunk.len() < DIRECTORY_CHUNK;
            after = chunk.last().and_then(|(key, _)| key_parts(key));
            found.extend(chunk.into_iter().filter(|(key, _)| wanted(key)));
            if last || found.len() > limit {
                break;
            }
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let next = more.then(|| found.last().map(|(key, _)| cursor_after(sort, key))).flatten();
        let items = views(running, &found, None).await;
        return Ok(HttpResponse::Ok().json(read.page(items, next)));
    }
    // Most numbers move with time, and what runs out now is told as of now: a cursor would pass it again and again if the
    // next page were not as of the same moment.
    let now = read.now();
    let as_of = cursor.as_ref().and_then(|cursor| cursor.as_of).map(Timestamp::from_micros);
    let as_of =
        as_of.filter(|at| *at <= now && now.micros() - at.micros() <= AS_OF_MICROS_MAX).unwrap_or(now);
    let mut candidates: Vec<Sortable<Value>> = Vec::new();
    let mut after: Option<(String, String)> = None;
    loop {
        let from = after.as_ref().map(|(sku, location)| (sku.as_str(), location.as_str()));
        let chunk = running.directory.sku_locations_after(caller.tenant, from, SCAN_CHUNK);
        let last = chunk.len() < SCAN_CHUNK;
        after = chunk.last().and_then(|(key, _)| key_parts(key));
        let chunk: Vec<_> = chunk.into_iter().filter(|(key, _)| wanted(key)).collect();
        for item in views(running, &chunk, Some(as_of)).await {
            let value = sort_value(&item, sort.field);
            let id = format!("{}{SEPARATOR}{}", text(&item, "sku"), text(&item, "location"));
            candidates.push((value, id, item));
        }
        if last {
            let (items, next) = page_and_cursor(candidates, sort, cursor.as_ref(), limit);
            let next = next.map(|next| next.read_at(as_of).encode());
            return Ok(HttpResponse::Ok().json(read.page(items, next)));
        }
        // Only what can still be on this page is kept, and one more, which says whether there is another page.
        keep_first(&mut candidates, sort, cursor.as_ref(), limit + 1);
    }
}

/// Stands between SKU and location in list ids; no identifier has control characters.
const SEPARATOR: char = '\u{1}';

fn key_parts(key: &EntityKey) -> Option<(String, String)> {
    match key {
        EntityKey::SkuLocation { sku, location, .. } => Some((sku.to_string(), location.to_string())),
        _ => None,
    }
}

fn cursor_after(sort: Sort, key: &EntityKey) -> String {
    let (sku, location) = key_parts(key).unwrap_or_default();
    let id = format!("{sku}{SEPARATOR}{location}");
    Cursor::after(sort, SortValue::Text(sku), id).encode()
}

fn text<'v>(item: &'v Value, field: &str) -> &'v str {
    item.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn sort_value(item: &Value, field: &str) -> SortValue {
    let value = item.get(field).unwrap_or(&Value::Null);
    if field == "projected_stockout_at" {
        return SortValue::time(value.as_str().and_then(|text| Timestamp::parse(text).ok()));
    }
    SortValue::of_json(value)
}

/// As lists show them: now, or as of an earlier moment with all that is known now.
async fn views(running: &Running, found: &[(EntityKey, Address)], as_of: Option<Timestamp>) -> Vec<Value> {
    let addresses: Vec<Address> = found.iter().map(|(_, address)| *address).collect();
    let seen = ask_all::<SkuLocation, _>(running, &addresses, move |entity, key, now, reference| {
        entity.state_item(key, as_of.map_or(now, |as_of| as_of.min(now)), reference)
    });
    let seen = seen.await.into_iter().zip(found);
    seen.filter_map(|(seen, (key, _))| match key {
        EntityKey::SkuLocation { sku, location, .. } => {
            Some(listed(&[("sku", sku), ("location", location)], FIELDS, seen))
        }
        _ => None,
    })
    .collect()
}
