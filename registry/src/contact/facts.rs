//! What the rules need to know of a contact's sealed part: which elements are present, and what is wrong with
//! them. Derived by the accepting node before sealing; carries no personal datum.

use super::{ContactData, Postal, PostalKind};
use crate::country;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A fault of a contact's data. The order is replicated: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContactFault {
    PostalMissing,
    PostalRepeated,
    NotAscii,
    NameEmpty,
    CityEmpty,
    Country,
    VoiceSyntax,
    FaxSyntax,
    EmailSyntax,
}

impl fmt::Display for ContactFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ContactFault::PostalMissing => "a contact needs at least one postalInfo",
            ContactFault::PostalRepeated => "two postalInfo of the same type",
            ContactFault::NotAscii => "postalInfo of type int holds characters other than ASCII",
            ContactFault::NameEmpty => "the name is empty",
            ContactFault::CityEmpty => "the city is empty",
            ContactFault::Country => "cc is not a country code of ISO 3166-1",
            ContactFault::VoiceSyntax => "voice is not +CC.NUMBER with at most 14 digits after the point",
            ContactFault::FaxSyntax => "fax is not +CC.NUMBER with at most 14 digits after the point",
            ContactFault::EmailSyntax => "email is not an address: local part, @, a domain name with a dot",
        })
    }
}

/// Presence and verdicts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub int: Option<Present>,
    pub loc: Option<Present>,
    pub voice: bool,
    pub fax: bool,
    pub faults: Vec<ContactFault>,
}

/// The optional elements that a postal address has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    pub org: bool,
    pub street_lines: u8,
    pub state: bool,
    pub postal_code: bool,
}

impl Facts {
    pub fn of(data: &ContactData) -> Facts {
        let present = |kind| data.postal.iter().find(|p| p.kind == kind).map(Present::of);
        Facts {
            int: present(PostalKind::Int),
            loc: present(PostalKind::Loc),
            voice: data.voice.is_some(),
            fax: data.fax.is_some(),
            faults: faults(data),
        }
    }
}

impl Present {
    fn of(p: &Postal) -> Present {
        Present {
            org: p.org.is_some(),
            street_lines: u8::try_from(p.street.len()).unwrap_or(u8::MAX),
            state: p.state.is_some(),
            postal_code: p.postal_code.is_some(),
        }
    }
}

fn faults(data: &ContactData) -> Vec<ContactFault> {
    let repeated =
        data.postal.iter().enumerate().any(|(i, p)| data.postal[..i].iter().any(|q| q.kind == p.kind));
    let bad_phone = |p: &Option<super::Phone>| p.as_ref().is_some_and(|p| !is_e164(&p.number));
    let verdicts = [
        (data.postal.is_empty(), ContactFault::PostalMissing),
        (repeated, ContactFault::PostalRepeated),
        (data.postal.iter().any(|p| p.kind == PostalKind::Int && !is_ascii(p)), ContactFault::NotAscii),
        (data.postal.iter().any(|p| p.name.trim().is_empty()), ContactFault::NameEmpty),
        (data.postal.iter().any(|p| p.city.trim().is_empty()), ContactFault::CityEmpty),
        (data.postal.iter().any(|p| !country::is_country(&p.country)), ContactFault::Country),
        (bad_phone(&data.voice), ContactFault::VoiceSyntax),
        (bad_phone(&data.fax), ContactFault::FaxSyntax),
        (!is_email(&data.email), ContactFault::EmailSyntax),
    ];
    verdicts.into_iter().filter_map(|(bad, fault)| bad.then_some(fault)).collect()
}

fn is_ascii(p: &Postal) -> bool {
    let optional = [&p.org, &p.state, &p.postal_code];
    [&p.name, &p.city, &p.country].iter().all(|t| t.is_ascii())
        && p.street.iter().all(|t| t.is_ascii())
        && optional.iter().all(|t| t.as_ref().is_none_or(|t| t.is_ascii()))
}

/// `+` country code of 1 to 3 digits, a point, 1 to 14 digits (RFC 5733 section 2.5).
pub fn is_e164(text: &str) -> bool {
    let digits =
        |t: &str, most: usize| (1..=most).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit());
    let Some((country, number)) = text.strip_prefix('+').and_then(|t| t.split_once('.')) else {
        return false;
    };
    digits(country, 3) && digits(number, 14)
}

/// An `addr-spec` (RFC 5322 section 3.4.1, dot-atom form) whose domain has a dot; the local part may be
/// internationalized (RFC 6531) and has at most 64 octets.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atext = |c: char| {
        c.is_ascii_alphanumeric()
            || "!#$%&'*+-/=?^_`{|}~".contains(c)
            || (!c.is_ascii() && !c.is_control() && !c.is_whitespace())
    };
    let local_fits = (1..=64).contains(&local.len())
        && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(atext));
    let ascii = if domain.is_ascii() { Ok(domain.to_owned()) } else { idna::domain_to_ascii_strict(domain) };
    let domain_fits =
        ascii.is_ok_and(|d| crate::DomainName::parse(&d).is_ok_and(|name| !name.is_single_label()));
    local_fits && domain_fits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::disclose::tests::jane;

    #[test]
    fn e164() {
        for good in ["+1.7035555555", "+31.1", "+999.12345678901234"] {
            assert!(is_e164(good), "{good}");
        }
        for bad in ["", "+12345", "+1111.1", "55", "+1.", "+1.123456789012345", "+1.a", "+a.1", "1.1"] {
            assert!(!is_e164(bad), "{bad}");
        }
    }

    #[test]
    fn email() {
        for good in ["a@example.com", "first.last+tag@sub.example.co", "ü@example.com", "a@bücher.example"]
        {
            assert!(is_email(good), "{good}");
        }
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "",
            "example",
            "example.example",
            "@example.com",
            "@",
            "a@b",
            "a b@example.com",
            "a..b@example.com",
            "a@@example.com",
            &long,
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn faults_are_found() {
        assert_eq!(Facts::of(&jane()).faults, []);
        let mut bad = jane();
        bad.postal[0].country = "XX".into();
        bad.postal[0].city = "Zürich".into();
        bad.email = "nobody".into();
        let faults = Facts::of(&bad).faults;
        assert_eq!(faults, [ContactFault::NotAscii, ContactFault::Country, ContactFault::EmailSyntax]);
        let mut twice = jane();
        twice.postal.push(twice.postal[0].clone());
        assert_eq!(Facts::of(&twice).faults, [ContactFault::PostalRepeated]);
    }
}
