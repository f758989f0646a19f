//! Nodes that die at any instant, under load, and come back: nothing acknowledged is lost, no name has two owners, and
//! in the end all nodes hold the same state.
//!
//! `NAMINGO_CYCLES=200` kills as often, with 100,000 names from the start on; without it a few times.

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tests::{
    epp::Session,
    process::{Registry, das},
};

/// So many cycles are a proof, which begins with so many names; fewer are a test.
const MANY: usize = 100;
const NAMES: usize = 100_000;

fn cycles() -> usize {
    std::env::var("NAMINGO_CYCLES").ok().and_then(|n| n.parse().ok()).unwrap_or(8)
}

/// Writers that create names at all nodes until they are stopped.
struct Load {
    stop: Arc<AtomicBool>,
    created: Arc<Mutex<BTreeMap<String, &'static str>>>,
    workers: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(registry: &Registry, writers: usize, prefix: &str) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let created = Arc::new(Mutex::new(BTreeMap::new()));
        let next = Arc::new(AtomicUsize::new(0));
        let at: Vec<SocketAddr> = (1..=3).map(|node| registry.at(node, 7700)).collect();
        let workers = (0..writers)
            .map(|n| {
                let (stop, created, next) = (stop.clone(), created.clone(), next.clone());
                let (at, prefix) = (at.clone(), prefix.to_owned());
                thread::spawn(move || write(n, &at, &prefix, &stop, &created, &next))
            })
            .collect();
        Load { stop, created, workers }
    }

    fn count(&self) -> usize {
        self.created.lock().unwrap().len()
    }

    /// Waits until so many more names are acknowledged: the cluster takes writes.
    fn wait_for(&self, more: usize, registry: &Registry) {
        let (from, until) = (self.count(), Instant::now() + Duration::from_secs(60));
        while self.count() < from + more {
            assert!(Instant::now() < until, "no writes for a minute; log:\n{}", registry.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn stop(self) -> BTreeMap<String, &'static str> {
        self.stop.store(true, Ordering::Relaxed);
        for worker in self.workers {
            worker.join().unwrap();
        }
        Arc::into_inner(self.created).unwrap().into_inner().unwrap()
    }
}

const OWNERS: [&str; 3] = ["alpha", "beta", "gamma"];

fn write(
    n: usize,
    at: &[SocketAddr],
    prefix: &str,
    stop: &AtomicBool,
    created: &Mutex<BTreeMap<String, &'static str>>,
    next: &AtomicUsize,
) {
    let owner = OWNERS[n % 3];
    let mut node = n % at.len();
    let mut session = None;
    while !stop.load(Ordering::Relaxed) {
        let Some(open) = &mut session else {
            node = (node + 1) % at.len();
            session = Session::try_open(at[node]).ok().and_then(|mut s| {
                let login = s.try_login(owner, &format!("{owner}-secret")).ok()?;
                (login.code == 1000).then_some(s)
            });
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        let name = format!("{prefix}{}.example", next.fetch_add(1, Ordering::Relaxed));
        match open.create(&name) {
            Ok(answer) if answer.code == 1000 => {
                created.lock().unwrap().insert(name, owner);
            }
            // nothing was done
            Ok(answer) if answer.code == 2400 => {}
            // the outcome is not known: the name is not counted
            _ => session = None,
        }
    }
}

fn verify(registry: &Registry, created: &BTreeMap<String, &'static str>) {
    let names: Vec<String> = created.keys().cloned().collect();
    // a linearizable read on each node first: then each has applied everything
    for node in 1..=3 {
        let mut session = registry.session(node, "alpha");
        for (name, owner) in created.iter().step_by(created.len() / 50 + 1) {
            let info = session.info(name).unwrap();
            assert_eq!((info.code, info.text("clID")), (1000, Some(*owner)), "{name}: {}", info.xml);
        }
        let statuses = das(registry.at(node, 7044), &names).unwrap();
        let lost: Vec<_> = names.iter().zip(&statuses).filter(|(_, s)| *s != "registered").take(5).collect();
        assert!(lost.is_empty(), "node {node} lost {lost:?}");
    }
    let (equal, said) = registry.equal_members(1);
    assert_eq!(equal, 3, "{said}");
}

#[test]
fn kills_of_one_or_all_nodes_lose_nothing() {
    let mut registry = Registry::start(3, 0);
    let load = Load::start(&registry, 6, "kill");
    if cycles() >= MANY {
        while load.count() < NAMES {
            load.wait_for(1_000, &registry);
        }
    }
    let mut slowest = Duration::ZERO;
    for cycle in 0..cycles() {
        load.wait_for(100, &registry);
        let victims: Vec<u64> = match cycle % 4 {
            0 => vec![registry.leader()],
            1 => vec![registry.leader() % 3 + 1],
            2 => vec![1, 2, 3],
            _ => vec![registry.leader(), registry.leader() % 3 + 1],
        };
        let victims: BTreeSet<u64> = victims.into_iter().collect();
        for node in &victims {
            registry.kill(*node);
        }
        let began = Instant::now();
        registry.start_all_by_hand(&victims);
        slowest = slowest.max(began.elapsed());
    }
    load.wait_for(100, &registry);
    let created = load.stop();
    println!("{} names, {} cycles, slowest return {slowest:?}", created.len(), cycles());
    verify(&registry, &created);
}

#[test]
fn a_node_killed_again_and_again_never_repeats_an_identifier() {
    let mut registry = Registry::start(1, 0);
    let mut seen = BTreeSet::new();
    for boot in 0..cycles().max(4) {
        let mut session = registry.session(1, "alpha");
        for n in 0..5 {
            let answer = session.create(&format!("boot{boot}n{n}.example")).unwrap();
            assert_eq!(answer.code, 1000, "{}", answer.xml);
            let svtrid = answer.text("svTRID").unwrap().to_owned();
            assert!(seen.insert(svtrid.clone()), "{svtrid} came twice");
        }
        if boot == 0 {
            registry.kill_dev();
        } else {
            registry.kill(1);
        }
        registry.start_by_hand(1);
    }
}

#[test]
fn a_node_behind_the_purge_point_comes_back_by_snapshot_under_load() {
    let mut registry = Registry::start(3, 0);
    registry.stop();
    registry.configure("log_keep_mib = 1024", "log_keep_mib = 0");
    registry.restart(3, 0);
    let away = registry.leader() % 3 + 1;
    registry.kill(away);
    let load = Load::start(&registry, 4, "purge");
    // the log is purged behind what is drained: past everything that the dead node has
    let until = Instant::now() + Duration::from_secs(120);
    let leader = registry.leader();
    while registry.metric(leader, "namingo_raft_purged_index") < 2_000.0 {
        assert!(Instant::now() < until, "nothing was purged; log:\n{}", registry.log());
        thread::sleep(Duration::from_millis(200));
    }
    registry.start_by_hand(away);
    load.wait_for(200, &registry);
    // it came back by a snapshot, not by log
    registry.wait_logged("snapshot installed there");
    // purge, kill -9 of everything, restart: the nodes come up from what is left of their logs
    registry.kill_all();
    registry.start_all_by_hand(&BTreeSet::from([1, 2, 3]));
    load.wait_for(100, &registry);
    let created = load.stop();
    println!("{} names", created.len());
    verify(&registry, &created);
}

/// A state of so many names takes long enough to travel for a cut in the middle.
const TO_SEND: usize = 20_000;

#[test]
fn a_transfer_that_is_cut_in_the_middle_begins_again_by_itself() {
    let mut registry = Registry::start(3, 0);
    registry.stop();
    registry.configure("log_keep_mib = 1024", "log_keep_mib = 0");
    registry.restart(3, 0);
    let load = Load::start(&registry, 6, "cut");
    while load.count() < TO_SEND {
        load.wait_for(500, &registry);
    }
    let away = registry.leader() % 3 + 1;
    registry.kill(away);
    // the receiver is cut off, then the sender
    for victim_sends in [false, false, true] {
        let cut = (0..ATTEMPTS).any(|_| {
            wait_for_purge(&registry);
            cut_in_the_middle(&mut registry, away, victim_sends)
        });
        assert!(cut, "no transfer was cut in the middle; log:\n{}", registry.log());
    }
    registry.wait_node(away);
    load.wait_for(200, &registry);
    // it came back by a snapshot, not by log
    registry.wait_logged("snapshot installed there");
    assert!(!incoming(&registry, away).exists(), "what was half received is gone");
    verify(&registry, &load.stop());
}

/// Where a node puts a state that it receives.
fn incoming(registry: &Registry, node: u64) -> PathBuf {
    registry.data_dir.join(format!("node-{node}/main/state.new"))
}

/// Waits until the leader's log no longer holds what it holds now.
fn wait_for_purge(registry: &Registry) {
    let (leader, until) = (registry.leader(), Instant::now() + Duration::from_secs(120));
    let held = registry.metric(leader, "namingo_raft_last_log_index");
    while registry.metric(leader, "namingo_raft_purged_index") < held {
        assert!(Instant::now() < until, "nothing was purged; log:\n{}", registry.log());
        thread::sleep(Duration::from_millis(50));
    }
}

/// Starts a node that lacks what was purged and kills it, or the one that sends, while the state is on its way; says
/// whether that came in time. The receiver is dead afterwards, or goes on from a new sender.
fn cut_in_the_middle(registry: &mut Registry, receiver: u64, victim_sends: bool) -> bool {
    let file = incoming(registry, receiver);
    registry.spawn_by_hand(receiver);
    let until = Instant::now() + Duration::from_secs(60);
    // what the last cut has left goes first
    for is_there in [false, true] {
        while file.exists() != is_there {
            assert!(Instant::now() < until, "no snapshot came; log:\n{}", registry.log());
            thread::sleep(Duration::from_millis(1));
        }
    }
    let victim = if victim_sends { registry.leader() } else { receiver };
    registry.kill(victim);
    let in_time = file.exists();
    if victim_sends {
        registry.start_by_hand(victim);
    }
    if victim_sends && !in_time {
        registry.kill(receiver);
    }
    in_time
}

/// How often an outcome is made uncertain until it is: a leader that notices in time that nobody listens proposes
/// nothing.
const ATTEMPTS: usize = 10;

#[test]
fn an_unknown_outcome_is_told_for_certain_after_a_minute() {
    let registry = Registry::start(3, 0);
    let uncertain = (0..ATTEMPTS).find_map(|n| create_unheard(&registry, &format!("unknown{n}.example")));
    let (name, svtrid, asked) = uncertain.expect("no outcome was uncertain: nothing is proved");
    thread::sleep(Duration::from_secs(61).saturating_sub(asked.elapsed()));
    let leader = registry.leader();
    let (found, said) = registry.admin(leader % 3 + 1, &["outcome", &svtrid]);
    let exists = registry.session(leader, "alpha").info(&name).unwrap().code == 1000;
    assert_eq!(found, exists, "what `outcome` says is what is: {said}");
    assert!(said.contains(&svtrid), "{said}");
}

/// Creates a name at a leader whose followers hang; its name, identifier and instant where the outcome is not known.
fn create_unheard(registry: &Registry, name: &str) -> Option<(String, String, Instant)> {
    let leader = registry.leader();
    let others: Vec<u64> = (1..=3).filter(|n| *n != leader).collect();
    let mut session = registry.session(leader, "alpha");
    for node in &others {
        registry.pause(*node);
    }
    let asked = Instant::now();
    let answer = session.create(name).unwrap();
    for node in &others {
        registry.resume(*node);
    }
    assert!(matches!(answer.code, 2400 | 2500), "{}", answer.xml);
    if answer.code == 2400 {
        return None;
    }
    let svtrid = answer.text("svTRID").unwrap().to_owned();
    assert!(answer.xml.contains(&format!("outcome of {svtrid}")), "the message names it: {}", answer.xml);
    Some((name.to_owned(), svtrid, asked))
}
