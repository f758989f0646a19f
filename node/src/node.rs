//! A node's life: files, consensus, servers, jobs; then the same in reverse.
//!
//! Consensus runs on threads of its own, so that no load of queries can starve a heartbeat.

use crate::{
    Ended, control,
    data::{Data, Memory},
    failure::Failure,
    jobs,
    keys::KeyRing,
    metrics::{Figures, NodeMetrics, RaftCollector},
    process, reload,
    servers::{self, Servers},
    status_http::{self, Readiness, StatusPage},
    stop, withdrawal,
};
use cluster::{Bundle, ClusterFile, NodeSection};
use prometheus_client::registry::Registry;
use raft::{
    Bounds, Cluster, Live, RaftConfig,
    founding::Founder,
    transport::{Door, PeerNet},
};
use registry::{Backend, Freshness, SvTrids, Timestamp};
use std::{
    collections::BTreeMap,
    env,
    future::Future,
    io,
    path::Path,
    sync::Arc,
    thread::available_parallelism,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{net::TcpListener, runtime, sync::mpsc, task::JoinSet};

/// The cluster as production runs it.
pub type Peers = Cluster<Live, PeerNet>;

/// The name of the threads that serve connections and run jobs.
pub const SERVE_THREAD: &str = "serve";
/// Threads for consensus at most. Where there are no cores for two beside those that serve, the second would only be
/// woken to find that the first has done the work.
const RAFT_THREADS: usize = 2;
/// How long an edge waits for a leader before it serves what it has and says that it is old.
const EDGE_PATIENCE: Duration = Duration::from_secs(30);
/// Connections of one address to the peers' port that have not proved yet whose they are. All nodes of `dev` come from one.
const PEERS_AT_DOOR_OF_SOURCE: usize = 32;

/// Whether the node is one of a `dev` registry: it fills an empty repository with demonstration data, and does not
/// outlive the process that started it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demo {
    No,
    InProcess,
    ChildOf(i32),
}

/// Set by `dev` for its children: its own process id.
pub const DEV_PARENT: &str = "NAMINGO_DEV_PARENT";

impl Demo {
    pub fn from_environment() -> Demo {
        let parent = env::var(DEV_PARENT).ok().and_then(|pid| pid.parse().ok());
        parent.map_or(Demo::No, Demo::ChildOf)
    }

    /// Asks the kernel to end this process with its parent.
    fn tie_to_parent(self) -> Result<(), Failure> {
        let Demo::ChildOf(parent) = self else { return Ok(()) };
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
            .map_err(|e| Failure::at("this process can't be tied to its parent", e))?;
        match rustix::process::getppid() {
            Some(pid) if pid.as_raw_pid() == parent => Ok(()),
            _ => Err(Failure::new("the dev command that started this node is gone")),
        }
    }
}

/// Runs a node until it is told to stop.
///
/// # Errors
/// Whatever keeps it from starting, or made it stop.
pub fn run(config: &Path, id: u64, demo: Demo) -> Ended {
    demo.tie_to_parent()?;
    let file = ClusterFile::load(config)?;
    if !file.nodes.contains_key(&id) {
        let known: Vec<String> = file.nodes.keys().map(u64::to_string).collect();
        let why = format!("there is no [node.{id}]; known are {}", known.join(", "));
        return Err(Failure::at(config.display(), why));
    }
    let bundle = Bundle::load(&file.node_dir(id), id)?;
    withdrawal::refuse(&bundle.dir)?;
    if bundle.founding.cluster_name != file.name {
        let holds =
            format!("{}: belongs to the cluster \"{}\"", bundle.dir.display(), bundle.founding.cluster_name);
        return Err(Failure::at(holds, format!("{} describes \"{}\"", file.path.display(), file.name)));
    }
    let threads = |e: io::Error| Failure::at("threads can't be started", e);
    let cores = available_parallelism().map_or(1, usize::from);
    let consensus = runtime::Builder::new_multi_thread()
        .worker_threads((cores / 2).clamp(1, RAFT_THREADS))
        .thread_name("raft")
        .enable_all()
        .build()
        .map_err(threads)?;
    let services = runtime::Builder::new_multi_thread()
        .thread_name(SERVE_THREAD)
        .enable_all()
        .build()
        .map_err(threads)?;
    let ended = services.block_on(live(&file, &bundle, demo, consensus.handle()));
    services.shutdown_timeout(Duration::from_secs(1));
    consensus.shutdown_timeout(Duration::from_secs(1));
    ended
}

