//! The sections about shards and entities.

use serde::{Deserialize, Serialize};

use super::reader::Section;

/// `[runtime]`: shards, batches, reviews, and the bounds of what is held in memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuntimeConfig {
    /// Shards, 0–256; 0 is one per core.
    pub shards: usize,
    /// Records in one batch to a shard, 1–65,536; more make another batch.
    pub batch_records_max: usize,
    /// Milliseconds that reconciling may take before the shard takes its next batch, 1–1,000; entities left
    /// over stay dirty and go first the next time.
    pub reconcile_budget_ms: u64,
    /// Reviews that fall due together and are done in one go, 1–100,000; the rest follow after the next batch.
    pub review_slice: usize,
    /// Entities that wait to look and do so before records are taken in again, 1–100,000.
    pub look_slice: usize,
    /// Milliseconds within which another look of an entity is a second one, 0–60,000.
    pub look_again_ms: u64,
    /// Percentage of a shard's time for second looks while records come, 1–100; beyond it they wait, for
    /// `look_again_ms` at most.
    pub look_again_percent: u32,
    /// Records read ahead of the shards during replay, 1,000–10,000,000.
    pub replay_records_in_flight_max: usize,
    /// Document lines in the index, 1,000–1,000,000,000; the documents not touched
    /// for longest are forgotten, and events that name them only wait in the holding area.
    pub document_index_lines_max: usize,
    /// Events that wait for their document, 0–100,000,000; the oldest goes to quarantine.
    pub holding_events_max: usize,
    /// Entries in quarantine, 100–10,000,000; the oldest is dropped, and counted.
    pub quarantine_entries_max: usize,
    /// Entities with an actor, 1–1,000,000,000; idle ones beyond that are packed.
    pub entities_live_max: usize,
    /// Bytes of packed states, 0–1 TiB; beyond that they are let go as soon as a snapshot has them.
    pub entities_packed_bytes_max: usize,
    /// Entities, 1,000–1,000,000,000; events that need another one are quarantined.
    pub entities_max: usize,
    /// Ended exceptions that lists still show, per tenant, 0–10,000,000; older ones stand in the journal alone.
    pub exceptions_ended_max: usize,
}

impl RuntimeConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            shards: section.integer("shards", 0, 0..=256),
            batch_records_max: section.integer("batch_records_max", 1_024, 1..=65_536),
            reconcile_budget_ms: section.integer("reconcile_budget_ms", 20, 1..=1_000),
            review_slice: section.integer("review_slice", 1_000, 1..=100_000),
            look_slice: section.integer("look_slice", 128, 1..=100_000),
            look_again_ms: section.integer("look_again_ms", 3_000, 0..=60_000),
            look_again_percent: section.integer("look_again_percent", 5, 1..=100),
            replay_records_in_flight_max: section.integer(
                "replay_records_in_flight_max",
                100_000,
                1_000..=10_000_000,
            ),
            document_index_lines_max: section.integer(
                "document_index_lines_max",
                5_000_000,
                1_000..=1_000_000_000,
            ),
            holding_events_max: section.integer("holding_events_max", 100_000, 0..=100_000_000),
            quarantine_entries_max: section.integer("quarantine_entries_max", 100_000, 100..=10_000_000),
            entities_live_max: section.integer("entities_live_max", 1_000_000, 1..=1_000_000_000),
            entities_packed_bytes_max: section.integer("entities_packed_bytes_max", 1 << 30, 0..=1 << 40),
            entities_max: section.integer("entities_max", 5_000_000, 1_000..=1_000_000_000),
            exceptions_ended_max: section.integer("exceptions_ended_max", 100_000, 0..=10_000_000),
        }
    }
}

/// `[sku_location]`: what one SKU-location keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkuLocationConfig {
    /// Movements kept since the last count, 16–65,536; a count that needs a forgotten one is quarantined.
    pub movements_kept_max: usize,
    /// Hours that a count may be late, 1–720; a later one is quarantined as `count_too_old`.
    pub count_lateness_hours: u32,
    /// Hours that closed lines stay as tombstones, 1–720, so that a late event still finds its line.
    pub lateness_hours: u32,
    /// Tombstones kept, 16–65,536; the oldest goes first.
    pub tombstones_max: usize,
    /// Open lines, 16–1,000,000; an event that would open another one is quarantined.
    pub lines_max: usize,
    /// Demand periods ahead of the present that hold dated orders, 1–1,000; later ones count in the last.
    pub demand_periods_ahead_max: usize,
    /// Buckets of one published forecast, 1–10,000; a longer forecast is refused.
    pub forecast_buckets_max: usize,
    /// Shipments remembered for one line, 1–100; the oldest goes first.
    pub shipments_per_line_max: usize,
    /// Days that a projection looks ahead, 1–730.
    pub projection_days: u32,
}

