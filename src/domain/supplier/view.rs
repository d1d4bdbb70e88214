//! A supplier as the outside sees it.

use serde::Serialize;

use super::Supplier;
use crate::domain::event::SupplierDelay;
use crate::domain::ids::{Name, TenantNumber};
use crate::domain::plain;
use crate::domain::quantity::Quantity;
use crate::domain::reference::{Reference, TenantReference};
use crate::domain::time::{HOUR, Timestamp};

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
    /// Share of measured lines with a promise that came no later than promised.
    #[serde(serialize_with = "plain::optional")]
    pub on_time_share: Option<f64>,
    /// Receipt less promise.
    #[serde(serialize_with = "plain::optional")]
    pub lateness_mean_days: Option<f64>,
    /// The earliest moment by which an open line must be acknowledged; may be past.
    pub next_acknowledgement_due_at: Option<Timestamp>,
    /// Share of normal.
    #[serde(serialize_with = "plain::number")]
    pub capacity_factor: f64,
    pub delays: Vec<SupplierDelay>,
    /// Exceptions that the supplier itself has open. It raises none of its own so far; that it was never described
    /// is an exception of the subject.
    pub open_exceptions: usize,
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
        let waiting_since = self.orders.lines().filter_map(|line| line.unacknowledged_since()).min();
        let ack_within_hours = described.and_then(|described| described.ack_within_hours);
        SupplierView {
            supplier: self.supplier.clone(),
            name: described.and_then(|described| described.name.as_deref().map(str::to_owned)),
            timezone: described.and_then(|described| described.timezone.clone()),
            calendar: described.and_then(|described| described.calendar.clone()),
            ack_within_hours,
            open_lines: self.orders.open_lines(),
            open_quantity: self.orders.open_quantity(),
            late_lines: self
                .orders
                .lines()
                .filter(|line| line.open().is_positive() && line.promised_at().is_some_and(|at| at < now))
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
            on_time_share: self.receipts.on_time_share(),
            lateness_mean_days: self.receipts.lateness_mean_days(),
            next_acknowledgement_due_at: waiting_since
                .zip(ack_within_hours)
                .map(|(since, hours)| since.plus((hours * HOUR as f64) as i64)),
            capacity_factor: known.map_or(1.0, |tenant| tenant.capacity(&self.supplier, now)),
            delays: known.map_or(&[][..], |tenant: &TenantReference| tenant.delays(&self.supplier)).to_vec(),
            open_exceptions: 0,
        }
    }
}
