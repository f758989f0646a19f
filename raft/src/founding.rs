//! How a cluster begins: founding voters exchange the incarnations of their logs, then each initializes with the
//! identical member map. A voter without a log never joins a cluster that is founded already.
//!
//! Until that is settled a node has no voice: its empty log may be one that it lost, and then its vote, or its word
//! that it holds an entry, would contradict what it said before. Learners find their place in `join`.

use crate::{
    clock::APART_MAX_MS,
    cluster::{Cluster, Inner},
    net::{CallError, Net},
    start::StartError,
    types::{Cx, NodeInfo, Role},
    wire::{Hello, Request},
};
use futures_util::future::join_all;
use openraft::type_config::TypeConfigExt;
use registry::{Timestamp, node};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Pause between two rounds of questions.
pub(crate) const ROUND: Duration = Duration::from_millis(200);
/// Every so many rounds the log tells whom the founding waits for; not in the first ones, when nodes just start.
const TELL_EVERY: u64 = 50;
const TELL_AT: u64 = 10;
/// How long one founder may take to answer.
const ANSWER: Duration = Duration::from_secs(1);

/// A founder as `cluster.toml` lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Founder {
    pub role: Role,
    pub raft: SocketAddr,
}

/// What this node knows of the founding.
#[derive(Debug, Default)]
pub(crate) struct Founding {
    /// The log is this node's own for certain: it may vote and acknowledge.
    settled: AtomicBool,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// What this process initialized with.
    members: Option<BTreeMap<u64, NodeInfo>>,
    /// Everybody on the list of founders.
    listed: BTreeMap<u64, Founder>,
}

impl Founding {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn settle(&self) {
        self.settled.store(true, Ordering::Release);
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Acquire)
    }

    /// Notes the list of founders.
    pub(crate) fn list(&self, founders: &BTreeMap<u64, Founder>) {
        self.lock().listed.clone_from(founders);
    }

    /// The role in which a node was to found the cluster.
    pub(crate) fn listed(&self, id: u64) -> Option<Role> {
        self.lock().listed.get(&id).map(|founder| founder.role)
    }
}

impl<C: Cx, N: Net> Inner<C, N> {
    /// What this node tells `asker` of itself.
    pub(crate) fn hello(&self, asker: u64) -> Hello {
        let (index, members) = self.membership();
        // the first entry of the log is the founding itself
        let founded =
            self.founding.lock().members.clone().or_else(|| (index == Some(0)).then(|| members.clone()));
        let gone = !members.contains_key(&asker) && self.is_removed(asker);
        Hello {
            incarnation: self.incarnation,
            wall: self.now(),
            founded,
            members,
            index: index.unwrap_or(0),
            gone,
        }
    }

    /// Whether the state here says that a node was removed for ever.
    pub(crate) fn is_removed(&self, id: u64) -> bool {
        node::is_removed(&self.store.view(), id).unwrap_or_else(|fault| {
            tracing::error!(%fault, "the list of nodes can't be read");
            false
        })
    }
}

/// What a round of questions came to.
enum Round {
    /// Somebody is silent; nobody knows of a founding.
    Waits,
    /// All founding voters are known, and none is founded: these are the members. Or somebody founded with them.
    Found(BTreeMap<u64, NodeInfo>),
    /// The cluster is founded, and this log belongs to it; what it lacks, the leader sends.
    Belongs,
}

