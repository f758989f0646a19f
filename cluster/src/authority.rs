//! The certificate authority of one cluster (ECDSA P-256): a self-signed certificate and what it issues.
//!
//! Certificates carry no useful end date (RFC 5280, 4.1.2.5): who belongs to the cluster is decided by its
//! replicated membership, and a cluster that stops because a date passed would be an outage without a cause.

use crate::{Subject, pem::Pem};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, Error, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, date_time_ymd,
};
use std::net::IpAddr;

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    cluster_name: String,
}

/// What a certificate is for.
pub(crate) enum Purpose<'a> {
    /// A node, for its peers and for administrators who connect to one of the addresses.
    Node { subject: &'a Subject, addresses: &'a [IpAddr] },
    /// An administrator.
    Admin(&'a Subject),
    /// An EPP server under these names and addresses: good for no connection inside the cluster.
    Epp { names: &'a [String], addresses: &'a [IpAddr] },
}

impl Authority {
    /// A new authority, and what is to be kept of it.
    pub fn new(cluster_name: &str, cluster_id: &str) -> Result<(Authority, Pem), Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let params = authority(cluster_name, cluster_id);
        let certificate = params.self_signed(&key)?;
        let pem = Pem { certificate: certificate.pem(), key: key.serialize_pem() };
        let issuer = Issuer::new(params, key);
        Ok((Authority { issuer, cluster_name: cluster_name.to_owned() }, pem))
    }

    /// The authority of a cluster again, from its key: what it issues is as if it had never been away.
    pub fn load(cluster_name: &str, cluster_id: &str, key: &str) -> Result<Authority, Error> {
        let issuer = Issuer::new(authority(cluster_name, cluster_id), KeyPair::from_pem(key)?);
        Ok(Authority { issuer, cluster_name: cluster_name.to_owned() })
    }

    pub fn issue(&self, purpose: &Purpose<'_>) -> Result<Pem, Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let (common_name, names, addresses) = purpose.names();
        let mut params = params(&self.cluster_name, &common_name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = purpose.usages();
        for name in names {
            params.subject_alt_names.push(SanType::DnsName(name.try_into()?));
        }
        params.subject_alt_names.extend(addresses.iter().copied().map(SanType::IpAddress));
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Pem { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

impl Purpose<'_> {
    fn names(&self) -> (String, Vec<String>, &[IpAddr]) {
        match self {
            Purpose::Node { subject, addresses } => {
                (subject.identity.to_string(), vec![subject.dns_name()], addresses)
            }
            Purpose::Admin(subject) => (subject.identity.to_string(), vec![subject.dns_name()], &[]),
            Purpose::Epp { names, addresses } => ("EPP".to_owned(), names.to_vec(), addresses),
        }
    }

    fn usages(&self) -> Vec<ExtendedKeyUsagePurpose> {
        match self {
            Purpose::Node { .. } => {
                vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]
            }
            Purpose::Admin(_) => vec![ExtendedKeyUsagePurpose::ClientAuth],
            Purpose::Epp { .. } => vec![ExtendedKeyUsagePurpose::ServerAuth],
        }
    }
}

fn authority(cluster_name: &str, cluster_id: &str) -> CertificateParams {
    let mut params = params(cluster_name, &format!("authority of {cluster_id}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn params(organization: &str, common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(9999, 12, 31);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, organization);
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}
