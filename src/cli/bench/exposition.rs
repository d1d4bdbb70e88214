//! What `/metrics` shows, as values: OpenMetrics text.

/// The text, as it was shown at one moment.
#[derive(Clone, Debug)]
pub struct Exposition(String);

/// Observations so far by the upper bounds of their buckets, in seconds; each bucket counts those below it, too.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Buckets(Vec<(f64, f64)>);

impl Exposition {
    pub fn new(text: String) -> Exposition {
        Exposition(text)
    }

    /// A metric without labels; `None` where it is not shown.
    pub fn value(&self, name: &str) -> Option<f64> {
        value_of(&self.0, name)
    }

    /// A metric with labels, over all of them; `None` where it is not shown.
    pub fn sum(&self, name: &str) -> Option<f64> {
        let mut values = self.labelled(name).map(|(_, value)| value).peekable();
        values.peek()?;
        Some(values.sum())
    }

    /// A metric with one label, for one value of that; nothing was counted where it is not shown.
    pub fn labelled_as(&self, name: &str, label: &str, wanted: &str) -> f64 {
        let wanted = format!("{label}=\"{wanted}\"");
        self.labelled(name).filter(|(labels, _)| *labels == wanted).map(|(_, value)| value).sum()
    }

    /// A histogram without other labels than its own.
    pub fn buckets(&self, name: &str) -> Buckets {
        let name = format!("{name}_bucket");
        let bound = |labels: &str| labels.strip_prefix("le=\"")?.strip_suffix('"')?.parse().ok();
        Buckets(self.labelled(&name).filter_map(|(labels, count)| Some((bound(labels)?, count))).collect())
    }

    fn labelled<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.0.lines().filter_map(move |line| {
            let (labels, value) = line.strip_prefix(name)?.strip_prefix('{')?.split_once("} ")?;
            Some((labels, value.split(' ').next()?.parse().ok()?))
        })
    }
}

/// The value of a metric, by its whole name.
pub fn value_of(metrics: &str, name: &str) -> Option<f64> {
    metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.split(' ').next()?.parse().ok())
}

impl Buckets {
    /// What came since an earlier look at the same histogram.
    pub fn since(&self, earlier: &Buckets) -> Buckets {
        let before =
            |bound: f64| earlier.0.iter().find(|(known, _)| *known == bound).map_or(0.0, |(_, count)| *count);
        Buckets(self.0.iter().map(|(bound, count)| (*bound, count - before(*bound))).collect())
    }

    /// Observations in all.
    pub fn count(&self) -> f64 {
        self.0.iter().map(|(_, count)| *count).fold(0.0, f64::max)
    }

    /// The upper bound of the bucket in which the quantile is: no observation among that share is above it. Not a number if
    /// nothing was observed.
    pub fn upper_bound_of(&self, quantile: f64) -> f64 {
        let count = self.count();
        if count == 0.0 {
            return f64::NAN;
        }
        let wanted = (quantile * count).ceil().max(1.0);
        self.0.iter().find(|(_, below)| *below >= wanted).map_or(f64::INFINITY, |(bound, _)| *bound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = "\
# TYPE tidewatch_entities_live gauge
tidewatch_entities_live{shard=\"0\"} 40
tidewatch_entities_live{shard=\"1\"} 2
tidewatch_entities_live_max 7
tidewatch_activations_total{from=\"memory\"} 90
tidewatch_activations_total{from=\"disk\"} 10
tidewatch_activation_seconds_sum 0.5
tidewatch_activation_seconds_count 100
tidewatch_activation_seconds_bucket{le=\"0.001\"} 90
tidewatch_activation_seconds_bucket{le=\"0.002\"} 98
tidewatch_activation_seconds_bucket{le=\"0.004\"} 99
tidewatch_activation_seconds_bucket{le=\"+Inf\"} 100
# EOF
";

    fn shown() -> Exposition {
        Exposition::new(METRICS.to_owned())
    }

    #[test]
    fn metrics_are_found_by_name_and_label() {
        let shown = shown();
        assert_eq!(shown.sum("tidewatch_entities_live"), Some(42.0));
        assert_eq!(shown.sum("tidewatch_entities"), None);
        assert_eq!(shown.value("tidewatch_entities_live_max"), Some(7.0));
        assert_eq!(shown.value("tidewatch_entities_live"), None);
        assert_eq!(shown.labelled_as("tidewatch_activations_total", "from", "disk"), 10.0);
        assert_eq!(shown.labelled_as("tidewatch_activations_total", "from", "journal"), 0.0);
    }

    #[test]
    fn a_quantile_is_the_upper_bound_of_its_bucket() {
        let buckets = shown().buckets("tidewatch_activation_seconds");
        assert_eq!(buckets.count(), 100.0);
        let bounds =
            [0.0, 0.5, 0.9, 0.901, 0.98, 0.99, 0.991].map(|quantile| buckets.upper_bound_of(quantile));
        assert_eq!(bounds, [0.001, 0.001, 0.001, 0.002, 0.002, 0.004, f64::INFINITY]);
    }

    #[test]
    fn only_what_came_since_is_counted() {
        let earlier = Buckets(vec![(0.001, 90.0), (0.002, 97.0), (0.004, 97.0), (f64::INFINITY, 97.0)]);
        let since = shown().buckets("tidewatch_activation_seconds").since(&earlier);
        assert_eq!(since, Buckets(vec![(0.001, 0.0), (0.002, 1.0), (0.004, 2.0), (f64::INFINITY, 3.0)]));
        assert_eq!((since.count(), since.upper_bound_of(0.3)), (3.0, 0.002));
        // A tower that has just started has nothing from before.
        assert_eq!(since.since(&Buckets::default()), since);
    }

    #[test]
    fn of_nothing_there_is_no_quantile() {
        let none = shown().buckets("tidewatch_unknown");
        assert!(none.upper_bound_of(0.99).is_nan());
        let buckets = shown().buckets("tidewatch_activation_seconds");
        assert!(buckets.since(&buckets).upper_bound_of(0.99).is_nan());
    }
}
