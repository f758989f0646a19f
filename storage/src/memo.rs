//! What was made of rows, kept for as long as their tables do not change: for rows that are read with every query and
//! written hardly ever. It is exact, since the revisions of the reader's own view decide, and takes no lock. One write
//! to one of the tables makes all of it useless.

use crate::{Fault, Meta, View};
use arc_swap::ArcSwapOption;
use std::sync::Arc;

struct Kept<V> {
    key: u64,
    revision: u64,
    value: Arc<V>,
}

/// Values by number, at most as many as there are places; of two with the same place the newer one stays. For views of
/// one store.
pub struct Memo<V> {
    tables: Box<[Meta]>,
    places: Box<[ArcSwapOption<Kept<V>>]>,
}

impl<V> Memo<V> {
    /// For what is made of rows of `tables` alone; `places` is at least 1.
    pub fn new(tables: &[Meta], places: usize) -> Memo<V> {
        Memo { tables: tables.into(), places: (0..places.max(1)).map(|_| ArcSwapOption::empty()).collect() }
    }

    /// The value of a number in the view, made anew if it is not there or if a table has changed.
    ///
    /// # Errors
    /// Those of `make`, which are not kept; `Fault::Misuse` if the store was opened without a table.
    pub fn get<E: From<Fault>>(
        &self,
        view: &View,
        key: u64,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<Arc<V>, E> {
        if let Some(value) = self.find(view, key)? {
            return Ok(value);
        }
        let value = Arc::new(make()?);
        self.keep(view, key, value.clone())?;
        Ok(value)
    }

    /// The value of a number if it is there and holds in the view.
    ///
    /// # Errors
    /// `Fault::Misuse` if the store was opened without a table.
    pub fn find(&self, view: &View, key: u64) -> Result<Option<Arc<V>>, Fault> {
        let kept = self.place(key).load();
        let Some(kept) = kept.as_ref().filter(|kept| kept.key == key) else { return Ok(None) };
        Ok((kept.revision == self.revision(view)?).then(|| kept.value.clone()))
    }

    /// Keeps the value of a number that was made of the view.
    ///
    /// # Errors
    /// `Fault::Misuse` if the store was opened without a table.
    pub fn keep(&self, view: &View, key: u64, value: Arc<V>) -> Result<(), Fault> {
        let revision = self.revision(view)?;
        self.place(key).store(Some(Arc::new(Kept { key, revision, value })));
        Ok(())
    }

    /// The sum over the tables: that of each only grows, so that the sum differs if one of them does.
    ///
    /// # Errors
    /// `Fault::Misuse` if the store was opened without a table.
    pub fn revision(&self, view: &View) -> Result<u64, Fault> {
        self.tables.iter().map(|table| view.revision(*table)).sum()
    }

    fn place(&self, key: u64) -> &ArcSwapOption<Kept<V>> {
        // the remainder is less than the number of places
        &self.places[(key % self.places.len() as u64) as usize]
    }
}
