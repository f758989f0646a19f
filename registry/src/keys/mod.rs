//! The epochs of the sealing keys: which there are, which one new records are sealed with, and how one goes out of
//! use. The secrets themselves never come here; nodes hold them in files.
//!
//! An epoch is proposed while its secret is brought to every node that seals, then it becomes current, and the
//! background job of the leader reseals what older epochs sealed. What authInfo was made with can't be made anew: it
//! is unset once an epoch's announced time is over, and then the epoch is retired and its secret needed no more.
//!
//! Not here: sealing itself (`seal`), distribution of secrets (the node).

mod epoch;
mod reseal;
mod retire;

pub use epoch::{KeyActivate, KeyPropose};
pub(crate) use epoch::{apply_activate, apply_propose, check_activate, check_propose};
pub use reseal::{Reseal, ResealedContact, ResealedPassword};
pub(crate) use reseal::{apply as apply_reseal, check as check_reseal};
pub use retire::{AuthInfoUnset, KeyRetire, KeyRetired};
pub(crate) use retire::{apply_retire, apply_retired, apply_unset, check_retire, check_retired, check_unset};

use crate::{
    refusal::{About, Refusal, Stop},
    tables::KEY_EPOCH,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use storage::{Fault, Read, Record};

/// Objects that one command of the background job touches at most.
pub const BATCH_MAX: usize = 500;

/// The first 8 octets of the SHA-256 of an epoch's secret: enough to tell two secrets apart, useless for anything
/// else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 8]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// An epoch as the cluster knows it; its number is its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyEpoch {
    pub fingerprint: Fingerprint,
    pub stage: Stage,
}

impl Record for KeyEpoch {}

/// How far an epoch is in its life. The order is replicated: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Its secret is on its way to the nodes; nothing is sealed with it.
    Proposed,
    /// Records may be sealed with it; the newest such epoch is current.
    Active { since: Timestamp },
    /// Active until `at`; then its authInfo is unset and it is retired.
    Retiring { since: Timestamp, at: Timestamp },
    /// Nothing is sealed with it any more.
    Retired { at: Timestamp },
}

impl KeyEpoch {
    /// Whether a node that seals can't do without the secret.
    pub fn is_needed(&self) -> bool {
        matches!(self.stage, Stage::Active { .. } | Stage::Retiring { .. })
    }

    /// Whether the announced end has come at state time `now` and what is left of the epoch may go.
    pub fn is_over(&self, now: Timestamp) -> bool {
        matches!(self.stage, Stage::Retiring { at, .. } if at <= now)
    }
}

/// All epochs, the oldest first.
///
/// # Errors
/// A storage fault.
pub fn all(db: &impl Read) -> Result<Vec<(u32, KeyEpoch)>, Fault> {
    db.range(&KEY_EPOCH, ..).collect()
}

/// The epoch that new records are sealed with; `None` before the first one is registered.
///
/// # Errors
/// A storage fault.
pub fn current(db: &impl Read) -> Result<Option<u32>, Fault> {
    for item in db.range_rev(&KEY_EPOCH, ..) {
        let (number, epoch) = item?;
        if matches!(epoch.stage, Stage::Active { .. }) {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

/// The number that the next rotation takes: that of a proposal which was not completed, else a new one.
///
/// # Errors
/// A storage fault.
pub fn next(db: &impl Read) -> Result<u32, Fault> {
    let last = db.range_rev(&KEY_EPOCH, ..).next().transpose()?;
    Ok(match last {
        Some((number, KeyEpoch { stage: Stage::Proposed, .. })) => number,
        Some((number, _)) => number.saturating_add(1),
        None => 1,
    })
}

/// Whether a record sealed with `epoch` may still come in. The accepting node seals with the epoch that was current
/// when it looked, which is one of the newest; only a command that was very long on its way meets the end of one.
///
/// # Errors
/// [`Stop::Superseded`] where the epoch's time is over: the accepting node seals anew. A storage fault.
pub(crate) fn accepts(db: &impl Read, epoch: u32) -> Result<(), Stop> {
    let now = Timestamp(db.header().state_time);
    match db.get(&KEY_EPOCH, &epoch)? {
        Some(known) if known.is_over(now) => Err(Stop::Superseded),
        // of the first epoch there was never another secret, so records come in before it is registered, and while it is
        Some(known) if !known.is_needed() && current(db)?.is_some() => Err(Stop::Superseded),
        Some(_) | None => Ok(()),
    }
}

fn find(db: &impl Read, epoch: u32) -> Result<KeyEpoch, Stop> {
    let missing = || Refusal::NotFound { about: About::Object, object: format!("key epoch {epoch}") };
    db.get(&KEY_EPOCH, &epoch)?.ok_or_else(|| missing().into())
}

fn invalid(epoch: u32, why: impl Into<String>) -> Stop {
    Refusal::KeyEpochInvalid { epoch, why: why.into() }.into()
}
