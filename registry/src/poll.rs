//! The message queue of a registrar (RFC 5730 section 2.9.2.3): written by what happens, read and acknowledged
//! in order.

use crate::{
    actor::Actor,
    outcome::Reply,
    refusal::{Refusal, Stop},
    tables::{POLL, POLL_COUNT},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use storage::{Fault, Read, Record, Tx};

/// A message waiting for a registrar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub at: Timestamp,
    pub news: News,
}

impl Record for Message {}

/// What a message tells. The order is replicated: append only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum News {
    DomainAutoRenewed { name: String, expiry: Timestamp },
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            News::DomainAutoRenewed { name, expiry } => {
                write!(f, "{name} reached its expiry and was renewed until {expiry}")
            }
        }
    }
}

/// Acknowledges a message: it leaves the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollAck {
    pub message: u64,
}

/// The oldest message of a registrar, and how many wait.
///
/// # Errors
/// A storage fault.
pub fn first(db: &impl Read, registrar: u64) -> Result<Option<(u64, Message, u64)>, Fault> {
    let Some(first) = db.range(&POLL, queue_of(registrar)).next() else { return Ok(None) };
    let ((_, id), message) = first?;
    Ok(Some((id, message, waiting(db, registrar)?)))
}

/// How many messages wait for a registrar.
///
/// # Errors
/// A storage fault.
pub fn waiting(db: &impl Read, registrar: u64) -> Result<u64, Fault> {
    Ok(db.get(&POLL_COUNT, &registrar)?.unwrap_or(0))
}

fn recount(tx: &mut Tx<'_>, registrar: u64, change: i64) -> Result<(), Fault> {
    match tx.get(&POLL_COUNT, &registrar)? {
        Some(old) => tx.replace(&POLL_COUNT, &registrar, &old, &old.saturating_add_signed(change)),
        None => tx.insert(&POLL_COUNT, &registrar, &u64::try_from(change).unwrap_or(0)),
    }
}

/// Puts a message into a registrar's queue.
///
/// # Errors
/// A storage fault.
pub fn notify(tx: &mut Tx<'_>, registrar: u64, message: &Message) -> Result<(), Fault> {
    let id = tx.next_id();
    tx.insert(&POLL, &(registrar, id), message)?;
    recount(tx, registrar, 1)
}

/// # Errors
/// Not a registrar, or no such message in its queue.
pub fn check(db: &impl Read, by: &Actor, c: &PollAck) -> Result<(u64, Message), Stop> {
    let missing = || Refusal::MessageNotFound { id: c.message.to_string() };
    let registrar = by.registrar().ok_or_else(missing)?;
    let message = db.get(&POLL, &(registrar, c.message))?.ok_or_else(missing)?;
    Ok((registrar, message))
}

/// # Errors
/// As [`check`].
pub fn apply(tx: &mut Tx<'_>, by: &Actor, c: &PollAck) -> Result<Reply, Stop> {
    let (registrar, message) = check(tx, by, c)?;
    tx.remove(&POLL, &(registrar, c.message), &message)?;
    recount(tx, registrar, -1)?;
    let (next, left) = first(tx, registrar)?.map_or((None, 0), |(id, _, count)| (Some(id), count));
    Ok(Reply::Acknowledged { left, next })
}

fn queue_of(registrar: u64) -> std::ops::RangeInclusive<(u64, u64)> {
    (registrar, 0)..=(registrar, u64::MAX)
}
