//! `capacity_exceeded`: the supplier has said that its capacity is less than normal, and what is open for the next `days`
//! is more than `raise` times what it can deliver then: its share of the most it delivered in a week lately.
//!
//! Without such a word nothing is judged: growing orders are always more than there ever was.

use super::Kind;
use super::about_supplier;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::watch::Watch;
use crate::domain::exception::{ExceptionType, ExceptionWindow, Severity};
use crate::domain::quantity::Quantity;
use crate::domain::supplier::judged::{Judged, assessed};
use crate::domain::time::{DAY, Timestamp};

const KIND: ExceptionType = ExceptionType::CapacityExceeded;

pub struct CapacityExceeded;

/// Judges it, and looks again every day as long as there is or will be less capacity.
pub fn judge(judged: &Judged<'_>, watch: &mut Watch<'_>) {
    let capacities = judged.tenant.map_or(&[][..], |tenant| tenant.capacities(&judged.supplier.supplier));
    let is_ahead = |until: Option<Timestamp>| until.is_none_or(|until| until > judged.now);
    if capacities.iter().any(|capacity| capacity.factor < 1.0 && is_ahead(capacity.until)) {
        watch.review_at(judged.now.plus(DAY));
    }
    about_supplier::<CapacityExceeded>(&KIND, "", judged, watch);
}

struct Load {
    open: Quantity,
    /// Units that can be delivered in that time.
    capacity: f64,
    /// Mean share of normal.
    factor: f64,
}

/// Load and capacity of the next `days`; `None` without less capacity than normal, or if its normal is not known.
fn load(judged: &Judged<'_>, settings: &KindSettings) -> Option<Load> {
    let tenant = judged.tenant?;
    let receipts = &judged.supplier.receipts;
    if f64::from(receipts.receipts()) < settings.minimum {
        return None;
    }
    let days = settings.days.max(1.0);
    let whole_days = days.ceil() as i64;
    let factor_on =
        |day: i64| tenant.capacity(&judged.supplier.supplier, judged.now.plus(day * DAY)).min(1.0);
    let factor = (0..whole_days).map(factor_on).sum::<f64>() / whole_days as f64;
    if factor >= 1.0 {
        return None;
    }
    Some(Load {
        open: judged.supplier.orders.promised_until(judged.now.plus_days(days)),
        capacity: receipts.throughput_per_day()? * days * factor,
        factor,
    })
}

impl Kind<Judged<'_>> for CapacityExceeded {
    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        let Some(load) = load(judged, settings) else {
            return Condition::Clear("its capacity is normal, or its normal is not known".into());
        };
        let open = load.open.as_f64();
        let share = if open == 0.0 { 0.0 } else { open / load.capacity };
        Condition::above(share, settings.raise, settings.clear, "it can deliver what is open")
    }

    fn assess(judged: &Judged<'_>, settings: &KindSettings) -> Assessment {
        let beyond = load(judged, settings).map(|load| {
            let capacity = Quantity::from_milli((load.capacity * 1_000.0) as i64);
            (load.open - capacity).or_zero()
        });
        assessed(Severity::High, beyond)
    }

    fn describe(judged: &Judged<'_>, settings: &KindSettings) -> Description {
        let window =
            ExceptionWindow { from: Some(judged.now), until: Some(judged.now.plus_days(settings.days)) };
        let cause = load(judged, settings).map_or_else(String::new, |load| {
            format!(
                "{} units are due within {} days and it can deliver about {:.0}: it said that it has {:.0} % of its \
                 normal capacity.",
                load.open,
                settings.days,
                load.capacity,
                load.factor * 100.0,
            )
        });
        Description { ends_ahead: true, ..judged.describe(cause, Some(window)) }
    }
}
