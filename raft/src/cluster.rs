//! One node of the cluster: start, readiness, status, hand-over, stop.

use crate::{
    clock::{ClockState, Clocks, Jumps, Started},
    digest::{Recomputing, Withdrawal},
    errand::Desk,
    fitness,
    founding::Founding,
    leading::Leading,
    log::LogStore,
    machine::{Machine, OnApply},
    membership::{Changing, Strangers},
    net::{CallError, Lane, Net},
    peer::Peers,
    progress::Progress,
    reads::Reads,
    room::{Bounds, Room, Writes},
    sending::Sending,
    snapshot::{Inbox, Work},
    start::{self, StartError},
    types::{Cx, NodeInfo},
    wire::{self, Request},
};
use openraft::{Config, Raft, SnapshotPolicy, async_runtime::WatchReceiver, type_config::TypeConfigExt};
use registry::{Timestamp, backend::Clock, journal};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use storage::{Fault, Log, Read, Store};

/// Timing of heartbeats and elections, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    pub heartbeat_ms: u64,
    pub election_min_ms: u64,
    pub election_max_ms: u64,
}

impl Profile {
    /// Voters in one region: a dead leader costs about 0.75 s of writes.
    pub const REGION: Profile = Profile { heartbeat_ms: 100, election_min_ms: 200, election_max_ms: 400 };
    /// Voters across a continent, up to 100 ms of round trip: a dead leader costs about 3.7 s of writes.
    pub const CONTINENT: Profile =
        Profile { heartbeat_ms: 250, election_min_ms: 1000, election_max_ms: 2000 };
}

/// What a node needs to know at its start.
#[derive(Clone)]
pub struct RaftConfig {
    pub id: u64,
    pub cluster: String,
    pub profile: Profile,
    /// Random; kept only if the log has none yet.
    pub incarnation: u128,
    pub clock: Clock,
    pub on_apply: OnApply,
    pub work: Work,
    pub jumps: Jumps,
    pub bounds: Bounds,
}

/// A node as it sees itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub id: u64,
    pub term: u64,
    pub leader: Option<u64>,
    /// What the node is to consensus now: leader, follower, candidate, learner.
    pub state: String,
    pub last_log: u64,
    pub committed: u64,
    pub applied: u64,
    pub drained: u64,
    /// The last entry that is purged from the log.
    pub purged: u64,
    pub state_time: Timestamp,
    pub members: BTreeMap<u64, NodeInfo>,
    pub voters: BTreeSet<u64>,
    /// At the leader: the log index known to be durable on each peer.
    pub matched: BTreeMap<u64, u64>,
    pub clock: ClockState,
    /// How far the clocks of other voters are ahead of this one's, in ms.
    pub offsets: BTreeMap<u64, i64>,
    /// The other voters that told this node lately that they can't lead.
    pub unfit: BTreeSet<u64>,
    /// The other voters that have not answered this node for 2 s.
    pub silent: BTreeSet<u64>,
    /// A write of this node waits for room on its disk.
    pub disk_full: bool,
}

impl Status {
    /// The voter that has most of this leader's log, of those that answer and do not say that they can't lead.
    pub fn heir(&self) -> Option<u64> {
        let others = self.voters.iter().filter(|id| **id != self.id);
        let fit = others.filter(|id| !self.unfit.contains(id) && !self.silent.contains(id));
        let near = fit.filter(|id| self.lag(**id) < fitness::LAG_MAX);
        near.max_by_key(|id| self.matched.get(*id)).copied()
    }

    /// How many entries of this leader's log a peer is not known to have.
    fn lag(&self, id: u64) -> u64 {
        self.last_log.saturating_sub(self.matched.get(&id).copied().unwrap_or(0))
    }
}

/// A node of the cluster: the handle that everything else holds.
pub struct Cluster<C: Cx, N: Net> {
    pub(crate) inner: Arc<Inner<C, N>>,
}

impl<C: Cx, N: Net> Clone for Cluster<C, N> {
    fn clone(&self) -> Self {
        Cluster { inner: self.inner.clone() }
    }
}

pub(crate) struct Inner<C: Cx, N: Net> {
    pub(crate) id: u64,
    pub(crate) raft: Raft<C, Machine<C>>,
    pub(crate) store: Arc<Store>,
    pub(crate) log: Arc<Log>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) net: N,
    pub(crate) clock: Clock,
    pub(crate) incarnation: u128,
    pub(crate) reads: Reads<C>,
    pub(crate) leading: Arc<Leading<C>>,
    pub(crate) founding: Founding,
    pub(crate) strangers: Strangers,
    pub(crate) changing: Changing,
    pub(crate) sending: Arc<Sending<C>>,
    pub(crate) inbox: Inbox,
    pub(crate) work: Work,
    pub(crate) clocks: Clocks,
    pub(crate) started: Started<C>,
    pub(crate) withdrawal: Withdrawal,
    pub(crate) recomputing: Recomputing,
    pub(crate) desk: Desk,
    pub(crate) room: Room,
    /// It is going to stop, and takes no leadership any more.
    pub(crate) retiring: AtomicBool,
    /// Nothing of the log has come to this node's disk for long, though entries wait for it.
    pub(crate) stalled: AtomicBool,
}

