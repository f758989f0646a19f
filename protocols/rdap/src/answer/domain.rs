//! A registered domain (RFC 9083 section 5.3; response profile, section 2).

use registry::dnssec::Ds;
use registry::view::{self, DomainView, unicode};
use registry::{DomainName, Stop, Timestamp};
use storage::View;

use super::template::{encode_onto, extend};
use super::{Answer, Asked, BODY, Template, contact, events, redaction, status};
use crate::object::{DomainBegin, DomainEnd, DsData, JSON, Link, SecureDns};

impl Asked<'_> {
    /// The answer for a domain; `None`: there is none of that name. `at` is the view's state time, and as it is written.
    ///
    /// # Errors
    /// A fault of the state.
    pub(super) fn domain(
        &self,
        db: &View,
        name: &DomainName,
        (at, written): (Timestamp, &str),
    ) -> Result<Option<Answer>, Stop> {
        let popular = &self.site.popular;
        if let Some(kept) = popular.find(db, name, at)? {
            return Ok(Some(self.filled(&kept.answer, written)));
        }
        let Some(found) = view::domain(db, &self.site.kept, name)? else { return Ok(None) };
        let registrar = self.registrar_template(db, &found.registrar)?;
        if !popular.is_asked_again(name) {
            return Ok(Some(Answer::found(self.domain_object(&found, &registrar, written))));
        }
        let answer = Template::of(|[uri, written]| {
            Asked::at(self.site, uri.to_owned()).domain_object(&found, &registrar, written)
        });
        let filled = self.filled(&answer, written);
        popular.keep(db, found, at, answer)?;
        Ok(Some(filled))
    }

    fn filled(&self, answer: &Template<2>, written: &str) -> Answer {
        let mut body = Vec::with_capacity(answer.len() + BODY / 4);
        answer.fill(&mut body, [&self.escaped, written]);
        Answer::found(body)
    }

    /// The document, not yet closed.
    fn domain_object(&self, domain: &DomainView, registrar: &Template<1>, at: &str) -> Vec<u8> {
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
        registrar.fill(&mut body, [&self.escaped]);
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
        body
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
