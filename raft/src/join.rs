//! How a node that founded nothing becomes a member: it asks the leader, again and again until it is what it was
//! allocated for. The leader takes it in as a learner, and makes a voter of it once it has caught up.
//!
//! Who may join is policy in the replicated state (`registry::node`), and the founding list for founding learners.

use crate::{
    cluster::{Cluster, Inner},
    founding::{Founder, ROUND},
    membership::voters_but,
    net::{CallError, Net},
    start::StartError,
    types::{Cx, NodeInfo, Role},
    wire::{Joined, Request, Seat},
};
use openraft::{ChangeMembers, async_runtime::WatchReceiver, type_config::TypeConfigExt};
use registry::node::{self, Node, NodeRole, NodeState};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

/// How long one answer may take; a change of the membership goes on behind it.
const ANSWER: Duration = Duration::from_secs(2);
/// How long the leader waits to have applied what it has confirmed.
const APPLY: Duration = Duration::from_secs(1);
/// A learner that lacks no more entries than this is made a voter.
const NEAR: u64 = 1_000;
/// Every so many rounds the log tells what the joining waits for.
const TELL_EVERY: u64 = 50;
const TELL_AT: u64 = 10;

impl<C: Cx, N: Net> Cluster<C, N> {
    /// Becomes a member as `own` says; `contacts` are nodes that may know the leader. Returns at once for a node
    /// that is what it is to be, as far as its own log tells; else waits as long as it takes.
    ///
    /// # Errors
    /// The node was not allocated, or was removed, or is a member with another log.
    pub async fn join(
        &self,
        own: Founder,
        contacts: BTreeMap<u64, SocketAddr>,
        founders: &BTreeMap<u64, Founder>,
    ) -> Result<(), StartError> {
        let node = &self.inner;
        node.founding.list(founders);
        if node.founding.is_settled() && node.is_seated(node.id, own.role) {
            return Ok(());
        }
        let seat = Seat { role: own.role, raft: own.raft, incarnation: node.incarnation };
        let mut joining = Joining { cluster: self, seat, contacts, turn: 0, leader: None };
        joining.run().await
    }
}

/// A node on its way in.
struct Joining<'a, C: Cx, N: Net> {
    cluster: &'a Cluster<C, N>,
    seat: Seat,
    contacts: BTreeMap<u64, SocketAddr>,
    turn: usize,
    leader: Option<(u64, SocketAddr)>,
}

impl<C: Cx, N: Net> Joining<'_, C, N> {
    async fn run(&mut self) -> Result<(), StartError> {
        let node = &self.cluster.inner;
        let id = node.id;
        let (mut rounds, mut learns) = (0_u64, false);
        loop {
            rounds += 1;
            let Some((to, at)) = self.next() else {
                return Err(StartError::Config(format!("node {id} knows no other node that it could ask")));
            };
            let waits_for = match self.ask(to, at).await {
                Ok(Joined::Member) => {
                    node.founding.settle();
                    tracing::info!(role = %self.seat.role, "this node is a member of the cluster");
                    return Ok(());
                }
                Ok(Joined::Learning { behind }) => {
                    node.founding.settle();
                    if !learns {
                        tracing::info!(leader = to, behind, "taken into the cluster; catching up");
                    }
                    learns = true;
                    self.leader = Some((to, at));
                    format!("node {to} has {behind} entries more than this node is known to have")
                }
                Ok(Joined::NotLeader(leader)) => {
                    let known = leader.is_some() && self.leader != leader;
                    self.leader = leader;
                    if known {
                        continue;
                    }
                    format!("node {to} does not lead and knows no leader that answers")
                }
                Ok(Joined::Later(why)) => why,
                Ok(Joined::Forgotten) => return Err(StartError::Forgotten { id, known_by: Some(to) }),
                Ok(Joined::Removed) => return Err(StartError::Removed { id }),
                Ok(Joined::Refused(why)) => return Err(StartError::NotAdmitted { id, why }),
                Err(error) => {
                    self.leader = None;
                    format!("node {to} at {at}: {error}")
                }
            };
            if rounds % TELL_EVERY == TELL_AT {
                tracing::warn!(waits_for, "not yet what this node is to be in the cluster");
            }
            C::sleep(ROUND).await;
        }
    }

    /// Whom to ask now: the leader that was named, else one after the other.
    fn next(&mut self) -> Option<(u64, SocketAddr)> {
        let own = self.cluster.inner.id;
        if let Some(leader) = self.leader.filter(|(id, _)| *id != own) {
            return Some(leader);
        }
        let others = whom_to_ask(own, &self.contacts, &self.cluster.inner.members());
        let asked = *others.get(self.turn % others.len().max(1))?;
        self.turn += 1;
        Some(asked)
    }

    async fn ask(&self, to: u64, at: SocketAddr) -> Result<Joined, CallError> {
        let there = NodeInfo { raft: at, ..NodeInfo::default() };
        self.cluster.inner.ask_at(to, &there, &Request::Join(self.seat.clone()), ANSWER).await
    }
}

/// Those that may know who leads, and whose word counts: an edge stands anywhere, and must neither end a node that asks it
/// nor give it a voice.
fn whom_to_ask(
    own: u64,
    contacts: &BTreeMap<u64, SocketAddr>,
    members: &BTreeMap<u64, NodeInfo>,
) -> Vec<(u64, SocketAddr)> {
    let unknown = contacts.iter().filter(|(id, _)| **id != own && !members.contains_key(id));
    let voters = voters_but(own, members).into_iter().map(|(id, voter)| (id, voter.raft));
    unknown.map(|(id, at)| (*id, *at)).chain(voters).collect()
}

