//! A registered domain (RFC 9083 section 5.3; response profile, section 2).

use std::sync::Arc;

use registry::dnssec::Ds;
use registry::view::{self, ContactView, DomainView, unicode};
use registry::{DomainName, Stop, Timestamp};
use storage::{Read, View};

use super::template::{encode_onto, extend};
use super::{Answer, Asked, Template, contact, events, redaction, status};
use crate::object::{DomainBegin, DomainEnd, DsData, JSON, Link, Redaction, SecureDns};

/// A domain with what its answer shows of its contacts.
struct Shown<'a> {
    domain: &'a DomainView,
    contacts: Vec<(contact::Role, &'a ContactView)>,
    redacted: Vec<Redaction>,
}

impl<'a> Shown<'a> {
    fn of(domain: &'a DomainView) -> Shown<'a> {
        let contacts = contact::shown(domain);
        Shown { redacted: redaction::of(&contacts, 1), contacts, domain }
    }
}

/// An answer in encoded parts, in the order in which they stand in it behind the head.
pub(crate) struct Parts {
    is_redacted: bool,
    begin: Box<[u8]>,
    registrar: Arc<Template<1>>,
    /// For the URI and the instant of the data.
    end: Template<2>,
}

impl Parts {
    /// Octets, with those of the registrar's part, which answers share while it does not change.
    pub(crate) fn len(&self) -> usize {
        self.begin.len() + self.registrar.len() + self.end.len()
    }
}

impl Asked<'_> {
    /// The answer for a domain; `None`: there is none of that name.
    ///
    /// # Errors
    /// A fault of the state.
    pub(super) fn domain(&self, db: &View, name: &DomainName) -> Result<Option<Answer>, Stop> {
        let (popular, at) = (&self.site.popular, Timestamp(db.header().state_time));
        if let Some(kept) = popular.find(db, name, at)? {
            return Ok(Some(self.assembled(&kept.parts, at)));
        }
        let Some(domain) = view::domain(db, &self.site.kept, name)? else { return Ok(None) };
        let registrar = self.registrar_template(db, &domain.registrar)?;
        let shown = Shown::of(&domain);
        if popular.is_asked_again(db, name)? {
            let parts = self.parts(&shown, registrar);
            let answer = self.assembled(&parts, at);
            popular.keep(db, &domain, at, parts)?;
            return Ok(Some(answer));
        }
        let mut body = self.domain_head(!shown.redacted.is_empty());
        begin(&mut body, &domain);
        registrar.fill(&mut body, [&self.escaped]);
        self.end(&mut body, &shown, &at.to_string());
        Ok(Some(Answer::found(body)))
    }

    fn parts(&self, shown: &Shown<'_>, registrar: Arc<Template<1>>) -> Parts {
        let mut first = Vec::new();
        begin(&mut first, shown.domain);
        let end = Template::of(|[uri, at]| {
            let mut end = Vec::new();
            Asked::at(self.site, uri.to_owned()).end(&mut end, shown, at);
            end
        });
        Parts { is_redacted: !shown.redacted.is_empty(), begin: first.into(), registrar, end }
    }

    fn assembled(&self, parts: &Parts, at: Timestamp) -> Answer {
        let mut body = self.domain_head(parts.is_redacted);
        body.extend_from_slice(&parts.begin);
        parts.registrar.fill(&mut body, [&self.escaped]);
        parts.end.fill(&mut body, [&self.escaped, &at.to_string()]);
        Answer::found(body)
    }

    fn domain_head(&self, is_redacted: bool) -> Vec<u8> {
        let heads = &self.site.heads;
        self.begin(if is_redacted { &heads.redacted } else { &heads.domain })
    }

    /// What stands behind the registrar, not yet closed; `at` is the instant of the data as it is written.
    fn end(&self, out: &mut Vec<u8>, shown: &Shown<'_>, at: &str) {
        for (role, found) in &shown.contacts {
            out.push(b',');
            encode_onto(out, &contact::entity(*role, found));
        }
        out.push(b']');
        let domain = shown.domain;
        let end = DomainEnd {
            events: events(domain.created, Some(domain.expiry), domain.updated, at),
            nameservers: domain.name_servers.iter().map(|server| self.delegate(server)).collect(),
            secure_dns: secure_dns(&domain.ds),
            links: self.domain_links(domain),
            redacted: &shown.redacted,
        };
        extend(out, &end);
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

/// What stands between the head and the registrar, which is the first entity.
fn begin(out: &mut Vec<u8>, domain: &DomainView) {
    let begin = DomainBegin {
        object_class_name: "domain",
        handle: &domain.roid,
        ldh_name: domain.name.as_str(),
        unicode_name: unicode(&domain.name),
        status: status::words(&domain.statuses),
    };
    extend(out, &begin);
    out.extend_from_slice(b",\"entities\":[");
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
