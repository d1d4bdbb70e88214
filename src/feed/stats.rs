//! The topic `stats`: how the tower is doing, once a second.

use serde_json::{Value, json};

use super::handle::Viewer;
use crate::http::visibility::{sees_exception, sees_process};
use crate::runtime::rates::RecentCounts;
use crate::runtime::{Running, wall_clock};

/// The item that a viewer sees; exceptions are counted within its scope, and numbers of the process are `null` unless it
/// sees all of it.
pub fn item(running: &Running, recent: &RecentCounts, viewer: &Viewer, sockets: usize) -> Value {
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
        "records_per_second": recent.records_per_second().filter(|_| process),
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
