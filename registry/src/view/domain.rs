//! A domain as the public sees it, contacts with what they disclose and nothing more.

use super::{kept::Kept, registrar::RegistrarView};
use crate::{
    DomainName, Stop, Timestamp,
    contact::{self, ContactRole, Item, PublicContact},
    dnssec::Ds,
    domain::{Domain, settled},
    host, roid,
    tld::{DataModel, Registrable},
};
use std::{net::IpAddr, sync::Arc};
use storage::{Read, View};

/// The public data of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainView {
    pub name: DomainName,
    pub roid: String,
    pub model: DataModel,
    /// EPP words, never empty.
    pub statuses: Vec<&'static str>,
    pub registrar: Arc<RegistrarView>,
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
pub fn domain(db: &View, kept: &Kept, name: &DomainName) -> Result<Option<DomainView>, Stop> {
    let zones = kept.zones(db)?;
    let Some(Registrable { tld, .. }) = zones.registrable(name.as_str().as_bytes()) else { return Ok(None) };
    let Some(domain) = settled(db, name)? else { return Ok(None) };
    let suffix = &kept.repository(db)?.roid_suffix;
    Ok(Some(DomainView {
        name: name.clone(),
        roid: roid::domain(domain.id, tld),
        model: tld.model,
        statuses: domain.status_words(),
        registrar: kept.registrar(db, domain.sponsor)?,
        created: domain.created,
        updated: domain.updated,
        expiry: domain.expiry,
        registrant: domain.registrant.map(|id| contact_view(db, suffix, id)).transpose()?,
        contacts: contacts(db, suffix, &domain)?,
        name_servers: domain.hosts.iter().map(|id| name_server(db, suffix, *id)).collect::<Result<_, _>>()?,
        ds: domain.ds,
    }))
}

fn contacts(db: &impl Read, suffix: &str, domain: &Domain) -> Result<Vec<(ContactRole, ContactView)>, Stop> {
    domain.contacts.iter().map(|(role, id)| Ok((*role, contact_view(db, suffix, *id)?))).collect()
}

fn contact_view(db: &impl Read, suffix: &str, id: u64) -> Result<ContactView, Stop> {
    let public = contact::linked(db, id)?.public;
    let is_named = public.postal.iter().any(|p| p.name.is_some() || p.org.is_some());
    Ok(ContactView { roid: is_named.then(|| roid::of_contact(id, suffix)), public })
}

/// The domain that is shown makes it linked.
fn name_server(db: &impl Read, suffix: &str, id: u64) -> Result<NameServerView, Stop> {
    let host = host::linked(db, id)?;
    Ok(NameServerView {
        roid: roid::of_host(id, suffix),
        statuses: host.statuses.words(false, true),
        name: host.name,
        addresses: host.addresses,
    })
}
