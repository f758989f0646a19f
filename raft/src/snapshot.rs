//! Streamed transfer of a snapshot to a node whose missing entries are purged.
//!
//! The sender reads the drained base, the receiver builds its new state file from the stream while it goes on
//! serving the old; only the switch, and the purge of the log behind it, is openraft's. Parts travel on a lane of
//! their own, one at a time, so that a transfer holds a few parts in memory and never delays a heartbeat. A transfer
//! that breaks off is begun again by openraft; what was received is dropped then, or when nothing comes for minutes.

use crate::{
    cluster::Inner,
    leading::Leading,
    machine::Snap,
    net::{CallError, Lane, Net},
    sending::Sending,
    types::{Cx, Meta, NodeInfo, Role, Snapshot, Vote},
    wire::{self, Request},
};
use futures_util::future::{Either, select};
use openraft::{
    errors::{NetworkError, ReplicationClosed, StreamingError, Unreachable},
    raft::SnapshotResponse,
    type_config::TypeConfigExt,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    future::Future,
    io,
    pin::pin,
    sync::{Arc, Weak},
    thread,
    time::Duration,
};
use storage::{Header, Staged, Store};
use tokio::sync::{mpsc, oneshot};

/// Octets of one part.
const PART: usize = 1 << 20;
/// Parts between a thread that works on the disk and the network, at most.
const PARTS_AHEAD: usize = 4;
/// While writes go on a transfer rests after each part, so many times as long as that took and this long at most: it must
/// not take the leader's processor and the disks from them. (A far receiver's parts take long by themselves.)
const RESTS: u32 = 4;
const REST_MAX: Duration = Duration::from_millis(50);
/// How long one part, or the building of the last one, may take.
const PART_LIMIT: Duration = Duration::from_secs(30);
/// How long a peer may take to be told that a snapshot comes: the turn to write one is held meanwhile.
const BEGIN_LIMIT: Duration = Duration::from_secs(10);
/// How long the last step may take: syncing the file and switching to it.
const END_LIMIT: Duration = Duration::from_secs(300);
/// How often it is asked whether the last step is over: an answer can be lost with a connection or with the peer's
/// power, and until the peer is known to be there again it gets no entries.
const END_ASK: Duration = Duration::from_secs(5);
const END_PAUSE: Duration = Duration::from_millis(500);
/// From when on a transfer must have a rate, and which, on average: whoever takes less holds the one turn to write a
/// snapshot, and pages of the state file, for others that could be served.
const RATE_FROM: Duration = Duration::from_secs(60);
const RATE_MIN: u64 = 1 << 20;

/// Whether disk work runs on threads of its own; a simulation has none and holds the whole stream in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Threads,
    Inline,
}

/// What announces a snapshot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Announced {
    pub(crate) vote: Vote,
    pub(crate) meta: Meta,
    pub(crate) index: u64,
    pub(crate) state_time: i64,
    pub(crate) next_id: u64,
    pub(crate) digest: u128,
    pub(crate) head: Vec<u8>,
}

impl Announced {
    fn of(vote: Vote, meta: Meta, header: &Header) -> Announced {
        Announced {
            vote,
            meta,
            index: header.index,
            state_time: header.state_time,
            next_id: header.next_id,
            digest: header.digest,
            head: header.meta.to_vec(),
        }
    }

    fn header(&self) -> Header {
        Header {
            index: self.index,
            state_time: self.state_time,
            next_id: self.next_id,
            digest: self.digest,
            meta: self.head.clone().into(),
        }
    }
}

/// One peer to send to.
pub(crate) struct Receiver<'a, C: Cx, N> {
    pub(crate) net: &'a N,
    pub(crate) id: u64,
    pub(crate) node: &'a NodeInfo,
    pub(crate) sending: &'a Sending<C>,
    pub(crate) leading: &'a Leading<C>,
    pub(crate) work: Work,
}

