//! Accepting connections: one listener for every public service, over TLS or plain TCP.
//!
//! A listener holds at most a given number of connections. One more waits for a seat and is counted, those behind it
//! stay in the kernel's queue; one source may hold only a part of them. It does not know what is spoken on a connection:
//! the handler does.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustix::net::sockopt;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tracing::{debug, error, info, warn};

use crate::client_cert::Fingerprint;
use crate::metrics::{Cut, Metrics, Service};
use crate::shutdown::Shutdown;
use crate::source::{Admitted, Sources};

/// After how long a silent connection is probed, how often, and how many probes may be lost.
const PROBE_AFTER: Duration = Duration::from_secs(60);
const PROBE_EVERY: Duration = Duration::from_secs(15);
const PROBES_LOST: u32 = 4;

/// The limits of one listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections open at a time.
    pub connections: usize,
    /// Connections open at a time from one IPv4 address or IPv6 /64.
    pub connections_per_source: usize,
    /// Time from accept to the end of the TLS handshake.
    pub handshake: Duration,
    /// Time that connections get to finish their current command when the node stops.
    pub drain: Duration,
    /// For the service, which keeps it.
    pub patience: Patience,
}

/// How long a service waits for its clients.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the client to say something.
    pub idle: Duration,
    /// For the client to take an answer.
    pub answer: Duration,
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub address: SocketAddr,
    /// Of the client's certificate, if it presented one (TLS only).
    pub certificate: Option<Fingerprint>,
}

/// How a TCP connection becomes the wire that a protocol is spoken on.
pub trait Transport: Send + Sync + 'static {
    type Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The wire, and the fingerprint of the client's certificate if it showed one.
    fn greet(
        &self,
        tcp: TcpStream,
    ) -> impl Future<Output = io::Result<(Self::Wire, Option<Fingerprint>)>> + Send;
}

/// TCP as it is (WHOIS, DAS).
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl Transport for Plain {
    type Wire = TcpStream;

    async fn greet(&self, tcp: TcpStream) -> io::Result<(TcpStream, Option<Fingerprint>)> {
        Ok((tcp, None))
    }
}

/// TLS over TCP (EPP). Clones share one configuration, which can be replaced while they serve.
#[derive(Clone)]
pub struct Tls(Arc<ArcSwap<ServerConfig>>);

impl Tls {
    pub fn new(config: Arc<ServerConfig>) -> Tls {
        Tls(Arc::new(ArcSwap::new(config)))
    }

    /// Handshakes from now on use `config`; connections that are open do not notice.
    pub fn replace(&self, config: Arc<ServerConfig>) {
        self.0.store(config);
    }
}

impl Transport for Tls {
    type Wire = TlsStream<TcpStream>;

    async fn greet(&self, tcp: TcpStream) -> io::Result<(Self::Wire, Option<Fingerprint>)> {
        notice_its_end(&tcp)?;
        let stream = TlsAcceptor::from(self.0.load_full()).accept(tcp).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let fingerprint = shown.map(|certificate| Fingerprint::of(certificate));
        Ok((stream, fingerprint))
    }
}

/// A service can't listen where it should.
#[derive(Debug)]
pub struct BindError {
    pub service: Service,
    pub address: SocketAddr,
    pub cause: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BindError { service, address, cause } = self;
        let name = service.name();
        match cause.kind() {
            io::ErrorKind::AddrInUse => {
                write!(f, "{name} cannot listen on {address}: another process already uses that port")
            }
            io::ErrorKind::AddrNotAvailable => {
                write!(f, "{name} cannot listen on {address}: this machine has no such address")
            }
            io::ErrorKind::PermissionDenied => {
                write!(
                    f,
                    "{name} cannot listen on {address}: not permitted (ports below 1024 need a privilege)"
                )
            }
            _ => write!(f, "{name} cannot listen on {address}: {cause}"),
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// A bound socket that has not begun to accept.
pub struct Listener {
    tcp: TcpListener,
    address: SocketAddr,
    service: Service,
    limits: Limits,
    metrics: Metrics,
}

impl Listener {
    /// Takes the port.
    ///
    /// # Errors
    /// [`BindError`], which names the service and the address.
    pub async fn bind(
        address: SocketAddr,
        service: Service,
        limits: Limits,
        metrics: Metrics,
    ) -> Result<Listener, BindError> {
        let failed = |cause| BindError { service, address, cause };
        let tcp = TcpListener::bind(address).await.map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        Ok(Listener { tcp, address, service, limits, metrics })
    }

    /// Where it listens; with the port that the system chose if port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How long the service shall wait for its clients.
    pub fn patience(&self) -> Patience {
        self.limits.patience
    }

    /// Accepts until `shutdown` is requested, runs `handler` for each connection in a task of its own, then waits
    /// for them up to [`Limits::drain`] and ends those that are left.
    pub async fn serve<T, H, F>(self, transport: T, shutdown: Shutdown, handler: H)
    where
        T: Transport,
        H: Fn(T::Wire, Peer, Shutdown) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let name = self.service.name();
        let shared = Arc::new((transport, handler));
        let open = self.metrics.connections(self.service);
        let mut sessions = JoinSet::new();
        let mut pause = Pause::default();
        let mut ear = shutdown.clone();
        let mut requested = pin!(ear.requested());
        info!(service = name, address = %self.address, "listening");
        let mut door = Door::new(self);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut requested => break,
                Some(ended) = sessions.join_next(), if !sessions.is_empty() => {
                    report(name, ended);
                    continue;
                }
                accepted = door.next() => accepted,
            };
            let (Caller { tcp, address, admitted }, seat) = match accepted {
                Ok(accepted) => accepted,
                Err(cause) => {
                    pause.after(name, &cause).await;
                    continue;
                }
            };
            pause.reset();
            let opened = open.opened();
            let connection = Arc::clone(&shared);
            let Listener { limits: Limits { handshake, .. }, service, ref metrics, .. } = door.listener;
            let (metrics, shutdown) = (metrics.clone(), shutdown.clone());
            sessions.spawn(async move {
                let _held = (seat, admitted, opened);
                let (transport, handler) = &*connection;
                match greet(transport, tcp, handshake).await {
                    Ok((wire, certificate)) => handler(wire, Peer { address, certificate }, shutdown).await,
                    Err(cause) => {
                        metrics.cut(service, Cut::Handshake);
                        debug!(service = name, %address, %cause, "handshake failed");
                    }
                }
            });
        }
        let drain = door.listener.limits.drain;
        drop(door);
        finish(name, sessions, drain).await;
    }
}

