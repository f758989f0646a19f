//! Linearizable views (read index): one request to the leader at a time; a read joins only a request that is sent
//! after the read arrived, then waits until this node has applied that far.

use crate::{
    cluster::Inner,
    net::Net,
    types::Cx,
    wire::{ReadIndex, Request},
};
use openraft::{ReadPolicy, type_config::TypeConfigExt};
use registry::Unavailable;
use std::{sync::Arc, sync::Weak, time::Duration};
use tokio::sync::{mpsc, oneshot};

/// How long a read waits for a leader.
pub(crate) const READ_LIMIT: Duration = Duration::from_secs(5);
/// How long one question to the leader may take before another leader is looked for: about an election.
const ASK_LIMIT: Duration = Duration::from_millis(500);
/// Pause before the next attempt, while there is no leader.
const RETRY: Duration = Duration::from_millis(20);
/// Reads waiting for a read index on one node at most.
const QUEUE_MAX: usize = 4096;

type Waiter = oneshot::Sender<Result<u64, Unavailable>>;

/// Where reads queue.
pub(crate) struct Reads(mpsc::Sender<Waiter>);

impl Reads {
    pub(crate) fn new() -> (Reads, mpsc::Receiver<Waiter>) {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        (Reads(queue), waiting)
    }

    /// An index that covers everything acknowledged before this call.
    pub(crate) async fn index(&self) -> Result<u64, Unavailable> {
        let (tell, told) = oneshot::channel();
        self.0.try_send(tell).map_err(|_| Unavailable::Busy)?;
        told.await.unwrap_or(Err(Unavailable::NoLeader))
    }
}

/// Serves the queue: everybody who waits now shares the next request.
pub(crate) async fn read_loop<C: Cx, N: Net>(node: Weak<Inner<C, N>>, mut queue: mpsc::Receiver<Waiter>) {
    while let Some(first) = queue.recv().await {
        let Some(node) = node.upgrade() else { return };
        let mut waiters = vec![first];
        while let Ok(more) = queue.try_recv() {
            waiters.push(more);
        }
        let index = read_index(&node).await;
        for waiter in waiters {
            drop(waiter.send(index.clone()));
        }
    }
}

async fn read_index<C: Cx, N: Net>(node: &Arc<Inner<C, N>>) -> Result<u64, Unavailable> {
    let until = C::now() + READ_LIMIT;
    while C::now() < until {
        if let Some(index) = ask_leader(node).await {
            return Ok(index);
        }
        C::sleep(RETRY).await;
    }
    Err(Unavailable::NoLeader)
}

async fn ask_leader<C: Cx, N: Net>(node: &Arc<Inner<C, N>>) -> ReadIndex {
    let (id, leader) = node.leader()?;
    if id == node.id {
        return own_read_index(node).await;
    }
    match node.ask_at(id, &leader, &Request::ReadIndex, ASK_LIMIT).await {
        Ok(index) => index,
        Err(error) => {
            tracing::debug!(leader = id, %error, "no read index");
            None
        }
    }
}

/// The read index, if this node leads and a majority confirms it.
pub(crate) async fn own_read_index<C: Cx, N: Net>(node: &Inner<C, N>) -> ReadIndex {
    let asked = C::timeout(ASK_LIMIT, node.raft.get_read_linearizer(ReadPolicy::ReadIndex)).await;
    match asked {
        Ok(Ok(linearizer)) => Some(linearizer.read_log_id().index()),
        Ok(Err(_)) | Err(_) => None,
    }
}
