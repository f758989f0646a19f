//! The writer's thread in production; a simulation calls `write_step` as a task instead.

use super::Log;
use crate::Fault;
use crate::sync::lock;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
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
        self.options.space.resume();
        let log = self.clone();
        let thread = std::thread::Builder::new().name("log-writer".to_owned()).spawn(move || log.run())?;
        Ok(LogWriter { log: self.clone(), thread: Some(thread) })
    }

    /// A completion that panics would otherwise leave a log that takes writes and never answers.
    fn run(&self) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.write_until_stopped())) {
            self.fail(&Fault::panicked(&*panic), Vec::new());
        }
    }

    fn write_until_stopped(&self) {
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
        self.log.options.space.give_up();
        self.log.work.notify_all();
        if let Some(thread) = self.thread.take() {
            // Its panics have become a failure of the log.
            let _ = thread.join();
        }
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.join();
    }
}
