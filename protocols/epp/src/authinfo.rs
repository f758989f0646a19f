//! `authInfo` as domains and contacts share it (RFC 5731 and 5733, types of `eppcom-1.0`).

use crate::secret::Secret;
use crate::xml::types::{replace, roid};
use crate::xml::{El, Syntax};

/// Authorization information as a client gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthInfo {
    /// `pw`; `roid` names the object that it belongs to when that is not the object of the command.
    Password { secret: Secret, roid: Option<String> },
    /// `ext`: another scheme, of which this server knows none.
    Extended,
}

/// `authInfoType`: `pw` or `ext`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<AuthInfo, Syntax> {
    element.seq(|s| {
        if let Some(given) = s.opt("pw", password)? {
            return Ok(given);
        }
        match s.opt("ext", extended)? {
            Some(given) => Ok(given),
            None => Err(s.expected("pw")),
        }
    })
}

/// `authInfoChgType` of a domain: also `null`, which unsets it.
///
/// # Errors
/// When the element has another content.
pub fn parse_change(element: &El<'_>) -> Result<Option<AuthInfo>, Syntax> {
    match element.child("null") {
        Some(_) => element.seq(|s| s.one("null", |_| Ok(None))),
        None => parse(element).map(Some),
    }
}

fn password(element: &El<'_>) -> Result<AuthInfo, Syntax> {
    element.leaf(|s, text| {
        let roid = s.attr("roid").map(|given| roid(element, &given)).transpose()?;
        Ok(AuthInfo::Password { secret: Secret::new(replace(text)), roid })
    })
}

fn extended(element: &El<'_>) -> Result<AuthInfo, Syntax> {
    element.seq(|s| s.foreign().map(|_| AuthInfo::Extended).ok_or_else(|| s.refuse("'ext' holds no element")))
}
