//! Ranges over all layers at once: the rows of active, draining and base in key order, upper layers
//! hiding lower ones and tombstones hiding rows.

use crate::Fault;
use crate::generation::Map;
use crate::read::Source;
use crate::table::Meta;
use imbl::shared_ptr::DefaultSharedPtr;
use redb::AccessGuard;
use std::cmp::Ordering;
use std::ops::Bound;
use std::sync::Arc;

/// Ascending or descending key order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}

pub(crate) type Bounds = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// Bytes that live in memory or in a page of the file.
pub(crate) enum Part<'a> {
    Memory(&'a [u8]),
    File(AccessGuard<'static, &'static [u8]>),
}

impl Part<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Part::Memory(b) => b,
            Part::File(guard) => guard.value(),
        }
    }
}

type Entry<'a> = (Part<'a>, Option<Part<'a>>);
type MemoryRange<'a> = imbl::ordmap::RangedIter<'a, Arc<[u8]>, Option<Arc<[u8]>>, DefaultSharedPtr>;
type FileRange = redb::Range<'static, &'static [u8], &'static [u8]>;

enum Walk<'a> {
    Memory(MemoryRange<'a>),
    File(Box<FileRange>),
}

impl<'a> Walk<'a> {
    fn step(&mut self, direction: Direction) -> Result<Option<Entry<'a>>, Fault> {
        match self {
            Walk::Memory(it) => {
                let row = if direction == Direction::Up { it.next() } else { it.next_back() };
                Ok(row.map(|(k, v)| (Part::Memory(k), v.as_deref().map(Part::Memory))))
            }
            Walk::File(it) => {
                let row = if direction == Direction::Up { it.next() } else { it.next_back() };
                let (k, v) = match row {
                    Some(row) => row?,
                    None => return Ok(None),
                };
                Ok(Some((Part::File(k), Some(Part::File(v)))))
            }
        }
    }
}

struct Cursor<'a> {
    walk: Walk<'a>,
    head: Option<Entry<'a>>,
}

/// The merged range. After an error it ends.
pub(crate) struct Rows<'a> {
    /// Top layer first: of equal keys the first one counts.
    cursors: Vec<Cursor<'a>>,
    direction: Direction,
    started: bool,
    table: &'static str,
}

fn is_empty(b: &Bounds) -> bool {
    match b {
        (Bound::Included(a), Bound::Included(z)) => a > z,
        (Bound::Included(a) | Bound::Excluded(a), Bound::Excluded(z))
        | (Bound::Excluded(a), Bound::Included(z)) => a >= z,
        _ => false,
    }
}

fn slices(b: &Bounds) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (b.0.as_ref().map(Vec::as_slice), b.1.as_ref().map(Vec::as_slice))
}

impl<'a> Rows<'a> {
    pub(crate) fn new(
        source: &Source<'a>,
        meta: Meta,
        bounds: Bounds,
        direction: Direction,
    ) -> Result<Rows<'a>, Fault> {
        let slot = source.catalogue().slot(meta)?;
        let mut rows = Rows { cursors: Vec::with_capacity(3), direction, started: false, table: meta.name };
        if is_empty(&bounds) {
            return Ok(rows);
        }
        rows.push_memory(source.active.map(slot), &bounds);
        if let Some(d) = &source.under.draining {
            rows.push_memory(d.rows.map(slot), &bounds);
        }
        if let Some(table) = source.base().table(slot) {
            let range =
                table.range::<&[u8]>(slices(&bounds)).map_err(|e| Fault::from(e).at(meta.name, &[]))?;
            rows.cursors.push(Cursor { walk: Walk::File(Box::new(range)), head: None });
        }
        Ok(rows)
    }

    fn push_memory(&mut self, map: &'a Map, bounds: &Bounds) {
        if !map.is_empty() {
            let range = map.range::<_, [u8]>(slices(bounds));
            self.cursors.push(Cursor { walk: Walk::Memory(range), head: None });
        }
    }

    /// Index of the cursor whose head comes next; the topmost of equals.
    fn first(&self) -> Option<usize> {
        let mut best: Option<(usize, &[u8])> = None;
        for (i, c) in self.cursors.iter().enumerate() {
            let Some((k, _)) = &c.head else { continue };
            let before = match best {
                None => true,
                Some((_, b)) if self.direction == Direction::Up => k.bytes() < b,
                Some((_, b)) => k.bytes() > b,
            };
            if before {
                best = Some((i, k.bytes()));
            }
        }
        best.map(|(i, _)| i)
    }

    /// Takes the row of cursor `i` and moves every cursor on that key forward.
    fn take(&mut self, i: usize) -> Result<Option<Entry<'a>>, Fault> {
        let Some(row) = self.cursors[i].head.take() else { return Ok(None) };
        for (j, c) in self.cursors.iter_mut().enumerate().skip(i) {
            let same = c.head.as_ref().is_some_and(|(k, _)| k.bytes().cmp(row.0.bytes()) == Ordering::Equal);
            if j == i || same {
                c.head = c.walk.step(self.direction)?;
            }
        }
        Ok(Some(row))
    }

    fn advance(&mut self) -> Result<Option<(Part<'a>, Part<'a>)>, Fault> {
        if !self.started {
            self.started = true;
            for c in &mut self.cursors {
                c.head = c.walk.step(self.direction)?;
            }
        }
        while let Some(i) = self.first() {
            if let Some((k, Some(v))) = self.take(i)? {
                return Ok(Some((k, v)));
            }
        }
        Ok(None)
    }
}

impl<'a> Iterator for Rows<'a> {
    type Item = Result<(Part<'a>, Part<'a>), Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.advance();
        if row.is_err() {
            self.cursors.clear();
        }
        row.map_err(|e| e.at(self.table, &[])).transpose()
    }
}
