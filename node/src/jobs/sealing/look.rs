//! What a pass finds: contacts and passwords that an older epoch sealed, and authInfo whose epoch is over.

use crate::node::random;
use registry::{
    DomainName, Timestamp,
    authinfo::AuthInfo,
    contact, journal,
    keys::{self, ResealedContact, ResealedPassword, Stage},
    password, registrar,
    seal::{Keys, SealFault},
    tables::{CONTACT, DOMAIN, REGISTRAR},
};
use std::{collections::BTreeMap, ops::Bound};
use storage::{Fault, Read, View};

/// Objects that one command changes at most.
pub(super) const BATCH: usize = 200;
/// Rows looked at for one batch at most.
const ROWS: usize = 5_000;

/// What the passes are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Goal {
    pub(super) current: u32,
    /// From when on, in state time, nothing sealed with an older epoch can come any more.
    pub(super) quiet: i64,
    /// Epochs whose announced time is over: their authInfo goes, and then they.
    pub(super) over: Vec<u32>,
}

impl Goal {
    /// `None`: every record is of the current epoch, or there is none.
    pub(super) fn of(view: &View) -> Result<Option<Goal>, Fault> {
        let now = Timestamp(view.header().state_time);
        let all = keys::all(view)?;
        let Some((current, since)) = all.iter().rev().find_map(|(number, epoch)| match epoch.stage {
            Stage::Active { since } => Some((*number, since)),
            Stage::Proposed | Stage::Retiring { .. } | Stage::Retired { .. } => None,
        }) else {
            return Ok(None);
        };
        let older = all.iter().filter(|(number, epoch)| *number != current && epoch.is_needed());
        let over = older.clone().filter(|(_, epoch)| epoch.is_over(now)).map(|(number, _)| *number).collect();
        let quiet = since.plus_ms(journal::EXPIRES_MS).0;
        Ok((older.count() > 0).then_some(Goal { current, quiet, over }))
    }

    fn is_over(&self, authinfo: Option<&AuthInfo>) -> Option<u32> {
        authinfo.map(|a| a.epoch).filter(|epoch| self.over.contains(epoch))
    }
}

/// Where a pass is: contacts first, then passwords, then domains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Contacts { after: Option<u64> },
    Registrars,
    Domains { after: Option<DomainName> },
}

/// What one look found, ready to be sent.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) contacts: Vec<ResealedContact>,
    pub(super) passwords: Vec<ResealedPassword>,
    /// Names and contacts whose authInfo goes, by epoch.
    pub(super) unset: BTreeMap<u32, (Vec<DomainName>, Vec<u64>)>,
    /// Records that don't open.
    pub(super) stuck: usize,
    pub(super) next: Option<Place>,
}

impl Batch {
    pub(super) fn objects(&self) -> usize {
        let unset: usize = self.unset.values().map(|(names, ids)| names.len() + ids.len()).sum();
        self.contacts.len() + self.passwords.len() + unset
    }

    fn stuck(&mut self, what: &str, fault: SealFault) {
        tracing::error!(%fault, "{what} can't be sealed anew");
        self.stuck += 1;
    }
}

/// Looks for objects to change, from `place` on; at most [`BATCH`] of them, in at most [`ROWS`] rows.
pub(super) fn look(
    view: &View,
    (keys, repository): (&Keys, &str),
    goal: &Goal,
    place: Place,
) -> Result<Batch, Fault> {
    let mut batch = Batch::default();
    match place {
        Place::Contacts { after } => {
            let start = after.map_or(Bound::Unbounded, Bound::Excluded);
            for (seen, item) in view.range(&CONTACT, (start, Bound::Unbounded)).enumerate() {
                let (id, contact) = item?;
                if contact.sealed.epoch != goal.current {
                    let sealed =
                        contact::reseal(keys, repository, &contact.handle, random(), &contact.sealed);
                    match sealed {
                        Ok(sealed) => {
                            batch.contacts.push(ResealedContact { id, revision: contact.revision, sealed });
                        }
                        Err(fault) => batch.stuck(&format!("contact {}", contact.handle), fault),
                    }
                }
                if let Some(epoch) = goal.is_over(contact.authinfo.as_ref()) {
                    batch.unset.entry(epoch).or_default().1.push(id);
                }
                if batch.objects() >= BATCH || seen + 1 >= ROWS {
                    batch.next = Some(Place::Contacts { after: Some(id) });
                    return Ok(batch);
                }
            }
            batch.next = Some(Place::Registrars);
        }
        Place::Registrars => look_at_passwords(view, (keys, repository), goal, &mut batch)?,
        Place::Domains { after } => look_at_domains(view, goal, after, &mut batch)?,
    }
    Ok(batch)
}

/// There are few registrars; what does not fit into the batch is met by the next pass.
fn look_at_passwords(
    view: &View,
    (keys, repository): (&Keys, &str),
    goal: &Goal,
    batch: &mut Batch,
) -> Result<(), Fault> {
    for item in view.range(&REGISTRAR, ..) {
        let (id, found) = item?;
        if found.password.epoch == goal.current || batch.objects() >= BATCH {
            continue;
        }
        let handle = registrar::fold(&found.handle);
        match password::reseal(keys, repository, &handle, random(), &found.password) {
            Ok(sealed) => {
                batch.passwords.push(ResealedPassword { registrar: id, old: found.password, sealed });
            }
            Err(fault) => batch.stuck(&format!("the password of {handle}"), fault),
        }
    }
    batch.next = (!goal.over.is_empty()).then_some(Place::Domains { after: None });
    Ok(())
}

fn look_at_domains(
    view: &View,
    goal: &Goal,
    after: Option<DomainName>,
    batch: &mut Batch,
) -> Result<(), Fault> {
    let start = after.map_or(Bound::Unbounded, Bound::Excluded);
    for (seen, item) in view.range(&DOMAIN, (start, Bound::Unbounded)).enumerate() {
        let (name, domain) = item?;
        if let Some(epoch) = goal.is_over(domain.authinfo.as_ref()) {
            batch.unset.entry(epoch).or_default().0.push(name.clone());
        }
        if batch.objects() >= BATCH || seen + 1 >= ROWS {
            batch.next = Some(Place::Domains { after: Some(name) });
            break;
        }
    }
    Ok(())
}
