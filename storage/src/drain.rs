//! From memory to the file: one frozen generation becomes one durable transaction, and only then readers
//! move to it. A thread of its own runs this in production; a simulation runs its two halves as steps.

use crate::base::{self, Base};
use crate::generation::Generation;
use crate::layers::{Frozen, Layers};
use crate::sync::lock;
use crate::{Fault, Header, Store};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Drained generations kept until their last reader lets go, so that freeing hundreds of thousands of
/// rows (15 ms) happens on the drain thread. Readers are short; beyond this many the reader pays.
const RETIRED_MAX: usize = 4;

/// How many rows are written between two looks at whether the drain was cancelled.
const CANCEL_EVERY: usize = 1024;

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
    pub(crate) committed: Option<Arc<Base>>,
    retired: Vec<Arc<Generation>>,
}

impl DrainState {
    pub(crate) fn retired(&self) -> usize {
        self.retired.len()
    }

    fn retire(&mut self, g: Arc<Generation>) {
        self.retired.push(g);
        if self.retired.len() > RETIRED_MAX {
            self.retired.remove(0);
        }
    }

    fn sweep(&mut self) {
        self.retired.retain(|g| Arc::strong_count(g) > 1);
    }
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
        let written = catch_unwind(AssertUnwindSafe(|| self.write_out(&layers.base, frozen)))
            .map_err(|panic| Fault::panicked(&*panic))??;
        let Some(base) = written else { return Ok(Drained::Cancelled) };
        state.committed = Some(Arc::new(base));
        Ok(Drained::Done { header: frozen.header.clone(), rows: frozen.rows.rows })
    }

    /// Second half: readers that come from now on use the new base. `false` if nothing was committed.
    pub fn adopt(&self) -> bool {
        let mut state = lock(&self.drain_state);
        let Some(base) = state.committed.take() else { return false };
        let mut retired = None;
        self.publish_with(|l| {
            retired = l.draining.as_ref().map(|d| d.rows.clone());
            Some(Layers { draining: None, base, ..l.clone() })
        });
        if let Some(g) = retired {
            state.retire(g);
        }
        state.sweep();
        true
    }

    /// `None` if it was cancelled on the way.
    fn write_out(&self, under: &Base, frozen: &Frozen) -> Result<Option<Base>, Fault> {
        let mut w = under.db.begin_write()?;
        // Without it an unclean stop of an 8 GB file costs 21 s at the next start.
        w.set_quick_repair(true);
        for (slot, meta) in self.catalogue.metas().iter().enumerate() {
            let map = frozen.rows.map(slot);
            if map.is_empty() {
                continue;
            }
            let mut table = w.open_table(base::definition(meta))?;
            for (n, (key, value)) in map.iter().enumerate() {
                if n % CANCEL_EVERY == 0 && self.cancel_drain.load(Ordering::Acquire) {
                    return Ok(None);
                }
                match value {
                    Some(v) => table.insert(&**key, &**v)?,
                    None => table.remove(&**key)?,
                };
            }
        }
        base::put_header(&w, &frozen.header)?;
        w.commit()?;
        Base::read(under.db.clone(), under.catalogue.clone()).map(Some)
    }
}
