//! `cluster init`: the authority, the administrator's certificate and a bundle for each node, made once.
//!
//! Everything is written and synced in a temporary directory beside its place and then renamed into it, so that a
//! failure leaves nothing, and no file is ever overwritten: sealing keys can't be made twice.

use crate::{
    ClusterFile, ConfigError, Founder, Founding, Identity, Subject,
    authority::{Authority, Purpose},
    keys::SECRET,
    layout,
    pem::Pem,
    workshop::{PRIVATE, PUBLIC, Workshop, directory, put, sync},
};
use ring::rand::{SecureRandom, SystemRandom};
use std::{
    fmt, io,
    net::IpAddr,
    path::{Path, PathBuf},
};
use zeroize::Zeroize;

/// The name in the certificate of the first administrator.
const OPERATOR: &str = "operator";

/// What was made, and what is to be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initialized {
    pub cluster_id: String,
    pub data_dir: PathBuf,
    /// The directories written, `ca` first.
    pub written: Vec<PathBuf>,
    pub nodes: Vec<u64>,
}

/// Makes certificates, keys and bundles for every node of the file, below its data directory.
///
/// # Errors
/// Something exists already, or the file system or the random source refuses; nothing is left behind.
pub fn init(file: &ClusterFile) -> Result<Initialized, InitError> {
    file.founds().map_err(InitError::Config)?;
    let data_dir = file.data_dir();
    let mut names = vec!["ca".to_owned(), "admin".to_owned()];
    names.extend(file.nodes.keys().map(|id| format!("node-{id}")));
    for name in &names {
        let place = data_dir.join(name);
        if place.symlink_metadata().is_ok() {
            return Err(InitError::Exists(place));
        }
    }
    let founding = founding(file)?;
    let work = Workshop::open(&data_dir, &hex(&random::<8>()?))?;
    fill(work.dir(), file, &founding)?;
    Ok(Initialized {
        cluster_id: founding.cluster_id,
        written: work.deliver(&names)?,
        data_dir,
        nodes: file.nodes.keys().copied().collect(),
    })
}

fn founding(file: &ClusterFile) -> Result<Founding, InitError> {
    let cluster_id = hex(&random::<16>()?);
    let node = file
        .nodes
        .iter()
        .map(|(id, node)| (*id, Founder { role: node.role, addresses: node.addresses.clone() }))
        .collect();
    Ok(Founding { cluster_id, cluster_name: file.name.clone(), repository: file.repository.clone(), node })
}

fn fill(work: &Path, file: &ClusterFile, founding: &Founding) -> Result<(), InitError> {
    let (authority, kept) = Authority::new(&file.name, &founding.cluster_id)?;
    let ca = kept.certificate.as_str();
    let founding_text = founding.to_toml().map_err(|e| InitError::Internal(e.to_string()))?;
    let subject = |identity| Subject { cluster_id: founding.cluster_id.clone(), identity };

    let dir = directory(&layout::ca_dir(work))?;
    put(&dir.join(layout::CA_CERTIFICATE), ca.as_bytes(), PUBLIC)?;
    put(&dir.join(layout::CA_KEY), kept.key.as_bytes(), PRIVATE)?;
    put(&dir.join(layout::FOUNDING), founding_text.as_bytes(), PUBLIC)?;
    sync(&dir)?;

    let dir = directory(&layout::admin_dir(work))?;
    let admin = authority.issue(&Purpose::Admin(&subject(Identity::Admin(OPERATOR.into()))))?;
    pair(&dir, (layout::ADMIN_CERTIFICATE, layout::ADMIN_KEY), &admin)?;
    put(&dir.join(layout::CA_CERTIFICATE), ca.as_bytes(), PUBLIC)?;
    sync(&dir)?;

    let mut secret = random::<SECRET>()?;
    for (id, founder) in &founding.node {
        let dir = directory(&layout::node_dir(work, *id))?;
        put(&dir.join(layout::FOUNDING), founding_text.as_bytes(), PUBLIC)?;
        put(&dir.join(layout::CA_CERTIFICATE), ca.as_bytes(), PUBLIC)?;
        certificates(&dir, &authority, &subject(Identity::Node(*id)), founder)?;
        if founder.role.holds_keys() {
            let keys = directory(&dir.join(layout::KEYS))?;
            put(&keys.join(layout::epoch_file(1)), &secret, PRIVATE)?;
            sync(&keys)?;
        }
        sync(&dir)?;
    }
    secret.zeroize();
    Ok(())
}

