//! Sealing anew, with the current epoch, what an older one sealed. The content stays as it is, and so do the dates
//! and the revision of the object.

use super::{BATCH_MAX, current, invalid};
use crate::{
    actor::Actor,
    contact::Contact,
    outcome::Reply,
    refusal::Stop,
    registrar::Registrar,
    seal::Sealed,
    tables::{CONTACT, REGISTRAR},
};
use serde::{Deserialize, Serialize};
use storage::{Read, Tx};

/// Sealed parts made by the leader's node from the same content. An object that changed meanwhile is left alone:
/// the job meets it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reseal {
    /// The epoch of the new parts.
    pub epoch: u32,
    pub contacts: Vec<ResealedContact>,
    pub passwords: Vec<ResealedPassword>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResealedContact {
    pub id: u64,
    /// Of the contact whose data this is.
    pub revision: u64,
    pub sealed: Sealed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResealedPassword {
    pub registrar: u64,
    pub old: Sealed,
    pub sealed: Sealed,
}

/// # Errors
/// A registrar asks, too many objects; [`Stop::Superseded`] when the epoch is not the current one.
pub fn check(db: &impl Read, by: &Actor, c: &Reseal) -> Result<(), Stop> {
    by.must_operate()?;
    if c.contacts.len() + c.passwords.len() > BATCH_MAX {
        return Err(invalid(c.epoch, format!("more than {BATCH_MAX} objects in one command")));
    }
    if current(db)? != Some(c.epoch) {
        return Err(Stop::Superseded);
    }
    Ok(())
}

/// # Errors
/// As [`check`].
pub fn apply(tx: &mut Tx<'_>, by: &Actor, c: &Reseal) -> Result<Reply, Stop> {
    check(tx, by, c)?;
    for ResealedContact { id, revision, sealed } in &c.contacts {
        let Some(old) = tx.get(&CONTACT, id)?.filter(|contact| contact.revision == *revision) else {
            continue;
        };
        let new = Contact { sealed: sealed.clone(), ..old.clone() };
        tx.replace(&CONTACT, id, &old, &new)?;
    }
    for ResealedPassword { registrar, old: from, sealed } in &c.passwords {
        let Some(old) = tx.get(&REGISTRAR, registrar)?.filter(|r| r.password == *from) else { continue };
        let new = Registrar { password: sealed.clone(), ..old.clone() };
        tx.replace(&REGISTRAR, registrar, &old, &new)?;
    }
    Ok(Reply::Ok)
}
