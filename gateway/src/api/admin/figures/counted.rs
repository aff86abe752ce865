//! What is counted for Prometheus, read in this process.

use std::collections::BTreeMap;

use prometheus::proto::{Metric, MetricFamily};
use serde::Serialize;

/// How long something took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Spread {
    /// How often it was measured.
    #[schema(example = 9120)]
    pub samples: u64,
    /// The median, from the buckets of a histogram; none without a sample.
    #[schema(example = 1.8)]
    pub median_ms: Option<f64>,
    /// The 99th percentile, likewise. What lies beyond the last bound counts as that bound.
    #[schema(example = 7.4)]
    pub p99_ms: Option<f64>,
}

/// Every instrument, as it stood at one moment.
pub struct Counted(Vec<MetricFamily>);

impl Counted {
    /// As they stand now.
    #[must_use]
    pub fn now() -> Self {
        Self(prometheus::gather())
    }

    fn metrics(&self, name: &str) -> &[Metric] {
        let family = self.0.iter().find(|family| family.name() == name);
        family.map(MetricFamily::get_metric).unwrap_or_default()
    }

    /// A gauge, over all its labels; 0 while nobody has set it.
    #[must_use]
    pub fn gauge(&self, name: &str) -> f64 {
        self.metrics(name).iter().map(|metric| metric.get_gauge().get_value()).sum()
    }

    /// A counter, over all metrics that have these labels.
    #[must_use]
    pub fn total(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        let has = |metric: &&Metric| {
            let is_there = |(name, value): &(&str, &str)| label(metric, name) == Some(*value);
            labels.iter().all(is_there)
        };
        let values = self.metrics(name).iter().filter(has).map(|metric| metric.get_counter().get_value());
        values.sum::<f64>() as u64
    }

    /// A counter by the values of one of its labels.
    #[must_use]
    pub fn by(&self, name: &str, of: &str) -> BTreeMap<String, u64> {
        let mut sums = BTreeMap::new();
        for metric in self.metrics(name) {
            if let Some(value) = label(metric, of) {
                *sums.entry(value.to_owned()).or_default() += metric.get_counter().get_value() as u64;
            }
        }
        sums
    }

    /// The sum of what a histogram measured, in whole units.
    #[must_use]
    pub fn sum(&self, name: &str) -> u64 {
        let sums = self.metrics(name).iter().map(|metric| metric.get_histogram().get_sample_sum());
        sums.sum::<f64>() as u64
    }

    /// How what a histogram of seconds measured is spread, over all its labels.
    #[must_use]
    pub fn spread(&self, name: &str) -> Spread {
        let mut samples = 0;
        let mut buckets: Vec<(f64, u64)> = Vec::new();
        for histogram in self.metrics(name).iter().map(Metric::get_histogram) {
            samples += histogram.get_sample_count();
            for (at, bucket) in histogram.get_bucket().iter().enumerate() {
                match buckets.get_mut(at) {
                    // One instrument has the same bounds under all labels.
                    Some((_, count)) => *count += bucket.cumulative_count(),
                    None => buckets.push((bucket.upper_bound(), bucket.cumulative_count())),
                }
            }
        }
        let at = |share| quantile(&buckets, samples, share).map(ms);
        Spread { samples, median_ms: at(0.5), p99_ms: at(0.99) }
    }
}

fn label<'a>(metric: &'a Metric, name: &str) -> Option<&'a str> {
    metric.get_label().iter().find(|label| label.name() == name).map(|label| label.value())
}

/// Seconds in milliseconds, to the microsecond.
fn ms(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e3
}

/// The value below which a share of the samples lie, from cumulative counts up to each bound: evenly between two
/// bounds, and the last bound for what is beyond it. As `histogram_quantile` of Prometheus has it.
fn quantile(buckets: &[(f64, u64)], samples: u64, share: f64) -> Option<f64> {
    if samples == 0 {
        return None;
    }
    let rank = share * samples as f64;
    let (mut low, mut below) = (0.0, 0);
    for (bound, count) in buckets.iter().filter(|(bound, _)| bound.is_finite()) {
        if *count as f64 >= rank && *count > below {
            let within = (rank - below as f64) / (count - below) as f64;
            return Some(low + (bound - low) * within.max(0.0));
        }
        (low, below) = (*bound, *count);
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_evenly_between_the_bounds_of_its_bucket() {
        let buckets = [(1.0, 10), (2.0, 30), (4.0, 40)];
        assert_eq!(quantile(&buckets, 40, 0.5), Some(1.5));
        assert_eq!(quantile(&buckets, 40, 0.25), Some(1.0));
        assert_eq!(quantile(&buckets, 40, 1.0), Some(4.0));
        assert_eq!(quantile(&buckets, 50, 0.99), Some(4.0), "beyond the last bound");
        assert_eq!(quantile(&[(1.0, 0), (2.0, 4)], 4, 0.5), Some(1.5));
        assert_eq!(quantile(&buckets, 0, 0.5), None);
    }

    #[test]
    fn what_is_counted_is_summed_over_labels() {
        let registry = prometheus::Registry::new();
        let counter =
            prometheus::IntCounterVec::new(prometheus::Opts::new("asked", "asked"), &["status", "route"])
                .unwrap();
        registry.register(Box::new(counter.clone())).unwrap();
        counter.with_label_values(&["200", "a"]).inc_by(3);
        counter.with_label_values(&["429", "a"]).inc_by(2);
        counter.with_label_values(&["429", "b"]).inc_by(5);
        let counted = Counted(registry.gather());
        assert_eq!(counted.total("asked", &[]), 10);
        assert_eq!(counted.total("asked", &[("status", "429"), ("route", "b")]), 5);
        assert_eq!(counted.by("asked", "status"), [("200".to_owned(), 3), ("429".to_owned(), 7)].into());
        assert_eq!(counted.total("never", &[]), 0);
        assert_eq!(counted.spread("never"), Spread::default());
    }
}
