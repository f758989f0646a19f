//! `contact:create` (RFC 5733 section 3.2.1).

use super::{Disclose, Phone, Postal, disclose, handle, phone, postal};
use crate::authinfo::{self, AuthInfo};
use crate::xml::types::{collapse, sized};
use crate::xml::{El, Syntax};

/// A create as it was sent.
#[derive(Debug)]
pub struct Create {
    pub handle: String,
    pub postal: Vec<Postal>,
    pub voice: Option<Phone>,
    pub fax: Option<Phone>,
    pub email: String,
    pub authinfo: AuthInfo,
    pub disclose: Option<Disclose>,
}

/// `createType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<Create, Syntax> {
    element.seq(|s| {
        Ok(Create {
            handle: s.one("id", handle)?,
            postal: s.many("postalInfo", 1..=2, postal)?,
            voice: s.opt("voice", phone)?,
            fax: s.opt("fax", phone)?,
            email: s.one("email", email)?,
            authinfo: s.one("authInfo", authinfo::parse)?,
            disclose: s.opt("disclose", disclose)?,
        })
    })
}

/// `minTokenType`: not empty, otherwise free.
pub(super) fn email(element: &El<'_>) -> Result<String, Syntax> {
    element.leaf(|_, text| sized(element, collapse(text).into_owned(), 1, usize::MAX))
}
