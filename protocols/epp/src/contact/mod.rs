//! Contacts on the wire (RFC 5733): each verb's `parse` is its content model, its `render` the answer.
//!
//! Not here: what makes a contact acceptable (`registry::contact`) and who may see what of it. Transfer, update and
//! delete are read and answered 2101; contacts have no renew.

pub mod check;
pub mod create;
pub mod delete;
pub mod info;
pub mod transfer;
pub mod update;

use registry::contact::{Disclose, Item, Phone, Postal, PostalKind};

use crate::authinfo::{self, AuthInfo};
use crate::xml::types::{boolean, e164, line, token, word};
use crate::xml::{El, Syntax};

/// `clIDType` of `eppcom-1.0`: a handle before it is looked at.
fn handle(element: &El<'_>) -> Result<String, Syntax> {
    token(3, 16)(element)
}

/// `postalInfoType`.
fn postal(element: &El<'_>) -> Result<Postal, Syntax> {
    element.seq(|s| {
        let kind = kind(element, &s.required_attr("type")?)?;
        let name = s.one("name", line(1, 255))?;
        let org = s.opt("org", line(0, 255))?;
        Ok(Postal { name, org, ..s.one("addr", |e| postal_address(e, kind))? })
    })
}

/// `addrType`: a postal address still without name and organisation.
fn postal_address(element: &El<'_>, kind: PostalKind) -> Result<Postal, Syntax> {
    element.seq(|s| {
        Ok(Postal {
            kind,
            name: String::new(),
            org: None,
            street: s.many("street", 0..=3, line(0, 255)).map(street)?,
            city: s.one("city", line(1, 255))?,
            state: s.opt("sp", line(0, 255))?,
            postal_code: s.opt("pc", token(0, 16))?,
            // ISO 3166-1 writes upper case
            country: s.one("cc", token(2, 2))?.to_ascii_uppercase(),
        })
    })
}

/// An empty line is kept beside one that says something, as it was given; nothing but empty lines is no street.
fn street(lines: Vec<String>) -> Vec<String> {
    if lines.iter().all(|line| line.trim().is_empty()) { Vec::new() } else { lines }
}

/// `e164Type`.
fn phone(element: &El<'_>) -> Result<Phone, Syntax> {
    element.leaf(|s, text| {
        let extension = s.attr("x").map(|x| x.into_owned());
        Ok(Phone { number: e164(element, text)?, extension })
    })
}

/// `discloseType`.
fn disclose(element: &El<'_>) -> Result<Disclose, Syntax> {
    element.seq(|s| {
        let show = boolean(element, &s.required_attr("flag")?)?;
        let mut items: Vec<Item> = Vec::new();
        items.extend(s.many("name", 0..=2, of_kind)?.into_iter().map(Item::Name));
        items.extend(s.many("org", 0..=2, of_kind)?.into_iter().map(Item::Org));
        items.extend(s.many("addr", 0..=2, of_kind)?.into_iter().map(Item::Address));
        items.extend(s.opt("voice", anything)?.map(|()| Item::Voice));
        items.extend(s.opt("fax", anything)?.map(|()| Item::Fax));
        items.extend(s.opt("email", anything)?.map(|()| Item::Email));
        Ok(Disclose { show, items })
    })
}

/// `intLocType`.
fn of_kind(element: &El<'_>) -> Result<PostalKind, Syntax> {
    element.empty(|s| kind(element, &s.required_attr("type")?))
}

fn kind(element: &El<'_>, text: &str) -> Result<PostalKind, Syntax> {
    word(element, "the type", text, &[("int", PostalKind::Int), ("loc", PostalKind::Loc)])
}

/// An element to which the schema gives no type: any content is allowed.
fn anything(_: &El<'_>) -> Result<(), Syntax> {
    Ok(())
}

/// `authIDType` of info and transfer.
fn identified(element: &El<'_>) -> Result<(String, Option<AuthInfo>), Syntax> {
    element.seq(|s| Ok((s.one("id", handle)?, s.opt("authInfo", authinfo::parse)?)))
}
