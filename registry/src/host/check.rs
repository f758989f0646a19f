//! Whether a host name can be created (RFC 5732 section 3.1.1).

use crate::{
    name::DomainName,
    refusal::{Refusal, Stop},
    tables::HOST_NAME,
};
use storage::Read;

/// `Ok(None)`: the name is free; `Ok(Some(why))`: it is not.
///
/// # Errors
/// A storage fault.
pub fn availability(db: &impl Read, name: &str) -> Result<Option<Refusal>, Stop> {
    match DomainName::parse(name) {
        Err(fault) => Ok(Some(Refusal::NameSyntax { name: name.into(), fault })),
        Ok(parsed) if db.has(&HOST_NAME, &parsed)? => {
            Ok(Some(Refusal::Exists { object: parsed.to_string() }))
        }
        Ok(parsed) => Ok(super::create::forbidden(db, &parsed)?),
    }
}
