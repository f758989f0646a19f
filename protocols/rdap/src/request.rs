//! What a path asks for (RFC 9082 section 3.1). Query strings are ignored (RFC 9082 section 4.3).

use std::fmt;

use registry::name::NameFault;
use registry::{DomainName, view};

/// Octets of a path. The longest name takes 253, percent-encoded three times as many.
const PATH_MAX: usize = 1024;
/// Octets of an entity's handle.
const HANDLE_MAX: usize = 255;

/// A query that can be looked up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Query {
    Domain(DomainName),
    NameServer(DomainName),
    Entity(String),
    Help,
}

/// Why a path is not a query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RequestFault {
    TooLong,
    /// No such resource in this service.
    NotOffered,
    /// `%` without two hexadecimal digits, or what they encode is not UTF-8.
    PercentEncoding,
    Name(NameFault),
    Handle,
}

impl fmt::Display for RequestFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestFault::TooLong => write!(f, "The path is longer than {PATH_MAX} octets."),
            RequestFault::NotOffered => f.write_str("This service does not offer that resource."),
            RequestFault::PercentEncoding => f.write_str("The path is not percent-encoded UTF-8."),
            RequestFault::Name(fault) => write!(f, "The path holds no domain name: {fault}."),
            RequestFault::Handle => write!(f, "A handle has 1 to {HANDLE_MAX} printable characters."),
        }
    }
}

impl Query {
    /// Reads a path, which begins with a slash.
    ///
    /// # Errors
    /// Why it can't be looked up.
    pub(crate) fn read(path: &str) -> Result<Query, RequestFault> {
        if path.len() > PATH_MAX {
            return Err(RequestFault::TooLong);
        }
        let path = path.strip_prefix('/').unwrap_or(path);
        let (kind, object) = path.split_once('/').map_or((path, None), |(kind, object)| (kind, Some(object)));
        match (kind, object) {
            ("help", None) => Ok(Query::Help),
            ("domain", Some(object)) => Ok(Query::Domain(name(object)?)),
            ("nameserver", Some(object)) => Ok(Query::NameServer(name(object)?)),
            ("entity", Some(object)) => Ok(Query::Entity(handle(object)?)),
            _ => Err(RequestFault::NotOffered),
        }
    }
}

fn name(object: &str) -> Result<DomainName, RequestFault> {
    view::name(&percent_decode(object)?).map_err(RequestFault::Name)
}

fn handle(object: &str) -> Result<String, RequestFault> {
    let handle = percent_decode(object)?;
    let fits = (1..=HANDLE_MAX).contains(&handle.len()) && !handle.contains(char::is_control);
    if fits { Ok(handle) } else { Err(RequestFault::Handle) }
}

/// RFC 3986 section 2.1.
fn percent_decode(text: &str) -> Result<String, RequestFault> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        decoded.push(match octet {
            b'%' => match (octets.next().and_then(hex), octets.next().and_then(hex)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(RequestFault::PercentEncoding),
            },
            octet => octet,
        });
    }
    String::from_utf8(decoded).map_err(|_| RequestFault::PercentEncoding)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(text: &str) -> Query {
        Query::Domain(DomainName::parse(text).unwrap())
    }

    #[test]
    fn reads_every_form() {
        for (path, query) in [
            ("/help", Query::Help),
            ("/domain/example.test", domain("example.test")),
            ("/domain/EXAMPLE.Test.", domain("example.test")),
            ("/domain/ex%61mple%2Etest", domain("example.test")),
            ("/domain/m%C3%BCnchen.test", domain("xn--mnchen-3ya.test")),
            ("/domain/münchen.test", domain("xn--mnchen-3ya.test")),
            ("/nameserver/ns1.a.test", Query::NameServer(DomainName::parse("ns1.a.test").unwrap())),
            ("/entity/9995", Query::Entity("9995".into())),
            ("/entity/a%20b", Query::Entity("a b".into())),
        ] {
            assert_eq!(Query::read(path), Ok(query), "{path}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        let long = format!("/domain/{}", "a".repeat(1020));
        for (path, fault) in [
            ("/", RequestFault::NotOffered),
            ("*", RequestFault::NotOffered),
            ("/help/more", RequestFault::NotOffered),
            ("/domain", RequestFault::NotOffered),
            ("/ip/192.0.2.1", RequestFault::NotOffered),
            ("/domains", RequestFault::NotOffered),
            ("/domain/", RequestFault::Name(NameFault::Empty)),
            ("/domain/a.test/b", RequestFault::Name(NameFault::LabelCharacter)),
            ("/domain/a%2Fb.test", RequestFault::Name(NameFault::LabelCharacter)),
            ("/domain/a%00.test", RequestFault::Name(NameFault::LabelCharacter)),
            ("/domain/a..test", RequestFault::Name(NameFault::LabelEmpty)),
            ("/domain/a%2", RequestFault::PercentEncoding),
            ("/domain/%+1.test", RequestFault::PercentEncoding),
            ("/domain/%FF.test", RequestFault::PercentEncoding),
            ("/entity/", RequestFault::Handle),
            ("/entity/a%0Ab", RequestFault::Handle),
            (&long, RequestFault::TooLong),
        ] {
            assert_eq!(Query::read(path), Err(fault), "{path}");
        }
    }
}
