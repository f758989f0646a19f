//! The sealing keys of a node in one file, for a backup kept apart, and back into a node's directory. Works on files
//! alone: a node that lacks a key does not start.

use crate::{
    BundleError, Founding, SealingKeys, fingerprint,
    keys::{SECRET, private},
    layout,
    workshop::{PRIVATE, put},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt::Write, fs, path::Path};
use zeroize::{Zeroize, Zeroizing};

/// Octets of a file of keys at most: more than a thousand epochs.
const FILE_MAX: u64 = 1 << 20;
const HEAD: &str =
    "# Sealing keys. Who holds this file can read every contact of the registry: keep it apart, and safe.\n";

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    /// Of the cluster that the keys belong to.
    cluster_id: String,
    epoch: BTreeMap<u32, Exported>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exported {
    fingerprint: String,
    secret: String,
}

impl Drop for Exported {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

/// What an import came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Epochs that the node did not hold.
    pub added: Vec<u32>,
    /// Epochs that it held already.
    pub present: Vec<u32>,
}

/// Writes every key that a node holds into a new file that its owner alone can read. Gives the fingerprints.
///
/// # Errors
/// The node holds none, or the file exists or can't be written.
pub fn export_keys(node_dir: &Path, file: &Path) -> Result<BTreeMap<u32, [u8; 8]>, BundleError> {
    let founding = Founding::load(&node_dir.join(layout::FOUNDING))?;
    let keys = SealingKeys::of_node(node_dir)?;
    if keys.is_empty() {
        return Err(BundleError::new(&node_dir.join(layout::KEYS), "holds no sealing keys to export"));
    }
    let exported =
        |secret: &[u8; SECRET]| Exported { fingerprint: hex(&fingerprint(secret)), secret: hex(secret) };
    let epoch = keys.by_epoch().iter().map(|(epoch, secret)| (*epoch, exported(secret))).collect();
    let content = KeyFile { cluster_id: founding.cluster_id, epoch };
    let text = toml::to_string(&content).map_err(|e| BundleError::new(file, e.to_string()))?;
    let text = Zeroizing::new(format!("{HEAD}{}", Zeroizing::new(text).as_str()));
    put(file, text.as_bytes(), PRIVATE).map_err(|e| BundleError::new(file, format!("not written: {e}")))?;
    Ok(keys.fingerprints())
}

/// Brings the keys of a file into the directory of node `id`. All are checked before the first is written; a key
/// that the node holds is never replaced.
///
/// # Errors
/// The file is damaged or belongs to another cluster, the node is an edge, or it holds another key of an epoch.
pub fn import_keys(node_dir: &Path, id: u64, file: &Path) -> Result<Imported, BundleError> {
    let founding = Founding::load(&node_dir.join(layout::FOUNDING))?;
    if founding.node.get(&id).is_some_and(|founder| !founder.role.holds_keys()) {
        return Err(BundleError::new(
            node_dir,
            "is the directory of an edge, which must hold no sealing keys",
        ));
    }
    let given = read_keys(file, &founding)?;
    let held = SealingKeys::of_node(node_dir)?;
    let mut imported = Imported::default();
    for (epoch, secret) in given.by_epoch() {
        match held.by_epoch().get(epoch) {
            None => imported.added.push(*epoch),
            Some(same) if same == secret => imported.present.push(*epoch),
            Some(other) => {
                let (ours, theirs) = (hex(&fingerprint(other)), hex(&fingerprint(secret)));
                let why = format!(
                    "has another key of epoch {epoch} ({theirs}) than the node ({ours}); `namingo-admin keys list` \
                     at a running node tells which one is the cluster's"
                );
                return Err(BundleError::new(file, why));
            }
        }
    }
    for epoch in &imported.added {
        SealingKeys::store(node_dir, *epoch, &given.by_epoch()[epoch])?;
    }
    Ok(imported)
}

/// The keys of an exported file, which must be of the cluster.
pub(crate) fn read_keys(file: &Path, founding: &Founding) -> Result<SealingKeys, BundleError> {
    let content = read(file)?;
    if content.cluster_id != founding.cluster_id {
        let why = format!("holds keys of cluster {}, not of {}", content.cluster_id, founding.cluster_id);
        return Err(BundleError::new(file, why));
    }
    secrets(file, &content)
}

fn read(file: &Path) -> Result<KeyFile, BundleError> {
    private(file)?;
    let length = fs::metadata(file).map_err(|e| BundleError::unreadable(file, &e))?.len();
    if length > FILE_MAX {
        return Err(BundleError::new(file, "is too long to be a file of keys"));
    }
    let text = fs::read_to_string(file).map(Zeroizing::new);
    let text = text.map_err(|e| BundleError::new(file, format!("cannot be read: {e}")))?;
    // the parser's own message would quote the line, and with it a secret
    toml::from_str(&text).map_err(|_| BundleError::new(file, "is not a file that `keys export` wrote"))
}

fn secrets(file: &Path, content: &KeyFile) -> Result<SealingKeys, BundleError> {
    let mut keys = SealingKeys::default();
    for (epoch, exported) in &content.epoch {
        let secret = octets(&exported.secret).filter(|_| *epoch > 0);
        let damaged = || BundleError::new(file, format!("epoch {epoch} is damaged; take another copy"));
        let secret = secret.ok_or_else(damaged)?;
        if hex(&fingerprint(&secret)) != exported.fingerprint {
            return Err(damaged());
        }
        keys.insert(*epoch, secret);
    }
    Ok(keys)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        // Writing into a String can't fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

fn octets(text: &str) -> Option<[u8; SECRET]> {
    if text.len() != SECRET * 2 || !text.is_ascii() {
        return None;
    }
    let mut octets = [0; SECRET];
    for (octet, digits) in octets.iter_mut().zip(text.as_bytes().chunks(2)) {
        *octet = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(octets)
}
