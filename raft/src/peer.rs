//! openraft's network over [`Net`]: what one node asks another of consensus.

use crate::{
    machine::Snap,
    net::{CallError, Lane, Net},
    sending::Sending,
    snapshot::{Receiver, Work},
    types::{Cx, NodeInfo, Snapshot, Vote},
    wire::{self, Request},
};
use openraft::{
    OptionalSend,
    errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable},
    network::{Backoff, RPCOption, RaftNetworkFactory, v2::RaftNetworkV2},
    raft::{
        AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderError,
        TransferLeaderRequest, VoteRequest, VoteResponse,
    },
};
use serde::de::DeserializeOwned;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// An append may take this long even where the heartbeat interval is shorter: a far edge would otherwise never
/// get an answer in time. Heartbeats are cut by openraft itself.
const APPEND_LIMIT: Duration = Duration::from_secs(2);
/// Pause before a silent peer is tried again.
const BACKOFF: Duration = Duration::from_millis(200);

/// Makes clients for peers.
#[derive(Clone)]
pub(crate) struct Peers<C: Cx, N> {
    pub(crate) net: N,
    pub(crate) sending: Arc<Sending<C>>,
    /// The highest index that a peer was told to be committed.
    pub(crate) announced: Arc<AtomicU64>,
    pub(crate) work: Work,
}

impl<C: Cx, N: Net> RaftNetworkFactory<C> for Peers<C, N> {
    type Network = Peer<C, N>;

    async fn new_client(&mut self, target: u64, node: &NodeInfo) -> Peer<C, N> {
        Peer {
            net: self.net.clone(),
            id: target,
            node: node.clone(),
            sending: self.sending.clone(),
            announced: self.announced.clone(),
            work: self.work,
        }
    }
}

/// One peer.
pub(crate) struct Peer<C: Cx, N> {
    net: N,
    id: u64,
    node: NodeInfo,
    sending: Arc<Sending<C>>,
    announced: Arc<AtomicU64>,
    work: Work,
}

impl<C: Cx, N: Net> Peer<C, N> {
    async fn ask<T: DeserializeOwned>(
        &self,
        request: &Request<C>,
        limit: Duration,
    ) -> Result<T, RPCError<C>> {
        let bytes =
            self.net.call(self.id, &self.node, Lane::Raft, wire::encode(request), limit).await.map_err(
                |e| match e {
                    CallError::Unreachable(_) | CallError::Refused(_) => {
                        RPCError::Unreachable(Unreachable::new(&e))
                    }
                    CallError::Lost(_) => RPCError::Network(NetworkError::new(&e)),
                },
            )?;
        let answer: Result<T, String> =
            wire::decode(&bytes).map_err(|e| RPCError::Network(NetworkError::new(&e)))?;
        answer.map_err(|why| RPCError::Unreachable(Unreachable::from_string(why)))
    }
}

impl<C: Cx, N: Net> RaftNetworkV2<C> for Peer<C, N> {
    type SnapshotData = Snap;

    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<C>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<C>, RPCError<C>> {
        if let Some(committed) = &rpc.leader_commit {
            self.announced.fetch_max(committed.index, Ordering::SeqCst);
        }
        let limit = option.soft_ttl().max(APPEND_LIMIT);
        self.ask(&Request::Append(rpc), limit).await
    }

    async fn vote(&mut self, rpc: VoteRequest<C>, option: RPCOption) -> Result<VoteResponse<C>, RPCError<C>> {
        self.ask(&Request::Vote(rpc), option.soft_ttl()).await
    }

    async fn pre_vote(
        &mut self,
        rpc: VoteRequest<C>,
        option: RPCOption,
    ) -> Result<VoteResponse<C>, RPCError<C>> {
        self.ask(&Request::PreVote(rpc), option.soft_ttl()).await
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<C>, StreamingError<C>> {
        let Peer { net, id, node, sending, announced, work } = self;
        Receiver { net, id: *id, node, sending, committed: announced, work: *work }
            .send(vote, snapshot, cancel)
            .await
    }

    async fn transfer_leader(
        &mut self,
        rpc: TransferLeaderRequest<C>,
        option: RPCOption,
    ) -> Result<Result<(), TransferLeaderError<C>>, RPCError<C>> {
        self.ask(&Request::TransferLeader(rpc), option.soft_ttl()).await
    }

    fn backoff(&self) -> Option<Backoff> {
        Some(Backoff::new(std::iter::repeat(BACKOFF)))
    }
}
