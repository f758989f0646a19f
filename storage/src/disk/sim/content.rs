//! The bytes of one simulated file: as processes see them, and as a crash leaves them.

use std::collections::BTreeSet;

const PAGE: usize = 4096;

/// What a disk writes whole or not at all.
pub(super) const SECTOR: usize = 512;

#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) now: Vec<u8>,
    synced: Vec<u8>,
    /// Pages that differ, so that a sync copies only these.
    dirty: BTreeSet<usize>,
    /// The life in which a handle is open.
    pub(super) open_in: Option<u64>,
}

impl Content {
    pub(super) fn touch(&mut self, from: usize, to: usize) {
        self.dirty.extend(from / PAGE..to.div_ceil(PAGE));
    }

    pub(super) fn resize(&mut self, len: usize) {
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

    pub(super) fn keep(&mut self) {
        let dirty = std::mem::take(&mut self.dirty);
        Content::copy_dirty(&dirty, &self.now, &mut self.synced);
    }

    /// Lets chosen sectors, and perhaps the length, reach the disk without a sync.
    pub(super) fn tear(&mut self, keep: &mut impl FnMut() -> bool) {
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

    pub(super) fn revert(&mut self) {
        let dirty = std::mem::take(&mut self.dirty);
        Content::copy_dirty(&dirty, &self.synced, &mut self.now);
    }
}
