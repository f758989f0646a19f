//! Everything that the tasks of a run share: chance, virtual time, the machines, the network's weather, what is
//! known to be true, and the trace.

use super::{
    client::History,
    machine::{Machine, Node},
    mutant::Mutant,
    net::Weather,
    rng::Rng,
    runtime::Group,
    trace::Trace,
    truth::Truth,
};
use raft::{Role, founding::Founder};
use registry::Timestamp;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// 2026-01-01T00:00:00Z, where every run begins.
const START_MS: i64 = 1_767_225_600_000;
/// Two clocks of a cluster differ by less than twice this.
const CLOCK_OFFSET_MS: u64 = 950;

pub const VOTERS: [u64; 3] = [1, 2, 3];
pub const NODES: [u64; 4] = [1, 2, 3, 4];

pub struct World {
    pub mutant: Mutant,
    began: Instant,
    clock_offset_ms: BTreeMap<u64, i64>,
    /// What somebody did to a node's clock.
    clock_wrong_ms: BTreeMap<u64, AtomicI64>,
    inner: Mutex<Inner>,
}

/// The parts that change; locked for an instant, never over an await.
pub struct Inner {
    pub rng: Rng,
    pub trace: Trace,
    pub machines: BTreeMap<u64, Machine>,
    pub weather: Weather,
    pub truth: Truth,
    pub history: History,
    /// When the operator last sent word that clocks are right.
    pub clocks_accepted_ms: u64,
    pub now_ms: u64,
    violation: Option<String>,
}

impl Inner {
    /// What came after a violation explains nothing.
    pub fn note(&mut self, event: fmt::Arguments<'_>) {
        if self.violation.is_none() {
            self.trace.note(self.now_ms, event);
        }
    }

    /// A message: hashed, not shown.
    pub fn message(&mut self, event: fmt::Arguments<'_>) {
        self.trace.tally(self.now_ms, event);
    }

    /// The first violation ends the run.
    pub fn violation(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.note(format_args!("VIOLATION {what}"));
        self.violation.get_or_insert(what);
    }

    pub fn check(&mut self, checked: Result<(), String>) {
        if let Err(what) = checked {
            self.violation(what);
        }
    }
}

impl World {
    pub fn new(seed: u64, mutant: Mutant) -> Arc<World> {
        let mut rng = Rng::new(seed);
        let mut offset =
            || i64::try_from(rng.below(2 * CLOCK_OFFSET_MS)).unwrap() - CLOCK_OFFSET_MS.cast_signed();
        let clock_offset_ms = NODES.iter().map(|id| (*id, offset())).collect();
        let machines = NODES.iter().map(|id| (*id, Machine::new(*id))).collect();
        let inner = Inner {
            rng,
            trace: Trace::default(),
            machines,
            weather: Weather::default(),
            truth: Truth::default(),
            history: History::default(),
            clocks_accepted_ms: 0,
            now_ms: 0,
            violation: None,
        };
        let clock_wrong_ms = NODES.iter().map(|id| (*id, AtomicI64::new(0))).collect();
        let inner = Mutex::new(inner);
        Arc::new(World { mutant, began: Instant::now(), clock_offset_ms, clock_wrong_ms, inner })
    }

    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.now_ms = u64::try_from(self.elapsed().as_millis()).unwrap();
        inner
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The wall clock of a node.
    pub fn clock(&self, id: u64) -> Timestamp {
        let wrong_ms = self.clock_wrong_ms[&id].load(Ordering::Relaxed);
        Timestamp(self.true_ms() + self.clock_offset_ms[&id] + wrong_ms)
    }

    /// What a good clock says.
    pub fn true_ms(&self) -> i64 {
        START_MS + i64::try_from(self.elapsed().as_millis()).unwrap()
    }

    pub fn set_clock(&self, id: u64, wrong_ms: i64) {
        self.clock_wrong_ms[&id].store(wrong_ms, Ordering::Relaxed);
    }

    pub fn are_clocks_right(&self) -> bool {
        self.clock_wrong_ms.values().all(|wrong| wrong.load(Ordering::Relaxed) == 0)
    }

    pub fn found_violation(&self) -> Option<String> {
        self.lock().violation.clone()
    }

    pub fn founders(&self) -> BTreeMap<u64, Founder> {
        let raft = "127.0.0.1:1".parse().unwrap();
        let role = |id: &u64| if VOTERS.contains(id) { Role::Voter } else { Role::Standby };
        NODES.iter().map(|id| (*id, Founder { role: role(id), raft })).collect()
    }

    /// A started node with the group of its tasks.
    pub fn node(&self, id: u64) -> Option<(Node, Group)> {
        let inner = self.lock();
        let running = inner.machines[&id].running.as_ref()?;
        Some((running.node.clone()?, running.group.clone()))
    }

    pub fn nodes(&self) -> Vec<Node> {
        NODES.iter().filter_map(|id| self.node(*id)).map(|(node, _)| node).collect()
    }

    pub fn leader(&self) -> Option<Node> {
        self.nodes().into_iter().find(Node::is_leader)
    }

    pub fn is_down(&self, id: u64) -> bool {
        self.lock().machines[&id].running.is_none()
    }

    /// What the logs of the voters hold durably now; of a voter that is down, what it held last.
    pub fn durable(&self) -> BTreeMap<u64, Option<u64>> {
        let inner = self.lock();
        VOTERS.iter().map(|id| (*id, inner.machines[id].durable())).collect()
    }
}
