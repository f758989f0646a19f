//! `cluster add-node`: the bundle of one more node, made with the authority of the cluster, and its section in
//! `cluster.toml`.
//!
//! All that can be wrong is found before the cluster is asked for the node's number, which is used up once it is
//! given. Not here: that question, and the joining itself.

use crate::{
    Addresses, Bundle, BundleError, ClusterFile, ConfigError, Founder, Founding, Identity, InitError,
    Joining, NodeSection, Role, SealingKeys, Subject,
    authority::Authority,
    init::certificates,
    key_file::read_keys,
    keys::private,
    layout,
    workshop::{PUBLIC, Workshop, directory, put, sync},
};
use std::{
    collections::BTreeMap,
    fmt, fs,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// A node that can be added as soon as it has a number.
pub struct Admission {
    file: ClusterFile,
    text: String,
    founding: Founding,
    authority: Authority,
    keys: SealingKeys,
    section: NodeSection,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    pub id: u64,
    pub role: Role,
    /// The node's directory.
    pub written: PathBuf,
    /// The file that has a section more.
    pub config: PathBuf,
}

impl Admission {
    /// Reads the authority, the founding list and, for a node that seals, the sealing keys: those of `keys`, a file
    /// that `keys export` wrote, or else of a node whose directory is here.
    ///
    /// # Errors
    /// Something is missing here, or `cluster.toml` would be wrong with the new node.
    pub fn prepare(
        config: &Path,
        role: Role,
        addresses: Addresses,
        keys: Option<&Path>,
    ) -> Result<Admission, AdmissionError> {
        let file = ClusterFile::load(config)?;
        let section = NodeSection { role, addresses, epp_certificate: None, epp_key: None };
        let text = fs::read_to_string(config).map_err(|e| InitError::io(config, e))?;
        // addresses that are taken and the like do not depend on the number
        let provisional = file.nodes.keys().max().map_or(1, |last| last + 1);
        ClusterFile::parse(config, &with_section(&text, provisional, &section))?;
        let dir = layout::ca_dir(&file.data_dir());
        let founding = Founding::load(&dir.join(layout::FOUNDING))?;
        let key = dir.join(layout::CA_KEY);
        private(&key)?;
        let pem =
            fs::read_to_string(&key).map(Zeroizing::new).map_err(|e| BundleError::unreadable(&key, &e))?;
        let authority = Authority::load(&founding.cluster_name, &founding.cluster_id, &pem)
            .map_err(|e| BundleError::new(&key, format!("is not the key of an authority: {e}")))?;
        let keys = match (role.holds_keys(), keys) {
            (false, _) => SealingKeys::default(),
            (true, Some(exported)) => read_keys(exported, &founding)?,
            (true, None) => keys_here(&file, &founding)?,
        };
        Ok(Admission { file, text, founding, authority, keys, section })
    }

    pub fn cluster_id(&self) -> &str {
        &self.founding.cluster_id
    }

    /// The highest number of a node that is known here.
    pub fn highest(&self) -> u64 {
        let listed = self.founding.node.keys().chain(self.file.nodes.keys());
        listed.copied().max().unwrap_or(0)
    }

    /// What holds the directories of the nodes that are here.
    pub fn data_dir(&self) -> PathBuf {
        self.file.data_dir()
    }

    /// The nodes of the file.
    pub fn nodes(&self) -> impl Iterator<Item = u64> {
        self.file.nodes.keys().copied()
    }

    /// Makes the bundle of node `id`, whole or not at all, and adds its section to the file.
    ///
    /// # Errors
    /// The directory exists, or the file system refuses.
    pub fn complete(self, id: u64, contacts: BTreeMap<u64, SocketAddr>) -> Result<Admitted, AdmissionError> {
        let text = with_section(&self.text, id, &self.section);
        ClusterFile::parse(&self.file.path, &text)?;
        let written = self.file.node_dir(id);
        if written.symlink_metadata().is_ok() {
            return Err(InitError::Exists(written).into());
        }
        let work = Workshop::open(&self.file.data_dir(), &format!("node-{id}"))?;
        self.fill(work.dir(), id, contacts)?;
        work.deliver(&[format!("node-{id}")])?;
        append(&self.file.path, &text[self.text.len()..]).map_err(|e| InitError::io(&self.file.path, e))?;
        Ok(Admitted { id, role: self.section.role, written, config: self.file.path })
    }

    fn fill(&self, work: &Path, id: u64, contact: BTreeMap<u64, SocketAddr>) -> Result<(), AdmissionError> {
        let node = Founder { role: self.section.role, addresses: self.section.addresses.clone() };
        let internal = |e: toml::ser::Error| InitError::Internal(e.to_string());
        let dir = directory(&layout::node_dir(work, id))?;
        put(&dir.join(layout::FOUNDING), self.founding.to_toml().map_err(internal)?.as_bytes(), PUBLIC)?;
        let joining = Joining { node: node.clone(), contact };
        put(&dir.join(layout::JOINING), joining.to_toml().map_err(internal)?.as_bytes(), PUBLIC)?;
        let ca = layout::ca_dir(&self.file.data_dir()).join(layout::CA_CERTIFICATE);
        let ca = fs::read(&ca).map_err(|e| BundleError::unreadable(&ca, &e))?;
        put(&dir.join(layout::CA_CERTIFICATE), &ca, PUBLIC)?;
        let cluster_id = self.founding.cluster_id.clone();
        certificates(&dir, &self.authority, &Subject { cluster_id, identity: Identity::Node(id) }, &node)?;
        for (epoch, secret) in self.keys.by_epoch() {
            SealingKeys::store(&dir, *epoch, secret)?;
        }
        sync(&dir)?;
        // what the node would find wrong is found here
        Bundle::load(&dir, id)?;
        Ok(())
    }
}

/// The sealing keys of the node that holds most of them, of those whose directories are here.
fn keys_here(file: &ClusterFile, founding: &Founding) -> Result<SealingKeys, BundleError> {
    let mut best = SealingKeys::default();
    for dir in file.nodes.keys().map(|id| file.node_dir(*id)) {
        let Ok(of) = Founding::load(&dir.join(layout::FOUNDING)) else { continue };
        if of.cluster_id != founding.cluster_id {
            continue;
        }
        let keys = SealingKeys::of_node(&dir)?;
        if keys.by_epoch().len() > best.by_epoch().len() {
            best = keys;
        }
    }
    if best.is_empty() {
        let why = "holds no node with sealing keys, and the new node needs them; run `namingo-admin keys export` \
                   where such a node is, and name the file with --keys";
        return Err(BundleError::new(&file.data_dir(), why));
    }
    Ok(best)
}

/// The text of the file with one more section at its end; what was there stays as it is.
fn with_section(text: &str, id: u64, section: &NodeSection) -> String {
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let added = "# Added by `namingo-admin cluster add-node`.";
    format!("{text}{end}\n{added}{}", ClusterFile::section(id, section))
}

fn append(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs::OpenOptions::new().append(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

impl fmt::Display for Admitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, written, config) = (self.id, self.written.display(), self.config.display());
        writeln!(f, "Node {id}, {}: {written} is made, and {config} has [node.{id}].", self.role)?;
        writeln!(
            f,
            "Copy both to the machine of node {id} (the directory with mode 0700), then start it there:"
        )?;
        writeln!(f, "  namingo-node run --config {config} --id {id}")?;
        writeln!(f, "It joins by itself; `namingo-admin cluster status` shows when it has caught up.")
    }
}

/// Why no node was added.
#[derive(Debug)]
pub enum AdmissionError {
    Config(ConfigError),
    Bundle(BundleError),
    Init(InitError),
}

impl From<ConfigError> for AdmissionError {
    fn from(e: ConfigError) -> AdmissionError {
        AdmissionError::Config(e)
    }
}

impl From<BundleError> for AdmissionError {
    fn from(e: BundleError) -> AdmissionError {
        AdmissionError::Bundle(e)
    }
}

impl From<InitError> for AdmissionError {
    fn from(e: InitError) -> AdmissionError {
        AdmissionError::Init(e)
    }
}

impl fmt::Display for AdmissionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AdmissionError::Config(e) => e.fmt(f),
            AdmissionError::Bundle(e) => e.fmt(f),
            AdmissionError::Init(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for AdmissionError {}
