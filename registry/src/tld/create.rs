//! Adding a zone to the repository.

use super::{DataModel, Tld};
use crate::{
    actor::Actor,
    contact::ContactRole,
    name::DomainName,
    outcome::Reply,
    refusal::{Refusal, Stop},
    roid,
    tables::{DOMAIN, HOST_NAME, TLD},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use storage::{Read, Tx};

/// A new zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TldCreate {
    pub name: String,
    pub model: DataModel,
    pub contacts_required: Vec<ContactRole>,
    pub roid_suffix: String,
}

/// # Errors
/// Not the operator, a bad or taken name, registered as a domain or host, or a policy that contradicts itself.
pub fn check(db: &impl Read, by: &Actor, c: &TldCreate) -> Result<(DomainName, Vec<ContactRole>), Stop> {
    by.must_operate()?;
    let invalid = |field: &str, why: &str| Refusal::TldInvalid { field: field.into(), why: why.into() };
    let name =
        DomainName::parse(&c.name).map_err(|fault| Refusal::NameSyntax { name: c.name.clone(), fault })?;
    if db.has(&TLD, &name)? {
        return Err(Refusal::Exists { object: name.to_string() }.into());
    }
    if is_registered_or_below(db, &name)? {
        return Err(Refusal::NamesBelowTld { tld: name.to_string() }.into());
    }
    if !roid::is_suffix(&c.roid_suffix) {
        return Err(invalid("roid_suffix", "1 to 8 letters, digits and underscores").into());
    }
    let mut required = c.contacts_required.clone();
    required.sort_unstable();
    required.dedup();
    if c.model == DataModel::Minimum && !required.is_empty() {
        return Err(invalid("contacts_required", "a minimum-data zone takes no contacts").into());
    }
    Ok((name, required))
}

/// A zone can't appear above or at names that exist: they would change their superordinate domain.
fn is_registered_or_below(db: &impl Read, zone: &DomainName) -> Result<bool, Stop> {
    if db.has(&DOMAIN, zone)? {
        return Ok(true);
    }
    // hosts and domains are keyed by name from the left, so what lies below a new zone is found by scanning; a
    // zone is created a few times in the life of a repository
    let below = format!(".{zone}");
    for item in db.range(&HOST_NAME, ..) {
        let (host, _) = item?;
        if host == *zone || host.as_str().ends_with(&below) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// # Errors
/// As [`check`].
pub fn apply(tx: &mut Tx<'_>, by: &Actor, at: Timestamp, c: &TldCreate) -> Result<Reply, Stop> {
    let (name, contacts_required) = check(tx, by, c)?;
    let id = tx.next_id();
    let tld = Tld { id, created: at, model: c.model, contacts_required, roid_suffix: c.roid_suffix.clone() };
    tx.insert(&TLD, &name, &tld)?;
    Ok(Reply::TldCreated { id })
}
