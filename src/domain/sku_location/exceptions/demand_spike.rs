//! `demand_spike` and `demand_drop`: the demand of the last finished period was far from its forecast (F43).
//!
//! The residual is measured in standard deviations of the forecast's errors before that period. Raised at `raise` of them
//! and at least `minimum` units, for the periods in a row that are set; cleared when a later period is within `clear` of
//! them. A period that a promotion touches says nothing: its demand is meant to differ. Neither do the first few. Where all
//! that the sender of the demand sent was out of the ordinary, that is named as the cause.

use super::{Judged, Kind};
use crate::domain::demand::errors::Residual;
use crate::domain::exception::assessment::{Assessment, Condition, Description, rounded};
use crate::domain::exception::group::CauseRef;
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::{ExceptionType, ExceptionWindow};
use crate::domain::ids::EntityKey;
use crate::domain::inventory::normal::upper_tail;
use crate::domain::money::Money;
use crate::domain::reference::VolumeShift;
use crate::domain::sku_location::demand::is_followed;
use crate::domain::sku_location::worth::units_of;

/// Periods from which the forecast's error is known well enough to call one out of the ordinary.
const MEASURED_PERIODS_MIN: u32 = 4;

pub struct DemandSpike;
pub struct DemandDrop;

impl Judged<'_> {
    /// The last finished period against its forecast; `None` while too little is known, or if a promotion touched it.
    pub fn last_residual(&self) -> Option<Residual> {
        let planning = self.outlook.planning;
        if self.forecast_errors().1 < MEASURED_PERIODS_MIN || self.had_promotion() {
            return None;
        }
        self.demand.last_residual(&self.outlook.forecast, planning.settings)
    }

    /// Whether a promotion touched the last finished period.
    fn had_promotion(&self) -> bool {
        let planning = self.outlook.planning;
        let Some((tenant, (from, until))) = planning.tenant.zip(self.demand.last_period()) else {
            return false;
        };
        tenant.promotions_at(planning.sku, planning.location, from, until).any(|each| is_followed(&each))
    }

    /// `direction` is 1 for more than forecast, -1 for less.
    fn out_of_the_ordinary(&self, direction: f64, settings: &KindSettings) -> Condition {
        let Some(residual) = self.residual else { return Condition::Between };
        let condition = Condition::above(
            direction * residual.standardised(),
            settings.raise,
            settings.clear,
            "demand is as forecast again",
        );
        match condition {
            Condition::Raised if direction * residual.error() < settings.minimum => Condition::Between,
            condition => condition,
        }
    }

    fn assess_odd_demand(
        &self,
        kind: &ExceptionType,
        shift: VolumeShift,
        value: impl FnOnce(&Self, f64) -> Option<Money>,
    ) -> Assessment {
        let cause = self.disturbed_feed(shift);
        let Some(residual) = self.residual else {
            // A promotion began while it is open: what was said stands.
            // With what is grouped under it in its value, its own is not known any more.
            let open = self.open(kind).filter(|open| open.affected.is_none());
            let said = self.assessment(
                open.and_then(|open| open.value_at_risk),
                open.and_then(|open| open.units_at_risk),
                open.and_then(|open| open.confidence),
            );
            return Assessment { cause, ..said };
        };
        let units = residual.error().abs();
        let confidence = 1.0 - upper_tail(residual.standardised().abs());
        let assessment =
            self.assessment(value(self, units), Some(units_of(units)), Some(rounded(confidence)));
        Assessment { cause, ..assessment }
    }

    /// The sender of the demand here, if as a whole it sent far more or far less than usual in that period.
    fn disturbed_feed(&self, shift: VolumeShift) -> Option<CauseRef> {
        let planning = self.outlook.planning;
        if !planning.settings.exceptions.group_by_cause {
            return None;
        }
        let (tenant, (from, until)) = planning.tenant.zip(self.demand.last_period())?;
        // Any disturbance at all? Nearly always there is none.
        let any = tenant.feed_disturbed(None, shift, from, until)?;
        let mut senders = self.place.evidence.demand_sources().peekable();
        if senders.peek().is_none() {
            // What was seen last was no demand: whoever sends it here is not known.
            return Some(any);
        }
        senders.find_map(|sender| tenant.feed_disturbed(Some(sender), shift, from, until))
    }

    fn describe_odd_demand(&self, assessment: &Assessment) -> Description {
        let window = self.demand.last_period();
        let window = window.map(|(from, until)| ExceptionWindow { from: Some(from), until: Some(until) });
        let mut cause = match self.residual {
            Some(residual) => format!(
                "{:.3} demanded in the last period where {:.3} were forecast: {:.1} standard deviations of {:.3}",
                residual.actual,
                residual.forecast,
                residual.standardised(),
                residual.scale(),
            ),
            None => "demand was far from its forecast before a promotion began".to_owned(),
        };
        if let Some(CauseRef { entity: EntityKey::Subject { id, .. }, .. }) = &assessment.cause {
            cause.push_str(&format!("; so it was with all that {id} sent"));
        }
        self.description(window, None, None, cause)
    }
}

impl Kind for DemandSpike {
    const TYPE: ExceptionType = ExceptionType::DemandSpike;

    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        judged.out_of_the_ordinary(1.0, settings)
    }

    /// As much again, if nothing covers it.
    fn assess(judged: &Judged<'_>, _: &KindSettings) -> Assessment {
        judged.assess_odd_demand(&Self::TYPE, VolumeShift::Surge, |judged, units| {
            judged.place.lost_margin(judged.outlook.planning, units_of(units))
        })
    }

    fn describe(judged: &Judged<'_>, _: &KindSettings, assessment: &Assessment) -> Description {
        judged.describe_odd_demand(assessment)
    }
}

impl Kind for DemandDrop {
    const TYPE: ExceptionType = ExceptionType::DemandDrop;

    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        judged.out_of_the_ordinary(-1.0, settings)
    }

    /// What holding the units that were not wanted costs for another lead time.
    fn assess(judged: &Judged<'_>, _: &KindSettings) -> Assessment {
        judged.assess_odd_demand(&Self::TYPE, VolumeShift::Slump, |judged, units| {
            let planning = judged.outlook.planning;
            judged.place.carrying_cost(planning, units_of(units), planning.horizon_days())
        })
    }

    fn describe(judged: &Judged<'_>, _: &KindSettings, assessment: &Assessment) -> Description {
        judged.describe_odd_demand(assessment)
    }
}
