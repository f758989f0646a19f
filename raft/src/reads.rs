//! Linearizable views (read index): one request to the leader at a time; a read joins only a request that is sent
//! after the read arrived, then waits until this node has applied that far.

use crate::{
    cluster::{Cluster, Inner},
    net::{Lane, Net},
    types::Cx,
    wire::{ReadIndex, Request},
};
use openraft::type_config::{TypeConfigExt, alias::InstantOf};
use registry::Unavailable;
use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// How long a read waits for a leader, and for its node to have applied what the leader says.
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

/// A read that waits for its index.
struct Waiter<C: Cx> {
    until: InstantOf<C>,
    tell: oneshot::Sender<Result<u64, Unavailable>>,
}

/// Where reads queue.
pub(crate) struct Reads<C: Cx> {
    queue: mpsc::Sender<Waiter<C>>,
    /// Until somebody serves it.
    waiting: Mutex<Option<mpsc::Receiver<Waiter<C>>>>,
}

impl<C: Cx> Reads<C> {
    pub(crate) fn new() -> Reads<C> {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        Reads { queue, waiting: Mutex::new(Some(waiting)) }
    }

    /// An index that covers everything acknowledged before this call. There is no timer for each read: who serves the
    /// queue looks at the time, so that one question to the leader may go beyond it.
    pub(crate) async fn index(&self, until: InstantOf<C>) -> Result<u64, Unavailable> {
        let (tell, told) = oneshot::channel();
        self.queue.try_send(Waiter { until, tell }).map_err(|_| Unavailable::Busy)?;
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
async fn read_loop<C: Cx, N: Net>(node: Weak<Inner<C, N>>, mut queue: mpsc::Receiver<Waiter<C>>) {
    let mut waiters: Vec<Waiter<C>> = Vec::new();
    let mut answered = 0;
    while !waiters.is_empty() || queue.recv_many(&mut waiters, QUEUE_MAX).await > 0 {
        let Some(node) = node.upgrade() else { return };
        let half = (answered + waiters.len()) / 2;
        if half >= CROWD {
            gather(&mut queue, &mut waiters, half).await;
        }
        if let Some(index) = ask_leader(&node).await {
            answered = waiters.len();
            for waiter in waiters.drain(..) {
                drop(waiter.tell.send(Ok(index)));
            }
            continue;
        }
        let now = C::now();
        for late in waiters.extract_if(.., |waiter| waiter.until <= now) {
            drop(late.tell.send(Err(Unavailable::NoLeader)));
        }
        C::sleep(RETRY).await;
        // who came meanwhile asks along; beyond the bound they stay in the queue
        while waiters.len() < QUEUE_MAX
            && let Ok(waiter) = queue.try_recv()
        {
            waiters.push(waiter);
        }
    }
}

/// Waits for `enough` readers, not for long.
async fn gather<C: Cx>(queue: &mut mpsc::Receiver<Waiter<C>>, waiters: &mut Vec<Waiter<C>>, enough: usize) {
    let come = async { while waiters.len() < enough && queue.recv_many(waiters, QUEUE_MAX).await > 0 {} };
    // who came before the time was up is in the list
    drop(C::timeout(GATHER, come).await);
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
