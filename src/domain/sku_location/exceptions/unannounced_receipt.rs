//! `data_quality` about a receipt: goods were received against a line of a purchase order that nobody has told of. One a
//! purchase order; cleared when the line is told of, or after `days`.

use super::{Judged, clear_gone};
use crate::domain::exception::assessment::Condition;
use crate::domain::exception::watch::Watch;
use crate::domain::exception::{ExceptionSubject, ExceptionType, ExceptionWindow};
use crate::domain::quantity::Quantity;

const TYPE: ExceptionType = ExceptionType::DataQuality;

pub fn judge(watch: &mut Watch<'_>, judged: &Judged<'_>) {
    let receipts = judged.place.observed.as_ref().map_or(&[][..], |observed| observed.unannounced());
    let settings = watch.kind(&TYPE);
    let forgotten_at = |at: crate::domain::time::Timestamp| at.plus_days(settings.days);
    let recent = |at| forgotten_at(at) > judged.now();
    let mut known: Vec<&str> = Vec::new();
    for receipt in receipts.iter().filter(|receipt| recent(receipt.received_at)) {
        watch.review_at(forgotten_at(receipt.received_at));
        if known.contains(&receipt.po_id.as_str()) {
            continue;
        }
        known.push(&receipt.po_id);
        let of_it =
            || receipts.iter().filter(|other| other.po_id == receipt.po_id && recent(other.received_at));
        watch.judge(
            &TYPE,
            &receipt.po_id,
            &settings,
            Condition::Raised,
            || {
                let units: Quantity = of_it().map(|receipt| receipt.quantity).sum();
                judged.assessment(judged.place.stock_value(judged.outlook.planning, units), Some(units), None)
            },
            |assessment| {
                let lines: Vec<&str> = of_it().map(|receipt| receipt.line_id.as_str()).collect();
                let cause = format!(
                    "{} received against line {} of purchase order {}, which nobody announced",
                    assessment.units_at_risk.unwrap_or_default(),
                    lines.join(", "),
                    receipt.po_id
                );
                let from = of_it().map(|receipt| receipt.received_at).min();
                let window = ExceptionWindow { from, until: None };
                let mut description = judged.description(Some(window), None, None, cause);
                let po_id = Some(receipt.po_id.clone());
                description.subject = ExceptionSubject { po_id, ..description.subject };
                description
            },
        );
    }
    clear_gone(watch, &TYPE, |of| known.contains(&of), "it was announced, or was long ago");
}
