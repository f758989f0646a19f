//! A cluster in one process: nodes on simulated disks, messages in memory.

#![allow(dead_code, reason = "each test program uses a part of it")]

use openraft::{raft::TransferLeaderRequest, type_config::TypeConfigExt};
use raft::{
    Bounds, Cluster, Jumps, Live, NodeInfo, Profile, RaftConfig, Role, StartError, Work,
    founding::Founder,
    net::{CallError, Lane, Net, Service},
};
use registry::{
    Actor, Backend, Outcome, Reply, SvTrid, SvTrids, Timestamp, Verb,
    node::{NodeAllocate, NodeRemove, NodeRole},
    repository::RepositoryFound,
    tables,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use storage::{Log, LogWriter, Options, SimDisk, Store, codec};

pub type Node = Cluster<Live, MemNet>;

/// Delivers to the nodes that are registered, unless one of the two is cut off.
#[derive(Clone)]
pub struct MemNet {
    from: u64,
    shared: Arc<Mutex<Shared>>,
}

/// The number of an offer of leadership in [`Asked`].
const TRANSFER_LEADER: u8 = 3;

/// What peers ask each other, as it travels; only some variants carry what theirs do.
#[derive(Serialize)]
pub enum Asked {
    Append,
    Vote,
    PreVote,
    TransferLeader(TransferLeaderRequest<Live>),
    Submit,
    ReadIndex,
    Hello,
    Status,
    HandOver,
    SnapshotBegin,
    SnapshotPart,
    SnapshotEnd,
    Time,
    AcceptClock,
    Digest { index: u64, recompute: bool },
}

/// How a node introduces itself, as it travels.
#[derive(Serialize, Deserialize)]
pub struct Hello {
    incarnation: u128,
    wall: Timestamp,
    founded: Option<BTreeMap<u64, NodeInfo>>,
    pub members: BTreeMap<u64, NodeInfo>,
    pub index: u64,
    pub gone: bool,
}

type Forgery = Arc<dyn Fn(&mut Hello) + Send + Sync>;

#[derive(Default)]
struct Shared {
    nodes: BTreeMap<u64, Node>,
    cut: BTreeSet<u64>,
    /// Nodes that are cut off in the instant in which they are offered leadership.
    dies_offered: BTreeSet<u64>,
    /// What becomes of the introductions of some nodes.
    forged: BTreeMap<u64, Forgery>,
}

impl Net for MemNet {
    async fn call(
        &self,
        to: u64,
        _: &NodeInfo,
        _: Lane,
        request: Vec<u8>,
        limit: Duration,
    ) -> Result<Vec<u8>, CallError> {
        let (node, forgery) = {
            let mut shared = self.shared.lock().unwrap();
            // after the version: which request it is
            if shared.dies_offered.contains(&to) && request[1] == TRANSFER_LEADER {
                shared.cut.insert(to);
                return Err(CallError::Lost("nobody is there".into()));
            }
            let cut = shared.cut.contains(&to) || shared.cut.contains(&self.from);
            (shared.nodes.get(&to).filter(|_| !cut).cloned(), shared.forged.get(&to).cloned())
        };
        let node = node.ok_or_else(|| CallError::Unreachable("cut off".into()))?;
        let forgery = forgery.filter(|_| request == codec::encode_record(&Asked::Hello));
        let answer = Live::timeout(limit, node.answer(self.from, request))
            .await
            .map_err(|_| CallError::Lost("late".into()))?;
        Ok(match forgery {
            Some(forgery) => {
                let mut hello: Result<Hello, String> = codec::decode_record(&answer).unwrap();
                forgery(hello.as_mut().unwrap());
                codec::encode_record(&hello)
            }
            None => answer,
        })
    }
}

/// What is left of a node when its process is gone: its disks.
pub struct Machine {
    pub id: u64,
    pub log_disk: SimDisk,
    pub state_disk: SimDisk,
    running: Option<Running>,
    starts: u64,
    /// How far its wall clock is ahead of the real time.
    pub ahead_ms: Arc<AtomicI64>,
}

struct Running {
    node: Node,
    log: Arc<Log>,
    /// `None` while the log's disk stands still.
    writer: Option<LogWriter>,
    /// `None` while nothing drains.
    drain: Option<raft::Drain>,
}

impl Machine {
    fn new(id: u64) -> Machine {
        Machine {
            id,
            log_disk: SimDisk::new(),
            state_disk: SimDisk::new(),
            running: None,
            starts: 0,
            ahead_ms: Arc::default(),
        }
    }
}

pub struct Lab {
    shared: Arc<Mutex<Shared>>,
    pub machines: Vec<Machine>,
    founders: BTreeMap<u64, Founder>,
    ids: BTreeMap<u64, SvTrids>,
    pub bounds: Bounds,
}

pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_millis()).unwrap())
}

impl Lab {
    /// Founds a cluster with these roles, numbered from 1, and waits for a leader.
    pub async fn new(roles: &[Role]) -> Lab {
        Lab::with_bounds(roles, Bounds::default()).await
    }

