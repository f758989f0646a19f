//! Registrars: who may write, how they prove it, and what the public is told of them.
//!
//! Not here: balances, several users per registrar; who counts the sessions (`epp`).

mod create;
mod password;
mod suspend;
mod update;

pub use create::RegistrarCreate;
pub(crate) use create::{apply as apply_create, check as check_create};
pub use password::RegistrarPassword;
pub(crate) use password::{apply as apply_password, check as check_password};
pub use suspend::{RegistrarResume, RegistrarSuspend, is_suspended, suspended};
pub(crate) use suspend::{
    apply as apply_suspend, apply_resume, check as check_suspend, check_resume, may_act,
};
pub use update::{Edit, RegistrarUpdate};
pub(crate) use update::{apply as apply_update, check as check_update};

use crate::{
    actor::Actor,
    refusal::{About, Refusal, Stop},
    seal::Sealed,
    tables::{REGISTRAR, REGISTRAR_HANDLE, REGISTRAR_IANA, REGISTRAR_NAME},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use storage::{Fault, Read, Record};

/// EPP sessions that a registrar may have on one node, where the operator does not say.
pub const SESSIONS_DEFAULT: u32 = 100;
/// The most that can be granted.
pub const SESSIONS_LIMIT: u32 = 10_000;

/// A registrar. Everything but the credentials, the suspension and the limit is public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registrar {
    /// The clID, as it was given.
    pub handle: String,
    pub created: Timestamp,
    pub updated: Option<Timestamp>,
    pub profile: Profile,
    pub password: Sealed,
    /// SHA-256 of the client certificate (DER) that must be presented at login; `None`: none is asked.
    pub certificate: Option<[u8; 32]>,
    /// Set while the operator keeps it from acting.
    pub suspended: Option<Suspension>,
    /// EPP sessions that it may have at a time on one node: 1 to [`SESSIONS_LIMIT`].
    pub sessions_max: u32,
}

impl Record for Registrar {}

/// Since when a registrar may not act, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    pub since: Timestamp,
    /// For operators; may be empty.
    pub note: String,
}

/// What WHOIS and RDAP tell of a registrar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    pub name: String,
    /// IANA registrar id.
    pub iana_id: Option<u32>,
    pub url: Option<String>,
    pub whois_server: Option<String>,
    /// RDAP base URL, ending in a slash.
    pub rdap_url: Option<String>,
    pub abuse_email: Option<String>,
    /// E.164, `+31.201234567`.
    pub abuse_phone: Option<String>,
    pub address: Option<PostalAddress>,
    pub phone: Option<String>,
    pub fax: Option<String>,
    pub email: Option<String>,
}

/// Where a registrar has its seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostalAddress {
    /// One to three lines.
    pub street: Vec<String>,
    pub city: String,
    pub state: Option<String>,
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: String,
}

/// The form in which handles are compared: ASCII lower case.
pub fn fold(handle: &str) -> String {
    handle.to_ascii_lowercase()
}

/// A registrar by clID, in any case, with its number.
///
/// # Errors
/// A storage fault.
pub fn by_handle(db: &impl Read, handle: &str) -> Result<Option<(u64, Registrar)>, Fault> {
    let Some(id) = db.get(&REGISTRAR_HANDLE, &fold(handle))? else { return Ok(None) };
    Ok(db.get(&REGISTRAR, &id)?.map(|r| (id, r)))
}

/// A registrar by number.
///
/// # Errors
/// A storage fault.
pub fn by_id(db: &impl Read, id: u64) -> Result<Option<Registrar>, Fault> {
    db.get(&REGISTRAR, &id)
}

/// The clID of a registrar, for display.
///
/// # Errors
/// A storage fault; a number that no registrar has is corruption.
pub fn handle_of(db: &impl Read, id: u64) -> Result<String, Fault> {
    by_id(db, id)?.map(|r| r.handle).ok_or_else(|| Fault::Corrupt {
        table: REGISTRAR.meta().name,
        key: id.to_be_bytes().to_vec(),
        why: "an object names a registrar that does not exist".into(),
    })
}

/// The registrar that a command acts for: the one that sent it, or the one that the operator names.
///
/// # Errors
/// The operator named none, or one that does not exist; a registrar named another.
pub fn acting(db: &impl Read, by: &Actor, named: Option<&str>) -> Result<u64, Stop> {
    match (by, named) {
        (Actor::Registrar(id), None) => Ok(*id),
        (Actor::Registrar(_), Some(_)) => Err(Refusal::NotOperator.into()),
        (Actor::Operator(_) | Actor::System, None) => Err(Refusal::SponsorRequired.into()),
        (Actor::Operator(_) | Actor::System, Some(handle)) => {
            let found = by_handle(db, handle)?;
            found
                .map(|(id, _)| id)
                .ok_or_else(|| Refusal::NotFound { about: About::Object, object: handle.into() }.into())
        }
    }
}

/// All registrars by number.
///
/// # Errors
/// A storage fault.
pub fn all(db: &impl Read) -> Result<Vec<(u64, Registrar)>, Fault> {
    db.range(&REGISTRAR, ..).collect()
}

/// Registrars of one name that are found at most.
const NAMESAKES_MAX: usize = 100;

/// Registrars as the public looks for them: one by IANA id (which is its RDAP handle) or by clID, or all that have
/// the full name, in any case.
///
/// # Errors
/// A storage fault.
pub fn find(db: &impl Read, text: &str) -> Result<Vec<(u64, Registrar)>, Fault> {
    let accredited = match text.parse::<u32>() {
        Ok(iana) => db.get(&REGISTRAR_IANA, &iana)?,
        Err(_) => None,
    };
    if let Some(id) = accredited {
        return Ok(by_id(db, id)?.map(|r| (id, r)).into_iter().collect());
    }
    if let Some(found) = by_handle(db, text)? {
        return Ok(vec![found]);
    }
    let folded = fold_name(text);
    let mut namesakes = Vec::new();
    for key in db.keys(&REGISTRAR_NAME, (folded.clone(), 0)..=(folded, u64::MAX)).take(NAMESAKES_MAX) {
        let id = key?.1;
        namesakes.extend(by_id(db, id)?.map(|r| (id, r)));
    }
    Ok(namesakes)
}

fn fold_name(name: &str) -> String {
    name.trim().to_lowercase()
}
