//! Who a certificate of the cluster speaks for: a DNS name in it that only the cluster's authority could have put
//! there (RFC 5280, 4.2.1.6).
//!
//! `node-3.<cluster id>.namingo` is node 3, `operator.admin.<cluster id>.namingo` the administrator "operator".
//! Whether the certificate is genuine is the handshake's question, not this module's.

use rustls::pki_types::CertificateDer;
use std::fmt;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// The last label of the names; it is no name in the DNS.
const ROOT: &str = "namingo";
/// Hexadecimal digits of a cluster id: 128 bits.
pub const CLUSTER_ID_DIGITS: usize = 32;

/// Who holds a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    Node(u64),
    /// An administrator, by the name in the certificate.
    Admin(String),
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identity::Node(id) => write!(f, "node {id}"),
            Identity::Admin(name) => write!(f, "administrator {name}"),
        }
    }
}

/// An identity and the cluster it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub cluster_id: String,
    pub identity: Identity,
}

impl Subject {
    /// The DNS name that stands for the subject.
    pub fn dns_name(&self) -> String {
        match &self.identity {
            Identity::Node(id) => format!("node-{id}.{}.{ROOT}", self.cluster_id),
            Identity::Admin(name) => format!("{name}.admin.{}.{ROOT}", self.cluster_id),
        }
    }

    fn from_dns_name(name: &str) -> Option<Subject> {
        let (rest, cluster_id) = name.strip_suffix(ROOT)?.strip_suffix('.')?.rsplit_once('.')?;
        if !is_cluster_id(cluster_id) {
            return None;
        }
        let identity = match rest.strip_suffix(".admin") {
            Some(admin) => Identity::Admin(admin.to_owned()),
            None => Identity::Node(rest.strip_prefix("node-")?.parse().ok()?),
        };
        let subject = Subject { cluster_id: cluster_id.to_owned(), identity };
        // One spelling for each subject: `node-01` and an administrator `a.b` are nobody.
        let well_formed = match &subject.identity {
            Identity::Node(id) => *id > 0,
            Identity::Admin(name) => is_admin_name(name),
        };
        (well_formed && subject.dns_name() == name).then_some(subject)
    }

    /// The subject named in a certificate; `None` if it names none or more than one.
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Subject> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let names = certificate.subject_alternative_name().ok()??;
        let mut subjects = names.value.general_names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Subject::from_dns_name(name),
            _ => None,
        });
        let subject = subjects.next()?;
        subjects.next().is_none().then_some(subject)
    }
}

/// 32 lower-case hexadecimal digits.
pub(crate) fn is_cluster_id(s: &str) -> bool {
    s.len() == CLUSTER_ID_DIGITS && s.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// One DNS label of letters, digits and inner hyphens.
pub(crate) fn is_admin_name(s: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&s.len()) && s.bytes().all(inner) && !s.starts_with('-') && !s.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn names_read_back() {
        for identity in [Identity::Node(1), Identity::Node(u64::MAX), Identity::Admin("operator".into())] {
            let subject = Subject { cluster_id: ID.into(), identity };
            assert_eq!(Subject::from_dns_name(&subject.dns_name()), Some(subject));
        }
    }

    #[test]
    fn other_names_are_nobody() {
        for name in [
            format!("node-0.{ID}.namingo"),
            format!("node-01.{ID}.namingo"),
            format!("node-1.{ID}.namingo."),
            format!("x.node-1.{ID}.namingo"),
            format!("node-1.{}.namingo", &ID[1..]),
            format!("node-1.{}.namingo", ID.to_uppercase()),
            format!("a.b.admin.{ID}.namingo"),
            format!(".admin.{ID}.namingo"),
            format!("{ID}.namingo"),
            "localhost".into(),
            "namingo".into(),
            String::new(),
        ] {
            assert_eq!(Subject::from_dns_name(&name), None, "{name}");
        }
    }
}
