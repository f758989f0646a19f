//! Nodes that come and go.

use super::Operation;
use registry::node::NodeRole;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::SocketAddr};

/// What a node is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Voter,
    Standby,
    Edge,
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

/// Asks for the number of a new node, which may join from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeAllocate {
    pub role: Role,
    /// The cluster that is meant: numbers of another one are of no use.
    pub cluster_id: String,
    /// The highest number that whoever asks knows to be in use.
    pub at_least: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAllocated {
    pub id: u64,
    /// Where their peers reach the voters, whom a new node asks.
    pub contacts: BTreeMap<u64, SocketAddr>,
}

/// Removes a node from the cluster for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeRemove {
    pub id: u64,
    /// What it leaves is accepted: one voter, or an even number of them.
    #[serde(default)]
    pub accept: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRemoved {
    pub id: u64,
    /// The voters that are left.
    pub voters: Vec<u64>,
}

impl Operation for NodeAllocate {
    const NAME: &'static str = "cluster/allocate-node";
    type Reply = NodeAllocated;
}

impl Operation for NodeRemove {
    const NAME: &'static str = "cluster/remove-node";
    type Reply = NodeRemoved;
}
