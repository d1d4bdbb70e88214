//! Transferring: from places of the same item that can spare some (F22). A donor stays above its own reorder point.

use std::collections::BTreeMap;

use super::risk::Scenario;
use super::{Costing, Sketch, option_id, order};
use crate::domain::approval_case::item::{ActionKind, OptionKind, OptionStep};
use crate::domain::approval_case::words;
use crate::domain::event::LaneDescribed;
use crate::domain::ids::Name;
use crate::domain::inventory::order_quantity::{round_down_to_pack, round_up_to_pack};
use crate::domain::quantity::{QUANTITY_MILLI_MAX, Quantity};
use crate::domain::sku_location::options_basis::PlaceBasis;
use crate::domain::time::Timestamp;

/// Per donor one option where one place is short; one option with a step per place where several are.
pub fn sketches(costing: &Costing<'_>) -> Vec<Sketch> {
    let mut spare: BTreeMap<(&Name, &Name), i64> = BTreeMap::new();
    for donor in costing.donors {
        spare.insert((&donor.sku, &donor.location), spare_milli(donor));
    }
    match costing.subjects {
        [] => Vec::new(),
        [only] => {
            let step = |donor: &PlaceBasis| {
                let step = step(costing, donor, only, spare_milli(donor))?;
                Some(sketch(costing, vec![step]))
            };
            costing.donors.iter().filter(|donor| donor.sku == only.sku).filter_map(step).collect()
        }
        several => {
            let mut steps = Vec::new();
            for place in several {
                let of_item = costing.donors.iter().filter(|donor| donor.sku == place.sku);
                // The one that can give most to this place: its transfer helps longest.
                let best = of_item
                    .filter_map(|donor| {
                        let left = *spare.get(&(&donor.sku, &donor.location))?;
                        (left > 0).then_some(())?;
                        Some((donor, step(costing, donor, place, left)?))
                    })
                    .max_by_key(|(_, step)| (step.quantity, std::cmp::Reverse(step.arrives_at)));
                if let Some((donor, step)) = best {
                    if let Some(left) = spare.get_mut(&(&donor.sku, &donor.location)) {
                        *left -= step.quantity.milli();
                    }
                    steps.push(step);
                }
            }
            if steps.is_empty() { Vec::new() } else { vec![sketch(costing, steps)] }
        }
    }
}

/// Thousandths of a unit above the donor's own reorder point.
fn spare_milli(donor: &PlaceBasis) -> i64 {
    ((donor.available.as_f64() - donor.reorder_point) * 1_000.0).floor() as i64
}

/// What this donor would send; `None` where no lane is described or nothing is missing. A donor that has nothing to
/// spare is asked for what is missing, and does not pass its gate.
fn step(costing: &Costing<'_>, donor: &PlaceBasis, place: &PlaceBasis, spare: i64) -> Option<OptionStep> {
    let lane = costing.tenant.lane(&donor.location, &place.location)?;
    let missing = Scenario::of(place).units_missing(costing.horizon(place));
    let missing = ((missing * 1_000.0 - 1e-6).ceil() as i64).clamp(0, QUANTITY_MILLI_MAX);
    if missing <= 0 {
        return None;
    }
    let pack = order::pack_or_unit(order::pack(costing, place, None));
    let missing = round_up_to_pack(missing.max(lane.min_quantity.unwrap_or_default().milli()), pack);
    let given = round_down_to_pack(missing.min(spare), pack);
    Some(OptionStep {
        kind: ActionKind::Transfer,
        sku: place.sku.clone(),
        location: place.location.clone(),
        from: Some(donor.location.clone()),
        supplier: None,
        po_id: None,
        line_id: None,
        line_quantity: None,
        quantity: Quantity::from_milli(if given > 0 { given } else { missing }),
        arrives_at: arrival(costing, lane),
        unit_cost: costing.unit_cost(place, None),
        note: None,
    })
}

/// When a transfer decided now arrives: it leaves on the next day on which the lane works, and arrives on one.
pub fn arrival(costing: &Costing<'_>, lane: &LaneDescribed) -> Option<Timestamp> {
    use crate::domain::working_time::is_working_day;
    let calendar = costing.tenant.calendar(lane.calendar.as_deref().unwrap_or_default());
    let zone = costing.tenant.time_zone_at(&lane.from);
    let works_from = |at: Timestamp| {
        let day = at.day(zone);
        let working = (0..60).map(|ahead| day.plus(ahead)).find(|day| is_working_day(calendar, *day));
        working.map_or(at, |day| day.start(zone).max(at))
    };
    Some(works_from(works_from(costing.now).plus_days(lane.transit_days?)))
}

fn sketch(costing: &Costing<'_>, steps: Vec<OptionStep>) -> Sketch {
    let title = match &steps[..] {
        [only] => {
            let zone = costing.tenant.time_zone_at(&only.location);
            let arrives =
                only.arrives_at.map_or_else(String::new, |at| format!(", arrives {}", words::date(at, zone)));
            format!("Transfer {} from {}{arrives}", only.quantity, only.from.as_deref().unwrap_or("?"))
        }
        steps => format!("Transfer to {} places", steps.len()),
    };
    let part = |step: &OptionStep| {
        [step.sku.to_string(), step.location.to_string(), step.from.as_deref().unwrap_or("").to_owned()]
    };
    let parts: Vec<String> = steps.iter().flat_map(part).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    Sketch {
        id: option_id(OptionKind::Transfer, &parts),
        kind: OptionKind::Transfer,
        title,
        steps,
        edited_by: None,
        editors: Vec::new(),
    }
}
