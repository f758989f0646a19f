//! What redb sees of a file. It syncs after a set number of written bytes: otherwise a drain leaves
//! hundreds of megabytes to one flush, and the log's fsync has to wait behind it.

use super::DiskFile;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
pub(crate) struct Backend {
    file: Arc<dyn DiskFile>,
    sync_every_bytes: u64,
    unsynced: AtomicU64,
}

impl Backend {
    /// `sync_every_bytes` of `u64::MAX` leaves syncing to redb.
    pub(crate) fn new(file: Arc<dyn DiskFile>, sync_every_bytes: u64) -> Backend {
        Backend { file, sync_every_bytes, unsynced: AtomicU64::new(0) }
    }
}

impl redb::StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_size(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.unsynced.store(0, Ordering::Relaxed);
        self.file.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write(offset, data)?;
        let written = data.len() as u64;
        if self.unsynced.fetch_add(written, Ordering::Relaxed) + written >= self.sync_every_bytes {
            self.sync_data()?;
        }
        Ok(())
    }
}
