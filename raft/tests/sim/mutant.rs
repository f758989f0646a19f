//! Bugs that are put into the harness, never into the product: each takes one protection away, and the checks must
//! notice. A simulation that finds none of them proves nothing.

use registry::tables::{OUTCOME, OUTCOME_UNTIL};
use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};
use storage::{Disk, DiskFile, Read, SimDisk, Store};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The product as it is.
    None,
    /// The log's disk says that it has synced before it has.
    AckBeforeSync,
    /// A generation is drained although the log is not durable up to its end.
    DrainPastLog,
    /// A started node has forgotten which commands it has carried out.
    OutcomesForgotten,
    /// Reads that should be linearizable take the local view.
    LocalReads,
}

/// A disk whose syncs return at once and happen when [`LyingDisk::settle`] is called.
#[derive(Clone, Debug)]
pub struct LyingDisk {
    disk: SimDisk,
    files: Arc<Mutex<Vec<Weak<LyingFile>>>>,
    honest: Arc<AtomicBool>,
}

#[derive(Debug)]
struct LyingFile {
    file: Arc<dyn DiskFile>,
    honest: Arc<AtomicBool>,
}

impl LyingDisk {
    /// Honest until [`LyingDisk::lie`]: a log is opened properly.
    pub fn new(disk: SimDisk) -> LyingDisk {
        LyingDisk { disk, files: Arc::default(), honest: Arc::new(AtomicBool::new(true)) }
    }

    pub fn lie(&self) {
        self.honest.store(false, Ordering::Relaxed);
    }

    /// Does now what was promised.
    pub fn settle(&self) {
        for file in self.open_files().iter().filter_map(Weak::upgrade) {
            // a file of an earlier life can't be synced any more
            drop(file.file.sync());
        }
    }

    fn open_files(&self) -> MutexGuard<'_, Vec<Weak<LyingFile>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for LyingDisk {
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = Arc::new(LyingFile { file: self.disk.open(name)?, honest: self.honest.clone() });
        let mut files = self.open_files();
        files.retain(|file| file.strong_count() > 0);
        files.push(Arc::downgrade(&file));
        Ok(file)
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        self.disk.exists(name)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.disk.sync_dir()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }
}

impl DiskFile for LyingFile {
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write(offset, data)
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.file.set_size(size)
    }

    fn sync(&self) -> io::Result<()> {
        if self.honest.load(Ordering::Relaxed) { self.file.sync() } else { Ok(()) }
    }
}

/// Empties the memory of outcomes.
pub fn forget_outcomes(store: &Store) {
    let header = store.view().header().clone();
    let mut tx = store.begin();
    let known: Vec<_> = tx.range(&OUTCOME, ..).collect::<Result<_, _>>().unwrap();
    for (svtrid, key) in known {
        tx.remove(&OUTCOME, &svtrid, &key).unwrap();
    }
    let until: Vec<_> = tx.keys(&OUTCOME_UNTIL, ..).collect::<Result<_, _>>().unwrap();
    for key in until {
        tx.drop_key(&OUTCOME_UNTIL, &key).unwrap();
    }
    tx.commit(header.index, header.meta);
}
