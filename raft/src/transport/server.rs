//! Answers peers: proves who they are, then serves many requests of a connection at once.

use super::{
    frame::{self, Frame},
    socket,
};
use crate::net::Service;
use rustls::{ServerConfig, pki_types::CertificateDer};
use std::{
    any::Any,
    collections::BTreeMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::BufReader,
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore, mpsc},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Requests of one connection that are answered at the same time at most.
const IN_FLIGHT_MAX: usize = 1024;
/// Octets of requests of one connection that are read and not answered yet, at most.
const OCTETS_MAX: usize = 2 * frame::FRAME_MAX;
/// Connections at most: a few lanes for each of many nodes.
const CONNECTIONS_MAX: usize = 512;
/// Connections of one node at most; a new one takes the place of the oldest, which may have no other end any more.
const CONNECTIONS_EACH: usize = 8;
/// Handshakes at most at the same time: who has not proved yet who it is takes no seat of a node's.
const HANDSHAKES_MAX: usize = 128;
/// How long a handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(3);
/// Pause after an accept failed, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Tells the node id that a peer's certificate proves; `None`: not a node of this cluster.
pub type NodeOf = Arc<dyn Fn(&CertificateDer<'_>) -> Option<u64> + Send + Sync>;

/// Called when somebody was turned away who did not prove to be a node.
pub type OnStranger = Arc<dyn Fn() + Send + Sync>;

/// A place at the door for somebody from this address, until it is dropped; `None`: that address has too many.
pub type Places = Arc<dyn Fn(IpAddr) -> Option<Box<dyn Any + Send>> + Send + Sync>;

/// Who is let in, and what is done about the others.
#[derive(Clone)]
pub struct Door {
    pub tls: Arc<ServerConfig>,
    pub node_of: NodeOf,
    pub on_stranger: OnStranger,
    /// For who has not proved yet who it is: silent connections of one address keep no node out.
    pub places: Places,
}

/// Serves peers until the task is dropped.
pub async fn serve<S: Service>(listener: TcpListener, door: Door, service: S) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    let seats = Arc::new(Seats::default());
    loop {
        let Ok(handshake) = handshakes.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((tcp, peer)) => {
                let Some(place) = (door.places)(peer.ip()) else {
                    tracing::debug!(%peer, "turned away: its address has too many at the door");
                    (door.on_stranger)();
                    continue;
                };
                let (door, service, seats) = (door.clone(), service.clone(), seats.clone());
                tokio::spawn(async move {
                    let admitted = door.admit(tcp).await;
                    drop((handshake, place));
                    match admitted {
                        Ok((id, stream)) => seated(&seats, (id, peer), stream, service).await,
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

/// The connections that are served: by number in all, by node.
#[derive(Default)]
struct Seats(Mutex<Seated>);

#[derive(Default)]
struct Seated {
    taken: u64,
    /// Node and number of the connection; oldest first.
    by_node: BTreeMap<(u64, u64), Arc<Notify>>,
}

/// A connection's place, until it is dropped.
struct Seat<'a> {
    seats: &'a Seats,
    key: (u64, u64),
    replaced: Arc<Notify>,
}

impl Seats {
    fn lock(&self) -> MutexGuard<'_, Seated> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for a connection of `node`; its oldest one is told to go if it has too many. `None`: all are taken.
    fn take(&self, node: u64) -> Option<Seat<'_>> {
        let mut seated = self.lock();
        let own: Vec<_> = seated.by_node.range((node, 0)..=(node, u64::MAX)).map(|(key, _)| *key).collect();
        match own.first() {
            Some(oldest) if own.len() >= CONNECTIONS_EACH => {
                if let Some(replaced) = seated.by_node.remove(oldest) {
                    replaced.notify_one();
                }
            }
            _ if seated.by_node.len() >= CONNECTIONS_MAX => return None,
            _ => {}
        }
        seated.taken += 1;
        let (key, replaced) = ((node, seated.taken), Arc::new(Notify::new()));
        seated.by_node.insert(key, replaced.clone());
        Some(Seat { seats: self, key, replaced })
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.seats.lock().by_node.remove(&self.key);
    }
}

/// Serves a connection until it ends, or until a newer one of the same node takes its place.
async fn seated<S: Service>(
    seats: &Seats,
    (id, peer): (u64, SocketAddr),
    stream: TlsStream<TcpStream>,
    service: S,
) {
    let Some(seat) = seats.take(id) else {
        return tracing::warn!(%peer, node = id, "there is no room for more connections of peers");
    };
    tokio::select! {
        biased;
        () = seat.replaced.notified() => {
            tracing::debug!(%peer, node = id, "replaced by newer connections of the same node");
        }
        ended = connection(id, stream, service) => if let Err(error) = ended {
            tracing::debug!(%peer, %error, "peer connection ended");
        },
    }
}

impl Door {
    /// Whose connection it is.
    async fn admit(&self, tcp: TcpStream) -> io::Result<(u64, TlsStream<TcpStream>)> {
        socket::prepare(&tcp)?;
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
    // ends with this connection: answers that are still to come have nobody to go to
    let mut writing = JoinSet::new();
    writing.spawn(frame::write_all(writer, queue));
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
    drop(writing.join_next().await);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_with_many_connections_loses_its_oldest_and_others_keep_theirs() {
        let seats = Seats::default();
        let of_another = seats.take(2).unwrap();
        let mut own: Vec<_> = (0..CONNECTIONS_EACH + 3).map(|_| seats.take(1).unwrap()).collect();
        assert_eq!(seats.lock().by_node.len(), CONNECTIONS_EACH + 1);
        assert!(seats.lock().by_node.contains_key(&of_another.key));
        for seat in own.drain(..3) {
            assert!(!seats.lock().by_node.contains_key(&seat.key), "the oldest go first");
        }
        assert_eq!(
            seats.lock().by_node.len(),
            CONNECTIONS_EACH + 1,
            "a seat that was replaced frees no other"
        );
        drop(own);
        assert_eq!(seats.lock().by_node.len(), 1);
        let others: Vec<_> = (3..).map_while(|node| seats.take(node)).take(CONNECTIONS_MAX).collect();
        assert_eq!(others.len(), CONNECTIONS_MAX - 1, "no room for more nodes than that");
    }
}
