//! Creating a host (RFC 5732 section 3.2.1).

use super::{
    Host,
    address::{Reach, reach},
};
use crate::{
    actor::Actor,
    domain,
    name::DomainName,
    outcome::Reply,
    refusal::{About, Refusal, Stop},
    registrar, repository,
    status::Statuses,
    tables::{HOST, HOST_NAME, HOST_SUPERORDINATE},
    time::Timestamp,
    tld::{self, Place},
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use storage::{Read, Tx};

/// Addresses of one host at most.
pub const ADDRESSES_MAX: u16 = 13;
/// Hosts below one domain at most: an info of the domain lists them all.
pub const SUBORDINATES_MAX: u16 = 1000;

/// A new host as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostCreate {
    pub name: String,
    pub addresses: Vec<IpAddr>,
    /// The clID of the sponsor, when the operator acts; a registrar acts for itself.
    pub sponsor: Option<String>,
}

/// What [`apply`] will write.
#[derive(Debug)]
pub struct Plan {
    name: DomainName,
    sponsor: u64,
    superordinate: Option<DomainName>,
}

/// # Errors
/// Every reason to refuse: name, existence, superordinate domain and its sponsor, addresses.
pub fn check(db: &impl Read, by: &Actor, c: &HostCreate) -> Result<Plan, Stop> {
    let name = free(db, &c.name)?;
    let sponsor = registrar::acting(db, by, c.sponsor.as_deref())?;
    let superordinate = superordinate(db, &name, Some(sponsor))?;
    check_addresses(db, &name, superordinate.is_some(), &c.addresses)?;
    Ok(Plan { name, sponsor, superordinate })
}

/// Reads a name that can be a host and is none.
pub(super) fn free(db: &impl Read, text: &str) -> Result<DomainName, Stop> {
    let bad = |fault| Refusal::NameSyntax { about: About::Object, name: text.into(), fault };
    let name = DomainName::parse(text).map_err(bad)?;
    if let Some(no) = forbidden(db, &name)? {
        return Err(no.into());
    }
    if db.has(&HOST_NAME, &name)? {
        return Err(Refusal::Exists { object: name.to_string() }.into());
    }
    Ok(name)
}

/// Names that can't be hosts at all.
fn forbidden(db: &impl Read, name: &DomainName) -> Result<Option<Refusal>, Stop> {
    let zone = matches!(tld::place(db, name)?, Place::Zone { .. });
    Ok((zone || name.is_single_label()).then(|| Refusal::HostNotAllowed { host: name.to_string() }))
}

/// The domain that the host would lie below: it must exist, be sponsored by `sponsor` if one is given, and have room.
pub(super) fn superordinate(
    db: &impl Read,
    name: &DomainName,
    sponsor: Option<u64>,
) -> Result<Option<DomainName>, Stop> {
    let place = tld::place(db, name)?;
    let Some(domain) = place.domain() else { return Ok(None) };
    let missing = || Refusal::SuperordinateMissing { domain: domain.to_string() };
    let found = domain::by_name(db, domain)?.ok_or_else(missing)?;
    if sponsor.is_some_and(|sponsor| sponsor != found.sponsor) {
        return Err(Refusal::NotSponsor { about: About::Object, object: domain.to_string() }.into());
    }
    check_room(db, domain)?;
    Ok(Some(domain.clone()))
}

fn check_room(db: &impl Read, domain: &DomainName) -> Result<(), Stop> {
    let mut hosts = 0;
    for key in db.keys(&HOST_SUPERORDINATE, (domain.clone(), 0)..=(domain.clone(), u64::MAX)) {
        key?;
        hosts += 1;
        if hosts == SUBORDINATES_MAX {
            let (domain, most) = (domain.to_string(), SUBORDINATES_MAX);
            return Err(Refusal::TooManySubordinates { domain, most }.into());
        }
    }
    Ok(())
}

fn check_addresses(db: &impl Read, name: &DomainName, internal: bool, given: &[IpAddr]) -> Result<(), Stop> {
    if let (false, Some(first)) = (internal, given.first()) {
        let (host, address) = (name.to_string(), first.to_string());
        return Err(Refusal::AddressesForbidden { host, address }.into());
    }
    if let Some(address) = given.get(usize::from(ADDRESSES_MAX)) {
        let (address, most) = (address.to_string(), ADDRESSES_MAX);
        return Err(Refusal::TooManyAddresses { address, most }.into());
    }
    let documentation = !given.is_empty() && repository::load(db)?.documentation_addresses;
    for (i, address) in given.iter().enumerate() {
        match reach(address) {
            Reach::Global => {}
            Reach::Documentation if documentation => {}
            Reach::Documentation | Reach::None => {
                return Err(Refusal::AddressNotGlobal { address: address.to_string() }.into());
            }
        }
        if given.iter().take(i).any(|earlier| earlier == address) {
            return Err(Refusal::AddressRepeated { address: address.to_string() }.into());
        }
    }
    Ok(())
}

/// # Errors
/// As [`check`].
pub fn apply(tx: &mut Tx<'_>, by: &Actor, at: Timestamp, c: &HostCreate) -> Result<Reply, Stop> {
    let Plan { name, sponsor, superordinate } = check(tx, by, c)?;
    let id = tx.next_id();
    let host = Host {
        name: name.clone(),
        sponsor,
        creator: sponsor,
        created: at,
        updater: None,
        updated: None,
        addresses: c.addresses.clone(),
        statuses: Statuses::default(),
        superordinate: superordinate.clone(),
    };
    tx.insert(&HOST, &id, &host)?;
    tx.insert(&HOST_NAME, &name, &id)?;
    if let Some(domain) = superordinate {
        tx.add(&HOST_SUPERORDINATE, &(domain, id))?;
    }
    Ok(Reply::HostCreated { name: name.to_string(), created: at })
}