    /// The same with bounds on writes.
    pub async fn with_bounds(roles: &[Role], bounds: Bounds) -> Lab {
        let ids = 1..=u64::try_from(roles.len()).unwrap();
        let raft = "127.0.0.1:1".parse().unwrap();
        let founders = ids.clone().zip(roles).map(|(id, role)| (id, Founder { role: *role, raft })).collect();
        let machines = ids.clone().map(Machine::new).collect();
        let ids = ids.map(|id| (id, SvTrids::new(id, 7))).collect();
        let mut lab = Lab { shared: Arc::default(), machines, founders, ids, bounds };
        for i in 0..lab.machines.len() {
            lab.start(i).await;
        }
        let founders = lab.founders.clone();
        let founding: Vec<_> = lab
            .nodes()
            .into_iter()
            .map(|node| {
                let founders = founders.clone();
                tokio::spawn(async move { node.found(&founders).await })
            })
            .collect();
        for founded in founding {
            founded.await.unwrap().unwrap();
        }
        lab.leader().await;
        lab
    }

    pub async fn start(&mut self, i: usize) {
        self.try_start(i).await.unwrap();
    }

    /// Starts a node, or says why it does not start.
    pub async fn try_start(&mut self, i: usize) -> Result<(), StartError> {
        let machine = &mut self.machines[i];
        machine.starts += 1;
        let log = Arc::new(Log::open(Arc::new(machine.log_disk.clone())).unwrap());
        let (writer, kept) = (log.spawn_writer().unwrap(), log.clone());
        let options = Options { assert_fresh: true, freeze_rows: 200, ..Options::default() };
        let store =
            Arc::new(Store::open(Arc::new(machine.state_disk.clone()), tables::ALL, options).unwrap());
        let drain = raft::Drain::spawn(
            store.clone(),
            log.clone(),
            Arc::new(|why| panic!("{why}")),
            Arc::new(|_, _| {}),
        )
        .unwrap();
        let ahead = machine.ahead_ms.clone();
        let config = RaftConfig {
            id: machine.id,
            cluster: "lab".into(),
            profile: Profile::REGION,
            incarnation: u128::from(machine.id * 1_000 + machine.starts),
            clock: Arc::new(move || now().plus_ms(ahead.load(Ordering::Relaxed))),
            on_apply: Arc::new(|_| {}),
            work: Work::Threads,
            jumps: Jumps::Small,
            bounds: self.bounds,
        };
        let net = MemNet { from: machine.id, shared: self.shared.clone() };
        let node = Cluster::start(config, store, log, net).await?;
        drop(tokio::spawn(node.serve_reads()));
        self.shared.lock().unwrap().nodes.insert(machine.id, node.clone());
        machine.running = Some(Running { node, log: kept, writer: Some(writer), drain: Some(drain) });
        Ok(())
    }

    /// Takes a node away as a power cut would: what was not synced is gone.
    pub async fn crash(&mut self, i: usize) {
        let machine = &mut self.machines[i];
        self.shared.lock().unwrap().nodes.remove(&machine.id);
        let Running { node, writer, drain, .. } = machine.running.take().unwrap();
        node.stop().await;
        machine.log_disk.crash();
        machine.state_disk.crash();
        drop((node, writer, drain));
    }

    /// The log's disk takes nothing from now on, and says nothing.
    pub fn stall(&mut self, i: usize) {
        self.machines[i].running.as_mut().unwrap().writer = None;
    }

    /// Nothing is drained from now on, as where the disk of the state has no room.
    pub fn stop_draining(&mut self, i: usize) {
        self.machines[i].running.as_mut().unwrap().drain = None;
    }

    /// It goes on.
    pub fn resume(&mut self, i: usize) {
        let running = self.machines[i].running.as_mut().unwrap();
        running.writer = Some(running.log.spawn_writer().unwrap());
    }

    /// Takes a node away with its disks.
    pub async fn lose(&mut self, i: usize) {
        self.crash(i).await;
        let machine = &mut self.machines[i];
        (machine.log_disk, machine.state_disk) = (SimDisk::new(), SimDisk::new());
    }

    /// Lets a founder settle again what it settled at the founding.
    pub async fn found(&self, id: u64) -> Result<(), StartError> {
        self.node(id).found(&self.founders).await
    }

    /// Has a number allocated and starts a new machine under it, which has not joined yet.
    pub async fn add(&mut self, role: NodeRole) -> u64 {
        let at_least = self.machines.iter().map(|m| m.id).max().unwrap_or(0);
        let leader = self.leader().await;
        let verb = Verb::NodeAllocate(NodeAllocate { role, at_least });
        let Ok(Outcome::Done(Reply::NodeAllocated { id })) = self.submit(&leader, verb).await else {
            panic!("no number was allocated");
        };
        self.boot_new(id).await;
        id
    }

    /// Starts a new machine under a number of its own choice.
    pub async fn boot_new(&mut self, id: u64) {
        self.machines.push(Machine::new(id));
        self.ids.insert(id, SvTrids::new(id, 7));
        self.start(self.machines.len() - 1).await;
    }

