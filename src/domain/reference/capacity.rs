//! What less capacity than normal does to a supplier's deliveries.

use super::tenant::{TenantReference, within};
use crate::domain::event::SupplierCapacity;
use crate::domain::time::Timestamp;

/// A supplier that does nothing at all, without saying until when, is this many days late, not for ever.
pub const CAPACITY_DELAY_DAYS_MAX: f64 = 365.0;

impl TenantReference {
    /// By how many days reduced capacity delays what the supplier promised for `promised_at` (without a promise: what
    /// takes its lead time from `now` on).
    ///
    /// The work on an order fills the lead time before its promise. Where the capacity is a share `f < 1` of normal, a
    /// day of it does only `f` of a day's work; what is missing at the promise is done after it, at the capacity of
    /// then. More than normal catches nothing up.
    pub fn capacity_delay_days(&self, supplier: &str, promised_at: Option<Timestamp>, now: Timestamp) -> f64 {
        let said = self.capacities(supplier);
        if said.iter().all(|capacity| capacity.factor >= 1.0) {
            return 0.0;
        }
        let days = self.supplier_lead_time_days(supplier);
        let due = promised_at.unwrap_or_else(|| now.plus_days(days));
        delay_days(said, due.plus_days(-days), due)
    }

    /// What the supplier said about its capacity, the latest said last.
    pub fn capacities(&self, supplier: &str) -> &[SupplierCapacity] {
        self.capacities.get(supplier).map_or(&[], super::keep::VersionedList::values)
    }

    /// The supplier's mean lead time: measured often enough, else described, else the default.
    pub fn supplier_lead_time_days(&self, supplier: &str) -> f64 {
        let measured = self
            .statistics(supplier)
            .filter(|statistics| statistics.receipts >= self.basis.measured_receipts_min())
            .map(|statistics| statistics.lead_time_mean_days);
        measured
            .or_else(|| self.supplier(supplier)?.lead_time_days)
            .unwrap_or_else(|| self.basis.lead_time_days())
            .max(0.0)
    }
}

/// How much later than `due` the work of `due - start` days is done when it begins at `start`.
fn delay_days(said: &[SupplierCapacity], start: Timestamp, due: Timestamp) -> f64 {
    let latest = due.plus_days(CAPACITY_DELAY_DAYS_MAX);
    let mut edges: Vec<Timestamp> = said
        .iter()
        .flat_map(|capacity| [capacity.from, capacity.until])
        .flatten()
        .filter(|edge| start < *edge && *edge < latest)
        .collect();
    edges.push(latest);
    edges.sort_unstable();
    let mut left = due.days_since(start);
    let mut at = start;
    for edge in edges {
        let factor = said
            .iter()
            .rev()
            .find(|capacity| within(capacity.from, capacity.until, at))
            .map_or(1.0, |capacity| capacity.factor.clamp(0.0, 1.0));
        let done = edge.days_since(at) * factor;
        if done >= left && factor > 0.0 {
            return (at.plus_days(left / factor).days_since(due)).max(0.0);
        }
        left -= done;
        at = edge;
    }
    CAPACITY_DELAY_DAYS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Name;
    use crate::domain::time::DAY;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_micros(day * DAY)
    }

    fn capacity(factor: f64, from: Option<i64>, until: Option<i64>) -> SupplierCapacity {
        SupplierCapacity {
            supplier: Name::from("V"),
            factor,
            from: from.map(day),
            until: until.map(day),
            reason: None,
        }
    }

    #[test]
    fn what_is_not_done_before_the_promise_is_done_after_it() {
        let check = |said: &[SupplierCapacity], expected: f64| {
            let days = delay_days(said, day(10), day(20));
            assert!((days - expected).abs() < 1e-6, "{said:?}: {days}");
        };
        check(&[], 0.0);
        check(&[capacity(2.0, None, None)], 0.0);
        // Four days at half: two days' work is missing, and done at the normal pace.
        check(&[capacity(0.5, Some(12), Some(16))], 2.0);
        // Half for good: ten days' work takes twenty days.
        check(&[capacity(0.5, None, None)], 10.0);
        // From day 18 on a quarter: two days' work is left for eight days.
        check(&[capacity(0.25, Some(18), None)], 6.0);
        // Stands still from 15 to 25, and five days' work is left then.
        check(&[capacity(0.0, Some(15), Some(25))], 10.0);
        // Outside of the time of the work.
        check(&[capacity(0.5, Some(0), Some(10)), capacity(0.5, Some(20), None)], 0.0);
        // The latest said holds.
        check(&[capacity(0.5, None, None), capacity(1.0, Some(10), Some(20))], 0.0);
        check(&[capacity(0.0, None, None)], CAPACITY_DELAY_DAYS_MAX);
    }
}
