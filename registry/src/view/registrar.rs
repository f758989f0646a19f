//! A registrar as the public sees it.

use crate::{
    Timestamp,
    registrar::{self, Profile, Registrar},
};
use storage::{Fault, Read};

/// The public part of a registrar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrarView {
    /// The number of the registrar.
    pub id: u64,
    /// The clID.
    pub handle: String,
    pub profile: Profile,
    pub created: Timestamp,
    pub updated: Option<Timestamp>,
}

impl RegistrarView {
    fn of(id: u64, registrar: Registrar) -> RegistrarView {
        RegistrarView {
            id,
            handle: registrar.handle,
            profile: registrar.profile,
            created: registrar.created,
            updated: registrar.updated,
        }
    }

    /// The handle of its RDAP entity: the IANA id where there is one, else the clID.
    pub fn rdap_handle(&self) -> String {
        self.profile.iana_id.map_or_else(|| self.handle.clone(), |id| id.to_string())
    }
}

/// The registrar of a clID or IANA id, or all of a full name, which need not be one.
///
/// # Errors
/// A storage fault.
pub fn registrars(db: &impl Read, text: &str) -> Result<Vec<RegistrarView>, Fault> {
    Ok(registrar::find(db, text)?.into_iter().map(|(id, r)| RegistrarView::of(id, r)).collect())
}

pub(super) fn by_id(db: &impl Read, id: u64) -> Result<RegistrarView, Fault> {
    registrar::by_id(db, id)?.map(|r| RegistrarView::of(id, r)).ok_or_else(|| Fault::Corrupt {
        table: crate::tables::REGISTRAR.meta().name,
        key: id.to_be_bytes().to_vec(),
        why: "an object names a registrar that does not exist".into(),
    })
}
