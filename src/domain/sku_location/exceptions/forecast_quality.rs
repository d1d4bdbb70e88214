//! `forecast_bias`: the forecast in use errs to one side; `forecast_accuracy`: it errs too much.
//!
//! Bias is Trigg's tracking signal (F35), of either sign; accuracy is the smoothed WAPE (F31). Both are raised at `raise`
//! and cleared at `clear`, once `minimum` periods were measured and for the periods in a row that are set. A bias that is told
//! as nothing, in thousandths of a unit, is none. Where demand is
//! intermittent or lumpy they say nothing: a mean can't hit what is zero most of the time.

use super::{Judged, Kind};
use crate::domain::demand::classification::DemandClass;
use crate::domain::demand::errors::ForecastErrors;
use crate::domain::exception::ExceptionType;
use crate::domain::exception::assessment::{Assessment, Condition, Description, rounded};
use crate::domain::exception::kind::KindSettings;
use crate::domain::sku_location::worth::units_of;
use crate::domain::time::DAY;

pub struct ForecastBias;
pub struct ForecastAccuracy;

impl Judged<'_> {
    /// The forecast's errors, if they say something here.
    fn telling_errors(&self, settings: &KindSettings) -> Result<ForecastErrors, Condition> {
        let class = self.demand.class();
        if matches!(class, Some(DemandClass::Intermittent | DemandClass::Lumpy)) {
            return Err(Condition::Clear("demand comes too seldom for a mean to hit it".into()));
        }
        let (errors, periods) = self.forecast_errors();
        if f64::from(periods) < settings.minimum {
            return Err(Condition::Clear("too few periods were measured".into()));
        }
        Ok(errors)
    }

    /// Units a period as units over lead time and review period.
    fn over_horizon(&self, units_per_period: f64) -> f64 {
        let period_days = self.demand.period() as f64 / DAY as f64;
        units_per_period / period_days * self.outlook.planning.horizon_days()
    }
}

impl Kind for ForecastBias {
    const TYPE: ExceptionType = ExceptionType::ForecastBias;

    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        let errors = match judged.telling_errors(settings) {
            Ok(errors) => errors,
            Err(condition) => return condition,
        };
        // The signal has no unit: of errors that all are next to nothing it is as large as of others.
        if units_of(errors.mean_error()).is_zero() {
            return Condition::Clear("forecasts err by less than a thousandth of a unit a period".into());
        }
        let signal = errors.tracking_signal().abs();
        Condition::above(signal, settings.raise, settings.clear, "forecasts err to both sides again")
    }

    /// Too low: the margin of what is missing over lead time and review period. Too high: what holding the surplus costs.
    fn assess(judged: &Judged<'_>, _: &KindSettings) -> Assessment {
        let planning = judged.outlook.planning;
        let (errors, _) = judged.forecast_errors();
        let units = units_of(judged.over_horizon(errors.mean_error()).abs());
        let value = if errors.mean_error() > 0.0 {
            judged.place.lost_margin(planning, units)
        } else {
            judged.place.carrying_cost(planning, units, planning.horizon_days())
        };
        judged.assessment(value, Some(units), Some(rounded(errors.tracking_signal().abs())))
    }

    fn describe(judged: &Judged<'_>, _: &KindSettings, _: &Assessment) -> Description {
        let (errors, periods) = judged.forecast_errors();
        let side = if errors.mean_error() > 0.0 { "low" } else { "high" };
        let cause = format!(
            "forecasts are too {side} by {:.3} a period, a tracking signal of {:.2} over {periods} periods",
            errors.mean_error().abs(),
            errors.tracking_signal(),
        );
        judged.description(judged.window_since_opened(&Self::TYPE), None, None, cause)
    }
}

impl Kind for ForecastAccuracy {
    const TYPE: ExceptionType = ExceptionType::ForecastAccuracy;

    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        let errors = match judged.telling_errors(settings) {
            Ok(errors) => errors,
            Err(condition) => return condition,
        };
        match errors.weighted_absolute_percentage_error() {
            Some(error) => {
                Condition::above(error, settings.raise, settings.clear, "forecasts hit well enough again")
            }
            None => Condition::Clear("nothing was demanded".into()),
        }
    }

    fn assess(judged: &Judged<'_>, _: &KindSettings) -> Assessment {
        let planning = judged.outlook.planning;
        let (errors, _) = judged.forecast_errors();
        let units = units_of(judged.over_horizon(errors.mean_absolute_error()));
        let value = judged.place.carrying_cost(planning, units, planning.horizon_days());
        judged.assessment(value, Some(units), None)
    }

    fn describe(judged: &Judged<'_>, _: &KindSettings, _: &Assessment) -> Description {
        let (errors, periods) = judged.forecast_errors();
        let cause = format!(
            "forecasts miss by {:.3} a period, {:.0} % of the demand, over {periods} periods",
            errors.mean_absolute_error(),
            100.0 * errors.weighted_absolute_percentage_error().unwrap_or_default(),
        );
        judged.description(judged.window_since_opened(&Self::TYPE), None, None, cause)
    }
}
