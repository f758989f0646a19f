//! The renewal that an expiry brings about: one year from that very instant, as often as is due.
//!
//! Not here yet: the renew command and the auto-renew grace period.

use super::Domain;
use crate::{
    command::Command,
    due::{AUTO_RENEW, EXPIRY},
    journal::{Change, Due, Pen},
    name::DomainName,
    poll::{self, Message, News},
    refusal::Stop,
    tables::{DOMAIN, DUE},
    time::Timestamp,
};
use storage::Tx;

/// The domain after every renewal that is due at `at`.
pub fn settled(mut domain: Domain, at: Timestamp) -> Domain {
    while let Some(renewed) = next(&domain, at) {
        domain = renewed;
    }
    domain
}

/// One renewal, if one is due.
fn next(domain: &Domain, at: Timestamp) -> Option<Domain> {
    let expiry = domain.expiry.plus_years(1);
    (domain.expiry <= at && expiry > domain.expiry).then(|| Domain { expiry, ..domain.clone() })
}

/// Writes the due renewals of a domain: its record, its due row, a journal row and a message for each.
///
/// # Errors
/// A storage fault.
pub fn auto_renew(
    tx: &mut Tx<'_>,
    c: &Command,
    (name, mut domain): (&DomainName, Domain),
    at: Timestamp,
    pen: &mut Pen,
) -> Result<(), Stop> {
    while let Some(renewed) = next(&domain, at) {
        tx.replace(&DOMAIN, name, &domain, &renewed)?;
        tx.drop_key(&DUE, &(domain.expiry.0, EXPIRY, name.clone()))?;
        tx.add(&DUE, &(renewed.expiry.0, EXPIRY, name.clone()))?;
        let news = News::DomainAutoRenewed { name: name.to_string(), expiry: renewed.expiry };
        poll::notify(tx, domain.sponsor, &Message { at: domain.expiry, news })?;
        let changes = vec![Change { field: "expiry".into(), old: domain.expiry.to_string().into() }];
        pen.due(tx, c, domain.expiry, Due { verb: AUTO_RENEW, object: name.as_str(), changes })?;
        domain = renewed;
    }
    Ok(())
}
