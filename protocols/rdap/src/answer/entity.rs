//! Registrars, alone and in other answers. Contacts are not found as entities: what they disclose is in the answers
//! for their domains.

use registry::Stop;
use registry::registrar::Profile;
use registry::view::{self, RegistrarView};
use std::sync::Arc;
use storage::{Fault, View};

use super::template::encode_onto;
use super::{Answer, Asked, Template, events};
use crate::object::{Address, Entity, HTML, JCard, JSON, Link, PublicId};

impl Asked<'_> {
    /// A registrar by IANA id or clID; `None` where there is none of that handle.
    ///
    /// # Errors
    /// A fault of the state.
    pub(super) fn entity(&self, db: &View, handle: &str, at: &str) -> Result<Option<Answer>, Stop> {
        let found = view::registrars(db, handle)?.into_iter().find(|found| is_handle_of(handle, found));
        Ok(found.map(|found| {
            let link = self.topmost_self("entity", &found.rdap_handle());
            let mut object = self.registrar(&found, link);
            object.events = events(found.created, None, found.updated, at);
            self.found(&object)
        }))
    }

    /// In a domain's answer: the same for all domains of the registrar but for the URI.
    ///
    /// # Errors
    /// A fault of the state.
    pub(super) fn registrar_template(
        &self,
        db: &View,
        registrar: &RegistrarView,
    ) -> Result<Arc<Template<1>>, Fault> {
        self.site.registrars.get(db, registrar.id, || {
            Ok(Template::of(|[uri]| {
                let asked = Asked::at(self.site, uri.to_owned());
                let mut json = Vec::new();
                encode_onto(&mut json, &asked.inner_registrar(registrar));
                json
            }))
        })
    }

    /// In the answer for another object.
    pub(super) fn inner_registrar<'b>(&'b self, registrar: &'b RegistrarView) -> Entity<'b> {
        self.registrar(registrar, self.inner_self("entity", &registrar.rdap_handle()))
    }

    /// A registrar with its abuse contact.
    fn registrar<'b>(&'b self, registrar: &'b RegistrarView, link: Link<'b>) -> Entity<'b> {
        let profile = &registrar.profile;
        let mut links = vec![link];
        // the profile's section 2.4.6: the registrar's RDAP base URL
        links.extend(profile.rdap_url.as_ref().map(|url| about(url)));
        links.extend(profile.url.as_ref().map(|url| self.link("related", url, HTML)));
        Entity {
            object_class_name: "entity",
            handle: Some(registrar.rdap_handle()),
            roles: ["registrar"],
            public_ids: Vec::from_iter(profile.iana_id.map(iana_id)),
            vcard_array: card(profile),
            entities: Vec::from_iter(abuse(registrar)),
            events: Vec::new(),
            links,
        }
    }
}

/// The registrar's own RDAP service: the link is about its base URL, whatever was asked here.
fn about(base_url: &str) -> Link<'_> {
    Link { value: base_url.into(), rel: "about", href: base_url.into(), media: JSON }
}

/// Name, seat, telephone and e-mail.
fn card(profile: &Profile) -> JCard<'_> {
    let mut card = JCard::new(&profile.name);
    if let Some(a) = &profile.address {
        card.address(Address {
            street: &a.street,
            city: &a.city,
            region: a.state.as_deref().unwrap_or_default(),
            code: a.postal_code.as_deref().unwrap_or_default(),
            country: &a.country,
        });
    }
    for (kind, number) in [("voice", &profile.phone), ("fax", &profile.fax)] {
        if let Some(number) = number {
            card.telephone(kind, number);
        }
    }
    if let Some(address) = &profile.email {
        card.email(address);
    }
    card
}

/// The view finds registrars by their full names too; those are no handles.
fn is_handle_of(text: &str, registrar: &RegistrarView) -> bool {
    text.eq_ignore_ascii_case(&registrar.handle) || text == registrar.rdap_handle()
}

fn iana_id(id: u32) -> PublicId {
    PublicId { kind: "IANA Registrar ID", identifier: id.to_string() }
}

fn abuse(registrar: &RegistrarView) -> Option<Entity<'_>> {
    let profile = &registrar.profile;
    if profile.abuse_email.is_none() && profile.abuse_phone.is_none() {
        return None;
    }
    let mut card = JCard::new("Abuse contact");
    if let Some(number) = &profile.abuse_phone {
        card.telephone("voice", number);
    }
    if let Some(address) = &profile.abuse_email {
        card.email(address);
    }
    Some(Entity {
        object_class_name: "entity",
        handle: None,
        roles: ["abuse"],
        public_ids: Vec::new(),
        vcard_array: card,
        entities: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
    })
}
