//! Conditions that an option must meet to be carried out.

use super::order::{next_order_at, pack, source_of};
use super::risk::Scenario;
use super::{Costing, Sketch};
use crate::domain::approval_case::item::{ActionKind, Gate, OptionStep};
use crate::domain::approval_case::words;
use crate::domain::ids::Name;
use crate::domain::money::Money;
use crate::domain::quantity::Quantity;
use crate::domain::sku_location::options_basis::PlaceBasis;
use crate::domain::time::Timestamp;

/// The gates of all steps, and for a transfer whether it is worth it. `after` are the places as the option leaves them.
pub fn gates(
    costing: &Costing<'_>,
    sketch: &Sketch,
    after: &[Scenario<'_>],
    net: Option<Money>,
) -> Vec<Gate> {
    let mut gates = Vec::new();
    for step in &sketch.steps {
        let Some(place) = costing.place(&step.sku, &step.location) else {
            if step.kind != ActionKind::Custom {
                let detail = format!("nothing is known of {} at {}", step.sku, step.location);
                gates.push(gate("arrival", false, detail));
            }
            continue;
        };
        match step.kind {
            ActionKind::Order => of_order(costing, step, place, after, &mut gates),
            ActionKind::Transfer => of_transfer(costing, step, place, after, &mut gates),
            ActionKind::Expedite => of_expedite(costing, step, place, &mut gates),
            ActionKind::Custom => {}
        }
    }
    let transfers = sketch.steps.iter().any(|step| step.kind == ActionKind::Transfer);
    if transfers && let Some(net) = net {
        let passed = net.ten_thousandths() >= 0;
        let detail = if passed {
            "it brings what it costs".to_owned()
        } else {
            format!("it costs more than it brings: {}", words::money(net))
        };
        gates.push(gate("value", passed, detail));
    }
    gates
}

fn gate(name: &'static str, passed: bool, detail: impl Into<String>) -> Gate {
    Gate { gate: Name::const_new(name), passed, detail: detail.into() }
}

fn of_order(
    costing: &Costing<'_>,
    step: &OptionStep,
    place: &PlaceBasis,
    after: &[Scenario<'_>],
    gates: &mut Vec<Gate>,
) {
    let source = source_of(costing, place, step.supplier.as_ref());
    whole_packs(step, pack(costing, place, source), gates);
    if let Some(least) = source.and_then(|source| source.moq) {
        let passed = step.quantity >= least;
        gates.push(gate("minimum_order", passed, format!("{} of at least {least}", step.quantity)));
    }
    if let Some(source) = source {
        let zone = costing.tenant.time_zone_at(&step.location);
        let ordered_at = next_order_at(costing, source);
        let detail = ordered_at.map_or_else(
            || "the supplier's calendar has no day on which it takes orders".to_owned(),
            |at| format!("ordered on {}", words::date(at, zone)),
        );
        gates.push(gate("calendar", ordered_at.is_some(), detail));
    }
    let cover = after
        .iter()
        .find(|scenario| scenario.basis.sku == step.sku && scenario.basis.location == step.location)
        .filter(|scenario| scenario.basis.rate_per_day > 0.0)
        .map(|scenario| scenario.inventory_position().as_f64() / scenario.basis.rate_per_day);
    let shelf_life = costing.tenant.item(&step.sku).and_then(|item| item.shelf_life_days);
    if let (Some(cover), Some(shelf_life)) = (cover, shelf_life) {
        let detail = format!("stock for {cover:.1} days with a shelf life of {shelf_life}");
        gates.push(gate("shelf_life", cover <= shelf_life, detail));
    }
    arrival(costing, step, place, false, gates);
}

fn of_transfer(
    costing: &Costing<'_>,
    step: &OptionStep,
    place: &PlaceBasis,
    after: &[Scenario<'_>],
    gates: &mut Vec<Gate>,
) {
    let from = step.from.clone().unwrap_or_default();
    let lane = costing.tenant.lane(&from, &step.location);
    let days = lane.and_then(|lane| lane.transit_days);
    let detail = match (lane, days) {
        (None, _) => format!("there is no lane from {from} to {}", step.location),
        (Some(_), None) => format!("nobody said how long the lane from {from} takes"),
        (Some(_), Some(days)) => format!("{days} days from {from}"),
    };
    gates.push(gate("lane", days.is_some(), detail));
    whole_packs(step, pack(costing, place, None), gates);
    if let Some(least) = lane.and_then(|lane| lane.min_quantity) {
        gates.push(gate(
            "minimum_order",
            step.quantity >= least,
            format!("{} of at least {least}", step.quantity),
        ));
    }
    let donor =
        after.iter().find(|scenario| scenario.basis.sku == step.sku && scenario.basis.location == from);
    let (passed, detail) = match donor {
        None => (false, format!("nothing is known of the stock at {from}")),
        Some(donor) => {
            let (left, needed) = (donor.available(), donor.basis.reorder_point);
            (left.as_f64() >= needed, format!("{from} keeps {left}, and its reorder point is {needed:.1}"))
        }
    };
    gates.push(gate("donor", passed, detail));
    arrival(costing, step, place, true, gates);
}

fn of_expedite(costing: &Costing<'_>, step: &OptionStep, place: &PlaceBasis, gates: &mut Vec<Gate>) {
    let line = place.receipts.iter().find(|receipt| {
        Some(&receipt.document) == step.po_id.as_ref() && Some(&receipt.line_id) == step.line_id.as_ref()
    });
    match line {
        None => gates.push(gate("arrival", false, "the line is not open here any more")),
        Some(line) if line.is_shipped => gates.push(gate("arrival", false, "it is on its way already")),
        Some(line) if step.arrives_at.is_none_or(|at| at >= line.at) => {
            gates.push(gate("arrival", false, "it would not come any earlier"));
        }
        Some(_) => arrival(costing, step, place, false, gates),
    }
}

fn whole_packs(step: &OptionStep, pack: i64, gates: &mut Vec<Gate>) {
    if pack > 0 {
        let passed = step.quantity.milli() % pack == 0;
        let detail = format!("{} in packs of {}", step.quantity, Quantity::from_milli(pack));
        gates.push(gate("pack", passed, detail));
    }
}

/// Whether it comes in time. With `before_it_begins` that is before a shortage that has not begun yet; what is short
/// already, and everything else, is helped as long as the shortage would last.
fn arrival(
    costing: &Costing<'_>,
    step: &OptionStep,
    place: &PlaceBasis,
    before_it_begins: bool,
    gates: &mut Vec<Gate>,
) {
    let zone = costing.tenant.time_zone_at(&step.location);
    let day = |at: Timestamp| words::date(at, zone);
    let Some(at) = step.arrives_at else {
        gates.push(gate("arrival", false, "nobody can say when it arrives"));
        return;
    };
    let (passed, detail) = match Scenario::of(place).first_shortage() {
        None => (true, format!("arrives {}; no shortage is expected", day(at))),
        Some(shortage) if at <= shortage.from => {
            (true, format!("arrives {}, before the shortage of {}", day(at), day(shortage.from)))
        }
        Some(shortage) if before_it_begins && shortage.from > costing.now => {
            (false, format!("arrives {}, after the shortage of {}", day(at), day(shortage.from)))
        }
        Some(shortage) => match shortage.until.filter(|until| at >= *until) {
            Some(until) => (false, format!("arrives {}, and the shortage ends {}", day(at), day(until))),
            None => {
                (true, format!("arrives {}, and shortens the shortage of {}", day(at), day(shortage.from)))
            }
        },
    };
    gates.push(gate("arrival", passed, detail));
}
