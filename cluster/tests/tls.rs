//! Mutual TLS between bundles: who gets through, and who the server sees.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use cluster::{Bundle, ClusterFile, Credentials, Identity, init, layout, tls};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore};
use std::{io, sync::Arc};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::{TlsAcceptor, TlsConnector};

struct Cluster {
    _dir: TempDir,
    file: ClusterFile,
}

impl Cluster {
    fn new() -> Cluster {
        let dir = tempfile::tempdir().unwrap();
        let node = |id: u16| {
            format!(
                "[node.{id}]\nrole = \"voter\"\nraft = \"127.0.0.1:{}\"\nadmin = \"127.0.0.1:{}\"\n\
                 epp = \"127.0.0.1:{}\"\n",
                7000 + id,
                7100 + id,
                7200 + id
            )
        };
        let text = format!(
            "[cluster]\nname = \"example\"\ndata_dir = \".\"\n[repository]\nname = \"main\"\nroid_suffix = \"X\"\n\
             {}{}{}",
            node(1),
            node(2),
            node(3)
        );
        let file = ClusterFile::parse(&dir.path().join("cluster.toml"), &text).unwrap();
        init(&file).unwrap();
        Cluster { _dir: dir, file }
    }

    fn bundle(&self, id: u64) -> Bundle {
        Bundle::load(&self.file.node_dir(id), id).unwrap()
    }

    fn admin(&self) -> Credentials {
        let dir = layout::admin_dir(&self.file.data_dir());
        let [certificate, key, ca] =
            [layout::ADMIN_CERTIFICATE, layout::ADMIN_KEY, layout::CA_CERTIFICATE].map(|name| dir.join(name));
        Credentials::load(&certificate, &key, &ca).unwrap()
    }
}

/// What the server learns, after an octet went each way: in TLS 1.3 a client is refused only after its handshake.
async fn handshake(
    server: &Bundle,
    client: Arc<ClientConfig>,
    name: ServerName<'static>,
) -> io::Result<Identity> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let acceptor = TlsAcceptor::from(tls::server_config(server).unwrap());
    let serving = async {
        let mut stream = acceptor.accept(far).await?;
        let identity = tls::identity_of(&stream.get_ref().1.peer_certificates().unwrap()[0]);
        let octet = stream.read_u8().await?;
        stream.write_u8(octet).await?;
        stream.flush().await?;
        identity.ok_or_else(|| io::Error::other("nobody"))
    };
    let calling = async {
        let mut stream = TlsConnector::from(client).connect(name, near).await?;
        assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        stream.write_u8(7).await?;
        stream.flush().await?;
        stream.read_u8().await
    };
    let (served, called) = tokio::join!(serving, calling);
    called?;
    served
}

#[tokio::test]
async fn nodes_of_one_cluster_know_each_other() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.bundle(1), cluster.bundle(2));
    let towards = tls::client_config(&two, 1).unwrap();
    assert_eq!(handshake(&one, towards.config, towards.name).await.unwrap(), Identity::Node(2));
    let towards = tls::client_config(&one, 2).unwrap();
    assert_eq!(handshake(&two, towards.config, towards.name).await.unwrap(), Identity::Node(1));
}

#[tokio::test]
async fn a_node_at_the_address_of_another_is_refused() {
    let cluster = Cluster::new();
    let towards = tls::client_config(&cluster.bundle(2), 3).unwrap();
    let error = handshake(&cluster.bundle(1), towards.config, towards.name).await.unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
}

#[tokio::test]
async fn a_node_of_another_cluster_is_refused_by_both_sides() {
    let (ours, theirs) = (Cluster::new(), Cluster::new());
    let towards = tls::client_config(&theirs.bundle(2), 1).unwrap();
    assert!(handshake(&ours.bundle(1), towards.config, towards.name).await.is_err());

    // A client that trusts our authority but shows a certificate of another one.
    let trusting = tls::client_config(&ours.bundle(2), 1).unwrap();
    let config = foreign_client(&ours, &theirs.file.node_dir(2), ("node.crt", "node.key"));
    assert!(handshake(&ours.bundle(1), config, trusting.name.clone()).await.is_err());

    // The EPP certificate is of our authority, and still no key to the inside.
    let config = foreign_client(&ours, &ours.file.node_dir(2), ("epp.crt", "epp.key"));
    assert!(handshake(&ours.bundle(1), config, trusting.name.clone()).await.is_err());

    // The same construction with the right certificate gets through: the refusals above are not the test's fault.
    let config = foreign_client(&ours, &ours.file.node_dir(2), ("node.crt", "node.key"));
    assert_eq!(handshake(&ours.bundle(1), config, trusting.name).await.unwrap(), Identity::Node(2));
}

fn foreign_client(
    trusted: &Cluster,
    dir: &std::path::Path,
    (certificate, key): (&str, &str),
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trusted.file.node_dir(1).join("ca.crt")).unwrap()).unwrap();
    let chain = vec![CertificateDer::from_pem_file(dir.join(certificate)).unwrap()];
    let key = PrivateKeyDer::from_pem_file(dir.join(key)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_client_auth_cert(chain, key).unwrap())
}

#[tokio::test]
async fn the_administrator_reaches_a_node_by_its_address() {
    let cluster = Cluster::new();
    let config = tls::admin_config(&cluster.admin()).unwrap();
    let server = cluster.bundle(1);
    let by_address = ServerName::try_from("127.0.0.1").unwrap();
    let seen = handshake(&server, config.clone(), by_address).await.unwrap();
    assert_eq!(seen, Identity::Admin("operator".into()));
    let elsewhere = ServerName::try_from("127.0.0.2").unwrap();
    assert!(handshake(&server, config, elsewhere).await.is_err());
}

#[tokio::test]
async fn nobody_gets_in_without_a_certificate() {
    let cluster = Cluster::new();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(cluster.file.node_dir(1).join("ca.crt")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = tls::client_config(&cluster.bundle(2), 1).unwrap().name;
    assert!(handshake(&cluster.bundle(1), Arc::new(config), name).await.is_err());
}
