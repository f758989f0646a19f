//! Registering a domain (RFC 5731 section 3.2.1, RFC 5910 section 5.2.1).

use super::{Domain, check as naming};
use crate::{
    actor::Actor,
    authinfo::NewAuthInfo,
    contact::{self, ContactRole},
    dnssec::Ds,
    due::EXPIRY,
    host,
    name::DomainName,
    outcome::Reply,
    refusal::{About, Refusal, Stop},
    registrar,
    status::Statuses,
    tables::{DOMAIN, DOMAIN_CONTACT, DOMAIN_HOST, DOMAIN_SPONSOR, DUE},
    time::Timestamp,
    tld::{CONTACTS_MAX, DS_MAX, DataModel, HOSTS_MAX, Tld, YEARS_MAX},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use storage::{Read, Tx};

/// A new domain as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainCreate {
    pub name: String,
    /// `None`: one year.
    pub period: Option<Period>,
    pub name_servers: NameServers,
    pub registrant: Option<String>,
    pub contacts: Vec<(ContactRole, String)>,
    pub authinfo: NewAuthInfo,
    pub secdns: SecDns,
    /// The clID of the sponsor, when the operator acts; a registrar acts for itself.
    pub sponsor: Option<String>,
}

/// A registration period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    pub number: u16,
    pub unit: Unit,
}

/// The order is replicated: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    Year,
    Month,
}

/// Name servers as they were given. The order is replicated: append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameServers {
    /// Names of host objects; may be empty.
    Objects(Vec<String>),
    /// The other form of RFC 5731, which no zone here takes.
    Attributes,
}

/// DNSSEC data as it was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecDns {
    pub ds: Vec<Ds>,
    /// keyData was given, alone or inside a dsData.
    pub key_data: bool,
    pub max_sig_life: bool,
}

/// What [`apply`] will write.
#[derive(Debug)]
pub struct Plan {
    name: DomainName,
    sponsor: u64,
    years: u8,
    registrant: Option<u64>,
    contacts: Vec<(ContactRole, u64)>,
    hosts: Vec<u64>,
}

/// # Errors
/// Every reason to refuse: the name, the period, contacts, name servers, DNSSEC data.
pub fn check(db: &impl Read, by: &Actor, c: &DomainCreate) -> Result<Plan, Stop> {
    let found = naming::available(db, by, &c.name)?;
    let sponsor = registrar::acting(db, by, c.sponsor.as_deref())?;
    let years = check_period(c.period)?;
    check_model(&found.tld, c)?;
    let registrant = c.registrant.as_deref();
    let registrant = registrant.map(|h| own_contact(db, sponsor, About::Registrant, h)).transpose()?;
    let contacts = check_contacts(db, sponsor, &c.contacts)?;
    let hosts = check_hosts(db, &c.name_servers)?;
    check_secdns(&c.secdns)?;
    Ok(Plan { name: found.name, sponsor, years, registrant, contacts, hosts })
}

fn check_period(period: Option<Period>) -> Result<u8, Stop> {
    let Some(Period { number, unit }) = period else { return Ok(1) };
    if unit == Unit::Month {
        return Err(Refusal::PeriodUnit { months: number }.into());
    }
    match u8::try_from(number) {
        Ok(years @ 1..=YEARS_MAX) => Ok(years),
        _ => Err(Refusal::PeriodOutOfRange { years: number }.into()),
    }
}

fn check_model(tld: &Tld, c: &DomainCreate) -> Result<(), Stop> {
    match tld.model {
        DataModel::Minimum => check_no_contacts(c),
        DataModel::Maximum if c.registrant.is_none() => Err(Refusal::RegistrantRequired.into()),
        DataModel::Maximum => {
            let missing =
                tld.contacts_required.iter().find(|role| !c.contacts.iter().any(|(r, _)| r == *role));
            missing.map_or(Ok(()), |role| Err(Refusal::ContactRequired { role: *role }.into()))
        }
    }
}

fn check_no_contacts(c: &DomainCreate) -> Result<(), Stop> {
    match (&c.registrant, c.contacts.first()) {
        (Some(handle), _) => Err(Refusal::RegistrantForbidden { handle: handle.clone() }.into()),
        (None, Some((_, handle))) => Err(Refusal::ContactsForbidden { handle: handle.clone() }.into()),
        (None, None) => Ok(()),
    }
}

