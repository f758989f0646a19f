//! What a command was about: so that the `<value>` of a refusal shows the element at fault (RFC 5730 section 2.6).
//!
//! A refusal carries which part of the command it is about. Only personal data is not in it: what is wrong with a
//! contact's data is looked up in the data, which the session still has.

use registry::contact::{ContactData, ContactFault, flaws};
use registry::dnssec::{DsFault, hex};
use registry::{About, Refusal};

use crate::xml::{Ns, Offender};

/// The object of a command, as it was sent.
#[derive(Clone, Debug)]
pub struct Subject {
    ns: Ns,
    /// The name or handle.
    name: String,
    /// The data of a contact that is created.
    contact: Option<ContactData>,
}

impl Subject {
    pub fn new(ns: Ns, name: impl Into<String>) -> Subject {
        Subject { ns, name: name.into(), contact: None }
    }

    /// A contact that is created.
    pub fn contact(handle: String, data: ContactData) -> Subject {
        Subject { contact: Some(data), ..Subject::new(Ns::Contact, handle) }
    }

    /// The element that a refusal is about. A refusal of the command as a whole is shown at its object.
    pub fn offender(&self, refusal: &Refusal) -> Offender {
        match refusal {
            Refusal::NotFound { about, object } | Refusal::NotSponsor { about, object } => {
                self.named(*about, object)
            }
            Refusal::NameSyntax { about, name, .. } => self.named(*about, name),
            Refusal::RegistrantForbidden { handle } => self.at("registrant", handle),
            Refusal::ContactsForbidden { handle }
            | Refusal::TooManyContacts { handle, .. }
            | Refusal::ContactRepeated { handle, .. } => self.at("contact", handle),
            Refusal::HostRepeated { host }
            | Refusal::GlueMissing { host }
            | Refusal::TooManyHosts { host, .. } => self.at("hostObj", host),
            Refusal::HostAttributesUnsupported => self.at("hostAttr", ""),
            Refusal::PeriodUnit { months: number } | Refusal::PeriodOutOfRange { years: number } => {
                self.at("period", &number.to_string())
            }
            Refusal::AddressNotGlobal { address }
            | Refusal::AddressRepeated { address }
            | Refusal::AddressesForbidden { address, .. }
            | Refusal::TooManyAddresses { address, .. } => self.at("addr", address),
            Refusal::ContactInvalid { fault } => self.flaw(*fault),
            Refusal::KeyDataUnsupported => signer("keyData", ""),
            Refusal::MaxSigLifeUnsupported => signer("maxSigLife", ""),
            Refusal::DsRepeated { key_tag } | Refusal::TooManyDs { key_tag, .. } => {
                signer("keyTag", &key_tag.to_string())
            }
            Refusal::DsInvalid { fault, .. } => match fault {
                DsFault::Algorithm { number } => signer("alg", &number.to_string()),
                DsFault::DigestType { number } => signer("digestType", &number.to_string()),
                DsFault::DigestLength { digest, .. } => signer("digest", &hex(digest)),
            },
            _ => self.whole(),
        }
    }

    /// The object of the command.
    pub fn whole(&self) -> Offender {
        let local = match self.ns {
            Ns::Contact => "id",
            // a registrar that changes its password
            Ns::Epp => "clID",
            _ => "name",
        };
        self.at(local, &self.name)
    }

    /// An element of the object's namespace.
    pub fn at(&self, local: &str, text: &str) -> Offender {
        Offender::new(self.ns.clone(), local, text)
    }

    /// A domain names other objects, by the elements of its create.
    fn named(&self, about: About, text: &str) -> Offender {
        match about {
            About::Object => self.whole(),
            About::Registrant => self.at("registrant", text),
            About::Contact => self.at("contact", text),
            About::NameServer => self.at("hostObj", text),
        }
    }

    fn flaw(&self, fault: ContactFault) -> Offender {
        let found = self.contact.iter().flat_map(flaws).find(|flaw| flaw.fault == fault);
        found.map_or_else(|| self.whole(), |flaw| self.at(flaw.element, flaw.text))
    }
}

/// An element of secDNS.
fn signer(local: &str, text: &str) -> Offender {
    Offender::new(Ns::SecDns, local, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offender_is_the_element_that_the_refusal_is_about() {
        let subject = Subject::new(Ns::Domain, "Example.test");
        let shown = |about| {
            let offender = subject.offender(&Refusal::NotFound { about, object: "no.pe".to_owned() });
            (offender.local, offender.text)
        };
        assert_eq!(shown(About::Object), ("name".to_owned(), "Example.test".to_owned()));
        assert_eq!(shown(About::Registrant), ("registrant".to_owned(), "no.pe".to_owned()));
        assert_eq!(shown(About::Contact).0, "contact");
        assert_eq!(shown(About::NameServer).0, "hostObj");
        let digest = DsFault::DigestLength { digest: [0xAB, 1].into(), expected: 32 };
        let offender = subject.offender(&Refusal::DsInvalid { key_tag: 7, fault: digest });
        assert_eq!((offender.ns, &*offender.local, &*offender.text), (Ns::SecDns, "digest", "AB01"));
    }

    #[test]
    fn the_offenders_text_is_clipped_whatever_was_sent() {
        let subject = Subject::new(Ns::Domain, "x".repeat(500_000));
        let digest = DsFault::DigestLength { digest: vec![0xAB; 250_000].into(), expected: 32 };
        for refusal in [
            Refusal::DsInvalid { key_tag: 7, fault: digest },
            Refusal::NotFound { about: About::Contact, object: "é".repeat(500_000) },
            Refusal::NotOperator,
        ] {
            assert_eq!(subject.offender(&refusal).text.chars().count(), 255, "{}", refusal.reason());
        }
    }
}
