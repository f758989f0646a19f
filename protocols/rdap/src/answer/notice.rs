//! What stands at the head of answers: conformance and notices. Titles, sentences and link relations of the two by
//! ICANN are those of its response profile (sections 2.6.3 and 2.10), which are compared word by word.

use serde::Serialize;

use super::template::{Template, encode_onto};
use crate::object::{HTML, JSON, Link, Notice};

/// What every answer conforms to (RFC 9083 section 4.1).
const CONFORMANCE: &[&str] =
    &["rdap_level_0", "icann_rdap_response_profile_1", "icann_rdap_technical_implementation_guide_1"];
/// The same with the extension of RFC 9537.
const CONFORMANCE_REDACTED: &[&str] = &[
    "rdap_level_0",
    "icann_rdap_response_profile_1",
    "icann_rdap_technical_implementation_guide_1",
    "redacted",
];

/// The heads of answers: the first members of the topmost object, which is left open.
#[derive(Debug)]
pub(crate) struct Heads {
    pub domain: Template<1>,
    /// Of a domain some of whose data is left out.
    pub redacted: Template<1>,
    pub help: Template<1>,
    pub other: Template<1>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    rdap_conformance: &'static [&'static str],
    notices: &'a [Notice<'a>],
}

/// What the operator's notices are made of.
#[derive(Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// Each is a paragraph; there is one at least.
    pub text: &'a [String],
    pub url: &'a str,
    pub media: &'static str,
}

impl Heads {
    pub(crate) fn of(base_url: &str, terms: Terms<'_>) -> Heads {
        let domain = |uri: &str, conformance| {
            head(conformance, &[terms.notice(uri), status_codes(uri), complaint_form(uri)])
        };
        let help = format!("{base_url}help");
        Heads {
            domain: Template::of(|[uri]| domain(uri, CONFORMANCE)),
            redacted: Template::of(|[uri]| domain(uri, CONFORMANCE_REDACTED)),
            help: Template::of(|[uri]| head(CONFORMANCE, &[terms.notice(uri), guide(uri, &help)])),
            other: Template::of(|[uri]| head(CONFORMANCE, &[terms.notice(uri)])),
        }
    }
}

fn head(rdap_conformance: &'static [&'static str], notices: &[Notice<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_onto(&mut out, &Head { rdap_conformance, notices });
    out.pop();
    out
}

impl Terms<'_> {
    /// The operator's terms of service (technical implementation guide, section 1.4).
    fn notice<'a>(&'a self, uri: &'a str) -> Notice<'a> {
        Notice {
            title: "Terms of Service",
            description: self.text.iter().map(String::as_str).collect(),
            links: [link(uri, "terms-of-service", self.url, self.media)],
        }
    }
}

fn status_codes(uri: &str) -> Notice<'_> {
    Notice {
        title: "Status Codes",
        description: vec!["For more information on domain status codes, please visit https://icann.org/epp"],
        links: [link(uri, "glossary", "https://icann.org/epp", HTML)],
    }
}

fn complaint_form(uri: &str) -> Notice<'_> {
    Notice {
        title: "RDDS Inaccuracy Complaint Form",
        description: vec!["URL of the ICANN RDDS Inaccuracy Complaint Form: https://icann.org/wicf"],
        links: [link(uri, "help", "https://icann.org/wicf", HTML)],
    }
}

/// What can be asked, for the help answer.
fn guide<'a>(uri: &'a str, help: &'a str) -> Notice<'a> {
    Notice {
        title: "Queries",
        description: vec![
            "domain/NAME: a registered domain name, as A-labels or U-labels",
            "nameserver/NAME: a name server",
            "entity/HANDLE: a registrar, by IANA registrar ID or registry handle",
        ],
        links: [link(uri, "self", help, JSON)],
    }
}

fn link<'a>(uri: &'a str, rel: &'static str, href: &'a str, media: &'static str) -> Link<'a> {
    Link { value: uri.into(), rel, href: href.into(), media }
}
