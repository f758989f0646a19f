//! TLS as a client meets it: versions, suites, client certificates, and files that do not fit.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use net::tls::{Identity, provider};
use net::{Fingerprint, Tls, Transport};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{CipherSuite, ClientConfig, DigitallySignedStruct, ProtocolVersion, SignatureScheme};
use rustls::{SupportedProtocolVersion, version};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

struct Pem {
    dir: TempDir,
    key: rcgen::KeyPair,
}

impl Pem {
    fn new() -> Pem {
        let pem = Pem { dir: TempDir::new().unwrap(), key: rcgen::KeyPair::generate().unwrap() };
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&pem.key).unwrap();
        fs::write(pem.chain(), certificate.pem()).unwrap();
        fs::write(pem.key_file(), pem.key.serialize_pem()).unwrap();
        pem
    }
    fn chain(&self) -> PathBuf {
        self.dir.path().join("chain.pem")
    }
    fn key_file(&self) -> PathBuf {
        self.dir.path().join("key.pem")
    }
    fn identity(&self) -> Identity {
        Identity::load(&self.chain(), &self.key_file()).unwrap()
    }
}

/// Takes any server: these tests are about what the server offers.
#[derive(Debug)]
struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

type ClientIdentity = Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>;

fn client(
    suites: Option<CipherSuite>,
    of: &'static SupportedProtocolVersion,
    identity: ClientIdentity,
) -> Arc<ClientConfig> {
    let mut crypto = rustls::crypto::ring::default_provider();
    crypto.cipher_suites.retain(|suite| suites.is_none_or(|only| suite.suite() == only));
    let builder = ClientConfig::builder_with_provider(Arc::new(crypto))
        .with_protocol_versions(&[of])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer));
    Arc::new(match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
        None => builder.with_no_client_auth(),
    })
}

/// What the client sees and what the server sees of one handshake.
async fn handshake(
    pem: &Pem,
    config: Arc<ClientConfig>,
) -> Option<(ProtocolVersion, CipherSuite, Option<Fingerprint>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = Tls::new(pem.identity().server_config().unwrap());
    let server = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        tls.greet(tcp).await
    });
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let client = TlsConnector::from(config).connect(name, tcp).await;
    let (_stream, shown) = server.await.unwrap().ok()?;
    let client = client.ok()?;
    let session = client.get_ref().1;
    Some((session.protocol_version()?, session.negotiated_cipher_suite()?.suite(), shown))
}

#[tokio::test]
async fn both_versions_are_offered_and_a_certificate_is_not_demanded() {
    let pem = Pem::new();
    for (of, expected) in
        [(&version::TLS12, ProtocolVersion::TLSv1_2), (&version::TLS13, ProtocolVersion::TLSv1_3)]
    {
        let (spoken, _, shown) = handshake(&pem, client(None, of, None)).await.unwrap();
        assert_eq!(spoken, expected);
        assert_eq!(shown, None);
    }
}

#[tokio::test]
async fn a_self_signed_client_certificate_is_accepted_and_reported_by_fingerprint() {
    let pem = Pem::new();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["registrar".to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let expected = Fingerprint::of(certificate.der());
    for of in [&version::TLS12, &version::TLS13] {
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = client(None, of, Some((vec![certificate.der().clone()], private)));
        let (_, _, shown) = handshake(&pem, config).await.unwrap();
        assert_eq!(shown, Some(expected));
    }
}

/// A certificate of at least so many octets, a few hundred more at most.
fn certificate_of(key: &rcgen::KeyPair, octets: usize) -> CertificateDer<'static> {
    let names: Vec<String> = (0..octets / 32).map(|nth| format!("{nth:022}.invalid")).collect();
    rcgen::CertificateParams::new(names).unwrap().self_signed(key).unwrap().der().clone()
}

