//! A registered domain (Specification 4, section 1.5).

use registry::contact::ContactRole;
use registry::view::{self, DomainView};

use super::{contact, registrar};
use crate::text::Text;

/// Writes the domain; returns how the answer is counted.
pub(super) fn write(text: &mut Text, domain: &DomainView) -> &'static str {
    text.field("Domain Name", &domain.name);
    if let Some(unicode) = view::unicode(&domain.name) {
        text.field("Internationalized Domain Name", unicode);
    }
    text.field("Registry Domain ID", &domain.roid);
    registrar::write_pointers(text, &domain.registrar);
    text.optional("Updated Date", domain.updated);
    text.field("Creation Date", domain.created);
    text.field("Registry Expiry Date", domain.expiry);
    registrar::write_identity(text, &domain.registrar);
    for status in &domain.statuses {
        text.field("Domain Status", format_args!("{status} https://icann.org/epp#{status}"));
    }
    write_contacts(text, domain);
    for server in &domain.name_servers {
        text.field("Name Server", &server.name);
    }
    write_dnssec(text, domain);
    text.field("URL of the ICANN Whois Inaccuracy Complaint Form", "https://www.icann.org/wicf/");
    "found"
}

/// None in a zone with minimum data: it holds no contacts.
fn write_contacts(text: &mut Text, domain: &DomainView) {
    if let Some(registrant) = &domain.registrant {
        contact::write(text, "Registrant", registrant);
    }
    for (role, label) in
        [(ContactRole::Admin, "Admin"), (ContactRole::Tech, "Tech"), (ContactRole::Billing, "Billing")]
    {
        let with_role = domain.contacts.iter().filter(|(r, _)| *r == role);
        with_role.for_each(|(_, found)| contact::write(text, label, found));
    }
}

fn write_dnssec(text: &mut Text, domain: &DomainView) {
    text.field("DNSSEC", if domain.ds.is_empty() { "unsigned" } else { "signedDelegation" });
    for ds in &domain.ds {
        let (tag, algorithm, digest_type) = (ds.key_tag, ds.algorithm, ds.digest_type);
        text.field("DNSSEC DS Data", format_args!("{tag} {algorithm} {digest_type} {}", ds.digest_hex()));
    }
}
