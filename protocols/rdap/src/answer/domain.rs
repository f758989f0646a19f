//! A registered domain (RFC 9083 section 5.3; response profile, section 2).

use registry::dnssec::Ds;
use registry::view::{DomainView, unicode};
use registry::{Stop, Timestamp};
use storage::View;

use super::template::{encode_onto, extend};
use super::{Answer, Asked, contact, events, redaction, status};
use crate::object::{DomainBegin, DomainEnd, DsData, JSON, Link, SecureDns};

impl Asked<'_> {
    /// # Errors
    /// A fault of the state.
    pub(super) fn domain(&self, db: &View, domain: &DomainView, at: Timestamp) -> Result<Answer, Stop> {
        let contacts = contact::shown(domain);
        let redacted = redaction::of(&contacts, 1);
        let heads = &self.site.heads;
        let mut body = self.begin(if redacted.is_empty() { &heads.domain } else { &heads.redacted });
        let begin = DomainBegin {
            object_class_name: "domain",
            handle: &domain.roid,
            ldh_name: domain.name.as_str(),
            unicode_name: unicode(&domain.name),
            status: status::words(&domain.statuses),
        };
        extend(&mut body, &begin);
        body.extend_from_slice(b",\"entities\":[");
        self.registrar_template(db, &domain.registrar)?.fill(&mut body, &self.escaped);
        for (role, found) in &contacts {
            body.push(b',');
            encode_onto(&mut body, &contact::entity(*role, found));
        }
        body.push(b']');
        let end = DomainEnd {
            events: events(domain.created, Some(domain.expiry), domain.updated, at),
            nameservers: domain.name_servers.iter().map(|server| self.delegate(server)).collect(),
            secure_dns: secure_dns(&domain.ds),
            links: self.domain_links(domain),
            redacted,
        };
        extend(&mut body, &end);
        Ok(Answer::found(body))
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
