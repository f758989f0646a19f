//! RDAP: registration data as JSON over HTTP (RFC 7480, 9082, 9083) in the form of ICANN's response profile and
//! technical implementation guide of 2024, with redaction after RFC 9537.
//!
//! `/domain/NAME`, `/nameserver/NAME`, `/entity/HANDLE` (registrars) and `/help`, by GET and HEAD. Answers come from
//! this node's own state and state how fresh it is. What may be shown is decided in [`registry::view`], not here.
//! Not here: searches, contacts as entities of their own, rate limits by query (a listener limits connections),
//! other registries' names.

mod answer;
mod connection;
mod http;
mod object;
mod request;
mod site;

use std::sync::Arc;

use net::{Listener, Shutdown, Transport};
use registry::Backend;

pub use site::{Site, SiteFault};

/// Answers queries until `shutdown` is requested; over TLS, or plain where a proxy in front speaks TLS.
pub async fn serve<T: Transport, B: Backend>(
    listener: Listener,
    transport: T,
    backend: B,
    site: Arc<Site>,
    shutdown: Shutdown,
) {
    let shared = Arc::new((backend, site));
    let patience = listener.patience();
    let connection =
        move |wire, _peer, shutdown| connection::converse(wire, Arc::clone(&shared), patience, shutdown);
    listener.serve(transport, shutdown, connection).await;
}
