//! The nodes that the cluster has ever had, by number: which ones may join, as what, and which ones are gone for good.
//!
//! A number is allocated once and never again: a node that was removed, or that lost its disks, comes back under
//! another one, so that nobody mistakes it for the node that it was. Founders have no row before they are removed.
//!
//! Not here: who belongs to consensus now (membership, in the replication layer), certificates, addresses.

mod allocate;
mod remove;

pub use allocate::NodeAllocate;
pub(crate) use allocate::{apply as apply_allocate, check as check_allocate};
pub use remove::NodeRemove;
pub(crate) use remove::{apply as apply_remove, check as check_remove};

use crate::{
    refusal::{Refusal, Stop},
    tables::NODE,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use storage::{Fault, Read, Record};

/// The highest number of a node: sequences of svTRIDs and certificates have room for far more, but a registry with
/// as many nodes as this has something wrong with it.
pub const ID_MAX: u64 = 1_000_000;

/// What a node was allocated for. The order is replicated: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeRole {
    Voter,
    Standby,
    Edge,
}

impl fmt::Display for NodeRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NodeRole::Voter => "voter",
            NodeRole::Standby => "standby",
            NodeRole::Edge => "edge",
        })
    }
}

/// Whether a node may belong to the cluster. The order is replicated: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeState {
    /// It may join, or has joined.
    Allocated,
    /// For ever.
    Removed,
}

/// One node; its number is its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    pub role: NodeRole,
    pub state: NodeState,
}

impl Record for Node {}

/// # Errors
/// A storage fault.
pub fn find(db: &impl Read, id: u64) -> Result<Option<Node>, Fault> {
    db.get(&NODE, &id)
}

/// Whether the number is out of use for ever.
///
/// # Errors
/// A storage fault.
pub fn is_removed(db: &impl Read, id: u64) -> Result<bool, Fault> {
    Ok(find(db, id)?.is_some_and(|node| node.state == NodeState::Removed))
}

fn invalid(id: u64, why: impl Into<String>) -> Stop {
    Refusal::NodeInvalid { id, why: why.into() }.into()
}
