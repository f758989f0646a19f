//! The sealing keys of a node, by epoch: 64 random octets each, one file per epoch, readable by the owner alone.

use crate::{BundleError, layout};
use std::{collections::BTreeMap, fmt, fs, io, os::unix::fs::PermissionsExt, path::Path};
use zeroize::Zeroize;

/// Octets of one epoch's secret.
pub const SECRET: usize = 64;
/// More epochs than a registry needs in a lifetime; a limit against a directory of anything.
const MAX_EPOCHS: usize = 1000;

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

    /// Reads every `epoch-N.key` of a directory; a missing directory holds no keys.
    ///
    /// # Errors
    /// An unreadable file, one that others may read, one that is not 64 octets long, or one with another name.
    pub(crate) fn load(dir: &Path) -> Result<SealingKeys, BundleError> {
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
            format!("a sealing key is {SECRET} octets long, this is {length}; restore it from a backup");
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
