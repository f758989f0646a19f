//! Who waits for what apply does: readers for an index, accepting sessions for the outcome of their command.
//!
//! Ordered maps and first-in first-out, so that a simulation replays exactly.

use futures_util::future::{Fuse, FutureExt};
use registry::{Outcome, Reply, SvTrid};
use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};
use tokio::sync::oneshot;

/// Apply's progress on this node.
#[derive(Debug, Default)]
pub struct Progress {
    /// What `waiting` knows too, for those who need not wait: they take no lock.
    applied: AtomicU64,
    waiting: Mutex<Waiting>,
    /// Held by whoever changes or freezes the state; `true` once consensus has stopped on this node.
    turn: Mutex<bool>,
    /// Consensus is told to stop on this node: nothing is asked of it any more, and apply waits for nothing.
    ending: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    applied: u64,
    ticket: u64,
    indexes: BTreeMap<(u64, u64), oneshot::Sender<()>>,
    outcomes: BTreeMap<SvTrid, oneshot::Sender<Outcome>>,
    /// Index of a mark → digest after it; the newest few.
    marks: BTreeMap<u64, u128>,
}

/// Marks remembered at most.
const MARKS_MAX: usize = 64;

impl Progress {
    /// Starts at the index that the state has already.
    pub fn new(applied: u64) -> Progress {
        let waiting = Mutex::new(Waiting { applied, ..Waiting::default() });
        Progress { applied: AtomicU64::new(applied), waiting, ..Progress::default() }
    }

    pub(crate) fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The turn to change or freeze the state: one at a time.
    ///
    /// # Errors
    /// Consensus has stopped on this node.
    pub(crate) fn turn(&self) -> io::Result<MutexGuard<'_, bool>> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if *turn { Err(io::Error::other("consensus has stopped on this node")) } else { Ok(turn) }
    }

    /// Lets nobody change the state any more; returns when whoever had the turn is done.
    pub(crate) fn close(&self) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    pub fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    pub(crate) fn reached(&self, index: u64) {
        let mut waiting = self.lock();
        waiting.applied = waiting.applied.max(index);
        self.applied.store(waiting.applied, Ordering::Release);
        let later = waiting.indexes.split_off(&(index + 1, 0));
        let reached = std::mem::replace(&mut waiting.indexes, later);
        drop(waiting);
        for (_, tell) in reached {
            // whoever waited may have given up
            let _ = tell.send(());
        }
    }

    pub(crate) fn came(&self, svtrid: &SvTrid, outcome: &Outcome) {
        let mut all = self.lock();
        let waiting = all.outcomes.remove(svtrid);
        if let Outcome::Done(Reply::Marked { index, digest }) = outcome {
            all.marks.insert(*index, *digest);
            if all.marks.len() > MARKS_MAX {
                all.marks.pop_first();
            }
        }
        drop(all);
        if let Some(tell) = waiting {
            drop(tell.send(outcome.clone()));
        }
    }

    /// The digest that was recorded at a mark.
    pub(crate) fn marked(&self, index: u64) -> Option<u128> {
        self.lock().marks.get(&index).copied()
    }

    /// Resolves when everything up to `index` is applied here; fails when the node stops.
    pub(crate) async fn wait(&self, index: u64) -> Result<(), oneshot::error::RecvError> {
        if self.applied() >= index {
            return Ok(());
        }
        let (told, _waits) = {
            let mut waiting = self.lock();
            if waiting.applied >= index {
                return Ok(());
            }
            let (tell, told) = oneshot::channel();
            waiting.ticket += 1;
            let ticket = waiting.ticket;
            waiting.indexes.insert((index, ticket), tell);
            (told, Awaited { progress: self, key: (index, ticket) })
        };
        told.await
    }

    /// Watches for the outcome of a command of this node.
    pub(crate) fn watch(self: &Arc<Self>, svtrid: SvTrid) -> Watched {
        let (tell, told) = oneshot::channel();
        self.lock().outcomes.insert(svtrid, tell);
        Watched { progress: self.clone(), svtrid, told: told.fuse() }
    }
}

/// An index that is waited for until this is dropped.
struct Awaited<'a> {
    progress: &'a Progress,
    key: (u64, u64),
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        self.progress.lock().indexes.remove(&self.key);
    }
}

/// A command whose outcome is watched for until this is dropped.
pub(crate) struct Watched {
    progress: Arc<Progress>,
    svtrid: SvTrid,
    /// Ends without an outcome if the same command is watched for again; then it stays silent.
    pub(crate) told: Fuse<oneshot::Receiver<Outcome>>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.progress.lock().outcomes.remove(&self.svtrid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn wakes_those_whose_index_is_reached() {
        let progress = Arc::new(Progress::new(3));
        progress.wait(3).await.unwrap();
        let late = progress.clone();
        let waiter = tokio::spawn(async move { late.wait(5).await });
        while progress.lock().indexes.is_empty() {
            tokio::task::yield_now().await;
        }
        progress.reached(4);
        assert_eq!(progress.lock().indexes.len(), 1);
        let given_up = tokio::time::timeout(std::time::Duration::from_millis(1), progress.wait(9)).await;
        assert!(given_up.is_err());
        assert_eq!(progress.lock().indexes.len(), 1, "who does not wait any more is forgotten");
        progress.reached(6);
        waiter.await.unwrap().unwrap();
        assert_eq!(progress.applied(), 6);
    }

    #[tokio::test]
    async fn tells_the_outcome_once_and_forgets_who_left() {
        let progress = Arc::new(Progress::new(0));
        let id = SvTrid { node: 1, boot: 2, seq: 3 };
        let mut watched = progress.watch(id);
        progress.came(&id, &Outcome::Done(Reply::Ok));
        assert_eq!((&mut watched.told).await.unwrap(), Outcome::Done(Reply::Ok));
        drop(progress.watch(id));
        assert!(progress.lock().outcomes.is_empty());
    }

    #[tokio::test]
    async fn who_is_replaced_as_a_watcher_may_go_on_asking() {
        let progress = Arc::new(Progress::new(0));
        let id = SvTrid { node: 1, boot: 2, seq: 3 };
        let mut first = progress.watch(id);
        let mut second = progress.watch(id);
        assert!((&mut first.told).await.is_err());
        assert!((&mut first.told).now_or_never().is_none());
        progress.came(&id, &Outcome::Done(Reply::Ok));
        assert!((&mut second.told).await.is_ok());
    }
}
