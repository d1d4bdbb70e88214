//! Planning parameters: policy, else sourcing, else measurement, else description, else defaults.

use serde::{Deserialize, Serialize};

use super::policy::{Classes, Path, ResolvedPolicy};
use super::tenant::TenantReference;
use crate::domain::event::{ServiceMeasure, SourceOfSupply, SourcingSet};
use crate::domain::inventory::normal::z_for_service_level;
use crate::domain::settings::Settings;
use crate::domain::time::Timestamp;

/// What planning one SKU-location goes by, resolved from policy, sourcing, measurement, description and defaults
/// (`contract.md`, "Parameters when nothing else is said").
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlanningParameters {
    /// What it is aimed for, as a share of what `measure` says.
    pub service_level: f64,
    pub measure: ServiceMeasure,
    /// Standard normal quantile of the service level: the safety factor of a cycle service level.
    pub z: f64,
    pub review_days: f64,
    pub lead_time_days: f64,
    pub lead_time_sd_days: f64,
    /// The demand period, in days.
    pub period_days: u16,
    pub max_cover_days: Option<f64>,
}

/// What the settings say about planning, kept where it is used with every reconcile.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PlanningBasis {
    service_level: f64,
    z: f64,
    review_days: f64,
    lead_time_days: f64,
    period_days: u16,
    measured_receipts_min: u32,
}

impl PlanningBasis {
    pub fn of(settings: &Settings) -> PlanningBasis {
        PlanningBasis {
            service_level: settings.defaults.service_level,
            z: z_for_service_level(settings.defaults.service_level),
            review_days: settings.defaults.review_days,
            lead_time_days: settings.defaults.lead_time_days,
            period_days: settings.demand.period_days,
            measured_receipts_min: settings.defaults.measured_receipts_min,
        }
    }

    /// The lead time where nothing says one.
    pub fn lead_time_days(&self) -> f64 {
        self.lead_time_days
    }

    /// Receipts from which on a measured lead time is believed.
    pub fn measured_receipts_min(&self) -> u32 {
        self.measured_receipts_min
    }

    /// Where nothing is known of the tenant.
    pub fn parameters(&self) -> PlanningParameters {
        self.with(ResolvedPolicy::default(), LeadTime::default())
    }

    fn with(&self, policy: ResolvedPolicy, lead_time: LeadTime) -> PlanningParameters {
        let (service_level, z) = policy.service_level.unwrap_or((self.service_level, self.z));
        PlanningParameters {
            service_level,
            measure: policy.measure.unwrap_or(ServiceMeasure::Cycle),
            z,
            review_days: policy.review_days.unwrap_or(self.review_days),
            lead_time_days: policy.lead_time_days.or(lead_time.mean_days).unwrap_or(self.lead_time_days),
            lead_time_sd_days: lead_time.sd_days,
            period_days: policy.period_days.unwrap_or(self.period_days),
            max_cover_days: policy.max_cover_days,
        }
    }
}

/// A lead time as far as anything but defaults says it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct LeadTime {
    pub mean_days: Option<f64>,
    pub sd_days: f64,
}

impl TenantReference {
    /// What planning the SKU-location goes by at `now`. Called with every reconcile.
    pub fn planning_parameters(&self, sku: &str, location: &str, now: Timestamp) -> PlanningParameters {
        self.basis.with(self.policy(sku, location), self.lead_time(sku, location, now))
    }

    pub(super) fn lead_time_days_default(&self) -> f64 {
        self.basis.lead_time_days
    }

    pub(super) fn policy_lead_time_days(&self, sku: &str, location: &str) -> Option<f64> {
        self.policy(sku, location).lead_time_days
    }

    fn policy(&self, sku: &str, location: &str) -> ResolvedPolicy {
        let (item_path, location_path) = if self.policies.needs_paths() {
            (self.item_path_joined(sku), self.location_path_joined(location))
        } else {
            (Path::NONE, Path::NONE)
        };
        let classes = if self.policies.needs_classes() {
            let item = self.item_segment(sku);
            Classes { abc: item.abc, xyz: item.xyz }
        } else {
            Classes::default()
        };
        self.policies.resolve(sku, location, item_path, location_path, classes)
    }

