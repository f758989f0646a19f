//! Linearizable views (read index): one request to the leader at a time; a read joins only a request that is sent
//! after the read arrived, then waits until this node has applied that far.

use crate::{
    cluster::{Cluster, Inner},
    net::{Lane, Net},
    types::Cx,
    wire::{ReadIndex, Request},
};
use openraft::type_config::TypeConfigExt;
use registry::Unavailable;
use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// How long a read waits for a leader.
pub(crate) const READ_LIMIT: Duration = Duration::from_secs(5);
/// How long one question to the leader may take before another leader is looked for: about an election.
const ASK_LIMIT: Duration = Duration::from_millis(500);
/// Pause before the next attempt, while there is no leader.
const RETRY: Duration = Duration::from_millis(20);
/// Reads waiting for a read index on one node at most.
const QUEUE_MAX: usize = 4096;
/// So many reads at once are a crowd: a request for each few of them would cost all nodes more than the reads do.
const CROWD: usize = 8;
/// How long a request waits for the rest of a crowd.
const GATHER: Duration = Duration::from_millis(1);

type Waiter = oneshot::Sender<Result<u64, Unavailable>>;

/// Where reads queue.
pub(crate) struct Reads {
    queue: mpsc::Sender<Waiter>,
    /// Until somebody serves it.
    waiting: Mutex<Option<mpsc::Receiver<Waiter>>>,
}

impl Reads {
    pub(crate) fn new() -> Reads {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        Reads { queue, waiting: Mutex::new(Some(waiting)) }
    }

    /// An index that covers everything acknowledged before this call.
    pub(crate) async fn index(&self) -> Result<u64, Unavailable> {
        let (tell, told) = oneshot::channel();
        self.queue.try_send(tell).map_err(|_| Unavailable::Busy)?;
        told.await.unwrap_or(Err(Unavailable::NoLeader))
    }
}

impl<C: Cx, N: Net> Cluster<C, N> {
    /// Serves linearizable reads until the node is gone. It belongs on the runtime of those that read: every answer wakes
    /// one of them, and that is cheap only there. Nothing is read without it, and a second call does nothing.
    pub fn serve_reads(&self) -> impl Future<Output = ()> + Send + use<C, N> {
        let waiting = self.inner.reads.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        let node = Arc::downgrade(&self.inner);
        async move {
            if let Some(queue) = waiting {
                read_loop(node, queue).await;
            }
        }
    }
}

/// Serves the queue: everybody who waits now shares the next request. Among many readers a request waits until half of
/// those that were there lately are back, so that the cost of asking does not grow with the number of reads.
async fn read_loop<C: Cx, N: Net>(node: Weak<Inner<C, N>>, mut queue: mpsc::Receiver<Waiter>) {
    let mut waiters = Vec::new();
    let mut answered = 0;
    while queue.recv_many(&mut waiters, QUEUE_MAX).await > 0 {
        let Some(node) = node.upgrade() else { return };
        let half = (answered + waiters.len()) / 2;
        if half >= CROWD {
            gather::<C>(&mut queue, &mut waiters, half).await;
        }
        let index = read_index(&node).await;
        answered = waiters.len();
        for waiter in waiters.drain(..) {
            drop(waiter.send(index.clone()));
        }
    }
}

/// Waits for `enough` readers, not for long.
async fn gather<C: Cx>(queue: &mut mpsc::Receiver<Waiter>, waiters: &mut Vec<Waiter>, enough: usize) {
    let come = async { while waiters.len() < enough && queue.recv_many(waiters, QUEUE_MAX).await > 0 {} };
    // who came before the time was up is in the list
    drop(C::timeout(GATHER, come).await);
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
        return node.own_read_index(None, Lane::Read).await;
    }
    let request = Request::ReadIndex { follows: node.follows() };
    match node.ask_on(Lane::Read, id, &leader, &request, ASK_LIMIT).await {
        Ok(index) => index,
        Err(error) => {
            tracing::debug!(leader = id, %error, "no read index");
            None
        }
    }
}
