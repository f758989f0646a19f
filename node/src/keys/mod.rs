//! The sealing keys of a running node: what it holds, whether that is what the replicated state needs, and which
//! epoch it seals with now.
//!
//! Secrets lie in `DIR/node-N/keys/` and travel between voters and standbys only (`errand`); the replicated state
//! knows their fingerprints. Not here: resealing, which the leader does (`jobs::sealing`).

mod errand;

use crate::{failure::Failure, node::random};
use cluster::{Bundle, SealingKeys};
use registry::{
    keys::{self, Fingerprint, KeyEpoch, Stage},
    seal::{Keys, SECRET},
    tables::KEY_EPOCH,
};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use storage::{Fault, Read, Store};
use tokio::time::Instant;
use zeroize::Zeroizing;

/// How often it is looked whether another epoch is current.
const LOOK: Duration = Duration::from_millis(250);

/// How long a node that joins waits for its keys.
const HAND_OVER_LIMIT: Duration = Duration::from_secs(30);

/// The epoch that a cluster is founded with.
pub const FIRST: u32 = 1;

/// A secret on its way; wiped when dropped.
type Secret = Zeroizing<[u8; SECRET]>;

/// The keys that a node holds, on disk and in memory alike.
pub struct KeyRing {
    keys: Arc<Keys>,
    bundle: Bundle,
    seals: bool,
    store: Arc<Store>,
    held: Mutex<BTreeMap<u32, Fingerprint>>,
    /// Whether the keys did fit once the node had caught up: while it replays its log, it passes states whose keys are
    /// gone for good.
    settled: AtomicBool,
}

/// Why the keys of a node are not those that the state needs.
enum Misfit {
    Missing { epoch: u32, wanted: Fingerprint },
    Other { epoch: u32, wanted: Fingerprint, held: Fingerprint },
    Fault(Fault),
}

impl KeyRing {
    /// The keys of a bundle, over the state that was opened. New records are sealed with the epoch that is current
    /// there, and with the first before it is registered.
    ///
    /// A key that this state needs and that is missing is told and no more: the state may be old, and the epoch
    /// retired since. [`KeyRing::fits_soon`] decides, when the node has caught up.
    pub fn open(bundle: &Bundle, seals: bool, store: Arc<Store>) -> Arc<KeyRing> {
        let ring = KeyRing {
            keys: Arc::new(Keys::new(bundle.keys.by_epoch())),
            bundle: bundle.clone(),
            seals,
            store,
            held: Mutex::new(fingerprints(&bundle.keys)),
            settled: AtomicBool::new(false),
        };
        if let Err(misfit) = ring.adjust() {
            tracing::warn!("as far as this node's own state goes, {}", ring.advice(&misfit));
        }
        Arc::new(ring)
    }

    /// What servers seal and open with.
    pub fn keys(&self) -> &Arc<Keys> {
        &self.keys
    }

    pub fn held(&self) -> BTreeMap<u32, Fingerprint> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, Fingerprint>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Checks, once the node has caught up, that every key which the state needs is here. A node that joined the
    /// cluster later waits a while: the leader gives it what came into use after its bundle was made.
    ///
    /// # Errors
    /// A key is missing or another; the message says what to do.
    pub async fn fits_soon(&self) -> Result<(), Failure> {
        let until = Instant::now() + HAND_OVER_LIMIT;
        loop {
            match self.adjust() {
                Err(Misfit::Missing { .. }) if self.joined_later() && Instant::now() < until => {
                    tokio::time::sleep(LOOK).await;
                }
                fitted => {
                    self.settled.store(true, Ordering::Release);
                    return fitted.map_err(|misfit| Failure::new(self.advice(&misfit)));
                }
            }
        }
    }

    /// Whether the node did not found the cluster: only such a node is given keys that are in use already. A founder
    /// that lacks one has lost it, and its operator should know.
    fn joined_later(&self) -> bool {
        self.bundle.joining.is_some()
    }

    fn adjust(&self) -> Result<(), Misfit> {
        if !self.seals {
            return Ok(());
        }
        let view = self.store.view();
        let held = self.lock().clone();
        for (epoch, KeyEpoch { fingerprint, .. }) in
            keys::all(&view).map_err(Misfit::Fault)?.into_iter().filter(|(_, known)| known.is_needed())
        {
            match held.get(&epoch) {
                None => return Err(Misfit::Missing { epoch, wanted: fingerprint }),
                Some(other) if *other != fingerprint => {
                    return Err(Misfit::Other { epoch, wanted: fingerprint, held: *other });
                }
                Some(_) => {}
            }
        }
        // before the leader has registered the first epoch, a newer one on disk is a rotation that did not end
        let current = keys::current(&view).map_err(Misfit::Fault)?.unwrap_or(FIRST);
        if self.keys.current() != Ok(current) && self.keys.seal_with(current).is_ok() {
            tracing::info!(epoch = current, "new records are sealed with this key epoch from now on");
        }
        Ok(())
    }

