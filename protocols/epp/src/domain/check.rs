//! `domain:check` (RFC 5731 section 3.1.1).

use super::label;
use crate::response::Checked;
use crate::xml::{El, Ns, Syntax, Writer};

/// `mNameType`: one name or more.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<Vec<String>, Syntax> {
    element.seq(|s| s.many("name", 1..=usize::MAX, label))
}

/// `chkDataType`.
pub fn render(w: &mut Writer, lines: &[Checked]) {
    w.element("domain:chkData", &[("xmlns:domain", Ns::Domain.uri())], |w| {
        for Checked { name, taken } in lines {
            w.element("domain:cd", &[], |w| {
                w.leaf_with("domain:name", &[("avail", if taken.is_none() { "1" } else { "0" })], name);
                if let Some(why) = taken {
                    w.leaf("domain:reason", why);
                }
            });
        }
    });
}