/// Peers look for a node where the founding list says; a changed address would leave them waiting without a word.
fn same_address(file: &ClusterFile, bundle: &Bundle) -> Result<(), Failure> {
    let configured = file.nodes[&bundle.node].addresses.raft;
    match bundle.founding.node.get(&bundle.node).map(|listed| listed.addresses.raft) {
        Some(listed) if listed != configured => Err(Failure::at(
            format!("{}: node.{}.raft", file.path.display(), bundle.node),
            format!("{configured} is not where the peers look for this node: its bundle says {listed}"),
        )),
        _ => Ok(()),
    }
}

async fn live(file: &ClusterFile, bundle: &Bundle, demo: Demo, consensus: &runtime::Handle) -> Ended {
    let section = &file.nodes[&bundle.node];
    process::prepare(&file.limits);
    let hangups = reload::hangups(demo)?;
    let mut registry = Registry::default();
    let node_metrics = NodeMetrics::register(&mut registry);
    let service_metrics = net::Metrics::register(&mut registry);
    let (tell_fault, mut faults) = mpsc::unbounded_channel();

    // take the ports that peers and operators use first: a second node of the same configuration ends here
    let peers_at = listen("peers", section.addresses.raft).await?;
    servers::rehearse(file, bundle.node).await?;
    let data = Data::open(bundle, Memory::of(file), &node_metrics, tell_fault)?;
    same_address(file, bundle)?;
    let ring = KeyRing::open(bundle, section.role.holds_keys(), data.store.clone());
    let cluster = start_consensus(file, bundle, demo, &data, (&node_metrics, consensus)).await?;
    let mut tasks = JoinSet::new();
    tasks.spawn(cluster.serve_reads());
    serve_peers(&mut tasks, peers_at, bundle, &cluster, (&service_metrics, consensus))?;
    let readiness = Arc::new(Readiness::default());
    let trids = Arc::new(SvTrids::new(bundle.node, random_u64()));
    let jobs = jobs::Jobs { cluster: cluster.clone(), trids: trids.clone() };
    tasks.spawn(jobs.clone().run(bundle.founding.repository.clone()));
    tasks.spawn(jobs::pulse(cluster.clone(), readiness.clone()));
    tasks.spawn(jobs.clone().compare_digests(node_metrics.clone()));
    tasks.spawn(watch_leadership(cluster.clone(), node_metrics.clone()));
    tasks.spawn(jobs::keep_fingerprints(data.store.clone()));
    tasks.spawn(jobs::retain(cluster.clone(), u64::from(file.log_keep_mib) << 20));
    ring.attend(&cluster);
    tasks.spawn(ring.clone().follow());
    tasks.spawn(jobs.clone().keep_sealed(ring.clone()));
    if demo != Demo::No {
        tasks.spawn(jobs.clone().demonstrate(ring.keys().clone()));
    }
    let (trigger, shutdown) = net::shutdown();
    let sealing = (ring.clone(), trids.clone());
    let endpoint = (section.addresses.admin, service_metrics.clone());
    let operators = control::serve(bundle, endpoint, &cluster, sealing, shutdown.clone()).await?;
    tasks.spawn(operators);
    if let Some(page) = show_figures(&cluster, section, registry, &readiness, &service_metrics).await? {
        tasks.spawn(page);
    }

    let running = async {
        take_place(&cluster, bundle).await?;
        caught_up(&cluster, section.role).await;
        ring.fits_soon().await?;
        if demo != Demo::No {
            jobs.demonstrated().await;
        }
        let parts = servers::Parts { keys: ring.keys().clone(), trids, metrics: service_metrics, hangups };
        let open = Servers::open(file, bundle.node, &cluster, parts, &shutdown).await?;
        readiness.serving(true);
        tracing::info!(node = bundle.node, "ready");
        Ok::<Servers, Failure>(open)
    };
    let opened = tokio::select! {
        biased;
        ended = over(&cluster, &mut faults, bundle, &mut tasks) => ended.map(|()| None),
        opened = running => opened.map(Some),
    };
    let (open, ended) = match opened {
        Ok(Some(mut open)) => {
            let ended = tokio::select! {
                biased;
                ended = over(&cluster, &mut faults, bundle, &mut tasks) => ended,
                failure = open.ended() => Err(failure),
            };
            (Some(open), ended)
        }
        Ok(None) => (None, Ok(())),
        Err(failure) => (None, Err(failure)),
    };
    tracing::info!(node = bundle.node, "stopping");
    readiness.serving(false);
    cluster.retire();
    trigger.request();
    if let Some(open) = open {
        open.closed().await;
    }
    step_aside(&cluster).await;
    tasks.shutdown().await;
    if cluster.disk_is_full() {
        // consensus may wait for a write, and would not hear that it is to stop
        cluster.store().space().give_up();
    }
    cluster.stop().await;
    let closed = tokio::task::spawn_blocking(move || data.close()).await;
    ended.and(closed.unwrap_or_else(|e| Err(Failure::at("closing the files", e))))
}

