//! What must happen later, by time: today the renewal of a domain at its expiry.
//!
//! A due row takes effect at its due instant, not when it runs: dates count from there. Two doors lead here: the
//! leader's `Tick`, and every command, which first settles the objects that it touches.

use crate::{
    Reply,
    command::{Command, Verb},
    domain,
    journal::Pen,
    name::DomainName,
    refusal::Stop,
    tables::{DOMAIN, DUE},
    time::Timestamp,
    tld,
};
use std::ops::Bound;
use storage::{Fault, Read, Tx};

/// The journal's word for the renewal that a domain's expiry brings about.
pub const AUTO_RENEW: &str = "auto_renew";
/// The kind of a due row: a domain's expiry.
pub const EXPIRY: u8 = 1;
/// Items of one tick at most.
pub const TICK_MAX: u16 = 500;

/// Whether something is due at `at`.
///
/// # Errors
/// A storage fault.
pub fn is_due(db: &impl Read, at: Timestamp) -> Result<bool, Fault> {
    Ok(db.keys(&DUE, upto(at)).next().transpose()?.is_some())
}

/// Does the oldest due items, at most `limit`.
///
/// # Errors
/// A storage fault.
pub fn tick(tx: &mut Tx<'_>, c: &Command, limit: u16, pen: &mut Pen) -> Result<Reply, Stop> {
    let at = Timestamp(tx.header().state_time);
    let limit = limit.clamp(1, TICK_MAX);
    let due: Vec<_> = tx.keys(&DUE, upto(at)).take(limit.into()).collect::<Result<_, _>>()?;
    let done = u32::try_from(due.len()).unwrap_or(u32::MAX);
    for (_, _, name) in due {
        settle(tx, c, &name, pen)?;
    }
    Ok(Reply::Ticked { done, more: is_due(tx, at)? })
}

/// Settles the domains that a command touches, before it is checked.
///
/// # Errors
/// A storage fault.
pub fn settle_touched(tx: &mut Tx<'_>, c: &Command, pen: &mut Pen) -> Result<(), Stop> {
    match &c.verb {
        Verb::DomainCreate(v) => match DomainName::parse(&v.name) {
            Ok(name) => settle(tx, c, &name, pen),
            Err(_) => Ok(()),
        },
        Verb::HostCreate(v) => match DomainName::parse(&v.name) {
            Ok(name) => match tld::place(tx, &name)?.domain() {
                Some(superordinate) => settle(tx, c, superordinate, pen),
                None => Ok(()),
            },
            Err(_) => Ok(()),
        },
        Verb::Beat
        | Verb::Tick { .. }
        | Verb::Mark
        | Verb::RepositoryFound(_)
        | Verb::RegistrarCreate(_)
        | Verb::RegistrarPassword(_)
        | Verb::TldCreate(_)
        | Verb::MarkName(_)
        | Verb::UnmarkName(_)
        | Verb::ContactCreate(_)
        | Verb::PollAck(_) => Ok(()),
    }
}

fn settle(tx: &mut Tx<'_>, c: &Command, name: &DomainName, pen: &mut Pen) -> Result<(), Stop> {
    let at = Timestamp(tx.header().state_time);
    match tx.get(&DOMAIN, name)? {
        Some(domain) => domain::renew::auto_renew(tx, c, (name, domain), at, pen),
        None => Ok(()),
    }
}

/// Due rows up to and including `at`.
fn upto(at: Timestamp) -> (Bound<(i64, u8, DomainName)>, Bound<(i64, u8, DomainName)>) {
    let end = (at.0.saturating_add(1), 0, DomainName::lowest());
    (Bound::Unbounded, Bound::Excluded(end))
}
