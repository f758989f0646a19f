//! The log stores that are compared, behind one face.

use super::wal::Wal;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage::{DirDisk, Log, LogOptions};

pub const KINDS: [&str; 4] = ["redb", "redb, no repair", "wal, growing", "wal, recycled"];

/// The product's name for its log file.
const LOG_FILE: &str = "log.redb";

/// A log that is durable when `put` returns.
pub trait LogStore: Send {
    fn put(&mut self, entries: &[Arc<[u8]>]) -> Result<(), Box<dyn Error>>;

    /// Leaves the files as a killed process would and opens them again: the time that takes, where it is
    /// a question.
    fn killed_and_reopened(self: Box<Self>) -> Result<Option<Duration>, Box<dyn Error>>;
}

/// Opens a store of one of [`KINDS`] in a new directory.
pub fn open(kind: &str, path: &Path) -> Result<Box<dyn LogStore>, Box<dyn Error>> {
    Ok(match kind {
        "redb" => Box::new(Redb::open(path, true)?),
        "redb, no repair" => Box::new(Redb::open(path, false)?),
        "wal, growing" => Box::new(Wal::open(path, false)?),
        "wal, recycled" => Box::new(Wal::open(path, true)?),
        other => return Err(format!("no log store is called \"{other}\"").into()),
    })
}

/// The product's log, written on the caller's thread so that no hand-over is measured.
struct Redb {
    disk: Arc<DirDisk>,
    log: Log,
    quick_repair: bool,
    next: u64,
}

impl Redb {
    fn open(path: &Path, quick_repair: bool) -> Result<Redb, Box<dyn Error>> {
        let disk = Arc::new(DirDisk::open(path)?);
        let log = Log::open_with(&*disk, LogOptions { quick_repair, ..LogOptions::default() })?;
        Ok(Redb { disk, log, quick_repair, next: 0 })
    }
}

impl LogStore for Redb {
    fn put(&mut self, entries: &[Arc<[u8]>]) -> Result<(), Box<dyn Error>> {
        let first = self.next;
        self.next += entries.len() as u64;
        let (tell, told) = std::sync::mpsc::channel();
        let done = Box::new(move |r| tell.send(r).unwrap_or_default());
        self.log.append((first..).zip(entries.iter().cloned()).collect(), done);
        while self.log.write_step() {}
        Ok(told.recv()??)
    }

    fn killed_and_reopened(self: Box<Self>) -> Result<Option<Duration>, Box<dyn Error>> {
        let Redb { disk, log, quick_repair, .. } = *self;
        // A copy of the open file, taken between two writes, is what a kill leaves: it was never closed.
        let left = disk.path().with_extension("killed");
        std::fs::create_dir(&left)?;
        std::fs::copy(disk.path().join(LOG_FILE), left.join(LOG_FILE))?;
        // Or the first fsync of the reopening would pay for the copy.
        std::fs::File::open(left.join(LOG_FILE))?.sync_all()?;
        drop(log);
        let disk = DirDisk::open(&left)?;
        let start = Instant::now();
        let log = Log::open_with(&disk, LogOptions { quick_repair, ..LogOptions::default() })?;
        log.bounds()?;
        Ok(Some(start.elapsed()))
    }
}
