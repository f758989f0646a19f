//! `host:info` (RFC 5732 section 3.1.2).

use crate::domain::label;
use crate::xml::{El, Syntax};

/// `sNameType`: one name.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<String, Syntax> {
    element.seq(|s| s.one("name", label))
}
