//! Everything a reader needs, in one immutable value behind one pointer. No part of it is ever loaded
//! separately: a base newer than the pointer would show rows from the future, an older one would lose a
//! whole generation.

use crate::Fault;
use crate::base::Base;
use crate::generation::Generation;
use crate::header::Header;
use crate::presence::Fingerprints;
use crate::read::{Sealed, Source};
use crate::table::Meta;
use std::sync::Arc;

/// A generation that waits for the drain, with the header it was frozen with: that one, never the newest,
/// is committed with its rows.
#[derive(Clone)]
pub(crate) struct Frozen {
    pub(crate) rows: Arc<Generation>,
    pub(crate) header: Header,
}

/// Looked up from top to bottom: active, draining, base; the first hit wins and a tombstone is a hit.
#[derive(Clone)]
pub(crate) struct Layers {
    pub(crate) header: Header,
    pub(crate) active: Generation,
    pub(crate) draining: Option<Frozen>,
    pub(crate) base: Arc<Base>,
    /// Of the keys that `base` has; `None` while they are loaded or where there are none.
    pub(crate) fingerprints: Option<Arc<Fingerprints>>,
}

/// The state at one instant. Cheap to take and to clone; it keeps everything it shows alive, so it is
/// not held longer than an answer takes.
#[derive(Clone)]
pub struct View {
    pub(crate) layers: Arc<Layers>,
}

impl View {
    /// A number that differs between two views of this process if rows of the table do: what was made of the table
    /// for one view is good for every other one with the same number.
    ///
    /// # Errors
    /// `Fault::Misuse` if the store was opened without the table.
    pub fn revision(&self, table: Meta) -> Result<u64, Fault> {
        Ok(self.layers.active.revision(self.layers.base.catalogue.slot(table)?))
    }
}

impl Sealed for View {
    fn source(&self) -> Source<'_> {
        Source { header: &self.layers.header, active: &self.layers.active, under: &self.layers, inside: None }
    }
}

impl crate::Read for View {}
