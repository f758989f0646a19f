//! The productions of XML 1.0 (fifth edition) that the event reader leaves unchecked: characters, names, references
//! and attributes.

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
    let mut chars = name.chars();
    chars.next().is_some_and(starts_name) && chars.all(continues_name)
}

/// A qualified name in its two parts; the prefix is empty when there is none.
pub fn qualified(name: &str) -> Result<(&str, &str), Syntax> {
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    let prefix_is_right = is_ncname(prefix) || (prefix.is_empty() && !name.starts_with(':'));
    if prefix_is_right && is_ncname(local) {
        Ok((prefix, local))
    } else {
        Err(Syntax::not_well_formed(format!("'{}' is not a legal XML name", clip(name))))
    }
}

/// Every character of the frame must be one that XML allows.
pub fn check_chars(frame: &str) -> Result<(), Syntax> {
    // nearly all frames are ASCII, and octets are quicker to look at than characters
    if frame.bytes().all(|octet| matches!(octet, b'\t' | b'\n' | b'\r' | 0x20..=0x7F)) {
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

/// The attributes of a tag: what stands between its name and its end. At most `most` of them.
pub fn attributes(tag: &str, most: usize) -> Result<Vec<(&str, Cow<'_, str>)>, Syntax> {
    let mut found = Vec::new();
    let mut rest = tag;
    loop {
        let trimmed = rest.trim_start_matches(is_space);
        if trimmed.is_empty() {
            return Ok(found);
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
    let (name, rest) = from.split_once('=').ok_or_else(broken)?;
    let rest = rest.trim_start_matches(is_space);
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or_else(broken)?;
    let (value, after) = rest[1..].split_once(quote).ok_or_else(broken)?;
    Ok((name.trim_end_matches(is_space), value, after))
}

/// What does not stand for itself in an attribute's value.
const SPECIAL: [char; 5] = ['<', '&', '\t', '\n', '\r'];

/// Section 3.3.3: references resolved; line ends and tabs become spaces, those written as references stay.
fn normalized(raw: &str) -> Result<Cow<'_, str>, Syntax> {
    if !raw.contains(SPECIAL) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(SPECIAL) {
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
        let found = attributes(" a=\"1\t2\" b = 'x&#10;&lt;\r\ny'", 4).unwrap();
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
            assert!(attributes(bad, 4).is_err(), "{bad}");
        }
        assert!(attributes(" a='' b='' c=''", 2).is_err());
    }
}
