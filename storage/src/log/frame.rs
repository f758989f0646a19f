//! Frames: what one write adds to a segment of the log.
//!
//! A frame is a header, operations, and the entries that they append. Its checksum covers the header, the operations and
//! the entries' own headers, which hold a checksum of the entry: every octet is summed once, and an entry can be checked
//! where it is read alone. A frame names its segment and its place in it, so that what a segment held before it was used
//! again is never taken for what it holds now. Frames begin at sectors: none shares one with a frame before it.

use super::MetaKey;
use super::volume::Slot;
use crate::{Fault, codec};
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;
use std::collections::BTreeMap;
use std::hash::Hasher;
use std::sync::Arc;

/// What disks write whole or not at all.
const SECTOR: u64 = 512;
/// The version of the layout, in every header.
const FORMAT: u32 = 3;
/// Checksum, segment, offset, format, octets of operations, octets of entries.
const HEADER: usize = 8 + 8 + 8 + 4 + 4 + 4;
/// Index, checksum and length in front of every entry.
const ITEM_HEADER: usize = 8 + 8 + 4;
/// Fixed: it only keeps these sums apart from others.
const KEY: [u8; 16] = *b"registry log, v3";

/// Where a frame stands: its segment's number, and octets from the segment's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) number: u64,
    pub(super) offset: u64,
}

/// A change to the log, as it is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Op {
    /// The first operation of a segment, and only there. What follows in the same frame is one write with it: a segment
    /// whose beginning is not there holds nothing.
    Begin(Begin),
    /// The entries follow the operations, in order.
    Append {
        first: u64,
        count: u64,
    },
    Truncate {
        last: Option<u64>,
    },
    Purge {
        upto: u64,
        id: Arc<[u8]>,
    },
    Meta {
        key: MetaKey,
        value: Arc<[u8]>,
    },
    /// Stands behind a full segment once the one after it is durable: that one can't be missing.
    Full,
}

/// What a segment must know of those before it, so that they can go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Begin {
    pub(super) previous: Option<Summary>,
    pub(super) facts: Facts,
}

/// What the segment before held when it was full.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Summary {
    /// Octets up to the end of its last frame.
    pub(super) octets: u64,
    /// Its entries are those from here on,
    pub(super) low: u64,
    /// and before this one.
    pub(super) end: u64,
    /// Entries from here on that segments before it hold are replaced or gone.
    pub(super) cut: u64,
}

/// What the log knows beside entries.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) purged: Option<(u64, Arc<[u8]>)>,
    pub(super) meta: BTreeMap<MetaKey, Arc<[u8]>>,
}

impl Facts {
    pub(super) fn keep_from(&self) -> u64 {
        self.purged.as_ref().map_or(0, |(upto, _)| upto + 1)
    }

    pub(super) fn apply(&mut self, op: &Op) {
        match op {
            Op::Purge { upto, id } if self.keep_from() <= *upto => self.purged = Some((*upto, id.clone())),
            Op::Meta { key, value } => drop(self.meta.insert(*key, value.clone())),
            Op::Begin(begin) => *self = begin.facts.clone(),
            Op::Append { .. } | Op::Truncate { .. } | Op::Purge { .. } | Op::Full => {}
        }
    }
}

/// A frame that was read and is sound.
pub(super) struct Frame {
    pub(super) ops: Vec<Op>,
    /// Where each appended entry stands in the segment.
    pub(super) items: Vec<u64>,
    /// Where the next frame begins.
    pub(super) end: u64,
}

impl Frame {
    pub(super) fn begin(&self) -> Option<&Begin> {
        match self.ops.first() {
            Some(Op::Begin(begin)) => Some(begin),
            _ => None,
        }
    }
}

/// Makes the frame for `place` in an empty buffer; gives the places of its entries.
pub(super) fn write<'e>(
    out: &mut Vec<u8>,
    place: Place,
    ops: &[Op],
    entries: impl Iterator<Item = (u64, &'e [u8])>,
) -> Vec<u64> {
    let ops = codec::encode(ops);
    out.resize(HEADER, 0);
    out.extend_from_slice(&ops);
    let items_from = out.len();
    let mut items = Vec::new();
    let mut sum = SipHasher13::new_with_key(&KEY);
    for (index, bytes) in entries {
        items.push(place.offset + out.len() as u64);
        let header = item_header(index, bytes);
        sum.write(&header);
        out.extend_from_slice(&header);
        out.extend_from_slice(bytes);
    }
    let header = Header { place, format: FORMAT, ops: ops.len(), items: out.len() - items_from };
    out[..HEADER].copy_from_slice(&header.encode(checksum(&header, &ops, sum.finish())));
    out.resize(align(out.len() as u64, SECTOR) as usize, 0);
    items
}

