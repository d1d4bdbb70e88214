//! Expediting: an earlier date for what is on order and comes too late. One option per document, one step per line.

use std::collections::BTreeMap;

use super::risk::Scenario;
use super::{Costing, Sketch, option_id};
use crate::domain::approval_case::item::{ActionKind, OptionKind, OptionStep};
use crate::domain::approval_case::words;
use crate::domain::ids::Name;
use crate::domain::sku_location::options_basis::{PlaceBasis, ReceiptBasis, ReceiptKind};
use crate::domain::time::{DAY, Timestamp};

pub fn sketches(costing: &Costing<'_>) -> Vec<Sketch> {
    let mut documents: BTreeMap<(bool, &Name), Vec<(&PlaceBasis, &ReceiptBasis)>> = BTreeMap::new();
    for place in costing.subjects {
        let Some(shortage) = Scenario::of(place).first_shortage() else { continue };
        let until = costing.compared_until(place);
        let helps = |receipt: &&ReceiptBasis| {
            receipt.kind != ReceiptKind::Planned
                && !receipt.is_shipped
                && receipt.at > shortage.from
                && receipt.at <= until.max(shortage.from.plus(DAY))
                && receipt.at > costing.now.plus(DAY)
        };
        for receipt in place.receipts.iter().filter(helps) {
            let key = (receipt.kind == ReceiptKind::Transfer, &receipt.document);
            documents.entry(key).or_default().push((place, receipt));
        }
    }
    documents.into_iter().map(|((_, document), lines)| sketch(costing, document, &lines)).collect()
}

fn sketch(costing: &Costing<'_>, document: &Name, lines: &[(&PlaceBasis, &ReceiptBasis)]) -> Sketch {
    let steps: Vec<OptionStep> = lines.iter().map(|(place, receipt)| step(costing, place, receipt)).collect();
    let first = steps.iter().filter_map(|step| step.arrives_at).min().unwrap_or(costing.now);
    let zone = lines.first().map(|(place, _)| costing.tenant.time_zone_at(&place.location));
    let day = |at: Timestamp| zone.map_or_else(String::new, |zone| words::date(at, zone));
    let planned = lines.iter().map(|(_, receipt)| receipt.at).min().unwrap_or(costing.now);
    let noun = match lines.first() {
        Some((_, receipt)) if receipt.kind == ReceiptKind::Transfer => "transfer",
        _ => "purchase order",
    };
    Sketch {
        id: option_id(OptionKind::Expedite, &[noun, document]),
        kind: OptionKind::Expedite,
        title: format!("Expedite {noun} {document}: {} instead of {}", day(first), day(planned)),
        steps,
        edited_by: None,
        editors: Vec::new(),
    }
}

fn step(costing: &Costing<'_>, place: &PlaceBasis, receipt: &ReceiptBasis) -> OptionStep {
    let remaining = (receipt.at.micros() - costing.now.micros()).max(0) as f64;
    let share = costing.settings.cases.expedite_time_share.clamp(0.0, 1.0);
    let lane = costing.tenant.lanes_into(&place.location);
    let is_transfer = receipt.kind == ReceiptKind::Transfer;
    OptionStep {
        kind: ActionKind::Expedite,
        sku: place.sku.clone(),
        location: place.location.clone(),
        // The sender is not part of what the receiver knows; the only lane tells it.
        from: match lane {
            [only] if is_transfer => Some(only.from.clone()),
            _ => None,
        },
        supplier: receipt.supplier.clone(),
        po_id: Some(receipt.document.clone()),
        line_id: Some(receipt.line_id.clone()),
        line_quantity: Some(receipt.line_quantity),
        quantity: receipt.quantity,
        arrives_at: Some(costing.now.plus((remaining * share) as i64)),
        unit_cost: costing.unit_cost(place, None),
        note: None,
    }
}
