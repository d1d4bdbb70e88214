//! A supplier as the outside sees it.

use serde::Serialize;

use super::Supplier;
use super::exceptions::acknowledgement_deadline;
use super::judged::Judged;
use crate::domain::event::{SupplierCapacity, SupplierDelay};
use crate::domain::exception::ExceptionType;
use crate::domain::ids::{Name, TenantNumber};
use crate::domain::plain;
use crate::domain::quantity::Quantity;
use crate::domain::reference::{Reference, TenantReference};
use crate::domain::settings::OtifDate;
use crate::domain::time::Timestamp;

/// A supplier's numbers as of one moment. What is unknown is `null`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SupplierView {
    pub supplier: Name,
    pub name: Option<String>,
    pub timezone: Option<Name>,
    pub calendar: Option<Name>,
    #[serde(serialize_with = "plain::optional")]
    pub ack_within_hours: Option<f64>,
    pub open_lines: usize,
    pub open_quantity: Quantity,
    /// Open lines whose latest promise has passed.
    pub late_lines: usize,
    /// Open lines that are expected after a promise that has not passed.
    pub predicted_late_lines: usize,
    /// Lines whose lead time was measured.
    pub receipts: u32,
    /// Lines received before they were ordered, by the times in the events; they are not measured.
    pub receipts_before_order: u32,
    /// Lines that found no room among `supplier.lines_max`.
    pub lines_refused: u64,
    /// What planning goes by where neither policy nor sourcing says otherwise.
    #[serde(serialize_with = "plain::number")]
    pub lead_time_mean_days: f64,
    #[serde(serialize_with = "plain::number")]
    pub lead_time_sd_days: f64,
    pub lead_time_source: LeadTimeSource,
    /// Of the last measured lead times.
    #[serde(serialize_with = "plain::optional")]
    pub lead_time_p50_days: Option<f64>,
    #[serde(serialize_with = "plain::optional")]
    pub lead_time_p90_days: Option<f64>,
    /// Change of the last lead times against those before, as a share.
    #[serde(serialize_with = "plain::optional")]
    pub lead_time_drift: Option<f64>,
    /// Share of lines on time and in full, by the policy that stands with it. A line counts once: from when it is in full
    /// or closed, or from the end of the window around its date on.
    #[serde(serialize_with = "plain::optional")]
    pub otif_share: Option<f64>,
    /// Share of them in full, whenever they came. What is overdue is not, until it has come.
    #[serde(serialize_with = "plain::optional")]
    pub in_full_share: Option<f64>,
    /// Lines that these shares are of.
    pub otif_lines: usize,
    pub otif_policy: OtifPolicy,
    /// Share of measured lines with a promise that came no later than promised.
    #[serde(serialize_with = "plain::optional")]
    pub on_time_share: Option<f64>,
    /// Receipt less promise.
    #[serde(serialize_with = "plain::optional")]
    pub lateness_mean_days: Option<f64>,
    /// From order to acknowledgement.
    #[serde(serialize_with = "plain::optional")]
    pub acknowledgement_mean_hours: Option<f64>,
    #[serde(serialize_with = "plain::optional")]
    pub acknowledgement_p90_hours: Option<f64>,
    /// Open lines that nobody acknowledged.
    pub unacknowledged_lines: usize,
    /// The earliest moment by which an open line must be acknowledged; may be past.
    pub next_acknowledgement_due_at: Option<Timestamp>,
    /// Share of normal.
    #[serde(serialize_with = "plain::number")]
    pub capacity_factor: f64,
    pub delays: Vec<SupplierDelay>,
    pub capacities: Vec<SupplierCapacity>,
    /// SKU-locations that have no other source.
    pub single_sourced: u32,
    /// Exceptions that the supplier itself has open; that it was never described is one of the subject.
    pub open_exceptions: usize,
}

/// What on time and in full means here. There is no standard, so it is shown with the number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OtifPolicy {
    pub against: OtifDate,
    /// Share of the quantity that may be missing.
    #[serde(serialize_with = "plain::number")]
    pub quantity_tolerance: f64,
    #[serde(serialize_with = "plain::number")]
    pub early_days: f64,
    #[serde(serialize_with = "plain::number")]
    pub late_days: f64,
}

/// Where a supplier's mean lead time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadTimeSource {
    Measured,
    Described,
    Default,
}

