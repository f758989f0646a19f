//! `cluster.toml`: who founds the cluster and where each node listens.
//!
//! `read` turns the text into a [`ClusterFile`], `rules` holds what goes beyond one key, `write` makes such a file
//! with comments, `limits` does both for its section. Every error names file, line and key.

mod error;
mod limits;
mod read;
mod rules;
mod write;

pub use error::ConfigError;

use crate::{Addresses, Limits, Profile, RepositoryPolicy, Role, layout};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// What `log_keep_mib` is where the file does not say.
pub const DEFAULT_LOG_KEEP_MIB: u32 = 1024;

/// What `das_memory_mib` is where the file does not say.
pub const DEFAULT_DAS_MEMORY_MIB: u32 = 256;

/// What `state_cache_mib` is where the file does not say.
pub const DEFAULT_STATE_CACHE_MIB: u32 = 1024;

/// A file longer than this is no cluster file.
const MAX_OCTETS: u64 = 1 << 20;

/// The contents of `cluster.toml`. Paths are as written there, relative to the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterFile {
    /// Where the file lies.
    pub path: PathBuf,
    /// Names the cluster for people, in certificates too.
    pub name: String,
    pub data_dir: PathBuf,
    pub profile: Profile,
    /// Log kept beyond what a restart needs, in MiB: a node that was away comes back by log as long as what it
    /// misses is in there, else by a snapshot.
    pub log_keep_mib: u32,
    /// Memory for the fingerprints that DAS answers from, in MiB: about 8 octets for each name. Where they don't fit,
    /// or with 0, DAS reads the state file.
    pub das_memory_mib: u32,
    /// Page cache of the state file, in MiB.
    pub state_cache_mib: u32,
    pub repository: RepositoryPolicy,
    pub terms: Terms,
    pub limits: Limits,
    /// By node id.
    pub nodes: BTreeMap<u64, NodeSection>,
}

/// The terms under which WHOIS and RDAP answer, as this node tells them; what is absent is the program's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// One line or several.
    pub text: Option<String>,
    /// Where all of it can be read.
    pub url: Option<String>,
}

/// One `[node.N]` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeSection {
    pub role: Role,
    pub addresses: Addresses,
    /// The operator's own certificate for EPP, instead of the one that `cluster init` issued.
    pub epp_certificate: Option<PathBuf>,
    pub epp_key: Option<PathBuf>,
}

impl ClusterFile {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// The first thing that is wrong with it, by file, line and key.
    pub fn load(path: &Path) -> Result<ClusterFile, ConfigError> {
        let whole = |why: String| ConfigError::new(path, None, "", why);
        let text = fs::metadata(path)
            .and_then(|meta| match meta.len() {
                length if length > MAX_OCTETS => Err(io::Error::other("longer than 1 MiB")),
                _ => fs::read_to_string(path),
            })
            .map_err(|e| match e.kind() {
                io::ErrorKind::NotFound => whole("no such file; name one with --config".into()),
                _ => whole(format!("cannot be read: {e}")),
            })?;
        ClusterFile::parse(path, &text)
    }

    /// Checks `text` as the contents of `path`.
    ///
    /// # Errors
    /// As [`ClusterFile::load`].
    pub fn parse(path: &Path, text: &str) -> Result<ClusterFile, ConfigError> {
        let (file, lines) = read::read(path, text)?;
        rules::check(&file, &lines)?;
        Ok(file)
    }

    /// Whether a cluster can be founded by the nodes of the file. Later it may list nodes that are gone or that
    /// replace them.
    ///
    /// # Errors
    /// The number of voters.
    pub fn founds(&self) -> Result<(), ConfigError> {
        let voters = self.nodes.values().filter(|node| node.role == Role::Voter).count();
        if [1, 3, 5].contains(&voters) {
            return Ok(());
        }
        let why = format!("the number of founding voters is 1, 3 or 5, not {voters}");
        Err(ConfigError::new(&self.path, None, "node", why))
    }

    /// The text of one section, with comments.
    pub(crate) fn section(id: u64, node: &NodeSection) -> String {
        write::Section(id, node).to_string()
    }

    /// Writes the file, with comments, to its `path`; an existing file is replaced.
    ///
    /// # Errors
    /// What the file system answers.
    pub fn write(&self) -> io::Result<()> {
        fs::write(&self.path, self.to_string())
    }

    /// A path in the file, as seen from the working directory.
    fn resolve(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    /// The directory that holds every node's directory.
    pub fn data_dir(&self) -> PathBuf {
        self.resolve(&self.data_dir)
    }

    /// The directory of node `id`.
    pub fn node_dir(&self, id: u64) -> PathBuf {
        layout::node_dir(&self.data_dir(), id)
    }

    /// Certificate chain and key with which node `id` serves EPP; `None` if it doesn't.
    pub fn epp_identity(&self, id: u64) -> Option<(PathBuf, PathBuf)> {
        let node = self.nodes.get(&id)?;
        node.addresses.epp?;
        let dir = self.node_dir(id);
        Some(match (&node.epp_certificate, &node.epp_key) {
            (Some(certificate), Some(key)) => (self.resolve(certificate), self.resolve(key)),
            _ => (dir.join(layout::EPP_CERTIFICATE), dir.join(layout::EPP_KEY)),
        })
    }
}
