//! Demand over any span of time, from a forecast in buckets.

/// Mean and variance of a demand; demands of separate times add up in both.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DemandMoments {
    /// Units.
    pub mean: f64,
    /// Units squared.
    pub variance: f64,
}

/// The forecast of one span of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ForecastBucket {
    /// Microseconds since the Unix epoch, inclusive.
    pub from_us: i64,
    /// Microseconds since the Unix epoch, exclusive.
    pub until_us: i64,
    /// Units over the whole bucket.
    pub mean: f64,
    /// Units, of the demand of the whole bucket.
    pub standard_deviation: f64,
}

/// The demand that `buckets` expect from `from_us` (inclusive) to `until_us` (exclusive), in microseconds
/// since the Unix epoch.
///
/// A bucket counts by the share of its time that lies inside: its mean scales with the share and its
/// standard deviation with the root of it, so that the variance scales with the share too, as for demand
/// that is independent from moment to moment. Time without a bucket expects nothing; where buckets overlap
/// they add up. A bucket or a span that ends before it starts is empty.
pub fn demand_between(buckets: &[ForecastBucket], from_us: i64, until_us: i64) -> DemandMoments {
    buckets.iter().fold(DemandMoments::default(), |sum, bucket| {
        let share = share_inside(bucket, from_us, until_us);
        DemandMoments {
            mean: sum.mean + share * bucket.mean,
            variance: sum.variance + share * bucket.standard_deviation * bucket.standard_deviation,
        }
    })
}

fn share_inside(bucket: &ForecastBucket, from_us: i64, until_us: i64) -> f64 {
    let from = bucket.from_us.max(from_us);
    let until = bucket.until_us.min(until_us);
    // A common part implies that the bucket itself is not empty.
    if from < until {
        until.abs_diff(from) as f64 / bucket.until_us.abs_diff(bucket.from_us) as f64
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: i64 = 86_400_000_000;

    /// Two weeks of a hundred and two hundred units, with a free week between them.
    const BUCKETS: [ForecastBucket; 2] = [
        ForecastBucket { from_us: 0, until_us: 7 * DAY, mean: 70.0, standard_deviation: 14.0 },
        ForecastBucket { from_us: 14 * DAY, until_us: 21 * DAY, mean: 140.0, standard_deviation: 21.0 },
    ];

    #[track_caller]
    fn check(from_us: i64, until_us: i64, mean: f64, variance: f64) {
        let demand = demand_between(&BUCKETS, from_us, until_us);
        assert!((demand.mean - mean).abs() < 1e-9, "{demand:?}");
        assert!((demand.variance - variance).abs() < 1e-9, "{demand:?}");
    }

    #[test]
    fn a_whole_bucket_counts_in_full() {
        check(0, 7 * DAY, 70.0, 196.0);
        check(i64::MIN, i64::MAX, 210.0, 196.0 + 441.0);
    }

    #[test]
    fn a_day_of_a_week_is_a_seventh_of_its_mean_and_of_its_variance() {
        check(3 * DAY, 4 * DAY, 10.0, 28.0);
    }

    #[test]
    fn a_span_over_several_buckets_takes_its_part_of_each() {
        check(6 * DAY, 16 * DAY, 10.0 + 40.0, 28.0 + 126.0);
    }

    #[test]
    fn time_without_a_bucket_expects_nothing() {
        check(7 * DAY, 14 * DAY, 0.0, 0.0);
        check(-9 * DAY, 0, 0.0, 0.0);
    }

    #[test]
    fn an_empty_span_expects_nothing() {
        check(3 * DAY, 3 * DAY, 0.0, 0.0);
        check(5 * DAY, 3 * DAY, 0.0, 0.0);
    }

    #[test]
    fn a_bucket_that_ends_before_it_starts_expects_nothing() {
        let backwards = ForecastBucket { from_us: 9, until_us: 4, mean: 5.0, standard_deviation: 1.0 };
        assert_eq!(demand_between(&[backwards], i64::MIN, i64::MAX), DemandMoments::default());
    }

    proptest! {
        #[test]
        fn adjacent_spans_add_up(mut cuts in proptest::array::uniform3(-5 * DAY..25 * DAY)) {
            cuts.sort_unstable();
            let [from, between, until] = cuts;
            let first = demand_between(&BUCKETS, from, between);
            let second = demand_between(&BUCKETS, between, until);
            let whole = demand_between(&BUCKETS, from, until);
            prop_assert!((first.mean + second.mean - whole.mean).abs() < 1e-9);
            prop_assert!((first.variance + second.variance - whole.variance).abs() < 1e-9);
        }
    }
}
