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

/// Which hosts are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosts {
    All,
    /// Name servers.
    Delegated,
    /// Hosts below the domain.
    Subordinate,
    None,
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
    /// Name servers, in the order they were given, where they were asked for.
    pub hosts: Vec<DomainName>,
    /// Hosts below the domain, by name, where they were asked for.
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
    asked: Hosts,
) -> Result<Info, Stop> {
    let full = standing == Standing::Full;
    let Place::Registrable { tld, .. } = kept.zones(db)?.place(&name) else {
        return Err(Refusal::NotServed { name: name.to_string() }.into());
    };
    let hosts = match asked {
        Hosts::All | Hosts::Delegated => delegated(db, &domain)?,
        Hosts::Subordinate | Hosts::None => Vec::new(),
    };
    let subordinates = match asked {
        Hosts::All | Hosts::Subordinate => below(db, &name)?,
        Hosts::Delegated | Hosts::None => Vec::new(),
    };
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
        hosts,
        subordinates,
        sponsor: registrar(domain.sponsor)?,
        creator: full.then(|| registrar(domain.creator)).transpose()?,
        updater: domain.updater.filter(|_| full).map(registrar).transpose()?,
        name,
        domain,
    })
}

fn delegated(db: &View, domain: &Domain) -> Result<Vec<DomainName>, Stop> {
    domain.hosts.iter().map(|id| Ok(host::linked(db, *id)?.name)).collect()
}

/// Hosts below a domain: up to a thousand look-ups.
fn below(db: &View, name: &DomainName) -> Result<Vec<DomainName>, Stop> {
    let mut names = Vec::new();
    for key in db.keys(&HOST_SUPERORDINATE, (name.clone(), 0)..=(name.clone(), u64::MAX)) {
        names.push(host::linked(db, key?.1)?.name);
    }
    names.sort_unstable();
    Ok(names)
}
