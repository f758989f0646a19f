//! [`registry::Backend`] over the cluster: views, and commands that reach the leader exactly once.

use crate::{
    cluster::{Cluster, Inner},
    net::{CallError, Net},
    progress::Watched,
    reads::READ_LIMIT,
    room::{Lack, ROOM_LIMIT},
    types::Cx,
    wire::{Request, Submitted},
};
use futures_util::future::{Either, select};
use openraft::{
    errors::{ClientWriteError, RaftError},
    type_config::{TypeConfigExt, alias::InstantOf},
};
use registry::{Actor, Backend, Command, Entry, Freshness, Outcome, SvTrid, Timestamp, Unavailable, Verb};
use std::{pin::pin, time::Duration};
use storage::{Pressure, View};

/// How long a command is resent before its outcome is called unknown.
const SUBMIT_LIMIT: Duration = Duration::from_secs(15);
/// How long one leader may take before the command is sent again.
const SEND_LIMIT: Duration = Duration::from_secs(3);
/// How often it is looked whether another node leads.
const LOOK: Duration = Duration::from_millis(50);
/// Pause before a command that was not taken is sent again.
const RETRY: Duration = Duration::from_millis(20);
/// The longest pause while the leader has no room: it is twice the one before, and the leader makes everybody wait
/// already.
const RETRY_MAX: Duration = Duration::from_millis(320);
/// Registrars wait for room at the leader while the outcomes that are remembered take more memory than this, as
/// counted: those of some 9,000 commands a second.
const OUTCOMES_BYTES_MAX: usize = 512 << 20;
/// The leader proposes no command of a node whose clock differs by more.
const CLOCK_MAX_MS: i64 = 10_000;

impl<C: Cx, N: Net> Backend for Cluster<C, N> {
    async fn view(&self, freshness: Freshness) -> Result<View, Unavailable> {
        if freshness == Freshness::Linearizable {
            let until = C::now() + READ_LIMIT;
            let index = self.inner.reads.index(until).await?;
            let progress = &self.inner.progress;
            if progress.applied() < index {
                let reached = C::timeout(until - C::now(), progress.wait(index)).await;
                reached.ok().and_then(Result::ok).ok_or(Unavailable::NoLeader)?;
            }
        }
        Ok(self.inner.store.view())
    }

    async fn submit(&self, verb: Verb, by: Actor, svtrid: SvTrid) -> Result<Outcome, Unavailable> {
        let room = &self.inner.room;
        let room_until = C::now() + ROOM_LIMIT;
        let _entered = room.enter::<C>(&by).await.map_err(|lack| {
            room.refuse(lack);
            Unavailable::Busy
        })?;
        let command = Command { svtrid, issued: self.inner.now(), by, verb };
        let watched = self.inner.progress.watch(svtrid);
        let mut sending = Sending { node: &self.inner, watched, sent: false };
        let sent = sending.run(&command, room_until).await;
        sent.map_err(|not| {
            if let NotSent::Lacking(lack) = not {
                room.refuse(lack);
            }
            not.into()
        })
    }
}

/// Why there is no outcome.
enum NotSent {
    /// There was no room until the limit; nothing was proposed.
    Lacking(Lack),
    Otherwise(Unavailable),
}

impl From<NotSent> for Unavailable {
    fn from(not: NotSent) -> Unavailable {
        match not {
            NotSent::Lacking(_) => Unavailable::Busy,
            NotSent::Otherwise(why) => why,
        }
    }
}

/// A command on its way: resent until an outcome is known or the limit is reached.
struct Sending<'a, C: Cx, N: Net> {
    node: &'a Inner<C, N>,
    watched: Watched,
    /// It may have been proposed somewhere: the outcome may exist.
    sent: bool,
}

