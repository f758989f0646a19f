//! The log's files: a write-ahead log in segments. Each write adds one frame and is synced before anybody is told.
//!
//! A segment begins with all that must be known of those before it, so that a purge gives whole segments back; they are
//! written over rather than removed, since a sync of octets that a file has already needs no metadata of the file
//! system. A write that the power cut off is the last one of the last segment, and nobody was told of it. Anything
//! sound that follows something damaged is therefore proof of damage to what was promised, and the log does not open.

use super::frame::{self, Begin, Facts, Op, Place};
use super::recover::{self, Recovered};
use super::segment::{Positions, Segment};
use super::state::Job;
use super::volume::{Slot, Volume};
use super::{LogOptions, MetaKey};
use crate::Fault;
use crate::disk::Disk;
use crate::sync::lock;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

/// Segments that a purge gave back and that wait to be written over. Others are removed.
pub(super) const SPARE: usize = 2;
/// A buffer that one write made larger than this is let go.
const BUFFER: usize = 1 << 20;

/// What the log holds when it is opened.
pub(super) struct Found {
    pub(super) purged: Option<(u64, Arc<[u8]>)>,
    /// Readable indexes, if any.
    pub(super) entries: Option<Range<u64>>,
    pub(super) meta: BTreeMap<MetaKey, Arc<[u8]>>,
}

pub(super) struct LogFile {
    volume: Volume,
    writer: Mutex<Writer>,
    /// Never held while the disk is waited for.
    index: Mutex<Index>,
}

/// What only the writer needs.
struct Writer {
    /// Where the next frame begins.
    offset: u64,
    facts: Facts,
    spare: Vec<Slot>,
    buffer: Vec<u8>,
}

/// Which segment holds which entries.
pub(super) struct Index {
    /// Oldest first; the last one is written to.
    pub(super) held: VecDeque<Held>,
    /// Of the last one.
    pub(super) positions: Positions,
}

pub(super) struct Held {
    pub(super) segment: Arc<Segment>,
    /// What is to be read from it: of what it holds, what no later segment has replaced.
    pub(super) live: Range<u64>,
    /// Octets of a full one.
    pub(super) octets: u64,
}

impl Held {
    /// Entries from `end` on are not to be read any more.
    pub(super) fn cut(&mut self, end: u64) {
        self.live = self.live.start.min(end)..self.live.end.min(end);
    }
}

impl LogFile {
    /// Opens what is there, or makes an empty log.
    ///
    /// # Errors
    /// Damage, another format, or what the disk does.
    pub(super) fn open(disk: Arc<dyn Disk>, options: &LogOptions) -> Result<(LogFile, Found), Fault> {
        let volume = Volume::new(disk, options);
        let Recovered { facts, index, offset, spare } = recover::recover(&volume)?;
        let found = Found {
            purged: facts.purged.clone(),
            entries: index.readable(facts.keep_from()),
            meta: facts.meta.clone(),
        };
        let writer = Mutex::new(Writer { offset, facts, spare, buffer: Vec::new() });
        Ok((LogFile { volume, writer, index: Mutex::new(index) }, found))
    }

    /// What is needed to read `r`, as it is now.
    pub(super) fn reader(&self, r: Range<u64>) -> Reader {
        let index = lock(&self.index);
        let mut parts = Vec::new();
        for (n, held) in index.held.iter().enumerate() {
            let range = r.start.max(held.live.start)..r.end.min(held.live.end);
            if range.is_empty() {
                continue;
            }
            let is_last = n + 1 == index.held.len();
            let positions = is_last.then(|| index.positions.of(range.clone()));
            parts.push(Part { segment: held.segment.clone(), range, octets: held.octets, positions });
        }
        Reader { parts, wanted: r }
    }

    /// The segment that follows the full one, and how it begins.
    fn next_segment(&self, writer: &mut Writer) -> Result<(Arc<Segment>, Begin), Fault> {
        let (begin, number, names) = {
            let mut index = lock(&self.index);
            let previous = index.positions.summary(writer.offset);
            index.current_mut().octets = writer.offset;
            let begin = Begin { previous: Some(previous), facts: writer.facts.clone() };
            let names: Vec<String> = index.held.iter().map(|held| held.segment.slot.name.clone()).collect();
            (begin, index.current().segment.number + 1, names)
        };
        let slot = match writer.spare.pop() {
            Some(slot) => slot,
            None => self.volume.new_slot(&names)?,
        };
        Ok((Arc::new(Segment::new(slot, number)), begin))
    }

    /// A segment that nobody reads any more is written over later; the file of another goes when its readers do.
    fn give_back(&self, segment: Arc<Segment>, spare: &mut Vec<Slot>) -> Result<(), Fault> {
        let name = segment.slot.name.clone();
        match Arc::into_inner(segment) {
            Some(segment) if spare.len() < SPARE => spare.push(segment.slot),
            _ => self.volume.remove(&name)?,
        }
        Ok(())
    }

    /// Waits until nobody else writes.
    pub(super) fn writer(&self) -> WriteTurn<'_> {
        WriteTurn { file: self, writer: lock(&self.writer) }
    }
}

/// The turn to write.
pub(super) struct WriteTurn<'l> {
    file: &'l LogFile,
    writer: MutexGuard<'l, Writer>,
}