impl<C: Cx, N: Net> Cluster<C, N> {
    /// Takes part in the founding as one of the listed founders. Returns at once for a node that has its log; else a
    /// voter waits for the other founding voters as long as it takes, and a learner for the leader to take it in.
    ///
    /// # Errors
    /// The cluster is founded already without this log; it was removed; consensus has failed.
    pub async fn found(&self, founders: &BTreeMap<u64, Founder>) -> Result<(), StartError> {
        let node = &self.inner;
        node.founding.list(founders);
        let own = founders.get(&node.id).copied();
        let own = own
            .ok_or_else(|| StartError::Config(format!("node {} is not on the list of founders", node.id)))?;
        if own.role != Role::Voter {
            let contacts = founders.iter().map(|(id, founder)| (*id, founder.raft)).collect();
            return self.join(own, contacts, founders).await;
        }
        if node.founding.is_settled() {
            return Ok(());
        }
        let voters: BTreeMap<u64, Founder> =
            founders.iter().filter(|(_, f)| f.role == Role::Voter).map(|(id, f)| (*id, *f)).collect();
        let mut rounds = 0_u64;
        loop {
            rounds += 1;
            match self.round(&voters, rounds % TELL_EVERY == TELL_AT).await? {
                Round::Waits => C::sleep(ROUND).await,
                Round::Belongs => {
                    node.founding.settle();
                    return Ok(());
                }
                Round::Found(members) => return self.initialize(members).await,
            }
        }
    }

    async fn initialize(&self, members: BTreeMap<u64, NodeInfo>) -> Result<(), StartError> {
        let node = &self.inner;
        node.founding.lock().members = Some(members.clone());
        node.raft.initialize(members).await.map_err(|e| StartError::Raft(e.to_string()))?;
        node.founding.settle();
        Ok(())
    }

    /// Asks every other founding voter once. `tell`: whom it waits for is logged.
    async fn round(&self, voters: &BTreeMap<u64, Founder>, tell: bool) -> Result<Round, StartError> {
        let node = &self.inner;
        let others = voters.iter().filter(|(id, _)| **id != node.id);
        let asked =
            others.map(|(id, founder)| async move { (*id, founder, self.hello_of(*id, founder).await) });
        let answers = join_all(asked).await;
        for (id, _, answer) in &answers {
            if let Ok(hello) = answer
                && let Some(round) = self.judged(*id, hello)?
            {
                return Ok(round);
            }
        }
        let own = NodeInfo { role: Role::Voter, incarnation: node.incarnation, raft: voters[&node.id].raft };
        let mut members = BTreeMap::from([(node.id, own)]);
        for (id, founder, answer) in answers {
            match answer {
                Ok(hello) if self.is_far(hello.wall) => {
                    if tell {
                        let by_ms = hello.wall.0 - node.now().0;
                        tracing::warn!(peer = id, by_ms, "not founding: the clocks differ; set them right");
                    }
                    return Ok(Round::Waits);
                }
                Ok(hello) => {
                    let (incarnation, raft) = (hello.incarnation, founder.raft);
                    members.insert(id, NodeInfo { role: Role::Voter, incarnation, raft });
                }
                Err(error) => {
                    if tell {
                        tracing::warn!(peer = id, at = %founder.raft, %error, "founding waits for a voter");
                    }
                    return Ok(Round::Waits);
                }
            }
        }
        Ok(Round::Found(members))
    }

    /// What one answer decides by itself: whether this node may be what it was to be.
    fn judged(&self, peer: u64, hello: &Hello) -> Result<Option<Round>, StartError> {
        let node = &self.inner;
        if hello.gone {
            return Err(StartError::Removed { id: node.id });
        }
        let known = if hello.members.is_empty() { hello.founded.as_ref() } else { Some(&hello.members) };
        let Some(known) = known else { return Ok(None) };
        if known.get(&node.id).is_none_or(|me| me.incarnation != node.incarnation) {
            return Err(StartError::Forgotten { id: node.id, known_by: Some(peer) });
        }
        Ok(Some(hello.founded.clone().map_or(Round::Belongs, Round::Found)))
    }

    fn is_far(&self, wall: Timestamp) -> bool {
        (wall.0 - self.inner.now().0).abs() > APART_MAX_MS
    }

    async fn hello_of(&self, id: u64, founder: &Founder) -> Result<Hello, CallError> {
        let node = NodeInfo { role: founder.role, incarnation: 0, raft: founder.raft };
        let asked = self.inner.ask_at(id, &node, &Request::Hello, ANSWER).await;
        asked.inspect_err(|error| tracing::debug!(peer = id, %error, "a founder does not answer yet"))
    }
}
