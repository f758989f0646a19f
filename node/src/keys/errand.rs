//! Sealing keys between nodes, over the peers' mutual TLS: a new secret goes from the node where the operator rotates
//! to every voter and standby, and each of them tells which secrets it holds, by fingerprint.
//!
//! The leader hands keys that are in use over to members whose bundle was made before they were.
//!
//! A node takes a secret only if the replicated state announced its fingerprint; nobody can ask for one.

use super::{KeyRing, Secret};
use crate::node::Peers;
use cluster::SealingKeys;
use futures_util::future::join_all;
use raft::{Clerk, Role};
use registry::keys::{self, Fingerprint, KeyEpoch, Stage};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use storage::codec;
use tokio::time::{Instant, sleep};
use zeroize::{Zeroize, Zeroizing};

/// How long a node may take for one answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// How long it is tried to bring a secret to a node: it must have applied the proposal.
const OFFER_LIMIT: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_millis(100);

/// What a node asks another. The order is the wire format: append only.
#[derive(Serialize, Deserialize)]
enum Ask {
    /// Which secrets it holds.
    Held,
    /// To take the secret of an epoch.
    Take { epoch: u32, secret: Vec<u8> },
}

/// What it is told. The order is the wire format: append only.
#[derive(Debug, Serialize, Deserialize)]
enum Told {
    Held(BTreeMap<u32, Fingerprint>),
    Taken,
    /// The epoch was not announced there yet, or with another fingerprint.
    NotAnnounced,
}

impl Drop for Ask {
    fn drop(&mut self) {
        if let Ask::Take { secret, .. } = self {
            secret.zeroize();
        }
    }
}

/// Held epochs by node, or why a node did not tell.
pub type HeldByNode = BTreeMap<u64, Result<BTreeMap<u32, Fingerprint>, String>>;

impl KeyRing {
    /// Answers the other nodes from now on.
    pub fn attend(self: &Arc<KeyRing>, cluster: &Peers) {
        let ring = self.clone();
        let clerk: Clerk = Arc::new(move |from, role, request| {
            let ring = ring.clone();
            Box::pin(async move { ring.answer(from, role, Zeroizing::new(request)).await })
        });
        cluster.answer_errands(clerk);
    }

    async fn answer(
        self: Arc<KeyRing>,
        from: u64,
        role: Role,
        request: Zeroizing<Vec<u8>>,
    ) -> Result<Vec<u8>, String> {
        if role == Role::Edge || !self.seals {
            return Err("edges neither give nor take sealing keys".into());
        }
        let ask: Ask = codec::decode_record(&request).map_err(|_| "the errand can't be read".to_owned())?;
        let told = match &ask {
            Ask::Held => Told::Held(self.held()),
            Ask::Take { epoch, secret } => {
                let secret = Secret::new(secret.as_slice().try_into().map_err(|_| "not a secret")?);
                let (epoch, ring) = (*epoch, self.clone());
                tracing::info!(epoch, from, "a sealing key is offered");
                let taken = tokio::task::spawn_blocking(move || ring.take(epoch, &secret)).await;
                taken.map_err(|e| e.to_string())??
            }
        };
        Ok(codec::encode_record(&told))
    }

    fn take(&self, epoch: u32, secret: &Secret) -> Result<Told, String> {
        let given = Fingerprint(cluster::fingerprint(secret));
        if self.lock().get(&epoch) == Some(&given) {
            return Ok(Told::Taken);
        }
        match self.known(epoch)? {
            Some(known) if known.fingerprint == given && self.may_take(&known) => {
                self.keep(epoch, secret).map(|_| Told::Taken)
            }
            Some(_) | None => Ok(Told::NotAnnounced),
        }
    }

    fn may_take(&self, known: &KeyEpoch) -> bool {
        known.stage == Stage::Proposed || (known.is_needed() && self.joined_later())
    }

    /// Brings the secret of an epoch to every other voter and standby. Gives their ids, this node's included.
    ///
    /// # Errors
    /// The secret is not here, or some node could not be given it: each is named with its reason.
    pub async fn spread(&self, cluster: &Peers, epoch: u32) -> Result<Vec<u64>, String> {
        let keys = SealingKeys::of_node(&self.bundle.dir).map_err(|e| e.to_string())?;
        let secret = keys.by_epoch().get(&epoch).ok_or_else(|| format!("epoch {epoch} is not held here"))?;
        let ask = Ask::Take { epoch, secret: secret.to_vec() };
        let ask = Zeroizing::new(codec::encode_record(&ask));
        let others = sealing_members(cluster);
        let offers = others.iter().map(|id| offer(cluster, *id, &ask));
        let failed: Vec<String> = join_all(offers).await.into_iter().filter_map(Result::err).collect();
        if failed.is_empty() {
            return Ok(others.into_iter().chain([self.bundle.node]).collect());
        }
        Err(format!(
            "the key of epoch {epoch} did not reach every node, so nothing is sealed with it: {}; see to \
             these nodes and rotate again",
            failed.join("; ")
        ))
    }

