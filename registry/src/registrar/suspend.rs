//! Suspending a registrar and letting it act again: decided by the operator. A suspended registrar keeps its objects;
//! it can neither log in nor change anything, and its sessions end on every node.

use super::{Registrar, Suspension, by_handle};
use crate::{
    actor::Actor,
    outcome::Reply,
    refusal::{About, Refusal, Stop},
    tables::{REGISTRAR, REGISTRAR_SUSPENDED},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use storage::{Fault, Read, Tx};

/// Longest note, in characters.
const NOTE_MAX: usize = 255;

/// Suspends a registrar; one that is suspended already gets the new note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrarSuspend {
    pub handle: String,
    /// For operators; may be empty.
    pub note: String,
}

/// Lets a suspended registrar act again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrarResume {
    pub handle: String,
}

/// Whether a registrar is suspended.
///
/// # Errors
/// A storage fault.
pub fn is_suspended(db: &impl Read, registrar: u64) -> Result<bool, Fault> {
    db.contains(&REGISTRAR_SUSPENDED, &registrar)
}

/// The numbers of the registrars that are suspended, in order.
///
/// # Errors
/// A storage fault.
pub fn suspended(db: &impl Read) -> Result<Vec<u64>, Fault> {
    db.keys(&REGISTRAR_SUSPENDED, ..).collect()
}

/// Whether the author of a command may act at all: asked of every command, so that no race lets a suspended
/// registrar write.
///
/// # Errors
/// [`Refusal::Suspended`]; a storage fault.
pub fn may_act(db: &impl Read, by: &Actor) -> Result<(), Stop> {
    match by {
        Actor::Registrar(id) if is_suspended(db, *id)? => Err(Refusal::Suspended.into()),
        Actor::Registrar(_) | Actor::Operator(_) | Actor::System => Ok(()),
    }
}

/// # Errors
/// Not the operator, no such registrar, a note that is too long or not printable.
pub fn check(db: &impl Read, by: &Actor, c: &RegistrarSuspend) -> Result<(u64, Registrar), Stop> {
    let found = find(db, by, &c.handle)?;
    if c.note.chars().count() > NOTE_MAX || c.note.contains(char::is_control) {
        let why = "at most 255 printable characters".into();
        return Err(Refusal::RegistrarInvalid { field: "note".into(), why }.into());
    }
    Ok(found)
}

fn find(db: &impl Read, by: &Actor, handle: &str) -> Result<(u64, Registrar), Stop> {
    by.must_operate()?;
    by_handle(db, handle)?
        .ok_or_else(|| Refusal::NotFound { about: About::Object, object: handle.into() }.into())
}

/// Also gives the suspension that held before.
///
/// # Errors
/// As [`check`].
pub fn apply(
    tx: &mut Tx<'_>,
    by: &Actor,
    at: Timestamp,
    c: &RegistrarSuspend,
) -> Result<(Reply, Option<Suspension>), Stop> {
    let (id, old) = check(tx, by, c)?;
    let since = old.suspended.as_ref().map_or(at, |earlier| earlier.since);
    let suspended = Some(Suspension { since, note: c.note.clone() });
    let new = Registrar { suspended, updated: Some(at), ..old.clone() };
    tx.replace(&REGISTRAR, &id, &old, &new)?;
    if old.suspended.is_none() {
        tx.add(&REGISTRAR_SUSPENDED, &id)?;
    }
    Ok((Reply::Ok, old.suspended))
}

/// # Errors
/// Not the operator, no such registrar, or it is not suspended.
pub fn check_resume(db: &impl Read, by: &Actor, c: &RegistrarResume) -> Result<(u64, Registrar), Stop> {
    let (id, registrar) = find(db, by, &c.handle)?;
    match registrar.suspended {
        Some(_) => Ok((id, registrar)),
        None => Err(Refusal::NotSuspended { registrar: registrar.handle }.into()),
    }
}

/// Also gives the suspension that ends.
///
/// # Errors
/// As [`check_resume`].
pub fn apply_resume(
    tx: &mut Tx<'_>,
    by: &Actor,
    at: Timestamp,
    c: &RegistrarResume,
) -> Result<(Reply, Option<Suspension>), Stop> {
    let (id, old) = check_resume(tx, by, c)?;
    let new = Registrar { suspended: None, updated: Some(at), ..old.clone() };
    tx.replace(&REGISTRAR, &id, &old, &new)?;
    tx.drop_key(&REGISTRAR_SUSPENDED, &id)?;
    Ok((Reply::Ok, old.suspended))
}
