//! The TLS of the public services: versions 1.2 and 1.3 with AEAD suites and ephemeral keys only (RFC 9325), and
//! the loading of certificate files.
//!
//! ChaCha20 is left out of TLS 1.2 because ICANN's conformance tool flags it there. The provider (ring) is passed
//! explicitly, so that nothing depends on a process-wide default.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{cipher_suite, default_provider};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};

use crate::client_cert::{AnyClientCert, Fingerprint};

/// A server's certificate chain (its own certificate first) and private key.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    chain_file: PathBuf,
    key_file: PathBuf,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("chain_file", &self.chain_file).finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads a PEM certificate chain and a PEM private key (PKCS#8, PKCS#1 or SEC1).
    ///
    /// # Errors
    /// Names the file that can't be read, holds no such item, or is not PEM.
    pub fn load(chain_file: &Path, key_file: &Path) -> Result<Identity, TlsError> {
        let broken = |file: &Path, what, cause| TlsError::File { file: file.to_owned(), what, cause };
        let chain = CertificateDer::pem_file_iter(chain_file)
            .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
            .and_then(|chain| if chain.is_empty() { Err(PemError::NoItemsFound) } else { Ok(chain) })
            .map_err(|cause| broken(chain_file, "certificate", cause))?;
        let key =
            PrivateKeyDer::from_pem_file(key_file).map_err(|cause| broken(key_file, "private key", cause))?;
        Ok(Identity { chain, key, chain_file: chain_file.to_owned(), key_file: key_file.to_owned() })
    }

    /// The fingerprint of the server's own certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        self.chain.first().map_or(Fingerprint([0; 32]), |certificate| Fingerprint::of(certificate))
    }

    /// A server configuration that asks for a client certificate and accepts any or none; who it belongs to is
    /// decided later, by its [`Fingerprint`](crate::Fingerprint).
    ///
    /// # Errors
    /// When the certificate is malformed or does not belong to the key; the message names both files.
    pub fn server_config(self) -> Result<Arc<ServerConfig>, TlsError> {
        let provider = Arc::new(provider());
        let verifier = AnyClientCert::new(&provider);
        let misfit = |cause| TlsError::Misfit {
            chain_file: self.chain_file.clone(),
            key_file: self.key_file.clone(),
            cause,
        };
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(misfit)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(self.chain, self.key)
            .map_err(misfit)?;
        Ok(Arc::new(config))
    }
}

/// The ring provider limited to the suites of this registry.
pub fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
            cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
            cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        ],
        ..default_provider()
    }
}

/// Why a TLS identity can't be used.
#[derive(Debug)]
pub enum TlsError {
    /// A file is missing, unreadable, or holds no usable item.
    File { file: PathBuf, what: &'static str, cause: PemError },
    /// The two files do not make a server identity together.
    Misfit { chain_file: PathBuf, key_file: PathBuf, cause: rustls::Error },
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsError::File { file, what, cause: PemError::NoItemsFound } => {
                write!(f, "{}: no PEM {what} in this file", file.display())
            }
            TlsError::File { file, what, cause } => {
                write!(f, "{}: cannot read a {what} from this file: {cause}", file.display())
            }
            TlsError::Misfit { chain_file, key_file, cause } => write!(
                f,
                "{}: cannot serve TLS with this certificate and the key in {}: {cause}",
                chain_file.display(),
                key_file.display()
            ),
        }
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TlsError::File { cause, .. } => Some(cause),
            TlsError::Misfit { cause, .. } => Some(cause),
        }
    }
}
