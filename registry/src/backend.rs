//! The port between what serves the world and what keeps the state, and its implementor without consensus.

use crate::{
    Actor, Command, Entry, Outcome, SvTrid, Timestamp, Verb,
    apply::{self, Step},
    tables,
};
use std::{
    fmt,
    future::{Future, ready},
    sync::{Arc, Mutex, PoisonError},
};
use storage::{Fault, Read, Store, View};

/// How fresh a view must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// What this node has applied.
    Local,
    /// Everything acknowledged anywhere before the call.
    Linearizable,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// No leader was found in time; nothing was done.
    NoLeader,
    /// The command was sent and its outcome is not known: ask `outcome` later.
    Unknown { svtrid: SvTrid },
    /// Too much waits already; nothing was done.
    Busy,
    /// This node's clock is that far ahead of the leader's; nothing was done.
    ClockDiffers { by_ms: i64 },
    /// The leader's clock moved too far and waits for the operator, or is behind state time; nothing was done.
    ClockHeld,
    /// This node's storage failed; it stops.
    Fault(String),
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unavailable::NoLeader => f.write_str("the cluster has no leader at the moment; try again"),
            Unavailable::Unknown { svtrid } => {
                write!(f, "the outcome of {svtrid} is unknown; ask again in a minute")
            }
            Unavailable::Busy => f.write_str("the cluster is busy; try again"),
            Unavailable::ClockDiffers { by_ms } => {
                write!(
                    f,
                    "this node's clock is {} s ahead of the leader's: set it, or use another node",
                    by_ms / 1000
                )
            }
            Unavailable::ClockHeld => {
                f.write_str("the leader's clock moved too far, or is behind the registry's time; `namingo-admin cluster status` says more")
            }
            Unavailable::Fault(why) => write!(f, "this node's storage failed: {why}"),
        }
    }
}

impl std::error::Error for Unavailable {}

impl From<Fault> for Unavailable {
    fn from(f: Fault) -> Unavailable {
        Unavailable::Fault(f.to_string())
    }
}

/// What a server of any protocol needs of the state.
pub trait Backend: Clone + Send + Sync + 'static {
    /// A view at least as fresh as asked. Waits for a leader, where it needs one, for five seconds at most.
    fn view(&self, freshness: Freshness) -> impl Future<Output = Result<View, Unavailable>> + Send;

    /// Carries a command out, once, wherever the leader is. `svtrid` must be new.
    fn submit(
        &self,
        verb: Verb,
        by: Actor,
        svtrid: SvTrid,
    ) -> impl Future<Output = Result<Outcome, Unavailable>> + Send;
}

/// Checks a command here first, which saves the log what is refused anyway, then submits it. A refusal found on
/// the local view is confirmed on a linearizable one before it is believed.
///
/// # Errors
/// No leader, or an outcome that could not be learnt.
pub async fn execute<B: Backend>(
    backend: &B,
    verb: Verb,
    by: Actor,
    svtrid: SvTrid,
) -> Result<Outcome, Unavailable> {
    let doubtful = apply::early_refusal(&backend.view(Freshness::Local).await?, &by, &verb)?.is_some();
    if doubtful {
        let fresh = backend.view(Freshness::Linearizable).await?;
        if let Some(no) = apply::early_refusal(&fresh, &by, &verb)? {
            return Ok(Outcome::Refused(no));
        }
    }
    backend.submit(verb, by, svtrid).await
}

/// The wall clock, as a value.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A registry of one process without consensus: for tests and measurements. Nothing is durable before a drain.
#[derive(Clone)]
pub struct Solo {
    store: Arc<Store>,
    clock: Clock,
    turn: Arc<Mutex<()>>,
}

impl fmt::Debug for Solo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Solo(index {})", self.store.view().header().index)
    }
}

impl Solo {
    pub fn new(store: Arc<Store>, clock: Clock) -> Solo {
        Solo { store, clock, turn: Arc::default() }
    }

    /// In memory, with every table of the registry.
    pub fn memory(clock: Clock) -> Solo {
        Solo::new(Arc::new(Store::memory(tables::ALL)), clock)
    }

    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Applies one command at the clock's instant.
    ///
    /// # Errors
    /// A storage fault.
    pub fn run(&self, verb: Verb, by: Actor, svtrid: SvTrid) -> Result<Outcome, Fault> {
        let now = self.now();
        self.run_entry(Entry { at: now, command: Command { svtrid, issued: now, by, verb } })
    }

    /// Applies one entry as it is.
    ///
    /// # Errors
    /// A storage fault.
    pub fn run_entry(&self, entry: Entry) -> Result<Outcome, Fault> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let index = self.store.view().header().index + 1;
        let steps = [Step { index, meta: Arc::from([].as_slice()), entry: Some(entry) }];
        let mut outcomes = apply::apply_batch(&self.store, &steps)?;
        if self.store.should_freeze() {
            self.store.freeze();
            self.store.drain(Some(index))?;
        }
        Ok(outcomes.pop().flatten().unwrap_or(Outcome::Internal))
    }
}

impl Backend for Solo {
    fn view(&self, _: Freshness) -> impl Future<Output = Result<View, Unavailable>> + Send {
        ready(Ok(self.store.view()))
    }

    fn submit(
        &self,
        verb: Verb,
        by: Actor,
        svtrid: SvTrid,
    ) -> impl Future<Output = Result<Outcome, Unavailable>> + Send {
        ready(self.run(verb, by, svtrid).map_err(Unavailable::from))
    }
}
