//! Whether this node may lead: its clock agrees with a majority of the voters, and its disk takes what it acknowledges.
//!
//! Voters ask each other every second, outside of consensus, leader or not: for the time, and whether they can't lead.
//! Who can't does not stand for election, and hands leadership to one that can.

use crate::{
    clock::{Answer, ClockState},
    cluster::{Cluster, Inner},
    net::Net,
    types::Cx,
    wire::Request,
};
use futures_util::future::join_all;
use openraft::type_config::{TypeConfigExt, alias::InstantOf};
use registry::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};
use storage::Pressure;

/// How often nodes ask each other, and how often until a majority has answered once.
const ASK: Duration = Duration::from_secs(1);
const ASK_FIRST: Duration = Duration::from_millis(100);
/// How long an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_millis(500);
/// Octets that may wait for the log's disk before this node takes no more entries, as leader or as follower: far below
/// what the log itself refuses, which would end the node.
const QUEUE_MAX: usize = 64 << 20;
/// Who has not answered for so long is silent: leadership is not handed to it.
const SILENT: Duration = Duration::from_secs(2);
/// How long the log's disk may take nothing while entries wait for it.
const STALLED: Duration = Duration::from_secs(5);
/// Leadership is not handed to a voter that lacks so many entries or more.
pub(crate) const LAG_MAX: u64 = 1_000;

/// What a node tells its peers of itself.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    /// The time there.
    pub(crate) at: Timestamp,
    /// It can't lead. One that does not know its clock yet does not say so.
    pub(crate) unfit: bool,
    /// It can lead now: it knows its clock, too.
    pub(crate) may_lead: bool,
    /// Its clock moved by itself, and waits for the operator.
    pub(crate) jumped: bool,
}

impl<C: Cx, N: Net> Cluster<C, N> {
    /// Whether a write of this node waits for room on its disk.
    pub fn disk_is_full(&self) -> bool {
        self.inner.store.space().is_full()
    }
}

impl<C: Cx, N: Net> Inner<C, N> {
    /// A clock that jumped since the last look is noticed here, before its time is taken for another voter's word.
    pub(crate) fn told(&self) -> Told {
        self.look_at_clock();
        Told {
            at: self.now(),
            unfit: self.is_unfit() || self.is_retiring(),
            may_lead: self.may_lead(),
            jumped: self.clocks.has_jumped(),
        }
    }

    /// Whether this node may lead: its clock agrees with a majority's, and its disk takes what it acknowledges. A clock that
    /// is behind state time is so on all nodes, and reads need a leader.
    pub(crate) fn may_lead(&self) -> bool {
        let agrees = matches!(self.clocks.state(), ClockState::Agrees | ClockState::Behind { .. });
        agrees && !self.is_unfit() && !self.is_retiring()
    }

    fn is_retiring(&self) -> bool {
        self.retiring.load(Ordering::Relaxed)
    }

    /// The other voters that have not answered lately.
    pub(crate) fn silent(&self) -> BTreeSet<u64> {
        let since = C::now() - self.started.monotonic;
        let heard = self.clocks.heard_within(SILENT, since);
        self.voters().into_iter().filter(|id| *id != self.id && !heard.contains(id)).collect()
    }

    fn is_unfit(&self) -> bool {
        let clock = self.clocks.state();
        let unsure = matches!(clock, ClockState::Off | ClockState::Jumped { .. });
        unsure || self.store.space().is_full() || self.stalled.load(Ordering::Relaxed)
    }

    /// Whether so much waits for the log's disk that no more entries are taken now.
    pub(crate) fn log_is_behind(&self) -> bool {
        self.log.queued().1 > QUEUE_MAX
    }

    /// Whether a follower takes no more entries now: what it took waits for its disks, in the log or in memory. It could
    /// not apply them, and consensus would stand still before the entries that wait for that.
    pub(crate) fn is_behind(&self) -> bool {
        self.log_is_behind() || self.store.pressure() == Pressure::Full
    }

