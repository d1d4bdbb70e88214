//! `receipt_partial`: a part of a line has come, and more than `raise` of it is still missing `days` after the last
//! receipt. Clears when the rest has come or the line has ended.

use super::{Kind, LINES_LOOKED_AT_MAX, about_orders, told};
use crate::domain::exception::ExceptionType;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::watch::Watch;
use crate::domain::ids::Name;
use crate::domain::quantity::Quantity;
use crate::domain::supplier::judged::{Judged, Order};
use crate::domain::supplier::line::Line;

const KIND: ExceptionType = ExceptionType::ReceiptPartial;

struct ReceiptPartial;

/// Judges the orders of which a part came long enough ago, and looks again when that is so of the next.
pub fn judge(judged: &Judged<'_>, watch: &mut Watch<'_>) {
    let settings = watch.kind(&KIND);
    let limit = (judged.now.plus_days(-settings.days).plus(1), Name::default(), Name::default());
    let partly_received = judged.supplier.orders.partly_received();
    if let Some((next, ..)) = partly_received.range(limit.clone()..).next() {
        watch.review_at(next.plus_days(settings.days));
    }
    let due = partly_received
        .range(..limit)
        .take(LINES_LOOKED_AT_MAX)
        .filter(|(_, po_id, line_id)| {
            let line = judged.supplier.orders.line(po_id, line_id);
            line.is_some_and(|line| is_short(line, &settings))
        })
        .map(|(_, po_id, _)| po_id.clone());
    about_orders::<ReceiptPartial>(&KIND, judged, watch, &settings, due);
}

fn is_short(line: &Line, settings: &KindSettings) -> bool {
    let ordered = line.ordered().unwrap_or_default().as_f64();
    line.open().as_f64() > settings.raise * ordered
}

/// Open lines of which a part came long enough ago.
pub fn short_lines<'a>(order: &Order<'a>, settings: &KindSettings) -> Vec<&'a Line> {
    let came_before = order.judged.now.plus_days(-settings.days);
    order
        .open_lines()
        .filter(|line| {
            is_short(line, settings) && line.last_received_at().is_some_and(|at| at <= came_before)
        })
        .collect()
}

impl Kind<Order<'_>> for ReceiptPartial {
    fn condition(order: &Order<'_>, settings: &KindSettings) -> Condition {
        let holds = !short_lines(order, settings).is_empty();
        Condition::holds(holds, "the rest has come, or is not expected any more")
    }

    fn assess(order: &Order<'_>, settings: &KindSettings) -> Assessment {
        told::assess(&KIND, order, short_lines(order, settings).into_iter().map(|line| (line, line.open())))
    }

    fn describe(order: &Order<'_>, settings: &KindSettings) -> Description {
        let lines = short_lines(order, settings);
        let received: Quantity = lines.iter().map(|line| line.received()).sum();
        let open: Quantity = lines.iter().map(|line| line.open()).sum();
        let cause = format!("Of {} lines {received} units have come and {open} are missing.", lines.len());
        order.describe(lines.into_iter(), cause)
    }
}
