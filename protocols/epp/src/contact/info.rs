//! `contact:info` (RFC 5733 section 3.1.2).

use registry::contact::info::Info as Known;
use registry::contact::{ContactData, Disclose, Item, Phone, Postal, PostalKind};

use super::identified;
use crate::authinfo::AuthInfo;
use crate::xml::{El, Ns, Syntax, Writer};

/// An info as it was sent.
#[derive(Debug)]
pub struct Info {
    pub handle: String,
    pub authinfo: Option<AuthInfo>,
}

/// `authIDType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<Info, Syntax> {
    identified(element).map(|(handle, authinfo)| Info { handle, authinfo })
}

/// `infDataType`. The authInfo is never told (RFC 9154 section 4.3).
pub fn render(w: &mut Writer, info: &Known, data: &ContactData) {
    w.element("contact:infData", &[("xmlns:contact", Ns::Contact.uri())], |w| {
        w.leaf("contact:id", &info.contact.handle);
        w.leaf("contact:roid", &info.roid);
        info.statuses.iter().for_each(|word| w.empty("contact:status", &[("s", word)]));
        data.postal.iter().for_each(|postal| write_postal(w, postal));
        write_phone(w, "contact:voice", data.voice.as_ref());
        write_phone(w, "contact:fax", data.fax.as_ref());
        w.leaf("contact:email", &data.email);
        write_history(w, info);
        if let Some(disclose) = &data.disclose {
            write_disclose(w, disclose);
        }
    });
}

fn write_postal(w: &mut Writer, postal: &Postal) {
    let optional = |w: &mut Writer, name: &str, text: &Option<String>| {
        if let Some(text) = text {
            w.leaf(name, text);
        }
    };
    w.element("contact:postalInfo", &[("type", word(postal.kind))], |w| {
        w.leaf("contact:name", &postal.name);
        optional(w, "contact:org", &postal.org);
        w.element("contact:addr", &[], |w| {
            postal.street.iter().for_each(|street| w.leaf("contact:street", street));
            w.leaf("contact:city", &postal.city);
            optional(w, "contact:sp", &postal.state);
            optional(w, "contact:pc", &postal.postal_code);
            w.leaf("contact:cc", &postal.country);
        });
    });
}

fn write_phone(w: &mut Writer, name: &str, phone: Option<&Phone>) {
    match phone {
        None => {}
        Some(Phone { number, extension: None }) => w.leaf(name, number),
        Some(Phone { number, extension: Some(x) }) => w.leaf_with(name, &[("x", x)], number),
    }
}

fn write_history(w: &mut Writer, info: &Known) {
    w.leaf("contact:clID", &info.sponsor);
    w.leaf("contact:crID", &info.creator);
    w.plain("contact:crDate", info.contact.created);
    if let Some(updater) = &info.updater {
        w.leaf("contact:upID", updater);
    }
    if let Some(updated) = info.contact.updated {
        w.plain("contact:upDate", updated);
    }
}

/// The items stand in the order of the schema, in which they were read.
fn write_disclose(w: &mut Writer, disclose: &Disclose) {
    w.element("contact:disclose", &[("flag", if disclose.show { "1" } else { "0" })], |w| {
        for item in &disclose.items {
            match item {
                Item::Name(kind) => w.empty("contact:name", &[("type", word(*kind))]),
                Item::Org(kind) => w.empty("contact:org", &[("type", word(*kind))]),
                Item::Address(kind) => w.empty("contact:addr", &[("type", word(*kind))]),
                Item::Voice => w.empty("contact:voice", &[]),
                Item::Fax => w.empty("contact:fax", &[]),
                Item::Email => w.empty("contact:email", &[]),
            }
        }
    });
}

fn word(kind: PostalKind) -> &'static str {
    match kind {
        PostalKind::Int => "int",
        PostalKind::Loc => "loc",
    }
}
