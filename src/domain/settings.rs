//! The tunables that the domain's fold depends on. They are part of the history: activating them is a record.

use serde::{Deserialize, Serialize};

/// Everything `apply` and `reconcile` may take from the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub fold: FoldSettings,
    pub sku_location: SkuLocationSettings,
    pub supplier: SupplierSettings,
    pub demand: DemandSettings,
    pub defaults: PlanningDefaults,
    pub exceptions: ExceptionSettings,
}

/// Bounds that decide which entities hear of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoldSettings {
    /// Live entities; an event that needs another one goes to quarantine.
    pub entities_max: usize,
    /// Document lines remembered; the documents not touched for longest are forgotten.
    pub document_index_lines_max: usize,
    /// Events that wait for their document; the one that waited longest goes to quarantine.
    pub holding_events_max: usize,
}

/// Bounds of one SKU-location's memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkuLocationSettings {
    /// Stock movements kept per status; a count that needs forgotten ones is refused.
    pub movements_kept_max: usize,
    /// How long movements are kept for late counts.
    pub count_lateness_hours: u32,
    /// How long closed lines stay as tombstones.
    pub lateness_hours: u32,
    /// Closed lines kept; beyond it the oldest go first.
    pub tombstones_max: usize,
    /// Open lines kept per kind of document; a line beyond it is refused (`too_many_lines`).
    pub lines_max: usize,
    /// Future demand periods told apart; demand beyond them counts in the last.
    pub demand_periods_ahead_max: usize,
    /// Buckets of a published forecast.
    pub forecast_buckets_max: usize,
    /// Shipments remembered per line.
    pub shipments_per_line_max: usize,
    /// Days that a projection looks ahead.
    pub projection_days: u32,
}

/// Bounds of one supplier's memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SupplierSettings {
    /// Lines kept, open and closed; beyond it the oldest closed go first, then new ones are refused.
    pub lines_max: usize,
    /// Relative change of the mean or standard deviation of the lead time that is published.
    pub statistics_publish_change: f64,
}

/// The demand model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DemandSettings {
    /// Weight of the newest period in the level, 0–1.
    pub alpha: f64,
    /// Weight of the newest error in the error variance, 0–1.
    pub error_alpha: f64,
    /// The demand period where no policy says one.
    pub period_days: u16,
}

/// What holds when nothing else is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanningDefaults {
    pub service_level: f64,
    pub review_days: f64,
    pub lead_time_days: f64,
    /// Receipts before a measured lead time is believed.
    pub measured_receipts_min: u32,
}

/// When exceptions are raised, cleared and told anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExceptionSettings {
    pub shortage_now: ShortageNowSettings,
    pub projected_stockout: ProjectedStockoutSettings,
    pub missing_master_data: MissingMasterDataSettings,
    /// Share by which the value at risk must move to be told anew.
    pub update_value_change: f64,
    /// An open exception is told anew after that long, if anything about it changed.
    pub update_interval_minutes: u32,
    /// Value at risk in base currency from which severity is medium, high or critical.
    pub severity_value_medium: f64,
    pub severity_value_high: f64,
    pub severity_value_critical: f64,
    /// The time that working on such an exception usually takes; urgency is measured against it.
    pub urgency_case_hours: f64,
}

/// Backorders, or nothing on hand with demand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShortageNowSettings {
    pub enabled: bool,
    /// Days of demand that must be on hand again before it clears.
    pub clear_days_of_demand: f64,
}

/// Stockout probability within the horizon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectedStockoutSettings {
    pub enabled: bool,
    pub raise_probability: f64,
    pub clear_probability: f64,
}

/// Things in use that nobody described.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MissingMasterDataSettings {
    pub enabled: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            fold: FoldSettings {
                entities_max: 5_000_000,
                document_index_lines_max: 5_000_000,
                holding_events_max: 100_000,
            },
            sku_location: SkuLocationSettings {
                movements_kept_max: 512,
                count_lateness_hours: 48,
                lateness_hours: 48,
                tombstones_max: 256,
                lines_max: 4_096,
                demand_periods_ahead_max: 64,
                forecast_buckets_max: 400,
                shipments_per_line_max: 8,
                projection_days: 90,
            },
            supplier: SupplierSettings { lines_max: 100_000, statistics_publish_change: 0.05 },
            demand: DemandSettings { alpha: 0.1, error_alpha: 0.1, period_days: 1 },
            defaults: PlanningDefaults {
                service_level: 0.95,
                review_days: 0.0,
                lead_time_days: 7.0,
                measured_receipts_min: 5,
            },
            exceptions: ExceptionSettings {
                shortage_now: ShortageNowSettings { enabled: true, clear_days_of_demand: 1.0 },
                projected_stockout: ProjectedStockoutSettings {
                    enabled: true,
                    raise_probability: 0.5,
                    clear_probability: 0.3,
                },
                missing_master_data: MissingMasterDataSettings { enabled: true },
                update_value_change: 0.1,
                update_interval_minutes: 60,
                severity_value_medium: 100.0,
                severity_value_high: 1_000.0,
                severity_value_critical: 10_000.0,
                urgency_case_hours: 24.0,
            },
        }
    }
}
