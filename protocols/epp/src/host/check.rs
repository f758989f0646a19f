//! `host:check` (RFC 5732 section 3.1.1).

use crate::domain::label;
use crate::xml::{El, Syntax};

/// `mNameType`: one name or more.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<Vec<String>, Syntax> {
    element.seq(|s| s.many("name", 1..=usize::MAX, label))
}
