//! Rows in memory: one persistent ordered map per table. A clone costs a pointer per table, so a batch
//! works on a clone and dropping it undoes everything.

use crate::table::{Catalogue, Kind};
use std::sync::Arc;
use std::time::Duration;

/// Key → value, or a tombstone that hides the row of a lower layer.
pub(crate) type Map = imbl::OrdMap<Arc<[u8]>, Option<Arc<[u8]>>>;

/// What a row costs beside its bytes: two shared allocations and its place in the map's nodes.
const ROW_OVERHEAD: usize = 96;

/// The writes since a freeze. Volatile tables live in the active generation for good.
#[derive(Clone)]
pub(crate) struct Generation {
    maps: Vec<Map>,
    /// By slot: grows with every change of the table, in this process.
    revisions: Vec<u64>,
    /// By slot: rows that hide one of a lower layer.
    tombstones: Vec<usize>,
    /// Rows that a drain will have to write.
    pub(crate) rows: usize,
    /// Their estimated memory.
    pub(crate) bytes: usize,
    /// That of the rows of volatile tables, which no drain gives back.
    pub(crate) volatile_bytes: usize,
    /// When the first batch was committed into it.
    pub(crate) since: Option<Duration>,
}

impl Generation {
    pub(crate) fn new(catalogue: &Catalogue) -> Generation {
        let tables = catalogue.metas().len();
        Generation {
            maps: vec![Map::new(); tables],
            revisions: vec![0; tables],
            tombstones: vec![0; tables],
            rows: 0,
            bytes: 0,
            volatile_bytes: 0,
            since: None,
        }
    }

    /// An empty one for a state that has nothing to do with the one before: all tables have changed.
    pub(crate) fn replaced(&self) -> Generation {
        let revisions: Vec<u64> = self.revisions.iter().map(|r| r + 1).collect();
        Generation {
            maps: vec![Map::new(); revisions.len()],
            tombstones: vec![0; revisions.len()],
            revisions,
            rows: 0,
            bytes: 0,
            volatile_bytes: 0,
            since: None,
        }
    }

    pub(crate) fn revision(&self, slot: usize) -> u64 {
        self.revisions[slot]
    }

    pub(crate) fn map(&self, slot: usize) -> &Map {
        &self.maps[slot]
    }

    /// Whether a row of a lower layer may be hidden.
    pub(crate) fn hides(&self, slot: usize) -> bool {
        self.tombstones[slot] > 0
    }

    /// Sets or (`None`) hides a row.
    pub(crate) fn put(&mut self, slot: usize, kind: Kind, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.revisions[slot] += 1;
        let map = &mut self.maps[slot];
        let key_len = key.len();
        let cost = |value: usize| key_len + value + ROW_OVERHEAD;
        let new = cost(value.as_ref().map_or(0, Vec::len));
        if kind == Kind::Volatile {
            let old = match value {
                Some(v) => {
                    self.volatile_bytes += new;
                    map.insert(key.into(), Some(v.into()))
                }
                None => map.remove(key.as_slice()),
            };
            self.volatile_bytes -= old.map_or(0, |v| cost(v.map_or(0, |v| v.len())));
            return;
        }
        self.bytes += new;
        self.rows += 1;
        self.tombstones[slot] += usize::from(value.is_none());
        if let Some(old) = map.insert(key.into(), value.map(Into::into)) {
            self.rows -= 1;
            self.tombstones[slot] -= usize::from(old.is_none());
            self.bytes -= cost(old.map_or(0, |v| v.len()));
        }
    }

    /// Parts a generation in what will be drained and the next active one, which keeps the volatile rows.
    pub(crate) fn split(&self, catalogue: &Catalogue) -> (Generation, Generation) {
        let (mut frozen, mut next) = (self.clone(), Generation::new(catalogue));
        next.revisions.clone_from(&self.revisions);
        for (slot, meta) in catalogue.metas().iter().enumerate() {
            if meta.kind == Kind::Volatile {
                std::mem::swap(&mut frozen.maps[slot], &mut next.maps[slot]);
            }
        }
        std::mem::swap(&mut frozen.volatile_bytes, &mut next.volatile_bytes);
        (frozen, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Table;

    #[test]
    fn counts_follow_overwrites_and_volatile_rows_stay() {
        let metas = [Table::<u8, u8>::new(1, "p").meta(), Table::<u8, u8>::volatile(2, "v").meta()];
        let c = Catalogue::new(&metas).unwrap();
        let mut g = Generation::new(&c);
        g.put(0, Kind::Replicated, vec![1], Some(vec![1, 2, 3]));
        assert!(!g.hides(0));
        g.put(0, Kind::Replicated, vec![1], None);
        g.put(0, Kind::Replicated, vec![1], None);
        assert!(g.hides(0));
        g.put(1, Kind::Volatile, vec![1], Some(vec![1]));
        g.put(1, Kind::Volatile, vec![2], Some(vec![1]));
        g.put(1, Kind::Volatile, vec![2], None);
        g.put(1, Kind::Volatile, vec![1], Some(vec![1, 2]));
        assert_eq!((g.rows, g.bytes), (1, 1 + ROW_OVERHEAD));
        assert_eq!(g.volatile_bytes, 3 + ROW_OVERHEAD);
        let (frozen, next) = g.split(&c);
        assert_eq!((frozen.map(0).len(), frozen.map(1).len()), (1, 0));
        assert_eq!((frozen.hides(0), next.hides(0)), (true, false));
        g.put(0, Kind::Replicated, vec![1], Some(vec![4]));
        assert!(!g.hides(0));
        assert_eq!((next.map(0).len(), next.map(1).len(), next.rows), (0, 1, 0));
        assert_eq!((frozen.volatile_bytes, next.volatile_bytes), (0, 3 + ROW_OVERHEAD));
    }
}
