//! Room for writes: a stated number of them is under way, the others wait their turn, and who waited too long is told
//! so with nothing proposed. Both queues are first in, first out, and no session has more than one command in them.
//!
//! A node counts the registrars' writes that it has accepted and whose outcome it awaits; the leader counts the
//! proposals of all nodes. Operators and the leader's own jobs are few, and don't queue behind registrars where they
//! are accepted nor at the leader: whoever must suspend a flood can't wait behind it. The leader also takes nothing while its memory
//! is full, its disk is, or its log waits for the disk.

use crate::types::Cx;
use openraft::type_config::TypeConfigExt;
use registry::Actor;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a write waits for room, at its node and at the leader together.
pub(crate) const ROOM_LIMIT: Duration = Duration::from_secs(5);
/// How long a proposal waits at the leader before its node is told to ask again: less than a node waits for an answer.
const PLACE_LIMIT: Duration = Duration::from_secs(1);
/// How often it is looked whether memory or disk have room again.
const LOOK: Duration = Duration::from_millis(20);

/// How many writes are under way at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Writes of registrars that a node has accepted and whose outcome it awaits.
    pub writes: usize,
    /// Proposals that the leader has before it, from all nodes.
    pub proposals: usize,
}

impl Default for Bounds {
    /// Consensus gets no faster with more than some hundred writes under way, only later: 512 of one node are about
    /// 50 ms of work. The leader takes the share of four nodes.
    fn default() -> Bounds {
        Bounds { writes: 512, proposals: 2048 }
    }
}

/// How much is under way on a node, and what found no room since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    pub under_way: u64,
    pub waiting: u64,
    /// At this node as leader.
    pub proposals: u64,
    pub refused: Refused,
}

/// Writes that this node answered with `Busy`, by what had no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// This node.
    pub node: u64,
    /// The leader, by the number of proposals.
    pub leader: u64,
    /// The leader's memory, disk or log.
    pub memory: u64,
}

/// What had no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    Node,
    Leader,
    Memory,
}

pub(crate) struct Room {
    bounds: Bounds,
    writes: Arc<Semaphore>,
    proposals: Arc<Semaphore>,
    waiting: AtomicU64,
    refused: [AtomicU64; 3],
}

impl Room {
    pub(crate) fn new(bounds: Bounds) -> Room {
        Room {
            bounds,
            writes: Arc::new(Semaphore::new(bounds.writes)),
            proposals: Arc::new(Semaphore::new(bounds.proposals)),
            waiting: AtomicU64::new(0),
            refused: Default::default(),
        }
    }

    /// Waits until one more write of `by` may be under way, at most [`ROOM_LIMIT`]; it is until the permit is dropped.
    pub(crate) async fn enter<C: Cx>(&self, by: &Actor) -> Result<Option<OwnedSemaphorePermit>, Lack> {
        if !matches!(by, Actor::Registrar(_)) {
            return Ok(None);
        }
        // who comes while others wait finds nothing: what is given back is theirs
        if let Ok(permit) = self.writes.clone().try_acquire_owned() {
            return Ok(Some(permit));
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _counted = Counted(&self.waiting);
        match C::timeout(ROOM_LIMIT, self.writes.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Some(permit)),
            Ok(Err(_)) | Err(_) => Err(Lack::Node),
        }
    }

    /// Waits a moment until this node, as leader, may propose one more command of `by`; it counts until the permit is
    /// dropped.
    pub(crate) async fn place<C: Cx>(
        &self,
        by: &Actor,
        is_full: impl Fn() -> bool,
    ) -> Result<Option<OwnedSemaphorePermit>, Lack> {
        let until = C::now() + PLACE_LIMIT;
        let permit = match by {
            Actor::System | Actor::Operator(_) => None,
            Actor::Registrar(_) => Some(match self.proposals.clone().try_acquire_owned() {
                Ok(permit) => permit,
                Err(_) => match C::timeout(PLACE_LIMIT, self.proposals.clone().acquire_owned()).await {
                    Ok(Ok(permit)) => permit,
                    Ok(Err(_)) | Err(_) => return Err(Lack::Leader),
                },
            }),
        };
        while is_full() {
            if C::now() >= until {
                return Err(Lack::Memory);
            }
            C::sleep(LOOK).await;
        }
        Ok(permit)
    }

