//! XML Schema's simple types as EPP uses them: white space facets, lengths in characters, numbers, dates, octets.
//!
//! Each function takes the element for the error's sake. Lexical forms follow XML Schema 1.0 part 2.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::El;
use super::scan::{is_space, is_space_octet};
use super::syntax::{Syntax, clip};

/// White space `collapse` (`token`, numbers, dates): none at the ends, one space between words.
pub fn collapse(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim_matches(is_space);
    let octets = trimmed.as_bytes();
    let mut pairs = octets.iter().zip(octets.get(1..).unwrap_or_default());
    // it ends with no space: each one has an octet after it
    if pairs.all(|(octet, next)| !is_space_octet(*octet) || (*octet == b' ' && *next != b' ')) {
        return Cow::Borrowed(trimmed);
    }
    let words: Vec<&str> = trimmed.split(is_space).filter(|word| !word.is_empty()).collect();
    Cow::Owned(words.join(" "))
}

/// White space `replace` (`normalizedString`): tabs and line ends become spaces, nothing is removed.
pub fn replace(text: &str) -> String {
    text.replace(['\t', '\n', '\r'], " ")
}

/// An element of type `token` with a length in characters.
pub fn token(least: usize, most: usize) -> impl Fn(&El<'_>) -> Result<String, Syntax> + Copy {
    move |element| element.leaf(|_, text| sized(element, collapse(text).into_owned(), least, most))
}

/// An element of type `normalizedString` with a length in characters.
pub fn line(least: usize, most: usize) -> impl Fn(&El<'_>) -> Result<String, Syntax> + Copy {
    move |element| element.leaf(|_, text| sized(element, replace(text), least, most))
}

/// `text` if its length in characters is within bounds.
///
/// # Errors
/// Names the element and the bound.
pub fn sized(element: &El<'_>, text: String, least: usize, most: usize) -> Result<String, Syntax> {
    let length = text.chars().count();
    let name = element.local;
    if length < least {
        let reason = match length {
            0 => format!("'{name}' is empty"),
            _ => format!("'{name}' has {length} characters; at least {least} are required"),
        };
        Err(Syntax::schema(element, reason))
    } else if length > most {
        Err(Syntax::schema(element, format!("'{name}' has {length} characters; at most {most} are allowed")))
    } else {
        Ok(text)
    }
}

/// A number in decimal digits.
///
/// # Errors
/// When the text is no number, or not within `range`.
pub fn uint(element: &El<'_>, text: &str, range: RangeInclusive<u32>) -> Result<u32, Syntax> {
    let digits = collapse(text);
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // A number of many digits may still be small ("0001"); one that overflows is out of range as well.
    let value = if all_digits { digits.trim_start_matches('0').parse::<u32>().ok() } else { None };
    let zero = all_digits && digits.bytes().all(|byte| byte == b'0');
    let value = if zero { Some(0) } else { value };
    value.filter(|value| range.contains(value)).ok_or_else(|| {
        let (name, least, most) = (element.local, range.start(), range.end());
        Syntax::schema(element, format!("'{name}' must be a number from {least} to {most}"))
    })
}

/// An element holding only a number.
pub fn number(range: RangeInclusive<u32>) -> impl Fn(&El<'_>) -> Result<u32, Syntax> {
    move |element| element.leaf(|_, text| uint(element, text, range.clone()))
}

/// `boolean`: `true`, `false`, `1` or `0`.
///
/// # Errors
/// When it is another word.
pub fn boolean(element: &El<'_>, text: &str) -> Result<bool, Syntax> {
    match &*collapse(text) {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Syntax::schema(
            element,
            format!("'{}' has a value that is neither true nor false", element.local),
        )),
    }
}

/// An enumeration: the meaning of one of a few words.
///
/// # Errors
/// When the word is none of them; the reason lists them.
pub fn word<T: Copy>(element: &El<'_>, what: &str, text: &str, words: &[(&str, T)]) -> Result<T, Syntax> {
    words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let (got, known) = (clip(text), known.join(", "));
        Syntax::schema(element, format!("{what} '{got}' is none of: {known}"))
    })
}

/// `language` (RFC 3066 form): words of at most eight letters or digits joined by hyphens, the first of letters.
///
/// # Errors
/// When the text has another form.
pub fn language(element: &El<'_>, text: &str) -> Result<String, Syntax> {
    let tag = collapse(text);
    let right = tag.split('-').enumerate().all(|(nth, part)| {
        (1..=8).contains(&part.len())
            && part
                .bytes()
                .all(|b| if nth == 0 { b.is_ascii_alphabetic() } else { b.is_ascii_alphanumeric() })
    });
    if right {
        Ok(tag.into_owned())
    } else {
        Err(Syntax::schema(element, format!("'{}' is not a language tag", clip(&tag))))
    }
}