    /// Lets a new machine join.
    pub async fn join(&self, id: u64, role: Role) -> Result<(), StartError> {
        let own = Founder { role, raft: "127.0.0.1:1".parse().unwrap() };
        let contacts = self.founders.iter().map(|(id, founder)| (*id, founder.raft)).collect();
        self.node(id).join(own, contacts, &self.founders).await
    }

    /// Removes a node for ever, as the operator does.
    pub async fn remove(&self, id: u64, role: NodeRole) {
        let leader = self.leader().await;
        let gone = self.submit(&leader, Verb::NodeRemove(NodeRemove { id, role })).await;
        assert!(matches!(gone, Ok(Outcome::Done(_))), "{gone:?}");
        while let Err(why) = leader.remove(id).await {
            assert!(why.contains("under way"), "{why}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Purges the log of every running node down to `keep_octets`, and waits until something is gone everywhere.
    pub async fn purge(&self, keep_octets: u64) {
        for _ in 0..500 {
            let mut purged = true;
            for machine in self.machines.iter().filter(|m| m.running.is_some()) {
                let Running { node, .. } = machine.running.as_ref().unwrap();
                node.retain(keep_octets).await.unwrap();
                purged &= node.status().purged > 0;
            }
            if purged {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the log was not purged within 10 s");
    }

    /// Lets a node say something else of itself and its peers than what is true.
    pub fn forge(&self, id: u64, forgery: impl Fn(&mut Hello) + Send + Sync + 'static) {
        self.shared.lock().unwrap().forged.insert(id, Arc::new(forgery));
    }

    /// Sends a request as node `from` and says whether it was answered.
    pub async fn is_answered(&self, from: u64, to: u64, request: &Asked) -> bool {
        let net = MemNet { from, shared: self.shared.clone() };
        let limit = Duration::from_secs(5);
        let request = codec::encode_record(request);
        let answer = net.call(to, &NodeInfo::default(), Lane::Forward, request, limit).await.unwrap();
        // after the version: whether it is a value, or why there is none
        answer[1] == 0
    }

    /// Waits until the state file of a node holds what was applied. Nobody writes meanwhile: a generation ends between
    /// batches, and another node's answer does not tell that this one has applied its last.
    pub async fn drain(&self, id: u64) {
        let node = self.node(id);
        let mut applied = node.store().applied();
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let before = std::mem::replace(&mut applied, node.store().applied());
            if before == applied {
                break;
            }
        }
        for _ in 0..500 {
            node.store().freeze();
            if node.store().drained_index() >= applied {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("node {id} did not drain within 10 s");
    }

    pub fn cut(&self, id: u64) {
        self.shared.lock().unwrap().cut.insert(id);
    }

    /// Cuts a node off in the instant in which it is offered leadership.
    pub fn cut_when_offered(&self, id: u64) {
        self.shared.lock().unwrap().dies_offered.insert(id);
    }

    pub fn heal(&self) {
        self.shared.lock().unwrap().cut.clear();
    }

    pub fn nodes(&self) -> Vec<Node> {
        self.machines.iter().filter_map(|m| m.running.as_ref()).map(|running| running.node.clone()).collect()
    }

    pub fn node(&self, id: u64) -> Node {
        self.nodes().into_iter().find(|n| n.id() == id).unwrap()
    }

    /// A node that leads, as soon as one does.
    pub async fn leader(&self) -> Node {
        for _ in 0..1000 {
            if let Some(leader) = self.nodes().into_iter().find(|n| n.is_leader()) {
                return leader;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no leader within 10 s");
    }

    pub fn svtrid(&self, node: u64) -> SvTrid {
        self.ids[&node].next()
    }

    pub async fn submit(&self, node: &Node, verb: Verb) -> Result<Outcome, registry::Unavailable> {
        node.submit(verb, Actor::Operator("lab".into()), self.svtrid(node.id())).await
    }

    /// Founds the repository and makes the zone `.example`.
    pub async fn seed(&self) {
        let leader = self.leader().await;
        let found =
            RepositoryFound { name: "main".into(), roid_suffix: "LAB".into(), documentation_addresses: true };
        assert!(matches!(self.submit(&leader, Verb::RepositoryFound(found)).await, Ok(Outcome::Done(_))));
        let tld = registry::tld::TldCreate {
            name: "example".into(),
            model: registry::tld::DataModel::Minimum,
            contacts_required: Vec::new(),
            roid_suffix: "EXAMPLE".into(),
        };
        assert!(matches!(self.submit(&leader, Verb::TldCreate(Box::new(tld))).await, Ok(Outcome::Done(_))));
    }

    /// A command that writes one name: it marks a label as reserved.
    pub fn reserve(label: &str) -> Verb {
        Verb::MarkName(registry::tld::MarkName {
            tld: "example".into(),
            label: label.into(),
            kind: registry::tld::MarkKind::Reserved,
            note: String::new(),
        })
    }
}