    /// At the leader: hands leadership to a voter that will take it. Once openraft has begun it does not take the offer
    /// back, and proposes nothing more: so whoever is silent, unfit or far behind is refused before. (One that dies
    /// after that costs an election, since a leader that has offered sends no heartbeats.)
    pub(crate) async fn hand_over(&self, to: u64) -> Result<(), String> {
        if self.silent().contains(&to) {
            return Err(format!("node {to} is silent: leadership stays here"));
        }
        let told: Result<Told, _> = self.ask(to, &Request::Time, ANSWER_LIMIT).await;
        match told {
            Err(error) => return Err(format!("node {to} does not answer, leadership stays here: {error}")),
            Ok(told) if !told.may_lead => {
                return Err(format!(
                    "node {to} says that it can't lead: it is stopping, or its clock or its disk is not right"
                ));
            }
            Ok(_) => {}
        }
        let behind = self.last_log().saturating_sub(self.matched(to));
        if behind >= LAG_MAX {
            return Err(format!("node {to} lacks {behind} entries: try again when it has caught up"));
        }
        self.raft.trigger().transfer_leader(to).await.map_err(|e| e.to_string())
    }
}

/// How far the log is durable, and since when.
struct Durable<C: Cx> {
    upto: Option<u64>,
    since: InstantOf<C>,
}

impl<C: Cx> Durable<C> {
    /// A disk that takes nothing and says nothing is told by entries that wait for it: with the others' disks they are
    /// committed, and could not be drained here.
    fn look<N: Net>(&mut self, own: &Inner<C, N>) {
        let (upto, now) = (own.log.synced(), C::now());
        // a log that holds nothing yet waits for nothing
        let nothing_waits = upto.unwrap_or(0) >= own.last_log();
        if upto != self.upto || nothing_waits {
            *self = Durable { upto, since: now };
        }
        let stalled = now - self.since >= STALLED;
        if own.stalled.swap(stalled, Ordering::Relaxed) != stalled {
            if stalled {
                tracing::error!(
                    ?upto,
                    "the disk of this node's log has taken nothing for {} s",
                    STALLED.as_secs()
                );
            } else {
                tracing::info!("the disk of this node's log takes entries again");
            }
        }
    }
}

/// Asks, judges and acts until the node is gone.
pub(crate) async fn watch<C: Cx, N: Net>(node: Weak<Inner<C, N>>) {
    let (mut elects, mut told) = (false, false);
    let mut durable = Durable::<C> { upto: None, since: C::now() };
    loop {
        let Some(own) = node.upgrade() else { return };
        let since = own.look_at_clock();
        durable.look(&own);
        let voters = own.voters();
        let answers = ask_all(&own, &voters).await;
        let clock = own.clocks.judge(&answers, voters.len(), voters.contains(&own.id), since);
        let (unfit, may_lead) = (own.is_unfit(), own.may_lead());
        if elects != may_lead {
            elects = may_lead;
            if voters.contains(&own.id) && !own.is_retiring() {
                let (not, disk_full) = (if elects { "" } else { "not " }, own.store.space().is_full());
                tracing::info!(%clock, disk_full, "this node may {not}lead");
            }
            own.raft.runtime_config().elect(elects);
        }
        // again as long as it leads: the one asked may not have been able to
        let leads_unfit = unfit && own.leads();
        if leads_unfit {
            step_down(&own, &mut told).await;
        }
        told &= leads_unfit;
        drop(own);
        C::sleep(if clock == ClockState::Unknown { ASK_FIRST } else { ASK }).await;
    }
}

/// What the other voters tell, of those that answer in time.
async fn ask_all<C: Cx, N: Net>(own: &Arc<Inner<C, N>>, voters: &[u64]) -> Vec<Answer> {
    let others = voters.iter().filter(|id| **id != own.id);
    let asked = others.map(|id| async move {
        let before = own.now();
        let told: Told = own.ask(*id, &Request::Time, ANSWER_LIMIT).await.ok()?;
        let middle = before.0 + (own.now().0 - before.0) / 2;
        Some(Answer { id: *id, offset_ms: told.at.0 - middle, unfit: told.unfit, jumped: told.jumped })
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// A leader whose disk is full may take itself for one for as long: who leads now is a vote that it can't write down.
async fn step_down<C: Cx, N: Net>(own: &Inner<C, N>, told: &mut bool) {
    let Some(heir) = own.status().heir() else { return };
    if !std::mem::replace(told, true) {
        tracing::warn!(
            to = heir,
            "handing leadership over: this node's clock can't be trusted, or its disk takes nothing"
        );
    }
    if let Err(error) = own.hand_over(heir).await {
        tracing::warn!(error, "leadership could not be handed over");
    }
}
