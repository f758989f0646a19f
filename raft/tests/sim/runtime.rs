//! The runtime of a simulated node: tokio on one thread with paused time, seeded randomness, a fair watch channel,
//! and tasks that belong to a group, so that a crash takes all tasks of a node away at once.

use super::watch::FifoWatch;
use openraft::{
    OptionalSend, RaftTypeConfig, async_runtime::AsyncRuntime, declare_raft_types,
    rt::deterministic_rng::DeterministicRng,
};
use openraft_rt_tokio::TokioRuntime;
use raft::{Live, NodeInfo};
use std::{
    fmt,
    future::Future,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::task::{AbortHandle, JoinHandle};

declare_raft_types!(
    /// The production types over the simulated runtime.
    pub Sim: D = <Live as RaftTypeConfig>::D, R = <Live as RaftTypeConfig>::R, NodeId = u64, Node = NodeInfo,
        AsyncRuntime = SimRuntime
);

pub type Seeded = DeterministicRng<TokioRuntime>;

tokio::task_local! {
    static GROUP: Group;
}

/// Finished tasks are forgotten when this many are known.
const SWEEP_AT: usize = 512;

/// The tasks of one life of one node.
#[derive(Clone, Default)]
pub struct Group(Arc<Mutex<Vec<AbortHandle>>>);

impl Group {
    /// Runs a task in this group; what it spawns through the runtime belongs to the group, too.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let task = Seeded::spawn(GROUP.scope(self.clone(), future));
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tasks.len() >= SWEEP_AT {
            tasks.retain(|t| !t.is_finished());
        }
        tasks.push(task.abort_handle());
        task
    }

    /// Ends all tasks before they run again.
    pub fn abort(&self) {
        for task in std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            task.abort();
        }
    }
}

pub struct SimRuntime(Seeded);

impl fmt::Debug for SimRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimRuntime")
    }
}

impl AsyncRuntime for SimRuntime {
    type JoinError = <Seeded as AsyncRuntime>::JoinError;
    type JoinHandle<T: OptionalSend + 'static> = JoinHandle<T>;
    type Sleep = <Seeded as AsyncRuntime>::Sleep;
    type Instant = <Seeded as AsyncRuntime>::Instant;
    type TimeoutError = <Seeded as AsyncRuntime>::TimeoutError;
    type Timeout<R, T: Future<Output = R> + OptionalSend> = <Seeded as AsyncRuntime>::Timeout<R, T>;
    type ThreadLocalRng = <Seeded as AsyncRuntime>::ThreadLocalRng;
    type Mpsc = <Seeded as AsyncRuntime>::Mpsc;
    type Watch = FifoWatch;
    type Oneshot = <Seeded as AsyncRuntime>::Oneshot;
    type Mutex<T: OptionalSend + 'static> = <Seeded as AsyncRuntime>::Mutex<T>;

    fn spawn<T>(future: T) -> JoinHandle<T::Output>
    where
        T: Future + OptionalSend + 'static,
        T::Output: OptionalSend + 'static,
    {
        match GROUP.try_with(Group::clone) {
            Ok(group) => group.spawn(future),
            Err(_) => Seeded::spawn(future),
        }
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        Seeded::sleep(duration)
    }

    fn sleep_until(deadline: Self::Instant) -> Self::Sleep {
        Seeded::sleep_until(deadline)
    }

    fn timeout<R, F: Future<Output = R> + OptionalSend>(limit: Duration, future: F) -> Self::Timeout<R, F> {
        Seeded::timeout(limit, future)
    }

    fn timeout_at<R, F: Future<Output = R> + OptionalSend>(
        deadline: Self::Instant,
        future: F,
    ) -> Self::Timeout<R, F> {
        Seeded::timeout_at(deadline, future)
    }

    fn is_panic(error: &Self::JoinError) -> bool {
        Seeded::is_panic(error)
    }

    fn thread_rng() -> Self::ThreadLocalRng {
        Seeded::thread_rng()
    }

    fn new(threads: usize) -> Self {
        SimRuntime(Seeded::new(threads))
    }

    fn block_on<F: Future<Output = T>, T>(&mut self, future: F) -> T {
        self.0.block_on(future)
    }

    /// A thread would run when it likes.
    async fn spawn_blocking<F, T>(f: F) -> Result<T, io::Error>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Ok(f())
    }
}
