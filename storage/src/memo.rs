//! What was made of rows of one table, kept for as long as the table does not change: for rows that are read with
//! every query and written hardly ever. It is exact, since the revision of the reader's own view decides, and takes no
//! lock. Not for tables that are written all the time: one write makes all of it useless.

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
    table: Meta,
    places: Box<[ArcSwapOption<Kept<V>>]>,
}

impl<V> Memo<V> {
    /// For what is made of rows of `table` alone; `places` is at least 1.
    pub fn new(table: Meta, places: usize) -> Memo<V> {
        Memo { table, places: (0..places.max(1)).map(|_| ArcSwapOption::empty()).collect() }
    }

    /// The value of a number in the view, made anew if it is not there or if the table has changed.
    ///
    /// # Errors
    /// Those of `make`, which are not kept; `Fault::Misuse` if the store was opened without the table.
    pub fn get<E: From<Fault>>(
        &self,
        view: &View,
        key: u64,
        make: impl FnOnce() -> Result<V, E>,
    ) -> Result<Arc<V>, E> {
        let revision = view.revision(self.table)?;
        // the remainder is less than the number of places
        let place = &self.places[(key % self.places.len() as u64) as usize];
        if let Some(kept) = &*place.load()
            && (kept.key, kept.revision) == (key, revision)
        {
            return Ok(kept.value.clone());
        }
        let value = Arc::new(make()?);
        place.store(Some(Arc::new(Kept { key, revision, value: value.clone() })));
        Ok(value)
    }
}
