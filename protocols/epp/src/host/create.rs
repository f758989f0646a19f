//! `host:create` (RFC 5732 section 3.2.1).

use std::net::IpAddr;

use registry::Timestamp;
use registry::host::HostCreate;

use super::{Address, address};
use crate::domain::label;
use crate::xml::{El, Ns, Syntax, Writer};

/// A create as it was sent.
#[derive(Debug)]
pub struct Create {
    pub name: String,
    pub addresses: Vec<Address>,
}

/// `createType`.
///
/// # Errors
/// When the element has another content.
pub fn parse(element: &El<'_>) -> Result<Create, Syntax> {
    element.seq(|s| {
        Ok(Create { name: s.one("name", label)?, addresses: s.many("addr", 0..=usize::MAX, address)? })
    })
}

impl Create {
    /// The command.
    ///
    /// # Errors
    /// The first address that is none of its version.
    pub fn command(self) -> Result<HostCreate, Address> {
        let addresses: Result<Vec<IpAddr>, Address> =
            self.addresses.into_iter().map(|address| address.parse().ok_or(address)).collect();
        Ok(HostCreate { name: self.name, addresses: addresses?, sponsor: None })
    }
}

/// `creDataType`.
pub fn render(w: &mut Writer, name: &str, created: Timestamp) {
    w.element("host:creData", &[("xmlns:host", Ns::Host.uri())], |w| {
        w.leaf("host:name", name);
        w.plain("host:crDate", created);
    });
}
