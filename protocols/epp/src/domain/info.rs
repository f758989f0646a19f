//! `domain:info` (RFC 5731 section 3.1.2).

use crate::authinfo::{self, AuthInfo};
use crate::xml::types::{collapse, sized, word};
use crate::xml::{El, Syntax};

/// An info as it was sent.
#[derive(Debug)]
pub struct Info {
    pub name: String,
    pub hosts: Hosts,
    pub authinfo: Option<AuthInfo>,
}

/// Which hosts the answer should list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hosts {
    All,
    Delegated,
    Subordinate,
    None,
}

/// `infoType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<Info, Syntax> {
    element.seq(|s| {
        let (name, hosts) = s.one("name", name)?;
        let authinfo = s.opt("authInfo", authinfo::parse)?;
        Ok(Info { name, hosts, authinfo })
    })
}

fn name(element: &El<'_>) -> Result<(String, Hosts), Syntax> {
    const WORDS: [(&str, Hosts); 4] =
        [("all", Hosts::All), ("del", Hosts::Delegated), ("none", Hosts::None), ("sub", Hosts::Subordinate)];
    element.leaf(|s, text| {
        let hosts = match s.attr("hosts") {
            Some(given) => word(element, "the attribute hosts", &given, &WORDS)?,
            None => Hosts::All,
        };
        Ok((sized(element, collapse(text).into_owned(), 1, 255)?, hosts))
    })
}