    /// Follows the replicated state until the task is dropped. A key that is missing is looked for on disk, where
    /// `namingo-admin keys import` puts it.
    pub async fn follow(self: Arc<KeyRing>) {
        let mut told = false;
        loop {
            tokio::time::sleep(LOOK).await;
            let ring = self.clone();
            let looked = tokio::task::spawn_blocking(move || ring.adjust().or_else(|_| ring.reload())).await;
            match looked {
                Ok(Err(misfit)) if !told && self.settled.load(Ordering::Acquire) => {
                    tracing::error!("{}", self.advice(&misfit));
                    told = true;
                }
                Ok(Ok(())) => told = false,
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }

    /// Takes up what came to the directory of keys meanwhile.
    fn reload(&self) -> Result<(), Misfit> {
        match SealingKeys::of_node(&self.bundle.dir) {
            Ok(found) => {
                found.by_epoch().iter().for_each(|(epoch, secret)| self.keys.insert(*epoch, secret));
                *self.lock() = fingerprints(&found);
            }
            Err(why) => tracing::warn!(%why, "the sealing keys can't be read again"),
        }
        self.adjust()
    }

    /// The secret that the next epoch begins with: the one that was proposed and is here, else a new one.
    ///
    /// # Errors
    /// The node does not seal, the epoch is in use, or the file system refuses.
    pub fn draw(&self, epoch: u32, proposed: Option<Fingerprint>) -> Result<Fingerprint, String> {
        if !self.seals {
            return Err("this node is an edge and holds no keys; ask a voter or a standby".into());
        }
        if let Some(known) = proposed.filter(|known| self.lock().get(&epoch) == Some(known)) {
            return Ok(known);
        }
        match self.known(epoch)?.map(|known| known.stage) {
            None | Some(Stage::Proposed) => self.keep(epoch, &Zeroizing::new(random())),
            Some(_) => Err(format!("epoch {epoch} is in use")),
        }
    }

    /// What the replicated state knows of an epoch.
    fn known(&self, epoch: u32) -> Result<Option<KeyEpoch>, String> {
        self.store.view().get(&KEY_EPOCH, &epoch).map_err(|fault| fault.to_string())
    }

    fn keep(&self, epoch: u32, secret: &Secret) -> Result<Fingerprint, String> {
        SealingKeys::store(&self.bundle.dir, epoch, secret).map_err(|e| e.to_string())?;
        let fingerprint = Fingerprint(cluster::fingerprint(secret));
        self.keys.insert(epoch, secret);
        self.lock().insert(epoch, fingerprint);
        tracing::info!(epoch, %fingerprint, "holds the sealing key of this epoch");
        Ok(fingerprint)
    }

    fn advice(&self, misfit: &Misfit) -> String {
        let (node, data_dir) =
            (self.bundle.node, self.bundle.dir.parent().unwrap_or(&self.bundle.dir).display());
        let import = format!("namingo-admin --data-dir {data_dir} --node {node} keys import FILE");
        match misfit {
            Misfit::Missing { epoch, wanted } => format!(
                "node {node} holds no sealing key of epoch {epoch} ({wanted}), and records are sealed with it; run \
                 `{import}` with a file that `keys export` wrote at another node"
            ),
            Misfit::Other { epoch, wanted, held } => format!(
                "node {node} holds another sealing key of epoch {epoch} ({held}) than the cluster ({wanted}); remove \
                 {} and run `{import}`",
                self.bundle
                    .dir
                    .join(cluster::layout::KEYS)
                    .join(cluster::layout::epoch_file(*epoch))
                    .display()
            ),
            Misfit::Fault(fault) => format!("the key epochs can't be read: {fault}"),
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRing({:?})", self.held())
    }
}

fn fingerprints(keys: &SealingKeys) -> BTreeMap<u32, Fingerprint> {
    keys.fingerprints().into_iter().map(|(epoch, octets)| (epoch, Fingerprint(octets))).collect()
}
