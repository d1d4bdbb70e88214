//! Demand over the lead time, safety stock and reorder point (F1 to F3).

/// Demand per day at one place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DailyDemand {
    /// Units per day.
    pub mean: f64,
    /// Units; of the forecast error where the forecast varies over time, not of the raw demand.
    pub standard_deviation: f64,
}

/// How long a replenishment takes, from order to receipt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeadTime {
    /// Days.
    pub mean_days: f64,
    /// Days; 0 where nothing is known about it.
    pub standard_deviation_days: f64,
}

/// What is demanded until an order placed now has arrived, in units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeadTimeDemand {
    pub mean: f64,
    pub standard_deviation: f64,
}

impl LeadTimeDemand {
    /// F1: mean d (L + R), variance (L + R) sd^2 + d^2 sL^2, with demand and lead time independent.
    ///
    /// `review_days` is the time between two chances to order, 0 when stock is watched all the time; it
    /// adds to the time to be covered, and its length is certain.
    pub fn new(demand: DailyDemand, lead_time: LeadTime, review_days: f64) -> Self {
        let covered_days = lead_time.mean_days + review_days;
        let from_demand = covered_days * demand.standard_deviation * demand.standard_deviation;
        let from_lead_time = demand.mean * lead_time.standard_deviation_days;
        LeadTimeDemand {
            mean: demand.mean * covered_days,
            standard_deviation: (from_demand + from_lead_time * from_lead_time).sqrt(),
        }
    }

    /// F2: z sigma, in units, for the z of a *cycle* service level
    /// ([`z_for_service_level`](super::normal::z_for_service_level)).
    pub fn safety_stock(&self, z: f64) -> f64 {
        z * self.standard_deviation
    }

    /// F3: mean plus safety stock, in units: order when the inventory position is at or below it.
    ///
    /// With a review period in the lead-time demand this is also the order-up-to level S.
    pub fn reorder_point(&self, z: f64) -> f64 {
        self.mean + self.safety_stock(z)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::inventory::normal::z_for_service_level;

    const DEMAND: DailyDemand = DailyDemand { mean: 75.0, standard_deviation: 20.0 };
    const LEAD_TIME: LeadTime = LeadTime { mean_days: 7.0, standard_deviation_days: 1.5 };

    #[track_caller]
    fn check(actual: f64, expected: f64, tolerance: f64) {
        assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected}");
    }

    #[test]
    fn an_uncertain_lead_time_dominates_the_variance() {
        let demand = LeadTimeDemand::new(DEMAND, LEAD_TIME, 0.0);
        check(demand.mean, 525.0, 1e-12);
        check(demand.standard_deviation, 124.323_168, 5e-7);
    }

    #[test]
    fn safety_stock_and_reorder_point_follow_the_service_level() {
        let demand = LeadTimeDemand::new(DEMAND, LEAD_TIME, 0.0);
        for (service_level, safety_stock, reorder_point) in [
            (0.90, 159.326_55, 684.326_55),
            (0.95, 204.493_413, 729.493_413),
            (0.975, 243.668_931, 768.668_931),
            (0.99, 289.218_937, 814.218_937),
        ] {
            let z = z_for_service_level(service_level);
            check(demand.safety_stock(z), safety_stock, 5e-6);
            check(demand.reorder_point(z), reorder_point, 5e-6);
        }
    }

    #[test]
    fn a_review_period_is_covered_too() {
        let demand = LeadTimeDemand::new(DEMAND, LEAD_TIME, 7.0);
        check(demand.standard_deviation, 135.115_691, 5e-7);
        check(demand.reorder_point(z_for_service_level(0.95)), 1_272.245_535, 5e-7);
    }

    #[test]
    fn certain_demand_and_lead_time_need_no_safety_stock() {
        let demand = LeadTimeDemand::new(
            DailyDemand { mean: 3.0, standard_deviation: 0.0 },
            LeadTime { mean_days: 5.0, standard_deviation_days: 0.0 },
            0.0,
        );
        assert_eq!(demand, LeadTimeDemand { mean: 15.0, standard_deviation: 0.0 });
        assert_eq!(demand.safety_stock(1.645), 0.0);
    }
}
