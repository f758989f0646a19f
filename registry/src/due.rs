//! What must happen later, by time: today the renewal of a domain at its expiry, and of one that failed once more.
//!
//! A due row takes effect at its due instant, not when it runs: dates count from there. Two doors lead here: the
//! leader's `Tick`, and every command, which first settles the objects that it touches.

use crate::{
    Outcome, Reply,
    command::{Command, Verb},
    domain,
    journal::{Due, Pen},
    name::DomainName,
    refusal::Stop,
    tables::{DOMAIN, DUE},
    time::Timestamp,
    tld,
};
use storage::{Fault, Read, Tx};

/// The journal's word for the renewal that a domain's expiry brings about.
pub const AUTO_RENEW: &str = "auto_renew";
/// The kind of a due row: a domain's expiry.
pub const EXPIRY: u8 = 1;
/// The kind of a due row: an expiry whose renewal met a defect, to be tried again.
pub const RETRY: u8 = 2;
/// How long a renewal that met a defect is put off: a day.
pub const RETRY_MS: i64 = 86_400_000;
/// Items of one tick at most.
pub const TICK_MAX: u16 = 500;

/// The limit of the next tick after one that came to `outcome`: half where a defect was met, until the item that
/// meets it is alone and is [put off](put_off); then more and more again.
pub fn next_limit(limit: u16, outcome: &Outcome) -> u16 {
    match outcome {
        Outcome::Internal => (limit / 2).max(1),
        _ => limit.saturating_mul(2).min(TICK_MAX),
    }
}

/// Whether something is due at `at`.
///
/// # Errors
/// A storage fault.
pub fn is_due(db: &impl Read, at: Timestamp) -> Result<bool, Fault> {
    Ok(db.keys(&DUE, upto(at)).next().transpose()?.is_some())
}

/// Does the oldest due items, at most `limit`. An item is one row of the due table: a name that missed several
/// years comes back in the next tick, so that no tick is longer than its limit.
///
/// # Errors
/// A storage fault.
pub fn tick(tx: &mut Tx<'_>, c: &Command, limit: u16, pen: &mut Pen) -> Result<Reply, Stop> {
    let at = Timestamp(tx.header().state_time);
    let limit = usize::from(limit.clamp(1, TICK_MAX));
    // one more than is done, to see whether more is due without a second search
    let due: Vec<_> = tx.keys(&DUE, upto(at)).take(limit + 1).collect::<Result<_, _>>()?;
    let (mut done, mut more) = (0, due.len() > limit);
    for (instant, kind, name) in due.iter().take(limit) {
        more |= work_off(tx, c, (*instant, *kind, name), pen)?;
        done += 1;
    }
    Ok(Reply::Ticked { done, more })
}

/// Does one item; whether the next one of the same object is due, too.
fn work_off(
    tx: &mut Tx<'_>,
    c: &Command,
    (instant, kind, name): (i64, u8, &DomainName),
    pen: &mut Pen,
) -> Result<bool, Stop> {
    let at = Timestamp(tx.header().state_time);
    match tx.get(&DOMAIN, name)? {
        Some(domain) if kind == EXPIRY && domain.expiry.0 == instant => {
            let renewed = domain::renew::renew_once(tx, c, (name, &domain), pen)?;
            Ok(domain::renew::is_due(&renewed, at))
        }
        Some(domain) if kind == RETRY => {
            tx.drop_key(&DUE, &(instant, kind, name.clone()))?;
            // a command may have settled it meanwhile
            if !domain::renew::is_due(&domain, at) {
                return Ok(false);
            }
            let renewed = domain::renew::renew_once(tx, c, (name, &domain), pen)?;
            Ok(domain::renew::is_due(&renewed, at))
        }
        // left in place it would be the oldest item for ever, and no later one would be reached
        Some(_) | None => {
            tracing::error!(%name, instant, kind, "a due row that fits no domain was dropped: a defect");
            tx.drop_key(&DUE, &(instant, kind, name.clone()))?;
            Ok(false)
        }
    }
}

/// Takes the oldest due item, whose rule panicked, out of the way of all others, for a day. Its row of the journal has
/// the outcome [`Outcome::Internal`].
///
/// # Errors
/// A storage fault.
pub fn put_off(tx: &mut Tx<'_>, c: &Command, pen: &mut Pen) -> Result<(), Fault> {
    let at = Timestamp(tx.header().state_time);
    let Some((instant, kind, name)) = tx.keys(&DUE, upto(at)).next().transpose()? else { return Ok(()) };
    let (due, again) = (Timestamp(instant), at.plus_ms(RETRY_MS));
    tracing::error!(%name, %due, %again, "a renewal met a defect and was put off");
    tx.drop_key(&DUE, &(instant, kind, name.clone()))?;
    let retry = (again.0, RETRY, name.clone());
    if !tx.contains(&DUE, &retry)? {
        tx.add(&DUE, &retry)?;
    }
    let (object, changes) = (name.as_str(), Vec::new());
    pen.due(tx, c, Due { verb: AUTO_RENEW, object, at: due, outcome: Outcome::Internal, changes })
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
        | Verb::PollAck(_)
        | Verb::RegistrarSuspend(_)
        | Verb::RegistrarResume(_)
        | Verb::KeyPropose(_)
        | Verb::KeyActivate(_)
        | Verb::Reseal(_)
        | Verb::KeyRetire(_)
        | Verb::AuthInfoUnset(_)
        | Verb::KeyRetired(_)
        | Verb::NodeAllocate(_)
        | Verb::NodeRemove(_)
        | Verb::RegistrarUpdate(_) => Ok(()),
    }
}

/// Does everything that is due for one domain, however many years it missed.
fn settle(tx: &mut Tx<'_>, c: &Command, name: &DomainName, pen: &mut Pen) -> Result<(), Stop> {
    let at = Timestamp(tx.header().state_time);
    let Some(mut domain) = tx.get(&DOMAIN, name)? else { return Ok(()) };
    while domain::renew::is_due(&domain, at) {
        domain = domain::renew::renew_once(tx, c, (name, &domain), pen)?;
    }
    Ok(())
}

/// Due rows up to and including `at`; what would be due at the last instant there is never falls due.
fn upto(at: Timestamp) -> std::ops::RangeTo<(i64, u8, DomainName)> {
    let end = at.plus_ms(1).min(Timestamp::LAST);
    ..(end.0, 0, DomainName::lowest())
}
