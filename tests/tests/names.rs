//! Real input: the second-level labels of `../shared/data/real-labels.txt`, created through all three nodes of a
//! cluster whose leader is killed twice on the way and started again by hand.
//!
//! `NAMINGO_NAMES=all` takes all 100,607 labels; without it a spread of them is taken, every A-label among them.

#![allow(clippy::unwrap_used, reason = "a test may end at any line")]

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tests::{
    epp::Session,
    process::{Registry, das, shared},
};

const REGISTRARS: [&str; 3] = ["alpha", "beta", "gamma"];
const SESSIONS_PER_NODE: usize = 4;

/// What became of the labels.
#[derive(Default)]
struct Tally {
    /// Acknowledged: name → owner.
    created: BTreeMap<String, &'static str>,
    refused: BTreeMap<String, usize>,
    /// Answered 2500, or the connection broke: it may exist, then for this registrar.
    unknown: BTreeMap<String, &'static str>,
}

fn labels() -> Option<Vec<String>> {
    let text = std::fs::read_to_string(shared("data/real-labels.txt")?).expect("real-labels.txt");
    let all: Vec<&str> = text.lines().collect();
    let step = if std::env::var("NAMINGO_NAMES").is_ok_and(|v| v == "all") { 1 } else { 12 };
    let mut chosen: Vec<String> = all
        .iter()
        .enumerate()
        .filter(|(i, label)| i % step == 0 || label.starts_with("xn--"))
        .map(|(_, label)| (*label).to_owned())
        .collect();
    shuffle(&mut chosen);
    Some(chosen)
}

/// A fixed order that is not the alphabet's.
fn shuffle(labels: &mut [String]) {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for i in (1..labels.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        labels.swap(i, usize::try_from(state >> 33).expect("31 bits") % (i + 1));
    }
}

#[test]
fn real_names_survive_two_dead_leaders() {
    let Some(labels) = labels() else { return };
    let mut registry = Registry::start(3, 0);
    let labels = Arc::new(labels);
    let next = Arc::new(AtomicUsize::new(0));
    let tally = Arc::new(Mutex::new(Tally::default()));
    let began = Instant::now();
    let workers: Vec<_> = (0..3 * SESSIONS_PER_NODE)
        .map(|n| {
            let at: Vec<SocketAddr> = registry.nodes().map(|node| registry.at(node, 7700)).collect();
            let (labels, next, tally) = (labels.clone(), next.clone(), tally.clone());
            thread::spawn(move || work(n, &at, &labels, &next, &tally))
        })
        .collect();
    for third in 1..=2 {
        while next.load(Ordering::Relaxed) < labels.len() * third / 3 {
            assert!(
                workers.iter().any(|w| !w.is_finished()),
                "every worker gave up; log:\n{}",
                registry.log()
            );
            thread::sleep(Duration::from_millis(20));
        }
        let leader = registry.leader();
        println!("{:?}: killing the leader, node {leader}", began.elapsed());
        registry.kill(leader);
        thread::sleep(Duration::from_secs(2));
        registry.start_by_hand(leader);
        println!("{:?}: node {leader} is back", began.elapsed());
    }
    for worker in workers {
        worker.join().unwrap();
    }
    let tally = Arc::into_inner(tally).unwrap().into_inner().unwrap();
    println!(
        "{:?}: {} created, {} unknown, refused: {:?}",
        began.elapsed(),
        tally.created.len(),
        tally.unknown.len(),
        tally.refused
    );
    verify(&registry, &labels, &tally);
}

