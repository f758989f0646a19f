//! A disk in memory that forgets what was not synced. Names obey the same rule as bytes: a file that was
//! made or renamed without a directory sync is not there after a crash.

mod content;

use super::{Disk, DiskFile, busy, plain};
use crate::sync::lock;
use content::Content;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

/// A simulated directory; clones are the same one. Keep a clone to crash it and to open it again.
#[derive(Debug, Clone, Default)]
pub struct SimDisk(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    files: Vec<Content>,
    /// Counts crashes: a handle from before one is dead.
    life: u64,
    writes_left: Option<u64>,
    syncs_left: Option<u64>,
    steps_left: Option<u64>,
    /// Bytes that may still be written before the disk is full.
    room: Option<u64>,
}

impl SimDisk {
    pub fn new() -> SimDisk {
        SimDisk::default()
    }

    /// Drops everything that was not synced. Files open now fail from here on; open them again, as a
    /// process does that starts after the crash. Planned failures are forgotten.
    pub fn crash(&self) {
        self.crash_keeping(|| false);
    }

    /// As [`SimDisk::crash`], but of the unsynced sectors a part chosen by `seed` did reach the disk, in no
    /// order, as caches and queues of real disks have it.
    pub fn crash_torn(&self, seed: u64) {
        let mut state = seed;
        self.crash_keeping(move || {
            // xorshift-multiply: enough to choose by, and the same on every machine.
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (state ^ state >> 31) >> 33 & 1 == 1
        });
    }

    fn crash_keeping(&self, mut keep: impl FnMut() -> bool) {
        let mut d = lock(&self.0);
        d.life += 1;
        d.names = d.synced_names.clone();
        d.heal();
        for c in &mut d.files {
            c.tear(&mut keep);
            c.revert();
        }
    }

    /// Lets `n` more writes (of bytes or length) succeed; those after them fail until
    /// [`SimDisk::heal`] or a crash.
    pub fn fail_writes_after(&self, n: u64) {
        lock(&self.0).writes_left = Some(n);
    }

    /// Lets `n` more syncs succeed; those after them fail and make nothing durable.
    pub fn fail_syncs_after(&self, n: u64) {
        lock(&self.0).syncs_left = Some(n);
    }

    /// Lets `n` more writes, syncs and changes of names succeed; those after them fail: the steps of an operation
    /// one by one.
    pub fn fail_steps_after(&self, n: u64) {
        lock(&self.0).steps_left = Some(n);
    }

    /// Fills the disk: when `bytes` more are written (whether over old ones or at the end: as where every write takes
    /// new blocks), writes and new files are refused with `StorageFull`. [`SimDisk::heal`] makes room.
    pub fn full_after(&self, bytes: u64) {
        lock(&self.0).room = Some(bytes);
    }

    /// Ends planned failures and makes room.
    pub fn heal(&self) {
        lock(&self.0).heal();
    }
}

impl Inner {
    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(plain(name)?).copied().ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("{name}: no such file on the simulated disk"))
        })
    }

    fn heal(&mut self) {
        (self.writes_left, self.syncs_left, self.steps_left, self.room) = (None, None, None, None);
    }

    fn may_write(&mut self, bytes: u64) -> io::Result<()> {
        if let Some(room) = &mut self.room {
            *room = room.checked_sub(bytes.max(1)).ok_or(io::ErrorKind::StorageFull)?;
        }
        self.may_rename()
    }

    /// A full disk still lets names change.
    fn may_rename(&mut self) -> io::Result<()> {
        spend(&mut self.writes_left, "write")?;
        spend(&mut self.steps_left, "write")
    }

    fn may_sync(&mut self) -> io::Result<()> {
        spend(&mut self.syncs_left, "sync")?;
        spend(&mut self.steps_left, "sync")
    }
}

fn spend(left: &mut Option<u64>, what: &str) -> io::Result<()> {
    match left {
        Some(0) => Err(io::Error::other(format!("planned {what} failure of the simulated disk"))),
        Some(n) => {
            *n -= 1;
            Ok(())
        }
        None => Ok(()),
    }
}

impl Disk for SimDisk {
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut d = lock(&self.0);
        let file = match d.names.get(plain(name)?) {
            Some(&file) => file,
            None => {
                d.may_write(0)?;
                d.files.push(Content::default());
                let file = d.files.len() - 1;
                d.names.insert(name.to_owned(), file);
                file
            }
        };
        let life = d.life;
        if d.files[file].open_in.replace(life) == Some(life) {
            return Err(busy(name));
        }
        Ok(Arc::new(SimFile { disk: self.clone(), file, life }))
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        Ok(lock(&self.0).names.contains_key(plain(name)?))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut d = lock(&self.0);
        d.find(name)?;
        d.may_rename()?;
        d.names.remove(name);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut d = lock(&self.0);
        let file = d.find(from)?;
        plain(to)?;
        d.may_rename()?;
        d.names.remove(from);
        d.names.insert(to.to_owned(), file);
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut d = lock(&self.0);
        d.may_sync()?;
        d.synced_names = d.names.clone();
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(lock(&self.0).names.keys().cloned().collect())
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    file: usize,
    life: u64,
}

impl SimFile {
    fn with<T>(&self, f: impl FnOnce(&mut Inner, usize) -> io::Result<T>) -> io::Result<T> {
        let mut d = lock(&self.disk.0);
        if d.life != self.life {
            return Err(io::Error::other("the simulated disk crashed after this file was opened"));
        }
        f(&mut d, self.file)
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let mut d = lock(&self.disk.0);
        if d.life == self.life {
            d.files[self.file].open_in = None;
        }
    }
}

fn place(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

impl DiskFile for SimFile {
    fn size(&self) -> io::Result<u64> {
        self.with(|d, f| Ok(d.files[f].now.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let from = place(offset)?;
        self.with(|d, f| {
            let now = &d.files[f].now;
            let part = from.checked_add(out.len()).and_then(|to| now.get(from..to));
            out.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let from = place(offset)?;
        self.with(|d, f| {
            d.may_write(data.len() as u64)?;
            let c = &mut d.files[f];
            let to = from + data.len();
            if c.now.len() < to {
                c.resize(to);
            }
            c.now[from..to].copy_from_slice(data);
            c.touch(from, to);
            Ok(())
        })
    }

    fn set_size(&self, size: u64) -> io::Result<()> {
        let len = place(size)?;
        self.with(|d, f| {
            let more = len.saturating_sub(d.files[f].now.len());
            d.may_write(more as u64)?;
            d.files[f].resize(len);
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|d, f| {
            d.may_sync()?;
            d.files[f].keep();
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
