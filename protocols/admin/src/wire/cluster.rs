//! The state of the cluster, and who leads it.

use super::{Instant, Operation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Asks for [`ClusterStatus`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterQuery {}

/// The cluster as one node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterStatus {
    pub cluster_id: String,
    pub cluster_name: String,
    /// The node that answers.
    pub node: u64,
    pub leader: Option<u64>,
    pub term: u64,
    /// By id.
    pub members: Vec<Member>,
}

/// One member. Indexes are log indexes; absent where they are not known to the node that answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub id: u64,
    /// `voter`, `standby` or `edge`.
    pub role: String,
    /// Service → address.
    #[serde(default)]
    pub addresses: BTreeMap<String, String>,
    /// Whether it answered just now.
    pub reachable: bool,
    /// The last entry that the leader knows to be in its log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<u64>,
    /// The last entry whose effects are in its state file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drained: Option<u64>,
    /// How fresh its answers are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_time: Option<Instant>,
}

/// Hands leadership to another voter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaderTransfer {
    /// `None`: the voter that is furthest.
    #[serde(default)]
    pub to: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewLeader {
    pub leader: u64,
}

impl Operation for ClusterQuery {
    const NAME: &'static str = "cluster/status";
    type Reply = ClusterStatus;
}

impl Operation for LeaderTransfer {
    const NAME: &'static str = "cluster/transfer-leader";
    type Reply = NewLeader;
}
