//! The projected available balance (F10), its uncertainty, and the shortages in it (F12).
//!
//! Lazy and without allocation: the projection is computed when somebody needs it and never stored. A
//! period's receipts count before its demand, so a receipt helps on the day it comes; the balance is that
//! at the period's end.

use super::normal::{self, Z_90};
use super::stockout;

/// What one period of the horizon brings and takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PeriodFlow {
    /// Units that arrive.
    pub receipts: f64,
    /// Units: the greater of forecast and orders, never their sum.
    pub demand_mean: f64,
    /// Units squared; demand of different periods is taken as independent.
    pub demand_variance: f64,
}

/// One period of a projection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProjectedPeriod {
    pub receipts: f64,
    /// Mean demand of the period, in units.
    pub demand: f64,
    /// Expected units at the period's end; negative when short.
    pub balance: f64,
    /// Of the balance, in units: that of all demand from the start to this period's end.
    pub standard_deviation: f64,
}

impl ProjectedPeriod {
    /// The balance that is undercut with a probability of 10 %.
    pub fn p10(&self) -> f64 {
        self.balance - Z_90 * self.standard_deviation
    }

    /// The balance that is exceeded with a probability of 10 %.
    pub fn p90(&self) -> f64 {
        self.balance + Z_90 * self.standard_deviation
    }

    /// Demand is expected to exceed what is there.
    pub fn is_short(&self) -> bool {
        self.balance < 0.0
    }
}

/// F10: balance = balance before + receipts - demand, period by period.
///
/// `starting_balance` is what is on hand less the orders already due, in units. Orders on the way are
/// receipts of the period they arrive in, not part of it.
pub fn project<Flows>(starting_balance: f64, flows: Flows) -> impl Iterator<Item = ProjectedPeriod>
where
    Flows: IntoIterator<Item = PeriodFlow>,
{
    let mut projection = Projection::new(starting_balance);
    flows.into_iter().map(move |flow| projection.advance(flow))
}

/// A projection that is taken one period at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Projection {
    balance: f64,
    variance: f64,
}

impl Projection {
    /// Before the first period.
    pub fn new(starting_balance: f64) -> Projection {
        Projection { balance: starting_balance, variance: 0.0 }
    }

    /// F10 for the next period.
    pub fn advance(&mut self, flow: PeriodFlow) -> ProjectedPeriod {
        self.balance += flow.receipts - flow.demand_mean;
        self.variance += flow.demand_variance;
        ProjectedPeriod {
            receipts: flow.receipts,
            demand: flow.demand_mean,
            balance: self.balance,
            standard_deviation: self.variance.sqrt(),
        }
    }
}

/// What a projection says about running out within its periods.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StockoutOutlook {
    /// F12: the first period expected to end short, counted from 0.
    pub first_shortage: Option<usize>,
    /// F4: the greatest P(balance < 0) of any period's end. Being short in the riskiest period is a part of
    /// being short at all, so this is a lower bound of that; it equals 1 - Phi((IP - d L) / (sd sqrt(L)))
    /// at the horizon's end when nothing arrives on the way.
    pub stockout_probability: f64,
}

/// Reads the outlook off a projection that ends with the horizon, in one pass and one evaluation of Phi.
pub fn stockout_outlook(periods: impl Iterator<Item = ProjectedPeriod>) -> StockoutOutlook {
    let mut first_shortage = None;
    let mut least_safe = f64::INFINITY;
    for (index, period) in periods.enumerate() {
        if period.is_short() && first_shortage.is_none() {
            first_shortage = Some(index);
        }
        least_safe = least_safe.min(stockout::safety_factor(period.balance, period.standard_deviation));
    }
    StockoutOutlook { first_shortage, stockout_probability: normal::upper_tail(least_safe) }
}

