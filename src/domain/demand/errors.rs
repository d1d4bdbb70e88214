//! How well a forecast does: its bias and its size, smoothed, in constant space and time (F31, F35).
//!
//! ```text
//! error  e = y - f          (actual less forecast, F30: above zero the forecast was too low)
//! E <- E + a (e - E)        M <- M + a (|e| - M)        A <- A + a (y - A)
//! ```
//!
//! All three start at 0. T = E / M is the tracking signal of D. W. Trigg (*Monitoring a forecasting system*, Operational
//! Research Quarterly 15, 1964): between -1 and 1, near 0 without a bias. M / A is the weighted absolute percentage
//! error (WAPE) with weights that fall with age; that all start at 0 cancels out in both.

use serde::{Deserialize, Serialize};

/// Smoothed errors of one forecast. Units per period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ForecastErrors {
    mean: f64,
    mean_absolute: f64,
    mean_actual: f64,
    last: f64,
}

impl ForecastErrors {
    /// Takes in a finished period: its actual demand, and that less the forecast of before. `weight` is a, 0 to 1.
    pub fn update(&mut self, error: f64, actual: f64, weight: f64) {
        self.mean += weight * (error - self.mean);
        self.mean_absolute += weight * (error.abs() - self.mean_absolute);
        self.mean_actual += weight * (actual - self.mean_actual);
        self.last = error;
    }

    /// Takes in a run of periods whose errors all are below zero and fall towards it, and that had no demand:
    /// `kept` is (1-a)^count, `weighted_forecasts` the sum over i of a (1-a)^(count-i) f(i). The last of the run is
    /// told with [`ForecastErrors::update`].
    pub(super) fn update_zeros(&mut self, kept: f64, weighted_forecasts: f64) {
        self.mean = kept * self.mean - weighted_forecasts;
        self.mean_absolute = kept * self.mean_absolute + weighted_forecasts.abs();
        self.mean_actual *= kept;
    }

    /// Demand of the last period came to be known late, or was cancelled. Exact.
    pub fn correct_last(&mut self, difference: f64, weight: f64) {
        let error = self.last + difference;
        self.mean += weight * difference;
        self.mean_absolute = (self.mean_absolute + weight * (error.abs() - self.last.abs())).max(0.0);
        self.mean_actual += weight * difference;
        self.last = error;
    }

    /// F35: T, from -1 (forecasts were far too high) to 1 (far too low); 0 where there was no error.
    pub fn tracking_signal(&self) -> f64 {
        if self.mean_absolute > 0.0 { (self.mean / self.mean_absolute).clamp(-1.0, 1.0) } else { 0.0 }
    }

    /// F31: WAPE; `None` without demand.
    pub fn weighted_absolute_percentage_error(&self) -> Option<f64> {
        (self.mean_actual > 0.0).then(|| self.mean_absolute / self.mean_actual)
    }

    /// E: the bias, in units a period; above zero the forecasts were too low.
    pub fn mean_error(&self) -> f64 {
        self.mean
    }

    /// M, in units a period.
    pub fn mean_absolute_error(&self) -> f64 {
        self.mean_absolute
    }

    /// Of the last period.
    pub fn last_error(&self) -> f64 {
        self.last
    }
}

/// How far the demand of a finished period was from what was forecast before it (F43).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Residual {
    /// Units demanded in the period.
    pub actual: f64,
    /// Units forecast for it.
    pub forecast: f64,
    /// Of the forecast's errors up to then, in units.
    pub standard_deviation: f64,
}

impl Residual {
    /// Actual less forecast, in units.
    pub fn error(&self) -> f64 {
        self.actual - self.forecast
    }

    /// In standard deviations of the forecast error; that is taken to be no less than Poisson's, the root of the
    /// forecast, and no less than one unit: a few even periods do not make the next one a wonder.
    pub fn standardised(&self) -> f64 {
        self.error() / self.scale()
    }

    /// The standard deviation that [`Residual::standardised`] divides by.
    pub fn scale(&self) -> f64 {
        self.standard_deviation.max(self.forecast.max(0.0).sqrt()).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTUAL: [f64; 7] = [10.0, 12.0, 9.0, 14.0, 11.0, 0.0, 13.0];

    fn errors_against(forecast: f64, actual: &[f64], weight: f64) -> ForecastErrors {
        let mut errors = ForecastErrors::default();
        actual.iter().for_each(|actual| errors.update(actual - forecast, *actual, weight));
        errors
    }

    #[track_caller]
    fn check(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 5e-10, "{actual} is not {expected}");
    }

    #[test]
    fn triggs_signal_is_the_golden_number() {
        let errors = errors_against(11.0, &ACTUAL, 0.1);
        check(errors.tracking_signal(), -0.421_650_975_5);
        check(errors.last_error(), 2.0);
    }

    #[test]
    fn with_the_least_weight_the_percentage_error_is_the_plain_one() {
        // Sum |e| / sum A = 20 / 69.
        let errors = errors_against(11.0, &ACTUAL, 1e-9);
        let actual = errors.weighted_absolute_percentage_error().unwrap();
        assert!((actual - 0.289_855_072_5).abs() < 1e-7, "{actual}");
    }

    #[test]
    fn without_errors_there_is_no_signal_and_without_demand_no_percentage() {
        assert_eq!(ForecastErrors::default().tracking_signal(), 0.0);
        assert_eq!(errors_against(5.0, &[5.0; 9], 0.1).tracking_signal(), 0.0);
        assert_eq!(errors_against(5.0, &[0.0; 9], 0.1).weighted_absolute_percentage_error(), None);
        check(errors_against(5.0, &[0.0; 9], 0.1).tracking_signal(), -1.0);
    }

    #[test]
    fn a_late_demand_of_the_last_period_is_as_one_in_time() {
        let mut late = errors_against(11.0, &[10.0, 12.0, 0.0], 0.1);
        late.correct_last(15.0, 0.1);
        let in_time = errors_against(11.0, &[10.0, 12.0, 15.0], 0.1);
        check(late.tracking_signal(), in_time.tracking_signal());
        check(late.last_error(), 4.0);
        let percentage = |errors: ForecastErrors| errors.weighted_absolute_percentage_error().unwrap();
        check(percentage(late), percentage(in_time));
    }

    #[test]
    fn a_residual_is_measured_in_standard_deviations_but_not_in_tiny_ones() {
        let residual =
            |actual, forecast, standard_deviation| Residual { actual, forecast, standard_deviation };
        check(residual(40.0, 20.0, 5.0).standardised(), 4.0);
        check(residual(8.0, 16.0, 0.5).standardised(), -2.0);
        check(residual(3.0, 0.0, 0.0).standardised(), 3.0);
    }
}
