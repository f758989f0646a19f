//! Whether a host can be created (RFC 5732 section 3.1.1): what its create would say, its addresses apart, and whether its
//! superordinate domain exists yet: a name is free before the domain above it is registered.

use super::create::{free, superordinate};
use crate::{
    actor::Actor,
    refusal::{Refusal, Stop},
};
use storage::Read;

/// `Ok(None)`: `by` may create the host; `Ok(Some(why))`: it may not. The operator acts for any sponsor.
///
/// # Errors
/// A storage fault.
pub fn availability(db: &impl Read, by: &Actor, name: &str) -> Result<Option<Refusal>, Stop> {
    match free(db, name).and_then(|name| superordinate(db, &name, by.registrar())) {
        Ok(_) | Err(Stop::Refused(Refusal::SuperordinateMissing { .. })) => Ok(None),
        Err(Stop::Refused(why)) => Ok(Some(why)),
        Err(stop) => Err(stop),
    }
}
