//! What redb sees of a file. It waits while the disk is full, and syncs after a set number of written bytes: otherwise a
//! drain leaves hundreds of megabytes to one flush, and the log's fsync has to wait behind it. Between those syncs a drain
//! rests.

use super::{DiskFile, Space};
use crate::pace::Pace;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
pub(crate) struct Backend {
    file: Arc<dyn DiskFile>,
    sync_every_bytes: u64,
    unsynced: AtomicU64,
    pace: Arc<Pace>,
    space: Space,
}

impl Backend {
    /// `sync_every_bytes` of `u64::MAX` leaves syncing to redb.
    pub(crate) fn new(
        file: Arc<dyn DiskFile>,
        sync_every_bytes: u64,
        pace: Arc<Pace>,
        space: Space,
    ) -> Backend {
        Backend { file, sync_every_bytes, unsynced: AtomicU64::new(0), pace, space }
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
        self.space.wait_for(|| self.file.set_size(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.unsynced.store(0, Ordering::Relaxed);
        self.file.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.space.wait_for(|| self.file.write(offset, data))?;
        let written = data.len() as u64;
        self.pace.wrote(written);
        if self.unsynced.fetch_add(written, Ordering::Relaxed) + written >= self.sync_every_bytes {
            self.sync_data()?;
            self.pace.rest();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::StorageBackend;
    use std::time::Duration;

    /// Counts syncs and holds nothing.
    #[derive(Debug, Default)]
    struct Counting(AtomicU64);

    impl DiskFile for Counting {
        fn size(&self) -> io::Result<u64> {
            Ok(0)
        }
        fn read(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
            Ok(())
        }
        fn write(&self, _: u64, _: &[u8]) -> io::Result<()> {
            Ok(())
        }
        fn set_size(&self, _: u64) -> io::Result<()> {
            Ok(())
        }
        fn sync(&self) -> io::Result<()> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }

    #[test]
    fn it_syncs_after_the_set_number_of_bytes() {
        let file = Arc::new(Counting::default());
        let pace = Arc::new(Pace::new(None, Arc::new(|| Duration::ZERO)));
        let backend = Backend::new(file.clone(), 100, pace, Space::default());
        let mut syncs = Vec::new();
        for _ in 0..6 {
            backend.write(0, &[1; 40]).unwrap();
            syncs.push(file.0.load(Ordering::Relaxed));
        }
        assert_eq!(syncs, [0, 0, 1, 1, 1, 2]);
        backend.write(0, &[1; 90]).unwrap();
        backend.sync_data().unwrap();
        backend.write(0, &[1; 90]).unwrap();
        assert_eq!(file.0.load(Ordering::Relaxed), 3, "redb's own syncs start the count again");
    }
}
