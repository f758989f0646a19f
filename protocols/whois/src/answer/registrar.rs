//! A registrar (Specification 4, section 1.6), alone and inside other answers.

use registry::view::RegistrarView;

use crate::text::Text;

/// Writes a registrar's own answer; returns how it is counted.
pub(super) fn write(text: &mut Text, registrar: &RegistrarView) -> &'static str {
    let profile = &registrar.profile;
    text.field("Registrar", &profile.name);
    if let Some(address) = &profile.address {
        for line in &address.street {
            text.field("Street", line);
        }
        text.field("City", &address.city);
        text.optional("State/Province", address.state.as_deref());
        text.optional("Postal Code", address.postal_code.as_deref());
        text.field("Country", &address.country);
    }
    text.optional("Phone Number", profile.phone.as_deref());
    text.optional("Fax Number", profile.fax.as_deref());
    text.optional("Email", profile.email.as_deref());
    write_pointers(text, registrar);
    text.optional("Registrar IANA ID", registrar.profile.iana_id);
    write_abuse(text, registrar);
    "found"
}

/// Registrars that share the name asked for; returns how the answer is counted.
pub(super) fn write_namesakes(text: &mut Text, registrars: &[RegistrarView]) -> &'static str {
    text.line("Several registrars have this name. Ask for one of them: registrar ID");
    for registrar in registrars {
        text.field("Registrar ID", &registrar.handle);
    }
    "found"
}

/// Where the registrar answers itself.
pub(super) fn write_pointers(text: &mut Text, registrar: &RegistrarView) {
    text.optional("Registrar WHOIS Server", registrar.profile.whois_server.as_deref());
    text.optional("Registrar URL", registrar.profile.url.as_deref());
}

/// Who it is and how to reach it about abuse.
pub(super) fn write_identity(text: &mut Text, registrar: &RegistrarView) {
    text.field("Registrar", &registrar.profile.name);
    text.optional("Registrar IANA ID", registrar.profile.iana_id);
    write_abuse(text, registrar);
}

fn write_abuse(text: &mut Text, registrar: &RegistrarView) {
    text.optional("Registrar Abuse Contact Email", registrar.profile.abuse_email.as_deref());
    text.optional("Registrar Abuse Contact Phone", registrar.profile.abuse_phone.as_deref());
}
