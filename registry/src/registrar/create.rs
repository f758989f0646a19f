//! Accrediting a registrar.

use super::{PostalAddress, Profile, Registrar, SESSIONS_LIMIT, fold, fold_name};
use crate::{
    actor::Actor,
    contact::{is_e164, is_email},
    country::is_country,
    name::DomainName,
    outcome::Reply,
    refusal::{Refusal, Stop},
    seal::Sealed,
    tables::{REGISTRAR, REGISTRAR_HANDLE, REGISTRAR_IANA, REGISTRAR_NAME},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use storage::{Read, Tx};

/// A new registrar; the password is hashed and sealed already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrarCreate {
    pub handle: String,
    pub profile: Profile,
    pub password: Sealed,
    pub certificate: Option<[u8; 32]>,
    /// [`Registrar::sessions_max`].
    pub sessions_max: u32,
}

/// # Errors
/// Not the operator, a bad or taken clID, a bad field.
pub fn check(db: &impl Read, by: &Actor, c: &RegistrarCreate) -> Result<String, Stop> {
    by.must_operate()?;
    let bad_byte = |b: u8| !(b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if !(3..=16).contains(&c.handle.len()) || c.handle.bytes().any(bad_byte) {
        return Err(Refusal::HandleSyntax { handle: c.handle.clone() }.into());
    }
    let folded = fold(&c.handle);
    if db.has(&REGISTRAR_HANDLE, &folded)? {
        return Err(Refusal::Exists { object: c.handle.clone() }.into());
    }
    check_profile(db, &c.profile, None)?;
    check_sessions(c.sessions_max)?;
    Ok(folded)
}

/// Longest text of a profile, in characters.
const TEXT_MAX: usize = 255;

/// Looks at what the public is told; `own` is the number of the registrar that is to be changed.
pub(super) fn check_profile(db: &impl Read, p: &Profile, own: Option<u64>) -> Result<(), Stop> {
    let faults = [
        (!is_text(&p.name), "name", "1 to 255 printable characters"),
        (p.url.as_deref().is_some_and(|u| !is_url(u)), "url", "it begins with https:// or http://"),
        (
            p.whois_server.as_deref().is_some_and(|w| DomainName::parse(w).is_err()),
            "whois_server",
            "it is the name of a host",
        ),
        (
            p.rdap_url.as_deref().is_some_and(|u| !is_url(u) || !u.ends_with('/')),
            "rdap_url",
            "it begins with https:// or http:// and ends with a slash",
        ),
        (p.abuse_email.as_deref().is_some_and(|e| !is_email(e)), "abuse_email", "not an e-mail address"),
        (p.abuse_phone.as_deref().is_some_and(|t| !is_e164(t)), "abuse_phone", NUMBER),
        (p.phone.as_deref().is_some_and(|t| !is_e164(t)), "phone", NUMBER),
        (p.fax.as_deref().is_some_and(|t| !is_e164(t)), "fax", NUMBER),
        (p.email.as_deref().is_some_and(|e| !is_email(e)), "email", "not an e-mail address"),
        (
            p.address.as_ref().is_some_and(|a| !is_address(a)),
            "address",
            "it has 1 to 3 lines of street, a city, and a country code of ISO 3166-1",
        ),
    ];
    if let Some((_, field, why)) = faults.into_iter().find(|(bad, ..)| *bad) {
        return Err(invalid(field, why).into());
    }
    let holder = match p.iana_id {
        Some(iana) => db.get(&REGISTRAR_IANA, &iana)?,
        None => None,
    };
    if holder.is_some() && holder != own {
        return Err(invalid("iana_id", "another registrar has it").into());
    }
    Ok(())
}

pub(super) fn check_sessions(most: u32) -> Result<(), Refusal> {
    if (1..=SESSIONS_LIMIT).contains(&most) {
        return Ok(());
    }
    Err(invalid("sessions_max", &format!("1 to {SESSIONS_LIMIT} sessions")))
}

/// What is wrong with a telephone number.
const NUMBER: &str = "it reads +CC.NUMBER, for example +31.201234567";

fn is_address(a: &PostalAddress) -> bool {
    let optional = [&a.state, &a.postal_code];
    (1..=3).contains(&a.street.len())
        && a.street.iter().all(|line| is_text(line))
        && is_text(&a.city)
        && optional.iter().all(|t| t.as_deref().is_none_or(is_text))
        && is_country(&a.country)
}

fn invalid(field: &str, why: &str) -> Refusal {
    Refusal::RegistrarInvalid { field: field.into(), why: why.into() }
}

fn is_text(t: &str) -> bool {
    !t.trim().is_empty() && t.chars().count() <= TEXT_MAX && !t.contains(char::is_control)
}

/// Good enough to stand in a line of WHOIS or in JSON: a scheme, then something, without white space.
fn is_url(u: &str) -> bool {
    let rest = u.strip_prefix("https://").or_else(|| u.strip_prefix("http://"));
    rest.is_some_and(|r| !r.is_empty()) && is_text(u) && !u.contains(char::is_whitespace)
}

/// # Errors
/// As [`check`].
pub fn apply(tx: &mut Tx<'_>, by: &Actor, at: Timestamp, c: &RegistrarCreate) -> Result<Reply, Stop> {
    let folded = check(tx, by, c)?;
    let id = tx.next_id();
    let registrar = Registrar {
        handle: c.handle.clone(),
        created: at,
        updated: None,
        profile: c.profile.clone(),
        password: c.password.clone(),
        certificate: c.certificate,
        suspended: None,
        sessions_max: c.sessions_max,
    };
    tx.insert(&REGISTRAR, &id, &registrar)?;
    tx.insert(&REGISTRAR_HANDLE, &folded, &id)?;
    tx.add(&REGISTRAR_NAME, &(fold_name(&c.profile.name), id))?;
    if let Some(iana) = c.profile.iana_id {
        tx.insert(&REGISTRAR_IANA, &iana, &id)?;
    }
    Ok(Reply::RegistrarCreated { id })
}