impl WriteTurn<'_> {
    /// Writes a batch and syncs it; gives the last durable index, the purge point if nothing is left.
    pub(super) fn commit(&mut self, batch: &[Job]) -> Result<Option<u64>, Fault> {
        let (file, writer) = (self.file, &mut *self.writer);
        let mut ops: Vec<Op> = batch.iter().filter_map(op).collect();
        let (current, octets) = (lock(&file.index).current().segment.clone(), writer.offset);
        let begun = if octets >= file.volume.segment_bytes {
            let (segment, begin) = file.next_segment(writer)?;
            ops.insert(0, Op::Begin(begin));
            writer.offset = 0;
            Some(segment)
        } else {
            None
        };
        let segment = begun.as_ref().unwrap_or(&current);
        let place = Place { number: segment.number, offset: writer.offset };
        let mut buffer = std::mem::take(&mut writer.buffer);
        buffer.clear();
        let items = frame::write(&mut buffer, place, &ops, batch.iter().flat_map(entries));
        writer.offset += buffer.len() as u64;
        file.volume.put(&segment.slot, place.offset, &mut buffer)?;
        if begun.is_some() {
            file.volume.sync_names()?;
            file.volume.put_full(&current, octets)?;
        }
        if buffer.capacity() <= BUFFER {
            writer.buffer = buffer;
        }
        ops.iter().for_each(|op| writer.facts.apply(op));
        let keep_from = writer.facts.keep_from();
        // or it would seem to be read by somebody
        drop(current);
        let (last, freed) = {
            let mut index = lock(&file.index);
            if let Some(segment) = begun {
                index.begin(segment);
            }
            index.apply(&ops, &items);
            (index.last(), index.free(keep_from))
        };
        for segment in freed {
            file.give_back(segment, &mut writer.spare)?;
        }
        Ok(last.max(keep_from.checked_sub(1)))
    }
}

fn op(job: &Job) -> Option<Op> {
    Some(match job {
        Job::Append { entries, .. } => Op::Append { first: entries.first()?.0, count: entries.len() as u64 },
        Job::Truncate { last, .. } => Op::Truncate { last: *last },
        Job::Purge { upto, id, .. } => Op::Purge { upto: *upto, id: id.clone() },
        Job::Meta { key, v, .. } => Op::Meta { key: *key, value: v.clone() },
    })
}

fn entries(job: &Job) -> impl Iterator<Item = (u64, &[u8])> {
    let entries = match job {
        Job::Append { entries, .. } => entries.as_slice(),
        _ => &[],
    };
    entries.iter().map(|(index, bytes)| (*index, &**bytes))
}

impl Index {
    /// Of a log that has this segment alone, before its first frame.
    pub(super) fn new(segment: Arc<Segment>) -> Index {
        let held = VecDeque::from([Held { segment, live: 0..0, octets: 0 }]);
        Index { held, positions: Positions::default() }
    }

    pub(super) fn current(&self) -> &Held {
        self.held.back().expect("a log has a segment that is written to")
    }

    pub(super) fn current_mut(&mut self) -> &mut Held {
        self.held.back_mut().expect("a log has a segment that is written to")
    }

    /// From now on this segment is written to; where the entries of the one before stand is kept there.
    fn begin(&mut self, segment: Arc<Segment>) {
        let positions = std::mem::take(&mut self.positions);
        self.current().segment.set_positions(positions);
        self.held.push_back(Held { segment, live: 0..0, octets: 0 });
    }

    /// Follows a frame of the last segment.
    pub(super) fn apply(&mut self, ops: &[Op], items: &[u64]) {
        self.positions.apply(ops, items);
        let cut = self.positions.cut();
        for held in &mut self.held {
            held.cut(cut);
        }
        self.current_mut().live = self.positions.range();
    }

    fn last(&self) -> Option<u64> {
        self.held.iter().rev().find(|held| !held.live.is_empty()).map(|held| held.live.end - 1)
    }

    /// The unbroken run of entries at the end of the log, from `keep_from` on.
    fn readable(&self, keep_from: u64) -> Option<Range<u64>> {
        let mut lives = self.held.iter().rev().map(|held| held.live.clone()).filter(|live| !live.is_empty());
        let mut run = lives.next()?;
        for live in lives {
            if live.end != run.start {
                break;
            }
            run.start = live.start;
        }
        run.start = run.start.max(keep_from);
        (!run.is_empty()).then_some(run)
    }

    /// The full segments, from the oldest on, of which nothing is needed any more.
    fn free(&mut self, keep_from: u64) -> Vec<Arc<Segment>> {
        let mut freed = Vec::new();
        while self.held.len() > 1 && self.held.front().is_some_and(|held| held.live.end <= keep_from) {
            freed.extend(self.held.pop_front().map(|held| held.segment));
        }
        freed
    }
}

/// What is to be read, as of one instant.
pub(super) struct Reader {
    parts: Vec<Part>,
    wanted: Range<u64>,
}

struct Part {
    segment: Arc<Segment>,
    range: Range<u64>,
    octets: u64,
    /// Of the segment that is written to.
    positions: Option<Positions>,
}

impl Reader {
    /// All entries of the range.
    pub(super) fn entries(self) -> io::Result<Vec<Arc<[u8]>>> {
        let mut found = Vec::new();
        for part in self.parts {
            if part.range.start != self.wanted.start + found.len() as u64 {
                break;
            }
            let positions = match part.positions {
                Some(positions) => positions,
                None => part.segment.positions(part.octets).map_err(into_io)?.of(part.range),
            };
            part.segment.entries(&positions, &mut found).map_err(into_io)?;
        }
        let wanted = self.wanted;
        if found.len() as u64 != wanted.end - wanted.start {
            let text = format!("the log lacks index {} of {wanted:?}", wanted.start + found.len() as u64);
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(found)
    }
}

fn into_io(f: Fault) -> io::Error {
    match f {
        Fault::Io(e) => e,
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    }
}
