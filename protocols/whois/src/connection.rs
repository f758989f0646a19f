//! One connection: a query line within its limits, an answer, the end.

use std::time::Duration;

use net::{Cut, LineError, Lines, Patience, Service, Shutdown};
use registry::{Backend, Freshness};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tracing::{debug, error, warn};

use crate::answer::{self, Answer};
use crate::query::Query;
use crate::{Site, text};

/// Octets of a query line, its end not counted.
const QUERY_MAX: usize = 1024;
/// What is read and thrown away of a query that is too long, in octets and in time, so that the answer is not lost
/// to the reset that closing over unread octets causes.
const DISCARD_MAX: u64 = 64 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(2);

/// Serves one connection.
pub(crate) async fn answer_one<W, B>(
    wire: W,
    backend: &B,
    site: &Site,
    patience: Patience,
    mut shutdown: Shutdown,
) where
    W: AsyncRead + AsyncWrite + Unpin,
    B: Backend,
{
    let mut lines = Lines::new(wire, QUERY_MAX, patience.idle);
    let line = tokio::select! {
        biased;
        // first, since it is mostly there: then nobody needs to be told that a shutdown is listened for
        line = lines.next() => line,
        () = shutdown.requested() => return,
    };
    let mut unread = false;
    let Answer { text, word } = match line {
        Ok(Some(line)) => answer(backend, site, &line).await,
        Ok(None) => return,
        Err(LineError::TooLong(octets)) => {
            unread = true;
            Answer::invalid(format!("the query is longer than {octets} octets"))
        }
        Err(LineError::Idle) => {
            site.metrics.cut(Service::Whois, Cut::Idle);
            Answer::invalid("no complete query line came in time")
        }
        Err(LineError::Io(cause)) => return debug!(%cause, "a query could not be read"),
    };
    site.answers.count(word, 1);
    match timeout(patience.answer, send(lines.get_mut(), text.as_bytes())).await {
        Ok(Ok(())) => {}
        Ok(Err(cause)) => return debug!(%cause, "an answer could not be sent"),
        Err(_) => return site.metrics.cut(Service::Whois, Cut::Stalled),
    }
    if unread {
        let mut rest = lines.get_mut().take(DISCARD_MAX);
        let _ = timeout(DISCARD_TIME, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    }
}

async fn send(wire: &mut (impl AsyncWrite + Unpin), octets: &[u8]) -> std::io::Result<()> {
    wire.write_all(octets).await?;
    wire.shutdown().await
}

async fn answer(backend: &impl Backend, site: &Site, line: &[u8]) -> Answer {
    let query = match Query::read(line) {
        Ok(query) => query,
        Err(fault) => return Answer::invalid(fault),
    };
    let view = match backend.view(Freshness::Local).await {
        Ok(view) => view,
        Err(cause) => {
            warn!(service = "whois", %cause, "no view of the state");
            return Answer::unavailable();
        }
    };
    answer::to(&view, &query, site).unwrap_or_else(|stop| {
        error!(service = "whois", ?stop, "a query met a fault of the state");
        Answer::unavailable()
    })
}

impl Answer {
    fn invalid(why: impl std::fmt::Display) -> Answer {
        Answer { text: text::error(&why), word: "invalid" }
    }

    fn unavailable() -> Answer {
        let why = "the registry can't answer at the moment; try again in a minute";
        Answer { text: text::error(&why), word: "error" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use net::Metrics;
    use net::metrics::exposition;
    use prometheus_client::registry::Registry;
    use registry::{Solo, Timestamp};
    use std::sync::Arc;
    use tokio::io::{DuplexStream, duplex};

    const PATIENCE: Patience = Patience { idle: Duration::from_secs(10), answer: Duration::from_secs(30) };

    /// What was counted once the connection is over; the pipe holds less than an answer.
    async fn counted(prepare: impl AsyncFnOnce(&mut DuplexStream)) -> String {
        let (mut client, server) = duplex(64);
        prepare(&mut client).await;
        let mut registry = Registry::default();
        let site = Site::new("Terms.", Metrics::register(&mut registry));
        let backend = Solo::memory(Arc::new(|| Timestamp(0)));
        let (_trigger, shutdown) = net::shutdown();
        answer_one(server, &backend, &site, PATIENCE, shutdown).await;
        exposition(&registry).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_take_its_answer_is_cut() {
        let text = counted(async |client| client.write_all(b"a.example\r\n").await.unwrap()).await;
        assert!(text.contains(r#"cut_total{service="whois",reason="stalled"} 1"#), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_nothing_is_cut() {
        let text = counted(async |client| client.write_all(b"a.exam").await.unwrap()).await;
        assert!(text.contains(r#"cut_total{service="whois",reason="idle"} 1"#), "{text}");
    }
}
