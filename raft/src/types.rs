//! openraft's type configuration, spelled out so that the stores stay free of the runtime.

use openraft::{RaftTypeConfig, declare_raft_types};
use registry::{Entry, Outcome};
use serde::{Deserialize, Serialize};
use std::{fmt, net::SocketAddr};

declare_raft_types!(
    /// Production: tokio, real time.
    pub Live: D = Entry, R = Applied, NodeId = u64, Node = NodeInfo, AsyncRuntime = openraft_rt_tokio::TokioRuntime
);

pub(crate) type Leader = openraft::impls::leader_id_adv::LeaderId<u64, u64>;
pub(crate) type LogId = openraft::LogId<Leader>;
pub(crate) type Vote = openraft::impls::Vote<Leader>;
pub(crate) type Payload = openraft::EntryPayload<Entry, u64, NodeInfo>;
pub(crate) type LogEntry = openraft::Entry<Leader, Payload>;
pub(crate) type Membership = openraft::StoredMembership<Leader, u64, NodeInfo>;
pub(crate) type Meta = openraft::SnapshotMeta<Leader, u64, NodeInfo>;
pub(crate) type Snapshot = openraft::Snapshot<Leader, u64, NodeInfo, crate::Snap>;

/// Any configuration that this crate runs on: the runtime is free, the rest is fixed.
pub trait Cx:
    RaftTypeConfig<
        D = Entry,
        R = Applied,
        NodeId = u64,
        Node = NodeInfo,
        Term = u64,
        LeaderId = Leader,
        Vote = Vote,
        Payload = Payload,
        Entry = LogEntry,
    >
{
}

impl<T> Cx for T where
    T: RaftTypeConfig<
            D = Entry,
            R = Applied,
            NodeId = u64,
            Node = NodeInfo,
            Term = u64,
            LeaderId = Leader,
            Vote = Vote,
            Payload = Payload,
            Entry = LogEntry,
        >
{
}

/// What applying an entry came to; `None` for openraft's own entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied(pub Option<Outcome>);

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "applied" } else { "blank" })
    }
}

/// What a node is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Votes, and can lead.
    #[default]
    Voter,
    /// Learns everything and holds the keys; can be made a voter.
    Standby,
    /// Learns everything, holds no keys, answers the public.
    Edge,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Voter => "voter",
            Role::Standby => "standby",
            Role::Edge => "edge",
        })
    }
}

/// A member as replicated membership knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeInfo {
    pub role: Role,
    /// Drawn when the node's log was created: a node that lost its log is another node.
    pub incarnation: u128,
    /// Where peers reach it.
    pub raft: SocketAddr,
}

impl Default for NodeInfo {
    fn default() -> Self {
        NodeInfo { role: Role::Voter, incarnation: 0, raft: SocketAddr::from(([127, 0, 0, 1], 0)) }
    }
}

impl fmt::Display for NodeInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.role, self.raft)
    }
}