/// RFC 5730's `roidType`: up to 80 word characters, a hyphen, up to 8 word characters.
///
/// # Errors
/// When the text has another form.
pub fn roid(element: &El<'_>, text: &str) -> Result<String, Syntax> {
    let text = collapse(text);
    let word =
        |c: char| c.is_alphanumeric() || matches!(c, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~');
    let right = text.rsplit_once('-').is_some_and(|(id, suffix)| {
        (1..=80).contains(&id.chars().count())
            && id.chars().all(|c| c == '_' || word(c))
            && (1..=8).contains(&suffix.chars().count())
            && suffix.chars().all(word)
    });
    if right {
        Ok(text.into_owned())
    } else {
        Err(Syntax::schema(element, format!("'{}' is not a repository object identifier", clip(&text))))
    }
}

/// RFC 5733's `e164StringType`: `+country.number`, 17 characters at most; it may be empty.
///
/// # Errors
/// When the text has another form.
pub fn e164(element: &El<'_>, text: &str) -> Result<String, Syntax> {
    let text = collapse(text);
    let digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let right = text.is_empty()
        || (text.len() <= 17
            && text
                .strip_prefix('+')
                .and_then(|rest| rest.split_once('.'))
                .is_some_and(|(country, number)| digits(country, 3) && digits(number, 14)));
    if right {
        Ok(text.into_owned())
    } else {
        let name = element.local;
        Err(Syntax::schema(element, format!("'{name}' is not a number written as +1.5551234 (RFC 5733)")))
    }
}

/// `hexBinary`: pairs of hexadecimal digits, perhaps none.
///
/// # Errors
/// When the text has another form.
pub fn hex(element: &El<'_>, text: &str) -> Result<Vec<u8>, Syntax> {
    let text = collapse(text);
    let octet = |pair: &[u8]| {
        let nibble = |digit: u8| char::from(digit).to_digit(16);
        u8::try_from(nibble(pair[0])? * 16 + nibble(pair[1])?).ok()
    };
    let even = text.len().is_multiple_of(2);
    let octets = if even { text.as_bytes().chunks_exact(2).map(octet).collect() } else { None };
    octets.ok_or_else(|| Syntax::schema(element, format!("'{}' is not hexadecimal", element.local)))
}

/// `base64Binary` of at least one octet; white space may stand between any two characters.
///
/// # Errors
/// When the text has another form.
pub fn base64(element: &El<'_>, text: &str) -> Result<Vec<u8>, Syntax> {
    let dense: String = text.chars().filter(|c| !is_space(*c)).collect();
    STANDARD
        .decode(dense)
        .ok()
        .filter(|octets| !octets.is_empty())
        .ok_or_else(|| Syntax::schema(element, format!("'{}' is not base64", element.local)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::Ns;

    fn element() -> El<'static> {
        El { ns: Ns::Absent, local: "e", attrs: Vec::new(), children: Vec::new(), text: "".into() }
    }

    #[test]
    fn white_space_facets() {
        assert_eq!(collapse(" a \t b\n"), "a b");
        assert_eq!(collapse("a b"), "a b");
        assert_eq!(collapse("\u{a0}a"), "\u{a0}a");
        assert_eq!(replace(" a\t\nb "), " a  b ");
    }

    #[test]
    fn lengths_count_characters() {
        assert!(sized(&element(), "äöü".to_owned(), 3, 3).is_ok());
        assert!(sized(&element(), "ab".to_owned(), 3, 16).is_err());
        assert!(sized(&element(), "a".repeat(17), 3, 16).is_err());
    }

    #[test]
    fn numbers() {
        let read = |text| uint(&element(), text, 0..=65535);
        assert_eq!(read(" 00017\n").unwrap(), 17);
        assert_eq!(read("000").unwrap(), 0);
        for bad in ["", "-1", "+1", "1.5", "a", "65536", "99999999999", "1 2", "0x1"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn telephone_numbers() {
        let read = |text| e164(&element(), text);
        for good in ["", "+1.5551234", "+123.12345678901", "+1.12345678901234"] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in
            ["+12345", "+1111.1", "55", "+1.", "+1.123456789012345", "+1.a", "+a.1", "+123.12345678901234"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn roids_and_languages() {
        for good in ["D1-TEST", "EXAMPLE1_2-REP", "a-b"] {
            assert!(roid(&element(), good).is_ok(), "{good}");
        }
        for bad in ["", "D1", "-REP", "D1-", "D-1-REP", "D1-REPOSITORY", "D 1-REP", "D1-RE_P"] {
            assert!(roid(&element(), bad).is_err(), "{bad}");
        }
        assert!(language(&element(), "en-GB").is_ok());
        for bad in ["", "e1", "en_GB", "en-", "abcdefghi"] {
            assert!(language(&element(), bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn octets() {
        assert_eq!(hex(&element(), " 00fF ").unwrap(), [0, 255]);
        assert_eq!(hex(&element(), "").unwrap(), [0; 0]);
        assert!(
            hex(&element(), "0").is_err() && hex(&element(), "0g").is_err() && hex(&element(), "é").is_err()
        );
        assert_eq!(base64(&element(), "A Q==").unwrap(), [1]);
        for bad in ["", "A", "AQ", "AR==", "A-==", "this is not a DNSKEY."] {
            assert!(base64(&element(), bad).is_err(), "{bad}");
        }
    }
}
