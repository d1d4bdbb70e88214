//! From the configuration to what the domain goes by.

use crate::config::{self, Config};
use crate::domain::exception::routing::RoutingSettings;
use crate::domain::settings::{
    DemandSettings, ExceptionSettings, FoldSettings, OtifDate, PlanningDefaults, Settings,
    SkuLocationSettings, SupplierSettings,
};

/// The part of the configuration that the domain's fold depends on.
pub fn settings(config: &Config) -> Settings {
    let place = &config.sku_location;
    let exceptions = &config.exceptions;
    Settings {
        fold: FoldSettings {
            entities_max: config.runtime.entities_max,
            document_index_lines_max: config.runtime.document_index_lines_max,
            holding_events_max: config.runtime.holding_events_max,
        },
        sku_location: SkuLocationSettings {
            movements_kept_max: place.movements_kept_max,
            count_lateness_hours: place.count_lateness_hours,
            lateness_hours: place.lateness_hours,
            tombstones_max: place.tombstones_max,
            lines_max: place.lines_max,
            demand_periods_ahead_max: place.demand_periods_ahead_max,
            forecast_buckets_max: place.forecast_buckets_max,
            shipments_per_line_max: place.shipments_per_line_max,
            projection_days: place.projection_days,
        },
        supplier: SupplierSettings {
            lines_max: config.supplier.lines_max,
            statistics_publish_change: config.supplier.statistics_publish_change,
            receipts_kept_max: config.supplier.receipts_kept_max,
            otif_against: match config.supplier.otif_against {
                config::OtifDate::Requested => OtifDate::Requested,
                config::OtifDate::Promised => OtifDate::Promised,
                config::OtifDate::Confirmed => OtifDate::Confirmed,
            },
            otif_quantity_tolerance: config.supplier.otif_quantity_tolerance,
            otif_early_days: config.supplier.otif_early_days,
            otif_late_days: config.supplier.otif_late_days,
        },
        demand: DemandSettings {
            alpha: config.demand.alpha,
            error_alpha: config.demand.error_alpha,
            period_days: u16::try_from(config.demand.period_days).unwrap_or(u16::MAX),
        },
        defaults: PlanningDefaults {
            service_level: config.defaults.service_level,
            review_days: f64::from(config.defaults.review_days),
            lead_time_days: f64::from(config.defaults.lead_time_days),
            measured_receipts_min: config.defaults.measured_receipts_min,
        },
        exceptions: ExceptionSettings {
            kinds: exceptions.kinds.clone(),
            overrides: exceptions.overrides.clone(),
            custom: exceptions.custom.clone(),
            update_value_change: exceptions.update_value_change,
            update_interval_minutes: exceptions.update_interval_minutes,
            severity_value_medium: exceptions.severity.value_medium.as_f64(),
            severity_value_high: exceptions.severity.value_high.as_f64(),
            severity_value_critical: exceptions.severity.value_critical.as_f64(),
            urgency_case_hours: f64::from(exceptions.urgency_case_hours),
            merge_window_hours: exceptions.merge_window_hours,
            group_by_cause: exceptions.group_by_cause,
        },
        routing: RoutingSettings { rules: config.routing.clone(), teams: config.teams.clone() },
        cases: config.cases.clone(),
    }
}