#[tokio::test]
async fn a_client_certificate_or_chain_that_is_larger_than_any_in_use_is_refused() {
    let pem = Pem::new();
    let key = rcgen::KeyPair::generate().unwrap();
    let [small, large] = [4_000, 8_192].map(|octets| certificate_of(&key, octets));
    assert!((4_000..5_000).contains(&small.len()) && large.len() > 8_192);
    let chains = [
        (vec![small.clone(); 3], true),
        (vec![large.clone()], false),
        (vec![small.clone(), large.clone()], true),
        (vec![small.clone(), large.clone(), small.clone()], false),
        (vec![small; 4], false),
    ];
    for of in [&version::TLS12, &version::TLS13] {
        for (chain, taken) in &chains {
            let sizes: Vec<usize> = chain.iter().map(|certificate| certificate.len()).collect();
            let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
            let seen = handshake(&pem, client(None, of, Some((chain.clone(), private)))).await;
            assert_eq!(seen.is_some(), *taken, "{of:?}, {sizes:?}");
        }
    }
}

#[tokio::test]
async fn chacha20_is_for_tls_1_3_only() {
    let pem = Pem::new();
    let tls12 = CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
    assert!(handshake(&pem, client(Some(tls12), &version::TLS12, None)).await.is_none());
    let tls13 = CipherSuite::TLS13_CHACHA20_POLY1305_SHA256;
    let (_, suite, _) = handshake(&pem, client(Some(tls13), &version::TLS13, None)).await.unwrap();
    assert_eq!(suite, tls13);
}

#[test]
fn tls_1_2_offers_exactly_the_four_aes_gcm_suites() {
    let mut offered: Vec<_> = provider()
        .cipher_suites
        .iter()
        .filter(|suite| suite.version().version == ProtocolVersion::TLSv1_2)
        .map(|suite| format!("{:?}", suite.suite()))
        .collect();
    offered.sort();
    assert_eq!(
        offered,
        [
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        ]
    );
}

#[tokio::test]
async fn a_replaced_certificate_is_for_new_handshakes_and_an_open_connection_goes_on() {
    let (old, new) = (Pem::new(), Pem::new());
    let (old_print, new_print) = (old.identity().fingerprint(), new.identity().fingerprint());
    let tls = Tls::new(old.identity().server_config().unwrap());
    let (mut first_server, mut first_client, shown) = connect(&tls).await;
    assert_eq!(shown, old_print);
    tls.clone().replace(new.identity().server_config().unwrap());
    let (_server, _client, shown) = connect(&tls).await;
    assert_eq!(shown, new_print);
    first_client.write_all(b"still here").await.unwrap();
    first_client.flush().await.unwrap();
    let mut heard = [0; 10];
    first_server.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"still here");
}

type Near = tokio_rustls::server::TlsStream<TcpStream>;
type Far = tokio_rustls::client::TlsStream<TcpStream>;

/// Both ends of a new connection, and the fingerprint that the client was shown.
async fn connect(tls: &Tls) -> (Near, Far, Fingerprint) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = tls.clone();
    let server = tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        tls.greet(tcp).await.unwrap().0
    });
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let client = TlsConnector::from(client(None, &version::TLS13, None)).connect(name, tcp).await.unwrap();
    let shown = client.get_ref().1.peer_certificates().unwrap().first().map(|c| Fingerprint::of(c)).unwrap();
    (server.await.unwrap(), client, shown)
}

#[test]
fn errors_name_the_file() {
    let pem = Pem::new();
    let missing = pem.dir.path().join("missing.pem");
    let error = Identity::load(&missing, &pem.key_file()).unwrap_err().to_string();
    assert!(error.contains("missing.pem") && error.contains("certificate"), "{error}");

    let error = Identity::load(&pem.chain(), &pem.chain()).unwrap_err().to_string();
    assert!(error.contains("chain.pem: no PEM private key in this file"), "{error}");

    let other = Pem::new();
    let identity = Identity::load(&pem.chain(), &other.key_file()).unwrap();
    let error = identity.server_config().unwrap_err().to_string();
    assert!(error.contains("chain.pem") && error.contains("key.pem"), "{error}");
}
