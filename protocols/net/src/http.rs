//! One HTTP/1.1 connection with its limits, for the services that speak it: head, silence, slow readers, a graceful
//! end. What is asked and answered is theirs.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tracing::debug;

use crate::metrics::{Cut, Metrics, Service};
use crate::patient::Patient;
use crate::shutdown::Shutdown;
use crate::waiting::{Over, Waiting};

/// The limits of one connection.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Time for a complete request head; the wait for the next request counts too.
    pub head: Duration,
    /// Octets of a request head: more is answered 431.
    pub head_octets: usize,
    /// Header lines of a request: more is answered 431.
    pub headers: usize,
    /// A client that takes nothing of its answer for so long is cut.
    pub answer: Duration,
    /// How long a connection may last; then it ends after the request under way.
    pub connection: Duration,
    /// Time for that request and its answer.
    pub ending: Duration,
}

/// Whose connections they are, and where it is counted how they end.
#[derive(Clone, Debug)]
pub struct Tally {
    pub service: Service,
    pub metrics: Metrics,
}

/// Serves one connection until either side ends it.
pub async fn converse<W, S>(wire: W, service: S, limits: HttpLimits, tally: &Tally, shutdown: Shutdown)
where
    W: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: hyper::service::Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible>,
{
    let wire = TokioIo::new(Patient::new(wire, limits.answer));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(limits.head_octets)
        .max_headers(limits.headers);
    let mut connection = pin!(http.serve_connection(wire, service));
    let mut waiting = Waiting::new(shutdown, limits.connection);
    let over = match waiting.unless_over(connection.as_mut()).await {
        Ok(ended) => return tally.ended(&ended),
        Err(over) => over,
    };
    connection.as_mut().graceful_shutdown();
    match timeout(limits.ending, connection).await {
        Ok(ended) => tally.ended(&ended),
        Err(_) => {
            // of one that the node's own end cuts short nothing is to be said
            if matches!(over, Over::TooLong) {
                tally.metrics.cut(tally.service, Cut::Stalled);
            }
            debug!(service = tally.service.name(), "a connection did not end in time and is cut");
        }
    }
}

impl Tally {
    fn ended(&self, ended: &hyper::Result<()>) {
        let Err(cause) = ended else { return };
        debug!(service = self.service.name(), %cause, "connection ended");
        if let Some(cut) = cut(cause) {
            self.metrics.cut(self.service, cut);
        }
    }
}

/// What of an end is the client's doing; a connection that broke is nobody's.
fn cut(cause: &hyper::Error) -> Option<Cut> {
    let failed = cause.source().and_then(|source| source.downcast_ref::<io::Error>());
    if failed.is_some_and(|failed| failed.kind() == io::ErrorKind::TimedOut) {
        Some(Cut::Stalled)
    } else if cause.is_timeout() {
        Some(Cut::Idle)
    } else if cause.is_parse() {
        Some(Cut::Malformed)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::exposition;
    use crate::shutdown::shutdown;
    use hyper::service::service_fn;
    use prometheus_client::registry::Registry;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::task::JoinHandle;

    const LIMITS: HttpLimits = HttpLimits {
        head: Duration::from_secs(15),
        head_octets: 8192,
        headers: 16,
        answer: Duration::from_secs(30),
        connection: Duration::from_secs(600),
        ending: Duration::from_secs(10),
    };

    /// A client's end, and the metrics once the connection is over. Answers have 4 KiB, the pipe holds 1.
    fn served() -> (DuplexStream, JoinHandle<String>) {
        let (client, server) = duplex(1024);
        let served = tokio::spawn(async move {
            let mut registry = Registry::default();
            let tally = Tally { service: Service::Rdap, metrics: Metrics::register(&mut registry) };
            let (_trigger, shutdown) = shutdown();
            let answer =
                service_fn(|_| async { Ok(Response::new(Full::new(Bytes::from(vec![b'x'; 4096])))) });
            converse(server, answer, LIMITS, &tally, shutdown).await;
            exposition(&registry).unwrap()
        });
        (client, served)
    }

    async fn counted(served: JoinHandle<String>, reason: &str) {
        let text = served.await.unwrap();
        let line = format!("namingo_connections_cut_total{{service=\"rdap\",reason=\"{reason}\"}} 1");
        assert!(text.lines().any(|have| have == line), "{line} is missing in\n{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_its_answer_is_cut() {
        let (mut client, served) = served();
        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        counted(served, "stalled").await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_dribbles_or_is_silent_is_cut() {
        let (mut client, served) = served();
        client.write_all(b"GET / HT").await.unwrap();
        counted(served, "idle").await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_http_is_answered_400() {
        let (mut client, served) = served();
        client.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 garbage\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        counted(served, "malformed").await;
    }
}
