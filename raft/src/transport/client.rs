//! Calls peers over kept connections, one for each peer and lane.

use super::{
    frame::{self, Frame},
    socket,
};
use crate::{
    net::{CallError, Lane, Net},
    types::NodeInfo,
};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{BufReader, ReadHalf},
    net::TcpStream,
    sync::{Notify, mpsc, oneshot},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Requests waiting to be written on one connection at most.
const QUEUE_MAX: usize = 1024;
/// How long connecting and the handshake may take, whatever the limit of the call.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// How long a connection may be silent after something was asked on it, before it is replaced.
const SILENT: Duration = Duration::from_secs(1);

/// How to prove who we are to a peer and whom to expect: the TLS configuration and name for a node id.
pub type TlsFor = Arc<dyn Fn(u64) -> io::Result<(Arc<ClientConfig>, ServerName<'static>)> + Send + Sync>;

/// The network of production.
#[derive(Clone)]
pub struct PeerNet {
    tls: TlsFor,
    slots: Arc<Mutex<Slots>>,
}

type Slot = tokio::sync::Mutex<Option<Connection>>;
type Slots = BTreeMap<(u64, Lane), Arc<Slot>>;

impl PeerNet {
    pub fn new(tls: TlsFor) -> PeerNet {
        PeerNet { tls, slots: Arc::default() }
    }

    fn slot(&self, to: u64, lane: Lane) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry((to, lane)).or_default().clone()
    }

    /// A living connection, made anew if need be.
    async fn connection(&self, to: u64, address: SocketAddr, lane: Lane) -> Result<Connection, CallError> {
        let slot = self.slot(to, lane);
        let mut slot = slot.lock().await;
        if let Some(living) = slot.as_ref().filter(|c| !c.requests.is_closed() && c.address == address) {
            return Ok(living.clone());
        }
        *slot = None;
        let unreachable = |e: io::Error| CallError::Unreachable(format!("node {to} at {address}: {e}"));
        let connected = timeout(CONNECT_LIMIT, self.connect(to, address)).await;
        let stream = connected
            .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no connection in time")))
            .map_err(unreachable)?;
        let connection = Connection::run(stream, address);
        *slot = Some(connection.clone());
        Ok(connection)
    }

    /// Gives a connection up, for the next call to make another.
    async fn replace(&self, to: u64, lane: Lane, connection: &Connection) {
        let slot = self.slot(to, lane);
        let mut slot = slot.lock().await;
        if slot.as_ref().is_some_and(|kept| Arc::ptr_eq(&kept.pending, &connection.pending)) {
            tracing::debug!(peer = to, ?lane, "nothing comes from this connection any more; it is replaced");
            *slot = None;
        }
        connection.hang_up();
    }

    async fn connect(&self, to: u64, address: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
        let (config, name) = (self.tls)(to)?;
        let tcp = TcpStream::connect(address).await?;
        socket::prepare(&tcp)?;
        TlsConnector::from(config).connect(name, tcp).await
    }
}

impl Net for PeerNet {
    async fn call(
        &self,
        to: u64,
        node: &NodeInfo,
        lane: Lane,
        request: Vec<u8>,
        limit: Duration,
    ) -> Result<Vec<u8>, CallError> {
        let connection = timeout(limit, self.connection(to, node.raft, lane))
            .await
            .unwrap_or_else(|_| Err(CallError::Unreachable(format!("node {to}: no connection in time"))))?;
        let answer = timeout(limit, connection.ask(request)).await;
        match answer {
            Ok(answer) => answer,
            Err(_) => {
                if connection.is_silent(limit) {
                    self.replace(to, lane, &connection).await;
                }
                Err(CallError::Lost(format!("node {to}: no answer in {limit:?}")))
            }
        }
    }
}

/// One connection: a task that writes requests, one that reads answers.
#[derive(Clone)]
struct Connection {
    address: SocketAddr,
    requests: mpsc::Sender<Frame>,
    pending: Arc<Pending>,
    next: Arc<AtomicU64>,
}

#[derive(Default)]
struct Pending {
    waiting: Mutex<BTreeMap<u64, oneshot::Sender<Vec<u8>>>>,
    /// Since when something was asked and nothing at all was read.
    unheard: Mutex<Option<Instant>>,
    over: Notify,
}

impl Pending {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, oneshot::Sender<Vec<u8>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unheard(&self) -> MutexGuard<'_, Option<Instant>> {
        self.unheard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a request off the list when nobody waits for its answer any more.
struct Ticket<'a>(&'a Pending, u64);

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.0.lock().remove(&self.1);
    }
}

impl Connection {
    fn run(stream: TlsStream<TcpStream>, address: SocketAddr) -> Connection {
        let (reader, writer) = tokio::io::split(stream);
        let (requests, queue) = mpsc::channel(QUEUE_MAX);
        let pending = Arc::new(Pending::default());
        let writing = tokio::spawn(frame::write_all(writer, queue));
        let answers = pending.clone();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = answers.over.notified() => {}
                () = read_all(reader, &answers) => {}
            }
            // the connection is over: no request must wait for an answer on it, and none must join
            writing.abort();
            answers.lock().clear();
        });
        Connection { address, requests, pending, next: Arc::default() }
    }

    /// Whether nothing was read for the whole of a call that got no answer, or for a second: a heartbeat that is late
    /// alone must not cost a handshake.
    fn is_silent(&self, limit: Duration) -> bool {
        self.pending.unheard().is_some_and(|since| since.elapsed() >= limit.max(SILENT))
    }

    fn hang_up(&self) {
        self.pending.over.notify_one();
    }

    async fn ask(&self, payload: Vec<u8>) -> Result<Vec<u8>, CallError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = oneshot::channel();
        self.pending.lock().insert(number, tell);
        self.pending.unheard().get_or_insert_with(Instant::now);
        let _ticket = Ticket(&self.pending, number);
        if self.requests.send(Frame { number, payload }).await.is_err() {
            return Err(CallError::Unreachable("the connection was closed".into()));
        }
        told.await.map_err(|_| CallError::Lost("the connection broke".into()))
    }
}

async fn read_all(from: ReadHalf<TlsStream<TcpStream>>, pending: &Pending) {
    let mut from = BufReader::new(from);
    while let Ok(Some(frame)) = frame::read(&mut from).await {
        *pending.unheard() = None;
        let waiting = pending.lock().remove(&frame.number);
        if let Some(tell) = waiting {
            drop(tell.send(frame.payload));
        }
    }
}
