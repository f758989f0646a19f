//! The text form: `Key: value` lines that end with CRLF, never a control character from outside.

use std::fmt::{Display, Write};

use registry::Timestamp;

/// An answer under construction.
pub(crate) struct Text {
    out: String,
}

impl Text {
    pub(crate) fn new() -> Text {
        // a domain with three contacts takes about 2.5 kB
        Text { out: String::with_capacity(3072) }
    }

    /// `Key: value`.
    pub(crate) fn field(&mut self, key: &str, value: impl Display) {
        let begin = self.out.len();
        self.out.push_str(key);
        self.out.push_str(": ");
        self.end(begin, value);
    }

    /// `Key: value`, or the key alone where there is no value: a reader then knows that nothing was left out.
    pub(crate) fn optional(&mut self, key: &str, value: Option<impl Display>) {
        match value {
            Some(value) => self.field(key, value),
            None => self.end(self.out.len(), format_args!("{key}:")),
        }
    }

    /// The same for a part of something: `Whole Part: value`.
    pub(crate) fn part(&mut self, whole: &str, part: &str, value: Option<&str>) {
        let begin = self.out.len();
        self.out.push_str(whole);
        self.out.push(' ');
        self.out.push_str(part);
        self.out.push_str(if value.is_some() { ": " } else { ":" });
        self.end(begin, value.unwrap_or_default());
    }

    pub(crate) fn line(&mut self, line: impl Display) {
        self.end(self.out.len(), line);
    }

    /// Ends the line that began at `begin` with the value. A space takes the place of each control character, so that
    /// no value can forge a line.
    fn end(&mut self, begin: usize, value: impl Display) {
        // writing to a String has no error of its own
        let _ = write!(self.out, "{value}");
        if self.out[begin..].bytes().any(may_be_control) {
            let line = self.out.split_off(begin);
            self.out.extend(line.chars().map(|c| if c.is_control() { ' ' } else { c }));
        }
        self.out.push_str("\r\n");
    }

    /// States the instant of the data and adds the terms.
    pub(crate) fn finish(mut self, at: Timestamp, terms: &str) -> String {
        self.line(format_args!(">>> Last update of WHOIS database: {at} <<<"));
        if !terms.trim().is_empty() {
            self.line("");
            terms.trim_end().lines().for_each(|line| self.line(line));
        }
        self.out
    }
}

/// One line that begins with `Error:`.
pub(crate) fn error(why: &impl Display) -> String {
    let mut text = Text { out: String::new() };
    text.field("Error", why);
    text.out
}

/// ASCII controls, and the octet that U+0080 to U+009F begin with.
fn may_be_control(octet: u8) -> bool {
    octet < b' ' || octet == 0x7f || octet == 0xc2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_can_not_forge_a_line() {
        let mut text = Text::new();
        text.field("Registrar URL", "https://a.example/\r\nDomain Status: ok\u{9b}");
        text.optional("Updated Date", None::<&str>);
        assert_eq!(text.out, "Registrar URL: https://a.example/  Domain Status: ok \r\nUpdated Date:\r\n");
        let mut text = Text::new();
        text.part("Admin", "Name", Some("\u{c2}\u{a0}a\nb\u{7f}é"));
        text.part("Admin", "Fax", None);
        assert_eq!(text.out, "Admin Name: \u{c2}\u{a0}a b é\r\nAdmin Fax:\r\n");
    }

    #[test]
    fn terms_keep_their_lines() {
        let text = Text::new().finish(Timestamp(0), "first\n\nsecond\n");
        let expected = ">>> Last update of WHOIS database: 1970-01-01T00:00:00.000Z <<<\r\n\r\n\
                        first\r\n\r\nsecond\r\n";
        assert_eq!(text, expected);
        assert!(!Text::new().finish(Timestamp(0), " \n").contains("\r\n\r\n"));
    }
}
