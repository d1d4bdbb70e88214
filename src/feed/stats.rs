//! The topic `stats`: how the tower is doing, once a second.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::handle::Viewer;
use crate::domain::ids::Lsn;
use crate::http::visibility::{sees_exception, sees_process};
use crate::runtime::{Running, wall_clock};

/// Rates between the last two samples.
#[derive(Default)]
pub struct Rates {
    last: Option<(Lsn, Instant)>,
    records_per_second: Option<f64>,
}

impl Rates {
    /// Notes how far the journal is now.
    pub fn sample(&mut self, durable: Lsn, now: Instant) {
        if let Some((before, then)) = self.last {
            let seconds = now.saturating_duration_since(then).as_secs_f64();
            if seconds > 0.0 {
                let rate = durable.0.saturating_sub(before.0) as f64 / seconds;
                self.records_per_second = Some((rate * 10.0).round() / 10.0);
            }
        }
        self.last = Some((durable, now));
    }

    /// The item that a viewer sees; exceptions are counted within its scope, and numbers of the process are `null`
    /// unless it sees all of it.
    pub fn item(&self, running: &Running, viewer: &Viewer, sockets: usize) -> Value {
        let progress = &running.progress;
        let (applied, durable) = (progress.applied(), progress.durable());
        let reference = running.reference();
        let process = sees_process(&viewer.principal, &reference);
        let mut open = 0u64;
        if process {
            // There may be very many: who sees them all need not have them looked at one by one.
            open = running.exceptions.open_count() as u64;
        } else if let Some(tenant) = reference.tenant(viewer.tenant) {
            running.exceptions.select(viewer.tenant, false, |entry| {
                open += u64::from(sees_exception(&viewer.principal, tenant, &entry.item));
                false
            });
        }
        let now = wall_clock();
        json!({
            "clock": reference.tenant(viewer.tenant).map(|tenant| tenant.clock),
            "business_time": running.clocks.business_time(viewer.tenant, now),
            "records": process.then_some(durable),
            "records_per_second": self.records_per_second.filter(|_| process),
            "durable_lsn": process.then_some(durable),
            "applied_lsn": applied,
            "lag": {
                "applied_records": process.then(|| durable.0.saturating_sub(applied.0)),
                "unsettled": process.then(|| progress.unsettled_count()),
            },
            "exceptions_open": open,
            "entities": process.then(|| running.directory.len()),
            "feed_sockets": process.then_some(sockets),
            "disk_full": running.is_disk_full(),
            "as_of": now,
            "lsn": applied,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_rate_is_what_came_between_two_samples() {
        let mut rates = Rates::default();
        let start = Instant::now();
        rates.sample(Lsn(100), start);
        assert_eq!(rates.records_per_second, None, "one sample has no rate");
        rates.sample(Lsn(150), start + Duration::from_secs(2));
        assert_eq!(rates.records_per_second, Some(25.0));
        rates.sample(Lsn(150), start + Duration::from_secs(3));
        assert_eq!(rates.records_per_second, Some(0.0));
    }
}
