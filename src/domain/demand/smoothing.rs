//! Simple exponential smoothing with the variance of its error (F41), in constant space and time.
//!
//! For the n-th period, counted from the first that had demand, with actual y and the forecast f before it:
//!
//! ```text
//! error    e = y - f                            (actual less forecast, F30)
//! level    f <- f + max(alpha, 1/n) e
//! variance v <- v + max(beta, 1/(n-1)) (e^2 - v)     from the second period on
//! ```
//!
//! Simple exponential smoothing is R. G. Brown's (*Statistical Forecasting for Inventory Control*, 1959),
//! as in Hyndman & Athanasopoulos, *Forecasting: Principles and Practice*. The weight 1/n makes the model
//! start as the plain average of what it has seen and pass over into smoothing where 1/n falls below
//! alpha: no starting value has to be guessed, and no first observation weighs more than any other. The
//! variance is the mean squared error of one-period forecasts. It is 0 before the second period, when no
//! forecast has been tested yet: a number of periods goes with every number that is shown.
//!
//! Periods before the first demand ever do not count: an item that is listed but not yet sold has no
//! demand history.

use serde::{Deserialize, Serialize};

use super::errors::{ForecastErrors, Residual};
use super::forecast::DemandMoments;

/// How fast the model forgets: the weights of the newest observation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmoothingWeights {
    level: f64,
    error_variance: f64,
}

impl SmoothingWeights {
    /// The least weight. It bounds the start as an average to its reciprocal, 100 periods.
    pub const MIN: f64 = 0.01;
    pub const MAX: f64 = 1.0;

    /// `level` is alpha, `error_variance` is beta; what is outside `MIN` to `MAX` becomes the bound next to it, and
    /// not-a-number the lower one.
    pub fn bounded(level: f64, error_variance: f64) -> Self {
        let bounded = |weight: f64| if weight > Self::MIN { weight.min(Self::MAX) } else { Self::MIN };
        SmoothingWeights { level: bounded(level), error_variance: bounded(error_variance) }
    }

    /// For how many periods the level is a plain average: the greatest n with 1/n >= alpha. Rounding may
    /// miss it by one, where the weights 1/n and alpha are equal but for rounding anyway.
    fn averaged_periods(&self) -> u32 {
        (1.0 / self.level) as u32
    }
}

/// The demand model of one SKU-location. Units per period.
///
/// Periods without demand are only counted as they pass and worked in when somebody looks or the next
/// demand comes. So the state after a stretch of zeros is the same, to the last bit, in however many steps
/// it was told: a replay that rolls periods at other moments than the live run did ends up equal. The
/// weights are the same in all calls for one model; after a change of weights, zeros not worked in yet
/// take the new ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExponentialSmoothing {
    level: f64,
    error_variance: f64,
    /// Periods worked into the level and the variance, from the first with demand.
    periods: u32,
    /// Periods without demand since.
    zero_periods: u32,
    /// How well the forecasts did, from the second period on.
    errors: ForecastErrors,
}

impl ExponentialSmoothing {
    /// Takes in the demand of the period that has just ended, in units; less than none counts as none.
    pub fn update(&mut self, demand: f64, weights: SmoothingWeights) {
        if demand <= 0.0 {
            self.update_zeros(1);
            return;
        }
        self.settle(weights);
        self.step(demand, weights);
    }

    /// Takes in `count` periods that have just ended without any demand.
    pub fn update_zeros(&mut self, count: u64) {
        if self.periods > 0 {
            self.zero_periods = self.zero_periods.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        }
    }

    /// Adds `difference` to the demand of a finished period: a late sale, or a cancellation (negative).
    /// `periods_ago` is 0 for the period that ended last.
    ///
    /// The level becomes exactly what it would be had the demand been known in time, because it is linear
    /// in every observation. So do the variance and the errors for the period that ended last, whose error is kept;
    /// for an earlier one they are left as they are: each squared error would change with a factor that is not kept.
    /// They recover as later errors come in.
    ///
    /// A difference in a period before the first known demand starts the history there if there is none
    /// yet, and is left out otherwise: it would change the weight of every period since.
    pub fn correct_past(&mut self, difference: f64, periods_ago: u32, weights: SmoothingWeights) {
        if self.periods == 0 {
            self.update(difference, weights);
            self.update_zeros(u64::from(periods_ago));
            return;
        }
        self.settle(weights);
        if periods_ago >= self.periods {
            return;
        }
        if periods_ago == 0 {
            self.correct_last_error(difference, weights);
        }
        let corrected_period = self.periods - periods_ago;
        let averaged = weights.averaged_periods();
        // While averaging, every period so far has the same weight 1/n; smoothing gives a period the weight
        // alpha, and each later one takes its share of what was there.
        let (weight, faded_for) = if corrected_period <= averaged {
            let averaged_so_far = self.periods.min(averaged);
            (1.0 / f64::from(averaged_so_far), self.periods - averaged_so_far)
        } else {
            (weights.level, periods_ago)
        };
        self.level += difference * weight * Decay::after(faded_for, 1.0 - weights.level, 0.0).first;
    }

