//! What a registrar is told of a contact (RFC 5733 section 3.1.2): its sponsor, the operator and whoever proves
//! the authInfo see everything; others are refused.

use super::{Contact, by_handle};
use crate::{
    actor::Actor,
    domain::info::Standing,
    name::DomainName,
    refusal::{About, Refusal, Stop},
    registrar, roid,
    tables::DOMAIN_CONTACT,
};
use storage::Read;

/// A contact with its computed parts; its sealed data is opened by the caller, who holds the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    pub roid: String,
    pub contact: Contact,
    pub statuses: Vec<&'static str>,
    pub sponsor: String,
    pub creator: String,
    pub updater: Option<String>,
}

/// Finds the contact and says how `by` stands to it.
///
/// # Errors
/// No such contact; a storage fault.
pub fn find(db: &impl Read, by: &Actor, handle: &str) -> Result<(u64, Contact, Standing), Stop> {
    let missing = || Refusal::NotFound { about: About::Object, object: handle.into() };
    let (id, contact) = by_handle(db, handle)?.ok_or_else(missing)?;
    let full = by.registrar().is_none_or(|r| r == contact.sponsor);
    Ok((id, contact, if full { Standing::Full } else { Standing::Other }))
}

/// # Errors
/// The asker is neither sponsor nor proved the authInfo; a storage fault.
pub fn info(db: &impl Read, id: u64, contact: Contact, standing: Standing) -> Result<Info, Stop> {
    if standing == Standing::Other {
        return Err(Refusal::NotSponsor { about: About::Object, object: contact.handle }.into());
    }
    let range = (id, DomainName::lowest())..(id + 1, DomainName::lowest());
    let linked = db.keys(&DOMAIN_CONTACT, range).next().transpose()?.is_some();
    Ok(Info {
        roid: roid::contact(db, id)?,
        statuses: contact.statuses.words(false, linked),
        sponsor: registrar::handle_of(db, contact.sponsor)?,
        creator: registrar::handle_of(db, contact.creator)?,
        updater: contact.updater.map(|u| registrar::handle_of(db, u)).transpose()?,
        contact,
    })
}
