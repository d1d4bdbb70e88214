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

/// F6: the share of what is demanded that is delivered from stock, if units that are missing are delivered later: 1 − the
/// units short in a cycle by the units ordered in one. `order_quantity` is above 0.
pub fn fill_rate(safety_stock: f64, standard_deviation: f64, order_quantity: f64) -> f64 {
    1.0 - expected_units_short(safety_stock, standard_deviation) / order_quantity
}

/// F6 the other way round: the z with which orders of `order_quantity` units reach a fill rate. `None` where nothing is
/// uncertain or nothing is ordered.
pub fn z_for_fill_rate(fill_rate: f64, order_quantity: f64, standard_deviation: f64) -> Option<f64> {
    let is_known = standard_deviation > 0.0 && order_quantity > 0.0;
    is_known.then(|| normal::z_for_unit_loss((1.0 - fill_rate) * order_quantity / standard_deviation))
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
            let safety_stock = demand.safety_stock(z);
            check(
                super::fill_rate(safety_stock, demand.standard_deviation, order_quantity),
                fill_rate,
                5e-10,
            );
            let z_back = z_for_fill_rate(fill_rate, order_quantity, demand.standard_deviation);
            check(z_back.expect("it is uncertain"), z, 1e-6);
            check(distribution(z), service_level, 1e-12);
        }
    }

    #[test]
    fn a_fill_rate_asks_for_less_the_more_is_ordered_at_once() {
        let sigma = lead_time_demand().standard_deviation;
        let z = |fill_rate: f64, quantity: f64| z_for_fill_rate(fill_rate, quantity, sigma).expect("a z");
        for fill_rate in [0.5, 0.9, 0.95, 0.99, 0.9999] {
            for quantity in [1.0, 50.0, 500.0, 5_000.0] {
                let z = z(fill_rate, quantity);
                if (-3.7..3.7).contains(&z) {
                    check(super::fill_rate(z * sigma, sigma, quantity), fill_rate, 1e-12);
                }
            }
            assert!(z(fill_rate, 50.0) > z(fill_rate, 500.0), "{fill_rate}");
        }
        assert!(z(0.99, 500.0) > z(0.95, 500.0));
        // As far as a service level goes, and not beyond.
        check(z(0.999_999, 0.001), z_for_service_level(0.9999), 0.0);
        check(z(0.000_001, 1e9), z_for_service_level(0.0001), 0.0);
        for nothing in [(0.0, sigma), (-1.0, sigma), (500.0, 0.0), (f64::NAN, sigma), (500.0, f64::NAN)] {
            assert_eq!(z_for_fill_rate(0.9, nothing.0, nothing.1), None, "{nothing:?}");
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
