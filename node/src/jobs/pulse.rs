//! Whether the cluster lives, as this node sees it: a leader that a majority follows commits something every second, so
//! what this node has applied keeps moving.

use crate::{node::Peers, status_http::Readiness};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const LOOK: Duration = Duration::from_millis(200);
/// Beats come every second; an election in between takes less than this.
const STILL_MAX: Duration = Duration::from_secs(4);

/// Runs until the task is dropped.
pub async fn pulse(cluster: Peers, readiness: Arc<Readiness>) {
    let mut moved = (cluster.store().applied(), None);
    loop {
        let applied = cluster.store().applied();
        if applied != moved.0 {
            moved = (applied, Some(Instant::now()));
        }
        readiness.led(moved.1.is_some_and(|at: Instant| at.elapsed() < STILL_MAX));
        readiness.disk_full(cluster.disk_is_full());
        readiness.clock(cluster.clock_state());
        tokio::time::sleep(LOOK).await;
    }
}
