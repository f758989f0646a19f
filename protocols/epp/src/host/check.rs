//! `host:check` (RFC 5732 section 3.1.1).

use crate::domain::label;
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
    w.element("host:chkData", &[("xmlns:host", Ns::Host.uri())], |w| {
        for Checked { name, taken } in lines {
            w.element("host:cd", &[], |w| {
                w.leaf_with("host:name", &[("avail", if taken.is_none() { "1" } else { "0" })], name);
                if let Some(why) = taken {
                    w.leaf("host:reason", why);
                }
            });
        }
    });
}
