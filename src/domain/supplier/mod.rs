//! Suppliers: open purchase order lines and measured lead times.

use serde::{Deserialize, Serialize};

use super::ids::Name;

/// What a supplier's own receipts say; published into the Reference when it moved enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedStatistics {
    pub supplier: Name,
    /// Receipts measured.
    pub receipts: u32,
    /// Order to receipt, in days.
    pub lead_time_mean_days: f64,
    pub lead_time_sd_days: f64,
    /// Receipt minus promise, in days; `None` when no line had a promise.
    pub lateness_mean_days: Option<f64>,
}
