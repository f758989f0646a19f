//! The seam to the network: a request of bytes to a peer, and its answer. Real sockets in `transport`, messages in
//! memory in a simulation.

use crate::types::NodeInfo;
use std::{fmt, future::Future, time::Duration};

/// Requests of different urgency travel on connections of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Votes, appends, heartbeats.
    Raft,
    /// Forwarded commands, questions about status.
    Forward,
    /// What readers wait for; on the runtime of the readers.
    Read,
    /// Parts of a snapshot.
    Snapshot,
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The request was not sent.
    Unreachable(String),
    /// The request may have been received.
    Lost(String),
    /// The peer received the request and did nothing about it.
    Refused(String),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Unreachable(why) => write!(f, "not reachable: {why}"),
            CallError::Lost(why) => write!(f, "no answer: {why}"),
            CallError::Refused(why) => write!(f, "refused: {why}"),
        }
    }
}

impl std::error::Error for CallError {}

/// Calls peers.
pub trait Net: Clone + Send + Sync + 'static {
    /// Sends `request` to the peer and waits for its answer, at most `limit`.
    fn call(
        &self,
        to: u64,
        node: &NodeInfo,
        lane: Lane,
        request: Vec<u8>,
        limit: Duration,
    ) -> impl Future<Output = Result<Vec<u8>, CallError>> + Send;
}

/// Answers peers.
pub trait Service: Clone + Send + Sync + 'static {
    /// The answer to a request of peer `from`, whose identity is proved.
    fn answer(&self, from: u64, request: Vec<u8>) -> impl Future<Output = Vec<u8>> + Send;
}
