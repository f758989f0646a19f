//! Registrars.

use super::{Instant, Operation, Secret, Written};
use serde::{Deserialize, Serialize};

/// Accredits a registrar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrarCreate {
    /// The clID, 3 to 16 characters.
    pub handle: String,
    /// The name that the public sees.
    pub name: String,
    #[serde(default)]
    pub iana_id: Option<u32>,
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub whois_server: Option<String>,
    #[serde(default)]
    pub rdap_url: Option<String>,
    #[serde(default)]
    pub abuse_email: Option<String>,
    #[serde(default)]
    pub abuse_phone: Option<String>,
    #[serde(default)]
    pub address: Option<Seat>,
    #[serde(default)]
    pub phone: Option<String>,
    #[serde(default)]
    pub fax: Option<String>,
    #[serde(default)]
    pub email: Option<String>,
    /// SHA-256 fingerprint of the client certificate to demand at login: 64 hexadecimal digits, colons allowed.
    #[serde(default)]
    pub certificate: Option<String>,
    /// EPP sessions that it may have at a time on one node; 100 where it is not said.
    #[serde(default)]
    pub sessions_max: Option<u32>,
    /// 6 to 16 characters (RFC 5730, pwType).
    pub password: Secret,
}

/// Changes a registrar: what is absent stays as it is, and an empty text, or IANA id 0, empties the field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrarUpdate {
    pub handle: String,
    pub name: Option<String>,
    pub iana_id: Option<u32>,
    pub url: Option<String>,
    pub whois_server: Option<String>,
    pub rdap_url: Option<String>,
    pub abuse_email: Option<String>,
    pub abuse_phone: Option<String>,
    /// The whole address.
    pub address: Option<Seat>,
    pub phone: Option<String>,
    pub fax: Option<String>,
    pub email: Option<String>,
    /// As in [`RegistrarCreate`]; empty: none is demanded from now on.
    pub certificate: Option<String>,
    pub sessions_max: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrarList {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrarShow {
    pub handle: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrarPassword {
    pub handle: String,
    pub password: Secret,
}

/// Keeps a registrar from acting and ends its sessions on all nodes; one that is suspended gets the new note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrarSuspend {
    pub handle: String,
    /// For operators; at most 255 characters.
    #[serde(default)]
    pub note: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrarResume {
    pub handle: String,
}

/// Where a registrar has its seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seat {
    /// One to three lines.
    pub street: Vec<String>,
    pub city: String,
    #[serde(default)]
    pub state: Option<String>,
    #[serde(default)]
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
}

/// Since when a registrar may not act, and the operator's note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    pub since: Instant,
    pub note: String,
}

/// A registrar without its credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrarView {
    pub handle: String,
    pub name: String,
    pub iana_id: Option<u32>,
    pub url: Option<String>,
    pub whois_server: Option<String>,
    pub rdap_url: Option<String>,
    pub abuse_email: Option<String>,
    pub abuse_phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Seat>,
    pub phone: Option<String>,
    pub fax: Option<String>,
    pub email: Option<String>,
    /// SHA-256 fingerprint of the client certificate that is demanded, in hexadecimal digits.
    pub certificate: Option<String>,
    pub created: Instant,
    pub updated: Option<Instant>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended: Option<Suspension>,
    /// EPP sessions that it may have at a time on one node.
    pub sessions_max: u32,
}

impl Operation for RegistrarCreate {
    const NAME: &'static str = "registrar/create";
    type Reply = Written;
}

impl Operation for RegistrarUpdate {
    const NAME: &'static str = "registrar/update";
    type Reply = Written;
}

impl Operation for RegistrarList {
    const NAME: &'static str = "registrar/list";
    type Reply = Vec<RegistrarView>;
}

impl Operation for RegistrarShow {
    const NAME: &'static str = "registrar/show";
    type Reply = RegistrarView;
}

impl Operation for RegistrarSuspend {
    const NAME: &'static str = "registrar/suspend";
    type Reply = Written;
}

impl Operation for RegistrarResume {
    const NAME: &'static str = "registrar/resume";
    type Reply = Written;
}

impl Operation for RegistrarPassword {
    const NAME: &'static str = "registrar/set-password";
    type Reply = Written;
}
