//! Loading: the fingerprints of a file that was there before this process, read in the background while the store
//! serves and drains. What a drain changes meanwhile is noted and added at the end. Here, too, is the limit.

use super::set::{Gathering, bytes_for};
use super::{Change, Fingerprinter, Fingerprints, Held, Notes};
use crate::base::Base;
use crate::drain::{DrainState, retire};
use crate::sync::lock;
use crate::{Fault, Store};
use redb::ReadableTableMetadata;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// How many keys are read between two looks at whether loading is still wanted.
const ASK_EVERY: usize = 1024;
/// Changes noted while loading at most: 96 MiB. Whoever writes that fast waits for a quieter hour.
const NOTED_MAX: usize = 4 << 20;

/// What came of loading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    /// None are wanted, they are there already, or another thread loads them.
    Nothing,
    /// They would take more than they may.
    OverLimit { bytes: usize, bytes_max: usize },
    /// A drain is about to end, a snapshot was installed, too much was written, or the caller gave up: try again.
    Later,
    /// They are published.
    Done(Held),
}

/// What the drains note while fingerprints are loaded.
pub(crate) struct Loading {
    /// Tells this loading from one that began after a snapshot took its place.
    number: u64,
    made_by: Fingerprinter,
    slots: Vec<usize>,
    changes: Vec<Change>,
}

impl Loading {
    pub(crate) fn notes(&self) -> Notes {
        Notes { made_by: self.made_by.clone(), slots: self.slots.clone(), changes: Vec::new() }
    }
}

/// A loading that begins: what it reads, and how it makes fingerprints.
struct Begun {
    number: u64,
    base: Arc<Base>,
    notes: Notes,
}

impl Store {
    /// Loads the fingerprints that [`crate::Options::fingerprints`] asks for and publishes them. Reads every key of the
    /// tables: seconds on a large registry, on a thread that may take them. Asks `go_on` now and then.
    ///
    /// # Errors
    /// A fault of the file.
    pub fn load_fingerprints(&self, go_on: &dyn Fn() -> bool) -> Result<Loaded, Fault> {
        self.load(go_on).inspect_err(|fault| self.catalogue.tell(fault))
    }

    fn load(&self, go_on: &dyn Fn() -> bool) -> Result<Loaded, Fault> {
        let Begun { number, base, notes } = match self.begin_loading()? {
            Ok(begun) => begun,
            Err(why_not) => return Ok(why_not),
        };
        let gathered = catch_unwind(AssertUnwindSafe(|| gather(&base, &notes, go_on)))
            .unwrap_or_else(|panic| Err(Fault::panicked(&*panic)));
        let mut state = lock(&self.drain_state);
        let Some(loading) = state.loading.take_if(|loading| loading.number == number) else {
            return Ok(Loaded::Later);
        };
        let Some(gathered) = gathered? else { return Ok(Loaded::Later) };
        Ok(self.publish_fingerprints(gathered.changed(&loading.changes)))
    }

    fn begin_loading(&self) -> Result<Result<Begun, Loaded>, Fault> {
        let wanted = self.options.fingerprints;
        let mut state = lock(&self.drain_state);
        let layers = self.layers.load_full();
        if wanted.bytes_max == 0 || layers.fingerprints.is_some() || state.loading.is_some() {
            return Ok(Err(Loaded::Nothing));
        }
        // what that one changed was not noted
        if state.committed.is_some() {
            return Ok(Err(Loaded::Later));
        }
        let slots = self.fingerprinted()?;
        let bytes =
            slots.iter().map(|slot| Ok(bytes_for(count(&layers.base, *slot)?))).sum::<Result<_, Fault>>()?;
        // with something to spare, or the next drain would drop them again
        if bytes + bytes / 16 > wanted.bytes_max {
            return Ok(Err(Loaded::OverLimit { bytes, bytes_max: wanted.bytes_max }));
        }
        state.loadings += 1;
        let number = state.loadings;
        let loading = Loading { number, made_by: Fingerprinter::default(), slots, changes: Vec::new() };
        let notes = loading.notes();
        state.loading = Some(loading);
        Ok(Ok(Begun { number, base: layers.base.clone(), notes }))
    }

