//! One connection: reads what has arrived, answers the complete lines in it, and again.

use std::io;

use net::{Cut, Over, Patience, Shutdown, Waiting};
use registry::{
    Backend,
    view::{Das, DasStatus},
};
use storage::{Fault, View};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tracing::{debug, error, warn};

use crate::batch::Inbox;
use crate::site::{Counts, Site};

/// Room for reading; with it a connection holds at most a few times as many octets.
const READ_OCTETS: usize = 8 * 1024;

/// Serves one connection until the client leaves, a limit is met or the shutdown is requested.
pub(crate) async fn converse<W, B>(wire: W, site: &Site<B>, patience: Patience, shutdown: Shutdown)
where
    W: AsyncRead + AsyncWrite + Unpin,
    B: Backend,
{
    let (inbox, out, room) = (Inbox::default(), Vec::new(), Vec::new());
    let mut conversation = Conversation { wire, site, patience, inbox, out, room };
    if let Err(cause) = conversation.run(shutdown).await {
        debug!(service = "das", %cause, "connection ended");
    }
}

/// Which lines are to be answered.
#[derive(Clone, Copy)]
enum Part {
    /// Complete ones.
    Ready,
    /// The one that the end of the stream ends, if any.
    Last,
}

struct Conversation<'a, W, B> {
    wire: W,
    site: &'a Site<B>,
    /// From one answer to the next complete line, and for the client to take a batch of answers.
    patience: Patience,
    inbox: Inbox,
    out: Vec<u8>,
    /// Where keys are put to be looked up.
    room: Vec<u8>,
}

impl<W: AsyncRead + AsyncWrite + Unpin, B: Backend> Conversation<'_, W, B> {
    async fn run(&mut self, shutdown: Shutdown) -> io::Result<()> {
        let mut waiting = Waiting::new(shutdown, self.patience.idle);
        loop {
            while self.inbox.is_ready() {
                self.answer(Part::Ready, &mut waiting).await?;
                waiting.allow(self.patience.idle);
            }
            self.inbox.octets.reserve(READ_OCTETS);
            let read = self.wire.read_buf(&mut self.inbox.octets);
            let read = match waiting.unless_over(read).await {
                Ok(read) => read?,
                Err(Over::Stopping) => return Ok(()),
                Err(Over::TooLong) => return Err(self.site.cut(Cut::Idle)),
            };
            self.inbox.received();
            if read == 0 {
                self.answer(Part::Last, &mut waiting).await?;
                return self.wire.shutdown().await;
            }
        }
    }

    /// Answers a batch on one view, then writes. A failing state ends the connection: no status says "unknown".
    async fn answer(&mut self, part: Part, waiting: &mut Waiting) -> io::Result<()> {
        let view = self.site.view().await.map_err(|cause| {
            warn!(service = "das", %cause, "no view of the state");
            self.failed(cause)
        })?;
        let answered = self.compose(&view, part);
        drop(view);
        answered.map_err(|fault| {
            error!(service = "das", %fault, "a query met a fault of the state");
            self.failed(fault)
        })?;
        waiting.allow(self.patience.answer);
        let written = waiting.in_time(self.wire.write_all(&self.out)).await;
        written.map_err(|_| self.site.cut(Cut::Stalled))?
    }

    fn compose(&mut self, view: &View, part: Part) -> Result<(), Fault> {
        let Conversation { site, inbox, out, room, .. } = self;
        let das = Das::new(view, &site.kept)?;
        let mut counts = Counts::default();
        let ask = |name: Option<&[u8]>| {
            let status = name.map_or(Ok(DasStatus::Invalid), |name| das.status(name, room));
            status.inspect(|status| counts.one(*status))
        };
        out.clear();
        match part {
            Part::Ready => inbox.answer(out, ask),
            Part::Last => inbox.finish(out, ask),
        }?;
        site.answered(&counts);
        Ok(())
    }

    fn failed(&self, cause: impl std::error::Error + Send + Sync + 'static) -> io::Error {
        self.site.failed();
        io::Error::other(cause)
    }
}
