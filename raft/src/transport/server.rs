//! Answers peers: proves who they are, then serves many requests of a connection at once.

use super::frame::{self, Frame};
use crate::net::Service;
use rustls::{ServerConfig, pki_types::CertificateDer};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::BufReader,
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Requests of one connection that are answered at the same time at most.
const IN_FLIGHT_MAX: usize = 1024;
/// Octets of requests of one connection that are read and not answered yet, at most.
const OCTETS_MAX: usize = 2 * frame::FRAME_MAX;
/// Connections at most: a few lanes for each of many nodes.
const CONNECTIONS_MAX: usize = 512;
/// How long a handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(3);
/// Pause after an accept failed, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Tells the node id that a peer's certificate proves; `None`: not a node of this cluster.
pub type NodeOf = Arc<dyn Fn(&CertificateDer<'_>) -> Option<u64> + Send + Sync>;

/// Called when somebody was turned away who did not prove to be a node.
pub type OnStranger = Arc<dyn Fn() + Send + Sync>;

/// Who is let in, and what is done about the others.
#[derive(Clone)]
pub struct Door {
    pub tls: Arc<ServerConfig>,
    pub node_of: NodeOf,
    pub on_stranger: OnStranger,
}

/// Serves peers until the task is dropped.
pub async fn serve<S: Service>(listener: TcpListener, door: Door, service: S) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(seat) = seats.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((tcp, peer)) => {
                let (door, service) = (door.clone(), service.clone());
                tokio::spawn(async move {
                    let _seat = seat;
                    match door.admit(tcp).await {
                        Ok((id, stream)) => {
                            if let Err(error) = connection(id, stream, service).await {
                                tracing::debug!(%peer, %error, "peer connection ended");
                            }
                        }
                        Err(error) => {
                            tracing::debug!(%peer, %error, "nobody of this cluster; turned away");
                            (door.on_stranger)();
                        }
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a peer could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

impl Door {
    /// Whose connection it is.
    async fn admit(&self, tcp: TcpStream) -> io::Result<(u64, TlsStream<TcpStream>)> {
        tcp.set_nodelay(true)?;
        let address: SocketAddr = tcp.peer_addr()?;
        let handshake = TlsAcceptor::from(self.tls.clone()).accept(tcp);
        let stream = timeout(HANDSHAKE_LIMIT, handshake).await??;
        let certificate = stream.get_ref().1.peer_certificates().and_then(|c| c.first());
        match certificate.and_then(|c| (self.node_of)(c)) {
            Some(id) => Ok((id, stream)),
            None => {
                tracing::warn!(%address, "refused a connection whose certificate is not a node's");
                Err(io::Error::from(io::ErrorKind::PermissionDenied))
            }
        }
    }
}

async fn connection<S: Service>(peer: u64, stream: TlsStream<TcpStream>, service: S) -> io::Result<()> {
    let (reader, writer) = tokio::io::split(stream);
    let (answers, queue) = mpsc::channel(IN_FLIGHT_MAX);
    let writing = tokio::spawn(frame::write_all(writer, queue));
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    let room = Arc::new(Semaphore::new(OCTETS_MAX));
    let mut reader = BufReader::new(reader);
    while let Some(head) = frame::read_head(&mut reader).await? {
        let octets = u32::try_from(head.length).unwrap_or(u32::MAX);
        let (Ok(permit), Ok(space)) =
            (in_flight.clone().acquire_owned().await, room.clone().acquire_many_owned(octets).await)
        else {
            break;
        };
        let request = frame::read_payload(&mut reader, head).await?;
        let (answers, service) = (answers.clone(), service.clone());
        tokio::spawn(async move {
            let payload = service.answer(peer, request.payload).await;
            drop(answers.send(Frame { number: request.number, payload }).await);
            drop((permit, space));
        });
    }
    drop(answers);
    writing.await?;
    Ok(())
}
