//! A contact's whole data, as a registrar sends it and as only key holders read it.

use super::{Disclose, fold};
use crate::seal::{Context, Keys, NONCE, SealFault, Sealed};
use serde::{Deserialize, Serialize};
use std::fmt;
use storage::codec;

/// Everything that a registrar says about a contact. Personal: it never enters the log unsealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactData {
    /// One or two, of different kinds.
    pub postal: Vec<Postal>,
    pub voice: Option<Phone>,
    pub fax: Option<Phone>,
    pub email: String,
    pub disclose: Option<Disclose>,
}

/// Shows no personal datum.
impl fmt::Debug for ContactData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContactData({} postal)", self.postal.len())
    }
}

/// The form of a postal address. The order is replicated: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PostalKind {
    /// Internationalized: ASCII.
    Int,
    /// Localized: any script.
    Loc,
}

/// A postal address.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Postal {
    pub kind: PostalKind,
    pub name: String,
    pub org: Option<String>,
    /// At most three lines, some of which may be empty.
    pub street: Vec<String>,
    pub city: String,
    pub state: Option<String>,
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
}

impl Postal {
    /// The lines of the street that say something.
    pub(super) fn street_lines(&self) -> impl Iterator<Item = &String> {
        self.street.iter().filter(|line| !line.trim().is_empty())
    }
}

/// A telephone number, `+CC.NUMBER`, and its extension.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phone {
    pub number: String,
    pub extension: Option<String>,
}

fn context<'a>(repository: &'a str, handle: &'a str) -> Context<'a> {
    Context { repository, kind: "contact", handle }
}

/// Seals the whole data for the contact `handle` of a repository; `nonce` must be random.
///
/// # Errors
/// This node holds no keys.
pub fn seal(
    keys: &Keys,
    repository: &str,
    handle: &str,
    nonce: [u8; NONCE],
    data: &ContactData,
) -> Result<Sealed, SealFault> {
    keys.seal(&context(repository, &fold(handle)), nonce, &codec::encode(data))
}

/// Opens what [`seal`] made.
///
/// # Errors
/// The key is missing on this node, or the record does not open.
pub fn open(keys: &Keys, repository: &str, handle: &str, sealed: &Sealed) -> Result<ContactData, SealFault> {
    let plain = keys.open(&context(repository, &fold(handle)), sealed)?;
    codec::decode(&plain).map_err(|_| SealFault::Broken { epoch: sealed.epoch })
}

/// Seals with the current epoch what an older one sealed.
///
/// # Errors
/// The key of either epoch is missing on this node, or the record does not open.
pub fn reseal(
    keys: &Keys,
    repository: &str,
    handle: &str,
    nonce: [u8; NONCE],
    sealed: &Sealed,
) -> Result<Sealed, SealFault> {
    let handle = fold(handle);
    let context = context(repository, &handle);
    keys.seal(&context, nonce, &keys.open(&context, sealed)?)
}