/// The next multiple.
pub(super) fn align(n: u64, to: u64) -> u64 {
    n.div_ceil(to) * to
}

/// The frame at `place`; `None` where there is none that is sound.
pub(super) fn read(slot: &Slot, place: Place) -> Result<Option<Frame>, Fault> {
    let size = slot.size();
    let mut octets = [0; HEADER];
    if place.offset + HEADER as u64 > size {
        return Ok(None);
    }
    slot.read(place.offset, &mut octets)?;
    let (check, header) = Header::decode(&octets);
    let octets = (header.ops + header.items) as u64;
    let body_from = place.offset + HEADER as u64;
    if header.place != place || octets > size - body_from {
        return Ok(None);
    }
    let mut body = vec![0; octets as usize];
    slot.read(body_from, &mut body)?;
    let (ops, items) = body.split_at(header.ops);
    let Some((items, sum)) = sound_items(items, body_from + ops.len() as u64) else { return Ok(None) };
    if checksum(&header, ops, sum) != check {
        return Ok(None);
    }
    if header.format != FORMAT {
        return Err(other_format(
            &format!("the log file {}", slot.name),
            &format!("namingo log {}", header.format),
        ));
    }
    let end = place.offset + align((HEADER + body.len()) as u64, SECTOR);
    if end > size {
        return Ok(None);
    }
    let ops = codec::decode(ops).map_err(|why| {
        Fault::corrupt(format!(
            "the log file {} is sound at octet {}, but this version can't read what stands there ({why}): use the \
             version that wrote it",
            slot.name, place.offset
        ))
    })?;
    Ok(Some(Frame { ops, items, end }))
}

/// A file of another version.
pub(super) fn other_format(file: &str, found: &str) -> Fault {
    let expected = format!("namingo log {FORMAT}");
    Fault::Format { file: file.to_owned(), found: found.to_owned(), expected }
}

/// The number that a file says it has, sound or not.
pub(super) fn number(slot: &Slot) -> Result<Option<u64>, Fault> {
    if slot.size() < HEADER as u64 {
        return Ok(None);
    }
    let mut octets = [0; HEADER];
    slot.read(0, &mut octets)?;
    Ok(Some(Header::decode(&octets).1.place.number))
}

/// The place of a sound frame from `from` on that belongs to segment `number` or to a later one.
pub(super) fn find(slot: &Slot, number: u64, from: u64) -> Result<Option<Place>, Fault> {
    const AT_ONCE: u64 = 64 << 10;
    let end = slot.size() / SECTOR * SECTOR;
    let mut chunk = Vec::new();
    for chunk_from in (from..end).step_by(AT_ONCE as usize) {
        chunk.resize(AT_ONCE.min(end - chunk_from) as usize, 0);
        slot.read(chunk_from, &mut chunk)?;
        for (offset, sector) in (chunk_from..).step_by(SECTOR as usize).zip(chunk.chunks(SECTOR as usize)) {
            let Some(octets) = sector.first_chunk::<HEADER>() else { continue };
            let place = Header::decode(octets).1.place;
            if place.offset == offset && place.number >= number && read(slot, place)?.is_some() {
                return Ok(Some(place));
            }
        }
    }
    Ok(None)
}

/// The entry whose header stands at `at`; `None` if it is not that of `index`, or not sound.
pub(super) fn entry(slot: &Slot, at: u64, index: u64) -> Result<Option<Arc<[u8]>>, Fault> {
    let mut header = [0; ITEM_HEADER];
    slot.read(at, &mut header)?;
    let len = u64::from(u32::from_le_bytes(array(&header[16..])));
    if len > slot.size().saturating_sub(at + ITEM_HEADER as u64) {
        return Ok(None);
    }
    let mut bytes = vec![0; len as usize];
    slot.read(at + ITEM_HEADER as u64, &mut bytes)?;
    Ok((item_header(index, &bytes) == header).then(|| bytes.into()))
}

