//! Mutual TLS 1.3 inside a cluster: between nodes, and from administrators to nodes.
//!
//! Both sides show a certificate of the cluster's authority. A client names the node that it means to reach, and a
//! server reads from [`identity_of`] who called. The provider (ring) is passed explicitly, so that nothing depends
//! on a process-wide default.

use crate::{Bundle, Credentials, Identity, Subject};
use rustls::{
    ClientConfig, Error, RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring::default_provider},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    version::TLS13,
};
use std::sync::Arc;

/// How to reach one node: connect with both, or the wrong node could answer.
#[derive(Clone, Debug)]
pub struct Towards {
    pub config: Arc<ClientConfig>,
    pub name: ServerName<'static>,
}

/// Accepts nodes and administrators of the bundle's cluster, nobody else.
///
/// # Errors
/// A certificate that rustls can't use; [`Bundle::load`] has refused it before.
pub fn server_config(bundle: &Bundle) -> Result<Arc<ServerConfig>, Error> {
    let provider = Arc::new(provider());
    let own = &bundle.credentials;
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(client_verifier(own, provider)?)
        .with_single_cert(vec![own.certificate().clone()], own.key().clone_key())?;
    Ok(Arc::new(config))
}

/// Reaches node `to` of the bundle's cluster, and no other.
///
/// # Errors
/// As [`server_config`].
pub fn client_config(bundle: &Bundle, to: u64) -> Result<Towards, Error> {
    let subject = Subject { cluster_id: bundle.cluster_id().to_owned(), identity: Identity::Node(to) };
    let name = ServerName::try_from(subject.dns_name()).map_err(|e| Error::General(e.to_string()))?;
    Ok(Towards { config: trusting_client(&bundle.credentials)?, name })
}

/// For administrators: the node's address or host name is checked against its certificate, as in HTTPS.
///
/// # Errors
/// As [`server_config`].
pub fn admin_config(own: &Credentials) -> Result<Arc<ClientConfig>, Error> {
    trusting_client(own)
}

/// Who a peer's certificate speaks for. Ask after the handshake: it says nothing about authenticity.
pub fn identity_of(certificate: &CertificateDer<'_>) -> Option<Identity> {
    Subject::of(certificate).map(|subject| subject.identity)
}

pub(crate) fn provider() -> CryptoProvider {
    default_provider()
}

fn roots(own: &Credentials) -> Result<Arc<RootCertStore>, Error> {
    let mut roots = RootCertStore::empty();
    roots.add(own.authority().clone())?;
    Ok(Arc::new(roots))
}

fn trusting_client(own: &Credentials) -> Result<Arc<ClientConfig>, Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots(own)?)
        .with_client_auth_cert(vec![own.certificate().clone()], own.key().clone_key())?;
    Ok(Arc::new(config))
}

pub(crate) fn client_verifier(
    own: &Credentials,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    WebPkiClientVerifier::builder_with_provider(roots(own)?, provider)
        .build()
        .map_err(|e| Error::General(e.to_string()))
}

/// Whether peers would accept this certificate now.
pub(crate) fn verify_own(
    verifier: &dyn ClientCertVerifier,
    certificate: &CertificateDer<'_>,
) -> Result<(), Error> {
    verifier.verify_client_cert(certificate, &[], UnixTime::now()).map(drop)
}
