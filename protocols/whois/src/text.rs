//! The text form: `Key: value` lines that end with CRLF, never a control character from outside.

use std::fmt::{self, Display, Write};

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
    pub(crate) fn field(&mut self, key: impl Display, value: impl Display) {
        self.line(format_args!("{key}: {value}"));
    }

    /// `Key: value`, or the key alone where there is no value: a reader then knows that nothing was left out.
    pub(crate) fn optional(&mut self, key: impl Display, value: Option<impl Display>) {
        match value {
            Some(value) => self.field(key, value),
            None => self.line(format_args!("{key}:")),
        }
    }

    pub(crate) fn line(&mut self, line: impl Display) {
        // writing to a String through Clean has no error of its own
        let _ = write!(Clean(&mut self.out), "{line}");
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

/// Passes text on with a space for each control character, so that no value can forge a line.
struct Clean<'a>(&'a mut String);

impl fmt::Write for Clean<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        if s.contains(char::is_control) {
            self.0.extend(s.chars().map(|c| if c.is_control() { ' ' } else { c }));
        } else {
            self.0.push_str(s);
        }
        Ok(())
    }
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
