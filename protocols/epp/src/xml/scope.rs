//! Which prefix means which namespace at a place in the document (Namespaces in XML 1.0).

use super::Ns;
use super::scan::is_ncname;
use super::syntax::{Syntax, clip};

const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// The declarations in force, innermost last, each with the depth of its element.
#[derive(Default)]
pub struct Scope<'f> {
    bound: Vec<(usize, &'f str, Ns)>,
}

/// The prefix that an attribute declares, if it is a namespace declaration; empty for the default namespace.
pub fn declared_prefix(name: &str) -> Option<&str> {
    match name.strip_prefix("xmlns")? {
        "" => Some(""),
        // `xmlns:` without a prefix is left to the check of names.
        rest => rest.strip_prefix(':').filter(|prefix| !prefix.is_empty()),
    }
}

impl<'f> Scope<'f> {
    /// Adds a declaration made by an element at `depth`.
    pub fn declare(&mut self, depth: usize, prefix: &'f str, uri: &str) -> Result<(), Syntax> {
        let refuse = |why: &str| {
            Err(Syntax::not_well_formed(format!("namespace declaration for prefix '{}' {why}", clip(prefix))))
        };
        let reserved = uri == Ns::XML || uri == XMLNS;
        match prefix {
            "xml" if uri == Ns::XML => return Ok(()),
            "xml" | "xmlns" => return refuse("is not allowed: the prefix is reserved"),
            _ if reserved => return refuse("names a reserved namespace"),
            _ if self.bound.iter().any(|(of, bound, _)| (*of, *bound) == (depth, prefix)) => {
                return refuse("is given twice");
            }
            "" => {}
            _ if uri.is_empty() => return refuse("is empty"),
            _ if !is_ncname(prefix) => return refuse("has an illegal prefix"),
            _ => {}
        }
        self.bound.push((depth, prefix, Ns::of(uri)));
        Ok(())
    }

    /// How many declarations are in force: each look-up goes through them, so that the reader limits them.
    pub fn in_force(&self) -> usize {
        self.bound.len()
    }

    /// Forgets the declarations of the element at `depth`.
    pub fn leave(&mut self, depth: usize) {
        while self.bound.last().is_some_and(|(of, ..)| *of >= depth) {
            self.bound.pop();
        }
    }

    /// The namespace of an element with this prefix; the empty prefix means the default namespace.
    pub fn element(&self, prefix: &str) -> Result<Ns, Syntax> {
        match self.find(prefix) {
            Some(ns) => Ok(ns),
            None if prefix.is_empty() => Ok(Ns::Absent),
            None => Err(undeclared(prefix)),
        }
    }

    /// The namespace of an attribute with this prefix; without a prefix it has none.
    pub fn attribute(&self, prefix: &str) -> Result<Ns, Syntax> {
        if prefix.is_empty() { Ok(Ns::Absent) } else { self.find(prefix).ok_or_else(|| undeclared(prefix)) }
    }

    fn find(&self, prefix: &str) -> Option<Ns> {
        if prefix == "xml" {
            return Some(Ns::Xml);
        }
        self.bound.iter().rev().find(|(_, of, _)| *of == prefix).map(|(.., ns)| ns.clone())
    }
}

fn undeclared(prefix: &str) -> Syntax {
    Syntax::not_well_formed(format!("namespace prefix '{}' is not declared", clip(prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_declarations_hide_outer_ones_until_their_element_ends() {
        let mut scope = Scope::default();
        scope.declare(0, "", "urn:ietf:params:xml:ns:epp-1.0").unwrap();
        scope.declare(1, "", "urn:ietf:params:xml:ns:host-1.0").unwrap();
        assert_eq!(scope.element("").unwrap(), Ns::Host);
        scope.leave(1);
        assert_eq!(scope.element("").unwrap(), Ns::Epp);
        assert_eq!(scope.attribute("").unwrap(), Ns::Absent);
        assert!(scope.element("domain").is_err());
    }

    #[test]
    fn reserved_and_empty_declarations_are_refused() {
        let mut scope = Scope::default();
        for (prefix, uri) in [
            ("xml", "urn:x"),
            ("xmlns", "urn:x"),
            ("a", ""),
            ("a", Ns::XML),
            ("", XMLNS),
            ("1", "urn:x"),
            ("a:b", "u"),
        ] {
            assert!(scope.declare(0, prefix, uri).is_err(), "{prefix}={uri}");
        }
        assert!(scope.declare(0, "xml", Ns::XML).is_ok());
        assert!(scope.declare(0, "", "").is_ok());
    }
}
