//! One HTTP/1.1 connection with its limits.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use net::http::{HttpLimits, Tally};
use net::{Patience, Service, Shutdown};
use registry::Backend;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{Site, http};

/// Octets of a request head: more is answered 431.
const HEAD_MAX: usize = 16 * 1024;
/// Header lines of a request: more is answered 431.
const HEADERS_MAX: usize = 64;
/// How long a connection may last; then it ends after the request under way.
const CONNECTION_TIME: Duration = Duration::from_secs(600);
/// Time for that request, and for the client to take its answer.
const ENDING_TIME: Duration = Duration::from_secs(10);

/// Serves one connection until either side ends it.
pub(crate) async fn converse<W, B>(
    wire: W,
    shared: Arc<(B, Arc<Site>)>,
    patience: Patience,
    shutdown: Shutdown,
) where
    W: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: Backend,
{
    let limits = HttpLimits {
        head: patience.idle,
        head_octets: HEAD_MAX,
        headers: HEADERS_MAX,
        answer: patience.answer,
        connection: CONNECTION_TIME,
        ending: ENDING_TIME,
    };
    let tally = Tally { service: Service::Rdap, metrics: shared.1.metrics.clone() };
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(http::respond(&request, &shared.0, &shared.1).await) }
    });
    net::http::converse(wire, service, limits, &tally, shutdown).await;
}