struct Header {
    place: Place,
    format: u32,
    ops: usize,
    items: usize,
}

impl Header {
    fn encode(&self, check: u64) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        out[..8].copy_from_slice(&check.to_le_bytes());
        out[8..16].copy_from_slice(&self.place.number.to_le_bytes());
        out[16..24].copy_from_slice(&self.place.offset.to_le_bytes());
        out[24..28].copy_from_slice(&self.format.to_le_bytes());
        out[28..32].copy_from_slice(&(self.ops as u32).to_le_bytes());
        out[32..].copy_from_slice(&(self.items as u32).to_le_bytes());
        out
    }

    fn decode(b: &[u8; HEADER]) -> (u64, Header) {
        let long = |from: usize| u64::from_le_bytes(array(&b[from..]));
        let short = |from: usize| u32::from_le_bytes(array(&b[from..]));
        let place = Place { number: long(8), offset: long(16) };
        let (ops, items) = (short(28) as usize, short(32) as usize);
        (long(0), Header { place, format: short(24), ops, items })
    }
}

/// The first octets of a slice that is long enough.
fn array<const N: usize>(b: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&b[..N]);
    out
}

fn item_header(index: u64, bytes: &[u8]) -> [u8; ITEM_HEADER] {
    let mut h = SipHasher13::new_with_key(&KEY);
    h.write_u64(index);
    h.write(bytes);
    let mut out = [0; ITEM_HEADER];
    out[..8].copy_from_slice(&index.to_le_bytes());
    out[8..16].copy_from_slice(&h.finish().to_le_bytes());
    out[16..].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    out
}

/// `items` is the sum over the headers of the entries.
fn checksum(header: &Header, ops: &[u8], items: u64) -> u64 {
    let mut h = SipHasher13::new_with_key(&KEY);
    h.write(&header.encode(items));
    h.write(ops);
    h.finish()
}

/// The places of the entries and the sum over their headers, if each is sound.
fn sound_items(mut rest: &[u8], mut at: u64) -> Option<(Vec<u64>, u64)> {
    let (mut places, mut sum) = (Vec::new(), SipHasher13::new_with_key(&KEY));
    while !rest.is_empty() {
        let header = rest.first_chunk::<ITEM_HEADER>()?;
        let index = u64::from_le_bytes(array(header));
        let len = u32::from_le_bytes(array(&header[16..])) as usize;
        let bytes = rest.get(ITEM_HEADER..ITEM_HEADER + len)?;
        if item_header(index, bytes) != *header {
            return None;
        }
        sum.write(header);
        places.push(at);
        at += (ITEM_HEADER + len) as u64;
        rest = &rest[ITEM_HEADER + len..];
    }
    Some((places, sum.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{LogOptions, volume::Volume};
    use crate::{Disk, SimDisk};

    /// What is said about a sound frame of this format with these operations.
    fn complaint(format: u32, ops: &[u8]) -> String {
        let place = Place { number: 1, offset: 0 };
        let header = Header { place, format, ops: ops.len(), items: 0 };
        let check = checksum(&header, ops, SipHasher13::new_with_key(&KEY).finish());
        let mut octets = header.encode(check).to_vec();
        octets.extend_from_slice(ops);
        octets.resize(SECTOR as usize, 0);
        let disk = SimDisk::new();
        disk.open("log-007").unwrap().write(0, &octets).unwrap();
        let volume = Volume::new(Arc::new(disk), &LogOptions::default());
        let slots = volume.slots().unwrap();
        read(&slots[0], place).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn what_is_sound_but_of_another_version_is_told_with_its_file() {
        for (format, ops, expected) in [
            (FORMAT + 1, &[0][..], "the log file log-007 has the format \"namingo log 4\""),
            (FORMAT, &[1, 99], "the log file log-007 is sound at octet 0, but this version can't read"),
        ] {
            let complaint = complaint(format, ops);
            assert!(complaint.contains(expected), "{complaint}");
            assert!(complaint.contains("use the version that wrote it"), "{complaint}");
        }
    }
}
