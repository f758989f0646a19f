//! One connection: reads what has arrived, answers the complete lines in it, and again.

use std::io;
use std::time::Duration;

use net::{Metrics, Service, Shutdown};
use registry::{Backend, Freshness, view::DasStatus};
use storage::Fault;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{debug, error, warn};

use crate::answer;
use crate::batch::Inbox;

/// Time from one answer to the next complete line.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// Time for the client to take a batch of answers.
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// Room for reading; with it a connection holds at most a few times as many octets.
const READ_OCTETS: usize = 8 * 1024;

/// Serves one connection until the client leaves, a limit is met or the shutdown is requested.
pub(crate) async fn converse<W, B>(wire: W, backend: &B, metrics: &Metrics, shutdown: Shutdown)
where
    W: AsyncRead + AsyncWrite + Unpin,
    B: Backend,
{
    let mut conversation = Conversation { wire, backend, metrics, inbox: Inbox::default(), out: Vec::new() };
    if let Err(cause) = conversation.run(shutdown).await {
        debug!(service = "das", %cause, "connection ended");
    }
}

/// Which lines are to be answered.
enum Part {
    /// Complete ones.
    Ready,
    /// The one that the end of the stream ends, if any.
    Last,
}

struct Conversation<'a, W, B> {
    wire: W,
    backend: &'a B,
    metrics: &'a Metrics,
    inbox: Inbox,
    out: Vec<u8>,
}

impl<W: AsyncRead + AsyncWrite + Unpin, B: Backend> Conversation<'_, W, B> {
    async fn run(&mut self, mut shutdown: Shutdown) -> io::Result<()> {
        let mut deadline = Instant::now() + IDLE_TIME;
        loop {
            while self.inbox.is_ready() {
                self.answer(Part::Ready).await?;
                deadline = Instant::now() + IDLE_TIME;
            }
            self.inbox.octets.reserve(READ_OCTETS);
            let read = tokio::select! {
                biased;
                () = shutdown.requested() => return Ok(()),
                read = timeout_at(deadline, self.wire.read_buf(&mut self.inbox.octets)) => read??,
            };
            self.inbox.received();
            if read == 0 {
                self.answer(Part::Last).await?;
                return self.wire.shutdown().await;
            }
        }
    }

    /// Answers a batch on one view, then writes. A failing state ends the connection: no status says "unknown".
    async fn answer(&mut self, part: Part) -> io::Result<()> {
        let metrics = self.metrics;
        let view = self.backend.view(Freshness::Local).await.map_err(|cause| {
            warn!(service = "das", %cause, "no view of the state");
            failed(metrics, cause)
        })?;
        let ask = |line: &[u8]| {
            let status = answer::status(&view, line)?;
            metrics.query(Service::Das, status.word());
            Ok::<DasStatus, Fault>(status)
        };
        self.out.clear();
        let answered = match part {
            Part::Ready => self.inbox.answer(&mut self.out, ask),
            Part::Last => self.inbox.finish(&mut self.out, ask),
        };
        drop(view);
        answered.map_err(|fault| {
            error!(service = "das", %fault, "a query met a fault of the state");
            failed(metrics, fault)
        })?;
        timeout(ANSWER_TIME, self.wire.write_all(&self.out)).await?
    }
}

fn failed(metrics: &Metrics, cause: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    metrics.query(Service::Das, "error");
    io::Error::other(cause)
}
