//! From a query to the octets of its answer, on one view of the state.

mod contact;
mod domain;
mod entity;
mod name_server;
mod notice;
mod popular;
mod problem;
mod redaction;
mod status;
mod template;

use std::borrow::Cow;

use bytes::Bytes;
use hyper::StatusCode;
use registry::{Stop, Timestamp, view};
use serde::Serialize;
use storage::{Read, View};

pub(crate) use notice::{Heads, Terms};
pub(crate) use popular::Popular;
pub(crate) use problem::Problem;
pub(crate) use template::Template;

use template::{escaped, extend};

use crate::Site;
use crate::object::{Event, Instant, JSON, Link};
use crate::request::Query;

/// Octets that an answer for a domain takes, mostly.
const BODY: usize = 4096;

/// How answers are counted.
pub(crate) const WORDS: &[&str] = &["found", "not_found", "invalid", "error"];

/// A complete answer.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub body: Bytes,
    /// How it is counted, one of [`WORDS`].
    pub word: &'static str,
}

/// The service and the URI that was asked.
pub(crate) struct Asked<'a> {
    site: &'a Site,
    uri: String,
    /// The same for [`Template::fill`].
    escaped: String,
}

impl<'a> Asked<'a> {
    /// `path` is the request's, as it came.
    pub(crate) fn new(site: &'a Site, path: &str) -> Asked<'a> {
        let relative = path.strip_prefix('/').unwrap_or(path);
        Asked::at(site, format!("{}{relative}", site.base_url))
    }

    fn at(site: &'a Site, uri: String) -> Asked<'a> {
        Asked { site, escaped: escaped(&uri), uri }
    }

    /// Answers a query; `None`: there is no such object.
    ///
    /// # Errors
    /// A fault of the state.
    pub(crate) fn look_up(&self, db: &View, query: &Query) -> Result<Option<Answer>, Stop> {
        let written = || Timestamp(db.header().state_time).to_string();
        Ok(match query {
            Query::Domain(name) => self.domain(db, name)?,
            Query::NameServer(name) => {
                view::host(db, name)?.map(|found| self.name_server(&found, &written()))
            }
            Query::Entity(handle) => self.entity(db, handle, &written())?,
            Query::Help => Some(self.help()),
        })
    }

    fn help(&self) -> Answer {
        Answer::found(self.begin(&self.site.heads.help))
    }

    /// An answer that is an object behind a head.
    fn found(&self, object: &impl Serialize) -> Answer {
        Answer::found(self.document(object))
    }

    /// A document that is an object behind a head, not yet closed.
    fn document(&self, object: &impl Serialize) -> Vec<u8> {
        let mut body = self.begin(&self.site.heads.other);
        extend(&mut body, object);
        body
    }

    fn begin(&self, head: &Template<1>) -> Vec<u8> {
        let mut body = Vec::with_capacity(BODY);
        head.fill(&mut body, [&self.escaped]);
        body
    }

    /// A link from the URI that was asked.
    fn link<'b>(&'b self, rel: &'static str, href: impl Into<Cow<'b, str>>, media: &'static str) -> Link<'b> {
        Link { value: Cow::Borrowed(&self.uri), rel, href: href.into(), media }
    }

    /// The link of the topmost object to its canonical place.
    fn topmost_self(&self, kind: &str, handle: &str) -> Link<'_> {
        self.link("self", self.place(kind, handle), JSON)
    }

    /// The link of an object inside another one to its place.
    fn inner_self(&self, kind: &str, handle: &str) -> Link<'_> {
        let place = self.place(kind, handle);
        Link { value: place.clone().into(), rel: "self", href: place.into(), media: JSON }
    }

    fn place(&self, kind: &str, handle: &str) -> String {
        format!("{}{kind}/{handle}", self.site.base_url)
    }
}

impl Answer {
    /// `body` is not yet closed.
    fn found(body: Vec<u8>) -> Answer {
        Answer::with(StatusCode::OK, "found", body)
    }

    fn with(status: StatusCode, word: &'static str, mut body: Vec<u8>) -> Answer {
        body.push(b'}');
        Answer { status, body: body.into(), word }
    }
}

/// Registration, last change where there was one, and the instant of the data as it is written.
fn events(
    created: Timestamp,
    expiry: Option<Timestamp>,
    updated: Option<Timestamp>,
    at: &str,
) -> Vec<Event<'_>> {
    let dated = |action, at| Event { event_action: action, event_date: at };
    let mut events = vec![dated("registration", Instant::Of(created))];
    events.extend(expiry.map(|at| dated("expiration", Instant::Of(at))));
    events.extend(updated.map(|at| dated("last changed", Instant::Of(at))));
    events.push(dated("last update of RDAP database", Instant::Written(at)));
    events
}