impl SkuLocationConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            movements_kept_max: section.integer("movements_kept_max", 512, 16..=65_536),
            count_lateness_hours: section.integer("count_lateness_hours", 48, 1..=720),
            lateness_hours: section.integer("lateness_hours", 48, 1..=720),
            tombstones_max: section.integer("tombstones_max", 256, 16..=65_536),
            lines_max: section.integer("lines_max", 4_096, 16..=1_000_000),
            demand_periods_ahead_max: section.integer("demand_periods_ahead_max", 64, 1..=1_000),
            forecast_buckets_max: section.integer("forecast_buckets_max", 400, 1..=10_000),
            shipments_per_line_max: section.integer("shipments_per_line_max", 8, 1..=100),
            projection_days: section.integer("projection_days", 90, 1..=730),
        }
    }
}

/// `[demand]`: simple exponential smoothing of demand per period and of its squared error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DemandConfig {
    /// Weight of the newest period in the level, 0.001–1.
    pub alpha: f64,
    /// Weight of the newest squared error in the error variance, 0.001–1.
    pub error_alpha: f64,
    /// Days of one demand period, 1–366; `policy.set` may say otherwise for a scope.
    pub period_days: u32,
}

impl DemandConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            alpha: section.number("alpha", 0.1, 0.001..=1.0),
            error_alpha: section.number("error_alpha", 0.1, 0.001..=1.0),
            period_days: section.integer("period_days", 1, 1..=366),
        }
    }
}

/// `[defaults]`: the parameters of a SKU-location for which no policy, sourcing or supplier says anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeadTimeDefaults {
    /// Cycle service level, 0.5–0.9999: the probability of no stockout in a cycle.
    pub service_level: f64,
    /// Review period in days, 0–366; 0 reviews continuously.
    pub review_days: u32,
    /// Lead time in days, 0–730.
    pub lead_time_days: u32,
    /// Receipts from which on a measured lead time is believed, 1–1,000.
    pub measured_receipts_min: u32,
}

impl LeadTimeDefaults {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            service_level: section.number("service_level", 0.95, 0.5..=0.9999),
            review_days: section.integer("review_days", 0, 0..=366),
            lead_time_days: section.integer("lead_time_days", 7, 0..=730),
            measured_receipts_min: section.integer("measured_receipts_min", 5, 1..=1_000),
        }
    }
}

/// The date against which a delivery is on time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtifDate {
    Requested,
    Promised,
    Confirmed,
}

/// `[supplier]`: what one supplier keeps and publishes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SupplierConfig {
    /// Open lines, 100–10,000,000; an event that would open another one is quarantined.
    pub lines_max: usize,
    /// The relative change of a lead-time statistic from which on it is published anew, 0.001–1.
    pub statistics_publish_change: f64,
    /// Measures of each kind that quantiles, shares and drift look at, 10–10,000; the oldest goes first.
    pub receipts_kept_max: usize,
    /// The date against which a line is on time: `requested`, `promised` (as placed) or `confirmed` (the latest).
    pub otif_against: OtifDate,
    /// Share of the quantity that may be missing of a line in full, 0–1.
    pub otif_quantity_tolerance: f64,
    /// Days before that date that are on time, 0–365.
    pub otif_early_days: f64,
    /// Days after that date that are on time, 0–365.
    pub otif_late_days: f64,
}

impl SupplierConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            lines_max: section.integer("lines_max", 100_000, 100..=10_000_000),
            statistics_publish_change: section.number("statistics_publish_change", 0.05, 0.001..=1.0),
            receipts_kept_max: section.integer("receipts_kept_max", 200, 10..=10_000),
            otif_against: section.choice(
                "otif_against",
                OtifDate::Promised,
                &[
                    ("requested", OtifDate::Requested),
                    ("promised", OtifDate::Promised),
                    ("confirmed", OtifDate::Confirmed),
                ],
            ),
            otif_quantity_tolerance: section.number("otif_quantity_tolerance", 0.02, 0.0..=1.0),
            otif_early_days: section.number("otif_early_days", 7.0, 0.0..=365.0),
            otif_late_days: section.number("otif_late_days", 1.0, 0.0..=365.0),
        }
    }
}
