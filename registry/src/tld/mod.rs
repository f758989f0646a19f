//! Zones served by this repository and their policy. A TLD may have several labels (`co.test`); a domain is
//! exactly one label below the longest zone that matches.
//!
//! Not here: launch phases, prices, IDN tables, host attributes, keyData; a zone has none of them yet.

mod create;
mod mark;
mod zones;

pub use create::TldCreate;
pub(crate) use create::{apply as apply_create, check as check_create};
pub use mark::{Mark, MarkKind, MarkName, NOTE_MAX, UnmarkName, mark_of};
pub(crate) use mark::{apply_mark, apply_unmark, check_mark, check_unmark};
pub use zones::{Registrable, Zones};

use crate::{contact::ContactRole, name::DomainName, tables::TLD, time::Timestamp};
use serde::{Deserialize, Serialize};
use storage::{Fault, Read, Record};

/// Whether domains of a zone carry contacts. The order is replicated: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DataModel {
    /// No registrant, no contacts: personal data stays with the registrar.
    Minimum,
    /// A registrant and the required contacts ("thick").
    Maximum,
}

/// A zone and its policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tld {
    pub id: u64,
    pub created: Timestamp,
    pub model: DataModel,
    /// Contact types that every domain needs beside the registrant, sorted.
    pub contacts_required: Vec<ContactRole>,
    /// The suffix of its domains' ROIDs.
    pub roid_suffix: String,
}

impl Record for Tld {}

/// Name servers of one domain at most.
pub const HOSTS_MAX: u16 = 13;
/// DS records of one domain at most.
pub const DS_MAX: u16 = 8;
/// Contacts of one type at most.
pub const CONTACTS_MAX: u16 = 5;
/// Longest registration, in years (RFC 5731 leaves it to policy; ten is the gTLD contract's figure).
pub const YEARS_MAX: u8 = 10;

/// Where a name stands.
#[derive(Clone, Debug)]
pub enum Place {
    /// Not below any zone served here.
    Foreign,
    /// The name is itself a zone.
    Zone { zone: DomainName },
    /// Exactly one label below its zone.
    Registrable { zone: DomainName, tld: Tld, name: DomainName },
    /// Deeper: `domain` is the registrable name that it lies below.
    Below { domain: DomainName },
}

impl Place {
    /// The registrable domain at or above the name.
    pub fn domain(&self) -> Option<&DomainName> {
        match self {
            Place::Registrable { name, .. } => Some(name),
            Place::Below { domain } => Some(domain),
            Place::Foreign | Place::Zone { .. } => None,
        }
    }
}

/// Finds the longest zone that matches a name.
///
/// # Errors
/// A storage fault.
pub fn place(db: &impl Read, name: &DomainName) -> Result<Place, Fault> {
    longest(name, |zone| db.get(&TLD, zone))
}

fn longest<E>(name: &DomainName, zone: impl Fn(&DomainName) -> Result<Option<Tld>, E>) -> Result<Place, E> {
    let mut below: Option<DomainName> = None;
    for suffix in name.suffixes() {
        if let Some(tld) = zone(&suffix)? {
            return Ok(match below {
                None => Place::Zone { zone: suffix },
                Some(domain) if domain == *name => Place::Registrable { zone: suffix, tld, name: domain },
                Some(domain) => Place::Below { domain },
            });
        }
        below = Some(suffix);
    }
    Ok(Place::Foreign)
}

/// A zone by its name.
///
/// # Errors
/// A storage fault.
pub fn by_name(db: &impl Read, name: &DomainName) -> Result<Option<Tld>, Fault> {
    db.get(&TLD, name)
}

/// All zones, by name.
///
/// # Errors
/// A storage fault.
pub fn all(db: &impl Read) -> Result<Vec<(DomainName, Tld)>, Fault> {
    db.range(&TLD, ..).collect()
}
