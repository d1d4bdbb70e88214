//! Reference data: items, locations, lanes, calendars, sourcing, policies, promotions, signals, published supplier
//! statistics and the configuration, as one persistent value with structural sharing.
//!
//! The dispatcher folds it in LSN order; each batch carries the version it must be read with. Cloning is cheap.

use super::ids::{Lsn, Name, TenantNumber};
use super::record::Record;

/// All tenants' reference data as of one LSN.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    version: Lsn,
}

/// What planning one SKU-location goes by, resolved from policy, sourcing, measurement, description and defaults
/// (`contract.md`, "Parameters when nothing else is said").
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanningParameters {
    pub service_level: f64,
    /// Standard normal quantile of the service level.
    pub z: f64,
    pub review_days: f64,
    pub lead_time_days: f64,
    pub lead_time_sd_days: f64,
    /// The demand period, in days.
    pub period_days: u16,
    pub max_cover_days: Option<f64>,
}

/// Whom a change of the Reference can concern; the runtime marks these dirty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Affected {
    Sku { tenant: TenantNumber, sku: Name },
    Location { tenant: TenantNumber, location: Name },
    SkuLocation { tenant: TenantNumber, sku: Name, location: Name },
    Supplier { tenant: TenantNumber, supplier: Name },
    Tenant { tenant: TenantNumber },
    Everything,
}

impl Reference {
    /// The record that last changed anything here.
    pub fn version(&self) -> Lsn {
        self.version
    }

    /// Folds one record in; says whom it can concern (nothing if the record is no reference data).
    pub fn apply(&mut self, record: &Record) -> Vec<Affected> {
        let _ = record;
        Vec::new()
    }
}
