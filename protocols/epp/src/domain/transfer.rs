//! `domain:transfer` (RFC 5731 sections 3.1.3 and 3.2.4): read, and answered 2101.

use super::{label, period};
use crate::authinfo;
use crate::xml::{El, Syntax};

/// `transferType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<(), Syntax> {
    element.seq(|s| {
        s.one("name", label)?;
        s.opt("period", period)?;
        s.opt("authInfo", authinfo::parse)?;
        Ok(())
    })
}
