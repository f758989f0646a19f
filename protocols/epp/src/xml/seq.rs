//! Layer 2: a cursor over one element. The calls on it are the content model: `one`, `opt` and `many` in the order
//! of the schema's sequence, `attr` for each attribute. What is left over at the end is an error, so a parser that
//! reads exactly what the schema allows accepts exactly what the schema accepts.
//!
//! Child elements are looked for in the namespace of their parent: the schemas of RFC 5730 to 5733 and 5910 qualify
//! all local elements.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::scan::is_space_octet;
use super::syntax::{Syntax, clip};
use super::types::collapse;
use super::{El, Ns};

/// The position inside one element.
pub struct Seq<'e, 'f> {
    element: &'e El<'f>,
    next: usize,
    /// Bit n is set once attribute n was asked for.
    attrs_read: u64,
}

impl<'f> El<'f> {
    /// Element-only content: reads the children in order with `read`.
    ///
    /// # Errors
    /// What `read` refuses; text between the children; a child or attribute that `read` did not ask for.
    pub fn seq<'e, T>(
        &'e self,
        read: impl FnOnce(&mut Seq<'e, 'f>) -> Result<T, Syntax>,
    ) -> Result<T, Syntax> {
        if !self.text.bytes().all(is_space_octet) {
            return Err(Syntax::schema(self, format!("'{}' holds text between its elements", self.local)));
        }
        let mut seq = Seq::new(self);
        let value = read(&mut seq)?;
        seq.finish()?;
        Ok(value)
    }

    /// Simple content: reads text and attributes with `read`.
    ///
    /// # Errors
    /// What `read` refuses; a child element; an attribute that `read` did not ask for.
    pub fn leaf<'e, T>(
        &'e self,
        read: impl FnOnce(&mut Seq<'e, 'f>, &'e str) -> Result<T, Syntax>,
    ) -> Result<T, Syntax> {
        let mut seq = Seq::new(self);
        if let Some(child) = seq.peek() {
            let (name, child_name) = (self.local, clip(child.local));
            return Err(Syntax::schema(
                child,
                format!("'{name}' holds text, so '{child_name}' is misplaced"),
            ));
        }
        let value = read(&mut seq, &self.text)?;
        seq.finish()?;
        Ok(value)
    }

    /// Empty content, white space included in what is refused: reads attributes with `read`.
    ///
    /// # Errors
    /// What `read` refuses; any content; an attribute that `read` did not ask for.
    pub fn empty<'e, T>(
        &'e self,
        read: impl FnOnce(&mut Seq<'e, 'f>) -> Result<T, Syntax>,
    ) -> Result<T, Syntax> {
        if !self.text.is_empty() {
            return Err(Syntax::schema(self, format!("'{}' must be empty", self.local)));
        }
        self.leaf(|seq, _| read(seq))
    }
}

impl<'e, 'f> Seq<'e, 'f> {
    fn new(element: &'e El<'f>) -> Seq<'e, 'f> {
        Seq { element, next: 0, attrs_read: 0 }
    }

    /// A required child.
    ///
    /// # Errors
    /// When the next child is another one, and what `read` refuses.
    pub fn one<T>(
        &mut self,
        local: &str,
        read: impl FnOnce(&'e El<'f>) -> Result<T, Syntax>,
    ) -> Result<T, Syntax> {
        match self.take(local) {
            Some(child) => read(child),
            None => Err(self.expected(local)),
        }
    }

    /// A child that may be absent.
    ///
    /// # Errors
    /// What `read` refuses.
    pub fn opt<T>(
        &mut self,
        local: &str,
        read: impl FnOnce(&'e El<'f>) -> Result<T, Syntax>,
    ) -> Result<Option<T>, Syntax> {
        self.take(local).map(read).transpose()
    }

    /// As many children of this name as follow each other.
    ///
    /// # Errors
    /// When they are fewer or more than `times`, and what `read` refuses.
    pub fn many<T>(
        &mut self,
        local: &str,
        times: RangeInclusive<usize>,
        read: impl Fn(&'e El<'f>) -> Result<T, Syntax>,
    ) -> Result<Vec<T>, Syntax> {
        let mut found = Vec::new();
        while let Some(child) = self.take(local) {
            if found.len() == *times.end() {
                let most = times.end();
                return Err(Syntax::schema(child, format!("'{local}' is given more than {most} times")));
            }
            found.push(read(child)?);
        }
        if found.len() < *times.start() { Err(self.expected(local)) } else { Ok(found) }
    }