/// Lets the metrics know every second whether this node leads.
async fn watch_leadership(cluster: Peers, metrics: NodeMetrics) {
    loop {
        metrics.leads(cluster.is_leader());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// The page with the figures of the node, where it has an address.
async fn show_figures(
    cluster: &Peers,
    section: &NodeSection,
    mut registry: Registry,
    readiness: &Arc<Readiness>,
    metrics: &net::Metrics,
) -> Result<Option<impl Future<Output = ()> + use<>>, Failure> {
    let Some(address) = section.addresses.metrics else { return Ok(None) };
    let (status, led) = (cluster.clone(), readiness.clone());
    let figures = move || Figures {
        status: status.status(),
        led: led.is_led(),
        memory: status.store().stats(),
        writes: status.writes(),
        log_lines_lost: crate::logging::lost(),
    };
    registry.register_collector(Box::new(RaftCollector(Arc::new(figures))));
    let listener = status_http::bind(address, metrics).await?;
    let page = StatusPage { registry, readiness: readiness.clone(), metrics: metrics.clone() };
    Ok(Some(status_http::serve(listener, Arc::new(page))))
}

/// Resolves when the node must stop, and says why if it did not mean to.
async fn over(
    cluster: &Peers,
    faults: &mut mpsc::UnboundedReceiver<String>,
    bundle: &Bundle,
    tasks: &mut JoinSet<()>,
) -> Ended {
    tokio::select! {
        biased;
        ended = stop::reason(cluster, faults, &bundle.dir) => ended,
        failure = panicked(tasks) => Err(failure),
    }
}

/// Resolves when a task of the node has panicked: it must not go on without it.
async fn panicked(tasks: &mut JoinSet<()>) -> Failure {
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended
            && error.is_panic()
        {
            return Failure::at("a part of this node panicked; it stops", error);
        }
    }
    std::future::pending().await
}

async fn listen(what: &str, address: std::net::SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|e| Failure::port(what, address, &e))
}

async fn start_consensus(
    file: &ClusterFile,
    bundle: &Bundle,
    demo: Demo,
    data: &Data,
    (metrics, consensus): (&NodeMetrics, &runtime::Handle),
) -> Result<Peers, Failure> {
    let metrics = metrics.clone();
    let config = RaftConfig {
        id: bundle.node,
        cluster: file.name.clone(),
        profile: match file.profile {
            cluster::Profile::Region => raft::Profile::REGION,
            cluster::Profile::Continent => raft::Profile::CONTINENT,
        },
        incarnation: random_u128(),
        clock: Arc::new(now),
        on_apply: Arc::new(move |batch| metrics.applied(batch)),
        work: raft::Work::Threads,
        jumps: if demo == Demo::No { raft::Jumps::Small } else { raft::Jumps::Any },
        bounds: Bounds { writes: held(file.limits.writes), proposals: held(file.limits.proposals) },
    };
    let own = bundle.clone();
    let net = PeerNet::new(Arc::new(move |to| {
        let towards = cluster::tls::client_config(&own, to).map_err(io::Error::other)?;
        Ok((towards.config, towards.name))
    }));
    let (store, log) = (data.store.clone(), data.log.clone());
    let started = consensus.spawn(async move { Cluster::start(config, store, log, net).await });
    Ok(started.await.map_err(|e| Failure::at("consensus", e))??)
}