    /// That of the best valid source. Where that is a location without any word on how long it takes, the best
    /// supplier's stands in.
    fn lead_time(&self, sku: &str, location: &str, now: Timestamp) -> LeadTime {
        let mut sources = self.sourcing_at(sku, location, now);
        let Some(best) = sources.next() else { return LeadTime::default() };
        let lead_time = self.source_lead_time(best);
        if lead_time.mean_days.is_some() || matches!(best.source, SourceOfSupply::Supplier(_)) {
            return lead_time;
        }
        sources
            .find(|set| matches!(set.source, SourceOfSupply::Supplier(_)))
            .map_or(lead_time, |set| self.source_lead_time(set))
    }

    /// Mean: said with the source, else measured often enough, else described (for a location: by its lane).
    /// Standard deviation: measured, else described, else none, whatever gave the mean.
    pub(super) fn source_lead_time(&self, set: &SourcingSet) -> LeadTime {
        match &set.source {
            SourceOfSupply::Supplier(supplier) => {
                let measured = self
                    .statistics(supplier)
                    .filter(|statistics| statistics.receipts >= self.basis.measured_receipts_min);
                let described = self.supplier(supplier);
                LeadTime {
                    mean_days: set
                        .lead_time_days
                        .or_else(|| measured.map(|measured| measured.lead_time_mean_days))
                        .or_else(|| described?.lead_time_days),
                    sd_days: measured
                        .map(|measured| measured.lead_time_sd_days)
                        .or_else(|| described?.lead_time_sd_days)
                        .unwrap_or(0.0),
                }
            }
            SourceOfSupply::Location(from) => LeadTime {
                mean_days: set.lead_time_days.or_else(|| self.lane(from, &set.location)?.transit_days),
                sd_days: 0.0,
            },
        }
    }
}

/// What said each planning parameter, for explanations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterOrigins {
    pub service_level: &'static str,
    pub review_days: &'static str,
    pub lead_time_days: &'static str,
    pub lead_time_sd_days: &'static str,
    /// Whose lead time it is.
    pub source: Option<String>,
}

impl TenantReference {
    /// What said the parameters that [`TenantReference::planning_parameters`] gives.
    pub fn parameter_origins(&self, sku: &str, location: &str, now: Timestamp) -> ParameterOrigins {
        let policy = self.policy(sku, location);
        let of = |is_said: bool| if is_said { "policy" } else { "default" };
        let mut sources = self.sourcing_at(sku, location, now);
        let best = sources.next().map(|best| {
            let alone = self.source_lead_time(best).mean_days.is_some()
                || matches!(best.source, SourceOfSupply::Supplier(_));
            if alone {
                return best;
            }
            sources.find(|set| matches!(set.source, SourceOfSupply::Supplier(_))).unwrap_or(best)
        });
        let mean = best.map_or("default", |set| self.source_lead_time_origin(set));
        let sd = best.map_or("default", |set| match &set.source {
            SourceOfSupply::Supplier(supplier) if self.is_measured(supplier) => "measured",
            SourceOfSupply::Supplier(supplier)
                if self.supplier(supplier).is_some_and(|described| described.lead_time_sd_days.is_some()) =>
            {
                "supplier"
            }
            SourceOfSupply::Supplier(_) | SourceOfSupply::Location(_) => "default",
        });
        ParameterOrigins {
            service_level: of(policy.service_level.is_some()),
            review_days: of(policy.review_days.is_some()),
            lead_time_days: if policy.lead_time_days.is_some() { "policy" } else { mean },
            lead_time_sd_days: sd,
            source: best.map(|set| named(&set.source)),
        }
    }

    /// What said a source's mean lead time.
    pub(super) fn source_lead_time_origin(&self, set: &SourcingSet) -> &'static str {
        let origin = match &set.source {
            _ if set.lead_time_days.is_some() => Some("sourcing"),
            SourceOfSupply::Supplier(supplier) if self.is_measured(supplier) => Some("measured"),
            SourceOfSupply::Supplier(supplier) => {
                self.supplier(supplier).and_then(|described| described.lead_time_days).map(|_| "supplier")
            }
            SourceOfSupply::Location(from) => {
                self.lane(from, &set.location).and_then(|lane| lane.transit_days).map(|_| "lane")
            }
        };
        origin.unwrap_or("default")
    }

    /// Whether enough receipts of a supplier are known to go by them.
    fn is_measured(&self, supplier: &str) -> bool {
        let statistics = self.statistics(supplier);
        statistics.is_some_and(|statistics| statistics.receipts >= self.basis.measured_receipts_min)
    }
}

/// A source of supply, for people.
pub(super) fn named(source: &SourceOfSupply) -> String {
    match source {
        SourceOfSupply::Supplier(supplier) => format!("supplier {supplier}"),
        SourceOfSupply::Location(location) => format!("location {location}"),
    }
}
