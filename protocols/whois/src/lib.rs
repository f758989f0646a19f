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

use net::{Answers, Listener, Metrics, Plain, Service, Shutdown};
use registry::{Backend, view::Kept};

/// What the answers need beside the registry's state.
pub struct Site {
    terms: String,
    answers: Answers,
    metrics: Metrics,
    kept: Kept,
}

impl Site {
    /// `terms` end every answer; one line or several, may be empty.
    pub fn new(terms: impl Into<String>, metrics: Metrics) -> Site {
        let answers = metrics.answers(Service::Whois, answer::WORDS);
        Site { terms: terms.into(), answers, metrics, kept: Kept::default() }
    }
}

/// Answers queries until `shutdown` is requested.
pub async fn serve<B: Backend>(listener: Listener, backend: B, site: Arc<Site>, shutdown: Shutdown) {
    let shared = Arc::new((backend, site));
    let patience = listener.patience();
    let connection = move |wire, _peer, shutdown| {
        let shared = Arc::clone(&shared);
        async move { connection::answer_one(wire, &shared.0, &shared.1, patience, shutdown).await }
    };
    listener.serve(Plain, shutdown, connection).await;
}
