//! Changing a registrar: what the public is told of it, its pinned certificate, and how many sessions it may have. The
//! command carries the change and not the result, so that two operators who change different fields at a time both
//! get what they asked for.
//!
//! Not here: the clID, which never changes; the password (`password`); the suspension (`suspend`).

use super::{PostalAddress, Profile, Registrar, by_handle, create, fold_name};
use crate::{
    actor::Actor,
    journal::Change,
    outcome::Reply,
    refusal::{About, Refusal, Stop},
    tables::{REGISTRAR, REGISTRAR_IANA, REGISTRAR_NAME},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use storage::{Fault, Read, Tx};

/// What becomes of a field that may be empty: `None` leaves it, `Some(None)` empties it.
pub type Edit<T> = Option<Option<T>>;

/// The fields to change; the others stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrarUpdate {
    pub handle: String,
    pub name: Option<String>,
    pub iana_id: Edit<u32>,
    pub url: Edit<String>,
    pub whois_server: Edit<String>,
    pub rdap_url: Edit<String>,
    pub abuse_email: Edit<String>,
    pub abuse_phone: Edit<String>,
    pub address: Edit<PostalAddress>,
    pub phone: Edit<String>,
    pub fax: Edit<String>,
    pub email: Edit<String>,
    /// SHA-256 of the client certificate that must be presented at login.
    pub certificate: Edit<[u8; 32]>,
    pub sessions_max: Option<u32>,
}

impl RegistrarUpdate {
    /// The registrar as it will be.
    fn of(&self, old: &Registrar) -> Registrar {
        let was = &old.profile;
        let text = |edit: &Edit<String>, was: &Option<String>| edit.clone().unwrap_or_else(|| was.clone());
        Registrar {
            profile: Profile {
                name: self.name.clone().unwrap_or_else(|| was.name.clone()),
                iana_id: self.iana_id.unwrap_or(was.iana_id),
                url: text(&self.url, &was.url),
                whois_server: text(&self.whois_server, &was.whois_server),
                rdap_url: text(&self.rdap_url, &was.rdap_url),
                abuse_email: text(&self.abuse_email, &was.abuse_email),
                abuse_phone: text(&self.abuse_phone, &was.abuse_phone),
                address: self.address.clone().unwrap_or_else(|| was.address.clone()),
                phone: text(&self.phone, &was.phone),
                fax: text(&self.fax, &was.fax),
                email: text(&self.email, &was.email),
            },
            certificate: self.certificate.unwrap_or(old.certificate),
            sessions_max: self.sessions_max.unwrap_or(old.sessions_max),
            ..old.clone()
        }
    }
}

/// A registrar that is to be changed: its number, what it was, what it will be.
pub type Changed = (u64, Registrar, Registrar);

/// # Errors
/// Not the operator, no such registrar, a bad field.
pub fn check(db: &impl Read, by: &Actor, c: &RegistrarUpdate) -> Result<Changed, Stop> {
    by.must_operate()?;
    let missing = || Refusal::NotFound { about: About::Object, object: c.handle.clone() };
    let (id, old) = by_handle(db, &c.handle)?.ok_or_else(missing)?;
    let new = c.of(&old);
    create::check_profile(db, &new.profile, Some(id))?;
    create::check_sessions(new.sessions_max)?;
    Ok((id, old, new))
}

/// Also gives the old values of what changed.
///
/// # Errors
/// As [`check`].
pub fn apply(
    tx: &mut Tx<'_>,
    by: &Actor,
    at: Timestamp,
    c: &RegistrarUpdate,
) -> Result<(Reply, Vec<Change>), Stop> {
    let (id, old, new) = check(tx, by, c)?;
    let changes = changes(&old, &new);
    if changes.is_empty() {
        return Ok((Reply::Ok, changes));
    }
    let new = Registrar { updated: Some(at), ..new };
    tx.replace(&REGISTRAR, &id, &old, &new)?;
    index(tx, id, &old.profile, &new.profile)?;
    Ok((Reply::Ok, changes))
}

/// Where the public finds it.
fn index(tx: &mut Tx<'_>, id: u64, old: &Profile, new: &Profile) -> Result<(), Fault> {
    let (was, is) = (fold_name(&old.name), fold_name(&new.name));
    if was != is {
        tx.drop_key(&REGISTRAR_NAME, &(was, id))?;
        tx.add(&REGISTRAR_NAME, &(is, id))?;
    }
    if old.iana_id != new.iana_id {
        if let Some(was) = old.iana_id {
            tx.remove(&REGISTRAR_IANA, &was, &id)?;
        }
        if let Some(is) = new.iana_id {
            tx.insert(&REGISTRAR_IANA, &is, &id)?;
        }
    }
    Ok(())
}

fn changes(old: &Registrar, new: &Registrar) -> Vec<Change> {
    let none = || "none".to_owned();
    let text = |text: &Option<String>| text.clone().unwrap_or_else(none);
    let digits = |print: [u8; 32]| print.iter().map(|octet| format!("{octet:02x}")).collect();
    let shown = |r: &Registrar| {
        let p = &r.profile;
        [
            ("name", p.name.clone()),
            ("iana_id", p.iana_id.map_or_else(none, |id| id.to_string())),
            ("url", text(&p.url)),
            ("whois_server", text(&p.whois_server)),
            ("rdap_url", text(&p.rdap_url)),
            ("abuse_email", text(&p.abuse_email)),
            ("abuse_phone", text(&p.abuse_phone)),
            ("address", p.address.as_ref().map_or_else(none, line)),
            ("phone", text(&p.phone)),
            ("fax", text(&p.fax)),
            ("email", text(&p.email)),
            ("certificate", r.certificate.map_or_else(none, digits)),
            ("sessions_max", r.sessions_max.to_string()),
        ]
    };
    let pairs = shown(old).into_iter().zip(shown(new));
    let differing = pairs.filter(|((_, was), (_, is))| was != is);
    differing.map(|((field, was), _)| Change::new(field, &was)).collect()
}

fn line(a: &PostalAddress) -> String {
    let parts = a.street.iter().chain([&a.city]).chain(&a.state).chain(&a.postal_code);
    parts.chain([&a.country]).cloned().collect::<Vec<_>>().join(", ")
}