impl<C: Cx, N: Net> Inner<C, N> {
    /// Whether a node is what `role` says, as far as the membership here tells.
    fn is_seated(&self, id: u64, role: Role) -> bool {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let membership = metrics.membership_config.membership();
        let votes = membership.get_joint_config().iter().all(|config| config.contains(&id));
        membership.get_node(&id).is_some() && (role != Role::Voter || votes)
    }

    /// Answers a node that asks to be taken in.
    pub(crate) async fn admit(self: &Arc<Self>, from: u64, seat: Seat) -> Joined {
        if !self.leads() {
            return Joined::NotLeader(self.leader().map(|(id, leader)| (id, leader.raft)));
        }
        // what this node knows counts only while it leads, and the newest of it
        let Some(index) = self.read_index_for_peer(None).await else {
            return Joined::NotLeader(None);
        };
        if !matches!(C::timeout(APPLY, self.progress.wait(index)).await, Ok(Ok(()))) {
            return Joined::Later("the leader is behind with applying its log".into());
        }
        match self.members().remove(&from) {
            Some(member) if member.incarnation != seat.incarnation => Joined::Forgotten,
            Some(member) => self.advance(from, member.role).await,
            None => match self.may_join(from, seat.role) {
                Ok(()) => self.take_in(from, seat).await,
                Err(no) => no,
            },
        }
    }

    /// Whether the replicated list of nodes, or the founding list, lets a node in.
    fn may_join(&self, id: u64, role: Role) -> Result<(), Joined> {
        let known = match node::find(&self.store.view(), id) {
            Ok(known) => known,
            Err(fault) => return Err(Joined::Later(fault.to_string())),
        };
        match known {
            Some(Node { state: NodeState::Removed, .. }) => Err(Joined::Removed),
            Some(Node { role: allocated, .. }) if Role::from(allocated) == role => Ok(()),
            Some(Node { role: allocated, .. }) => {
                Err(Joined::Refused(format!("it was allocated as {allocated}, not as {role}")))
            }
            None if role != Role::Voter && self.founding.listed(id) == Some(role) => Ok(()),
            None => Err(Joined::Refused(
                "the cluster has allocated no such node; `namingo-admin cluster add-node` does".into(),
            )),
        }
    }

    async fn take_in(self: &Arc<Self>, id: u64, seat: Seat) -> Joined {
        let Seat { role, raft, incarnation } = seat;
        let nodes = BTreeMap::from([(id, NodeInfo { role, incarnation, raft })]);
        match self.change(ChangeMembers::AddNodes(nodes)).await {
            Ok(()) => {
                tracing::info!(node = id, %role, at = %raft, "taken into the cluster");
                if role == Role::Voter {
                    Joined::Learning { behind: self.last_log() }
                } else {
                    Joined::Member
                }
            }
            Err(why) => Joined::Later(why),
        }
    }

    /// Makes a voter of a learner that is to be one and has caught up.
    async fn advance(self: &Arc<Self>, id: u64, role: Role) -> Joined {
        if self.is_seated(id, role) {
            return Joined::Member;
        }
        if let Err(why) = self.finish_change().await {
            return Joined::Later(why);
        }
        let behind = self.last_log().saturating_sub(self.matched(id));
        if behind > NEAR {
            return Joined::Learning { behind };
        }
        match self.change(ChangeMembers::AddVoterIds(BTreeSet::from([id]))).await {
            Ok(()) => {
                tracing::info!(node = id, "has caught up; it votes from now on");
                Joined::Member
            }
            Err(why) => Joined::Later(why),
        }
    }

    pub(crate) fn last_log(&self) -> u64 {
        self.raft.metrics().borrow_watched().last_log_index.unwrap_or(0)
    }

    pub(crate) fn matched(&self, id: u64) -> u64 {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let matched = metrics.replication.as_ref().and_then(|all| all.get(&id).cloned().flatten());
        matched.map_or(0, |at| at.index)
    }
}

impl From<NodeRole> for Role {
    fn from(role: NodeRole) -> Role {
        match role {
            NodeRole::Voter => Role::Voter,
            NodeRole::Standby => Role::Standby,
            NodeRole::Edge => Role::Edge,
        }
    }
}

impl From<Role> for NodeRole {
    fn from(role: Role) -> NodeRole {
        match role {
            Role::Voter => NodeRole::Voter,
            Role::Standby => NodeRole::Standby,
            Role::Edge => NodeRole::Edge,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_not_asked_who_belongs() {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let member = |role, port| NodeInfo { role, raft: at(port), ..NodeInfo::default() };
        let contacts = BTreeMap::from([(1, at(1)), (2, at(2)), (4, at(4)), (9, at(9))]);
        assert_eq!(whom_to_ask(9, &contacts, &BTreeMap::new()), [(1, at(1)), (2, at(2)), (4, at(4))]);
        let members = BTreeMap::from([
            (1, member(Role::Voter, 11)),
            (3, member(Role::Voter, 3)),
            (4, member(Role::Edge, 4)),
            (9, member(Role::Voter, 9)),
        ]);
        assert_eq!(whom_to_ask(9, &contacts, &members), [(2, at(2)), (1, at(11)), (3, at(3))]);
    }
}
