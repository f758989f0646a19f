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

use crate::authinfo::{self, AuthInfo};
use crate::xml::types::{boolean, e164, line, token, word};
use crate::xml::{El, Syntax};

/// Which of the two forms of an address: `int` is in ASCII, `loc` in any script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Int,
    Loc,
}

/// `postalInfo` with everything required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Postal {
    pub form: Form,
    pub name: String,
    pub org: Option<String>,
    pub address: PostalAddress,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostalAddress {
    pub street: Vec<String>,
    pub city: String,
    pub sp: Option<String>,
    pub pc: Option<String>,
    pub cc: String,
}

/// A telephone number with its extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    pub number: String,
    pub extension: Option<String>,
}

/// `disclose`: the elements that are an exception to the server's policy, and which way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disclose {
    /// Whether the named elements are to be shown (or hidden).
    pub show: bool,
    pub name: Vec<Form>,
    pub org: Vec<Form>,
    pub addr: Vec<Form>,
    pub voice: bool,
    pub fax: bool,
    pub email: bool,
}

/// `clIDType` of `eppcom-1.0`: a handle before it is looked at.
fn handle(element: &El<'_>) -> Result<String, Syntax> {
    token(3, 16)(element)
}

/// `postalInfoType`.
fn postal(element: &El<'_>) -> Result<Postal, Syntax> {
    element.seq(|s| {
        Ok(Postal {
            form: form(element, &s.required_attr("type")?)?,
            name: s.one("name", line(1, 255))?,
            org: s.opt("org", line(0, 255))?,
            address: s.one("addr", postal_address)?,
        })
    })
}

/// `addrType`.
fn postal_address(element: &El<'_>) -> Result<PostalAddress, Syntax> {
    element.seq(|s| {
        Ok(PostalAddress {
            street: s.many("street", 0..=3, line(0, 255))?,
            city: s.one("city", line(1, 255))?,
            sp: s.opt("sp", line(0, 255))?,
            pc: s.opt("pc", token(0, 16))?,
            cc: s.one("cc", token(2, 2))?,
        })
    })
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
        Ok(Disclose {
            show: boolean(element, &s.required_attr("flag")?)?,
            name: s.many("name", 0..=2, form_of)?,
            org: s.many("org", 0..=2, form_of)?,
            addr: s.many("addr", 0..=2, form_of)?,
            voice: s.opt("voice", anything)?.is_some(),
            fax: s.opt("fax", anything)?.is_some(),
            email: s.opt("email", anything)?.is_some(),
        })
    })
}

/// `intLocType`.
fn form_of(element: &El<'_>) -> Result<Form, Syntax> {
    element.empty(|s| form(element, &s.required_attr("type")?))
}

fn form(element: &El<'_>, text: &str) -> Result<Form, Syntax> {
    word(element, "the type", text, &[("int", Form::Int), ("loc", Form::Loc)])
}

/// An element to which the schema gives no type: any content is allowed.
fn anything(_: &El<'_>) -> Result<(), Syntax> {
    Ok(())
}

/// `authIDType` of info and transfer.
fn identified(element: &El<'_>) -> Result<(String, Option<AuthInfo>), Syntax> {
    element.seq(|s| Ok((s.one("id", handle)?, s.opt("authInfo", authinfo::parse)?)))
}
