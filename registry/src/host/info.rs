//! What a registrar is told of a host (RFC 5732 section 3.1.2): everything, whoever asks.

use super::{Host, by_name};
use crate::{
    name::DomainName,
    refusal::{About, Refusal, Stop},
    registrar, roid,
    tables::DOMAIN_HOST,
};
use storage::{Fault, Read};

/// A host with its computed parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    pub roid: String,
    pub host: Host,
    pub statuses: Vec<&'static str>,
    pub sponsor: String,
    pub creator: String,
    pub updater: Option<String>,
}

/// # Errors
/// No such host; a storage fault.
pub fn info(db: &impl Read, name: &str) -> Result<Info, Stop> {
    let missing = || Refusal::NotFound { about: About::Object, object: name.into() };
    let parsed = DomainName::parse(name).map_err(|fault| Refusal::NameSyntax {
        about: About::Object,
        name: name.into(),
        fault,
    })?;
    let (id, host) = by_name(db, &parsed)?.ok_or_else(missing)?;
    Ok(Info {
        roid: roid::host(db, id)?,
        statuses: host.statuses.words(false, is_linked(db, id)?),
        sponsor: registrar::handle_of(db, host.sponsor)?,
        creator: registrar::handle_of(db, host.creator)?,
        updater: host.updater.map(|u| registrar::handle_of(db, u)).transpose()?,
        host,
    })
}

/// Whether a domain delegates to the host.
///
/// # Errors
/// A storage fault.
pub fn is_linked(db: &impl Read, id: u64) -> Result<bool, Fault> {
    let first = db.keys(&DOMAIN_HOST, (id, DomainName::lowest())..(id + 1, DomainName::lowest())).next();
    Ok(first.transpose()?.is_some())
}
