//! Asks a node: one connection per question, over its Unix socket or over mutual TLS.

use crate::{
    PREFIX, SOCKET_PATH_MAX,
    wire::{Failure, Operation},
};
use bytes::Bytes;
use cluster::{Credentials, Identity, tls};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, StatusCode,
    client::conn::http1,
    header::{CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// Octets of an answer.
const ANSWER_MAX: usize = 16 << 20;
/// To reach the node, its handshake included.
const CONNECT: Duration = Duration::from_secs(10);
/// Longer than a node works on any request.
const ANSWER: Duration = Duration::from_secs(310);

/// Where a node is asked.
#[derive(Clone)]
pub struct Client {
    endpoint: Endpoint,
}

#[derive(Clone)]
enum Endpoint {
    Socket(PathBuf),
    Tls { address: String, name: ServerName<'static>, config: Arc<ClientConfig> },
}

/// Why there is no answer.
#[derive(Debug)]
pub enum CallError {
    /// The node could not be reached; nothing was done.
    Unreachable { endpoint: String, why: String },
    /// The connection broke after the request was sent: it may have been done.
    Broken { endpoint: String, why: String },
    /// The node answered that it was not done, and why.
    Failed(Failure),
    /// The node answered something else than this program understands.
    Garbled(String),
}

impl Client {
    /// A node of this machine, by its socket.
    pub fn socket(path: &Path) -> Client {
        Client { endpoint: Endpoint::Socket(path.to_owned()) }
    }

    /// A node anywhere, by `https://HOST:PORT`.
    ///
    /// # Errors
    /// Not such a URL, or unusable credentials.
    pub fn https(url: &str, own: &Credentials) -> Result<Client, String> {
        let form = || format!("{url:?} is not an endpoint such as https://192.0.2.1:7091");
        let address = url.strip_prefix("https://").map(|rest| rest.strip_suffix('/').unwrap_or(rest));
        let address = address.ok_or_else(form)?;
        let (host, port) = address.rsplit_once(':').ok_or_else(form)?;
        port.parse::<u16>().map_err(|_| form())?;
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| form())?;
        let config = tls::admin_config(own).map_err(|e| e.to_string())?;
        Ok(Client { endpoint: Endpoint::Tls { address: address.to_owned(), name, config } })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn call<O: Operation>(&self, operation: &O) -> Result<O::Reply, CallError> {
        let body = serde_json::to_vec(operation).map_err(|e| CallError::Garbled(e.to_string()))?;
        let wire = match timeout(CONNECT, self.connect()).await {
            Ok(Ok(wire)) => wire,
            Ok(Err(why)) => return Err(self.unreachable(why)),
            Err(_) => return Err(self.unreachable("no answer in 10 s".to_owned())),
        };
        match timeout(ANSWER, exchange(wire, &self.host(), O::NAME, body)).await {
            Ok(Ok((status, body))) => read::<O>(status, &body),
            Ok(Err(why)) => Err(CallError::Broken { endpoint: self.to_string(), why }),
            Err(_) => {
                Err(CallError::Broken { endpoint: self.to_string(), why: "no answer in time".to_owned() })
            }
        }
    }

    fn unreachable(&self, why: String) -> CallError {
        CallError::Unreachable { endpoint: self.to_string(), why }
    }

    fn host(&self) -> String {
        match &self.endpoint {
            Endpoint::Socket(_) => "localhost".to_owned(),
            Endpoint::Tls { address, .. } => address.clone(),
        }
    }

    async fn connect(&self) -> Result<Box<dyn Wire>, String> {
        match &self.endpoint {
            Endpoint::Socket(path) => Ok(Box::new(open(path).await?)),
            Endpoint::Tls { address, name, config } => {
                let tcp = TcpStream::connect(address).await.map_err(|e| e.to_string())?;
                let connector = TlsConnector::from(config.clone());
                let stream = connector.connect(name.clone(), tcp).await.map_err(|e| e.to_string())?;
                let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                // The authority also issues certificates for EPP; those are no nodes.
                match shown.and_then(tls::identity_of) {
                    Some(Identity::Node(_)) => Ok(Box::new(stream)),
                    _ => Err("the server showed a certificate that is not a node's".to_owned()),
                }
            }
        }
    }
}

async fn open(path: &Path) -> Result<UnixStream, String> {
    let octets = path.as_os_str().len();
    if octets > SOCKET_PATH_MAX {
        return Err(format!(
            "a socket's path has at most {SOCKET_PATH_MAX} octets and this has {octets}; use a relative path, or \
             --endpoint"
        ));
    }
    UnixStream::connect(path).await.map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => {
            "there is no such socket; is the node running, and is this its directory?".to_owned()
        }
        io::ErrorKind::ConnectionRefused => "the node is not running".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "this user may not open the socket; run as the node's user".to_owned()
        }
        _ => e.to_string(),
    })
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.endpoint {
            Endpoint::Socket(path) => write!(f, "{}", path.display()),
            Endpoint::Tls { address, .. } => write!(f, "https://{address}"),
        }
    }
}

trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<W: AsyncRead + AsyncWrite + Unpin + Send> Wire for W {}

async fn exchange(
    wire: Box<dyn Wire>,
    host: &str,
    name: &str,
    body: Vec<u8>,
) -> Result<(StatusCode, Bytes), String> {
    let text = |e: &dyn fmt::Display| e.to_string();
    let (mut sender, connection) = http1::handshake(TokioIo::new(wire)).await.map_err(|e| text(&e))?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{PREFIX}{name}"))
        .header(HOST, host)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|e| text(&e))?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(|e| text(&e))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await.map_err(|e| text(&e))?;
        drop(sender);
        Ok((status, body.to_bytes()))
    };
    let (answered, driven) = tokio::join!(answered, connection);
    match (answered, driven) {
        // The reason why the connection broke says more than that it did.
        (Err(_), Err(why)) => Err(why.to_string()),
        (answered, _) => answered,
    }
}

fn read<O: Operation>(status: StatusCode, body: &[u8]) -> Result<O::Reply, CallError> {
    let garbled = |e: serde_json::Error| CallError::Garbled(format!("HTTP status {status}: {e}"));
    if status == StatusCode::OK {
        return serde_json::from_slice(body).map_err(garbled);
    }
    Err(CallError::Failed(serde_json::from_slice(body).map_err(garbled)?))
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Unreachable { endpoint, why } => {
                write!(f, "cannot reach the node at {endpoint}: {why}")
            }
            CallError::Broken { endpoint, why } => write!(
                f,
                "the connection to {endpoint} broke before the answer came ({why}); the operation may have been \
                 done: look before you repeat it"
            ),
            CallError::Failed(failure) => failure.fmt(f),
            CallError::Garbled(why) => {
                write!(f, "the node's answer is not understood ({why}); are both of the same version?")
            }
        }
    }
}

impl std::error::Error for CallError {}
