//! What every answer needs of tables that change hardly ever, decoded once: zones, the repository, registrars.

use super::registrar::{self, RegistrarView};
use crate::{
    Stop,
    repository::{self, Repository},
    tables::{REGISTRAR, REPOSITORY, TLD},
    tld::Zones,
};
use std::sync::Arc;
use storage::{Fault, Memo, View};

/// Registrars that are kept at most.
const REGISTRARS: usize = 1024;

/// One for each server, for views of one store. What it gives is what the view has.
pub struct Kept {
    zones: Memo<Zones>,
    repository: Memo<Repository>,
    registrars: Memo<RegistrarView>,
}

impl Default for Kept {
    fn default() -> Kept {
        Kept {
            zones: Memo::new(TLD.meta(), 1),
            repository: Memo::new(REPOSITORY.meta(), 1),
            registrars: Memo::new(REGISTRAR.meta(), REGISTRARS),
        }
    }
}

impl Kept {
    /// # Errors
    /// A storage fault.
    pub fn zones(&self, view: &View) -> Result<Arc<Zones>, Fault> {
        self.zones.get(view, 0, || Zones::of(view))
    }

    /// # Errors
    /// As [`repository::load`].
    pub fn repository(&self, view: &View) -> Result<Arc<Repository>, Stop> {
        self.repository.get(view, 0, || repository::load(view))
    }

    /// A registrar that an object names.
    ///
    /// # Errors
    /// A storage fault; a number that no registrar has is corruption.
    pub(super) fn registrar(&self, view: &View, id: u64) -> Result<Arc<RegistrarView>, Fault> {
        self.registrars.get(view, id, || registrar::by_id(view, id))
    }
}