    /// Mean and variance of the demand of the next period, in units and units squared.
    pub fn forecast(&self, weights: SmoothingWeights) -> DemandMoments {
        let mut settled = self.clone();
        settled.settle(weights);
        // A cancellation can leave a rounding error below 0.
        DemandMoments { mean: settled.level.max(0.0), variance: settled.error_variance }
    }

    /// How well the forecasts of finished periods did.
    pub fn errors(&self, weights: SmoothingWeights) -> ForecastErrors {
        let mut settled = self.clone();
        settled.settle(weights);
        settled.errors
    }

    /// The period that ended last against its forecast; `None` before the third one, when no error had been seen yet.
    pub fn last_residual(&self, weights: SmoothingWeights) -> Option<Residual> {
        let mut settled = self.clone();
        settled.settle(weights);
        if settled.periods < 3 {
            return None;
        }
        // The last step, backwards.
        let error = settled.errors.last_error();
        let forecast = settled.level - settled.level_weight(weights) * error;
        let kept = 1.0 - settled.variance_weight(weights);
        let variance =
            if kept > 0.0 { (settled.error_variance - (1.0 - kept) * error * error) / kept } else { 0.0 };
        Some(Residual {
            actual: (forecast + error).max(0.0),
            forecast: forecast.max(0.0),
            standard_deviation: variance.max(0.0).sqrt(),
        })
    }

    /// Finished periods since the first demand, that one included.
    pub fn periods(&self) -> u32 {
        self.periods.saturating_add(self.zero_periods)
    }

    fn step(&mut self, demand: f64, weights: SmoothingWeights) {
        let error = demand - self.level;
        let has_forecast = self.periods > 0;
        self.periods = self.periods.saturating_add(1);
        if has_forecast {
            self.error_variance += self.variance_weight(weights) * (error * error - self.error_variance);
            self.errors.update(error, demand, weights.error_variance);
        }
        self.level += self.level_weight(weights) * error;
    }

    /// The weight that the last period had in the level.
    fn level_weight(&self, weights: SmoothingWeights) -> f64 {
        weights.level.max(1.0 / f64::from(self.periods.max(1)))
    }

    /// The weight that the last period had in the variance.
    fn variance_weight(&self, weights: SmoothingWeights) -> f64 {
        weights.error_variance.max(1.0 / f64::from(self.periods.saturating_sub(1).max(1)))
    }

    fn correct_last_error(&mut self, difference: f64, weights: SmoothingWeights) {
        if self.periods < 2 {
            return;
        }
        let before = self.errors.last_error();
        let after = before + difference;
        let change = self.variance_weight(weights) * (after * after - before * before);
        self.error_variance = (self.error_variance + change).max(0.0);
        self.errors.correct_last(difference, weights.error_variance);
    }

    /// Works the counted zeros in: one by one while a weight still falls, then all but the last at once.
    fn settle(&mut self, weights: SmoothingWeights) {
        let mut zeros = self.zero_periods;
        self.zero_periods = 0;
        while zeros > 0 && self.has_falling_weight(weights) {
            self.step(0.0, weights);
            zeros -= 1;
        }
        if zeros == 0 {
            return;
        }
        zeros -= 1;
        // With constant weights the i-th zero in a row errs by the level before it, f (1-alpha)^(i-1). So
        // after k of them v_k = (1-beta)^k v + beta f^2 sum over i of (1-beta)^(k-i) ((1-alpha)^2)^(i-1).
        let kept = 1.0 - weights.level;
        let decay = Decay::after(zeros, 1.0 - weights.error_variance, kept * kept);
        self.error_variance = decay.first * self.error_variance
            + weights.error_variance * self.level * self.level * decay.mixed_sum;
        let errors = Decay::after(zeros, 1.0 - weights.error_variance, kept);
        self.errors.update_zeros(errors.first, weights.error_variance * self.level * errors.mixed_sum);
        self.level *= Decay::after(zeros, kept, 0.0).first;
        self.periods = self.periods.saturating_add(zeros);
        // The last one by itself: its error is kept.
        self.step(0.0, weights);
    }

