//! A domain as the public sees it, contacts with what they disclose and nothing more.

use super::registrar::{self, RegistrarView};
use crate::{
    DomainName, Stop, Timestamp,
    contact::{self, ContactRole, Item, PublicContact},
    dnssec::Ds,
    domain::{Domain, settled},
    host,
    host::info::is_linked,
    roid,
    tld::{self, DataModel, Place},
};
use std::net::IpAddr;
use storage::Read;

/// The public data of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainView {
    pub name: DomainName,
    pub roid: String,
    pub model: DataModel,
    /// EPP words, never empty.
    pub statuses: Vec<&'static str>,
    pub registrar: RegistrarView,
    pub created: Timestamp,
    pub updated: Option<Timestamp>,
    pub expiry: Timestamp,
    pub registrant: Option<ContactView>,
    pub contacts: Vec<(ContactRole, ContactView)>,
    pub name_servers: Vec<NameServerView>,
    pub ds: Vec<Ds>,
}

/// A contact in a domain's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactView {
    /// `None` where neither name nor organization is disclosed: it would tie an unnamed person's domains together.
    pub roid: Option<String>,
    pub public: PublicContact,
}

impl ContactView {
    /// Whether an element may be shown; one that may and has no value does not exist.
    pub fn shows(&self, item: Item) -> bool {
        self.public.disclose.as_ref().is_some_and(|d| d.show && d.items.contains(&item))
    }
}

/// A name server in a domain's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameServerView {
    pub name: DomainName,
    pub roid: String,
    pub statuses: Vec<&'static str>,
    pub addresses: Vec<IpAddr>,
}

/// A registered domain by name, as it is at the view's state time.
///
/// # Errors
/// A storage fault.
pub fn domain(db: &impl Read, name: &DomainName) -> Result<Option<DomainView>, Stop> {
    let Place::Registrable { tld, .. } = tld::place(db, name)? else { return Ok(None) };
    let Some(domain) = settled(db, name)? else { return Ok(None) };
    Ok(Some(DomainView {
        name: name.clone(),
        roid: roid::domain(domain.id, &tld),
        model: tld.model,
        statuses: domain.status_words(),
        registrar: registrar::by_id(db, domain.sponsor)?,
        created: domain.created,
        updated: domain.updated,
        expiry: domain.expiry,
        registrant: domain.registrant.map(|id| contact_view(db, id)).transpose()?,
        contacts: contacts(db, &domain)?,
        name_servers: domain.hosts.iter().map(|id| name_server(db, *id)).collect::<Result<_, _>>()?,
        ds: domain.ds,
    }))
}

fn contacts(db: &impl Read, domain: &Domain) -> Result<Vec<(ContactRole, ContactView)>, Stop> {
    domain.contacts.iter().map(|(role, id)| Ok((*role, contact_view(db, *id)?))).collect()
}

fn contact_view(db: &impl Read, id: u64) -> Result<ContactView, Stop> {
    let public = contact::linked(db, id)?.public;
    let is_named = public.postal.iter().any(|p| p.name.is_some() || p.org.is_some());
    Ok(ContactView { roid: is_named.then(|| roid::contact(db, id)).transpose()?, public })
}

fn name_server(db: &impl Read, id: u64) -> Result<NameServerView, Stop> {
    let host = host::linked(db, id)?;
    Ok(NameServerView {
        roid: roid::host(db, id)?,
        statuses: host.statuses.words(false, is_linked(db, id)?),
        name: host.name,
        addresses: host.addresses,
    })
}
