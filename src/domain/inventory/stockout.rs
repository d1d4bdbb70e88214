//! How likely and how deep a stockout is (F4, F5), for a balance that is normal around its expectation.
//!
//! Without dated supply the balance is the inventory position less the mean of the lead-time demand, and
//! the standard deviation that of the lead-time demand. With dated supply both come from the
//! [projection](super::projection). The horizon belongs to the number: show them together.

use super::normal;

/// F4: P(balance < 0) = 1 - Phi(expected balance / standard deviation).
///
/// Without uncertainty (a standard deviation of 0) it is certain either way: short below 0, not short at 0.
pub fn stockout_probability(expected_balance: f64, standard_deviation: f64) -> f64 {
    normal::upper_tail(safety_factor(expected_balance, standard_deviation))
}

/// F5: E(units missing) = sigma G(expected balance / sigma), in units; the plain shortfall without
/// uncertainty.
pub fn expected_units_short(expected_balance: f64, standard_deviation: f64) -> f64 {
    // G(-x) = x + G(x): taking the certain shortfall out first keeps the sum exact for a tiny sigma.
    let certain = (-expected_balance).max(0.0);
    if standard_deviation > 0.0 {
        certain + standard_deviation * normal::unit_normal_loss(expected_balance.abs() / standard_deviation)
    } else {
        certain
    }
}

/// How many standard deviations the expected balance lies above 0; infinite without uncertainty.
pub(super) fn safety_factor(expected_balance: f64, standard_deviation: f64) -> f64 {
    if standard_deviation > 0.0 {
        expected_balance / standard_deviation
    } else if expected_balance < 0.0 {
        f64::NEG_INFINITY
    } else {
        f64::INFINITY
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inventory::normal::{distribution, z_for_service_level};
    use crate::domain::inventory::safety_stock::{DailyDemand, LeadTime, LeadTimeDemand};

    #[track_caller]
    fn check(actual: f64, expected: f64, tolerance: f64) {
        assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected}");
    }

    fn lead_time_demand() -> LeadTimeDemand {
        LeadTimeDemand::new(
            DailyDemand { mean: 75.0, standard_deviation: 20.0 },
            LeadTime { mean_days: 7.0, standard_deviation_days: 1.5 },
            0.0,
        )
    }

    #[test]
    fn an_inventory_position_of_600_is_short_in_27_cycles_of_100() {
        let demand = lead_time_demand();
        check(stockout_probability(600.0 - demand.mean, demand.standard_deviation), 0.273_165_713, 5e-10);
        check(expected_units_short(600.0 - demand.mean, demand.standard_deviation), 20.858_775_189, 5e-10);
    }

    #[test]
    fn units_short_per_cycle_give_a_fill_rate_above_the_cycle_service_level() {
        let demand = lead_time_demand();
        let order_quantity = 500.0;
        for (service_level, units_short, fill_rate) in
            [(0.90, 5.885_853_527, 0.988_228_293), (0.95, 2.597_478_847, 0.994_805_042)]
        {
            let z = z_for_service_level(service_level);
            let short =
                expected_units_short(demand.reorder_point(z) - demand.mean, demand.standard_deviation);
            check(short, units_short, 5e-10);
            check(1.0 - short / order_quantity, fill_rate, 5e-10);
            check(distribution(z), service_level, 1e-12);
        }
    }

    #[test]
    fn at_the_reorder_point_the_risk_is_what_the_service_level_leaves() {
        let demand = lead_time_demand();
        let reorder_point = demand.reorder_point(z_for_service_level(0.95));
        check(stockout_probability(reorder_point - demand.mean, demand.standard_deviation), 0.05, 1e-12);
    }

    #[test]
    fn without_uncertainty_the_answer_is_certain() {
        for (balance, probability, units_short) in [(-2.0, 1.0, 2.0), (0.0, 0.0, 0.0), (3.0, 0.0, 0.0)] {
            assert_eq!(stockout_probability(balance, 0.0), probability);
            assert_eq!(expected_units_short(balance, 0.0), units_short);
        }
    }

    #[test]
    fn a_vanishing_uncertainty_approaches_certainty() {
        for sigma in [1e-3, 1e-12, f64::MIN_POSITIVE] {
            assert_eq!(stockout_probability(-2.0, sigma), 1.0);
            assert_eq!(expected_units_short(-2.0, sigma), 2.0);
            assert_eq!(expected_units_short(2.0, sigma), 0.0);
        }
    }
}
