//! The rival: a segmented write-ahead log reduced to what costs time, which is one write and one fsync a
//! put. It can't read, truncate or recover; a complete one would be slower, never faster.

use super::store::LogStore;
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const SEGMENT_BYTES: u64 = 64 << 20;

/// Segments that a recycling log writes over in turn.
const RECYCLED: u64 = 3;

pub struct Wal {
    path: PathBuf,
    recycle: bool,
    segment: File,
    number: u64,
    offset: u64,
    next: u64,
    record: Vec<u8>,
}

impl Wal {
    /// A recycling log writes its segments once before the measurement: overwriting allocates nothing, so
    /// an fsync has no file-system metadata to write.
    pub fn open(path: &Path, recycle: bool) -> io::Result<Wal> {
        std::fs::create_dir_all(path)?;
        let kept = if recycle { RECYCLED } else { 0 };
        for number in 0..kept {
            let file = segment(path, number)?;
            let block = vec![0; 1 << 20];
            for offset in (0..SEGMENT_BYTES).step_by(block.len()) {
                file.write_all_at(&block, offset)?;
            }
            file.sync_all()?;
        }
        let first = segment(path, 0)?;
        File::open(path)?.sync_all()?;
        Ok(Wal {
            path: path.to_owned(),
            recycle,
            segment: first,
            number: 0,
            offset: 0,
            next: 0,
            record: Vec::new(),
        })
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.number += 1;
        let slot = if self.recycle { self.number % RECYCLED } else { self.number };
        self.segment = segment(&self.path, slot)?;
        self.offset = 0;
        File::open(&self.path)?.sync_all()
    }
}

fn segment(path: &Path, number: u64) -> io::Result<File> {
    let name = path.join(format!("{number:08}.wal"));
    OpenOptions::new().write(true).create(true).truncate(false).open(name)
}

/// A checksum as cheap as a real one (Fletcher, 64 bits over words).
fn checksum(b: &[u8]) -> u64 {
    let (mut a, mut s) = (1u64, 0u64);
    for word in b.chunks(4) {
        let mut w = [0; 4];
        w[..word.len()].copy_from_slice(word);
        a = (a + u64::from(u32::from_le_bytes(w))) % 0xffff_ffff;
        s = (s + a) % 0xffff_ffff;
    }
    s << 32 | a
}

impl LogStore for Wal {
    fn put(&mut self, entries: &[Arc<[u8]>]) -> Result<(), Box<dyn Error>> {
        self.record.clear();
        for entry in entries {
            self.record.extend_from_slice(&(entry.len() as u64).to_le_bytes());
            self.record.extend_from_slice(&checksum(entry).to_le_bytes());
            self.record.extend_from_slice(&self.next.to_le_bytes());
            self.record.extend_from_slice(entry);
            self.next += 1;
        }
        if self.offset + self.record.len() as u64 > SEGMENT_BYTES {
            self.rotate()?;
        }
        self.segment.write_all_at(&self.record, self.offset)?;
        self.segment.sync_data()?;
        self.offset += self.record.len() as u64;
        Ok(())
    }

    fn killed_and_reopened(self: Box<Self>) -> Result<Option<Duration>, Box<dyn Error>> {
        Ok(None)
    }
}
