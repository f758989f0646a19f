//! One HTTP/1.1 connection with its limits.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use net::Shutdown;
use registry::Backend;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::{Site, http};

/// Time for a complete request head; the wait for the next request counts too.
const HEAD_TIME: Duration = Duration::from_secs(15);
/// Octets of a request head: more is answered 431.
const HEAD_MAX: usize = 16 * 1024;
/// Header lines of a request: more is answered 431.
const HEADERS_MAX: usize = 64;
/// How long a connection may last; then it ends after the request under way.
const CONNECTION_TIME: Duration = Duration::from_secs(600);
/// Time for that request, and for the client to take its answer.
const ENDING_TIME: Duration = Duration::from_secs(10);

/// Serves one connection until either side ends it.
pub(crate) async fn converse<W, B>(wire: W, shared: Arc<(B, Arc<Site>)>, mut shutdown: Shutdown)
where
    W: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: Backend,
{
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(http::respond(&request, &shared.0, &shared.1).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_MAX)
        .max_headers(HEADERS_MAX);
    let mut connection = pin!(http.serve_connection(TokioIo::new(wire), service));
    tokio::select! {
        biased;
        () = shutdown.requested() => {}
        () = sleep(CONNECTION_TIME) => {}
        ended = connection.as_mut() => return report(&ended),
    }
    connection.as_mut().graceful_shutdown();
    match timeout(ENDING_TIME, connection).await {
        Ok(ended) => report(&ended),
        Err(_) => debug!(service = "rdap", "a connection did not end in time and is cut"),
    }
}

fn report(ended: &hyper::Result<()>) {
    if let Err(cause) = ended {
        debug!(service = "rdap", %cause, "connection ended");
    }
}