/// F5 over a projection: the expected units missing in the period where most are, which is what a shortage
/// costs when its customers are served late; 0 for an empty projection.
pub fn greatest_expected_units_short(periods: impl Iterator<Item = ProjectedPeriod>) -> f64 {
    periods
        .map(|period| stockout::expected_units_short(period.balance, period.standard_deviation))
        .fold(0.0, f64::max)
}

/// Consecutive periods that are all expected to end short, merged (F12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortageWindow {
    /// The first short period, counted from 0.
    pub from: usize,
    /// The period after the last short one.
    pub until: usize,
}

/// The shortage windows of a projection, in order, with at least one sufficient period between any two.
pub fn shortage_windows(periods: impl Iterator<Item = ProjectedPeriod>) -> Vec<ShortageWindow> {
    let mut windows: Vec<ShortageWindow> = Vec::new();
    for (index, period) in periods.enumerate() {
        if !period.is_short() {
            continue;
        }
        match windows.last_mut() {
            Some(window) if window.until == index => window.until = index + 1,
            _ => windows.push(ShortageWindow { from: index, until: index + 1 }),
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RECEIPTS: [f64; 7] = [0.0, 0.0, 100.0, 0.0, 0.0, 80.0, 0.0];
    const DEMAND: [f64; 7] = [30.0, 35.0, 30.0, 40.0, 25.0, 30.0, 45.0];

    fn flows<'a>(receipts: &'a [f64], demand: &'a [f64], variance: f64) -> impl Iterator<Item = PeriodFlow> {
        receipts.iter().zip(demand).map(move |(&receipts, &demand_mean)| PeriodFlow {
            receipts,
            demand_mean,
            demand_variance: variance,
        })
    }

    fn steady(periods: usize, demand_mean: f64, demand_variance: f64) -> impl Iterator<Item = PeriodFlow> {
        std::iter::repeat_n(PeriodFlow { receipts: 0.0, demand_mean, demand_variance }, periods)
    }

    #[track_caller]
    fn check(actual: f64, expected: f64, tolerance: f64) {
        assert!((actual - expected).abs() <= tolerance, "{actual} is not {expected}");
    }

    #[track_caller]
    fn check_windows(starting_balance: f64, expected: &[(usize, usize)]) {
        let windows: Vec<_> = shortage_windows(project(starting_balance, flows(&RECEIPTS, &DEMAND, 0.0)))
            .iter()
            .map(|window| (window.from, window.until))
            .collect();
        assert_eq!(windows, expected);
    }

    #[test]
    fn the_balance_carries_over() {
        let balances: Vec<_> =
            project(120.0, flows(&RECEIPTS, &DEMAND, 0.0)).map(|period| period.balance).collect();
        assert_eq!(balances, [90.0, 55.0, 125.0, 85.0, 60.0, 110.0, 65.0]);
    }

    #[test]
    fn uncertainty_grows_with_the_root_of_time() {
        let periods: Vec<_> = project(100.0, steady(4, 10.0, 9.0)).collect();
        let last = periods[3];
        check(periods[0].standard_deviation, 3.0, 1e-12);
        check(last.standard_deviation, 6.0, 1e-12);
        check(last.p10(), 60.0 - 7.689_309_393_267_603, 1e-9);
        check(last.p90(), 60.0 + 7.689_309_393_267_603, 1e-9);
    }

    #[test]
    fn short_periods_in_a_row_are_one_window() {
        check_windows(120.0, &[]);
        check_windows(30.0, &[(1, 2), (3, 5), (6, 7)]);
        check_windows(-100.0, &[(0, 7)]);
    }

    #[test]
    fn an_empty_shelf_with_nothing_missing_is_not_short() {
        // Ends at exactly 0 in its lowest period.
        check_windows(65.0, &[]);
        check_windows(64.0, &[(1, 2)]);
    }

    #[test]
    fn without_receipts_the_outlook_is_the_formula_at_the_horizon() {
        // 1 - Phi((180 - 10 * 15) / (5 sqrt(15))), computed with 40 digits by another program (mpmath).
        let outlook = stockout_outlook(project(180.0, steady(15, 10.0, 25.0)));
        check(outlook.stockout_probability, 0.060_667_625_179_241_08, 1e-12);
        assert_eq!(outlook.first_shortage, None);
    }

    #[test]
    fn a_delayed_receipt_raises_the_probability() {
        let demand = [10.0; 7];
        let on_time = [0.0, 0.0, 100.0, 0.0, 0.0, 0.0, 0.0];
        let delayed = [0.0, 0.0, 0.0, 0.0, 0.0, 100.0, 0.0];
        let on_time = stockout_outlook(project(40.0, flows(&on_time, &demand, 4.0)));
        let delayed = stockout_outlook(project(40.0, flows(&delayed, &demand, 4.0)));
        assert!(on_time.stockout_probability < 0.001, "{on_time:?}");
        assert!(delayed.stockout_probability > 0.98, "{delayed:?}");
        assert_eq!((on_time.first_shortage, delayed.first_shortage), (None, Some(4)));
    }

    #[test]
    fn certain_demand_makes_a_certain_outlook() {
        assert_eq!(stockout_outlook(project(30.0, steady(3, 10.0, 0.0))).stockout_probability, 0.0);
        let outlook = stockout_outlook(project(29.0, steady(3, 10.0, 0.0)));
        assert_eq!(outlook, StockoutOutlook { first_shortage: Some(2), stockout_probability: 1.0 });
    }

    #[test]
    fn the_units_short_are_those_of_the_deepest_period() {
        check(greatest_expected_units_short(project(30.0, flows(&RECEIPTS, &DEMAND, 0.0))), 35.0, 1e-12);
        // sigma G(0) with sigma 6.
        check(
            greatest_expected_units_short(project(40.0, steady(4, 10.0, 9.0))),
            2.393_653_682_408_596,
            1e-12,
        );
    }

    #[test]
    fn nothing_is_short_in_no_time() {
        let outlook = stockout_outlook(project(-5.0, steady(0, 1.0, 1.0)));
        assert_eq!(outlook, StockoutOutlook { first_shortage: None, stockout_probability: 0.0 });
    }

    proptest! {
        #[test]
        fn what_comes_in_less_what_goes_out_is_left(
            start in -1e6..1e6_f64,
            days in proptest::collection::vec((0.0..1e5_f64, 0.0..1e5_f64, 0.0..1e4_f64), 1..60),
        ) {
            let flows = days.iter().map(|&(receipts, demand_mean, demand_variance)| {
                PeriodFlow { receipts, demand_mean, demand_variance }
            });
            let last = project(start, flows).last().unwrap();
            let balance = start + days.iter().map(|day| day.0).sum::<f64>() - days.iter().map(|day| day.1).sum::<f64>();
            prop_assert!((last.balance - balance).abs() < 1e-6);
            let variance = days.iter().map(|day| day.2).sum::<f64>();
            prop_assert!((last.standard_deviation.powi(2) - variance).abs() < 1e-6);
        }

        #[test]
        fn windows_hold_exactly_the_short_periods(
            start in -50.0..50.0_f64,
            changes in proptest::collection::vec(-30.0..30.0_f64, 0..40),
        ) {
            let flows = || changes.iter().map(|&receipts| {
                PeriodFlow { receipts, demand_mean: 0.0, demand_variance: 1.0 }
            });
            let windows = shortage_windows(project(start, flows()));
            for (index, period) in project(start, flows()).enumerate() {
                let covering = windows.iter().filter(|window| window.from <= index && index < window.until);
                prop_assert_eq!(covering.count(), usize::from(period.balance < 0.0));
            }
            prop_assert!(windows.windows(2).all(|pair| pair[0].until < pair[1].from));
            let first = stockout_outlook(project(start, flows())).first_shortage;
            prop_assert_eq!(first, windows.first().map(|window| window.from));
        }
    }
}
