//! The two sockets of the administration endpoint, and the loop that accepts connections on either.
//!
//! The Unix socket is for whoever may open it: mode 0600 in a directory of mode 0700. On TCP the handshake decides,
//! by the name in a certificate that the cluster's authority issued.

use super::{Control, Server, http};
use crate::SOCKET_PATH_MAX;
use cluster::{Identity, tls::identity_of};
use net::{Cut, Shutdown, Sources};
use registry::Backend;
use rustls::ServerConfig;
use std::{
    fmt, fs,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::{JoinError, JoinSet},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tracing::{debug, error, info, warn};

/// Operators that are served at a time, on each socket.
const SERVED: usize = 32;
/// Connections that have not proved yet whose they are, or wait to be served; further ones wait in the kernel's queue.
const AT_DOOR: usize = 128;
/// The same of one source: nobody without a certificate keeps operators out.
const AT_DOOR_OF_SOURCE: usize = 16;
/// From accept to the end of the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long whoever proved to be an operator waits to be served.
const PATIENCE: Duration = Duration::from_secs(10);
/// What connections get to finish their request when the node stops.
const DRAIN: Duration = Duration::from_secs(5);
/// After an accept that failed, as it does when file descriptors run out.
const PAUSE: Duration = Duration::from_millis(100);

/// Who is at the other end.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    Operator(Box<str>),
    /// A node of the cluster: genuine, and not an operator.
    Node(u64),
}

/// A bound socket that can tell who calls.
pub(super) trait Listen: Send + Sync + 'static {
    type Raw: Send + 'static;
    type Wire: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    type Greeter: Greet<Self::Raw, Self::Wire>;

    /// The next connection, and where it comes from if that is not this machine.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Raw, Option<IpAddr>)>> + Send;
    fn greeter(&self) -> Self::Greeter;
    fn place(&self) -> String;
}

/// What is left to do with an accepted connection, in a task of its own.
pub(super) trait Greet<Raw, Wire>: Send + 'static {
    fn greet(self, raw: Raw) -> impl Future<Output = io::Result<(Wire, Caller)>> + Send;
}

pub(super) async fn serve<B: Backend, C: Control, L: Listen>(
    server: Server<B, C>,
    socket: L,
    mut shutdown: Shutdown,
) {
    let place = socket.place();
    let (door, seats) = (Arc::new(Semaphore::new(AT_DOOR)), Arc::new(Semaphore::new(SERVED)));
    let sources = Sources::new(AT_DOOR_OF_SOURCE);
    let mut sessions = JoinSet::new();
    info!(service = "admin", %place, "listening");
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.requested() => break,
            Some(ended) = sessions.join_next(), if !sessions.is_empty() => {
                report(ended);
                continue;
            }
            accepted = accept(&socket, &door) => accepted,
        };
        let (raw, source, place) = match accepted {
            Ok(accepted) => accepted,
            Err(cause) => {
                warn!(service = "admin", %cause, "accept failed; trying again");
                sleep(PAUSE).await;
                continue;
            }
        };
        let share = source.map(|address| sources.admit(address));
        if let Some(None) = share {
            server.inner.tally.metrics.refused(server.inner.tally.service);
            debug!(service = "admin", ?source, "connection refused: its source holds too many");
            continue;
        }
        let (server, greeter, shutdown) = (server.clone(), socket.greeter(), shutdown.clone());
        let (at_door, seats) = ((place, share), seats.clone());
        sessions.spawn(async move {
            let tally = &server.inner.tally;
            let _open = tally.metrics.connections(tally.service).opened();
            let refused = match timeout(HANDSHAKE, greeter.greet(raw)).await {
                // it is told that it is no operator, at the door: its certificate may be stolen, and takes no seat
                Ok(Ok((wire, caller @ Caller::Node(_)))) => {
                    return drop(timeout(PATIENCE, http::converse(server, wire, caller, shutdown)).await);
                }
                Ok(Ok((wire, caller))) => {
                    let Ok(Ok(_seat)) = timeout(PATIENCE, seats.acquire_owned()).await else {
                        tally.metrics.refused(tally.service);
                        return warn!(service = "admin", ?caller, "not served: all places are taken");
                    };
                    drop(at_door);
                    return http::converse(server, wire, caller, shutdown).await;
                }
                Ok(Err(cause)) => cause,
                Err(late) => late.into(),
            };
            tally.metrics.cut(tally.service, Cut::Handshake);
            debug!(service = "admin", cause = %refused, "handshake failed");
        });
    }
    drop(socket);
    let drained = timeout(DRAIN, async {
        while let Some(ended) = sessions.join_next().await {
            report(ended);
        }
    });
    if drained.await.is_err() {
        warn!(service = "admin", left = sessions.len(), "connections did not finish in time and are cut");
        sessions.shutdown().await;
    }
}

fn report(ended: Result<(), JoinError>) {
    if let Err(cause) = ended
        && cause.is_panic()
    {
        error!(service = "admin", %cause, "a connection's handler panicked; the connection is closed");
    }
}

