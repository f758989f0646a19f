//! Sealing of personal data and credentials before they enter the log (AES-256-GCM), by key epoch.
//!
//! Voters and standbys hold the keys, edges do not. Nothing here draws randomness: nonces are given.

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// Octets of a nonce.
pub const NONCE: usize = NONCE_LEN;
/// Octets of one epoch's secret: 32 for sealing, 32 for the HMAC of authorization information.
pub const SECRET: usize = 64;

/// Ciphertext with what is needed to open it, given the epoch's key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    pub epoch: u32,
    nonce: [u8; NONCE],
    text: Box<[u8]>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed(epoch {}, {} octets)", self.epoch, self.text.len())
    }
}

/// Why something sealed could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealFault {
    /// This node holds no key of that epoch.
    NoKey { epoch: u32 },
    /// The ciphertext was altered, or belongs to another object.
    Broken { epoch: u32 },
}

impl fmt::Display for SealFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SealFault::NoKey { epoch } => write!(f, "this node holds no sealing key of epoch {epoch}"),
            SealFault::Broken { epoch } => {
                write!(f, "a record sealed with epoch {epoch} does not open: wrong key or altered data")
            }
        }
    }
}

impl std::error::Error for SealFault {}

struct EpochKeys {
    seal: LessSafeKey,
    mac: hmac::Key,
}

/// The sealing keys of a node by epoch, shared by all that seal and open. Epochs come and change places while the
/// node runs.
pub struct Keys {
    ring: RwLock<Ring>,
}

struct Ring {
    epochs: BTreeMap<u32, Arc<EpochKeys>>,
    /// What new records are sealed with.
    current: Option<u32>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys(epochs {:?})", self.read().epochs.keys().collect::<Vec<_>>())
    }
}

impl Keys {
    /// From the secrets by epoch; new records are sealed with the newest until [`Keys::seal_with`] says otherwise.
    pub fn new(secrets: &BTreeMap<u32, [u8; SECRET]>) -> Keys {
        let epochs: BTreeMap<_, _> =
            secrets.iter().map(|(epoch, secret)| (*epoch, Arc::new(EpochKeys::new(secret)))).collect();
        let current = epochs.last_key_value().map(|(epoch, _)| *epoch);
        Keys { ring: RwLock::new(Ring { epochs, current }) }
    }

    fn read(&self) -> RwLockReadGuard<'_, Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Ring> {
        self.ring.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the secret of an epoch, or puts another in its place: one that is not in use yet may be proposed anew.
    /// What new records are sealed with stays as it is.
    pub fn insert(&self, epoch: u32, secret: &[u8; SECRET]) {
        self.write().epochs.insert(epoch, Arc::new(EpochKeys::new(secret)));
    }

    /// Seals new records with `epoch` from now on.
    ///
    /// # Errors
    /// The epoch's key is missing on this node; nothing changes.
    pub fn seal_with(&self, epoch: u32) -> Result<(), SealFault> {
        let mut ring = self.write();
        if !ring.epochs.contains_key(&epoch) {
            return Err(SealFault::NoKey { epoch });
        }
        ring.current = Some(epoch);
        Ok(())
    }

    /// The epoch used for new records.
    ///
    /// # Errors
    /// No key at all: an edge.
    pub fn current(&self) -> Result<u32, SealFault> {
        self.read().current.ok_or(SealFault::NoKey { epoch: 0 })
    }

