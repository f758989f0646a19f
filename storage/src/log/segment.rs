//! Segments: the files of the log, and where in them which entry stands.

use super::frame::{self, Frame, Op, Place, Summary};
use super::volume::Slot;
use crate::Fault;
use crate::sync::lock;
use std::ops::Range;
use std::sync::{Arc, Mutex};

/// A slot that is in use.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) slot: Slot,
    pub(super) number: u64,
    /// Of a full segment, once somebody has read from it.
    positions: Mutex<Option<Arc<Positions>>>,
}

/// Where in a segment the entries stand that it holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Positions {
    /// Index of the first one, or of the next one if there is none.
    low: u64,
    /// A segment has less than 4 GiB.
    at: Vec<u32>,
    /// Entries from here on that earlier segments hold are not to be read any more.
    cut: u64,
}

impl Default for Positions {
    fn default() -> Positions {
        Positions { low: 0, at: Vec::new(), cut: u64::MAX }
    }
}

impl Positions {
    pub(super) fn range(&self) -> Range<u64> {
        self.low..self.low + self.at.len() as u64
    }

    pub(super) fn cut(&self) -> u64 {
        self.cut
    }

    /// What a full segment is remembered by.
    pub(super) fn summary(&self, octets: u64) -> Summary {
        let Range { start: low, end } = self.range();
        Summary { octets, low, end, cut: self.cut }
    }

    /// The places of the entries of `r`, all of which are here.
    pub(super) fn of(&self, r: Range<u64>) -> Positions {
        let from = (r.start - self.low) as usize;
        let at = self.at[from..from + (r.end - r.start) as usize].to_vec();
        Positions { low: r.start, at, cut: self.cut }
    }

    /// Follows a frame.
    pub(super) fn apply(&mut self, ops: &[Op], items: &[u64]) {
        let mut items = items.iter();
        for op in ops {
            match op {
                Op::Append { first, count } => {
                    if self.range().end != *first {
                        self.restart(*first);
                    }
                    self.at.extend(items.by_ref().take(*count as usize).map(|at| *at as u32));
                }
                Op::Truncate { last } => {
                    let end = last.map_or(0, |last| last.saturating_add(1));
                    self.cut = self.cut.min(end);
                    if end < self.low {
                        self.restart(end);
                    }
                    self.at.truncate((end - self.low) as usize);
                }
                Op::Begin(begin) => {
                    *self = Positions { low: begin.previous.map_or(0, |p| p.end), ..Positions::default() };
                }
                Op::Purge { .. } | Op::Meta { .. } | Op::Full => {}
            }
        }
    }

    fn restart(&mut self, low: u64) {
        self.low = low;
        self.at.clear();
    }
}

impl Segment {
    pub(super) fn new(slot: Slot, number: u64) -> Segment {
        Segment { slot, number, positions: Mutex::default() }
    }

    /// The frames from the beginning on, up to the first that is not sound.
    pub(super) fn frames(&self) -> Frames<'_> {
        Frames { segment: self, offset: 0 }
    }

    /// Takes note of where the entries of a full segment stand.
    pub(super) fn set_positions(&self, positions: Positions) {
        *lock(&self.positions) = Some(Arc::new(positions));
    }

    /// Where the entries of a segment stand that is full with so many octets.
    pub(super) fn positions(&self, octets: u64) -> Result<Arc<Positions>, Fault> {
        let mut known = lock(&self.positions);
        if let Some(positions) = &*known {
            return Ok(positions.clone());
        }
        let (mut positions, mut end) = (Positions::default(), 0);
        for frame in self.frames() {
            let frame = frame?;
            positions.apply(&frame.ops, &frame.items);
            end = frame.end;
            if end >= octets {
                break;
            }
        }
        if end != octets {
            return Err(self.damaged(end));
        }
        Ok(known.insert(Arc::new(positions)).clone())
    }

    /// The entries whose places are given.
    pub(super) fn entries(&self, positions: &Positions, found: &mut Vec<Arc<[u8]>>) -> Result<(), Fault> {
        for (at, index) in positions.at.iter().zip(positions.low..) {
            let entry = frame::entry(&self.slot, u64::from(*at), index)?;
            found.push(entry.ok_or_else(|| self.damaged(u64::from(*at)))?);
        }
        Ok(())
    }

    pub(super) fn damaged(&self, offset: u64) -> Fault {
        Fault::corrupt(format!(
            "the log file {} (segment {}) is damaged at octet {offset}: what follows there can't be trusted, so \
             replace this node",
            self.slot.name, self.number
        ))
    }
}

/// Reads a segment frame by frame.
pub(super) struct Frames<'s> {
    segment: &'s Segment,
    offset: u64,
}

impl Iterator for Frames<'_> {
    type Item = Result<Frame, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let place = Place { number: self.segment.number, offset: self.offset };
        let frame = frame::read(&self.segment.slot, place).transpose()?;
        if let Ok(frame) = &frame {
            self.offset = frame.end;
        }
        Some(frame)
    }
}
