//! Whether a name can be registered (RFC 5731 section 3.1.1), for EPP's check and for DAS alike.

use crate::{
    actor::Actor,
    name::{self, DomainName, LabelForm},
    refusal::{About, Refusal, Stop},
    tables::DOMAIN,
    tld::{self, MarkKind, Place, Tld},
    view::Kept,
};
use storage::{Fault, Read, View};

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
    placed(text, |name| tld::place(db, name))
}

fn placed(text: &str, place: impl Fn(&DomainName) -> Result<Place, Fault>) -> Result<Candidate, Stop> {
    let name = DomainName::parse(text).map_err(|fault| Refusal::NameSyntax {
        about: About::Object,
        name: text.into(),
        fault,
    })?;
    let (zone, tld) = match place(&name)? {
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
    let exists = db.has(&DOMAIN, &found.name)?;
    free(db, by, found, exists)
}

fn free(db: &impl Read, by: &Actor, found: Candidate, exists: bool) -> Result<Candidate, Stop> {
    let name = || found.name.to_string();
    if exists {
        return Err(Refusal::Exists { object: name() }.into());
    }
    match tld::mark_of(db, &found.tld, &found.name)?.map(|m| m.kind) {
        Some(MarkKind::Blocked) => Err(Refusal::Blocked { name: name() }.into()),
        Some(MarkKind::Reserved) if !by.is_operator() => Err(Refusal::Reserved { name: name() }.into()),
        Some(MarkKind::Reserved) | None => Ok(found),
    }
}

/// What [`available`] says of a view: `Ok(None)`: the name is free for `by`; `Ok(Some(why))`: it is not. A name that
/// is not registered is called registered with the probability that [`storage::Presence`] tells.
///
/// # Errors
/// A storage fault.
pub fn availability(db: &View, kept: &Kept, by: &Actor, text: &str) -> Result<Option<Refusal>, Stop> {
    let zones = kept.zones(db)?;
    let looked = placed(text, |name| Ok(zones.place(name))).and_then(|found| {
        let exists = db.presence(&DOMAIN)?.likely(&found.name.borrowed(), &mut Vec::new())?;
        free(db, by, found, exists)
    });
    match looked {
        Ok(_) => Ok(None),
        Err(Stop::Refused(why)) => Ok(Some(why)),
        Err(stop) => Err(stop),
    }
}