impl<C: Cx, N: Net> Receiver<'_, C, N> {
    /// Sends a snapshot and waits until it is installed, or until openraft gives the transfer up.
    pub(crate) async fn send(
        &self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
    ) -> Result<SnapshotResponse<C>, StreamingError<C>> {
        match select(pin!(self.stream(vote, snapshot)), pin!(cancel)).await {
            Either::Left((sent, _)) => sent,
            Either::Right((closed, _)) => Err(StreamingError::Closed(closed)),
        }
    }

    async fn stream(&self, vote: Vote, snapshot: Snapshot) -> Result<SnapshotResponse<C>, StreamingError<C>> {
        let Snap::Drained(source) = snapshot.snapshot else {
            let why = "a received snapshot is installed, not sent on";
            return Err(StreamingError::Unreachable(Unreachable::from_string(why)));
        };
        let announced = Announced::of(vote, snapshot.meta, source.header());
        if self.sending.begin(self.id, announced.index) {
            tracing::info!(to = self.id, index = announced.index, "sending a snapshot");
        }
        // whoever is written to now goes first: a receiver that is told to begin has dropped what it had
        self.stand_back()?;
        let turn = source.turn().map_err(|e| {
            if self.node.role == Role::Voter {
                self.sending.voter_waits(C::now());
            }
            StreamingError::Unreachable(Unreachable::new(&e))
        })?;
        let (index, begin) = (announced.index, Request::SnapshotBegin(Box::new(announced)));
        let transfer: u64 = self.ask(&begin, BEGIN_LIMIT).await?;
        let sent = self.parts(transfer, index, source, turn).await;
        if sent.is_err() {
            // the snapshot is let go: the next attempt has a newer one
            C::sleep(self.sending.broke_off(self.id)).await;
        }
        sent
    }

    /// Sends what was announced.
    async fn parts(
        &self,
        transfer: u64,
        index: u64,
        source: Arc<storage::Snapshot>,
        turn: storage::Turn,
    ) -> Result<SnapshotResponse<C>, StreamingError<C>> {
        let mut parts = read_parts(source, turn, self.work);
        let (mut number, mut octets, began) = (0, 0, C::now());
        while let Some(part) = parts.recv().await {
            let bytes = part.map_err(|e| StreamingError::Unreachable(Unreachable::new(&e)))?;
            octets += bytes.len() as u64;
            let request = Request::<C>::SnapshotPart { transfer, number, bytes };
            let (asked, before) = (C::now(), self.leading.told());
            let () = self.ask(&request, PART_LIMIT).await?;
            number += 1;
            self.stand_back()?;
            if self.leading.told() != before {
                C::sleep(((C::now() - asked) * RESTS).min(REST_MAX)).await;
            }
            if is_too_slow(octets, C::now() - began) {
                let why =
                    format!("node {} took {octets} octets of a snapshot in {:?}", self.id, C::now() - began);
                tracing::warn!(why, "this transfer is given up: it is too slow");
                return Err(StreamingError::Unreachable(Unreachable::from_string(why)));
            }
        }
        let response = self.end(transfer).await?;
        tracing::info!(to = self.id, index, parts = number, "snapshot installed there");
        Ok(response)
    }

    /// Transfers go one at a time, and voters first.
    fn stand_back(&self) -> Result<(), StreamingError<C>> {
        if self.node.role == Role::Voter || !self.sending.others_stand_back(C::now()) {
            return Ok(());
        }
        Err(StreamingError::Unreachable(Unreachable::from_string(
            "a voter waits for a snapshot and goes first",
        )))
    }

    async fn end(&self, transfer: u64) -> Result<SnapshotResponse<C>, StreamingError<C>> {
        let until = C::now() + END_LIMIT;
        loop {
            match self.ask(&Request::<C>::SnapshotEnd { transfer }, END_ASK).await {
                Err(StreamingError::Network(_)) if C::now() < until => C::sleep(END_PAUSE).await,
                other => return other,
            }
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: &Request<C>,
        limit: Duration,
    ) -> Result<T, StreamingError<C>> {
        let called = self.net.call(self.id, self.node, Lane::Snapshot, wire::encode(request), limit).await;
        let bytes = called.map_err(|e| match e {
            CallError::Unreachable(_) | CallError::Refused(_) => {
                StreamingError::Unreachable(Unreachable::new(&e))
            }
            CallError::Lost(_) => StreamingError::Network(NetworkError::new(&e)),
        })?;
        let answer: Result<T, String> =
            wire::decode(&bytes).map_err(|e| StreamingError::Network(NetworkError::new(&e)))?;
        answer.map_err(|why| StreamingError::Unreachable(Unreachable::from_string(why)))
    }
}

/// The snapshot's stream, cut into parts; ends with the stream or with an error.
fn read_parts(
    source: Arc<storage::Snapshot>,
    turn: storage::Turn,
    work: Work,
) -> mpsc::Receiver<io::Result<Vec<u8>>> {
    match work {
        Work::Threads => {
            let (queue, parts) = mpsc::channel(PARTS_AHEAD);
            let told = queue.clone();
            let writing = move || write_parts(&source, turn, &queue);
            if let Err(error) = thread::Builder::new().name("snapshot".into()).spawn(writing) {
                drop(told.try_send(Err(error)));
            }
            parts
        }
        Work::Inline => {
            let mut all = Vec::new();
            let written = source.write_in(turn, &mut all).map_err(io::Error::other);
            let (queue, parts) = mpsc::channel(all.len() / PART + 2);
            for part in all.chunks(PART) {
                drop(queue.try_send(Ok(part.to_vec())));
            }
            if let Err(error) = written {
                drop(queue.try_send(Err(error)));
            }
            parts
        }
    }
}

