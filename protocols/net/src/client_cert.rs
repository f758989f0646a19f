//! Client certificates that are pinned, not chained.
//!
//! A registrar may present any certificate, a self-signed one too. The handshake proves that the client holds its
//! key; which certificate belongs to which registrar is decided at login, by fingerprint. So the verifier here
//! checks the signature and the certificate's form and size, and neither issuer nor dates.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

/// SHA-256 over the DER form of a certificate, as `openssl x509 -fingerprint -sha256` prints it (there with
/// colons).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// The fingerprint of a certificate in DER form.
    pub fn of(der: &[u8]) -> Fingerprint {
        let digest = ring::digest::digest(&ring::digest::SHA256, der);
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Fingerprint(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Octets of a certificate; those in use have one or two thousand.
const CERTIFICATE_MAX: usize = 8 * 1024;
/// Octets of a chain, its certificates together. TLS keeps it for as long as the connection lasts, and would take 64 KiB.
const CHAIN_MAX: usize = 16 * 1024;

/// Asks for a client certificate, accepts its absence, and accepts any whose key the client proves to hold.
#[derive(Debug)]
pub(crate) struct AnyClientCert {
    algorithms: WebPkiSupportedAlgorithms,
}

impl AnyClientCert {
    pub(crate) fn new(provider: &CryptoProvider) -> Arc<AnyClientCert> {
        Arc::new(AnyClientCert { algorithms: provider.signature_verification_algorithms })
    }
}

impl ClientCertVerifier for AnyClientCert {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let chain = intermediates.iter().fold(end_entity.len(), |sum, certificate| sum + certificate.len());
        if end_entity.len() > CERTIFICATE_MAX || chain > CHAIN_MAX {
            let why = format!(
                "the client's certificate has {} octets and its chain {chain}; the most are {CERTIFICATE_MAX} and \
                 {CHAIN_MAX}",
                end_entity.len()
            );
            return Err(Error::General(why));
        }
        ParsedCertificate::try_from(end_entity)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_sha256_of_the_octets() {
        // FIPS 180-2, the digest of "abc".
        assert_eq!(
            Fingerprint::of(b"abc").to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
