//! Ordering: from the best supplier up to the order-up-to level (F3), or economically (F14) where the cost is known;
//! in whole packs, at least the minimum, on the next day on which orders are taken.

use jiff::tz::TimeZone;

use super::{Costing, Sketch, option_id};
use crate::domain::approval_case::item::{ActionKind, OptionKind, OptionStep};
use crate::domain::approval_case::words;
use crate::domain::event::{CalendarDescribed, SourceOfSupply, SourcingSet};
use crate::domain::ids::Name;
use crate::domain::inventory::order_quantity::{economic_order_quantity, round_up_to_pack};
use crate::domain::quantity::{QUANTITY_MILLI_MAX, Quantity};
use crate::domain::reference::TenantReference;
use crate::domain::sku_location::options_basis::PlaceBasis;
use crate::domain::time::{HOUR, SECOND, Timestamp};
use crate::domain::working_time::{is_working_day, iso_weekday};

/// Days ahead within which a supplier must take orders.
const ORDER_DAYS_AHEAD_MAX: i32 = 60;
/// Cover that an economic quantity may reach where neither policy nor shelf life says less.
const COVER_DAYS_MAX: f64 = 90.0;

/// How much is ordered, and what that follows from. Units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderQuantity {
    pub quantity: Quantity,
    pub order_up_to: f64,
    pub inventory_position: f64,
    /// F14 within the longest cover; 0 where no cost is known.
    pub economic: f64,
    pub minimum: f64,
    /// One unit without packs.
    pub pack: f64,
}

pub fn sketches(costing: &Costing<'_>) -> Vec<Sketch> {
    let mut steps: Vec<OptionStep> = Vec::new();
    for place in costing.subjects {
        let Some(source) = best_supplier(costing, place) else { continue };
        let SourceOfSupply::Supplier(supplier) = &source.source else { continue };
        let quantity = order_quantity(costing, place, source);
        if quantity.order_up_to <= quantity.inventory_position {
            // There is enough on order: what is missing is time, not goods.
            continue;
        }
        steps.push(OptionStep {
            kind: ActionKind::Order,
            sku: place.sku.clone(),
            location: place.location.clone(),
            from: None,
            supplier: Some(supplier.clone()),
            po_id: None,
            line_id: None,
            line_quantity: None,
            quantity: quantity.quantity,
            arrives_at: arrival(costing, place, source),
            unit_cost: costing.unit_cost(place, Some(source)),
            note: None,
        });
    }
    let Some(first) = steps.first() else { return Vec::new() };
    let zone = costing.tenant.time_zone_at(&first.location);
    let arrives =
        first.arrives_at.map_or_else(String::new, |at| format!(", arrives {}", words::date(at, zone)));
    let supplier = first.supplier.clone().unwrap_or_default();
    let title = match steps.len() {
        1 => format!("Order {} from {supplier}{arrives}", first.quantity),
        places => format!("Order for {places} places, first from {supplier}{arrives}"),
    };
    let parts: Vec<&str> = steps.iter().flat_map(|s| [s.sku.as_str(), &s.location]).collect();
    let id = option_id(OptionKind::Order, &parts);
    vec![Sketch { id, kind: OptionKind::Order, title, steps, edited_by: None, editors: Vec::new() }]
}

/// The supplier of the lowest rank that is valid now.
pub fn best_supplier<'a>(costing: &Costing<'a>, place: &PlaceBasis) -> Option<&'a SourcingSet> {
    let mut sources = costing.tenant.sourcing_at(&place.sku, &place.location, costing.now);
    sources.find(|set| matches!(set.source, SourceOfSupply::Supplier(_)))
}

/// The source of that supplier.
pub fn source_of<'a>(
    costing: &Costing<'a>,
    place: &PlaceBasis,
    supplier: Option<&Name>,
) -> Option<&'a SourcingSet> {
    let mut sources = costing.tenant.sourcing_at(&place.sku, &place.location, costing.now);
    sources.find(|set| matches!(&set.source, SourceOfSupply::Supplier(named) if Some(named) == supplier))
}

/// Thousandths of a unit in a pack, by the source or else by the item; 0 without packs.
pub fn pack(costing: &Costing<'_>, place: &PlaceBasis, source: Option<&SourcingSet>) -> i64 {
    let item = costing.tenant.item(&place.sku);
    source.and_then(|source| source.pack).or(item.and_then(|item| item.pack)).map_or(0, Quantity::milli)
}

