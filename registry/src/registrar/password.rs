//! Changing a registrar's password: by the operator, or by the registrar itself at login (RFC 5730 `newPW`).

use super::{Registrar, by_handle};
use crate::{
    actor::Actor,
    outcome::Reply,
    refusal::{About, Refusal, Stop},
    seal::Sealed,
    tables::REGISTRAR,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use storage::{Read, Tx};

/// The new password, hashed and sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrarPassword {
    pub handle: String,
    pub password: Sealed,
}

/// # Errors
/// No such registrar, or it is another's.
pub fn check(db: &impl Read, by: &Actor, c: &RegistrarPassword) -> Result<(u64, Registrar), Stop> {
    let found = by_handle(db, &c.handle)?;
    if let Actor::Registrar(own) = by {
        return found.filter(|(id, _)| id == own).ok_or_else(|| Refusal::NotOperator.into());
    }
    found.ok_or_else(|| Refusal::NotFound { about: About::Object, object: c.handle.clone() }.into())
}

/// # Errors
/// As [`check`].
pub fn apply(tx: &mut Tx<'_>, by: &Actor, at: Timestamp, c: &RegistrarPassword) -> Result<Reply, Stop> {
    let (id, old) = check(tx, by, c)?;
    let new = Registrar { password: c.password.clone(), updated: Some(at), ..old.clone() };
    tx.replace(&REGISTRAR, &id, &old, &new)?;
    Ok(Reply::Ok)
}
