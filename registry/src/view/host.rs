//! A name server as the public sees it.

use super::registrar::{self, RegistrarView};
use crate::{
    DomainName, Stop, Timestamp,
    host::{self, info::is_linked},
    roid,
};
use std::net::IpAddr;
use storage::Read;

/// A host object's public data: all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostView {
    pub name: DomainName,
    pub roid: String,
    pub statuses: Vec<&'static str>,
    pub addresses: Vec<IpAddr>,
    pub registrar: RegistrarView,
    pub created: Timestamp,
    pub updated: Option<Timestamp>,
}

/// A host by name.
///
/// # Errors
/// A storage fault.
pub fn host(db: &impl Read, name: &DomainName) -> Result<Option<HostView>, Stop> {
    let Some((id, host)) = host::by_name(db, name)? else { return Ok(None) };
    Ok(Some(HostView {
        roid: roid::host(db, id)?,
        statuses: host.statuses.words(false, is_linked(db, id)?),
        registrar: registrar::by_id(db, host.sponsor)?,
        name: host.name,
        addresses: host.addresses,
        created: host.created,
        updated: host.updated,
    }))
}
