//! The class of a demand: how often there is any, and how much its sizes differ (F37).
//!
//! Source: Syntetos, Boylan & Croston, *On the categorization of demand patterns*, Journal of the
//! Operational Research Society 56, 2005.

use serde::{Deserialize, Serialize};

/// Average demand interval from which demand counts as intermittent.
const AVERAGE_DEMAND_INTERVAL_INTERMITTENT: f64 = 1.32;
/// Squared coefficient of variation from which sizes count as erratic.
const SQUARED_COEFFICIENT_OF_VARIATION_ERRATIC: f64 = 0.49;
/// Coefficients of variation below which demand is of class X, and of class Y (F20).
const VARIATION_X_BELOW: f64 = 0.5;
const VARIATION_Y_BELOW: f64 = 1.0;
/// Below these a class would say more about chance than about the item.
const PERIODS_MIN: u32 = 4;
const DEMAND_PERIODS_MIN: u32 = 2;

/// The four classes of Syntetos, Boylan and Croston.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DemandClass {
    /// Often, in like sizes.
    Smooth,
    /// Often, in sizes that differ.
    Erratic,
    /// Seldom, in like sizes.
    Intermittent,
    /// Seldom, in sizes that differ.
    Lumpy,
}

/// Counts of what makes up the class, over all periods it was told of. The class depends on the length of
/// the period: weekly demand looks intermittent by the day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DemandPattern {
    periods: u32,
    demand_periods: u32,
    size_sum: f64,
    size_square_sum: f64,
}

impl DemandPattern {
    /// Takes in the demand of a finished period, in units; none or less counts as a period without demand.
    pub fn update(&mut self, demand: f64) {
        self.update_zeros(1);
        if demand > 0.0 {
            self.demand_periods = self.demand_periods.saturating_add(1);
            self.size_sum += demand;
            self.size_square_sum += demand * demand;
        }
    }

    /// Takes in `count` finished periods without demand.
    pub fn update_zeros(&mut self, count: u64) {
        self.periods = self.periods.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// ADI: all periods per period with demand (not the mean gap between demands); `None` without demand.
    pub fn average_demand_interval(&self) -> Option<f64> {
        (self.demand_periods > 0).then(|| f64::from(self.periods) / f64::from(self.demand_periods))
    }

    /// CV2: (standard deviation / mean)^2 of the sizes of the periods with demand, with the standard
    /// deviation of the population; `None` without demand.
    pub fn squared_coefficient_of_variation(&self) -> Option<f64> {
        let count = f64::from(self.demand_periods);
        // Variance over mean squared is n * sum of squares / square of sum - 1; rounding may undercut 0.
        (self.demand_periods > 0)
            .then(|| (count * self.size_square_sum / (self.size_sum * self.size_sum) - 1.0).max(0.0))
    }

    /// F20: standard deviation over mean of the demand of all periods, those without any included; `None` while there
    /// are fewer than 4 periods, or without demand.
    pub fn coefficient_of_variation(&self) -> Option<f64> {
        if self.periods < PERIODS_MIN || self.size_sum <= 0.0 {
            return None;
        }
        let periods = f64::from(self.periods);
        // Variance over mean squared, as above, with the zeros counted in.
        let squared = periods * self.size_square_sum / (self.size_sum * self.size_sum) - 1.0;
        Some(squared.max(0.0).sqrt())
    }

    /// F20: `X` below a coefficient of variation of 0.5, `Y` below 1, else `Z`.
    pub fn variability(&self) -> Option<&'static str> {
        self.coefficient_of_variation().map(|variation| match variation {
            variation if variation < VARIATION_X_BELOW => "X",
            variation if variation < VARIATION_Y_BELOW => "Y",
            _ => "Z",
        })
    }