pub(crate) fn certificates(
    dir: &Path,
    authority: &Authority,
    subject: &Subject,
    founder: &Founder,
) -> Result<(), InitError> {
    let mut addresses: Vec<IpAddr> = vec![founder.addresses.raft.ip(), founder.addresses.admin.ip()];
    addresses.dedup();
    let node = authority.issue(&Purpose::Node { subject, addresses: &addresses })?;
    pair(dir, (layout::NODE_CERTIFICATE, layout::NODE_KEY), &node)?;
    let Some(epp) = founder.addresses.epp else { return Ok(()) };
    let address = [epp.ip()];
    let addresses = if epp.ip().is_unspecified() { &[][..] } else { &address[..] };
    let epp = authority.issue(&Purpose::Epp { names: &["localhost".to_owned()], addresses })?;
    pair(dir, (layout::EPP_CERTIFICATE, layout::EPP_KEY), &epp)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn random<const N: usize>() -> Result<[u8; N], InitError> {
    let mut octets = [0; N];
    SystemRandom::new().fill(&mut octets).map_err(|_| InitError::NoRandomness)?;
    Ok(octets)
}

fn pair(dir: &Path, (certificate, key): (&str, &str), pem: &Pem) -> Result<(), InitError> {
    put(&dir.join(certificate), pem.certificate.as_bytes(), PUBLIC)?;
    put(&dir.join(key), pem.key.as_bytes(), PRIVATE)
}

impl fmt::Display for Initialized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Cluster {} is prepared in {}:", self.cluster_id, self.data_dir.display())?;
        writeln!(
            f,
            "  ca/       the authority. Keep it offline: its key can admit nodes and administrators."
        )?;
        writeln!(f, "  admin/    the administrator's certificate, for namingo-admin from other machines.")?;
        for id in &self.nodes {
            let name = format!("node-{id}/");
            writeln!(f, "  {name:<9} certificate, keys and founding list of node {id}.")?;
        }
        writeln!(
            f,
            "Keep a copy of one node's keys/ in a safe place: without it no contact can be read again."
        )?;
        writeln!(
            f,
            "Copy cluster.toml and node-N/ (as user of the node, mode 0700) to the machine of node N,"
        )?;
        writeln!(f, "into the same data_dir, then start each of them:")?;
        for id in &self.nodes {
            writeln!(f, "  namingo-node run --config cluster.toml --id {id}")?;
        }
        Ok(())
    }
}

/// Why nothing was made.
#[derive(Debug)]
pub enum InitError {
    Config(ConfigError),
    Exists(PathBuf),
    Io { path: PathBuf, cause: io::Error },
    Certificate(rcgen::Error),
    NoRandomness,
    Internal(String),
}

impl InitError {
    pub(crate) fn io(path: &Path, cause: io::Error) -> InitError {
        InitError::Io { path: path.to_owned(), cause }
    }
}

impl From<rcgen::Error> for InitError {
    fn from(e: rcgen::Error) -> InitError {
        InitError::Certificate(e)
    }
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InitError::Config(e) => e.fmt(f),
            InitError::Exists(path) => write!(
                f,
                "{} exists already and is never overwritten; name another data_dir, or move it away",
                path.display()
            ),
            InitError::Io { path, cause } => write!(f, "{}: {cause}", path.display()),
            InitError::Certificate(e) => write!(f, "a certificate could not be made: {e}"),
            InitError::NoRandomness => f.write_str("the system's random source failed"),
            InitError::Internal(why) => write!(f, "the founding list could not be written: {why}"),
        }
    }
}

impl std::error::Error for InitError {}
