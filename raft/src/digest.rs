//! The proof that all nodes hold the same state: each records its digest exactly after a `Mark`, and they are compared.
//!
//! A node whose digest differs from the one that a majority of the voters have is withdrawn: it must not answer, and
//! it must not vote on what it does not know.

use crate::{
    cluster::{Cluster, Inner},
    net::{CallError, Net},
    snapshot::Work,
    types::{Cx, Role},
    wire::Request,
};
use futures_util::future::join_all;
use registry::{Actor, Backend, Outcome, Reply, SvTrid, Unavailable, Verb};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};
use storage::View;
use tokio::sync::{Notify, oneshot};

/// How long a member may take to reach a mark.
const REACH: Duration = Duration::from_secs(10);
/// How long a full recomputation may take.
const RECOMPUTE: Duration = Duration::from_secs(600);

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
    /// The members whose state is not the majority's, or not what their own header says.
    pub fn differing(&self) -> Vec<u64> {
        let differs = |said: &Said| {
            let other = self.majority.is_some() && said.recorded.is_some() && said.recorded != self.majority;
            other || matches!(said.recomputed, Some(Err(_)))
        };
        let members = self.members.iter();
        members.filter(|(_, said)| said.as_ref().is_ok_and(differs)).map(|(id, _)| *id).collect()
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
        for id in comparison.differing() {
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
    pub(crate) async fn own_digest(&self, index: u64, recompute: bool) -> Result<Said, String> {
        self.progress.wait(index).await.map_err(|_| "this node is stopping")?;
        let recorded = self.progress.marked(index);
        let recomputed = match recompute {
            true => Some(verify(self.store.view(), self.work).await),
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
            _ => match verify(self.store.view(), self.work).await {
                Ok(()) => return,
                Err(fault) => fault,
            },
        };
        self.withdrawal.set(why);
    }
}

async fn verify(view: View, work: Work) -> Result<(), String> {
    if work == Work::Inline {
        return storage::verify_digest(&view).map_err(|fault| fault.to_string());
    }
    let (tell, told) = oneshot::channel();
    thread::spawn(move || drop(tell.send(storage::verify_digest(&view).map_err(|fault| fault.to_string()))));
    told.await.unwrap_or_else(|_| Err("the recomputation ended early".into()))
}
