//! Notices. Titles, sentences and link relations of the two by ICANN are those of its response profile (sections
//! 2.6.3 and 2.10), which are compared word by word.

use super::Asked;
use crate::object::{HTML, JSON, Notice};

impl Asked<'_> {
    /// The operator's terms of service (technical implementation guide, section 1.4).
    pub(super) fn terms(&self) -> Notice<'_> {
        Notice {
            title: "Terms of Service",
            description: self.site.terms.iter().map(String::as_str).collect(),
            links: vec![self.link("terms-of-service", &self.site.terms_url, self.site.terms_type())],
        }
    }

    pub(super) fn status_codes(&self) -> Notice<'_> {
        Notice {
            title: "Status Codes",
            description: vec![
                "For more information on domain status codes, please visit https://icann.org/epp",
            ],
            links: vec![self.link("glossary", "https://icann.org/epp", HTML)],
        }
    }

    pub(super) fn complaint_form(&self) -> Notice<'_> {
        Notice {
            title: "RDDS Inaccuracy Complaint Form",
            description: vec!["URL of the ICANN RDDS Inaccuracy Complaint Form: https://icann.org/wicf"],
            links: vec![self.link("help", "https://icann.org/wicf", HTML)],
        }
    }

    /// What can be asked, for the help answer.
    pub(super) fn guide(&self) -> Notice<'_> {
        Notice {
            title: "Queries",
            description: vec![
                "domain/NAME: a registered domain name, as A-labels or U-labels",
                "nameserver/NAME: a name server",
                "entity/HANDLE: a registrar, by IANA registrar ID or registry handle",
            ],
            links: vec![self.link("self", format!("{}help", self.site.base_url), JSON)],
        }
    }
}
