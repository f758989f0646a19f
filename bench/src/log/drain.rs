//! A state file that drains: a table with values and an index, keys at random places.

use super::noise;
use crate::names::spread;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage::{DirDisk, Drained, Fault, Index, Options, Read, Store, Table};

#[derive(Serialize, Deserialize)]
struct Blob(Vec<u8>);
impl storage::Record for Blob {}

const ROWS: Table<u64, Blob> = Table::new(1, "rows");
const PLACES: Index<(u64, u64)> = Index::new(2, "places");

/// The size of a domain's record.
const VALUE_BYTES: usize = 300;

/// Rows of one batch while filling.
const BATCH: u64 = 1_000;

pub struct StateFile {
    store: Store,
    next: u64,
    index: u64,
}

impl StateFile {
    pub fn new(path: &Path, sync_every_bytes: u64) -> Result<StateFile, Fault> {
        let options = Options { sync_every_bytes, freeze_rows: usize::MAX, ..Options::default() };
        let store = Store::open(Arc::new(DirDisk::open(path)?), &[ROWS.meta(), PLACES.meta()], options)?;
        Ok(StateFile { store, next: 0, index: 0 })
    }

    /// Writes and drains `rows` rows.
    pub fn load(&mut self, rows: u64) -> Result<(), Fault> {
        let end = self.next + rows;
        while self.next < end {
            self.fill((end - self.next).min(200_000))?;
            self.drain()?;
        }
        Ok(())
    }

    /// Puts `rows` rows (half of them in the index) into memory and freezes them.
    pub fn fill(&mut self, rows: u64) -> Result<(), Fault> {
        let end = self.next + rows;
        while self.next < end {
            let mut tx = self.store.begin();
            let pairs = (end - self.next).min(BATCH).div_ceil(2);
            for _ in 0..pairs {
                let key = spread(self.next);
                tx.insert(&ROWS, &key, &Blob(noise(self.next, VALUE_BYTES)))?;
                tx.add(&PLACES, &(spread(key), key))?;
                self.next += 2;
            }
            self.index += 1;
            tx.commit(self.index, Arc::default());
        }
        self.store.freeze();
        Ok(())
    }

    /// Drains what is frozen; the time that takes.
    pub fn drain(&self) -> Result<Duration, Fault> {
        let start = Instant::now();
        while self.store.drain(Some(u64::MAX))? != Drained::Nothing {}
        let took = start.elapsed();
        debug_assert_eq!(self.store.view().header().index, self.index);
        Ok(took)
    }
}
