//! One word for a name: can it be registered?

use crate::{Actor, Refusal, Stop, domain::check};
use storage::{Fault, Read};

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

/// The status of a name.
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
