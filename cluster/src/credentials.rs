//! A certificate of the cluster with its key and the authority that issued it.

use crate::{BundleError, Subject, keys::private, tls};
use rustls::{
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{Error as PemError, PemObject},
    },
    sign::CertifiedKey,
};
use std::{path::Path, sync::Arc};

/// What one side of a mutual TLS connection shows, and whom it trusts. The key is not shown by `Debug`.
#[derive(Debug)]
pub struct Credentials {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    authority: CertificateDer<'static>,
    subject: Subject,
}

impl Clone for Credentials {
    fn clone(&self) -> Credentials {
        Credentials {
            certificate: self.certificate.clone(),
            key: self.key.clone_key(),
            authority: self.authority.clone(),
            subject: self.subject.clone(),
        }
    }
}

impl Credentials {
    /// Reads three files and checks that they belong together.
    ///
    /// # Errors
    /// Names the file that is missing, readable by others, malformed or foreign.
    pub fn load(certificate: &Path, key: &Path, authority: &Path) -> Result<Credentials, BundleError> {
        private(key)?;
        let key_der = PrivateKeyDer::from_pem_file(key).map_err(|e| pem(key, "private key", &e))?;
        let credentials = Credentials {
            subject: subject(certificate)?,
            certificate: read_certificate(certificate)?,
            key: key_der,
            authority: read_certificate(authority)?,
        };
        let provider = tls::provider();
        let (chain, secret) = (vec![credentials.certificate.clone()], credentials.key.clone_key());
        CertifiedKey::from_der(chain, secret, &provider).map_err(|e| {
            let key = key.display();
            BundleError::new(certificate, format!("does not belong to the key in {key}: {e}"))
        })?;
        tls::client_verifier(&credentials, Arc::new(provider))
            .and_then(|verifier| tls::verify_own(&*verifier, &credentials.certificate))
            .map_err(|e| {
                let ca = authority.display();
                BundleError::new(certificate, format!("was not issued by the authority in {ca}: {e}"))
            })?;
        Ok(credentials)
    }

    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(crate) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    pub(crate) fn key(&self) -> &PrivateKeyDer<'static> {
        &self.key
    }

    pub(crate) fn authority(&self) -> &CertificateDer<'static> {
        &self.authority
    }
}

fn read_certificate(path: &Path) -> Result<CertificateDer<'static>, BundleError> {
    CertificateDer::from_pem_file(path).map_err(|e| pem(path, "certificate", &e))
}

fn subject(path: &Path) -> Result<Subject, BundleError> {
    Subject::of(&read_certificate(path)?).ok_or_else(|| {
        BundleError::new(path, "names no node and no administrator; cluster init makes certificates that do")
    })
}

fn pem(path: &Path, what: &str, e: &PemError) -> BundleError {
    match e {
        PemError::Io(e) => BundleError::unreadable(path, e),
        PemError::NoItemsFound => BundleError::new(path, format!("holds no PEM {what}")),
        other => BundleError::new(path, format!("holds no readable PEM {what}: {other}")),
    }
}
