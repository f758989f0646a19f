//! What a domain's answer leaves out of its contacts, and where (RFC 9537; response profile, section 2.7).
//!
//! An element counts as redacted when its contact does not disclose it, whether it exists or not: the answer does not
//! tell which. Elements that a jCard can't do without are emptied, the others removed.

use registry::contact::{Item, PostalKind};
use registry::view::ContactView;

use super::contact::Role;
use crate::object::{Path, Place, RedactedName, Redaction, RedactionReason, Words};

/// How an element is hidden, with its path inside its entity.
#[derive(Clone, Copy)]
enum Method {
    Removal(&'static str),
    EmptyValue(&'static str),
}

use Method::{EmptyValue, Removal};

/// The elements below an item that is disclosed or not as a whole.
const NAME: &[(&str, Method)] = &[("Name", EmptyValue(".vcardArray[1][?(@[0]=='fn')][3]"))];
const ORGANIZATION: &[(&str, Method)] = &[("Organization", Removal(".vcardArray[1][?(@[0]=='org')]"))];
const ADDRESS: &[(&str, Method)] = &[
    ("Street", EmptyValue(".vcardArray[1][?(@[0]=='adr')][3][:3]")),
    ("City", EmptyValue(".vcardArray[1][?(@[0]=='adr')][3][3]")),
    ("Postal Code", EmptyValue(".vcardArray[1][?(@[0]=='adr')][3][5]")),
];
const VOICE: &[(&str, Method)] = &[
    ("Phone", Removal(".vcardArray[1][?(@[1].type=='voice')]")),
    ("Phone Ext", Removal(".vcardArray[1][?(@[1].type=='voice')]")),
];
const FAX: &[(&str, Method)] = &[
    ("Fax", Removal(".vcardArray[1][?(@[1].type=='fax')]")),
    ("Fax Ext", Removal(".vcardArray[1][?(@[1].type=='fax')]")),
];
const EMAIL: &[(&str, Method)] = &[("Email", Removal(".vcardArray[1][?(@[0]=='email')]"))];

/// Names in IANA's registry beside those of the registrant, all of which are there.
const REGISTERED_TECH: &[&str] = &["Name", "Phone", "Phone Ext", "Email"];

/// The redactions of contacts that stand in `entities` from index `first` on.
pub(super) fn of(contacts: &[(Role, &ContactView)], first: usize) -> Vec<Redaction> {
    // a contact that discloses nothing has ten
    let mut redactions = Vec::with_capacity(12 * contacts.len());
    for (i, (role, contact)) in contacts.iter().enumerate() {
        let alone = contacts.iter().filter(|(other, _)| other == role).count() == 1;
        // by role, as RFC 9537 section 5.2 advises; by position where several contacts have the role
        let place = if alone { Place::Role(role.word()) } else { Place::Index(first + i) };
        redact(&mut redactions, *role, contact, place);
    }
    redactions
}

fn redact(redactions: &mut Vec<Redaction>, role: Role, contact: &ContactView, entity: Place) {
    if contact.roid.is_none() {
        let name = Words(["Registry ", role.label(), " ID"]);
        redactions.push(redaction(RedactedName::Type(name), Removal(".handle"), entity));
    }
    let kind = contact.public.preferred().map_or(PostalKind::Int, |postal| postal.kind);
    let items = [
        (Item::Name(kind), NAME),
        (Item::Org(kind), ORGANIZATION),
        (Item::Address(kind), ADDRESS),
        (Item::Voice, VOICE),
        (Item::Fax, FAX),
        (Item::Email, EMAIL),
    ];
    let hidden = items.into_iter().filter(|(item, _)| !contact.shows(*item));
    for (element, method) in hidden.flat_map(|(_, elements)| elements) {
        redactions.push(redaction(name(role, element), *method, entity));
    }
}

fn name(role: Role, element: &'static str) -> RedactedName {
    let name = Words([role.label(), " ", element]);
    let registered = match role {
        Role::Registrant => true,
        Role::Contact(_) => role.label() == "Tech" && REGISTERED_TECH.contains(&element),
    };
    if registered { RedactedName::Type(name) } else { RedactedName::Description(name) }
}

fn redaction(name: RedactedName, method: Method, entity: Place) -> Redaction {
    let path = |rest| Some(Path { entity, rest });
    let (word, pre_path, post_path) = match method {
        Removal(rest) => ("removal", path(rest), None),
        EmptyValue(rest) => ("emptyValue", None, path(rest)),
    };
    let reason = RedactionReason { description: "Server policy" };
    Redaction { name, pre_path, post_path, path_lang: "jsonpath", method: word, reason }
}
