//! A name server (Specification 4, section 1.7).

use registry::view::HostView;

use super::registrar;
use crate::text::Text;

/// Writes the name server; returns how the answer is counted.
pub(super) fn write(text: &mut Text, host: &HostView) -> &'static str {
    text.field("Server Name", &host.name);
    for address in &host.addresses {
        text.field("IP Address", address);
    }
    text.field("Registrar", &host.registrar.profile.name);
    registrar::write_pointers(text, &host.registrar);
    "found"
}