/// What the tower orders or moves comes in whole packs, and in whole units where nobody says what a pack is.
pub fn pack_or_unit(pack: i64) -> i64 {
    if pack > 0 { pack } else { Quantity::from_units(1).milli() }
}

pub fn order_quantity(costing: &Costing<'_>, place: &PlaceBasis, source: &SourcingSet) -> OrderQuantity {
    let rate = place.rate_per_day;
    let settings = &costing.settings.cases;
    let cost = costing.in_base(costing.unit_cost(place, Some(source)), None);
    let shelf_life = costing.tenant.item(&place.sku).and_then(|item| item.shelf_life_days);
    let longest = [place.max_cover_days, shelf_life].into_iter().flatten().fold(COVER_DAYS_MAX, f64::min);
    let economic = cost
        .and_then(|cost| {
            economic_order_quantity(settings.order_cost, rate * 365.0, cost * settings.carrying_cost_share)
        })
        .map_or(0.0, |economic| economic.min(longest * rate));
    let position = place.inventory_position.as_f64();
    let minimum = source.moq.unwrap_or_default().as_f64();
    let pack = pack_or_unit(pack(costing, place, Some(source)));
    let wanted = (place.reorder_point - position).max(economic).max(minimum).max(0.0);
    // Tiny tails of a float must not cost a pack.
    let milli = ((wanted * 1_000.0 - 1e-6).ceil() as i64).clamp(0, QUANTITY_MILLI_MAX);
    OrderQuantity {
        quantity: Quantity::from_milli(round_up_to_pack(milli, pack)),
        order_up_to: place.reorder_point,
        inventory_position: position,
        economic,
        minimum,
        pack: pack as f64 / 1_000.0,
    }
}

/// When an order placed at the next chance arrives; `None` if the supplier takes no orders.
pub fn arrival(costing: &Costing<'_>, place: &PlaceBasis, source: &SourcingSet) -> Option<Timestamp> {
    let ordered_at = next_order_at(costing, source)?;
    let days = source.lead_time_days.unwrap_or(place.lead_time_days);
    Some(next_working_moment(costing.tenant, &place.location, ordered_at.plus_days(days)))
}

/// The next moment at which the supplier takes an order: now, or the start of the next order day. After the cutoff of
/// a day it is the next one.
pub fn next_order_at(costing: &Costing<'_>, source: &SourcingSet) -> Option<Timestamp> {
    let SourceOfSupply::Supplier(supplier) = &source.source else { return Some(costing.now) };
    let described = costing.tenant.supplier(supplier);
    let calendar = described.and_then(|supplier| costing.tenant.calendar(supplier.calendar.as_ref()?));
    let Some(calendar) = calendar else { return Some(costing.now) };
    let named = described.and_then(|supplier| TimeZone::get(supplier.timezone.as_ref()?).ok());
    let zone = named.as_ref().unwrap_or(&costing.tenant.time_zone);
    let today = costing.now.day(zone);
    (0..ORDER_DAYS_AHEAD_MAX).map(|ahead| today.plus(ahead)).find_map(|day| {
        let takes_orders = is_working_day(Some(calendar), day)
            && calendar.order_days.as_ref().is_none_or(|days| days.contains(&iso_weekday(day)));
        let from = day.start(zone).max(costing.now);
        let is_open = cutoff(calendar).is_none_or(|cutoff| from <= day.start(zone).plus(cutoff));
        (takes_orders && is_open).then_some(from)
    })
}

/// Microseconds after midnight.
fn cutoff(calendar: &CalendarDescribed) -> Option<i64> {
    let (hours, minutes) = calendar.cutoff.as_ref()?.split_once(':')?;
    Some(hours.parse::<i64>().ok()? * HOUR + minutes.parse::<i64>().ok()? * 60 * SECOND)
}

/// That moment, or the start of the next day on which the location works.
pub fn next_working_moment(tenant: &TenantReference, location: &str, at: Timestamp) -> Timestamp {
    let calendar =
        tenant.location(location).and_then(|location| tenant.calendar(location.calendar.as_ref()?));
    let zone = tenant.time_zone_at(location);
    let day = at.day(zone);
    (0..ORDER_DAYS_AHEAD_MAX)
        .map(|ahead| day.plus(ahead))
        .find(|day| is_working_day(calendar, *day))
        .map_or(at, |working| working.start(zone).max(at))
}
