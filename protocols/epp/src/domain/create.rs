//! `domain:create` (RFC 5731 section 3.2.1).

use registry::Timestamp;
use registry::contact::ContactRole;
use registry::domain::{DomainCreate, NameServers, Period, SecDns};
use registry::seal::SealFault;

use super::{contact, label, name_servers, period};
use crate::authinfo::{self, AuthInfo};
use crate::site::Site;
use crate::xml::types::token;
use crate::xml::{El, Ns, Syntax, Writer};

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

impl Create {
    /// The command: authInfo hashed, each contact with its role.
    ///
    /// # Errors
    /// This node holds no keys.
    pub fn command(self, site: &Site, secret: &str, secdns: SecDns) -> Result<DomainCreate, SealFault> {
        Ok(DomainCreate {
            name: self.name,
            period: self.period,
            name_servers: self.name_servers,
            registrant: self.registrant,
            contacts: self.contacts.into_iter().filter_map(|(role, handle)| Some((role?, handle))).collect(),
            authinfo: site.authinfo(secret)?,
            secdns,
            sponsor: None,
        })
    }

    /// A contact that was given without a role: the schema allows it, and it would mean nothing.
    pub fn contact_without_role(&self) -> Option<&str> {
        self.contacts.iter().find(|(role, _)| role.is_none()).map(|(_, handle)| handle.as_str())
    }
}

/// `creDataType`.
pub fn render(w: &mut Writer, name: &str, created: Timestamp, expiry: Timestamp) {
    w.element("domain:creData", &[("xmlns:domain", Ns::Domain.uri())], |w| {
        w.leaf("domain:name", name);
        w.plain("domain:crDate", created);
        w.plain("domain:exDate", expiry);
    });
}