impl Supplier {
    /// What it shows at `now`. Looks at every line.
    pub fn view(&self, tenant: TenantNumber, now: Timestamp, reference: &Reference) -> SupplierView {
        let defaults = &reference.settings().defaults;
        let known = reference.tenant(tenant);
        let described = known.and_then(|tenant| tenant.supplier(&self.supplier));
        let measured = known
            .and_then(|tenant| tenant.statistics(&self.supplier))
            .filter(|statistics| statistics.receipts >= defaults.measured_receipts_min);
        let described_mean = described.and_then(|described| described.lead_time_days);
        let (lead_time_mean_days, lead_time_source) = match (measured, described_mean) {
            (Some(measured), _) => (measured.lead_time_mean_days, LeadTimeSource::Measured),
            (None, Some(mean)) => (mean, LeadTimeSource::Described),
            (None, None) => (defaults.lead_time_days, LeadTimeSource::Default),
        };
        let judged = Judged::of(self, tenant, now, reference);
        let otif = judged.otif();
        let policy = &reference.settings().supplier;
        let acknowledgement_missing = judged.kind(&ExceptionType::AcknowledgementMissing);
        let drift = judged.kind(&ExceptionType::LeadTimeDrift).minimum as usize;
        let (acknowledgement_mean_hours, acknowledgement_p90_hours) =
            self.receipts.acknowledgement_hours(0.9);
        let by_promise = self.orders.by_promise();
        // What is promised for this moment is late with it, as `purchase_late` has it.
        let promised_later = (now.plus(1), Name::default(), Name::default());
        let is_late = |po_id: &Name, line_id: &Name| {
            let line = self.orders.line(po_id, line_id)?;
            judged.lateness(po_id, line).filter(|lateness| lateness.days > 0.0)
        };
        let ack_within_hours = described.and_then(|described| described.ack_within_hours);
        SupplierView {
            supplier: self.supplier.clone(),
            name: described.and_then(|described| described.name.as_deref().map(str::to_owned)),
            timezone: described.and_then(|described| described.timezone.clone()),
            calendar: described.and_then(|described| described.calendar.clone()),
            ack_within_hours,
            open_lines: self.orders.open_lines(),
            open_quantity: self.orders.open_quantity(),
            late_lines: by_promise.range(..promised_later.clone()).count(),
            predicted_late_lines: by_promise
                .range(promised_later..)
                .filter(|(_, po_id, line_id)| is_late(po_id, line_id).is_some())
                .count(),
            receipts: self.receipts.receipts(),
            receipts_before_order: self.receipts.receipts_before_order(),
            lines_refused: self.orders.refused(),
            lead_time_mean_days,
            lead_time_sd_days: measured
                .map(|measured| measured.lead_time_sd_days)
                .or_else(|| described?.lead_time_sd_days)
                .unwrap_or(0.0),
            lead_time_source,
            lead_time_p50_days: self.receipts.lead_time_quantile(0.5),
            lead_time_p90_days: self.receipts.lead_time_quantile(0.9),
            lead_time_drift: self.receipts.drift(drift).map(|drift| drift.change),
            otif_share: otif.share(),
            in_full_share: otif.in_full_share(),
            otif_lines: otif.lines,
            otif_policy: OtifPolicy {
                against: policy.otif_against,
                quantity_tolerance: policy.otif_quantity_tolerance,
                early_days: policy.otif_early_days,
                late_days: policy.otif_late_days,
            },
            on_time_share: self.receipts.on_time_share(),
            lateness_mean_days: self.receipts.lateness_mean_days(),
            acknowledgement_mean_hours,
            acknowledgement_p90_hours,
            unacknowledged_lines: self.orders.unacknowledged().len(),
            next_acknowledgement_due_at: self.orders.unacknowledged().first().map(|(placed_at, ..)| {
                acknowledgement_deadline(&judged, *placed_at, acknowledgement_missing.raise)
            }),
            capacity_factor: known.map_or(1.0, |tenant| tenant.capacity(&self.supplier, now)),
            delays: known.map_or(&[][..], |tenant: &TenantReference| tenant.delays(&self.supplier)).to_vec(),
            capacities: known
                .map_or(&[][..], |tenant: &TenantReference| tenant.capacities(&self.supplier))
                .to_vec(),
            single_sourced: known.map_or(0, |tenant| tenant.single_sourced(&self.supplier)),
            open_exceptions: self.exceptions.open_count(),
        }
    }
}
