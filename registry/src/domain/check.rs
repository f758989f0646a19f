//! Whether a name can be registered (RFC 5731 section 3.1.1), for EPP's check and for DAS alike.

use crate::{
    actor::Actor,
    name::{self, DomainName, LabelForm},
    refusal::{About, Refusal, Stop},
    tables::DOMAIN,
    tld::{self, MarkKind, Place, Tld},
};
use storage::Read;

/// A name that could be a domain here, with its zone.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub name: DomainName,
    pub zone: DomainName,
    pub tld: Tld,
}

/// Reads a name and finds its zone.
///
/// # Errors
/// A bad name, a zone not served here, not exactly one label below it, a label with reserved hyphens, an
/// A-label while the zone has no IDN table.
pub fn candidate(db: &impl Read, text: &str) -> Result<Candidate, Stop> {
    let name = DomainName::parse(text).map_err(|fault| Refusal::NameSyntax {
        about: About::Object,
        name: text.into(),
        fault,
    })?;
    let (zone, tld) = match tld::place(db, &name)? {
        Place::Registrable { zone, tld, .. } => (zone, tld),
        Place::Foreign => return Err(Refusal::NotServed { name: name.to_string() }.into()),
        Place::Zone { .. } | Place::Below { .. } => {
            return Err(Refusal::NotRegistrable { name: name.to_string() }.into());
        }
    };
    match name::label_form(name.label()) {
        LabelForm::Plain => Ok(Candidate { name, zone, tld }),
        LabelForm::ReservedLdh => Err(Refusal::ReservedHyphens { name: name.to_string() }.into()),
        LabelForm::FakeALabel => Err(Refusal::FakeALabel { name: name.to_string() }.into()),
        LabelForm::ALabel => Err(Refusal::IdnUnsupported { name: name.to_string() }.into()),
    }
}

/// Whether `by` may register the name now.
///
/// # Errors
/// Why not: the reasons of [`candidate`], then registered, reserved, blocked.
pub fn available(db: &impl Read, by: &Actor, text: &str) -> Result<Candidate, Stop> {
    let found = candidate(db, text)?;
    let name = || found.name.to_string();
    if db.has(&DOMAIN, &found.name)? {
        return Err(Refusal::Exists { object: name() }.into());
    }
    match tld::mark_of(db, &found.tld, &found.name)?.map(|m| m.kind) {
        Some(MarkKind::Blocked) => Err(Refusal::Blocked { name: name() }.into()),
        Some(MarkKind::Reserved) if !by.is_operator() => Err(Refusal::Reserved { name: name() }.into()),
        Some(MarkKind::Reserved) | None => Ok(found),
    }
}

/// `Ok(None)`: the name is free for `by`; `Ok(Some(why))`: it is not.
///
/// # Errors
/// A storage fault.
pub fn availability(db: &impl Read, by: &Actor, text: &str) -> Result<Option<Refusal>, Stop> {
    match available(db, by, text) {
        Ok(_) => Ok(None),
        Err(Stop::Refused(why)) => Ok(Some(why)),
        Err(stop) => Err(stop),
    }
}
