//! Samples of durations and their percentiles.

use serde::Serialize;
use std::time::Duration;

/// All samples of one kind, kept whole: a run has thousands, not millions.
#[derive(Default)]
pub struct Samples(Vec<Duration>);

/// Percentiles in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentiles {
    pub count: usize,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub worst_ms: f64,
}

impl Samples {
    pub fn push(&mut self, d: Duration) {
        self.0.push(d);
    }

    /// Nearest rank; all zero without samples.
    pub fn percentiles(&self) -> Percentiles {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = |per_mille: usize| {
            let n = (sorted.len() * per_mille).div_ceil(1000).max(1) - 1;
            sorted.get(n).map_or(0.0, |d| d.as_secs_f64() * 1000.0)
        };
        Percentiles {
            count: sorted.len(),
            p50_ms: rank(500),
            p99_ms: rank(990),
            p999_ms: rank(999),
            worst_ms: rank(1000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_rank() {
        let mut s = Samples::default();
        assert_eq!(s.percentiles().worst_ms, 0.0);
        for ms in (1..=1000).rev() {
            s.push(Duration::from_millis(ms));
        }
        let p = s.percentiles();
        assert_eq!((p.count, p.p50_ms, p.p99_ms, p.p999_ms, p.worst_ms), (1000, 500.0, 990.0, 999.0, 1000.0));
    }
}
