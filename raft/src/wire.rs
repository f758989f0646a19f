//! What peers say to each other, encoded by `storage::codec` behind one version byte.

use crate::{
    snapshot::Announced,
    types::{Cx, Leader, NodeInfo, Role},
};
use openraft::raft::{AppendEntriesRequest, TransferLeaderRequest, VoteRequest};
use registry::{Command, Outcome, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, net::SocketAddr};
use storage::{Fault, codec};

/// A request between nodes. The order is the wire format: append only.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(crate) enum Request<C: Cx> {
    Append(AppendEntriesRequest<C>),
    Vote(VoteRequest<C>),
    PreVote(VoteRequest<C>),
    TransferLeader(TransferLeaderRequest<C>),
    Submit {
        command: Box<Command>,
        /// The accepting node's wall clock when it sent this: compared with the leader's.
        sent: Timestamp,
    },
    ReadIndex {
        /// Whom the node that asks has voted for.
        follows: Option<Leader>,
    },
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
    },
    /// Not about consensus; what it means is known elsewhere.
    Errand {
        #[serde(with = "serde_bytes")]
        octets: Vec<u8>,
    },
    /// A node asks to be taken in.
    Join(Seat),
    /// Asks the leader to remove a node.
    Expel {
        id: u64,
    },
    /// Whom a voter has voted for.
    Follows,
}

impl<C: Cx> Request<C> {
    /// Who may ask what: an edge stands anywhere, and a stolen one must not write, vote or command; consensus is for
    /// those that lead or could.
    pub(crate) fn is_for(&self, role: Role) -> bool {
        match role {
            Role::Voter => true,
            Role::Standby => !self.is_consensus(),
            // a full recomputation is work for a thread, which nobody orders from outside
            Role::Edge => matches!(
                self,
                Request::ReadIndex { .. } | Request::Status | Request::Digest { recompute: false, .. }
            ),
        }
    }

    /// Whether anybody with a certificate of the cluster may ask it.
    pub(crate) fn is_introduction(&self) -> bool {
        matches!(self, Request::Hello | Request::Time | Request::Join(_))
    }

    /// Whether the answer depends on the log that this node has had: its word in consensus.
    pub(crate) fn is_consensus(&self) -> bool {
        matches!(
            self,
            Request::Append(_)
                | Request::Vote(_)
                | Request::PreVote(_)
                | Request::TransferLeader(_)
                | Request::SnapshotBegin(_)
                | Request::SnapshotPart { .. }
                | Request::SnapshotEnd { .. }
                | Request::Follows
        )
    }
}

/// What a node that joins is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seat {
    pub(crate) role: Role,
    pub(crate) raft: SocketAddr,
    pub(crate) incarnation: u128,
}

/// What the node that was asked to take another in says. The order is the wire format: append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Joined {
    /// It is what it is to be.
    Member,
    /// It is a learner, and lacks that many entries.
    Learning {
        behind: u64,
    },
    /// Ask that one, if one is known.
    NotLeader(Option<(u64, SocketAddr)>),
    /// Nothing was decided; ask again.
    Later(String),
    /// It is a member with another log.
    Forgotten,
    /// It was removed for ever.
    Removed,
    Refused(String),
}

/// What came of a command at the node that was taken for the leader.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Submitted {
    Outcome(Outcome),
    /// Not proposed here.
    NotLeader,
    /// Not proposed: the leader's memory is filling faster than it drains, or its disk is full.
    Busy,
    /// Not proposed: the command's clock and the leader's differ too much.
    ClockOff {
        by_ms: i64,
    },
    /// Not proposed: the leader's clock waits for the operator.
    ClockHeld,
    /// Proposed, and lost sight of.
    Unknown,
    /// Not proposed: as many proposals as the leader takes are before it.
    Crowded,
}

/// The read index, or `None` where there is none to be had from this node now.
pub(crate) type ReadIndex = Option<u64>;

/// Who a node is, before it is a member of anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) incarnation: u128,
    /// The time there: nodes whose clocks differ found nothing together.
    pub(crate) wall: Timestamp,
    /// The members that the cluster was founded with, where they are known still.
    pub(crate) founded: Option<BTreeMap<u64, NodeInfo>>,
    /// The members now, as far as this node knows; empty: it knows of no founding.
    pub(crate) members: BTreeMap<u64, NodeInfo>,
    /// The log index of that knowledge.
    pub(crate) index: u64,
    /// The node that asks was removed for ever.
    pub(crate) gone: bool,
}

pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    codec::encode_record(value)
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    codec::decode_record(bytes)
}
