//! Domains, as the operator registers and sees them.

use super::{Instant, MarkKind, Operation, Secret};
use registry::contact;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The role of a contact beside the registrant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContactRole {
    Admin,
    Billing,
    Tech,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactLink {
    pub role: ContactRole,
    pub handle: String,
}

/// A DS record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ds {
    pub key_tag: u16,
    pub algorithm: u8,
    pub digest_type: u8,
    /// Hexadecimal digits.
    pub digest: String,
}

/// Registers a domain for a registrar; a reserved name, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainCreate {
    pub name: String,
    /// The registrar that will sponsor it, by clID.
    pub sponsor: String,
    /// 1 to 10.
    #[serde(default)]
    pub years: Option<u16>,
    #[serde(default)]
    pub registrant: Option<String>,
    #[serde(default)]
    pub contacts: Vec<ContactLink>,
    #[serde(default)]
    pub name_servers: Vec<String>,
    #[serde(default)]
    pub ds: Vec<Ds>,
    /// `None` leaves it unset, which forbids transfers (RFC 9154).
    #[serde(default)]
    pub authinfo: Option<Secret>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainCreated {
    pub svtrid: String,
    pub name: String,
    pub created: Instant,
    pub expiry: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainShow {
    pub name: String,
}

/// A domain as the operator sees it: whole, but for the authInfo, which nobody is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainView {
    pub name: String,
    pub roid: String,
    pub statuses: Vec<String>,
    /// Whether the label is reserved or blocked for new registrations.
    pub mark: Option<MarkKind>,
    pub sponsor: String,
    pub created: Instant,
    pub creator: Option<String>,
    pub updated: Option<Instant>,
    pub updater: Option<String>,
    pub expiry: Instant,
    pub registrant: Option<String>,
    pub contacts: Vec<ContactLink>,
    pub name_servers: Vec<String>,
    /// Hosts below the domain.
    pub subordinate_hosts: Vec<String>,
    pub ds: Vec<Ds>,
    pub authinfo_set: bool,
}

impl Operation for DomainCreate {
    const NAME: &'static str = "domain/create";
    type Reply = DomainCreated;
}

impl Operation for DomainShow {
    const NAME: &'static str = "domain/show";
    type Reply = DomainView;
}

impl From<contact::ContactRole> for ContactRole {
    fn from(role: contact::ContactRole) -> ContactRole {
        match role {
            contact::ContactRole::Admin => ContactRole::Admin,
            contact::ContactRole::Billing => ContactRole::Billing,
            contact::ContactRole::Tech => ContactRole::Tech,
        }
    }
}

impl From<ContactRole> for contact::ContactRole {
    fn from(role: ContactRole) -> contact::ContactRole {
        match role {
            ContactRole::Admin => contact::ContactRole::Admin,
            ContactRole::Billing => contact::ContactRole::Billing,
            ContactRole::Tech => contact::ContactRole::Tech,
        }
    }
}

impl fmt::Display for ContactRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        contact::ContactRole::from(*self).fmt(f)
    }
}

impl FromStr for ContactRole {
    type Err = &'static str;

    fn from_str(s: &str) -> Result<ContactRole, Self::Err> {
        match s {
            "admin" => Ok(ContactRole::Admin),
            "billing" => Ok(ContactRole::Billing),
            "tech" => Ok(ContactRole::Tech),
            _ => Err("a contact type is admin, billing or tech"),
        }
    }
}

/// `12345 13 2 49FD46E6…`, as in a zone file.
impl fmt::Display for Ds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.key_tag, self.algorithm, self.digest_type, self.digest)
    }
}

impl FromStr for Ds {
    type Err = &'static str;

    fn from_str(s: &str) -> Result<Ds, Self::Err> {
        const FORM: &str = "a DS reads \"KEYTAG ALGORITHM DIGESTTYPE DIGEST\", as in a zone file";
        let mut words = s.split_whitespace();
        let mut word = || words.next().ok_or(FORM);
        let key_tag = word()?.parse().map_err(|_| FORM)?;
        let algorithm = word()?.parse().map_err(|_| FORM)?;
        let digest_type = word()?.parse().map_err(|_| FORM)?;
        // A zone file may break the digest into several words.
        let digest: String = words.collect();
        if digest.is_empty() {
            return Err(FORM);
        }
        Ok(Ds { key_tag, algorithm, digest_type, digest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ds_reads_as_in_a_zone_file() {
        let ds: Ds = "12345 13 2 49FD46E6 C4B45C55".parse().unwrap();
        assert_eq!(ds.to_string(), "12345 13 2 49FD46E6C4B45C55");
        for bad in ["", "12345 13 2", "66000 13 2 49", "a 13 2 49", "1 300 2 49"] {
            assert!(bad.parse::<Ds>().is_err(), "{bad}");
        }
    }
}