    /// The class, once there are 4 periods and 2 of them with demand.
    pub fn class(&self) -> Option<DemandClass> {
        if self.periods < PERIODS_MIN || self.demand_periods < DEMAND_PERIODS_MIN {
            return None;
        }
        let seldom = self.average_demand_interval()? >= AVERAGE_DEMAND_INTERVAL_INTERMITTENT;
        let differs = self.squared_coefficient_of_variation()? >= SQUARED_COEFFICIENT_OF_VARIATION_ERRATIC;
        Some(match (seldom, differs) {
            (false, false) => DemandClass::Smooth,
            (false, true) => DemandClass::Erratic,
            (true, false) => DemandClass::Intermittent,
            (true, true) => DemandClass::Lumpy,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pattern(demand: &[f64]) -> DemandPattern {
        let mut pattern = DemandPattern::default();
        for &demand in demand {
            pattern.update(demand);
        }
        pattern
    }

    #[track_caller]
    fn check(demand: &[f64], class: Option<DemandClass>) {
        let pattern = pattern(demand);
        assert_eq!(pattern.class(), class, "{pattern:?}");
    }

    #[test]
    fn a_demand_every_third_period_in_like_sizes_is_intermittent() {
        let series = [0., 0., 5., 0., 0., 0., 3., 0., 4., 0., 0., 6., 0., 2., 0.];
        let pattern = pattern(&series);
        assert_eq!(pattern.average_demand_interval(), Some(3.0));
        let variation = pattern.squared_coefficient_of_variation().unwrap();
        assert!((variation - 0.125).abs() < 1e-12, "{variation}");
        check(&series, Some(DemandClass::Intermittent));
    }

    #[test]
    fn how_often_and_how_even_make_four_classes() {
        check(&[5., 6., 5., 4.], Some(DemandClass::Smooth));
        check(&[1., 1., 1., 20.], Some(DemandClass::Erratic));
        check(&[1., 0., 0., 20.], Some(DemandClass::Lumpy));
        check(&[5., 0., 0., 6.], Some(DemandClass::Intermittent));
    }

    #[test]
    fn the_borders_belong_to_the_irregular_side() {
        // 33 periods, 25 with demand: exactly 1.32; a period less is below.
        let mut demand = vec![1.0; 25];
        demand.extend([0.0; 8]);
        check(&demand, Some(DemandClass::Intermittent));
        demand.pop();
        check(&demand, Some(DemandClass::Smooth));
        // Sizes 3 and 17: mean 10, standard deviation 7, so exactly 0.49.
        check(&[3., 17., 3., 17.], Some(DemandClass::Erratic));
        check(&[3.1, 16.9, 3.1, 16.9], Some(DemandClass::Smooth));
    }

    #[test]
    fn the_more_demand_varies_over_all_periods_the_later_its_letter() {
        for (demand, letter) in [
            (&[10., 12., 8., 10.][..], Some("X")),
            // Mean 7.5, standard deviation 5.59: 0.745.
            (&[0., 10., 5., 15.][..], Some("Y")),
            (&[0., 0., 0., 20.][..], Some("Z")),
            (&[5., 5., 5.][..], None),
            (&[0., 0., 0., 0.][..], None),
        ] {
            assert_eq!(pattern(demand).variability(), letter, "{demand:?}");
        }
        let variation = pattern(&[0., 10., 5., 15.]).coefficient_of_variation().unwrap();
        assert!((variation - 0.745_355_992_5).abs() < 1e-9, "{variation}");
    }

    #[test]
    fn too_little_history_has_no_class() {
        check(&[], None);
        check(&[5., 6., 5.], None);
        check(&[0., 0., 0., 0., 0., 5.], None);
        assert_eq!(pattern(&[0.0]).average_demand_interval(), None);
        assert_eq!(pattern(&[0.0]).squared_coefficient_of_variation(), None);
    }

    #[test]
    fn zeros_told_at_once_are_zeros_told_one_by_one() {
        let mut at_once = pattern(&[5.0]);
        at_once.update_zeros(3);
        assert_eq!(at_once, pattern(&[5., 0., 0., 0.]));
        at_once.update_zeros(u64::MAX);
        assert_eq!(at_once.average_demand_interval(), Some(f64::from(u32::MAX)));
    }

    proptest! {
        #[test]
        fn the_variation_is_that_of_the_sizes(sizes in proptest::collection::vec(0.001..1e4_f64, 1..200)) {
            let count = sizes.len() as f64;
            let mean = sizes.iter().sum::<f64>() / count;
            let variance = sizes.iter().map(|size| (size - mean).powi(2)).sum::<f64>() / count;
            let variation = pattern(&sizes).squared_coefficient_of_variation().unwrap();
            prop_assert!((variation - variance / (mean * mean)).abs() < 1e-9);
        }
    }
}
