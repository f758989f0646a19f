//! What a node answers its peers: every answer is a value, or why there is none.

use crate::{
    cluster::{Cluster, Inner},
    net::{Net, Service},
    types::Cx,
    wire::{self, Request},
};
use openraft::type_config::TypeConfigExt;
use serde::Serialize;
use std::{fmt::Display, sync::Arc};

impl<C: Cx, N: Net> Service for Cluster<C, N> {
    async fn answer(&self, from: u64, request: Vec<u8>) -> Vec<u8> {
        match wire::decode(&request) {
            // consensus that has stopped answers with an error in the log, for each that asks
            Ok(_) if self.inner.progress.is_ending() => {
                refuse(format_args!("node {} is stopping", self.inner.id))
            }
            Ok(request) => match self.inner.hears(from, &request) {
                Ok(()) => self.inner.answer(from, request).await,
                Err(why) => refuse(why),
            },
            Err(fault) => {
                tracing::warn!(peer = from, %fault, "a peer sent a request that can't be read");
                refuse(fault)
            }
        }
    }
}

impl<C: Cx, N: Net> Inner<C, N> {
    async fn answer(self: &Arc<Self>, from: u64, request: Request<C>) -> Vec<u8> {
        match request {
            // heartbeats go on: what waits is taken when the disk has taken what came before
            Request::Append(rpc) if !rpc.entries.is_empty() && self.is_behind() => {
                refuse("this node's disk is full, or far behind")
            }
            Request::Append(rpc) => outcome(self.raft.append_entries(rpc).await),
            Request::Vote(rpc) => outcome(self.raft.vote(rpc).await),
            Request::PreVote(rpc) => outcome(self.raft.pre_vote(rpc).await),
            // who must not stand for election must not be handed leadership either
            Request::TransferLeader(rpc) if *rpc.to_node_id() == self.id && !self.may_lead() => {
                refuse("this node may not lead now: look at its clock and its disk")
            }
            Request::TransferLeader(rpc) => outcome(self.raft.handle_transfer_leader(rpc).await),
            Request::Submit { command, sent } => value(&self.propose(*command, sent).await),
            Request::ReadIndex { follows } => {
                value(&self.read_index_for_peer(follows.map(|leader| (from, leader))).await)
            }
            Request::Follows => value(&self.follows()),
            Request::Hello => value(&self.hello(from)),
            Request::Status => value(&self.status()),
            Request::Time => value(&self.told()),
            Request::Digest { index, recompute } => outcome(self.told_digest(index, recompute).await),
            Request::Withdraw { index } => {
                let node = self.clone();
                drop(C::spawn(async move { node.reconsider(index).await }));
                value(&())
            }
            Request::AcceptClock => value(&self.clocks.accept()),
            Request::SnapshotBegin(announced) => outcome(self.snapshot_begin(from, *announced).await),
            Request::SnapshotPart { transfer, number, bytes } => {
                outcome(self.snapshot_part(from, transfer, number, bytes).await)
            }
            Request::SnapshotEnd { transfer } => outcome(self.snapshot_end(from, transfer).await),
            Request::HandOver { to } => {
                // a task of its own: it asks another node, and answering may be a part of asking
                let node = self.clone();
                let handed = C::spawn(async move { node.hand_over(to).await }).await;
                value(&handed.unwrap_or_else(|_| Err("this node is stopping".into())))
            }
            Request::Errand { octets } => value(&self.run_errand(from, octets).await),
            Request::Join(seat) => value(&self.admit(from, seat).await),
            Request::Expel { id } => value(&self.expel(id).await),
        }
    }
}

fn value<T: Serialize>(value: &T) -> Vec<u8> {
    wire::encode(&Ok::<&T, String>(value))
}

/// A value, or why there is none: consensus treats that as a node that is not there.
fn outcome<T: Serialize, E: Display>(outcome: Result<T, E>) -> Vec<u8> {
    wire::encode(&outcome.map_err(|e| e.to_string()))
}

fn refuse(why: impl Display) -> Vec<u8> {
    wire::encode(&Err::<(), String>(why.to_string()))
}
