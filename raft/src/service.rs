//! What a node answers its peers.

use crate::{
    clock::Told,
    cluster::{Cluster, Inner},
    net::{Net, Service},
    reads::own_read_index,
    types::Cx,
    wire::{self, Request},
};
use serde::Serialize;
use std::fmt::Display;

impl<C: Cx, N: Net> Service for Cluster<C, N> {
    async fn answer(&self, from: u64, request: Vec<u8>) -> Vec<u8> {
        match wire::decode(&request) {
            Ok(request) => self.inner.answer(from, request).await,
            Err(fault) => {
                tracing::warn!(peer = from, %fault, "a peer sent a request that can't be read");
                refuse(fault)
            }
        }
    }
}

impl<C: Cx, N: Net> Inner<C, N> {
    async fn answer(&self, from: u64, request: Request<C>) -> Vec<u8> {
        match request {
            Request::Append(rpc) => raft(self.raft.append_entries(rpc).await),
            Request::Vote(rpc) => raft(self.raft.vote(rpc).await),
            Request::PreVote(rpc) => raft(self.raft.pre_vote(rpc).await),
            Request::TransferLeader(rpc) => raft(self.raft.handle_transfer_leader(rpc).await),
            Request::Submit(command) => wire::encode(&self.propose(*command).await),
            Request::ReadIndex => wire::encode(&own_read_index(self).await),
            Request::Hello => wire::encode(&self.hello()),
            Request::Status => wire::encode(&self.status()),
            Request::Time => wire::encode(&Told(self.now())),
            Request::Digest { index, recompute } => wire::encode(&self.own_digest(index, recompute).await),
            Request::Withdraw { index, digest } => wire::encode(&self.withdraw(index, digest)),
            Request::AcceptClock => wire::encode(&self.clocks.accept()),
            Request::SnapshotBegin(announced) => wire::encode(&self.snapshot_begin(from, *announced).await),
            Request::SnapshotPart { transfer, number, bytes } => {
                wire::encode(&self.snapshot_part(from, transfer, number, bytes).await)
            }
            Request::SnapshotEnd { transfer } => wire::encode(&self.snapshot_end(from, transfer).await),
            Request::HandOver { to } => wire::encode(&self.hand_over(to).await),
            Request::Errand { octets } => wire::encode(&self.run_errand(from, octets).await),
        }
    }
}

/// A response of consensus, or why there is none: the peer treats that as a node that is not there.
fn raft<T: Serialize, E: Display>(response: Result<T, E>) -> Vec<u8> {
    wire::encode(&response.map_err(|e| e.to_string()))
}

fn refuse(why: impl Display) -> Vec<u8> {
    wire::encode(&Err::<(), String>(why.to_string()))
}
