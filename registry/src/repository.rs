//! The repository (RFC 5730): the TLDs that share hosts, contacts and registrars, and its own policy.

use crate::{
    actor::Actor,
    outcome::Reply,
    refusal::{Refusal, Stop},
    roid, tables,
};
use serde::{Deserialize, Serialize};
use storage::{Read, Record, Tx};

/// Policy of the whole repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repository {
    pub name: String,
    /// The suffix of host and contact ROIDs.
    pub roid_suffix: String,
    /// Whether host addresses may lie in blocks set aside for documentation (a test repository).
    pub documentation_addresses: bool,
}

impl Record for Repository {}

/// The first command of every log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryFound {
    pub name: String,
    pub roid_suffix: String,
    pub documentation_addresses: bool,
}

/// The repository's policy.
///
/// # Errors
/// A storage fault; [`Refusal::NotFound`] before the repository is founded.
pub fn load(db: &impl Read) -> Result<Repository, Stop> {
    db.get(&tables::REPOSITORY, &0)?
        .ok_or_else(|| Refusal::NotFound { object: "the repository".into() }.into())
}

/// # Errors
/// Not the operator, founded already, or a suffix that a ROID can't end with.
pub fn check(db: &impl Read, by: &Actor, c: &RepositoryFound) -> Result<Repository, Stop> {
    by.must_operate()?;
    if db.has(&tables::REPOSITORY, &0)? {
        return Err(Refusal::RepositoryFounded.into());
    }
    if !roid::is_suffix(&c.roid_suffix) {
        let why = "a ROID suffix is 1 to 8 letters, digits and underscores".into();
        return Err(Refusal::TldInvalid { field: "roid_suffix".into(), why }.into());
    }
    Ok(Repository {
        name: c.name.clone(),
        roid_suffix: c.roid_suffix.clone(),
        documentation_addresses: c.documentation_addresses,
    })
}

/// # Errors
/// As [`check`].
pub fn apply(tx: &mut Tx<'_>, by: &Actor, c: &RepositoryFound) -> Result<Reply, Stop> {
    let repository = check(tx, by, c)?;
    tx.insert(&tables::REPOSITORY, &0, &repository)?;
    Ok(Reply::Ok)
}
