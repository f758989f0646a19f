//! What the operator says about the service.

use std::fmt;

use net::{Answers, Metrics, Service};
use registry::{tables::REGISTRAR, view::Kept};
use storage::Memo;

use crate::answer::{Heads, Popular, Template, Terms, WORDS};
use crate::object::{HTML, JSON};

/// What the answers need beside the registry's state.
pub struct Site {
    pub(crate) base_url: String,
    pub(crate) heads: Heads,
    /// Registrars as domains' answers show them.
    pub(crate) registrars: Memo<Template<1>>,
    pub(crate) popular: Popular,
    pub(crate) kept: Kept,
    pub(crate) answers: Answers,
    pub(crate) metrics: Metrics,
}

/// Registrars that are kept at most.
const REGISTRARS: usize = 1024;

/// Why a site can't be served. The text of each names the setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteFault {
    BaseUrl,
    TermsUrl,
}

impl fmt::Display for SiteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SiteFault::BaseUrl => {
                "the RDAP base URL begins with https:// or http:// and ends with a slash, \
                 for example https://rdap.nic.example/"
            }
            SiteFault::TermsUrl => "the URL of the terms of service begins with https:// or http://",
        })
    }
}

impl std::error::Error for SiteFault {}

impl Site {
    /// `base_url` is what clients see in front of `domain/…`, behind any proxy, and ends with a slash; `terms_url`
    /// leads to the terms of service, and each line of `terms` is a paragraph of their summary.
    ///
    /// # Errors
    /// A URL that is none.
    pub fn new(
        base_url: impl Into<String>,
        terms_url: impl Into<String>,
        terms: &str,
        metrics: Metrics,
    ) -> Result<Site, SiteFault> {
        let (base_url, terms_url) = (base_url.into(), terms_url.into());
        if !is_url(&base_url) || !base_url.ends_with('/') {
            return Err(SiteFault::BaseUrl);
        }
        if !is_url(&terms_url) {
            return Err(SiteFault::TermsUrl);
        }
        let lines = terms.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut terms: Vec<String> = lines.map(str::to_owned).collect();
        if terms.is_empty() {
            // RFC 9083 wants a description in every notice
            terms.push(format!("The terms of service are at {terms_url}"));
        }
        let terms = Terms { text: &terms, url: &terms_url, media: terms_type(&base_url, &terms_url) };
        let (heads, answers) = (Heads::of(&base_url, terms), metrics.answers(Service::Rdap, WORDS));
        let registrars = Memo::new(&[REGISTRAR.meta()], REGISTRARS);
        let popular = Popular::default();
        Ok(Site { base_url, heads, registrars, popular, kept: Kept::default(), answers, metrics })
    }
}

/// The media type of the terms: a page, or this server's own help.
fn terms_type(base_url: &str, terms_url: &str) -> &'static str {
    if terms_url.starts_with(base_url) { JSON } else { HTML }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(|b| b.is_ascii_graphic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::registry::Registry;

    fn site(base_url: &str, terms_url: &str) -> Result<Site, SiteFault> {
        Site::new(base_url, terms_url, "", Metrics::register(&mut Registry::default()))
    }

    #[test]
    fn urls_are_checked() {
        assert!(site("http://127.0.0.1:7080/", "https://nic.example/terms").is_ok());
        for base in ["", "/", "rdap.example/", "https://rdap.example", "https:///", "http://a b/"] {
            assert_eq!(site(base, "https://nic.example/terms").err(), Some(SiteFault::BaseUrl), "{base}");
        }
        assert_eq!(site("https://rdap.example/", "terms.html").err(), Some(SiteFault::TermsUrl));
    }

    #[test]
    fn the_notice_is_never_empty() {
        let site = site("https://rdap.example/", "https://nic.example/terms").unwrap();
        let mut head = Vec::new();
        site.heads.other.fill(&mut head, [""]);
        let head = String::from_utf8(head).unwrap();
        assert!(head.contains(r#"["The terms of service are at https://nic.example/terms"]"#), "{head}");
    }
}
