//! Finds out what the log's files hold when they are opened.

use super::file::{Held, Index, SPARE};
use super::frame::{self, Begin, Facts, Frame, Op, Place, Summary};
use super::segment::Segment;
use super::volume::{Slot, Volume};
use crate::Fault;
use std::sync::Arc;

/// The file of an older format.
const OLD_FILE: &str = "log.redb";

/// The log as its files have it.
pub(super) struct Recovered {
    pub(super) facts: Facts,
    pub(super) index: Index,
    /// Where the next frame begins, in the last segment.
    pub(super) offset: u64,
    pub(super) spare: Vec<Slot>,
}

/// A file that begins as a segment does.
struct Begun {
    segment: Segment,
    begin: Begin,
}

/// Reads the beginning of every segment and the whole of the last one, and makes the last write durable that it finds: a
/// process may have been killed before it was. Without segments there is an empty log.
///
/// # Errors
/// Damage, another format, or what the disk does.
pub(super) fn recover(volume: &Volume) -> Result<Recovered, Fault> {
    if volume.has(OLD_FILE)? {
        return Err(frame::other_format(OLD_FILE, "namingo log 2"));
    }
    let (mut begun, mut others) = (Vec::new(), Vec::new());
    for slot in volume.slots()? {
        match first_frame(&slot)? {
            Some((number, begin)) => begun.push(Begun { segment: Segment::new(slot, number), begin }),
            None => others.push(slot),
        }
    }
    begun.sort_by_key(|found| found.segment.number);
    if let Some([a, b]) = begun.array_windows().find(|[a, b]| a.segment.number == b.segment.number) {
        let (a, b, number) = (&a.segment.slot.name, &b.segment.slot.name, a.segment.number);
        return Err(Fault::corrupt(format!(
            "{a} and {b} of the log both say that they are segment {number}: one is a copy, so take it away"
        )));
    }
    let last = begun.pop();
    let number = last.as_ref().map_or(0, |last| last.segment.number);
    for slot in &others {
        // the beginning of a segment that was never acknowledged has nothing behind it
        if let Some(place) = frame::find(slot, number, 0)? {
            let text = format!("the beginning of {} is lost, and octet {} is sound", slot.name, place.offset);
            return Err(damaged(&text));
        }
    }
    match last {
        None => found(volume, others),
        Some(last) => resume(volume, begun, last, others),
    }
}

fn damaged(what: &str) -> Fault {
    Fault::corrupt(format!("the log is damaged: {what}; replace this node"))
}

fn missing(number: u64) -> Fault {
    damaged(&format!("segment {number} is missing, or its beginning is lost, and its entries are needed"))
}

/// The number of a segment and how it begins.
fn first_frame(slot: &Slot) -> Result<Option<(u64, Begin)>, Fault> {
    let Some(number) = frame::number(slot)? else { return Ok(None) };
    let frame = frame::read(slot, Place { number, offset: 0 })?;
    Ok(frame.and_then(|frame| frame.begin().cloned()).map(|begin| (number, begin)))
}

/// Begins an empty log.
fn found(volume: &Volume, mut spare: Vec<Slot>) -> Result<Recovered, Fault> {
    let slot = match spare.pop() {
        Some(slot) => slot,
        None => volume.new_slot(&[])?,
    };
    let segment = Segment::new(slot, 1);
    let ops = [Op::Begin(Begin { previous: None, facts: Facts::default() })];
    let mut octets = Vec::new();
    let place = Place { number: segment.number, offset: 0 };
    frame::write(&mut octets, place, &ops, [].into_iter());
    let offset = octets.len() as u64;
    volume.put(&segment.slot, 0, &mut octets)?;
    volume.sync_names()?;
    let mut index = Index::new(Arc::new(segment));
    index.apply(&ops, &[]);
    Ok(Recovered { facts: Facts::default(), index, offset, spare })
}

/// Goes on with the log whose last segment is known.
fn resume(
    volume: &Volume,
    mut begun: Vec<Begun>,
    last: Begun,
    mut spare: Vec<Slot>,
) -> Result<Recovered, Fault> {
    let Begun { segment, begin } = last;
    let (mut number, mut previous) = (segment.number, begin.previous);
    let (facts, mut index, offset) = replay(volume, segment)?;
    volume.sync_names()?;
    // the full segments before it, newest first, each as the one behind it tells
    let mut cut = index.positions.cut();
    while let Some(Summary { octets, low, end, cut: cut_there }) = previous {
        number -= 1;
        let Some(found) = begun.pop_if(|found| found.segment.number == number) else {
            if end.min(cut) > facts.keep_from() {
                return Err(missing(number));
            }
            break;
        };
        let mut held = Held { segment: Arc::new(found.segment), live: low..end, octets };
        held.cut(cut);
        if number + 1 == index.current().segment.number {
            // the power may have gone before it said so
            volume.put_full(&held.segment, octets)?;
        }
        index.held.push_front(held);
        (cut, previous) = (cut.min(cut_there), found.begin.previous);
    }
    spare.extend(begun.into_iter().map(|found| found.segment.slot));
    for slot in spare.drain(SPARE.min(spare.len())..) {
        volume.remove(&slot.name)?;
    }
    Ok(Recovered { facts, index, offset, spare })
}

/// Reads the last segment; gives what it knows, what it holds, and where it ends. Its last frame is written again: a
/// process that was killed, or whose sync failed, may have left it where a sync alone doesn't reach it.
fn replay(volume: &Volume, segment: Segment) -> Result<(Facts, Index, u64), Fault> {
    let segment = Arc::new(segment);
    let mut index = Index::new(segment.clone());
    let (mut facts, mut last_frame, mut offset) = (Facts::default(), 0, 0);
    for frame in segment.frames() {
        let Frame { ops, items, end } = frame?;
        if ops.contains(&Op::Full) {
            return Err(missing(segment.number + 1));
        }
        ops.iter().for_each(|op| facts.apply(op));
        index.apply(&ops, &items);
        (last_frame, offset) = (offset, end);
    }
    let slot = &segment.slot;
    if frame::find(slot, segment.number, offset)?.is_some() {
        return Err(segment.damaged(offset));
    }
    let mut octets = vec![0; (offset - last_frame) as usize];
    slot.read(last_frame, &mut octets)?;
    volume.put(slot, last_frame, &mut octets)?;
    Ok((facts, index, offset))
}