/// Waits for a place at the door, then for a connection.
async fn accept<L: Listen>(
    socket: &L,
    door: &Arc<Semaphore>,
) -> io::Result<(L::Raw, Option<IpAddr>, OwnedSemaphorePermit)> {
    let place = door.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (raw, source) = socket.accept().await?;
    Ok((raw, source, place))
}

/// The socket in the node's directory; the file is removed when the value is dropped.
#[derive(Debug)]
pub struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl UnixSocket {
    /// Takes the path; a socket that a dead process left is replaced. Needs a tokio runtime.
    ///
    /// # Errors
    /// The path is too long for a socket, another process serves it, or the file system refuses.
    pub fn bind(path: &Path) -> Result<UnixSocket, BindError> {
        let octets = path.as_os_str().len();
        if octets > SOCKET_PATH_MAX {
            return Err(BindError::PathTooLong { path: path.to_owned(), octets });
        }
        remove_dead(path)?;
        let failed = |cause| BindError::Io { place: path.display().to_string(), cause };
        let listener = UnixListener::bind(path).map_err(failed)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        Ok(UnixSocket { listener, path: path.to_owned() })
    }
}

fn remove_dead(path: &Path) -> Result<(), BindError> {
    let failed = |cause| BindError::Io { place: path.display().to_string(), cause };
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(failed(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "a file that is not a socket is there",
        )));
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(BindError::InUse { place: path.display().to_string() });
    }
    fs::remove_file(path).map_err(failed)
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        // A file left behind is replaced at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

impl Listen for UnixSocket {
    type Raw = UnixStream;
    type Wire = UnixStream;
    type Greeter = Local;

    async fn accept(&self) -> io::Result<(UnixStream, Option<IpAddr>)> {
        self.listener.accept().await.map(|(stream, _)| (stream, None))
    }

    fn greeter(&self) -> Local {
        Local
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }
}

/// Whoever could open the socket is the operator.
pub(super) struct Local;

impl Greet<UnixStream, UnixStream> for Local {
    async fn greet(self, stream: UnixStream) -> io::Result<(UnixStream, Caller)> {
        Ok((stream, Caller::Operator("socket".into())))
    }
}

/// The endpoint for administrators on other machines.
pub struct TlsSocket {
    listener: TcpListener,
    address: SocketAddr,
    acceptor: TlsAcceptor,
}

impl fmt::Debug for TlsSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TlsSocket({})", self.address)
    }
}

impl TlsSocket {
    /// Takes the port. `config` is [`cluster::tls::server_config`].
    ///
    /// # Errors
    /// The port is taken, or not to be had.
    pub async fn bind(address: SocketAddr, config: Arc<ServerConfig>) -> Result<TlsSocket, BindError> {
        let failed = |cause: io::Error| {
            let place = address.to_string();
            match cause.kind() {
                io::ErrorKind::AddrInUse => BindError::InUse { place },
                _ => BindError::Io { place, cause },
            }
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(TlsSocket { listener, address, acceptor: TlsAcceptor::from(config) })
    }

    /// Where it listens; with the port that the system chose if port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Listen for TlsSocket {
    type Raw = TcpStream;
    type Wire = TlsStream<TcpStream>;
    type Greeter = Certified;

    async fn accept(&self) -> io::Result<(TcpStream, Option<IpAddr>)> {
        self.listener.accept().await.map(|(stream, address)| (stream, Some(address.ip())))
    }

    fn greeter(&self) -> Certified {
        Certified(self.acceptor.clone())
    }

    fn place(&self) -> String {
        self.address.to_string()
    }
}

/// The certificate says who calls.
pub(super) struct Certified(TlsAcceptor);

impl Greet<TcpStream, TlsStream<TcpStream>> for Certified {
    async fn greet(self, tcp: TcpStream) -> io::Result<(TlsStream<TcpStream>, Caller)> {
        tcp.set_nodelay(true)?;
        let stream = self.0.accept(tcp).await?;
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let caller = match shown.and_then(identity_of) {
            Some(Identity::Admin(name)) => Caller::Operator(name.into()),
            Some(Identity::Node(id)) => Caller::Node(id),
            None => return Err(io::Error::other("the certificate names no administrator")),
        };
        Ok((stream, caller))
    }
}

/// The administration endpoint can't listen where it should.
#[derive(Debug)]
pub enum BindError {
    PathTooLong { path: PathBuf, octets: usize },
    InUse { place: String },
    Io { place: String, cause: io::Error },
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BindError::PathTooLong { path, octets } => write!(
                f,
                "admin cannot listen on {}: a socket's path has at most {SOCKET_PATH_MAX} octets and this has \
                 {octets}; choose a shorter data_dir, or a relative one",
                path.display()
            ),
            BindError::InUse { place } => {
                write!(f, "admin cannot listen on {place}: another process already serves it")
            }
            BindError::Io { place, cause } => write!(f, "admin cannot listen on {place}: {cause}"),
        }
    }
}

impl std::error::Error for BindError {}
