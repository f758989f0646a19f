//! The renewal that an expiry brings about: one year from that very instant, as often as is due.
//!
//! Not here yet: the renew command and the auto-renew grace period.

use super::Domain;
use crate::{
    command::Command,
    due::{AUTO_RENEW, EXPIRY},
    journal::{Change, Due, Pen},
    name::DomainName,
    outcome::{Outcome, Reply},
    poll::{self, Message, News},
    refusal::Stop,
    tables::{DOMAIN, DUE},
    time::Timestamp,
};
use storage::{Read, Tx};

/// Whether the domain has reached its expiry at `at` and can be renewed (the last expiry there is, in the year
/// 9999, can't).
pub fn is_due(domain: &Domain, at: Timestamp) -> bool {
    domain.expiry <= at && domain.expiry.plus_years(1) > domain.expiry
}

/// The domain after every renewal that is due at `at`.
pub fn settled(mut domain: Domain, at: Timestamp) -> Domain {
    while is_due(&domain, at) {
        domain.expiry = domain.expiry.plus_years(1);
    }
    domain
}

/// Writes one renewal of a domain that is due: its record, its due row, a journal row and a message to the sponsor.
///
/// # Errors
/// A storage fault.
pub fn renew_once(
    tx: &mut Tx<'_>,
    c: &Command,
    (name, domain): (&DomainName, &Domain),
    pen: &mut Pen,
) -> Result<Domain, Stop> {
    let renewed = Domain { expiry: domain.expiry.plus_years(1), ..domain.clone() };
    tx.replace(&DOMAIN, name, domain, &renewed)?;
    let due = (domain.expiry.0, EXPIRY, name.clone());
    // absent where a defect was met before, and the renewal put off
    if tx.contains(&DUE, &due)? {
        tx.drop_key(&DUE, &due)?;
    }
    tx.add(&DUE, &(renewed.expiry.0, EXPIRY, name.clone()))?;
    let news = News::DomainAutoRenewed { name: name.to_string(), expiry: renewed.expiry };
    poll::notify(tx, domain.sponsor, &Message { at: domain.expiry, news })?;
    let changes = vec![Change::new("expiry", &domain.expiry.to_string())];
    let (object, outcome) = (name.as_str(), Outcome::Done(Reply::Ok));
    pen.due(tx, c, Due { verb: AUTO_RENEW, object, at: domain.expiry, outcome, changes })?;
    Ok(renewed)
}
