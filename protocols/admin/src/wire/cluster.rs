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
    /// What it thinks of its own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<String>,
    /// Whether a write of it waits for room on its disk.
    #[serde(default)]
    pub disk_full: bool,
}

/// Compares the digests of all members' states; members that differ from the majority withdraw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestQuery {
    /// Each member also hashes all its rows again, which takes seconds for each million.
    #[serde(default)]
    pub recompute: bool,
}

/// The digests after one entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestReport {
    pub index: u64,
    /// What more than half of the voters have, in hexadecimal.
    pub majority: Option<String>,
    pub members: Vec<MemberDigest>,
}

/// One member's digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberDigest {
    pub id: u64,
    /// Absent where the member did not answer, or applied the entry within a snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Whether its state is known to be another than the majority's.
    pub differs: bool,
    /// Why there is no digest, or what the recomputation found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// Takes the clocks of the node and of the leader as they are, after a jump or a long gap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockAccept {}

/// What is known of the node's clock now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockNow {
    pub clock: String,
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

impl Operation for DigestQuery {
    const NAME: &'static str = "cluster/digest";
    type Reply = DigestReport;
}

impl Operation for ClockAccept {
    const NAME: &'static str = "clock/accept";
    type Reply = ClockNow;
}

impl Operation for LeaderTransfer {
    const NAME: &'static str = "cluster/transfer-leader";
    type Reply = NewLeader;
}
