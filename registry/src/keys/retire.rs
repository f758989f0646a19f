//! The end of an epoch: announced by the operator, brought about by the registry once the time has come.

use super::{BATCH_MAX, KeyEpoch, Stage, current, find, invalid};
use crate::{
    actor::Actor,
    contact::Contact,
    domain::Domain,
    journal::Change,
    name::DomainName,
    outcome::Reply,
    refusal::Stop,
    tables::{CONTACT, DOMAIN, KEY_EPOCH},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use storage::{Read, Tx};

/// Announces when the authInfo that is still of an epoch is unset, after which the epoch is retired. Announced again
/// before that, it has another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRetire {
    pub epoch: u32,
    pub at: Timestamp,
}

/// Unsets authInfo that is of an epoch whose time is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthInfoUnset {
    pub epoch: u32,
    pub domains: Vec<DomainName>,
    pub contacts: Vec<u64>,
}

/// States that nothing is left of an epoch whose time is over. Nothing can come meanwhile: commands with something
/// sealed by it are not accepted from its announced time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRetired {
    pub epoch: u32,
}

/// # Errors
/// Not the operator, no such epoch, one that is not active, the current one, or a time that is past.
pub fn check_retire(db: &impl Read, by: &Actor, c: &KeyRetire) -> Result<(KeyEpoch, Timestamp), Stop> {
    by.must_operate()?;
    let epoch = find(db, c.epoch)?;
    let now = Timestamp(db.header().state_time);
    if c.at <= now {
        return Err(invalid(c.epoch, "can be retired at a time to come only"));
    }
    match epoch.stage {
        Stage::Active { .. } if current(db)? == Some(c.epoch) => {
            Err(invalid(c.epoch, "is the current one; rotate first"))
        }
        Stage::Active { since } | Stage::Retiring { since, .. } if !epoch.is_over(now) => Ok((epoch, since)),
        Stage::Proposed => Err(invalid(c.epoch, "was never in use")),
        _ => Err(invalid(c.epoch, "is out of use already")),
    }
}

/// Also gives the time that was announced before.
///
/// # Errors
/// As [`check_retire`].
pub fn apply_retire(tx: &mut Tx<'_>, by: &Actor, c: &KeyRetire) -> Result<(Reply, Option<Timestamp>), Stop> {
    let (old, since) = check_retire(tx, by, c)?;
    let new = KeyEpoch { stage: Stage::Retiring { since, at: c.at }, ..old };
    tx.replace(&KEY_EPOCH, &c.epoch, &old, &new)?;
    let before = match old.stage {
        Stage::Retiring { at, .. } => Some(at),
        Stage::Proposed | Stage::Active { .. } | Stage::Retired { .. } => None,
    };
    Ok((Reply::Ok, before))
}

/// The epoch, whose time must be over.
fn over(db: &impl Read, by: &Actor, epoch: u32) -> Result<KeyEpoch, Stop> {
    by.must_operate()?;
    let found = find(db, epoch)?;
    if !found.is_over(Timestamp(db.header().state_time)) {
        return Err(invalid(epoch, "has no announced time that is over"));
    }
    Ok(found)
}

/// # Errors
/// The epoch's time is not over; too many objects.
pub fn check_unset(db: &impl Read, by: &Actor, c: &AuthInfoUnset) -> Result<(), Stop> {
    over(db, by, c.epoch)?;
    if c.domains.len() + c.contacts.len() > BATCH_MAX {
        return Err(invalid(c.epoch, format!("more than {BATCH_MAX} objects in one command")));
    }
    Ok(())
}

/// Also says which objects lost it. One that has another authInfo by now keeps it.
///
/// # Errors
/// As [`check_unset`].
pub fn apply_unset(tx: &mut Tx<'_>, by: &Actor, c: &AuthInfoUnset) -> Result<(Reply, Vec<Change>), Stop> {
    check_unset(tx, by, c)?;
    let was = format!("of epoch {}", c.epoch);
    let mut changes = Vec::new();
    let ours = |authinfo: Option<crate::authinfo::AuthInfo>| authinfo.is_some_and(|a| a.epoch == c.epoch);
    for name in &c.domains {
        let Some(old) = tx.get(&DOMAIN, name)?.filter(|domain| ours(domain.authinfo)) else { continue };
        tx.replace(&DOMAIN, name, &old, &Domain { authinfo: None, ..old.clone() })?;
        changes.push(Change::new(&format!("authInfo of {name}"), &was));
    }
    for id in &c.contacts {
        let Some(old) = tx.get(&CONTACT, id)?.filter(|contact| ours(contact.authinfo)) else { continue };
        tx.replace(&CONTACT, id, &old, &Contact { authinfo: None, ..old.clone() })?;
        changes.push(Change::new(&format!("authInfo of contact {}", old.handle), &was));
    }
    Ok((Reply::Ok, changes))
}

/// # Errors
/// The epoch's time is not over.
pub fn check_retired(db: &impl Read, by: &Actor, c: &KeyRetired) -> Result<KeyEpoch, Stop> {
    over(db, by, c.epoch)
}

/// # Errors
/// As [`check_retired`].
pub fn apply_retired(tx: &mut Tx<'_>, by: &Actor, at: Timestamp, c: &KeyRetired) -> Result<Reply, Stop> {
    let old = check_retired(tx, by, c)?;
    tx.replace(&KEY_EPOCH, &c.epoch, &old, &KeyEpoch { stage: Stage::Retired { at }, ..old })?;
    Ok(Reply::Ok)
}
