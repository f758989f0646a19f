//! The one read vocabulary, for a published state (`View`) and for a batch in the making (`Tx`) alike, so
//! that a rule written against `&impl Read` runs on both.

use crate::base::Base;
use crate::generation::Generation;
use crate::layers::Layers;
use crate::table::{Catalogue, Meta, key_of};
use crate::{Fault, Header, Index, Key, Record, Table, codec, key};
use std::cell::Cell;
use std::ops::RangeBounds;

pub(crate) use crate::merge::{Bounds, Direction, Rows};

/// What a reader reads from. Public only because a sealed trait names it.
pub struct Source<'a> {
    pub(crate) header: &'a Header,
    pub(crate) active: &'a Generation,
    pub(crate) under: &'a Layers,
    pub(crate) inside: Option<&'a Cell<bool>>,
}

/// Whether a row is there, as far as whoever asks can guess.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hope {
    /// It is not worth a look at fingerprints first.
    Likely,
    Doubtful,
}

/// Keeps `Read` for the two types that can serve it.
pub trait Sealed {
    fn source(&self) -> Source<'_>;
}

impl<'a> Source<'a> {
    pub(crate) fn base(&self) -> &'a Base {
        &self.under.base
    }

    pub(crate) fn catalogue(&self) -> &'a Catalogue {
        &self.under.base.catalogue
    }

    /// Runs `f` with the mark "inside storage" set. A panic leaves the mark set: that is its purpose.
    fn within<T>(&self, f: impl FnOnce() -> T) -> T {
        if let Some(mark) = self.inside {
            mark.set(true);
        }
        let r = f();
        if let Some(mark) = self.inside {
            mark.set(false);
        }
        r
    }

    /// Finds a row and hands its bytes to `f`: active, draining, base, the first hit wins. The file is not asked for a row
    /// that is surely not there, if whoever asks thinks that it may well not be.
    pub(crate) fn find<T>(
        &self,
        meta: Meta,
        key: &[u8],
        hope: Hope,
        f: impl FnOnce(&[u8]) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let slot = self.catalogue().slot(meta)?;
        let draining = self.under.draining.as_ref().and_then(|d| d.rows.map(slot).get(key));
        if let Some(hit) = self.active.map(slot).get(key).or(draining) {
            return hit.as_deref().map(f).transpose();
        }
        let Some(table) = self.base().table(slot) else { return Ok(None) };
        let fingerprints = self.under.fingerprints.as_deref().filter(|_| hope == Hope::Doubtful);
        if fingerprints.is_some_and(|all| all.rule_out(slot, key)) {
            return Ok(None);
        }
        match table.get(key).map_err(|e| Fault::from(e).at(meta.name, key))? {
            Some(guard) => f(guard.value()).map(Some),
            None => Ok(None),
        }
    }

    fn look_up<T>(
        &self,
        meta: Meta,
        key: impl FnOnce() -> Vec<u8>,
        hope: Hope,
        f: impl FnOnce(&[u8]) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        // what a batch looks for is most often what it is about to make
        let hope = if self.inside.is_some() { Hope::Doubtful } else { hope };
        self.within(|| {
            let key = key();
            self.find(meta, &key, hope, |b| f(b).map_err(|e| e.at(meta.name, &key)))
        })
        .inspect_err(|fault| self.catalogue().tell(fault))
    }
}

/// One row, decoded.
type Row<K, V> = Result<(K, V), Fault>;

fn rows<'a, K: Key, T>(
    source: Source<'a>,
    meta: Meta,
    bounds: Bounds,
    direction: Direction,
    value: impl Fn(&[u8]) -> Result<T, Fault>,
) -> impl Iterator<Item = Row<K, T>> {
    let catalogue = source.catalogue();
    let (mut merged, mut fault) = match Rows::new(&source, meta, bounds, direction) {
        Ok(rows) => (Some(rows), None),
        Err(e) => (None, Some(e)),
    };
    std::iter::from_fn(move || {
        source.within(|| {
            if let Some(e) = fault.take() {
                return Some(Err(e));
            }
            let row = merged.as_mut()?.next()?;
            Some(row.and_then(|(k, v)| {
                let at = |e: Fault| e.at(meta.name, k.bytes());
                Ok((key::whole(k.bytes()).map_err(at)?, value(v.bytes()).map_err(at)?))
            }))
        })
    })
    .inspect(|row| {
        if let Err(fault) = row {
            catalogue.tell(fault);
        }
    })
}

fn bounds<K: Key>(r: &impl RangeBounds<K>) -> Bounds {
    (r.start_bound().map(key_of), r.end_bound().map(key_of))
}

fn nothing(_: &[u8]) -> Result<(), Fault> {
    Ok(())
}

/// Reading. All values are owned copies; ranges come in key order, merged over all layers. Every method
/// gives a `Fault` if the disk fails, if bytes can't be decoded, or if the store was opened without the
/// table; after a fault a range ends.
pub trait Read: Sealed {
    /// The value under a key.
    fn get<K: Key, V: Record>(&self, t: &Table<K, V>, k: &K) -> Result<Option<V>, Fault> {
        self.source().look_up(t.meta(), || key_of(k), Hope::Likely, codec::decode_record)
    }

    /// Whether a key has a value; cheaper than `get`, since nothing is decoded.
    fn has<K: Key, V: Record>(&self, t: &Table<K, V>, k: &K) -> Result<bool, Fault> {
        Ok(self.source().look_up(t.meta(), || key_of(k), Hope::Doubtful, nothing)?.is_some())
    }

    /// Whether an index has a key.
    fn contains<K: Key>(&self, t: &Index<K>, k: &K) -> Result<bool, Fault> {
        Ok(self.source().look_up(t.meta(), || key_of(k), Hope::Doubtful, nothing)?.is_some())
    }

    /// The rows whose keys lie in `r`, in ascending order.
    fn range<K: Key, V: Record>(
        &self,
        t: &Table<K, V>,
        r: impl RangeBounds<K>,
    ) -> impl Iterator<Item = Result<(K, V), Fault>> {
        rows(self.source(), t.meta(), bounds(&r), Direction::Up, codec::decode_record)
    }

    /// The rows whose keys lie in `r`, in descending order.
    fn range_rev<K: Key, V: Record>(
        &self,
        t: &Table<K, V>,
        r: impl RangeBounds<K>,
    ) -> impl Iterator<Item = Result<(K, V), Fault>> {
        rows(self.source(), t.meta(), bounds(&r), Direction::Down, codec::decode_record)
    }

    /// The keys of an index that lie in `r`, in ascending order.
    fn keys<K: Key>(&self, t: &Index<K>, r: impl RangeBounds<K>) -> impl Iterator<Item = Result<K, Fault>> {
        rows(self.source(), t.meta(), bounds(&r), Direction::Up, nothing).map(|r| r.map(|(k, ())| k))
    }

    /// The keys of an index that lie in `r`, in descending order.
    fn keys_rev<K: Key>(
        &self,
        t: &Index<K>,
        r: impl RangeBounds<K>,
    ) -> impl Iterator<Item = Result<K, Fault>> {
        rows(self.source(), t.meta(), bounds(&r), Direction::Down, nothing).map(|r| r.map(|(k, ())| k))
    }

    /// Log position, state time, id counter and digest of what is read.
    fn header(&self) -> &Header {
        self.source().header
    }
}
