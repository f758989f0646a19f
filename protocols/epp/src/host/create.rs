//! `host:create` (RFC 5732 section 3.2.1).

use super::{Address, address};
use crate::domain::label;
use crate::xml::{El, Syntax};

/// A create as it was sent.
#[derive(Debug)]
pub struct Create {
    pub name: String,
    pub addresses: Vec<Address>,
}

/// `createType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<Create, Syntax> {
    element.seq(|s| {
        Ok(Create { name: s.one("name", label)?, addresses: s.many("addr", 0..=usize::MAX, address)? })
    })
}
