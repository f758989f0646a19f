//! What a query line asks for.
//!
//! `NAME`, `domain NAME`, `nameserver NAME` (`host NAME`), `registrar NAME|ID|IANA-ID`. Flags that common clients put
//! in front (`-T dn,ace`, `-V Md5.5`, `-C UTF-8`) and the `=` of some scripts are passed over: they select what is
//! the only behaviour here.

use std::fmt;

use registry::name::NameFault;
use registry::{DomainName, view};

/// A query that can be looked up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Query {
    /// A domain, or else a name server.
    Any(DomainName),
    Domain(DomainName),
    NameServer(DomainName),
    /// clID, IANA id or full name.
    Registrar(String),
}

/// Why a line is not a query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum QueryFault {
    Empty,
    NotUtf8,
    ControlCharacter,
    /// A flag that nobody is known to send.
    Flag,
    /// Several words that begin with none of the keywords.
    Form,
    Name(NameFault),
}

impl fmt::Display for QueryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueryFault::Empty => f.write_str("the query is empty; ask for a domain name"),
            QueryFault::NotUtf8 => f.write_str("the query is not UTF-8"),
            QueryFault::ControlCharacter => f.write_str("the query holds a control character"),
            QueryFault::Flag => f.write_str("this flag is not known; ask for a domain name alone"),
            QueryFault::Form => {
                f.write_str("ask for NAME, domain NAME, nameserver NAME or registrar NAME, one on a line")
            }
            QueryFault::Name(fault) => write!(f, "not a domain name: {fault}"),
        }
    }
}

impl Query {
    /// Reads a line that has lost its line end.
    ///
    /// # Errors
    /// Why it can't be looked up.
    pub(crate) fn read(line: &[u8]) -> Result<Query, QueryFault> {
        let line = std::str::from_utf8(line).map_err(|_| QueryFault::NotUtf8)?;
        if line.contains(|c: char| c.is_control() && c != '\t') {
            return Err(QueryFault::ControlCharacter);
        }
        let mut words = line.split_whitespace().peekable();
        while let Some(flag) = words.next_if(|word| word.starts_with('-')) {
            pass_over(flag, &mut words)?;
        }
        let words: Vec<&str> = words.collect();
        match words.as_slice() {
            [] => Err(QueryFault::Empty),
            [name] => Ok(Query::Any(read_name(name)?)),
            [keyword, rest @ ..] => Query::with_keyword(&keyword.to_ascii_lowercase(), rest),
        }
    }

    fn with_keyword(keyword: &str, rest: &[&str]) -> Result<Query, QueryFault> {
        match (keyword, rest) {
            ("domain", [name]) => Ok(Query::Domain(read_name(name)?)),
            ("nameserver" | "host", [name]) => Ok(Query::NameServer(read_name(name)?)),
            ("registrar", name) => Ok(Query::Registrar(name.join(" "))),
            _ => Err(QueryFault::Form),
        }
    }
}

/// `-T dn` is a flag and its value, `-Tdn` both in one word.
fn pass_over<'a>(flag: &str, words: &mut impl Iterator<Item = &'a str>) -> Result<(), QueryFault> {
    match flag.as_bytes() {
        [b'-', b'T' | b'V' | b'C'] => {
            words.next();
            Ok(())
        }
        [b'-', b'T' | b'V' | b'C', ..] => Ok(()),
        _ => Err(QueryFault::Flag),
    }
}

fn read_name(word: &str) -> Result<DomainName, QueryFault> {
    view::name(word.strip_prefix('=').unwrap_or(word)).map_err(QueryFault::Name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DomainName {
        DomainName::parse(text).unwrap()
    }

    #[test]
    fn reads_every_form() {
        for (line, query) in [
            ("example.test", Query::Any(name("example.test"))),
            ("  EXAMPLE.test. ", Query::Any(name("example.test"))),
            ("=example.test", Query::Any(name("example.test"))),
            ("-T dn,ace example.test", Query::Any(name("example.test"))),
            ("-V Md5.5.19 -Tdn example.test", Query::Any(name("example.test"))),
            ("Domain =example.test", Query::Domain(name("example.test"))),
            ("nameserver\tns1.example.test", Query::NameServer(name("ns1.example.test"))),
            ("host ns1.example.test", Query::NameServer(name("ns1.example.test"))),
            ("registrar Alpha Names  Ltd.", Query::Registrar("Alpha Names Ltd.".into())),
            ("registrar", Query::Any(name("registrar"))),
            ("münchen.test", Query::Any(name("xn--mnchen-3ya.test"))),
        ] {
            assert_eq!(Query::read(line.as_bytes()), Ok(query), "{line}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for (line, fault) in [
            (b"".as_slice(), QueryFault::Empty),
            (b" \t ", QueryFault::Empty),
            (b"-T dn", QueryFault::Empty),
            (b"\xff.test", QueryFault::NotUtf8),
            (b"a\x1b[31m.test", QueryFault::ControlCharacter),
            (b"-x example.test", QueryFault::Flag),
            (b"example.test other.test", QueryFault::Form),
            (b"domain a.test b.test", QueryFault::Form),
            (b"under_score.test", QueryFault::Name(NameFault::LabelCharacter)),
            (b"192.0.2.1", QueryFault::Name(NameFault::AllNumericTld)),
        ] {
            assert_eq!(Query::read(line), Err(fault), "{}", String::from_utf8_lossy(line));
        }
    }
}
