//! What a table is: a number, a name and where its rows live. The list of all tables belongs to the
//! crate that knows what they mean; here is only the type.

use crate::store::OnFault;
use crate::{Fault, Key};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// A value that may stand in a table. The codec puts the version byte in front.
pub trait Record: Serialize + DeserializeOwned {}

/// The number of an object, or of how many there are.
impl Record for u64 {}
/// A position: a number and a step within it.
impl Record for (u64, u16) {}

/// Where the rows of a table live and who shares them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The same on every node: part of the digest and of snapshots.
    Replicated,
    /// Persisted on this node only: in neither digest nor snapshot.
    Local,
    /// In memory only. Rows belong to a batch as all others do (a dropped batch drops them), are never
    /// drained, and are gone after a restart or a snapshot install: the owner builds them again.
    Volatile,
}

/// The untyped face of a table or index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// Number of the table in digests and snapshots: never reused.
    pub id: u8,
    /// Name in files, errors and documentation. A leading underscore is reserved.
    pub name: &'static str,
    pub kind: Kind,
}

macro_rules! constructors {
    () => {
        /// A replicated one.
        pub const fn new(id: u8, name: &'static str) -> Self {
            Self { meta: Meta { id, name, kind: Kind::Replicated }, _t: PhantomData }
        }

        /// One that is persisted on this node alone.
        pub const fn local(id: u8, name: &'static str) -> Self {
            Self { meta: Meta { id, name, kind: Kind::Local }, _t: PhantomData }
        }

        /// One whose rows live in memory alone.
        pub const fn volatile(id: u8, name: &'static str) -> Self {
            Self { meta: Meta { id, name, kind: Kind::Volatile }, _t: PhantomData }
        }

        pub const fn meta(&self) -> Meta {
            self.meta
        }
    };
}

/// Rows of key and value.
pub struct Table<K, V> {
    meta: Meta,
    _t: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Table<K, V> {
    constructors!();
}

/// Keys without values: `(…, id) -> ()`.
pub struct Index<K> {
    meta: Meta,
    _t: PhantomData<fn() -> K>,
}

impl<K> Index<K> {
    constructors!();
}

/// The bytes of a key for `meta`'s table.
pub(crate) fn key_of<K: Key>(k: &K) -> Vec<u8> {
    crate::key::bytes(k)
}

/// The tables a store was opened with, each in a slot of its own, found by number.
pub(crate) struct Catalogue {
    metas: Vec<Meta>,
    slots: [Option<u8>; 256],
    on_fault: Option<OnFault>,
}

impl Catalogue {
    /// # Errors
    /// `Fault::Misuse` if a number or a name occurs twice or a name is reserved.
    pub(crate) fn new(tables: &[Meta]) -> Result<Catalogue, Fault> {
        let mut c = Catalogue { metas: Vec::with_capacity(tables.len()), slots: [None; 256], on_fault: None };
        for &m in tables {
            if c.slots[usize::from(m.id)].is_some() || c.metas.iter().any(|o| o.name == m.name) {
                return Err(Fault::Misuse(format!("table {} (id {}) is listed twice", m.name, m.id)));
            }
            if m.name.is_empty() || m.name.starts_with('_') {
                return Err(Fault::Misuse(format!(
                    "table {} has an empty or reserved name: \"{}\"",
                    m.id, m.name
                )));
            }
            c.slots[usize::from(m.id)] = u8::try_from(c.metas.len()).ok();
            c.metas.push(m);
        }
        Ok(c)
    }

    /// Whom to tell of faults that readers of these tables meet.
    pub(crate) fn telling(self, on_fault: Option<OnFault>) -> Catalogue {
        Catalogue { on_fault, ..self }
    }

    /// Passes a fault that a reader met on to whoever must stop the node.
    pub(crate) fn tell(&self, fault: &Fault) {
        if let Some(on_fault) = &self.on_fault {
            on_fault(fault);
        }
    }

    pub(crate) fn metas(&self) -> &[Meta] {
        &self.metas
    }

    /// Slot and kind of the table with this number, or `None`.
    pub(crate) fn by_id(&self, id: u8) -> Option<(usize, Meta)> {
        let slot = usize::from(self.slots[usize::from(id)]?);
        Some((slot, self.metas[slot]))
    }

    /// # Errors
    /// `Fault::Misuse` if the store was opened without this table.
    pub(crate) fn slot(&self, m: Meta) -> Result<usize, Fault> {
        match self.by_id(m.id) {
            Some((slot, known)) if known == m => Ok(slot),
            _ => {
                Err(Fault::Misuse(format!("table {} (id {}) is not in the list of this store", m.name, m.id)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Meta = Table::<u8, ()>::new(3, "a").meta();
    const B: Meta = Index::<u8>::local(200, "b").meta();

    #[test]
    fn slots_follow_the_list() {
        let c = Catalogue::new(&[B, A]).unwrap();
        assert_eq!(c.slot(A).unwrap(), 1);
        assert_eq!(c.slot(B).unwrap(), 0);
        assert!(matches!(c.slot(Meta { kind: Kind::Local, ..A }), Err(Fault::Misuse(_))));
        assert!(c.by_id(4).is_none());
    }

    #[test]
    fn doubles_and_reserved_names_are_refused() {
        for bad in [Meta { name: "c", ..A }, Meta { id: 4, ..A }, Meta { id: 5, name: "_x", ..A }] {
            assert!(matches!(Catalogue::new(&[A, bad]), Err(Fault::Misuse(_))), "{bad:?}");
        }
    }
}
