//! A disk in memory that forgets what was not synced. Names obey the same rule as bytes: a file that was
//! made or renamed without a directory sync is not there after a crash.

use super::{Disk, DiskFile, busy, plain};
use crate::sync::lock;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};

const PAGE: usize = 4096;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

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
}

#[derive(Debug, Default)]
struct Content {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// Pages that differ, so that a sync copies only these.
    dirty: BTreeSet<usize>,
    /// The life in which a handle is open.
    open_in: Option<u64>,
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
        (d.writes_left, d.syncs_left) = (None, None);
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

    /// Ends planned failures.
    pub fn heal(&self) {
        let mut d = lock(&self.0);
        (d.writes_left, d.syncs_left) = (None, None);
    }
}

impl Inner {
    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(plain(name)?).copied().ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("{name}: no such file on the simulated disk"))
        })
    }

    fn may_write(&mut self) -> io::Result<()> {
        spend(&mut self.writes_left, "write")
    }

    fn may_sync(&mut self) -> io::Result<()> {
        spend(&mut self.syncs_left, "sync")
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

impl Content {
    fn touch(&mut self, from: usize, to: usize) {
        self.dirty.extend(from / PAGE..to.div_ceil(PAGE));
    }

    fn resize(&mut self, len: usize) {
        let old = self.now.len();
        self.now.resize(len, 0);
        self.touch(old.min(len), old.max(len));
    }

    fn copy_dirty(pages: &BTreeSet<usize>, from: &[u8], to: &mut Vec<u8>) {
        to.resize(from.len(), 0);
        for p in pages {
            let range = (p * PAGE).min(from.len())..((p + 1) * PAGE).min(from.len());
            to[range.clone()].copy_from_slice(&from[range]);
        }
    }

    fn keep(&mut self) {
        let dirty = std::mem::take(&mut self.dirty);
        Content::copy_dirty(&dirty, &self.now, &mut self.synced);
    }

    /// Lets chosen sectors, and perhaps the length, reach the disk without a sync.
    fn tear(&mut self, keep: &mut impl FnMut() -> bool) {
        if self.now.len() != self.synced.len() && keep() {
            self.synced.resize(self.now.len(), 0);
        }
        let len = self.now.len().min(self.synced.len());
        for sector in self.dirty.iter().flat_map(|p| (p * PAGE..(p + 1) * PAGE).step_by(SECTOR)) {
            let range = sector.min(len)..(sector + SECTOR).min(len);
            if keep() {
                self.synced[range.clone()].copy_from_slice(&self.now[range]);
            }
        }
    }

    fn revert(&mut self) {
        let dirty = std::mem::take(&mut self.dirty);
        Content::copy_dirty(&dirty, &self.synced, &mut self.now);
    }
}

impl Disk for SimDisk {
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut d = lock(&self.0);
        let file = match d.names.get(plain(name)?) {
            Some(&file) => file,
            None => {
                d.may_write()?;
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
        d.may_write()?;
        d.names.remove(name);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut d = lock(&self.0);
        let file = d.find(from)?;
        plain(to)?;
        d.may_write()?;
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
            d.may_write()?;
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
            d.may_write()?;
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
mod tests {
    use super::*;

    fn content(disk: &SimDisk, name: &str) -> Vec<u8> {
        let f = disk.open(name).unwrap();
        let mut out = vec![0; usize::try_from(f.size().unwrap()).unwrap()];
        f.read(0, &mut out).unwrap();
        out
    }

    #[test]
    fn a_crash_drops_unsynced_bytes_and_lengths() {
        let disk = SimDisk::new();
        let f = disk.open("a").unwrap();
        disk.sync_dir().unwrap();
        f.write(0, &[1; 10_000]).unwrap();
        f.sync().unwrap();
        f.write(5_000, &[2; 10_000]).unwrap();
        disk.crash();
        assert_eq!(content(&disk, "a"), [1; 10_000]);
        assert!(f.write(0, &[3]).is_err() && f.sync().is_err() && f.size().is_err());
        let f = disk.open("a").unwrap();
        assert_eq!(disk.open("a").unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        f.set_size(5).unwrap();
        f.set_size(20).unwrap();
        f.sync().unwrap();
        f.set_size(0).unwrap();
        disk.crash();
        assert_eq!(content(&disk, "a"), [[1; 5].as_slice(), &[0; 15]].concat());
    }

    #[test]
    fn a_torn_crash_keeps_some_sectors_and_repeats_itself() {
        let torn = |seed| {
            let disk = SimDisk::new();
            let f = disk.open("a").unwrap();
            f.write(0, &[1; 8192]).unwrap();
            f.sync().unwrap();
            disk.sync_dir().unwrap();
            f.write(0, &[2; 8192]).unwrap();
            disk.crash_torn(seed);
            let sectors: Vec<u8> = content(&disk, "a").chunks(SECTOR).map(|c| c[0]).collect();
            assert!(content(&disk, "a").chunks(SECTOR).all(|c| c.iter().all(|b| *b == c[0])));
            sectors
        };
        let all: Vec<Vec<u8>> = (0..8).map(torn).collect();
        assert!(all.iter().all(|s| s.contains(&1) && s.contains(&2)), "{all:?}");
        assert!(all.iter().any(|s| *s != all[0]));
        assert_eq!(torn(5), all[5]);
    }

    #[test]
    fn names_need_a_directory_sync() {
        let disk = SimDisk::new();
        disk.open("a").unwrap().write(0, b"A").unwrap();
        disk.crash();
        assert!(!disk.exists("a").unwrap());
        for (name, text) in [("a", b"A"), ("b", b"B")] {
            let f = disk.open(name).unwrap();
            f.write(0, text).unwrap();
            f.sync().unwrap();
        }
        disk.sync_dir().unwrap();
        let old = disk.open("b").unwrap();
        disk.rename("a", "b").unwrap();
        let mut byte = [0];
        old.read(0, &mut byte).unwrap();
        assert_eq!(
            (&byte, content(&disk, "b").as_slice()),
            (b"B", &b"A"[..]),
            "an open file outlives its name"
        );
        disk.crash();
        assert_eq!(disk.list().unwrap(), ["a", "b"]);
        assert_eq!(content(&disk, "b"), b"B");
    }

    #[test]
    fn planned_failures_come_and_go() {
        let disk = SimDisk::new();
        let f = disk.open("a").unwrap();
        disk.fail_writes_after(1);
        disk.fail_syncs_after(0);
        f.write(0, b"x").unwrap();
        assert!(f.write(0, b"y").is_err() && f.sync().is_err());
        let mut byte = [0];
        f.read(0, &mut byte).unwrap();
        assert_eq!(&byte, b"x");
        disk.heal();
        f.write(0, b"y").unwrap();
        f.sync().unwrap();
    }

    #[test]
    fn a_disk_stays_in_its_directory() {
        for name in ["", "..", "a/b", "/a", "a\0", ".hidden"] {
            assert!(SimDisk::new().open(name).is_err(), "{name:?}");
        }
    }
}
