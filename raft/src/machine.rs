//! openraft's state machine: a batch of committed entries becomes one transaction of the registry.
//!
//! Apply waits for no disk; a generation is frozen between batches, and drained behind (`drain.rs`). A snapshot is
//! a handle on the drained base; its transfer is in `snapshot.rs`.

use crate::{
    Progress,
    types::{Applied, Cx, LogEntry, LogId, Membership, Meta, Payload, Snapshot},
};
use futures_util::{Stream, StreamExt};
use openraft::{
    OptionalSend, RaftSnapshotBuilder,
    storage::{ApplyResponder, EntryResponder, RaftStateMachine},
    type_config::TypeConfigExt,
};
use registry::{
    Outcome,
    apply::{Step, apply_batch},
};
use std::{io, marker::PhantomData, sync::Arc, time::Duration};
use storage::{Fault, Pressure, Read, Store, TransferError, codec};

/// Entries of one transaction at most: bounds what one publication costs.
const BATCH_MAX: usize = 1024;

/// The state of one repository as openraft drives it.
pub struct Machine<C> {
    store: Arc<Store>,
    progress: Arc<Progress>,
    on_apply: OnApply,
    /// The log id and membership of what is applied; committed with every batch.
    head: Head,
    _cx: PhantomData<fn() -> C>,
}

/// What storage keeps for the replication layer in every header.
pub(crate) type Head = (Option<LogId>, Membership);

/// A batch that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    pub entries: usize,
    /// Commands that met a defect of the registry.
    pub internal: usize,
    pub took: Duration,
}

/// Called after each batch.
pub type OnApply = Arc<dyn Fn(Batch) + Send + Sync>;

/// The data of a snapshot: a handle on a drained base where it is sent from, a file beside the state where it is
/// received.
pub enum Snap {
    Drained(Arc<storage::Snapshot>),
    Staged(Box<storage::Staged>),
}

impl<C: Cx> Machine<C> {
    /// # Errors
    /// The header's replication part can't be read.
    pub fn new(store: Arc<Store>, progress: Arc<Progress>, on_apply: OnApply) -> Result<Machine<C>, Fault> {
        let head = head_of(store.view().header())?;
        Ok(Machine { store, progress, on_apply, head, _cx: PhantomData })
    }

    fn apply_chunk(&mut self, chunk: Vec<EntryResponder<C>>) -> io::Result<()> {
        let began = C::now();
        let progress = self.progress.clone();
        let _turn = progress.turn()?;
        let mut steps = Vec::with_capacity(chunk.len());
        let mut responders: Vec<Option<ApplyResponder<C>>> = Vec::with_capacity(chunk.len());
        for (entry, responder) in chunk {
            steps.push(self.step(entry));
            responders.push(responder);
        }
        let outcomes = apply_batch(&self.store, &steps).map_err(|fault| {
            tracing::error!(%fault, "the state can't be written; this node stops");
            io::Error::other(fault)
        })?;
        // the proposer first: whoever takes the outcome from elsewhere stops listening to consensus
        for (responder, outcome) in responders.into_iter().zip(&outcomes) {
            if let Some(responder) = responder {
                responder.send(Applied(outcome.clone()));
            }
        }
        for (step, outcome) in steps.iter().zip(&outcomes) {
            if let (Some(entry), Some(outcome)) = (&step.entry, outcome) {
                self.progress.came(&entry.command.svtrid, outcome);
            }
        }
        if let Some(last) = steps.last() {
            self.progress.reached(last.index);
        }
        if self.store.should_freeze() {
            self.store.freeze();
        }
        let internal = outcomes.iter().filter(|o| matches!(o, Some(Outcome::Internal))).count();
        (self.on_apply)(Batch { entries: steps.len(), internal, took: C::now() - began });
        Ok(())
    }

    fn step(&mut self, entry: LogEntry) -> Step {
        let id = entry.log_id;
        self.head.0 = Some(id);
        let command = match entry.payload {
            Payload::Blank => None,
            Payload::Normal(entry) => Some(entry),
            Payload::Membership(m) => {
                self.head.1 = Membership::new(Some(id), m);
                None
            }
        };
        Step { index: id.index, meta: codec::encode(&self.head).into(), entry: command }
    }

