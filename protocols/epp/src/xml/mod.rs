//! XML as EPP needs it, in two layers: [`tree`] turns a frame into elements and refuses whatever is not
//! well-formed; [`Seq`] walks one element's children in the order of the schema. [`Writer`] is the way back.
//!
//! Absent here: what a command looks like (the files named after the commands), DTDs, entities other than the five
//! predefined ones, and encodings other than UTF-8.

mod date;
mod scan;
mod scope;
mod seq;
mod syntax;
mod tree;
pub mod types;
mod write;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub use date::{Date, date};
pub use seq::Seq;
pub use syntax::{Gate, Offender, Syntax};
pub use tree::{Limits, tree};
pub use write::Writer;

/// A namespace, the known ones by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ns {
    /// No namespace.
    Absent,
    Epp,
    Domain,
    Host,
    Contact,
    SecDns,
    /// `xsi`, XML Schema's attributes for instances.
    Xsi,
    /// The reserved prefix `xml`.
    Xml,
    Other(Arc<str>),
}

impl Ns {
    pub const XSI: &'static str = "http://www.w3.org/2001/XMLSchema-instance";
    pub const XML: &'static str = "http://www.w3.org/XML/1998/namespace";

    /// The namespace of a URI. URIs are compared as strings (Namespaces in XML 1.0, section 2.3).
    pub fn of(uri: &str) -> Ns {
        match uri {
            "" => Ns::Absent,
            "urn:ietf:params:xml:ns:epp-1.0" => Ns::Epp,
            "urn:ietf:params:xml:ns:domain-1.0" => Ns::Domain,
            "urn:ietf:params:xml:ns:host-1.0" => Ns::Host,
            "urn:ietf:params:xml:ns:contact-1.0" => Ns::Contact,
            "urn:ietf:params:xml:ns:secDNS-1.1" => Ns::SecDns,
            Ns::XSI => Ns::Xsi,
            Ns::XML => Ns::Xml,
            other => Ns::Other(Arc::from(other)),
        }
    }

    pub fn uri(&self) -> &str {
        match self {
            Ns::Absent => "",
            Ns::Epp => "urn:ietf:params:xml:ns:epp-1.0",
            Ns::Domain => "urn:ietf:params:xml:ns:domain-1.0",
            Ns::Host => "urn:ietf:params:xml:ns:host-1.0",
            Ns::Contact => "urn:ietf:params:xml:ns:contact-1.0",
            Ns::SecDns => "urn:ietf:params:xml:ns:secDNS-1.1",
            Ns::Xsi => Ns::XSI,
            Ns::Xml => Ns::XML,
            Ns::Other(uri) => uri,
        }
    }
}

/// An attribute with its value after normalization (references resolved, line ends and tabs made spaces).
pub struct Attr<'f> {
    pub ns: Ns,
    pub local: &'f str,
    pub value: Cow<'f, str>,
}

/// An element: the names are slices of the frame.
pub struct El<'f> {
    pub ns: Ns,
    pub local: &'f str,
    /// Namespace declarations and `xsi:schemaLocation` are not among them.
    pub attrs: Vec<Attr<'f>>,
    pub children: Vec<El<'f>>,
    /// All character data directly inside, joined; references resolved, line ends normalized.
    pub text: Cow<'f, str>,
}

impl<'f> El<'f> {
    /// Whether this is the element `local` of namespace `ns`.
    pub fn is(&self, ns: &Ns, local: &str) -> bool {
        self.local == local && self.ns == *ns
    }

    /// The first child `local` in this element's own namespace.
    pub fn child(&self, local: &str) -> Option<&El<'f>> {
        self.children.iter().find(|child| child.is(&self.ns, local))
    }
}

/// Names only: the text may be a password or somebody's address.
impl fmt::Debug for El<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("El")
            .field("local", &self.local)
            .field("children", &self.children)
            .finish_non_exhaustive()
    }
}
