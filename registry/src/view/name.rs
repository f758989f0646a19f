//! Names as the public types them: any case, a trailing dot, U-labels (RFC 5890) where a person wrote them.

use crate::{DomainName, name::NameFault};
use std::borrow::Cow;

/// Turns U-labels into A-labels (UTS #46, non-transitional) and drops one trailing dot; an ASCII name is
/// returned as it is, in its own case.
///
/// # Errors
/// [`NameFault::NotAscii`] for a name that IDNA does not accept. An ASCII name is not examined here.
pub fn ascii(text: &str) -> Result<Cow<'_, str>, NameFault> {
    let text = text.strip_suffix('.').unwrap_or(text);
    if text.is_ascii() {
        return Ok(Cow::Borrowed(text));
    }
    let ascii = idna::domain_to_ascii(text).map_err(|_| NameFault::NotAscii)?;
    // IDNA reads other full stops as dots, so that the trailing one may appear only now
    Ok(Cow::Owned(ascii.strip_suffix('.').map(str::to_owned).unwrap_or(ascii)))
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
    fn shows_u_labels_only_where_there_are_any() {
        let shown = |text| unicode(&name(text).unwrap());
        assert_eq!(shown("xn--mnchen-3ya.test").as_deref(), Some("münchen.test"));
        assert_eq!(shown("example.test"), None);
        assert_eq!(shown("xn--zzzzzzzzzzz99999.test"), None);
    }
}
