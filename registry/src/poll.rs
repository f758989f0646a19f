//! The message queue of a registrar (RFC 5730 section 2.9.2.3): written by what happens, read and acknowledged
//! in order.

use crate::{
    actor::Actor,
    outcome::Reply,
    refusal::{Refusal, Stop},
    tables::{POLL, POLL_QUEUE},
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

/// What is known of a registrar's queue without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    pub waiting: u64,
    /// No message before this one waits: where the search for the first begins, so that it never passes over what
    /// was acknowledged.
    pub head: u64,
}

impl Record for Queue {}

/// The oldest message of a registrar, and how many wait.
///
/// # Errors
/// A storage fault.
pub fn first(db: &impl Read, registrar: u64) -> Result<Option<(u64, Message, u64)>, Fault> {
    let Some(queue) = db.get(&POLL_QUEUE, &registrar)? else { return Ok(None) };
    let found = db.range(&POLL, (registrar, queue.head)..=(registrar, u64::MAX)).next().transpose()?;
    Ok(found.map(|((_, id), message)| (id, message, queue.waiting)))
}

/// How many messages wait for a registrar.
///
/// # Errors
/// A storage fault.
pub fn waiting(db: &impl Read, registrar: u64) -> Result<u64, Fault> {
    Ok(db.get(&POLL_QUEUE, &registrar)?.map_or(0, |queue| queue.waiting))
}

/// Puts a message into a registrar's queue.
///
/// # Errors
/// A storage fault.
pub fn notify(tx: &mut Tx<'_>, registrar: u64, message: &Message) -> Result<(), Fault> {
    let id = tx.next_id();
    tx.insert(&POLL, &(registrar, id), message)?;
    match tx.get(&POLL_QUEUE, &registrar)? {
        Some(old) => tx.replace(&POLL_QUEUE, &registrar, &old, &Queue { waiting: old.waiting + 1, ..old }),
        None => tx.insert(&POLL_QUEUE, &registrar, &Queue { waiting: 1, head: id }),
    }
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
    let old = tx.get(&POLL_QUEUE, &registrar)?.unwrap_or_default();
    let next = first(tx, registrar)?.map(|(id, ..)| id);
    let queue = Queue { waiting: old.waiting.saturating_sub(1), head: next.unwrap_or(c.message) };
    tx.replace(&POLL_QUEUE, &registrar, &old, &queue)?;
    Ok(Reply::Acknowledged { left: queue.waiting, next })
}