    fn publish_fingerprints(&self, loaded: Fingerprints) -> Loaded {
        let (held, bytes_max) = (loaded.held(), self.options.fingerprints.bytes_max);
        if held.bytes > bytes_max {
            return Loaded::OverLimit { bytes: held.bytes, bytes_max };
        }
        let loaded = Some(Arc::new(loaded));
        self.publish_with(|l| Some(crate::layers::Layers { fingerprints: loaded, ..l.clone() }));
        Loaded::Done(held)
    }

    /// Slots of the tables that have fingerprints.
    fn fingerprinted(&self) -> Result<Vec<usize>, Fault> {
        self.options.fingerprints.tables.iter().map(|meta| self.catalogue.slot(*meta)).collect()
    }

    /// Those of a file without keys, which need no loading.
    ///
    /// # Errors
    /// A fault of the file, or a table that is not in the list.
    pub(crate) fn fingerprints_of_empty(&self, base: &Base) -> Result<Option<Arc<Fingerprints>>, Fault> {
        if self.options.fingerprints.bytes_max == 0 {
            return Ok(None);
        }
        let slots = self.fingerprinted()?;
        for slot in &slots {
            if count(base, *slot)? > 0 {
                return Ok(None);
            }
        }
        let sets = slots.into_iter().map(|slot| (slot, Gathering::of(0).finish())).collect();
        Ok(Some(Arc::new(Fingerprints { made_by: Fingerprinter::default(), sets })))
    }

    /// What the drain that begins has to note, if anything.
    pub(crate) fn notes(&self, state: &DrainState, current: Option<&Fingerprints>) -> Option<Notes> {
        let of_current =
            |f: &Fingerprints| Notes { made_by: f.made_by.clone(), slots: f.slots(), changes: Vec::new() };
        current.map(of_current).or_else(|| state.loading.as_ref().map(Loading::notes))
    }

    /// The fingerprints after a drain. Beyond the limit there are none any more, and the store answers.
    pub(crate) fn after_drain(
        &self,
        state: &mut DrainState,
        current: Option<Arc<Fingerprints>>,
        changes: Vec<Change>,
    ) -> Option<Arc<Fingerprints>> {
        let Some(current) = current else {
            note(&mut state.loading, changes);
            return None;
        };
        if changes.is_empty() {
            return Some(current);
        }
        let next = current.changed(&changes);
        retire(&mut state.retired_fingerprints, current);
        let (held, bytes_max) = (next.held(), self.options.fingerprints.bytes_max);
        if held.bytes > bytes_max {
            tracing::warn!(
                keys = held.keys,
                bytes = held.bytes,
                bytes_max,
                "fingerprints would take more memory than they may; look-ups read the state file from now on"
            );
            return None;
        }
        Some(Arc::new(next))
    }
}

/// `None` if the caller gave up.
fn gather(base: &Base, notes: &Notes, go_on: &dyn Fn() -> bool) -> Result<Option<Fingerprints>, Fault> {
    let mut sets = Vec::with_capacity(notes.slots.len());
    for &slot in &notes.slots {
        let mut set = Gathering::of(count(base, slot)?);
        let Some(table) = base.table(slot) else { continue };
        for (n, row) in table.range::<&[u8]>(..)?.enumerate() {
            if n % ASK_EVERY == 0 && !go_on() {
                return Ok(None);
            }
            set.push(notes.made_by.of(row?.0.value()));
        }
        sets.push((slot, set.finish()));
    }
    Ok(Some(Fingerprints { made_by: notes.made_by.clone(), sets }))
}

fn note(loading: &mut Option<Loading>, changes: Vec<Change>) {
    let Some(noted) = loading.as_mut().map(|l| &mut l.changes) else { return };
    if noted.len() + changes.len() > NOTED_MAX {
        *loading = None;
    } else {
        noted.extend(changes);
    }
}

/// Keys of a table in the file.
fn count(base: &Base, slot: usize) -> Result<usize, Fault> {
    let Some(table) = base.table(slot) else { return Ok(0) };
    Ok(usize::try_from(table.len()?).unwrap_or(usize::MAX / 64))
}
