//! The listener's side: each connection becomes a session. Beside it runs the watch over suspended registrars.

use std::sync::Arc;

use net::{Listener, Shutdown, Tls};
use registry::Backend;

use crate::session;
use crate::site::Site;

/// Serves EPP over TLS (RFC 5734) until `shutdown` is requested and the sessions have finished.
pub async fn serve<B: Backend>(
    listener: Listener,
    tls: Tls,
    shutdown: Shutdown,
    backend: B,
    site: Arc<Site>,
) {
    let (sessions, watched) = (site.sessions.clone(), backend.clone());
    let handler =
        move |wire, peer, shutdown| session::serve(wire, peer, shutdown, backend.clone(), Arc::clone(&site));
    tokio::select! {
        () = listener.serve(tls, shutdown, handler) => {}
        () = sessions.watch(&watched) => {}
    }
}