    /// Takes down that a write was answered with `Busy`.
    pub(crate) fn refuse(&self, lack: Lack) {
        self.refused[lack as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn figures(&self) -> Writes {
        let taken = |all: usize, left: usize| u64::try_from(all.saturating_sub(left)).unwrap_or(u64::MAX);
        let refused = |lack: Lack| self.refused[lack as usize].load(Ordering::Relaxed);
        Writes {
            under_way: taken(self.bounds.writes, self.writes.available_permits()),
            waiting: self.waiting.load(Ordering::Relaxed),
            proposals: taken(self.bounds.proposals, self.proposals.available_permits()),
            refused: Refused {
                node: refused(Lack::Node),
                leader: refused(Lack::Leader),
                memory: refused(Lack::Memory),
            },
        }
    }
}

/// One who waits, until it is dropped.
struct Counted<'a>(&'a AtomicU64);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Live;
    use std::sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize},
    };

    const ALPHA: Actor = Actor::Registrar(1);

    fn room(writes: usize, proposals: usize) -> Arc<Room> {
        Arc::new(Room::new(Bounds { writes, proposals }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_beyond_the_bound_waits_and_is_then_refused() {
        let room = room(1, 1);
        let held = room.enter::<Live>(&ALPHA).await.unwrap();
        assert_eq!(room.enter::<Live>(&ALPHA).await.unwrap_err(), Lack::Node);
        assert_eq!(room.figures().under_way, 1);
        drop(held);
        assert!(room.enter::<Live>(&ALPHA).await.is_ok());
        assert_eq!((room.figures().under_way, room.figures().waiting), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_let_in_in_order() {
        let room = room(1, 1);
        let order = Arc::new(Mutex::new(Vec::new()));
        let held = room.enter::<Live>(&ALPHA).await.unwrap();
        let mut waiting = Vec::new();
        for n in 0..5 {
            let (room, order) = (room.clone(), order.clone());
            waiting.push(tokio::spawn(async move {
                let _permit = room.enter::<Live>(&Actor::Registrar(n)).await.unwrap();
                order.lock().unwrap().push(n);
            }));
            tokio::task::yield_now().await;
        }
        assert_eq!(room.figures().waiting, 5);
        drop(held);
        for one in waiting {
            one.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn operators_and_jobs_do_not_queue_behind_registrars() {
        let room = room(1, 1);
        let _write = room.enter::<Live>(&ALPHA).await.unwrap();
        assert!(room.enter::<Live>(&Actor::Operator("op".into())).await.unwrap().is_none());
        let free = || false;
        let _proposal = room.place::<Live>(&ALPHA, free).await.unwrap();
        for by in [Actor::System, Actor::Operator("op".into())] {
            assert!(room.place::<Live>(&by, free).await.unwrap().is_none());
        }
        assert_eq!(room.place::<Live>(&ALPHA, free).await.unwrap_err(), Lack::Leader);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_memory_is_waited_for() {
        let (room, full) = (room(1, 1), Arc::new(AtomicBool::new(true)));
        let is_full = || full.load(Ordering::Relaxed);
        assert_eq!(room.place::<Live>(&ALPHA, is_full).await.unwrap_err(), Lack::Memory);
        assert_eq!(room.figures().proposals, 0);
        let drained = full.clone();
        tokio::spawn(async move {
            tokio::time::sleep(PLACE_LIMIT / 2).await;
            drained.store(false, Ordering::Relaxed);
        });
        assert!(room.place::<Live>(&ALPHA, is_full).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn never_more_than_the_bound_are_under_way() {
        let (room, now, most) = (room(3, 3), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut all = Vec::new();
        for n in 0..50 {
            let (room, now, most) = (room.clone(), now.clone(), most.clone());
            all.push(tokio::spawn(async move {
                let _permit = room.enter::<Live>(&Actor::Registrar(n)).await.unwrap();
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(10)).await;
                now.fetch_sub(1, Ordering::SeqCst);
            }));
        }
        for one in all {
            one.await.unwrap();
        }
        assert_eq!(most.load(Ordering::SeqCst), 3);
    }
}
