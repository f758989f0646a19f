//! The proof that all nodes hold the same state: each records its digest exactly after a `Mark`, and they are compared.
//!
//! A node whose digest differs from the one that a majority of the voters have is withdrawn: it must not answer, and
//! it must not vote on what it does not know. Where digests differ and none has a majority, nobody can tell which is
//! right: all of them are shown, and nobody is withdrawn.

use crate::{
    cluster::{Cluster, Inner},
    net::{CallError, Net},
    snapshot::Work,
    types::{Cx, Role},
    wire::Request,
};
use futures_util::future::join_all;
use openraft::type_config::TypeConfigExt;
use registry::{Actor, Backend, Outcome, Reply, SvTrid, Unavailable, Verb};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};
use storage::View;
use tokio::sync::{Notify, OwnedMutexGuard, oneshot};

/// How long a member may take to reach a mark.
const REACH: Duration = Duration::from_secs(10);
/// How long a full recomputation may take.
const RECOMPUTE: Duration = Duration::from_secs(600);

const STOPPING: &str = "this node is stopping";

/// The turn of whoever hashes all rows.
pub(crate) type Recomputing = Arc<tokio::sync::Mutex<()>>;

/// What a node says of its digest after a mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// `None`: the mark was applied before this process started, or within a snapshot.
    pub recorded: Option<u128>,
    /// Whether the rows hash to what the header says; `None`: not asked for.
    pub recomputed: Option<Result<(), String>>,
}

/// The digests of all members after one mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The log index of the mark.
    pub index: u64,
    /// What more than half of the voters have.
    pub majority: Option<u128>,
    /// `Err`: the member did not answer.
    pub members: BTreeMap<u64, Result<Said, String>>,
}

impl Comparison {
    /// Whether members have different digests, and none of these has a majority.
    pub fn is_undecided(&self) -> bool {
        let known = self.members.values().filter_map(|said| said.as_ref().ok()?.recorded);
        self.majority.is_none() && known.collect::<BTreeSet<_>>().len() > 1
    }

    /// The members whose state is not the majority's, or not what their own header says; all that have a digest where
    /// none has a majority and they differ.
    pub fn differing(&self) -> Vec<u64> {
        let undecided = self.is_undecided();
        let differs = |said: &Said| {
            let other = said.recorded.is_some() && said.recorded != self.majority;
            (other && (undecided || self.majority.is_some())) || matches!(said.recomputed, Some(Err(_)))
        };
        let members = self.members.iter();
        members.filter(|(_, said)| said.as_ref().is_ok_and(differs)).map(|(id, _)| *id).collect()
    }

    /// The members that are told to withdraw: of those that differ all or, where that is undecided, none.
    pub fn to_withdraw(&self) -> Vec<u64> {
        if self.is_undecided() { Vec::new() } else { self.differing() }
    }
}

/// Whether this node must not serve any more, and why.
#[derive(Debug, Default)]
pub(crate) struct Withdrawal {
    why: Mutex<Option<String>>,
    told: Notify,
}

impl Withdrawal {
    fn set(&self, why: String) {
        tracing::error!(why, "this node is withdrawn");
        *self.why.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        self.told.notify_waiters();
    }

