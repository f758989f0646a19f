//! A batch in the making. It writes memory only, sees its own writes, and is either published whole by
//! `commit` or undone whole by being dropped.

use crate::digest;
use crate::generation::Generation;
use crate::layers::Layers;
use crate::read::{Hope, Sealed, Source};
use crate::table::{Kind, Meta, key_of};
use crate::{Fault, Header, Index, Key, Read, Record, Store, Table, codec};
use std::cell::Cell;
use std::sync::Arc;

/// The only way to write. One at a time: it belongs to the thread that applies the log.
pub struct Tx<'s> {
    header: Header,
    active: Generation,
    under: Arc<Layers>,
    store: &'s Store,
    inside: Cell<bool>,
}

impl<'s> Tx<'s> {
    pub(crate) fn new(store: &'s Store, under: Arc<Layers>) -> Tx<'s> {
        let (header, active) = (under.header.clone(), under.active.clone());
        Tx { header, active, under, store, inside: Cell::new(false) }
    }

    /// The number of a new object. Never given twice, unless the batch that took it was dropped.
    pub fn next_id(&mut self) -> u64 {
        let id = self.header.next_id;
        self.header.next_id += 1;
        id
    }

    /// Moves state time. An earlier time is ignored: state time never runs backwards.
    pub fn set_state_time(&mut self, at: i64) {
        self.header.state_time = self.header.state_time.max(at);
    }

    /// Writes a row whose key is known to be new (a fresh id, a journal position, or just looked up).
    ///
    /// # Errors
    /// `Fault::Misuse` for a table that is not in the store's list; so for all writes.
    pub fn insert<K: Key, V: Record>(&mut self, t: &Table<K, V>, k: &K, v: &V) -> Result<(), Fault> {
        self.write(t.meta(), || (key_of(k), None, Some(codec::encode_record(v))))
    }

    /// Writes over a row; `old` is the value it has now, which the digest needs.
    ///
    /// # Errors
    /// As [`Tx::insert`].
    pub fn replace<K: Key, V: Record>(
        &mut self,
        t: &Table<K, V>,
        k: &K,
        old: &V,
        new: &V,
    ) -> Result<(), Fault> {
        self.write(t.meta(), || (key_of(k), Some(codec::encode_record(old)), Some(codec::encode_record(new))))
    }

    /// Removes a row; `old` is the value it has now.
    ///
    /// # Errors
    /// As [`Tx::insert`].
    pub fn remove<K: Key, V: Record>(&mut self, t: &Table<K, V>, k: &K, old: &V) -> Result<(), Fault> {
        self.write(t.meta(), || (key_of(k), Some(codec::encode_record(old)), None))
    }

    /// Adds a key, known to be absent, to an index.
    ///
    /// # Errors
    /// As [`Tx::insert`].
    pub fn add<K: Key>(&mut self, t: &Index<K>, k: &K) -> Result<(), Fault> {
        self.write(t.meta(), || (key_of(k), None, Some(Vec::new())))
    }

    /// Takes a key, known to be present, out of an index.
    ///
    /// # Errors
    /// As [`Tx::insert`].
    pub fn drop_key<K: Key>(&mut self, t: &Index<K>, k: &K) -> Result<(), Fault> {
        self.write(t.meta(), || (key_of(k), Some(Vec::new()), None))
    }

    /// Publishes the batch: readers that come from now on see all of it. `index` is the last log entry
    /// in it, `meta` what the consensus layer wants to find beside it.
    ///
    /// # Panics
    /// If `index` is lower than that of an earlier batch.
    pub fn commit(mut self, index: u64, meta: Arc<[u8]>) {
        assert!(index >= self.header.index, "log index {index} after {}", self.header.index);
        let header = Header { index, meta, ..self.header.clone() };
        let active = std::mem::replace(&mut self.active, Generation::new(&self.under.base.catalogue));
        self.store.publish(header, active);
    }

    /// Whether a panic caught just now came out of storage (a fault) and not out of the caller's rules.
    pub fn was_inside_storage(&self) -> bool {
        self.inside.get()
    }

    fn write(
        &mut self,
        meta: Meta,
        parts: impl FnOnce() -> (Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>),
    ) -> Result<(), Fault> {
        self.inside.set(true);
        let (key, old, new) = parts();
        let done = self.put(meta, key, old.as_deref(), new);
        self.inside.set(false);
        done
    }

    fn put(
        &mut self,
        meta: Meta,
        key: Vec<u8>,
        old: Option<&[u8]>,
        new: Option<Vec<u8>>,
    ) -> Result<(), Fault> {
        let slot = self.under.base.catalogue.slot(meta)?;
        if self.store.asserts_old_values() {
            self.assert_old(meta, &key, old)?;
        }
        if meta.kind == Kind::Replicated {
            let hash = |v: &[u8]| digest::row(meta.id, &key, v);
            let gone = old.map_or(0, hash);
            let come = new.as_deref().map_or(0, hash);
            self.header.digest = self.header.digest.wrapping_sub(gone).wrapping_add(come);
        }
        self.active.put(slot, meta.kind, key, new);
        Ok(())
    }

    /// The digest trusts the caller to know the old value; in tests that trust is checked.
    fn assert_old(&self, meta: Meta, key: &[u8], old: Option<&[u8]>) -> Result<(), Fault> {
        let stored = self.source().find(meta, key, Hope::Likely, |b| Ok(b.to_vec()))?;
        assert!(
            stored.as_deref() == old,
            "table {}, key {key:02x?}: the caller says the old value is {old:02x?}, stored is {stored:02x?}",
            meta.name
        );
        Ok(())
    }
}

impl Sealed for Tx<'_> {
    fn source(&self) -> Source<'_> {
        Source { header: &self.header, active: &self.active, under: &self.under, inside: Some(&self.inside) }
    }
}

impl Read for Tx<'_> {}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        self.store.end_batch();
    }
}