impl<C: Cx, N: Net> Cluster<C, N> {
    /// Starts consensus over an opened log and state. The log's writer, the drain and [`Cluster::serve_reads`] run beside
    /// it.
    ///
    /// # Errors
    /// A fault of log or state, or a log that does not fit the state.
    pub async fn start(
        config: RaftConfig,
        store: Arc<Store>,
        log: Arc<Log>,
        net: N,
    ) -> Result<Cluster<C, N>, StartError> {
        start::own_log(config.id, &log, &store)?;
        start::whole(config.id, &log, &store)?;
        rebuild_outcomes(&store)?;
        let incarnation = start::incarnation_of(&log, config.incarnation).await?;
        let progress = Arc::new(Progress::new(store.applied()));
        let machine = Machine::new(store.clone(), progress.clone(), config.on_apply.clone())?;
        let sending = Arc::new(Sending::default());
        let leading = Arc::new(Leading::new(config.id));
        let peers =
            Peers { net: net.clone(), sending: sending.clone(), leading: leading.clone(), work: config.work };
        let raft = Raft::build(
            config.id,
            openraft_config(&config)?,
            peers,
            LogStore::<C>::new(log.clone()),
            machine,
        )
        .await
        .map_err(|e| StartError::Raft(e.to_string()))?;
        leading.follow(raft.metrics());
        let wall_at_start = (config.clock)();
        let inner = Arc::new(Inner {
            id: config.id,
            raft,
            store,
            log,
            progress,
            net,
            clock: config.clock,
            incarnation,
            reads: Reads::new(),
            leading,
            founding: Founding::default(),
            strangers: Strangers::default(),
            changing: Changing::default(),
            sending,
            inbox: Inbox::default(),
            work: config.work,
            clocks: Clocks::new(config.jumps),
            started: Started::now(wall_at_start),
            withdrawal: Withdrawal::default(),
            recomputing: Recomputing::default(),
            desk: Desk::default(),
            room: Room::new(config.bounds),
            retiring: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
        });
        // nobody stands for election before its clock agrees with a majority of the voters
        inner.raft.runtime_config().elect(false);
        inner.raft.run();
        // a log that is not empty is this node's own: its incarnation lies in it
        if inner.raft.is_initialized().await.map_err(|e| StartError::Raft(e.to_string()))? {
            inner.founding.settle();
        }
        drop(C::spawn(fitness::watch(Arc::downgrade(&inner))));
        Ok(Cluster { inner })
    }

    pub fn id(&self) -> u64 {
        self.inner.id
    }

    pub fn store(&self) -> &Arc<Store> {
        &self.inner.store
    }

    pub fn is_leader(&self) -> bool {
        self.inner.leads()
    }

    /// The leader as this node knows it; it may be gone already.
    pub fn leader(&self) -> Option<u64> {
        self.inner.leader().map(|(id, _)| id)
    }

    pub fn incarnation(&self) -> u128 {
        self.inner.incarnation
    }

    /// This node's own figures.
    pub fn status(&self) -> Status {
        self.inner.status()
    }

    /// How many writes are under way here, and what found no room.
    pub fn writes(&self) -> Writes {
        self.inner.room.figures()
    }

    /// A member's own figures, asked from it.
    ///
    /// # Errors
    /// It does not answer within `limit`.
    pub async fn status_of(&self, id: u64, limit: Duration) -> Result<Status, CallError> {
        if id == self.inner.id {
            return Ok(self.inner.status());
        }
        self.inner.ask(id, &Request::Status, limit).await
    }

    /// Hands leadership to the voter `to`, wherever the leader is; returns once another leader is known here.
    ///
    /// # Errors
    /// No leader, not a voter, or no change within 5 s.
    pub async fn transfer(&self, to: u64) -> Result<(), String> {
        let (leader, _) = self.inner.leader().ok_or("the cluster has no leader at the moment")?;
        if leader == to {
            return Ok(());
        }
        if !self.inner.voters().contains(&to) {
            return Err(format!("node {to} is not a voter"));
        }
        if leader == self.inner.id {
            self.inner.hand_over(to).await?;
        } else {
            let limit = Duration::from_secs(1);
            let asked: Result<Result<(), String>, CallError> =
                self.inner.ask(leader, &Request::HandOver { to }, limit).await;
            asked.map_err(|e| e.to_string())??;
        }
        for _ in 0..250 {
            if self.leader() == Some(to) {
                return Ok(());
            }
            C::sleep(Duration::from_millis(20)).await;
        }
        Err(format!("node {to} did not take over within 5 s"))
    }

    /// Resolves when consensus has failed for good on this node, with the reason: the process must end.
    pub async fn failed(&self) -> String {
        let mut metrics = self.inner.raft.server_metrics();
        loop {
            let running = self.inner.raft.metrics().borrow_watched().running_state.clone();
            if let Err(fatal) = running {
                return fatal.to_string();
            }
            if metrics.changed().await.is_err() {
                return "consensus has stopped".into();
            }
        }
    }

