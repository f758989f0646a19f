//! The repository (RFC 5730): the TLDs that share hosts, contacts and registrars, and its own policy.

use crate::{
    actor::Actor,
    outcome::Reply,
    refusal::{About, Refusal, Stop},
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
        .ok_or_else(|| Refusal::NotFound { about: About::Object, object: "the repository".into() }.into())
}

/// A repository's name is a directory's, too.
fn is_name(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(fits)
}

/// # Errors
/// Not the operator, founded already, a bad name, or a suffix that a ROID can't end with.
pub fn check(db: &impl Read, by: &Actor, c: &RepositoryFound) -> Result<Repository, Stop> {
    by.must_operate()?;
    if db.has(&tables::REPOSITORY, &0)? {
        return Err(Refusal::RepositoryFounded.into());
    }
    let invalid =
        |field: &str, why: &str| Refusal::RepositoryInvalid { field: field.into(), why: why.into() };
    if !is_name(&c.name) {
        return Err(invalid("name", "1 to 63 lower-case letters, digits and hyphens").into());
    }
    if !roid::is_suffix(&c.roid_suffix) {
        return Err(invalid("roid_suffix", "1 to 8 letters, digits and underscores").into());
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
