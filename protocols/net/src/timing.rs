//! A histogram of times that takes no lock: what every core does for every command must not wait for another core.

use std::fmt::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Upper bounds in microseconds, from 0.5 ms (a read on a quiet node) to 16 s (a write that waited out an election).
const BOUNDS: [u64; 15] = [
    500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000,
    4_000_000, 8_000_000, 16_000_000,
];

/// How long something took, as counts by upper bound. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timing(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Of [`BOUNDS`], and of what took longer.
    within: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Timing {
    pub(crate) fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS.len());
        self.0.within[bucket].fetch_add(1, Ordering::Relaxed);
        self.0.micros.fetch_add(micros, Ordering::Relaxed);
    }
}

#[expect(clippy::cast_precision_loss, reason = "the text form has numbers of this kind")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

impl EncodeMetric for Timing {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), Error> {
        let counts = self.0.within.each_ref().map(|count| count.load(Ordering::Relaxed));
        let bounds = BOUNDS.map(seconds).into_iter().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let sum = seconds(self.0.micros.load(Ordering::Relaxed));
        encoder.encode_histogram::<NoLabelSet>(sum, counts.iter().sum(), &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Timing::TYPE
    }
}

impl TypedMetric for Timing {
    const TYPE: MetricType = MetricType::Histogram;
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::{encoding::text, registry::Registry};

    #[test]
    fn times_are_counted_under_every_bound_that_they_keep() {
        let (timing, mut registry) = (Timing::default(), Registry::default());
        registry.register("took", "Times", timing.clone());
        for micros in [1, 500, 501, 16_000_001, 3_000_000] {
            timing.observe(Duration::from_micros(micros));
        }
        let mut said = String::new();
        text::encode(&mut said, &registry).unwrap();
        for line in [
            r#"took_bucket{le="0.0005"} 2"#,
            r#"took_bucket{le="0.001"} 3"#,
            r#"took_bucket{le="2.0"} 3"#,
            r#"took_bucket{le="16.0"} 4"#,
            r#"took_bucket{le="+Inf"} 5"#,
            "took_count 5",
            "took_sum 19.001003",
        ] {
            assert!(said.lines().any(|have| have == line), "{line} is missing in\n{said}");
        }
    }
}
