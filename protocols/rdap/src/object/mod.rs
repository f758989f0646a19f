//! The objects of RFC 9083 and RFC 9537 as they are written: one struct per JSON object, members in the order of the
//! fields, absent ones left out. The same data gives the same octets.

mod jcard;

use std::borrow::Cow;

use registry::Timestamp;
use serde::{Serialize, Serializer};

pub(crate) use jcard::{Address, JCard};

/// The media type of this service's answers.
pub(crate) const JSON: &str = "application/rdap+json";
/// The media type of pages for people.
pub(crate) const HTML: &str = "text/html";

/// RFC 9083 section 4.2.
#[derive(Serialize)]
pub(crate) struct Link<'a> {
    /// The URI that the link starts from.
    pub value: Cow<'a, str>,
    pub rel: &'static str,
    pub href: Cow<'a, str>,
    #[serde(rename = "type")]
    pub media: &'static str,
}

/// RFC 9083 section 4.3.
#[derive(Serialize)]
pub(crate) struct Notice<'a> {
    pub title: &'static str,
    pub description: Vec<&'a str>,
    pub links: [Link<'a>; 1],
}

/// RFC 9083 section 4.5.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event<'a> {
    pub event_action: &'static str,
    pub event_date: Instant<'a>,
}

/// In the answer after RFC 3339, in UTC.
pub(crate) enum Instant<'a> {
    Of(Timestamp),
    /// As it stands in the answer.
    Written(&'a str),
}

impl Serialize for Instant<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Instant::Of(at) => serializer.collect_str(at),
            Instant::Written(text) => serializer.serialize_str(text),
        }
    }
}

/// RFC 9083 section 4.8.
#[derive(Serialize)]
pub(crate) struct PublicId {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub identifier: String,
}

/// RFC 9083 section 5.1.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entity<'a> {
    pub object_class_name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    pub roles: [&'static str; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub public_ids: Vec<PublicId>,
    pub vcard_array: JCard<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<Entity<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link<'a>>,
}

/// RFC 9083 section 5.2.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NameServer<'a> {
    pub object_class_name: &'static str,
    pub handle: &'a str,
    pub ldh_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unicode_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_addresses: Option<IpAddresses>,
    pub status: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<Entity<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event<'a>>,
    pub links: Vec<Link<'a>>,
}

/// At least one of the two is not empty.
#[derive(Serialize)]
pub(crate) struct IpAddresses {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub v4: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub v6: Vec<String>,
}

/// RFC 9083 section 5.3, what stands before the entities.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DomainBegin<'a> {
    pub object_class_name: &'static str,
    pub handle: &'a str,
    pub ldh_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unicode_name: Option<String>,
    pub status: Vec<&'static str>,
}

/// What stands behind them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DomainEnd<'a> {
    pub events: Vec<Event<'a>>,
    pub nameservers: Vec<NameServer<'a>>,
    #[serde(rename = "secureDNS")]
    pub secure_dns: SecureDns,
    pub links: Vec<Link<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub redacted: &'a [Redaction],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecureDns {
    pub delegation_signed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ds_data: Vec<DsData>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DsData {
    pub key_tag: u16,
    pub algorithm: u8,
    pub digest_type: u8,
    /// Upper-case hexadecimal.
    pub digest: String,
}

/// RFC 9537 section 4.2.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Redaction {
    pub name: RedactedName,
    /// Where the element would be, for what was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pre_path: Option<Path>,
    /// Where the element is, for what was emptied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub post_path: Option<Path>,
    pub path_lang: &'static str,
    pub method: &'static str,
    pub reason: RedactionReason,
}

/// A name of IANA's registry, or a description where it has none.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RedactedName {
    Type(Words),
    Description(Words),
}

/// A text of three parts, which are written one after the other.
pub(crate) struct Words(pub [&'static str; 3]);

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [a, b, c] = self.0;
        serializer.collect_str(&format_args!("{a}{b}{c}"))
    }
}

/// A JSONPath into one of the topmost object's entities.
#[derive(Clone, Copy)]
pub(crate) struct Path {
    pub entity: Place,
    /// Inside of the entity.
    pub rest: &'static str,
}

/// Which entity.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// The one with this role.
    Role(&'static str),
    Index(usize),
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rest = self.rest;
        match self.entity {
            Place::Role(role) => {
                serializer.collect_str(&format_args!("$.entities[?(@.roles[0]=='{role}')]{rest}"))
            }
            Place::Index(index) => serializer.collect_str(&format_args!("$.entities[{index}]{rest}")),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct RedactionReason {
    pub description: &'static str,
}

/// RFC 9083 section 6.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorObject<'a> {
    /// The HTTP status.
    pub error_code: u16,
    pub title: &'a str,
    pub description: [&'a str; 1],
}
