//! `contact:delete` (RFC 5733 section 3.2.2): read, and answered 2101.

use super::handle;
use crate::xml::{El, Syntax};

/// `sIDType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<(), Syntax> {
    element.seq(|s| s.one("id", handle).map(drop))
}
