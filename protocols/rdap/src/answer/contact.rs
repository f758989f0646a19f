//! Contacts in a domain's answer: what each discloses. A zone with minimum data has none.

use registry::contact::{ContactRole, PublicPostal};
use registry::view::{ContactView, DomainView};

use crate::object::{Address, Entity, JCard};

/// The part that a contact plays in a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Registrant,
    Contact(ContactRole),
}

impl Role {
    /// The role's name in RDAP (RFC 9083 section 10.2.4).
    pub(super) fn word(self) -> &'static str {
        match self {
            Role::Registrant => "registrant",
            Role::Contact(ContactRole::Admin) => "administrative",
            Role::Contact(ContactRole::Tech) => "technical",
            Role::Contact(ContactRole::Billing) => "billing",
        }
    }

    /// The role's name in the names of redactions.
    pub(super) fn label(self) -> &'static str {
        match self {
            Role::Registrant => "Registrant",
            Role::Contact(ContactRole::Admin) => "Admin",
            Role::Contact(ContactRole::Tech) => "Tech",
            Role::Contact(ContactRole::Billing) => "Billing",
        }
    }
}

/// The contacts that an answer shows. ICANN's profile knows registrant and technical contact, redacted or not; the
/// others, for which it has no redactions, are shown where they disclose who they are.
pub(super) fn shown(domain: &DomainView) -> Vec<(Role, &ContactView)> {
    let registrant = domain.registrant.iter().map(|found| (Role::Registrant, found));
    let others =
        domain.contacts.iter().filter(|(role, found)| *role == ContactRole::Tech || found.roid.is_some());
    registrant.chain(others.map(|(role, found)| (Role::Contact(*role), found))).collect()
}

/// The contact as an entity.
pub(super) fn entity(role: Role, contact: &ContactView) -> Entity<'_> {
    Entity {
        object_class_name: "entity",
        handle: contact.roid.clone(),
        roles: [role.word()],
        public_ids: Vec::new(),
        vcard_array: card(contact),
        entities: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
    }
}

fn card(contact: &ContactView) -> JCard<'_> {
    let public = &contact.public;
    let postal = public.preferred();
    let mut card = JCard::new(postal.and_then(|p| p.name.as_deref()).unwrap_or_default());
    if let Some(org) = postal.and_then(|p| p.org.as_deref()) {
        card.organization(org);
    }
    if let Some(postal) = postal {
        card.address(address(postal));
    }
    if let Some(email) = &public.email {
        card.email(email);
    }
    for (kind, number) in [("voice", &public.voice), ("fax", &public.fax)] {
        if let Some(number) = number {
            card.telephone(kind, number);
        }
    }
    card
}

fn address(postal: &PublicPostal) -> Address<'_> {
    Address {
        street: &postal.street,
        city: postal.city.as_deref().unwrap_or_default(),
        region: postal.state.as_deref().unwrap_or_default(),
        code: postal.postal_code.as_deref().unwrap_or_default(),
        country: &postal.country,
    }
}
