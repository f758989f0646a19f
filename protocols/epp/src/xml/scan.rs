//! The productions of XML 1.0 (fifth edition) that the event reader leaves unchecked: characters, names, references
//! and attributes.
//!
//! Nearly all frames are ASCII, so that octets are looked at where characters would do: a character that matters here is
//! one octet long, and no octet of a longer one equals it.

use std::borrow::Cow;

use super::syntax::{Syntax, clip};

/// Production 2, `Char`.
pub fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

/// Production 3, `S`.
pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// As [`is_space`], of an octet.
pub fn is_space_octet(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\n' | b'\r')
}

/// What comes before the first octet that fits, and what from there on.
pub fn split_before(text: &str, fits: impl Fn(u8) -> bool) -> (&str, &str) {
    text.split_at(text.bytes().position(fits).unwrap_or(text.len()))
}

/// What comes before `octet` and after it. The parts of most frames are too short for a search to pay.
fn split_at_octet(text: &str, octet: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|found| found == octet)?;
    Some((&text[..at], &text[at + 1..]))
}

/// Whether all octets fit. Without a way out between those of a chunk the compiler looks at many at once.
pub fn all_octets(text: &str, fit: impl Fn(u8) -> bool) -> bool {
    text.as_bytes().chunks(64).all(|octets| octets.iter().fold(true, |all, octet| all & fit(*octet)))
}

