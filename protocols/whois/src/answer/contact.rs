//! A contact block: what the contact discloses; elsewhere the customary phrases, which do not tell whether there is
//! anything to hide.

use registry::contact::{Item, PostalKind};
use registry::view::ContactView;

use crate::text::Text;

const REDACTED: &str = "REDACTED FOR PRIVACY";
/// The sentence of ICANN's Temporary Specification (appendix A, 2.5.1.2) in place of an address.
const ASK_REGISTRAR: &str = "Please query the RDDS service of the Registrar of Record identified in this output \
                             for information on how to contact the Registrant, Admin, or Tech contact of the \
                             queried domain name.";

/// Writes the block; `label` is `Registrant`, `Admin`, `Tech` or `Billing`.
pub(super) fn write(text: &mut Text, label: &str, contact: &ContactView) {
    let public = &contact.public;
    let postal = public.preferred();
    let kind = postal.map_or(PostalKind::Int, |p| p.kind);
    let id = contact.roid.as_deref().unwrap_or(REDACTED);
    text.line(format_args!("Registry {label} ID: {id}"));

    let mut field = |element: &str, shown: bool, value: Option<&str>| {
        text.part(label, element, if shown { value } else { Some(REDACTED) });
    };

    field("Name", contact.shows(Item::Name(kind)), postal.and_then(|p| p.name.as_deref()));
    field("Organization", contact.shows(Item::Org(kind)), postal.and_then(|p| p.org.as_deref()));
    let address = contact.shows(Item::Address(kind));
    let street = postal.map(|p| p.street.as_slice()).unwrap_or_default();
    if street.is_empty() {
        field("Street", address, None);
    }
    street.iter().for_each(|line| field("Street", address, Some(line)));
    field("City", address, postal.and_then(|p| p.city.as_deref()));
    field("State/Province", true, postal.and_then(|p| p.state.as_deref()));
    field("Postal Code", address, postal.and_then(|p| p.postal_code.as_deref()));
    field("Country", true, postal.map(|p| p.country.as_str()));
    for (element, behind, item, number) in
        [("Phone", "Phone Ext", Item::Voice, &public.voice), ("Fax", "Fax Ext", Item::Fax, &public.fax)]
    {
        let (number, extension) = split_extension(number.as_deref());
        field(element, contact.shows(item), number);
        field(behind, contact.shows(item), extension);
    }
    match contact.shows(Item::Email) {
        true => field("Email", true, public.email.as_deref()),
        false => field("Email", true, Some(ASK_REGISTRAR)),
    }
}

/// `+CC.NUMBER x EXT` as the view writes it, in its two parts.
fn split_extension(number: Option<&str>) -> (Option<&str>, Option<&str>) {
    match number.and_then(|n| n.split_once(" x")) {
        Some((number, extension)) => (Some(number), Some(extension)),
        None => (number, None),
    }
}
