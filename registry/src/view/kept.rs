//! What every answer needs of tables that change hardly ever, decoded once: zones, the repository, registrars; and
//! what every answer to a registrar does: whether it is suspended, and what waits for it.

use super::registrar::{self, RegistrarView};
use crate::{
    Stop, poll,
    registrar::is_suspended,
    repository::{self, Repository},
    tables::{POLL_QUEUE, REGISTRAR, REGISTRAR_SUSPENDED, REPOSITORY, TLD},
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
    suspended: Memo<bool>,
    waiting: Memo<Option<Waiting>>,
}

/// The head of a registrar's message queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Messages in the queue.
    pub count: u64,
    /// The oldest one.
    pub id: u64,
}

impl Default for Kept {
    fn default() -> Kept {
        Kept {
            zones: Memo::new(&[TLD.meta()], 1),
            repository: Memo::new(&[REPOSITORY.meta()], 1),
            registrars: Memo::new(&[REGISTRAR.meta()], REGISTRARS),
            suspended: Memo::new(&[REGISTRAR_SUSPENDED.meta()], REGISTRARS),
            waiting: Memo::new(&[POLL_QUEUE.meta()], REGISTRARS),
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
    pub(crate) fn registrar(&self, view: &View, id: u64) -> Result<Arc<RegistrarView>, Fault> {
        self.registrars.get(view, id, || registrar::by_id(view, id))
    }

    /// Whether a registrar is suspended.
    ///
    /// # Errors
    /// A storage fault.
    pub fn is_suspended(&self, view: &View, registrar: u64) -> Result<bool, Fault> {
        self.suspended.get(view, registrar, || is_suspended(view, registrar)).map(|is| *is)
    }

    /// What waits for a registrar: [`poll::first`] without the message. Whoever puts a message into a queue or takes
    /// one out of it writes the queue's own row too, so that its table's revision tells of both.
    ///
    /// # Errors
    /// A storage fault.
    pub fn waiting(&self, view: &View, registrar: u64) -> Result<Option<Waiting>, Fault> {
        let first = || {
            let first = poll::first(view, registrar)?;
            Ok::<_, Fault>(first.map(|(id, _, count)| Waiting { count, id }))
        };
        self.waiting.get(view, registrar, first).map(|waiting| *waiting)
    }
}
