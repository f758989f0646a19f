//! `host:delete` (RFC 5732 section 3.2.2): read, and answered 2101.

use crate::domain::label;
use crate::xml::{El, Syntax};

/// `sNameType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<(), Syntax> {
    element.seq(|s| s.one("name", label).map(drop))
}
