//! What planning this place goes by, and the numbers that follow from it alone.

use jiff::tz::TimeZone;

use super::supply_lines::{Promise, SupplyLine};
use super::{SkuLocation, line::LineKind};
use crate::domain::demand::forecast::DemandMoments;
use crate::domain::exception::worth::Ledger;
use crate::domain::ids::TenantNumber;
use crate::domain::inventory::safety_stock::LeadTimeDemand;
use crate::domain::reference::{PlanningParameters, Reference, TenantReference};
use crate::domain::settings::Settings;
use crate::domain::time::{DAY, Timestamp};

/// Everything outside the state that a look at one place at one moment needs.
pub struct Planning<'a> {
    pub now: Timestamp,
    pub sku: &'a str,
    pub location: &'a str,
    pub parameters: PlanningParameters,
    pub settings: &'a Settings,
    pub tenant: Option<&'a TenantReference>,
    pub reference: &'a Reference,
    /// Where amounts of money are noted, if somebody asks for them.
    pub ledger: Option<&'a Ledger>,
}

impl<'a> Planning<'a> {
    pub fn of(
        place: &'a SkuLocation,
        tenant_number: TenantNumber,
        now: Timestamp,
        reference: &'a Reference,
    ) -> Planning<'a> {
        let (sku, location) = (place.sku.as_str(), place.location.as_str());
        Planning {
            now,
            sku,
            location,
            parameters: reference.planning_parameters(tenant_number, sku, location, now),
            settings: reference.settings(),
            tenant: reference.tenant(tenant_number),
            reference,
            ledger: None,
        }
    }

    /// The zone in which the place's days begin.
    pub fn zone(&self) -> &'a TimeZone {
        zone_of(self.tenant, self.location)
    }

    /// Days that the stock here has to last: lead time and review period.
    pub fn horizon_days(&self) -> f64 {
        (self.parameters.lead_time_days + self.parameters.review_days).max(0.0)
    }

    /// End of those days.
    pub fn horizon(&self) -> Timestamp {
        self.now.plus_days(self.horizon_days())
    }

    /// F1 from the demand expected over the horizon: its variance and that of the lead time at the mean rate.
    pub fn lead_time_demand(&self, over_horizon: DemandMoments, rate_per_day: f64) -> LeadTimeDemand {
        let deviation = self.lead_time_variance(over_horizon.mean, rate_per_day);
        LeadTimeDemand {
            mean: over_horizon.mean,
            standard_deviation: (over_horizon.variance + deviation).sqrt(),
        }
    }

    /// d² sL², with d the mean rate over the horizon.
    pub fn lead_time_variance(&self, mean_over_horizon: f64, rate_per_day: f64) -> f64 {
        let days = self.horizon_days();
        let daily = if days > 0.0 { mean_over_horizon / days } else { rate_per_day };
        let deviation = daily * self.parameters.lead_time_sd_days;
        deviation * deviation
    }

    /// When a line is expected by its promise: confirmed promise + reported delay, else promise + reported delay or,
    /// without one, the supplier's measured lateness; without a promise its lead time from when it was stated.
    pub fn promised_arrival(&self, line: &SupplyLine) -> Timestamp {
        let promise = line.promise();
        let promised_at = match promise {
            Promise::Confirmed(at) | Promise::Placed(at) => Some(at),
            Promise::None(_) => None,
        };
        let delay_days = self.delay_days(line, promised_at);
        match promise {
            Promise::Confirmed(at) => at.plus_days(delay_days),
            Promise::Placed(at) if delay_days != 0.0 => at.plus_days(delay_days),
            Promise::Placed(at) => at.plus_days(self.measured_lateness_days(line)),
            Promise::None(stated_at) => stated_at.plus_days(self.parameters.lead_time_days + delay_days),
        }
    }

    /// A date gone by says only that it is not here yet: tomorrow, until somebody knows better.
    pub fn not_past(&self, expected: Timestamp) -> Timestamp {
        if expected <= self.now { self.now.plus(DAY) } else { expected }
    }

    fn delay_days(&self, line: &SupplyLine, promised_at: Option<Timestamp>) -> f64 {
        let (Some(tenant), Some(supplier)) = (self.tenant, line.supplier()) else { return 0.0 };
        tenant.delay_days_for(supplier, line.line().document(), self.sku, promised_at, self.now)
    }

    fn measured_lateness_days(&self, line: &SupplyLine) -> f64 {
        let measured = || self.tenant?.statistics(line.supplier()?);
        measured()
            .filter(|statistics| statistics.receipts >= self.settings.defaults.measured_receipts_min)
            .and_then(|statistics| statistics.lateness_mean_days)
            .unwrap_or(0.0)
    }
}

/// The zone in which a location's days begin; UTC where nobody said.
pub fn zone_of<'a>(tenant: Option<&'a TenantReference>, location: &str) -> &'a TimeZone {
    const UTC: &TimeZone = &TimeZone::UTC;
    tenant.map_or(UTC, |tenant| tenant.time_zone_at(location))
}
