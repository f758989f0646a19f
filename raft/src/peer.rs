//! openraft's network over [`Net`]: what one node asks another of consensus.

use crate::{
    gathering::gathered,
    leading::Leading,
    machine::Snap,
    net::{CallError, Lane, Net},
    sending::Sending,
    snapshot::{Receiver, Work},
    types::{Cx, NodeInfo, Snapshot, Vote},
    wire::{self, Request},
};
use futures_util::{Stream, future::BoxFuture, stream::BoxStream};
use openraft::{
    OptionalSend,
    errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable},
    network::{Backoff, RPCOption, RaftNetworkFactory, stream_append_sequential, v2::RaftNetworkV2},
    raft::{
        AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, StreamAppendResult,
        TransferLeaderError, TransferLeaderRequest, VoteRequest, VoteResponse,
    },
};
use serde::de::DeserializeOwned;
use std::{future::Future, sync::Arc, time::Duration};

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
    pub(crate) leading: Arc<Leading<C>>,
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
            leading: self.leading.clone(),
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
    leading: Arc<Leading<C>>,
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
            self.leading.tell(committed.index);
        }
        let asked = (!rpc.entries.is_empty()).then(|| self.leading.ask(self.id));
        let limit = option.soft_ttl().max(APPEND_LIMIT);
        let answer = self.ask(&Request::Append(rpc), limit).await?;
        if let Some(asked) = asked {
            asked.answered();
        }
        Ok(answer)
    }

    fn stream_append<'s, S>(
        &'s mut self,
        requests: S,
        option: RPCOption,
    ) -> BoxFuture<'s, Result<BoxStream<'s, Result<StreamAppendResult<C>, RPCError<C>>>, RPCError<C>>>
    where
        S: Stream<Item = AppendEntriesRequest<C>> + OptionalSend + Unpin + 'static,
    {
        let gathered = Box::pin(gathered(self.leading.clone(), self.id, requests));
        stream_append_sequential(self, gathered, option)
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
        let Peer { net, id, node, sending, leading, work } = self;
        Receiver { net, id: *id, node, sending, leading, work: *work }.send(vote, snapshot, cancel).await
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
