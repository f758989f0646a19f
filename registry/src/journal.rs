//! The journal: one row for each command (refused ones too) and for each piece of due work, in log order, kept
//! for ever. It is the audit log, and the memory from which resent commands are answered.

use crate::{
    actor::Actor,
    command::Command,
    outcome::Outcome,
    svtrid::SvTrid,
    tables::{JOURNAL, OUTCOME, OUTCOME_UNTIL},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::ops::Bound;
use storage::{Fault, Read, Record, Tx};

/// Log index and step: a command may settle due work first, each piece a row of its own.
pub type JournalKey = (u64, u16);

/// How long an outcome is remembered after the command was issued, in state time.
pub const REMEMBERED_MS: i64 = 180_000;
/// A command older than this, without an outcome, is not carried out.
pub const EXPIRES_MS: i64 = 60_000;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRow {
    pub at: Timestamp,
    pub issued: Timestamp,
    pub svtrid: SvTrid,
    pub by: Actor,
    /// [`crate::Verb::name`], or the name of the due work.
    pub verb: Box<str>,
    pub object: Box<str>,
    pub outcome: Outcome,
    pub changes: Vec<Change>,
}

impl Record for JournalRow {}

/// A field that changed and the value it had: the change, not the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub field: Box<str>,
    pub old: Box<str>,
}

/// Appends rows for one log entry, step by step.
#[derive(Debug)]
pub struct Pen {
    index: u64,
    step: u16,
}

impl Pen {
    pub fn new(index: u64) -> Pen {
        Pen { index, step: 0 }
    }

    /// Writes a row for due work that time brought about.
    ///
    /// # Errors
    /// A storage fault.
    pub fn due(&mut self, tx: &mut Tx<'_>, c: &Command, at: Timestamp, work: Due<'_>) -> Result<(), Fault> {
        let row = JournalRow {
            at,
            issued: c.issued,
            svtrid: c.svtrid,
            by: Actor::System,
            verb: work.verb.into(),
            object: work.object.into(),
            outcome: Outcome::Done(crate::Reply::Ok),
            changes: work.changes,
        };
        self.write(tx, &row).map(drop)
    }

    /// Writes the command's own row and remembers its outcome.
    ///
    /// # Errors
    /// A storage fault.
    pub fn command(&mut self, tx: &mut Tx<'_>, c: &Command, done: Written) -> Result<(), Fault> {
        let row = JournalRow {
            at: done.at,
            issued: c.issued,
            svtrid: c.svtrid,
            by: c.by.clone(),
            verb: c.verb.name().into(),
            object: c.verb.object().into(),
            outcome: done.outcome,
            changes: done.changes,
        };
        let key = self.write(tx, &row)?;
        remember(tx, &row, key)
    }

    fn write(&mut self, tx: &mut Tx<'_>, row: &JournalRow) -> Result<JournalKey, Fault> {
        let key = (self.index, self.step);
        self.step += 1;
        tx.insert(&JOURNAL, &key, row)?;
        Ok(key)
    }
}

/// Due work as the journal names it.
#[derive(Debug)]
pub struct Due<'a> {
    pub verb: &'a str,
    pub object: &'a str,
    pub changes: Vec<Change>,
}

/// The end of a command as the journal keeps it.
#[derive(Debug)]
pub struct Written {
    pub at: Timestamp,
    pub outcome: Outcome,
    pub changes: Vec<Change>,
}

fn remember(tx: &mut Tx<'_>, row: &JournalRow, key: JournalKey) -> Result<(), Fault> {
    let until = row.issued.plus_ms(REMEMBERED_MS).0;
    tx.insert(&OUTCOME, &row.svtrid, &key)?;
    tx.add(&OUTCOME_UNTIL, &(until, row.svtrid))
}

/// The outcome of a command that is still remembered.
///
/// # Errors
/// A storage fault.
pub fn remembered(db: &impl Read, svtrid: &SvTrid) -> Result<Option<Outcome>, Fault> {
    let Some(key) = db.get(&OUTCOME, svtrid)? else { return Ok(None) };
    Ok(db.get(&JOURNAL, &key)?.map(|row| row.outcome))
}

/// Forgets outcomes whose time is over; at most `limit` of them, so that no entry pays for many.
///
/// # Errors
/// A storage fault.
pub fn forget(tx: &mut Tx<'_>, limit: usize) -> Result<(), Fault> {
    let now = tx.header().state_time;
    let end = (now, SvTrid { node: 0, boot: 0, seq: 0 });
    let over: Vec<_> = tx
        .keys(&OUTCOME_UNTIL, (Bound::Unbounded, Bound::Excluded(end)))
        .take(limit)
        .collect::<Result<_, _>>()?;
    for (until, svtrid) in over {
        if let Some(key) = tx.get(&OUTCOME, &svtrid)? {
            tx.remove(&OUTCOME, &svtrid, &key)?;
        }
        tx.drop_key(&OUTCOME_UNTIL, &(until, svtrid))?;
    }
    Ok(())
}

/// Rebuilds the memory of outcomes from the journal's tail: after a start and after a snapshot was installed.
///
/// # Errors
/// A storage fault.
pub fn rebuild(tx: &mut Tx<'_>) -> Result<usize, Fault> {
    let since = tx.header().state_time - REMEMBERED_MS;
    let rows: Vec<_> = tail(tx, since)?;
    let count = rows.len();
    for (key, row) in rows {
        if !tx.has(&OUTCOME, &row.svtrid)? {
            remember(tx, &row, key)?;
        }
    }
    Ok(count)
}

/// Command rows written at or after `since`, newest first.
fn tail(db: &impl Read, since: i64) -> Result<Vec<(JournalKey, JournalRow)>, Fault> {
    let mut found = Vec::new();
    for item in db.range_rev(&JOURNAL, ..) {
        let (key, row) = item?;
        if row.at.0 < since {
            break;
        }
        if row.by != Actor::System || &*row.verb != crate::due::AUTO_RENEW {
            found.push((key, row));
        }
    }
    Ok(found)
}

/// The row of a command, searched backwards through the whole journal: what `outcome` answers from when the
/// command is no longer remembered.
///
/// # Errors
/// A storage fault.
pub fn search(db: &impl Read, svtrid: &SvTrid) -> Result<Option<JournalRow>, Fault> {
    for item in db.range_rev(&JOURNAL, ..) {
        let (_, row) = item?;
        if row.svtrid == *svtrid && &*row.verb != crate::due::AUTO_RENEW {
            return Ok(Some(row));
        }
    }
    Ok(None)
}