fn check_contacts(
    db: &impl Read,
    sponsor: u64,
    given: &[(ContactRole, String)],
) -> Result<Vec<(ContactRole, u64)>, Stop> {
    let mut contacts: Vec<(ContactRole, u64)> = Vec::with_capacity(given.len());
    for (role, handle) in given {
        let id = own_contact(db, sponsor, About::Contact, handle)?;
        if contacts.contains(&(*role, id)) {
            return Err(Refusal::ContactRepeated { role: *role, handle: handle.clone() }.into());
        }
        contacts.push((*role, id));
        if contacts.iter().filter(|(r, _)| r == role).count() > CONTACTS_MAX.into() {
            return Err(Refusal::TooManyContacts { handle: handle.clone(), most: CONTACTS_MAX }.into());
        }
    }
    Ok(contacts)
}

fn own_contact(db: &impl Read, sponsor: u64, about: About, handle: &str) -> Result<u64, Stop> {
    let missing = || Refusal::NotFound { about, object: handle.into() };
    let (id, contact) = contact::by_handle(db, handle)?.ok_or_else(missing)?;
    if contact.sponsor != sponsor {
        return Err(Refusal::NotSponsor { about, object: handle.into() }.into());
    }
    Ok(id)
}

fn check_hosts(db: &impl Read, given: &NameServers) -> Result<Vec<u64>, Stop> {
    let NameServers::Objects(names) = given else { return Err(Refusal::HostAttributesUnsupported.into()) };
    if let Some(host) = names.get(usize::from(HOSTS_MAX)) {
        return Err(Refusal::TooManyHosts { host: host.clone(), most: HOSTS_MAX }.into());
    }
    let about = About::NameServer;
    let mut hosts = Vec::with_capacity(names.len());
    for text in names {
        let bad = |fault| Refusal::NameSyntax { about, name: text.clone(), fault };
        let name = DomainName::parse(text).map_err(bad)?;
        let missing = || Refusal::NotFound { about, object: name.to_string() };
        let (id, host) = host::by_name(db, &name)?.ok_or_else(missing)?;
        if hosts.contains(&id) {
            return Err(Refusal::HostRepeated { host: name.to_string() }.into());
        }
        if host.lacks_glue() {
            return Err(Refusal::GlueMissing { host: name.to_string() }.into());
        }
        hosts.push(id);
    }
    Ok(hosts)
}

fn check_secdns(given: &SecDns) -> Result<(), Stop> {
    if given.key_data {
        return Err(Refusal::KeyDataUnsupported.into());
    }
    if given.max_sig_life {
        return Err(Refusal::MaxSigLifeUnsupported.into());
    }
    if let Some(ds) = given.ds.get(usize::from(DS_MAX)) {
        return Err(Refusal::TooManyDs { key_tag: ds.key_tag, most: DS_MAX }.into());
    }
    for (i, ds) in given.ds.iter().enumerate() {
        let key_tag = ds.key_tag;
        ds.check().map_err(|fault| Refusal::DsInvalid { key_tag, fault })?;
        if given.ds.iter().take(i).any(|earlier| earlier == ds) {
            return Err(Refusal::DsRepeated { key_tag }.into());
        }
    }
    Ok(())
}

/// # Errors
/// As [`check`].
pub fn apply(tx: &mut Tx<'_>, by: &Actor, at: Timestamp, c: &DomainCreate) -> Result<Reply, Stop> {
    let plan = check(tx, by, c)?;
    let (name, sponsor, expiry) = (plan.name, plan.sponsor, at.plus_years(plan.years));
    link(tx, &name, plan.registrant.iter().chain(plan.contacts.iter().map(|(_, id)| id)), &plan.hosts)?;
    let domain = Domain {
        id: tx.next_id(),
        sponsor,
        creator: sponsor,
        created: at,
        updater: None,
        updated: None,
        expiry,
        registrant: plan.registrant,
        contacts: plan.contacts,
        hosts: plan.hosts,
        statuses: Statuses::default(),
        ds: c.secdns.ds.clone(),
        authinfo: c.authinfo.stored,
    };
    tx.insert(&DOMAIN, &name, &domain)?;
    tx.add(&DOMAIN_SPONSOR, &(sponsor, name.clone()))?;
    tx.add(&DUE, &(expiry.0, EXPIRY, name.clone()))?;
    Ok(Reply::DomainCreated { name: name.to_string(), created: at, expiry })
}

/// One row for each contact (in however many roles) and each name server.
fn link<'a>(
    tx: &mut Tx<'_>,
    name: &DomainName,
    contacts: impl Iterator<Item = &'a u64>,
    hosts: &[u64],
) -> Result<(), Stop> {
    let contacts: BTreeSet<u64> = contacts.copied().collect();
    for contact in contacts {
        tx.add(&DOMAIN_CONTACT, &(contact, name.clone()))?;
    }
    for host in hosts {
        tx.add(&DOMAIN_HOST, &(*host, name.clone()))?;
    }
    Ok(())
}
