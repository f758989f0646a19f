//! Writing XML: elements that can't be left open, and text that can't break out of its place.

use std::fmt::{Display, Write};

use super::scan::{all_octets, is_char};

/// A document under construction.
#[derive(Debug)]
pub struct Writer {
    out: String,
}

impl Writer {
    /// Begins a document with its declaration.
    pub fn document() -> Writer {
        let mut out = String::with_capacity(1024);
        out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        Writer { out }
    }

    /// The document as octets.
    pub fn finish(self) -> Vec<u8> {
        self.out.into_bytes()
    }

    /// An element whose content `write` writes.
    pub fn element(&mut self, name: &str, attributes: &[(&str, &str)], write: impl FnOnce(&mut Writer)) {
        self.tag(name, attributes);
        self.out.push('>');
        write(self);
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// An element without content.
    pub fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes);
        self.out.push_str("/>");
    }

    /// An element with text and nothing else.
    pub fn leaf(&mut self, name: &str, text: &str) {
        self.leaf_with(name, &[], text);
    }

    /// An element with attributes and text.
    pub fn leaf_with(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.element(name, attributes, |w| w.text(text));
    }

    /// An element with a number, an identifier or a date: what has no character that XML writes in another way.
    pub fn plain(&mut self, name: &str, value: impl Display) {
        self.element(name, &[], |w| {
            let begun = w.out.len();
            // a string takes whatever is written to it
            let _ = write!(w.out, "{value}");
            debug_assert!(is_plain(&w.out[begun..]), "{name}");
        });
    }

    /// Character data. What XML has no way to carry becomes U+FFFD.
    fn text(&mut self, text: &str) {
        if is_plain(text) {
            return self.out.push_str(text);
        }
        for c in text.chars() {
            match c {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '\r' => self.out.push_str("&#13;"),
                c if is_char(c) => self.out.push(c),
                _ => self.out.push(char::REPLACEMENT_CHARACTER),
            }
        }
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.out.push('<');
        self.out.push_str(name);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            self.value(value);
            self.out.push('"');
        }
    }

    /// The value of an attribute.
    fn value(&mut self, value: &str) {
        if is_plain(value) {
            return self.out.push_str(value);
        }
        for c in value.chars() {
            match c {
                '"' => self.out.push_str("&quot;"),
                '\t' => self.out.push_str("&#9;"),
                '\n' => self.out.push_str("&#10;"),
                c => self.text(c.encode_utf8(&mut [0; 4])),
            }
        }
    }
}

/// Whether all of it stands for itself wherever it is written; nearly everything does.
fn is_plain(text: &str) -> bool {
    all_octets(text, |octet| matches!(octet, 0x20..=0x7E) && !matches!(octet, b'&' | b'<' | b'>' | b'"'))
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, tree};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in any::<String>(), attribute in any::<String>()) {
            let mut writer = Writer::document();
            writer.leaf_with("e", &[("a", &attribute)], &text);
            let octets = writer.finish();
            let root = tree(&octets, &Limits::default()).unwrap();
            let legal = |s: &str| s.chars().map(|c| if is_char(c) { c } else { '\u{FFFD}' }).collect::<String>();
            prop_assert_eq!(&root.text, &legal(&text));
            prop_assert_eq!(&root.attrs[0].value, &legal(&attribute));
        }
    }
}
