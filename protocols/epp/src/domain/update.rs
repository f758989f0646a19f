//! `domain:update` (RFC 5731 section 3.2.5): read, and answered 2101.

use super::{contact, label, name_servers};
use crate::authinfo;
use crate::status;
use crate::xml::types::token;
use crate::xml::{El, Syntax};

/// The words of `statusValueType`.
const STATUSES: [&str; 17] = [
    "clientDeleteProhibited",
    "clientHold",
    "clientRenewProhibited",
    "clientTransferProhibited",
    "clientUpdateProhibited",
    "inactive",
    "ok",
    "pendingCreate",
    "pendingDelete",
    "pendingRenew",
    "pendingTransfer",
    "pendingUpdate",
    "serverDeleteProhibited",
    "serverHold",
    "serverRenewProhibited",
    "serverTransferProhibited",
    "serverUpdateProhibited",
];

/// `updateType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<(), Syntax> {
    element.seq(|s| {
        s.one("name", label)?;
        s.opt("add", add_or_remove)?;
        s.opt("rem", add_or_remove)?;
        s.opt("chg", change)?;
        Ok(())
    })
}

fn add_or_remove(element: &El<'_>) -> Result<(), Syntax> {
    element.seq(|s| {
        s.opt("ns", name_servers)?;
        s.many("contact", 0..=usize::MAX, contact)?;
        s.many("status", 0..=11, |e| status::parse(e, &STATUSES))?;
        Ok(())
    })
}

fn change(element: &El<'_>) -> Result<(), Syntax> {
    element.seq(|s| {
        s.opt("registrant", token(0, 16))?;
        s.opt("authInfo", authinfo::parse_change)?;
        Ok(())
    })
}
