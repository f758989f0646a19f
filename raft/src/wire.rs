//! What peers say to each other, encoded by `storage::codec` behind one version byte.

use crate::{
    snapshot::Announced,
    types::{Cx, NodeInfo},
};
use openraft::raft::{AppendEntriesRequest, TransferLeaderRequest, VoteRequest};
use registry::{Command, Outcome, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::BTreeMap;
use storage::{Fault, codec};

/// A request between nodes. The order is the wire format: append only.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) enum Request<C: Cx> {
    Append(AppendEntriesRequest<C>),
    Vote(VoteRequest<C>),
    PreVote(VoteRequest<C>),
    TransferLeader(TransferLeaderRequest<C>),
    Submit(Box<Command>),
    ReadIndex,
    Hello,
    Status,
    /// Asks the leader to hand leadership to a voter.
    HandOver {
        to: u64,
    },
    SnapshotBegin(Box<Announced>),
    SnapshotPart {
        transfer: u64,
        number: u64,
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    SnapshotEnd {
        transfer: u64,
    },
    /// The time there.
    Time,
    /// The operator takes the clock as it is.
    AcceptClock,
    /// The digest after the mark at `index`.
    Digest {
        index: u64,
        recompute: bool,
    },
    /// The state of this node is not the majority's.
    Withdraw {
        index: u64,
        digest: Option<u128>,
    },
    /// Not about consensus; what it means is known elsewhere.
    Errand {
        #[serde(with = "serde_bytes")]
        octets: Vec<u8>,
    },
}

/// What came of a command at the node that was taken for the leader.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Submitted {
    Outcome(Outcome),
    /// Not proposed here.
    NotLeader,
    /// Not proposed: the leader's memory is filling faster than it drains.
    Busy,
    /// Not proposed: the command's clock and the leader's differ too much.
    ClockOff {
        by_ms: i64,
    },
    /// Not proposed: the leader's clock waits for the operator.
    ClockHeld,
    /// Proposed, and lost sight of.
    Unknown,
}

/// The read index, or `None` where there is none to be had from this node now.
pub(crate) type ReadIndex = Option<u64>;

/// Who a node is, before it is a member of anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) incarnation: u128,
    /// The time there: nodes whose clocks differ found nothing together.
    pub(crate) wall: Timestamp,
    /// The founding voters as this node knows them; `None`: it was not founded.
    pub(crate) founded: Option<BTreeMap<u64, NodeInfo>>,
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    codec::encode_record(value)
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    codec::decode_record(bytes)
}
