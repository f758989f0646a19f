//! From a query to the text of its answer, on one view of the state.

mod contact;
mod domain;
mod name_server;
mod registrar;

use registry::{
    DomainName, Stop, Timestamp,
    view::{self, DasStatus},
};
use storage::{Read, View};

use crate::{Site, query::Query, text::Text};

/// How answers are counted.
pub(crate) const WORDS: &[&str] = &["found", "not_found", "reserved", "blocked", "invalid", "error"];

/// A complete answer.
pub(crate) struct Answer {
    pub text: String,
    /// How it is counted, one of [`WORDS`].
    pub word: &'static str,
}

/// Answers a query.
///
/// # Errors
/// A fault of the state.
pub(crate) fn to(db: &View, query: &Query, site: &Site) -> Result<Answer, Stop> {
    let mut text = Text::new();
    let word = match query {
        Query::Any(name) => any(db, site, name, &mut text)?,
        Query::Domain(name) => match view::domain(db, &site.kept, name)? {
            Some(found) => domain::write(&mut text, &found),
            None => unregistered(db, name, &mut text)?,
        },
        Query::NameServer(name) => match view::host(db, name)? {
            Some(found) => name_server::write(&mut text, &found),
            None => no_match(&mut text, name.as_str()),
        },
        Query::Registrar(asked) => match view::registrars(db, asked)?.as_slice() {
            [found] => registrar::write(&mut text, found),
            [] => no_match(&mut text, asked),
            several => registrar::write_namesakes(&mut text, several),
        },
    };
    Ok(Answer { text: text.finish(Timestamp(db.header().state_time), &site.terms), word })
}

fn any(db: &View, site: &Site, name: &DomainName, text: &mut Text) -> Result<&'static str, Stop> {
    if let Some(found) = view::domain(db, &site.kept, name)? {
        return Ok(domain::write(text, &found));
    }
    match view::host(db, name)? {
        Some(found) => Ok(name_server::write(text, &found)),
        None => unregistered(db, name, text),
    }
}

/// A name that is not registered: marked by the registry, or simply not there.
fn unregistered(db: &View, name: &DomainName, text: &mut Text) -> Result<&'static str, Stop> {
    let status = view::das(db, name.as_str())?;
    if !matches!(status, DasStatus::Reserved | DasStatus::Blocked) {
        return Ok(no_match(text, name.as_str()));
    }
    text.line(format_args!("\"{name}\" is {} by the registry.", status.word()));
    Ok(status.word())
}

/// The echo is ASCII: anything else could change how a terminal shows the rest.
fn no_match(text: &mut Text, asked: &str) -> &'static str {
    let shown: String = asked.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
    text.line(format_args!("No match for \"{shown}\"."));
    "not_found"
}