    fn snapshot(&self) -> io::Result<Snapshot> {
        let snapshot = self.store.snapshot();
        let (last_log_id, last_membership) = head_of(snapshot.header()).map_err(io::Error::other)?;
        Ok(Snapshot {
            meta: Meta { last_log_id, last_membership },
            snapshot: Snap::Drained(Arc::new(snapshot)),
        })
    }
}

pub(crate) fn head_of(header: &storage::Header) -> Result<Head, Fault> {
    if header.meta.is_empty() { Ok(Head::default()) } else { codec::decode(&header.meta) }
}

impl<C: Cx> RaftStateMachine<C> for Machine<C> {
    type SnapshotData = Snap;
    type SnapshotBuilder = Builder<C>;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, Membership)> {
        Ok(self.head.clone())
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<C>>> + Unpin + OptionalSend,
    {
        let mut chunk = Vec::new();
        while let Some(item) = entries.next().await {
            chunk.push(item?);
            if chunk.len() == BATCH_MAX {
                self.apply_chunk(std::mem::take(&mut chunk))?;
            }
        }
        if !chunk.is_empty() {
            self.apply_chunk(chunk)?;
        }
        // the last resort: the leader has stopped proposing long before memory is full, and a follower takes nothing then.
        // A node that stops must not wait for its disk
        while self.store.pressure() == Pressure::Full && !self.progress.is_ending() {
            C::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    async fn try_create_snapshot_builder(&mut self, _force: bool) -> Option<Builder<C>> {
        Some(Builder(Machine {
            store: self.store.clone(),
            progress: self.progress.clone(),
            on_apply: self.on_apply.clone(),
            head: self.head.clone(),
            _cx: PhantomData,
        }))
    }

    async fn get_snapshot_builder(&mut self) -> Builder<C> {
        self.try_create_snapshot_builder(true).await.expect("a forced builder is always made")
    }

    /// The state is replaced durably before this returns; readers of the old one go on.
    async fn install_snapshot(&mut self, _meta: &Meta, snapshot: Snap) -> io::Result<()> {
        let progress = self.progress.clone();
        let _turn = progress.turn()?;
        install(&self.store, snapshot).map_err(io::Error::other)?;
        crate::cluster::rebuild_outcomes(&self.store).map_err(io::Error::other)?;
        let header = self.store.view().header().clone();
        self.head = head_of(&header).map_err(io::Error::other)?;
        self.progress.reached(header.index);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<Snapshot>> {
        let snapshot = self.snapshot()?;
        Ok(snapshot.meta.last_log_id.is_some().then_some(snapshot))
    }
}

/// Puts a snapshot in the state's place; one that was not received is read from where it is.
fn install(store: &Store, snapshot: Snap) -> Result<(), TransferError> {
    match snapshot {
        Snap::Staged(staged) => store.install(*staged),
        Snap::Drained(source) => {
            let mut all = Vec::new();
            source.write(&mut all)?;
            store.import(&mut all.as_slice(), source.header())
        }
    }
}

/// Makes a snapshot of everything applied when it is asked: drained first, since openraft purges up to it next. The
/// drain itself is the drain thread's.
pub struct Builder<C>(Machine<C>);

impl<C: Cx> RaftSnapshotBuilder<C> for Builder<C> {
    type SnapshotData = Snap;

    async fn build_snapshot(&mut self) -> io::Result<Snapshot> {
        let Machine { store, progress, .. } = &self.0;
        let wanted = store.view().header().clone();
        // the first entry of a log has index 0, as a state without any has: the replication part tells them apart
        let covers = |drained: &storage::Header| drained.index > wanted.index || drained.meta == wanted.meta;
        while !covers(&store.drained_header()) {
            {
                let _turn = progress.turn()?;
                store.freeze();
            }
            C::sleep(Duration::from_millis(2)).await;
        }
        self.0.snapshot()
    }
}
