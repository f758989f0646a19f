//! WHOIS (RFC 3912): one query line, one text answer in the layout of ICANN's registry agreement
//! (Specification 4) and its labelling policy, then the connection closes.
//!
//! Answers come from this node's own state; the `>>> Last update …` line states how fresh it is. What may be shown
//! is decided in [`registry::view`], not here. Not here: rate limits by query (a listener limits connections),
//! searches by address, other registries' names.

mod answer;
mod connection;
mod query;
mod text;

use std::sync::Arc;

use net::{Listener, Metrics, Plain, Shutdown};
use registry::Backend;

/// What the answers need beside the registry's state.
#[derive(Clone, Debug)]
pub struct Site {
    /// The terms of use that end every answer; one line or several, may be empty.
    pub terms: String,
    pub metrics: Metrics,
}

/// Answers queries until `shutdown` is requested.
pub async fn serve<B: Backend>(listener: Listener, backend: B, site: Arc<Site>, shutdown: Shutdown) {
    let patience = listener.patience();
    let connection = move |wire, _peer, shutdown| {
        let (backend, site) = (backend.clone(), Arc::clone(&site));
        async move { connection::answer_one(wire, &backend, &site, patience, shutdown).await }
    };
    listener.serve(Plain, shutdown, connection).await;
}
