//! Whether this node still leads, and what a reader must wait for (read index, Raft dissertation 6.4).
//!
//! A leader may serve a read once a majority of the voters follows nobody later, asked after the read arrived. That is
//! asked past consensus, of the vote in each node's log: a vote is in there before it is acted upon, so whoever has
//! helped to elect somebody later, or taken an entry from there, says so. As many voters are asked as are needed, those
//! first that answered first lately, and the others soon after. A voter that asks for itself has said it already.

use crate::{
    cluster::Inner,
    net::{Lane, Net},
    types::{Cx, Leader, NodeInfo, Vote},
    wire::{ReadIndex, Request},
};
use futures_util::{
    StreamExt,
    future::{Either, select},
    stream::FuturesUnordered,
};
use openraft::{ServerState, async_runtime::WatchReceiver, type_config::TypeConfigExt};
use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Duration};
use storage::{MetaKey, codec};

/// How long a majority may take.
const LIMIT: Duration = Duration::from_millis(500);
/// After so long everybody is asked who was not.
const HEDGE: Duration = Duration::from_millis(10);

impl<C: Cx, N: Net> Inner<C, N> {
    /// The vote as the log holds it: nothing that follows from it was done before it was there.
    fn vote(&self) -> Option<Vote> {
        let bytes = self.log.get_meta(MetaKey::Vote)?;
        let vote = codec::decode_record(&bytes);
        vote.inspect_err(|fault| tracing::error!(%fault, "the vote in the log can't be read")).ok()
    }

    /// Whom this node helped to elect, or tries to get elected.
    pub(crate) fn follows(&self) -> Option<Leader> {
        self.vote().map(|vote| vote.leader_id)
    }

    /// [`Inner::own_read_index`] within the answer to a peer; `asker`: that peer, and whom it follows. A task of its own:
    /// it asks other nodes, and answering may be a part of asking.
    pub(crate) async fn read_index_for_peer(self: &Arc<Self>, asker: Option<(u64, Leader)>) -> ReadIndex {
        let node = self.clone();
        C::spawn(async move { node.own_read_index(asker, Lane::Forward).await }).await.ok()?
    }

    /// An index that covers everything acknowledged before this call, if this node leads and a majority confirms it
    /// within half a second; the voters are asked on the connections of `lane`.
    pub(crate) async fn own_read_index(&self, asker: Option<(u64, Leader)>, lane: Lane) -> ReadIndex {
        let (leader, index) = self.acknowledged()?;
        if asker.is_some() {
            self.leading.want(index);
        }
        let mut said = BTreeSet::from([self.id]);
        said.extend(asker.filter(|(_, follows)| *follows == leader).map(|(id, _)| id));
        let confirmed = C::timeout(LIMIT, self.is_confirmed(leader, said, lane)).await;
        confirmed.unwrap_or(false).then_some(index)
    }

    /// The leader that this node is, if it is one, and the index up to which anything may be acknowledged as long as
    /// nobody later leads: what is applied here, and what others were told that they may apply. Until something of its
    /// own term is, the whole log.
    fn acknowledged(&self) -> Option<(Leader, u64)> {
        let vote = self.vote()?;
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        // the vote alone may be from before a restart, and what was announced then is forgotten
        if metrics.vote != vote || metrics.state != ServerState::Leader {
            return None;
        }
        let leader = vote.leader_id;
        if metrics.last_applied.is_some_and(|id| id.leader_id == leader) {
            return Some((leader, self.store.applied().max(self.leading.told())));
        }
        let (index, _) = self.log.bounds().ok()?.1?;
        Some((leader, index))
    }

    /// Whether a majority follows `leader`, among them those that have `said` so.
    async fn is_confirmed(&self, leader: Leader, mut said: BTreeSet<u64>, lane: Lane) -> bool {
        // the newest membership of this log, or the one before it while that is being written: every change goes through
        // a majority of the one before
        let (configs, mut others) = self.quorum(&said);
        let is_enough = |said: &BTreeSet<u64>| {
            configs.iter().all(|voters| voters.intersection(said).count() > voters.len() / 2)
        };
        self.leading.sort(&mut others);
        let needed = (0..=others.len()).find(|n| {
            let hoped: BTreeSet<u64> =
                said.iter().copied().chain(others[..*n].iter().map(|(id, _)| *id)).collect();
            is_enough(&hoped)
        });
        let (now, later) = match needed {
            None => return false,
            Some(0) => return true,
            Some(needed) => others.split_at(needed),
        };
        let ask = |(id, node): &(u64, NodeInfo)| self.ask_whether_follows(leader, *id, node.clone(), lane);
        let mut later = Some(later);
        let mut asked: FuturesUnordered<_> = now.iter().map(ask).collect();
        let mut hedge = pin!(C::sleep(HEDGE));
        loop {
            let answer = match later {
                None => asked.next().await,
                Some(_) => match select(asked.next(), hedge.as_mut()).await {
                    Either::Left((answer, _)) => answer,
                    Either::Right(_) => Some(None),
                },
            };
            match answer {
                None => return false,
                Some(Some(id)) => {
                    self.leading.answered(id);
                    said.insert(id);
                    if is_enough(&said) {
                        return true;
                    }
                }
                Some(None) => asked.extend(later.take().into_iter().flatten().map(ask)),
            }
        }
    }

    /// The configurations that need a majority each, and their voters but for those that have `said` something.
    fn quorum(&self, said: &BTreeSet<u64>) -> (Vec<BTreeSet<u64>>, Vec<(u64, NodeInfo)>) {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let membership = metrics.membership_config.membership();
        let configs = membership.get_joint_config();
        let voters: BTreeSet<u64> = configs.iter().flatten().copied().collect();
        let others = voters.difference(said).filter_map(|id| Some((*id, membership.get_node(id)?.clone())));
        (configs.clone(), others.collect())
    }

    /// The voter, if it follows `leader`.
    async fn ask_whether_follows(&self, leader: Leader, id: u64, node: NodeInfo, lane: Lane) -> Option<u64> {
        let follows: Option<Leader> = self.ask_on(lane, id, &node, &Request::Follows, LIMIT).await.ok()?;
        (follows == Some(leader)).then_some(id)
    }
}