fn serve_peers(
    tasks: &mut JoinSet<()>,
    listener: TcpListener,
    bundle: &Bundle,
    cluster: &Peers,
    (metrics, consensus): (&net::Metrics, &runtime::Handle),
) -> Result<(), Failure> {
    let tls = cluster::tls::server_config(bundle)?;
    let node_of = Arc::new(|certificate: &rustls::pki_types::CertificateDer<'_>| {
        match cluster::tls::identity_of(certificate) {
            Some(cluster::Identity::Node(id)) => Some(id),
            _ => None,
        }
    });
    let listener = listener.into_std().and_then(|l| {
        let _inside = consensus.enter();
        TcpListener::from_std(l)
    });
    let listener = listener.map_err(|e| Failure::at("peers", e))?;
    let metrics = metrics.clone();
    let on_stranger = Arc::new(move || metrics.cut(net::Service::Peers, net::Cut::Handshake));
    let sources = net::Sources::new(PEERS_AT_DOOR_OF_SOURCE);
    let places = Arc::new(move |address| {
        sources.admit(address).map(|place| Box::new(place) as Box<dyn std::any::Any + Send>)
    });
    let door = Door { tls, node_of, on_stranger, places };
    tasks.spawn_on(raft::transport::serve(listener, door, cluster.clone()), consensus);
    Ok(())
}

fn founders(bundle: &Bundle) -> BTreeMap<u64, Founder> {
    bundle.founding.node.iter().map(|(id, listed)| (*id, founder(listed))).collect()
}

fn founder(listed: &cluster::Founder) -> Founder {
    let role = match listed.role {
        cluster::Role::Voter => raft::Role::Voter,
        cluster::Role::Standby => raft::Role::Standby,
        cluster::Role::Edge => raft::Role::Edge,
    };
    Founder { role, raft: listed.addresses.raft }
}

/// Founds the cluster, joins it, or finds that this node belongs to it already.
async fn take_place(cluster: &Peers, bundle: &Bundle) -> Result<(), raft::StartError> {
    let founders = founders(bundle);
    match &bundle.joining {
        None => cluster.found(&founders).await,
        Some(joining) => cluster.join(founder(&joining.node), joining.contact.clone(), &founders).await,
    }
}

/// Nothing is served before this node has applied what a leader confirms as committed after the start: it never
/// answers from older data than before. An edge without a leader serves what it has, after a while, if it has anything.
async fn caught_up(cluster: &Peers, role: cluster::Role) {
    let fresh = async {
        while let Err(why) = cluster.view(Freshness::Linearizable).await {
            tracing::info!(%why, "waiting to catch up");
        }
    };
    if role != cluster::Role::Edge {
        return fresh.await;
    }
    let stale = async {
        tokio::time::sleep(EDGE_PATIENCE).await;
        while storage::Read::header(&cluster.store().view()).is_new() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        tracing::warn!("no leader is found; this edge serves what it has, and its answers may be old");
    };
    tokio::select! {
        biased;
        () = fresh => {}
        () = stale => {}
    }
}

/// A leader that stops hands over first: the write gap is then a tenth of an election's.
async fn step_aside(cluster: &Peers) {
    if !cluster.is_leader() {
        return;
    }
    let Some(heir) = cluster.status().heir() else { return };
    let handed = tokio::time::timeout(Duration::from_secs(1), cluster.transfer(heir)).await;
    if let Err(why) = handed.unwrap_or_else(|_| Err("it did not take over within a second".into())) {
        tracing::info!(to = heir, why, "leadership is not handed over; those that go on will elect");
    }
}

/// A number of the configuration as what can be held in memory.
pub fn held(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// The wall clock.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Random octets from the operating system.
pub fn random<const N: usize>() -> [u8; N]
where
    [u8; N]: ring::rand::RandomlyConstructable,
{
    ring::rand::generate(&ring::rand::SystemRandom::new())
        .expect("the operating system's random generator does not fail once it works")
        .expose()
}

fn random_u64() -> u64 {
    u64::from_be_bytes(random())
}

fn random_u128() -> u128 {
    u128::from_be_bytes(random())
}
