//! Adding a zone to the repository.

use super::{DataModel, Place, Tld};
use crate::{
    actor::Actor,
    contact::ContactRole,
    name::DomainName,
    outcome::Reply,
    refusal::{About, Refusal, Stop},
    roid,
    tables::{DOMAIN, HOST_NAME, TLD},
    time::Timestamp,
    tld,
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
/// Not the operator, a bad or taken name, a gap between zones, names that it would take, or a policy that
/// contradicts itself.
pub fn check(db: &impl Read, by: &Actor, c: &TldCreate) -> Result<(DomainName, Vec<ContactRole>), Stop> {
    by.must_operate()?;
    let name = DomainName::parse(&c.name).map_err(|fault| Refusal::NameSyntax {
        about: About::Object,
        name: c.name.clone(),
        fault,
    })?;
    if db.has(&TLD, &name)? {
        return Err(Refusal::Exists { object: name.to_string() }.into());
    }
    check_nesting(db, &name)?;
    if would_take_names(db, &name)? {
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

fn invalid(field: &str, why: &str) -> Refusal {
    Refusal::TldInvalid { field: field.into(), why: why.into() }
}

/// Of two zones served here, one inside the other and none between, the inner one lies exactly one label below: a
/// label between them would be a registrable name above a zone.
fn check_nesting(db: &impl Read, new: &DomainName) -> Result<(), Stop> {
    let gap = || invalid("name", "a zone inside another one lies exactly one label below it");
    if let Place::Below { .. } = tld::place(db, new)? {
        return Err(gap().into());
    }
    for item in db.range(&TLD, ..) {
        let (zone, _) = item?;
        if !is_below(&zone, new) || zone.parent().as_ref() == Some(new) {
            continue;
        }
        // inside the new zone, and not directly: then inside a zone that lies between
        let parent = zone.parent().unwrap_or_else(|| zone.clone());
        if !matches!(tld::place(db, &parent)?, Place::Zone { .. }) {
            return Err(gap().into());
        }
    }
    Ok(())
}

fn is_below(name: &DomainName, zone: &DomainName) -> bool {
    name.as_str().strip_suffix(zone.as_str()).is_some_and(|rest| rest.ends_with('.'))
}

/// Whether a new zone would change where a registered name or a host belongs.
fn would_take_names(db: &impl Read, new: &DomainName) -> Result<bool, Stop> {
    if !matches!(tld::place(db, new)?, Place::Foreign) {
        // one label below a zone: all that can lie at or below the name hangs on its registration
        return Ok(db.has(&DOMAIN, new)?);
    }
    // Hosts outside of all zones may lie here. They are found by a scan: host names sort from the left, and a zone
    // below none that is served is created a few times in the life of a repository.
    for item in db.range(&HOST_NAME, ..) {
        let (host, _) = item?;
        if (host == *new || is_below(&host, new)) && matches!(tld::place(db, &host)?, Place::Foreign) {
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
