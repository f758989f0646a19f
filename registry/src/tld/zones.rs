//! All zones at once, in memory: for whoever looks up more names than it wants to read rows.

use super::{Place, Tld, all, longest};
use crate::name::{self, DomainName, NameRef};
use std::{collections::BTreeMap, convert::Infallible};
use storage::{Fault, Read};

/// The zones of one state.
#[derive(Debug)]
pub struct Zones(BTreeMap<Box<[u8]>, Zone>);

#[derive(Debug)]
struct Zone {
    tld: Tld,
    /// Whether a zone stands one label below.
    is_parent: bool,
}

/// A name that is exactly one label below the longest zone that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registrable<'a> {
    pub name: NameRef<'a>,
    /// What stands before the zone.
    pub label: &'a [u8],
    pub tld: &'a Tld,
}

impl Zones {
    /// Reads all zones.
    ///
    /// # Errors
    /// A storage fault.
    pub fn of(db: &impl Read) -> Result<Zones, Fault> {
        let zones = all(db)?;
        let parents: Vec<_> = zones.iter().filter_map(|(name, _)| name.parent()).collect();
        let of_row = |(name, tld): (DomainName, Tld)| {
            let is_parent = parents.contains(&name);
            (name.as_str().as_bytes().into(), Zone { tld, is_parent })
        };
        Ok(Zones(zones.into_iter().map(of_row).collect()))
    }

    /// What [`super::place`] tells of the state that this was read from.
    pub fn place(&self, name: &DomainName) -> Place {
        let zone = |name: &DomainName| self.0.get(name.as_str().as_bytes()).map(|zone| zone.tld.clone());
        let Ok(place) = longest(name, |name| Ok::<_, Infallible>(zone(name)));
        place
    }

    /// A text as a name that could be registered, if [`DomainName::parse`] takes it, if it has no upper case,
    /// and if [`super::place`] calls it registrable. Of the zone nothing needs to be examined: it is one.
    pub fn registrable<'a>(&'a self, text: &'a [u8]) -> Option<Registrable<'a>> {
        let dot = text.iter().position(|octet| *octet == b'.')?;
        let (label, above) = (&text[..dot], &text[dot + 1..]);
        let zone = self.0.get(above)?;
        if zone.is_parent && self.0.contains_key(text) {
            return None;
        }
        let name = name::below(text, label)?;
        Some(Registrable { name, label, tld: &zone.tld })
    }
}
