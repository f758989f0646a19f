//! A snapshot is a handle on the state file as of its last drain: it costs nothing to take, reads nothing
//! from memory, and pins file pages (never a generation) for as long as it lives. Written to a stream it
//! holds the replicated tables in key order.

use crate::base::Base;
use crate::store::Monotonic;
use crate::stream::{FORMAT, Opening, Sink};
use crate::sync::lock;
use crate::{Fault, Header, Kind, Store};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Why an export or an import did not come to its end. Only `Fault` concerns this node's own state.
#[derive(Debug)]
pub enum TransferError {
    /// The stream's other side failed.
    Stream(io::Error),
    /// The snapshot is damaged, foreign, or not newer than the state; nothing was changed.
    Refused(String),
    /// Another snapshot is being written: one long reader at a time.
    Busy {
        since: Duration,
    },
    Fault(Fault),
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransferError::Stream(e) => write!(f, "snapshot stream: {e}"),
            TransferError::Refused(why) => f.write_str(why),
            TransferError::Busy { since } => {
                write!(
                    f,
                    "another snapshot has been written for {} s: try again when it is done",
                    since.as_secs()
                )
            }
            TransferError::Fault(e) => write!(f, "snapshot: {e}"),
        }
    }
}

impl std::error::Error for TransferError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TransferError::Stream(e) => Some(e),
            TransferError::Fault(e) => Some(e),
            TransferError::Refused(_) | TransferError::Busy { .. } => None,
        }
    }
}

impl From<Fault> for TransferError {
    fn from(e: Fault) -> TransferError {
        TransferError::Fault(e)
    }
}

/// The snapshot handles that are alive, so that their age can be watched, and the one that is written.
#[derive(Clone)]
pub(crate) struct Register {
    clock: Monotonic,
    alive: Arc<Mutex<Alive>>,
}

#[derive(Default)]
struct Alive {
    next: u64,
    since: BTreeMap<u64, Duration>,
    writing_since: Option<Duration>,
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
        Ticket { number, register: self.clone() }
    }

    /// Age of the oldest handle.
    pub(crate) fn oldest(&self) -> Option<Duration> {
        let first = lock(&self.alive).since.values().next().copied();
        first.map(|since| (self.clock)().saturating_sub(since))
    }

    fn begin_writing(&self) -> Result<Turn, TransferError> {
        let now = (self.clock)();
        let mut a = lock(&self.alive);
        if let Some(since) = a.writing_since {
            return Err(TransferError::Busy { since: now.saturating_sub(since) });
        }
        a.writing_since = Some(now);
        Ok(Turn(self.clone()))
    }
}

struct Ticket {
    number: u64,
    register: Register,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.register.alive).since.remove(&self.number);
    }
}

/// The right to write a snapshot of a store: one at a time, until it is dropped.
pub struct Turn(Register);

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turn")
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&self.0.alive).writing_since = None;
    }
}

/// The drained state, unchanged by whatever is applied or drained after.
pub struct Snapshot {
    base: Arc<Base>,
    ticket: Ticket,
}

impl Store {
    /// The state as of the last drain. Force a drain first where the newest is needed.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { base: self.layers.load().base.clone(), ticket: self.snapshots.enter() }
    }
}

impl Snapshot {
    pub fn header(&self) -> &Header {
        &self.base.header
    }

    /// Writes the replicated tables for [`Store::import`]. Takes minutes for a large registry; one at a
    /// time per store.
    ///
    /// # Errors
    /// `Busy`, what the stream says, or a fault of the state file.
    pub fn write(&self, to: &mut dyn io::Write) -> Result<(), TransferError> {
        self.write_in(self.turn()?, to)
    }

    /// The turn to write, before anything is written.
    ///
    /// # Errors
    /// `Busy`.
    pub fn turn(&self) -> Result<Turn, TransferError> {
        self.ticket.register.begin_writing()
    }

    /// [`Snapshot::write`] in a turn that was taken before, and ends with it.
    ///
    /// # Errors
    /// What the stream says, or a fault of the state file.
    pub fn write_in(&self, _turn: Turn, to: &mut dyn io::Write) -> Result<(), TransferError> {
        let replicated = || {
            let metas = self.base.catalogue.metas().iter().enumerate();
            metas.filter(|(_, m)| m.kind == Kind::Replicated)
        };
        let opening = Opening {
            format: FORMAT.to_owned(),
            header: self.base.header.clone(),
            tables: replicated().map(|(_, m)| (m.id, m.name.to_owned())).collect(),
        };
        let mut sink = Sink::open(to, &opening)?;
        for (slot, meta) in replicated() {
            let Some(table) = self.base.table(slot) else { continue };
            for row in table.range::<&[u8]>(..).map_err(Fault::from)? {
                let (key, value) = row.map_err(|e| Fault::from(e).at(meta.name, &[]))?;
                sink.row(meta.id, key.value(), value.value())?;
            }
        }
        sink.close()
    }
}
