//! `contact:info` (RFC 5733 section 3.1.2).

use super::identified;
use crate::authinfo::AuthInfo;
use crate::xml::{El, Syntax};

/// An info as it was sent.
#[derive(Debug)]
pub struct Info {
    pub handle: String,
    pub authinfo: Option<AuthInfo>,
}

/// `authIDType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<Info, Syntax> {
    identified(element).map(|(handle, authinfo)| Info { handle, authinfo })
}
