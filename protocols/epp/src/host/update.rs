//! `host:update` (RFC 5732 section 3.2.5): read, and answered 2101.

use super::address;
use crate::domain::label;
use crate::status;
use crate::xml::{El, Syntax};

/// The words of `statusValueType`.
const STATUSES: [&str; 10] = [
    "clientDeleteProhibited",
    "clientUpdateProhibited",
    "linked",
    "ok",
    "pendingCreate",
    "pendingDelete",
    "pendingTransfer",
    "pendingUpdate",
    "serverDeleteProhibited",
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
        s.opt("chg", |chg| chg.seq(|s| s.one("name", label)))?;
        Ok(())
    })
}

fn add_or_remove(element: &El<'_>) -> Result<(), Syntax> {
    element.seq(|s| {
        s.many("addr", 0..=usize::MAX, address)?;
        s.many("status", 0..=7, |e| status::parse(e, &STATUSES))?;
        Ok(())
    })
}
