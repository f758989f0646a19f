//! Domain availability: one query line, one answer line, for as long as the client likes.
//!
//! A query is a domain name and ends with LF or CRLF. Its answer is `NAME STATUS` and ends with LF alone: the name as
//! asked in lower case, then `free`, `registered`, `reserved`, `blocked` or `invalid` (not a name that can be
//! registered here, names in foreign zones included). Every line has exactly one answer, in order, also an empty, an
//! unprintable or an over-long one, whose name is then shown in a safe form; so a client may send many lines at once
//! and count the answers. No standard describes this service.
//!
//! What a status means is decided in [`registry::view`]. Not here: rate limits by query (a listener limits
//! connections), the reasons behind a status.

mod answer;
mod batch;
mod connection;
mod site;

use std::sync::Arc;

use net::{Listener, Metrics, Plain, Shutdown};
use registry::Backend;

/// Answers queries until `shutdown` is requested.
pub async fn serve<B: Backend>(listener: Listener, backend: B, metrics: Metrics, shutdown: Shutdown) {
    let site = Arc::new(site::Site::new(backend, metrics));
    let patience = listener.patience();
    let connection = move |wire, _peer, shutdown| {
        let site = Arc::clone(&site);
        async move { connection::converse(wire, &site, patience, shutdown).await }
    };
    listener.serve(Plain, shutdown, connection).await;
}
