//! Who belongs to the cluster: changes, one at a time, and who is listened to.
//!
//! A certificate of the cluster is not enough to be heard: from the moment when a node knows a membership, only
//! members are, and anybody else may only introduce itself (`Hello`, `Time`, `Join`). So a removed node is out although
//! its certificate is as good as before.

use crate::{
    cluster::{Cluster, Inner},
    net::{CallError, Net},
    start::StartError,
    types::{Cx, NodeInfo, Role},
    wire::{Hello, Request},
};
use futures_util::future::join_all;
use openraft::{ChangeMembers, async_runtime::WatchReceiver, type_config::TypeConfigExt};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::oneshot;

/// How long a change may take before whoever asked for it is told that it goes on.
const CHANGE: Duration = Duration::from_secs(1);
/// How long the leader may take to answer that it removed a node.
const REMOVE: Duration = Duration::from_secs(5);
/// How often a node asks another whether it was removed.
const LOOK: Duration = Duration::from_secs(2);
/// How long a member may take to tell what it knows.
const ANSWER: Duration = Duration::from_secs(1);
/// Strangers remembered; there are never as many nodes.
const STRANGERS_MAX: usize = 1024;

/// Peers with a certificate of the cluster that are no members here.
#[derive(Debug, Default)]
pub(crate) struct Strangers(Mutex<BTreeMap<u64, Stranger>>);

#[derive(Debug, Default)]
struct Stranger {
    /// The log knows that it was refused.
    told: bool,
    /// Members are being asked about it.
    asked: bool,
    /// The index of a membership, newer than the one here, in which a member knows it.
    vouched: Option<u64>,
}

impl Strangers {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Stranger>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a member vouches for it against the membership of `index`; else whether it is to be asked about.
    fn meet(&self, id: u64, index: u64) -> Result<(), bool> {
        let mut all = self.lock();
        if all.len() >= STRANGERS_MAX {
            all.clear();
        }
        let stranger = all.entry(id).or_default();
        if stranger.vouched.is_some_and(|newer| newer > index) {
            return Ok(());
        }
        if !std::mem::replace(&mut stranger.told, true) {
            tracing::warn!(peer = id, "refused: it has a certificate of the cluster and is not a member");
        }
        Err(!std::mem::replace(&mut stranger.asked, true))
    }

    fn answered(&self, id: u64, vouched: Option<u64>) {
        if let Some(stranger) = self.lock().get_mut(&id) {
            stranger.vouched = vouched.or(stranger.vouched);
            stranger.asked = false;
        }
    }
}

/// Whether a change of the membership is under way here.
#[derive(Debug, Default)]
pub(crate) struct Changing(AtomicBool);

impl<C: Cx, N: Net> Cluster<C, N> {
    /// The nodes that vote.
    pub fn voters(&self) -> BTreeSet<u64> {
        self.inner.voters().into_iter().collect()
    }

    /// Removes a node from consensus, wherever the leader is. One that is no member is fine.
    ///
    /// # Errors
    /// No leader, the node leads, it is the last voter, or the change did not come about in time.
    pub async fn remove(&self, id: u64) -> Result<(), String> {
        let (leader, _) = self.inner.leader().ok_or("the cluster has no leader at the moment")?;
        if leader == self.inner.id {
            return self.inner.expel(id).await;
        }
        let asked: Result<Result<(), String>, CallError> =
            self.inner.ask(leader, &Request::Expel { id }, REMOVE).await;
        asked.map_err(|e| e.to_string())?
    }

    /// At the leader: completes a change of the voters that a former leader has left half done.
    pub async fn settle_membership(&self) {
        if self.inner.leads()
            && let Err(why) = self.inner.finish_change().await
        {
            tracing::debug!(why, "a change of the membership is not complete yet");
        }
    }

    /// Resolves when this node was removed from the cluster, and says so.
    pub async fn removed(&self) -> String {
        let node = &self.inner;
        loop {
            C::sleep(LOOK).await;
            let (_, members) = node.membership();
            let is_out = !members.is_empty() && !members.contains_key(&node.id);
            if (is_out && node.is_removed(node.id)) || node.is_said_gone().await {
                return StartError::Removed { id: node.id }.to_string();
            }
        }
    }
}

/// The voters among members, but for one.
pub(crate) fn voters_but(own: u64, members: &BTreeMap<u64, NodeInfo>) -> BTreeMap<u64, NodeInfo> {
    let voters = members.iter().filter(|(id, member)| **id != own && member.role == Role::Voter);
    voters.map(|(id, member)| (*id, member.clone())).collect()
}

impl<C: Cx, N: Net> Inner<C, N> {
    /// The index of the entry that holds the membership known here, and the members.
    pub(crate) fn membership(&self) -> (Option<u64>, BTreeMap<u64, NodeInfo>) {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let stored = &metrics.membership_config;
        let members = stored.membership().nodes().map(|(id, node)| (*id, node.clone())).collect();
        (stored.log_id().as_ref().map(|id| id.index), members)
    }

    /// Whether the voters say that this node was removed for ever, although its own log may end before that: a majority
    /// of them, or a single one that says what the state here says as well. Nobody else is asked: an edge stands
    /// anywhere, and its word must end nobody.
    async fn is_said_gone(&self) -> bool {
        let (index, members) = self.membership();
        let known = voters_but(self.id, &members);
        let mut said = self.hellos(&known).await;
        // those that vote by now may be others: a voter with a newer membership tells who they are
        let newest = said.values().filter(|hello| Some(hello.index) > index).max_by_key(|hello| hello.index);
        let voters = newest.map_or(known, |hello| voters_but(self.id, &hello.members));
        let unasked = voters.iter().filter(|(id, _)| !said.contains_key(*id));
        let unasked: BTreeMap<u64, NodeInfo> = unasked.map(|(id, node)| (*id, node.clone())).collect();
        said.extend(self.hellos(&unasked).await);
        let gone = voters.keys().filter(|id| said.get(*id).is_some_and(|hello| hello.gone)).count();
        gone > voters.len() / 2 || (gone > 0 && self.is_removed(self.id))
    }

