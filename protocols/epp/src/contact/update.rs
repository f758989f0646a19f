//! `contact:update` (RFC 5733 section 3.2.5): read, and answered 2101.

use super::create::email;
use super::{disclose, handle, kind, phone, postal_address};
use crate::authinfo;
use crate::status;
use crate::xml::types::line;
use crate::xml::{El, Syntax};

/// The words of `statusValueType`.
const STATUSES: [&str; 12] = [
    "clientDeleteProhibited",
    "clientTransferProhibited",
    "clientUpdateProhibited",
    "linked",
    "ok",
    "pendingCreate",
    "pendingDelete",
    "pendingTransfer",
    "pendingUpdate",
    "serverDeleteProhibited",
    "serverTransferProhibited",
    "serverUpdateProhibited",
];

/// `updateType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<(), Syntax> {
    element.seq(|s| {
        s.one("id", handle)?;
        s.opt("add", add_or_remove)?;
        s.opt("rem", add_or_remove)?;
        s.opt("chg", change)?;
        Ok(())
    })
}

fn add_or_remove(element: &El<'_>) -> Result<(), Syntax> {
    element.seq(|s| s.many("status", 1..=7, |e| status::parse(e, &STATUSES)).map(drop))
}

fn change(element: &El<'_>) -> Result<(), Syntax> {
    element.seq(|s| {
        s.many("postalInfo", 0..=2, changed_postal)?;
        s.opt("voice", phone)?;
        s.opt("fax", phone)?;
        s.opt("email", email)?;
        s.opt("authInfo", authinfo::parse)?;
        s.opt("disclose", disclose)?;
        Ok(())
    })
}

/// `chgPostalInfoType`.
fn changed_postal(element: &El<'_>) -> Result<(), Syntax> {
    element.seq(|s| {
        let kind = kind(element, &s.required_attr("type")?)?;
        s.opt("name", line(1, 255))?;
        s.opt("org", line(0, 255))?;
        s.opt("addr", |e| postal_address(e, kind))?;
        Ok(())
    })
}
