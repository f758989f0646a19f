//! Domains on the wire (RFC 5731): each verb's `parse` is its content model, its `render` the answer.
//!
//! Not here: which names may be registered by whom (`registry::domain`). Renew, transfer, update and delete are
//! read and answered 2101.

pub mod check;
pub mod create;
pub mod delete;
pub mod info;
pub mod renew;
pub mod transfer;
pub mod update;

use registry::contact::ContactRole;
use registry::domain::{NameServers, Period, Unit};

use crate::host;
use crate::xml::types::{collapse, sized, token, uint, word};
use crate::xml::{El, Syntax};

/// `labelType` of `eppcom-1.0`: a name before it is looked at.
pub(crate) fn label(element: &El<'_>) -> Result<String, Syntax> {
    token(1, 255)(element)
}

/// `periodType`: 1 to 99 years or months.
fn period(element: &El<'_>) -> Result<Period, Syntax> {
    element.leaf(|s, text| {
        let unit = s.required_attr("unit")?;
        let unit = word(element, "the unit", &unit, &[("y", Unit::Year), ("m", Unit::Month)])?;
        let number = u16::try_from(uint(element, text, 1..=99)?).unwrap_or(u16::MAX);
        Ok(Period { number, unit })
    })
}

/// `nsType`: host objects or host attributes, not both.
fn name_servers(element: &El<'_>) -> Result<NameServers, Syntax> {
    element.seq(|s| {
        let objects = s.many("hostObj", 0..=usize::MAX, label)?;
        if !objects.is_empty() {
            return Ok(NameServers::Objects(objects));
        }
        s.many("hostAttr", 0..=usize::MAX, host_attribute)?
            .first()
            .map(|()| NameServers::Attributes)
            .ok_or_else(|| s.expected("hostObj"))
    })
}

fn host_attribute(element: &El<'_>) -> Result<(), Syntax> {
    element.seq(|s| {
        s.one("hostName", label)?;
        s.many("hostAddr", 0..=usize::MAX, host::address)?;
        Ok(())
    })
}

/// `contactType`: a handle with the role in which the contact is to be linked. The schema lets the role be absent,
/// RFC 5731 section 3.2.1 does not say what that would mean.
fn contact(element: &El<'_>) -> Result<(Option<ContactRole>, String), Syntax> {
    const ROLES: [(&str, ContactRole); 3] =
        [("admin", ContactRole::Admin), ("billing", ContactRole::Billing), ("tech", ContactRole::Tech)];
    element.leaf(|s, text| {
        let role =
            s.attr("type").map(|given| word(element, "the contact type", &given, &ROLES)).transpose()?;
        Ok((role, sized(element, collapse(text).into_owned(), 3, 16)?))
    })
}
