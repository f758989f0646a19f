//! `domain:renew` (RFC 5731 section 3.2.3): read, and answered 2101. Its answer already tells of renewals that
//! expiry brings about.

use registry::Timestamp;

use super::{label, period};
use crate::xml::{El, Ns, Syntax, Writer, date};

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

/// `renDataType`.
pub fn render(w: &mut Writer, name: &str, expiry: Timestamp) {
    w.element("domain:renData", &[("xmlns:domain", Ns::Domain.uri())], |w| {
        w.leaf("domain:name", name);
        w.leaf("domain:exDate", &expiry.to_string());
    });
}
