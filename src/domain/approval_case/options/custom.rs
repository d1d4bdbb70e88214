//! A person's own option, or an edited one: the same steps as they were given, costed like any other.

use super::{Costing, Sketch, order, transfer};
use crate::domain::approval_case::item::{ActionKind, CaseItem, CaseOption, OptionStep};
use crate::domain::reference::TenantReference;
use crate::domain::settings::Settings;
use crate::domain::sku_location::options_basis::{PlaceBasis, ReceiptBasis};
use crate::domain::time::Timestamp;

/// The option with its numbers for the steps that stand in it; an arrival that it does not name is the earliest that
/// is possible. `places` are those that it touches and those in trouble.
pub fn recompute(
    option: &CaseOption,
    case: &CaseItem,
    subjects: &[PlaceBasis],
    donors: &[PlaceBasis],
    tenant: &TenantReference,
    settings: &Settings,
    now: Timestamp,
) -> CaseOption {
    let costing = Costing::new(case, subjects, donors, tenant, settings, now);
    costing.evaluate(sketch(option, &costing))
}

pub fn sketch(option: &CaseOption, costing: &Costing<'_>) -> Sketch {
    Sketch {
        id: option.id.clone(),
        kind: option.kind,
        title: option.title.clone(),
        steps: option.steps.iter().map(|step| completed(step, costing)).collect(),
        edited_by: option.edited_by.clone(),
        editors: option.editors.clone(),
    }
}

fn completed(step: &OptionStep, costing: &Costing<'_>) -> OptionStep {
    let mut step = step.clone();
    let place = costing.place(&step.sku, &step.location);
    if step.arrives_at.is_none() {
        step.arrives_at = match step.kind {
            ActionKind::Order => {
                place.and_then(|place| match order::source_of(costing, place, step.supplier.as_ref()) {
                    Some(source) => order::arrival(costing, place, source),
                    None => Some(costing.now.plus_days(place.lead_time_days)),
                })
            }
            ActionKind::Transfer => step
                .from
                .as_ref()
                .and_then(|from| costing.tenant.lane(from, &step.location))
                .and_then(|lane| transfer::arrival(costing, lane)),
            ActionKind::Expedite | ActionKind::Custom => None,
        };
    }
    if step.kind == ActionKind::Expedite {
        let line = place.and_then(|place| {
            let meant = |receipt: &&ReceiptBasis| {
                Some(&receipt.document) == step.po_id.as_ref()
                    && Some(&receipt.line_id) == step.line_id.as_ref()
            };
            place.receipts.iter().find(meant)
        });
        step.line_quantity = line.map(|line| line.line_quantity).or(step.line_quantity);
    }
    if step.unit_cost.is_none() {
        step.unit_cost = place.and_then(|place| {
            costing.unit_cost(place, order::source_of(costing, place, step.supplier.as_ref()))
        });
    }
    step
}
