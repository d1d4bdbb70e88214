//! `transfer_late`: a transfer to here is not here `raise` days after its promise. One a transfer; cleared when it has
//! come, is cancelled, or is promised anew.

use super::{Judged, clear_gone};
use crate::domain::exception::assessment::Condition;
use crate::domain::exception::watch::Watch;
use crate::domain::exception::{ExceptionSubject, ExceptionType, ExceptionWindow};
use crate::domain::quantity::Quantity;
use crate::domain::sku_location::line::LineKind;
use crate::domain::sku_location::supply_lines::{Promise, SupplyLine};
use crate::domain::time::Timestamp;

const TYPE: ExceptionType = ExceptionType::TransferLate;

/// A transfer to here with something open.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Inbound<'a> {
    transfer_id: &'a str,
    open: Quantity,
    /// The earliest.
    promised_at: Option<Timestamp>,
}

/// Calls with each open transfer to here.
fn for_each_inbound<'a>(lines: impl Iterator<Item = &'a SupplyLine>, mut each: impl FnMut(Inbound<'a>)) {
    let mut current: Option<Inbound<'a>> = None;
    for line in lines {
        let promised_at = match line.promise() {
            Promise::Confirmed(at) | Promise::Placed(at) => Some(at),
            Promise::None(_) => None,
        };
        let transfer_id = line.line().document();
        match &mut current {
            // Lines lie in the order of their documents.
            Some(known) if known.transfer_id == transfer_id => {
                known.open += line.line().open();
                known.promised_at = known.promised_at.into_iter().chain(promised_at).min();
            }
            _ => {
                let next = Inbound { transfer_id, open: line.line().open(), promised_at };
                current.replace(next).into_iter().for_each(&mut each);
            }
        }
    }
    current.into_iter().for_each(each);
}

pub fn judge(watch: &mut Watch<'_>, judged: &Judged<'_>) {
    let transfers = judged.place.supply.as_deref().and_then(|supply| supply.transfers.as_deref());
    let mut known: Vec<&str> = Vec::new();
    if let Some(transfers) = transfers {
        let settings = watch.kind(&TYPE);
        for_each_inbound(transfers.inbound_lines.open_lines(), |inbound| {
            let Some(promised_at) = inbound.promised_at else { return };
            known.push(inbound.transfer_id);
            let late_from = promised_at.plus_days(settings.raise);
            watch.review_at(late_from.plus(1));
            let condition = Condition::holds(judged.now() > late_from, "it is not late any more");
            watch.judge(
                &TYPE,
                inbound.transfer_id,
                &settings,
                condition,
                || {
                    // As far as it makes this place short.
                    let short = judged.units_short().min(inbound.open);
                    let value = judged.place.lost_margin(judged.outlook.planning, short);
                    judged.assessment(value, Some(inbound.open), None)
                },
                |_| {
                    let cause = format!("{} were promised for {promised_at} and are not here", inbound.open);
                    let window = ExceptionWindow { from: Some(promised_at), until: None };
                    let mut description = judged.description(Some(window), None, None, cause);
                    let transfer_id = Some(inbound.transfer_id.into());
                    description.subject = ExceptionSubject { transfer_id, ..description.subject };
                    description
                },
            );
        });
    }
    clear_gone(watch, &TYPE, |of| known.contains(&of), "it is here, or not expected any more");
}
