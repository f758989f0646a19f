//! `founding.toml`: who founds the cluster, the same text in every bundle.
//!
//! Founding voters compare it with each other; from the founding on, the replicated membership is the truth and
//! this file is history.

use crate::{BundleError, Role, identity::is_cluster_id};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, net::SocketAddr, path::Path};

/// What `cluster init` decided, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Founding {
    /// 128 random bits, 32 lower-case hexadecimal digits.
    pub cluster_id: String,
    /// The cluster's name for people.
    pub cluster_name: String,
    pub repository: RepositoryPolicy,
    /// Every founder, by node id.
    pub node: BTreeMap<u64, Founder>,
}

/// The repository that the cluster holds, as it is founded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepositoryPolicy {
    pub name: String,
    /// The suffix of host and contact ROIDs.
    pub roid_suffix: String,
    /// Whether host addresses may lie in blocks set aside for documentation (a test repository).
    pub documentation_addresses: bool,
}

/// One founder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Founder {
    pub role: Role,
    #[serde(flatten)]
    pub addresses: Addresses,
}

/// Where a node listens. A service without an address is not served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// Peers connect here, with mutual TLS.
    pub raft: SocketAddr,
    /// Administrators connect here, with mutual TLS.
    pub admin: SocketAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epp: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whois: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub das: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rdap: Option<SocketAddr>,
    /// The public base URL of RDAP; ends with a slash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rdap_url: Option<String>,
}

impl Addresses {
    /// Every address with the name of its service, in the order in which people list them.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        [
            ("raft", Some(self.raft)),
            ("admin", Some(self.admin)),
            ("metrics", self.metrics),
            ("epp", self.epp),
            ("whois", self.whois),
            ("das", self.das),
            ("rdap", self.rdap),
        ]
        .into_iter()
        .filter_map(|(name, address)| Some((name, address?)))
    }
}

impl Founding {
    /// The founders that vote.
    pub fn voters(&self) -> impl Iterator<Item = u64> {
        self.node.iter().filter(|(_, node)| node.role == Role::Voter).map(|(id, _)| *id)
    }

    pub(crate) fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let head = "# Written by `namingo-admin cluster init`, the same for every node. Do not edit.\n";
        Ok(format!("{head}{}", toml::to_string(self)?))
    }

    pub(crate) fn load(path: &Path) -> Result<Founding, BundleError> {
        let text = fs::read_to_string(path).map_err(|e| BundleError::unreadable(path, &e))?;
        let founding: Founding = toml::from_str(&text).map_err(|e| {
            BundleError::new(path, format!("{}; copy it again from where cluster init ran", e.message()))
        })?;
        if !is_cluster_id(&founding.cluster_id) {
            return Err(BundleError::new(path, "cluster_id is not 32 lower-case hexadecimal digits"));
        }
        Ok(founding)
    }
}
