//! `contact:transfer` (RFC 5733 sections 3.1.3 and 3.2.4): read, and answered 2101.

use super::identified;
use crate::xml::{El, Syntax};

/// `authIDType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<(), Syntax> {
    identified(element).map(drop)
}
