//! Hosts: name server objects with their addresses (RFC 5732).
//!
//! A host inside a zone served here belongs to the sponsor of its superordinate domain; a host outside carries
//! no addresses and may be used by everybody. Not here yet: update, rename, delete.

pub mod address;
pub mod check;
mod create;
pub mod info;

pub use create::{HostCreate, SUBORDINATES_MAX};
pub(crate) use create::{apply as apply_create, check as check_create};

use crate::{
    name::DomainName,
    status::Statuses,
    tables::{HOST, HOST_NAME},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use storage::{Fault, Read, Record};

/// A host object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    pub name: DomainName,
    pub sponsor: u64,
    pub creator: u64,
    pub created: Timestamp,
    pub updater: Option<u64>,
    pub updated: Option<Timestamp>,
    pub addresses: Vec<IpAddr>,
    pub statuses: Statuses,
    /// The registered domain that the host lies below; `None` outside of the zones served here.
    pub superordinate: Option<DomainName>,
}

impl Record for Host {}

impl Host {
    /// Whether a domain that delegates to this host needs addresses that the host does not have.
    pub fn lacks_glue(&self) -> bool {
        self.superordinate.is_some() && self.addresses.is_empty()
    }
}

/// A host by name, with its number.
///
/// # Errors
/// A storage fault.
pub fn by_name(db: &impl Read, name: &DomainName) -> Result<Option<(u64, Host)>, Fault> {
    let Some(id) = db.get(&HOST_NAME, name)? else { return Ok(None) };
    Ok(db.get(&HOST, &id)?.map(|h| (id, h)))
}

/// A host that another object points to.
///
/// # Errors
/// A storage fault; a number that no host has is corruption.
pub fn linked(db: &impl Read, id: u64) -> Result<Host, Fault> {
    db.get(&HOST, &id)?.ok_or_else(|| Fault::Corrupt {
        table: HOST.meta().name,
        key: id.to_be_bytes().to_vec(),
        why: "a domain names a host that does not exist".into(),
    })
}
