//! Layer 1: a frame's octets as a tree of elements with resolved namespaces, or the reason why they are none.
//!
//! The event reader splits the text into tags, text, comments and so on and checks that end tags match. It lets
//! pass much that is not well-formed (two roots, undefined entities, control characters, `<` in attributes, a
//! second declaration, ...); the checks here close those gaps.

use std::borrow::Cow;
use std::mem;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::scan::{
    Written, attributes, check_chars, is_ncname, is_space, is_space_octet, qualified, reference, split_before,
};
use super::scope::{Scope, declared_prefix};
use super::syntax::{Syntax, clip};
use super::{Attr, El, Ns};

/// How large a document may be in other ways than octets.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub depth: usize,
    pub elements: usize,
    /// Per element, namespace declarations included.
    pub attributes: usize,
    /// Namespace declarations in force at once, those of the elements around included.
    pub namespaces: usize,
}

impl Default for Limits {
    /// The deepest command of RFC 5730 to 5733 has 8 levels; the widest has thousands of names to check. EPP has fewer
    /// than 10 namespaces, and some clients declare them again on each level.
    fn default() -> Limits {
        Limits { depth: 32, elements: 20_000, attributes: 32, namespaces: 64 }
    }
}

/// How deep commands are, mostly.
const DEPTH_USUAL: usize = 8;

/// Reads one document.
///
/// # Errors
/// A [`Syntax`] at the gate `WellFormed`: not UTF-8, not well-formed, over a limit, or with a DTD, a foreign
/// encoding or `xsi:type`.
pub fn tree<'f>(frame: &'f [u8], limits: &Limits) -> Result<El<'f>, Syntax> {
    let text = std::str::from_utf8(frame).map_err(|at| {
        Syntax::not_well_formed(format!("not UTF-8: octet {} belongs to no character", at.valid_up_to()))
    })?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    // the event reader drops a second one without counting its octets
    if text.starts_with('\u{FEFF}') {
        return Err(Syntax::not_well_formed("a second byte order mark stands at the beginning"));
    }
    check_chars(text)?;
    let mut builder = Builder {
        limits: *limits,
        scope: Scope::default(),
        open: Vec::with_capacity(DEPTH_USUAL),
        root: None,
        elements: 0,
        written: Vec::new(),
    };
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut start = 0;
    loop {
        let event = reader.read_event().map_err(|cause| Syntax::not_well_formed(cause.to_string()))?;
        let end = usize::try_from(reader.buffer_position()).unwrap_or(text.len());
        let raw = &text[start..end];
        match event {
            Event::Eof => return builder.finish(),
            Event::Decl(_) if start == 0 => declaration(raw)?,
            Event::Decl(_) => {
                return Err(Syntax::not_well_formed("the XML declaration must be the very first characters"));
            }
            Event::DocType(_) => return Err(Syntax::not_well_formed("a DOCTYPE is not allowed in EPP")),
            Event::Start(_) => builder.start(&raw[1..raw.len() - 1])?,
            Event::Empty(_) => {
                builder.start(&raw[1..raw.len() - 2])?;
                builder.end();
            }
            Event::End(_) => builder.end(),
            Event::Text(_) => builder.text(raw)?,
            Event::CData(_) => builder.character_data("CDATA section", raw[9..raw.len() - 3].into())?,
            Event::GeneralRef(_) => {
                let c = reference(&raw[1..raw.len() - 1])?;
                builder.character_data("reference", String::from(c).into())?;
            }
            Event::Comment(_) => comment(raw)?,
            Event::PI(_) => instruction(&raw[2..raw.len() - 2])?,
        }
        start = end;
    }
}

struct Builder<'f> {
    limits: Limits,
    scope: Scope<'f>,
    /// The elements begun and not ended, outermost first.
    open: Vec<El<'f>>,
    root: Option<El<'f>>,
    elements: usize,
    /// The attributes of the tag that is looked at, kept for their memory.
    written: Vec<Written<'f>>,
}

