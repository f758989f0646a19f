//! Contacts: people and organisations (RFC 5733), in two parts. The public part is what everybody may see; the
//! whole is sealed before it enters the log, and opens only on nodes that hold the keys.
//!
//! Not here yet: update, transfer, delete.

mod create;
mod data;
mod disclose;
mod facts;
pub mod info;

pub use create::ContactCreate;
pub(crate) use create::{apply as apply_create, check as check_create};
pub use data::{ContactData, Phone, Postal, PostalKind, open, reseal, seal};
pub use disclose::{Disclose, Item, PublicContact, PublicPostal, publish};
pub use facts::{ContactFault, Facts, Flaw, flaws, is_e164, is_email};

use crate::{
    authinfo::AuthInfo,
    refusal::{Refusal, Stop},
    seal::Sealed,
    status::Statuses,
    tables::{CONTACT, CONTACT_HANDLE, TLD},
    time::Timestamp,
    tld::DataModel,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use storage::{Fault, Read, Record};

/// The role of a contact beside the registrant. The order is replicated: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ContactRole {
    Admin,
    Billing,
    Tech,
}

impl fmt::Display for ContactRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ContactRole::Admin => "admin",
            ContactRole::Billing => "billing",
            ContactRole::Tech => "tech",
        })
    }
}

/// A contact object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    pub handle: String,
    pub sponsor: u64,
    pub creator: u64,
    pub created: Timestamp,
    pub updater: Option<u64>,
    pub updated: Option<Timestamp>,
    /// Log index of the last change: what an update must have been built on.
    pub revision: u64,
    pub statuses: Statuses,
    pub public: PublicContact,
    pub facts: Facts,
    pub sealed: Sealed,
    pub authinfo: Option<AuthInfo>,
}

impl Record for Contact {}

/// The form in which handles are compared: ASCII lower case.
pub fn fold(handle: &str) -> String {
    handle.to_ascii_lowercase()
}

/// Whether a text can be a contact handle: 3 to 16 letters, digits, `-`, `.` and `_`.
pub fn is_handle(text: &str) -> bool {
    (3..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
}

/// A contact by handle, in any case, with its number.
///
/// # Errors
/// A storage fault.
pub fn by_handle(db: &impl Read, handle: &str) -> Result<Option<(u64, Contact)>, Fault> {
    let Some(id) = db.get(&CONTACT_HANDLE, &fold(handle))? else { return Ok(None) };
    Ok(db.get(&CONTACT, &id)?.map(|c| (id, c)))
}

/// A contact that another object points to.
///
/// # Errors
/// A storage fault; a number that no contact has is corruption.
pub fn linked(db: &impl Read, id: u64) -> Result<Contact, Fault> {
    db.get(&CONTACT, &id)?.ok_or_else(|| Fault::Corrupt {
        table: CONTACT.meta().name,
        key: id.to_be_bytes().to_vec(),
        why: "a domain names a contact that does not exist".into(),
    })
}

/// The handle of a contact that another object points to.
///
/// # Errors
/// As [`linked`].
pub fn handle_of(db: &impl Read, id: u64) -> Result<String, Stop> {
    Ok(linked(db, id)?.handle)
}

/// Whether any zone served here takes contacts.
///
/// # Errors
/// A storage fault.
pub fn are_taken(db: &impl Read) -> Result<bool, Fault> {
    for item in db.range(&TLD, ..) {
        let (_, tld) = item?;
        if tld.model == DataModel::Maximum {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a handle is free (RFC 5733 section 3.1.1): `Ok(None)`, or why not.
///
/// # Errors
/// A storage fault.
pub fn availability(db: &impl Read, handle: &str) -> Result<Option<Refusal>, Stop> {
    if !is_handle(handle) {
        return Ok(Some(Refusal::HandleSyntax { handle: handle.into() }));
    }
    let taken = db.has(&CONTACT_HANDLE, &fold(handle))?;
    Ok(taken.then(|| Refusal::Exists { object: handle.into() }))
}
