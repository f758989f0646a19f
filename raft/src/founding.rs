//! How a cluster begins: founding voters exchange the incarnations of their logs, then each initializes with the
//! identical member map. A voter without a log never joins a cluster that is founded already.

use crate::{
    clock::APART_MAX_MS,
    cluster::{Cluster, Inner, StartError},
    net::{CallError, Net},
    types::{Cx, NodeInfo, Role},
    wire::{Hello, Request},
};
use openraft::type_config::TypeConfigExt;
use registry::Timestamp;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Pause between two rounds of questions.
const ROUND: Duration = Duration::from_millis(200);
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

/// What this node answers to the question who founded the cluster.
#[derive(Debug, Default)]
pub(crate) struct Founding(Mutex<Option<BTreeMap<u64, NodeInfo>>>);

impl Founding {
    fn set(&self, founders: BTreeMap<u64, NodeInfo>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(founders);
    }

    fn get(&self) -> Option<BTreeMap<u64, NodeInfo>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<C: Cx, N: Net> Inner<C, N> {
    pub(crate) fn hello(&self) -> Hello {
        let members = self.members();
        let founded = self.founding.get().or_else(|| (!members.is_empty()).then_some(members));
        Hello { incarnation: self.incarnation, wall: self.now(), founded }
    }
}

impl<C: Cx, N: Net> Cluster<C, N> {
    /// Takes part in the founding, if this node's log is new and it is a voter; returns at once otherwise. Waits
    /// for the other founding voters as long as it takes.
    ///
    /// # Errors
    /// The cluster is founded already without this log; consensus has failed.
    pub async fn found(&self, founders: &BTreeMap<u64, Founder>) -> Result<(), StartError> {
        let node = &self.inner;
        let fatal = |e: String| StartError::Raft(e);
        let is_voter = founders.get(&node.id).is_some_and(|f| f.role == Role::Voter);
        if !is_voter || node.raft.is_initialized().await.map_err(|e| fatal(e.to_string()))? {
            return Ok(());
        }
        let voters: BTreeMap<u64, Founder> =
            founders.iter().filter(|(_, f)| f.role == Role::Voter).map(|(id, f)| (*id, *f)).collect();
        let mut rounds = 0_u64;
        loop {
            rounds += 1;
            if let Some(members) = self.round(&voters, rounds % TELL_EVERY == TELL_AT).await? {
                node.founding.set(members.clone());
                match node.raft.initialize(members).await {
                    Ok(()) => return Ok(()),
                    Err(e) if node.raft.is_initialized().await.unwrap_or(false) => {
                        tracing::debug!(error = %e, "initialized by a peer meanwhile");
                        return Ok(());
                    }
                    Err(e) => return Err(fatal(e.to_string())),
                }
            }
            C::sleep(ROUND).await;
        }
    }

    /// Asks every other founding voter once. `Some`: all are known, these are the members. `tell`: whom it waits
    /// for is logged.
    async fn round(
        &self,
        voters: &BTreeMap<u64, Founder>,
        tell: bool,
    ) -> Result<Option<BTreeMap<u64, NodeInfo>>, StartError> {
        let node = &self.inner;
        let mut members = BTreeMap::new();
        for (id, founder) in voters {
            let (incarnation, founded) = if *id == node.id {
                (node.incarnation, None)
            } else {
                match self.hello_of(*id, founder).await {
                    Ok(hello) if hello.founded.is_none() && self.is_far(hello.wall) => {
                        if tell {
                            let by_ms = hello.wall.0 - node.now().0;
                            tracing::warn!(
                                peer = id,
                                by_ms,
                                "not founding: the clocks differ; set them right"
                            );
                        }
                        return Ok(None);
                    }
                    Ok(hello) => (hello.incarnation, hello.founded),
                    Err(error) => {
                        if tell {
                            tracing::warn!(peer = id, at = %founder.raft, %error, "founding waits for a voter");
                        }
                        return Ok(None);
                    }
                }
            };
            if let Some(founded) = founded {
                let me = founded.get(&node.id);
                if me.is_none_or(|me| me.incarnation != node.incarnation) {
                    return Err(StartError::Forgotten { id: node.id, founded_by: *id });
                }
                return Ok(Some(founded.into_iter().filter(|(_, n)| n.role == Role::Voter).collect()));
            }
            members.insert(*id, NodeInfo { role: Role::Voter, incarnation, raft: founder.raft });
        }
        Ok(Some(members))
    }

    fn is_far(&self, wall: Timestamp) -> bool {
        (wall.0 - self.inner.now().0).abs() > APART_MAX_MS
    }

    async fn hello_of(&self, id: u64, founder: &Founder) -> Result<Hello, CallError> {
        let node = NodeInfo { role: founder.role, incarnation: 0, raft: founder.raft };
        let asked = self.inner.ask_at(id, &node, &Request::Hello, ANSWER).await;
        asked.inspect_err(|error| tracing::debug!(peer = id, %error, "a founder does not answer yet"))
    }

    /// At the leader: adds the founding learners that are not members yet. Says whether all are.
    pub async fn adopt(&self, founders: &BTreeMap<u64, Founder>) -> bool {
        let members = self.inner.members();
        let mut complete = true;
        for (id, founder) in
            founders.iter().filter(|(id, f)| f.role != Role::Voter && !members.contains_key(id))
        {
            complete = false;
            let Ok(hello) = self.hello_of(*id, founder).await else { continue };
            let info = NodeInfo { role: founder.role, incarnation: hello.incarnation, raft: founder.raft };
            match self.inner.raft.add_learner(*id, info, false).await {
                Ok(_) => tracing::info!(node = id, role = %founder.role, "added to the cluster"),
                Err(error) => tracing::warn!(node = id, %error, "could not be added to the cluster"),
            }
        }
        complete
    }
}
