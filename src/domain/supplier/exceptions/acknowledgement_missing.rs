//! `acknowledgement_missing`: an open line was not acknowledged within the supplier's `ack_within_hours`, else `raise`
//! hours, counted in its calendar and time zone. Clears when it is acknowledged or nothing of it is open.

use jiff::tz::TimeZone;

use super::{Kind, LINES_LOOKED_AT_MAX, ORDERS_JUDGED_MAX, about_orders, told};
use crate::domain::exception::ExceptionType;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::watch::Watch;
use crate::domain::ids::Name;
use crate::domain::supplier::judged::{Judged, Order};
use crate::domain::supplier::line::Line;
use crate::domain::time::Timestamp;
use crate::domain::working_time::WorkingTime;

const KIND: ExceptionType = ExceptionType::AcknowledgementMissing;

struct AcknowledgementMissing;

/// Judges the orders whose deadline has passed, and looks again at the next one.
pub fn judge(judged: &Judged<'_>, watch: &mut Watch<'_>) {
    let settings = watch.kind(&KIND);
    let unacknowledged = judged.supplier.orders.unacknowledged();
    // A later order never has an earlier deadline. Lines of one order are mostly placed together.
    let mut due: Vec<Name> = Vec::new();
    let mut last = None;
    for (placed_at, po_id, _) in unacknowledged.iter().take(LINES_LOOKED_AT_MAX) {
        let deadline = match last {
            Some((placed, deadline)) if placed == *placed_at => deadline,
            _ => deadline(judged, *placed_at, settings.raise),
        };
        last = Some((*placed_at, deadline));
        if deadline > judged.now {
            watch.review_at(deadline);
            break;
        }
        if due.last() != Some(po_id) {
            due.push(po_id.clone());
        }
        if due.len() >= ORDERS_JUDGED_MAX {
            break;
        }
    }
    about_orders::<AcknowledgementMissing>(&KIND, judged, watch, &settings, due.into_iter());
}

/// Until when an order must be acknowledged: the hours of the supplier's description, else `hours`.
pub fn deadline(judged: &Judged<'_>, placed_at: Timestamp, hours: f64) -> Timestamp {
    const UTC: &TimeZone = &TimeZone::UTC;
    let Some(tenant) = judged.tenant else { return placed_at.plus_days(hours / 24.0) };
    let described = tenant.supplier(&judged.supplier.supplier);
    let named =
        described.and_then(|described| described.timezone.as_ref()).and_then(|name| TimeZone::get(name).ok());
    let time = WorkingTime {
        zone: named.as_ref().or(Some(&tenant.time_zone)).unwrap_or(UTC),
        calendar: described.and_then(|described| tenant.calendar(described.calendar.as_ref()?)),
        from_hour: 0,
        until_hour: 24,
    };
    let within = described.and_then(|described| described.ack_within_hours).unwrap_or(hours);
    time.after(placed_at, within)
}

/// Open lines that should have been acknowledged by now.
pub fn missing_lines<'a>(order: &Order<'a>, settings: &KindSettings) -> Vec<&'a Line> {
    let is_missing = |line: &&Line| {
        line.unacknowledged_since()
            .is_some_and(|placed_at| deadline(order.judged, placed_at, settings.raise) <= order.judged.now)
    };
    order.open_lines().filter(is_missing).collect()
}

impl Kind<Order<'_>> for AcknowledgementMissing {
    fn condition(order: &Order<'_>, settings: &KindSettings) -> Condition {
        let holds = !missing_lines(order, settings).is_empty();
        Condition::holds(holds, "it was acknowledged, or nothing of it is open any more")
    }

    fn assess(order: &Order<'_>, settings: &KindSettings) -> Assessment {
        told::assess(&KIND, order, missing_lines(order, settings).into_iter().map(|line| (line, line.open())))
    }

    fn describe(order: &Order<'_>, settings: &KindSettings) -> Description {
        let lines = missing_lines(order, settings);
        let placed_at = lines.iter().filter_map(|line| line.placed_at()).min().unwrap_or(order.judged.now);
        let deadline = deadline(order.judged, placed_at, settings.raise);
        let count = lines.len();
        let noun = if count == 1 { "line" } else { "lines" };
        let cause = format!(
            "{count} open {noun}, ordered from {placed_at} on, should have been acknowledged by {deadline}."
        );
        let mut description = order.describe(lines.into_iter(), cause);
        description.act_by = Some(deadline);
        description
    }
}