/// Where connections come in: the socket, the seats behind it, and who waits for one.
struct Door {
    listener: Listener,
    seats: Arc<Semaphore>,
    sources: Sources,
    neighbourhoods: Sources,
    waiting: Option<Caller>,
}

/// A connection that its source may have.
struct Caller {
    tcp: TcpStream,
    address: SocketAddr,
    admitted: (Admitted, Admitted),
}

impl Door {
    fn new(listener: Listener) -> Door {
        let seats = Arc::new(Semaphore::new(listener.limits.connections));
        let Limits { connections, connections_per_source, .. } = listener.limits;
        let sources = Sources::new(connections_per_source);
        let neighbourhoods = Sources::neighbourhoods(connections_per_source.max(connections / 2));
        Door { listener, seats, sources, neighbourhoods, waiting: None }
    }

    /// The next connection, and its seat as soon as one is free. Who waits for it is still there when the call is
    /// given up and made again.
    async fn next(&mut self) -> io::Result<(Caller, OwnedSemaphorePermit)> {
        let Listener { service, ref metrics, .. } = self.listener;
        loop {
            if self.waiting.is_none() {
                let (tcp, address) = self.listener.tcp.accept().await?;
                let admitted = self.sources.admit(address.ip()).zip(self.neighbourhoods.admit(address.ip()));
                let Some(admitted) = admitted else {
                    metrics.refused(service);
                    debug!(service = service.name(), %address, "connection refused: its source holds too many");
                    continue;
                };
                self.waiting = Some(Caller { tcp, address, admitted });
                if self.seats.available_permits() == 0 {
                    metrics.waited(service);
                }
            }
            let seat = Arc::clone(&self.seats).acquire_owned().await.map_err(io::Error::other)?;
            if let Some(caller) = self.waiting.take() {
                return Ok((caller, seat));
            }
        }
    }
}

/// Has the system probe a silent connection: one whose other end is gone without a word, as behind a firewall that was
/// restarted, is over within two minutes, and its registrar's new sessions find its place.
fn notice_its_end(tcp: &TcpStream) -> io::Result<()> {
    sockopt::set_socket_keepalive(tcp, true)?;
    sockopt::set_tcp_keepidle(tcp, PROBE_AFTER)?;
    sockopt::set_tcp_keepintvl(tcp, PROBE_EVERY)?;
    Ok(sockopt::set_tcp_keepcnt(tcp, PROBES_LOST)?)
}

async fn greet<T: Transport>(
    transport: &T,
    tcp: TcpStream,
    within: Duration,
) -> io::Result<(T::Wire, Option<Fingerprint>)> {
    // Small answers must not wait for Nagle's timer.
    tcp.set_nodelay(true)?;
    timeout(within, transport.greet(tcp)).await?
}

async fn finish(name: &'static str, mut sessions: JoinSet<()>, within: Duration) {
    let drained = timeout(within, async {
        while let Some(ended) = sessions.join_next().await {
            report(name, ended);
        }
    });
    if drained.await.is_err() {
        warn!(service = name, left = sessions.len(), "connections did not finish in time and are cut");
        sessions.shutdown().await;
    }
    info!(service = name, "stopped");
}

fn report(name: &'static str, ended: Result<(), JoinError>) {
    if let Err(cause) = ended
        && cause.is_panic()
    {
        error!(service = name, %cause, "a connection's handler panicked; the connection is closed");
    }
}

/// How long to wait after a failed accept. The kernel reports an exhausted table (EMFILE, ENFILE, ENOBUFS, ENOMEM)
/// again and again until something is closed; without a pause the loop would take a whole core.
#[derive(Default)]
struct Pause {
    failures: u32,
}

impl Pause {
    const FIRST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_secs(1);

    fn reset(&mut self) {
        self.failures = 0;
    }

    async fn after(&mut self, name: &'static str, cause: &io::Error) {
        if concerns_one_connection(cause) {
            return;
        }
        let length = Self::FIRST.saturating_mul(1 << self.failures.min(10)).min(Self::LONGEST);
        if self.failures == 0 {
            warn!(service = name, %cause, "accept failed; trying again with growing pauses");
        }
        self.failures = self.failures.saturating_add(1);
        sleep(length).await;
    }
}

/// The client was gone before it was accepted; the next one may be there.
fn concerns_one_connection(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}