    /// At the leader: brings keys that are in use to members that lack them, as one does whose bundle was made before
    /// a rotation.
    pub async fn hand_over(&self, cluster: &Peers) -> Result<(), String> {
        let needed = keys::all(&self.store.view()).map_err(|fault| fault.to_string())?;
        let needed: Vec<u32> =
            needed.into_iter().filter(|(_, known)| known.is_needed()).map(|(epoch, _)| epoch).collect();
        let lacking = lacking(&needed, &self.held_by_node(cluster).await);
        if lacking.is_empty() {
            return Ok(());
        }
        let keys = SealingKeys::of_node(&self.bundle.dir).map_err(|e| e.to_string())?;
        for (id, epoch) in lacking.into_iter().filter(|(id, _)| *id != self.bundle.node) {
            let Some(secret) = keys.by_epoch().get(&epoch) else { continue };
            let ask = Ask::Take { epoch, secret: secret.to_vec() };
            offer(cluster, id, &Zeroizing::new(codec::encode_record(&ask))).await?;
            tracing::info!(node = id, epoch, "handed a sealing key over to a member that lacked it");
        }
        Ok(())
    }

    /// What every voter and standby holds.
    pub async fn held_by_node(&self, cluster: &Peers) -> HeldByNode {
        let others = sealing_members(cluster);
        let asked = others.iter().map(|id| async move {
            let told = ask(cluster, *id, &codec::encode_record(&Ask::Held)).await;
            let held = told.and_then(|told| match told {
                Told::Held(held) => Ok(held),
                other => Err(format!("an answer that does not fit: {other:?}")),
            });
            (*id, held)
        });
        let mut all: HeldByNode = join_all(asked).await.into_iter().collect();
        if self.seals {
            all.insert(self.bundle.node, Ok(self.held()));
        }
        all
    }
}

/// Which members lack which of the epochs that are needed.
fn lacking(needed: &[u32], held: &HeldByNode) -> Vec<(u64, u32)> {
    let told = held.iter().filter_map(|(id, told)| Some((*id, told.as_ref().ok()?)));
    told.flat_map(|(id, held)| {
        needed.iter().filter(|epoch| !held.contains_key(epoch)).map(move |epoch| (id, *epoch))
    })
    .collect()
}

/// The other members that hold keys.
fn sealing_members(cluster: &Peers) -> Vec<u64> {
    let status = cluster.status();
    let sealing = status.members.iter().filter(|(id, node)| node.role != Role::Edge && **id != status.id);
    sealing.map(|(id, _)| *id).collect()
}

async fn ask(cluster: &Peers, to: u64, request: &[u8]) -> Result<Told, String> {
    let answer = cluster.errand(to, request.to_vec(), ANSWER_LIMIT).await?;
    codec::decode_record(&answer).map_err(|_| "an answer that can't be read".to_owned())
}

async fn offer(cluster: &Peers, to: u64, request: &[u8]) -> Result<(), String> {
    let until = Instant::now() + OFFER_LIMIT;
    loop {
        let why = match ask(cluster, to, request).await {
            Ok(Told::Taken) => return Ok(()),
            Ok(Told::NotAnnounced) => "it has not heard of this epoch".to_owned(),
            Ok(other) => format!("an answer that does not fit: {other:?}"),
            Err(why) => why,
        };
        if Instant::now() >= until {
            return Err(format!("node {to}: {why}"));
        }
        sleep(RETRY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_lacks_a_key_that_is_in_use_is_found_and_the_silent_are_left() {
        let print = |octet| Fingerprint([octet; 8]);
        let held = HeldByNode::from([
            (1, Ok(BTreeMap::from([(1, print(1)), (2, print(2)), (3, print(3))]))),
            (2, Ok(BTreeMap::new())),
            (3, Err("not reachable".into())),
            (4, Ok(BTreeMap::from([(2, print(9))]))),
        ]);
        // another secret is not replaced: an operator has to look
        assert_eq!(lacking(&[2, 3], &held), [(2, 2), (2, 3), (4, 3)]);
        assert_eq!(lacking(&[], &held), []);
    }
}