    /// What nodes tell of themselves, of those that answer.
    async fn hellos(&self, nodes: &BTreeMap<u64, NodeInfo>) -> BTreeMap<u64, Hello> {
        let asked = nodes.iter().map(|(id, node)| async move {
            let hello: Hello = self.ask_at(*id, node, &Request::Hello, ANSWER).await.ok()?;
            Some((*id, hello))
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// Whether a request of a peer is answered, or why not.
    pub(crate) fn hears(self: &Arc<Self>, from: u64, request: &Request<C>) -> Result<(), String> {
        if request.is_introduction() {
            return Ok(());
        }
        if request.is_consensus() && !self.founding.is_settled() {
            return Err(format!("node {} does not know yet whether its log is its own", self.id));
        }
        let index = {
            let metrics = self.raft.metrics();
            let metrics = metrics.borrow_watched();
            let stored = &metrics.membership_config;
            let membership = stored.membership();
            match membership.get_node(&from) {
                Some(member) if !request.is_for(member.role) => {
                    return Err(format!(
                        "node {from} is a member of role {}: this is not for it",
                        member.role
                    ));
                }
                Some(_) => return Ok(()),
                None if membership.nodes().next().is_none() => return Ok(()),
                None => {}
            }
            stored.log_id().as_ref().map_or(0, |id| id.index)
        };
        self.strangers.meet(from, index).map_err(|ask| {
            if ask {
                drop(C::spawn(ask_about(self.clone(), from, index)));
            }
            format!("node {from} is not a member of the cluster, as node {} knows it", self.id)
        })
    }

    /// Changes the membership, one change at a time, and goes on when nobody waits any more: a change of voters
    /// has two steps, and must not stop after the first.
    pub(crate) async fn change(self: &Arc<Self>, change: ChangeMembers<u64, NodeInfo>) -> Result<(), String> {
        const UNDER_WAY: &str = "a change of the membership is under way";
        if self.changing.0.swap(true, Ordering::AcqRel) {
            return Err(UNDER_WAY.into());
        }
        let (tell, told) = oneshot::channel();
        let node = self.clone();
        drop(C::spawn(async move {
            let changed = node.raft.change_membership(change, false).await;
            node.changing.0.store(false, Ordering::Release);
            // nobody waits for a change that takes long
            drop(tell.send(changed.map(drop).map_err(|e| e.to_string())));
        }));
        match C::timeout(CHANGE, told).await {
            Ok(Ok(changed)) => changed,
            Ok(Err(_)) => Err("this node is stopping".into()),
            Err(_) => Err(UNDER_WAY.into()),
        }
    }

    /// Completes the second step of a change of the voters whose leader is gone.
    pub(crate) async fn finish_change(self: &Arc<Self>) -> Result<(), String> {
        let joint = {
            let metrics = self.raft.metrics();
            let metrics = metrics.borrow_watched();
            metrics.membership_config.membership().get_joint_config().len() > 1
        };
        if !joint {
            return Ok(());
        }
        self.change(ChangeMembers::AddVoterIds(BTreeSet::new())).await
    }

    /// At the leader: removes a node.
    pub(crate) async fn expel(self: &Arc<Self>, id: u64) -> Result<(), String> {
        if !self.leads() {
            return Err("the leader has changed; try again".into());
        }
        if id == self.id {
            return Err(format!(
                "node {id} leads; hand leadership over first: `namingo-admin cluster transfer-leader`"
            ));
        }
        self.finish_change().await?;
        let voters = self.voters();
        let one = BTreeSet::from([id]);
        if !self.members().contains_key(&id) {
            return Ok(());
        }
        let change = match voters.contains(&id) {
            true if voters.len() == 1 => return Err(format!("node {id} is the last voter")),
            true => ChangeMembers::RemoveVoters(one),
            false => ChangeMembers::RemoveNodes(one),
        };
        self.change(change).await?;
        self.sending.forget(id);
        tracing::info!(node = id, "removed from the cluster");
        Ok(())
    }
}

/// A node that was away may not know yet who joined meanwhile, and the one that joined may lead by now: then no log
/// would ever tell. So voters are asked; one whose membership is newer than this node's is believed.
async fn ask_about<C: Cx, N: Net>(node: Arc<Inner<C, N>>, stranger: u64, index: u64) {
    let said = node.hellos(&voters_but(node.id, &node.members())).await;
    let vouching = said.values().filter(|hello| hello.index > index && hello.members.contains_key(&stranger));
    let vouched = vouching.map(|hello| hello.index).max();
    if vouched.is_none() {
        C::sleep(ANSWER).await;
    }
    node.strangers.answered(stranger, vouched);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_asked_about_once_at_a_time_and_believed_while_the_own_membership_is_older() {
        let strangers = Strangers::default();
        assert_eq!(strangers.meet(4, 10), Err(true));
        assert_eq!(strangers.meet(4, 10), Err(false), "it is being asked about");
        strangers.answered(4, None);
        assert_eq!(strangers.meet(4, 10), Err(true));
        strangers.answered(4, Some(12));
        assert_eq!(strangers.meet(4, 10), Ok(()));
        assert_eq!(strangers.meet(4, 12), Err(true), "the own membership is as new, and does not know it");
        strangers.answered(5, Some(99));
        assert_eq!(strangers.meet(5, 10), Err(true), "nobody asked about it");
    }
}
