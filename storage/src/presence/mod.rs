//! Whether a key is there, answered from memory: 64-bit fingerprints of every key that the state file has in some
//! tables. They are published in one value with the file they describe, so that they are as fresh as everything else
//! in a view; what is not drained yet is found where it always is.
//!
//! A fingerprint is a keyed hash with a key of this process: nobody outside can look for two names with the same
//! one. It errs on one side alone. A key that is there is always found; one that is not is found by mistake with a
//! probability of one in 2^64 for each key of the table. So `Presence` belongs to a `View`: rules, which run on a
//! `Tx`, read the rows, and leave out only those that fingerprints rule out.

mod load;
mod set;

pub use load::Loaded;
pub(crate) use load::Loading;

use crate::base::Base;
use crate::generation::Map;
use crate::key::KeyLike;
use crate::table::Meta;
use crate::{Fault, Key, Table, View};
use set::Set;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::marker::PhantomData;

/// Which tables have fingerprints, and what these may take in memory.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fingerprinted {
    pub tables: &'static [Meta],
    /// Of all of them together, in bytes: about 8.1 for each key. While they are loaded, and while a drain changes
    /// them, parts of them exist twice. 0: there are none.
    pub bytes_max: usize,
}

/// What is held, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    pub keys: usize,
    pub bytes: usize,
}

/// Makes fingerprints of keys.
#[derive(Clone, Default)]
pub(crate) struct Fingerprinter(RandomState);

impl Fingerprinter {
    fn of(&self, key: &[u8]) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write(key);
        hasher.finish()
    }
}

/// A fingerprint that came into the file with a drain, or went.
pub(crate) struct Change {
    slot: usize,
    fingerprint: u64,
    comes: bool,
}

/// Takes note of what a drain does to the tables that have fingerprints.
pub(crate) struct Notes {
    made_by: Fingerprinter,
    slots: Vec<usize>,
    pub(crate) changes: Vec<Change>,
}

impl Notes {
    pub(crate) fn takes(&self, slot: usize) -> bool {
        self.slots.contains(&slot)
    }

    /// A row was written (`now`) or removed that was in the file (`before`) or was not.
    pub(crate) fn row(&mut self, slot: usize, key: &[u8], before: bool, now: bool) {
        if before != now {
            self.changes.push(Change { slot, fingerprint: self.made_by.of(key), comes: now });
        }
    }
}

/// The fingerprints of a state file, by the slot of the table.
#[derive(Clone)]
pub(crate) struct Fingerprints {
    made_by: Fingerprinter,
    sets: Vec<(usize, Set)>,
}

impl Fingerprints {
    fn set(&self, slot: usize) -> Option<&Set> {
        self.sets.iter().find(|(of, _)| *of == slot).map(|(_, set)| set)
    }

    /// Whether the file surely lacks the key.
    pub(crate) fn rule_out(&self, slot: usize, key: &[u8]) -> bool {
        self.set(slot).is_some_and(|set| !set.contains(self.made_by.of(key)))
    }

    fn slots(&self) -> Vec<usize> {
        self.sets.iter().map(|(slot, _)| *slot).collect()
    }

    pub(crate) fn held(&self) -> Held {
        let sets = self.sets.iter().map(|(_, set)| set);
        sets.fold(Held::default(), |sum, set| Held {
            keys: sum.keys + set.len(),
            bytes: sum.bytes + set.bytes(),
        })
    }

    /// Those of the file after a drain that made these changes.
    fn changed(&self, changes: &[Change]) -> Fingerprints {
        let sets = self.sets.iter().map(|(slot, set)| {
            let of_set = changes.iter().filter(|c| c.slot == *slot);
            let of_set = of_set.map(|c| (c.fingerprint, if c.comes { 1 } else { -1 }));
            (*slot, set.changed(of_set.collect()))
        });
        Fingerprints { made_by: self.made_by.clone(), sets: sets.collect() }
    }
}

/// Looks for keys of one table in one view, without reading rows.
pub struct Presence<'v, K> {
    slot: usize,
    meta: Meta,
    /// Top layer first; empty ones are left out.
    memory: [Option<&'v Map>; 2],
    /// A row of the file may be hidden by one in memory.
    hides: bool,
    base: &'v Base,
    fingerprints: Option<(&'v Fingerprinter, &'v Set)>,
    _key: PhantomData<fn(K)>,
}

impl View {
    /// For looking up many keys of a table.
    ///
    /// # Errors
    /// `Fault::Misuse` if the store was opened without the table.
    pub fn presence<K: Key, V>(&self, table: &Table<K, V>) -> Result<Presence<'_, K>, Fault> {
        let (layers, meta) = (&*self.layers, table.meta());
        let slot = layers.base.catalogue.slot(meta)?;
        let draining = layers.draining.as_ref().map(|frozen| &*frozen.rows);
        let hides = layers.active.hides(slot) || draining.is_some_and(|rows| rows.hides(slot));
        let filled = |map: &&Map| !map.is_empty();
        let fingerprints =
            layers.fingerprints.as_deref().and_then(|all| Some((&all.made_by, all.set(slot)?)));
        Ok(Presence {
            slot,
            meta,
            memory: [Some(&layers.active), draining]
                .map(|rows| rows.map(|rows| rows.map(slot)).filter(filled)),
            hides,
            base: &layers.base,
            fingerprints,
            _key: PhantomData,
        })
    }
}

impl<K: Key> Presence<'_, K> {
    /// Whether the key is there; see the module for how sure that is. `room` is where the bytes of the key are put:
    /// with one that is kept nothing is allocated.
    ///
    /// # Errors
    /// A fault of the file, where it had to be read.
    pub fn likely(&self, key: &impl KeyLike<K>, room: &mut Vec<u8>) -> Result<bool, Fault> {
        room.clear();
        key.put(room);
        let in_file = self.fingerprints.map(|(made_by, set)| set.contains(made_by.of(room)));
        if in_file == Some(true) && !self.hides {
            return Ok(true);
        }
        for map in self.memory.into_iter().flatten() {
            if let Some(row) = map.get(room.as_slice()) {
                return Ok(row.is_some());
            }
        }
        match in_file {
            Some(in_file) => Ok(in_file),
            None => self.read(room).inspect_err(|fault| self.base.catalogue.tell(fault)),
        }
    }

    fn read(&self, key: &[u8]) -> Result<bool, Fault> {
        let Some(table) = self.base.table(self.slot) else { return Ok(false) };
        let found = table.get(key).map_err(|e| Fault::from(e).at(self.meta.name, key))?;
        Ok(found.is_some())
    }
}
