//! A real directory. Opening it takes an exclusive lock that lasts until the value is dropped (or the
//! process ends, however it ends). Not for network file systems: their locks and syncs promise less.

use super::{Disk, DiskFile, busy, plain};
use crate::Fault;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const LOCK_FILE: &str = "lock";

/// A directory of this process. Files have mode 0600, the directory 0700.
#[derive(Debug)]
pub struct DirDisk {
    path: PathBuf,
    directory: File,
    _lock: File,
}

impl DirDisk {
    /// Opens the directory, making it (and its parents) if it is missing.
    ///
    /// # Errors
    /// `Fault::Locked` if another process, or another value in this one, holds it; `Fault::Io` else.
    pub fn open(path: impl AsRef<Path>) -> Result<DirDisk, Fault> {
        let path = path.as_ref().to_owned();
        let io = |e: io::Error| Fault::io(&format!("open directory {}", path.display()), &e);
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(io)?;
        let lock = open_file(&path.join(LOCK_FILE)).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Fault::Locked { directory: path }),
            Err(TryLockError::Error(e)) => return Err(io(e)),
        }
        let directory = File::open(&path).map_err(io)?;
        Ok(DirDisk { path, directory, _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn at(&self, name: &str) -> io::Result<PathBuf> {
        plain(name).map(|n| self.path.join(n))
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

impl Disk for DirDisk {
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = open_file(&self.at(name)?)?;
        match file.try_lock() {
            Ok(()) => Ok(Arc::new(DirFile(file))),
            Err(TryLockError::WouldBlock) => Err(busy(name)),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        self.at(name)?.try_exists()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.at(name)?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.at(from)?, self.at(to)?)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.directory.sync_all()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            names.extend(entry?.file_name().into_string());
        }
        names.sort();
        Ok(names)
    }
}

#[derive(Debug)]
struct DirFile(File);

impl DiskFile for DirFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        self.0.set_len(size)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}
