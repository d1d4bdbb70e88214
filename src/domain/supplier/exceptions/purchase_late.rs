//! `purchase_late`: an order has lines open `raise` days after their latest promise. Clears when they came, ended or got a
//! later promise.

use super::{Kind, LINES_LOOKED_AT_MAX, about_orders, told};
use crate::domain::exception::ExceptionType;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::watch::Watch;
use crate::domain::ids::Name;
use crate::domain::supplier::judged::{Judged, Order};
use crate::domain::supplier::line::Line;

const KIND: ExceptionType = ExceptionType::PurchaseLate;

struct PurchaseLate;

/// Judges the orders whose promise has passed, and looks again when the next one does.
pub fn judge(judged: &Judged<'_>, watch: &mut Watch<'_>) {
    let settings = watch.kind(&KIND);
    let limit = (judged.now.plus_days(-settings.raise).plus(1), Name::default(), Name::default());
    let by_promise = judged.supplier.orders.by_promise();
    if let Some((next, ..)) = by_promise.range(limit.clone()..).next() {
        watch.review_at(next.plus_days(settings.raise));
    }
    let due = by_promise.range(..limit).take(LINES_LOOKED_AT_MAX).map(|(_, po_id, _)| po_id.clone());
    about_orders::<PurchaseLate>(&KIND, judged, watch, &settings, due);
}

/// Whether the order counts as late.
pub fn is_late(order: &Order<'_>, settings: &KindSettings) -> bool {
    order.late_lines(settings.raise).next().is_some()
}

/// Open lines whose promise passed `raise` days ago or more.
pub fn late_lines<'a>(order: &Order<'a>, settings: &KindSettings) -> Vec<&'a Line> {
    order.late_lines(settings.raise).collect()
}

impl Kind<Order<'_>> for PurchaseLate {
    fn condition(order: &Order<'_>, settings: &KindSettings) -> Condition {
        Condition::holds(
            is_late(order, settings),
            "what was late has come, has ended, or has a later promise",
        )
    }

    fn assess(order: &Order<'_>, settings: &KindSettings) -> Assessment {
        told::assess(&KIND, order, order.late_lines(settings.raise).map(|line| (line, line.open())))
    }

    fn describe(order: &Order<'_>, settings: &KindSettings) -> Description {
        let late = || order.late_lines(settings.raise);
        let promised_at = late().filter_map(|line| line.promised_at()).min().unwrap_or(order.judged.now);
        let cause = format!(
            "{} of {} open lines were promised for {promised_at} or later and have not come.",
            late().count(),
            order.open_lines().count(),
        );
        order.describe(late(), cause)
    }
}
