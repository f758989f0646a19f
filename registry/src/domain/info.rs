//! What a registrar is told of a domain (RFC 5731 section 3.1.2).
//!
//! The sponsor, the operator, and whoever proves the authInfo see everything. Others see what WHOIS shows
//! everybody: no contacts, no creator. The authInfo itself is shown to nobody.

use super::{Domain, settled};
use crate::{
    actor::Actor,
    authinfo::AuthInfo,
    contact::{self, ContactRole},
    host,
    name::DomainName,
    refusal::{About, Refusal, Stop},
    roid,
    tables::HOST_SUPERORDINATE,
    tld::Place,
    view::Kept,
};
use storage::{Fault, Read, View};

/// How the asker stands to the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Sponsor, operator, or holder of the authInfo.
    Full,
    Other,
}

/// A domain with its computed parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    pub name: DomainName,
    pub roid: String,
    pub domain: Domain,
    pub statuses: Vec<&'static str>,
    pub registrant: Option<String>,
    pub contacts: Vec<(ContactRole, String)>,
    /// Name servers, in the order they were given.
    pub hosts: Vec<DomainName>,
    /// Hosts below the domain, by name.
    pub subordinates: Vec<DomainName>,
    pub sponsor: String,
    pub creator: Option<String>,
    pub updater: Option<String>,
}

/// Finds the domain and says how `by` stands to it. Proving the authInfo is the caller's part: it holds the keys.
///
/// # Errors
/// A bad name, no such domain; a storage fault.
pub fn find(db: &impl Read, by: &Actor, text: &str) -> Result<(DomainName, Domain, Standing), Stop> {
    let name = DomainName::parse(text).map_err(|fault| Refusal::NameSyntax {
        about: About::Object,
        name: text.into(),
        fault,
    })?;
    let missing = || Refusal::NotFound { about: About::Object, object: name.to_string() };
    let domain = settled(db, &name)?.ok_or_else(missing)?;
    let full = by.registrar().is_none_or(|id| id == domain.sponsor);
    Ok((name, domain, if full { Standing::Full } else { Standing::Other }))
}

/// The stored authInfo that a given one must match: the domain's, or, where a ROID was given with it, that of the
/// registrant or contact it names; `None` when the ROID names no contact of this domain.
///
/// # Errors
/// A storage fault.
pub fn authinfo_of(db: &impl Read, domain: &Domain, roid: Option<&str>) -> Result<Option<AuthInfo>, Stop> {
    let Some(wanted) = roid else { return Ok(domain.authinfo) };
    for id in domain.registrant.iter().chain(domain.contacts.iter().map(|(_, id)| id)) {
        if roid::contact(db, *id)? == wanted {
            return Ok(contact::linked(db, *id)?.authinfo);
        }
    }
    Ok(None)
}

/// # Errors
/// A storage fault.
pub fn info(
    db: &View,
    kept: &Kept,
    name: DomainName,
    domain: Domain,
    standing: Standing,
) -> Result<Info, Stop> {
    let full = standing == Standing::Full;
    let Place::Registrable { tld, .. } = kept.zones(db)?.place(&name) else {
        return Err(Refusal::NotServed { name: name.to_string() }.into());
    };
    let mut subordinates = Vec::new();
    for key in db.keys(&HOST_SUPERORDINATE, (name.clone(), 0)..=(name.clone(), u64::MAX)) {
        subordinates.push(host::linked(db, key?.1)?.name);
    }
    subordinates.sort_unstable();
    let handle = |id: u64| contact::handle_of(db, id);
    let registrar = |id: u64| Ok::<_, Fault>(kept.registrar(db, id)?.handle.clone());
    Ok(Info {
        roid: roid::domain(domain.id, &tld),
        statuses: domain.status_words(),
        registrant: domain.registrant.filter(|_| full).map(handle).transpose()?,
        contacts: domain
            .contacts
            .iter()
            .filter(|_| full)
            .map(|(role, id)| Ok((*role, contact::handle_of(db, *id)?)))
            .collect::<Result<_, Stop>>()?,
        hosts: domain.hosts.iter().map(|id| Ok(host::linked(db, *id)?.name)).collect::<Result<_, Stop>>()?,
        subordinates,
        sponsor: registrar(domain.sponsor)?,
        creator: full.then(|| registrar(domain.creator)).transpose()?,
        updater: domain.updater.filter(|_| full).map(registrar).transpose()?,
        name,
        domain,
    })
}
