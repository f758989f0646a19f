//! The leader compares the digests of all nodes now and then; a node that differs is withdrawn.

use super::Jobs;
use crate::metrics::NodeMetrics;
use std::time::Duration;

/// How often. A comparison costs one entry in the log and a question to each node.
const EVERY: Duration = Duration::from_secs(600);

impl Jobs {
    /// Runs until the task is dropped.
    pub async fn compare_digests(self, metrics: NodeMetrics) {
        loop {
            tokio::time::sleep(EVERY).await;
            if !self.cluster.is_leader() {
                continue;
            }
            match self.cluster.compare_digests(self.trids.next(), false).await {
                Ok(found) => metrics.nodes_differ(found.differing().len()),
                Err(why) => tracing::warn!(%why, "the digests could not be compared"),
            }
        }
    }
}
