//! One connection: a query line within its limits, an answer, the end.

use std::time::Duration;

use net::{LineError, Lines, Service, Shutdown};
use registry::{Backend, Freshness};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tracing::{debug, error, warn};

use crate::answer::{self, Answer};
use crate::query::Query;
use crate::{Site, text};

/// Octets of a query line, its end not counted.
const QUERY_MAX: usize = 1024;
/// Time for a complete query line.
const QUERY_TIME: Duration = Duration::from_secs(10);
/// Time for the client to take the answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// What is read and thrown away of a query that is too long, in octets and in time, so that the answer is not lost
/// to the reset that closing over unread octets causes.
const DISCARD_MAX: u64 = 64 * 1024;
const DISCARD_TIME: Duration = Duration::from_secs(2);

/// Serves one connection.
pub(crate) async fn answer_one<W, B>(wire: W, backend: &B, site: &Site, mut shutdown: Shutdown)
where
    W: AsyncRead + AsyncWrite + Unpin,
    B: Backend,
{
    let mut lines = Lines::new(wire, QUERY_MAX, QUERY_TIME);
    let line = tokio::select! {
        biased;
        () = shutdown.requested() => return,
        line = lines.next() => line,
    };
    let mut unread = false;
    let Answer { text, word } = match line {
        Ok(Some(line)) => answer(backend, site, &line).await,
        Ok(None) => return,
        Err(LineError::TooLong(octets)) => {
            unread = true;
            Answer::invalid(format!("the query is longer than {octets} octets"))
        }
        Err(LineError::Idle) => Answer::invalid("no complete query line came in time"),
        Err(LineError::Io(cause)) => return debug!(%cause, "a query could not be read"),
    };
    site.metrics.query(Service::Whois, word);
    let sent = timeout(ANSWER_TIME, send(lines.get_mut(), text.as_bytes())).await;
    if let Ok(Err(cause)) = sent {
        return debug!(%cause, "an answer could not be sent");
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
    answer::to(&view, &query, &site.terms).unwrap_or_else(|stop| {
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
