//! A node without consensus: a registry in memory behind the administration socket. The command line's tests use it, too.

#![allow(dead_code, reason = "each test program uses a part of it")]

use admin::wire::{ClusterStatus, DigestReport, Instant, Member, MemberDigest};
use admin::{Client, Control, Held, KeyHolder, Membership, Server, Site, TlsSocket, UnixSocket};
use cluster::layout;
use net::Trigger;
use registry::{
    Actor, Solo, SvTrids, Timestamp, Unavailable, Verb, keys::Fingerprint, node::NodeRole,
    repository::RepositoryFound, seal::Keys,
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicI64, Ordering},
    },
};
use tokio::task::JoinHandle;

pub static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::new(&BTreeMap::from([(1, [7; 64])])));

#[derive(Clone)]
pub struct TwoNodes;

/// Node 1 holds what is drawn, node 2 does not answer; the key of epoch 3 does not reach it.
impl KeyHolder for TwoNodes {
    async fn held_keys(&self) -> BTreeMap<u64, Held> {
        let held = BTreeMap::from([(1, secret_of(1)), (2, secret_of(7))]);
        BTreeMap::from([(1, Ok(held)), (2, Err("not reachable".to_owned()))])
    }

    async fn draw_key(&self, epoch: u32, _: Option<Fingerprint>) -> Result<Fingerprint, String> {
        Ok(secret_of(epoch))
    }

    async fn spread_key(&self, epoch: u32) -> Result<Vec<u64>, String> {
        if epoch == 3 { Err("node 2: not reachable".to_owned()) } else { Ok(vec![2, 1]) }
    }
}

/// The fingerprint of an epoch's secret in these tests.
pub fn secret_of(epoch: u32) -> Fingerprint {
    Fingerprint([u8::try_from(epoch).unwrap(); 8])
}

impl Control for TwoNodes {
    async fn status(&self) -> ClusterStatus {
        let member = |id, reachable| Member {
            id,
            role: "voter".into(),
            addresses: BTreeMap::from([("raft".into(), format!("127.0.0.{id}:7001"))]),
            reachable,
            applied: reachable.then_some(7),
            state_time: reachable.then_some(Instant(Timestamp(0))),
            ..Member::default()
        };
        ClusterStatus {
            cluster_id: "00112233445566778899aabbccddeeff".into(),
            cluster_name: "example".into(),
            node: 1,
            leader: Some(1),
            term: 3,
            members: vec![member(1, true), member(2, false)],
        }
    }

    async fn transfer(&self, to: Option<u64>) -> Result<u64, String> {
        match to.unwrap_or(2) {
            id @ 1..=2 => Ok(id),
            id => Err(format!("node {id} is not a voter")),
        }
    }

    async fn digest(&self, recompute: bool) -> Result<DigestReport, Unavailable> {
        let digest = Some("00ff".to_owned());
        let remark = recompute.then(|| "recomputed: equal".to_owned());
        let members = vec![MemberDigest { id: 1, digest: digest.clone(), differs: false, remark }];
        Ok(DigestReport { index: 7, majority: digest, members })
    }

    async fn accept_clock(&self) -> Result<String, String> {
        Ok("agrees".to_owned())
    }

    /// Nodes 1 and 2 vote, node 3 is an edge.
    fn membership(&self) -> Membership {
        let roles = [(1, NodeRole::Voter), (2, NodeRole::Voter), (3, NodeRole::Edge)];
        let at = |id: u64| format!("127.0.0.{id}:7001").parse().unwrap();
        Membership {
            cluster_id: "00112233445566778899aabbccddeeff".into(),
            highest: 3,
            roles: roles.into(),
            contacts: (1..=3).map(|id| (id, at(id))).collect(),
            voters: [1, 2].into(),
            leader: Some(1),
        }
    }

    async fn remove(&self, id: u64) -> Result<(), String> {
        if id == 3 { Err("a change of the membership is under way".to_owned()) } else { Ok(()) }
    }
}

pub struct Node {
    pub client: Client,
    pub socket: PathBuf,
    pub solo: Solo,
    server: Server<Solo, TwoNodes>,
    clock: Arc<AtomicI64>,
    trigger: Trigger,
    shutdown: net::Shutdown,
    serving: JoinHandle<()>,
    dir: tempfile::TempDir,
}

impl Node {
    pub async fn start() -> Node {
        let clock = Arc::new(AtomicI64::new(1_800_000_000_000));
        let reading = clock.clone();
        let solo = Solo::memory(Arc::new(move || Timestamp(reading.load(Ordering::SeqCst))));
        let svtrids = Arc::new(SvTrids::new(1, 0xb007));
        let found = RepositoryFound {
            name: "main".into(),
            roid_suffix: "TEST".into(),
            documentation_addresses: true,
        };
        solo.run(Verb::RepositoryFound(found), Actor::System, svtrids.next()).unwrap();
        let server = Server::new(Site {
            backend: solo.clone(),
            control: TwoNodes,
            keys: Arc::new(Keys::new(&BTreeMap::from([(1, [7; 64])]))),
            repository: "main".into(),
            svtrids,
            metrics: net::Metrics::register(&mut prometheus_client::registry::Registry::default()),
        });
        let dir = tempfile::tempdir().unwrap();
        let socket = layout::admin_socket(dir.path(), 1);
        fs::create_dir(socket.parent().unwrap()).unwrap();
        let bound = UnixSocket::bind(&socket).unwrap();
        let (trigger, shutdown) = net::shutdown();
        let (serve, stop) = (server.clone(), shutdown.clone());
        let serving = tokio::spawn(async move { serve.serve_unix(bound, stop).await });
        let client = Client::socket(&socket);
        Node { client, socket, solo, server, clock, trigger, shutdown, serving, dir }
    }

    /// The directory that holds `node-1`.
    pub fn data_dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn serve_tls(&self, socket: TlsSocket) {
        let (serve, stop) = (self.server.clone(), self.shutdown.clone());
        tokio::spawn(async move { serve.serve_tls(socket, stop).await });
    }

    pub fn now(&self) -> Timestamp {
        self.solo.now()
    }

    pub fn advance_ms(&self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    pub async fn stop(self) {
        self.trigger.request();
        self.serving.await.unwrap();
    }
}
