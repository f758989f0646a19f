//! Names as the public types them: any case, a trailing dot, U-labels (RFC 5890) where a person wrote them.

use crate::{
    DomainName,
    name::{LABEL_MAX, NAME_MAX, NameFault},
};
use std::borrow::Cow;

/// Turns U-labels into A-labels (UTS #46, non-transitional) and drops one trailing dot; an ASCII name is
/// returned as it is, in its own case.
///
/// # Errors
/// [`NameFault::NotAscii`] for a name that IDNA does not accept, [`NameFault::TooLong`] or [`NameFault::LabelTooLong`]
/// for a text that is longer than any name. An ASCII name is not examined here.
pub fn ascii(text: &str) -> Result<Cow<'_, str>, NameFault> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.is_ascii() {
        return Ok(Cow::Borrowed(text));
    }
    check_length(text)?;
    let ascii = idna::domain_to_ascii(text).map_err(|_| NameFault::NotAscii)?;
    // IDNA reads other full stops as dots, so that the trailing one may appear only now
    Ok(Cow::Owned(ascii.strip_suffix('.').map(str::to_owned).unwrap_or(ascii)))
}

/// What IDNA calls a dot.
const DOTS: [char; 4] = ['.', '\u{3002}', '\u{FF0E}', '\u{FF61}'];

/// The work of IDNA grows with the square of a label, and anybody may ask. An A-label has more characters than its
/// U-label, so that no name is refused here which would not be refused as A-labels.
fn check_length(text: &str) -> Result<(), NameFault> {
    let text = text.strip_suffix(DOTS).unwrap_or(text);
    if text.chars().count() > NAME_MAX {
        return Err(NameFault::TooLong);
    }
    if text.split(DOTS).any(|label| label.chars().count() > LABEL_MAX) {
        return Err(NameFault::LabelTooLong);
    }
    Ok(())
}

/// Reads a name as the public types it.
///
/// # Errors
/// What is wrong with it.
pub fn name(text: &str) -> Result<DomainName, NameFault> {
    DomainName::parse(&ascii(text)?)
}

/// The name with its A-labels as U-labels; `None` where it has no valid A-label.
pub fn unicode(name: &DomainName) -> Option<String> {
    if !name.labels().any(|label| label.starts_with("xn--")) {
        return None;
    }
    let (unicode, verdict) = idna::domain_to_unicode(name.as_str());
    (verdict.is_ok() && unicode != name.as_str()).then_some(unicode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_type() {
        for (typed, read) in [
            ("Example.TEST.", "example.test"),
            ("MÜNCHEN.test", "xn--mnchen-3ya.test"),
            ("münchen。test。", "xn--mnchen-3ya.test"),
            ("straße.test", "xn--strae-oqa.test"),
        ] {
            assert_eq!(name(typed).unwrap().as_str(), read, "{typed}");
        }
        assert_eq!(name("a..test"), Err(NameFault::LabelEmpty));
        assert_eq!(name("example.test.."), Err(NameFault::LabelEmpty));
        assert_eq!(name("a\u{202e}ü.test"), Err(NameFault::NotAscii));
    }

    #[test]
    fn a_text_too_long_for_a_name_is_refused_before_idna_works_on_it() {
        // as many different characters as a line of DAS holds: IDNA's work grows with their square
        let bomb: String = ('\u{4E00}'..).take(340).collect();
        for (text, why) in [
            (bomb.as_str(), NameFault::TooLong),
            (&bomb[..64 * 3], NameFault::LabelTooLong),
            (&format!("a.{}.test", &bomb[..64 * 3]), NameFault::LabelTooLong),
            (&format!("{}ü.test", "a".repeat(63)), NameFault::LabelTooLong),
        ] {
            assert_eq!(ascii(text), Err(why), "{text}");
        }
    }

    #[test]
    fn no_name_that_is_short_enough_as_a_labels_is_refused() {
        // each label as long as its A-label may be: the most characters there are for 63 octets
        for (filler, most) in [("a", 55), ("日", 52), ("\u{AC00}", 52), ("é", 54)] {
            let label = |count: usize| format!("ü{}", filler.repeat(count));
            assert_eq!(idna::domain_to_ascii(&label(most)).unwrap().len(), 63, "{filler}");
            for dot in [".", "\u{3002}", "\u{FF0E}", "\u{FF61}"] {
                let long = [label(most), label(most), label(most)].join(dot);
                let text = format!("{long}{dot}test{dot}");
                assert_eq!(name(&text).map(|name| name.as_str().len()), Ok(3 * 64 + 4), "{text}");
            }
        }
        for typed in ["España.test", "ελληνικά.test", "中国互联网络信息中心.test", "doménové-jméno.test"]
        {
            assert!(name(typed).is_ok(), "{typed}");
        }
    }

    #[test]
    fn shows_u_labels_only_where_there_are_any() {
        let shown = |text| unicode(&name(text).unwrap());
        assert_eq!(shown("xn--mnchen-3ya.test").as_deref(), Some("münchen.test"));
        assert_eq!(shown("example.test"), None);
        assert_eq!(shown("xn--zzzzzzzzzzz99999.test"), None);
    }
}
