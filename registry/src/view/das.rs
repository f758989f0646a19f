//! One word for a name: can it be registered?

use crate::{
    Actor, DomainName, Refusal, Stop,
    domain::check,
    name::has_reserved_hyphens,
    tables::{DOMAIN, MARK},
    tld::{MarkKind, Registrable, Zones},
    view::Kept,
};
use std::sync::Arc;
use storage::{Fault, Presence, Read, View};

/// The answers of the domain availability service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DasStatus {
    Free,
    Registered,
    Reserved,
    Blocked,
    /// Not a name that can be registered here, a name in a foreign zone included.
    Invalid,
}

impl DasStatus {
    /// All of them, in the order of their values as numbers.
    pub const ALL: [DasStatus; 5] =
        [DasStatus::Free, DasStatus::Registered, DasStatus::Reserved, DasStatus::Blocked, DasStatus::Invalid];

    pub fn word(self) -> &'static str {
        match self {
            DasStatus::Free => "free",
            DasStatus::Registered => "registered",
            DasStatus::Reserved => "reserved",
            DasStatus::Blocked => "blocked",
            DasStatus::Invalid => "invalid",
        }
    }
}

/// The status of one name, from the rows.
///
/// # Errors
/// A storage fault.
pub fn das(db: &impl Read, name: &str) -> Result<DasStatus, Fault> {
    // the public is nobody in particular: least of all the operator, who may register reserved names
    match check::available(db, &Actor::System, name) {
        Ok(_) => Ok(DasStatus::Free),
        Err(Stop::Refused(Refusal::Exists { .. })) => Ok(DasStatus::Registered),
        Err(Stop::Refused(Refusal::Reserved { .. })) => Ok(DasStatus::Reserved),
        Err(Stop::Refused(Refusal::Blocked { .. })) => Ok(DasStatus::Blocked),
        Err(Stop::Refused(_) | Stop::Superseded) => Ok(DasStatus::Invalid),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

/// What [`das`] says, in one view, for very many names: nothing is allocated, and where the store has fingerprints no
/// row is read but that of a marked label. A name that is registered is never called anything else; one that is not
/// is called registered with the probability that [`Presence`] tells.
pub struct Das<'v> {
    view: &'v View,
    zones: Arc<Zones>,
    domains: Presence<'v, DomainName>,
    marks: Presence<'v, (u64, String)>,
}

impl<'v> Das<'v> {
    /// # Errors
    /// A storage fault.
    pub fn new(view: &'v View, kept: &Kept) -> Result<Das<'v>, Fault> {
        let zones = kept.zones(view)?;
        Ok(Das { view, zones, domains: view.presence(&DOMAIN)?, marks: view.presence(&MARK)? })
    }

    /// The status of a name in lower case. `room` is scratch space, best kept for the next name.
    ///
    /// # Errors
    /// A storage fault.
    pub fn status(&self, name: &[u8], room: &mut Vec<u8>) -> Result<DasStatus, Fault> {
        let Some(Registrable { name, label, tld }) = self.zones.registrable(name) else {
            return Ok(DasStatus::Invalid);
        };
        if has_reserved_hyphens(label) {
            return Ok(DasStatus::Invalid);
        }
        if self.domains.likely(&name, room)? {
            return Ok(DasStatus::Registered);
        }
        if !self.marks.likely(&(tld.id, label), room)? {
            return Ok(DasStatus::Free);
        }
        let label = String::from_utf8_lossy(label).into_owned();
        Ok(match self.view.get(&MARK, &(tld.id, label))?.map(|mark| mark.kind) {
            Some(MarkKind::Reserved) => DasStatus::Reserved,
            Some(MarkKind::Blocked) => DasStatus::Blocked,
            None => DasStatus::Free,
        })
    }
}
