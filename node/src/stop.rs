//! What makes a node stop: the operator's signal, or its own failure.

use crate::{failure::Failure, withdrawal};
use raft::net::Net;
use std::path::Path;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

/// Waits for SIGTERM or SIGINT (`Ok`), or for a failure of consensus or storage, or a
/// finding that the state is not the cluster's or that the node was removed (`Err`). `dir` is the node's directory.
///
/// # Errors
/// The failure, or that signals can't be listened for.
pub async fn reason<C: raft::Cx, N: Net>(
    cluster: &raft::Cluster<C, N>,
    faults: &mut mpsc::UnboundedReceiver<String>,
    dir: &Path,
) -> Result<(), Failure> {
    let listen = |kind| signal(kind).map_err(|e| Failure::at("signals can't be listened for", e));
    let (mut term, mut int) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    tokio::select! {
        biased;
        _ = term.recv() => Ok(()),
        _ = int.recv() => Ok(()),
        Some(why) = faults.recv() => Err(Failure::at("storage failed; this node stops", why)),
        why = cluster.withdrawn() => Err(withdrawal::record(dir, &why)),
        why = cluster.removed() => Err(Failure::new(why)),
        why = cluster.failed() => Err(Failure::at("consensus failed; this node stops", why)),
    }
}