    /// Seals `plain` for the object that `context` names. `nonce` must be random and used once.
    ///
    /// # Errors
    /// No key at all.
    pub fn seal(&self, context: &Context<'_>, nonce: [u8; NONCE], plain: &[u8]) -> Result<Sealed, SealFault> {
        let epoch = self.current()?;
        let mut text = plain.to_vec();
        self.of(epoch)?
            .seal
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), context.aad(epoch), &mut text)
            .map_err(|_| SealFault::Broken { epoch })?;
        Ok(Sealed { epoch, nonce, text: text.into() })
    }

    /// Opens what [`Keys::seal`] made for the same context.
    ///
    /// # Errors
    /// The epoch's key is missing, or key, context or data do not fit.
    pub fn open(&self, context: &Context<'_>, sealed: &Sealed) -> Result<Vec<u8>, SealFault> {
        let epoch = sealed.epoch;
        let mut text = sealed.text.to_vec();
        let plain = self
            .of(epoch)?
            .seal
            .open_in_place(Nonce::assume_unique_for_key(sealed.nonce), context.aad(epoch), &mut text)
            .map_err(|_| SealFault::Broken { epoch })?;
        Ok(plain.to_vec())
    }

    /// The HMAC of a text with the key of an epoch.
    pub(crate) fn sign(&self, epoch: u32, text: &[u8]) -> Result<hmac::Tag, SealFault> {
        Ok(hmac::sign(&self.of(epoch)?.mac, text))
    }

    /// Whether `mac` is the HMAC of `text` with the key of an epoch; takes the same time whatever differs.
    pub(crate) fn is_signed(&self, epoch: u32, text: &[u8], mac: &[u8]) -> Result<bool, SealFault> {
        Ok(hmac::verify(&self.of(epoch)?.mac, text, mac).is_ok())
    }

    fn of(&self, epoch: u32) -> Result<Arc<EpochKeys>, SealFault> {
        self.read().epochs.get(&epoch).cloned().ok_or(SealFault::NoKey { epoch })
    }
}

impl EpochKeys {
    fn new(secret: &[u8; SECRET]) -> EpochKeys {
        let (seal, mac) = secret.split_at(SECRET / 2);
        let unbound = UnboundKey::new(&AES_256_GCM, seal).expect("32 octets are an AES-256 key");
        EpochKeys { seal: LessSafeKey::new(unbound), mac: hmac::Key::new(hmac::HMAC_SHA256, mac) }
    }
}

/// What a sealed record belongs to; authenticated, not stored.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub repository: &'a str,
    /// `contact` or `password`.
    pub kind: &'a str,
    /// The folded handle.
    pub handle: &'a str,
}

impl Context<'_> {
    fn aad(&self, epoch: u32) -> Aad<Vec<u8>> {
        let mut out = Vec::with_capacity(64);
        for part in [self.repository, self.kind, self.handle] {
            out.extend_from_slice(&(part.len() as u64).to_be_bytes());
            out.extend_from_slice(part.as_bytes());
        }
        out.extend_from_slice(&epoch.to_be_bytes());
        Aad::from(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(epoch: u32, byte: u8) -> Keys {
        Keys::new(&BTreeMap::from([(epoch, [byte; SECRET])]))
    }

    #[test]
    fn opens_only_with_key_and_context() {
        let ctx = Context { repository: "main", kind: "contact", handle: "sh8013" };
        let k = keys(1, 7);
        let sealed = k.seal(&ctx, [1; NONCE], b"Jane Doe").unwrap();
        assert_eq!(k.open(&ctx, &sealed).unwrap(), b"Jane Doe");
        assert!(!format!("{sealed:?}").contains("Jane"));
        let other = Context { handle: "sh8014", ..ctx };
        assert_eq!(k.open(&other, &sealed), Err(SealFault::Broken { epoch: 1 }));
        assert_eq!(keys(1, 8).open(&ctx, &sealed), Err(SealFault::Broken { epoch: 1 }));
        assert_eq!(keys(2, 7).open(&ctx, &sealed), Err(SealFault::NoKey { epoch: 1 }));
        assert_eq!(Keys::new(&BTreeMap::new()).current(), Err(SealFault::NoKey { epoch: 0 }));
    }

    #[test]
    fn a_new_epoch_seals_only_when_told_and_old_ones_still_open() {
        let ctx = Context { repository: "main", kind: "contact", handle: "sh8013" };
        let keys = keys(1, 7);
        let old = keys.seal(&ctx, [1; NONCE], b"Jane Doe").unwrap();
        assert_eq!(keys.seal_with(2), Err(SealFault::NoKey { epoch: 2 }));
        keys.insert(2, &[8; SECRET]);
        assert_eq!(keys.seal(&ctx, [2; NONCE], b"Jane Doe").unwrap().epoch, 1);
        keys.seal_with(2).unwrap();
        let new = keys.seal(&ctx, [3; NONCE], b"Jane Doe").unwrap();
        assert_eq!((old.epoch, new.epoch), (1, 2));
        assert_eq!(keys.open(&ctx, &old), keys.open(&ctx, &new));
    }
}
