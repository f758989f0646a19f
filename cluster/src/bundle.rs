//! The bundle of one node: what `cluster init` made for it, read back and checked.

use crate::{Credentials, Founder, Founding, Identity, Joining, SealingKeys, layout};
use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// All that a node must own before it starts.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The node's directory, `DIR/node-N`.
    pub dir: PathBuf,
    pub node: u64,
    pub founding: Founding,
    /// The node's own role and addresses, as they were decided for it.
    pub own: Founder,
    /// How a node that founds nothing joins.
    pub joining: Option<Joining>,
    pub credentials: Credentials,
    /// Empty on an edge.
    pub keys: SealingKeys,
}

impl Bundle {
    /// Reads the bundle of node `id` from `dir`, the node's own directory.
    ///
    /// # Errors
    /// Names the file that is missing, malformed, readable by others, or belongs to another node or cluster.
    pub fn load(dir: &Path, id: u64) -> Result<Bundle, BundleError> {
        if !dir.is_dir() {
            return Err(BundleError::new(
                dir,
                format!(
                    "node {id} has no directory; run `namingo-admin cluster init --config cluster.toml`, or copy \
                     the directory from the machine where it ran"
                ),
            ));
        }
        let founding_file = dir.join(layout::FOUNDING);
        let founding = Founding::load(&founding_file)?;
        let joining_file = dir.join(layout::JOINING);
        let (own, joining) = match founding.node.get(&id) {
            Some(founder) => (founder.clone(), None),
            None if joining_file.exists() => {
                let joining = Joining::load(&joining_file)?;
                (joining.node.clone(), Some(joining))
            }
            None => return Err(BundleError::new(&founding_file, format!("lists no node {id}; check --id"))),
        };
        let certificate = dir.join(layout::NODE_CERTIFICATE);
        let credentials =
            Credentials::load(&certificate, &dir.join(layout::NODE_KEY), &dir.join(layout::CA_CERTIFICATE))?;
        let subject = credentials.subject();
        if subject.identity != Identity::Node(id) {
            let why = format!("is the certificate of {}, not of node {id}; check --id", subject.identity);
            return Err(BundleError::new(&certificate, why));
        }
        if subject.cluster_id != founding.cluster_id {
            let why = format!("belongs to cluster {}, not to {}", subject.cluster_id, founding.cluster_id);
            return Err(BundleError::new(&certificate, why));
        }
        let keys = keys_for(dir, &own)?;
        Ok(Bundle { dir: dir.to_owned(), node: id, founding, own, joining, credentials, keys })
    }

    pub fn cluster_id(&self) -> &str {
        &self.founding.cluster_id
    }
}

fn keys_for(dir: &Path, founder: &Founder) -> Result<SealingKeys, BundleError> {
    let keys = SealingKeys::of_node(dir)?;
    let dir = dir.join(layout::KEYS);
    match (founder.role.holds_keys(), keys.is_empty()) {
        (true, true) => Err(BundleError::new(
            &dir,
            format!(
                "holds no sealing keys, and a {} needs them; run `namingo-admin keys import`",
                founder.role
            ),
        )),
        (false, false) => {
            Err(BundleError::new(&dir, "an edge must hold no sealing keys; remove this directory from it"))
        }
        _ => Ok(keys),
    }
}

/// Why a bundle can't be used: the file, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleError {
    file: PathBuf,
    why: String,
}

impl BundleError {
    pub(crate) fn new(file: &Path, why: impl Into<String>) -> BundleError {
        BundleError { file: file.to_owned(), why: why.into() }
    }

    pub(crate) fn unreadable(file: &Path, e: &io::Error) -> BundleError {
        let advice = match e.kind() {
            io::ErrorKind::NotFound => {
                "is missing; copy the node's directory again from where cluster init ran"
            }
            io::ErrorKind::PermissionDenied => "may not be read by this user; change its owner",
            _ => return BundleError::new(file, format!("cannot be read: {e}")),
        };
        BundleError::new(file, advice)
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.why)
    }
}

impl std::error::Error for BundleError {}
