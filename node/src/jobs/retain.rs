//! Keeps the log from growing for ever: every node purges its own.

use crate::node::Peers;
use std::time::Duration;

/// How often it is looked whether something can go.
const LOOK: Duration = Duration::from_secs(2);

/// Runs until the task is dropped.
pub async fn retain(cluster: Peers, keep_octets: u64) {
    loop {
        tokio::time::sleep(LOOK).await;
        if let Err(error) = cluster.retain(keep_octets).await {
            tracing::warn!(%error, "the log could not be purged");
        }
    }
}
