//! The tenants' clocks as the records leave them: what the writer goes on from after a start.

use serde::{Deserialize, Serialize};

use super::writer::TenantClock;
use crate::domain::record::{Body, ClockKind, Record, SystemBody};
use crate::domain::time::Timestamp;

/// Business time by tenant, and the last ingest time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Clocks {
    /// By tenant number: the kind of clock, and microseconds since the Unix epoch.
    tenants: Vec<(ClockKind, i64)>,
    /// The wall may have been set back since: ingest times go on from here. Microseconds since the Unix epoch.
    last_ingest: i64,
}

impl Clocks {
    /// Folds a record in.
    pub fn take(&mut self, record: &Record) {
        self.last_ingest = self.last_ingest.max(record.ingest_time.micros());
        let business_time = record.business_time.micros();
        if let Body::System(body) = &record.body
            && let SystemBody::TenantDeclared { clock, .. } = &**body
        {
            self.tenants.push((*clock, business_time));
        }
        if let Some((_, time)) = self.tenants.get_mut(usize::from(record.tenant.0)) {
            *time = business_time.max(*time);
        }
    }

    /// Business time by tenant number.
    pub fn business(&self) -> Vec<Timestamp> {
        self.tenants.iter().map(|(_, time)| Timestamp::from_micros(*time)).collect()
    }

    /// As the writer keeps them.
    pub fn of_writer(&self) -> Vec<TenantClock> {
        let clock = |(kind, time): &(ClockKind, i64)| TenantClock {
            kind: *kind,
            business_time: Timestamp::from_micros(*time),
        };
        self.tenants.iter().map(clock).collect()
    }

    /// Ingest time of the last record.
    pub fn last_ingest(&self) -> Timestamp {
        Timestamp::from_micros(self.last_ingest)
    }
}
