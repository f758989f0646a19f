//! `contact:check` (RFC 5733 section 3.1.1).

use super::handle;
use crate::response::Checked;
use crate::xml::{El, Ns, Syntax, Writer};

/// `mIDType`: one handle or more.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<Vec<String>, Syntax> {
    element.seq(|s| s.many("id", 1..=usize::MAX, handle))
}

/// `chkDataType`.
pub fn render(w: &mut Writer, lines: &[Checked]) {
    w.element("contact:chkData", &[("xmlns:contact", Ns::Contact.uri())], |w| {
        for Checked { name, taken } in lines {
            w.element("contact:cd", &[], |w| {
                w.leaf_with("contact:id", &[("avail", if taken.is_none() { "1" } else { "0" })], name);
                if let Some(why) = taken {
                    w.leaf("contact:reason", why);
                }
            });
        }
    });
}
