//! The disk as the log uses it: slots that are made, written, synced and removed.

use super::LogOptions;
use super::frame::{self, Op, Place, align};
use super::segment::Segment;
use crate::Fault;
use crate::disk::{Disk, DiskFile, Space};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const PREFIX: &str = "log-";
/// Writes end at pages: the system would read a page from the disk before it changes a part of it.
const PAGE: u64 = 4096;
/// A file grows by so many zeros at a time, ahead of what is written to it.
const GROW: u64 = 1 << 20;
/// Positions in a segment have 32 bits, and the last write to one may be large.
const SEGMENT_MAX: u64 = 1 << 30;

/// A file of the log. Its name says nothing; what it holds tells which segment it is.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) name: String,
    file: Arc<dyn DiskFile>,
    size: AtomicU64,
}

impl Slot {
    pub(super) fn size(&self) -> u64 {
        self.size.load(Ordering::Relaxed)
    }

    pub(super) fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Fault> {
        self.file.read(offset, out).map_err(|e| self.failed("read", &e))
    }

    fn failed(&self, doing: &str, e: &io::Error) -> Fault {
        Fault::io(&format!("{doing} {} of the log", self.name), e)
    }
}

/// Where the log's files are.
pub(super) struct Volume {
    disk: Arc<dyn Disk>,
    space: Space,
    /// After so many octets a segment is full.
    pub(super) segment_bytes: u64,
}

impl Volume {
    pub(super) fn new(disk: Arc<dyn Disk>, options: &LogOptions) -> Volume {
        Volume { disk, space: options.space.clone(), segment_bytes: options.segment_bytes.min(SEGMENT_MAX) }
    }

    pub(super) fn has(&self, name: &str) -> Result<bool, Fault> {
        self.disk.exists(name).map_err(|e| failed(&e))
    }

    /// All files of the log.
    pub(super) fn slots(&self) -> Result<Vec<Slot>, Fault> {
        let names = self.disk.list().map_err(|e| failed(&e))?;
        names.into_iter().filter(|name| is_ours(name)).map(|name| self.open(name)).collect()
    }

    /// A new file, whose name is not among those in use; durable after [`Volume::sync_names`].
    pub(super) fn new_slot(&self, used: &[String]) -> Result<Slot, Fault> {
        let names = (0..=used.len()).map(|n| format!("{PREFIX}{n:03}"));
        let name = names.filter(|name| !used.contains(name)).min().unwrap_or_default();
        self.open(name)
    }

    /// A file that is made waits for room.
    fn open(&self, name: String) -> Result<Slot, Fault> {
        let opened = self.space.wait_for(|| self.disk.open(&name)).and_then(|file| Ok((file.size()?, file)));
        let (size, file) = opened.map_err(|e| Fault::io(&format!("open {name} of the log"), &e))?;
        Ok(Slot { name, file, size: AtomicU64::new(size) })
    }

    /// Writes octets at a place, filled up to a page, and syncs them.
    pub(super) fn put(&self, slot: &Slot, from: u64, octets: &mut Vec<u8>) -> Result<(), Fault> {
        let end = align(from + octets.len() as u64, PAGE);
        octets.resize((end - from) as usize, 0);
        let size = slot.size();
        let written = || -> io::Result<()> {
            if end > size {
                let step = align(self.segment_bytes.clamp(PAGE, GROW), PAGE);
                let grown = align(end, step);
                let zeros = vec![0; (grown - size) as usize];
                self.space.wait_for(|| slot.file.write(size, &zeros))?;
                slot.size.store(grown, Ordering::Relaxed);
            }
            self.space.wait_for(|| slot.file.write(from, octets))?;
            slot.file.sync()
        };
        written().map_err(|e| slot.failed("write", &e))
    }

    /// Writes behind a full segment that there is one after it.
    pub(super) fn put_full(&self, segment: &Segment, octets: u64) -> Result<(), Fault> {
        let mut full = Vec::new();
        let place = Place { number: segment.number, offset: octets };
        frame::write(&mut full, place, &[Op::Full], [].into_iter());
        self.put(&segment.slot, octets, &mut full)
    }

    pub(super) fn sync_names(&self) -> Result<(), Fault> {
        self.disk.sync_dir().map_err(|e| failed(&e))
    }

    /// Whoever reads the file goes on.
    pub(super) fn remove(&self, name: &str) -> Result<(), Fault> {
        self.disk.remove(name).map_err(|e| failed(&e))
    }
}

/// Only names that the log gives: a copy that somebody made beside them is not touched.
fn is_ours(name: &str) -> bool {
    let number = name.strip_prefix(PREFIX);
    number.is_some_and(|n| n.len() >= 3 && n.bytes().all(|b| b.is_ascii_digit()))
}

fn failed(e: &io::Error) -> Fault {
    Fault::io("the log's directory", e)
}
