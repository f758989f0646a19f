//! The log: lines to standard error, written by a thread of its own.
//!
//! Whoever reads them may be slow, stand still or be gone. Nothing of the node waits for that: lines that find no room in
//! the queue are lost and counted, and so is what can't be written.

use std::{
    io::{self, BufWriter, IsTerminal, stderr},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// Lines waiting to be written at most: some 10 MB of usual ones.
const LINES_MAX: usize = 32_768;
/// How long lines come together after some were written: a write for each of a thousand a second costs more than they do.
const GATHER: Duration = Duration::from_millis(5);
/// Lines are written when they are so many octets, or when there are no more.
const BUFFER_BYTES: usize = 64 << 10;

static LOG: Mutex<Option<(WorkerGuard, ErrorCounter)>> = Mutex::new(None);

/// Starts the log, with the detail that `RUST_LOG` says.
pub fn start() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("info,{}", raft::LOG_FILTER)));
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(LINES_MAX)
        .thread_name("log")
        .finish(Gathered(BufWriter::with_capacity(BUFFER_BYTES, Unbreakable(stderr()))));
    *LOG.lock().unwrap_or_else(PoisonError::into_inner) = Some((guard, writer.error_counter()));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .log_internal_errors(false)
        .with_ansi(stderr().is_terminal())
        .with_target(false)
        .init();
}

/// Lines that found no room so far.
pub fn lost() -> u64 {
    let log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    log.as_ref().map_or(0, |(_, counter)| counter.dropped_lines() as u64)
}

/// Writes what waits, for a second at most: the process is about to end. Lines that come later are lost.
pub fn end() {
    let ended = LOG.try_lock().ok().and_then(|mut log| log.take());
    drop(ended);
}

/// A log that nobody reads any more must not end the node.
struct Unbreakable<W>(W);

impl<W: io::Write> io::Write for Unbreakable<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        Ok(self.0.write(line).unwrap_or(line.len()))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().or(Ok(()))
    }
}

/// What is written at once goes out with the first flush. The thread of the log flushes when no line waits any more, and
/// rests then.
struct Gathered<W: io::Write>(BufWriter<W>);

impl<W: io::Write> io::Write for Gathered<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()?;
        thread::sleep(GATHER);
        Ok(())
    }
}
