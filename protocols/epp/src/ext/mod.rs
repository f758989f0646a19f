//! Extensions of commands, one file each.
//!
//! Not here: extensions of the session itself (RFC 8807 loginSec), of which there are none yet.

pub mod secdns;

use registry::domain::SecDns;

use crate::xml::{El, Ns, Syntax};

/// What the `<extension>` of a command holds.
#[derive(Debug, Default)]
pub struct Extension {
    pub secdns: Option<SecDns>,
    /// The namespace of the first element that is no extension of this command.
    pub unknown: Option<String>,
}

/// `extAnyType` of a command: each element is an extension that goes with the command `on`, such as
/// `domain:create`, or is unknown.
///
/// # Errors
/// When nothing is in it, an extension is given twice, or a known one is malformed.
pub fn parse(element: &El<'_>, on: &str) -> Result<Extension, Syntax> {
    element.seq(|s| {
        let mut extension = Extension::default();
        let mut given = 0;
        while let Some(child) = s.foreign() {
            given += 1;
            let mut unknown = None;
            match (&child.ns, child.local, on) {
                (Ns::SecDns, "create", "domain:create") => {
                    if extension.secdns.replace(secdns::create(child)?).is_some() {
                        return Err(Syntax::schema(child, "secDNS is given twice"));
                    }
                }
                (Ns::SecDns, "create" | "infData", _) => {
                    secdns::create(child)?;
                    unknown = Some(Ns::SecDns);
                }
                (Ns::SecDns, "update", _) => {
                    secdns::update(child)?;
                    unknown = Some(Ns::SecDns);
                }
                (Ns::SecDns, ..) => return Err(Syntax::schema(child, "secDNS has no such element")),
                (other, ..) => unknown = Some(other.clone()),
            }
            extension.unknown = extension.unknown.or(unknown.map(|ns| ns.uri().to_owned()));
        }
        if given == 0 { Err(s.refuse("'extension' holds no extension")) } else { Ok(extension) }
    })
}