/// Production 4 without the colon.
fn starts_name(c: char) -> bool {
    matches!(c, 'A'..='Z' | 'a'..='z' | '_'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}'
        | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

/// Production 4a without the colon.
fn continues_name(c: char) -> bool {
    starts_name(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Whether `name` is a name without a colon (`NCName`).
pub fn is_ncname(name: &str) -> bool {
    let [first, rest @ ..] = name.as_bytes() else { return false };
    let continues = |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_');
    if (first.is_ascii_alphabetic() || *first == b'_') && rest.iter().all(continues) {
        return true;
    }
    let mut chars = name.chars();
    chars.next().is_some_and(starts_name) && chars.all(continues_name)
}

/// A qualified name in its two parts; the prefix is empty when there is none.
pub fn qualified(name: &str) -> Result<(&str, &str), Syntax> {
    let (prefix, local) = split_at_octet(name, b':').unwrap_or(("", name));
    let prefix_is_right = is_ncname(prefix) || (prefix.is_empty() && !name.starts_with(':'));
    if prefix_is_right && is_ncname(local) {
        Ok((prefix, local))
    } else {
        Err(Syntax::not_well_formed(format!("'{}' is not a legal XML name", clip(name))))
    }
}

/// Every character of the frame must be one that XML allows.
pub fn check_chars(frame: &str) -> Result<(), Syntax> {
    if all_octets(frame, |octet| matches!(octet, b'\t' | b'\n' | b'\r' | 0x20..=0x7F)) {
        return Ok(());
    }
    match frame.char_indices().find(|(_, c)| !is_char(*c)) {
        None => Ok(()),
        Some((at, c)) => Err(Syntax::not_well_formed(format!(
            "character U+{:04X} at octet {at} is not allowed in XML",
            u32::from(c)
        ))),
    }
}

/// The character behind `&name;`: one of the five predefined entities or a character reference.
pub fn reference(name: &str) -> Result<char, Syntax> {
    let number = match name {
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "amp" => return Ok('&'),
        "apos" => return Ok('\''),
        "quot" => return Ok('"'),
        _ => name.strip_prefix('#'),
    };
    let Some(number) = number else {
        return Err(Syntax::not_well_formed(format!("entity '&{};' is not defined", clip(name))));
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
    let all_digits = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    let code = if all_digits { u32::from_str_radix(digits, radix).ok() } else { None };
    code.and_then(char::from_u32)
        .filter(|c| is_char(*c))
        .ok_or_else(|| Syntax::not_well_formed(format!("'&{};' is not a character of XML", clip(name))))
}

/// An attribute as it is written: its name, and its value after normalization.
pub type Written<'f> = (&'f str, Cow<'f, str>);

/// The attributes of a tag, into `found`: what stands between its name and its end. At most `most` of them.
pub fn attributes<'f>(tag: &'f str, most: usize, found: &mut Vec<Written<'f>>) -> Result<(), Syntax> {
    found.clear();
    let mut rest = tag;
    loop {
        let (_, trimmed) = split_before(rest, |octet| !is_space_octet(octet));
        if trimmed.is_empty() {
            return Ok(());
        }
        if trimmed.len() == rest.len() {
            return Err(Syntax::not_well_formed("white space is missing before an attribute"));
        }
        if found.len() == most {
            return Err(Syntax::not_well_formed(format!("an element has more than {most} attributes")));
        }
        let (name, value, after) = attribute(trimmed)?;
        found.push((name, normalized(value)?));
        rest = after;
    }
}

/// One `name = "value"` and what follows it.
fn attribute(from: &str) -> Result<(&str, &str, &str), Syntax> {
    let broken = || {
        let name = from.split(|c| is_space(c) || c == '=').next().unwrap_or(from);
        Syntax::not_well_formed(format!("attribute '{}' is not written as name=\"value\"", clip(name)))
    };
    let (name, rest) = split_at_octet(from, b'=').ok_or_else(broken)?;
    let (_, rest) = split_before(rest, |octet| !is_space_octet(octet));
    let quote = rest.bytes().next().filter(|octet| matches!(octet, b'"' | b'\'')).ok_or_else(broken)?;
    let (value, after) = split_at_octet(&rest[1..], quote).ok_or_else(broken)?;
    Ok((name.trim_end_matches(is_space), value, after))
}

/// What does not stand for itself in an attribute's value.
fn is_special(octet: u8) -> bool {
    matches!(octet, b'<' | b'&' | b'\t' | b'\n' | b'\r')
}

/// Section 3.3.3: references resolved; line ends and tabs become spaces, those written as references stay.
fn normalized(raw: &str) -> Result<Cow<'_, str>, Syntax> {
    if !raw.bytes().any(is_special) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.bytes().position(is_special) {
        value.push_str(&rest[..at]);
        let special = &rest[at..];
        if special.starts_with('<') {
            return Err(Syntax::not_well_formed("'<' stands in an attribute value; write &lt;"));
        } else if let Some(named) = special.strip_prefix('&') {
            let (name, after) = named
                .split_once(';')
                .ok_or_else(|| Syntax::not_well_formed("'&' begins no reference; write &amp;"))?;
            value.push(reference(name)?);
            rest = after;
        } else {
            value.push(' ');
            rest = special.strip_prefix("\r\n").unwrap_or(&special[1..]);
        }
    }
    value.push_str(rest);
    Ok(Cow::Owned(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_at_most_one_colon_and_legal_characters() {
        assert_eq!(qualified("domain:name").unwrap(), ("domain", "name"));
        assert_eq!(qualified("clTRID").unwrap(), ("", "clTRID"));
        assert_eq!(qualified("é-1.x").unwrap(), ("", "é-1.x"));
        for bad in ["", ":", ":a", "a:", "a:b:c", "1a", "-a", "a b", "a/b", "a:1", "a\u{d7}"] {
            assert!(qualified(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn references_resolve_to_characters_of_xml_only() {
        assert_eq!(reference("amp").unwrap(), '&');
        assert_eq!(reference("#65").unwrap(), 'A');
        assert_eq!(reference("#x1F600").unwrap(), '\u{1F600}');
        for bad in ["", "#", "#x", "#0", "#x0", "#xD800", "#xFFFE", "#x110000", "#X41", "#+65", "nbsp", "AMP"]
        {
            assert!(reference(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn attribute_values_are_normalized() {
        let mut found = vec![("left", Cow::from("over"))];
        attributes(" a=\"1\t2\" b = 'x&#10;&lt;\r\ny'", 4, &mut found).unwrap();
        assert_eq!(found, [("a", Cow::from("1 2")), ("b", Cow::from("x\n< y"))]);
    }

    #[test]
    fn broken_attributes_are_refused() {
        for bad in [
            " a",
            " a=",
            " a=1",
            " a=\"1",
            " a=\"1\"b=\"2\"",
            " a=\"<\"",
            " a=\"&\"",
            " a=\"&x;\"",
            "a=\"1\"",
            " /",
        ] {
            assert!(attributes(bad, 4, &mut Vec::new()).is_err(), "{bad}");
        }
        assert!(attributes(" a='' b='' c=''", 2, &mut Vec::new()).is_err());
    }
}
