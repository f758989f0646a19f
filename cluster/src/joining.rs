//! `joining.toml`: what `cluster add-node` decided for a node that founds nothing, in the bundle of that node alone.
//!
//! Once the node is a member, the replicated membership is the truth and this file is history.

use crate::{BundleError, Founder};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, net::SocketAddr, path::Path};

/// What a node that joins is to be, and whom it asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Joining {
    /// Its own role and addresses.
    pub node: Founder,
    /// The members when it was added: where their peers reach them.
    pub contact: BTreeMap<u64, SocketAddr>,
}

impl Joining {
    pub(crate) fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let head = "# Written by `namingo-admin cluster add-node` for this node alone. Do not edit.\n";
        Ok(format!("{head}{}", toml::to_string(self)?))
    }

    pub(crate) fn load(path: &Path) -> Result<Joining, BundleError> {
        let text = fs::read_to_string(path).map_err(|e| BundleError::unreadable(path, &e))?;
        toml::from_str(&text).map_err(|e| {
            let why = e.message();
            BundleError::new(path, format!("{why}; copy it again from where cluster add-node ran"))
        })
    }
}
