//! Domain and host names: lower-case LDH labels, U-labels already turned into A-labels (RFC 1123, RFC 5890).
//!
//! Not here: which names may be registered (`tld`), IDN tables (a TLD has none yet, so A-labels are refused
//! where a label is to be registered).

use serde::{Deserialize, Serialize};
use std::fmt;
use storage::{Fault, Key, KeyLike};

/// A full name without the trailing dot, ASCII lower case, one label (a TLD) or more.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DomainName(Box<str>);

/// Longest name in presentation form without the final dot (RFC 1035 section 2.3.4: 255 octets on the wire).
pub const NAME_MAX: usize = 253;
/// Longest label (RFC 1035 section 2.3.4).
pub const LABEL_MAX: usize = 63;

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NameFault {
    Empty,
    TooLong,
    LabelEmpty,
    LabelTooLong,
    LabelCharacter,
    LabelHyphen,
    AllNumericTld,
    NotAscii,
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NameFault::Empty => "the name is empty",
            NameFault::TooLong => "the name is longer than 253 characters",
            NameFault::LabelEmpty => "a label is empty",
            NameFault::LabelTooLong => "a label is longer than 63 characters",
            NameFault::LabelCharacter => "a label holds a character other than letters, digits and hyphens",
            NameFault::LabelHyphen => "a label begins or ends with a hyphen",
            NameFault::AllNumericTld => "the last label is all digits",
            NameFault::NotAscii => "the name is not ASCII; send the A-label",
        })
    }
}

impl DomainName {
    /// Reads a name, folding ASCII upper case.
    ///
    /// # Errors
    /// The first [`NameFault`] met, from the outside in: length, then label by label.
    pub fn parse(text: &str) -> Result<DomainName, NameFault> {
        if text.is_empty() {
            return Err(NameFault::Empty);
        }
        if !text.is_ascii() {
            return Err(NameFault::NotAscii);
        }
        if text.len() > NAME_MAX {
            return Err(NameFault::TooLong);
        }
        text.split('.').try_for_each(label_fault)?;
        let last = text.rsplit('.').next().unwrap_or_default();
        if last.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NameFault::AllNumericTld);
        }
        Ok(DomainName(text.to_ascii_lowercase().into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.split('.')
    }

    /// The leftmost label.
    pub fn label(&self) -> &str {
        self.labels().next().unwrap_or_default()
    }

    /// The name without its leftmost label; `None` for a single label.
    pub fn parent(&self) -> Option<DomainName> {
        self.0.split_once('.').map(|(_, rest)| DomainName(rest.into()))
    }

    /// This name, its parent, its parent's parent … down to the last label.
    pub fn suffixes(&self) -> impl Iterator<Item = DomainName> {
        std::iter::successors(Some(self.clone()), DomainName::parent)
    }

    /// Sorts before every name: the lower end of a range over names.
    pub fn lowest() -> DomainName {
        DomainName("".into())
    }

    /// This name where it stands.
    pub fn borrowed(&self) -> NameRef<'_> {
        NameRef(self.0.as_bytes())
    }

    pub fn is_single_label(&self) -> bool {
        !self.0.contains('.')
    }
}

/// A name where it stands, in lower case: what DAS looks names up by without copying them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameRef<'a>(&'a [u8]);

/// The text as a name if its first label is one in lower case; what is behind that label must be a name already.
pub(crate) fn below<'a>(text: &'a [u8], label: &[u8]) -> Option<NameRef<'a>> {
    let fits = |octet: &u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || *octet == b'-';
    let is_label = (1..=LABEL_MAX).contains(&label.len())
        && label.iter().all(fits)
        && label.first() != Some(&b'-')
        && label.last() != Some(&b'-');
    (is_label && text.len() <= NAME_MAX).then_some(NameRef(text))
}

impl KeyLike<DomainName> for NameRef<'_> {
    fn put(&self, out: &mut Vec<u8>) {
        KeyLike::<String>::put(&self.0, out);
    }
}

fn label_fault(label: &str) -> Result<(), NameFault> {
    if label.is_empty() {
        return Err(NameFault::LabelEmpty);
    }
    if label.len() > LABEL_MAX {
        return Err(NameFault::LabelTooLong);
    }
    if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(NameFault::LabelCharacter);
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(NameFault::LabelHyphen);
    }
    Ok(())
}

/// What hyphens in positions 3 and 4 make of a label that is to be registered (RFC 5891 section 4.2.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelForm {
    Plain,
    /// `xn--…` that decodes to Unicode text and encodes back to itself. Which texts a zone takes is for its IDN
    /// table to say.
    ALabel,
    /// `xn--…` that does not decode, or does not encode back to itself.
    FakeALabel,
    /// `??--…`: reserved for encodings to come.
    ReservedLdh,
}

/// Whether a label is anything but [`LabelForm::Plain`].
pub fn has_reserved_hyphens(label: &[u8]) -> bool {
    label.get(2..4) == Some(b"--")
}

/// Classifies one lower-case LDH label.
pub fn label_form(label: &str) -> LabelForm {
    if !has_reserved_hyphens(label.as_bytes()) {
        return LabelForm::Plain;
    }
    if !label.starts_with("xn--") {
        return LabelForm::ReservedLdh;
    }
    let (unicode, verdict) = idna::domain_to_unicode(label);
    match (verdict, idna::domain_to_ascii_strict(&unicode)) {
        (Ok(()), Ok(back)) if back == label && !unicode.is_ascii() => LabelForm::ALabel,
        _ => LabelForm::FakeALabel,
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Key for DomainName {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(b: &mut &[u8]) -> Result<Self, Fault> {
        Ok(DomainName(Box::<str>::take(b)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_case_and_splits() {
        let n = DomainName::parse("NS1.Example.TEST").unwrap();
        assert_eq!(n.as_str(), "ns1.example.test");
        let all: Vec<String> = n.suffixes().map(|s| s.to_string()).collect();
        assert_eq!(all, ["ns1.example.test", "example.test", "test"]);
    }

    #[test]
    fn refuses_each_fault() {
        let cases = [
            ("", NameFault::Empty),
            (".", NameFault::LabelEmpty),
            ("a..test", NameFault::LabelEmpty),
            ("a.test.", NameFault::LabelEmpty),
            ("a_b.test", NameFault::LabelCharacter),
            ("!.test", NameFault::LabelCharacter),
            ("a b.test", NameFault::LabelCharacter),
            ("-a.test", NameFault::LabelHyphen),
            ("a-.test", NameFault::LabelHyphen),
            ("a.1", NameFault::AllNumericTld),
            ("é.test", NameFault::NotAscii),
        ];
        for (text, fault) in cases {
            assert_eq!(DomainName::parse(text), Err(fault), "{text}");
        }
        assert_eq!(DomainName::parse(&format!("{}.test", "a".repeat(64))), Err(NameFault::LabelTooLong));
        assert_eq!(DomainName::parse(&["abcdefg"; 32].join(".")), Err(NameFault::TooLong));
        assert!(DomainName::parse("nic.zz--main-1234").is_ok());
    }

    #[test]
    fn label_forms() {
        assert_eq!(label_form("example"), LabelForm::Plain);
        assert_eq!(label_form("test--validate"), LabelForm::Plain);
        assert_eq!(label_form("xn--mnchen-3ya"), LabelForm::ALabel);
        assert_eq!(label_form("xn--zzzzzzzzzzz99999"), LabelForm::FakeALabel);
        assert_eq!(label_form("xn--abc-"), LabelForm::FakeALabel);
        assert_eq!(label_form("xx--abc"), LabelForm::ReservedLdh);
    }
}
