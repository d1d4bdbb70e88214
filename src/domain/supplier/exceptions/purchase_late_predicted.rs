//! `purchase_late_predicted`: an order is expected `raise` days after its promise or more, by the eta of a shipment, by
//! what the supplier reported, its capacity or its measured lateness; or SKU-locations name the order as what their trouble
//! comes from. Clears at `clear` days without any of them, and when the promise passes: then it is late.

use super::{Kind, LINES_LOOKED_AT_MAX, about_orders, purchase_late, told};
use crate::domain::exception::ExceptionType;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::watch::Watch;
use crate::domain::ids::Name;
use crate::domain::supplier::judged::{Judged, Lateness, Order};
use crate::domain::supplier::line::Line;
use crate::domain::time::Timestamp;

const KIND: ExceptionType = ExceptionType::PurchaseLatePredicted;

struct PurchaseLatePredicted;

/// Judges the orders that are named by somebody, those that a shipment brings late, and where the supplier is late with
/// everything those promised next.
pub fn judge(judged: &Judged<'_>, watch: &mut Watch<'_>) {
    let settings = watch.kind(&KIND);
    let orders = &judged.supplier.orders;
    let slots = watch.slots;
    let name = &judged.supplier.supplier;
    let delays = judged.tenant.map_or(&[][..], |tenant| tenant.delays(name));
    let capacities = judged.tenant.map_or(&[][..], |tenant| tenant.capacities(name));
    let is_late_with_everything = delays.iter().any(|delay| delay.po_id.is_none())
        || capacities.iter().any(|capacity| capacity.factor < 1.0)
        || judged.lateness_days() >= settings.clear;
    let next = (judged.now, Name::default(), Name::default());
    let of_all = orders
        .by_promise()
        .range(next..)
        .take(if is_late_with_everything { LINES_LOOKED_AT_MAX } else { 0 })
        .map(|(_, po_id, _)| po_id);
    let named = delays.iter().filter_map(|delay| delay.po_id.as_ref());
    let causes = slots.causes().map(|(of, _)| of).filter(|of| !of.is_empty());
    let late = judged.kind(&ExceptionType::PurchaseLate);
    // What is late already is told as such, and would take the room of the others.
    let from = if late.enabled { judged.now.plus_days(-late.raise).plus(1) } else { Timestamp::MIN };
    let shipped = orders.shipped_late().range((from, Name::default(), Name::default())..);
    let shipped = shipped.take(LINES_LOOKED_AT_MAX).map(|(_, po_id, _)| po_id);
    let due = causes
        .chain(named)
        .chain(shipped)
        .chain(of_all)
        .filter(|po_id| orders.document(po_id).is_some())
        .cloned();
    about_orders::<PurchaseLatePredicted>(&KIND, judged, watch, &settings, due);
}

/// The line that is expected longest after its promise, and how late that is.
fn latest<'a>(order: &Order<'a>) -> Option<(&'a Line, Lateness<'a>)> {
    let late = |line: &'a Line| Some((line, order.judged.lateness(order.po_id, line)?));
    order.open_lines().filter_map(late).max_by(|a, b| a.1.days.total_cmp(&b.1.days))
}

/// Open lines that are expected late; all open ones where only others say so.
pub fn late_lines<'a>(order: &Order<'a>, settings: &KindSettings) -> Vec<&'a Line> {
    let is_late = |line: &&Line| {
        order.judged.lateness(order.po_id, line).is_some_and(|lateness| lateness.days > settings.clear)
    };
    let late: Vec<&Line> = order.open_lines().filter(is_late).collect();
    if late.is_empty() { order.open_lines().collect() } else { late }
}

impl Kind<Order<'_>> for PurchaseLatePredicted {
    fn condition(order: &Order<'_>, settings: &KindSettings) -> Condition {
        let late = order.judged.kind(&ExceptionType::PurchaseLate);
        if order.open_lines().next().is_none() {
            return Condition::Clear("nothing of it is open any more".into());
        }
        if late.enabled && purchase_late::is_late(order, &late) {
            return Condition::Clear("its promise has passed: it is late".into());
        }
        if order.has_members {
            return Condition::Raised;
        }
        let days = latest(order).map_or(0.0, |(_, lateness)| lateness.days);
        Condition::above(days, settings.raise, settings.clear, "it is expected in time again")
    }

    fn assess(order: &Order<'_>, settings: &KindSettings) -> Assessment {
        told::assess(&KIND, order, late_lines(order, settings).into_iter().map(|line| (line, line.open())))
    }

    fn describe(order: &Order<'_>, settings: &KindSettings) -> Description {
        let cause = match latest(order).filter(|(_, lateness)| lateness.days > settings.clear) {
            Some((line, lateness)) => format!(
                "It is expected {:.1} days after its promise{}{}.",
                lateness.days,
                line.promised_at().map_or_else(String::new, |at| format!(" of {at}")),
                lateness.shipment.map_or_else(String::new, |(shipment_id, eta)| {
                    format!(": shipment {shipment_id} has an eta of {eta}")
                }),
            ),
            None => "Places that wait for it expect it too late for what they need.".to_owned(),
        };
        let mut description = order.describe(late_lines(order, settings).into_iter(), cause);
        description.evidence.extend(order.judged.supplier.last_disruption.as_deref().cloned());
        description.evidence.sort_unstable_by_key(|evidence| evidence.lsn);
        description
    }
}
