//! The sealing keys of a node, by epoch: 64 random octets each, one file per epoch, readable by the owner alone.

use crate::{
    BundleError, layout,
    workshop::{PRIVATE, directory, put, sync},
};
use ring::digest::{SHA256, digest};
use std::{collections::BTreeMap, fmt, fs, io, os::unix::fs::PermissionsExt, path::Path};
use zeroize::Zeroize;

/// Octets of one epoch's secret.
pub const SECRET: usize = 64;
/// More epochs than a registry needs in a lifetime; a limit against a directory of anything.
const MAX_EPOCHS: usize = 1000;

/// The first 8 octets of the SHA-256 of a secret: tells two secrets apart and reveals nothing of them.
pub fn fingerprint(secret: &[u8; SECRET]) -> [u8; 8] {
    let mut first = [0; 8];
    first.copy_from_slice(&digest(&SHA256, secret).as_ref()[..8]);
    first
}

/// Secrets by epoch. Shows nothing of them, and wipes them when dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SealingKeys(BTreeMap<u32, [u8; SECRET]>);

impl SealingKeys {
    pub fn by_epoch(&self) -> &BTreeMap<u32, [u8; SECRET]> {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fingerprint of every secret.
    pub fn fingerprints(&self) -> BTreeMap<u32, [u8; 8]> {
        self.0.iter().map(|(epoch, secret)| (*epoch, fingerprint(secret))).collect()
    }

    pub(crate) fn insert(&mut self, epoch: u32, secret: [u8; SECRET]) {
        self.0.insert(epoch, secret);
    }

    /// Writes the secret of an epoch into a node's directory, durably and whole or not at all; what the epoch had
    /// before is replaced.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn store(node_dir: &Path, epoch: u32, secret: &[u8; SECRET]) -> Result<(), BundleError> {
        let failed = |e: crate::InitError| BundleError::new(node_dir, e.to_string());
        let dir = directory(&node_dir.join(layout::KEYS)).map_err(failed)?;
        // beside the directory, which holds whole keys only; one that a crash left behind is of no use
        let draft = node_dir.join(format!(".{}", layout::epoch_file(epoch)));
        let _ = fs::remove_file(&draft);
        put(&draft, secret, PRIVATE).map_err(failed)?;
        let place = dir.join(layout::epoch_file(epoch));
        fs::rename(&draft, &place)
            .map_err(|e| BundleError::new(&place, format!("cannot be written: {e}")))?;
        sync(&dir).map_err(failed)
    }

    /// Reads the keys of a node: every `epoch-N.key` in its directory of keys; a missing one holds none.
    ///
    /// # Errors
    /// An unreadable file, one that others may read, one that is not 64 octets long, or one with another name.
    pub fn of_node(node_dir: &Path) -> Result<SealingKeys, BundleError> {
        SealingKeys::load(&node_dir.join(layout::KEYS))
    }

    fn load(dir: &Path) -> Result<SealingKeys, BundleError> {
        let mut keys = SealingKeys::default();
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(keys),
            Err(e) => return Err(BundleError::unreadable(dir, &e)),
        };
        for entry in entries {
            let path = entry.map_err(|e| BundleError::unreadable(dir, &e))?.path();
            if keys.0.len() == MAX_EPOCHS {
                return Err(BundleError::new(dir, format!("more than {MAX_EPOCHS} files")));
            }
            let epoch = path.file_name().and_then(|name| layout::epoch_of(&name.to_string_lossy()));
            let Some(epoch) = epoch else {
                return Err(BundleError::new(
                    &path,
                    "this directory holds files named epoch-N.key only; move the file elsewhere",
                ));
            };
            keys.0.insert(epoch, secret(&path)?);
        }
        Ok(keys)
    }
}

fn secret(path: &Path) -> Result<[u8; SECRET], BundleError> {
    private(path)?;
    let mut octets = fs::read(path).map_err(|e| BundleError::unreadable(path, &e))?;
    let secret = <[u8; SECRET]>::try_from(octets.as_slice());
    let length = octets.len();
    octets.zeroize();
    secret.map_err(|_| {
        let why =
            format!("a sealing key is {SECRET} octets long, this is {length}; remove it and run `namingo-admin keys import`");
        BundleError::new(path, why)
    })
}

/// Refuses a secret that the group or the world may read.
pub(crate) fn private(path: &Path) -> Result<(), BundleError> {
    let mode = fs::metadata(path).map_err(|e| BundleError::unreadable(path, &e))?.permissions().mode();
    if mode & 0o077 != 0 {
        let mode = mode & 0o777;
        return Err(BundleError::new(
            path,
            format!("holds a secret and other users may open it (mode {mode:04o}); run chmod 600 on it"),
        ));
    }
    Ok(())
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealingKeys(epochs {:?})", self.0.keys().collect::<Vec<_>>())
    }
}

impl Drop for SealingKeys {
    fn drop(&mut self) {
        self.0.values_mut().for_each(Zeroize::zeroize);
    }
}