    fn get(&self) -> Option<String> {
        self.why.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<C: Cx, N: Net> Cluster<C, N> {
    /// Submits a mark and asks every member for its digest after it; members that differ from the majority are told
    /// to withdraw. `recompute`: each hashes all its rows again, which takes seconds for each million.
    ///
    /// # Errors
    /// The mark could not be submitted.
    pub async fn compare_digests(&self, svtrid: SvTrid, recompute: bool) -> Result<Comparison, Unavailable> {
        let outcome = self.submit(Verb::Mark, Actor::System, svtrid).await?;
        let Outcome::Done(Reply::Marked { index, .. }) = outcome else {
            return Err(Unavailable::Fault(format!("a mark came to {outcome:?}")));
        };
        // then the membership known here is the one that the mark was made under
        self.inner.progress.wait(index).await.map_err(|_| Unavailable::NoLeader)?;
        let comparison = self.inner.compare(index, recompute).await;
        if comparison.is_undecided() {
            let nodes = comparison.differing();
            tracing::error!(index, ?nodes, "states differ, and none has a majority: nobody is withdrawn");
        }
        for id in comparison.to_withdraw() {
            tracing::error!(node = id, index, "the state of this node is not the cluster's");
            if let Err(error) = self.tell_to_withdraw(id, index).await {
                tracing::error!(node = id, %error, "it could not be told to withdraw");
            }
        }
        Ok(comparison)
    }

    async fn tell_to_withdraw(&self, id: u64, index: u64) -> Result<(), CallError> {
        if id == self.inner.id {
            self.inner.reconsider(index).await;
            return Ok(());
        }
        self.inner.ask(id, &Request::Withdraw { index }, REACH).await
    }

    /// Resolves when this node was found to hold another state than the cluster, with the finding.
    pub async fn withdrawn(&self) -> String {
        loop {
            let told = self.inner.withdrawal.told.notified();
            if let Some(why) = self.inner.withdrawal.get() {
                return why;
            }
            told.await;
        }
    }
}

fn majority(voters: &[u64], said: &BTreeMap<u64, Result<Said, String>>) -> Option<u128> {
    let mut counts: BTreeMap<u128, usize> = BTreeMap::new();
    for digest in voters.iter().filter_map(|id| said.get(id)?.as_ref().ok()?.recorded) {
        *counts.entry(digest).or_default() += 1;
    }
    counts.into_iter().find(|(_, count)| *count > voters.len() / 2).map(|(digest, _)| digest)
}

impl<C: Cx, N: Net> Inner<C, N> {
    /// What a peer is told. It is not waited for longer than whoever compares would wait.
    pub(crate) async fn told_digest(&self, index: u64, recompute: bool) -> Result<Said, String> {
        let reached = C::timeout(REACH, self.progress.wait(index)).await;
        reached.map_err(|_| format!("entry {index} is not applied here yet"))?.map_err(|_| STOPPING)?;
        self.own_digest(index, recompute).await
    }

    async fn own_digest(&self, index: u64, recompute: bool) -> Result<Said, String> {
        self.progress.wait(index).await.map_err(|_| STOPPING)?;
        let recorded = self.progress.marked(index);
        let recomputed = match recompute {
            true => {
                let turn = self.recomputing.clone().try_lock_owned();
                let turn =
                    turn.map_err(|_| "a recomputation is under way here: try again when it is done")?;
                Some(verify(self.store.view(), self.work, turn).await?)
            }
            false => None,
        };
        Ok(Said { recorded, recomputed })
    }

    async fn digest_of(&self, id: u64, index: u64, recompute: bool) -> Result<Said, CallError> {
        if id == self.id {
            return self.own_digest(index, recompute).await.map_err(CallError::Lost);
        }
        let limit = if recompute { RECOMPUTE } else { REACH };
        self.ask(id, &Request::Digest { index, recompute }, limit).await
    }

    async fn compare(&self, index: u64, recompute: bool) -> Comparison {
        let members = self.members();
        let asked = members.keys().map(|id| async move {
            (*id, self.digest_of(*id, index, recompute).await.map_err(|e| e.to_string()))
        });
        let said: BTreeMap<u64, Result<Said, String>> = join_all(asked).await.into_iter().collect();
        let voters =
            members.iter().filter(|(_, m)| m.role == Role::Voter).map(|(id, _)| *id).collect::<Vec<_>>();
        Comparison { index, majority: majority(&voters, &said), members: said }
    }

    /// Told that its state is another than the majority's, a node asks the others itself before it believes that.
    pub(crate) async fn reconsider(&self, index: u64) {
        let own = self.progress.marked(index);
        let found = self.compare(index, false).await;
        let why = match (own, found.majority) {
            (Some(own), Some(majority)) if own != majority => {
                format!(
                    "after entry {index} its digest is {own:032x}, that of a majority of the voters {majority:032x}"
                )
            }
            _ => {
                let turn = self.recomputing.clone().lock_owned().await;
                match verify(self.store.view(), self.work, turn).await {
                    Ok(Ok(())) => return,
                    Ok(Err(fault)) => fault,
                    Err(why) => return tracing::error!(why, "told to withdraw, and could not look into it"),
                }
            }
        };
        self.withdrawal.set(why);
    }
}

/// Hashes all rows, one such scan at a time.
///
/// # Errors
/// It could not be done: that says nothing about the rows.
async fn verify(view: View, work: Work, turn: OwnedMutexGuard<()>) -> Result<Result<(), String>, String> {
    if work == Work::Inline {
        return Ok(storage::verify_digest(&view).map_err(|fault| fault.to_string()));
    }
    let (tell, told) = oneshot::channel();
    let scan = move || {
        let found = storage::verify_digest(&view).map_err(|fault| fault.to_string());
        drop((tell.send(found), turn));
    };
    let started = thread::Builder::new().name("recompute".into()).spawn(scan);
    started.map_err(|error| format!("no thread for a recomputation: {error}"))?;
    told.await.map_err(|_| "the recomputation ended early".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(voters: &[u64], digests: &[(u64, Option<u128>)]) -> Comparison {
        let said = |recorded| Ok(Said { recorded, recomputed: None });
        let members: BTreeMap<_, _> = digests.iter().map(|(id, digest)| (*id, said(*digest))).collect();
        Comparison { index: 7, majority: majority(voters, &members), members }
    }

    #[test]
    fn only_who_contradicts_a_majority_is_withdrawn() {
        let odd = compared(&[1, 2, 3], &[(1, Some(5)), (2, Some(5)), (3, Some(6)), (4, Some(6))]);
        assert_eq!((odd.is_undecided(), odd.differing(), odd.to_withdraw()), (false, vec![3, 4], vec![3, 4]));
        let torn = compared(&[1, 2, 3], &[(1, Some(5)), (2, Some(6)), (3, None), (4, Some(6))]);
        assert_eq!(
            (torn.is_undecided(), torn.differing(), torn.to_withdraw()),
            (true, vec![1, 2, 4], vec![])
        );
        // one digest without a majority contradicts nobody
        let alone = compared(&[1, 2, 3], &[(1, Some(5)), (2, None), (3, None)]);
        assert_eq!((alone.is_undecided(), alone.differing()), (false, vec![]));
    }
}
