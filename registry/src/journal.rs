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
use storage::{Fault, Read, Record, Tx};

/// Log index and step: a command may settle due work first, each piece a row of its own.
pub type JournalKey = (u64, u16);

/// How long an outcome is remembered after the command was issued, in state time.
pub const REMEMBERED_MS: i64 = 180_000;
/// A command older than this, without an outcome, is not carried out; nor is one that claims to come from further
/// ahead than any clock may be. So what is forgotten can't be done a second time.
pub const EXPIRES_MS: i64 = 60_000;

/// Whether a command issued at `issued` may still be carried out at state time `at`.
pub fn is_timely(issued: Timestamp, at: Timestamp) -> bool {
    at <= issued.plus_ms(EXPIRES_MS) && issued <= at.plus_ms(EXPIRES_MS)
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRow {
    /// State time when the row was written: never decreases along the journal.
    pub at: Timestamp,
    /// For due work, the instant from which it counts; `None` for a command.
    pub due: Option<Timestamp>,
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

impl Change {
    pub fn new(field: &str, old: &str) -> Change {
        Change { field: field.into(), old: old.into() }
    }
}

/// Appends rows for one log entry, step by step.
#[derive(Debug)]
pub struct Pen {
    index: u64,
    at: Timestamp,
    step: u16,
}

impl Pen {
    /// For the entry at `index`, applied at state time `at`.
    pub fn new(index: u64, at: Timestamp) -> Pen {
        Pen { index, at, step: 0 }
    }

    /// Writes a row for due work that time brought about; `c` is the command that let it run.
    ///
    /// # Errors
    /// A storage fault.
    pub fn due(&mut self, tx: &mut Tx<'_>, c: &Command, work: Due<'_>) -> Result<(), Fault> {
        let row = JournalRow {
            at: self.at,
            due: Some(work.at),
            issued: c.issued,
            svtrid: c.svtrid,
            by: Actor::System,
            verb: work.verb.into(),
            object: work.object.into(),
            outcome: work.outcome,
            changes: work.changes,
        };
        self.write(tx, &row).map(drop)
    }

    /// Writes the command's own row and remembers its outcome.
    ///
    /// # Errors
    /// A storage fault.
    pub fn command(
        &mut self,
        tx: &mut Tx<'_>,
        c: &Command,
        outcome: Outcome,
        changes: Vec<Change>,
    ) -> Result<(), Fault> {
        let row = JournalRow {
            at: self.at,
            due: None,
            issued: c.issued,
            svtrid: c.svtrid,
            by: c.by.clone(),
            verb: c.verb.name().into(),
            object: c.verb.object().into(),
            outcome,
            changes,
        };
        let key = self.write(tx, &row)?;
        remember(tx, c.svtrid, c.issued, key)
    }

    /// A wrapped step would overwrite history; the panic costs the command alone.
    fn write(&mut self, tx: &mut Tx<'_>, row: &JournalRow) -> Result<JournalKey, Fault> {
        let key = (self.index, self.step);
        self.step = self.step.checked_add(1).expect("one log entry writes fewer than 65,536 journal rows");
        tx.insert(&JOURNAL, &key, row)?;
        Ok(key)
    }
}

/// Due work as the journal names it.
#[derive(Debug)]
pub struct Due<'a> {
    pub verb: &'a str,
    pub object: &'a str,
    /// The instant from which it counts.
    pub at: Timestamp,
    pub outcome: Outcome,
    pub changes: Vec<Change>,
}

fn remember(tx: &mut Tx<'_>, svtrid: SvTrid, issued: Timestamp, key: JournalKey) -> Result<(), Fault> {
    tx.insert(&OUTCOME, &svtrid, &key)?;
    tx.add(&OUTCOME_UNTIL, &(issued.plus_ms(REMEMBERED_MS).0, svtrid))
}

/// Whether the outcome of a command issued at `issued` is remembered at state time `now`. It depends on nothing
/// else, so a node that has just rebuilt its memory answers as all others do.
fn is_remembered(issued: Timestamp, now: Timestamp) -> bool {
    now <= issued.plus_ms(REMEMBERED_MS)
}

/// The outcome of a command that is still remembered.
///
/// # Errors
/// A storage fault.
pub fn remembered(db: &impl Read, svtrid: &SvTrid) -> Result<Option<Outcome>, Fault> {
    let Some(key) = db.get(&OUTCOME, svtrid)? else { return Ok(None) };
    let now = Timestamp(db.header().state_time);
    let row = db.get(&JOURNAL, &key)?.filter(|row| is_remembered(row.issued, now));
    Ok(row.map(|row| row.outcome))
}

/// Forgets outcomes whose time is over; at most `limit` of them, so that no entry pays for many.
///
/// # Errors
/// A storage fault.
pub fn forget(tx: &mut Tx<'_>, limit: usize) -> Result<(), Fault> {
    let end = (tx.header().state_time, SvTrid { node: 0, boot: 0, seq: 0 });
    let over: Vec<_> = tx.keys(&OUTCOME_UNTIL, ..end).take(limit).collect::<Result<_, _>>()?;
    for (until, svtrid) in over {
        if let Some(key) = tx.get(&OUTCOME, &svtrid)? {
            tx.remove(&OUTCOME, &svtrid, &key)?;
        }
        tx.drop_key(&OUTCOME_UNTIL, &(until, svtrid))?;
    }
    Ok(())
}

/// Rebuilds the memory of outcomes from the journal's tail: after a start and after a snapshot was installed.
/// Returns how many are remembered.
///
/// # Errors
/// A storage fault.
pub fn rebuild(tx: &mut Tx<'_>) -> Result<usize, Fault> {
    let tail = tail(tx)?;
    let count = tail.len();
    for (svtrid, issued, key) in tail {
        if !tx.has(&OUTCOME, &svtrid)? {
            remember(tx, svtrid, issued, key)?;
        }
    }
    Ok(count)
}

/// The commands whose outcomes are remembered now, newest first. The search ends at the first row that was written
/// too early for any such command to stand before it.
fn tail(db: &impl Read) -> Result<Vec<(SvTrid, Timestamp, JournalKey)>, Fault> {
    let now = Timestamp(db.header().state_time);
    let mut found = Vec::new();
    for item in db.range_rev(&JOURNAL, ..) {
        let (key, row) = item?;
        if row.at.plus_ms(EXPIRES_MS + REMEMBERED_MS) < now {
            break;
        }
        if row.due.is_none() && is_remembered(row.issued, now) {
            found.push((row.svtrid, row.issued, key));
        }
    }
    Ok(found)
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Searched {
    Found(Box<JournalRow>),
    /// No command that was issued since then has this identifier.
    Absent,
    /// Nobody waits for the answer any more.
    GivenUp,
}

/// Rows of a search between two questions whether it shall go on.
const ROWS_AT_A_TIME: usize = 4096;

/// The row of a command issued at `since` or later, searched backwards: what `outcome` answers from when the command is
/// no longer remembered. The journal is as long as the registry is old, so the search ends at the first row that was
/// written too early, or when `wanted` says no.
///
/// # Errors
/// A storage fault.
pub fn search(
    db: &impl Read,
    svtrid: &SvTrid,
    since: Timestamp,
    wanted: impl Fn() -> bool,
) -> Result<Searched, Fault> {
    for (n, item) in db.range_rev(&JOURNAL, ..).enumerate() {
        let (_, row) = item?;
        if row.at.plus_ms(EXPIRES_MS) < since {
            break;
        }
        if n % ROWS_AT_A_TIME == 0 && !wanted() {
            return Ok(Searched::GivenUp);
        }
        if row.svtrid == *svtrid && row.due.is_none() {
            return Ok(Searched::Found(Box::new(row)));
        }
    }
    Ok(Searched::Absent)
}
