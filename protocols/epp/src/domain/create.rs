//! `domain:create` (RFC 5731 section 3.2.1).

use registry::contact::ContactRole;
use registry::domain::{NameServers, Period};

use super::{contact, label, name_servers, period};
use crate::authinfo::{self, AuthInfo};
use crate::xml::types::token;
use crate::xml::{El, Syntax};

/// A create as it was sent.
#[derive(Debug)]
pub struct Create {
    pub name: String,
    pub period: Option<Period>,
    pub name_servers: NameServers,
    pub registrant: Option<String>,
    pub contacts: Vec<(Option<ContactRole>, String)>,
    pub authinfo: AuthInfo,
}

/// `createType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<Create, Syntax> {
    element.seq(|s| {
        Ok(Create {
            name: s.one("name", label)?,
            period: s.opt("period", period)?,
            name_servers: s.opt("ns", name_servers)?.unwrap_or(NameServers::Objects(Vec::new())),
            registrant: s.opt("registrant", token(3, 16))?,
            contacts: s.many("contact", 0..=usize::MAX, contact)?,
            authinfo: s.one("authInfo", authinfo::parse)?,
        })
    })
}
