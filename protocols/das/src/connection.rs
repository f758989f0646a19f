//! One connection: reads what has arrived, answers the complete lines in it, and again.

use std::io;

use net::{Cut, Metrics, Patience, Service, Shutdown};
use registry::{Backend, Freshness, view::DasStatus};
use storage::Fault;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{debug, error, warn};

use crate::answer;
use crate::batch::Inbox;

/// Room for reading; with it a connection holds at most a few times as many octets.
const READ_OCTETS: usize = 8 * 1024;

/// Serves one connection until the client leaves, a limit is met or the shutdown is requested.
pub(crate) async fn converse<W, B>(
    wire: W,
    backend: &B,
    metrics: &Metrics,
    patience: Patience,
    shutdown: Shutdown,
) where
    W: AsyncRead + AsyncWrite + Unpin,
    B: Backend,
{
    let (inbox, out) = (Inbox::default(), Vec::new());
    let mut conversation = Conversation { wire, backend, metrics, patience, inbox, out };
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
    /// From one answer to the next complete line, and for the client to take a batch of answers.
    patience: Patience,
    inbox: Inbox,
    out: Vec<u8>,
}

impl<W: AsyncRead + AsyncWrite + Unpin, B: Backend> Conversation<'_, W, B> {
    async fn run(&mut self, mut shutdown: Shutdown) -> io::Result<()> {
        let mut deadline = Instant::now() + self.patience.idle;
        loop {
            while self.inbox.is_ready() {
                self.answer(Part::Ready).await?;
                deadline = Instant::now() + self.patience.idle;
            }
            self.inbox.octets.reserve(READ_OCTETS);
            let read = tokio::select! {
                biased;
                () = shutdown.requested() => return Ok(()),
                read = timeout_at(deadline, self.wire.read_buf(&mut self.inbox.octets)) => read,
            };
            let read = read.inspect_err(|_| self.metrics.cut(Service::Das, Cut::Idle))??;
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
        let written = timeout(self.patience.answer, self.wire.write_all(&self.out)).await;
        written.inspect_err(|_| metrics.cut(Service::Das, Cut::Stalled))?
    }
}

fn failed(metrics: &Metrics, cause: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    metrics.query(Service::Das, "error");
    io::Error::other(cause)
}
