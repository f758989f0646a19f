//! Connections between nodes over real sockets: wires that go dead without a word, and peers that come back over others.

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

use cluster::{Bundle, ClusterFile, Identity, init, tls};
use raft::{
    NodeInfo,
    net::{CallError, Lane, Net, Service},
    transport::{Door, PeerNet, serve},
};
use std::{
    future::pending,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

const LIMIT: Duration = Duration::from_millis(1_500);
/// Places at the door for one address.
const PLACES: usize = 32;

/// Answers with what it was asked.
#[derive(Clone)]
struct Echo;

impl Service for Echo {
    async fn answer(&self, _: u64, request: Vec<u8>) -> Vec<u8> {
        request
    }
}

/// Two nodes; the second one serves behind a wire.
struct Pair {
    _dir: TempDir,
    file: ClusterFile,
    wire: Wire,
    /// Where the second node listens itself.
    door: SocketAddr,
}

/// A wire that can be cut so that neither side hears of it: what is connected stays so, and nothing comes out any more.
struct Wire {
    at: SocketAddr,
    cut: watch::Sender<u64>,
    /// Connections that still carry.
    live: Arc<AtomicUsize>,
    /// Connections that the server still holds.
    held: Arc<AtomicUsize>,
}

impl Wire {
    async fn to(server: SocketAddr) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (live, held) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (cut, cuts) = watch::channel(0);
        let counts = (live.clone(), held.clone());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(server).await.unwrap();
                let mut cuts = cuts.clone();
                cuts.mark_unchanged();
                let (live, held) = counts.clone();
                live.fetch_add(1, Ordering::SeqCst);
                held.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    let (mut near, mut far) = (near, far);
                    let was_cut = tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => false,
                        _ = cuts.changed() => true,
                    };
                    live.fetch_sub(1, Ordering::SeqCst);
                    if was_cut {
                        // the server's end is watched, the client's end is silent
                        let mut sink = Vec::new();
                        drop(far.read_to_end(&mut sink).await);
                        held.fetch_sub(1, Ordering::SeqCst);
                        pending::<()>().await;
                    }
                    drop(near.shutdown().await);
                    held.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Wire { at, cut, live, held }
    }

    /// Returns when nothing comes through any more.
    async fn cut(&self) {
        self.cut.send_modify(|n| *n += 1);
        while self.live.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl Pair {
    async fn new() -> Pair {
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
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = listener.local_addr().unwrap();
        let pair = Pair { _dir: dir, file, wire: Wire::to(door).await, door };
        let sources = net::Sources::new(PLACES);
        let door = Door {
            tls: tls::server_config(&pair.bundle(2)).unwrap(),
            node_of: Arc::new(|certificate| match tls::identity_of(certificate) {
                Some(Identity::Node(id)) => Some(id),
                _ => None,
            }),
            on_stranger: Arc::new(|| {}),
            places: Arc::new(move |address| sources.admit(address).map(|place| Box::new(place) as _)),
        };
        tokio::spawn(serve(listener, door, Echo));
        pair
    }

    fn bundle(&self, id: u64) -> Bundle {
        Bundle::load(&self.file.node_dir(id), id).unwrap()
    }

    fn client(&self) -> PeerNet {
        let own = self.bundle(1);
        PeerNet::new(Arc::new(move |to| {
            let towards = tls::client_config(&own, to).map_err(io::Error::other)?;
            Ok((towards.config, towards.name))
        }))
    }

    async fn call(&self, net: &PeerNet) -> Result<Vec<u8>, CallError> {
        let there = NodeInfo { raft: self.wire.at, ..NodeInfo::default() };
        net.call(2, &there, Lane::Forward, b"hello".to_vec(), LIMIT).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_fell_silent_is_replaced_for_the_next_call() {
    let pair = Pair::new().await;
    let net = pair.client();
    for _ in 0..2 {
        assert_eq!(pair.call(&net).await, Ok(b"hello".to_vec()));
        assert_eq!(pair.call(&net).await, Ok(b"hello".to_vec()), "the same connection");
        pair.wire.cut().await;
        let lost = pair.call(&net).await;
        assert!(matches!(lost, Err(CallError::Lost(_))), "{lost:?}");
        assert_eq!(pair.call(&net).await, Ok(b"hello".to_vec()), "the wire is good again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_connections_of_an_address_keep_no_peer_out() {
    let pair = Pair::new().await;
    let mut silent = Vec::new();
    for _ in 0..200 {
        let tcp = tokio::net::TcpSocket::new_v4().unwrap();
        tcp.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        silent.push(tcp.connect(pair.door).await.unwrap());
    }
    // a call waits for less time than a silent connection has
    assert_eq!(pair.call(&pair.client()).await, Ok(b"hello".to_vec()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_vanishes_again_and_again_holds_a_few_seats() {
    const MOST: usize = 8;
    let pair = Pair::new().await;
    for _ in 0..30 {
        assert_eq!(pair.call(&pair.client()).await, Ok(b"hello".to_vec()));
        pair.wire.cut().await;
    }
    let net = pair.client();
    assert_eq!(pair.call(&net).await, Ok(b"hello".to_vec()));
    let mut waited = 0;
    while pair.wire.held.load(Ordering::SeqCst) > MOST {
        waited += 1;
        assert!(waited < 200, "the server holds {} connections", pair.wire.held.load(Ordering::SeqCst));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(pair.call(&net).await, Ok(b"hello".to_vec()), "the newest one lives");
}
