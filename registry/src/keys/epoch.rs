//! A new epoch: proposed while its secret travels, then current.

use super::{Fingerprint, KeyEpoch, Stage, find, invalid, next};
use crate::{actor::Actor, outcome::Reply, refusal::Stop, tables::KEY_EPOCH, time::Timestamp};
use serde::{Deserialize, Serialize};
use storage::{Read, Tx};

/// Announces the secret that nodes shall accept for a new epoch. A proposal that was not completed is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPropose {
    pub epoch: u32,
    pub fingerprint: Fingerprint,
}

/// Makes a proposed epoch the current one: every node that seals must hold its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyActivate {
    pub epoch: u32,
    /// Of the secret that was distributed: a proposal that was replaced meanwhile is not made current.
    pub fingerprint: Fingerprint,
}

/// The proposal that is replaced, if one is.
///
/// # Errors
/// Not the operator or the registry itself, or not the next epoch.
pub fn check_propose(db: &impl Read, by: &Actor, c: &KeyPropose) -> Result<Option<KeyEpoch>, Stop> {
    by.must_operate()?;
    let next = next(db)?;
    if c.epoch != next {
        return Err(invalid(c.epoch, format!("the next epoch is {next}")));
    }
    Ok(db.get(&KEY_EPOCH, &c.epoch)?)
}

/// # Errors
/// As [`check_propose`].
pub fn apply_propose(tx: &mut Tx<'_>, by: &Actor, c: &KeyPropose) -> Result<Reply, Stop> {
    let replaced = check_propose(tx, by, c)?;
    let new = KeyEpoch { fingerprint: c.fingerprint, stage: Stage::Proposed };
    match replaced {
        Some(old) => tx.replace(&KEY_EPOCH, &c.epoch, &old, &new)?,
        None => tx.insert(&KEY_EPOCH, &c.epoch, &new)?,
    }
    Ok(Reply::Ok)
}

/// # Errors
/// Not the operator or the registry itself, no such epoch, not a proposal, or another secret.
pub fn check_activate(db: &impl Read, by: &Actor, c: &KeyActivate) -> Result<KeyEpoch, Stop> {
    by.must_operate()?;
    let epoch = find(db, c.epoch)?;
    if epoch.stage != Stage::Proposed {
        return Err(invalid(c.epoch, "is no proposal any more"));
    }
    if epoch.fingerprint != c.fingerprint {
        return Err(invalid(c.epoch, "was proposed anew meanwhile; rotate again"));
    }
    Ok(epoch)
}

/// # Errors
/// As [`check_activate`].
pub fn apply_activate(tx: &mut Tx<'_>, by: &Actor, at: Timestamp, c: &KeyActivate) -> Result<Reply, Stop> {
    let old = check_activate(tx, by, c)?;
    let new = KeyEpoch { stage: Stage::Active { since: at }, ..old };
    tx.replace(&KEY_EPOCH, &c.epoch, &old, &new)?;
    Ok(Reply::Ok)
}
