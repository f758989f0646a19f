//! What the rules need to know of a contact's sealed part: which elements are present, and what is wrong with
//! them. Derived by the accepting node before sealing; carries no personal datum.

use super::{ContactData, Phone, Postal, PostalKind};
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
    DiscloseEmpty,
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
            ContactFault::VoiceSyntax => "voice is not +CC.NUMBER, a country code and at most 14 digits",
            ContactFault::FaxSyntax => "fax is not +CC.NUMBER, a country code and at most 14 digits",
            ContactFault::EmailSyntax => {
                "email is not an ASCII address: local part, @, a domain name with a dot"
            }
            ContactFault::DiscloseEmpty => "disclose names no element",
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
            faults: flaws(data).iter().map(|flaw| flaw.fault).collect(),
        }
    }
}

impl Present {
    fn of(p: &Postal) -> Present {
        Present {
            org: p.org.is_some(),
            street_lines: u8::try_from(p.street_lines().count()).unwrap_or(u8::MAX),
            state: p.state.is_some(),
            postal_code: p.postal_code.is_some(),
        }
    }
}

/// A fault with the place where it is, for the registrar that sent the data: personal, so never kept or logged.
#[derive(Clone, Copy)]
pub struct Flaw<'a> {
    pub fault: ContactFault,
    /// The element of RFC 5733.
    pub element: &'static str,
    /// Its text; empty where the element itself is the fault.
    pub text: &'a str,
}

/// What is wrong with a contact's data, each kind of fault once, in the order in which it is told.
pub fn flaws<'a>(data: &'a ContactData) -> Vec<Flaw<'a>> {
    let postal = |fault, look: fn(&'a Postal) -> Option<Place<'a>>| {
        let found = data.postal.iter().find_map(look);
        found.map(|(element, text)| Flaw { fault, element, text })
    };
    let phone = |fault, element, given: Option<&'a Phone>| {
        let bad = given.filter(|phone| !is_e164(&phone.number));
        bad.map(|phone| Flaw { fault, element, text: &phone.number })
    };
    let whole = |bad: bool, fault, element| bad.then_some(Flaw { fault, element, text: "" });
    let mut kinds = data.postal.iter().enumerate();
    let repeated = kinds.any(|(i, p)| data.postal.iter().take(i).any(|earlier| earlier.kind == p.kind));
    let email = Flaw { fault: ContactFault::EmailSyntax, element: "email", text: &data.email };
    let nothing = data.disclose.as_ref().is_some_and(|disclose| disclose.items.is_empty());
    let found = [
        whole(data.postal.is_empty(), ContactFault::PostalMissing, "postalInfo"),
        whole(repeated, ContactFault::PostalRepeated, "postalInfo"),
        postal(ContactFault::NotAscii, not_ascii),
        postal(ContactFault::NameEmpty, |p| p.name.trim().is_empty().then_some(("name", &*p.name))),
        postal(ContactFault::CityEmpty, |p| p.city.trim().is_empty().then_some(("city", &*p.city))),
        postal(ContactFault::Country, |p| (!country::is_country(&p.country)).then_some(("cc", &*p.country))),
        phone(ContactFault::VoiceSyntax, "voice", data.voice.as_ref()),
        phone(ContactFault::FaxSyntax, "fax", data.fax.as_ref()),
        (!is_email(&data.email)).then_some(email),
        whole(nothing, ContactFault::DiscloseEmpty, "disclose"),
    ];
    found.into_iter().flatten().collect()
}

/// An element of a postal address and its text.
type Place<'a> = (&'static str, &'a str);

/// The first element of an internationalized address that is not in ASCII.
fn not_ascii(p: &Postal) -> Option<Place<'_>> {
    let street = p.street.iter().map(|line| ("street", Some(line)));
    let above = [("name", Some(&p.name)), ("org", p.org.as_ref())];
    let below = [("city", Some(&p.city)), ("sp", p.state.as_ref()), ("pc", p.postal_code.as_ref())];
    let all = above.into_iter().chain(street).chain(below).chain([("cc", Some(&p.country))]);
    let mut texts = all.filter_map(|(element, text)| Some((element, text?.as_str())));
    texts.find(|(_, text)| p.kind == PostalKind::Int && !text.is_ascii())
}

/// `+`, a country code of 1 to 3 digits that does not begin with 0, a point, 1 to 14 digits (RFC 5733 section 2.5,
/// E.164).
pub fn is_e164(text: &str) -> bool {
    let digits =
        |t: &str, most: usize| (1..=most).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_digit());
    let Some((country, number)) = text.strip_prefix('+').and_then(|t| t.split_once('.')) else {
        return false;
    };
    digits(country, 3) && !country.starts_with('0') && digits(number, 14)
}

/// An `addr-spec` (RFC 5322 section 3.4.1, dot-atom form) whose domain has a dot and whose local part has at most 64
/// octets. ASCII: other addresses are for the extension of RFC 9873, which is not there.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let atext = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    let local_fits = (1..=64).contains(&local.len())
        && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(atext));
    local_fits && crate::DomainName::parse(domain).is_ok_and(|name| !name.is_single_label())
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
        for bad in [
            "",
            "+12345",
            "+1111.1",
            "55",
            "+1.",
            "+1.123456789012345",
            "+1.a",
            "+a.1",
            "1.1",
            "+0.12345",
            "+01.5",
        ] {
            assert!(!is_e164(bad), "{bad}");
        }
    }

    #[test]
    fn email() {
        for good in ["a@example.com", "first.last+tag@sub.example.co", "a@xn--bcher-kva.example"] {
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
            "é@example.com",
            "a@bücher.example",
            &long,
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn a_flaw_knows_its_element() {
        let mut bad = jane();
        bad.postal[0].street.push("Straße".into());
        bad.postal[0].country = "XX".into();
        bad.voice = Some(Phone { number: "+0.12345".into(), extension: None });
        bad.email = "é@example.com".into();
        bad.disclose = Some(crate::contact::Disclose { show: true, items: Vec::new() });
        let places: Vec<Place<'_>> = flaws(&bad).iter().map(|flaw| (flaw.element, flaw.text)).collect();
        let expected = [
            ("street", "Straße"),
            ("cc", "XX"),
            ("voice", "+0.12345"),
            ("email", "é@example.com"),
            ("disclose", ""),
        ];
        assert_eq!(places, expected);
        bad.postal[0].kind = PostalKind::Loc;
        assert_eq!(flaws(&bad)[0].element, "cc");
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
