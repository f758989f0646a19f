//! From memory to the file: one frozen generation becomes one durable transaction, and only then readers
//! move to it. A thread of its own runs this in production; a simulation runs its two halves as steps.

use crate::base::{self, Base};
use crate::generation::Generation;
use crate::layers::{Frozen, Layers};
use crate::presence::{Change, Fingerprints, Loading, Notes};
use crate::sync::lock;
use crate::{Fault, Header, Store};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Drained generations, and fingerprints, kept until their last reader lets go, so that freeing hundreds of
/// thousands of rows (15 ms) happens on the drain thread. Readers are short; beyond this many the reader pays.
const RETIRED_MAX: usize = 4;

/// How many rows are written between two looks at whether the drain was cancelled, and between two rests.
const ROWS_AT_A_TIME: usize = 1024;

/// What came of a drain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drained {
    /// No generation is frozen.
    Nothing,
    /// The log is not yet durable up to the generation's last entry (`needs`): draining now could leave a
    /// state that is ahead of the log. Try again when the log has synced.
    LogBehind { needs: u64 },
    /// An install took over; what was frozen is obsolete.
    Cancelled,
    /// The generation that ended with this header is durable.
    Done { header: Header, rows: usize },
}

/// What the drain keeps between its steps.
#[derive(Default)]
pub(crate) struct DrainState {
    /// Committed and not yet adopted.
    pub(crate) committed: Option<Committed>,
    /// Fingerprints are loaded.
    pub(crate) loading: Option<Loading>,
    /// How often that was begun.
    pub(crate) loadings: u64,
    retired: Vec<Arc<Generation>>,
    pub(crate) retired_fingerprints: Vec<Arc<Fingerprints>>,
}

/// A base with what makes it differ from the one before.
pub(crate) struct Committed {
    base: Arc<Base>,
    changes: Vec<Change>,
}

impl DrainState {
    pub(crate) fn retired(&self) -> usize {
        self.retired.len()
    }

    fn sweep(&mut self) {
        sweep(&mut self.retired);
        sweep(&mut self.retired_fingerprints);
    }
}

pub(crate) fn retire<T>(retired: &mut Vec<Arc<T>>, one: Arc<T>) {
    retired.push(one);
    if retired.len() > RETIRED_MAX {
        retired.remove(0);
    }
}

fn sweep<T>(retired: &mut Vec<Arc<T>>) {
    retired.retain(|one| Arc::strong_count(one) > 1);
}

impl Store {
    /// Writes the frozen generation to the file and moves readers to it. `log_synced` is the last index
    /// that is durable in the log (`Some(u64::MAX)` where there is no log).
    ///
    /// # Errors
    /// Any fault of the file; the node must stop, since redb takes no write after one.
    pub fn drain(&self, log_synced: Option<u64>) -> Result<Drained, Fault> {
        let done = self.drain_commit(log_synced)?;
        self.adopt();
        Ok(done)
    }

    /// First half: the durable commit. Readers still use memory; a crash from here on finds the rows.
    ///
    /// # Errors
    /// As [`Store::drain`].
    pub fn drain_commit(&self, log_synced: Option<u64>) -> Result<Drained, Fault> {
        let mut state = lock(&self.drain_state);
        state.sweep();
        let layers = self.layers.load_full();
        let Some(frozen) = layers.draining.as_ref().filter(|_| state.committed.is_none()) else {
            return Ok(Drained::Nothing);
        };
        let needs = frozen.header.index;
        if log_synced.is_none_or(|synced| synced < needs) {
            return Ok(Drained::LogBehind { needs });
        }
        let notes = self.notes(&state, layers.fingerprints.as_deref());
        let written = catch_unwind(AssertUnwindSafe(|| self.write_out(&layers.base, frozen, notes)))
            .map_err(|panic| Fault::panicked(&*panic))??;
        let Some(committed) = written else { return Ok(Drained::Cancelled) };
        state.committed = Some(committed);
        Ok(Drained::Done { header: frozen.header.clone(), rows: frozen.rows.rows })
    }

    /// Second half: readers that come from now on use the new base. `false` if nothing was committed.
    pub fn adopt(&self) -> bool {
        let mut state = lock(&self.drain_state);
        let Some(Committed { base, changes }) = state.committed.take() else { return false };
        // base and fingerprints change under this lock alone
        let before = self.layers.load().fingerprints.clone();
        let fingerprints = self.after_drain(&mut state, before, changes);
        let mut retired = None;
        self.publish_with(|l| {
            retired = l.draining.as_ref().map(|d| d.rows.clone());
            Some(Layers { draining: None, base, fingerprints, ..l.clone() })
        });
        if let Some(rows) = retired {
            retire(&mut state.retired, rows);
        }
        state.sweep();
        true
    }

    /// `None` if it was cancelled on the way.
    fn write_out(
        &self,
        under: &Base,
        frozen: &Frozen,
        mut notes: Option<Notes>,
    ) -> Result<Option<Committed>, Fault> {
        let mut w = under.db.begin_write()?;
        // Without it an unclean stop of an 8 GB file costs 21 s at the next start.
        w.set_quick_repair(true);
        let _working = self.pace.work();
        for (slot, meta) in self.catalogue.metas().iter().enumerate() {
            let map = frozen.rows.map(slot);
            if map.is_empty() {
                continue;
            }
            let mut table = w.open_table(base::definition(meta))?;
            let mut notes = notes.as_mut().filter(|notes| notes.takes(slot));
            for (n, (key, value)) in map.iter().enumerate() {
                if n % ROWS_AT_A_TIME == 0 {
                    if self.cancel_drain.load(Ordering::Acquire) {
                        return Ok(None);
                    }
                    self.pace.rest();
                }
                let before = match value {
                    Some(v) => table.insert(&**key, &**v)?,
                    None => table.remove(&**key)?,
                };
                self.pace.did_row();
                if let Some(notes) = &mut notes {
                    notes.row(slot, key, before.is_some(), value.is_some());
                }
            }
        }
        base::put_header(&w, &frozen.header)?;
        w.commit()?;
        let base = Arc::new(Base::read(under.db.clone(), under.catalogue.clone())?);
        Ok(Some(Committed { base, changes: notes.map(|notes| notes.changes).unwrap_or_default() }))
    }
}
