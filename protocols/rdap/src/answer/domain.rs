//! A registered domain (RFC 9083 section 5.3; response profile, section 2).

use registry::Timestamp;
use registry::dnssec::Ds;
use registry::view::{DomainView, unicode};

use super::{Answer, Asked, CONFORMANCE, CONFORMANCE_REDACTED, contact, events, redaction, status};
use crate::object::{Domain, DsData, JSON, Link, SecureDns};

impl Asked<'_> {
    pub(super) fn domain(&self, domain: &DomainView, at: Timestamp) -> Answer {
        let contacts = contact::shown(domain);
        let mut entities = vec![self.inner_registrar(&domain.registrar)];
        let redacted = redaction::of(&contacts, entities.len());
        entities.extend(contacts.iter().map(|(role, found)| contact::entity(*role, found)));
        let conformance = if redacted.is_empty() { CONFORMANCE } else { CONFORMANCE_REDACTED };
        let object = Domain {
            object_class_name: "domain",
            handle: &domain.roid,
            ldh_name: domain.name.as_str(),
            unicode_name: unicode(&domain.name),
            status: status::words(&domain.statuses),
            entities,
            events: events(domain.created, Some(domain.expiry), domain.updated, at),
            nameservers: domain.name_servers.iter().map(|server| self.delegate(server)).collect(),
            secure_dns: secure_dns(&domain.ds),
            links: self.domain_links(domain),
            redacted,
        };
        self.found(conformance, &[self.terms(), self.status_codes(), self.complaint_form()], object)
    }

    /// This answer, and the registrar's answer for the same domain.
    fn domain_links(&self, domain: &DomainView) -> Vec<Link<'_>> {
        let mut links = vec![self.topmost_self("domain", domain.name.as_str())];
        if let Some(base) = &domain.registrar.profile.rdap_url {
            links.push(self.link("related", format!("{base}domain/{}", domain.name), JSON));
        }
        links
    }
}

fn secure_dns(ds: &[Ds]) -> SecureDns {
    let ds_data = |ds: &Ds| DsData {
        key_tag: ds.key_tag,
        algorithm: ds.algorithm,
        digest_type: ds.digest_type,
        digest: ds.digest_hex(),
    };
    SecureDns { delegation_signed: !ds.is_empty(), ds_data: ds.iter().map(ds_data).collect() }
}
