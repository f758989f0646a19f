//! The writer's thread in production; a simulation calls `write_step` as a task instead.

use super::Log;
use crate::sync::lock;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Runs `write_step` until it is stopped. Dropping it stops it too.
pub struct LogWriter {
    log: Arc<Log>,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    /// Starts the writer's thread. One per log.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn spawn_writer(self: &Arc<Self>) -> io::Result<LogWriter> {
        lock(&self.state).stopping = false;
        let log = self.clone();
        let thread = std::thread::Builder::new().name("log-writer".to_owned()).spawn(move || log.run())?;
        Ok(LogWriter { log: self.clone(), thread: Some(thread) })
    }

    fn run(&self) {
        loop {
            while self.write_step() {}
            if lock(&self.state).stopping {
                return;
            }
            self.wait(Duration::from_secs(1));
        }
    }
}

impl LogWriter {
    /// Stops the thread and writes what is still queued.
    ///
    /// # Errors
    /// The failure of a write, this or an earlier one.
    pub fn stop(mut self) -> io::Result<()> {
        self.join();
        self.log.flush()
    }

    fn join(&mut self) {
        lock(&self.log.state).stopping = true;
        self.log.work.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the log's writer thread panicked in a caller's completion");
        }
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.join();
    }
}