    /// This node is going to stop: from now on it stands for no election, and leadership is not handed to it.
    pub fn retire(&self) {
        self.inner.retiring.store(true, Ordering::Relaxed);
        self.inner.raft.runtime_config().elect(false);
    }

    /// Stops consensus on this node; log and state stay usable. Peers are told so when they ask.
    pub async fn stop(&self) {
        self.retire();
        self.inner.progress.end();
        if self.inner.raft.shutdown().await.is_err() {
            tracing::warn!("consensus had stopped before");
        }
        self.inner.progress.close();
    }
}

impl<C: Cx, N: Net> Inner<C, N> {
    pub(crate) fn leads(&self) -> bool {
        self.leader().is_some_and(|(id, _)| id == self.id)
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The leader that this node knows of and how to reach it.
    pub(crate) fn leader(&self) -> Option<(u64, NodeInfo)> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let id = metrics.current_leader?;
        let node = metrics.membership_config.membership().get_node(&id)?.clone();
        Some((id, node))
    }

    pub(crate) fn members(&self) -> BTreeMap<u64, NodeInfo> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        metrics.membership_config.membership().nodes().map(|(id, n)| (*id, n.clone())).collect()
    }

    pub(crate) fn voters(&self) -> Vec<u64> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        metrics.membership_config.membership().voter_ids().collect()
    }

    /// Asks a member something that is not about consensus itself.
    pub(crate) async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        to: u64,
        request: &Request<C>,
        limit: Duration,
    ) -> Result<T, CallError> {
        let node = self.members().remove(&to);
        let node = node.ok_or_else(|| CallError::Unreachable(format!("node {to} is not a member")))?;
        self.ask_at(to, &node, request, limit).await
    }

    pub(crate) async fn ask_at<T: serde::de::DeserializeOwned>(
        &self,
        to: u64,
        node: &NodeInfo,
        request: &Request<C>,
        limit: Duration,
    ) -> Result<T, CallError> {
        self.ask_on(Lane::Forward, to, node, request, limit).await
    }

    pub(crate) async fn ask_on<T: serde::de::DeserializeOwned>(
        &self,
        lane: Lane,
        to: u64,
        node: &NodeInfo,
        request: &Request<C>,
        limit: Duration,
    ) -> Result<T, CallError> {
        let answer = self.net.call(to, node, lane, wire::encode(request), limit).await?;
        let answer: Result<T, String> = wire::decode(&answer).map_err(|e| CallError::Lost(e.to_string()))?;
        answer.map_err(CallError::Refused)
    }

    pub(crate) fn status(&self) -> Status {
        let metrics = self.raft.metrics();
        let m = metrics.borrow_watched().clone();
        let header = self.store.view().header().clone();
        let index = |id: Option<crate::types::LogId>| id.map_or(0, |id| id.index);
        Status {
            id: self.id,
            term: m.current_term,
            leader: m.current_leader,
            state: format!("{:?}", m.state).to_lowercase(),
            last_log: m.last_log_index.unwrap_or(0),
            committed: index(m.cluster_committed.or(m.local_committed)),
            applied: header.index,
            drained: self.store.drained_index(),
            purged: index(m.purged),
            state_time: Timestamp(header.state_time),
            members: m.membership_config.membership().nodes().map(|(id, n)| (*id, n.clone())).collect(),
            voters: m.membership_config.membership().voter_ids().collect(),
            matched: m.replication.unwrap_or_default().into_iter().map(|(id, at)| (id, index(at))).collect(),
            clock: self.clocks.state(),
            offsets: self.clocks.offsets(),
            unfit: self.clocks.unfit(),
            silent: self.silent(),
            disk_full: self.store.space().is_full(),
        }
    }
}

fn openraft_config(config: &RaftConfig) -> Result<Arc<Config>, StartError> {
    let Profile { heartbeat_ms, election_min_ms, election_max_ms } = config.profile;
    let config = Config {
        cluster_name: config.cluster.clone(),
        heartbeat_interval: heartbeat_ms,
        election_timeout_min: election_min_ms,
        election_timeout_max: election_max_ms,
        max_payload_entries: 1024,
        max_append_entries: Some(4096),
        snapshot_policy: SnapshotPolicy::Never,
        max_in_snapshot_log_to_keep: u64::MAX,
        enable_pre_vote: Some(true),
        enable_leader_restore: Some(false),
        ..Config::default()
    };
    config.validate().map(Arc::new).map_err(|e| StartError::Config(e.to_string()))
}

/// The memory of outcomes lives in memory: it is rebuilt from the journal at every start.
pub(crate) fn rebuild_outcomes(store: &Store) -> Result<(), Fault> {
    let header = store.view().header().clone();
    let mut tx = store.begin();
    let count = journal::rebuild(&mut tx)?;
    tx.commit(header.index, header.meta);
    tracing::debug!(count, "outcomes rebuilt from the journal");
    Ok(())
}
