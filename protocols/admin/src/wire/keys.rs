//! The epochs of the sealing keys. No secret ever travels here; exporting and importing them is done on files.

use super::{Instant, Operation, Written};
use serde::{Deserialize, Serialize};

/// Asks for [`KeysView`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeysQuery {}

/// The epochs, what is sealed with each, and which nodes hold them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysView {
    /// What new records are sealed with; absent before the first one is registered.
    pub current: Option<u32>,
    /// The oldest first.
    pub epochs: Vec<EpochView>,
    /// Voters and standbys that did not tell what they hold, and why.
    pub silent: Vec<SilentNode>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochView {
    pub epoch: u32,
    /// The first 8 octets of the SHA-256 of the secret, in hexadecimal digits; absent where no node registered it.
    pub fingerprint: Option<String>,
    /// `proposed`, `active`, `retiring`, `retired`, or `unregistered`.
    pub stage: String,
    /// Since when it is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Instant>,
    /// When its authInfo is, or was, unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Instant>,
    /// Contacts sealed with it.
    pub contacts: u64,
    /// Passwords of registrars sealed with it.
    pub passwords: u64,
    /// Domains and contacts whose authInfo was made with it.
    pub authinfo: u64,
    /// Nodes that hold its secret.
    pub held_by: Vec<u64>,
    /// Nodes that need it and hold none.
    pub missing_on: Vec<u64>,
    /// Nodes that hold another secret.
    pub differs_on: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentNode {
    pub id: u64,
    pub why: String,
}

/// Draws a new secret, brings it to every voter and standby, and seals with it from then on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRotate {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRotated {
    pub epoch: u32,
    pub fingerprint: String,
    /// The nodes that hold it.
    pub nodes: Vec<u64>,
    pub svtrid: String,
}

/// Announces when the authInfo of an epoch is unset, after which the epoch is retired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRetire {
    pub epoch: u32,
    pub at: Instant,
}

impl Operation for KeysQuery {
    const NAME: &'static str = "keys/list";
    type Reply = KeysView;
}

impl Operation for KeyRotate {
    const NAME: &'static str = "keys/rotate";
    type Reply = KeyRotated;
}

impl Operation for KeyRetire {
    const NAME: &'static str = "keys/retire";
    type Reply = Written;
}
