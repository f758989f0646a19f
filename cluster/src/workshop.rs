//! A temporary directory in which a set of directories is written and synced, before all of them move into place.

use crate::InitError;
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Mode of files that anybody may read.
pub(crate) const PUBLIC: u32 = 0o644;
/// Mode of secrets.
pub(crate) const PRIVATE: u32 = 0o600;

/// Removed with all it holds when dropped; what was delivered is no longer in it.
pub(crate) struct Workshop {
    dir: PathBuf,
    data_dir: PathBuf,
}

impl Workshop {
    /// Opens `.init-TAG` inside the data directory, which is made if it is missing.
    pub fn open(data_dir: &Path, tag: &str) -> Result<Workshop, InitError> {
        let dir = directory(&data_dir.join(format!(".init-{tag}")))?;
        Ok(Workshop { dir, data_dir: data_dir.to_owned() })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Moves the directories `names` into their place in the data directory; all of them or none.
    pub fn deliver(self, names: &[String]) -> Result<Vec<PathBuf>, InitError> {
        let mut delivered: Vec<PathBuf> = Vec::new();
        for name in names {
            let place = self.data_dir.join(name);
            if let Err(e) = fs::rename(self.dir.join(name), &place) {
                for taken_back in &delivered {
                    // The first error is the one to report; what can't be taken back is named by the next run.
                    let _ = fs::remove_dir_all(taken_back);
                }
                return Err(InitError::io(&place, e));
            }
            delivered.push(place);
        }
        sync(&self.data_dir)?;
        Ok(delivered)
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // Nothing useful can be done about a failure here: the directory is hidden and has a name of its own.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Makes a directory that only its owner may enter, with its parents.
pub(crate) fn directory(path: &Path) -> Result<PathBuf, InitError> {
    DirBuilder::new().mode(0o700).recursive(true).create(path).map_err(|e| InitError::io(path, e))?;
    Ok(path.to_owned())
}

/// Writes and syncs a new file.
pub(crate) fn put(path: &Path, octets: &[u8], mode: u32) -> Result<(), InitError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(octets)?;
        file.sync_all()
    };
    write().map_err(|e| InitError::io(path, e))
}

/// Makes the names in a directory durable.
pub(crate) fn sync(dir: &Path) -> Result<(), InitError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|e| InitError::io(dir, e))
}
