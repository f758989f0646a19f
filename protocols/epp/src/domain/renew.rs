//! `domain:renew` (RFC 5731 section 3.2.3): read, and answered 2101.

use super::{label, period};
use crate::xml::types::date;
use crate::xml::{El, Syntax};

/// `renewType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<(), Syntax> {
    element.seq(|s| {
        s.one("name", label)?;
        s.one("curExpDate", |day| day.leaf(|_, text| date(day, text)))?;
        s.opt("period", period)?;
        Ok(())
    })
}
