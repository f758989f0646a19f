//! Contact data as a jCard (RFC 7095): `["vcard", [[name, parameters, type, value], …]]`.

use serde::ser::{Serialize, SerializeMap, Serializer};
use std::fmt::{self, Write};

/// A jCard under construction, its version already in it.
pub(crate) struct JCard<'a> {
    properties: Vec<Property<'a>>,
}

struct Property<'a> {
    name: &'static str,
    /// At most one is ever needed.
    parameter: Option<(&'static str, &'a str)>,
    kind: &'static str,
    value: Value<'a>,
}

enum Value<'a> {
    Borrowed(&'a str),
    Owned(String),
    Address(Address<'a>),
}

/// The structured value of `adr` (RFC 6350 section 6.3.1); what is not disclosed is empty.
pub(crate) struct Address<'a> {
    pub street: &'a [String],
    pub city: &'a str,
    pub region: &'a str,
    pub code: &'a str,
    /// ISO 3166-1 alpha-2; written as the parameter `cc` (RFC 8605), the country's name is left empty.
    pub country: &'a str,
}

impl<'a> JCard<'a> {
    /// `formatted` may be empty: `fn` is there nevertheless (RFC 6350 section 6.2.1).
    pub(crate) fn new(formatted: &'a str) -> JCard<'a> {
        let version =
            Property { name: "version", parameter: None, kind: "text", value: Value::Borrowed("4.0") };
        let mut card = JCard { properties: vec![version] };
        card.text("fn", formatted);
        card
    }

    pub(crate) fn organization(&mut self, name: &'a str) {
        self.text("org", name);
    }

    pub(crate) fn address(&mut self, address: Address<'a>) {
        let parameter = Some(("cc", address.country));
        self.properties.push(Property {
            name: "adr",
            parameter,
            kind: "text",
            value: Value::Address(address),
        });
    }

    pub(crate) fn email(&mut self, address: &'a str) {
        self.text("email", address);
    }

    /// `kind` is `voice` or `fax`; `number` is `+CC.NUMBER`, ` x` and the extension where there is one.
    pub(crate) fn telephone(&mut self, kind: &'static str, number: &str) {
        let value = Value::Owned(match number.split_once(" x") {
            Some((number, "")) => format!("tel:{number}"),
            Some((number, extension)) => format!("tel:{number};ext={}", Extension(extension)),
            None => format!("tel:{number}"),
        });
        self.properties.push(Property { name: "tel", parameter: Some(("type", kind)), kind: "uri", value });
    }

    fn text(&mut self, name: &'static str, value: &'a str) {
        self.properties.push(Property { name, parameter: None, kind: "text", value: Value::Borrowed(value) });
    }
}

/// The extension in a `tel` URI. EPP takes any text as one; what is not `unreserved` in RFC 3966 is percent-encoded, so
/// that it ends neither the parameter nor the URI.
struct Extension<'a>(&'a str);

impl fmt::Display for Extension<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bytes().try_for_each(|octet| {
            if octet.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&octet) {
                f.write_char(octet.into())
            } else {
                write!(f, "%{octet:02X}")
            }
        })
    }
}

impl Serialize for JCard<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ("vcard", &self.properties).serialize(serializer)
    }
}

impl Serialize for Property<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.name, Parameters(self.parameter), self.kind, &self.value).serialize(serializer)
    }
}

struct Parameters<'a>(Option<(&'static str, &'a str)>);

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(usize::from(self.0.is_some())))?;
        if let Some((name, value)) = self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Borrowed(text) => serializer.serialize_str(text),
            Value::Owned(text) => serializer.serialize_str(text),
            Value::Address(address) => address.serialize(serializer),
        }
    }
}

/// Post office box, extended address, street, city, region, code, country. A street of several lines is an array
/// (RFC 7095 section 3.3.1.3).
impl Serialize for Address<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (city, region, code) = (self.city, self.region, self.code);
        match self.street {
            [] => ("", "", "", city, region, code, "").serialize(serializer),
            [line] => ("", "", line, city, region, code, "").serialize(serializer),
            lines => ("", "", lines, city, region, code, "").serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_rfc_7095_asks() {
        let street = ["1 Canal Street".to_owned(), "Third Floor".to_owned()];
        let mut card = JCard::new("");
        card.organization("Example B.V.");
        let address =
            Address { street: &street, city: "Amsterdam", region: "", code: "1012 AB", country: "NL" };
        card.address(address);
        card.email("a@mail.example");
        card.telephone("voice", "+31.207654321 x42");
        card.telephone("fax", "+31.207654322");
        let expected = r#"["vcard",[["version",{},"text","4.0"],["fn",{},"text",""],["org",{},"text","Example B.V."],["adr",{"cc":"NL"},"text",["","",["1 Canal Street","Third Floor"],"Amsterdam","","1012 AB",""]],["email",{},"text","a@mail.example"],["tel",{"type":"voice"},"uri","tel:+31.207654321;ext=42"],["tel",{"type":"fax"},"uri","tel:+31.207654322"]]]"#;
        assert_eq!(serde_json::to_string(&card).unwrap(), expected);
    }
    #[test]
    fn an_extension_stays_within_its_parameter() {
        let uri = |number: &str| {
            let mut card = JCard::new("");
            card.telephone("voice", number);
            let card = serde_json::to_value(&card).unwrap();
            card[1][2][3].as_str().unwrap().to_owned()
        };
        assert_eq!(uri("+1.5 x(4)2-a.Z"), "tel:+1.5;ext=(4)2-a.Z");
        assert_eq!(uri("+1.5 x"), "tel:+1.5");
        for (extension, written) in [
            ("1;phone-context=evil", "1%3Bphone-context%3Devil"),
            ("1 x2", "1%20x2"),
            ("[1]/:&+$", "%5B1%5D%2F%3A%26%2B%24"),
            ("50%", "50%25"),
            ("é#\"", "%C3%A9%23%22"),
        ] {
            assert_eq!(uri(&format!("+1.5 x{extension}")), format!("tel:+1.5;ext={written}"));
        }
    }
}