    fn has_falling_weight(&self, weights: SmoothingWeights) -> bool {
        let periods = f64::from(self.periods);
        1.0 / (periods + 1.0) > weights.level || 1.0 / periods > weights.error_variance
    }
}

/// For two factors a and b from 0 to 1 and a count k: a^k, b^k and the sum over i = 1..k of a^(k-i) b^(i-1).
///
/// That sum is (a^k - b^k) / (a - b), which loses all digits where a is near b and says nothing where they
/// are equal. Built up by doubling k, it needs only sums and products of positive numbers: exact to a few
/// units in the last place per doubling, the same on every machine, 32 doublings at most.
#[derive(Clone, Copy)]
struct Decay {
    first: f64,
    second: f64,
    mixed_sum: f64,
}

impl Decay {
    fn after(count: u32, first: f64, second: f64) -> Self {
        let mut decay = Decay { first: 1.0, second: 1.0, mixed_sum: 0.0 };
        for bit in (0..u32::BITS - count.leading_zeros()).rev() {
            decay = Decay {
                first: decay.first * decay.first,
                second: decay.second * decay.second,
                mixed_sum: decay.mixed_sum * (decay.first + decay.second),
            };
            if count >> bit & 1 == 1 {
                decay = Decay {
                    mixed_sum: decay.mixed_sum * first + decay.second,
                    first: decay.first * first,
                    second: decay.second * second,
                };
            }
        }
        decay
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn weights(level: f64, error_variance: f64) -> SmoothingWeights {
        SmoothingWeights::bounded(level, error_variance)
    }

    fn fit(demand: &[f64], weights: SmoothingWeights) -> ExponentialSmoothing {
        let mut model = ExponentialSmoothing::default();
        for &demand in demand {
            model.update(demand, weights);
        }
        model
    }

    /// The recurrence as it stands in the module documentation, period by period over the whole history.
    fn reference(demand: &[f64], alpha: f64, beta: f64) -> DemandMoments {
        let history: Vec<f64> = demand.iter().copied().skip_while(|&demand| demand == 0.0).collect();
        let (mut level, mut variance) = (0.0, 0.0);
        for (index, actual) in history.iter().enumerate() {
            let error = actual - level;
            if index > 0 {
                variance += f64::max(beta, 1.0 / index as f64) * (error * error - variance);
            }
            level += f64::max(alpha, 1.0 / (index + 1) as f64) * error;
        }
        DemandMoments { mean: level, variance }
    }

    #[track_caller]
    fn check(actual: f64, expected: f64) {
        let tolerance = 1e-9 * expected.abs() + 1e-12;
        assert!((actual - expected).abs() <= tolerance, "{actual:e} is not {expected:e}");
    }

    fn demand() -> impl Strategy<Value = f64> {
        prop_oneof![Just(0.0), 0.001..1e4_f64, (1..50_u32).prop_map(f64::from)]
    }

    fn any_weights() -> impl Strategy<Value = (f64, f64)> {
        let weight = || {
            prop_oneof![
                Just(0.01),
                Just(1.0 / 49.0),
                Just(0.1),
                Just(0.19),
                Just(0.5),
                Just(1.0),
                0.01..=1.0_f64
            ]
        };
        (weight(), weight())
    }

    #[test]
    fn it_is_small() {
        assert!(size_of::<ExponentialSmoothing>() <= 56);
    }

    #[test]
    fn it_starts_as_the_average_of_what_it_has_seen() {
        let model = fit(&[10.0, 12.0, 9.0, 14.0], weights(0.1, 0.1));
        // Errors against the averages 10, 11, 31/3: 2, -2, 11/3.
        check(model.forecast(weights(0.1, 0.1)).mean, 11.25);
        check(model.forecast(weights(0.1, 0.1)).variance, (4.0 + 4.0 + 121.0 / 9.0) / 3.0);
    }

    #[test]
    fn after_the_start_it_smooths() {
        // alpha = beta = 1/2: level 10, 11, 10; then 10 + 4/2 = 12. Errors 2, -2, 4: variance 4, 4, 10.
        let model = fit(&[10.0, 12.0, 9.0, 14.0], weights(0.5, 0.5));
        assert_eq!(model.forecast(weights(0.5, 0.5)), DemandMoments { mean: 12.0, variance: 10.0 });
    }

    #[test]
    fn nothing_is_known_before_the_first_demand() {
        let weights = weights(0.1, 0.1);
        let mut model = ExponentialSmoothing::default();
        model.update_zeros(400);
        model.update(0.0, weights);
        assert_eq!(model, ExponentialSmoothing::default());
        model.update(6.0, weights);
        assert_eq!(
            (model.periods(), model.forecast(weights)),
            (1, DemandMoments { mean: 6.0, variance: 0.0 })
        );
    }

    #[test]
    fn constant_demand_has_no_error() {
        let weights = weights(0.1, 0.1);
        let model = fit(&[7.0; 50], weights);
        assert_eq!(model.forecast(weights), DemandMoments { mean: 7.0, variance: 0.0 });
    }

    #[test]
    fn endless_silence_ends_in_zero_and_stays_finite() {
        for (alpha, beta) in [(0.01, 0.01), (0.1, 0.19), (1.0, 1.0), (0.01, 1.0), (1.0, 0.01)] {
            let mut model = fit(&[1e6, 3.0, 1e6], weights(alpha, beta));
            for _ in 0..3 {
                model.update_zeros(u64::MAX);
            }
            let forecast = model.forecast(weights(alpha, beta));
            assert_eq!(forecast, DemandMoments { mean: 0.0, variance: 0.0 }, "{alpha} {beta}");
            model.update(5.0, weights(alpha, beta));
            model.update_zeros(2);
            assert!(model.forecast(weights(alpha, beta)).variance.is_finite());
            assert_eq!(model.periods(), u32::MAX);
        }
    }

    #[test]
    fn weights_outside_their_bounds_become_the_bound_next_to_them() {
        for (sent, taken) in
            [(0.0, 0.01), (-1.0, 0.01), (f64::NAN, 0.01), (0.3, 0.3), (1.5, 1.0), (f64::INFINITY, 1.0)]
        {
            assert_eq!(SmoothingWeights::bounded(sent, 0.1), weights(taken, 0.1));
            assert_eq!(SmoothingWeights::bounded(0.1, sent), weights(0.1, taken));
            assert_eq!(SmoothingWeights::bounded(sent, 0.1).level, taken);
        }
    }

    #[test]
    fn a_late_first_demand_starts_the_history_where_it_belongs() {
        let weights = weights(0.1, 0.1);
        let mut model = ExponentialSmoothing::default();
        model.correct_past(8.0, 3, weights);
        assert_eq!(model, fit(&[8.0, 0.0, 0.0, 0.0], weights));
    }

    #[test]
    fn less_than_no_demand_is_none() {
        let weights = weights(0.1, 0.1);
        assert_eq!(fit(&[-3.0, 8.0, -1.0], weights), fit(&[8.0, 0.0], weights));
        let mut model = ExponentialSmoothing::default();
        model.correct_past(-2.0, 3, weights);
        assert_eq!(model, ExponentialSmoothing::default());
    }

    #[test]
    fn a_difference_before_the_first_demand_is_left_out() {
        let weights = weights(0.1, 0.1);
        let mut model = fit(&[8.0, 2.0], weights);
        model.correct_past(5.0, 2, weights);
        assert_eq!(model, fit(&[8.0, 2.0], weights));
    }

    #[test]
    fn a_cancelled_demand_leaves_no_negative_forecast() {
        let weights = weights(0.3, 0.3);
        let mut model = fit(&[0.1, 0.0, 0.7, 0.0, 0.0, 0.0], weights);
        model.correct_past(-0.1, 5, weights);
        model.correct_past(-0.7, 3, weights);
        let mean = model.forecast(weights).mean;
        assert!((0.0..1e-15).contains(&mean), "{mean:e}");
    }

    proptest! {
        #[test]
        fn it_follows_the_recurrence(
            history in proptest::collection::vec(demand(), 0..300), (alpha, beta) in any_weights(),
        ) {
            let forecast = fit(&history, weights(alpha, beta)).forecast(weights(alpha, beta));
            let expected = reference(&history, alpha, beta);
            check(forecast.mean, expected.mean);
            check(forecast.variance, expected.variance);
        }

        #[test]
        fn fitting_a_part_and_updating_with_the_rest_is_fitting_all(
            history in proptest::collection::vec(demand(), 0..200), split in 0..200_usize, (alpha, beta) in any_weights(),
        ) {
            let weights = weights(alpha, beta);
            let (past, rest) = history.split_at(split.min(history.len()));
            let mut model = fit(past, weights);
            // Looking at it on the way changes nothing.
            model.forecast(weights);
            rest.iter().for_each(|&demand| model.update(demand, weights));
            prop_assert_eq!(model, fit(&history, weights));
        }

        #[test]
        fn a_stretch_of_zeros_is_the_same_in_any_number_of_steps(
            before in proptest::collection::vec(demand(), 0..150), steps in proptest::collection::vec(0..200_u64, 1..6),
            (alpha, beta) in any_weights(),
        ) {
            let weights = weights(alpha, beta);
            let mut model = fit(&before, weights);
            let mut at_once = model.clone();
            steps.iter().for_each(|&count| model.update_zeros(count));
            at_once.update_zeros(steps.iter().sum());
            prop_assert_eq!(&model, &at_once);
            model.update(3.0, weights);

            let mut history = before;
            history.extend(std::iter::repeat_n(0.0, steps.iter().sum::<u64>() as usize));
            let expected = reference(&history, alpha, beta);
            check(at_once.forecast(weights).mean, expected.mean);
            check(at_once.forecast(weights).variance, expected.variance);
            history.push(3.0);
            let expected = reference(&history, alpha, beta);
            check(model.forecast(weights).mean, expected.mean);
            check(model.forecast(weights).variance, expected.variance);
        }

        #[test]
        fn late_demand_gives_the_level_of_demand_in_time(
            history in proptest::collection::vec(demand(), 1..200), ago in 0..200_usize, difference in 0.001..100.0_f64,
            (alpha, beta) in any_weights(),
        ) {
            let first = history.iter().position(|&demand| demand != 0.0);
            prop_assume!(ago < history.len() && first.is_some_and(|first| first < history.len() - ago));
            let weights = weights(alpha, beta);
            let mut model = fit(&history, weights);
            let variance = model.forecast(weights).variance;
            model.correct_past(difference, ago as u32, weights);
            let mut in_time = history.clone();
            let period = history.len() - 1 - ago;
            in_time[period] += difference;
            check(model.forecast(weights).mean, reference(&in_time, alpha, beta).mean);
            if ago > 0 {
                prop_assert_eq!(model.forecast(weights).variance, variance);
            } else {
                let exact = reference(&in_time, alpha, beta).variance;
                let actual = model.forecast(weights).variance;
                prop_assert!((actual - exact).abs() <= 1e-6 * (exact + 1.0), "{actual:e} is not {exact:e}");
            }
        }

        #[test]
        fn errors_and_the_last_residual_follow_the_recurrence(
            history in proptest::collection::vec(demand(), 0..200), zeros in 0..300_usize, (alpha, beta) in any_weights(),
        ) {
            let weights = weights(alpha, beta);
            let mut model = fit(&history, weights);
            model.update_zeros(zeros as u64);
            let mut history = history;
            history.extend(std::iter::repeat_n(0.0, zeros));
            let history: Vec<f64> = history.iter().copied().skip_while(|&demand| demand == 0.0).collect();
            let (mut signed, mut absolute, mut actual) = (0.0, 0.0, 0.0);
            for end in 1..history.len() {
                let error = history[end] - reference(&history[..end], alpha, beta).mean;
                signed += beta * (error - signed);
                absolute += beta * (error.abs() - absolute);
                actual += beta * (history[end] - actual);
            }
            let errors = model.errors(weights);
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-7 * (absolute + actual + 1.0);
            prop_assert!(close(errors.mean_error(), signed) && close(errors.mean_absolute_error(), absolute));
            match model.last_residual(weights) {
                None => prop_assert!(history.len() < 3),
                Some(residual) => {
                    let before = reference(&history[..history.len() - 1], alpha, beta);
                    let scale = before.mean + before.variance.sqrt() + history[history.len() - 1];
                    prop_assert!((residual.forecast - before.mean).abs() <= 1e-7 * (scale + 1.0));
                    let last = history[history.len() - 1];
                    prop_assert!((residual.actual - last).abs() <= 1e-7 * (scale + 1.0));
                    if beta < 0.9 {
                        let deviation = residual.standard_deviation - before.variance.sqrt();
                        prop_assert!(deviation.abs() <= 1e-3 * (scale + 1.0), "{deviation}");
                    }
                }
            }
        }

        #[test]
        fn it_survives_being_written_down(
            history in proptest::collection::vec(demand(), 0..60), (alpha, beta) in any_weights(),
        ) {
            let model = fit(&history, weights(alpha, beta));
            let back: ExponentialSmoothing = serde_json::from_str(&serde_json::to_string(&model).unwrap()).unwrap();
            prop_assert_eq!(back.periods(), model.periods());
            check(back.forecast(weights(alpha, beta)).mean, model.forecast(weights(alpha, beta)).mean);
            check(back.forecast(weights(alpha, beta)).variance, model.forecast(weights(alpha, beta)).variance);
        }
    }
}