/// Takes labels and creates them, at one node until it dies, then at the next.
fn work(n: usize, at: &[SocketAddr], labels: &[String], next: &AtomicUsize, tally: &Mutex<Tally>) {
    let owner = REGISTRARS[n % REGISTRARS.len()];
    let mut node = n % at.len();
    let mut session = connect(&mut node, at, owner);
    loop {
        let Some(label) = labels.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
        let name = format!("{label}.example");
        let mut unknown = false;
        loop {
            match create(&mut session, &name) {
                Ok(Created::Yes) => {
                    tally.lock().unwrap().created.insert(name, owner);
                    break;
                }
                // its own earlier attempt may have been carried out: verified at the end
                Ok(Created::Refused(_)) if unknown => break,
                Ok(Created::Refused(why)) => {
                    *tally.lock().unwrap().refused.entry(why).or_default() += 1;
                    break;
                }
                Ok(Created::NotNow) => thread::sleep(Duration::from_millis(100)),
                Ok(Created::Unknown) | Err(_) => {
                    unknown = true;
                    tally.lock().unwrap().unknown.insert(name.clone(), owner);
                    session = connect(&mut node, at, owner);
                }
            }
        }
    }
}

enum Created {
    Yes,
    Refused(String),
    /// 2400: nothing was done.
    NotNow,
    /// 2500: the connection is closed and the outcome is not known.
    Unknown,
}

fn create(session: &mut Session, name: &str) -> io::Result<Created> {
    let answer = session.create(name)?;
    Ok(match answer.code {
        1000 => Created::Yes,
        2400 => Created::NotNow,
        2500 => Created::Unknown,
        code => {
            let reason = answer.text("reason").unwrap_or("").replace(name, "NAME");
            Created::Refused(format!("{code} {reason}"))
        }
    })
}

fn connect(node: &mut usize, at: &[SocketAddr], owner: &str) -> Session {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        if let Ok(mut session) = Session::try_open(at[*node])
            && session.try_login(owner, &format!("{owner}-secret")).is_ok_and(|a| a.code == 1000)
        {
            return session;
        }
        assert!(Instant::now() < until, "no node lets {owner} in");
        *node = (*node + 1) % at.len();
        thread::sleep(Duration::from_millis(50));
    }
}

fn verify(registry: &Registry, labels: &[String], tally: &Tally) {
    let a_labels = labels.iter().filter(|l| l.starts_with("xn--")).count();
    assert_eq!(a_labels, 841, "the A-labels of the list");
    let refused: usize = tally.refused.values().sum();
    let answered = tally.created.len() + refused;
    // a refusal that was lost with its connection is not counted when it is given again
    let lost = tally.unknown.keys().filter(|name| name.starts_with("xn--")).count();
    assert!(refused + lost >= a_labels, "all A-labels are refused: {:?}, {lost} lost", tally.refused);
    assert!(answered + tally.unknown.len() >= labels.len(), "every label has an answer");
    // every node answers every name from its own storage
    let names: Vec<String> = labels.iter().map(|l| format!("{l}.example")).collect();
    for node in registry.nodes() {
        wait_for_log(registry, node);
        let statuses = das(registry.at(node, 7044), &names).unwrap();
        for (name, status) in names.iter().zip(&statuses) {
            if tally.created.contains_key(name) {
                assert_eq!(status, "registered", "node {node} lost {name}");
            } else if !tally.unknown.contains_key(name) {
                assert_ne!(status, "registered", "node {node}: {name} was refused");
            }
        }
    }
    // no name has another owner than the one that was told so
    let mut session = registry.session(1, "alpha");
    for (name, owner) in tally.created.iter().step_by(7) {
        let info = session.info(name).unwrap();
        assert_eq!((info.code, info.text("clID")), (1000, Some(*owner)), "{name}: {}", info.xml);
    }
    for (name, owner) in &tally.unknown {
        let info = session.info(name).unwrap();
        assert!(info.code == 2303 || info.text("clID") == Some(*owner), "{name}: {}", info.xml);
    }
}

/// The nodes answer from what they have applied: waits until this one has applied what the leader has committed.
fn wait_for_log(registry: &Registry, node: u64) {
    let committed = registry.metric(registry.leader(), "namingo_raft_commit_index");
    let until = Instant::now() + Duration::from_secs(10);
    while registry.metric(node, "namingo_raft_applied_index") < committed {
        assert!(Instant::now() < until, "node {node} does not catch up");
        thread::sleep(Duration::from_millis(10));
    }
}
