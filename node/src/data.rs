//! A node's files: `DIR/node-N/REPOSITORY/` with the log and the state, locked while the node runs.

use crate::{failure::Failure, metrics::NodeMetrics};
use raft::Drain;
use registry::tables;
use std::{path::Path, sync::Arc};
use storage::{DirDisk, Log, LogOptions, LogWriter, Options, Store};
use tokio::sync::mpsc;

/// Opened and running: the log with its writer, the state with its drain.
pub struct Data {
    pub log: Arc<Log>,
    pub store: Arc<Store>,
    writer: LogWriter,
    drain: Drain,
}

impl Data {
    /// Opens or creates the files. `faults` gets the reason when the drain fails.
    ///
    /// # Errors
    /// Locked by another process, of another format, damaged, or not writable.
    pub fn open(
        dir: &Path,
        metrics: &NodeMetrics,
        faults: mpsc::UnboundedSender<String>,
    ) -> Result<Data, Failure> {
        let disk = DirDisk::open(dir)?;
        let synced = metrics.clone();
        let log_options = LogOptions {
            on_commit: Some(Arc::new(move |took| synced.log_committed(took))),
            ..LogOptions::default()
        };
        let log = Arc::new(Log::open_with(&disk, log_options)?);
        let thread = |e: std::io::Error| Failure::at("a thread could not be started", e);
        let writer = log.spawn_writer().map_err(thread)?;
        let store = Arc::new(Store::open(Arc::new(disk), tables::ALL, Options::default())?);
        let drained = metrics.clone();
        let drain = Drain::spawn(
            store.clone(),
            log.clone(),
            Arc::new(move |why| drop(faults.send(why))),
            Arc::new(move |rows, took| drained.drained(rows, took)),
        )
        .map_err(thread)?;
        Ok(Data { log, store, writer, drain })
    }

    /// Makes everything durable and closes the files.
    ///
    /// # Errors
    /// A fault of the disk.
    pub fn close(self) -> Result<(), Failure> {
        self.drain.finish()?;
        self.writer.stop().map_err(|e| Failure::at("the log", e))
    }
}