impl<'f> Builder<'f> {
    /// A start tag without its angle brackets.
    fn start(&mut self, tag: &'f str) -> Result<(), Syntax> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(Syntax::not_well_formed("a second root element"));
        }
        let depth = self.open.len();
        self.elements += 1;
        if depth == self.limits.depth {
            return Err(Syntax::not_well_formed(format!("elements are nested deeper than {depth}")));
        }
        if self.elements > self.limits.elements {
            let most = self.limits.elements;
            return Err(Syntax::not_well_formed(format!("the frame has more than {most} elements")));
        }
        let (name, rest) = split_before(tag, is_space_octet);
        let (prefix, local) = qualified(name)?;
        let attrs = if rest.is_empty() { Vec::new() } else { self.attributes(depth, rest)? };
        let ns = self.scope.element(prefix)?;
        self.open.push(El { ns, local, attrs, children: Vec::new(), text: Cow::Borrowed("") });
        Ok(())
    }

    /// What a start tag has after its name: namespaces are declared, wherever in the tag that stands, then the rest is
    /// resolved.
    fn attributes(&mut self, depth: usize, tag: &'f str) -> Result<Vec<Attr<'f>>, Syntax> {
        let mut written = mem::take(&mut self.written);
        attributes(tag, self.limits.attributes, &mut written)?;
        for (name, value) in &written {
            if let Some(prefix) = declared_prefix(name) {
                self.declare(depth, prefix, value)?;
            }
        }
        let attrs = self.resolve(written.drain(..).filter(|(name, _)| declared_prefix(name).is_none()))?;
        self.written = written;
        Ok(attrs)
    }

    fn declare(&mut self, depth: usize, prefix: &'f str, uri: &str) -> Result<(), Syntax> {
        self.scope.declare(depth, prefix, uri)?;
        let most = self.limits.namespaces;
        if self.scope.in_force() > most {
            let refused = format!("more than {most} namespace declarations are in force at once");
            return Err(Syntax::not_well_formed(refused));
        }
        Ok(())
    }

    /// Attributes with their namespaces; a name may occur once, whatever the prefix.
    fn resolve(&self, plain: impl Iterator<Item = Written<'f>>) -> Result<Vec<Attr<'f>>, Syntax> {
        let mut attrs: Vec<Attr<'f>> = Vec::new();
        for (name, value) in plain {
            let (prefix, local) = qualified(name)?;
            let ns = self.scope.attribute(prefix)?;
            if attrs.iter().any(|other| other.local == local && other.ns == ns) {
                return Err(repeated(name));
            }
            // DEVIATION: XML Schema lets a document name a derived type; EPP has no use for it.
            if ns == Ns::Xsi && local == "type" {
                return Err(Syntax::not_well_formed("xsi:type is not allowed in EPP"));
            }
            attrs.push(Attr { ns, local, value });
        }
        // Hints where to find a schema say nothing about the command; many clients send them.
        attrs.retain(|attr| {
            attr.ns != Ns::Xsi || !matches!(attr.local, "schemaLocation" | "noNamespaceSchemaLocation")
        });
        Ok(attrs)
    }

    /// The reader has checked that the end tag belongs to the innermost open element.
    fn end(&mut self) {
        let Some(ended) = self.open.pop() else { return };
        self.scope.leave(self.open.len());
        match self.open.last_mut() {
            Some(parent) => parent.children.push(ended),
            None => self.root = Some(ended),
        }
    }

    /// Text as written, without references.
    fn text(&mut self, raw: &'f str) -> Result<(), Syntax> {
        if raw.as_bytes().contains(&b']') && raw.contains("]]>") {
            return Err(Syntax::not_well_formed("']]>' stands in text; write ]]&gt;"));
        }
        if self.open.is_empty() {
            return if raw.bytes().all(is_space_octet) { Ok(()) } else { Err(outside("text")) };
        }
        self.character_data("text", raw.into())
    }

    fn character_data(&mut self, what: &str, raw: Cow<'f, str>) -> Result<(), Syntax> {
        let element = self.open.last_mut().ok_or_else(|| outside(what))?;
        // A reference's carriage return stays (section 2.11): references come here one character long.
        let text = if raw.len() > 1 && raw.as_bytes().contains(&b'\r') {
            raw.replace("\r\n", "\n").replace('\r', "\n").into()
        } else {
            raw
        };
        if element.text.is_empty() {
            element.text = text;
        } else {
            element.text.to_mut().push_str(&text);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<El<'f>, Syntax> {
        if let Some(left) = self.open.last() {
            return Err(Syntax::not_well_formed(format!("element '{}' is not closed", clip(left.local))));
        }
        mem::take(&mut self.root).ok_or_else(|| Syntax::not_well_formed("no root element"))
    }
}

fn repeated(name: &str) -> Syntax {
    Syntax::not_well_formed(format!("attribute '{}' is given twice", clip(name)))
}

fn outside(what: &str) -> Syntax {
    Syntax::not_well_formed(format!("{what} stands outside the root element"))
}

/// `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`: in this order, the last two optional.
fn declaration(raw: &str) -> Result<(), Syntax> {
    let inner = raw.strip_prefix("<?xml").and_then(|rest| rest.strip_suffix("?>")).unwrap_or(raw);
    let mut written = Vec::with_capacity(3);
    attributes(inner, 3, &mut written)?;
    let mut rest = written.into_iter().peekable();
    let mut take = |wanted: &str| rest.next_if(|(name, _)| *name == wanted).map(|(_, value)| value);
    match take("version").as_deref() {
        Some("1.0") => {}
        _ => return Err(Syntax::not_well_formed("the XML declaration must begin with version=\"1.0\"")),
    }
    if let Some(encoding) = take("encoding")
        && !encoding.eq_ignore_ascii_case("UTF-8")
    {
        let encoding = clip(&encoding);
        return Err(Syntax::not_well_formed(format!("encoding '{encoding}' is not supported; send UTF-8")));
    }
    let standalone = take("standalone");
    if rest.next().is_some() || standalone.is_some_and(|value| !matches!(value.as_ref(), "yes" | "no")) {
        return Err(Syntax::not_well_formed("the XML declaration is malformed"));
    }
    Ok(())
}

/// The reader refuses `--` inside; what is inside must not end with a hyphen either.
fn comment(raw: &str) -> Result<(), Syntax> {
    let inside = raw.strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->"));
    if inside.is_none_or(|inside| inside.ends_with('-')) {
        return Err(Syntax::not_well_formed("a comment ends with more than two hyphens"));
    }
    Ok(())
}

/// A processing instruction is skipped; only its name is looked at.
fn instruction(inner: &str) -> Result<(), Syntax> {
    let target = inner.split(is_space).next().unwrap_or(inner);
    if !is_ncname(target) || target.eq_ignore_ascii_case("xml") {
        return Err(Syntax::not_well_formed(format!("'{}' is no processing instruction", clip(target))));
    }
    Ok(())
}
