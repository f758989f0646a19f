//! From a query to the octets of its answer, on one view of the state.

mod contact;
mod domain;
mod entity;
mod name_server;
mod notice;
mod problem;
mod redaction;
mod status;

use std::borrow::Cow;

use bytes::Bytes;
use hyper::StatusCode;
use registry::{Stop, Timestamp, view};
use serde::Serialize;
use storage::{Read, View};

pub(crate) use problem::Problem;

use crate::Site;
use crate::object::{Event, JSON, Link, Notice};
use crate::request::Query;

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

/// A complete answer.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
    /// How it is counted: `found`, `not_found`, `invalid`, `error`.
    pub word: &'static str,
}

/// The topmost object with what RFC 9083 puts beside it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a, T> {
    rdap_conformance: &'static [&'static str],
    notices: &'a [Notice<'a>],
    #[serde(flatten)]
    object: T,
}

/// The service and the URI that was asked.
pub(crate) struct Asked<'a> {
    site: &'a Site,
    uri: String,
}

impl<'a> Asked<'a> {
    /// `path` is the request's, as it came.
    pub(crate) fn new(site: &'a Site, path: &str) -> Asked<'a> {
        let relative = path.strip_prefix('/').unwrap_or(path);
        Asked { site, uri: format!("{}{relative}", site.base_url) }
    }

    /// Answers a query; `None`: there is no such object.
    ///
    /// # Errors
    /// A fault of the state.
    pub(crate) fn look_up(&self, db: &View, query: &Query) -> Result<Option<Answer>, Stop> {
        let at = Timestamp(db.header().state_time);
        Ok(match query {
            Query::Domain(name) => view::domain(db, name)?.map(|found| self.domain(&found, at)),
            Query::NameServer(name) => view::host(db, name)?.map(|found| self.name_server(&found, at)),
            Query::Entity(handle) => self.entity(db, handle, at)?,
            Query::Help => Some(self.help()),
        })
    }

    fn help(&self) -> Answer {
        #[derive(Serialize)]
        struct Nothing {}
        self.found(CONFORMANCE, &[self.terms(), self.guide()], Nothing {})
    }

    fn found<T: Serialize>(
        &self,
        conformance: &'static [&'static str],
        notices: &[Notice<'_>],
        object: T,
    ) -> Answer {
        let document = Document { rdap_conformance: conformance, notices, object };
        Answer { status: StatusCode::OK, body: encode(&document), word: "found" }
    }

    /// A link from the URI that was asked.
    fn link(&self, rel: &'static str, href: impl Into<String>, media: &'static str) -> Link<'_> {
        Link { value: Cow::Borrowed(&self.uri), rel, href: href.into(), media }
    }

    /// The link of the topmost object to its canonical place.
    fn topmost_self(&self, kind: &str, handle: &str) -> Link<'_> {
        self.link("self", self.place(kind, handle), JSON)
    }

    /// The link of an object inside another one to its place.
    fn inner_self(&self, kind: &str, handle: &str) -> Link<'_> {
        let place = self.place(kind, handle);
        Link { value: Cow::Owned(place.clone()), rel: "self", href: place, media: JSON }
    }

    fn place(&self, kind: &str, handle: &str) -> String {
        format!("{}{kind}/{handle}", self.site.base_url)
    }
}

fn encode(document: &impl Serialize) -> Bytes {
    let mut body = Vec::with_capacity(4096);
    // these types have text keys and finite numbers only, so that encoding into memory can't fail
    let encoded = serde_json::to_writer(&mut body, document);
    debug_assert!(encoded.is_ok(), "{encoded:?}");
    Bytes::from(body)
}

/// Registration, last change where there was one, and the instant of the data.
fn events(
    created: Timestamp,
    expiry: Option<Timestamp>,
    updated: Option<Timestamp>,
    at: Timestamp,
) -> Vec<Event> {
    let dated = |action, at: Timestamp| Event { event_action: action, event_date: at.to_string() };
    let mut events = vec![dated("registration", created)];
    events.extend(expiry.map(|at| dated("expiration", at)));
    events.extend(updated.map(|at| dated("last changed", at)));
    events.push(dated("last update of RDAP database", at));
    events
}
