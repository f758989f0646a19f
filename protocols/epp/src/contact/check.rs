//! `contact:check` (RFC 5733 section 3.1.1).

use super::handle;
use crate::xml::{El, Syntax};

/// `mIDType`: one handle or more.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<Vec<String>, Syntax> {
    element.seq(|s| s.many("id", 1..=usize::MAX, handle))
}
