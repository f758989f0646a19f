//! Hosts on the wire (RFC 5732): each verb's `parse` is its content model, its `render` the answer.
//!
//! Not here: who may create which host (`registry::host`). Update and delete are read and answered 2101; hosts have
//! no renew and no transfer.

pub mod check;
pub mod create;
pub mod delete;
pub mod info;
pub mod update;

use std::net::IpAddr;

use crate::xml::types::{collapse, sized, word};
use crate::xml::{El, Syntax};

/// An address as it was sent: the schema bounds its length, not its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub version: IpVersion,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpVersion {
    V4,
    V6,
}

impl Address {
    /// The address itself, if the text is one of its version.
    pub fn parse(&self) -> Option<IpAddr> {
        match self.version {
            IpVersion::V4 => self.text.parse().ok().map(IpAddr::V4),
            IpVersion::V6 => self.text.parse().ok().map(IpAddr::V6),
        }
    }
}

/// `addrType`.
///
/// # Errors
/// When the element has another form.
pub fn address(element: &El<'_>) -> Result<Address, Syntax> {
    element.leaf(|s, text| {
        let version = match s.attr("ip") {
            Some(given) => {
                word(element, "the attribute ip", &given, &[("v4", IpVersion::V4), ("v6", IpVersion::V6)])?
            }
            None => IpVersion::V4,
        };
        Ok(Address { version, text: sized(element, collapse(text).into_owned(), 3, 45)? })
    })
}
