//! A snapshot is a handle on the state file as of its last drain: it costs nothing to take, reads nothing
//! from memory, and pins file pages (never a generation) for as long as it lives.

use crate::base::Base;
use crate::store::Monotonic;
use crate::sync::lock;
use crate::{Header, Store};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The snapshot handles that are alive, so that their age can be watched.
pub(crate) struct Register {
    clock: Monotonic,
    alive: Arc<Mutex<Alive>>,
}

#[derive(Default)]
struct Alive {
    next: u64,
    since: BTreeMap<u64, Duration>,
}

impl Register {
    pub(crate) fn new(clock: Monotonic) -> Register {
        Register { clock, alive: Arc::default() }
    }

    fn enter(&self) -> Ticket {
        let mut a = lock(&self.alive);
        a.next += 1;
        let number = a.next;
        a.since.insert(number, (self.clock)());
        Ticket { number, alive: self.alive.clone() }
    }

    /// Age of the oldest handle.
    pub(crate) fn oldest(&self) -> Option<Duration> {
        let first = lock(&self.alive).since.values().next().copied();
        first.map(|since| (self.clock)().saturating_sub(since))
    }
}

struct Ticket {
    number: u64,
    alive: Arc<Mutex<Alive>>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.alive).since.remove(&self.number);
    }
}

/// The drained state, unchanged by whatever is applied or drained after.
pub struct Snapshot {
    pub(crate) base: Arc<Base>,
    _ticket: Ticket,
}

impl Store {
    /// The state as of the last drain. Force a drain first where the newest is needed.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { base: self.layers.load().base.clone(), _ticket: self.snapshots.enter() }
    }
}

impl Snapshot {
    pub fn header(&self) -> &Header {
        &self.base.header
    }
}
