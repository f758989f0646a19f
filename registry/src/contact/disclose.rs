//! Which parts of a contact everybody may see. The default is privacy: country and state, nothing else. A
//! registrar discloses more element by element (`contact:disclose flag="1"`, RFC 5733 section 2.9); `flag="0"`
//! asks for what holds anyway.

use super::{ContactData, Postal, PostalKind};
use serde::{Deserialize, Serialize};

/// A registrar's disclosure preference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disclose {
    /// The `flag`: whether the items may be shown.
    pub show: bool,
    pub items: Vec<Item>,
}

/// An element that can be disclosed. The order is replicated: append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Item {
    Name(PostalKind),
    Org(PostalKind),
    Address(PostalKind),
    Voice,
    Fax,
    Email,
}

/// The part of a contact that may be shown to everybody, and all that edges ever learn of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicContact {
    pub postal: Vec<PublicPostal>,
    /// `+CC.NUMBER`, ` x` and the extension where there is one.
    pub voice: Option<String>,
    pub fax: Option<String>,
    pub email: Option<String>,
    pub disclose: Option<Disclose>,
}

/// A postal address with what is not disclosed left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicPostal {
    pub kind: PostalKind,
    pub name: Option<String>,
    pub org: Option<String>,
    pub street: Vec<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    pub postal_code: Option<String>,
    pub country: String,
}

impl PublicContact {
    /// The address to show: internationalized if there is one.
    pub fn preferred(&self) -> Option<&PublicPostal> {
        self.postal.iter().find(|p| p.kind == PostalKind::Int).or_else(|| self.postal.first())
    }
}

/// Splits off what everybody may see.
pub fn publish(data: &ContactData) -> PublicContact {
    let shown = |item: Item| data.disclose.as_ref().is_some_and(|d| d.show && d.items.contains(&item));
    let phone = |p: &super::Phone| match &p.extension {
        Some(x) => format!("{} x{x}", p.number),
        None => p.number.clone(),
    };
    PublicContact {
        postal: data.postal.iter().map(|p| publish_postal(p, shown)).collect(),
        voice: data.voice.as_ref().filter(|_| shown(Item::Voice)).map(phone),
        fax: data.fax.as_ref().filter(|_| shown(Item::Fax)).map(phone),
        email: shown(Item::Email).then(|| data.email.clone()),
        disclose: data.disclose.clone(),
    }
}

fn publish_postal(p: &Postal, shown: impl Fn(Item) -> bool) -> PublicPostal {
    let address = shown(Item::Address(p.kind));
    PublicPostal {
        kind: p.kind,
        name: shown(Item::Name(p.kind)).then(|| p.name.clone()),
        org: p.org.clone().filter(|_| shown(Item::Org(p.kind))),
        street: p.street_lines().filter(|_| address).cloned().collect(),
        city: address.then(|| p.city.clone()),
        state: p.state.clone(),
        postal_code: p.postal_code.clone().filter(|_| address),
        country: p.country.clone(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::contact::Phone;

    pub(crate) fn jane() -> ContactData {
        ContactData {
            postal: vec![Postal {
                kind: PostalKind::Int,
                name: "Jane Doe".into(),
                org: Some("Example Inc.".into()),
                street: vec!["1 Secret Lane".into()],
                city: "Hiddentown".into(),
                state: Some("VA".into()),
                postal_code: Some("20166".into()),
                country: "US".into(),
            }],
            voice: Some(Phone { number: "+1.7035555555".into(), extension: Some("1234".into()) }),
            fax: None,
            email: "jdoe@example.com".into(),
            disclose: None,
        }
    }

    #[test]
    fn shows_country_and_state_alone_by_default() {
        let public = publish(&jane());
        let shown = format!("{public:?}");
        for secret in ["Jane", "Example Inc", "Secret", "Hidden", "20166", "7035555555", "jdoe"] {
            assert!(!shown.contains(secret), "{secret}");
        }
        let postal = public.preferred().unwrap();
        assert_eq!((postal.country.as_str(), postal.state.as_deref()), ("US", Some("VA")));
    }

    #[test]
    fn shows_what_is_disclosed_and_no_more() {
        let mut data = jane();
        let items = vec![Item::Email, Item::Org(PostalKind::Int), Item::Voice, Item::Name(PostalKind::Loc)];
        data.disclose = Some(Disclose { show: true, items: items.clone() });
        let public = publish(&data);
        assert_eq!(public.email.as_deref(), Some("jdoe@example.com"));
        assert_eq!(public.voice.as_deref(), Some("+1.7035555555 x1234"));
        let postal = public.preferred().unwrap();
        assert_eq!(postal.org.as_deref(), Some("Example Inc."));
        assert_eq!((postal.name.as_deref(), postal.city.as_deref()), (None, None));
        data.disclose = Some(Disclose { show: true, items: vec![Item::Address(PostalKind::Int)] });
        data.postal[0].street = vec![String::new(), "1 Secret Lane".into(), " ".into()];
        assert_eq!(publish(&data).postal[0].street, ["1 Secret Lane"]);
        data.disclose = Some(Disclose { show: false, items });
        assert_eq!(publish(&data).email, None);
    }
}
