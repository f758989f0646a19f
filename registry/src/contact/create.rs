//! Creating a contact (RFC 5733 section 3.2.1).

use super::{Contact, ContactData, Facts, PublicContact, are_taken, fold, is_handle, publish};
use crate::{
    actor::Actor,
    authinfo::NewAuthInfo,
    outcome::Reply,
    refusal::{Refusal, Stop},
    registrar,
    seal::Sealed,
    status::Statuses,
    tables::{CONTACT, CONTACT_HANDLE},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use storage::{Read, Tx};

/// A new contact: public part, facts, and the whole data sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactCreate {
    pub handle: String,
    pub public: PublicContact,
    pub facts: Facts,
    pub sealed: Sealed,
    pub authinfo: NewAuthInfo,
    /// The clID of the sponsor, when the operator acts; a registrar acts for itself.
    pub sponsor: Option<String>,
}

impl ContactCreate {
    /// Splits and describes `data`, of which `sealed` is the sealed form.
    pub fn new(handle: String, data: &ContactData, sealed: Sealed, authinfo: NewAuthInfo) -> ContactCreate {
        ContactCreate {
            handle,
            public: publish(data),
            facts: Facts::of(data),
            sealed,
            authinfo,
            sponsor: None,
        }
    }
}

/// # Errors
/// Every reason to refuse: no zone takes contacts, the handle, its existence, the first fault of the data.
pub fn check(db: &impl Read, by: &Actor, c: &ContactCreate) -> Result<u64, Stop> {
    if !are_taken(db)? {
        return Err(Refusal::ContactsUnsupported.into());
    }
    if !is_handle(&c.handle) {
        return Err(Refusal::HandleSyntax { handle: c.handle.clone() }.into());
    }
    if db.has(&CONTACT_HANDLE, &fold(&c.handle))? {
        return Err(Refusal::Exists { object: c.handle.clone() }.into());
    }
    let sponsor = registrar::acting(db, by, c.sponsor.as_deref())?;
    match c.facts.faults.first() {
        Some(fault) => Err(Refusal::ContactInvalid { fault: *fault }.into()),
        None => Ok(sponsor),
    }
}

/// # Errors
/// As [`check`].
pub fn apply(
    tx: &mut Tx<'_>,
    by: &Actor,
    at: Timestamp,
    index: u64,
    c: &ContactCreate,
) -> Result<Reply, Stop> {
    let sponsor = check(tx, by, c)?;
    let id = tx.next_id();
    let contact = Contact {
        handle: c.handle.clone(),
        sponsor,
        creator: sponsor,
        created: at,
        updater: None,
        updated: None,
        revision: index,
        statuses: Statuses::default(),
        public: c.public.clone(),
        facts: c.facts.clone(),
        sealed: c.sealed.clone(),
        authinfo: c.authinfo.stored,
    };
    tx.insert(&CONTACT, &id, &contact)?;
    tx.insert(&CONTACT_HANDLE, &fold(&c.handle), &id)?;
    Ok(Reply::ContactCreated { handle: c.handle.clone(), created: at })
}