    /// The schema's `any namespace="##other"`: the next child, if it is from a foreign namespace.
    pub fn foreign(&mut self) -> Option<&'e El<'f>> {
        let child = self.peek()?;
        if child.ns == self.element.ns || child.ns == Ns::Absent {
            return None;
        }
        self.next += 1;
        Some(child)
    }

    /// The next child, whatever it is; for a choice between elements.
    pub fn peek(&self) -> Option<&'e El<'f>> {
        self.element.children.get(self.next)
    }

    /// An attribute without a namespace, white space collapsed: all of EPP's attributes are tokens or numbers.
    pub fn attr(&mut self, local: &str) -> Option<Cow<'e, str>> {
        let at = self.element.attrs.iter().position(|attr| attr.ns == Ns::Absent && attr.local == local)?;
        self.attrs_read |= bit(at);
        Some(collapse(&self.element.attrs[at].value))
    }

    /// An attribute that must be there.
    ///
    /// # Errors
    /// When it is absent.
    pub fn required_attr(&mut self, local: &str) -> Result<Cow<'e, str>, Syntax> {
        self.attr(local)
            .ok_or_else(|| self.refuse(format!("'{}' lacks the attribute '{local}'", self.element.local)))
    }

    /// The refusal of this element.
    pub fn refuse(&self, reason: impl Into<Cow<'static, str>>) -> Syntax {
        Syntax::schema(self.element, reason)
    }

    fn take(&mut self, local: &str) -> Option<&'e El<'f>> {
        let child = self.peek().filter(|child| child.is(&self.element.ns, local))?;
        self.next += 1;
        Some(child)
    }

    /// The refusal of what stands where `local` should.
    pub fn expected(&self, local: &str) -> Syntax {
        let parent = self.element.local;
        match self.peek() {
            Some(found) => {
                let found_name = clip(found.local);
                Syntax::schema(found, format!("'{parent}' holds '{found_name}' where '{local}' is required"))
            }
            None => Syntax::schema(self.element, format!("'{parent}' lacks '{local}'")),
        }
    }

    fn finish(self) -> Result<(), Syntax> {
        let parent = self.element.local;
        if let Some(left) = self.peek() {
            let left_name = clip(left.local);
            return Err(Syntax::schema(
                left,
                format!("'{left_name}' is unknown, repeated or misplaced in '{parent}'"),
            ));
        }
        let unread = self.element.attrs.iter().enumerate().find(|(at, _)| self.attrs_read & bit(*at) == 0);
        match unread {
            None => Ok(()),
            Some((_, attr)) => {
                let name = clip(attr.local);
                Err(Syntax::schema(self.element, format!("'{parent}' has no attribute '{name}'")))
            }
        }
    }
}

/// Attributes beyond the 64th have no bit and count as unread.
fn bit(at: usize) -> u64 {
    u32::try_from(at).ok().and_then(|at| 1u64.checked_shl(at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::types::token;
    use super::super::{Limits, tree};
    use super::*;

    fn read(frame: &str) -> Result<(String, Option<String>, Vec<String>), Syntax> {
        let root = tree(frame.as_bytes(), &Limits::default())?;
        root.seq(|s| {
            s.attr("kind");
            Ok((s.one("a", token(1, 9))?, s.opt("b", token(1, 9))?, s.many("c", 0..=2, token(1, 9))?))
        })
    }

    #[test]
    fn what_the_model_allows_is_read() {
        let (a, b, c) = read("<r kind='x'>\n<a>1</a><c>2</c><!-- --><c>3</c></r>").unwrap();
        assert_eq!((a.as_str(), b, c.len()), ("1", None, 2));
    }

    #[test]
    fn everything_else_is_refused_with_the_element_at_fault() {
        for (frame, at_fault) in [
            ("<r><b>1</b></r>", "b"),
            ("<r/>", "r"),
            ("<r><a>1</a><a>1</a></r>", "a"),
            ("<r><a>1</a><c>1</c><b>1</b></r>", "b"),
            ("<r><a>1</a><c>1</c><c>1</c><c>1</c></r>", "c"),
            ("<r>text<a>1</a></r>", "r"),
            ("<r other='1'><a>1</a></r>", "r"),
            ("<r><a kind='1'>1</a></r>", "a"),
            ("<r><a><b/></a></r>", "b"),
            ("<r><a xmlns='urn:x'>1</a></r>", "a"),
        ] {
            let offender = read(frame).unwrap_err().offender.unwrap();
            assert_eq!(offender.local, at_fault, "{frame}");
        }
    }
}