/// Whether a transfer is slower than it may be.
fn is_too_slow(octets: u64, took: Duration) -> bool {
    took > RATE_FROM && octets < RATE_MIN * took.as_secs()
}

fn write_parts(source: &storage::Snapshot, turn: storage::Turn, queue: &mpsc::Sender<io::Result<Vec<u8>>>) {
    let mut cutter = Cutter { part: Vec::with_capacity(PART), queue };
    let written = source.write_in(turn, &mut cutter).map_err(io::Error::other).and_then(|()| cutter.send());
    if let Err(error) = written {
        // the transfer is over already if nobody listens
        drop(queue.blocking_send(Err(error)));
    }
}

/// Collects octets into parts; waits while the network is behind.
struct Cutter<'a> {
    part: Vec<u8>,
    queue: &'a mpsc::Sender<io::Result<Vec<u8>>>,
}

impl Cutter<'_> {
    fn send(&mut self) -> io::Result<()> {
        let part = std::mem::replace(&mut self.part, Vec::with_capacity(PART));
        if part.is_empty() {
            return Ok(());
        }
        self.queue.blocking_send(Ok(part)).map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "cancelled"))
    }
}

impl io::Write for Cutter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(PART - self.part.len());
        self.part.extend_from_slice(&bytes[..taken]);
        if self.part.len() == PART {
            self.send()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A snapshot on its way in; one at a time, a new one replaces it.
pub(crate) struct Incoming {
    transfer: u64,
    from: u64,
    announced: Announced,
    next: u64,
    sink: Sink,
}

enum Sink {
    /// A thread builds the new file as parts come.
    Thread {
        parts: mpsc::Sender<Vec<u8>>,
        built: oneshot::Receiver<Result<Staged, String>>,
    },
    Memory(Vec<u8>),
}

/// Where the incoming snapshot is kept between its parts.
#[derive(Default)]
pub(crate) struct Inbox {
    open: tokio::sync::Mutex<(u64, Option<Incoming>)>,
    /// Held while a transfer is brought to its end.
    ended: tokio::sync::Mutex<Option<Ended>>,
}

/// What the last step of the last transfer came to, for a sender that did not hear it.
struct Ended {
    transfer: u64,
    from: u64,
    came: Result<Vote, String>,
}

impl<C: Cx, N: Net> Inner<C, N> {
    pub(crate) async fn snapshot_begin(
        self: &Arc<Self>,
        from: u64,
        announced: Announced,
    ) -> Result<u64, String> {
        let mut inbox = self.inbox.open.lock().await;
        if let Some(old) = inbox.1.take() {
            old.give_up().await;
        }
        inbox.0 += 1;
        let transfer = inbox.0;
        tracing::info!(from, index = announced.index, "receiving a snapshot");
        let sink = match self.work {
            Work::Threads => {
                build_on_thread(self.store.clone(), announced.header()).map_err(|e| e.to_string())?
            }
            Work::Inline => Sink::Memory(Vec::new()),
        };
        inbox.1 = Some(Incoming { transfer, from, announced, next: 0, sink });
        drop(C::spawn(forget::<C, N>(Arc::downgrade(self), transfer)));
        Ok(transfer)
    }

    pub(crate) async fn snapshot_part(
        &self,
        from: u64,
        transfer: u64,
        number: u64,
        bytes: Vec<u8>,
    ) -> Result<(), String> {
        let mut inbox = self.inbox.open.lock().await;
        let incoming = expected(&mut inbox.1, from, transfer)?;
        if incoming.next != number {
            return Err(format!("part {number} came where part {} was expected", incoming.next));
        }
        incoming.next += 1;
        let taken = match &mut incoming.sink {
            Sink::Memory(all) => {
                all.extend_from_slice(&bytes);
                true
            }
            Sink::Thread { parts, .. } => parts.send(bytes).await.is_ok(),
        };
        if taken {
            return Ok(());
        }
        // the thread has stopped reading, and tells why: the rest need not come
        match inbox.1.take() {
            Some(incoming) => incoming.staged(&self.store).await.map(drop),
            None => Err(gone()),
        }
    }

    pub(crate) async fn snapshot_end(&self, from: u64, transfer: u64) -> Result<SnapshotResponse<C>, String> {
        let mut ended = self.inbox.ended.lock().await;
        if let Some(known) = ended.as_ref().filter(|e| e.transfer == transfer && e.from == from) {
            return known.came.clone().map(SnapshotResponse::new);
        }
        let mut inbox = self.inbox.open.lock().await;
        expected(&mut inbox.1, from, transfer)?;
        let Some(incoming) = inbox.1.take() else { return Err(gone()) };
        let Announced { vote, meta, .. } = incoming.announced.clone();
        let staged = incoming.staged(&self.store).await;
        drop(inbox);
        let came = match staged {
            Ok(staged) => self.install_staged(vote, meta, staged).await,
            Err(why) => Err(why),
        };
        *ended = Some(Ended { transfer, from, came: came.clone() });
        came.map(SnapshotResponse::new)
    }

    async fn install_staged(&self, vote: Vote, meta: Meta, staged: Staged) -> Result<Vote, String> {
        let snapshot = Snapshot { meta, snapshot: Snap::Staged(Box::new(staged)) };
        let installed = self.raft.install_full_snapshot(vote, snapshot).await;
        installed.map(|response| response.vote).map_err(|e| e.to_string())
    }
}

/// Gives a transfer up whose sender has fallen silent: a later leader may have the entries and send no snapshot, and the file
/// that was begun is as large as a state.
async fn forget<C: Cx, N: Net>(node: Weak<Inner<C, N>>, transfer: u64) {
    let mut before = None;
    loop {
        C::sleep(2 * PART_LIMIT).await;
        let Some(node) = node.upgrade() else { return };
        let mut inbox = node.inbox.open.lock().await;
        let Some(next) = inbox.1.as_ref().filter(|i| i.transfer == transfer).map(|i| i.next) else { return };
        if before.replace(next) == Some(next)
            && let Some(old) = inbox.1.take()
        {
            tracing::warn!(
                from = old.from,
                "a snapshot did not come to its end; what was received is dropped"
            );
            return old.give_up().await;
        }
    }
}

fn expected(inbox: &mut Option<Incoming>, from: u64, transfer: u64) -> Result<&mut Incoming, String> {
    inbox.as_mut().filter(|i| i.transfer == transfer && i.from == from).ok_or_else(gone)
}

fn gone() -> String {
    "this transfer was given up, or replaced by another".into()
}

fn build_on_thread(store: Arc<Store>, header: Header) -> io::Result<Sink> {
    let (parts, mut queue) = mpsc::channel(PARTS_AHEAD);
    let (tell, built) = oneshot::channel();
    thread::Builder::new().name("receive".into()).spawn(move || {
        let mut stream = Joiner { queue: &mut queue, part: Vec::new(), at: 0 };
        let staged = store.stage(&mut stream, &header).map_err(|e| e.to_string());
        if let Err(why) = &staged {
            tracing::warn!(index = header.index, why, "the snapshot that was received is dropped");
        }
        // nobody waits for a transfer that was given up
        drop(tell.send(staged));
    })?;
    Ok(Sink::Thread { parts, built })
}

impl Incoming {
    async fn staged(self, store: &Store) -> Result<Staged, String> {
        match self.sink {
            Sink::Memory(all) => {
                store.stage(&mut all.as_slice(), &self.announced.header()).map_err(|e| e.to_string())
            }
            Sink::Thread { parts, built } => {
                drop(parts);
                built.await.unwrap_or_else(|_| Err("building the new state failed".into()))
            }
        }
    }

    /// Waits until the thread has let the unfinished file go.
    async fn give_up(self) {
        if let Sink::Thread { parts, built } = self.sink {
            drop(parts);
            drop(built.await);
        }
    }
}

/// Reads parts as one stream.
struct Joiner<'a> {
    queue: &'a mut mpsc::Receiver<Vec<u8>>,
    part: Vec<u8>,
    at: usize,
}

impl io::Read for Joiner<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.part.len() {
            let Some(next) = self.queue.blocking_recv() else { return Ok(0) };
            (self.part, self.at) = (next, 0);
        }
        let taken = out.len().min(self.part.len() - self.at);
        out[..taken].copy_from_slice(&self.part[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_has_a_minute_and_then_a_rate() {
        let minute = Duration::from_secs(60);
        assert!(!is_too_slow(0, minute));
        assert!(is_too_slow(60 << 20, minute + Duration::from_secs(5)));
        assert!(!is_too_slow(65 << 20, minute + Duration::from_secs(5)));
    }
}