impl<C: Cx, N: Net> Sending<'_, C, N> {
    async fn run(&mut self, command: &Command, room_until: InstantOf<C>) -> Result<Outcome, NotSent> {
        let until = C::now() + SUBMIT_LIMIT;
        let mut refused = Unavailable::NoLeader;
        let mut lacking = None;
        let mut pause = RETRY;
        while C::now() < until {
            let came = self.attempt(command).await;
            lacking = match came {
                Some(Submitted::Busy) => Some(Lack::Memory),
                Some(Submitted::Crowded) => Some(Lack::Leader),
                _ => None,
            };
            if lacking.is_some() && !self.sent && C::now() >= room_until {
                break;
            }
            pause = if lacking.is_some() { (pause * 2).min(RETRY_MAX) } else { RETRY };
            match came {
                Some(Submitted::Outcome(outcome)) => return Ok(outcome),
                Some(Submitted::ClockHeld) => refused = Unavailable::ClockHeld,
                Some(Submitted::ClockOff { by_ms }) => {
                    if !matches!(refused, Unavailable::ClockDiffers { .. }) {
                        tracing::warn!(svtrid = %command.svtrid, by_ms, "the leader's clock differs; not proposed");
                    }
                    refused = Unavailable::ClockDiffers { by_ms };
                }
                Some(Submitted::Busy | Submitted::Crowded | Submitted::NotLeader) | None => {}
                Some(Submitted::Unknown) => self.sent = true,
            }
            if let Some(outcome) = self.pause(pause).await {
                return Ok(outcome);
            }
        }
        Err(match lacking {
            _ if self.sent => NotSent::Otherwise(Unavailable::Unknown { svtrid: command.svtrid }),
            Some(lack) => NotSent::Lacking(lack),
            None => NotSent::Otherwise(refused),
        })
    }

    /// Sends the command to whoever leads; returns early when this node's own apply tells the outcome, or when
    /// another node leads. `None`: there is no leader.
    async fn attempt(&mut self, command: &Command) -> Option<Submitted> {
        let (id, leader) = self.node.leader()?;
        let node = self.node;
        let told = &mut self.watched.told;
        let request = Request::Submit { command: Box::new(command.clone()), sent: node.now() };
        let send = async {
            if id == node.id {
                return node.propose(command.clone(), node.now()).await;
            }
            match node.ask_at(id, &leader, &request, SEND_LIMIT).await {
                Ok(submitted) => submitted,
                Err(CallError::Unreachable(_) | CallError::Refused(_)) => Submitted::NotLeader,
                Err(CallError::Lost(_)) => Submitted::Unknown,
            }
        };
        let deposed = async {
            loop {
                C::sleep(LOOK).await;
                if node.leader().is_some_and(|(now, _)| now != id) {
                    break;
                }
            }
        };
        let answered = pin!(async {
            match select(pin!(send), pin!(deposed)).await {
                Either::Left((submitted, _)) => submitted,
                Either::Right(((), _)) => Submitted::Unknown,
            }
        });
        match select(answered, told).await {
            Either::Left((submitted, _)) => Some(submitted),
            Either::Right((Ok(outcome), _)) => Some(Submitted::Outcome(outcome)),
            Either::Right((Err(_), answered)) => Some(answered.await),
        }
    }

    async fn pause(&mut self, length: Duration) -> Option<Outcome> {
        match select(&mut self.watched.told, pin!(C::sleep(length))).await {
            Either::Left((Ok(outcome), _)) => Some(outcome),
            Either::Left((Err(_), rest)) => {
                rest.await;
                None
            }
            Either::Right(_) => None,
        }
    }
}

impl<C: Cx, N: Net> Inner<C, N> {
    /// Stamps a command and proposes it, if this node leads.
    pub(crate) async fn propose(&self, command: Command, sent: Timestamp) -> Submitted {
        let by_ms = sent.0 - self.now().0;
        if by_ms.abs() > CLOCK_MAX_MS {
            return Submitted::ClockOff { by_ms };
        }
        let is_full = || {
            self.store.pressure() != Pressure::Free
                || self.log_is_behind()
                || (command.by.registrar().is_some() && self.store.volatile_bytes() > OUTCOMES_BYTES_MAX)
        };
        let place = match self.room.place::<C>(&command.by, is_full).await {
            Ok(place) => place,
            Err(Lack::Memory) => return Submitted::Busy,
            Err(Lack::Leader | Lack::Node) => return Submitted::Crowded,
        };
        let at = self.now();
        if !self.may_stamp(at) {
            return Submitted::ClockHeld;
        }
        let raft = self.raft.clone();
        let mut write = Box::pin(async move { raft.client_write(Entry { at, command }).await });
        let written = C::timeout(SEND_LIMIT, &mut write).await;
        if written.is_err() {
            // it may still come about: its place is taken until then
            drop(C::spawn(async move {
                drop(write.await);
                drop(place);
            }));
        }
        match written {
            Ok(Ok(response)) => response.data.0.map_or(Submitted::Unknown, Submitted::Outcome),
            Ok(Err(RaftError::APIError(ClientWriteError::ForwardToLeader(_)))) => Submitted::NotLeader,
            Ok(Err(_)) | Err(_) => Submitted::Unknown,
        }
    }
}
