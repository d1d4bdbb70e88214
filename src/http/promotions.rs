//! `GET /api/v1/promotions…`

use actix_web::{HttpRequest, HttpResponse, get, web};
use serde_json::{Value, json};

use super::caller::Caller;
use super::inspect::not_found;
use super::path::segments;
use super::problem::Problem;
use super::query::{Query, Sort, SortValue, page};
use super::read::{Asked, Paged, Read};
use super::state::AppState;
use super::visibility::{sees_promotion, sees_sku_location};
use crate::auth::Permission;
use crate::domain::event::{Promotion, Selection};
use crate::domain::ids::{EntityKey, Name};
use crate::domain::time::Timestamp;

const PREFIX: &str = "/api/v1/promotions";
pub(super) const FIELDS: &[&str] = &["promotion_id", "from", "until", "expected_uplift"];
pub(super) const STATES: &[&str] = &["ahead", "active", "over"];
/// SKU-locations looked up at a time in the directory.
const DIRECTORY_CHUNK: usize = 5_000;

fn state_of(promotion: &Promotion, now: Timestamp) -> &'static str {
    if now < promotion.from {
        "ahead"
    } else if now < promotion.until {
        "active"
    } else {
        "over"
    }
}

fn selection_value(selection: &Selection) -> Value {
    match selection {
        Selection::All => json!("all"),
        Selection::Named(names) => json!(names),
    }
}

fn promotion_value(promotion: &Promotion, now: Timestamp) -> Value {
    let state = state_of(promotion, now);
    json!({
        "promotion_id": promotion.promotion_id, "state": state, "is_ahead": state == "ahead",
        "is_active": state == "active", "from": promotion.from, "until": promotion.until,
        "skus": selection_value(&promotion.skus), "locations": selection_value(&promotion.locations),
        "expected_uplift": promotion.expected_uplift, "mechanic": promotion.mechanic, "price": promotion.price,
    })
}

fn names(selection: &Selection, name: &str) -> bool {
    match selection {
        Selection::All => true,
        Selection::Named(named) => named.iter().any(|one| one == name),
    }
}

/// A promotion, and how many live SKU-locations within the reader's scope it touches.
#[utoipa::path(get, path = "/api/v1/promotions/{promotion_id}", tag = "documents",
    params(("promotion_id" = String, Path), ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "The promotion", body = ref("#/components/schemas/Promotion")), (status = 404, description = "Unknown or cancelled")),
    security(("key" = [])))]
#[get("/api/v1/promotions/{promotion_id}")]
pub async fn get_promotion(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::one(&request, &caller, &state, Permission::Read)?;
    let [promotion_id] = segments(&request, PREFIX)?;
    let read = asked.ready().await?;
    let tenant = read.tenant()?;
    let promotion =
        tenant.promotion(&promotion_id).filter(|found| sees_promotion(&caller.principal, tenant, found));
    let promotion = promotion.ok_or_else(|| not_found("such promotion, or it was cancelled"))?;
    let mut value = promotion_value(promotion, read.now());
    if let Value::Object(map) = &mut value {
        map.insert("sku_locations".to_owned(), touched(&read, promotion)?.into());
    }
    Ok(HttpResponse::Ok().json(read.stamped(value)))
}

/// How many live SKU-locations a promotion touches that the reader sees.
fn touched(read: &Read<'_>, promotion: &Promotion) -> Result<usize, Problem> {
    let (caller, tenant, directory) = (read.caller, read.tenant()?, &read.running.directory);
    let is_touched = |key: &EntityKey| match key {
        EntityKey::SkuLocation { sku, location, .. } => {
            names(&promotion.skus, sku)
                && names(&promotion.locations, location)
                && sees_sku_location(&caller.principal, tenant, sku, location)
        }
        _ => false,
    };
    if let (Selection::Named(skus), Selection::Named(locations)) = (&promotion.skus, &promotion.locations) {
        let pairs = skus.iter().flat_map(|sku| locations.iter().map(move |location| (sku, location)));
        let keys = pairs.map(|(sku, location)| EntityKey::SkuLocation {
            tenant: caller.tenant,
            sku: sku.clone(),
            location: location.clone(),
        });
        return Ok(keys.filter(|key| directory.find(key).is_some() && is_touched(key)).count());
    }
    let mut count = 0;
    let mut after: Option<(Name, Name)> = None;
    loop {
        let from = after.as_ref().map(|(sku, location)| (sku.as_str(), location.as_str()));
        let chunk = directory.sku_locations_after(caller.tenant, from, DIRECTORY_CHUNK);
        count += chunk.iter().filter(|(key, _)| is_touched(key)).count();
        match chunk.last() {
            Some((EntityKey::SkuLocation { sku, location, .. }, _)) if chunk.len() == DIRECTORY_CHUNK => {
                after = Some((sku.clone(), location.clone()));
            }
            _ => return Ok(count),
        }
    }
}

/// Promotions that were not cancelled, by id or sorted by their times. Those that ended long ago may be forgotten.
///
/// `sku` and `location` ask for promotions that are for these, by name or for all.
#[utoipa::path(get, path = "/api/v1/promotions", tag = "documents",
    params(("sku" = Option<Vec<String>>, Query), ("location" = Option<Vec<String>>, Query),
        ("state" = Option<Vec<String>>, Query, description = "ahead, active, over"),
        ("limit" = Option<u32>, Query), ("cursor" = Option<String>, Query), ("sort" = Option<String>, Query),
        ("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "A page of promotions", body = ref("#/components/schemas/PromotionList"))), security(("key" = [])))]
#[get("/api/v1/promotions")]
pub async fn list_promotions(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let asked = Asked::list(&request, &caller, &state, Permission::Read, &["sku", "location", "state"])?;
    let Paged { limit, sort, cursor } = asked.paged(FIELDS, Sort::by("promotion_id"))?;
    asked.query.names("state", |name| STATES.contains(&name).then_some(()))?;
    let read = asked.ready().await?;
    let (tenant, now) = (read.tenant()?, read.now());
    // Their number is bounded by the Reference, and they stand in it: looking at all of them takes no time.
    let wanted = |promotion: &&Promotion| {
        is_for(&read.query, "sku", &promotion.skus)
            && is_for(&read.query, "location", &promotion.locations)
            && read.query.admits("state", state_of(promotion, now))
            && sees_promotion(&caller.principal, tenant, promotion)
    };
    let found = tenant.promotions_after(None, usize::MAX).filter(wanted).map(|promotion| {
        let value = match sort.field {
            "from" => SortValue::time(Some(promotion.from)),
            "until" => SortValue::time(Some(promotion.until)),
            "expected_uplift" => SortValue::number(promotion.expected_uplift),
            _ => SortValue::text(Some(&promotion.promotion_id)),
        };
        (value, promotion.promotion_id.to_string(), promotion)
    });
    let (promotions, next) = page(found.collect(), sort, cursor.as_ref(), limit);
    let promotions = promotions.into_iter().map(|promotion| promotion_value(promotion, now)).collect();
    Ok(HttpResponse::Ok().json(read.page(promotions, next)))
}

fn is_for(query: &Query, filter: &str, selection: &Selection) -> bool {
    let asked = query.all(filter);
    asked.is_empty() || asked.iter().any(|name| names(selection, name))
}
