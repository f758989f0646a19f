//! Domains: registered names, exactly one label below a zone served here (RFC 5731).
//!
//! Not here yet: update, renew by command, transfer, delete, restore; grace periods come with them.

pub mod check;
mod create;
pub mod info;
pub mod renew;

pub use create::{DomainCreate, NameServers, Period, SecDns, Unit};
pub(crate) use create::{apply as apply_create, check as check_create};

use crate::{
    authinfo::AuthInfo, contact::ContactRole, dnssec::Ds, name::DomainName, status::Statuses, tables::DOMAIN,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use storage::{Fault, Read, Record};

/// A registered domain; the name is its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    pub id: u64,
    pub sponsor: u64,
    pub creator: u64,
    pub created: Timestamp,
    pub updater: Option<u64>,
    pub updated: Option<Timestamp>,
    pub expiry: Timestamp,
    pub registrant: Option<u64>,
    pub contacts: Vec<(ContactRole, u64)>,
    pub hosts: Vec<u64>,
    pub statuses: Statuses,
    pub ds: Vec<Ds>,
    pub authinfo: Option<AuthInfo>,
}

impl Record for Domain {}

impl Domain {
    /// The status words to show: `inactive` without name servers, `ok` when nothing else holds.
    pub fn status_words(&self) -> Vec<&'static str> {
        self.statuses.words(self.hosts.is_empty(), false)
    }
}

/// A domain as it is stored.
///
/// # Errors
/// A storage fault.
pub fn by_name(db: &impl Read, name: &DomainName) -> Result<Option<Domain>, Fault> {
    db.get(&DOMAIN, name)
}

/// A domain as it is at the view's state time: due renewals count as done.
///
/// # Errors
/// A storage fault.
pub fn settled(db: &impl Read, name: &DomainName) -> Result<Option<Domain>, Fault> {
    let at = Timestamp(db.header().state_time);
    Ok(by_name(db, name)?.map(|d| renew::settled(d, at)))
}
